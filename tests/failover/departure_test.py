"""How nodes leave the cluster: decommissioned by their own agents, or deleted."""

import json
import os
import pathlib
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster
import stubs
from cluster import eventually

NOT_FOUND, REFUSED = 3, 9  # exit codes
# An agent asks every 15 s, and at once on a new connection.
NOTICED = 90


class DepartureOfACurator(cluster.DevClusterTest):
    curators = 3

    def test_hands_over_and_ends(self):
        leader_id, path, pid = self.leader()
        argv = pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
        others = set(self.node_states()) - {leader_id}
        result = self.ctl("node", "decommission", leader_id, "--wait", "--yes", "-t",
                          f"{NOTICED}s", timeout=NOTICED + 30)
        log = (path / "log").read_text()
        self.assertEqual(result.returncode, 0, result.stderr + log)
        self.assertIn("handing over", log)
        eventually(lambda: "msg=stopped" in (path / "log").read_text(), 20,
                   f"its curator ends: {log}")
        self.assertIn(self.leader()[0], others)
        self.assertEqual(self.node_states()[leader_id][0], "DECOMMISSIONED")
        # Who starts it again is told why it does not.
        again = cluster.run(*argv)
        self.assert_explained(again, REFUSED, "is decommissioned")
        self.assertEqual(self.ctl("node", "delete", leader_id, "--yes").returncode, 0)


class DepartureOfTheOnlyCurator(cluster.DevClusterTest):
    curators = 1

    def test_is_refused(self):
        only = self.leader()[0]
        refused = self.ctl("node", "decommission", only, "--yes")
        self.assertEqual(refused.returncode, REFUSED, refused.stderr)
        self.assertIn("the only curator", refused.stderr)
        self.assertEqual(self.node_states()[only][0], "UP")


class DepartureFromADevelopmentCluster(cluster.DevClusterTest):
    curators = 1
    nodes = 2

    def test_does_not_keep_it_from_starting_again(self):
        self.assertEqual(self.ctl("node", "approve", "--all", "--yes").returncode, 0)
        eventually(lambda: all(state == "UP" for state, _ in self.node_states().values()), 20,
                   "all are UP")
        deleted = (set(self.node_states()) - {self.leader()[0]}).pop()
        result = self.ctl("node", "delete", deleted, "--force-not-decommissioned", "--yes")
        self.assertEqual(result.returncode, 0, result.stderr)
        left = set(self.node_states())
        self.dev.end(signal.SIGINT)
        self.start_dev()
        self.assertEqual(set(self.node_states()), left)


class Departure(cluster.DevClusterTest):
    """Three curators, and one node whose agent the test starts and ends."""

    def setUp(self):
        super().setUp()
        self.ticket = self.dir / "ticket"
        self.ticket.write_text(self.ctl("ticket", "show", "--base64").stdout)
        self.endpoints = ",".join(item["endpoint"] for item in
                                  self.ctl_json("cluster", "status")["items"])
        curators = set(self.node_states())
        self.agent = self.start_agent()
        eventually(lambda: set(self.node_states()) - curators, 30, "the node has registered")
        self.id = (set(self.node_states()) - curators).pop()
        self.assertEqual(self.ctl("node", "approve", "--all", "--yes").returncode, 0)
        self.wait_for(f"node/{self.id}:health=HEALTHY")

    def start_agent(self):
        return self.start("agent", "curator-agent", "-e", self.endpoints, "--ca-sha256",
                          stubs.sha256_of(self.lab / "ca.pem"), "--ticket-file", self.ticket,
                          "--data-dir", self.dir / "node")

    def wait_for(self, condition, seconds=NOTICED):
        result = self.ctl("wait", "--for", condition, "-t", f"{seconds}s", timeout=seconds + 30)
        self.assertEqual(result.returncode, 0, result.stderr + self.agent.text())

    def assert_done(self, *flags):
        result = self.ctl("node", *flags, "--yes")
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def assert_agent_has_ended(self, code, words):
        self.assertEqual(self.agent.child.wait(20), code, self.agent.text())
        self.assertIn(words, self.agent.text())

    def kill_leader(self):
        _, _, pid = self.leader()
        os.kill(pid, signal.SIGKILL)

    def test_is_requested_done_by_the_agent_and_then_deleted_without_bypass(self):
        self.assert_done("role", "add", "kw", self.id)
        refused = self.ctl("node", "decommission", self.id, "--yes")
        self.assert_explained(refused, REFUSED, "kubernetes")
        self.assert_explained(self.ctl("node", "delete", self.id, "--yes"), REFUSED)
        self.assert_done("role", "remove", "kw", self.id)
        began = time.monotonic()
        result = self.ctl("node", "decommission", self.id, "--wait", "--yes", "-t",
                          f"{NOTICED}s", timeout=NOTICED + 30)
        self.assertEqual(result.returncode, 0, result.stderr + self.agent.text())
        self.assertIn("DECOMMISSIONED", result.stdout)
        print(f"decommissioned after {time.monotonic() - began:.1f} s")
        self.assert_agent_has_ended(0, "can be removed")
        self.assertEqual(self.node_states()[self.id], ("DECOMMISSIONED", "UNKNOWN"))
        self.assertIn("unchanged", self.assert_done("decommission", self.id))
        # Started once more it says the same.
        self.agent = self.start_agent()
        self.assert_agent_has_ended(0, "can be removed")
        self.assert_done("delete", self.id)
        self.assertNotIn(self.id, self.node_states())
        self.agent = self.start_agent()
        self.assert_agent_has_ended(NOT_FOUND, "was deleted from the cluster")

    def test_waits_for_an_agent_that_does_not_run(self):
        self.agent.end(signal.SIGKILL)
        self.assertIn("requested", self.assert_done("decommission", self.id))
        self.assertIn("requested", self.assert_done("decommission", self.id))
        self.assertEqual(self.node_states()[self.id][0], "UP")
        self.agent = self.start_agent()
        self.wait_for(f"node/{self.id}:state=DECOMMISSIONED")
        self.assert_agent_has_ended(0, "can be removed")

    def test_survives_the_death_of_the_leader_that_was_asked(self):
        cluster.stop_process(self.agent.child.pid)
        self.assert_done("decommission", self.id)
        self.kill_leader()
        self.agent.child.send_signal(signal.SIGCONT)
        self.wait_for(f"node/{self.id}:state=DECOMMISSIONED")
        self.assert_agent_has_ended(0, "can be removed")
        self.assert_done("delete", self.id)

    def test_survives_the_death_of_the_leader_meanwhile(self):
        self.assert_done("decommission", self.id)
        self.agent.wait_for_line("is in progress", NOTICED)
        self.kill_leader()
        self.wait_for(f"node/{self.id}:state=DECOMMISSIONED")
        self.assert_agent_has_ended(0, "can be removed")

    def test_a_node_that_is_deleted_instead_learns_so(self):
        self.assert_done("delete", self.id, "--force-not-decommissioned")
        self.assert_agent_has_ended(NOT_FOUND, "was deleted from the cluster")

    def test_is_seen_by_a_watch_and_a_wait_with_filters(self):
        watch = self.start("watch", "curatorctl", "--config", self.lab / "curatorctl.yaml", "-o",
                           "jsonl", "node", "watch", "--filter", f"node.id == '{self.id}'",
                           "--state", "UP")
        watch.wait_for_line("SYNCED")
        self.wait_for("nodes(node.state == NODE_STATE_UP)==4")
        self.assert_done("label", self.id, "zone=a")
        self.assert_done("label", self.leader()[0], "zone=b")
        self.assert_done("decommission", self.id)
        self.wait_for("nodes(node.state == NODE_STATE_DECOMMISSIONED)>=1")
        watch.wait_for_line('"state":"DECOMMISSIONED"')
        self.assert_done("delete", self.id)
        self.wait_for("nodes()==3")
        watch.end(signal.SIGINT)
        events = [json.loads(line) for line in watch.text().splitlines()]
        seen = [(event["type"], (event["object"] or {}).get("state")) for event in events]
        self.assertEqual(seen, [("ADDED", "UP"), ("SYNCED", None), ("MODIFIED", "UP"),
                                ("MODIFIED", "DECOMMISSIONED")])

    def test_a_filter_that_is_wrong_is_explained_and_nothing_else(self):
        for command in (["node", "list", "--filter", "node.nonsense"],
                        ["node", "watch", "--filter", "node.nonsense"],
                        ["wait", "--for", "nodes(node.nonsense)>=1"]):
            result = self.ctl(*command)
            self.assert_explained(result, 2, "nonsense", "curatorctl help filters")
            self.assertNotIn("what:", result.stderr)

    def test_a_filter_that_is_not_text_is_explained_and_nothing_else(self):
        result = self.ctl("node", "list", "--filter", "node.id == '\udcff'")  # the byte 0xff
        self.assert_explained(result, 2, "not UTF-8", "curatorctl help filters")
        self.assertTrue(result.stderr.startswith("error:"), result.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
