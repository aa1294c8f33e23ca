"""What an owner calls to get a certificate: the protocol's rules, on both stores."""

import os
import pathlib
import sys
import unittest

from grpc import StatusCode

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import stubs
from protocol import OnEtcd, ProtocolTest
from stubs import aaa_pb2
from workload import EphemeralKey

# What a stranger may send at once is 128 KiB.
OVERSIZED = b"x" * (100 << 10)
REFRESH = aaa_pb2.EscrowResponse.ProofRequest.KIND_REFRESH_CERTIFICATE


class Escrow:
    def escrow(self, channel, key, **parameters):
        """(answers, code, details)."""
        request = aaa_pb2.EscrowRequest(parameters={
            "requested_identity_name": "owner", "public_key": key, **parameters})
        return self.exchange(channel, request)

    def exchange(self, channel, request):
        stream = stubs.aaa(channel).Escrow(iter([request]), timeout=20)
        answers = []
        try:
            answers.extend(stream)
        except stubs.grpc.RpcError:
            pass
        return answers, stream.code()

    def owner(self):
        """A connection with a self-signed certificate of the owner's key, and that key."""
        key = EphemeralKey(stubs.private_key(self.cluster.key))
        return self.as_key(key), key.public

    def test_checks_in_order(self):
        nobody, (owner, key) = self.as_nobody(), self.owner()
        empty = aaa_pb2.EscrowRequest()
        self.assertEqual(self.exchange(nobody, empty), ([], StatusCode.INVALID_ARGUMENT))
        self.assertEqual(self.escrow(nobody, b"", requested_identity_name="other"),
                         ([], StatusCode.UNIMPLEMENTED))
        for wrong in (b"", b"x" * 31, OVERSIZED):
            self.assertEqual(self.escrow(nobody, wrong), ([], StatusCode.INVALID_ARGUMENT))
        needed = ([aaa_pb2.EscrowResponse(needed=[{"kind": REFRESH}])], StatusCode.UNAUTHENTICATED)
        for channel in (nobody, self.user_channel, self.enter(self.up().channel_to(self.leader))):
            self.assertEqual(self.escrow(channel, key), needed)
        before = self.contents()
        self.assertEqual(self.escrow(owner, os.urandom(32)), ([], StatusCode.UNIMPLEMENTED))
        thief = EphemeralKey()
        self.assertEqual(self.escrow(self.as_key(thief), thief.public),
                         ([], StatusCode.PERMISSION_DENIED))
        self.assertEqual(self.contents(), before, "state changed")

    def test_gives_the_owner_the_same_certificate_each_time(self):
        channel, key = self.owner()
        stored = self.contents()["/cluster-pki/issued/owner-cert.der"]
        for _ in range(2):
            self.assertEqual(self.escrow(channel, key), ([aaa_pb2.EscrowResponse(
                fulfilled=[{"kind": REFRESH}], emitted_certificate=stored)], StatusCode.OK))


class EscrowOnSqlite(Escrow, ProtocolTest):
    pass


class EscrowOnEtcd(OnEtcd, Escrow, ProtocolTest):
    pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
