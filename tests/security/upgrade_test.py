"""From an earlier release to this one and back, under commands and heartbeats: none fails.

docs/operations.md, Upgrading, has the order. The earlier programs are built once.
"""

import contextlib
import pathlib
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster
import old_release
from cluster import Process, eventually
from commands import Commands
from curators import CuratorCluster
from etcd import EtcdCluster

EARLIER = "4c7e509"  # whose leaders prove nothing
ACCEPT = "--accept-unproven"  # what tools and agents need to believe those
AGENTS = 3
NEW = cluster.BIN


def setUpModule():
    global OLD
    OLD = old_release.build(EARLIER, cluster.BIN.parent / "earlier")


class Upgrade(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        self.cluster = CuratorCluster(self.dir / "cluster", self.stores(), lease_ttl=10,
                                      programs=OLD)
        self.addCleanup(self.cluster.close)
        self.agents = None
        self.start_agents(OLD)
        eventually(lambda: len(self.nodes()) == len(self.cluster.curators) + AGENTS, 30,
                   "all agents have registered")
        self.succeeds("node", "approve", "--all", "--yes")
        self.wait_until_all_are_well()

    def start_agents(self, programs, *flags):
        """In place of those that ran before."""
        if self.agents is not None:
            self.assertEqual(self.agents.end(), 0, self.agents.text())
        endpoints = [word for address in self.cluster.addresses() for word in ("-e", address)]
        self.agents = Process(
            self.dir / "agents.log", programs / "curator-agent", *endpoints, "--ca-sha256",
            self.cluster.ca_sha256, "--ticket-file", self.cluster.ticket, "--data-dir",
            self.dir / "agents", "--count", AGENTS, *flags)
        self.processes.append(self.agents)
        self.agents_started_at = time.monotonic()

    def use_tool(self, programs, *flags):
        self.cluster.tool = (programs / "curatorctl", *flags)

    def succeeds(self, *args):
        result = self.cluster.ctl(*args)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def nodes(self):
        return {node["id"]: node for node in self.cluster.ctl_json("node", "list")["items"]}

    def wait_until_all_are_well(self):
        """UP and HEALTHY, by heartbeats of the agents that run now."""
        def well():
            asked_at = time.monotonic()
            nodes = self.nodes().values()
            return all((n["state"], n["health"]) == ("UP", "HEALTHY") for n in nodes) and all(
                n["heartbeat_age_ms"] < 1000 * (asked_at - self.agents_started_at)
                for n in nodes if n["curator_port"] is None)
        eventually(well, 60, f"all nodes are UP and HEALTHY:\n{self.agents.text()[-3000:]}")
        self.assertIsNone(self.agents.child.poll(), self.agents.text())

    @contextlib.contextmanager
    def none_fails(self, what):
        """Meanwhile nodes are listed every 50 ms: each command succeeds, and shows them all."""
        whole = len(self.cluster.curators) + AGENTS
        with Commands(self.cluster, "node", "list", "-o", "name",
                      looks_right=lambda out: len(out.splitlines()) == whole) as commands:
            yield
            some = commands.count() + 20
            eventually(lambda: commands.count() > some or commands.failures, 60,
                       "commands go on after the change")
        print(f"{self.id().rsplit('.', 2)[-2]}, {what}: {commands.report()}")
        self.assertEqual(commands.failures, [], self.cluster.logs(30))

    def restart_curators(self, programs, leader_first):
        """One at a time: the next when all are well again."""
        leader = self.cluster.leader()
        others = [curator for curator in self.cluster.curators if curator is not leader]
        for curator in [leader, *others] if leader_first else [*others, leader]:
            curator.programs = programs
            self.assertEqual(curator.process.end(signal.SIGTERM), 0, curator.log())
            self.cluster.start(curator)
            self.cluster.wait_until_whole()
            self.wait_until_all_are_well()

    def labels(self, node_id):
        return self.nodes()[node_id]["labels"]

    def test_curators_first_then_agents_and_tools_and_back(self):
        node = next(iter(self.nodes()))
        self.succeeds("node", "label", node, "written-by=old")

        with self.none_fails("curators upgraded"):
            self.restart_curators(NEW, leader_first=False)

        self.use_tool(NEW)
        with self.none_fails("agents and tools upgraded"):
            self.start_agents(NEW)
            self.wait_until_all_are_well()
            self.succeeds("leader", "transfer")
            self.cluster.wait_until_whole()
            self.wait_until_all_are_well()
        self.assertEqual(self.labels(node)["written-by"], "old")
        self.succeeds("node", "label", node, "written-by=new", "--overwrite")

        self.use_tool(NEW, ACCEPT)
        with self.none_fails("agents told to accept, curators rolled back"):
            self.start_agents(NEW, ACCEPT)
            self.wait_until_all_are_well()
            self.restart_curators(OLD, leader_first=True)
        self.assertEqual(self.labels(node)["written-by"], "new")
        self.assert_refused_without_accepting()

        self.use_tool(OLD)
        with self.none_fails("agents and tools rolled back"):
            self.start_agents(OLD)
            self.wait_until_all_are_well()
        self.assertEqual(self.labels(node)["written-by"], "new")

    def assert_refused_without_accepting(self):
        """A tool that has not been told to accept leaders without proof says how to."""
        self.use_tool(NEW)
        result = self.cluster.ctl("node", "list", "-t", "5s")
        self.assert_explained(result, 7, "accept-unproven")


class OnEtcd(Upgrade):
    def stores(self):
        self.etcd = EtcdCluster(self.dir / "etcd")
        self.addCleanup(self.etcd.close)
        return [self.etcd.url()] * 3


class OnSqlite(Upgrade):
    def stores(self):
        return [f"sqlite://{self.dir}/store.db"] * 3


def load_tests(loader, *_):
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (OnEtcd, OnSqlite))


if __name__ == "__main__":
    unittest.main(verbosity=2)
