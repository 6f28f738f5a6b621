"""The drill for a leaked key, as the runbook has it: every line of it is carried out."""

import asyncio
import csv
import io
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.cli import main
from shanhai_api.kit.state import ServiceState

RUNBOOK = Path(__file__).parents[3] / "docs/operations.md"
Command = Callable[[list[str]], str]


def steps(key: str) -> list[list[str]]:
    """The words of each line of the section, for a key."""
    section = RUNBOOK.read_text("utf-8").partition("### Leaked key\n")[2].partition("\n### ")[0]
    [block] = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return [shlex.split(line.replace("KEY", key), comments=True) for line in block.splitlines()]


@pytest.fixture
def command(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    monkeypatch.setenv("SHANHAI_DATABASE_URL", database_url)

    def run(words: list[str]) -> str:
        monkeypatch.setattr("sys.argv", words)
        # What the service has logged meanwhile is not the command's.
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert not ended.value.code, said.err
        return said.out

    return run


async def ask(client: httpx.AsyncClient, words: list[str]) -> httpx.Response:
    """What a line with `curl -s "$API/…" -H "Authorization: …"` asks."""
    assert words[:2] == ["curl", "-s"]
    assert words[3:] == ["-H", "Authorization: Bearer $ADMIN"]
    parts = urlsplit(words[2].removeprefix("$API"))
    return await client.get(f"{parts.path}?{parts.query}")


async def test_the_drill(
    app: FastAPI,
    state: ServiceState,
    admin: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    session: AsyncSession,
    command: Command,
) -> None:
    made = await admin.post("/keys", json={"name": "leaked", "scopes": ["admin"]})
    key, secret = made.json()["id"], made.json()["key"]
    thief = {"Authorization": f"Bearer {secret}"}
    booty = await anonymous.post("/keys", json={"name": "x", "scopes": ["read"]}, headers=thief)
    assert booty.status_code == 201

    revoke, show, done, tried, successor, listed = steps(key)
    assert await asyncio.to_thread(command, revoke) == f"{key} revoked\n"
    assert (await anonymous.get("/keys", headers=thief)).status_code == 401
    service: ServiceState = app.state.service
    await service.authenticator.tally.write()

    told = await asyncio.to_thread(command, show)
    assert "scopes     admin" in told
    assert "last used  2" in told
    assert "revoked    2" in told
    assert secret[13:] not in told

    rows = list(csv.DictReader(io.StringIO((await ask(admin, done)).text)))
    assert [(row["action"], row["table"], row["object"]) for row in rows] == [
        ("create", "api_key", booty.json()["id"])
    ]
    assert rows[0]["address"] == "127.0.0.1"

    [entry] = (await ask(admin, tried)).json()["entries"]
    assert entry["address"] == "127.0.0.1"
    assert entry["after"]["reason"] == "revoked key"
    assert entry["after"]["times"] == 1

    new = (await asyncio.to_thread(command, successor)).strip()
    works = await anonymous.get("/collections", headers={"Authorization": f"Bearer {new}"})
    assert works.status_code == 200
    names = [line.split()[0] for line in (await asyncio.to_thread(command, listed)).splitlines()]
    assert new[4:12] in names
    assert key not in names
