"""Signatures of messages, as the specification words them, and secrets that are kept."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from shanhai.crypto import SecretBox
from shanhai.errors import Unavailable
from shanhai.webhook_secrets import make_secret, show_secret, sign

KEPT = SecretBox("s" * 32, "webhooks")


def test_signature_known_from_the_libraries_of_the_specification() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    known = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == known


@given(st.text(max_size=200), st.integers(0, 2**32))
def test_both_secrets_verify_and_no_other(text: str, timestamp_s: int) -> None:
    secrets = [make_secret(), make_secret()]
    signed = sign(secrets, "id", timestamp_s, text.encode()).split(" ")
    assert signed == [by_the_letter(secret, "id", timestamp_s, text) for secret in secrets]
    assert by_the_letter(make_secret(), "id", timestamp_s, text) not in signed


def by_the_letter(secret: bytes, message_id: str, timestamp_s: int, text: str) -> str:
    """The base64 of HMAC-SHA256 of id, time and body, apart by full stops, after its version."""
    content = f"{message_id}.{timestamp_s}.{text}".encode()
    return f"v1,{base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()}"


def test_a_changed_body_does_not_verify() -> None:
    secret, now = make_secret(), int(datetime.now(UTC).timestamp())
    headers = {
        "webhook-id": "id",
        "webhook-timestamp": str(now),
        "webhook-signature": sign([secret], "id", now, b'{"a":1}'),
    }
    receiver = Webhook(show_secret(secret))
    assert receiver.verify(b'{"a":1}', headers) == {"a": 1}
    with pytest.raises(WebhookVerificationError):
        receiver.verify(b'{"a":2}', headers)
    with pytest.raises(WebhookVerificationError):
        receiver.verify(b'{"a":1}', {**headers, "webhook-id": "other"})


@given(st.binary(max_size=64), st.text(max_size=20))
def test_secrets_are_opened_for_their_owner_only(content: bytes, owner: str) -> None:
    sealed = KEPT.close(content, owner)
    assert KEPT.open(sealed, owner) == content
    # Shorter ones can be met by chance.
    assert len(content) < 4 or content not in sealed
    assert KEPT.close(content, owner) != sealed
    strangers = (
        (KEPT, sealed, f"{owner}x"),
        (KEPT, sealed[:-1] + bytes([sealed[-1] ^ 1]), owner),
        (KEPT, b"", owner),
        (SecretBox("t" * 32, "webhooks"), sealed, owner),
        (SecretBox("s" * 32, "another"), sealed, owner),
    )
    for seal, kept, name in strangers:
        with pytest.raises(Unavailable, match="rotate"):
            seal.open(kept, name)
