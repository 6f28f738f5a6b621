"""`POST /observations`: every format, bad rows beside good ones, bodies that are refused whole."""

import gzip
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from shanhai.vocabulary import Scope
from shanhai_api.kit.body import JSON_LIMIT_BYTES
from shanhai_api.kit.state import ServiceState
from tests.service.api.conftest import MakeClient
from tests.support.observation_rows import add_station, forget_observations

GOOD: dict[str, Any] = {
    "station": "s1",
    "property": "pm25",
    "time": "2026-03-01T08:00:00+08:00",
    "value": 35,
}
MIB = 1024**2


@pytest.fixture
async def feed(state: ServiceState, client_with: MakeClient) -> httpx.AsyncClient:
    """A client that may send observations, of which there are none."""
    async with state.sessions.begin() as session:
        await forget_observations(session)
        await add_station(session, "s1")
        await add_station(session, "s2", since=date(2026, 1, 1))
    return await client_with(Scope.OBSERVE)


async def count(state: ServiceState) -> int:
    async with state.sessions() as session:
        return int(await session.scalar(text("SELECT count(*) FROM observation")) or 0)


def at(hour: int, **other: Any) -> dict[str, Any]:
    return {**GOOD, "time": f"2026-03-01T{hour:02d}:00:00Z", **other}


def lines(*rows: Any) -> bytes:
    return b"\n".join(row if isinstance(row, bytes) else orjson.dumps(row) for row in rows)


async def send(
    client: httpx.AsyncClient, body: bytes, media_type: str = "application/x-ndjson", **headers: str
) -> httpx.Response:
    return await client.post(
        "/observations", content=body, headers={"Content-Type": media_type, **headers}
    )


def counted(answer: httpx.Response) -> tuple[int, int, int, int]:
    assert answer.status_code == 202, answer.text
    told = answer.json()
    return told["accepted"], told["duplicates"], told["revised"], told["rejected_count"]


async def test_one_many_lines_and_csv(feed: httpx.AsyncClient, state: ServiceState) -> None:
    assert counted(await feed.post("/observations", json=GOOD)) == (1, 0, 0, 0)
    assert counted(await feed.post("/observations", json=[GOOD, at(1)])) == (1, 1, 0, 0)
    body = lines(at(1, value=36), at(2), b"", at(3, unit="mg/m3", value=0.04)) + b"\r\n"
    assert counted(await send(feed, body)) == (2, 0, 1, 0)
    table = (
        "\ufeffvalue,time,property,station,quality\r\n"
        '41,2026-03-01T04:00:00Z,pm25,s1,\r\n"42",2026-03-01 05:00:00Z,a34004,s1,M\r\n'
    )
    assert counted(await send(feed, table.encode(), "text/csv; charset=utf-8")) == (2, 0, 0, 0)
    packed = gzip.compress(lines(at(6))) + gzip.compress(b"\n" + lines(at(7)))
    assert counted(await send(feed, packed, **{"Content-Encoding": "gzip"})) == (2, 0, 0, 0)
    async with state.sessions() as session:
        stored = await session.execute(
            text("SELECT value, quality FROM observation ORDER BY observed_at")
        )
        assert [tuple(row) for row in stored] == [
            (35, 0),
            (36, 0),
            (35, 0),
            (40, 0),
            (41, 0),
            (42, 2),
            (35, 0),
            (35, 0),
        ]


async def test_rows_that_break_a_rule_are_named_and_the_others_kept(
    feed: httpx.AsyncClient, state: ServiceState
) -> None:
    ahead = (datetime.now(UTC) + timedelta(minutes=6)).isoformat()
    bad: list[tuple[Any, str, str]] = [
        (b"{broken", "", "is not valid JSON"),
        (b"[1, 2]", "", "must be an object"),
        (at(0, station="none"), "/station", "no station 'none' is known"),
        (at(0, property="none"), "/property", "no property 'none' is known"),
        (at(0, unit="m/s"), "/unit", "'m/s' is no unit of pm25"),
        (at(0, unit=7), "/unit", "must be a text"),
        (at(0, quality="?"), "/quality", "'?' is no quality"),
        (at(0, time="yesterday"), "/time", "'yesterday' is not a time of RFC 3339"),
        (at(0, time="2026-03-01T08:00:00"), "/time", "is not a time of RFC 3339"),
        (at(0, time="2026-02-30T08:00:00Z"), "/time", "is not a time of RFC 3339"),
        (at(0, time="0001-01-01T00:00:00+14:00"), "/time", "is before 1950"),
        (at(0, time=ahead), "/time", "is more than 300 s ahead of the clock"),
        (at(0, station="s2", time="2025-12-31T15:59:59Z"), "/time", "before the station began"),
        (at(0, value="1"), "/value", "must be a number"),
        (at(0, value=True), "/value", "must be a number"),
        (at(0, value=None), "/value", "must be a number"),
        (lines(at(0)).replace(b"35", b"NaN"), "", "is not valid JSON"),
        (lines(at(0)).replace(b"35", b"1e999"), "", ""),
        (lines(at(0)).replace(b"35", b"1" + b"0" * 400), "", ""),
        (at(0, colour="red"), "/colour", "is no member of an observation"),
        ({"station": "s1"}, "/property", "is missing"),
        (at(0, station=""), "/station", "must be a text of 1 to 200 characters"),
        (at(0, station="\x00"), "/station", "no station"),
    ]
    answer = await send(feed, lines(*(row for row, _, _ in bad), GOOD))
    assert counted(answer) == (1, 0, 0, len(bad))
    for (row, pointer, detail), told in zip(bad, answer.json()["rejected"], strict=True):
        assert told["index"] == [one for one, _, _ in bad].index(row)
        if pointer or detail:
            assert told["pointer"] == pointer
            assert detail in told["detail"]
    assert await count(state) == 1
    zh = await feed.post("/observations?lang=zh", json=at(0, station="none"))
    assert zh.json()["rejected"][0]["detail"] == "没有站点 'none'"


async def test_broken_rows_of_csv_are_named(feed: httpx.AsyncClient, state: ServiceState) -> None:
    table = b"\n".join(
        (
            b"station,property,time,value",
            b"s1,pm25,2026-03-01T00:00:00Z,1",
            b"s1,pm25,2026-03-01T01:00:00Z",
            b's1,pm25,"2026-03-01T02:00:00Z,1',
            b"s1,pm25,2026-03-01T03:00:00Z,nan",
            b"s1,pm25,2026-03-01T03:00:00Z,1_0",
            b"\xff\xfe,pm25,2026-03-01T04:00:00Z,1",
            b"s1,pm25,2026-03-01T05:00:00Z,-1e-3",
        )
    )
    answer = await send(feed, table, "text/csv")
    assert counted(answer) == (2, 0, 0, 5)
    told = [(row["index"], row["pointer"]) for row in answer.json()["rejected"]]
    assert told == [(1, ""), (2, ""), (3, "/value"), (4, "/value"), (5, "")]
    assert await count(state) == 2


@pytest.mark.parametrize(
    ("header", "value"), [("Content-Type", "text/plain"), ("Content-Encoding", "br")]
)
async def test_a_form_that_is_not_taken_is_told_in_the_language_asked_for(
    feed: httpx.AsyncClient, header: str, value: str
) -> None:
    given = {"Content-Type": "text/csv", "Accept-Language": "zh", header: value}
    answer = await feed.post("/observations", content=b"x", headers=given)
    assert answer.status_code == 415
    detail = answer.json()["detail"]
    assert detail.startswith(f"{header} 须为")
    assert detail.endswith(f"给出的是 {value}")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"station,property,time\ns1,pm25,2026-03-01T00:00:00Z", {"Content-Type": "text/csv"}, 400),
        (b"a,b\n1,2", {"Content-Type": "text/csv"}, 400),
        (b"[", {"Content-Type": "application/json"}, 400),
        (b"7", {"Content-Type": "application/json"}, 400),
        (b"x", {"Content-Type": "text/plain"}, 415),
        (b"x", {"Content-Encoding": "br"}, 415),
        (b"no gzip", {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(lines(GOOD), mtime=0)[:-4], {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(lines(GOOD), mtime=0) + b"more", {"Content-Encoding": "gzip"}, 400),
        (lines(GOOD) + b"\n" + b"{" * 70_000, {}, 400),
        (b"[" + b" " * JSON_LIMIT_BYTES + b"]", {"Content-Type": "application/json"}, 413),
    ],
)
async def test_bodies_that_are_refused_whole(
    feed: httpx.AsyncClient, state: ServiceState, body: bytes, headers: dict[str, str], status: int
) -> None:
    given = {"Content-Type": "application/x-ndjson", **headers}
    answer = await feed.post("/observations", content=body, headers=given)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await count(state) == 0


async def test_a_bomb_is_refused_before_it_unfolds(
    feed: httpx.AsyncClient, state: ServiceState
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        good = lines(GOOD) + b"\n"
        yield packer.compress(good)
        for _ in range(4096):  # 4 GiB of blank lines in 4 MB
            yield packer.compress(b"\n" * MIB)

    answer = await feed.post(
        "/observations",
        content=endless(),
        headers={"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"},
    )
    assert answer.status_code == 413
    declared = await feed.post(
        "/observations",
        content=b"x",
        headers={"Content-Type": "application/x-ndjson", "Content-Length": str(2 * 1024**3)},
    )
    assert declared.status_code == 413
    assert await count(state) == 0


async def test_many_refused_rows_are_counted(feed: httpx.AsyncClient) -> None:
    answer = await send(feed, lines(*(at(0, station=f"no{number}") for number in range(1_500))))
    assert counted(answer) == (0, 0, 0, 1_500)
    assert [row["index"] for row in answer.json()["rejected"]] == list(range(1_000))


async def test_the_same_key_stores_once(feed: httpx.AsyncClient, state: ServiceState) -> None:
    key = {"Idempotency-Key": "batch-1"}
    first = await send(feed, lines(GOOD), **key)
    again = await send(feed, lines(GOOD), **key)
    assert counted(first) == counted(again) == (1, 0, 0, 0)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await send(feed, lines(at(1)), **key)).status_code == 422
    assert await count(state) == 1


async def test_who_may_not_observe_is_refused(
    app: FastAPI, anonymous: httpx.AsyncClient, reader: httpx.AsyncClient
) -> None:
    assert (await send(anonymous, lines(GOOD))).status_code == 401
    assert (await send(reader, lines(GOOD))).status_code == 403
