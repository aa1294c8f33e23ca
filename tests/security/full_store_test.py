"""A store without room: nothing is written and no leader elected, which everybody is told;
reads go on, and once there is room everything does, by itself."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster import ClusterTest, eventually, free_address
from curators import CuratorCluster
from etcd import EtcdCluster, free_port

QUOTA = 4 << 20
VALUE = "x" * 100_000  # an argument of a command has 128 KiB at most
SAYS_FULL = "the store is full"


def metric(address, name):
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
    raise AssertionError(f"no metric {name}")


class FullEtcd(ClusterTest):
    def setUp(self):
        super().setUp()
        self.metrics_port = free_port()
        self.etcd = EtcdCluster(self.dir / "etcd", options={"quota-backend-bytes": QUOTA})
        self.addCleanup(self.etcd.close)
        self.cluster = CuratorCluster(
            self.dir / "cluster", [self.etcd.url()] * 2, lease_ttl=30,
            options=("--metrics-listen", f"{{host}}:{self.metrics_port}"))
        self.addCleanup(self.cluster.close)

    def fill(self):
        """With what others keep in the same etcd, until it raises its alarm."""
        for _ in range(2 * QUOTA // len(VALUE)):
            try:
                self.etcd.etcdctl("--command-timeout=25s", "put", "somebody-else", VALUE)
            except AssertionError as refused:
                if "space exceeded" in str(refused):
                    return
        raise AssertionError("etcd took twice its quota")

    def make_room(self):
        revision = self.etcd.etcdctl("get", "somebody-else", "-w", "fields").split(
            '"Revision" : ')[1].split()[0]
        self.etcd.etcdctl("--command-timeout=25s", "compact", revision)
        self.etcd.etcdctl("--command-timeout=25s", "defrag")
        self.etcd.etcdctl("--command-timeout=25s", "alarm", "disarm")

    def store_full(self, curator):
        host = curator.listen.rsplit(":", 1)[0]
        return metric(f"{host}:{self.metrics_port}", "curator_store_full")

    def label(self, value):
        return self.cluster.ctl("node", "label", self.cluster.curators[0].id, f"x={value}",
                                "--overwrite", "-t", "20s")

    def test_is_told_to_everybody_and_costs_nothing_once_there_is_room(self):
        self.assertEqual(self.label("before").returncode, 0)
        leader = self.cluster.leader()
        self.fill()
        refused = self.label("full")
        self.assert_explained(refused, 9, "store is full", "space exceeded", "compact")
        self.assertEqual(self.label("full").returncode, 9)
        self.assertEqual(self.cluster.ctl("node", "list", "-t", "20s").returncode, 0)
        self.assertEqual(leader.log().count(SAYS_FULL), 1, leader.log())
        self.assertEqual(self.store_full(leader), 1)
        status = self.cluster.ctl("cluster", "status").stdout
        self.assertIn("store-space", status)
        self.assertIn("space exceeded", status)
        # The others find out without writing.
        for curator in self.cluster.curators:
            curator.process.wait_for_line(SAYS_FULL, 90)
            self.assertEqual(self.store_full(curator), 1)
        self.assertIs(self.cluster.leader(), leader, "it goes on leading")

        self.make_room()
        for curator in self.cluster.curators:
            curator.process.wait_for_line("the store has room again", 90)
            self.assertEqual(self.store_full(curator), 0)
            self.assertEqual(curator.log().count("the store has room again"), 1, curator.log())
            self.assertEqual(curator.log().count(SAYS_FULL), 1, curator.log())
        self.assertEqual(self.label("after").returncode, 0)
        self.assertNotIn("space exceeded", self.cluster.ctl("cluster", "status").stdout)

    def test_a_node_that_comes_meanwhile_waits(self):
        self.fill()
        agent = self.start("agent", "curator-agent", "--endpoint", self.cluster.addresses()[0],
                           "--ca-sha256", self.cluster.ca_sha256, "--ticket-file",
                           self.cluster.ticket, "--data-dir", self.dir / "agent")
        agent.wait_for_line("store is full")
        self.assertIsNone(agent.child.poll(), agent.text())
        self.make_room()
        agent.wait_for_line("registered as", 60)


class FullDisk(unittest.TestCase):
    """The embedded store on a file system of its own, which only root can make."""

    @unittest.skipUnless(os.geteuid() == 0, "needs root to mount a small file system")
    def test_refuses_what_it_has_not_executed(self):
        with tempfile.TemporaryDirectory(prefix="curator-test-") as directory:
            if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", directory],
                              check=False, capture_output=True).returncode != 0:
                self.skipTest("may not mount")
            try:
                self.fill_and_write(pathlib.Path(directory))
            finally:
                subprocess.run(["umount", directory], check=False)

    def fill_and_write(self, disk):
        cluster = CuratorCluster(disk / "cluster", [f"sqlite://{disk}/store.db"])
        try:
            curator = cluster.curators[0]
            filler = disk / "filler"
            codes = []

            def write_until_refused():
                with open(filler, "ab") as file:
                    try:
                        file.write(b"x" * (8 << 20))
                    except OSError:
                        pass
                result = cluster.ctl("node", "label", curator.id, f"x={'v' * 60}", "--overwrite",
                                     "-t", "4s")
                codes.append(result.returncode)
                return SAYS_FULL in curator.log()
            eventually(write_until_refused, 60, f"it says that it is full: {codes}")
            filler.unlink()
            eventually(lambda: cluster.ctl("node", "label", curator.id, "x=after", "--overwrite",
                                           "-t", "5s").returncode == 0, 60, "it writes again")
            self.assertIn("the store has room again", curator.log())
        finally:
            cluster.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
