"""What nodes call: a test for each rule of the protocol, on both stores.

Rules about TPMs and storage security, which no store matters to, are in
tests/cluster/policy_test.cc; those that a clock decides in tests/cluster/node_calls_test.cc.
"""

import base64
import os
import pathlib
import sys
import unittest

from grpc import StatusCode

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import stubs
from protocol import OnEtcd, ProtocolTest
from stubs import common_pb2
from stubs import curator_pb2 as pb
from stubs import management_pb2

ENCRYPTED = common_pb2.NODE_STORAGE_SECURITY_ENCRYPTED
# What a stranger may send at once is 128 KiB.
OVERSIZED = b"x" * (100 << 10)
WRONG_SIZES = (b"", b"x" * 31, b"x" * 33, OVERSIZED)


class RegisterNode:
    def test_register_needs_an_ephemeral_certificate(self):
        node = self.newcomer()
        for caller in (stubs.curator(self.as_nobody()), self.as_user, self.as_node(self.up())):
            self.assert_refused(StatusCode.UNAUTHENTICATED, caller.RegisterNode,
                                node.registration(join_key=b""))

    def test_register_needs_a_join_key_of_32_bytes_before_a_ticket(self):
        node = self.newcomer()
        for join_key in WRONG_SIZES:
            self.assert_refused(StatusCode.INVALID_ARGUMENT, self.as_node(node).RegisterNode,
                                node.registration(join_key=join_key, register_ticket=b"wrong"),
                                "join_key")

    def test_register_needs_the_ticket_as_a_whole(self):
        node = self.newcomer()
        ticket = node.registration().register_ticket
        self.assertEqual(len(ticket), 34)
        for wrong in (b"", ticket[:-1], ticket + b"\0", ticket[2:], b"\x0a\x20" + os.urandom(32),
                      ticket * 2, OVERSIZED):
            self.assert_refused(StatusCode.PERMISSION_DENIED, self.as_node(node).RegisterNode,
                                node.registration(register_ticket=wrong), "ticket")

    def test_register_creates_the_node_and_repeated_answers_in_full(self):
        node = self.newcomer()
        first = self.as_node(node).RegisterNode(node.registration(), timeout=20)
        self.assertEqual(self.listed(node).state, common_pb2.NODE_STATE_NEW)
        self.assertEqual(self.contents()[f"/join_keys/{node.join_key.public.hex()}"].decode(),
                         node.id)
        self.assertEqual(first.tpm_usage, common_pb2.NODE_TPM_USAGE_NOT_PRESENT)
        self.assertEqual(first.cluster_configuration.cluster_domain, "cluster.internal")
        again = node.registration(join_key=os.urandom(32), have_local_tpm=True,
                                  labels={"pairs": [{"key": "a", "value": "b"}]})
        self.assertEqual(self.assert_unchanged(self.as_node(node).RegisterNode, again), first)

    def test_register_of_a_known_node_in_another_state_names_the_state(self):
        for node, state in ((self.standby(), "STANDBY"), (self.up(), "UP"),
                            (self.decommissioned(), "DECOMMISSIONED")):
            self.assert_refused(StatusCode.FAILED_PRECONDITION,
                                stubs.curator(self.as_key(node.key)).RegisterNode,
                                node.registration(), state)

    def test_register_refuses_the_join_key_of_another_node(self):
        other, node = self.new(), self.newcomer()
        self.assert_refused(StatusCode.FAILED_PRECONDITION, self.as_node(node).RegisterNode,
                            node.registration(join_key=other.join_key.public), other.id)

    def test_register_drops_labels_that_are_invalid_repeated_or_too_many(self):
        node = self.newcomer()
        pairs = [("valid", "1"), ("valid", "2"), ("no value", ""), ("empty", ""), ("", "x"),
                 ("bad", "-"), ("x" * 64, ""), ("x" * 63, "y" * 63), ("long", "y" * 64),
                 ("example.com/name", "z"), ("Example.com/name", "z"), ("dup", "1"), ("dup", "2")]
        pairs += [(f"more-{i:03}", "") for i in range(200)]
        node.register(self.leader, labels={"pairs": [{"key": k, "value": v} for k, v in pairs]})
        kept = {pair.key: pair.value for pair in self.listed(node).labels.pairs}
        expected = {"valid": "1", "empty": "", "x" * 63: "y" * 63, "example.com/name": "z",
                    "dup": "1"}
        expected.update({f"more-{i:03}": "" for i in range(128 - 13)})
        self.assertEqual(kept, expected)


class CommitNode:
    def commitment(self, **fields):
        return pb.CommitNodeRequest(**{"cluster_unlock_key": b"u" * 32,
                                       "storage_security": ENCRYPTED, **fields})

    def test_commit_needs_an_ephemeral_certificate_first(self):
        node = self.up()
        for caller in (stubs.curator(self.as_nobody()), self.as_user, self.as_node(node)):
            self.assert_refused(StatusCode.UNAUTHENTICATED, caller.CommitNode,
                                pb.CommitNodeRequest())

    def test_commit_needs_a_known_storage_security_before_the_node(self):
        for security in (0, 4, 99, -1):
            self.assert_refused(StatusCode.INVALID_ARGUMENT,
                                self.as_node(self.newcomer()).CommitNode,
                                self.commitment(storage_security=security), "storage_security")

    def test_commit_of_an_unknown_node_is_not_found_before_the_unlock_key(self):
        self.assert_refused(StatusCode.NOT_FOUND, self.as_node(self.newcomer()).CommitNode,
                            self.commitment(cluster_unlock_key=b""))

    def test_commit_of_a_new_node_asks_to_wait_for_approval(self):
        self.assert_refused(StatusCode.PERMISSION_DENIED, self.as_node(self.new()).CommitNode,
                            self.commitment(cluster_unlock_key=b""), "wait for approval")

    def test_commit_of_a_node_that_was_committed_or_decommissioned_is_refused(self):
        node = self.up()
        self.assert_refused(StatusCode.FAILED_PRECONDITION,
                            stubs.curator(self.as_key(node.key)).CommitNode,
                            self.commitment(cluster_unlock_key=b"another".ljust(32)), "UP")
        self.assert_refused(StatusCode.FAILED_PRECONDITION,
                            stubs.curator(self.as_key(self.decommissioned().key)).CommitNode,
                            self.commitment(cluster_unlock_key=b""), "DECOMMISSIONED")

    def test_commit_needs_an_unlock_key_of_32_bytes(self):
        calls = self.as_node(self.standby())
        for unlock_key in WRONG_SIZES:
            self.assert_refused(StatusCode.INVALID_ARGUMENT, calls.CommitNode,
                                self.commitment(cluster_unlock_key=unlock_key), "unlock_key")

    def test_commit_where_nothing_is_locked_needs_no_unlock_key(self):
        node = self.standby()
        insecure = common_pb2.NODE_STORAGE_SECURITY_INSECURE
        self.assert_refused(StatusCode.INVALID_ARGUMENT, self.as_node(node).CommitNode,
                            self.commitment(storage_security=insecure,
                                            cluster_unlock_key=OVERSIZED))
        self.as_node(node).CommitNode(
            self.commitment(storage_security=insecure, cluster_unlock_key=b""), timeout=20)
        self.assertEqual(self.listed(node).state, common_pb2.NODE_STATE_UP)

    def test_commit_issues_the_certificate_and_repeated_before_a_status_the_same(self):
        node = self.standby()
        calls = self.as_node(node)
        committed = calls.CommitNode(self.commitment(), timeout=20)
        self.assertEqual(self.listed(node).state, common_pb2.NODE_STATE_UP)
        contents = self.contents()
        self.assertEqual(committed.node_certificate,
                         contents[f"/cluster-pki/issued/node-{node.id}-cert.der"])
        self.assertEqual(committed.ca_certificate,
                         contents["/cluster-pki/issued/cluster-ca-cert.der"])
        self.assertEqual(self.assert_unchanged(calls.CommitNode, self.commitment()), committed)
        node.use(committed.node_certificate)
        self.as_node(node).UpdateNodeStatus(pb.UpdateNodeStatusRequest(
            node_id=node.id, status={"external_address": "10.1.2.3"}), timeout=20)
        self.assert_refused(StatusCode.FAILED_PRECONDITION, calls.CommitNode, self.commitment(),
                            "UP")


class JoinNode:
    def by_join_key(self, node):
        return stubs.curator(self.as_key(node.join_key)).JoinNode

    def test_join_needs_an_ephemeral_certificate(self):
        for caller in (stubs.curator(self.as_nobody()), self.as_user, self.as_node(self.up())):
            self.assert_refused(StatusCode.PERMISSION_DENIED, caller.JoinNode,
                                pb.JoinNodeRequest())

    def test_join_of_an_unknown_key_is_not_found(self):
        for key in (self.newcomer().join_key, self.up().key):
            self.assert_refused(StatusCode.NOT_FOUND, stubs.curator(self.as_key(key)).JoinNode,
                                pb.JoinNodeRequest())

    def test_join_looks_at_the_seal_before_the_state(self):
        self.assert_refused(StatusCode.PERMISSION_DENIED, self.by_join_key(self.new()),
                            pb.JoinNodeRequest(using_sealed_configuration=True))

    def test_join_of_a_node_that_is_not_up_is_refused(self):
        for node in (self.new(), self.standby(), self.decommissioned()):
            self.assert_refused(StatusCode.FAILED_PRECONDITION, self.by_join_key(node),
                                pb.JoinNodeRequest())

    def test_join_returns_the_unlock_key(self):
        node = self.standby()
        unlock_key = os.urandom(32)
        node.commit(self.leader, unlock_key)
        answer = self.assert_unchanged(self.by_join_key(node), pb.JoinNodeRequest())
        self.assertEqual(answer.cluster_unlock_key, unlock_key)


class UpdateNodeStatus:
    def status_of(self, node, **status):
        return pb.UpdateNodeStatusRequest(node_id=node.id, status=status)

    def test_status_is_of_the_calling_node_alone(self):
        node, other = self.up(), self.up()
        for caller in (self.as_user, self.as_node(other)):
            self.assert_refused(StatusCode.PERMISSION_DENIED, caller.UpdateNodeStatus,
                                self.status_of(node, external_address="10.0.0.1"))
        for caller in (stubs.curator(self.as_nobody()), stubs.curator(self.as_key(node.key))):
            self.assert_refused(StatusCode.UNAUTHENTICATED, caller.UpdateNodeStatus,
                                self.status_of(node, external_address="10.0.0.1"))

    def test_status_needs_a_status_with_an_ip_address(self):
        node = self.up()
        calls = self.as_node(node)
        self.assert_refused(StatusCode.INVALID_ARGUMENT, calls.UpdateNodeStatus,
                            pb.UpdateNodeStatusRequest(node_id=node.id))
        for address in ("", "localhost", "10.0.0", "10.0.0.256", "10.0.0.1:80", "fe80::1%eth0",
                        " 10.0.0.1", "10.0.0.1\0", "1" * (1 << 20)):
            self.assert_refused(StatusCode.INVALID_ARGUMENT, calls.UpdateNodeStatus,
                                self.status_of(node, external_address=address), "external_address")
        for port in (-1, 65536, -2**31, 2**31 - 1):
            self.assert_refused(StatusCode.INVALID_ARGUMENT, calls.UpdateNodeStatus,
                                self.status_of(node, external_address="10.0.0.1",
                                             running_curator={"port": port}), "port")
        self.assert_refused(StatusCode.INVALID_ARGUMENT, calls.UpdateNodeStatus,
                            self.status_of(node, external_address="10.0.0.1", boot_id=OVERSIZED))

    def test_status_replaces_the_whole_status_but_for_the_time(self):
        node = self.up()
        calls = self.as_node(node)
        calls.UpdateNodeStatus(self.status_of(node, external_address="10.0.0.1", boot_id=b"b",
                                            timestamp={"seconds": 5}), timeout=20)
        first = self.listed(node).status
        self.assertGreater(first.timestamp.seconds, 1_700_000_000)
        self.assertEqual(first.boot_id, b"b")
        calls.UpdateNodeStatus(self.status_of(node, external_address="fd00::7"), timeout=20)
        second = self.listed(node).status
        self.assertEqual((second.external_address, second.boot_id), ("fd00::7", b""))

    def test_status_of_a_deleted_node_is_not_found(self):
        node = self.up()
        calls = self.as_node(node)
        self.management.DeleteNode(management_pb2.DeleteNodeRequest(
            id=node.id, safety_bypass_not_decommissioned={}), timeout=20)
        self.assert_refused(StatusCode.NOT_FOUND, calls.UpdateNodeStatus,
                            self.status_of(node, external_address="10.0.0.1"))


class Heartbeat:
    def beat(self, calls, beats=1):
        return calls.Heartbeat(iter([pb.HeartbeatRequest()] * beats), timeout=20)

    def test_heartbeat_is_for_nodes_only(self):
        def beat(caller):
            return lambda request, timeout: self.beat(caller)
        self.assert_refused(StatusCode.PERMISSION_DENIED, beat(self.as_user), None)
        for caller in (self.as_nobody(), self.as_key(self.newcomer().key)):
            self.assert_refused(StatusCode.UNAUTHENTICATED, beat(stubs.curator(caller)), None)

    def test_heartbeat_answers_each_and_ends_well_with_the_half_close(self):
        node = self.up()
        before = self.stored(node)
        self.assertFalse(self.listed(node).HasField("time_since_heartbeat"))
        stream = self.beat(self.as_node(node), beats=3)
        self.assertEqual(len(list(stream)), 3)
        self.assertEqual(stream.code(), StatusCode.OK)
        self.assertEqual(self.listed(node).health, management_pb2.Node.HEALTH_HEALTHY)
        self.assertLess(self.listed(node).time_since_heartbeat.seconds, 20)
        self.assertEqual(self.stored(node), before, "they are in the leader's memory only")
        self.assertEqual(len(list(self.beat(self.as_node(node), beats=0))), 0)


class UpdateNodeClusterNetworking:
    KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

    def networking(self, key=None, *prefixes):
        return pb.UpdateNodeClusterNetworkingRequest(clusternet={
            "wireguard_pubkey": base64.b64encode(os.urandom(32)).decode() if key is None else key,
            "prefixes": [{"cidr": prefix} for prefix in prefixes]})

    def up_with_address(self):
        node = self.up()
        self.as_node(node).UpdateNodeStatus(pb.UpdateNodeStatusRequest(
            node_id=node.id, status={"external_address": "10.1.2.3"}), timeout=20)
        return node, self.as_node(node).UpdateNodeClusterNetworking

    def test_networking_is_for_nodes_after_their_first_status(self):
        self.assert_refused(StatusCode.PERMISSION_DENIED,
                            self.as_user.UpdateNodeClusterNetworking, self.networking())
        self.assert_refused(StatusCode.UNAUTHENTICATED,
                            stubs.curator(self.as_nobody()).UpdateNodeClusterNetworking,
                            self.networking())
        self.assert_refused(StatusCode.FAILED_PRECONDITION,
                            self.as_node(self.up()).UpdateNodeClusterNetworking, self.networking())

    def test_networking_needs_a_key_that_no_other_node_has(self):
        _, update = self.up_with_address()
        self.assert_refused(StatusCode.INVALID_ARGUMENT, update,
                            pb.UpdateNodeClusterNetworkingRequest())
        for key in ("", "A", self.KEY[:-1], self.KEY + "=", "!" + self.KEY[1:], " " + self.KEY,
                    self.KEY.replace("=", "A"), "A" * (1 << 20)):
            self.assert_refused(StatusCode.INVALID_ARGUMENT, update, self.networking(key),
                                "wireguard_pubkey")
        taken = self.networking()
        update(taken, timeout=20)
        self.assert_unchanged(update, taken)
        _, by_other = self.up_with_address()
        self.assert_refused(StatusCode.INVALID_ARGUMENT, by_other, taken, "wireguard_pubkey")

    def test_networking_takes_prefixes_of_the_cluster_or_the_nodes_own_address(self):
        node, update = self.up_with_address()
        for prefix in ("", "10.200.0.0", "10.200.0.0/", "10.200.0.0/33", "10.200.0.0/-1",
                       "10.200.0.0/024", "10.200.0.1/24", "10.0.0.0/8", "10.192.0.0/10",
                       "10.224.0.0/16", "10.1.2.3/24", "10.1.2.4/32", "::/0", "fd00::/64",
                       "x" * (1 << 20)):
            self.assert_refused(StatusCode.INVALID_ARGUMENT, update, self.networking(None, prefix),
                                "prefix")
        self.assert_refused(StatusCode.INVALID_ARGUMENT, update,
                            self.networking(None, *(f"10.200.{i}.0/24" for i in range(129))))
        good = ["10.200.0.0/24", "10.223.255.255/32", "10.1.2.3/32"]
        update(self.networking(None, *good), timeout=20)
        watch = self.as_user.Watch(pb.WatchRequest(node_in_cluster={"node_id": node.id}),
                                   timeout=20)
        prefixes = [p.cidr for p in next(watch).nodes[0].clusternet.prefixes]
        watch.cancel()
        self.assertEqual(prefixes, good)


class Watch:
    def watch(self, request):
        stream = self.as_user.Watch(request, timeout=20)
        self.addCleanup(stream.cancel)
        return stream

    def next_of(self, stream, node):
        """The next event that names the node; a node or "deleted"."""
        for event in stream:
            for told in event.nodes:
                if told.id == node.id:
                    return told
            if node.id in [tombstone.node_id for tombstone in event.node_tombstones]:
                return "deleted"

    def delete(self, node):
        self.management.DeleteNode(management_pb2.DeleteNodeRequest(
            id=node.id, safety_bypass_not_decommissioned={}), timeout=20)

    def test_watch_needs_a_kind_and_a_usable_id_and_a_member(self):
        self.assert_refused(StatusCode.UNIMPLEMENTED, self.as_user.Watch, pb.WatchRequest())
        for node_id in ("", "a/b", "/"):
            self.assert_refused(StatusCode.INVALID_ARGUMENT, self.as_user.Watch,
                                pb.WatchRequest(node_in_cluster={"node_id": node_id}))
        self.assert_refused(StatusCode.UNAUTHENTICATED, stubs.curator(self.as_nobody()).Watch,
                            pb.WatchRequest(nodes_in_cluster={}))

    def test_watch_of_all_begins_with_all_then_tells_changes_and_tombstones(self):
        before = [self.new(), self.up()]
        stream = self.watch(pb.WatchRequest(nodes_in_cluster={}))
        backlog = next(stream)
        self.assertEqual(backlog.progress, pb.WatchEvent.PROGRESS_LAST_BACKLOGGED)
        told = {node.id: node for node in backlog.nodes}
        for node in before:
            self.assertIn(node.id, told)
        for node in backlog.nodes:
            self.assertTrue(node.HasField("roles") and node.HasField("labels"))
        node = self.new()
        self.assertEqual(self.next_of(stream, node).state, common_pb2.NODE_STATE_NEW)
        node.approve(self.leader)
        self.assertEqual(self.next_of(stream, node).state, common_pb2.NODE_STATE_STANDBY)
        self.delete(node)
        self.assertEqual(self.next_of(stream, node), "deleted")

    def test_watch_of_a_node_waits_for_it_and_tells_no_others(self):
        node = self.newcomer()
        stream = self.watch(pb.WatchRequest(node_in_cluster={"node_id": node.id}))
        self.new()
        node.register(self.leader)
        event = next(stream)
        self.assertEqual([n.id for n in event.nodes], [node.id])
        self.assertEqual(event.progress, pb.WatchEvent.PROGRESS_UNSPECIFIED)
        self.delete(node)
        self.assertEqual(self.next_of(stream, node), "deleted")

    def test_watch_sends_the_certificates_of_consensus_members_in_full(self):
        node = self.up()
        self.management.UpdateNodeRoles(management_pb2.UpdateNodeRolesRequest(
            id=node.id, consensus_member=True), timeout=20)
        member = self.next_of(self.watch(pb.WatchRequest(node_in_cluster={"node_id": node.id})),
                              node).roles.consensus_member
        self.assertTrue(member.ca_certificate and member.peer_certificate and member.initial_crl)


class OtherCalls:
    def test_consensus_status_names_a_full_member(self):
        answer = self.assert_unchanged(self.as_user.GetConsensusStatus,
                                       pb.GetConsensusStatusRequest())
        self.assertEqual([member.status for member in answer.etcd_member],
                         [pb.GetConsensusStatusResponse.EtcdMember.STATUS_FULL])
        self.assertTrue(answer.etcd_member[0].id)

    def test_kubernetes_certificates_are_unimplemented(self):
        for request in (pb.IssueCertificateRequest(),
                        pb.IssueCertificateRequest(kubernetes_worker={"kubelet_pubkey": b"x"})):
            self.assert_refused(StatusCode.UNIMPLEMENTED, self.as_user.IssueCertificate, request,
                                "Kubernetes")
        self.assert_refused(StatusCode.UNAUTHENTICATED,
                            stubs.curator(self.as_nobody()).IssueCertificate,
                            pb.IssueCertificateRequest())


class Rules(RegisterNode, CommitNode, JoinNode, UpdateNodeStatus, Heartbeat,
            UpdateNodeClusterNetworking, Watch, OtherCalls):
    """All, against one cluster."""


class OfNodesOnSqlite(Rules, ProtocolTest):
    pass


class OfNodesOnEtcd(OnEtcd, Rules, ProtocolTest):
    pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
