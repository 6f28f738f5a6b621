"""Uploads that go to an object store, whatever happens to it: nothing acknowledged is lost."""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from shanhai.storage.object_store import ObjectArtifacts
from shanhai_api.kit.state import Configuration, ServiceState
from tests.support.object_stores import Environment, HarmfulProxy, open_bucket, settings_of

pytestmark = [pytest.mark.configured, pytest.mark.usefixtures("no_uploads")]
CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FAILING = ["500", "503", "expired"]


@pytest.fixture
def store_in_bucket(in_bucket: Environment) -> ObjectArtifacts:
    """The store as another process sees it, with nothing in between."""
    return open_bucket(in_bucket())


@pytest.fixture
def configuration(
    configuration: Configuration, in_bucket: Environment, harmful: HarmfulProxy, tmp_path: Path
) -> Configuration:
    told = settings_of(in_bucket(url=harmful.url, cache=tmp_path / "api"))
    limit = configuration.artifacts.upload_limit_bytes
    return replace(configuration, artifacts=told.model_copy(update={"upload_limit_bytes": limit}))


@contextmanager
def harmed(proxy: HarmfulProxy, harm: str, only: str = "") -> Iterator[None]:
    proxy.harm, proxy.only = harm, only
    try:
        yield
    finally:
        proxy.harm = ""


def piece(start: int, end: int) -> dict[str, str]:
    return {"Content-Range": f"bytes {start}-{end - 1}/{len(CONTENT)}"}


def content_of(store: ObjectArtifacts, answer: httpx.Response, folder: Path) -> bytes:
    """What a job would read."""
    folder.mkdir(exist_ok=True)
    return store.hold(f"uploads/{UUID(answer.json()['upload'])}", folder).read_bytes()


def assert_told(answer: httpx.Response, zh: str) -> None:
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert zh in answer.json()["detail"]


WORDS = {"500": "对象存储没有响应", "503": "对象存储没有响应", "expired": "对象存储拒绝访问凭证"}
ZH = {"Accept-Language": "zh"}


@pytest.mark.parametrize("harm", FAILING)
async def test_what_could_not_be_stored_is_refused_and_may_be_sent_again(
    runner: httpx.AsyncClient,
    state: ServiceState,
    harmful: HarmfulProxy,
    store_in_bucket: ObjectArtifacts,
    tmp_path: Path,
    harm: str,
) -> None:
    headers = {"Idempotency-Key": f"again-{harm}"}
    with harmed(harmful, harm):
        refused = await runner.post("/uploads", content=CONTENT, headers={**headers, **ZH})
    assert_told(refused, WORDS[harm])
    assert (await runner.get("/uploads")).json()["uploads"] == []
    again = await runner.post("/uploads", content=CONTENT, headers=headers)
    assert again.status_code == 201, again.text
    assert again.json()["sha256"] == SHA256
    assert content_of(store_in_bucket, again, tmp_path / "job") == CONTENT
    [one] = (await runner.get("/uploads")).json()["uploads"]
    assert one["upload"] == again.json()["upload"]


async def test_english_callers_are_told_in_english(
    runner: httpx.AsyncClient, state: ServiceState, harmful: HarmfulProxy
) -> None:
    with harmed(harmful, "503"):
        refused = await runner.post("/uploads", content=CONTENT, headers={"Accept-Language": "en"})
    assert_told(refused, "the object store does not answer (SlowDown); try again")


@pytest.mark.parametrize("harm", FAILING)
@pytest.mark.parametrize("only", ["PUT", "GET"])
async def test_what_was_acknowledged_outlives_a_store_that_fails(
    runner: httpx.AsyncClient,
    state: ServiceState,
    harmful: HarmfulProxy,
    store_in_bucket: ObjectArtifacts,
    tmp_path: Path,
    harm: str,
    only: str,
) -> None:
    """GET: bytes are stored, but how many cannot be found out."""
    begun = await runner.post("/uploads", content=CONTENT[:1000], headers=piece(0, 1000))
    url = begun.headers["Location"]
    with harmed(harmful, harm, only):
        refused = await runner.put(
            url, content=CONTENT[1000:5000], headers={**piece(1000, 5000), **ZH}
        )
    assert_told(refused, WORDS[harm])
    arrived = int((await runner.head(url)).headers["Upload-Offset"])
    assert arrived >= begun.json()["bytes"] == 1000
    done = await runner.put(url, content=CONTENT[arrived:], headers=piece(arrived, len(CONTENT)))
    assert done.status_code == 200, done.text
    assert done.json()["sha256"] == SHA256
    assert content_of(store_in_bucket, done, tmp_path / "job") == CONTENT


@pytest.mark.parametrize("harm", ["503", "slow", "cut"])
async def test_a_moment_of_it_is_not_noticed(
    runner: httpx.AsyncClient,
    state: ServiceState,
    harmful: HarmfulProxy,
    store_in_bucket: ObjectArtifacts,
    tmp_path: Path,
    harm: str,
) -> None:
    harmful.times = 1
    with harmed(harmful, harm, "PUT"):
        sent = await runner.post("/uploads", content=CONTENT)
    assert harmful.times == 0
    assert sent.status_code == 201, sent.text
    assert content_of(store_in_bucket, sent, tmp_path / "job") == CONTENT


async def test_an_answer_cut_short_is_no_answer(
    runner: httpx.AsyncClient, state: ServiceState, harmful: HarmfulProxy
) -> None:
    with harmed(harmful, "cut", "GET"):
        refused = await runner.post("/uploads", content=CONTENT, headers=ZH)
    assert_told(refused, "对象存储没有响应")
    assert (await runner.get("/uploads")).json()["uploads"] == []


async def test_a_slow_store_keeps_nobody_else_waiting(
    runner: httpx.AsyncClient, state: ServiceState, harmful: HarmfulProxy
) -> None:
    with harmed(harmful, "slow"):
        sending = asyncio.create_task(runner.post("/uploads", content=CONTENT))
        while not harmful.seen:  # noqa: ASYNC110 - a thread fills it
            await asyncio.sleep(0)
        answered = await runner.get("/uploads")
        assert not sending.done()
        sent = await sending
    assert answered.status_code == 200
    assert sent.status_code == 201


async def test_what_failing_uploads_left_is_not_taken_for_one(
    runner: httpx.AsyncClient,
    state: ServiceState,
    harmful: HarmfulProxy,
    store_in_bucket: ObjectArtifacts,
) -> None:
    """The piece is stored, then the store goes away: also removing it fails."""
    with harmed(harmful, "500", "GET"):
        refused = await runner.post("/uploads", content=CONTENT)
    assert refused.status_code == 503
    (use,) = (await runner.get("/uploads")).json()["quotas"]
    assert (use["files"], use["bytes"]) == (0, 0)
