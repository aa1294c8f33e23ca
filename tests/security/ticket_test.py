"""A register ticket that leaked: it is replaced, and what it made is found and deleted."""

import json
import os
import pathlib
import stat
import sys
import unittest

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster
import stubs
from cluster import eventually
from node import Newcomer, reason_is
from protocol import OnEtcd, ProtocolTest


class Ticket:
    options = ("--limit", "new-nodes=12", "--limit", "registration-burst=8",
               "--limit", "registrations-per-second=100")

    def ctl(self, *args):
        return self.cluster.ctl(*args)

    def assert_done(self, result):
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def tearDown(self):
        self.assert_done(self.ctl("node", "delete", "--state", "NEW", "--yes"))

    def show(self):
        """Fingerprint and time; the ticket stands in the cluster's ticket file."""
        self.cluster.ticket.write_text(self.ctl("ticket", "show", "--hex").stdout)
        return json.loads(self.ctl("ticket", "show", "-o", "json").stdout)

    def test_that_was_replaced_registers_nobody_from_the_answer_on(self):
        before = self.show()
        stolen, waiting = self.newcomer(), self.newcomer()
        waiting.register(self.leader)
        up = self.up()
        self.assertEqual(self.ctl("ticket", "rotate", "--no-input").returncode, 13)
        dry = self.assert_done(self.ctl("ticket", "rotate", "--dry-run", "-o", "json"))
        self.assertEqual(self.show()["id"], before["id"], dry.stdout)
        rotated = json.loads(self.assert_done(
            self.ctl("ticket", "rotate", "--yes", "-o", "json")).stdout)
        with self.assertRaises(grpc.RpcError) as refused:
            stolen.register(self.leader)
        self.assertEqual(refused.exception.code(), grpc.StatusCode.PERMISSION_DENIED)
        after = self.show()
        self.assertNotEqual(after["id"], before["id"])
        self.assertEqual(after["id"], rotated["id"])
        self.assertIsNotNone(after["since"])
        self.assertEqual(len(bytes.fromhex(self.cluster.ticket.read_text())), 34)
        stolen.register(self.leader)
        waiting.register(self.leader)
        self.assertEqual(self.cluster.states()[up.id], "UP")

    def test_goes_to_a_file_of_its_own(self):
        path = self.dir / "ticket"
        shown = self.assert_done(self.ctl("ticket", "show", "--out", path))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(path.read_bytes(),
                         bytes.fromhex(self.ctl("ticket", "show", "--hex").stdout))
        self.assertNotIn(path.read_bytes().hex(), shown.stdout)
        path.chmod(0o644)
        self.assert_done(self.ctl("ticket", "rotate", "--yes", "--out", path, "--base64"))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(path.read_text().strip(), self.ctl("ticket", "show", "--base64").stdout
                         .strip())
        other = self.dir / "other"
        other.write_text("of somebody\n")
        self.assertEqual(self.ctl("ticket", "show", "--out", other).returncode, 9)
        self.assertEqual(other.read_text(), "of somebody\n")
        self.assertEqual(self.ctl("ticket", "rotate", "--yes", "--out", other).returncode, 9)
        self.assertEqual(path.read_text().strip(), self.ctl("ticket", "show", "--base64").stdout
                         .strip())

    def flood(self, most):
        """Registers until it is refused: how many, and the error."""
        for number in range(most):
            try:
                self.newcomer().register(self.leader)
            except grpc.RpcError as error:
                return number, error
        raise AssertionError(f"{most} nodes registered")

    def test_makes_no_more_than_so_many_nodes_and_they_are_deleted_at_once(self):
        self.show()
        mine = self.up()
        count, error = self.flood(50)
        while reason_is(error, b"REGISTRATION_RATE"):
            self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
            more, error = self.flood(50)
            count += more
        self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertTrue(reason_is(error, b"TOO_MANY_NEW_NODES"), error)
        self.assertEqual(count, 12)
        self.assertEqual(self.ctl("node", "delete", "--state", "NEW", "--no-input").returncode, 13)
        dry = self.assert_done(self.ctl("node", "delete", "--state", "NEW", "--dry-run"))
        self.assertEqual(dry.stdout.count("would be deleted"), 12, dry.stdout)
        self.assert_done(self.ctl("node", "delete", "--state", "NEW", "--yes"))
        states = self.cluster.states()
        self.assertNotIn("NEW", states.values())
        self.assertEqual(states[mine.id], "UP")
        self.newcomer().register(self.leader)

    def test_that_is_wrong_takes_no_place_of_an_honest_node(self):
        self.show()
        for _ in range(30):
            with self.assertRaises(grpc.RpcError) as refused:
                self.newcomer().register(self.leader, register_ticket=b"\x0a\x20" + os.urandom(32))
            self.assertEqual(refused.exception.code(), grpc.StatusCode.PERMISSION_DENIED)
        for _ in range(8):
            self.newcomer().register(self.leader)

    def test_makes_an_agent_wait_until_there_is_room(self):
        self.show()
        while True:
            _, error = self.flood(50)
            if reason_is(error, b"TOO_MANY_NEW_NODES"):
                break
        agent = self.start("agent", "curator-agent", "-e", self.leader.address, "--ca-sha256",
                           self.cluster.ca_sha256, "--ticket-file", self.cluster.ticket,
                           "--data-dir", self.dir / "agent")
        agent.wait_for_line("wait for approval")
        self.assert_done(self.ctl("node", "delete", "--state", "NEW", "--yes"))
        eventually(lambda: "NEW" in self.cluster.states().values(), 60, "the agent has registered")
        self.assertIsNone(agent.child.poll(), agent.text())
        agent.end()


class TicketOnSqlite(Ticket, ProtocolTest):
    pass


class TicketOnEtcd(OnEtcd, Ticket, ProtocolTest):
    pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
