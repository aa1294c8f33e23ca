"""Real processes for tests: a cluster of curatord, its agents, and curatorctl.

Nothing here sleeps: to wait is to run the next real command until it says what is
expected, or the deadline passes. Binaries come from CURATOR_BIN.
"""

import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ["CURATOR_BIN"])
# What curatorctl learns in a test does not outlive it.
CACHE_HOME = tempfile.TemporaryDirectory(prefix="curator-test-cache-")
os.environ["XDG_CACHE_HOME"] = CACHE_HOME.name
ROOT = pathlib.Path(__file__).resolve().parents[2]
LEASE_TTL = 10.0  # of `curatord dev`


def run(*argv, timeout=60, **kwargs):
    argv = [str(BIN / argv[0]) if (BIN / argv[0]).exists() else argv[0], *map(str, argv[1:])]
    return subprocess.run(argv, capture_output=True, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL, check=False, **kwargs)


def eventually(condition, seconds, what):
    """The first true value of condition(), which does real work each time. `what` may be a
    function, which is called when it is over."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")


def free_address():
    """An address of 127.0.0.0/8 whose port 7835 nobody has."""
    while True:
        address = f"127.{random.randint(1, 250)}.{random.randint(0, 250)}.{random.randint(1, 250)}"
        with socket.socket() as probe:
            try:
                probe.bind((address, 7835))
                return address
            except OSError:
                continue


def stop_process(pid):
    """SIGSTOP, and waits until each thread has stopped: until then it may still act."""
    os.kill(pid, signal.SIGSTOP)

    def stopped():
        states = [path.read_text().rsplit(")", 1)[1].split()[0]
                  for path in pathlib.Path(f"/proc/{pid}/task").glob("*/stat")]
        return all(state == "T" for state in states)
    eventually(stopped, 20, f"{pid} has stopped")


class Process:
    """A child that dies with its test; its output goes to a file.

    To be started by the test's main thread: the signal comes when that thread ends.
    setpriv, because Python's own hook between fork and exec is not for processes
    that use gRPC.
    """

    def __init__(self, log, *argv, env=None):
        self.log = pathlib.Path(log)
        program = BIN / argv[0] if (BIN / argv[0]).exists() else argv[0]
        with open(self.log, "ab") as out:
            self.child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", str(program), *map(str, argv[1:])],
                stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env)

    def text(self):
        return self.log.read_text(errors="replace")

    def wait_for_line(self, text, seconds=30):
        def seen():
            if text in self.text():
                return True
            if self.child.poll() is not None and text not in self.text():
                raise AssertionError(f"ended without {text!r}:\n{self.text()}")
            return False
        eventually(seen, seconds, lambda: f"{text!r} in {self.log}:\n{self.text()}")

    def end(self, sig=signal.SIGTERM, seconds=20):
        if self.child.poll() is None:
            self.child.send_signal(sig)
        return self.child.wait(seconds)


class ClusterTest(unittest.TestCase):
    """A test with a directory and processes of its own."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="curator-test-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.processes = []
        self.addCleanup(self.end_processes)

    def end_processes(self):
        for process in self.processes:
            if process.child.poll() is None:
                process.child.send_signal(signal.SIGCONT)
                process.child.terminate()
        for process in self.processes:
            try:
                process.child.wait(20)
            except subprocess.TimeoutExpired:
                process.child.kill()
                process.child.wait()

    def start(self, name, *argv):
        process = Process(self.dir / f"{name}.log", *argv)
        self.processes.append(process)
        return process

    def assert_explained(self, result, code, *words):
        """The exit code, and the three parts that an error has."""
        text = result.stderr
        self.assertEqual(result.returncode, code, text)
        self.assertIn("error: ", text)
        for part in ("why:", "do:"):
            self.assertIn(part, text)
        for word in words:
            self.assertIn(word, text)


class DevClusterTest(ClusterTest):
    curators, nodes = 3, 0

    def setUp(self):
        super().setUp()
        self.lab = self.dir / "lab"
        self.start_dev()

    def start_dev(self):
        started = time.monotonic()
        self.dev = self.start("dev", "curatord", "dev", "--dir", self.lab, "--curators",
                              self.curators, "--nodes", self.nodes)
        self.dev.wait_for_line("stop it with Ctrl-C", 60)
        self.start_seconds = time.monotonic() - started

    def ctl(self, *args, timeout=60):
        return run("curatorctl", "--config", self.lab / "curatorctl.yaml", *args, timeout=timeout)

    def ctl_json(self, *args):
        result = self.ctl(*args, "-o", "json")
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def node_states(self):
        return {n["id"]: (n["state"], n["health"]) for n in self.ctl_json("node", "list")["items"]}

    def curator_dir(self, node_id):
        for path in sorted(self.lab.glob("curator-*")):
            subject = run("openssl", "x509", "-in", path / "node.pem", "-noout", "-subject").stdout
            if node_id in subject:
                return path
        raise AssertionError(f"no curator {node_id}")

    def leader(self):
        """Node id, directory and pid of the leader's process."""
        node_id = self.ctl_json("leader", "show")["id"]
        path = self.curator_dir(node_id)
        return node_id, path, int((path / "pid").read_text())
