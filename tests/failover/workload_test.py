"""The workload that verifies itself notices each lie, told by a scripted server."""

import pathlib
import sys
import types
import unittest
from concurrent import futures

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import stubs
from workload import NEW, STANDBY, Workload

NODE = "metropolis-" + "1" * 32
OTHER = "metropolis-" + "2" * 32


class Scripted(stubs.management_pb2_grpc.ManagementServicer):
    """Honest, unless a test changes what it holds."""

    def __init__(self):
        self.nodes = []
        self.rules = []
        self.loses_answers = 0
        self.forgets = False

    def GetNodes(self, request, context):  # noqa: N802
        for node_id, state in self.nodes:
            yield stubs.management_pb2.Node(id=node_id, state=state)

    def GetClusterInfo(self, request, context):  # noqa: N802
        answer = stubs.management_pb2.GetClusterInfoResponse()
        for rule in self.rules:
            answer.cluster_configuration.kubernetes.node_labels_to_synchronize.add(regexp=rule)
        return answer

    def ConfigureCluster(self, request, context):  # noqa: N802
        def rules(configuration):
            return [r.regexp for r in configuration.kubernetes.node_labels_to_synchronize]
        assert request.base_config.HasField("kubernetes")
        if rules(request.base_config) != self.rules:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "the base has changed")
        if not self.forgets:
            self.rules = rules(request.new_config)
        if self.loses_answers:
            self.loses_answers -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "the answer was lost")
        return stubs.management_pb2.ConfigureClusterResponse()


class Retrying:
    """The follower of a leader that never changes."""

    def __init__(self, channel):
        self._channel = channel

    def settle(self, attempt, deadline):
        while True:
            try:
                return attempt(self._channel, None)
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE:
                    raise


class WorkloadTest(unittest.TestCase):
    def setUp(self):
        server = grpc.server(futures.ThreadPoolExecutor(2))
        self.scripted = Scripted()
        stubs.management_pb2_grpc.add_ManagementServicer_to_server(self.scripted, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.addCleanup(lambda: server.stop(None).wait())
        self.addCleanup(channel.close)
        ticket = types.SimpleNamespace(read_text=lambda: "00")
        self.load = Workload(types.SimpleNamespace(ticket=ticket), follower=Retrying(channel))

    def assert_noticed(self, words):
        with self.assertRaisesRegex(AssertionError, words):
            self.load.check()

    def test_honest_server_passes(self):
        self.load.ledger.attempt(NODE)
        for state in (NEW, STANDBY):
            self.load.ledger.acknowledge(NODE, state)
            self.scripted.nodes = [(NODE, state)]
            self.load.read_once()
            self.load.count()
        self.load.check()

    def test_acknowledged_node_is_missing(self):
        self.load.ledger.attempt(NODE)
        self.load.ledger.acknowledge(NODE, NEW)
        self.load.read_once()
        self.assert_noticed(f"{NODE} was in state 1 .* nothing")

    def test_state_goes_back(self):
        self.load.ledger.attempt(NODE)
        for state in (STANDBY, NEW):
            self.scripted.nodes = [(NODE, state)]
            self.load.read_once()
        self.assert_noticed("was in state 2 before the read began, the read shows 1")

    def test_node_that_nobody_wrote(self):
        self.scripted.nodes = [(OTHER, NEW)]
        self.load.read_once()
        self.assert_noticed(f"nobody wrote .*{OTHER}")

    def test_node_shown_twice(self):
        self.load.ledger.attempt(NODE)
        self.scripted.nodes = [(NODE, NEW), (NODE, NEW)]
        self.load.read_once()
        self.assert_noticed("twice")

    def test_lost_answers_count_once(self):
        for _ in range(3):
            self.scripted.loses_answers = 2
            self.load.count()
        self.load.check()
        self.assertEqual(self.scripted.rules, ["counter-3"])

    def test_counter_forgets_an_acknowledged_step(self):
        self.scripted.forgets = True
        self.load.count()
        self.assert_noticed("set from 0 to 1, it is 0")

    def test_counter_goes_back(self):
        self.load.count()
        self.load.count()
        self.scripted.rules = ["counter-1"]
        self.load.count()
        self.assert_noticed("the counter was 2 before the read began, the read shows 1")


if __name__ == "__main__":
    unittest.main(verbosity=2)
