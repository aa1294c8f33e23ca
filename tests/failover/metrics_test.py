"""What Prometheus scrapes: from a leader, from followers, and after the leader was killed."""

import pathlib
import re
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster
import stubs
from cluster import eventually
from shared_cluster import SharedCluster

PORT = 9835
GET_NODES = "metropolis.proto.api.Management/GetNodes"
LIST_NODES = "curator.v1.Nodes/List"  # what curatorctl calls


def url(curator, path="/metrics"):
    return f"http://{curator.listen.rsplit(':', 1)[0]}:{PORT}{path}"


class Metrics(SharedCluster):
    options = ("--metrics-listen", f"{{host}}:{PORT}")

    def scrape(self, curator):
        """{'name{label="value"}': number}; what promtool finds wrong fails the test."""
        with urllib.request.urlopen(url(curator), timeout=10) as answer:
            self.assertEqual(answer.headers["Content-Type"],
                             "text/plain; version=0.0.4; charset=utf-8")
            text = answer.read().decode()
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                                 capture_output=True, timeout=60, check=False)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""), text)
        return {name: float(value) for name, value in re.findall(r"^(\w.*) (\S+)$", text, re.M)}

    def role(self, samples):
        roles = [role for role in ("leader", "follower", "none")
                 if samples[f'curator_role{{role="{role}"}}'] == 1]
        self.assertEqual(len(roles), 1, samples)
        return roles[0]

    def test_leader_and_followers(self):
        leader = self.cluster.leader()
        self.cluster.ctl("node", "list")
        terms = set()
        for curator in self.cluster.curators:
            samples = self.scrape(curator)
            self.assertEqual(self.role(samples), "leader" if curator is leader else "follower")
            terms.add(samples["curator_term"])
            self.assertLess(samples["curator_lease_age_seconds"],
                            samples["curator_lease_ttl_seconds"])
            self.assertGreater(samples['curator_store_seconds_count{operation="range"}'], 0)
            self.assertEqual(samples['curator_part_running{part="election"}'], 1)
            nodes = 'curator_nodes{state="up",health="healthy"}'
            if curator is leader:
                eventually(lambda: self.scrape(leader)[nodes] == 3, 30, "all nodes are healthy")
                self.assertGreater(
                    samples[f'curator_rpcs_total{{method="{LIST_NODES}",code="OK"}}'], 0)
            else:
                self.assertNotIn(nodes, samples)
        self.assertEqual(len(terms), 1)
        self.assertGreater(terms.pop(), 0)

    def test_counts_what_is_refused(self):
        leader = self.cluster.leader()
        follower = next(c for c in self.cluster.curators if c is not leader)

        def counted(method, code):
            return self.scrape(follower).get(
                f'curator_rpcs_total{{method="{method}",code="{code}"}}', 0)
        known, other = counted(GET_NODES, "UNIMPLEMENTED"), counted("other", "UNIMPLEMENTED")
        with self.cluster.channel(follower) as channel:
            with self.assertRaises(grpc.RpcError):
                list(stubs.management(channel).GetNodes(stubs.management_pb2.GetNodesRequest(),
                                                        timeout=20, wait_for_ready=True))
            for method in ("/no.such.Service/A", "/no.such.Service/B"):
                with self.assertRaises(grpc.RpcError):
                    channel.unary_unary(method)(b"", timeout=20, wait_for_ready=True)
        self.assertEqual(counted(GET_NODES, "UNIMPLEMENTED"), known + 1)
        self.assertEqual(counted("other", "UNIMPLEMENTED"), other + 2)

    def test_serves_nothing_else(self):
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url(self.cluster.curators[0], "/"), timeout=10)
        refused.exception.close()
        self.assertEqual(refused.exception.code, 404)

    def test_shows_the_takeover_of_a_killed_leader(self):
        old = self.cluster.leader()
        before = {c: self.scrape(c) for c in self.cluster.curators if c is not old}
        old.kill()
        new = self.cluster.wait_for_other_leader(old, 30)

        def settled():
            after = {c: self.scrape(c) for c in before}
            terms = {samples["curator_term"] for samples in after.values()}
            return after if len(terms) == 1 and not terms & {
                samples["curator_term"] for samples in before.values()} else None
        after = eventually(settled, 30, "both have seen the new leadership")

        def grown(curator, name):
            return after[curator][name] - before[curator][name]
        self.assertEqual(self.role(after[new]), "leader")
        self.assertEqual(grown(new, "curator_takeover_seconds_count"), 1)
        took = grown(new, "curator_takeover_seconds_sum")
        print(f"takeover: {took:.3f} s")
        self.assertGreater(took, 0)
        self.assertLess(took, 4 * self.lease_ttl)
        self.assertGreaterEqual(grown(new, "curator_listener_restart_seconds_count"), 1)
        for curator in before:
            self.assertGreaterEqual(grown(curator, "curator_leadership_changes_total"), 1)
            self.assertGreaterEqual(grown(curator, "curator_listener_restarts_total"), 1)
            if curator is not new:
                self.assertEqual(grown(curator, "curator_takeover_seconds_count"), 0)

    def test_a_taken_address_is_explained(self):
        curator = self.cluster.curators[0]
        curator.kill()
        self.cluster.wait_for_other_leader(curator, 30)
        other = self.cluster.curators[1]
        result = cluster.run(
            "curatord", "run", "--data-dir", curator.directory, "--store", curator.store,
            "--listen", curator.listen, "--metrics-listen",
            f"{other.listen.rsplit(':', 1)[0]}:{PORT}")
        self.assert_explained(result, 9, "metrics", "--metrics-listen")


if __name__ == "__main__":
    unittest.main(verbosity=2)
