"""Nodes of the cluster that claim to lead, with every proof that they can come by: none of
curatorctl, an agent and `curatord join` sends them anything, before, during and after a
failover. Each is given the rogue's address first, as one of the curators."""

import os
import pathlib
import secrets
import signal
import sqlite3
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster
import rogue
import stubs
from cluster import Process, eventually
from node import Newcomer
from rogue import Rogue
from shared_cluster import SharedCluster

_PKCS8_ED25519 = bytes.fromhex("302e020100300506032b657004220420")


def pem(raw_key):
    """A raw Ed25519 key (64 bytes) as PKCS#8."""
    made = cluster.subprocess.run(["openssl", "pkey", "-inform", "DER"], check=True,
                                  input=_PKCS8_ED25519 + raw_key[:32], capture_output=True)
    return made.stdout


class Subjects:
    """An agent and a `curatord join`, at work while the leader changes."""

    def __init__(self, test, name, endpoints):
        self._test, lab = test, test.cluster
        self._dir = test.dir / name
        self._dir.mkdir()
        common = ["--ca-sha256", lab.ca_sha256, "--ticket-file", lab.ticket]
        for endpoint in endpoints:
            common += ["--endpoint", endpoint]
        self.agent = Process(self._dir / "agent.log", "curator-agent", *common, "--data-dir",
                             self._dir / "agent")
        self.join = Process(self._dir / "join.log", "curatord", "join", *common, "--data-dir",
                            self._dir / "join")
        test.processes += [self.agent, self.join]

    def node_id(self, name):
        key = self._dir / name / "node.key"
        if not key.exists():
            return None
        text = cluster.run("openssl", "pkey", "-in", key, "-pubout", "-outform", "DER", "-out",
                           self._dir / "public")
        return text.returncode == 0 and (
            "metropolis-" + (self._dir / "public").read_bytes()[-32:-16].hex())

    def state(self, name):
        return self._test.cluster.states().get(self.node_id(name))

    def logs(self):
        return self.agent.text() + self.join.text()


class LeadershipProof(SharedCluster):
    curators = 4

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        store = sqlite3.connect(f"file:{cls.class_dir / 'store.db'}?mode=ro", uri=True)
        raw, = store.execute("SELECT value FROM keys WHERE key = ?",
                             (b"/cluster-pki/keys/cluster-ca-privkey.bin",)).fetchone() or (None,)
        if raw is None:
            raw, = store.execute("SELECT value FROM keys WHERE key = ?",
                                 ("/cluster-pki/keys/cluster-ca-privkey.bin",)).fetchone()
        store.close()
        cls.ca_key = pem(bytes(raw))
        cls.other_ca_key = pem(secrets.token_bytes(64))
        cls.dismiss_a_curator()

    @classmethod
    def dismiss_a_curator(cls):
        """One that led is deleted; its key, its certificate and what it said once are kept."""
        lab = cls.cluster
        gone = lab.curators[-1]
        if lab.leader() is not gone:
            result = lab.ctl("leader", "transfer", "--to", gone.id)
            assert result.returncode == 0, result.stderr
        eventually(lambda: lab.leader() is gone, 30, f"{gone.name} leads")
        with lab.channel(gone) as channel:
            cls.recorded = rogue.ask_for_proof(channel, secrets.token_bytes(32))
        assert rogue.PROOF in cls.recorded, cls.recorded
        gone.kill()
        lab.curators.remove(gone)
        cls.gone = gone
        cls.gone_key = (gone.directory / "node.key").read_bytes()
        cls.gone_certificate = (gone.directory / "node.pem").read_bytes()
        result = lab.ctl("node", "delete", gone.id, "--force-has-roles",
                         "--force-not-decommissioned", "--confirm", gone.id, "--yes")
        assert result.returncode == 0, result.stderr

    def worker(self, proof=lambda nonce: None, term=rogue.HUGE_TERM):
        """An UP node without roles, which tells a curator's port in its status."""
        node = Newcomer(self.cluster)
        leader = self.cluster.leader()
        node.become_up(leader)
        address = f"{cluster.free_address()}:7835"
        status = stubs.common_pb2.NodeStatus(external_address=address.rsplit(":", 1)[0])
        status.running_curator.port = 7835
        with node.channel_to(leader) as channel:
            stubs.curator(channel).UpdateNodeStatus(stubs.curator_pb2.UpdateNodeStatusRequest(
                node_id=node.id, status=status), timeout=20)
        return self.serve(address, node.key.key, node.certificate, node.id, proof, term)

    def serve(self, address, key, certificate, node_id, *args):
        server = Rogue(address, key, certificate, node_id, self.cluster.ca, *args)
        self.addCleanup(server.close)
        return server

    def proved_with(self, key, change=lambda claim: None):
        """A worker that answers with a proof by `key`, of its own claim but for the change."""
        server = self.worker(lambda nonce: None)

        def proof(nonce):
            claim = {"nonce": nonce, "node_id": server.node_id, "term": server.term}
            change(claim)
            return rogue.prove(key, **claim)
        server._proof = proof
        return server

    # --- who is refused

    def test_a_worker_that_proves_nothing(self):
        self.assert_refused_by_all(self.worker(), "unproven")

    def test_a_deleted_curator_with_a_recorded_proof(self):
        server = self.serve(self.gone.address, self.gone_key, self.gone_certificate, self.gone.id,
                            lambda nonce: self.recorded[rogue.PROOF],
                            int(self.recorded[rogue.TERM]))
        self.assert_refused_by_all(server, "false-leader")

    def test_a_proof_by_another_clusters_ca(self):
        self.assert_refused_by_all(self.proved_with(self.other_ca_key), "false-leader")

    def test_a_proof_of_an_earlier_term(self):
        self.assert_refused_by_all(
            self.proved_with(self.ca_key, lambda claim: claim.update(term=claim["term"] - 1)),
            "false-leader")

    def test_a_proof_of_another_nonce(self):
        self.assert_refused_by_all(
            self.proved_with(self.ca_key,
                             lambda claim: claim.update(nonce=secrets.token_bytes(32))),
            "false-leader")

    def test_a_proof_that_the_true_leader_gave_to_the_clients_own_nonce(self):
        def relay(nonce):
            for curator in self.cluster.curators:
                try:
                    with self.cluster.channel(curator) as channel:
                        proof = rogue.ask_for_proof(channel, nonce).get(rogue.PROOF)
                except rogue.grpc.RpcError:
                    continue
                if proof is not None:
                    return proof
            return None
        # While nobody leads there is nothing to relay.
        self.assert_refused_by_all(self.worker(relay), "false-leader", "unproven")

    # --- by whom, and when

    def assert_refused_by_all(self, server, *verdicts):
        self.assert_alone_it_is_no_answer(server, verdicts)
        lab = self.cluster
        endpoints = [server.address, *lab.addresses()]
        subjects = Subjects(self, "subjects", endpoints)
        for name in ("agent", "join"):
            eventually(lambda: subjects.state(name) == "NEW", 60, f"{name} registers")
        self.approve(subjects.node_id("agent"))
        subjects.agent.wait_for_line("heartbeats answered by", 60)
        self.assert_nothing_was_sent(server, "before", subjects)
        self.assert_curatorctl_is_not_deceived(server, endpoints, "before")

        old = lab.leader()
        asked = server.asked
        old.kill()
        self.assert_curatorctl_is_not_deceived(server, endpoints, "during")
        self.assert_nothing_was_sent(server, "during", subjects)
        self.assertGreater(server.asked, asked, "nobody asked it, so nothing is shown")

        new = lab.wait_for_other_leader(old, 60)
        subjects.agent.wait_for_line(f"-> {new.id}", 60)
        self.approve(subjects.node_id("join"))
        self.assertEqual(subjects.join.child.wait(60), 0, subjects.join.text())
        lab.start(old)
        lab.wait_until_whole()
        self.assert_curatorctl_is_not_deceived(server, endpoints, "after")
        self.assert_nothing_was_sent(server, "after", subjects)

    def assert_alone_it_is_no_answer(self, server, verdicts):
        """It is all there is: named, searched on, and sent nothing."""
        result = self.cluster.ctl_at([server.address], "node", "list", "-t", "2s")
        self.assert_explained(result, 7, server.address, server.node_id)
        if verdicts[0] == "unproven":
            self.assertIn("accept-unproven", result.stderr)
        for words in (("cluster", "status"), ("doctor",)):
            shown = self.cluster.ctl_at([server.address], *words)
            self.assertEqual(shown.returncode, 20, shown.stderr)
            self.assertTrue(any(verdict in shown.stdout for verdict in verdicts), shown.stdout)
        subjects = Subjects(self, "alone", [server.address])
        for process in (subjects.agent, subjects.join):
            process.wait_for_line(f"{server.address} ({server.node_id})", 60)
            self.assertIsNone(process.child.poll(), process.text())
            process.end(signal.SIGKILL)
        self.assert_nothing_was_sent(server, "alone", subjects)

    def assert_curatorctl_is_not_deceived(self, server, endpoints, when):
        with self.subTest(by="curatorctl", when=when):
            ids = {curator.id for curator in self.cluster.curators}
            for words in (("node", "list", "-o", "name"), ("ticket", "show", "--hex")):
                result = self.cluster.ctl_at(endpoints, *words, "-t", "30s")
                self.assertEqual(result.returncode, 0, result.stderr)
                if words[0] == "node":
                    self.assertLessEqual(ids, set(result.stdout.split()), result.stdout)
                else:
                    self.assertEqual(result.stdout.strip(), self.cluster.ticket.read_text().strip())
            self.assertEqual(server.calls, [])

    def assert_nothing_was_sent(self, server, when, subjects):
        with self.subTest(by="an agent and join", when=when):
            self.assertEqual(server.calls, [], subjects.logs())

    def approve(self, node_id):
        result = self.cluster.ctl("node", "approve", node_id, "--yes")
        self.assertEqual(result.returncode, 0, result.stderr)


class WhoIsToldAsCurator(SharedCluster):
    curators = 2

    def test_is_who_stands_in_the_election(self):
        lab = self.cluster
        leader = lab.leader()
        node = Newcomer(lab).become_up(leader)
        status = stubs.common_pb2.NodeStatus(external_address="127.66.66.66")
        status.running_curator.port = 7835
        with node.channel_to(leader) as channel:
            stubs.curator(channel).UpdateNodeStatus(stubs.curator_pb2.UpdateNodeStatusRequest(
                node_id=node.id, status=status), timeout=20)
        entries = {f"{curator.id}@{curator.address}" for curator in lab.curators}

        def told_by_all():
            for curator in lab.curators:
                with lab.channel(curator) as channel:
                    told = rogue.ask_for_proof(channel, b"")
                if set(told["curator-candidates"].split(",")) != entries:
                    return False
                self.assertEqual(set(told["curator-curators"].split(",")), set(lab.addresses()))
            return True
        eventually(told_by_all, 20, "both tell of both")
        shown = lab.ctl_at([leader.address], "cluster", "status", "-o", "json")
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertEqual({item["endpoint"] for item in cluster.json.loads(shown.stdout)["items"]},
                         set(lab.addresses()))
        info = lab.ctl_json("cluster", "info")
        self.assertEqual(info["counts"]["curators"], 2)

    def test_a_follower_proves_nothing_and_no_other_size_of_nonce_is_answered(self):
        for curator in self.cluster.curators:
            with self.cluster.channel(curator) as channel:
                leads = curator is self.cluster.leader()
                self.assertEqual(rogue.PROOF in rogue.ask_for_proof(channel, os.urandom(32)), leads)
                for size in (0, 1, 31, 33, 4000):
                    self.assertNotIn(rogue.PROOF, rogue.ask_for_proof(channel, os.urandom(size)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
