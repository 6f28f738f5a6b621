"""The file of a dataset: whole and in parts, who is given it, and what was replaced."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.zone import Region
from shanhai.validation import rfc3339
from shanhai.vocabulary import Role, Scope
from shanhai_api.kit.state import ServiceState
from tests.support.feature_rows import add_job
from tests.support.job_rows import add_dataset

ITEM = "/collections/datasets/items/city.dem"
FILE = f"{ITEM}/file"
CONTENT = bytes(range(256)) * 1000
OLD = b"as it was before" * 10


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
async def keep(session: AsyncSession, state: ServiceState, city: Region, tmp_path: Path) -> Any:
    async def kept(content: bytes = CONTENT, **values: Any) -> Dataset:
        path = tmp_path / "a.tif"
        path.write_bytes(content)
        stored = state.store.put(path, suffix=".tif")
        facts = {"uri": stored.uri, "checksum": stored.sha256, "bytes": stored.bytes}
        values = {"licence": "CC0-1.0", **facts, **values}
        row = await add_dataset(session, city, "dem", "city.dem", **values)
        await session.commit()
        return row

    return kept


async def test_moments_are_in_utc_as_everywhere(
    anonymous: httpx.AsyncClient, keep: Any, session: AsyncSession
) -> None:
    row = await keep()
    expected = rfc3339(row.created_at)
    for path in (ITEM, "/collections/datasets/items"):
        told = (await anonymous.get(path)).json()
        [feature] = told.get("features", [told])
        assert feature["properties"]["registered_at"] == expected


async def test_the_file_is_linked_and_comes_whole(anonymous: httpx.AsyncClient, keep: Any) -> None:
    await keep()
    links = (await anonymous.get(ITEM)).json()["links"]
    (link,) = (one for one in links if one["rel"] == "enclosure")
    answer = await anonymous.get(link["href"])
    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert answer.headers["ETag"] == f'"{sha256(CONTENT)}"'
    assert answer.headers["Content-Type"] == link["type"]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="city.dem.tif"'
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert (await anonymous.head(link["href"])).headers["Content-Length"] == str(len(CONTENT))
    assert f'{ITEM}>; rel="describedby"' in answer.headers["Link"]
    assert 'href="http://api.test' + FILE in (await anonymous.get(f"{ITEM}?f=html")).text


async def test_what_the_caller_has_is_not_sent_again(
    anonymous: httpx.AsyncClient, keep: Any
) -> None:
    await keep()
    etag = (await anonymous.head(FILE)).headers["ETag"]
    answer = await anonymous.get(FILE, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


async def test_parts(anonymous: httpx.AsyncClient, keep: Any) -> None:
    await keep()
    part = await anonymous.get(FILE, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, CONTENT[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(CONTENT)}"
    same = {"Range": "bytes=10-19", "If-Range": part.headers["ETag"]}
    assert (await anonymous.get(FILE, headers=same)).status_code == 206
    other = {"Range": "bytes=10-19", "If-Range": '"another"'}
    assert (await anonymous.get(FILE, headers=other)).content == CONTENT
    beyond = {"Range": f"bytes={len(CONTENT)}-"}
    assert (await anonymous.get(FILE, headers=beyond)).status_code == 416


async def test_who_may_not_see_a_dataset_has_no_file(
    anonymous: httpx.AsyncClient, reader: httpx.AsyncClient, keep: Any
) -> None:
    await keep(visibility="region")
    assert (await anonymous.get(FILE)).status_code == 404
    assert (await reader.get(FILE)).content == CONTENT


async def test_rasters_of_a_job_are_drafts_until_they_are_public(
    anonymous: httpx.AsyncClient, keep: Any, city: Region, session: AsyncSession
) -> None:
    job = await add_job(session, status="successful", task={"region": {"code": city.code}})
    former = {"deleted_at": datetime.now(UTC), "visibility": "region"}
    await keep(OLD, origin="computed", job_id=job.id, **former)
    await keep(origin="computed", job_id=job.id)
    callers = {}
    for role in (Role.VIEWER, Role.PLANNER):
        given = [RoleGiven(role, city.code)]
        key = await create_key(session, name=role, scopes=[Scope.READ], roles=given)
        callers[role] = {"Authorization": f"Bearer {key}"}
    for visibility in ("region", "signed_in", "public"):
        await session.execute(
            text("UPDATE dataset SET visibility = :seen WHERE deleted_at IS NULL"),
            {"seen": visibility},
        )
        await session.commit()
        for role, headers in callers.items():
            seen = visibility == "public" or role is Role.PLANNER
            for path in (ITEM, FILE):
                answer = await anonymous.get(path, headers=headers)
                assert answer.status_code == (200 if seen else 404), (visibility, role, path)
            listed = await anonymous.get("/collections/datasets/items", headers=headers)
            assert bool(listed.json()["features"]) == seen
            asked = {"sha256": sha256(OLD)}
            replaced = await anonymous.get(FILE, params=asked, headers=headers)
            assert replaced.status_code == (200 if role is Role.PLANNER else 404)


async def test_downloads_of_what_is_not_public_are_kept_in_the_log(
    anonymous: httpx.AsyncClient,
    reader: httpx.AsyncClient,
    keep: Any,
    session: AsyncSession,
) -> None:
    await keep()
    assert (await reader.get(FILE)).status_code == 200
    await session.execute(text("UPDATE dataset SET visibility = 'region'"))
    before = await session.scalar(text("SELECT coalesce(max(id), 0) FROM audit_log"))
    await session.commit()
    for headers in ({}, {"Range": "bytes=0-3"}, {"Range": "bytes=4-7"}):
        assert (await reader.get(FILE, headers=headers)).status_code in {200, 206}
    assert (await anonymous.get(FILE)).status_code == 404
    query = "SELECT object_table, object_id, after->>'sha256' FROM audit_log WHERE id > :id"
    told = (await session.execute(text(f"{query} AND action = 'download'"), {"id": before})).all()
    # Parts of a file that was downloaded within the hour are no further downloads.
    assert [tuple(row) for row in told] == [("dataset", "city.dem", sha256(CONTENT))]


async def test_without_a_licence_it_is_not_for_everybody(
    anonymous: httpx.AsyncClient, reader: httpx.AsyncClient, keep: Any
) -> None:
    await keep(licence=None)
    refused = await anonymous.get(FILE)
    assert refused.status_code == 401
    assert "licence" in refused.json()["detail"]
    assert (await reader.get(FILE)).content == CONTENT


class TestReplaced:
    async def test_a_former_file_is_had_by_its_checksum(
        self, anonymous: httpx.AsyncClient, keep: Any
    ) -> None:
        await keep(OLD, deleted_at=datetime.now(UTC))
        await keep()
        asked = {"sha256": sha256(OLD)}
        former = await anonymous.get(FILE, params=asked)
        assert former.content == OLD
        assert former.headers["ETag"] == f'"{sha256(OLD)}"'
        assert (await anonymous.get(FILE, params={"sha256": sha256(CONTENT)})).content == CONTENT
        assert (await anonymous.get(FILE)).content == CONTENT

    async def test_one_that_was_not_public_stays_so(
        self, anonymous: httpx.AsyncClient, reader: httpx.AsyncClient, keep: Any
    ) -> None:
        await keep(OLD, deleted_at=datetime.now(UTC), visibility="region")
        await keep()
        asked = {"sha256": sha256(OLD)}
        assert (await anonymous.get(FILE, params=asked)).status_code == 404
        assert (await reader.get(FILE, params=asked)).content == OLD

    async def test_of_a_deleted_dataset_there_is_none(
        self, reader: httpx.AsyncClient, keep: Any
    ) -> None:
        await keep(deleted_at=datetime.now(UTC))
        for asked in ({}, {"sha256": sha256(CONTENT)}):
            assert (await reader.get(FILE, params=asked)).status_code == 404

    @pytest.mark.parametrize(("asked", "status"), [("0" * 64, 404), ("nonsense", 400)])
    async def test_no_such_file(
        self, anonymous: httpx.AsyncClient, keep: Any, asked: str, status: int
    ) -> None:
        await keep()
        assert (await anonymous.get(FILE, params={"sha256": asked})).status_code == status
