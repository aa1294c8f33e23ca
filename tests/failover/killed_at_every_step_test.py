"""Nodes killed at every step of their way into the cluster, and out of it."""

import itertools
import pathlib
import signal
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster
from cluster import eventually
from proxy import Proxy
import stubs


class KilledAtEveryStep(cluster.DevClusterTest):
    curators = 1

    def setUp(self):
        super().setUp()
        self.address = self.ctl_json("leader", "show")["address"]
        self.ticket = self.dir / "ticket"
        self.ticket.write_text(self.ctl("ticket", "show", "--base64").stdout)

    def approve_always(self):
        """Approves whoever is pending, until the test ends."""
        stop = threading.Event()

        def approve():
            while not stop.wait(0.02):
                self.ctl("node", "approve", "--all", "--yes")
        thread = threading.Thread(target=approve)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(stop.set)

    def killed_at(self, number, name, argv_at, finished):
        """SIGKILL when the n-th piece of data passes between the process and the curator,
        before it arrives. False if it was finished before that."""
        process = None
        started = threading.Event()
        killed = threading.Event()

        def on_piece(direction, piece):
            if piece == number:
                started.wait(10)
                process.child.kill()
                killed.set()
            return piece < number

        proxy = Proxy(self.address, on_piece)
        process = self.start(name, *argv_at(proxy.address))
        started.set()
        eventually(lambda: killed.wait(0.01) or finished(process), 60,
                   f"killed at {number} or finished: {process.text()}")
        process.end(signal.SIGKILL)
        proxy.close()
        return killed.is_set()

    def killed_at_every_step(self, name, argv, finished):
        """For n = 1, 2, …: killed at n; a second run must get the node UP. Until a run is
        through before its n-th piece. Requests and answers are lost alike."""
        self.approve_always()
        nodes = len(self.node_states())
        for number in itertools.count(1):
            directory = self.dir / f"{name}-{number}"
            argv_at = lambda endpoint: [*argv, "--endpoint", endpoint, "--data-dir", directory]
            killed = self.killed_at(number, f"{name}-{number}", argv_at, finished)
            process = self.start(f"{name}-{number}-again", *argv_at(self.address))
            nodes += 1
            eventually(lambda: finished(process), 60, f"after {number}: {process.text()}")
            process.end()
            states = self.node_states()
            self.assertEqual([s for s, _ in states.values()], ["UP"] * nodes, f"after {number}")
            if not killed:
                print(f"{name} was killed at each of {number - 1} pieces of data")
                return

    def identity_argv(self):
        return ["--ca-sha256", stubs.sha256_of(self.lab / "ca.pem"),
                "--ticket-file", self.ticket]

    def test_join(self):
        def finished(process):
            code = process.child.poll()
            self.assertIn(code, (None, 0, -signal.SIGKILL), process.text())
            return code == 0
        self.killed_at_every_step("join", ["curatord", "join", *self.identity_argv()], finished)

    def test_agent(self):
        self.killed_at_every_step("agent", ["curator-agent", *self.identity_argv()],
                                  lambda process: "heartbeats answered" in process.text())

    def test_agent_on_its_way_out(self):
        """The same for a node whose decommissioning was requested while it was down."""
        self.approve_always()

        def left(process):
            code = process.child.poll()
            self.assertIn(code, (None, 0, -signal.SIGKILL), process.text())
            return code == 0

        for number in itertools.count(1):
            name, directory = f"leaving-{number}", self.dir / f"leaving-{number}"
            argv_at = lambda endpoint: ["curator-agent", *self.identity_argv(), "--endpoint",
                                        endpoint, "--data-dir", directory]
            before = set(self.node_states())
            process = self.start(name, *argv_at(self.address))
            process.wait_for_line("heartbeats answered", 60)
            process.end(signal.SIGKILL)
            node_id = (set(self.node_states()) - before).pop()
            result = self.ctl("node", "decommission", node_id, "--yes")
            self.assertEqual(result.returncode, 0, result.stderr)
            killed = self.killed_at(number, f"{name}-killed", argv_at, left)
            process = self.start(f"{name}-again", *argv_at(self.address))
            eventually(lambda: left(process), 60, f"after {number}: {process.text()}")
            self.assertEqual(self.node_states()[node_id][0], "DECOMMISSIONED", f"after {number}")
            if not killed:
                print(f"an agent on its way out was killed at each of {number - 1} pieces of data")
                return


if __name__ == "__main__":
    unittest.main(verbosity=2)
