#!/usr/bin/python3
"""Speed and scale: starts clusters of its own, measures, prints JSON lines and a table.

    tests/bench/bench.py --scenario status --scenario reads
    tests/bench/bench.py --smoke        # every scenario, small: does the bench work?

Needs the targets curatord, curatorctl and curator_bench of the release build. Each
figure is the median of --runs; what is compared is measured in turn within each run.
README.md says which scenario yields which figure.
"""

import argparse
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import time

from bench_cluster import ROOT, BenchCluster, exec_to_exit
from figures import Figures
import failover
import rpcs

MANAGEMENT = "metropolis.proto.api.Management."
STATUS = "metropolis.node.core.curator.proto.api.Curator.UpdateNodeStatus"
STATUS_REQUEST = 'node_id: "{node}" status { external_address: "10.0.0.1" }'
RECORD_BYTES = 300  # of a seeded node
# Of a cluster whose curators are stopped for as long as etcd alone is loaded.
LONG_LEASE_SECONDS = 60


def status(figures, options):
    """1: status updates beside the fenced puts that etcd takes alone."""
    with BenchCluster(nodes=options.callers, known=options.callers,
                      lease_ttl=LONG_LEASE_SECONDS) as bench:
        measured = {}
        for run in range(options.runs):
            def take(name, report):
                figures.measured("status", run, {"name": name, **report})
                measured.setdefault(name, []).append(report["per_second"])

            def update(outstanding, connections):
                return bench.calls(STATUS, STATUS_REQUEST, as_="node", outstanding=outstanding,
                                   connections=connections, seconds=options.seconds)
            take("etcd 256", bench.raw_puts(256, options.seconds))
            take("256 over 32 connections", update(256, 32))
            # A connection is a node: over 32 of them, two updates of one node may share a
            # put. These are 256 nodes.
            take("256 over 256 connections", update(256, options.callers))
            take("32 callers", update(32, 32))
            take("etcd 32", bench.raw_puts(32, options.seconds))
    for name, values in measured.items():
        figures.figure("1" if name == "32 callers" else "", f"status updates, {name}", values,
                       "/s", at_least=4000 if name == "32 callers" else None)
    for connections in (32, 256):
        figures.figure("1", f"status updates of 256 over {connections} connections : etcd's puts",
                       ratios(measured[f"256 over {connections} connections"],
                              measured["etcd 256"]), at_least=1.0)


def ratios(ours, limits):
    return [a / b for a, b in zip(ours, limits)]


def reads(figures, options):
    """2: GetClusterInfo, GetNodes of a small cluster, heartbeats beside an echo."""
    with BenchCluster() as bench:
        measured = {}

        def take(name, run, report):
            figures.measured("reads", run, {"name": name, **report})
            measured.setdefault(name, []).append(report)
        for run in range(options.runs):
            for name, method in (("info", "GetClusterInfo"), ("nodes", "GetNodes")):
                take(name, run, bench.calls(MANAGEMENT + method, outstanding=32, connections=32,
                                            seconds=options.seconds))
        bench.grow(64, known=64, actors=bench.actors)
        with bench.bare_server() as bare:
            for run in range(options.runs):
                for depth in (1, 16):
                    for name, address in (("heartbeats", None), ("echo", bare)):
                        take(f"{name} {depth}", run, bench.drive(
                            "heartbeats", "--streams", 32, "--depth", depth, "--seconds",
                            options.seconds, address=address)[0])
    rates = {name: [r["per_second"] for r in reports] for name, reports in measured.items()}
    figures.figure("2", "GetClusterInfo, 32 callers", rates["info"], "/s", at_least=10000)
    figures.figure("2", "GetNodes of 3 nodes, 32 callers, p99",
                   [r["p99_ms"] for r in measured["nodes"]], "ms", at_most=20)
    figures.figure("2", "heartbeats, 32 streams, 1 outstanding each", rates["heartbeats 1"], "/s",
                   at_least=18000)
    figures.figure("2", "heartbeats, 32 streams, 16 outstanding each", rates["heartbeats 16"],
                   "/s", at_least=55000)
    figures.figure("2", "heartbeats : echo, 16 outstanding each",
                   ratios(rates["heartbeats 16"], rates["echo 16"]), at_least=0.7)
    figures.figure("", "heartbeats : echo, 1 outstanding each",
                   ratios(rates["heartbeats 1"], rates["echo 1"]))


def listing(figures, options):
    """3: all nodes, listed and watched, at each size."""
    with BenchCluster(nodes=min(options.sizes), known=1) as bench:
        for size in sorted(options.sizes):
            if size > bench.nodes:
                bench.grow(size)
            bench.settle()
            measure_size(figures, options, bench, size)


def measure_size(figures, options, bench, size):
    etcd = bench.etcd.members[0].address
    top = size >= 100000
    reports = {}

    def take(name, run, report):
        figures.measured("listing", run, {"name": name, "size": size, **report})
        reports.setdefault(name, []).append(report)
        return report
    first = take("get-nodes", "warm-up", bench.drive("get-nodes")[0])
    reports.clear()
    before = bench.memory()
    ctl = []
    after_watch = []
    with bench.bare_server(int(first["nodes"]), round(first["bytes"] / first["nodes"])) as bare:
        for run in range(options.runs):
            take("GetNodes", run, bench.drive("get-nodes")[0])
            take("bare stream", run, bench.drive("get-nodes", address=bare)[0])
            take("Nodes.List", run, bench.drive("list-nodes")[0])
            take("etcd range", run, bench.drive("etcd-range", "--etcd", etcd)[0])
            ctl.append(bench.time_ctl("node", "list", "-o", "json"))
            take("watch", run, bench.drive("watch-all")[0])
            after_watch.append(bench.cores(2)["leader"])
    times = {name: [r["total_ms"] for r in each] for name, each in reports.items()}
    transfers = {name: [r.get("first_to_last_ms", r["total_ms"]) for r in each]
                 for name, each in reports.items()}
    for name in times:
        figures.point("listing", name, size, figures.figure("", f"{name}, {size} nodes",
                                                            times[name], "ms"))
    figures.point("listing", "node list -o json", size, figures.figure(
        "3" if top else "", f"curatorctl node list -o json, {size} nodes", ctl, "ms",
        at_most=1000 if top else None))
    figures.figure("3", f"GetNodes : bare stream, first to last byte, {size} nodes",
                   ratios(transfers["GetNodes"], transfers["bare stream"]), at_most=1.3)
    figures.figure("3", f"Nodes.List : etcd range, {size} nodes",
                   ratios(times["Nodes.List"], times["etcd range"]), at_most=1.0)
    if top:
        figures.figure("3", f"Nodes.List, {size} nodes", times["Nodes.List"], "ms", at_most=300)
    figures.figure("3", f"watch of all nodes : etcd range, {size} nodes",
                   ratios(times["watch"], times["etcd range"]), at_most=1.0)
    figures.figure("3", f"leader's cores once a watcher of {size} nodes has left", after_watch,
                   "cores", at_most=0.01)
    bench.drive("get-nodes", "--times", options.listings)
    after = bench.memory()
    figures.point("memory", "leader", size, figures.figure(
        "3" if top else "", f"leader's memory, {size} nodes", [after["leader"]], "MB",
        at_most=200 if top else None))
    figures.point("memory", "follower", size, figures.figure(
        "", f"a follower's memory, {size} nodes", [after["follower1"]], "MB"))
    figures.figure("3", f"leader's memory, growth over {options.listings} listings, {size} nodes",
                   [after["leader"] - before["leader"]], "MB")
    bench.settle()
    idle = bench.cores(options.idle_seconds)
    figures.measured("listing", "idle", {"size": size, "cores": idle})
    figures.figure("3" if top else "", f"idle leader, {size} nodes", [idle["leader"]], "cores",
                   at_most=0.01 if top else None)


def crowd(figures, options):
    """4: idle watchers, heartbeating agents, one change, a failover."""
    connections = options.watchers // 80 + options.agents
    streams = options.watchers + options.agents
    allowed = 0.130 * connections + 0.025 * streams + 100
    with BenchCluster(nodes=options.agents, known=options.agents) as bench:
        with bench.crowd(options.watchers, max(1, options.watchers // 80),
                         options.agents) as ask:
            ask("caught-up")
            ask("healthy")
            busy, memory, changes, reached, healthy = [], [], [], [], []
            for run in range(options.runs):
                cores = bench.cores(options.idle_seconds)
                figures.measured("crowd", run, {"cores": cores, "memory": bench.memory()})
                busy.append(cores["leader"])
                memory.append(bench.memory()["leader"])
                report = ask(f"changes {options.changes}")
                figures.measured("crowd", run, report)
                changes.append(report["p99_ms"])
                reached.append(max(report["until_all_ms"]))
                healthy.append(fail_over(bench, ask))
                figures.measured("crowd", run, {"healthy_s": healthy[-1]})
    name = f"{options.watchers} watchers, {options.agents} agents"
    figures.figure("4", f"{name}: leader", busy, "cores", at_most=0.25)
    figures.figure("4", f"{name}: leader's memory", memory, "MB", at_most=allowed)
    figures.figure("4", f"{name}: a change reaches them, p99", changes, "ms", at_most=250)
    figures.figure("", f"{name}: slowest of {options.changes} changes, to reach all", reached,
                   "ms")
    figures.figure("4", f"{name}: all agents HEALTHY after SIGKILL of the leader", healthy, "s",
                   at_most=15)


def fail_over(bench, ask):
    """Seconds from the leader's death until the next one lists all agents as HEALTHY."""
    old = bench.leader
    began = time.monotonic()
    old.kill(signal.SIGKILL)
    ask("healthy")
    took = time.monotonic() - began
    bench.curators.start(old)
    bench.curators.wait_until_whole(120)
    ask("caught-up")
    bench.find_roles()
    # After one takeover by evidence there is no other for a lease.
    time.sleep(bench.curators.lease_ttl + 1)
    return took


def takeover(figures, options):
    """5: how long there is no leader, with few nodes and with many."""
    rest = argparse.Namespace(runs=options.runs, fast_takeover="on", lease_ttl=10)

    def ask(channel):
        # The cheapest call that only a leader serves, whatever the number of nodes.
        failover.stubs.management(channel).GetRegisterTicket(
            failover.stubs.management_pb2.GetRegisterTicketRequest(), timeout=60)
    medians = {}
    for size in (3, max(options.sizes)):
        with BenchCluster(nodes=size - 3) as bench:
            for name, number in (("SIGTERM", signal.SIGTERM), ("SIGKILL", signal.SIGKILL)):
                gaps, floor = failover.signal_leader(bench.curators, rest, number, ask)
                figures.measured("takeover", name, {"size": size, "ms": gaps,
                                                    "floor": floor})
                medians[name, size] = figures.figure("", f"takeover by {name}, {size} nodes", gaps,
                                                     "ms")
                figures.point("takeover", name, size, medians[name, size])
    for name in ("SIGTERM", "SIGKILL"):
        figures.figure("5", f"takeover by {name}, {max(options.sizes)} nodes over 3 nodes",
                       [medians[name, max(options.sizes)] - medians[name, 3]], "ms", at_most=100)


def commands(figures, options):
    """6: curatorctl beside etcdctl, exec to exit, in turn."""
    with BenchCluster() as bench:
        environment = {**bench.curators.environment(), "ETCDCTL_API": "3"}
        etcdctl = [shutil.which("etcdctl"), "--endpoints", bench.etcd.members[0].address, "get",
                   "--prefix", "namespaced:curator//nodes/"]
        ours, theirs, helps, completions = [], [], [], []
        # As the shell asks for ids: what a listing has left in the cache.
        curatorctl = bench.ctl_argv()[0]
        context = ["--config", str(bench.dir / "cluster" / "curatorctl.yaml")]
        subprocess.run([curatorctl, *context, "node", "list"], env=environment, check=True,
                       stdout=subprocess.DEVNULL)
        completion = [curatorctl, "__complete", "", *context, "node", "describe"]
        bench.time_ctl("node", "list")
        for _ in range(options.commands):
            ours.append(bench.time_ctl("node", "list"))
            theirs.append(exec_to_exit(etcdctl, environment=environment))
            helps.append(bench.time_ctl("--help"))
            completions.append(exec_to_exit(completion, environment=environment))
        found = subprocess.run(completion, env=environment, text=True, stdout=subprocess.PIPE,
                               check=True).stdout.split()
        assert len(found) == 3, found
    figures.figure("6", "curatorctl node list, 3 nodes", ours, "ms", at_most=30)
    figures.figure("", "etcdctl get, 3 nodes", theirs, "ms")
    figures.figure("6", "curatorctl node list : etcdctl get",
                   [statistics.median(ours) / statistics.median(theirs)], at_most=0.7)
    figures.figure("6", "curatorctl --help", helps, "ms", at_most=8)
    figures.figure("6", "completion of node ids", completions, "ms", at_most=10)


def fan_out(figures, options):
    """One change to many watchers of all nodes."""
    with BenchCluster(nodes=64, known=1) as bench:
        for watchers in options.fan_out:
            with bench.crowd(watchers, max(1, watchers // 80)) as ask:
                ask("caught-up")
                reports = [ask(f"changes {options.changes}") for _ in range(options.runs)]
            for run, report in enumerate(reports):
                figures.measured("fan-out", run, report)
            figures.point("fan-out", "change", watchers, figures.figure(
                "", f"a change reaches {watchers} watchers, p99",
                [report["p99_ms"] for report in reports], "ms"))


def every_rpc(figures, options):
    """Each method at 1, 32 and 256 outstanding."""
    rpcs.measure(figures, options)


SCENARIOS = {"status": status, "reads": reads, "listing": listing, "crowd": crowd,
             "takeover": takeover, "commands": commands, "fan-out": fan_out, "rpcs": every_rpc}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--scenario", choices=SCENARIOS, action="append",
                        help="repeatable; default: all")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "bench")
    parser.add_argument("--smoke", action="store_true", help="small counts, once")
    numbers = {"runs": 5, "seconds": 3, "callers": 256, "watchers": 5000, "agents": 2000,
               "changes": 100, "idle-seconds": 20, "listings": 100, "commands": 50,
               "newcomers": 500}
    for name, value in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10000, 100000])
    parser.add_argument("--fan-out", type=int, nargs="+", default=[100, 1000, 5000])
    options = parser.parse_args()
    if options.smoke:
        options.runs, options.seconds, options.callers = 1, 1, 64
        options.watchers, options.agents, options.changes = 200, 50, 3
        options.idle_seconds, options.listings, options.commands = 1, 3, 3
        options.newcomers = 1
        options.sizes, options.fan_out = [100, 1000], [10, 100]
    figures = Figures(options.out)
    try:
        for name in options.scenario or SCENARIOS:
            SCENARIOS[name](figures, options)
    finally:
        figures.close()
        figures.plot()
        print(figures.table(), file=sys.stderr)


if __name__ == "__main__":
    main()
