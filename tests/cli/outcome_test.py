"""What a command says it did, and what it leaves alone, on a real cluster."""

import json
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from curators import CuratorCluster
from home import Home, snapshot
from node import Newcomer
from shared_cluster import SharedCluster


class OnACluster(SharedCluster):
    curators = 2

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="curator-test-home-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.home = Home(self.cluster, self.directory / "home")

    def new_node(self):
        newcomer = Newcomer(self.cluster)
        newcomer.register(self.cluster.leader())
        return newcomer.id

    def state(self, node_id):
        return self.cluster.states()[node_id]


class Grammar(OnACluster):
    def test_a_node_behind_a_flag_is_a_node(self):
        host = self.cluster.addresses()[0]
        for flags in (("-e", host), ("-e=" + host,), ("-t", "20s"), ("--endpoint", host)):
            with self.subTest(flags=flags):
                node_id = self.new_node()
                result = self.home.check("node", "approve", *flags, node_id)
                self.assertIn("applied", result.stdout)
                self.assertEqual(self.state(node_id), "STANDBY")

    def test_a_list_of_values_behind_a_flag_is_kept(self):
        key = "node_labels_to_synchronize"
        self.home.check("cluster", "config", "set", key, "-e", self.cluster.addresses()[0],
                        "[a-z]", "^b")
        config = json.loads(self.home.check("cluster", "config", "get", "-o", "json").stdout)
        self.assertEqual(config[key], ["[a-z]", "^b"])
        for bad in ("", "("):
            result = self.home.ctl("cluster", "config", "set", key, bad)
            self.assertEqual(result.returncode, 2, result.stderr)
        self.assertEqual(json.loads(self.home.check("cluster", "config", "get", "-o", "json").stdout),
                         config)

    def test_only_the_nodes_that_are_named_are_shown(self):
        new = self.new_node()
        for flags in (("-e", self.cluster.addresses()[0]), ("--state", "NEW"), ("-l", "!zone"),
                      ("--health", "UNKNOWN")):
            with self.subTest(flags=flags):
                result = self.home.check("node", "list", *flags, new, "-o", "name")
                self.assertEqual(result.stdout.split(), [new])


class Outcomes(OnACluster):
    def names(self, *args):
        return self.home.ctl(*args, "-o", "name").stdout.split()

    def test_names_are_of_what_was_changed(self):
        new = self.new_node()
        up = self.cluster.curators[1].id
        both = (new, up)
        self.assertEqual(self.names("node", "approve", *both, "-n"), [new])
        self.assertEqual(self.names("node", "approve", *both), [new])
        self.assertEqual(self.names("node", "approve", *both), [])
        self.assertEqual(self.names("node", "label", up, "zone=a"), [up])
        self.assertEqual(self.names("node", "label", *both, "zone=b"), [new])  # `up` is refused
        self.assertEqual(self.names("node", "role", "add", "kw", new, "-n"), [new])
        self.assertEqual(self.names("node", "role", "add", "kw", new), [new])
        self.assertEqual(self.names("node", "role", "add", "kw", *both, "-n"), [up])
        self.assertEqual(self.names("node", "delete", new, "--yes"), [])  # it has a role
        self.assertEqual(self.names("node", "decommission", new, "--yes"), [])
        self.assertEqual(self.names("node", "role", "remove", "kw", new, "--yes"), [new])
        self.assertEqual(self.names("node", "delete", *both, "-n"), [new])  # `up` is UP
        self.assertEqual(self.names("node", "delete", *both, "--yes"), [new])
        self.assertEqual(self.names("node", "label", up, "zone-"), [up])

    def test_names_of_settings_and_leaders_that_were_changed(self):
        key = "node_labels_to_synchronize"
        self.home.check("cluster", "config", "set", key)
        self.assertEqual(self.names("cluster", "config", "set", key, "^a", "-n"), [key])
        self.assertEqual(self.names("cluster", "config", "set", key, "^a"), [key])
        self.assertEqual(self.names("cluster", "config", "set", key, "^a"), [])
        leader = self.cluster.leader()
        other = next(c for c in self.cluster.curators if c is not leader)
        self.assertEqual(self.names("leader", "transfer", "--to", other.id, "-n"), [other.id])
        self.assertEqual(self.names("leader", "transfer", "--to", leader.id, "-n"), [])
        self.assertEqual(self.names("leader", "transfer", "--to", other.id), [other.id])
        self.assertEqual(self.names("leader", "transfer", "--to", other.id), [])

    def test_tables_show_what_came_of_each(self):
        up = self.cluster.curators[1].id
        self.home.check("node", "label", up, "disk=ssd")
        refused = self.home.ctl("node", "label", up, "disk=hdd")
        self.assertEqual(refused.returncode, 9, refused.stderr)
        self.assertRegex(refused.stdout, r"RESULT\n.*refused")
        self.home.check("node", "label", up, "disk-")
        for line in (("cluster", "config", "set", "node_labels_to_synchronize", "^a"),
                     ("node", "label", up, "disk-"), ("node", "approve", up),
                     ("node", "role", "remove", "kw", up, "-y"), ("node", "delete", up, "-y")):
            with self.subTest(line=line):
                self.assertIn("RESULT", self.home.ctl(*line).stdout)


class Ownership(OnACluster):
    def take(self, *args, **environment):
        self.home.environment.update(environment)
        return self.home.ctl("cluster", "takeownership", "--owner-key", self.cluster.key, *args)

    def assert_refused(self, result, before, *words):
        self.assertEqual(result.returncode, 2, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertEqual(snapshot(self.home.path), before)

    def test_does_not_rewrite_a_context_that_was_not_named(self):
        before = snapshot(self.home.path)
        one = self.cluster.addresses()[0]
        self.assert_refused(self.take("-e", one), before, "endpoints", '"lab"', one, "--context lab")
        # The same ones are no change.
        same = [word for address in self.cluster.addresses() for word in ("-e", address)]
        self.assertEqual(self.take(*same).returncode, 0)
        self.assertEqual(self.take().returncode, 0)
        # Named, it is meant: by flag, by environment.
        self.assertEqual(self.take("-e", one, "--context", "lab").returncode, 0)
        self.assertIn(one, self.home.check("context", "show", "lab").stdout)
        self.assertEqual(self.take(*same, CURATORCTL_CONTEXT="lab").returncode, 0)

    def test_does_not_change_the_ca_of_a_context_that_was_not_named(self):
        other = CuratorCluster(self.directory / "other", [f"sqlite://{self.directory}/other.db"])
        self.addCleanup(other.close)
        before = snapshot(self.home.path)
        result = self.home.ctl("cluster", "takeownership", "--owner-key", other.key, "--ca-sha256",
                               other.ca_sha256)
        # Whether it got as far as to see that CA or not, nothing is changed.
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(snapshot(self.home.path), before)
        config = self.home.path / "config" / "curatorctl" / "config.yaml"
        text = config.read_text()
        for address in self.cluster.addresses():
            text = text.replace(address, other.addresses()[0])
        config.write_text(text)
        self.home.ctl("context", "use", "lab")
        before = snapshot(self.home.path)
        result = self.home.ctl("cluster", "takeownership", "--owner-key", other.key, "--ca-sha256",
                               other.ca_sha256)
        self.assert_refused(result, before, "the CA of", "--context lab")


class Settings(OnACluster):
    def context(self, name):
        return json.loads(self.home.check("context", "show", name, "-o", "json").stdout)

    def test_what_is_given_is_set_and_the_rest_stays(self):
        before = self.context("lab")
        one = self.cluster.addresses()[0]
        self.home.check("context", "set", "lab", "-e", one, "--accept-unproven")
        after = self.context("lab")
        self.assertEqual((after["endpoints"], after["accept_unproven"]), ([one], True))
        self.assertEqual((after["ca"], after["credential"]), (before["ca"], before["credential"]))
        self.home.check("context", "set", "lab", "--require-proof")
        self.assertEqual(self.context("lab"), {**after, "accept_unproven": False})
        self.home.check("node", "list", "--context", "lab")

    def test_says_what_cannot_be_set(self):
        before = snapshot(self.home.path)
        for args, code in ((("lab",), 2), (("none", "--require-proof"), 3),
                           (("lab", "--accept-unproven", "--require-proof"), 2),
                           (("lab", "--ca-sha256", self.cluster.ca_sha256), 2),
                           (("lab", "--cert", "x"), 2)):
            with self.subTest(args=args):
                result = self.home.ctl("context", "set", *args)
                self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(snapshot(self.home.path), before)


class Places(OnACluster):
    def test_no_home_is_made(self):
        homes = {"HOME": "none", "XDG_CACHE_HOME": "none/cache", "XDG_CONFIG_HOME": "none/config"}
        flags = [word for address in self.cluster.addresses() for word in ("-e", address)]
        flags += ["--ca-file", self.cluster.ca, "--cert", self.cluster.certificate, "--key",
                  self.cluster.key]
        for names in (("HOME",), ("XDG_CACHE_HOME",), ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")):
            with self.subTest(names=names):
                for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
                    self.home.environment.pop(name, None)
                self.home.environment.update(
                    {name: str(self.directory / homes[name]) for name in names})
                self.home.check("node", "list", *flags)
                self.assertFalse(os.path.exists(self.directory / "none"))
                if "HOME" not in names:
                    continue
                result = self.home.ctl("context", "add", "third", *flags)
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertIn("none", result.stderr)
                self.assertFalse(os.path.exists(self.directory / "none"))

    def test_the_cache_is_made_in_a_home(self):
        self.home.check("node", "list")
        self.assertTrue((self.home.path / "cache" / "curatorctl" / "lab.json").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
