"""What operators call: a test for each rule of the protocol, on both stores."""

import os
import pathlib
import re
import sys
import time
import unittest

from google.protobuf import field_mask_pb2
from grpc import StatusCode

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import stubs
from protocol import OnEtcd, ProtocolTest
from stubs import common_pb2
from stubs import management_pb2 as pb
from workload import EphemeralKey

OVERSIZED = "x" * (1 << 20)
RULES_PATH = "kubernetes.node_labels_to_synchronize"


class NamedNodes:
    """What all calls have in common that name a node."""

    def naming(self):
        """(method, request with the fields given) of each."""
        upsert = [{"key": "a", "value": "b"}]
        return [(self.management.UpdateNodeRoles, lambda **node: pb.UpdateNodeRolesRequest(
                    kubernetes_worker=True, **node)),
                (self.management.UpdateNodeLabels, lambda **node: pb.UpdateNodeLabelsRequest(
                    upsert=upsert, **node)),
                (self.management.DecommissionNode, pb.DecommissionNodeRequest),
                (self.management.DeleteNode, lambda **node: pb.DeleteNodeRequest(
                    safety_bypass_not_decommissioned={}, safety_bypass_has_roles={}, **node))]

    def test_naming_a_node_needs_a_usable_key_or_id(self):
        for method, request in self.naming():
            for node in ({}, {"id": ""}, {"id": "a/b"}, {"id": "/"}, {"id": "/" + OVERSIZED},
                         {"pubkey": b""}, {"pubkey": b"x" * 31}, {"pubkey": b"x" * 33},
                         {"pubkey": OVERSIZED.encode()}):
                self.assert_refused(StatusCode.INVALID_ARGUMENT, method, request(**node))

    def test_naming_an_unknown_node_is_not_found(self):
        known = self.new()
        same_half = known.public_key[:16] + os.urandom(16)
        for method, request in self.naming():
            for node in ({"id": self.newcomer().id}, {"id": "nonsense"}, {"id": OVERSIZED},
                         {"id": known.id.upper()}, {"pubkey": os.urandom(32)},
                         {"pubkey": same_half}):
                self.assert_refused(StatusCode.NOT_FOUND, method, request(**node))

    def test_calls_that_change_are_for_users(self):
        as_node = self.enter(self.up().channel_to(self.leader))
        for channel, code in ((as_node, StatusCode.PERMISSION_DENIED),
                              (self.as_nobody(), StatusCode.UNAUTHENTICATED),
                              (self.as_key(EphemeralKey()), StatusCode.UNAUTHENTICATED)):
            calls = stubs.management(channel)
            for method, request in ((calls.GetRegisterTicket, pb.GetRegisterTicketRequest()),
                                    (calls.ApproveNode, pb.ApproveNodeRequest()),
                                    (calls.UpdateNodeRoles, pb.UpdateNodeRolesRequest()),
                                    (calls.DecommissionNode, pb.DecommissionNodeRequest()),
                                    (calls.DeleteNode, pb.DeleteNodeRequest()),
                                    (calls.UpdateNodeLabels, pb.UpdateNodeLabelsRequest()),
                                    (calls.ConfigureCluster, pb.ConfigureClusterRequest())):
                self.assert_refused(code, method, request)


class Reads:
    def test_ticket_is_34_bytes_and_stays(self):
        tickets = {self.assert_unchanged(self.management.GetRegisterTicket,
                                         pb.GetRegisterTicketRequest()).ticket for _ in range(2)}
        self.assertEqual(tickets, {self.contents()["/global/register_ticket"]})
        self.assertEqual({len(ticket) for ticket in tickets}, {34})

    def test_get_nodes_is_ordered_with_empty_roles_and_labels_by_key(self):
        node = self.up()
        self.management.UpdateNodeRoles(pb.UpdateNodeRolesRequest(
            id=node.id, consensus_member=True, kubernetes_worker=True), timeout=20)
        self.label(node, zone="z", arch="a", **{"m": ""})
        nodes = list(self.management.GetNodes(pb.GetNodesRequest(), timeout=20))
        self.assertEqual([n.id for n in nodes], sorted(n.id for n in nodes))
        shown = self.listed(node)
        self.assertEqual([p.key for p in shown.labels.pairs], ["arch", "m", "zone"])
        self.assertEqual(shown.roles, common_pb2.NodeRoles(consensus_member={},
                                                           kubernetes_worker={}))
        self.assertEqual(shown.pubkey, node.public_key)

    def test_get_nodes_is_for_members(self):
        as_node = stubs.management(self.enter(self.up().channel_to(self.leader)))
        self.assertTrue(list(as_node.GetNodes(pb.GetNodesRequest(), timeout=20)))
        for channel in (self.as_nobody(), self.as_key(EphemeralKey())):
            for method, request in ((stubs.management(channel).GetNodes, pb.GetNodesRequest()),
                                    (stubs.management(channel).GetClusterInfo,
                                     pb.GetClusterInfoRequest())):
                self.assert_refused(StatusCode.UNAUTHENTICATED, method, request)

    def test_filters_in_use_select_nodes(self):
        node, new = self.up(), self.new()
        address = f"10.8.{node.public_key[0]}.{node.public_key[1]}"
        self.as_node(node).UpdateNodeStatus(stubs.curator_pb2.UpdateNodeStatusRequest(
            node_id=node.id, status={"external_address": address}), timeout=20)

        def selected(text):
            return [n.id for n in self.management.GetNodes(pb.GetNodesRequest(filter=text),
                                                           timeout=20)]
        self.assertEqual(selected(f'node.status.external_address=="{address}"'), [node.id])
        self.assertEqual(selected(f'node.id == "{node.id}"'), [node.id])
        self.assertIn(new.id, selected("node.state == NODE_STATE_NEW"))
        self.assertNotIn(node.id, selected("node.state == NODE_STATE_NEW"))
        self.assertNotIn(node.id, selected("has(node.roles.kubernetes_worker)"))
        self.assertEqual(selected("node.time_since_heartbeat < duration('-5s')"), [])

    def test_filters_that_cannot_be_used_are_invalid(self):
        for text in ("node.stat == 1", "node.id", "node.id ==", "1", "state", "node.id == 1",
                     "a" * (1 << 20), "(" * (1 << 20), f'node.id == "{OVERSIZED}"',
                     "(" * 10000 + "true" + ")" * 10000, "!" * 10000 + "true",
                     "-" * 10000 + "1 == 1", "[" * 10000 + "]" * 10000 + " == []",
                     "true" + " && true" * 100000, 'node.id.matches("(")',
                     'node.id.matches("(a{1000}){1000}")'):
            began = time.monotonic()
            self.assert_refused(StatusCode.INVALID_ARGUMENT, self.management.GetNodes,
                                pb.GetNodesRequest(filter=text), "filter")
            self.assertLess(time.monotonic() - began, 10)

    def test_filters_that_take_too_much_work_are_ended(self):
        nested = "node.id != ''"
        for variable in "abcdefgh":
            nested = f"[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].all({variable}, {nested})"
        began = time.monotonic()
        self.assert_refused(StatusCode.RESOURCE_EXHAUSTED, self.management.GetNodes,
                            pb.GetNodesRequest(filter=nested), "filter", "work")
        self.assertLess(time.monotonic() - began, 10)

    def test_filters_that_explode_elsewhere_are_answered(self):
        self.new()
        for text in ('node.id.matches("^(([a-z])+.)+[A-Z]([a-z])+$")',
                     'node.id.matches("(a*)*(a*)*(a*)*(a*)*z$")',
                     f'"{"a" * 5000}".matches("(a|aa)+$") && node.id == ""',
                     f'"{"a" * 5000}".matches("(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)x") '):
            began = time.monotonic()
            self.assertEqual(list(self.management.GetNodes(pb.GetNodesRequest(filter=text),
                                                           timeout=20)), [], text)
            self.assertLess(time.monotonic() - began, 10)

    def test_cluster_info_tells_the_ca_the_configuration_and_nodes_that_are_up(self):
        up, new = self.up(), self.new()
        info = self.assert_unchanged(self.management.GetClusterInfo, pb.GetClusterInfoRequest())
        self.assertEqual(info.ca_certificate,
                         self.contents()["/cluster-pki/issued/cluster-ca-cert.der"])
        self.assertEqual(info.cluster_configuration.cluster_domain, "cluster.internal")
        keys = [self.listed_key(node.id) for node in info.cluster_directory.nodes]
        self.assertEqual(keys, sorted(keys))
        self.assertLessEqual(len(keys), 15)
        self.assertNotIn(new.id, [node.id for node in info.cluster_directory.nodes])
        self.assertTrue(len(keys) == 15 or up.public_key in keys)

    def listed_key(self, node_id):
        request = pb.GetNodesRequest(filter=f'node.id == "{node_id}"')
        return next(self.management.GetNodes(request, timeout=20)).pubkey


class ApproveNode:
    def approve(self, public_key):
        return self.management.ApproveNode, pb.ApproveNodeRequest(pubkey=public_key)

    def test_approve_needs_a_key_of_32_bytes(self):
        for key in (b"", b"x" * 31, b"x" * 33, OVERSIZED.encode()):
            self.assert_refused(StatusCode.INVALID_ARGUMENT, *self.approve(key))

    def test_approve_of_an_unknown_node_is_not_found(self):
        known = self.new()
        for key in (os.urandom(32), known.public_key[:16] + os.urandom(16)):
            self.assert_refused(StatusCode.NOT_FOUND, *self.approve(key))

    def test_approve_makes_a_new_node_standby_and_others_no_different(self):
        node = self.new()
        node.approve(self.leader)
        self.assertEqual(self.listed(node).state, common_pb2.NODE_STATE_STANDBY)
        for unchanged in (node, self.up()):
            self.assert_unchanged(*self.approve(unchanged.public_key))

    def test_approve_of_a_decommissioned_node_is_refused(self):
        self.assert_refused(StatusCode.FAILED_PRECONDITION,
                            *self.approve(self.decommissioned().public_key))


class UpdateNodeRoles:
    def roles(self, node, **roles):
        return self.management.UpdateNodeRoles, pb.UpdateNodeRolesRequest(id=node.id, **roles)

    def change(self, call):
        method, request = call
        method(request, timeout=20)

    def shown(self, node):
        roles = self.listed(node).roles
        return {field.name for field, _ in roles.ListFields()}

    def test_roles_that_are_unset_stay(self):
        node = self.up()
        self.change(self.roles(node, consensus_member=True))
        self.change((self.management.UpdateNodeRoles, pb.UpdateNodeRolesRequest(
            pubkey=node.public_key, kubernetes_controller=True)))
        self.change(self.roles(node, kubernetes_worker=True))
        self.assertEqual(self.shown(node), {"consensus_member", "kubernetes_controller",
                                            "kubernetes_worker"})
        self.assert_unchanged(*self.roles(node))
        self.assert_unchanged(*self.roles(node, consensus_member=True))
        self.change(self.roles(node, kubernetes_worker=False))
        self.assertEqual(self.shown(node), {"consensus_member", "kubernetes_controller"})

    def test_roles_of_a_controller_include_consensus(self):
        node = self.up()
        self.assert_refused(StatusCode.FAILED_PRECONDITION,
                            *self.roles(node, kubernetes_controller=True))
        self.change(self.roles(node, consensus_member=True, kubernetes_controller=True))
        self.assert_refused(StatusCode.FAILED_PRECONDITION,
                            *self.roles(node, consensus_member=False))
        # Applied in their order: consensus, controller.
        self.assert_refused(StatusCode.FAILED_PRECONDITION,
                            *self.roles(node, consensus_member=False, kubernetes_controller=False,
                                        kubernetes_worker=True))
        self.change(self.roles(node, kubernetes_controller=False))
        self.change(self.roles(node, consensus_member=False))
        self.assertEqual(self.shown(node), set())


class UpdateNodeLabels:
    def labels(self, node, upsert=(), delete=()):
        return self.management.UpdateNodeLabels, pb.UpdateNodeLabelsRequest(
            id=node.id, upsert=[{"key": k, "value": v} for k, v in upsert], delete=delete)

    def label(self, node, **labels):
        method, request = self.labels(node, labels.items())
        method(request, timeout=20)

    def labels_of(self, node):
        return {pair.key: pair.value for pair in self.listed(node).labels.pairs}

    GOOD = ("a", "A1", "a-b_c.d", "k" * 63, "example.com/a", "a/b", "x1.y/z",
            ".".join(["d" * 62] * 4) + "/k")
    BAD = ("", "-a", "a-", ".a", "a b", "ä", "k" * 64, "/a", "a/", "a/b/c", "A.com/a", "a..b/c",
           "-a.b/c", "a_b/c", "1.2.3.4/c", "d" * 64 + "/k", ".".join(["d" * 63] * 4) + "/k",
           OVERSIZED)

    def test_labels_follow_the_syntax(self):
        node = self.new()
        method, request = self.labels(node, [(key, "v") for key in self.GOOD])
        method(request, timeout=20)
        self.assertEqual(self.labels_of(node), {key: "v" for key in self.GOOD})
        for key in self.BAD:
            self.assert_refused(StatusCode.INVALID_ARGUMENT, *self.labels(node, [(key, "v")]))
            self.assert_refused(StatusCode.INVALID_ARGUMENT, *self.labels(node, delete=[key]))
        for value in ("-", "a-", "a b", "ä", "v" * 64, "a/b", OVERSIZED):
            self.assert_refused(StatusCode.INVALID_ARGUMENT, *self.labels(node, [("key", value)]))
        self.label(node, key="", longest="v" * 63)
        self.assertEqual(self.labels_of(node)["key"], "")

    def test_labels_are_checked_before_the_node_is_looked_up(self):
        self.assert_refused(StatusCode.INVALID_ARGUMENT,
                            *self.labels(self.newcomer(), [("-", "v")]))

    def test_labels_named_twice_are_invalid(self):
        node = self.new()
        for call in (self.labels(node, [("a", "1"), ("a", "1")]),
                     self.labels(node, delete=["a", "a"]),
                     self.labels(node, [("a", "1")], ["a"])):
            self.assert_refused(StatusCode.INVALID_ARGUMENT, *call)

    def test_labels_that_are_absent_may_be_deleted(self):
        self.assert_unchanged(*self.labels(self.new(), delete=["absent"]))

    def test_labels_are_at_most_128_as_a_result(self):
        node = self.new()
        method, request = self.labels(node, [(f"k{i}", "") for i in range(128)])
        method(request, timeout=20)
        self.assert_refused(StatusCode.OUT_OF_RANGE, *self.labels(node, [("one-more", "")]))
        method, request = self.labels(node, [("another", "")], ["k0"])
        method(request, timeout=20)
        self.assertEqual(len(self.labels_of(node)), 128)

    def test_labels_change_all_or_none(self):
        node = self.new()
        self.label(node, stays="1")
        self.assert_refused(StatusCode.INVALID_ARGUMENT,
                            *self.labels(node, [("stays", "2"), ("new", "1"), ("bad", "-")]))
        self.assertEqual(self.labels_of(node), {"stays": "1"})


class Departures:
    def delete(self, node, **bypass):
        return self.management.DeleteNode, pb.DeleteNodeRequest(id=node.id, **bypass)

    def assert_deleted(self, node, **bypass):
        method, request = self.delete(node, **bypass)
        method(request, timeout=20)
        self.assertIsNone(self.listed(node))
        contents = self.contents()
        self.assertNotIn(f"/nodes/{node.id}", contents)
        self.assertNotIn(f"/join_keys/{node.join_key.public.hex()}", contents)
        self.assert_refused(StatusCode.NOT_FOUND, method, request)

    def test_delete_needs_no_bypass_unless_it_is_up(self):
        for node in (self.new(), self.standby(), self.decommissioned()):
            self.assert_deleted(node)

    def test_delete_of_a_node_that_is_up_needs_the_bypass(self):
        node = self.up()
        self.assert_refused(StatusCode.FAILED_PRECONDITION, *self.delete(node), "UP")
        self.assert_refused(StatusCode.FAILED_PRECONDITION,
                            *self.delete(node, safety_bypass_has_roles={}), "UP")
        self.assert_deleted(node, safety_bypass_not_decommissioned={})

    def test_delete_looks_at_the_roles_before_the_state(self):
        node = self.up()
        self.management.UpdateNodeRoles(pb.UpdateNodeRolesRequest(
            id=node.id, kubernetes_worker=True), timeout=20)
        self.assert_refused(StatusCode.FAILED_PRECONDITION, *self.delete(node), "roles")
        self.assert_refused(StatusCode.FAILED_PRECONDITION,
                            *self.delete(node, safety_bypass_not_decommissioned={}), "roles")
        self.assert_deleted(node, safety_bypass_not_decommissioned={}, safety_bypass_has_roles={})

    def test_decommission_is_requested_of_nodes_without_roles_that_are_up(self):
        def decommission(node):
            return self.management.DecommissionNode, pb.DecommissionNodeRequest(id=node.id)
        for node in (self.new(), self.standby()):
            self.assert_refused(StatusCode.FAILED_PRECONDITION, *decommission(node))
        node = self.up()
        self.management.UpdateNodeRoles(pb.UpdateNodeRolesRequest(
            id=node.id, kubernetes_worker=True), timeout=20)
        self.assert_refused(StatusCode.FAILED_PRECONDITION, *decommission(node), "roles")
        self.assert_unchanged(*decommission(self.decommissioned()))


    def test_each_state_of_a_nodes_life_is_one_line_of_the_log(self):
        node = self.decommissioned()
        self.assert_deleted(node)
        said = re.findall(rf'msg="([^"]*)" node={node.id}$', self.leader.log(), re.M)
        self.assertEqual(said, [
            "node registered", "node approved", "node up", "node decommission requested",
            "node decommission in progress", "node decommissioned", "node deleted"])


class ConfigureCluster:
    def configure(self, new=("n",), base=None, paths=(RULES_PATH,)):
        """Rules of None: the configuration is unset; of (): kubernetes is unset."""
        def configuration(rules):
            return {} if rules == () else {"kubernetes": {
                "node_labels_to_synchronize": [{"regexp": rule} for rule in rules if rule]}}
        fields = {"base_config": base, "new_config": new}
        fields = {name: configuration(rules) for name, rules in fields.items()
                  if rules is not None}
        if paths is not None:
            fields["update_mask"] = field_mask_pb2.FieldMask(paths=paths)
        return self.management.ConfigureCluster, pb.ConfigureClusterRequest(**fields)

    def set_rules(self, *rules):
        method, request = self.configure(rules or ("",))
        return method(request, timeout=20).resulting_config

    def test_configure_needs_a_new_configuration_and_a_mask_of_the_one_path(self):
        for call in (self.configure(new=None), self.configure(paths=None),
                     self.configure(new=()), self.configure(base=()),
                     *(self.configure(paths=[path]) for path in (
                         "", "kubernetes", "tpm_mode", "cluster_domain", RULES_PATH + ".regexp",
                         "storage_security_policy", "kubernetes.*", OVERSIZED)),
                     self.configure(paths=[RULES_PATH, "tpm_mode"])):
            self.assert_refused(StatusCode.INVALID_ARGUMENT, *call)

    def test_configure_with_an_empty_mask_changes_nothing(self):
        for call in (self.configure(paths=()), self.configure(new=(), paths=()),
                     self.configure(base=("other",), paths=())):
            self.assert_unchanged(*call)

    def test_configure_compares_the_base(self):
        self.set_rules("a", "b")
        for base in (("a",), ("b", "a"), ("a", "b", "c"), ("",)):
            self.assert_refused(StatusCode.FAILED_PRECONDITION,
                                *self.configure(new=("c",), base=base))
        method, request = self.configure(new=("c",), base=("a", "b"))
        result = method(request, timeout=20).resulting_config
        self.assertEqual([r.regexp for r in result.kubernetes.node_labels_to_synchronize], ["c"])
        self.assertEqual(result.cluster_domain, "cluster.internal")
        self.assertEqual(result, self.management.GetClusterInfo(
            pb.GetClusterInfoRequest(), timeout=20).cluster_configuration)
        self.assertEqual(common_pb2.ClusterConfiguration.FromString(
            self.contents()["/cluster/configuration"]), result)
        self.assert_refused(StatusCode.FAILED_PRECONDITION, method, request)

    def test_configure_changes_the_masked_field_alone(self):
        before = self.set_rules("a")
        request = self.configure(new=("b",))[1]
        request.new_config.tpm_mode = common_pb2.ClusterConfiguration.TPM_MODE_REQUIRED
        request.new_config.cluster_domain = "elsewhere"
        result = self.management.ConfigureCluster(request, timeout=20).resulting_config
        before.kubernetes.node_labels_to_synchronize[0].regexp = "b"
        self.assertEqual(result, before)

    def test_configure_is_bounded(self):
        self.assert_refused(StatusCode.INVALID_ARGUMENT, *self.configure(new=(OVERSIZED,)))


class AnyCall:
    def test_a_request_above_the_size_of_grpc_is_refused(self):
        """On a connection of its own: what was not taken is not paid for, and the next long
        request would be one too many."""
        with self.cluster.channel(self.leader) as channel:
            management = stubs.management(channel)
            list(management.GetNodes(pb.GetNodesRequest(), timeout=20))  # no stranger any more
            self.assert_refused(StatusCode.RESOURCE_EXHAUSTED, management.GetNodes,
                                pb.GetNodesRequest(filter=OVERSIZED * 5))

    def test_a_request_that_is_no_message_of_its_method_is_invalid(self):
        """UNIMPLEMENTED, as gRPC has it, would send clients to the other curators."""
        def call(method, request):
            self.assert_refused(
                StatusCode.INVALID_ARGUMENT, lambda raw, timeout: self.user_channel.unary_stream(
                    f"/{method.containing_service.full_name}/{method.name}")(raw, timeout=timeout),
                request, "no message")
        for file in (pb, stubs.curator_pb2, stubs.operations_pb2):
            for service in file.DESCRIPTOR.services_by_name.values():
                for method in service.methods:
                    if method.name != "Heartbeat":  # of which it is the end
                        call(method, b"\xff\xff\xff")
                        call(method, b"\x0a\xff")
        get_nodes = pb.DESCRIPTOR.services_by_name["Management"].methods_by_name["GetNodes"]
        call(get_nodes, b"\x0a\x02\xff\xfe")  # a filter that is not UTF-8

    def test_what_was_answered_is_durable(self):
        """The curator is killed; what leads next has all that was acknowledged."""
        up, standby, deleted = self.up(), self.standby(), self.new()
        self.label(up, durable="yes")
        self.set_rules("durable")
        self.management.DeleteNode(pb.DeleteNodeRequest(id=deleted.id), timeout=20)
        before = self.contents()
        self.leader.kill()
        self.cluster.repair()
        self.connect()
        self.assertEqual(self.contents(), before)
        self.assertEqual(self.listed(up).state, common_pb2.NODE_STATE_UP)
        self.assertEqual(self.labels_of(up), {"durable": "yes"})
        self.assertEqual(self.listed(standby).state, common_pb2.NODE_STATE_STANDBY)
        self.assertIsNone(self.listed(deleted))


class Rules(NamedNodes, Reads, ApproveNode, UpdateNodeRoles, UpdateNodeLabels, Departures,
            ConfigureCluster, AnyCall):
    """All, against one cluster."""


class OfOperatorsOnSqlite(Rules, ProtocolTest):
    pass


class OfOperatorsOnEtcd(OnEtcd, Rules, ProtocolTest):
    pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
