"""Secrets of webhooks, encrypted where they are kept, and signatures made with them."""

import base64
import os
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from standardwebhooks import Webhook

from shanhai.errors import Unavailable

NONCE_BYTES = 12


class SecretBox:
    """Closes and opens secrets by a secret of the server.

    Args:
        secret: The secret of the server.
        purpose: What it is used for: keys for different purposes open nothing of one another.
    """

    def __init__(self, secret: str, purpose: str) -> None:
        derived = HKDF(SHA256(), length=32, salt=None, info=f"shanhai {purpose}".encode())
        self._cipher = AESGCM(derived.derive(secret.encode()))

    def close(self, content: bytes, owner: str) -> bytes:
        """The content, encrypted, for its owner."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, owner.encode())

    def open(self, sealed: bytes, owner: str) -> bytes:
        """The content that was closed for this owner.

        Raises:
            Unavailable: it was not, or with another secret of the server.
        """
        nonce, content = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, content, owner.encode())
        except (InvalidTag, ValueError):
            raise Unavailable(
                f"the secret of {owner} cannot be read: it was kept with another secret of the"
                " server; rotate it",
                message_zh=f"无法读取 {owner} 的密钥：其加密所用的服务器密钥不同，请轮换",
            ) from None


PREFIX = "whsec_"
SECRET_BYTES = 32
"""The specification asks for 24 to 64."""


def make_secret() -> bytes:
    """A new secret."""
    return os.urandom(SECRET_BYTES)


def show_secret(secret: bytes) -> str:
    """A secret as receivers are given it: `whsec_` and its base64."""
    return PREFIX + base64.b64encode(secret).decode()


def sign(secrets: Sequence[bytes], message_id: str, timestamp_s: int, body: bytes) -> str:
    """The header `webhook-signature`: one signature for each secret, apart by a space.

    Args:
        secrets: Those of which the receiver knows at least one.
        message_id: The header `webhook-id`.
        timestamp_s: The header `webhook-timestamp`, in seconds since 1970.
        body: The body, text in UTF-8.
    """
    moment, text = datetime.fromtimestamp(timestamp_s, UTC), body.decode()
    return " ".join(Webhook(secret).sign(message_id, moment, text) for secret in secrets)
