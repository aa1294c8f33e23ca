"""Everybody who may turn up at a curator, and every method that they may call.

What is called is what proto/ says; how a call is made that its caller is entitled to stands
in Requests, the rest is empty.
"""

import base64
import contextlib
import hashlib
import os

import grpc
from google.protobuf import field_mask_pb2

import certificates
import stubs
from node import Newcomer
from stubs import curator_pb2, management_pb2, operations_pb2
from workload import EphemeralKey

UP, NEW = "up", "new"
# Streams that are held open: the first message says that the call was let in.
HELD = {"Watch", "GetCurrentLeader"}
# After such a call was let in, its caller is another than before.
SPENDING = {"RegisterNode", "CommitNode", "ReportDecommission", "DecommissionNode", "DeleteNode"}


class Caller:
    """A certificate with its key, or neither; `node`: a Newcomer, if it has to do with one."""

    def __init__(self, certificate=None, key=None, node=None):
        self.certificate, self.key, self.node = certificate, key, node

    @classmethod
    def self_signed(cls, key, node=None):
        """`key`: an EphemeralKey."""
        return cls(key.certificate, key.key, node)

    def public_key(self):
        return certificates.public_of(self.key) if self.key else None


def services():
    """Those of proto/, by name."""
    found = {service.full_name: service for module in stubs.MODULES
             for service in module.DESCRIPTOR.services_by_name.values()}
    return dict(sorted(found.items()))


def served_by(channel):
    """Names of the services that a curator says it serves."""
    request = stubs.reflection_pb2.ServerReflectionRequest(list_services="*")
    answer, = channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")(
            iter([request.SerializeToString()]), timeout=20)
    listed = stubs.reflection_pb2.ServerReflectionResponse.FromString(answer)
    return sorted(service.name for service in listed.list_services_response.service)


def code_of(channel, method, request):
    """How a call ends, and its error; OK for a stream that has begun."""
    call = channel.stream_stream(f"/{method.containing_service.full_name}/{method.name}")(
        iter([request.SerializeToString()]), timeout=20)
    try:
        for _ in call:
            if method.name in HELD:
                call.cancel()
                return grpc.StatusCode.OK, None
    except grpc.RpcError as error:
        return error.code(), error
    return call.code(), None


class Requests:
    """A request of each method that would be carried out, if its caller may.

    `life`: who makes nodes, and the owner's stub; see LifeOfNodes.
    """

    def __init__(self, life):
        self._life = life

    def of(self, method, caller):
        make = getattr(self, method.name, None)
        return make(caller) if make else method.input_type._concrete_class()

    def _id_of(self, caller):
        return caller.node.id if caller.node else self._life.target(UP).id

    def Watch(self, _):
        if self._life.method.containing_service.name == "Health":
            return stubs.health_pb2.HealthCheckRequest()
        return curator_pb2.WatchRequest(nodes_in_cluster={})

    def UpdateNodeStatus(self, caller):
        return curator_pb2.UpdateNodeStatusRequest(
            node_id=self._id_of(caller), status={"external_address": "10.1.2.3"})

    def RegisterNode(self, caller):
        return curator_pb2.RegisterNodeRequest(
            register_ticket=self._life.ticket(),
            join_key=caller.node.join_key.public if caller.node else os.urandom(32))

    def CommitNode(self, _):
        return curator_pb2.CommitNodeRequest(
            cluster_unlock_key=b"u" * 32,
            storage_security=stubs.common_pb2.NODE_STORAGE_SECURITY_ENCRYPTED)

    def UpdateNodeClusterNetworking(self, _):
        key = base64.b64encode(os.urandom(32)).decode()
        return curator_pb2.UpdateNodeClusterNetworkingRequest(clusternet={"wireguard_pubkey": key})

    def Escrow(self, caller):
        return stubs.aaa_pb2.EscrowRequest(parameters={
            "requested_identity_name": "owner",
            "public_key": caller.public_key() or self._life.owner_public_key})

    def ApproveNode(self, _):
        return management_pb2.ApproveNodeRequest(pubkey=self._life.target(NEW).public_key)

    def UpdateNodeRoles(self, _):
        return management_pb2.UpdateNodeRolesRequest(id=self._life.target(UP).id,
                                                     kubernetes_worker=False)

    def DecommissionNode(self, _):
        return management_pb2.DecommissionNodeRequest(id=self._life.target(UP).id)

    def DeleteNode(self, _):
        return management_pb2.DeleteNodeRequest(id=self._life.target(NEW).id)

    def UpdateNodeLabels(self, _):
        return management_pb2.UpdateNodeLabelsRequest(id=self._life.target(UP).id,
                                                      upsert=[{"key": "a", "value": "b"}])

    def ConfigureCluster(self, _):
        return management_pb2.ConfigureClusterRequest(
            new_config={"kubernetes": {"node_labels_to_synchronize": [{"regexp": "a"}]}},
            update_mask=field_mask_pb2.FieldMask(paths=["kubernetes.node_labels_to_synchronize"]))

    def TransferLeadership(self, _):
        return operations_pb2.TransferLeadershipRequest(to_node_id=self._life.leader.id)

    def GetDecommission(self, caller):
        return operations_pb2.GetDecommissionRequest(node_id=self._id_of(caller))

    def ReportDecommission(self, caller):
        if caller.node:
            self._life.request_decommission(caller.node)
        return operations_pb2.ReportDecommissionRequest(
            state=operations_pb2.Decommission.STATE_IN_PROGRESS)

    def RotateRegisterTicket(self, _):
        return operations_pb2.RotateRegisterTicketRequest(
            replaces_sha256=hashlib.sha256(self._life.ticket()).digest())

    def ServerReflectionInfo(self, _):
        return stubs.reflection_pb2.ServerReflectionRequest(list_services="*")


class LifeOfNodes:
    """Makes nodes in each state; keeps those that calls are about until one is spent."""

    def __init__(self, cluster, leader, owner, owner_public_key):
        """`owner`: a channel."""
        self._cluster, self.leader = cluster, leader
        self._management = stubs.management(owner)
        self.owner_public_key = owner_public_key
        self._targets = {}
        self.method = None  # which is being called

    def ticket(self):
        """As it is now: to rotate it is one of the calls."""
        ticket = self._management.GetRegisterTicket(
            management_pb2.GetRegisterTicketRequest(), timeout=20).ticket
        self._cluster.ticket.write_text(ticket.hex())
        return ticket

    def begin(self, method):
        self.method = method
        self.ticket()

    def target(self, state):
        if state not in self._targets:
            self._targets[state] = self.new() if state == NEW else self.up()
        return self._targets[state]

    def spend(self, caller):
        """A call of `caller` was let in that changed it, or what the call was about."""
        self._targets.clear()
        if self.method.name == "RegisterNode":
            self._management.DeleteNode(
                management_pb2.DeleteNodeRequest(pubkey=caller.public_key()), timeout=20)

    def new(self):
        node = Newcomer(self._cluster)
        node.register(self.leader)
        return node

    def standby(self):
        node = self.new()
        self._management.ApproveNode(
            management_pb2.ApproveNodeRequest(pubkey=node.public_key), timeout=20)
        return node

    def up(self):
        """With a first status, as agents send it."""
        node = self.standby()
        node.commit(self.leader)
        with node.channel_to(self.leader) as channel:
            stubs.curator(channel).UpdateNodeStatus(curator_pb2.UpdateNodeStatusRequest(
                node_id=node.id, status={"external_address": "10.1.2.3"}), timeout=20)
        return node

    def request_decommission(self, node):
        with contextlib.suppress(grpc.RpcError):  # of a node that is not UP
            self._management.DecommissionNode(
                management_pb2.DecommissionNodeRequest(id=node.id), timeout=20)

    def decommissioned(self):
        node = self.up()
        self.request_decommission(node)
        with node.channel_to(self.leader) as channel:
            for state in (operations_pb2.Decommission.STATE_IN_PROGRESS,
                          operations_pb2.Decommission.STATE_DONE):
                stubs.operations(channel).ReportDecommission(
                    operations_pb2.ReportDecommissionRequest(state=state), timeout=20)
        return node

    def deleted(self):
        node = self.up()
        self._management.DeleteNode(management_pb2.DeleteNodeRequest(
            id=node.id, safety_bypass_not_decommissioned={}), timeout=20)
        return node


def by_certificate(node):
    return Caller(node.certificate, node.key.key, node)


def by_key(node):
    return Caller.self_signed(node.key, node)


def by_join_key(node):
    return Caller.self_signed(node.join_key, node)


def by_any_key():
    return Caller.self_signed(EphemeralKey())
