"""Keys and certificates of our own, made for one test run."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from isekai_gen.release.signing.sign_keys import files_with_keys

_MAKE_BY_KIND = {
    "es256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "es384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p224": lambda: ec.generate_private_key(ec.SECP224R1()),
    "ps256": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "dsa": lambda: dsa.generate_private_key(2048),
}


@dataclass(frozen=True)
class PairFiles:
    cert: Path
    key: Path


@dataclass(frozen=True)
class PairStyle:
    """What differs from a pair that C2PA takes."""

    begins: timedelta = timedelta(days=-1)
    lasts: timedelta = timedelta(days=30)
    usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION
    passphrase: bytes = b""


def write_pair(folder: Path, kind: str, style: PairStyle = PairStyle()) -> PairFiles:
    """A certificate with the authority that signed it, and its key, in two PEM files."""
    authority, key = _MAKE_BY_KIND["es256"](), _MAKE_BY_KIND[kind]()
    own = _certificate("signer", key.public_key(), authority, style)
    root = _certificate("authority", authority.public_key(), authority, None)
    pem = serialization.Encoding.PEM
    pair = PairFiles(folder / f"{kind}.cert.pem", folder / f"{kind}.key.pem")
    pair.cert.write_bytes(own.public_bytes(pem) + root.public_bytes(pem))
    encryption = (
        serialization.BestAvailableEncryption(style.passphrase)
        if style.passphrase
        else serialization.NoEncryption()
    )
    pair.key.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, encryption))
    return pair


def _certificate(name, public_key, authority, style: PairStyle | None) -> x509.Certificate:
    begins = datetime.now(UTC) + (style.begins if style else timedelta(days=-2))
    ends = begins + (style.lasts if style else timedelta(days=99))
    is_authority = style is None
    usage = x509.KeyUsage(
        True, False, False, False, False, is_authority, is_authority, False, False
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named("authority"))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),
            critical=False,
        )
    )
    if style:
        builder = builder.add_extension(x509.ExtendedKeyUsage([style.usage]), critical=False)
    return builder.sign(authority, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "isekai-gen tests"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def write_ssh_key(path: Path, passphrase: str = "") -> Path:
    """An Ed25519 key by ssh-keygen; its public half lies beside it as `.pub`."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f", path],
        check=True,
        capture_output=True,
    )
    return path


def keys_in(folder: Path) -> list[str]:
    """Every file of a folder that has a private key in it."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return files_with_keys({path.relative_to(folder).as_posix(): path for path in found})
