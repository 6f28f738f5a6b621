"""A security key in software: what a browser gives of it by WebAuthn, right or wrong as asked."""

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any, Literal

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

Algorithm = Literal["ES256", "EdDSA", "RS256"]
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
Secret = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def as_text(content: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _secret(algorithm: Algorithm) -> Secret:
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class SecurityKey:
    """One credential; `count` is what it counted last, and stays 0 for those that do not.

    `public` is told in place of its own public key.
    """

    algorithm: Algorithm = "ES256"
    counts: bool = True
    flags: int = PRESENT | VERIFIED
    count: int = 0
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    public: Any = None

    def __post_init__(self) -> None:
        self._key = _secret(self.algorithm)

    def create(self, options: dict[str, Any], origin: str, **wrong: Any) -> dict[str, Any]:
        """What `navigator.credentials.create` gives; `wrong` as `_client_data` takes it."""
        rp_id = wrong.pop("rp_id", options["rp"]["id"])
        length = len(self.credential_id).to_bytes(2, "big")
        attested = bytes(16) + length + self.credential_id + cbor2.dumps(self._public())
        told = {
            "fmt": "none",
            "attStmt": {},
            "authData": self._data(rp_id, ATTESTED) + attested,
        }
        client = _client_data("webauthn.create", options, origin, **wrong)
        return self._credential(clientDataJSON=client, attestationObject=cbor2.dumps(told))

    def get(self, options: dict[str, Any], origin: str, **wrong: Any) -> dict[str, Any]:
        """What `navigator.credentials.get` gives."""
        data = self._data(wrong.pop("rp_id", options["rpId"]))
        client = _client_data("webauthn.get", options, origin, **wrong)
        signature = self._sign(data + hashlib.sha256(client).digest())
        return self._credential(clientDataJSON=client, authenticatorData=data, signature=signature)

    def _data(self, rp_id: str, flags: int = 0) -> bytes:
        self.count += self.counts
        head = hashlib.sha256(rp_id.encode()).digest() + bytes([self.flags | flags])
        return head + self.count.to_bytes(4, "big")

    def _credential(self, **response: bytes) -> dict[str, Any]:
        number = as_text(self.credential_id)
        told = {name: as_text(content) for name, content in response.items()}
        return {"id": number, "rawId": number, "type": "public-key", "response": told}

    def _public(self) -> Any:
        if self.public is not None:
            return self.public
        key = self._key.public_key()
        if isinstance(key, ec.EllipticCurvePublicKey):
            at = key.public_numbers()
            x, y = at.x.to_bytes(32, "big"), at.y.to_bytes(32, "big")
            return {1: 2, 3: -7, -1: 1, -2: x, -3: y}
        if isinstance(key, ed25519.Ed25519PublicKey):
            return {1: 1, 3: -8, -1: 6, -2: key.public_bytes_raw()}
        numbers = key.public_numbers()
        return {1: 3, 3: -257, -1: numbers.n.to_bytes(256, "big"), -2: b"\x01\x00\x01"}

    def _sign(self, content: bytes) -> bytes:
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(content, ec.ECDSA(SHA256()))
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(content)
        return self._key.sign(content, padding.PKCS1v15(), SHA256())


def _client_data(
    kind: str, options: dict[str, Any], origin: str, challenge: str | None = None
) -> bytes:
    """What the browser says it was asked.

    Args:
        challenge: In place of the one of the options.
    """
    asked = options["challenge"] if challenge is None else challenge
    told = {"type": kind, "challenge": asked, "origin": origin, "crossOrigin": False}
    return json.dumps(told).encode()
