"""How many streams one node may have open at the leader, over however many connections."""

import pathlib
import sys
import unittest

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import stubs
from cluster import eventually
from node import reason_is
from protocol import ProtocolTest

MOST = 256  # server/limits.h
OF_A_CONNECTION = 60


class StreamsOfANode(ProtocolTest):
    def open(self, channel):
        """A watch that has brought its first event."""
        request = stubs.curator_pb2.WatchRequest()
        request.nodes_in_cluster.SetInParent()
        call = stubs.curator(channel).Watch(request)
        self.addCleanup(call.cancel)
        next(call)
        return call

    def test_are_so_many_and_no_more_until_one_ends(self):
        node, other = self.up(), self.up()
        channels = [self.enter(node.channel_to(self.leader))
                    for _ in range(MOST // OF_A_CONNECTION + 1)]
        streams = [self.open(channels[number // OF_A_CONNECTION]) for number in range(MOST)]
        with self.assertRaises(grpc.RpcError) as refused:
            self.open(channels[-1])
        self.assertEqual(refused.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertTrue(reason_is(refused.exception, b"TOO_MANY_STREAMS"), refused.exception)
        # Nobody else has less for it, and neither have its calls.
        self.open(self.enter(other.channel_to(self.leader)))
        self.open(self.user_channel)
        stubs.management(channels[-1]).GetClusterInfo(
            stubs.management_pb2.GetClusterInfoRequest(), timeout=20)
        streams[0].cancel()

        def opens():
            try:
                return self.open(channels[-1])
            except grpc.RpcError as error:
                self.assertTrue(reason_is(error, b"TOO_MANY_STREAMS"), error)
                return None
        eventually(opens, 20, "there is room for another once one has ended")


if __name__ == "__main__":
    unittest.main(verbosity=2)
