"""Getting into etcd: by TLS with client certificates, and by mistake."""

import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster
import stubs
from cluster import run
from curators import SETTINGS, CuratorCluster
from etcd import EtcdCluster
from proxy import BlackHole
from shared_cluster import SharedCluster


class ThroughTls(SharedCluster):
    @classmethod
    def stores(cls, directory):
        return [cls.start_etcd(directory, members=3, tls=True).url("tls/")] * cls.curators

    def test_command_and_foreign_client_work_and_survive_a_kill(self):
        with self.load() as load:
            old = self.cluster.leader()
            with self.cluster.channel(old) as channel:
                nodes = list(stubs.management(channel).GetNodes(
                    stubs.management_pb2.GetNodesRequest(), timeout=10))
            self.assertLessEqual({c.id for c in self.cluster.curators}, {n.id for n in nodes})
            old.kill()
            self.cluster.wait_for_other_leader(old, 3 * self.lease_ttl)
        self.assertLess(load.longest_gap(), 2 * self.lease_ttl)

    def test_without_the_client_certificate(self):
        url = self.etcd.url("tls/").split("&cert=", maxsplit=1)[0]
        curator = self.cluster.curators[0]
        curator.send(signal.SIGTERM)
        curator.process.child.wait(20)
        result = run("curatord", "run", "--data-dir", curator.directory, "--store", url, "--listen",
                     curator.listen)
        self.assert_explained(result, 6, "certificate")


class LongerLeases(SharedCluster):
    """This etcd grants no lease under one and a half election timeouts: 6 s."""

    curators = 2

    @classmethod
    def stores(cls, directory):
        return [cls.start_etcd(directory, election_timeout_ms=4000).url()] * cls.curators

    def test_the_granted_lease_counts(self):
        for curator in self.cluster.curators:
            self.assertIn("asked=3s granted=6s", curator.log())
        old = self.cluster.leader()
        cluster.stop_process(old.process.child.pid)
        stopped_at = cluster.time.monotonic()
        self.cluster.wait_for_other_leader(old, 3 * 6)
        # The last keepalive was sent at most a third of the lease before.
        self.assertGreater(cluster.time.monotonic() - stopped_at, 6 / 2)


class Mistakes(cluster.ClusterTest):
    """Each with an error that explains itself, and nothing written."""

    @classmethod
    def setUpClass(cls):
        cls.class_dir = pathlib.Path(cluster.tempfile.mkdtemp(prefix="curator-test-"))
        cls.addClassCleanup(cluster.shutil.rmtree, cls.class_dir, ignore_errors=True)
        cls.etcd = EtcdCluster(cls.class_dir / "etcd")
        cls.addClassCleanup(cls.etcd.close)

    def setUp(self):
        super().setUp()
        self.prefix = f"{self.dir.name}/"
        self.owner = self.dir / "owner"
        run("curatorctl", "cred", "new-key", "--out", self.owner)

    def init(self, name, url):
        return run("curatord", "init", "--data-dir", self.dir / name, "--owner-public-key",
                   self.owner / "owner-key.pub", "--store", url, *SETTINGS)

    def run_curator(self, name, url):
        return run("curatord", "run", "--data-dir", self.dir / name, "--store", url, "--listen",
                   cluster.free_address(), "--lease-ttl", "3s")

    def set_up(self, name, url):
        self.assertEqual(self.init(name, url).returncode, 0)

    def assert_refused(self, attempt, code, *words):
        before = self.etcd.contents()
        self.assert_explained(attempt(), code, *words)
        self.assertEqual(_without_headers(self.etcd.contents()), _without_headers(before),
                         "something was written")

    def test_unreachable_etcd(self):
        self.set_up("c1", self.etcd.url(self.prefix))
        black_hole = BlackHole()
        self.addCleanup(black_hole.close)
        for address, words in ((f"{cluster.free_address()}:7835", "refused"),
                               (f"{black_hole.host}:7835", black_hole.host),
                               ("no-such-host.invalid:2379", "no-such-host.invalid")):
            url = self.etcd.url(self.prefix, [address])
            with self.subTest(command="run", address=address):
                self.assert_refused(lambda: self.run_curator("c1", url), 6, words)
            with self.subTest(command="init", address=address):
                self.assert_refused(lambda: self.init("c2", url), 6, words)
                self.assertFalse((self.dir / "c2" / "node.pem").exists())

    def test_not_an_etcd(self):
        self.set_up("c1", self.etcd.url(self.prefix))
        other = CuratorCluster(self.dir / "other", [f"sqlite://{self.dir}/other.db"])
        self.addCleanup(other.close)
        url = self.etcd.url(self.prefix, other.addresses())
        before = self.etcd.contents()
        result = self.run_curator("c1", url)
        self.assert_explained(result, result.returncode, other.addresses()[0])
        self.assertIn(result.returncode, (6, 9), result.stderr)
        self.assertEqual(_without_headers(self.etcd.contents()), _without_headers(before))

    def test_prefix_that_holds_garbage(self):
        self.set_up("c1", self.etcd.url(self.prefix))
        garbage = f"{self.dir.name}-garbage/"
        self.etcd.etcdctl("put", f"{garbage}something", "else")
        result = self.run_curator("c1", self.etcd.url(garbage))
        self.assert_explained(result, result.returncode, "none of them a curator's")
        self.assertNotEqual(result.returncode, 0)

    def test_prefix_whose_records_are_garbage(self):
        self.set_up("c1", self.etcd.url(self.prefix))
        garbage = f"{self.dir.name}-garbage/"
        self.etcd.etcdctl("put", f"{garbage}/cluster-pki/issued/cluster-ca-cert.der", "no DER")
        for command, result in (("run", self.run_curator("c1", self.etcd.url(garbage))),
                                ("init", self.init("c2", self.etcd.url(garbage)))):
            with self.subTest(command=command):
                self.assertNotEqual(result.returncode, 0)
                self.assert_explained(result, result.returncode)

    def test_empty_prefix(self):
        self.set_up("c1", self.etcd.url(self.prefix))
        self.assert_refused(lambda: self.run_curator("c1", self.etcd.url("nothing/")), 3)

    def test_etcd_of_another_cluster(self):
        self.set_up("c1", self.etcd.url(self.prefix))
        other = self.etcd.url(f"{self.dir.name}-other/")
        self.set_up("c2", other)
        self.assert_refused(lambda: self.run_curator("c1", other), 9, "another cluster")

    def test_init_where_a_cluster_is(self):
        url = self.etcd.url(self.prefix)
        self.set_up("c1", url)
        self.assert_refused(lambda: self.init("c2", url), 9, "holds a cluster already")
        self.assertFalse((self.dir / "c2" / "node.pem").exists())

    def test_lease_shorter_than_can_be_kept(self):
        url = self.etcd.url(self.prefix)
        self.set_up("c1", url)
        self.assert_refused(lambda: run("curatord", "run", "--data-dir", self.dir / "c1", "--store",
                                        url, "--listen", cluster.free_address(), "--lease-ttl",
                                        "1s"), 2, "lease")


class Passwords(cluster.ClusterTest):
    def test_wrong_missing_and_right(self):
        etcd = EtcdCluster(self.dir / "etcd")
        self.addCleanup(etcd.close)
        root = ("--user", "root:secret")
        etcd.etcdctl("user", "add", "root:secret")
        etcd.etcdctl("user", "grant-role", "root", "root")
        etcd.etcdctl("auth", "enable")
        run("curatorctl", "cred", "new-key", "--out", self.dir / "owner")
        right, wrong = self.dir / "right", self.dir / "wrong"
        right.write_text("secret\n")
        wrong.write_text("guess\n")

        def init(name, parameters):
            return run("curatord", "init", "--data-dir", self.dir / name, "--owner-public-key",
                       self.dir / "owner" / "owner-key.pub", "--store",
                       etcd.url() + parameters, *SETTINGS)

        for name, parameters in (("wrong-c", f"?user=root&password-file={wrong}"),
                                 ("nobody-c", f"?user=nobody&password-file={right}"),
                                 ("missing-c", "")):
            with self.subTest(name):
                result = init(name, parameters)
                self.assertNotEqual(result.returncode, 0)
                self.assertNotIn("secret", result.stderr)
                self.assertFalse((self.dir / name / "node.pem").exists())
                self.assert_explained(result, result.returncode,
                                      "password" if parameters else "user")
        self.assertIn('"Count" : 0', etcd.contents(*root))
        with self.subTest("no password file"):
            self.assert_explained(init("gone-c", f"?user=root&password-file={self.dir}/gone"), 3,
                                  "gone")
        result = init("right-c", f"?user=root&password-file={right}")
        self.assertEqual(result.returncode, 0, result.stderr)


def _without_headers(contents):
    """The header counts Raft's entries, which a refused read may add."""
    return [line for line in contents.splitlines() if '"RaftTerm"' not in line and
            '"MemberID"' not in line]


if __name__ == "__main__":
    unittest.main(verbosity=2)
