"""What people send who look for a way in: nothing of ours breaks, is told, or goes out."""

import socket
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import SecretStr

from shanhai.settings import OutgoingSettings, SignInSettings, WebhookSettings
from shanhai_api.kit.state import Configuration
from tests.service.api.ogc.conftest import api_at_a_port
from tests.support.canary import listening_canary
from tests.support.probes import Probe, probes

pytestmark = pytest.mark.long

LEAST = 60
PATIENCE_S = 10.0
TOLD = (b"Traceback", b"site-packages", b"/shanhai/")
"""What no answer tells of the inside."""


def answer_to(netloc: tuple[str, int], sent: bytes) -> bytes:
    """All that comes back over a connection of its own; nothing where it is closed at once."""
    parts: list[bytes] = []
    with socket.create_connection(netloc, timeout=PATIENCE_S) as connection:
        try:
            connection.sendall(sent)
            while part := connection.recv(65_536):
                parts.append(part)
        except (ConnectionError, TimeoutError):
            pass
    return b"".join(parts)


def wrong_with(probe: Probe, answer: bytes) -> str | None:
    """What an answer should not be, if it is that."""
    if answer and not answer.startswith(b"HTTP/1.1 "):
        return f"{answer[:100]!r}"
    # What is not set up here says so by 503.
    if answer[9:10] == b"5" and answer[9:12] != b"503":
        return f"answered {answer[:400]!r}"
    found = [mark for mark in (*TOLD, *probe.never) if mark.lower() in answer.lower()]
    return f"tells {found}: {answer[:600]!r}" if found else None


@pytest.mark.timeout(300)
def test_nobody_gets_in_by_a_probe(plan_configuration: Configuration, plan_key: str) -> None:
    configuration = replace(
        plan_configuration,
        outgoing=OutgoingSettings(hosts=("hooks.city.example",)),
        webhooks=WebhookSettings(secret=SecretStr("w" * 40)),
        sign_in=SignInSettings(secret=SecretStr("s" * 40), plain_cookie=True),
    )
    with listening_canary() as (canary, heard), api_at_a_port(configuration) as address:
        place, listed = urlsplit(address), [*probes(canary)]
        assert len(listed) >= LEAST
        netloc = (str(place.hostname), int(place.port or 80))
        answers = [
            answer_to(netloc, probe.sent.replace(b"{key}", plan_key.encode())) for probe in listed
        ]
        assert httpx.get(f"{address}/health/ready").status_code == 200
        assert httpx.get(f"{address}/collections/regions/items").json()["numberMatched"] > 0
    found = [*zip(listed, answers, strict=True)]
    wrong = [f"{probe.name}: {why}" for probe, sent in found if (why := wrong_with(probe, sent))]
    assert not wrong, "\n".join(wrong)
    # Each was read and answered, or nothing behind was tried.
    assert [probe.name for probe, sent in found if not sent] == []
    assert heard == []
