#!/usr/bin/python3
"""What one slow reader costs everybody else: one JSON line per scenario, rates per second.

What is measured. Three curators and a one-member etcd run here. A Python client
approves 1,000 nodes that are NEW, one after the other on one connection (sequential), or
32 at a time (concurrent). Each pair of runs is one beside a reader and one without, in
turn, the first of a pair alternating. The reader has a connection of its own, with the
smallest HTTP/2 window that gRPC gives, and reads GetNodes at one message per second; its
listing is larger by far than all that lies between, so the curator cannot get rid of it:
at the end of each run beside it, the curator's own count of RPCs (--metrics-listen) must
still lack its call. `ratio` is the median of the pairs' ratios, `ratio_low` and
`ratio_high` are the extremes. The nodes' records, with labels that make the listing large,
are written into etcd directly, before each run.
"""

import argparse
import base64
import collections
import contextlib
import json
import os
import pathlib
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("CURATOR_BIN", str(ROOT / "build" / "release" / "bin"))
sys.path.insert(0, str(ROOT / "tests" / "support"))
import stubs  # noqa: E402
from cluster import eventually  # noqa: E402
from curators import CuratorCluster  # noqa: E402
from etcd import EtcdCluster  # noqa: E402
from metropolis import storage_pb2  # noqa: E402

NODES = 1000
LABELS = 10  # of each node, some 100 bytes each
METRICS_PORT = 9835
PREFIX = "namespaced:curator/"
SMALL_WINDOW = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 5),
                ("grpc.http2.max_frame_size", 16384))


def new_nodes():
    """{node id: record} of nodes that nobody approved yet."""
    records = {}
    for _ in range(NODES):
        key = os.urandom(32)
        record = storage_pb2.Node(
            id=f"metropolis-{key[:16].hex()}", public_key=key, join_key=os.urandom(32), roles={},
            fsm_state=stubs.common_pb2.NODE_STATE_NEW,
            tpm_usage=stubs.common_pb2.NODE_TPM_USAGE_NOT_PRESENT)
        for i in range(LABELS):
            record.labels.pairs.add(key=f"label-{i}-{'k' * 50}", value="v" * 50)
        records[record.id] = record
    return records


def put(etcd, records):
    """Past the curators, by etcd's JSON gateway."""
    def encoded(data):
        return base64.b64encode(data).decode()
    puts = [{"requestPut": {"key": encoded(f"{PREFIX}/nodes/{node_id}".encode()),
                            "value": encoded(record.SerializeToString())}}
            for node_id, record in records.items()]
    for at in range(0, len(puts), 100):
        body = json.dumps({"success": puts[at:at + 100]}).encode()
        with urllib.request.urlopen(f"http://{etcd.members[0].address}/v3/kv/txn", body,
                                    timeout=20) as answer:
            assert json.load(answer)["succeeded"]


def states(channel):
    return collections.Counter(
        node.state for node in stubs.management(channel).GetNodes(
            stubs.management_pb2.GetNodesRequest(), timeout=60))


def listings_served(leader):
    """How many GetNodes the leader has finished."""
    host = leader.listen.rsplit(":", 1)[0]
    with urllib.request.urlopen(f"http://{host}:{METRICS_PORT}/metrics", timeout=20) as answer:
        counts = re.findall(r'^curator_rpcs_total{method="[^"]*GetNodes",[^}]*} (\d+)$',
                            answer.read().decode(), re.M)
    return sum(map(int, counts))


@contextlib.contextmanager
def slow_reader(curators, leader):
    """Reads a message per second for as long as the block lasts, and is not done then."""
    with curators.channel(leader, options=SMALL_WINDOW) as channel:
        before = listings_served(leader)
        listing = stubs.management(channel).GetNodes(stubs.management_pb2.GetNodesRequest())
        stop = threading.Event()

        def read():
            for _ in listing:
                if stop.wait(1):
                    return
        next(listing)
        thread = threading.Thread(target=read)
        thread.start()
        try:
            yield
            assert listings_served(leader) == before, "the reader's call is done: it was not slow"
        finally:
            stop.set()
            thread.join()
            listing.cancel()


def approve(channel, records, at_once):
    """Approvals per second; every one must succeed."""
    approve_node = stubs.management(channel).ApproveNode
    under_way = collections.deque()
    began = time.monotonic()
    for record in records.values():
        if len(under_way) == at_once:
            under_way.popleft().result()
        under_way.append(approve_node.future(
            stubs.management_pb2.ApproveNodeRequest(pubkey=record.public_key), timeout=60))
    for call in under_way:
        call.result()
    return len(records) / (time.monotonic() - began)


def one_run(curators, etcd, records, at_once, beside):
    put(etcd, records)
    leader = curators.leader()
    with curators.channel(leader) as channel:
        eventually(lambda: states(channel)[stubs.common_pb2.NODE_STATE_NEW] == NODES, 30,
                   "the leader knows all nodes as NEW")
        with slow_reader(curators, leader) if beside else contextlib.nullcontext():
            rate = approve(channel, records, at_once)
        assert states(channel)[stubs.common_pb2.NODE_STATE_STANDBY] == NODES
    return rate


def scenario(name, at_once, curators, etcd, records, pairs):
    with_reader, without = [], []
    for i in range(pairs):
        for beside in ((False, True), (True, False))[i % 2]:
            rate = one_run(curators, etcd, records, at_once, beside)
            (with_reader if beside else without).append(rate)
    ratios = sorted(a / b for a, b in zip(with_reader, without))
    print(json.dumps({
        "scenario": name, "approvals": NODES, "pairs": pairs,
        "without": round(statistics.median(without), 1),
        "with": round(statistics.median(with_reader), 1),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_low": round(ratios[0], 3), "ratio_high": round(ratios[-1], 3)}), flush=True)


SCENARIOS = {"sequential": 1, "concurrent": 32}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--scenario", choices=SCENARIOS, action="append",
                        help="repeatable; default: all")
    options = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="curator-bench-"))
    etcd = curators = None
    try:
        etcd = EtcdCluster(directory / "etcd")
        curators = CuratorCluster(directory / "cluster", [etcd.url()] * 3, lease_ttl=10,
                                  options=("--metrics-listen", f"{{host}}:{METRICS_PORT}"))
        records = new_nodes()
        for name in options.scenario or SCENARIOS:
            scenario(name, SCENARIOS[name], curators, etcd, records, options.pairs)
    finally:
        if curators is not None:
            curators.close()
        if etcd is not None:
            etcd.close()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
