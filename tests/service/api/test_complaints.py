"""Complaints by anybody: a case of the region, photos without what cameras write, an answer."""

import io
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import read_today
from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.settings import ParticipationSettings, PublicSettings
from shanhai.vocabulary import ROLE_SCOPES, Role
from shanhai_api.kit.state import ServiceState
from tests.service.api.conftest import BASE
from tests.service.api.test_notices import PERSON, SECRET, solve
from tests.support.job_rows import add_region

pytestmark = pytest.mark.configured(
    participation=ParticipationSettings(secret=SecretStr(SECRET), work_bits=8, per_address=0)
)
PLACE = {"type": "Point", "coordinates": [118.05, 24.45]}
GPS, MAKER = 0x8825, 0x010F
Desk = dict[str, httpx.AsyncClient]


@pytest.fixture
async def desk(app: FastAPI, state: ServiceState, session: AsyncSession) -> AsyncIterator[Desk]:
    """A supervisor and an approver of the district, a supervisor of another, and the public."""
    for code, west in (("here", 118.0), ("there", 118.2)):
        await add_region(session, code, box=(west, 24.4, west + 0.1, 24.5))
    await session.execute(text("UPDATE region SET level = 'district'"))
    await session.commit()
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    found = {"public": httpx.AsyncClient(transport=transport, base_url=BASE)}
    for name, role, region in (
        ("supervisor", Role.SUPERVISOR, "here"),
        ("approver", Role.APPROVER, "here"),
        ("stranger", Role.SUPERVISOR, "there"),
    ):
        async with state.sessions.begin() as unit:
            key = await create_key(
                unit, name=name, scopes=sorted(ROLE_SCOPES[role]), roles=[RoleGiven(role, region)]
            )
        headers = {"Authorization": f"Bearer {key}"}
        found[name] = httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)
    yield found
    for client in found.values():
        await client.aclose()


async def complain(desk: Desk, session: AsyncSession, **members: Any) -> httpx.Response:
    given = (await desk["public"].get("/complaints/challenge")).json()
    body = {
        "kind": "dumping",
        "text": "河边倾倒建筑垃圾。",
        "seen_on": (await read_today(session)).isoformat(),
        "place": PLACE,
        "work": solve(given["challenge"], given["bits"]),
        **members,
    }
    return await desk["public"].post("/complaints", json=body)


def photo(**options: Any) -> bytes:
    """A photo that tells where it was made and with what."""
    picture = Image.effect_mandelbrot((64, 48), (-2, -1, 1, 1), 20).convert("RGB")
    exif = Image.Exif()
    exif[MAKER] = "Camera of Zhang"
    exif.get_ifd(GPS).update({1: "N", 2: (24.0, 27.0, 0.0), 3: "E", 4: (118.0, 3.0, 0.0)})
    out = io.BytesIO()
    picture.save(out, **{"format": "JPEG", "exif": exif, **options})
    return out.getvalue()


async def send(client: httpx.AsyncClient, receipt: str, content: bytes) -> httpx.Response:
    headers = {"Receipt": receipt, "Content-Type": "image/jpeg"}
    return await client.post("/complaints/photos", content=content, headers=headers)


async def the_case(desk: Desk) -> dict[str, Any]:
    listed = (await desk["supervisor"].get("/cases?source=public")).json()["cases"]
    assert len(listed) == 1
    return dict(listed[0])


async def test_a_complaint_becomes_a_case_and_is_answered(
    desk: Desk, session: AsyncSession, state: ServiceState
) -> None:
    public, supervisor, approver = desk["public"], desk["supervisor"], desk["approver"]
    made = await complain(desk, session, **PERSON, accuracy_m=50)
    assert made.status_code == 201, made.text
    assert made.json().keys() == {"state", "receipt"}
    receipt = made.json()["receipt"]
    taken = await send(public, receipt, photo())
    assert (taken.status_code, taken.json()) == (201, {"photos": 1})

    case = await the_case(desk)
    assert (case["region"], case["kind"], case["state"]) == ("here", "dumping", "new")
    assert case["area_ha"] == pytest.approx(3.14159 * 50 * 50 / 1e4, rel=0.02)
    assert (await desk["stranger"].get("/cases")).json()["cases"] == []
    path = f"/cases/{case['code']}"
    for who in ("public", "stranger"):
        for part in ("", "/complaint", "/contact"):
            assert (await desk[who].get(path + part)).status_code in {401, 404}
    said = (await supervisor.get(f"{path}/complaint")).json()
    assert (said["text"], said["photos"]) == ("河边倾倒建筑垃圾。", 1)
    contact = (await supervisor.get(f"{path}/contact")).json()
    assert {name: contact[name] for name in PERSON} == PERSON

    papers = (await supervisor.get(path)).json()["documents"]
    kept = await supervisor.get(papers[0]["file"].removeprefix(BASE))
    assert b"Zhang" not in kept.content
    with Image.open(io.BytesIO(kept.content)) as shown:
        assert (shown.size, dict(shown.getexif())) == ((64, 48), {})
    assert (await public.get(papers[0]["file"].removeprefix(BASE))).status_code == 404

    async def go(client: httpx.AsyncClient, **body: Any) -> httpx.Response:
        return await client.post(f"{path}/transitions", json=body)

    async def told() -> dict[str, Any]:
        return dict((await public.post("/receipts", json={"receipt": receipt})).json())

    assert (await told())["state"] == "received"
    assert (await go(supervisor, to="assigned", assignee="Li")).status_code == 201
    checked = {"to": "verified", "result": "not_change", "note": "已清运"}
    proof = [papers[0]["code"]]
    assert (await go(supervisor, **checked, documents=proof)).status_code == 201
    assert (await told())["state"] == "in_hand"
    silent = await go(approver, to="closed", note="核查完毕")
    assert silent.json()["errors"][0]["pointer"] == "/answer"
    closed = await go(approver, to="closed", note="核查完毕", answer="现场已清运，谢谢。")
    assert closed.status_code == 201, closed.text
    end = await told()
    assert (end["state"], end["reply"], end["about"]) == (
        "answered",
        "现场已清运，谢谢。",
        "complaint",
    )
    assert case["code"] not in str(end)
    assert (await send(public, receipt, photo())).status_code == 409, "it is closed"

    log = await session.execute(
        text("SELECT actor, action, object_table, a::text FROM audit_log a")
    )
    entries = log.all()
    # The log forgets nothing, so it has no address of who came without an identity.
    addressed = "SELECT DISTINCT actor FROM audit_log WHERE address IS NOT NULL"
    actors = set(await session.scalars(text(addressed)))
    assert "public" in {one[0] for one in entries} - actors
    assert ("supervisor", "read", "contact_detail") not in [one[:3] for one in entries]
    assert ("read", "contact_detail") in [one[1:3] for one in entries]
    assert not [one for one in entries if any(value in one[3] for value in PERSON.values())]
    gone = await public.post("/receipts", json={"receipt": receipt, "delete_contact": True})
    assert not gone.json()["contact_kept"]
    assert (await supervisor.get(f"{path}/contact")).status_code == 404


@pytest.mark.configured(public=PublicSettings(api_url=BASE))
async def test_anybody_may_complain_where_nothing_is_public(
    desk: Desk, session: AsyncSession
) -> None:
    public = desk["public"]
    assert (await public.get("/collections/regions/items")).status_code == 401
    page = await public.get("/complaints?f=html")
    assert page.status_code == 200
    assert "/complaints/challenge" in page.text
    made = await complain(desk, session)
    assert made.status_code == 201, made.text
    receipt = made.json()["receipt"]
    assert (await send(public, receipt, photo())).status_code == 201
    told = await public.post("/receipts", json={"receipt": receipt})
    assert told.json()["state"] == "received"


async def test_a_case_of_another_source_has_no_answer(desk: Desk, session: AsyncSession) -> None:
    assert (await complain(desk, session)).status_code == 201
    await session.execute(text("DELETE FROM complaint"))
    await session.commit()
    path = f"/cases/{(await the_case(desk))['code']}"
    assert (await desk["supervisor"].get(f"{path}/complaint")).status_code == 404
    body = {"to": "assigned", "assignee": "Li", "answer": "谢谢"}
    refused = await desk["supervisor"].post(f"{path}/transitions", json=body)
    assert refused.json()["errors"][0]["pointer"] == "/answer"


async def test_bad_complaints_open_no_case(desk: Desk, session: AsyncSession) -> None:
    today = await read_today(session)
    for bad, status in (
        ({"work": None}, 403),
        ({"text": "\u0007"}, 400),
        ({"kind": "noise"}, 400),
        ({"seen_on": (today + timedelta(days=1)).isoformat()}, 400),
        ({"seen_on": (today - timedelta(days=400)).isoformat()}, 400),
        ({"place": {"type": "Point", "coordinates": [100.0, 24.45]}}, 400),
        ({"accuracy_m": 501}, 400),
    ):
        answer = await complain(desk, session, **bad)
        assert answer.status_code == status, (bad, answer.text)
    assert await session.scalar(text("SELECT count(*) FROM lead_case")) == 0


async def test_photos_are_pictures_and_few(desk: Desk, session: AsyncSession) -> None:
    public = desk["public"]
    receipt = (await complain(desk, session)).json()["receipt"]
    for bad in (b"", b"<svg/>", b"%PDF-1.7", photo()[:200], photo(format="GIF", exif=b"")):
        assert (await send(public, receipt, bad)).status_code == 400, bad[:10]
    # A small file may stand for very many pixels: they are counted before any is read.
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    refused = await send(public, receipt, bomb.getvalue())
    assert refused.status_code == 400
    assert "40000000" in refused.json()["detail"]
    large = await send(public, receipt, b"\xff" * (10 * 1024**2 + 1))
    assert large.status_code == 413
    assert (await send(public, "unknown", photo())).status_code == 404
    told = [(await send(public, receipt, photo())).status_code for _ in range(6)]
    assert told == [*itertools.repeat(201, 5), 409]
