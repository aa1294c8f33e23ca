"""A cluster with many nodes, the load driver, and what its processes cost.

Three curators and one etcd, as `curatord run` and Debian have them. Importing this sets
CURATOR_BIN to the release build if it is not set.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("CURATOR_BIN", str(ROOT / "build" / "release" / "bin"))
sys.path.insert(0, str(ROOT / "tests" / "support"))
import cluster  # noqa: E402
from cluster import eventually, free_address  # noqa: E402
from curators import CuratorCluster  # noqa: E402
from etcd import EtcdCluster  # noqa: E402

DRIVER = cluster.BIN / "curator_bench"
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
# Handshakes with addresses are errors in the log of gRPC.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6


def exec_to_exit(argv, out=os.devnull, environment=None):
    """Milliseconds. posix_spawn: subprocess adds more than a fast command takes."""
    began = time.perf_counter()
    pid = os.posix_spawnp(argv[0], argv, environment or os.environ, file_actions=[
        (os.POSIX_SPAWN_OPEN, 1, out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)])
    _, status = os.waitpid(pid, 0)
    took = 1000 * (time.perf_counter() - began)
    assert status == 0, f"{argv} ended with status {status}"
    return took


# What is measured is what a curator can do, not what it lets strangers do.
LIFTED_LIMITS = [word for name in ("new-nodes", "registration-burst", "registrations-per-second",
                                   "node-write-burst", "node-writes-per-second",
                                   "stranger-connections", "stranger-connections-per-address")
                 for word in ("--limit", f"{name}=1000000")]


class BenchCluster:
    """`nodes` of them, beside the three curators' own; keys of the first `known` are in
    the driver's hands, and those of `strangers`, who are not there yet."""

    def __init__(self, nodes=0, known=64, strangers=0, lease_ttl=10, etcd_members=1):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="curator-bench-"))
        self.etcd = self.curators = None
        self._running = []
        self.nodes = 0
        try:
            self.etcd = EtcdCluster(self.dir / "etcd", members=etcd_members)
            self.curators = CuratorCluster(self.dir / "cluster", [self.etcd.url()] * 3, lease_ttl,
                                           options=LIFTED_LIMITS)
            self.actors = self.dir / "actors"
            if nodes:
                self.grow(nodes, known, strangers, self.actors)
            self.find_roles()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for process in self._running:
            process.kill()
            process.wait()
        if self.curators is not None:
            self.curators.close()
        if self.etcd is not None:
            self.etcd.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def grow(self, nodes, known=0, strangers=0, actors=None):
        """To so many nodes; the curators are stopped meanwhile, so that they read them all
        at their start, as in life, not as news."""
        for curator in self.curators.curators:
            curator.kill(signal.SIGTERM)
        self._run("seed", "--store", self.etcd.url(), "--nodes", nodes - self.nodes,
                  "--known", known, "--strangers", strangers,
                  "--actors", actors or self.dir / "nobody")
        self.nodes = nodes
        for curator in self.curators.curators:
            self.curators.start(curator)
        self.curators.wait_until_whole(120)
        self.find_roles()

    def find_roles(self):
        self.leader = self.curators.leader()
        self.followers = [c for c in self.curators.curators if c is not self.leader]

    def pids(self):
        named = {"leader": self.leader.process.child.pid}
        for number, follower in enumerate(self.followers, 1):
            named[f"follower{number}"] = follower.process.child.pid
        for member in self.etcd.members:
            named[f"etcd-{member.name}"] = member.process.child.pid
        return named

    @contextlib.contextmanager
    def stopped(self):
        """The curators get no processor time; they lead again afterwards, if it took less
        than their lease."""
        for curator in self.curators.curators:
            cluster.stop_process(curator.process.child.pid)
        try:
            yield
        finally:
            for curator in self.curators.curators:
                curator.send(signal.SIGCONT)

    def cores(self, seconds):
        """Cores that each process keeps busy from now on."""
        pids = self.pids()
        before = {name: processor_seconds(pid) for name, pid in pids.items()}
        began = time.monotonic()
        time.sleep(seconds)
        elapsed = time.monotonic() - began
        return {name: (processor_seconds(pid) - before[name]) / elapsed
                for name, pid in pids.items()}

    def memory(self):
        return {name: resident_mb(pid) for name, pid in self.pids().items()}

    def settle(self, seconds=60):
        """Waits until nobody works: a warm-up, or the last load, has ended."""
        eventually(lambda: all(cores < 0.05 for cores in self.cores(1).values()), seconds,
                   "the processes are idle")

    # The driver.

    def _arguments(self, *args):
        return [str(DRIVER), *map(str, args)]

    def _run(self, *args):
        result = subprocess.run(self._arguments(*args), capture_output=True, text=True,
                                check=False)
        assert result.returncode == 0, f"{args}: {result.stderr}"
        return [json.loads(line) for line in result.stdout.splitlines()]

    def _access(self, address=None):
        return ("--address", address or self.leader.address, "--ca", self.curators.ca, "--cert",
                self.curators.certificate, "--key", self.curators.key, "--actors", self.actors)

    def drive(self, *args, address=None):
        """The reports of one measurement of the leader, or of who is at `address`."""
        watched = [word for name, pid in self.pids().items()
                   for word in ("--process", f"{name}={pid}")]
        return self._run(*args, *self._access(address), *watched)

    def calls(self, method, request="", **flags):
        words = [word for name, value in flags.items()
                 for word in (f"--{name.rstrip('_').replace('_', '-')}",
                              *(() if value is True else (value,)))]
        return self.drive("calls", "--method", method, "--request", request, *words)[0]

    def raw_puts(self, outstanding, seconds):
        with self.stopped():
            return self.drive("raw-puts", "--etcd", self.etcd.members[0].address,
                              "--outstanding", outstanding, "--seconds", seconds)[0]

    @contextlib.contextmanager
    def beside(self, *args, address=None):
        """A driver that runs on: ask(line) sends it a line, if any, and returns its report."""
        process = subprocess.Popen(self._arguments(*args, *self._access(address)), text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._running.append(process)

        def ask(line=None):
            if line is not None:
                process.stdin.write(line + "\n")
                process.stdin.flush()
            answer = process.stdout.readline()
            assert answer, f"the driver ended: {args}"
            return json.loads(answer)
        ask.pid = process.pid
        try:
            yield ask
        finally:
            process.stdin.close()
            process.wait()
            process.stdout.close()
            self._running.remove(process)

    @contextlib.contextmanager
    def bare_server(self, messages=1, size=300):
        """Its address: what gRPC does here with nothing behind it."""
        address = f"{free_address()}:7835"
        with self.beside("bare-server", "--messages", messages, "--bytes", size,
                         address=address) as ask:
            ask()
            yield address

    def crowd(self, watchers, connections, agents=0, every=5):
        named = [word for address in self.curators.addresses() for word in ("--curator", address)]
        return self.beside("crowd", *named, "--watchers", watchers, "--connections", connections,
                           "--agents", agents, "--every", every)

    def ctl_argv(self, *args):
        flags = [word for address in self.curators.addresses() for word in ("-e", address)]
        return [str(cluster.BIN / "curatorctl"), *flags, "--ca-file", str(self.curators.ca),
                "--cert", str(self.curators.certificate), "--key", str(self.curators.key), *args]

    def time_ctl(self, *args):
        return exec_to_exit(self.ctl_argv(*args), environment=self.curators.environment())
