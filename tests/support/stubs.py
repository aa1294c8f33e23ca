"""The protocol as another language sees it: Python stubs made from proto/."""

import base64
import hashlib
import importlib
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import atexit

import grpc

ROOT = pathlib.Path(__file__).resolve().parents[2]
_out = tempfile.mkdtemp(prefix="curator-stubs-")
atexit.register(shutil.rmtree, _out, True)
_protos = [str(p.relative_to(ROOT / "proto")) for folder in ("metropolis", "curator", "grpc")
           for p in sorted((ROOT / "proto" / folder).rglob("*.proto"))]
subprocess.run(["protoc", f"--python_out={_out}", f"--grpc_python_out={_out}",
                "--plugin=protoc-gen-grpc_python=" + shutil.which("grpc_python_plugin"),
                "-I", str(ROOT / "proto"), *_protos], check=True)
sys.path.insert(0, _out)
grpc.__path__.append(os.path.join(_out, "grpc"))  # grpc.health, grpc.reflection

from metropolis import aaa_pb2, aaa_pb2_grpc, common_pb2, curator_pb2, curator_pb2_grpc  # noqa: E402
from metropolis import management_pb2, management_pb2_grpc  # noqa: E402
from curator.v1 import cluster_operations_pb2 as operations_pb2  # noqa: E402
from curator.v1 import leadership_proof_pb2  # noqa: E402
from curator.v1 import cluster_operations_pb2_grpc as operations_pb2_grpc  # noqa: E402
from grpc.health.v1 import health_pb2  # noqa: E402
from grpc.reflection.v1alpha import reflection_pb2  # noqa: E402

_PKCS8_ED25519 = bytes.fromhex("302e020100300506032b657004220420")


# What each file of proto/ that is served, or spoken, has become.
MODULES = [importlib.import_module(p.removesuffix(".proto").replace("/", ".") + "_pb2")
           for p in _protos]


def sha256_of(ca_pem):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pathlib.Path(ca_pem).read_text())).hexdigest()


def private_key(path):
    """A key file as PKCS#8 PEM; the operator's own form holds 64 raw bytes."""
    text = pathlib.Path(path).read_text()
    if "METROPOLIS" not in text:
        return text.encode()
    raw = base64.b64decode("".join(line for line in text.splitlines() if "-----" not in line))
    return pkcs8(raw[:32])


def pkcs8(seed):
    """PEM of the Ed25519 key that 32 raw bytes are."""
    body = base64.b64encode(_PKCS8_ED25519 + seed).decode()
    return f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n".encode()


def channel(address, node_id, ca, certificate, key, options=()):
    return channel_of(address, node_id, ca, pathlib.Path(certificate).read_bytes(), private_key(key),
                      options)


def channel_of(address, node_id, ca, certificate, key, options=()):
    """As channel(), of a certificate and key that are no files; None: without."""
    credentials = grpc.ssl_channel_credentials(pathlib.Path(ca).read_bytes(), key, certificate)
    return grpc.secure_channel(address, credentials,
                               [("grpc.ssl_target_name_override", node_id),
                                ("grpc.use_local_subchannel_pool", 1), *options])


def user_channel(lab, address, node_id):
    return channel(address, node_id, lab / "ca.pem", lab / "owner.pem", lab / "owner-key.pem")


def management(of_channel):
    return management_pb2_grpc.ManagementStub(of_channel)


def curator(of_channel):
    return curator_pb2_grpc.CuratorStub(of_channel)


def aaa(of_channel):
    return aaa_pb2_grpc.AAAStub(of_channel)


def local(of_channel):
    return curator_pb2_grpc.CuratorLocalStub(of_channel)


def operations(of_channel):
    return operations_pb2_grpc.ClusterOperationsStub(of_channel)
