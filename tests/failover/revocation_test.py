"""A node that was deleted or decommissioned is out within a second, whoever leads."""

import contextlib
import pathlib
import signal
import sys
import threading
import time
import unittest

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import stubs
from cluster import eventually
from node import Newcomer, is_revoked, open_heartbeat, open_watch
from shared_cluster import SharedCluster

OUT_WITHIN_SECONDS = 1  # of the answer to the deletion: what the product promises
AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)  # of a leader that is gone


class Revocation(SharedCluster):
    @classmethod
    def stores(cls, directory):
        return [cls.start_etcd(directory).url()] * cls.curators

    def setUp(self):
        super().setUp()
        leader = self.cluster.leader()
        self.node = Newcomer(self.cluster).become_up(leader)
        self.other = Newcomer(self.cluster).become_up(leader)
        self.go_to(leader)

    def go_to(self, leader):
        self.leader = leader
        self.users = self.enter(self.cluster.channel(leader))
        self.calls = self.enter(self.node.channel_to(leader))

    def enter(self, manager):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        return stack.enter_context(manager)

    def open_streams(self, channel):
        streams = [open_heartbeat(channel), open_watch(channel),
                   open_watch(channel, self.other.id)]
        for stream in streams:
            self.addCleanup(stream.cancel)
        return streams

    def delete(self, channel):
        """When it was answered."""
        stubs.management(channel).DeleteNode(stubs.management_pb2.DeleteNodeRequest(
            id=self.node.id, safety_bypass_not_decommissioned={}), timeout=20)
        return time.monotonic()

    def decommission(self):
        """When the node's report that it is done was answered."""
        stubs.management(self.users).DecommissionNode(
            stubs.management_pb2.DecommissionNodeRequest(id=self.node.id), timeout=20)
        for state in (stubs.operations_pb2.Decommission.STATE_IN_PROGRESS,
                      stubs.operations_pb2.Decommission.STATE_DONE):
            stubs.operations(self.calls).ReportDecommission(
                stubs.operations_pb2.ReportDecommissionRequest(state=state), timeout=20)
        return time.monotonic()

    def call(self, channel):
        stubs.management(channel).GetClusterInfo(
            stubs.management_pb2.GetClusterInfoRequest(), timeout=20)

    def ask_status(self, channel):
        channel.unary_unary("/curator.v1.ServerStatus/Get")(b"", timeout=20)

    def ask_schema(self, channel):
        list(channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection"
                                   "/ServerReflectionInfo")(iter([b""]), timeout=20))

    def assert_refused(self, channel):
        for attempt in (self.call, open_heartbeat, open_watch, self.ask_status, self.ask_schema):
            with self.assertRaises(grpc.RpcError) as refused:
                attempt(channel)
            self.assertTrue(is_revoked(refused.exception), refused.exception)

    def assert_over(self, streams, since, ends_as=is_revoked):
        """All ended within the second that follows `since`, in one of the ways allowed."""
        for stream in streams:
            self.assertTrue(stream.wait(20), "a stream of a revoked node is still open")
            self.assertTrue(ends_as(stream.error), stream.error)
        took = max(0, max(stream.ended_at for stream in streams) - since)
        print(f"{self.id().rsplit('.', 1)[-1]}: streams over after {1000 * took:.0f} ms")
        self.assertLess(took, OUT_WITHIN_SECONDS)

    def is_out(self, revoke):
        streams = self.open_streams(self.calls)
        others = self.enter(self.other.channel_to(self.leader))
        staying = self.open_streams(others)
        since = revoke()
        self.assert_refused(self.calls)
        self.assertLess(time.monotonic() - since, OUT_WITHIN_SECONDS)
        self.assert_over(streams, since)
        self.assert_refused(self.enter(self.node.channel_to(self.leader)))
        self.call(others)
        self.assertEqual([stream.error for stream in staying], [None] * len(staying))

    def test_of_a_deleted_node(self):
        self.is_out(lambda: self.delete(self.users))

    def test_of_a_decommissioned_node(self):
        self.is_out(self.decommission)

    def by_follower(self, follower, attempt):
        """Of attempt(channel) at whoever leads: None, or the error that is the leader's own;
        and when that was."""
        try:
            follower.settle(lambda channel, _: attempt(channel), time.monotonic() + 60)
        except grpc.RpcError as error:
            return time.monotonic(), error
        return time.monotonic(), None

    def refused_by_the_next_leader_after(self, revoke, change):
        """revoke(), then change(). The node's first answer of the next leader is a refusal,
        and comes within a second of the first answer that a user gets from it."""
        streams = self.open_streams(self.calls)
        users = self.cluster.follower()
        node = self.node.follower()
        answers = {}

        def ask(who, follower):
            answers[who] = self.by_follower(follower, self.call)
        try:
            eventually(lambda: users.believed() and node.believed(), 20, "both know the leader")
            since = revoke()
            change()
            threads = [threading.Thread(target=ask, args=pair)
                       for pair in (("users", users), ("node", node))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertIsNone(answers["users"][1])
            refused_at, refusal = answers["node"]
            self.assertIsNotNone(refusal, "a revoked node was served")
            self.assertTrue(is_revoked(refusal), refusal)
            self.assertLess(refused_at - answers["users"][0], OUT_WITHIN_SECONDS)
        finally:
            node.close()
            users.close()
        # The deletion ends them, or the end of the leader.
        self.assert_over(streams, since, lambda error: is_revoked(error) or error.code() in AWAY)
        new = self.cluster.wait_for_other_leader(self.leader, 30)
        self.assert_refused(self.enter(self.node.channel_to(new)))

    def transfer(self):
        result = self.cluster.ctl("leader", "transfer")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_of_a_deleted_node_whose_leader_is_killed(self):
        self.refused_by_the_next_leader_after(lambda: self.delete(self.users), self.leader.kill)

    def test_of_a_decommissioned_node_whose_leader_is_killed(self):
        self.refused_by_the_next_leader_after(self.decommission, self.leader.kill)

    def test_of_a_deleted_node_whose_leader_hands_over(self):
        self.refused_by_the_next_leader_after(lambda: self.delete(self.users), self.transfer)

    def test_of_a_node_that_came_to_a_new_leader(self):
        """Its deletion may be the first change that this leader makes."""
        self.transfer()
        self.go_to(self.cluster.wait_for_other_leader(self.leader, 30))
        self.is_out(lambda: self.delete(self.users))

    def test_of_a_node_that_opens_streams_while_the_leader_hands_over(self):
        self.opens_streams_during(self.transfer)

    def test_of_a_node_that_opens_streams_while_the_leader_is_killed(self):
        self.opens_streams_during(self.leader.kill)

    def opens_streams_during(self, change):
        """Streams to the old leader and to the new, opened before the deletion and beside it:
        none outlives it by a second, and none is opened after it."""
        users, node = self.cluster.follower(), self.node.follower()
        streams, refusals, stop = [], [], threading.Event()

        def open_again_and_again():
            while not stop.is_set():
                try:
                    node.settle(lambda channel, _: streams.append(open_watch(channel)),
                                time.monotonic() + 60)
                    node.settle(lambda channel, _: streams.append(open_heartbeat(channel)),
                                time.monotonic() + 60)
                except grpc.RpcError as error:
                    refusals.append((time.monotonic(), error))
                    return
        opening = threading.Thread(target=open_again_and_again)
        opening.start()
        try:
            eventually(lambda: streams and users.believed(), 20, "the node opens streams")
            change()
            deleted_at, error = self.by_follower(users, self.delete)
            self.assertTrue(error is None or error.code() == grpc.StatusCode.NOT_FOUND, error)
            opening.join(20)
            self.assertTrue(refusals, "a deleted node goes on opening streams")
            refused_at, refusal = refusals[0]
            self.assertTrue(is_revoked(refusal), refusal)
            self.assertLess(refused_at - deleted_at, OUT_WITHIN_SECONDS)
            print(f"{len(streams)} streams were opened")
            self.assert_over(streams, deleted_at,
                             lambda error: is_revoked(error) or error.code() in AWAY)
        finally:
            stop.set()
            opening.join()
            for stream in streams:
                stream.cancel()
            node.close()
            users.close()

    def test_of_a_node_whose_leader_was_deposed_while_it_stood_still(self):
        """The stopped leader has not heard of the deletion. It tells the node nothing when it
        goes on, and lets go of its streams."""
        streams = self.open_streams(self.calls)
        self.leader.send(signal.SIGSTOP)
        new = self.cluster.wait_for_other_leader(self.leader, 3 * self.lease_ttl + 30)
        self.delete(self.enter(self.cluster.channel(new)))
        self.assert_refused(self.enter(self.node.channel_to(new)))
        self.leader.send(signal.SIGCONT)
        went_on_at = time.monotonic()
        with self.assertRaises(grpc.RpcError) as refused:
            self.call(self.calls)
        self.assertIn(refused.exception.code(), (*AWAY, grpc.StatusCode.UNIMPLEMENTED))
        self.assert_over(streams, went_on_at,
                         lambda error: is_revoked(error) or error.code() in AWAY)


if __name__ == "__main__":
    unittest.main(verbosity=2)
