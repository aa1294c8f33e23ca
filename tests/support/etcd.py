"""A real etcd of one or three members for tests, which can be made to fail."""

import pathlib
import random
import signal
import socket
import subprocess
import urllib.error
import urllib.request

from cluster import Process, eventually


def free_port():
    """Below the ephemeral range: no client connection of anybody has it."""
    while True:
        port = random.randint(20000, 29999)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def make_tls_files(directory):
    """ca.pem, and server and client certificates with their keys, below `directory`."""
    def openssl(*args):
        subprocess.run(["openssl", *map(str, args)], cwd=directory, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-subj", "/CN=test-ca", "-days", 2)
    (directory / "ext").write_text("subjectAltName=IP:127.0.0.1\n"
                                   "extendedKeyUsage=serverAuth,clientAuth\n")
    for who in ("server", "client"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{who}.key", "-out",
                f"{who}.csr", "-subj", f"/CN={who}")
        openssl("x509", "-req", "-in", f"{who}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                "-CAcreateserial", "-days", 2, "-extfile", "ext", "-out", f"{who}.pem")


class Member:
    def __init__(self, name):
        self.name = name
        self.client_port, self.peer_port, self.metrics_port = (free_port() for _ in range(3))
        self.process = None
        self.stopped = False

    @property
    def address(self):
        return f"127.0.0.1:{self.client_port}"

    def running(self):
        return self.process is not None and self.process.child.poll() is None and not self.stopped

    def ask(self, path):
        """What its metrics listener (plain HTTP, also with TLS) says; "" if nothing."""
        try:
            url = f"http://127.0.0.1:{self.metrics_port}{path}"
            with urllib.request.urlopen(url, timeout=1) as answer:
                return answer.read().decode()
        except (OSError, urllib.error.URLError):
            return ""

    def healthy(self):
        return '"true"' in self.ask("/health")  # it has read through the quorum

    def leads(self):
        return "\netcd_server_is_leader 1\n" in self.ask("/metrics")


class EtcdCluster:
    """Members in the order of `members`; ends with close(), or with this process."""

    def __init__(self, directory, members=1, tls=False, election_timeout_ms=500, options=None):
        self._election_timeout_ms = election_timeout_ms
        self._options = options or {}  # flags of etcd without their dashes, and values
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.tls = tls
        if tls:
            make_tls_files(self.directory)
        for attempt in range(5):
            # A port can be taken between the probe and the start: then again, with others.
            self._generation = attempt
            self.members = [Member(f"m{i}") for i in range(members)]
            for member in self.members:
                self.start(member)
            try:
                self.wait_for_quorum()
                return
            except AssertionError:
                self.close()
                if attempt == 4:
                    raise

    def close(self):
        for member in self.members:
            if member.process is not None:
                member.process.end(signal.SIGKILL)

    def url(self, prefix=None, addresses=None):
        parameters = {} if prefix is None else {"prefix": prefix}
        if self.tls:
            parameters.update(ca=self.directory / "ca.pem", cert=self.directory / "client.pem",
                              key=self.directory / "client.key")
        hosts = ",".join(addresses or [member.address for member in self.members])
        query = "&".join(f"{k}={v}" for k, v in parameters.items())
        return f"etcd://{hosts}" + (f"?{query}" if query else "")

    def start(self, member):
        scheme = "https" if self.tls else "http"
        peers = ",".join(f"{m.name}=http://127.0.0.1:{m.peer_port}" for m in self.members)
        client, peer = f"{scheme}://{member.address}", f"http://127.0.0.1:{member.peer_port}"
        arguments = {
            "name": member.name,
            "data-dir": self.directory / f"{member.name}-{self._generation}",
            "listen-client-urls": client, "advertise-client-urls": client,
            "listen-peer-urls": peer, "initial-advertise-peer-urls": peer,
            "initial-cluster": peers, "initial-cluster-state": "new",
            "listen-metrics-urls": f"http://127.0.0.1:{member.metrics_port}",
            "heartbeat-interval": 50, "election-timeout": self._election_timeout_ms,
            "logger": "zap", "log-level": "warn", "log-outputs": "stderr", **self._options}
        if self.tls:
            arguments.update({"cert-file": self.directory / "server.pem",
                              "key-file": self.directory / "server.key",
                              "trusted-ca-file": self.directory / "ca.pem"})
        words = [f"--{name}={value}" for name, value in arguments.items()]
        if self.tls:
            words.append("--client-cert-auth")
        member.process = Process(self.directory / f"{member.name}.log", "etcd", *words)
        member.stopped = False

    def kill(self, member):
        member.process.end(signal.SIGKILL)

    def stop(self, member):
        member.process.child.send_signal(signal.SIGSTOP)
        member.stopped = True

    def go_on(self, member):
        member.process.child.send_signal(signal.SIGCONT)
        member.stopped = False

    def repair(self):
        """Whatever the last test left: all run."""
        for member in self.members:
            if member.stopped:
                self.go_on(member)
            if not member.running():
                self.start(member)
        self.wait_for_quorum()

    def wait_for_quorum(self, seconds=30):
        def healthy():
            for member in self.members:
                if member.process.child.poll() is not None and member.process.child.returncode > 0:
                    raise AssertionError(f"etcd ended:\n{member.process.text()}")
            running = [member for member in self.members if member.running()]
            return running and all(member.healthy() for member in running)
        eventually(healthy, seconds, "etcd answers through a quorum")

    def leader(self):
        def leading():
            return next((m for m in self.members if m.running() and m.leads()), None)
        return eventually(leading, 30, "a member of etcd leads")

    def etcdctl(self, *args):
        """Output of etcdctl, which must succeed."""
        argv = ["etcdctl", "--endpoints", ",".join(m.address for m in self.members)]
        if self.tls:
            argv += ["--cacert", self.directory / "ca.pem", "--cert", self.directory / "client.pem",
                     "--key", self.directory / "client.key"]
        if self.tls:
            argv.append("--insecure-transport=false")
        result = subprocess.run([*map(str, argv), *map(str, args)], capture_output=True, text=True,
                                timeout=30, env={"ETCDCTL_API": "3", "PATH": "/usr/bin:/bin"},
                                stdin=subprocess.DEVNULL, check=False)
        if result.returncode != 0:
            raise AssertionError(f"etcdctl {args}: {result.stderr}")
        return result.stdout

    def contents(self, *credentials):
        """Every key and value, to see whether something was written."""
        return self.etcdctl(*credentials, "get", "", "--prefix", "-w", "fields")
