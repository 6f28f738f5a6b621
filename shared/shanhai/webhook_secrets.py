"""Secrets of webhooks, and signatures made with them."""

import base64
import os
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

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
