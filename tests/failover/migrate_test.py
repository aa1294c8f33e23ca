"""From one machine to three: a cluster's state moves to another store."""

import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster
from cluster import eventually, run
from etcd import EtcdCluster

MARK = "/curator.v1/migration"


class Migrate(cluster.DevClusterTest):
    curators, nodes = 2, 2

    def setUp(self):
        super().setUp()
        self.etcd = EtcdCluster(self.dir / "etcd")
        self.addCleanup(self.etcd.close)
        self.source = f"sqlite://{self.lab}/store.db"
        self.target = self.etcd.url("moved/")
        self.before = self.node_states()

    def migrate(self, source=None, target=None):
        return run("curatord", "migrate", "--from", source or self.source,
                   "--to", target or self.target)

    def keys(self):
        return set(self.etcd.etcdctl("get", "", "--prefix", "--keys-only").split())

    def stop_cluster(self):
        self.assertEqual(self.dev.end(signal.SIGINT), 0)

    def run_on(self, store):
        """Both curators by hand, on another store."""
        for endpoint in self.endpoints:
            directory = self.lab / f"curator-{endpoint.split(':')[0].rsplit('.', 1)[1]}"
            self.start(directory.name, "curatord", "run", "--data-dir", directory,
                       "--store", store, "--listen", endpoint)

    def test_to_etcd_and_on(self):
        self.endpoints = [e["endpoint"] for e in self.ctl_json("cluster", "status")["items"]]
        result = self.migrate()
        self.assert_explained(result, 9, "curators run")
        self.assertEqual(self.keys(), set())
        self.stop_cluster()
        result = self.migrate()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("4 nodes", result.stdout)
        # Twice is refused: the first copy may be in use by now.
        contents = self.etcd.contents()
        self.assert_explained(self.migrate(), 9, "not empty")
        self.assertEqual(self.etcd.contents(), contents)
        self.run_on(self.target)
        eventually(lambda: self.ctl("node", "list").returncode == 0, 30, "the cluster answers")
        self.assertEqual({i: s for i, (s, _) in self.node_states().items()},
                         {i: s for i, (s, _) in self.before.items()})
        self.assertEqual(self.ctl("node", "approve", "--all", "--yes").returncode, 0)

    def test_an_unfinished_copy_is_no_cluster_and_is_begun_anew(self):
        self.endpoints = [e["endpoint"] for e in self.ctl_json("cluster", "status")["items"]]
        self.stop_cluster()
        # As an interruption leaves it: the mark, and a part.
        self.etcd.etcdctl("put", "moved/" + MARK, self.source)
        self.etcd.etcdctl("put", "moved//nodes/left-over", "x")
        host = self.endpoints[0]
        result = run("curatord", "run", "--data-dir", self.lab / "curator-1", "--store", self.target,
                     "--listen", host)
        self.assert_explained(result, 9, "not finished", "migrate")
        self.assert_explained(self.migrate(source=self.target, target=f"sqlite://{self.dir}/m.db"), 9,
                              "not finished")
        result = self.migrate()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("moved//cluster-pki/issued/cluster-ca-cert.der", self.keys())
        self.assertNotIn("moved//nodes/left-over", self.keys())
        self.assertNotIn("moved/" + MARK, self.keys())

    def test_bad_input(self):
        self.stop_cluster()
        self.etcd.etcdctl("put", "used/x", "y")
        before = self.etcd.contents()
        self.assert_explained(self.migrate(target=self.etcd.url("used/")), 9, "not empty")
        self.assert_explained(self.migrate(source=f"sqlite://{self.dir}/none.db"), 3)
        self.assert_explained(self.migrate(target="sqlite://relative.db"), 2)
        self.assert_explained(self.migrate(source=self.etcd.url("nobody/")), 3)
        self.assertEqual(self.etcd.contents(), before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
