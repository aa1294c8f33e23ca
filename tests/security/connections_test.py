"""A curator with few descriptors, and more connections than it has of them."""

import pathlib
import resource
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster import eventually
from shared_cluster import SharedCluster

DESCRIPTORS = 256
HOLD_100 = """
import signal, socket, sys
held = [socket.create_connection((sys.argv[1], int(sys.argv[2])), 10) for _ in range(100)]
print("connected", flush=True)
signal.pause()
"""


class FewDescriptors(SharedCluster):
    curators = 2

    @classmethod
    def setUpClass(cls):
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        super().setUpClass()

    def hold_connections(self, curator, processes):
        """Of 100 each, for this process has no more descriptors either; none is refused."""
        for number in range(processes):
            holding = self.start(f"holding-{number}", sys.executable, "-c", HOLD_100,
                                 *curator.listen.rsplit(":", 1))
            holding.wait_for_line("connected")

    def test_more_connections_than_descriptors_keep_nobody_out(self):
        leader = self.cluster.leader()
        led = leader.log().count("msg=leading")
        self.hold_connections(leader, 5)
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
