"""The whole life of a node by another language's gRPC; and nodes killed on their way."""

import os
import pathlib
import signal
import subprocess
import sys
import unittest

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster
from cluster import eventually
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

    def state_of_new_node(self):
        others = [s for i, s in self.node_states().items() if i != self.leader_id]
        return others[0] if others else None

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

    def kill_at_each_line(self, name, argv, lines, finished):
        """Kills the process as each line appears, then lets it finish."""
        for line in lines:
            process = self.start(f"{name}-{len(self.processes)}", *argv)
            process.wait_for_line(line)
            process.end(signal.SIGKILL)
        process = self.start(f"{name}-last", *argv)
        eventually(lambda: self.state_of_new_node() is not None, 20, "the node registers")
        self.assertEqual(self.ctl("node", "approve", "--all", "--yes").returncode, 0)
        finished(process)

    def test_join_killed_on_its_way(self):
        argv = ["curatord", "join", "--data-dir", self.dir / "c2", "--endpoint", self.address,
                "--ca-sha256", self.ca_sha256, "--ticket-file", self.ticket]
        lines = self.step_lines(argv)
        self.kill_at_each_line("join", argv, lines,
                               lambda process: self.assertEqual(process.child.wait(30), 0,
                                                                process.text()))
        eventually(lambda: self.state_of_new_node()[0] == "UP", 10, "the node is UP")
        # And once more: there is nothing left to do.
        self.assertEqual(self.start("again", *argv).child.wait(30), 0)

    def test_agent_killed_on_its_way(self):
        argv = ["curator-agent", "--data-dir", self.dir / "agent", "--endpoint", self.address,
                "--ca-sha256", self.ca_sha256, "--ticket-file", self.ticket]
        lines = self.step_lines(argv)
        up = lambda process: eventually(lambda: self.state_of_new_node() == ("UP", "HEALTHY"), 20,
                                        "the node is UP and HEALTHY")
        self.kill_at_each_line("agent", argv, lines, up)
        # Killed while running, it joins again.
        self.processes[-1].end(signal.SIGKILL)
        again = self.start("agent-again", *argv)
        again.wait_for_line("heartbeats answered")

    def step_lines(self, argv):
        """The log lines of the way to approval, from a run that is killed there."""
        process = self.start("steps", *argv)
        process.wait_for_line("approv")
        process.end(signal.SIGKILL)
        lines = []
        for line in process.text().splitlines():
            text = line.split(" msg=", 1)[-1].strip('"').split(" node ")[0].split(" metropolis-")[0]
            text = text.split('"')[0][:24]
            if text and text not in lines:
                lines.append(text)
        print("killed at:", lines)
        # What happened in that run does not happen again: the last line does.
        return lines[-1:] * 2


if __name__ == "__main__":
    unittest.main(verbosity=2)
