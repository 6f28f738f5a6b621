"""Thousands of broken requests to every operation: none is answered by a fault of ours."""

import http.client
import os
from collections import Counter
from contextlib import closing
from random import Random
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.mutated_requests import MutatedRequest, mutate, requests_of
from tests.support.serving import PATIENCE_S

MUTATIONS = int(os.environ.get("SHANHAI_TEST_MUTATIONS", "1000"))
SEED = int(os.environ.get("SHANHAI_TEST_SEED", "20260101"))
ENDLESS = ("alerts", "events")
"""A stream, whose end nobody can wait for."""


def send(
    connection: http.client.HTTPConnection, request: MutatedRequest, key: str | None
) -> tuple[int, bytes]:
    """The status and body of the answer; over a new connection where the last one was closed."""
    connection.putrequest(request.method, request.target)
    content = request.content
    for name, value in request.headers.items():
        connection.putheader(name, value.encode("latin-1", "replace"))
    if key is not None:
        connection.putheader("Authorization", f"Bearer {key}")
    if content is not None:
        connection.putheader("Content-Length", str(len(content)))
    connection.endheaders(content)
    answer = connection.getresponse()
    return answer.status, answer.read()


@pytest.mark.timeout(120 + MUTATIONS // 10)
def test_no_broken_request_is_answered_by_a_fault_of_ours(address: str, plan_key: str) -> None:
    features = httpx.get(f"{address}/collections/zones/items").json()["features"]
    codes = {"collection": "zones", "item": features[0]["id"], "plan": "plan"}
    definition = httpx.get(f"{address}/api").json()
    whole = [one for one in requests_of(definition, codes) if one.path != ENDLESS]
    chance, seen, faults = Random(SEED), Counter[int](), []  # noqa: S311 - repeatable on purpose
    netloc = urlsplit(address).netloc
    with closing(http.client.HTTPConnection(netloc, timeout=PATIENCE_S)) as connection:
        for _ in range(MUTATIONS):
            request = mutate(chance.choice(whole), chance)
            key = plan_key if chance.random() < 0.8 else None
            try:
                status, body = send(connection, request, key)
            except ValueError:
                continue  # what a client cannot even write, as a head with a line break
            seen[status] += 1
            if status >= 500:
                faults.append(f"{status} {request.method} {request.target[:200]} {body[:300]!r}")
    assert not faults, "\n".join(faults[:20])
    assert sum(seen.values()) > 0.9 * MUTATIONS
    # Some get past every check, or nothing behind them was tried.
    assert seen[200] > 0.01 * MUTATIONS
    assert seen[400] > 0.1 * MUTATIONS
    assert httpx.get(f"{address}/health/ready").status_code == 200
