"""Certificates that nobody should have: with any key, issuer and extension."""

import pathlib
import subprocess
import tempfile

import stubs


def new_key(algorithm="ed25519"):
    """PKCS#8 PEM. `algorithm`: ed25519, rsa:2048 or P-256."""
    words = {"ed25519": ["-algorithm", "ed25519"],
             "P-256": ["-algorithm", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
             "rsa:2048": ["-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048"]}[algorithm]
    return _openssl("genpkey", *words)


def public_of(key):
    """The raw 32 bytes of an Ed25519 key."""
    return _openssl("pkey", "-pubout", "-outform", "DER", input=key)[-32:]


def node_id_of(public_key):
    return "metropolis-" + public_key[:16].hex()


class Issuer:
    """Signs what it is asked to, with a key and in the name of a certificate (both PEM).

    The certificate need not be a CA's, nor the key its own.
    """

    def __init__(self, certificate, key):
        self._certificate, self._key = certificate, key

    def issue(self, key, name, dns=(), usages=("serverAuth",), is_ca=False, days=30):
        """PEM of a certificate of `key` (PKCS#8 PEM). `days` below 0: one that is over."""
        extensions = [f"basicConstraints=critical,CA:{'TRUE' if is_ca else 'FALSE'}",
                      "keyUsage=critical,digitalSignature,keyEncipherment",
                      "extendedKeyUsage=" + ",".join(usages)]
        if dns:
            extensions.append("subjectAltName=" + ",".join(f"DNS:{each}" for each in dns))
        with tempfile.TemporaryDirectory(prefix="curator-test-issue-") as directory:
            at = pathlib.Path(directory)
            (at / "ca.pem").write_bytes(self._certificate)
            (at / "ca.key").write_bytes(self._key)
            (at / "key").write_bytes(key)
            (at / "extensions").write_text("\n".join(extensions))
            request = _openssl("req", "-new", "-key", at / "key", "-subj", f"/CN={name}")
            return _openssl("x509", "-req", "-CA", at / "ca.pem", "-CAkey", at / "ca.key",
                            "-set_serial", "77", "-days", str(days), "-extfile",
                            at / "extensions", input=request)

    def issue_to_node(self, key, **options):
        """As a curator does for a node of that key."""
        node_id = node_id_of(public_of(key))
        return self.issue(key, node_id, **{"dns": [node_id], **options})

    def issue_to_user(self, key, name="owner", **options):
        return self.issue(key, name, **{"usages": ["clientAuth"], **options})


def new_ca(name="Metropolis Cluster CA"):
    """Of another cluster, whose certificate looks like this one's."""
    key = new_key()
    return Issuer(_openssl("req", "-x509", "-new", "-key", "/dev/stdin", "-days", "30", "-subj",
                           f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                           input=key), key)


def key_of_seed(seed):
    """PKCS#8 PEM of a raw Ed25519 key: a stored one has its public half behind the seed."""
    return stubs.pkcs8(seed[:32])


def _openssl(*argv, input=None):
    made = subprocess.run(["openssl", *map(str, argv)], input=input, capture_output=True,
                          check=False)
    if made.returncode != 0:
        raise AssertionError(f"openssl {argv}: {made.stderr.decode()}")
    return made.stdout
