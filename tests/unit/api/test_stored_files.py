"""Files of an object store as answers."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from shanhai.storage.artifacts import ArtifactStore, LocalArtifacts
from shanhai.storage.fetched import Damaged
from shanhai_api.kit.stored_files import PIECE_BYTES, StoredFileResponse
from tests.support.object_stores import Environment, HarmfulProxy, open_bucket

CONTENT = os.urandom(PIECE_BYTES + 1000)
TAG = '"the-digest"'
RANGES: tuple[tuple[dict[str, str], int, tuple[int, int]], ...] = (
    ({"Range": "bytes=0-9"}, 206, (0, 10)),
    ({"Range": "bytes=1048570-"}, 206, (1_048_570, len(CONTENT))),
    ({"Range": "bytes=-5"}, 206, (len(CONTENT) - 5, len(CONTENT))),
    ({"Range": f"bytes=10-{len(CONTENT) + 9}"}, 206, (10, len(CONTENT))),
    ({"Range": "bytes=0-9", "If-Range": TAG}, 206, (0, 10)),
    ({"Range": "bytes=0-9", "If-Range": '"another"'}, 200, (0, len(CONTENT))),
    ({"Range": "rows=0-9"}, 200, (0, len(CONTENT))),
    ({"Range": "bytes=first"}, 200, (0, len(CONTENT))),
    ({"Range": "bytes=0-1,5-9"}, 200, (0, len(CONTENT))),
    ({}, 200, (0, len(CONTENT))),
)


@pytest.fixture
def uri(in_bucket: Environment, tmp_path: Path) -> str:
    (tmp_path / "file").write_bytes(CONTENT)
    return open_bucket(in_bucket()).put(tmp_path / "file", suffix=".bin").uri


@asynccontextmanager
async def asking(
    store: ArtifactStore, uri: str, headers: dict[str, str] | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    response = StoredFileResponse(
        store,
        uri,
        media_type="image/png",
        headers={"ETag": TAG, "Cache-Control": "no-cache", **(headers or {})},
        filename="图.png",
    )
    transport = httpx.ASGITransport(app=response)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        yield client


@pytest.mark.parametrize("fetched", [False, True])
async def test_ranges_are_what_was_asked_for(
    in_bucket: Environment, tmp_path: Path, uri: str, *, fetched: bool
) -> None:
    store = open_bucket(in_bucket(cache=tmp_path / "other"))
    if fetched:
        store.local_path(uri)
    for headers, status, (start, end) in RANGES[: 2 if fetched else None]:
        async with asking(store, uri) as client:
            answer = await client.get("/", headers=headers)
        assert (answer.status_code, answer.content) == (status, CONTENT[start:end]), headers
        assert answer.headers["Content-Length"] == str(end - start)
        assert (answer.headers["ETag"], answer.headers["Content-Type"]) == (TAG, "image/png")
        assert answer.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''%E5")
        if status == 206:
            told = f"bytes {start}-{end - 1}/{len(CONTENT)}"
            assert answer.headers["Content-Range"] == told


async def test_head_and_a_range_that_is_not_there(in_bucket: Environment, uri: str) -> None:
    store = open_bucket(in_bucket())
    async with asking(store, uri) as client:
        head = await client.head("/")
    assert (head.content, head.headers["Content-Length"]) == (b"", str(len(CONTENT)))
    for asked in (f"bytes={len(CONTENT)}-", "bytes=9-5", "bytes=-0"):
        async with asking(store, uri) as client:
            answer = await client.get("/", headers={"Range": asked})
        assert answer.status_code == 416
        assert answer.headers["Content-Range"] == f"bytes */{len(CONTENT)}"


async def test_a_folder_answers_as_ever(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    store = LocalArtifacts(tmp_path / "store")
    uri = store.put(tmp_path / "file", suffix=".bin").uri
    for headers, status, (start, end) in RANGES:
        async with asking(store, uri) as client:
            answer = await client.get("/", headers=headers)
        assert (answer.status_code, answer.content) == (status, CONTENT[start:end]), headers
        assert answer.headers.get_list("ETag") == [TAG]


async def test_where_it_is_allowed_a_signed_address_is_told(
    in_bucket: Environment, uri: str
) -> None:
    store = open_bucket(in_bucket(s3_signed_s=60))
    async with asking(store, uri) as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.headers["ETag"]) == (307, TAG)
    async with httpx.AsyncClient() as client:
        got = await client.get(answer.headers["Location"])
        unsigned = await client.get(answer.headers["Location"].partition("?")[0])
    assert (got.status_code, got.content) == (200, CONTENT)
    assert unsigned.status_code in {400, 403}
    async with asking(store, uri, {"Content-Security-Policy": "sandbox"}) as client:
        assert (await client.get("/")).content == CONTENT


async def test_a_head_is_answered_here(in_bucket: Environment, uri: str) -> None:
    store = open_bucket(in_bucket(s3_signed_s=60))
    async with asking(store, uri) as client:
        head = await client.head("/")
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(CONTENT)))


@pytest.mark.parametrize(
    ("mode", "status"), [("navigate", 307), ("cors", 200), ("same-origin", 200), ("no-cors", 200)]
)
async def test_scripts_of_pages_are_not_sent_elsewhere(
    in_bucket: Environment, uri: str, mode: str, status: int
) -> None:
    store = open_bucket(in_bucket(s3_signed_s=60))
    async with asking(store, uri) as client:
        answer = await client.get("/", headers={"Sec-Fetch-Mode": mode})
    assert answer.status_code == status
    if status == 200:
        assert answer.content == CONTENT
    else:
        assert "Sec-Fetch-Mode" in answer.headers.get_list("Vary"), "not kept for a script"


async def test_damage_is_never_sent(
    in_bucket: Environment, harmful: HarmfulProxy, tmp_path: Path, uri: str
) -> None:
    store = open_bucket(in_bucket(cache=tmp_path / "other", url=harmful.url))
    harmful.harm, harmful.only = "flip", "/objects/"
    async with asking(store, uri) as client:
        with pytest.raises(Damaged, match=uri):
            await client.get("/")
