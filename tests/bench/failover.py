#!/usr/bin/python3
"""How long clients are without a leader: one JSON line per scenario, times in ms.

What is measured. Three curators run here, and one Python client with connections that
stand: a GetCurrentLeader stream to each curator, and a channel to the leader that the
highest term names. It calls GetNodes every 10 ms, each call as soon as the last one is
answered and its 10 ms have passed. A run's figure is the longest time between two
successive answers from just before the fault until the new leader has answered five
times: so it includes the call itself, the 10 ms between calls (the "floor": the median
of the same without a fault), the client's own detection and dial, and Python. Refused
connections are dialled again every 3 ms. A C++ client with the same schedule can only
be faster.

sigterm, sigkill, sigstop: the leader gets that signal; after a takeover by evidence there
is no other for one lease, which sigkill waits out. transfer: `curatorctl leader
transfer`. listener-restart: from curators' logs over transfers of leadership, with the
client above: from the beginning of a shutdown until the next listener stands (took_ms of
"stopped listening" and of the "listening" that follows), where the next role was known
already; once for those that follow another leader than before, and once for the one that
starts to lead, whose figure includes the write of its own address. All of that, and the
clients' handshakes with the new listeners, shares this machine's processors;
listener-restart-alone is the same of one curator within a test, with streams in flight. black-holed-seed: `curatorctl node list`, exec
to exit, given one good endpoint; the same with a black hole before it; and the
difference, runs taken in turn.
"""

import argparse
import functools
import json
import math
import os
import pathlib
import re
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("CURATOR_BIN", str(ROOT / "build" / "release" / "bin"))
sys.path.insert(0, str(ROOT / "tests" / "support"))
import cluster  # noqa: E402
import stubs  # noqa: E402
from curators import CuratorCluster  # noqa: E402
from etcd import EtcdCluster  # noqa: E402
from leader_follower import OPTIONS, LeaderFollower  # noqa: E402
from proxy import BlackHole  # noqa: E402

INTERVAL_SECONDS = 0.010
ANSWERS_AFTER = 5


def get_nodes(channel):
    list(stubs.management(channel).GetNodes(stubs.management_pb2.GetNodesRequest(), timeout=60))


class MeasuringClient:
    """Answers: (when it came, term of the leader that gave it). `ask` makes the call."""

    def __init__(self, curators, ask=get_nodes):
        def channel_to(address, node_id):
            return stubs.channel(address, node_id, curators.ca, curators.certificate,
                                 curators.key, OPTIONS)
        self._follower = LeaderFollower([(c.address, c.id) for c in curators.curators], channel_to)
        self._stop = threading.Event()
        self._answered = threading.Condition()
        self._answers = []
        self._ask = ask
        self._thread = threading.Thread(target=self._call)
        self._thread.start()

    def close(self):
        self._stop.set()
        self._follower.close()
        self._thread.join()

    def _call(self):
        def attempt(channel, leader):
            self._ask(channel)
            return leader
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                leader = self._follower.settle(attempt, began + 120)
            except Exception:  # noqa: BLE001
                if self._stop.is_set():
                    return
                raise
            with self._answered:
                self._answers.append((time.monotonic(), leader[0]))
                self._answered.notify_all()
            self._stop.wait(max(0, began + INTERVAL_SECONDS - time.monotonic()))

    def longest_gap(self, fault):
        """Milliseconds, over `fault()` and the change of leadership it brings."""
        with self._answered:
            self._answers.clear()
            self._wait(lambda: len(self._answers) >= ANSWERS_AFTER, 60)
            term = self._answers[-1][1]
        fault()
        with self._answered:
            self._wait(lambda: len(self._answers) >= ANSWERS_AFTER and
                       all(t > term for _, t in self._answers[-ANSWERS_AFTER:]), 120)
            times = [at for at, _ in self._answers]
        return max(gaps(times))

    def floor(self, answers=200):
        with self._answered:
            self._answers.clear()
            self._wait(lambda: len(self._answers) >= answers, 60)
            return statistics.median(gaps([at for at, _ in self._answers]))

    def _wait(self, condition, seconds):
        if not self._answered.wait_for(condition, seconds):
            raise AssertionError(f"not within {seconds} s")


def gaps(times):
    return [1000 * (b - a) for a, b in zip(times, times[1:])]


def report(scenario, options, figures, **more):
    ordered = sorted(figures)
    line = {"scenario": scenario, "store": options.store, "lease_ttl_s": options.lease_ttl,
            "fast_takeover": options.fast_takeover,
            "runs": len(ordered), "min": ordered[0], "median": statistics.median(ordered),
            "p99": ordered[math.ceil(0.99 * len(ordered)) - 1], "max": ordered[-1], **more}
    print(json.dumps({k: round(v, 1) if isinstance(v, float) else v for k, v in line.items()}),
          flush=True)


def change_leader(curators, options, fault, repair, ask=get_nodes):
    """Figures of `runs` changes of leadership, and the floor; the cluster is whole before each."""
    client = MeasuringClient(curators, ask)
    try:
        floor = client.floor()
        figures = []
        for _ in range(options.runs):
            leader = curators.leader()
            figures.append(client.longest_gap(lambda: fault(leader)))
            repair(leader)
            curators.wait_until_whole()
        return figures, floor
    finally:
        client.close()


def signal_leader(curators, options, number, ask=get_nodes):
    """As change_leader: the leader gets the signal, and is there again before the next."""
    def rest(leader):
        if number == signal.SIGSTOP:
            leader.send(signal.SIGCONT)
        else:
            leader.process.child.wait()
            curators.start(leader)
        if number == signal.SIGKILL and options.fast_takeover == "on":
            time.sleep(options.lease_ttl + 1)
    return change_leader(curators, options, lambda c: c.send(number), rest, ask)


def by_signal(number):
    def scenario(name, curators, options):
        figures, floor = signal_leader(curators, options, number)
        report(name, options, figures, floor=floor)
    return scenario


def transfer(curators, _):
    result = curators.ctl("leader", "transfer", "--yes")
    assert result.returncode == 0, result.stderr


def by_transfer(name, curators, options):
    figures, floor = change_leader(curators, options, functools.partial(transfer, curators),
                                   lambda _: None)
    report(name, options, figures, floor=floor)


LINE = re.compile(r'^time=\S+ level=\w+ msg=("[^"]*"|\S+)(.*)$', re.M)


def restarts(log):
    """(role afterwards, milliseconds without a listener) for each that had a role throughout."""
    stopped = None
    for message, fields in LINE.findall(log):
        took = re.search(r"took_ms=([0-9.]+)", fields)
        if message == '"stopped listening"':
            stopped = float(took[1])
        elif message in ('"no role"', "stopping", "starting"):
            stopped = None
        elif message == "listening" and stopped is not None:
            yield re.search(r"role=(\w+)", fields)[1], stopped + float(took[1])
            stopped = None


def listener_restart(name, curators, options):
    before = {c: len(c.log()) for c in curators.curators}
    change_leader(curators, options, functools.partial(transfer, curators), lambda _: None)
    report_restarts(name, options, [c.log()[length:] for c, length in before.items()])


def report_restarts(name, options, logs):
    figures = {}
    for log in logs:
        for role, milliseconds in restarts(log):
            figures.setdefault(role, []).append(milliseconds)
    for role, each in sorted(figures.items()):
        report(f"{name}-{role}", options, each)


def listener_restart_alone(name, _, options):
    result = cluster.run("cluster_test", "--gtest_filter=*RestartsWithCallsInFlight*",
                         f"--gtest_repeat={math.ceil(options.runs / 50)}", timeout=600)
    assert result.returncode == 0, result.stdout
    report_restarts(name, options, [result.stderr])


def black_holed_seed(name, curators, options):
    hole = BlackHole()
    good = curators.leader().address

    def timed(endpoints):
        began = time.monotonic()
        result = curators.ctl_at(endpoints, "node", "list")
        assert result.returncode == 0, result.stderr
        return 1000 * (time.monotonic() - began)
    try:
        alone, beside = [], []
        for _ in range(options.runs):
            alone.append(timed([good]))
            beside.append(timed([hole.host, good]))
    finally:
        hole.close()
    report(f"{name}-without", options, alone)
    report(f"{name}-with", options, beside,
           ratio=round(statistics.median(beside) / statistics.median(alone), 3))
    report(f"{name}-difference", options, [b - a for a, b in zip(alone, beside)])


SCENARIOS = {"sigterm": by_signal(signal.SIGTERM), "sigkill": by_signal(signal.SIGKILL),
             "transfer": by_transfer, "sigstop": by_signal(signal.SIGSTOP),
             "listener-restart": listener_restart,
             "listener-restart-alone": listener_restart_alone, "black-holed-seed": black_holed_seed}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--scenario", choices=SCENARIOS, action="append",
                        help="repeatable; default: all")
    parser.add_argument("--store", choices=("sqlite", "etcd"), default="etcd")
    parser.add_argument("--etcd-members", type=int, choices=(1, 3), default=3)
    parser.add_argument("--lease-ttl", type=int, default=10, help="seconds")
    parser.add_argument("--fast-takeover", choices=("on", "off"), default="on")
    options = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="curator-bench-"))
    etcd = curators = None
    try:
        url = f"sqlite://{directory}/store.db"
        if options.store == "etcd":
            etcd = EtcdCluster(directory / "etcd", members=options.etcd_members)
            url = etcd.url()
        curators = CuratorCluster(directory / "cluster", [url] * 3, options.lease_ttl,
                                  options=("--fast-takeover", options.fast_takeover))
        for name in options.scenario or SCENARIOS:
            SCENARIOS[name](name, curators, options)
    finally:
        if curators is not None:
            curators.close()
        if etcd is not None:
            etcd.close()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
