"""Measures and money of a project: amounts, earmarks, balances, and two who pay at once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import read_today
from shanhai.db.identity import Identity
from shanhai.db.projects.funds import NewEntry, add_entry, list_balances, list_entries
from shanhai.db.queries.audit import Act
from shanhai.db.tables.indicator import Indicator
from shanhai.db.tables.zone import Region
from shanhai.errors import Conflict
from shanhai.vocabulary import Role, Scope
from tests.support.job_rows import open_sessions
from tests.support.projects import PROJECT, add_measures, add_project, add_source

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

People = dict[str, httpx.AsyncClient]
MakeClient = Callable[..., Awaitable[httpx.AsyncClient]]
PATH = f"/projects/{PROJECT}"
FUNDS, MEASURES = f"{PATH}/funds", f"{PATH}/measures"
ADMIN = Identity("admin", frozenset({Scope.ADMIN}))


async def funded(
    session: AsyncSession, *, allowed: list[str] | None = None, state: str = "implementation"
) -> int:
    """A project with two measures and a source of 1000.00."""
    row = await add_project(session, state=state)
    await add_measures(session, row, done=None)
    await add_source(session, allowed=allowed)
    await session.commit()
    return row.id


def entry(kind: str, amount: Any, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "source": "central-2024", "amount": amount, **more}


async def test_a_source_of_a_former_day_has_the_entries_of_then(
    people: People, session: AsyncSession
) -> None:
    await funded(session)
    await session.execute(
        text(
            "UPDATE fund_source SET valid_from = current_date - 9,"
            " created_at = now() - interval '9 days'"
        )
    )
    for kind, amount, days in (("allocation", 600, 6), ("payment", 100, 3), ("return", 50, 0)):
        await session.execute(
            text(
                "INSERT INTO fund_entry (source_id, project_id, kind, amount, actor, paid_on,"
                " created_at) SELECT s.id, p.id, :kind, :amount, 'tester', '2025-03-01',"
                " now() - make_interval(days => :days)"
                " FROM fund_source s, project p"
            ),
            {"kind": kind, "amount": Decimal(amount), "days": days},
        )
    await session.commit()
    today = await read_today(session)
    for days, told in (
        (7, ("0.00", "0.00")),
        (6, ("600.00", "0.00")),
        (3, ("600.00", "100.00")),
        (0, ("550.00", "100.00")),
    ):
        asked = {"as_of": str(today - timedelta(days=days))}
        shown = (await people["viewer"].get("/fund-sources/central-2024", params=asked)).json()
        assert (shown["allocated"], shown["paid"]) == told, days


async def test_a_project_with_entries_is_not_deleted(people: People, session: AsyncSession) -> None:
    await funded(session, state="draft")
    assert (await people["planner"].post(FUNDS, json=entry("allocation", "600"))).is_success
    refused = await people["planner"].delete(f"/collections/projects/items/{PROJECT}")
    assert refused.status_code == 409, refused.text
    assert "ledger" in refused.json()["detail"]
    # What it has of the source can still be given back.
    assert (await people["owner"].post(FUNDS, json=entry("return", "600"))).status_code == 201


async def test_money_goes_to_a_project_and_out_of_it(
    people: People, session: AsyncSession, anonymous: httpx.AsyncClient
) -> None:
    await funded(session)
    made = await people["planner"].post(FUNDS, json=entry("allocation", "600.10"))
    assert made.status_code == 201, made.text
    assert made.json()["amount"] == "600.10"
    paid = await people["owner"].post(
        FUNDS, json=entry("payment", 100.1, measure="tree_planting", paid_on="2025-03-01")
    )
    assert paid.status_code == 201, paid.text
    back = await people["owner"].post(FUNDS, json=entry("return", "200"))
    assert back.status_code == 201, back.text

    ledger = (await people["viewer"].get(FUNDS)).json()
    assert [item["kind"] for item in ledger["entries"]] == ["allocation", "payment", "return"]
    sums = {"allocated": "400.10", "paid": "100.10", "balance": "300.00"}
    assert {name: ledger[name] for name in sums} == sums
    assert ledger["by_year"] == [{"year": 2024, **sums}]
    assert {name: ledger["by_source"][0][name] for name in sums} == sums
    assert (await anonymous.get(FUNDS)).status_code == 401
    source = (await people["viewer"].get("/fund-sources/central-2024")).json()
    assert (source["allocated"], source["paid"]) == ("400.10", "100.10")
    with pytest.raises(DBAPIError, match="append-only"):
        await session.execute(text("DELETE FROM fund_entry"))


async def test_money_and_who_moved_it_are_for_who_has_a_role_in_the_region(
    people: People, with_role: MakeClient, session: AsyncSession
) -> None:
    await funded(session)
    made = await people["planner"].post(FUNDS, json=entry("allocation", "600.10"))
    assert made.status_code == 201, made.text
    paused = {"to": "suspended", "note": "floods"}
    step = await people["supervisor"].post(f"{PATH}/transitions", json=paused)
    assert step.status_code in {200, 201}, step.text
    foreign = await with_role(Role.PLANNER, "elsewhere")
    for path in (FUNDS, f"{PATH}/application"):
        assert (await people["viewer"].get(path)).status_code == 200
        assert (await foreign.get(path)).status_code == 403
    own, theirs = [(await who.get(PATH)).json() for who in (people["viewer"], foreign)]
    assert own["funds"]["allocated"] == "600.10"
    assert theirs["funds"] is None
    for who, note in ((people["viewer"], "floods"), (foreign, None)):
        for path in (f"{PATH}/events", PATH):
            event = (await who.get(path)).json()["events"][-1]
            assert event["note"] == note
            assert (event["actor"] is None) == (note is None)


async def test_what_is_not_there_is_not_moved(
    people: People, session: AsyncSession, admin: httpx.AsyncClient
) -> None:
    await funded(session)
    for who, kind, amount in (
        ("planner", "allocation", "1000.01"),
        ("owner", "payment", "0.01"),
        ("owner", "return", "0.01"),
    ):
        answer = await people[who].post(FUNDS, json=entry(kind, amount))
        assert answer.status_code == 409, kind
        assert answer.json()["errors"][0]["pointer"] == "/amount"
    assert (await people["planner"].post(FUNDS, json=entry("allocation", 1000))).status_code == 201
    over = await people["owner"].post(FUNDS, json=entry("payment", "1000.01"))
    assert over.status_code == 409
    assert "1000.00" in over.json()["detail"]
    lowered = await admin.patch("/fund-sources/central-2024", json={"amount": 999.99})
    assert lowered.status_code == 409
    assert (await admin.delete("/fund-sources/central-2024")).status_code == 409


async def test_earmarked_money_is_for_its_measures_only(
    people: People, session: AsyncSession
) -> None:
    await funded(session, allowed=["mine_restoration"])
    given = await people["planner"].post(FUNDS, json=entry("allocation", "500"))
    assert given.status_code == 201
    for measure in (None, "tree_planting"):
        refused = await people["owner"].post(FUNDS, json=entry("payment", "1", measure=measure))
        assert refused.status_code == 409, measure
        assert refused.json()["errors"][0]["pointer"] == "/measure"
    wrong = await people["planner"].post(
        FUNDS, json=entry("allocation", "1", measure="tree_planting")
    )
    assert wrong.status_code == 409
    right = await people["owner"].post(
        FUNDS, json=entry("payment", "1", measure="mine_restoration")
    )
    assert right.status_code == 201
    unknown = await people["owner"].post(FUNDS, json=entry("payment", "1", measure="dredging"))
    assert unknown.status_code == 400
    await session.execute(text("UPDATE fund_source SET allowed_measures = '{dredging}'"))
    await session.commit()
    none = await people["planner"].post(FUNDS, json=entry("allocation", "1"))
    assert none.status_code == 409


async def test_nothing_is_paid_before_approval_or_after_the_end(
    people: People, session: AsyncSession
) -> None:
    await funded(session, state="approved")
    assert (await people["planner"].post(FUNDS, json=entry("allocation", 10))).status_code == 201
    for state in ("draft", "proposed", "reserve", "closed", "cancelled"):
        await session.execute(text("UPDATE project SET state = :state"), {"state": state})
        await session.commit()
        paid = await people["owner"].post(FUNDS, json=entry("payment", 1))
        assert paid.status_code == 409, state
    # What is left of a project that was given up still goes back.
    assert (await people["approver"].post(FUNDS, json=entry("return", 10))).status_code == 201
    assert (await people["planner"].post(FUNDS, json=entry("allocation", 1))).status_code == 409


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (entry("payment", "0"), "/amount"),
        (entry("payment", -1), "/amount"),
        (entry("payment", "1.001"), "/amount"),
        (entry("payment", "NaN"), "/amount"),
        (entry("payment", 1e20), "/amount"),
        (entry("payment", 12345678901234.56), "/amount"),
        (entry("gift", "1"), "/kind"),
        ({**entry("payment", "1"), "source": "none"}, "/source"),
        (entry("payment", "1", paid_on="yesterday"), "/paid_on"),
        (entry("payment", "1", measure="tree_planting", paid_on="2199-01-01"), "/paid_on"),
        ({"kind": "payment"}, "/amount"),
    ],
)
async def test_bad_entries(
    people: People, session: AsyncSession, body: dict[str, Any], pointer: str
) -> None:
    await funded(session)
    answer = await people["owner"].post(FUNDS, json=body)
    assert answer.status_code == 400, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


async def test_who_promises_money_does_not_spend_it(people: People, session: AsyncSession) -> None:
    await funded(session)
    for kind, may in (
        ("allocation", {"planner", "approver"}),
        ("payment", {"owner"}),
        ("return", {"owner", "approver"}),
    ):
        for name, person in people.items():
            answer = await person.post(FUNDS, json=entry(kind, "2000"))
            assert answer.status_code == (409 if name in may else 403), (kind, name)


async def test_a_payment_is_made_once_per_key(people: People, session: AsyncSession) -> None:
    await funded(session)
    await people["planner"].post(FUNDS, json=entry("allocation", 10))
    answers = [
        await people["owner"].post(
            FUNDS, json=entry("payment", amount), headers={"Idempotency-Key": "payment-1"}
        )
        for amount in (6, 6, 7)
    ]
    assert [answer.status_code for answer in answers] == [201, 201, 422]
    assert (await people["owner"].get(FUNDS)).json()["paid"] == "6.00"


async def test_of_payments_at_once_no_more_pass_than_there_is_money_for(
    people: People, session: AsyncSession
) -> None:
    await funded(session)
    await people["planner"].post(FUNDS, json=entry("allocation", 10))
    answers = await asyncio.gather(
        *(people["owner"].post(FUNDS, json=entry("payment", 4)) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409]
    ledger = (await people["owner"].get(FUNDS)).json()
    assert (ledger["paid"], ledger["balance"]) == ("8.00", "2.00")


async def test_money_of_another_region_is_not_there_for_who_may_not_read_of_it(
    people: People, with_role: MakeClient, session: AsyncSession
) -> None:
    await funded(session)
    await session.execute(
        text("UPDATE fund_source SET region_id = (SELECT id FROM region WHERE code = 'elsewhere')")
    )
    await session.commit()
    assert (await people["planner"].get("/fund-sources/central-2024")).status_code == 404
    for who, kind in (("planner", "allocation"), ("owner", "payment"), ("owner", "return")):
        answer = await people[who].post(FUNDS, json=entry(kind, "2000"))
        assert answer.status_code == 400, (kind, answer.text)
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/source"]
        assert "1000" not in answer.text
    viewing = await with_role(Role.PLANNER, also=[(Role.VIEWER, "elsewhere")])
    assert (await viewing.get("/fund-sources/central-2024")).status_code == 200
    refused = await viewing.post(FUNDS, json=entry("allocation", "2000"))
    assert refused.status_code == 403, refused.text
    assert "1000" not in refused.text
    both = await with_role(Role.PLANNER, also=[(Role.APPROVER, "elsewhere")])
    made = await both.post(FUNDS, json=entry("allocation", "500"))
    assert made.status_code == 201, made.text
    # What the project was given is spent by its owner, who sees it in the ledger.
    assert (await people["owner"].post(FUNDS, json=entry("payment", "100"))).status_code == 201
    assert (await people["owner"].post(FUNDS, json=entry("return", "400"))).status_code == 201


async def test_a_source_that_has_ended_gives_no_more(people: People, session: AsyncSession) -> None:
    await funded(session)
    assert (await people["planner"].post(FUNDS, json=entry("allocation", "500"))).status_code == 201
    await session.execute(text("UPDATE fund_source SET valid_to = current_date"))
    await session.commit()
    ended = await people["planner"].post(FUNDS, json=entry("allocation", "1"))
    assert ended.status_code == 400, ended.text
    assert ended.json()["errors"][0]["pointer"] == "/source"
    assert (await people["owner"].post(FUNDS, json=entry("payment", "100"))).status_code == 201
    assert (await people["owner"].post(FUNDS, json=entry("return", "400"))).status_code == 201


AMOUNTS = st.decimals(min_value="0.01", max_value="1500", places=2)
MOVES = st.lists(
    st.tuples(st.sampled_from(["allocation", "payment", "return"]), AMOUNTS), max_size=12
)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moves=MOVES)
def test_no_moves_whatever_make_a_balance_negative(
    moves: list[tuple[Any, Decimal]], ledger: Any
) -> None:
    ledger(moves)


@pytest.fixture
def ledger(database_url: str) -> Any:
    """Plays moves against a ledger of its own, which is never committed, and checks each."""

    async def play(moves: list[tuple[Any, Decimal]]) -> None:
        async with open_sessions(database_url) as sessions, sessions() as session:
            session.add(Region(code="played", name_zh="区", name_en="Region", level="district"))
            await session.flush()
            project = await add_project(
                session, code="played", region="played", state="implementation"
            )
            await add_source(session, "played-2024")
            await check_moves(session, project.id, moves)

    return lambda moves: asyncio.run(play(moves))


async def check_moves(
    session: AsyncSession, project_id: int, moves: list[tuple[Any, Decimal]]
) -> None:
    allocated = paid = Decimal(0)
    for kind, amount in moves:
        room = Decimal(1000) - allocated if kind == "allocation" else allocated - paid
        new = NewEntry(kind, "played-2024", amount, paid_on=date(2025, 1, 1))
        try:
            await add_entry(session, "played", ADMIN, Act("tester"), new)
        except Conflict:
            assert amount > room
            continue
        assert amount <= room
        allocated += {"allocation": amount, "return": -amount}.get(kind, 0)
        paid += amount if kind == "payment" else 0
        balances = await list_balances(session, project_id)
        assert [(item.allocated, item.paid) for item in balances] == [(allocated, paid)]
        assert Decimal(0) <= paid <= allocated <= 1000
    entries = await list_entries(session, project_id)
    signs = {"allocation": 1, "payment": -1, "return": -1}
    assert sum(signs[item.kind] * item.amount for item in entries) == allocated - paid


async def test_measures_are_written_one_by_one(people: People, session: AsyncSession) -> None:
    await add_project(session, state="draft")
    session.add(
        Indicator(
            code="mine_area",
            name_zh="矿山",
            name_en="Mines",
            unit="ha",
            property="binding",
            direction="higher",
        )
    )
    await session.commit()
    body = {"measure": "mine_restoration", "planned": 254, "unit": "mu", "indicator": "mine_area"}
    made = await people["owner"].post(MEASURES, json=body)
    assert made.status_code == 201, made.text
    place = made.headers["Location"]
    assert (await people["owner"].get(place)).json()["indicator"] == "mine_area"
    assert (await people["owner"].post(MEASURES, json=body)).status_code == 409
    tag = (await people["owner"].get(place)).headers["ETag"]
    put = await people["planner"].put(place, json={"planned": 3}, headers={"If-Match": tag})
    assert put.status_code == 200, put.text
    assert put.json()["indicator"] is None
    stale = await people["planner"].put(place, json={"planned": 4}, headers={"If-Match": tag})
    assert stale.status_code == 412
    unread = await people["planner"].delete(place, headers={"If-Match": tag})
    assert unread.status_code == 412, "nobody takes off what they have not seen as it is"
    shown = (await people["owner"].get(f"/collections/projects/items/{PROJECT}")).json()
    assert shown["properties"]["measures"] == ["mine_restoration"]
    for name in ("viewer", "approver", "supervisor"):
        assert (await people[name].put(place, json={"planned": 4})).status_code in {403, 404}, name
    assert (await people["owner"].delete(place)).status_code == 204
    assert (await people["owner"].get(place)).status_code == 404
    assert (await people["owner"].delete(place)).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"planned": -1}, "/planned"),
        ({"planned": "12"}, "/planned"),
        ({"indicator": "none"}, "/indicator"),
        ({"indicator": "mine_area"}, "/unit"),
        ({"indicator": "mine_area", "unit": "km"}, "/unit"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_bad_measures(
    people: People, session: AsyncSession, body: dict[str, Any], pointer: str
) -> None:
    await add_project(session)
    session.add(
        Indicator(
            code="mine_area",
            name_zh="矿山",
            name_en="Mines",
            unit="ha",
            property="binding",
            direction="higher",
        )
    )
    await session.commit()
    answer = await people["owner"].put(f"{MEASURES}/mine_restoration", json=body)
    assert answer.status_code == 400, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


async def test_measures_follow_the_state(people: People, session: AsyncSession) -> None:
    row = await add_project(session, state="design")
    await add_measures(session, row, done=None)
    await session.commit()
    place = f"{MEASURES}/tree_planting"
    same = {"order": 2, "planned": 2, "unit": "ha"}
    early = await people["owner"].put(place, json={**same, "done": 1})
    assert early.status_code == 409
    assert early.json()["errors"][0]["pointer"] == "/done"
    await session.execute(text("UPDATE project SET state = 'implementation'"))
    await session.commit()
    assert (await people["owner"].put(place, json={**same, "done": 1})).status_code == 200
    assert (await people["owner"].delete(place)).status_code == 409
    for state in ("acceptance", "after_care", "closed"):
        await session.execute(text("UPDATE project SET state = :state"), {"state": state})
        await session.commit()
        late = await people["owner"].put(place, json={**same, "planned": 5, "done": 1})
        assert late.status_code == 409, state


async def test_links_to_problems_and_towns(people: People, session: AsyncSession) -> None:
    await add_project(session)
    await session.execute(
        text(
            "INSERT INTO problem (visibility, code, name_zh, name_en, type, region_id)"
            " SELECT 'public', 'p-' || n, '问题', 'Problem', 'soil', r.id"
            " FROM region r, generate_series(1, 3) n WHERE r.code = 'banan'"
        )
    )
    await session.commit()
    item = f"/collections/projects/items/{PROJECT}"
    tag = (await people["owner"].get(item)).headers["ETag"]
    body = {"problems": ["p-3", "p-1", "p-1"]}
    put = await people["owner"].put(f"{PATH}/problems", json=body, headers={"If-Match": tag})
    assert put.status_code == 200, put.text
    assert put.json()["problems"] == ["p-1", "p-3"]
    shown = await people["owner"].get(item)
    assert shown.json()["properties"]["problems"] == ["p-1", "p-3"]
    assert shown.headers["ETag"].startswith(put.headers["ETag"].rstrip('"'))
    bad = await people["owner"].put(f"{PATH}/problems", json={"problems": ["p-1", "p-9"]})
    assert bad.status_code == 400
    assert bad.json()["errors"][0]["pointer"] == "/problems/1"
    stale = await people["owner"].put(f"{PATH}/problems", json=body, headers={"If-Match": tag})
    assert stale.status_code == 412
    towns = await people["planner"].put(f"{PATH}/regions", json={"regions": ["elsewhere"]})
    assert towns.json()["regions"] == ["elsewhere"]
    assert (await people["viewer"].put(f"{PATH}/regions", json={"regions": []})).status_code == 403
    empty = await people["owner"].put(f"{PATH}/problems", json={"problems": []})
    assert empty.json()["problems"] == []
