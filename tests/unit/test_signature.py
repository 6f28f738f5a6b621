"""Signatures of messages, beside the specification's own library, and secrets that are kept."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from shanhai.errors import Unavailable
from shanhai.sealing import Seal
from shanhai.signature import make_secret, show_secret, sign

KEPT = Seal("s" * 32, "webhooks")


def test_signature_of_the_specification() -> None:
    # The example of Standard Webhooks' libraries.
    secret = b"\x30\xa2\xd8\x0c\xbd\x20\xa6\xfe\xfe\x62\x48\x79\xf0\xa4\xd5\xdd\x9d\x80\x3c\x63\x28"
    body = b'{"test": 2432232314}'
    known = Webhook(secret).sign(
        "msg_p5jXN8", datetime.fromtimestamp(1614265330, UTC), body.decode()
    )
    assert sign([secret], "msg_p5jXN8", 1614265330, body) == known


@given(st.text(max_size=200), st.integers(0, 2**32))
def test_both_secrets_verify_and_no_other(text: str, timestamp_s: int) -> None:
    body, moment = text.encode(), datetime.fromtimestamp(timestamp_s, UTC)
    secrets = [make_secret(), make_secret()]
    signed = sign(secrets, "id", timestamp_s, body).split(" ")
    assert signed == [Webhook(show_secret(secret)).sign("id", moment, text) for secret in secrets]
    assert Webhook(show_secret(make_secret())).sign("id", moment, text) not in signed


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
    assert content == b"" or content not in sealed or len(content) < 4
    assert KEPT.close(content, owner) != sealed
    strangers = (
        (KEPT, sealed, f"{owner}x"),
        (KEPT, sealed[:-1] + bytes([sealed[-1] ^ 1]), owner),
        (KEPT, b"", owner),
        (Seal("t" * 32, "webhooks"), sealed, owner),
        (Seal("s" * 32, "another"), sealed, owner),
    )
    for seal, kept, name in strangers:
        with pytest.raises(Unavailable, match="rotate"):
            seal.open(kept, name)
