"""What users notice when curators die, stop and hang: three real ones, embedded store."""

import os
import pathlib
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster
from cluster import LEASE_TTL, eventually
import stubs


class DevCluster(cluster.DevClusterTest):
    nodes = 5

    def test_is_usable_approves_nodes_and_resumes(self):
        states = self.node_states()
        self.assertEqual(len(states), 8)
        self.assertEqual(sorted(states.values()), [("NEW", "UNKNOWN")] * 5 + [("UP", "HEALTHY")] * 3)
        print(f"usable after {self.start_seconds:.1f} s")
        result = self.ctl("node", "approve", "--all", "--yes")
        self.assertEqual(result.returncode, 0, result.stderr)
        eventually(lambda: set(self.node_states().values()) == {("UP", "HEALTHY")}, 10,
                   "all nodes UP and HEALTHY")
        # A killed child stays dead; the rest goes on.
        agents = int((self.lab / "agents" / "pid").read_text())
        os.kill(agents, signal.SIGKILL)
        self.dev.wait_for_line("agents ended (signal 9)")
        self.assertEqual(len(self.node_states()), 8)
        self.assertEqual(self.dev.end(signal.SIGINT), 0)
        self.assertEqual(list(self.lab.glob("curator-*/pid")), [])
        self.start_dev()
        self.assertEqual(set(self.node_states()), set(states))


class Failover(cluster.DevClusterTest):
    def outage_under_listing(self, sig):
        """Longest `node list` while the leader gets `sig`, called every 50 ms; none may fail."""
        _, _, pid = self.leader()
        durations, failures, stop = [], [], threading.Event()

        def list_nodes():
            while not stop.wait(0.05):
                began = time.monotonic()
                result = self.ctl("node", "list")
                durations.append(time.monotonic() - began)
                if result.returncode != 0:
                    failures.append(result.stderr)
        caller = threading.Thread(target=list_nodes)
        caller.start()
        eventually(lambda: len(durations) > 2, 20, "listings before the failover")
        old, _, _ = self.leader()
        os.kill(pid, sig)
        eventually(lambda: self.ctl_json("leader", "show")["id"] != old, 3 * LEASE_TTL, "a new leader")
        stop.set()
        caller.join()
        self.assertEqual(failures, [])
        return max(durations)

    def test_sigkill_fails_no_command(self):
        outage = self.outage_under_listing(signal.SIGKILL)
        print(f"longest command over SIGKILL: {outage:.2f} s")
        self.assertLess(outage, 2 * LEASE_TTL)

    def test_sigterm_costs_no_lease(self):
        outage = self.outage_under_listing(signal.SIGTERM)
        print(f"longest command over SIGTERM: {outage:.2f} s")
        self.assertLess(outage, LEASE_TTL / 2)

    def test_stopped_leader_applies_nothing_afterwards(self):
        agent = self.start("agent", "curator-agent", "--endpoint", self.endpoints(), "--ca-sha256",
                           stubs.sha256_of(self.lab / "ca.pem"), "--ticket-file", self.ticket(),
                           "--data-dir", self.dir / "agent")
        eventually(lambda: "NEW" in [s for s, _ in self.node_states().values()], 20, "a new node")
        agent.end()
        new = [i for i, (state, _) in self.node_states().items() if state == "NEW"][0]
        pubkey = [n["pubkey"] for n in self.ctl_json("node", "list")["items"] if n["id"] == new][0]
        old, path, pid = self.leader()
        address = self.ctl_json("leader", "show")["address"]
        channel = stubs.user_channel(self.lab, address, old)
        management = stubs.management(channel)
        list(management.GetNodes(stubs.management_pb2.GetNodesRequest(), timeout=10))
        cluster.stop_process(pid)
        try:
            write = management.ApproveNode.future(
                stubs.management_pb2.ApproveNodeRequest(pubkey=bytes.fromhex(pubkey)), timeout=60)
            eventually(lambda: self.ctl_json("leader", "show")["id"] != old, 3 * LEASE_TTL,
                       "another leader")
        finally:
            os.kill(pid, signal.SIGCONT)
        error = write.exception(60)
        self.assertIn(error.code().name, ("UNAVAILABLE", "UNIMPLEMENTED"), str(error))
        print(f"the stopped leader answered: {error.code().name} {error.details()}")
        eventually(lambda: any(e["node_id"] == old and e["role"] == "follower"
                               for e in self.ctl_json("cluster", "status")["items"]),
                   2 * LEASE_TTL, "the old leader follows")
        self.assertEqual(self.node_states()[new][0], "NEW")

    def test_acknowledged_approvals_survive_a_kill(self):
        agents = self.start("agents", "curator-agent", "--endpoint", self.endpoints(), "--ca-sha256",
                            stubs.sha256_of(self.lab / "ca.pem"), "--ticket-file", self.ticket(),
                            "--data-dir", self.dir / "agents", "--count", 20)
        eventually(lambda: len(self.node_states()) == 23, 30, "20 new nodes")
        agents.end()
        new = [i for i, (state, _) in self.node_states().items() if state == "NEW"]
        _, _, pid = self.leader()
        acknowledged = []
        for index, node_id in enumerate(new):
            if index == 7:
                os.kill(pid, signal.SIGKILL)
            result = self.ctl("node", "approve", node_id)
            self.assertEqual(result.returncode, 0, result.stderr)
            acknowledged.append(node_id)
        states = self.node_states()
        self.assertEqual([states[i][0] for i in acknowledged], ["STANDBY"] * len(new))

    def endpoints(self):
        return ",".join(e["endpoint"] for e in self.ctl_json("cluster", "status")["items"])

    def ticket(self):
        path = self.dir / "ticket"
        path.write_text(self.ctl("ticket", "show", "--hex").stdout)
        return path


if __name__ == "__main__":
    unittest.main(verbosity=2)
