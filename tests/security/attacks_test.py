"""What strangers, or one node, can cost three curators that work.

Meanwhile nodes are listed every 50 ms, and 100 agents send heartbeats. Asserted is what
docs/operations.md promises under attack; every test prints its figures. The attackers
run at nice 19: what is measured is what they cost, not that the machine is shared with them.
"""

import pathlib
import resource
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cluster import Process, eventually
from commands import Commands
from node import Newcomer
from shared_cluster import SharedCluster

AGENTS = 100
SECONDS = 8           # of an attack
LISTED_BEFORE = 3     # seconds without one, to know what the machine does by itself
USUAL_BOUND = 150     # MiB of each curator
P99_SECONDS = 1
BUSY_SECONDS = 0.25   # a 99th percentile above that without any attack says nothing with one
SOFT_DESCRIPTORS = 1024  # as systemd starts a service
ATTACKERS = pathlib.Path(__file__).resolve().parents[1] / "support" / "attackers.py"


class Resident:
    """The most memory that a process has held since this was made, as the kernel knows it."""

    def __init__(self, curator):
        self.curator, self._proc = curator, pathlib.Path(f"/proc/{curator.process.child.pid}")
        (self._proc / "clear_refs").write_text("5")

    def peak_mib(self):
        for line in (self._proc / "status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        raise AssertionError(f"{self.curator.name} has ended:\n{self.curator.log()[-2000:]}")


class Attacks(SharedCluster):
    lease_ttl = 10  # what curatord has by default

    @classmethod
    def stores(cls, directory):
        return [cls.start_etcd(directory).url()] * cls.curators

    @classmethod
    def setUpClass(cls):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT_DESCRIPTORS, hard))
        super().setUpClass()
        cls.agents = Process(
            cls.class_dir / "agents.log", "curator-agent", "-e",
            ",".join(cls.cluster.addresses()), "--ca-sha256", cls.cluster.ca_sha256,
            "--ticket-file", cls.cluster.ticket, "--data-dir", cls.class_dir / "agents",
            "--count", AGENTS)
        cls.addClassCleanup(cls.agents.end)
        cls.whole = AGENTS + cls.curators
        eventually(lambda: len(cls.cluster.states()) == cls.whole, 60, "all have registered")
        result = cls.cluster.ctl("node", "approve", "--all", "--yes")
        assert result.returncode == 0, result.stderr
        cls.members = cls.cluster.states().keys()

    def setUp(self):
        """With curators that have just begun: what the last attack has left in one, a deaf
        listener or memory, is not counted twice."""
        for curator in self.cluster.curators:
            if curator.running():
                curator.kill()
        super().setUp()
        self.remove_strangers()
        self.wait_until_all_are_well(60)
        self.leader = self.cluster.leader()

    def remove_strangers(self):
        """Nodes that the last test has brought."""
        new = [node for node, state in self.cluster.states().items() if state == "NEW"]
        for at in range(0, len(new), 200):
            result = self.cluster.ctl("node", "delete", *new[at:at + 200], "--yes")
            self.assertEqual(result.returncode, 0, result.stderr)

    def wait_until_all_are_well(self, seconds):
        def unwell():
            nodes = self.cluster.ctl_json("node", "list")["items"]
            return [node for node in nodes if node["id"] in self.members
                    and (node["state"], node["health"]) != ("UP", "HEALTHY")]
        eventually(lambda: not unwell(), seconds, f"all nodes are UP and HEALTHY, but: {unwell()}")

    def attackers(self, processes, kind, curator, **options):
        """Processes that have begun, at the lowest priority."""
        begun = []
        for number in range(processes):
            log = self.dir / f"{kind}-{curator.name}-{number}.log"
            begun.append(Process(log, "nice", "-n", "19", sys.executable, ATTACKERS, kind,
                                 curator.address, SECONDS,
                                 *(f"{name}={value}" for name, value in options.items())))
        self.processes.extend(begun)
        return begun

    def listing(self):
        return Commands(self.cluster, "node", "list", "-o", "name",
                        looks_right=lambda out: len(out.splitlines()) >= self.whole)

    def usual_p99(self):
        with self.listing() as commands:
            until = time.monotonic() + LISTED_BEFORE
            eventually(lambda: time.monotonic() > until, 60, "")
        self.assertEqual(commands.failures, [])
        return commands.seconds(0.99)

    def withstand(self, start, mib=USUAL_BOUND, p99=P99_SECONDS, meanwhile=lambda: 0.0):
        """`start()` begins the attack and returns its processes; meanwhile() returns since
        when commands can be expected to be quick."""
        usual = self.usual_p99()
        resident = [Resident(curator) for curator in self.cluster.curators]
        led = self.leaderships()
        with self.listing() as commands:
            attackers = start()
            since = meanwhile()
            for attacker in attackers:  # which a busy machine lets begin late
                self.assertEqual(attacker.child.wait(120), 0, attacker.text())
            asked = commands.count()
            eventually(lambda: commands.count() > asked + 20, 60, "commands end after the attack")
        peaks = [each.peak_mib() for each in resident]
        changes = self.leaderships() - led
        name = self.id().rsplit(".", 1)[-1]
        print(f"{name}: {commands.report()}; without it p99 {1000 * usual:.0f} ms; peaks "
              + ", ".join(f"{each.curator.name}{'*' if each.curator is self.leader else ''} "
                          f"{peak:.0f} MiB" for each, peak in zip(resident, peaks))
              + f"; {changes} changes of leader; attackers: "
              + " ".join((attacker.text().strip().splitlines() or [""])[-1]
                         for attacker in attackers))
        self.assertEqual(commands.failures[:3], [], f"{len(commands.failures)} failed")
        self.assertLess(max(peaks), mib)
        self.assertLess(commands.longest_gap(), self.lease_ttl)
        self.wait_until_all_are_well(20)
        if usual > BUSY_SECONDS:
            self.skipTest(f"all but the time: without attack p99 is {usual:.2f} s on this machine")
        self.assertLess(commands.seconds(0.99, since), p99)

    def leaderships(self):
        return sum(curator.log().count("msg=leading") for curator in self.cluster.curators)

    def ephemeral(self):
        """Options of an attacker that has made itself a key."""
        return self.files_of(Newcomer(self.cluster))

    def member(self):
        """Options of an attacker that is a node."""
        return self.files_of(Newcomer(self.cluster).become_up(self.leader))

    def files_of(self, node):
        directory = self.dir / node.id
        directory.mkdir()
        (directory / "cert").write_bytes(node.certificate)
        (directory / "key").write_bytes(node.key.key)
        return {"certificate": directory / "cert", "key": directory / "key"}

    def test_connects_that_say_nothing(self):
        self.withstand(lambda: self.attackers(1, "connects", self.leader, count=2048), mib=250)

    def test_connects_to_a_follower(self):
        follower = next(c for c in self.cluster.curators if c is not self.leader)
        self.withstand(lambda: self.attackers(1, "connects", follower, count=2048), mib=250)

    def test_a_thousand_tls_clients(self):
        self.withstand(lambda: self.attackers(4, "tls_clients", self.leader, count=250), mib=250)

    def test_messages_that_do_not_end(self):
        self.withstand(lambda: [attacker for curator in self.cluster.curators
                                for attacker in self.attackers(1, "unfinished", curator)])

    def test_gzip_bombs(self):
        self.withstand(lambda: self.attackers(1, "gzip_bombs", self.leader))

    def test_headers_that_do_not_end(self):
        self.withstand(lambda: self.attackers(2, "endless_headers", self.leader))

    def test_calls_that_are_reset(self):
        self.withstand(lambda: self.attackers(3, "resets", self.leader), mib=400, p99=2)

    def test_registrations_without_a_certificate(self):
        self.withstand(lambda: self.attackers(2, "registrations", self.leader))

    def test_registrations_with_a_made_key_and_a_wrong_ticket(self):
        self.withstand(lambda: self.attackers(2, "registrations", self.leader,
                                              **self.ephemeral()))

    def test_registrations_while_etcd_does_not_answer(self):
        """For half a lease, which the leader outlives; commands wait as long as etcd."""
        member, = self.etcd.members

        def stop_for_a_while():
            self.etcd.stop(member)
            until = time.monotonic() + self.lease_ttl / 2
            eventually(lambda: time.monotonic() > until, 60, "")
            self.etcd.go_on(member)
            return time.monotonic()
        self.withstand(lambda: [*self.attackers(3, "registrations", self.leader, bytes=60000),
                                *self.attackers(3, "registrations", self.leader, bytes=60000,
                                                **self.ephemeral())],
                       meanwhile=stop_for_a_while)

    def test_streams_of_a_node_that_are_not_read(self):
        """Where a listing has 0.8 MB."""
        labels = [f"{'a' * 50}{i:02}=" + "b" * 63 for i in range(64)]
        agents = [node for node in self.members
                  if node not in [curator.id for curator in self.cluster.curators]]
        result = self.cluster.ctl("node", "label", *agents, *labels)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.addCleanup(self.cluster.ctl, "node", "label", *agents,
                        *(label.split("=")[0] + "-" for label in labels))
        self.withstand(lambda: self.attackers(1, "unread", self.leader, **self.member()))

    def test_nodes_registered_without_end(self):
        ticket = self.cluster.ticket.read_text().strip()
        try:
            self.withstand(lambda: self.attackers(4, "tickets", self.leader, ticket=ticket))
        finally:
            print(f"registered: {list(self.cluster.states().values()).count('NEW')}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
