"""The keys of links through CloudFront: those that links are checked with, and where the one that signs is kept. Pure.

A public key is RSA of 2048 bits, in PEM. The whole of such a key but its modulus is fixed (RFC 8017, A.1.1, within
RFC 5280, 4.1.2.7), and every tool makes the exponent 65537; so it is compared, and nothing has to be parsed.
"""

import base64
import binascii
import hashlib
import re
import textwrap
from typing import Final

from msgspec import Struct

from components.config import BadConfiguration
from components.site import Delivery

MODULUS_BYTES: Final = 256

_BEFORE: Final = bytes.fromhex(
    "30820122"  # 290 bytes:
    "300d06092a864886f70d0101010500"  # rsaEncryption, no parameters
    "0382010f00"  # 270 bytes of a key:
    "3082010a"
    "0282010100"  # a positive number of 257 bytes: the modulus
)
_AFTER: Final = bytes.fromhex("0203010001")  # 65537
_PEM: Final = re.compile(r"-----BEGIN PUBLIC KEY-----\s([A-Za-z0-9+/=\s]+)\s-----END PUBLIC KEY-----")
_SECRET_NAME: Final = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")


class PublicKey(Struct, frozen=True, kw_only=True):
    """A key as everybody writes it, whatever white space it came with; so that no diff comes of it."""

    pem: str
    fingerprint: str
    """The beginning of its SHA-256: another key has another name, and so can be there before this one goes."""


def public_key(text: str) -> PublicKey:
    """Raises ValueError, with what to do, for anything but one public RSA key of 2048 bits."""
    if "PRIVATE KEY" in text:
        raise ValueError("is a private key, and secret no longer; make another pair and write its public half here")
    match = _PEM.fullmatch(text.strip())
    try:
        der = base64.b64decode("".join(match[1].split()), validate=True) if match else b""
    except binascii.Error:
        der = b""
    modulus = der[len(_BEFORE) : -len(_AFTER)]
    fits = len(modulus) == MODULUS_BYTES and modulus[0] >= 0x80 and modulus[-1] % 2 == 1
    if not fits or der != _BEFORE + modulus + _AFTER:
        raise ValueError(
            "must be a public RSA key of 2048 bits in PEM; openssl rsa -in <private key> -pubout writes it"
        )
    body = textwrap.fill(base64.b64encode(der).decode(), 64)
    return PublicKey(
        pem=f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n",
        fingerprint=hashlib.sha256(der).hexdigest()[:16],
    )


def public_keys(settings: Delivery) -> dict[str, PublicKey]:
    """The keys by their names, in the order of names: Pulumi keeps no other. Raises BadConfiguration."""
    found: dict[str, PublicKey] = {}
    for name, text in sorted(settings.public_keys.items()):
        path = f"pipeline.delivery.public_keys.{name}"
        try:
            key = public_key(text)
        except ValueError as error:
            raise BadConfiguration(f"{path}: {error}") from None
        same = [other for other, known in found.items() if known == key]
        if same:
            raise BadConfiguration(f"{path}: is the same key as {same[0]}; remove one of them")
        found[name] = key
    return found


def signing_key(settings: Delivery) -> str:
    """Name of the key whose private half signs. Raises BadConfiguration for one that links are not checked with."""
    name = min(settings.public_keys) if settings.signing_key is None else settings.signing_key
    if name not in settings.public_keys:
        known = ", ".join(sorted(settings.public_keys))
        raise BadConfiguration(f"pipeline.delivery.signing_key: {name} is not among the public keys; one of {known}")
    return name


def secret_name(settings: Delivery, default: str) -> str:
    """Name of the secret with the private key. Raises BadConfiguration for what could mean other secrets too."""
    name = default if settings.private_key_secret is None else settings.private_key_secret
    if _SECRET_NAME.fullmatch(name) is None:
        raise BadConfiguration(
            "pipeline.delivery.private_key_secret: must be the name of a secret, not its ARN; "
            "letters, digits and /_+=.@- are allowed"
        )
    return name
