"""Leadership changes hands again and again under one load; label long: a thousand times.

What is looked for beside what the workload verifies: two leaders whose writes interleave,
and what the curators that live throughout do not give back.
"""

import base64
import json
import pathlib
import re
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster import eventually
from shared_cluster import LONG, SharedCluster

CHANGES = LONG or 20
WARM_UP = 10
PAGE = 4096
# A follower deposes the same leader by evidence once a minute; then the lease decides.
KILL_SECONDS = 61


class Footprint:
    """Of a curator's process: threads, file descriptors and resident memory."""

    def __init__(self, curator):
        process = pathlib.Path(f"/proc/{curator.process.child.pid}")
        self.threads = len(list((process / "task").iterdir()))
        self.files = len(list((process / "fd").iterdir()))
        self.kib = int((process / "statm").read_text().split()[1]) * PAGE // 1024

    def __str__(self):
        return f"{self.threads} threads, {self.files} files, {self.kib} KiB"


class LeaderChanges(SharedCluster):
    @classmethod
    def stores(cls, directory):
        return [cls.start_etcd(directory).url()] * cls.curators

    def change(self, by_kill):
        old = self.cluster.leader()
        if by_kill:
            old.kill(signal.SIGKILL)
            self.cluster.wait_for_other_leader(old, 3 * self.lease_ttl)
            self.cluster.start(old)
            self.cluster.wait_until_whole()
            return
        # Refused while nobody else is a candidate: so soon after the last change.
        eventually(lambda: self.cluster.ctl("leader", "transfer", "--yes").returncode == 0,
                   3 * self.lease_ttl, "leadership is handed over")

    def terms(self):
        return {int(term) for curator in self.cluster.curators
                for term in re.findall(r"msg=leading term=(\d+)", curator.log())}

    def test_many_changes_of_the_leader(self):
        mortal = self.cluster.curators[-1]
        survivors = self.cluster.curators[:-1]
        killed_at = kills = 0
        with self.load(patience=120, write_pause=0.3) as load:
            for _ in range(WARM_UP):
                self.change(by_kill=False)
            self.cluster.wait_until_whole()
            before = {c: Footprint(c) for c in survivors}
            nodes_before, terms_before = len(load.terms), len(self.terms())
            while len(self.terms()) < terms_before + CHANGES:
                by_kill = (self.cluster.leader() is mortal and
                           time.monotonic() - killed_at > KILL_SECONDS)
                self.change(by_kill)
                if by_kill:
                    killed_at, kills = time.monotonic(), kills + 1
            load.wait_for_successes()
            self.cluster.wait_until_whole()
            after = {c: Footprint(c) for c in survivors}
        nodes = len(load.terms) - nodes_before
        print(f"{len(self.terms()) - terms_before} changes of the leader, {kills} by SIGKILL, "
              f"{nodes} nodes registered meanwhile")
        for curator in survivors:
            print(f"{curator.name}: {before[curator]} before; {after[curator]} after")
        for curator in survivors:
            was, now = before[curator], after[curator]
            self.assertLess(now.threads, was.threads + 10)
            self.assertLess(now.files, was.files + 10)
            # Each node is kept in memory, with its history in the logs of the stores.
            self.assertLess(now.kib, was.kib + 8 * nodes + 32 * 1024)
        self.assert_no_two_leaders_interleave(load.terms)

    def assert_no_two_leaders_interleave(self, terms):
        """In the order in which etcd took them, registrations are of terms that only grow."""
        answer = json.loads(self.etcd.etcdctl("get", "", "--prefix", "--keys-only", "-w", "json"))
        in_order = []
        for item in answer["kvs"]:
            name = base64.b64decode(item["key"]).decode(errors="replace").rsplit("/", 1)[-1]
            if name in terms:
                in_order.append((item["create_revision"], terms[name]))
        in_order.sort()
        self.assertGreater(len(in_order), 0)
        self.assertEqual(len(in_order), len(terms))
        in_terms = [term for _, term in in_order]
        self.assertEqual(in_terms, sorted(in_terms))


if __name__ == "__main__":
    unittest.main(verbosity=2)
