"""A server with a node's certificate that claims to lead, and records what it is sent."""

import pathlib
import subprocess
import tempfile
import threading
from concurrent import futures

import grpc

import stubs

LOCAL = "/metropolis.node.core.curator.proto.api.CuratorLocal/"
NONCE, PROOF, TERM = "curator-nonce-bin", "curator-proof-bin", "curator-term"
HUGE_TERM = 1 << 62
DOMAIN = b"curator.v1.LeadershipProof: a leader answers a client\n"


def sign(key, message):
    """Ed25519, by `key` (PKCS#8 PEM)."""
    with tempfile.TemporaryDirectory() as directory:
        files = {"key": key, "message": message}
        for name, contents in files.items():
            (pathlib.Path(directory) / name).write_bytes(contents)
        return subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", f"{directory}/key", "-rawin",
                               "-in", f"{directory}/message"], check=True,
                              capture_output=True).stdout


def prove(ca_key, nonce, node_id, term, lock_key="/leader/1"):
    """As a leader that holds `ca_key` does."""
    def sized(field):
        return len(field).to_bytes(8, "big") + field
    message = (DOMAIN + sized(nonce) + sized(node_id.encode()) + term.to_bytes(8, "big")
               + sized(lock_key.encode()))
    return stubs.leadership_proof_pb2.LeadershipProof(
        node_id=node_id, term=term, lock_key=lock_key,
        signature=sign(ca_key, message)).SerializeToString()


def ask_for_proof(curator_channel, nonce):
    """What a curator answers to a nonce: its initial metadata."""
    stream = stubs.local(curator_channel).GetCurrentLeader(
        stubs.curator_pb2.GetCurrentLeaderRequest(), metadata=((NONCE, nonce),), timeout=20)
    metadata = dict(stream.initial_metadata())
    stream.cancel()
    return metadata


class Rogue(grpc.GenericRpcHandler):
    """`proof(nonce)` is what it answers to a nonce; None: nothing. `asked` counts who wanted to
    know the leader, `calls` names all else that was called but for the CA's certificate, which
    it hands out as everybody does.

    Threads: gRPC's. Shutdown: close().
    """

    def __init__(self, address, key, certificate, node_id, ca, proof=lambda nonce: None,
                 term=HUGE_TERM):
        self.address, self.node_id, self.term = address, node_id, term
        self._proof = proof
        self._ca = stubs.curator_pb2.GetCACertificateResponse(
            identity_ca_certificate=stubs.ssl.PEM_cert_to_DER_cert(
                pathlib.Path(ca).read_text())).SerializeToString()
        self._lock = threading.Lock()
        self.asked, self.calls = 0, []
        self._closed = threading.Event()
        self._server = grpc.server(futures.ThreadPoolExecutor(32),
                                   options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers((self,))
        self._server.add_secure_port(address, grpc.ssl_server_credentials([(key, certificate)]))
        self._server.start()

    def close(self):
        self._closed.set()
        self._server.stop(0).wait()

    def service(self, details):
        if details.method == LOCAL + "GetCurrentLeader":
            return grpc.unary_stream_rpc_method_handler(self._claim)
        if details.method == LOCAL + "GetCACertificate":
            return grpc.unary_unary_rpc_method_handler(lambda request, context: self._ca)
        with self._lock:
            self.calls.append(details.method)
        return None

    def _claim(self, _, context):
        nonce = dict(context.invocation_metadata()).get(NONCE)
        proof = self._proof(nonce) if nonce is not None else None
        with self._lock:
            self.asked += 1
        context.send_initial_metadata(((TERM, str(self.term)),
                                       *([(PROOF, proof)] if proof is not None else [])))
        host, port = self.address.rsplit(":", 1)
        yield stubs.curator_pb2.GetCurrentLeaderResponse(
            leader_node_id=self.node_id, this_node_id=self.node_id, leader_host=host,
            leader_port=int(port)).SerializeToString()
        # Held open for as long as the client is there.
        gone = threading.Event()
        if context.add_callback(gone.set):
            while not gone.wait(0.5) and not self._closed.is_set():
                pass
