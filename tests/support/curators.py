"""A cluster of curators set up by hand: each with a store URL and addresses of its own.

Beside `curatord dev`, because a curator behind a proxy of its own, to the store or to
its clients, is what partitions are made of.
"""

import json
import os
import pathlib
import signal
import socket

import cluster
import stubs
from cluster import Process, eventually, free_address
from leader_follower import OPTIONS, LeaderFollower
from proxy import Proxy

SETTINGS = ("--tpm-mode", "disabled", "--storage-security", "permissive")


class Curator:
    """One curatord: `listen` is where it listens, `address` where others find it."""

    def __init__(self, directory, store, client_proxy):
        self.directory = directory
        self.store = store
        self.listen = f"{free_address()}:7835"
        self.proxy = Proxy(self.listen) if client_proxy else None
        self.address = self.proxy.address if client_proxy else self.listen
        self.process = None
        self.programs = cluster.BIN  # where its curatord is, from its next start on
        self.environment = {}  # beside the test's own, from its next start on

    @property
    def name(self):
        return self.directory.name

    @property
    def node_id(self):
        subject = cluster.run("openssl", "x509", "-in", self.directory / "node.pem", "-noout",
                              "-subject", "-nameopt", "multiline").stdout
        return subject.split("=")[-1].strip()

    def running(self):
        return self.process is not None and self.process.child.poll() is None

    def send(self, number):
        self.process.child.send_signal(number)

    def kill(self, number=signal.SIGKILL):
        self.process.end(number)

    def log(self):
        return self.process.text() if self.process else ""


class CuratorCluster:
    """`stores`: a store URL for each curator, all of the same store; `options`: more of
    `curatord run`, in which {host} is the address of the curator; `programs`: the directory
    of the programs that it is set up with."""

    def __init__(self, directory, stores, lease_ttl=3, client_proxies=False, options=(),
                 programs=cluster.BIN):
        self.dir = pathlib.Path(directory)
        self._options = options
        self.tool = (programs / "curatorctl",)  # and what it is always told
        self.dir.mkdir(parents=True, exist_ok=True)
        self.lease_ttl = lease_ttl
        self.curators = [Curator(self.dir / f"c{i}", store, client_proxies)
                         for i, store in enumerate(stores, 1)]
        for curator in self.curators:
            curator.programs = programs
        self._joining = []
        try:
            self._set_up()
        except BaseException:
            self.close()
            raise

    def _set_up(self):
        self._run(*self.tool, "cred", "new-key", "--out", self.dir / "owner")
        first, *others = self.curators
        self._run(first.programs / "curatord", "init", "--data-dir", first.directory,
                  "--owner-public-key", self.dir / "owner" / "owner-key.pub", "--store",
                  first.store, *SETTINGS)
        self.ca = first.directory / "ca.pem"
        self.ca_sha256 = stubs.sha256_of(self.ca)
        first.id = first.node_id
        self.start(first)
        self.key = self.dir / "owner" / "owner-key.pem"
        self._run(*self.tool, "--config", self.dir / "curatorctl.yaml", "-e", first.address,
                  "--ca-sha256", self.ca_sha256, "cluster", "takeownership", "--owner-key",
                  self.key, "--context", "lab")
        self.certificate = self.dir / "lab" / "owner.pem"
        self.ticket = self.dir / "ticket"
        self.ticket.write_text(self.ctl("ticket", "show", "--hex").stdout)
        for curator in others:
            self._joining.append(Process(
                self.dir / f"{curator.name}-join.log", curator.programs / "curatord", "join",
                "--data-dir", curator.directory, "--endpoint", first.address, "--ca-sha256",
                self.ca_sha256, "--ticket-file", self.ticket))
        if others:
            eventually(lambda: len(self.states()) == len(self.curators), 30, "all have registered")
            result = self.ctl("node", "approve", "--all", "--yes")
            assert result.returncode == 0, result.stderr
        for curator, joining in zip(others, self._joining):
            assert joining.child.wait(30) == 0, joining.text()
            curator.id = curator.node_id
            self.start(curator)
        self.wait_until_whole()

    def _run(self, *argv):
        result = cluster.run(*argv, env=self.environment())
        assert result.returncode == 0, result.stderr

    def start(self, curator):
        curator.process = Process(
            self.dir / f"{curator.name}.log", curator.programs / "curatord", "run", "--data-dir",
            curator.directory, "--store", curator.store, "--listen", curator.listen,
            "--advertise", curator.address, "--lease-ttl", f"{self.lease_ttl}s",
            *(option.format(host=curator.listen.rsplit(":", 1)[0]) for option in self._options),
            env={**os.environ, **curator.environment})

    def close(self):
        processes = [*self._joining, *(c.process for c in self.curators if c.process)]
        for process in processes:
            if process.child.poll() is None:
                process.child.kill()
            process.child.wait()
        for curator in self.curators:
            if curator.proxy is not None:
                curator.proxy.close()

    def environment(self):
        """Of commands: nothing of the user's own configuration and caches."""
        return {**{k: v for k, v in os.environ.items() if not k.startswith("CURATORCTL_")},
                "XDG_CONFIG_HOME": str(self.dir / "xdg"), "XDG_CACHE_HOME": str(self.dir / "xdg")}

    def ctl(self, *args):
        """curatorctl, told all curators."""
        return self.ctl_at(self.addresses(), *args)

    def ctl_at(self, endpoints, *args, timeout=90):
        return cluster.run(*self.command(endpoints, *args), timeout=timeout,
                           env=self.environment())

    def command(self, endpoints, *args):
        flags = [word for endpoint in endpoints for word in ("-e", endpoint)]
        return [*self.tool, *flags, "--ca-file", self.ca, "--cert", self.certificate, "--key",
                self.key, *args]

    def ctl_json(self, *args):
        result = self.ctl(*args, "-o", "json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def states(self):
        return {n["id"]: n["state"] for n in self.ctl_json("node", "list")["items"]}

    def addresses(self):
        return [curator.address for curator in self.curators]

    def leader(self):
        node_id = self.ctl_json("leader", "show")["id"]
        return next(c for c in self.curators if c.id == node_id)

    def wait_for_other_leader(self, old, seconds):
        def other():
            leader = self.leader()
            return leader if leader is not old else None
        return eventually(other, seconds, f"another leader than {old.name}")

    def roles(self):
        """What each curator says of itself at its own address: leader, follower or none."""
        result = self.ctl("cluster", "status", "-t", "5s", "-o", "json")
        assert result.stdout, result.stderr
        return {item["endpoint"]: item["role"] for item in json.loads(result.stdout)["items"]}

    def refuses(self, curator):
        """Nothing listens where it would. If something does, returns when that ends, or
        after a second: not a flood of connections to see the moment."""
        host, port = curator.listen.rsplit(":", 1)
        try:
            with socket.create_connection((host, int(port)), timeout=1) as connection:
                connection.recv(1)
        except ConnectionRefusedError:
            return True
        except OSError:
            pass
        return False

    def wait_until_whole(self, seconds=60):
        """One leads, all others follow it, and all are UP."""
        expected = ["follower"] * (len(self.curators) - 1) + ["leader"]
        try:
            eventually(lambda: sorted(self.roles()[a] for a in self.addresses()) == expected,
                       seconds, "one leads, the others follow")
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.roles()}\n{self.logs()}") from None
        eventually(lambda: all(self.states()[c.id] == "UP" for c in self.curators), seconds,
                   "all curators are UP")

    def repair(self):
        """Whatever the last test left: all run, nothing is blocked."""
        for curator in self.curators:
            if curator.proxy is not None:
                curator.proxy.unblock()
            if curator.running():
                curator.send(signal.SIGCONT)
            else:
                self.start(curator)
        self.wait_until_whole()

    def logs(self, lines=15):
        return "\n".join(f"-- {c.name} {c.address}\n" + "\n".join(c.log().splitlines()[-lines:])
                         for c in self.curators)

    def channel(self, curator, certificate=None, key=None, options=()):
        return stubs.channel(curator.address, curator.id, self.ca,
                             certificate or self.certificate, key or self.key, options)

    def follower(self):
        """A client of the owner that follows the leader."""
        def channel_to(address, node_id):
            return stubs.channel(address, node_id, self.ca, self.certificate, self.key, OPTIONS)
        return LeaderFollower([(c.address, c.id) for c in self.curators], channel_to)
