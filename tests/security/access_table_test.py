"""Who may call what: every method that a leader serves, by everybody who may turn up.

How each call ends stands in docs/security.md and is compared with it there; with --write
it is written there instead. Beside that, the rule itself: what a method's option demands,
nobody passes who does not hold it.
"""

import pathlib
import sqlite3
import ssl
import sys
import unittest

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import callers
import certificates
import cluster
import markdown_table
import stubs
from callers import Caller, LifeOfNodes, Requests
from metropolis import authorization_pb2
from node import REVOKED, reason_is
from protocol import ProtocolTest
from workload import EphemeralKey

DOCUMENT = markdown_table.MarkedSection(cluster.ROOT / "docs" / "security.md", "who may call what")
WRITE = "--write" in sys.argv
CA_KEY = "/cluster-pki/keys/cluster-ca-privkey.bin"
SHORT = {"OK": "ok", "UNAUTHENTICATED": "unauth", "PERMISSION_DENIED": "denied",
         "FAILED_PRECONDITION": "state", "NOT_FOUND": "unknown", "UNIMPLEMENTED": "unimpl"}
OPEN_BY_STANDARD = {"grpc.health.v1.Health"}  # no option of ours in other people's files

# What a caller is to the rule. Of one whose certificate was a node's, and is not what is
# stored of that node, the permissions are looked at first.
NOBODY, ONCE_A_NODE, NODE, USER = "nobody", "once a node", "a node", "a user"
CALLERS = {
    # name in the table: (what it is, method that makes one, whom it is taken for)
    "a": ("no certificate", "nobody", NOBODY),
    "b": ("self-signed, of any key", "any_key", NOBODY),
    "c": ("self-signed, of the owner's key", "owner_key", NOBODY),
    "d": ("self-signed, of the key of an owner who was replaced", "replaced_owner_key", NOBODY),
    "e": ("self-signed, of the key of a node that is NEW", "new", NOBODY),
    "f": ("self-signed, of the key of a node that is STANDBY", "standby", NOBODY),
    "g": ("self-signed, of the key of a node that is UP", "up_by_key", NOBODY),
    "h": ("self-signed, of the join key of a node that is UP", "up_by_join_key", NOBODY),
    "i": ("the owner", "owner", USER),
    "j": ("an owner who was replaced", "replaced_owner", NOBODY),
    "k": ("a user that the CA has signed and nothing is stored of", "unknown_user", NOBODY),
    "l": ("a node that is UP", "up", NODE),
    "m": ("a node whose stored certificate is a node's and a user's at once", "both", NODE),
    "n": ("a node that was decommissioned", "decommissioned", ONCE_A_NODE),
    "o": ("a node that was deleted", "deleted", ONCE_A_NODE),
    "p": ("a node that the CA has signed and nothing is stored of", "unknown_node", ONCE_A_NODE),
    "q": ("a node that is UP, by another certificate of the CA than the stored",
          "other_certificate", ONCE_A_NODE),
    "r": ("a node of another cluster whose CA has the same name", "foreign_node", NOBODY),
    "s": ("the owner of another cluster whose CA has the same name", "foreign_owner", NOBODY),
    "t": ("a node that another node's key has signed", "node_of_a_node", NOBODY),
    "u": ("an owner that a node's key has signed", "owner_of_a_node", NOBODY),
    "v": ("a node whose certificate says CA:TRUE", "node_that_is_a_ca", NOBODY),
    "w": ("an owner whose certificate says CA:TRUE", "owner_that_is_a_ca", NOBODY),
    "x": ("a node whose certificate is over", "expired_node", NOBODY),
    "y": ("the owner by a certificate that is over", "expired_owner", NOBODY),
    "z": ("an owner with an RSA key", "rsa_owner", NOBODY),
    "A": ("a node with an ECDSA key", "ecdsa_node", NOBODY),
    "B": ("the name of a node that is UP, with another key", "false_name", NOBODY),
    "C": ("the owner by another certificate of the CA than the stored", "owner_again", NOBODY),
}


class Impostors:
    """Makes each of CALLERS. `ca`: the cluster's own, as whoever has its key has it."""

    def __init__(self, life, ca, owner, replaced_owner, both):
        self._life, self._ca = life, ca
        self._foreign = certificates.new_ca()
        self._owner, self._replaced, self._both = owner, replaced_owner, both

    def nobody(self):
        return Caller()

    def any_key(self):
        return callers.by_any_key()

    def owner(self):
        return self._owner

    def owner_key(self):
        return Caller.self_signed(EphemeralKey(self._owner.key))

    def replaced_owner(self):
        return self._replaced

    def replaced_owner_key(self):
        return Caller.self_signed(EphemeralKey(self._replaced.key))

    def new(self):
        return callers.by_key(self._life.new())

    def standby(self):
        return callers.by_key(self._life.standby())

    def up_by_key(self):
        return callers.by_key(self._life.up())

    def up_by_join_key(self):
        return callers.by_join_key(self._life.up())

    def up(self):
        return callers.by_certificate(self._life.up())

    def both(self):
        return self._both

    def decommissioned(self):
        return callers.by_certificate(self._life.decommissioned())

    def deleted(self):
        return callers.by_certificate(self._life.deleted())

    def owner_again(self):
        return Caller(self._ca.issue_to_user(self._owner.key), self._owner.key)

    def unknown_user(self):
        return self._user(self._ca, name="somebody")

    def unknown_node(self):
        return self._node(self._ca)

    def other_certificate(self):
        node = self._life.up()
        return Caller(self._ca.issue_to_node(node.key.key), node.key.key, node)

    def foreign_node(self):
        return self._node(self._foreign)

    def foreign_owner(self):
        return self._user(self._foreign)

    def node_of_a_node(self):
        return self._node(self._of_a_node())

    def owner_of_a_node(self):
        return self._user(self._of_a_node())

    def node_that_is_a_ca(self):
        return self._node(self._ca, is_ca=True)

    def owner_that_is_a_ca(self):
        return self._user(self._ca, is_ca=True)

    def expired_node(self):
        return self._node(self._ca, days=-1)

    def expired_owner(self):
        key = self._owner.key
        return Caller(self._ca.issue_to_user(key, days=-1), key)

    def rsa_owner(self):
        return self._user(self._ca, algorithm="rsa:2048")

    def ecdsa_node(self):
        key = certificates.new_key("P-256")
        node_id = certificates.node_id_of(certificates.public_of(key))
        return Caller(self._ca.issue(key, node_id, dns=[node_id]), key)

    def false_name(self):
        node, key = self._life.up(), certificates.new_key()
        return Caller(self._ca.issue(key, node.id, dns=[node.id]), key, node)

    def _of_a_node(self):
        node = self._life.up()
        return certificates.Issuer(node.certificate, node.key.key)

    def _node(self, issuer, **options):
        key = certificates.new_key()
        return Caller(issuer.issue_to_node(key, **options), key)

    def _user(self, issuer, algorithm="ed25519", **options):
        key = certificates.new_key(algorithm)
        return Caller(issuer.issue_to_user(key, **options), key)


class AccessTable(ProtocolTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        stored = sqlite3.connect(cls.class_dir / "store.db")
        cls.addClassCleanup(stored.close)
        key = stored.execute("SELECT value FROM keys WHERE key = ?", (CA_KEY.encode(),)).fetchone()
        cls.ca = certificates.Issuer(cls.cluster.ca.read_bytes(),
                                     certificates.key_of_seed(bytes(key[0])))
        cls.replaced = cls.owner_of_the_cluster()
        cls.replace_owner()
        both = cls.store_as_both(cls.begin_life().up())
        life = cls.begin_life()
        cls.served = callers.served_by(cls.user_channel)
        cls.methods = [method for service in callers.services().values()
                       if service.full_name in cls.served for method in service.methods]
        cls.called = cls.call_everything(life, Impostors(
            life, cls.ca, cls.owner_of_the_cluster(), cls.replaced, both))

    @classmethod
    def begin_life(cls):
        cls.connect()
        return LifeOfNodes(cls.cluster, cls.leader, cls.user_channel,
                           cls.owner_of_the_cluster().public_key())

    @classmethod
    def owner_of_the_cluster(cls):
        return Caller(cls.cluster.certificate.read_bytes(), stubs.private_key(cls.cluster.key))

    @classmethod
    def replace_owner(cls):
        """The cluster's owner is another from here on."""
        at = cls.class_dir / "owner-2"
        for argv in (("curatorctl", "cred", "new-key", "--out", at),
                     ("curatord", "owner", "replace", "--store", cls.leader.store,
                      "--owner-public-key", at / "owner-key.pub"),
                     ("curatorctl", "--config", cls.class_dir / "2.yaml", "-e",
                      cls.leader.address, "--ca-sha256", cls.cluster.ca_sha256, "cluster",
                      "takeownership", "--owner-key", at / "owner-key.pem", "--context", "two")):
            result = cluster.run(*argv, env=cls.cluster.environment())
            assert result.returncode == 0, result.stderr
        cls.cluster.key = at / "owner-key.pem"
        cls.cluster.certificate = cls.class_dir / "two" / "owner.pem"

    @classmethod
    def store_as_both(cls, node):
        """A curator that was asked for a node's certificate would not issue this one: it is
        put into the store while nobody uses it."""
        pem = cls.ca.issue_to_node(node.key.key, usages=("serverAuth", "clientAuth"))
        cls.leader.kill()
        store = sqlite3.connect(cls.class_dir / "store.db")
        with store:
            changed = store.execute(
                "UPDATE keys SET value = ? WHERE key = ?",
                (ssl.PEM_cert_to_DER_cert(pem.decode()),
                 f"/cluster-pki/issued/node-{node.id}-cert.der".encode())).rowcount
        store.close()
        assert changed == 1
        cls.cluster.repair()
        return Caller(pem, node.key.key, node)

    @classmethod
    def call_everything(cls, life, impostors):
        """{caller: {method: (code, error)}}."""
        answers = {name: {} for name in CALLERS}
        ready, requests = {}, Requests(life)
        for method in cls.methods:
            life.begin(method)
            for name, (_, make, _) in CALLERS.items():
                if name not in ready:
                    ready[name] = cls.arrive(getattr(impostors, make)())
                caller, channel = ready[name]
                code, error = callers.code_of(channel, method, requests.of(method, caller))
                answers[name][method.full_name] = (code, error)
                if method.name in callers.SPENDING and code is grpc.StatusCode.OK:
                    del ready[name]
                    life.spend(caller)
        return answers

    @classmethod
    def arrive(cls, caller):
        channel = stubs.channel_of(cls.leader.address, cls.leader.id, cls.cluster.ca,
                                   caller.certificate, caller.key)
        cls.addClassCleanup(channel.close)
        return caller, channel

    def render(self):
        names = [method.full_name for method in self.methods]
        columns = {caller: [SHORT.get(of[name][0].name, of[name][0].name) for name in names]
                   for caller, of in self.called.items()}
        return names, columns

    def test_every_service_that_is_served_is_in_the_protocol_files(self):
        self.assertEqual(set(self.served) - callers.services().keys(), set())

    def test_each_call_ends_as_the_document_says(self):
        rows, columns = self.render()
        if WRITE:
            DOCUMENT.write(document(rows, columns))
        said_rows, said = markdown_table.parse(DOCUMENT.read())
        self.assertEqual(said_rows, [short_name(row) for row in rows])
        self.assertEqual(said.keys(), CALLERS.keys())
        wrong = [f"{row} by {CALLERS[name][0]}: {cell}, the document says {told}"
                 for name, cells in columns.items()
                 for row, cell, told in zip(rows, cells, said[name]) if cell != told]
        self.assertEqual(wrong, [], "if it is meant, write it anew: --write")

    def test_nobody_passes_without_what_the_method_demands(self):
        wrong = []
        for method in self.methods:
            for name, of in self.called.items():
                code, (what, _, kind) = of[method.full_name][0], CALLERS[name]
                expected = gate(method, kind)
                if (method.name, kind) == ("UpdateNodeStatus", ONCE_A_NODE):
                    # A deleted node is told so: the protocol has it that way.
                    right = code in (expected, grpc.StatusCode.NOT_FOUND)
                elif expected is None:
                    right = code not in (grpc.StatusCode.INTERNAL,
                                         grpc.StatusCode.DEADLINE_EXCEEDED)
                else:
                    right = code is expected
                if not right:
                    wrong.append(f"{method.full_name} by {what}: {code}, not {expected}")
        self.assertEqual(wrong, [])

    def test_who_was_a_member_is_told_that_it_is_none_any_more(self):
        method = "metropolis.proto.api.Management.GetNodes"
        for name, (what, make, _) in CALLERS.items():
            if make in ("decommissioned", "deleted", "replaced_owner"):
                self.assertTrue(reason_is(self.called[name][method][1], REVOKED), what)


def gate(method, kind):
    """The refusal that the method's option demands; None: it is let in."""
    needed = method.GetOptions().Extensions[authorization_pb2.authorization]
    if needed.allow_unauthenticated or method.containing_service.full_name in OPEN_BY_STANDARD:
        return None
    held = {authorization_pb2.PERMISSION_READ_CLUSTER_STATUS,
            authorization_pb2.PERMISSION_UPDATE_NODE_SELF}
    if kind in (NODE, ONCE_A_NODE) and not held.issuperset(needed.need):
        return grpc.StatusCode.PERMISSION_DENIED
    return grpc.StatusCode.UNAUTHENTICATED if kind in (NOBODY, ONCE_A_NODE) else None


def short_name(full_name):
    return ".".join(full_name.split(".")[-2:])


def document(rows, columns):
    legend = "".join(f"| {name} | {what} |\n" for name, (what, _, _) in CALLERS.items())
    codes = ", ".join(f"`{short}` {code}" for code, short in SHORT.items())
    return (f"\n| | who calls |\n| --- | --- |\n{legend}\n"
            f"How it ends: {codes}.\n\n"
            + markdown_table.render("method", [short_name(row) for row in rows], columns) + "\n")


if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "--write"]
    unittest.main(verbosity=2)
