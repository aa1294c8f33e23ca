"""Curators and members of a three-member etcd die, stop and come back, under load."""

import pathlib
import random
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster import eventually
from shared_cluster import LONG, SharedCluster, long


class EtcdFailover(SharedCluster):
    @classmethod
    def stores(cls, directory):
        return [cls.start_etcd(directory, members=3).url()] * cls.curators

    def take_over_after(self, number):
        """The leader, after it got the signal and another leads."""
        old = self.cluster.leader()
        old.send(number)
        self.cluster.wait_for_other_leader(old, 3 * self.lease_ttl)
        return old

    def test_sigkill_of_the_leader(self):
        with self.load() as load:
            self.take_over_after(signal.SIGKILL)
        self.assertLess(load.longest_gap(), 2 * self.lease_ttl)

    def test_sigterm_of_the_leader_costs_no_lease(self):
        with self.load() as load:
            old = self.take_over_after(signal.SIGTERM)
            self.assertEqual(old.process.child.wait(20), 0)
        self.assertLess(load.longest_gap(), self.lease_ttl)

    def test_leader_stopped_and_continued(self):
        with self.load() as load:
            old = self.take_over_after(signal.SIGSTOP)
            load.wait_for_successes()
            old.send(signal.SIGCONT)
            eventually(lambda: self.cluster.roles()[old.address] == "follower",
                       3 * self.lease_ttl, "the old leader follows")
        self.assertLess(load.longest_gap(), 3 * self.lease_ttl)

    def test_two_leaderships_in_quick_succession(self):
        with self.load() as load:
            first = self.take_over_after(signal.SIGKILL)
            second = self.cluster.leader()
            second.kill()
            third = self.cluster.wait_for_other_leader(second, 3 * self.lease_ttl)
            self.assertIsNot(third, first)
        self.assertLess(load.longest_gap(), 4 * self.lease_ttl)

    def test_etcd_leader_killed_and_restarted(self):
        with self.load() as load:
            member = self.etcd.leader()
            self.etcd.kill(member)
            self.assertIsNot(self.etcd.leader(), member)
            load.wait_for_successes()
            self.etcd.start(member)
            self.etcd.wait_for_quorum()
        self.assertLess(load.longest_gap(), 3 * self.lease_ttl)

    def test_etcd_leader_fails_again_and_again(self):
        """Writes are lost with it, as it seems, and some arrive late."""
        with self.load() as load:
            for fail in (self.etcd.stop, self.etcd.kill) * 3:
                fail(self.etcd.leader())
                load.wait_for_successes()
                self.etcd.repair()

    @long
    def test_etcd_leader_stopped_and_continued(self):
        with self.load() as load:
            member = self.etcd.leader()
            self.etcd.stop(member)
            self.assertIsNot(self.etcd.leader(), member)
            load.wait_for_successes()
            self.etcd.go_on(member)
            self.etcd.wait_for_quorum()
        self.assertLess(load.longest_gap(), 3 * self.lease_ttl)

    def test_quorum_lost_and_regained(self):
        lost = self.etcd.members[:2]
        with self.load():
            before = {curator: len(curator.log()) for curator in self.cluster.curators}
            for member in lost:
                self.etcd.kill(member)
            eventually(lambda: all(map(self.cluster.refuses, self.cluster.curators)),
                       2 * self.lease_ttl, "no curator listens")
            for curator in self.cluster.curators:
                def said(text, curator=curator):
                    return text in curator.log()[before[curator]:]
                self.assertTrue(said('msg="no role"'))
                # Not before the member that is left has noticed itself.
                eventually(lambda: said("etcd has no quorum"), self.lease_ttl, "says why")
            self.assert_explained(self.cluster.ctl("node", "list", "-t", "2s"), 6, "refused")
            for member in lost:
                self.etcd.start(member)
            self.etcd.wait_for_quorum()
            self.cluster.wait_until_whole(5 * self.lease_ttl)

    @long
    def test_quorum_lost_for_long_is_regained_as_soon(self):
        """However long etcd was away, its return is noticed within one more lease."""
        lost = self.etcd.members[:2]
        with self.load(patience=240) as load:
            for member in lost:
                self.etcd.kill(member)
            # A minute, which commands that wait out their deadline fill.
            for _ in range(4):
                self.assert_explained(self.cluster.ctl("node", "list", "-t", "15s"), 6)
            for member in lost:
                self.etcd.start(member)
            self.etcd.wait_for_quorum()
            load.wait_for_successes(2 * self.lease_ttl)

    def test_rolling_restart_of_all(self):
        with self.load() as load:
            for curator in self.cluster.curators:
                curator.send(signal.SIGTERM)
                self.assertEqual(curator.process.child.wait(20), 0)
                self.cluster.start(curator)
                eventually(lambda: curator.address in self.cluster.roles() and
                           self.cluster.roles()[curator.address] != "none", 30, "it serves")
            for member in self.etcd.members:
                member.process.end(signal.SIGTERM)
                self.etcd.start(member)
                self.etcd.wait_for_quorum()
            self.cluster.wait_until_whole()
        self.assertLess(load.longest_gap(), 3 * self.lease_ttl)

    @long
    def test_many_faults_in_a_row(self):
        """Under one load, which remembers all that it wrote."""
        seed = random.randrange(1 << 32)
        print(f"seed {seed}")
        choose = random.Random(seed)
        with self.load(patience=120) as load:
            for _ in range(LONG):
                fault = choose.choice([self.curator_fault, self.etcd_fault, self.quorum_fault])
                fault(choose)
                load.wait_for_successes()
                self.etcd.repair()
                self.cluster.repair()

    def curator_fault(self, choose):
        for curator in choose.sample(self.cluster.curators, choose.randint(1, 2)):
            curator.send(choose.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP]))

    def etcd_fault(self, choose):
        member = choose.choice(self.etcd.members)
        choose.choice([self.etcd.kill, self.etcd.stop])(member)

    def quorum_fault(self, choose):
        for member in choose.sample(self.etcd.members, 2):
            self.etcd.kill(member)
        eventually(lambda: all(map(self.cluster.refuses, self.cluster.curators)),
                   2 * self.lease_ttl, "no curator listens")
        self.etcd.repair()


if __name__ == "__main__":
    unittest.main(verbosity=2)
