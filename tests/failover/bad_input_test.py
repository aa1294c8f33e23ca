"""Wrong input, from files, flags, peers and disks: a clear error, and nothing changed."""

import json
import os
import pathlib
import socket
import sqlite3
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster
from cluster import run
import stubs


def openssl(*args):
    return subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True).stdout


class AgainstACluster(cluster.DevClusterTest):
    curators = 1

    def setUp(self):
        super().setUp()
        self.address = self.ctl_json("leader", "show")["address"]
        self.ca_sha256 = stubs.sha256_of(self.lab / "ca.pem")
        self.ticket = self.dir / "ticket"
        self.ticket.write_text(self.ctl("ticket", "show", "--hex").stdout)
        self.before = self.node_states().keys()

    def tearDown(self):
        self.assertEqual(self.node_states().keys(), self.before, "state changed")

    def join(self, directory="joining", **changes):
        flags = {"--data-dir": self.dir / directory, "--endpoint": self.address,
                 "--ca-sha256": self.ca_sha256, "--ticket-file": self.ticket}
        flags.update({f"--{k.replace('_', '-')}": v for k, v in changes.items()})
        return [str(x) for pair in flags.items() for x in pair]

    def test_wrong_ticket(self):
        self.ticket.write_bytes(b"\x0a\x20" + os.urandom(32))
        for program in (["curatord", "join"], ["curator-agent"]):
            result = run(*program, *self.join(program[-1]))
            self.assert_explained(result, 5, "ticket")

    def test_file_that_is_no_ticket(self):
        self.ticket.write_text("not a ticket\n")
        self.assert_explained(run("curatord", "join", *self.join()), 2, "ticket")
        self.assert_explained(run("curatord", "join", *self.join(ticket_file=self.dir / "none")), 3)

    def test_wrong_ca(self):
        for program in (["curatord", "join"], ["curator-agent"]):
            self.assert_explained(run(*program, *self.join(program[-1], ca_sha256="0" * 64)), 7)
        result = run("curatorctl", "-e", self.address, "--ca-sha256", "0" * 64, "node", "list",
                     "-t", "5s")
        self.assert_explained(result, 7)

    def test_trust_undecided_without_a_terminal(self):
        self.assert_explained(run("curatorctl", "-e", self.address, "node", "list"), 7)

    def with_certificate(self, certificate, key):
        return run("curatorctl", "-e", self.address, "--ca-file", self.lab / "ca.pem", "--cert",
                   certificate, "--key", key, "node", "list", "-t", "10s")

    def test_no_certificate(self):
        self.assert_explained(run("curatorctl", "-e", self.address, "--ca-file",
                                  self.lab / "ca.pem", "node", "list", "-t", "10s"), 4,
                              "none was given", "takeownership")

    def test_foreign_certificate(self):
        key, certificate = self.dir / "k.pem", self.dir / "c.pem"
        openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", key, "-out", certificate,
                "-subj", "/CN=owner", "-days", "30")
        self.assert_explained(self.with_certificate(certificate, key), 4)

    def test_certificate_of_another_key_type(self):
        key, certificate = self.dir / "k.pem", self.dir / "c.pem"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                "-subj", "/CN=owner", "-days", "30")
        result = self.with_certificate(certificate, key)
        self.assertIn(result.returncode, (2, 4), result.stderr)
        self.assertIn("Ed25519", result.stderr)

    def test_expired_certificate(self):
        store = sqlite3.connect(f"file:{self.lab / 'store.db'}?mode=ro", uri=True)
        name = b"/cluster-pki/keys/cluster-ca-privkey.bin"
        row = store.execute("SELECT value FROM keys WHERE key = ? OR key = ?",
                            (name, name.decode())).fetchone()
        store.close()
        ca_key = self.dir / "ca.key"
        import base64
        der = base64.b64encode(bytes.fromhex("302e020100300506032b657004220420") + bytes(row[0])[:32])
        ca_key.write_text(f"-----BEGIN PRIVATE KEY-----\n{der.decode()}\n-----END PRIVATE KEY-----\n")
        key, request, certificate = (self.dir / n for n in ("k.pem", "r.pem", "c.pem"))
        openssl("req", "-newkey", "ed25519", "-nodes", "-keyout", key, "-out", request, "-subj",
                "/CN=owner")
        (self.dir / "db").write_text("")
        (self.dir / "ca.cnf").write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.dir}/db\nnew_certs_dir={self.dir}\n"
            f"rand_serial=yes\ndefault_md=default\npolicy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n"
            "[e]\nextendedKeyUsage=clientAuth\n")
        openssl("ca", "-batch", "-config", self.dir / "ca.cnf", "-cert", self.lab / "ca.pem",
                "-keyfile", ca_key, "-in", request, "-out", certificate, "-notext", "-startdate",
                "20200101000000Z", "-enddate", "20210101000000Z")
        self.assert_explained(self.with_certificate(certificate, key), 4, "expired")

    def test_owner_key_that_is_not_the_owners(self):
        run("curatorctl", "cred", "new-key", "--out", self.dir / "thief")
        result = run("curatorctl", "--config", self.dir / "other.yaml", "-e", self.address,
                     "--ca-sha256", self.ca_sha256, "cluster", "takeownership", "--owner-key",
                     self.dir / "thief" / "owner-key.pem", "--context", "stolen")
        self.assert_explained(result, 5)
        self.assertNotIn("stolen", (self.dir / "other.yaml").read_text()
                         if (self.dir / "other.yaml").exists() else "")

    def test_unknown_and_invalid_node_ids(self):
        unknown = "metropolis-" + "0" * 32
        self.assert_explained(self.ctl("node", "describe", unknown), 3, unknown)
        self.assert_explained(self.ctl("node", "list", "nonsense"), 2, "nonsense")
        result = self.ctl("node", "describe", unknown, "-o", "json")
        self.assertEqual((result.returncode, result.stdout), (3, ""))
        self.assertEqual(json.loads(result.stderr)["code"], "NOT_FOUND")

    def test_garbage_sent_to_a_curator(self):
        host, port = self.address.rsplit(":", 1)
        for size in (1, 100, 70000):
            with socket.create_connection((host, int(port))) as connection:
                try:
                    connection.sendall(os.urandom(size))
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(4096):
                        pass
                except OSError:
                    pass  # it hung up first
        self.assertEqual(self.ctl("node", "list").returncode, 0)

    def test_port_in_use(self):
        # A second curator on the address of the first, with a directory of its own.
        process = self.start("join", "curatord", "join", *self.join("c2"))
        cluster.eventually(lambda: len(self.node_states()) == 2, 20, "it registers")
        self.ctl("node", "approve", "--all", "--yes")
        self.assertEqual(process.child.wait(30), 0)
        self.before = self.node_states().keys()
        result = run("curatord", "run", "--data-dir", self.dir / "c2", "--store",
                     f"sqlite://{self.lab}/store.db", "--listen", self.address)
        self.assert_explained(result, 9, "listen")

    def test_store_of_another_cluster(self):
        other = self.dir / "other"
        run("curatorctl", "cred", "new-key", "--out", self.dir / "o")
        self.assertEqual(run("curatord", "init", "--data-dir", other, "--owner-public-key",
                             self.dir / "o" / "owner-key.pub").returncode, 0)
        result = run("curatord", "run", "--data-dir", other, "--store",
                     f"sqlite://{self.lab}/store.db", "--listen", cluster.free_address())
        self.assert_explained(result, 9, "another cluster")

    def test_development_cluster_that_runs_already(self):
        context = (self.lab / "curatorctl.yaml").read_text()
        second = cluster.run("curatord", "dev", "--dir", self.lab, timeout=30)
        self.assert_explained(second, 9, "a development cluster runs in", "another --dir")
        self.assertEqual((self.lab / "curatorctl.yaml").read_text(), context)

    def test_data_directory_in_use(self):
        result = run("curatord", "run", "--data-dir", self.lab / "curator-1", "--store",
                     f"sqlite://{self.lab}/store.db", "--listen", cluster.free_address())
        self.assert_explained(result, 9, "in use")


class WithoutACluster(cluster.ClusterTest):
    def setUp(self):
        super().setUp()
        run("curatorctl", "cred", "new-key", "--out", self.dir / "owner")
        self.owner = self.dir / "owner" / "owner-key.pub"

    def init(self, directory="c1", owner=None):
        return run("curatord", "init", "--data-dir", self.dir / directory, "--owner-public-key",
                   owner or self.owner)

    def run_curator(self, directory="c1", *more):
        return run("curatord", "run", "--data-dir", self.dir / directory, "--listen",
                   cluster.free_address(), *more)

    def test_garbage_on_the_port(self):
        address = cluster.free_address()
        with socket.create_server((address, 7835)) as server:
            def answer():
                while True:
                    try:
                        connection, _ = server.accept()
                    except OSError:
                        return
                    with connection:
                        connection.sendall(b"220 mail.example ESMTP\r\n" * 10)
            threading.Thread(target=answer, daemon=True).start()
            self.init()
            result = run("curatorctl", "-e", address, "--ca-file", self.dir / "c1" / "ca.pem",
                         "node", "list", "-t", "3s")
            server.shutdown(socket.SHUT_RDWR)
        self.assertIn(result.returncode, (6, 7), result.stderr)
        self.assertIn("something other than a curator", result.stderr)

    def test_init_twice_changes_nothing(self):
        self.assertEqual(self.init().returncode, 0)
        files = {p: p.read_bytes() for p in (self.dir / "c1").iterdir() if p.suffix != ".db"
                 and "store" not in p.name}
        self.assert_explained(self.init(), 9)
        self.assertEqual(files, {p: p.read_bytes() for p in files})

    def test_wrong_key_type(self):
        for kind in (["rsa"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]):
            key, public = self.dir / "k.pem", self.dir / "k.pub"
            openssl("genpkey", "-algorithm", *kind, "-out", key)
            openssl("pkey", "-in", key, "-pubout", "-out", public)
            self.assert_explained(self.init(owner=public), 2, "Ed25519")
            self.assertFalse((self.dir / "c1").exists())

    def test_unwritable_data_directory(self):
        (self.dir / "file").write_text("")
        result = self.init("file/c1")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("error: ", result.stderr)

    def test_missing_data_directory(self):
        self.assert_explained(self.run_curator("nowhere"), 3)

    def test_half_written_data_directory(self):
        self.assertEqual(self.init().returncode, 0)
        for name in ("node.key", "node.pem", "ca.pem", "join.key"):
            path = self.dir / "c1" / name
            whole = path.read_bytes()
            path.write_bytes(whole[: len(whole) // 2])
            result = self.run_curator()
            self.assertNotEqual(result.returncode, 0, name)
            self.assertIn(name, result.stderr)
            path.unlink()
            self.assertNotEqual(self.run_curator().returncode, 0, name)
            path.write_bytes(whole)

    def test_corrupt_database(self):
        self.assertEqual(self.init().returncode, 0)
        store = self.dir / "c1" / "store.db"
        for contents in (b"no database\n" * 1000, store.read_bytes()[:2048] + os.urandom(6144)):
            for extra in self.dir.glob("c1/store.db-*"):
                extra.unlink()
            store.write_bytes(contents)
            result = self.run_curator()
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn("error: ", result.stderr)
            self.assertEqual(store.read_bytes(), contents)

    def test_missing_store(self):
        self.assertEqual(self.init().returncode, 0)
        self.assert_explained(self.run_curator("c1", "--store", "sqlite:///nowhere/store.db"), 3)
        self.assert_explained(self.run_curator("c1", "--store", "ftp://x"), 2)

    def test_config_file(self):
        config = self.dir / "curatord.yaml"
        for text, line in (("data-dir: x\nlisten: [a, b]\n", ":2:"), ("data-dir: x\nlissten: a\n", ":2:"),
                           ("listen: {\n", ":"), ("- a\n", ":1:")):
            config.write_text(text)
            result = run("curatord", "run", "--config", config)
            self.assert_explained(result, 2, str(config) + line)

    def test_addresses(self):
        self.assertEqual(self.init().returncode, 0)
        run_on = lambda *flags: run("curatord", "run", "--data-dir", self.dir / "c1", *flags)
        self.assert_explained(run_on("--listen", "0.0.0.0"), 2, "advertise")
        self.assert_explained(run_on(), 2, "--listen")
        self.assert_explained(run_on("--listen", "127.0.0.1:99999"), 2)
        self.assert_explained(run_on("--listen", "127.0.0.1", "--lease-ttl", "1s"), 2, "lease")


if __name__ == "__main__":
    unittest.main(verbosity=2)
