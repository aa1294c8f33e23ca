"""Curators whose wall clock is set forward or back while they run.

Leases are counted by a clock that does not jump: nobody loses a role, and no call hangs.
"""

import os
import pathlib
import struct
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster import eventually
from shared_cluster import SharedCluster

JUMPING_CLOCK = os.environ["CURATOR_JUMPING_CLOCK"]
HALF_AN_HOUR, DAY = 1800, 24 * 3600  # certificates are backdated by an hour


class ClockJumps(SharedCluster):
    @classmethod
    def stores(cls, directory):
        return [cls.start_etcd(directory).url()] * cls.curators

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for curator in cls.cluster.curators:
            cls.clock_of(curator).write_bytes(struct.pack("q", 0))
            curator.environment = {"LD_PRELOAD": JUMPING_CLOCK,
                                   "CURATOR_TEST_CLOCK": str(cls.clock_of(curator))}
            curator.kill()
            cls.cluster.start(curator)

    @staticmethod
    def clock_of(curator):
        return curator.directory / "clock"

    def setUp(self):
        for curator in self.cluster.curators:
            self.jump(curator, 0)
        super().setUp()

    def jump(self, curator, seconds):
        """In place: the curator has the file mapped."""
        with open(self.clock_of(curator), "r+b") as file:
            file.write(struct.pack("q", seconds * 10**9))

    def keeps_its_role_when(self, of_leader, *jumps):
        with self.load() as load:
            leader = self.cluster.leader()
            curator = leader if of_leader else next(
                c for c in self.cluster.curators if c is not leader)
            before = len(curator.log())
            for seconds in jumps:
                self.jump(curator, seconds)
                until = time.monotonic() + 2 * self.lease_ttl
                while time.monotonic() < until:
                    self.assertIs(self.cluster.leader(), leader)
                load.wait_for_successes()
            for words in ("no role", "stopped listening"):
                self.assertNotIn(words, curator.log()[before:])
        self.assertLess(load.longest_gap(), self.lease_ttl)

    def test_leader_set_back(self):
        self.keeps_its_role_when(True, -HALF_AN_HOUR, 0)

    def test_follower_set_back(self):
        self.keeps_its_role_when(False, -HALF_AN_HOUR, 0)

    def test_leader_set_forward(self):
        self.keeps_its_role_when(True, HALF_AN_HOUR, 2 * DAY, 0)

    def test_a_clock_that_makes_certificates_worthless_is_named(self):
        leader = self.cluster.leader()
        self.jump(leader, -DAY)

        def refused():
            result = self.cluster.ctl("node", "list", "-t", "5s")
            return result if result.returncode != 0 else None
        result = eventually(refused, 10, "the leader, by its clock, takes no certificate")
        self.assert_explained(result, 4, "is not valid before", "clock")
        self.jump(leader, 0)
        eventually(lambda: self.cluster.ctl("node", "list").returncode == 0, 10, "all is well")


if __name__ == "__main__":
    unittest.main(verbosity=2)
