"""--dry-run of every command that has it, through the real binary against a real cluster: no
file, no trust, no node, no setting and no leader is another afterwards, and no RPC was sent
that could have changed one. Every other command refuses the flag."""

import pathlib
import re
import shutil
import sys
import tempfile
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster
from cluster import eventually
from home import Home, snapshot
from shared_cluster import SharedCluster

METRICS_PORT = 9835
# What changes nothing, whoever calls it.
READS = {"GetNodes", "GetClusterInfo", "GetRegisterTicket", "GetCurrentLeader", "GetCACertificate",
         "List", "Get", "Check", "Watch", "GetConsensusStatus", "ServerReflectionInfo",
         "DescribeRegisterTicket", "GetDecommission"}
# Sent all the time by the curators' own nodes.
AGENTS = {"Heartbeat", "UpdateNodeStatus", "ReportDecommission"}


def commands(completion):
    """{command: has it --dry-run?} as the completion script for bash tells."""
    pattern = r"""^    "([^"]+)"\) commands='([^']*)' flags='([^']*)'"""
    found = {path: "--dry-run" in flags.split()
             for path, subcommands, flags in re.findall(pattern, completion, re.M)
             if not subcommands}
    assert len(found) > 30, completion
    return found


class DryRun(SharedCluster):
    curators = 2
    options = ("--metrics-listen", f"{{host}}:{METRICS_PORT}")

    def setUp(self):
        super().setUp()
        directory = tempfile.mkdtemp(prefix="curator-test-home-")
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        self.home = Home(self.cluster, directory)

    def changes_sent(self):
        """{method: how often it was called}, of all methods that may change something."""
        sent = {}
        for curator in self.cluster.curators:
            host = curator.listen.rsplit(":", 1)[0]
            with urllib.request.urlopen(f"http://{host}:{METRICS_PORT}/metrics", timeout=10) as answer:
                text = answer.read().decode()
            for method, count in re.findall(r'curator_rpcs_total\{method="([^"]+)".*\} (\S+)', text):
                name = method.rsplit("/", 1)[-1]
                if name not in READS | AGENTS:
                    sent[method] = sent.get(method, 0) + float(count)
        return sent

    def seen(self):
        """All that a command could change."""
        nodes = self.home.ctl("node", "list", "-o", "columns=ID,STATE,ROLES,LABELS", "-q")
        config = self.home.ctl("cluster", "config", "get")
        leader = self.home.ctl("leader", "show", "-o", "name")
        return [nodes.stdout, config.stdout, leader.stdout], snapshot(self.home.path)

    def faults(self, line, program="curatorctl"):
        """What the command changes, although it is only to show what it would do."""
        self.seen()  # what was learnt is in the cache by now
        cluster_before, files_before = self.seen()
        sent_before = self.changes_sent()
        result = self.home.ctl(*line, "-n", program=program)
        files_after = snapshot(self.home.path)
        sent_after = self.changes_sent()
        cluster_after, _ = self.seen()
        faults = []
        if result.returncode != 0:
            faults.append(f"exit {result.returncode}: {result.stderr}")
        if sent_after != sent_before:
            faults.append(f"RPCs: {sent_after} after {sent_before}")
        if cluster_after != cluster_before:
            faults.append(f"cluster: {cluster_after} after {cluster_before}")
        changed = {name for name in files_before.keys() | files_after.keys()
                   if files_before.get(name) != files_after.get(name)}
        if changed:
            faults.append(f"files: {sorted(changed)}")
        return faults

    def lines(self):
        """{command: words of a line that would change something}"""
        leader = self.cluster.leader()
        follower = next(c for c in self.cluster.curators if c is not leader)
        metroctl = self.home.path / "metroctl"
        metroctl.mkdir()
        for source, name in ((self.cluster.key, "owner-key.pem"),
                             (self.cluster.certificate, "owner.pem"), (self.cluster.ca, "ca.pem")):
            shutil.copy(source, metroctl / name)
        owner = ("--owner-key", self.cluster.key)
        lines = {
            "node approve": ("--all",),
            "node label": (follower.id, "zone=a"),
            "node role add": ("kw", follower.id),
            "node role remove": ("kw", follower.id),
            "node decommission": (follower.id,),
            "node delete": (follower.id, "--force-not-decommissioned"),
            "cluster takeownership": (*owner, "--context", "third", "-e", leader.address,
                                      "--ca-sha256", self.cluster.ca_sha256),
            "cluster config set": ("node_labels_to_synchronize", "^a"),
            "leader transfer": ("--to", follower.id),
            "context use": ("other",),
            "context add": ("third", "-e", leader.address, "--ca-file", self.cluster.ca),
            "context import": ("--metroctl", metroctl, "third", "-e", leader.address),
            "context set": ("other", "-e", leader.address, "--accept-unproven"),
            "context remove": ("other",),
            "cred new-key": ("--out", self.home.path / "new"),
            "trust pin": ("--context", "other", "--ca-sha256", self.cluster.ca_sha256),
            "trust forget": ("--context", "lab"),
            "ticket rotate": (),
        }
        return {command: (*command.split(), *words) for command, words in lines.items()}

    def test_changes_nothing(self):
        lines = self.lines()
        known = commands(self.home.check("completion", "bash").stdout)
        for command, has_flag in known.items():
            with self.subTest(command=command):
                if has_flag:
                    self.assertEqual(self.faults(lines[command]), [])
                else:
                    result = self.home.ctl(*command.split(), "-n")
                    self.assertEqual(result.returncode, 2, result.stderr)
        # Each line does something without the flag, or it would prove nothing.
        for command in ("node label", "context add", "cred new-key", "trust forget"):
            with self.subTest(command=command, dry_run=False):
                self.home.check(*lines[command])
        eventually(lambda: "zone=a" in self.home.ctl("node", "list", "-o", "columns=LABELS").stdout,
                   10, "the label is set")

    def test_a_program_that_changes_something_is_seen(self):
        """The walker of this test, on programs with a mistake planted in them."""
        follower = next(c for c in self.cluster.curators if c is not self.cluster.leader())
        ctl = cluster.BIN / "curatorctl"
        planted = {
            "files": 'touch "$HOME/forgotten"',
            "RPCs": f"{ctl} node label {follower.id} planted=yes >/dev/null",
            "exit": "exit 3",
        }
        for fault, body in planted.items():
            with self.subTest(fault=fault):
                program = self.home.path.parent / f"{self.home.path.name}-{fault}.sh"
                program.write_text(f"#!/bin/sh\n{body}\n")
                program.chmod(0o755)
                self.addCleanup(program.unlink)
                found = self.faults(("any",), program=str(program))
                self.assertTrue(any(text.startswith(fault) for text in found), found)


if __name__ == "__main__":
    unittest.main(verbosity=2)
