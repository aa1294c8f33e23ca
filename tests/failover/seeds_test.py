"""Endpoints given to curatorctl that are dead, in each way that endpoints can be."""

import pathlib
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster
from curators import CuratorCluster
from proxy import BlackHole
from shared_cluster import SharedCluster

UNRESOLVABLE = "no-such-host.invalid"


class Seeds(SharedCluster):
    curators = 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.good = cls.cluster.addresses()
        cls.other = CuratorCluster(cls.class_dir / "other",
                                   [f"sqlite://{cls.class_dir}/other.db"])
        cls.addClassCleanup(cls.other.close)

    def setUp(self):
        super().setUp()
        self.black_hole = BlackHole()
        self.addCleanup(self.black_hole.close)
        self.refusing = cluster.free_address()

    def assert_succeeds_beside_a_good_one(self, dead):
        for endpoints in ([dead, *self.good], [*self.good, dead]):
            result = self.cluster.ctl_at(endpoints, "node", "list")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(self.cluster.curators[0].id, result.stdout)

    def test_black_hole(self):
        self.assert_succeeds_beside_a_good_one(self.black_hole.host)

    def test_refused(self):
        self.assert_succeeds_beside_a_good_one(self.refusing)

    def test_unresolvable(self):
        self.assert_succeeds_beside_a_good_one(UNRESOLVABLE)

    def test_of_another_cluster(self):
        self.assert_succeeds_beside_a_good_one(self.other.addresses()[0])

    def test_stopped_process(self):
        curator = self.other.curators[0]
        curator.send(signal.SIGSTOP)
        self.addCleanup(curator.send, signal.SIGCONT)
        self.assert_succeeds_beside_a_good_one(curator.address)

    def test_all_of_them_at_once(self):
        dead = [self.black_hole.host, self.refusing, UNRESOLVABLE, self.other.addresses()[0]]
        result = self.cluster.ctl_at([*dead, *self.good], "node", "list")
        self.assertEqual(result.returncode, 0, result.stderr)

    def timed(self, endpoints, timeout=3):
        began = time.monotonic()
        result = self.cluster.ctl_at(endpoints, "node", "list", "-t", f"{timeout}s")
        self.assertLess(time.monotonic() - began, 2 * timeout)
        return result

    def test_all_dead_names_each_cause(self):
        result = self.timed([self.black_hole.host, self.refusing, UNRESOLVABLE])
        self.assert_explained(result, 6, self.black_hole.host, "no answer in time", self.refusing,
                              "refused", UNRESOLVABLE)

    def test_all_dead_one_of_another_cluster(self):
        result = self.timed([self.refusing, self.other.addresses()[0]])
        self.assert_explained(result, 6, self.refusing, "refused", self.other.addresses()[0])

    def test_only_hopeless_ones_do_not_wait_for_the_deadline(self):
        for endpoints, code in (([UNRESOLVABLE], 6), (self.other.addresses(), 7),
                                ([UNRESOLVABLE, *self.other.addresses()], 7)):
            began = time.monotonic()
            result = self.cluster.ctl_at(endpoints, "node", "list", "-t", "30s")
            self.assertLess(time.monotonic() - began, 15)
            self.assert_explained(result, code, endpoints[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
