"""An owner whose key was stolen or lost is replaced: its certificate is worth nothing within a
second, whoever leads and on whichever store, and the new one takes the cluster."""

import contextlib
import pathlib
import sys
import time
import unittest

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import cluster
import stubs
from cluster import eventually
from node import Newcomer, is_revoked, open_heartbeat, open_watch
from protocol import OnEtcd
from shared_cluster import SharedCluster

OUT_WITHIN_SECONDS = 1  # of the acknowledgement: what the product promises


def ask_status(channel):
    channel.unary_unary("/curator.v1.ServerStatus/Get")(b"", timeout=20)


def ask_schema(channel):
    list(channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection"
                               "/ServerReflectionInfo")(iter([b""]), timeout=20))


def get_info(channel):
    stubs.management(channel).GetClusterInfo(stubs.management_pb2.GetClusterInfoRequest(),
                                             timeout=20)


def list_nodes(channel):
    list(stubs.management(channel).GetNodes(stubs.management_pb2.GetNodesRequest(), timeout=20))


def list_in_bulk(channel):
    list(channel.unary_stream("/curator.v1.Nodes/List")(b"", timeout=20))


class OwnerReplaced:
    curators = 2

    @property
    def store(self):
        return self.cluster.curators[0].store

    def new_key(self, name):
        """A key pair; the files of both."""
        directory = self.dir / f"key of {name}"
        result = cluster.run("curatorctl", "cred", "new-key", "--out", directory)
        self.assertEqual(result.returncode, 0, result.stderr)
        return directory / "owner-key.pem", directory / "owner-key.pub"

    def replace(self, public_key, *target):
        return cluster.run("curatord", "owner", "replace", *(target or ("--store", self.store)),
                           "--owner-public-key", public_key)

    def take_ownership(self, key, context):
        curators = self.cluster
        return cluster.run(
            "curatorctl", "--config", self.dir / f"{context}.yaml",
            *(word for address in curators.addresses() for word in ("-e", address)),
            "--ca-sha256", curators.ca_sha256, "cluster", "takeownership", "--owner-key", key,
            "--context", context, env=curators.environment())

    def become(self, key, context):
        """From now on the tests' owner is the holder of `key`."""
        result = self.take_ownership(key, context)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.cluster.key = key
        self.cluster.certificate = self.dir / context / "owner.pem"
        # setUp of the next test still needs them.
        kept = self.class_dir / f"{context}-{time.monotonic_ns()}"
        kept.mkdir()
        for name, path in (("key", key), ("certificate", self.cluster.certificate)):
            (kept / name).write_bytes(pathlib.Path(path).read_bytes())
            setattr(self.cluster, name, kept / name)

    def enter(self, manager):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        return stack.enter_context(manager)

    def assert_out(self, channel, attempts):
        for attempt in attempts:
            with self.assertRaises(grpc.RpcError, msg=attempt.__name__) as refused:
                attempt(channel)
            self.assertTrue(is_revoked(refused.exception), f"{attempt.__name__}: "
                            f"{refused.exception}")

    def test_is_out_within_a_second_and_the_new_one_is_in(self):
        leader = self.cluster.leader()
        follower = next(c for c in self.cluster.curators if c is not leader)
        old = self.enter(self.cluster.channel(leader))
        old_elsewhere = self.enter(self.cluster.channel(follower))
        node = Newcomer(self.cluster).become_up(leader)
        nodes = self.enter(node.channel_to(leader))
        watches = [open_watch(old), open_watch(old, node.id)]
        staying = [open_watch(nodes), open_heartbeat(nodes)]
        for stream in (*watches, *staying):
            self.addCleanup(stream.cancel)
        key, public_key = self.new_key("new")

        replaced = self.replace(public_key)
        acknowledged = time.monotonic()
        self.assertEqual(replaced.returncode, 0, replaced.stderr)
        self.assertIn("takeownership", replaced.stderr)
        self.assertIn("earlier version", replaced.stderr)

        for stream in watches:
            self.assertTrue(stream.wait(20), "a stream of the old owner is still open")
            self.assertTrue(is_revoked(stream.error), stream.error)
            self.assertLess(stream.ended_at - acknowledged, OUT_WITHIN_SECONDS)
        print(f"streams over after "
              f"{1000 * max(0, max(s.ended_at for s in watches) - acknowledged):.0f} ms")
        self.assert_out(old, (get_info, list_nodes, list_in_bulk, ask_status, ask_schema))
        self.assertLess(time.monotonic() - acknowledged, OUT_WITHIN_SECONDS)
        self.assert_out(old_elsewhere, (ask_status, ask_schema))
        again = self.enter(self.cluster.channel(leader))
        self.assert_out(again, (get_info,))
        result = self.cluster.ctl("node", "list")
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn("owner", result.stderr)
        get_info(nodes)
        self.assertEqual([stream.error for stream in staying], [None] * len(staying))

        self.assertEqual(self.take_ownership(self.cluster.key, "old").returncode, 5)
        self.become(key, "new")
        self.assertIn(node.id, self.states())
        self.assert_out(old, (get_info, list_nodes))
        self.assertEqual(self.replace(public_key).returncode, 0)
        self.assertIn(node.id, self.states())

    def states(self):
        return self.cluster.states()

    def test_stays_out_after_a_failover(self):
        leader = self.cluster.leader()
        other = next(c for c in self.cluster.curators if c is not leader)
        old = self.enter(self.cluster.channel(other))
        key, public_key = self.new_key("next")
        self.assertEqual(self.replace(public_key).returncode, 0)
        leader.kill()

        def answer():
            try:
                get_info(old)
            except grpc.RpcError as error:
                return error if is_revoked(error) else None
            raise AssertionError("the next leader took the old owner")
        eventually(answer, 30, "the next leader refuses the old owner")
        self.become(key, "next")
        self.assertIn(other.id, self.states())

    def test_can_be_replaced_while_nobody_runs(self):
        for curator in self.cluster.curators:
            curator.kill()
        key, public_key = self.new_key("lost")
        first = self.cluster.curators[0]
        target = ("--data-dir", first.directory, "--store", first.store)
        result = self.replace(public_key, *target)
        self.assertEqual(result.returncode, 0, result.stderr)
        again = self.replace(public_key, *target)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("unchanged", again.stdout)
        old = self.cluster.certificate, self.cluster.key
        for curator in self.cluster.curators:
            self.cluster.start(curator)
        self.become(key, "lost")
        self.cluster.wait_until_whole()
        leader = self.cluster.leader()
        with self.cluster.channel(leader, *old) as channel:
            self.assert_out(channel, (get_info,))


class OwnerReplacedOnSqlite(OwnerReplaced, SharedCluster):
    def test_says_what_is_wrong_with_what_it_is_given(self):
        key, public_key = self.new_key("unused")
        nothing = self.dir / "nothing"
        nothing.mkdir()
        for code, word, argv in (
                (2, "store", ("--owner-public-key", public_key)),
                (3, "no file", ("--store", self.store, "--owner-public-key", nothing / "none")),
                (2, "Ed25519", ("--store", self.store, "--owner-public-key", key)),
                (3, "store", ("--data-dir", nothing, "--owner-public-key", public_key)),
                (3, "store", ("--store", f"sqlite://{nothing}/none.db", "--owner-public-key",
                              public_key))):
            self.assert_explained(cluster.run("curatord", "owner", "replace", *argv), code, word)
        self.assertEqual(list(nothing.iterdir()), [])
        get_info(self.enter(self.cluster.channel(self.cluster.leader())))

    def test_wants_data_directory_and_store_of_the_same_cluster(self):
        _, public_key = self.new_key("unused")
        other = self.dir / "other"
        result = cluster.run("curatord", "init", "--data-dir", other, "--owner-public-key",
                             public_key)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assert_explained(self.replace(public_key, "--data-dir", other, "--store", self.store),
                              9, "another cluster")
        result = self.replace(public_key, "--data-dir", other)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("unchanged", result.stdout)


class OwnerReplacedOnEtcd(OnEtcd, OwnerReplaced, SharedCluster):
    pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
