"""Encryption of secrets that must be read again; the database alone does not reveal them."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

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
