"""Signatures of messages to webhooks, by Standard Webhooks 1.0.0 (symmetric, `v1`)."""

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence

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
        body: The body, byte by byte.
    """
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    digests = (hmac.new(secret, signed, hashlib.sha256).digest() for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
