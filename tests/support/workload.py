"""Writers and readers that verify themselves while curators and etcd fail.

What is checked, of one `Ledger` that all threads share:
- an acknowledged write is in every read that began after its acknowledgement;
- what one read has shown, no later read takes back: neither a node nor its state;
- nothing appears that nobody wrote, and nothing twice;
- a counter, advanced by compare-and-set, has taken every value once: a write applied
  twice, or lost after its acknowledgement, leaves it where it must not be. (A server
  that cannot change its configuration has no such counter; report() says so.)
"""

import os
import ssl
import subprocess
import threading
import time

import grpc

import stubs
from leader_follower import OPTIONS, TERM, is_unsupported
from google.protobuf import field_mask_pb2

NEW, STANDBY, UP = 1, 2, 3
PAUSE_SECONDS = 0.03
ATTEMPT_SECONDS = 2
_SPKI_ED25519 = bytes.fromhex("302a300506032b6570032100")


class EphemeralKey:
    """An Ed25519 key, fresh or `key` (PEM), and the certificate it signed itself."""

    def __init__(self, key=None):
        source = ["-newkey", "ed25519", "-nodes", "-keyout", "-"]
        if key is not None:
            source = ["-key", "/dev/stdin"]
        made = subprocess.run(["openssl", "req", "-x509", *source, "-subj", "/CN=any", "-days",
                               "30"], check=True, capture_output=True, input=key)
        pem = made.stdout + (key or b"")
        begin = pem.index(b"-----BEGIN CERTIFICATE")
        end = pem.index(b"-----END PRIVATE KEY-----")
        self.certificate = pem[begin:] if begin > end else pem[begin:pem.index(b"-----BEGIN PRIVATE")]
        self.key = pem[pem.index(b"-----BEGIN PRIVATE"):end] + b"-----END PRIVATE KEY-----\n"
        der = ssl.PEM_cert_to_DER_cert(self.certificate.decode().strip())
        at = der.index(_SPKI_ED25519) + len(_SPKI_ED25519)
        self.public = der[at:at + 32]
        self.node_id = "metropolis-" + self.public[:16].hex()


class Ledger:
    """The least that a read which begins now must show, and what went wrong."""

    def __init__(self):
        self._lock = threading.Lock()
        self._floor = {}
        self._attempted = set()
        self.counter = 0
        self.violations = []
        self.successes = {}

    def know(self, states):
        with self._lock:
            self._floor.update(states)
            self._attempted |= states.keys()

    def attempt(self, node_id):
        with self._lock:
            self._attempted.add(node_id)

    def acknowledge(self, node_id, state):
        with self._lock:
            self._floor[node_id] = max(state, self._floor.get(node_id, 0))

    def begin_read(self):
        with self._lock:
            return dict(self._floor), self.counter

    def end_read(self, floor, nodes):
        """`nodes`: (id, state) pairs of a read that began when `floor` was copied."""
        shown = dict(nodes)
        with self._lock:
            if len(shown) != len(nodes):
                self.violate(f"a read shows a node twice: {sorted(nodes)}")
            for node_id, state in floor.items():
                if shown.get(node_id, 0) < state:
                    self.violate(f"{node_id} was in state {state} before the read began, "
                                 f"the read shows {shown.get(node_id, 'nothing')}")
            if strangers := shown.keys() - self._attempted:
                self.violate(f"nobody wrote {strangers}")
            for node_id, state in shown.items():
                self._floor[node_id] = max(state, self._floor.get(node_id, 0))

    def end_counter_read(self, floor, value):
        with self._lock:
            if value < floor:
                self.violate(f"the counter was {floor} before the read began, "
                             f"the read shows {value}")
            self.counter = max(self.counter, value)

    def violate(self, what):
        self.violations.append(f"{time.strftime('%H:%M:%S')} {what}")

    def succeed(self, kind):
        self.successes.setdefault(kind, []).append(time.monotonic())


class Workload:
    """`with Workload(cluster) as load:` inject failures; what is left to say is in load.

    Leaving the block stops the threads, reads once more, and raises AssertionError if
    anything was violated or a call never settled.
    """

    def __init__(self, cluster, patience=60, follower=None, write_pause=PAUSE_SECONDS):
        self._cluster = cluster
        self._patience = patience
        self._pauses = {self._register: write_pause}
        self._stop = threading.Event()
        self._failures = []
        self.ledger = Ledger()
        self.acknowledged = 0
        self.terms = {}  # node id -> term of the leader that registered it when first asked
        self._ticket = bytes.fromhex(cluster.ticket.read_text().strip())
        self._follower = follower or cluster.follower()
        self._kinds = {"register": self._register, "read": self._read, "count": self.count}
        self._threads = []

    def __enter__(self):
        try:
            self.ledger.know(dict(self._get_nodes()))
            try:
                self.count()
            except grpc.RpcError as error:
                if not is_unsupported(error):
                    raise
                del self._kinds["count"]
            for work in (*self._kinds.values(), self._register, self._read):
                self._threads.append(threading.Thread(target=self._guarded, args=(work,)))
                self._threads[-1].start()
            self.wait_for_successes()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            try:
                self.wait_for_successes()
            finally:
                self._end(verify=True)
            self.check()
        else:
            self._end()

    def _end(self, verify=False):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        try:
            if verify:
                self.read_once()
        finally:
            self._follower.close()

    def check(self):
        assert not self.ledger.violations, "\n".join(self.ledger.violations[:20])
        assert not self._failures, "\n".join(self._failures[:20])

    def wait_for_successes(self, seconds=60):
        """Until every kind of call has succeeded after now."""
        now, deadline = time.monotonic(), time.monotonic() + seconds

        def settled():
            return all(self.ledger.successes.get(kind, [0])[-1] > now
                       for kind in self._kinds)
        while not settled():
            self.check()
            if time.monotonic() > deadline:
                raise AssertionError(f"not all kinds of calls succeed within {seconds} s")
            self._stop.wait(PAUSE_SECONDS)

    def gaps(self):
        """The longest time without a success, of each kind of call."""
        return {kind: max(b - a for a, b in zip(times, times[1:]))
                for kind, times in self.ledger.successes.items()}

    def longest_gap(self):
        return max(self.gaps().values())

    def report(self):
        gaps = ", ".join(f"{kind} {gap:.2f} s" for kind, gap in self.gaps().items())
        return (f"{self.acknowledged} acknowledged writes, "
                f"{len(self.ledger.successes['read'])} reads; longest gaps: {gaps}"
                + ("" if "count" in self._kinds else "; no counter: the server lacks it"))

    # What the threads do.

    def _guarded(self, work):
        try:
            while not self._stop.wait(self._pauses.get(work, PAUSE_SECONDS)):
                work()
        except Exception as error:  # noqa: BLE001: it fails the test, in check()
            self._failures.append(f"{work.__name__}: {type(error).__name__}: {error}")

    def _settle(self, attempt):
        return self._follower.settle(attempt, time.monotonic() + self._patience)

    def _register(self):
        """A new node registers and is approved; both may be asked more than once."""
        key = EphemeralKey()
        self.ledger.attempt(key.node_id)
        register = stubs.curator_pb2.RegisterNodeRequest(register_ticket=self._ticket,
                                                         join_key=os.urandom(32))
        approve = stubs.management_pb2.ApproveNodeRequest(pubkey=key.public)

        asked = []

        def register_at(_, leader):
            asked.append(leader)
            with stubs.channel_of(leader[1], leader[2], self._cluster.ca, key.certificate, key.key,
                                  OPTIONS) as channel:
                _, call = stubs.curator(channel).RegisterNode.with_call(register,
                                                                        timeout=ATTEMPT_SECONDS)
                return int(dict(call.initial_metadata()).get(TERM, 0))
        term = self._settle(register_at)
        if len(asked) == 1:
            self.terms[key.node_id] = term
        self.ledger.acknowledge(key.node_id, NEW)
        self._settle(lambda channel, _: stubs.management(channel).ApproveNode(
            approve, timeout=ATTEMPT_SECONDS))
        self.ledger.acknowledge(key.node_id, STANDBY)
        self.acknowledged += 2
        self.ledger.succeed("register")

    def count(self):
        """Advances the counter. An attempt whose outcome nobody knows is repeated as it
        was: compare-and-set lets it apply once."""
        value = self._read_counter()
        asked = stubs.management_pb2.ConfigureClusterRequest(
            base_config=_configuration(value), new_config=_configuration(value + 1),
            update_mask=field_mask_pb2.FieldMask(paths=["kubernetes.node_labels_to_synchronize"]))
        try:
            self._settle(lambda channel, _: stubs.management(channel).ConfigureCluster(
                asked, timeout=ATTEMPT_SECONDS))
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.FAILED_PRECONDITION:
                raise
            # An earlier attempt was applied. Nobody else counts: it shows exactly one more.
        now = self._read_counter()
        if now != value + 1:
            self.ledger.violate(f"the counter was set from {value} to {value + 1}, it is {now}")
        self.acknowledged += 1
        self.ledger.succeed("count")

    def _read_counter(self):
        _, floor = self.ledger.begin_read()
        info = self._settle(lambda channel, _: stubs.management(channel).GetClusterInfo(
            stubs.management_pb2.GetClusterInfoRequest(), timeout=ATTEMPT_SECONDS))
        rules = info.cluster_configuration.kubernetes.node_labels_to_synchronize
        value = int(rules[0].regexp.removeprefix("counter-")) if rules else 0
        self.ledger.end_counter_read(floor, value)
        return value

    def _get_nodes(self):
        return self._settle(lambda channel, _: [
            (node.id, node.state) for node in stubs.management(channel).GetNodes(
                stubs.management_pb2.GetNodesRequest(), timeout=ATTEMPT_SECONDS)])

    def _read(self):
        self.read_once()
        self.ledger.succeed("read")

    def read_once(self):
        floor, _ = self.ledger.begin_read()
        self.ledger.end_read(floor, self._get_nodes())


def _configuration(value):
    configuration = stubs.common_pb2.ClusterConfiguration()
    configuration.kubernetes.SetInParent()
    if value:
        configuration.kubernetes.node_labels_to_synchronize.add(regexp=f"counter-{value}")
    return configuration
