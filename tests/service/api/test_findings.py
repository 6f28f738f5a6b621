"""What the checks find in a plan: who sees it, in which formats, and when they run again."""

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.quality.findings import check_and_keep
from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import seed_cities
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.zone import Zone
from shanhai.vocabulary import Scope
from shanhai_api.kit.state import ServiceState

FINDINGS = "/plans/banan-restoration-2021/findings"
WORDS = {"zh": "尚未检查", "en": "not checked yet"}


@pytest.fixture
async def seeded(state: ServiceState) -> AsyncIterator[AsyncSession]:
    """A session on a database with both cities, as their files have them."""
    async with state.sessions() as session:
        await seed_cities(session, ["xiamen", "banan"], [], act=Act("tester"))
        await session.commit()
        yield session


async def test_anyone_reads_the_findings_of_an_approved_plan(
    seeded: AsyncSession, anonymous: httpx.AsyncClient
) -> None:
    answer = await anonymous.get(FINDINGS, params={"lang": "en"})
    assert answer.status_code == 200
    document = answer.json()
    assert document["counts"]["high"] == 3
    assert sum(document["counts"].values()) == len(document["findings"])
    found = {finding["code"]: finding for finding in document["findings"]}
    gap = found["sum_mismatch.zones"]
    assert gap["figures"]["gap"] == 91.39
    assert gap["severity_name"] == "High"
    assert "5.01 %" in gap["text"]
    assert gap["text"] == gap["text_en"]
    assert document["findings"][0]["severity"] == "high"
    assert {"self", "alternate", "up"} == {link["rel"] for link in document["links"]}


async def test_page_is_in_the_language_of_the_reader(
    seeded: AsyncSession, anonymous: httpx.AsyncClient
) -> None:
    chinese = await anonymous.get(FINDINGS, params={"f": "html", "lang": "zh"})
    english = await anonymous.get(FINDINGS, params={"f": "html", "lang": "en"})
    assert chinese.headers["content-type"].startswith("text/html")
    assert "相差 91.39 km²" in chinese.text
    assert "91.39 km² (5.01 %) differ" in english.text
    assert "<script" not in english.text


async def test_table_holds_every_finding(
    seeded: AsyncSession, anonymous: httpx.AsyncClient
) -> None:
    count = len((await anonymous.get(FINDINGS)).json()["findings"])
    answer = await anonymous.get(FINDINGS, params={"f": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == count
    assert {"code", "text_zh", "text_en", "figures"} <= rows[0].keys()


async def test_a_plan_that_was_never_checked_says_so(
    seeded: AsyncSession, admin: httpx.AsyncClient
) -> None:
    plan = (await seeded.scalars(select(Plan).where(Plan.code == "banan-restoration-2021"))).one()
    assert (await admin.get(FINDINGS)).json()["checked"] is True
    earlier = (await admin.get(FINDINGS, params={"as_of": "2022-01-01"})).json()
    assert (earlier["checked"], earlier["findings"]) == (False, [])
    for statement in ("data_finding_history", "data_finding", "plan_check"):
        await seeded.execute(text(f"DELETE FROM {statement} WHERE plan_id = {plan.id}"))
    await seeded.commit()
    never = (await admin.get(FINDINGS)).json()
    assert (never["checked"], never["findings"]) == (False, [])
    page = {lang: await admin.get(FINDINGS, params={"f": "html", "lang": lang}) for lang in WORDS}
    for lang, words in WORDS.items():
        assert words in page[lang].text
    await check_and_keep(seeded, plan.id)
    await seeded.commit()
    assert (await admin.get(FINDINGS)).json()["checked"] is True


@pytest.mark.parametrize("plan", ["atlantis", "a%00b"])
async def test_unknown_plan(seeded: AsyncSession, anonymous: httpx.AsyncClient, plan: str) -> None:
    assert (await anonymous.get(f"/plans/{plan}/findings")).status_code == 404


async def test_plan_nobody_may_know_of_has_no_findings(
    seeded: AsyncSession, anonymous: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    plan = (await seeded.scalars(select(Plan).where(Plan.code == "xiamen-vanguard-2025"))).one()
    plan.status = "draft"
    await seeded.commit()
    path = "/plans/xiamen-vanguard-2025/findings"
    assert (await anonymous.get(path)).status_code == 404
    assert (await admin.get(path)).status_code == 200


async def test_checks_run_again_on_figures_as_they_are_now(
    seeded: AsyncSession, admin: httpx.AsyncClient
) -> None:
    zone = (await seeded.scalars(select(Zone).where(Zone.code == "banan.zone.southeast"))).one()
    zone.attrs = {**zone.attrs, "stated_area_km2": 1248.63}
    await seeded.commit()
    answer = await admin.post(FINDINGS, headers={"Idempotency-Key": "once"})
    assert answer.status_code == 200
    assert answer.json()["changed"] == 1
    again = await admin.post(FINDINGS, headers={"Idempotency-Key": "once"})
    assert again.json() == answer.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await admin.post(FINDINGS, headers={"Idempotency-Key": "once"}, content=b"{}")
    assert other.status_code == 422
    codes = [finding["code"] for finding in (await admin.get(FINDINGS)).json()["findings"]]
    assert "sum_mismatch.zones" not in codes
    entries = await seeded.scalar(
        select(func.count()).select_from(AuditLog).where(AuditLog.action == "check")
    )
    assert entries == 1


async def test_who_may_not_write_may_not_check(
    seeded: AsyncSession, anonymous: httpx.AsyncClient, reader: httpx.AsyncClient
) -> None:
    assert (await anonymous.post(FINDINGS)).status_code == 401
    assert (await reader.post(FINDINGS)).status_code == 403


async def test_writers_may_check_known_plans_only(
    seeded: AsyncSession, client_with: Callable[..., Awaitable[httpx.AsyncClient]]
) -> None:
    writer = await client_with(Scope.READ, Scope.WRITE)
    assert (await writer.post(FINDINGS)).json()["changed"] == 0
    assert (await writer.post("/plans/atlantis/findings")).status_code == 404
