"""Curators cut off from their etcd, or from their clients, but not from both.

Each curator has a proxy of its own to etcd, and one that its clients go through: it
advertises the address of that one.
"""

import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster import eventually
from proxy import Proxy
from shared_cluster import SharedCluster, long


class Partition(SharedCluster):
    client_proxies = True

    @classmethod
    def stores(cls, directory):
        etcd = cls.start_etcd(directory)
        cls.to_etcd = [Proxy(etcd.members[0].address) for _ in range(cls.curators)]
        for proxy in cls.to_etcd:
            cls.addClassCleanup(proxy.close)
        return [etcd.url(addresses=[proxy.address]) for proxy in cls.to_etcd]

    def setUp(self):
        for proxy in self.to_etcd:
            proxy.unblock()
        super().setUp()

    def way_to_etcd(self, curator):
        return self.to_etcd[self.cluster.curators.index(curator)]

    def loses_leadership_when(self, cut_off, heal):
        """The leader stops listening by its own clock; another leads; it follows once healed."""
        with self.load() as load:
            old = self.cluster.leader()
            cut_off(self.way_to_etcd(old))
            eventually(lambda: self.cluster.refuses(old), 2 * self.lease_ttl,
                       "the curator without a store stops listening")
            new = self.cluster.wait_for_other_leader(old, 3 * self.lease_ttl)
            load.wait_for_successes()
            heal(self.way_to_etcd(old))
            eventually(lambda: self.cluster.roles()[old.address] == "follower",
                       6 * self.lease_ttl, "it follows again")
            self.assertIs(self.cluster.leader(), new)
        self.assertLess(load.longest_gap(), 3 * self.lease_ttl)

    def test_leader_cut_off_from_etcd(self):
        self.loses_leadership_when(lambda proxy: proxy.block(), lambda proxy: proxy.unblock())

    @long
    def test_leader_refused_by_etcd(self):
        self.loses_leadership_when(lambda proxy: proxy.refuse(), lambda proxy: proxy.unrefuse())

    @long
    def test_requests_to_etcd_are_lost(self):
        self.loses_leadership_when(lambda proxy: proxy.block("up"), lambda proxy: proxy.unblock())

    def test_answers_of_etcd_are_lost(self):
        # What it asked arrives and is done: writes whose outcome it never learns.
        self.loses_leadership_when(lambda proxy: proxy.block("down"),
                                   lambda proxy: proxy.unblock())

    def keeps_leadership_without_clients(self, *directions):
        """Silence towards clients is no evidence against a leader whose lease stands."""
        with self.load():
            leader = self.cluster.leader()
            before = len(leader.log())
            leader.proxy.block(*directions)
            result = self.cluster.ctl("node", "list", "-t", f"{2 * self.lease_ttl}s")
            self.assertIn(result.returncode, (6, 8, 10), result.stderr)
            self.assertIn(leader.address, result.stderr)
            for part in ("error: ", "why:", "do:"):
                self.assertIn(part, result.stderr)
            others = [c.address for c in self.cluster.curators if c is not leader]
            status = json.loads(self.cluster.ctl_at(others, "cluster", "status", "-t", "5s", "-o",
                                                    "json").stdout)
            self.assertEqual({(item["role"], item["leader_id"]) for item in status["items"]
                              if item["endpoint"] in others}, {("follower", leader.id)})
            leader.proxy.unblock()
            eventually(lambda: self.cluster.leader() is leader, 2 * self.lease_ttl, "it answers")
            self.assertNotIn("stopped listening", leader.log()[before:])

    def test_a_port_that_is_refused_does_not_make_leadership_flap(self):
        """What a firewall's rule that rejects the leader's port looks like to all others."""
        with self.load() as load:
            old = self.cluster.leader()
            old.proxy.refuse()
            new = self.cluster.wait_for_other_leader(old, 3 * self.lease_ttl)
            until = time.monotonic() + 4 * self.lease_ttl
            while time.monotonic() < until:
                self.assertIs(self.cluster.leader(), new)
            load.wait_for_successes()
            old.proxy.unrefuse()
            self.cluster.wait_until_whole()
            self.assertIs(self.cluster.leader(), new)

    def test_leader_cut_off_from_clients(self):
        self.keeps_leadership_without_clients()

    @long
    def test_answers_to_clients_are_lost(self):
        self.keeps_leadership_without_clients("down")


if __name__ == "__main__":
    unittest.main(verbosity=2)
