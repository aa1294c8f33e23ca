"""A curator with few descriptors, and more connections than it has of them."""

import pathlib
import resource
import socket
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster import eventually
from shared_cluster import SharedCluster

DESCRIPTORS = 256


class FewDescriptors(SharedCluster):
    curators = 2

    @classmethod
    def setUpClass(cls):
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        try:
            super().setUpClass()
        finally:
            # As root.
            resource.setrlimit(resource.RLIMIT_NOFILE, before)

    def connect(self, curator, count):
        """None of them is refused."""
        host, port = curator.listen.rsplit(":", 1)
        connections = []
        for _ in range(count):
            connection = socket.create_connection((host, int(port)), timeout=10)
            connections.append(connection)
            self.addCleanup(connection.close)
        return connections

    def test_more_connections_than_descriptors_keep_nobody_out(self):
        leader = self.cluster.leader()
        led = leader.log().count("msg=leading")
        self.connect(leader, 2 * DESCRIPTORS)
        for _ in range(5):
            result = self.cluster.ctl("node", "list", "-t", "5s")
            self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("connection turned away", leader.log())
        # Being full is no reason to resign.
        eventually(lambda: "leader" in self.cluster.roles().values(), 10, "one leads")
        self.assertEqual(leader.log().count("msg=leading"), led)
        self.assertNotIn("cannot be reached", leader.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
