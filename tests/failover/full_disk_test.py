"""The embedded store's disk is full: no curator serves, each says why, and once there is
room again all that was acknowledged is there.

A file that may not grow (RLIMIT_FSIZE of the processes) stands for the disk: the writes
of SQLite fail alike.
"""

import pathlib
import subprocess
import sys
import unittest

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster import eventually
from node import Newcomer
from shared_cluster import SharedCluster

LOG_BYTES = 256 << 10  # of the store's log, and far more than a curator's own has


class FullDisk(SharedCluster):
    def limit_files(self, size):
        for curator in self.cluster.curators:
            subprocess.run(["prlimit", f"--pid={curator.process.child.pid}", f"--fsize={size}:"],
                           check=True)

    def approve_newcomers_until(self, enough, acknowledged):
        """{id: state} of what was acknowledged goes to `acknowledged`."""
        leader = self.cluster.leader()
        while not enough():
            node = Newcomer(self.cluster)
            node.register(leader)
            acknowledged[node.id] = "NEW"
            node.approve(leader)
            acknowledged[node.id] = "STANDBY"

    def test_is_explained_and_costs_nothing_that_was_acknowledged(self):
        acknowledged = {}
        log = self.class_dir / "store.db-wal"
        self.approve_newcomers_until(lambda: log.stat().st_size > LOG_BYTES, acknowledged)
        before = {curator: len(curator.log()) for curator in self.cluster.curators}
        self.limit_files(LOG_BYTES)
        with self.assertRaises(grpc.RpcError) as refused:
            self.approve_newcomers_until(lambda: False, acknowledged)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.UNAVAILABLE)
        eventually(lambda: all(map(self.cluster.refuses, self.cluster.curators)),
                   3 * self.lease_ttl, "no curator listens")
        for curator in self.cluster.curators:
            self.assertTrue(curator.running(), curator.log())
            said = curator.log()[before[curator]:]
            self.assertIn('msg="no role"', said)
            self.assertIn("store.db: ", said)
            self.assertIn("disk", said)
        self.assert_explained(self.cluster.ctl("node", "list", "-t", "2s"), 6, "refused")

        self.limit_files("unlimited")
        self.cluster.wait_until_whole(5 * self.lease_ttl)
        states = self.cluster.states()
        for node_id, state in acknowledged.items():
            # The last one may have been approved without an answer.
            self.assertIn(states.get(node_id), (state, "STANDBY"))
        self.approve_newcomers_until(lambda: len(acknowledged) > len(states), acknowledged)
        print(f"{len(acknowledged)} nodes")


if __name__ == "__main__":
    unittest.main(verbosity=2)
