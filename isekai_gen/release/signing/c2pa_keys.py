"""The certificate and the private key that pictures are signed with, checked before any work.

The key is read into memory and handed to the signer. It is never copied, and no message has any
of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from isekai_gen.errors import ReleaseError
from isekai_gen.optional import require

INSTALL_C2PA = "pip install 'isekai-gen[c2pa]'"

# https://spec.c2pa.org/specifications/specifications/2.2/specs/C2PA_Specification.html, section
# "Digital Signatures": the names of COSE algorithms, as c2pa spells them.
_ALGORITHM_BY_CURVE = {"secp256r1": "es256", "secp384r1": "es384"}
_ALGORITHMS = "EC on P-256 or P-384, RSA, or Ed25519"


@dataclass(frozen=True)
class SigningPair:
    """A key and the certificate that goes with it.

    Attributes:
        algorithm: "es256", "es384", "ps256" or "ed25519".
        chain: PEM certificates, the key's own first.
        key: PEM private key, PKCS #8, not encrypted.
    """

    algorithm: str
    chain: bytes
    key: bytes = field(repr=False)


def read_signing_pair(cert: Path, key: Path) -> SigningPair:
    """The pair in two PEM files.

    Args:
        cert: Certificates: the key's own first, then those that signed it.
        key: Private key without a passphrase.

    Raises:
        ReleaseError: If a file is missing or holds something else, the key is encrypted or of a
            kind that C2PA does not take, or the certificate is another key's or not valid now.
        MissingDependencyError: If the extra is not installed.
    """
    chain, secret = _read(cert, "certificate"), _read(key, "private key")
    private_key = _private_key(secret, key)
    certificate = _leaf(chain, cert)
    if certificate.public_key() != private_key.public_key():
        raise ReleaseError(f"{cert} is not the certificate of the key in {key}; name a pair")
    _check_validity(certificate, cert)
    encoding = require("cryptography.hazmat.primitives.serialization", INSTALL_C2PA)
    pkcs8 = private_key.private_bytes(
        encoding.Encoding.PEM, encoding.PrivateFormat.PKCS8, encoding.NoEncryption()
    )
    return SigningPair(_algorithm_of(private_key, key), chain, pkcs8)


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReleaseError(f"cannot read the {what} {path}: {error.strerror}") from error


def _private_key(secret: bytes, path: Path) -> Any:  # noqa: ANN401 - one of several classes
    encoding = require("cryptography.hazmat.primitives.serialization", INSTALL_C2PA)
    unsupported = require("cryptography.exceptions", INSTALL_C2PA).UnsupportedAlgorithm
    try:
        return encoding.load_pem_private_key(secret, None)
    except TypeError:
        # No chain of causes anywhere here: theirs might quote the file.
        raise ReleaseError(
            f"{path} is encrypted; C2PA signs without asking for a passphrase: name a key "
            "without one"
        ) from None
    except (ValueError, unsupported):
        raise ReleaseError(
            f"{path} is no PEM private key ({_ALGORITHMS}); name the key of the certificate"
        ) from None


def _leaf(chain: bytes, path: Path) -> Any:  # noqa: ANN401 - a class of an optional library
    x509 = require("cryptography.x509", INSTALL_C2PA)
    try:
        return x509.load_pem_x509_certificates(chain)[0]
    except ValueError:
        raise ReleaseError(
            f"{path} is no PEM certificate; name a file with the key's certificate, then those "
            "that signed it"
        ) from None


def _check_validity(certificate: Any, path: Path) -> None:  # noqa: ANN401 - as above
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not first <= datetime.now(UTC) <= last:
        raise ReleaseError(
            f"the certificate {path} is valid from {first:%Y-%m-%d} to {last:%Y-%m-%d}, not now; "
            "name a valid one"
        )


def _algorithm_of(private_key: Any, path: Path) -> str:  # noqa: ANN401 - as above
    kinds = "cryptography.hazmat.primitives.asymmetric"
    if isinstance(private_key, require(f"{kinds}.ed25519", INSTALL_C2PA).Ed25519PrivateKey):
        return "ed25519"
    if isinstance(private_key, require(f"{kinds}.rsa", INSTALL_C2PA).RSAPrivateKey):
        return "ps256"
    curve = getattr(getattr(private_key, "curve", None), "name", "")
    if curve not in _ALGORITHM_BY_CURVE:
        raise ReleaseError(f"C2PA takes no key of the kind in {path}; use {_ALGORITHMS}")
    return _ALGORITHM_BY_CURVE[curve]
