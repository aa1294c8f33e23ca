"""The whole life of a node by another language's gRPC."""

import os
import pathlib
import subprocess
import sys
import unittest

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster
import stubs
from metropolis import common_pb2


class NodeLife(cluster.DevClusterTest):
    curators = 1

    def setUp(self):
        super().setUp()
        self.leader_id, _, _ = self.leader()
        self.address = self.ctl_json("leader", "show")["address"]
        self.ticket = self.dir / "ticket"
        self.ticket.write_text(self.ctl("ticket", "show", "--base64").stdout)
        self.ca_sha256 = stubs.sha256_of(self.lab / "ca.pem")

    def test_by_python(self):
        key, certificate = self.dir / "node.key", self.dir / "self.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", key,
                        "-out", certificate, "-subj", "/CN=any", "-days", "30"],
                       check=True, capture_output=True)
        ephemeral = stubs.curator(stubs.channel(self.address, self.leader_id, self.lab / "ca.pem",
                                                certificate, key))
        ticket = bytes.fromhex(self.ctl("ticket", "show", "--hex").stdout.strip())
        answer = ephemeral.RegisterNode(stubs.curator_pb2.RegisterNodeRequest(
            register_ticket=ticket, join_key=os.urandom(32)), timeout=10)
        self.assertEqual(answer.tpm_usage, common_pb2.NODE_TPM_USAGE_NOT_PRESENT)
        commit = stubs.curator_pb2.CommitNodeRequest(
            cluster_unlock_key=os.urandom(32),
            storage_security=common_pb2.NODE_STORAGE_SECURITY_AUTHENTICATED_ENCRYPTED)
        with self.assertRaises(grpc.RpcError) as refused:
            ephemeral.CommitNode(commit, timeout=10)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.PERMISSION_DENIED)
        self.assertIn("wait for approval", refused.exception.details())
        self.assertEqual(self.ctl("node", "approve", "--all", "--yes").returncode, 0)
        committed = ephemeral.CommitNode(commit, timeout=10)
        # The answer was lost, say: the same request brings the same certificate.
        self.assertEqual(ephemeral.CommitNode(commit, timeout=10), committed)
        (self.dir / "node.pem").write_text(
            stubs.ssl.DER_cert_to_PEM_cert(committed.node_certificate))
        node = stubs.curator(stubs.channel(self.address, self.leader_id, self.lab / "ca.pem",
                                           self.dir / "node.pem", key))
        node_id = [i for i in self.node_states() if i != self.leader_id][0]
        node.UpdateNodeStatus(stubs.curator_pb2.UpdateNodeStatusRequest(
            node_id=node_id, status=common_pb2.NodeStatus(external_address="127.0.0.1")), timeout=10)
        list(node.Heartbeat(iter([stubs.curator_pb2.HeartbeatRequest()]), timeout=10))
        self.assertEqual(self.node_states()[node_id], ("UP", "HEALTHY"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
