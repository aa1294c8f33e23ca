"""Tests of the protocol's rules: one curator, on either store, asked in Python."""

import base64
import json
import sqlite3
import urllib.request

import grpc

import cluster
import stubs
from node import Newcomer
from shared_cluster import SharedCluster
from stubs import management_pb2


class OnEtcd:
    """Mixed in before ProtocolTest, whose store is SQLite otherwise."""

    @classmethod
    def stores(cls, directory):
        return [cls.start_etcd(directory).url()] * cls.curators

    def contents(self):
        body = json.dumps({"key": base64.b64encode(b"namespaced:curator/").decode(),
                           "range_end": base64.b64encode(b"namespaced:curator0").decode()})
        with urllib.request.urlopen(f"http://{self.etcd.members[0].address}/v3/kv/range",
                                    body.encode(), timeout=20) as answer:
            pairs = json.load(answer)["kvs"]
        return self.lasting({base64.b64decode(pair["key"]).decode().removeprefix(
            "namespaced:curator/"): base64.b64decode(pair["value"]) for pair in pairs})


class ProtocolTest(SharedCluster):
    """The tests of a class share the cluster: each brings nodes of its own, and none
    breaks what others need."""

    curators = 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.leader = cls.cluster.leader()
        cls.connect()

    @classmethod
    def connect(cls):
        """As the owner, on a new connection."""
        cls.user_channel = cls.cluster.channel(cls.leader)
        cls.addClassCleanup(cls.user_channel.close)
        cls.management = stubs.management(cls.user_channel)
        # A stranger may not send as much as some tests do: a member is known by its first call.
        cls.management.GetClusterInfo(management_pb2.GetClusterInfoRequest(), timeout=20)
        cls.as_user = stubs.curator(cls.user_channel)

    def setUp(self):
        cluster.ClusterTest.setUp(self)

    def contents(self):
        """{key: value} of the store, without what changes by itself."""
        store = sqlite3.connect(f"file:{self.class_dir / 'store.db'}?mode=ro", uri=True)
        try:
            return self.lasting({bytes(key).decode(): bytes(value) for key, value in store.execute(
                "SELECT key, value FROM keys")})
        finally:
            store.close()

    def lasting(self, contents):
        return {key: value for key, value in contents.items()
                if not key.startswith("/leader/") and key != f"/nodes/{self.leader.id}"}

    def enter(self, channel):
        self.addCleanup(channel.close)
        return channel

    def as_node(self, newcomer):
        """Curator stub with the certificate that the node has now."""
        return stubs.curator(self.enter(newcomer.channel_to(self.leader)))

    def as_key(self, key):
        """A connection with a self-signed certificate."""
        return self.enter(stubs.channel_of(self.leader.address, self.leader.id, self.cluster.ca,
                                           key.certificate, key.key))

    def as_nobody(self):
        return self.enter(stubs.channel_of(self.leader.address, self.leader.id, self.cluster.ca,
                                           None, None))

    def newcomer(self):
        return Newcomer(self.cluster)

    def new(self):
        node = self.newcomer()
        node.register(self.leader)
        return node

    def standby(self):
        node = self.new()
        node.approve(self.leader)
        return node

    def up(self):
        return self.newcomer().become_up(self.leader)

    def decommissioned(self):
        node = self.up()
        self.management.DecommissionNode(management_pb2.DecommissionNodeRequest(id=node.id))
        operations = stubs.operations(self.enter(node.channel_to(self.leader)))
        for state in (stubs.operations_pb2.Decommission.STATE_IN_PROGRESS,
                      stubs.operations_pb2.Decommission.STATE_DONE):
            operations.ReportDecommission(
                stubs.operations_pb2.ReportDecommissionRequest(state=state), timeout=20)
        return node

    def listed(self, node):
        """As GetNodes shows it; None if it does not."""
        request = management_pb2.GetNodesRequest(filter=f'node.id == "{node.id}"')
        return next(iter(self.management.GetNodes(request, timeout=20)), None)

    def stored(self, node):
        return self.contents().get(f"/nodes/{node.id}")

    def refusal(self, method, request):
        """The error of a call that must change nothing; streams are read to their end."""
        before = self.contents()
        with self.assertRaises(grpc.RpcError) as refused:
            answer = method(request, timeout=20)
            if isinstance(answer, grpc.Call):
                list(answer)
        self.assertEqual(self.contents(), before, "state changed")
        return refused.exception

    def assert_refused(self, code, method, request, *words):
        error = self.refusal(method, request)
        self.assertEqual(error.code(), code, error.details())
        for word in words:
            self.assertIn(word, error.details())

    def assert_unchanged(self, method, request):
        """The answer of a call that succeeds and changes nothing."""
        before = self.contents()
        answer = method(request, timeout=20)
        self.assertEqual(self.contents(), before, "state changed")
        return answer
