"""Cases below HTTP: two senders of one lead, and events that stay in step with the case."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest
from shapely import MultiPolygon, box
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from shanhai.db.cases.leads import CaseRule, Lead, LeadOutcome, receive_lead
from shanhai.db.changes import read_changes, read_head
from shanhai.db.collections.catalogue import entity_named
from shanhai.db.engine import Sessions
from shanhai.db.identity import Identity, Viewer
from shanhai.db.migrate import upgrade
from shanhai.db.queries.audit import Act
from shanhai.db.queries.audit_chain import verify_chain
from shanhai.db.tables.control import CaseEvent, LeadCase
from shanhai.db.tables.provision import Document
from shanhai.vocabulary import Scope
from tests.support.databases import downgrade
from tests.support.emptying import forget_rows
from tests.support.job_rows import add_region
from tests.support.known_lines import red_line

SHAPE = box(118.02, 24.42, 118.03, 24.43)
LEAD = Lead(
    source="satellite",
    external_id="1",
    kind="mining",
    sensed_before=date(2025, 1, 1),
    sensed_after=date(2025, 6, 1),
    confidence=None,
    wkb=MultiPolygon([SHAPE]).wkb,
)
RULE = CaseRule({"red_line": 400.0}, 15)
FEED = Identity("feed", frozenset({Scope.OBSERVE}))


@pytest.fixture(autouse=True)
async def line_in_no_district(sessions: Sessions) -> AsyncIterator[None]:
    """Sessions on a database with a red line in no district."""
    async with sessions.begin() as session:
        await forget_rows(session, ["lead_case", "region"])
        city = await add_region(session, "city")
        line = red_line(city, SHAPE)
        session.add(line)
    yield
    async with sessions.begin() as session:
        await forget_rows(session, ["lead_case", "region"])


async def receive(sessions: Sessions) -> LeadOutcome:
    async with sessions.begin() as session:
        return await receive_lead(session, FEED, Act("feed"), LEAD, RULE)


async def test_two_senders_of_one_lead_open_one_case(sessions: Sessions) -> None:
    async with asyncio.timeout(20):
        received = await asyncio.gather(*(receive(sessions) for _ in range(4)))
    assert sorted(item.outcome for item in received) == ["duplicate"] * 3 + ["opened"]
    assert len({item.case for item in received}) == 1
    async with sessions() as session:
        case = (await session.scalars(select(LeadCase))).one()
        event = (await session.scalars(select(CaseEvent))).one()
    assert case.region_id is None
    # An equatorial degree is 111.3 km; at 24.425 N a hundredth of one spans 1013 m by 1108 m.
    assert case.inside_m2 == pytest.approx(1013.6 * 1107.8, rel=1e-3)
    assert case.inside_m2 == pytest.approx(case.area_m2)
    assert (event.seq, event.to_state, event.due_on) == (1, "new", case.due_on)


async def test_what_is_rolled_back_opens_no_case(sessions: Sessions) -> None:
    async with sessions() as session:
        assert (await receive_lead(session, FEED, Act("feed"), LEAD, RULE)).outcome == "opened"
        await session.rollback()
    assert (await receive(sessions)).outcome == "opened"


@pytest.mark.parametrize("change", ["UPDATE case_event SET note = 'x'", "DELETE FROM case_event"])
async def test_what_happened_stays(sessions: Sessions, change: str) -> None:
    await receive(sessions)
    async with sessions() as session:
        with pytest.raises(DBAPIError, match="append-only"):
            await session.execute(text(change))


async def test_papers_that_stayed_behind_go_to_the_region_of_their_case(
    fresh_sessions: Sessions, fresh_database_url: str
) -> None:
    """When the database is upgraded: cases were once handed over without their documents."""
    async with fresh_sessions.begin() as session:
        city, former, present = [await add_region(session, code) for code in "abc"]
        session.add(red_line(city, SHAPE))
    case = (await receive(fresh_sessions)).case
    async with fresh_sessions.begin() as session:
        (await session.scalars(select(LeadCase))).one().region_id = present.id
        told = {"title_zh": "现场", "kind": "photo", "filename": "a.png", "media_type": "image/png"}
        kept = {"bytes": 1, "sha256": "0" * 64, "uri": "objects/a", "uploaded_by": "test", **told}
        for code, owner, region, more in (
            ("behind", case, former, {}),
            ("deleted", case, former, {"deleted_at": datetime.now(UTC)}),
            ("there", case, present, {}),
            ("of-another", "case-of-another", former, {}),
        ):
            whose = {"owner_collection": "cases", "owner_code": owner, "region_id": region.id}
            session.add(Document(code=code, visibility="region", **whose, **kept, **more))
    async with fresh_sessions() as session:
        since = await read_head(session)
    await asyncio.to_thread(downgrade, fresh_database_url, "0097")
    for _ in range(2):
        await asyncio.to_thread(upgrade, fresh_database_url)
    async with fresh_sessions() as session:
        rows = await session.scalars(select(Document).order_by(Document.code))
        assert {row.code: (row.region_id, row.row_version) for row in rows} == {
            "behind": (present.id, 2),
            "deleted": (former.id, 1),
            "of-another": (former.id, 1),
            "there": (present.id, 1),
        }
        for region, kind in ((former, "deleted"), (present, "updated"), (city, None)):
            own = frozenset({region.id})
            viewer, documents = Viewer(True, own, own, own), [entity_named("documents")]
            page = await read_changes(session, viewer, documents, after=since, limit=9)
            changes = [(one.code, one.kind, one.row_version) for one in page.changes]
            assert changes == ([] if kind is None else [("behind", kind, 2)])
    async with fresh_sessions() as session:
        await verify_chain(session)
