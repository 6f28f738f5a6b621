"""Asking for an import of features: what is accepted, and what is refused before any work."""

from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.job import Job
from shanhai.vocabulary import Scope

IMPORT = "/processes/import-features/execution"


@pytest.fixture
async def editor(client_with: Any) -> httpx.AsyncClient:
    client: httpx.AsyncClient = await client_with(Scope.READ, Scope.WRITE, Scope.JOBS)
    return client


async def uploaded(client: httpx.AsyncClient) -> str:
    answer = await client.post("/uploads", content=b"code,name_zh\na,b\n")
    assert answer.status_code == 201, answer.text
    return str(answer.json()["upload"])


async def test_an_import_is_accepted_with_the_rights_of_who_asked(
    editor: httpx.AsyncClient, session: AsyncSession
) -> None:
    inputs = {"upload": await uploaded(editor), "collection": "regions"}
    answer = await editor.post(IMPORT, json={"inputs": inputs}, headers={"Prefer": "respond-async"})
    assert answer.status_code == 201, answer.text
    job = await session.get(Job, answer.json()["jobID"])
    assert job is not None
    assert job.task["authority"]["scopes"] == ["jobs", "read", "write"]


async def test_who_may_not_write_is_told_at_once(runner: httpx.AsyncClient) -> None:
    inputs = {"upload": await uploaded(runner), "collection": "regions"}
    answer = await runner.post(IMPORT, json={"inputs": inputs})
    assert answer.status_code == 403, answer.text


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"collection": "nonsense"}, "/inputs/collection"),
        ({"collection": "Regions; DROP"}, "/inputs/collection"),
        ({"mapping": {"A": "nonsense"}}, "/inputs/mapping/A"),
        ({"mode": "some"}, "/inputs/mode"),
        ({"encoding": "EBCDIC"}, "/inputs/encoding"),
        ({"checks": ["gap"]}, "/inputs/region"),
        ({"region": "nowhere"}, "/inputs/region"),
        ({"upload": "00000000-0000-0000-0000-000000000000"}, "/inputs/upload"),
        ({"nonsense": 1}, "/inputs/nonsense"),
    ],
)
async def test_faults_are_told_before_the_job_is_accepted(
    editor: httpx.AsyncClient, session: AsyncSession, changed: dict[str, Any], pointer: str
) -> None:
    inputs = {"upload": await uploaded(editor), "collection": "regions", **changed}
    answer = await editor.post(IMPORT, json={"inputs": inputs})
    assert answer.status_code == 400, answer.text
    assert pointer in {fault["pointer"] for fault in answer.json()["errors"]}


async def test_the_process_is_described(anonymous: httpx.AsyncClient) -> None:
    document = (await anonymous.get("/processes/import-features")).json()
    assert document["inputs"]["mode"]["schema"]["enum"] == ["all_or_nothing", "valid_rows", "check"]
    assert {"summary", "report", "table", "page"} <= document["outputs"].keys()
