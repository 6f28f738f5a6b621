"""What is taken and given back, as people of each role work with the ledger."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import read_today
from shanhai.db.features.property_values import amount_of, told_amount
from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import put_default_rules
from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.control import ControlArea
from shanhai.db.tables.project import Project
from shanhai.db.tables.zone import Region
from shanhai.vocabulary import Role
from tests.support.projects import (
    PROJECT,
    SQUARE,
    add_measures,
    add_paper,
    add_project,
    complete,
    prove,
)

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

People = dict[str, httpx.AsyncClient]
ENTRIES = "/balances/entries"
BALANCE = f"/projects/{PROJECT}/balance"
GIVEN_UP = {"project": "given-up"}
STEPS = f"/projects/{PROJECT}/transitions"


def entry(code: str, direction: str, amount: Any, **members: Any) -> dict[str, Any]:
    """An entry of natural shoreline of the project."""
    return {
        "code": code,
        "title_zh": "自然岸线",
        "kind": "natural_shoreline",
        "direction": direction,
        "amount": amount,
        "unit": "m",
        "region": "banan",
        "project": PROJECT,
        "year": 2026,
        **members,
    }


async def put(
    client: httpx.AsyncClient, code: str, direction: str, amount: Any, **more: Any
) -> None:
    answer = await client.post(ENTRIES, json=entry(code, direction, amount, **more))
    assert answer.status_code == 201, answer.text


async def move(client: httpx.AsyncClient, code: str, state: str, **more: Any) -> httpx.Response:
    return await client.patch(f"{ENTRIES}/{code}", json={"state": state, **more})


async def reserved(session: AsyncSession, state: str = "reserve") -> Project:
    """A project with all its guards ask for, the ledger left aside."""
    row = await add_project(session, **complete(), state=state)
    await add_measures(session, row)
    await prove(session, row)
    await session.commit()
    return row


async def go(client: httpx.AsyncClient, to: str) -> httpx.Response:
    return await client.post(STEPS, json={"to": to, "note": "理由"})


async def test_nothing_is_reversed_before_it_was_accepted(
    people: People, session: AsyncSession
) -> None:
    await reserved(session)
    await put(people["planner"], "older", "taken", "100", accepted_on="2025-06-01")
    assert (await move(people["supervisor"], "older", "accepted")).status_code == 200
    more = {"reverses": "older", "accepted_on": "2025-05-31"}
    early = await people["planner"].post(ENTRIES, json=entry("undone", "taken", "100", **more))
    assert early.status_code == 409, early.text
    assert [fault["pointer"] for fault in early.json()["errors"]] == ["/accepted_on"]
    await put(people["planner"], "undone", "taken", "100", reverses="older")
    for day, status in (("2025-05-31", 409), ("2025-06-01", 200)):
        dated = await people["planner"].patch(f"{ENTRIES}/undone", json={"accepted_on": day})
        assert dated.status_code == status, dated.text
    assert (await move(people["supervisor"], "undone", "accepted")).status_code == 200


async def test_a_project_waits_for_its_shoreline(people: People, session: AsyncSession) -> None:
    """300 m occupied, 200 m restored: refused; 300 m accepted: let through. From role to role."""
    row = await reserved(session)
    paper = await add_paper(session, row, "acceptance")
    await session.commit()
    planner, approver = people["planner"], people["approver"]
    await put(planner, "taken", "taken", "300")
    await put(planner, "given-1", "given", "200", evidence=[paper.code])
    await put(planner, "given-2", "given", "100.0000", evidence=[paper.code])

    assert (await move(planner, "given-1", "accepted")).status_code == 403
    accepted = await move(people["supervisor"], "given-1", "accepted")
    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["accepted_on"] == str(await read_today(session))

    refused = await go(approver, "approved")
    assert refused.status_code == 409
    (fault,) = refused.json()["errors"]
    assert "300 m must be given back, 200 m count, 100 m are lacking" in fault["detail"]
    in_chinese = await approver.post(f"{STEPS}?lang=zh", json={"to": "approved"})
    assert "尚缺 100 米" in in_chinese.json()["detail"]
    steps = (await approver.get(STEPS)).json()["transitions"]
    approval = next(step for step in steps if step["to"] == "approved")
    assert [c["code"] for c in approval["conditions"] if c["met"] is False] == ["balance"]

    before = (await planner.get(BALANCE)).json()
    (shoreline,) = before["balances"]
    assert before["met"] is False
    assert (shoreline["required"], shoreline["counted"]) == ("300.0000", "200.0000")
    assert (shoreline["lacking"], shoreline["given_proposed"]) == ("100.0000", "100.0000")
    assert (shoreline["before"], shoreline["after"]) == ("0.0000", "0.0000")
    sheet = await planner.get(BALANCE, params={"f": "csv"})
    assert ",100.0000,false,0.0000,0.0000" in sheet.text

    assert (await move(approver, "given-2", "accepted")).status_code == 200
    assert (await planner.get(BALANCE)).json()["met"] is True
    assert (await go(approver, "approved")).status_code == 201

    # What was given back turns out not to be there: the next step asks the ledger again.
    assert (await go(people["owner"], "design")).status_code == 201
    undo = entry("undo", "given", "200", reverses="given-1", title_zh="冲销")
    assert (await planner.post(ENTRIES, json=undo)).status_code == 201
    assert (await planner.get(BALANCE)).json()["met"] is True, "a reversal waits for acceptance"
    assert (await move(approver, "undo", "accepted")).status_code == 200
    assert (await planner.get(f"{ENTRIES}/given-1")).json()["state"] == "reversed"
    assert (await go(approver, "implementation")).status_code == 409
    await put(planner, "given-3", "given", "200", evidence=[paper.code])
    assert (await move(approver, "given-3", "accepted")).status_code == 200
    assert (await go(approver, "implementation")).status_code == 201


async def test_suspended_work_goes_on_when_the_balance_holds(
    people: People, session: AsyncSession
) -> None:
    row = await reserved(session, "suspended")
    paper = await add_paper(session, row, "acceptance")
    await session.commit()
    await put(people["planner"], "taken", "taken", "300")
    refused = await go(people["supervisor"], "implementation")
    assert refused.status_code == 409
    assert "300 m are lacking" in refused.json()["detail"]
    steps = (await people["supervisor"].get(STEPS)).json()["transitions"]
    again = next(step for step in steps if step["to"] == "implementation")
    assert [one["code"] for one in again["conditions"] if one["met"] is False] == ["balance"]
    await put(people["planner"], "given", "given", "300", evidence=[paper.code])
    assert (await move(people["approver"], "given", "accepted")).status_code == 200
    assert (await go(people["supervisor"], "implementation")).status_code == 201


async def test_the_ledger_is_read_as_of_a_day(
    people: People, client_with: Any, session: AsyncSession
) -> None:
    await reserved(session)
    await put(people["planner"], "taken", "taken", "300", valid_from="2024-01-01", year=2024)
    assert (await move(people["approver"], "taken", "accepted")).status_code == 200
    public, today = await client_with(), str(await read_today(session))

    async def sums(client: httpx.AsyncClient, day: str | None) -> list[tuple[str, str]]:
        asked = {} if day is None else {"as_of": day}
        told = (await client.get("/balances", params=asked)).json()
        assert told["as_of"] == day
        return [(one["taken"], one["taken_proposed"]) for one in told["balances"]]

    accepted, proposed = ("300.0000", "0.0000"), ("0.0000", "300.0000")
    assert await sums(people["planner"], None) == await sums(public, None) == [accepted]
    assert await sums(people["planner"], today) == [accepted]
    assert await sums(people["planner"], "2024-06-30") == [proposed]
    assert await sums(people["planner"], "2023-12-31") == []
    assert await sums(public, "2024-06-30") == [], "it was not public then"
    page = await public.get("/balances", params={"f": "html", "as_of": "2024-06-30"})
    assert "2024-06-30" in page.text
    bad = await public.get("/balances", params={"as_of": "2024-02-30"})
    assert bad.status_code == 400


async def test_acceptance_of_the_work_asks_for_what_was_promised(
    people: People, session: AsyncSession
) -> None:
    row = await reserved(session, "acceptance")
    paper = await add_paper(session, row, "acceptance")
    await session.commit()
    wetland = {"kind": "wetland", "unit": "ha"}
    await put(people["planner"], "taken", "taken", "1.2345", **wetland)
    await put(people["planner"], "given", "given", "1.2345", evidence=[paper.code], **wetland)
    refused = await go(people["approver"], "monitoring")
    assert refused.status_code == 409
    assert "1.2345 ha are lacking" in refused.json()["detail"]
    assert (await move(people["approver"], "given", "accepted")).status_code == 200
    assert (await go(people["approver"], "monitoring")).status_code == 201


async def test_farmland_comes_from_the_pool_of_the_region_above(
    people: People, session: AsyncSession
) -> None:
    row = await reserved(session)
    paper = await add_paper(session, row, "acceptance")
    await session.commit()
    farmland = {"kind": "cultivated_land", "unit": "mu"}
    planner, approver = people["planner"], people["approver"]
    await put(planner, "taken", "taken", "15", quality_grade=6, **farmland)
    assert (await go(approver, "approved")).status_code == 409
    pooled = {**farmland, "project": None, "evidence": [paper.code]}
    await put(planner, "poor", "given", "20", quality_grade=9, **pooled)
    assert (await move(approver, "poor", "accepted")).status_code == 200
    worse = await go(approver, "approved")
    assert "worse quality grade" in worse.json()["detail"]
    await put(planner, "good", "given", "40", quality_grade=4, **pooled)
    assert (await move(approver, "good", "accepted")).status_code == 200
    await add_project(session, code="given-up", state="cancelled")
    await session.commit()
    await put(planner, "not-to-be", "taken", "999", quality_grade=1, **farmland | GIVEN_UP)
    (found,) = (await planner.get(BALANCE)).json()["balances"]
    assert (found["from_pool"], found["lacking"]) == ("15.0000", "0.0000")
    assert (found["grade_taken"], found["grade_given"]) == ("6.00", "5.67")
    assert (found["before"], found["after"]) == ("60.0000", "45.0000")
    assert found["text_en"].endswith("0 mu count, 15 mu are from the pool")
    assert found["text_zh"].endswith("已计 0 亩，储备统筹 15 亩")
    assert (await go(approver, "approved")).status_code == 201


async def test_what_was_rejected_or_reversed_counts_no_longer(
    people: People, session: AsyncSession
) -> None:
    row = await reserved(session)
    paper = await add_paper(session, row, "acceptance")
    await session.commit()
    planner, approver = people["planner"], people["approver"]

    async def sums() -> tuple[str, ...]:
        (one,) = (await planner.get(BALANCE)).json()["balances"]
        amounts = (one["taken"], one["taken_proposed"], one["given"], one["given_proposed"])
        return *amounts, one["grade_taken"], one["grade_given"]

    farmland = {"kind": "cultivated_land", "unit": "mu"}
    proven = {**farmland, "evidence": [paper.code]}
    await put(planner, "taken", "taken", "15", quality_grade=6, **farmland)
    await put(planner, "refused", "taken", "99", quality_grade=1, **farmland)
    assert (await move(approver, "refused", "rejected")).status_code == 200
    for code, amount, grade in (("good", "40", 4), ("poor", "20", 9)):
        await put(planner, code, "given", amount, quality_grade=grade, **proven)
        assert (await move(approver, code, "accepted")).status_code == 200
    both = ("0.0000", "15.0000", "60.0000", "0.0000", "6.00", "5.67")
    assert await sums() == both
    await put(planner, "undo", "given", "20", quality_grade=9, reverses="poor", **proven)
    assert await sums() == both, "a reversal waits for acceptance"
    assert (await move(approver, "undo", "accepted")).status_code == 200
    assert await sums() == ("0.0000", "15.0000", "40.0000", "0.0000", "6.00", "4.00")
    await put(planner, "undo-2", "given", "40", quality_grade=4, reverses="good", **proven)
    assert (await move(approver, "undo-2", "rejected")).status_code == 200
    assert (await sums())[2] == "40.0000"


BAD: tuple[tuple[dict[str, Any], str, int], ...] = (
    ({"unit": "ha"}, "/unit", 400),
    ({"unit": "km"}, "/unit", 400),
    ({"unit": None}, "/unit", 400),
    ({"amount": "0"}, "/amount", 400),
    ({"amount": "-5"}, "/amount", 400),
    ({"amount": "NaN"}, "/amount", 400),
    ({"amount": "Infinity"}, "/amount", 400),
    ({"amount": "1.23456"}, "/amount", 400),
    ({"amount": 0.123456}, "/amount", 400),
    ({"amount": "10000000000"}, "/amount", 400),
    ({"amount": "999999999999999"}, "/amount", 400),
    ({"amount": "1e3"}, "/amount", 400),
    ({"amount": True}, "/amount", 400),
    ({"amount": None}, "/amount", 400),
    ({"kind": "grassland"}, "/kind", 400),
    ({"direction": "lost"}, "/direction", 400),
    ({"quality_grade": 5}, "/quality_grade", 400),
    ({"kind": "cultivated_land", "unit": "mu"}, "/quality_grade", 400),
    ({"kind": "cultivated_land", "unit": "mu", "quality_grade": 16}, "/quality_grade", 400),
    ({"year": 1800}, "/year", 400),
    ({"state": "accepted"}, "/state", 400),
    ({"region": "nowhere"}, "/region", 400),
    ({"region": None}, "/region", 400),
    ({"project": "nowhere"}, "/project", 400),
    ({"evidence": ["nowhere"]}, "/evidence", 400),
    ({"reverses": "nowhere"}, "/reverses", 400),
    ({"counterpart": "nowhere"}, "/counterpart", 400),
    ({"accepted_on": "2999-01-01"}, "/accepted_on", 409),
    ({"title_zh": None}, "/title_zh", 400),
)


@pytest.mark.parametrize(("change", "pointer", "status"), BAD)
async def test_a_bad_entry_is_refused(
    people: People,
    session: AsyncSession,
    project: str,
    change: dict[str, Any],
    pointer: str,
    status: int,
) -> None:
    body = {**entry("bad", "taken", "300"), **change}
    answer = await people["planner"].post(ENTRIES, json=body)
    assert answer.status_code == status, answer.text
    errors = answer.json()["errors"]
    assert pointer in {fault["pointer"] for fault in errors}, errors
    assert await session.scalar(text("SELECT count(*) FROM balance_entry")) == 0


async def test_who_may_do_what(people: People, with_role: Any, project: str) -> None:
    stranger = await with_role(Role.PLANNER, "elsewhere")
    judge = await with_role(Role.APPROVER, "elsewhere")
    assert (await stranger.post(ENTRIES, json=entry("e", "taken", "1"))).status_code in {400, 403}
    mixed = entry("e", "taken", "1", project=None)
    assert (await stranger.post(ENTRIES, json=mixed)).status_code == 403
    for name in ("owner", "approver", "supervisor", "analyst", "auditor", "viewer"):
        answer = await people[name].post(ENTRIES, json=entry("e", "taken", "1"))
        assert answer.status_code == 403, name
    await put(people["planner"], "e", "taken", "1")
    assert (await judge.patch(f"{ENTRIES}/e", json={"state": "accepted"})).status_code == 404
    for name in ("planner", "owner", "analyst", "auditor", "viewer"):
        assert (await move(people[name], "e", "accepted")).status_code in {403, 404}, name
    assert (await move(people["approver"], "e", "accepted")).status_code == 200
    assert (await move(judge, "e", "accepted")).status_code == 403


async def test_the_public_sees_what_was_accepted(
    people: People, client_with: Any, session: AsyncSession
) -> None:
    await reserved(session)
    public = await client_with()
    await put(people["planner"], "open", "taken", "300")
    assert (await public.get(ENTRIES)).json()["numberMatched"] == 0
    assert (await public.get(f"{ENTRIES}/open")).status_code == 404
    assert (await public.get("/balances")).json()["balances"] == []
    assert (await public.get(BALANCE)).json()["met"] is None
    assert (await move(people["approver"], "open", "accepted")).status_code == 200
    (shown,) = (await public.get("/balances", params={"region": "banan"})).json()["balances"]
    assert (shown["taken"], shown["balance"], shown["carried"]) == (
        *("300.0000", "-300.0000", "-300.0000"),
    )
    assert (await public.get(ENTRIES)).json()["numberMatched"] == 1


async def test_an_entry_is_never_edited(
    people: People, session: AsyncSession, project: str
) -> None:
    planner, approver = people["planner"], people["approver"]
    await put(planner, "e", "taken", "300")
    for change in ({"amount": "200"}, {"year": 2025}, {"title_en": "Other"}, {"project": None}):
        assert (await planner.patch(f"{ENTRIES}/e", json=change)).status_code == 409, change
    same = await planner.patch(f"{ENTRIES}/e", json={"amount": 300})
    assert same.status_code == 200
    assert same.json()["amount"] == "300.0000"
    whole = entry("e", "taken", "200")
    assert (await planner.put(f"{ENTRIES}/e", json=whole)).status_code == 405
    assert (await planner.delete(f"{ENTRIES}/e")).status_code == 405
    assert (await move(approver, "e", "accepted", amount="1")).status_code == 403
    assert (await move(approver, "e", "accepted")).status_code == 200
    assert (await move(approver, "e", "reversed")).status_code == 409
    assert (await move(approver, "e", "rejected")).status_code == 409
    assert (await move(approver, "e", "proposed")).status_code == 409
    assert (await move(approver, "e", "accepted")).status_code == 200, "it is so already"
    states = (await planner.get(f"{ENTRIES}/e/versions")).json()["versions"]
    assert [item["row_version"] for item in states] == [2, 1]
    for statement in (
        "UPDATE balance_entry SET amount = 1",
        "UPDATE balance_entry SET state = 'proposed'",
        "UPDATE balance_entry SET accepted_on = accepted_on - 1",
        "DELETE FROM balance_entry",
    ):
        with pytest.raises(DBAPIError, match="ledger"):
            await session.execute(text(statement))
        await session.rollback()


async def test_an_entry_is_reversed_once(people: People, session: AsyncSession) -> None:
    row = await reserved(session)
    paper = await add_paper(session, row, "acceptance")
    await session.commit()
    planner, approver = people["planner"], people["approver"]
    await put(planner, "e", "given", "200", evidence=[paper.code])
    undo = entry("undo", "given", "200", reverses="e")
    early = await planner.post(ENTRIES, json=undo)
    assert early.status_code == 409, "nothing to reverse before it is accepted"
    assert (await move(approver, "e", "accepted")).status_code == 200
    for change in (
        *({"amount": "199"}, {"direction": "taken"}, {"project": None}),
        {"kind": "wetland", "unit": "ha"},
    ):
        assert (await planner.post(ENTRIES, json={**undo, **change})).status_code == 409, change
    both = await asyncio.gather(
        *(planner.post(ENTRIES, json={**undo, "code": code}) for code in ("undo", "undo-2"))
    )
    assert sorted(answer.status_code for answer in both) == [201, 409]
    code = next(answer.json()["code"] for answer in both if answer.status_code == 201)
    done = await asyncio.gather(*(move(approver, code, "accepted") for _ in range(3)))
    assert [answer.status_code for answer in done] == [200, 200, 200]
    assert (await move(approver, "e", "accepted")).status_code == 409
    twice = await planner.post(ENTRIES, json={**undo, "code": "undo-3"})
    assert twice.status_code == 409
    again = entry("undo-4", "given", "200", reverses=code)
    assert (await planner.post(ENTRIES, json=again)).status_code == 409
    (sums,) = (await planner.get("/balances")).json()["balances"]
    assert (sums["given"], sums["balance"]) == ("0.0000", "0.0000")
    noted = select(func.count()).where(
        AuditLog.object_table == "balance_entry",
        AuditLog.object_id == "e",
        AuditLog.after["state"].astext == "reversed",
    )
    assert await session.scalar(noted) == 1
    gone = await approver.delete(f"/documents/{paper.code}")
    assert gone.status_code == 409, "the entry rests on it"


async def test_two_acceptances_at_once(people: People, session: AsyncSession, project: str) -> None:
    await put(people["planner"], "e", "taken", "300")
    who = (people["approver"], people["supervisor"])
    states = ("accepted", "rejected")
    found = await asyncio.gather(
        *(move(person, "e", state) for person, state in zip(who, states, strict=True))
    )
    assert sorted(answer.status_code for answer in found) == [200, 409]
    assert await session.scalar(text("SELECT row_version FROM balance_entry")) == 2


async def test_given_back_needs_its_documents(people: People, project: str) -> None:
    await put(people["planner"], "e", "given", "300")
    refused = await move(people["approver"], "e", "accepted")
    assert refused.status_code == 409
    assert refused.json()["errors"][0]["pointer"] == "/evidence"
    assert (await move(people["approver"], "e", "rejected")).status_code == 200
    assert (await move(people["approver"], "e", "accepted")).status_code == 409


async def test_documents_are_named_until_an_entry_is_decided(
    people: People, session: AsyncSession
) -> None:
    row = await reserved(session)
    papers = [(await add_paper(session, row, kind)).code for kind in ("acceptance", "photo")]
    await session.commit()
    planner, approver, path = people["planner"], people["approver"], f"{ENTRIES}/e"
    await put(planner, "e", "given", "300")
    unknown = await planner.patch(path, json={"evidence": ["nowhere"]})
    assert unknown.status_code == 400, unknown.text
    assert unknown.json()["errors"][0]["pointer"] == "/evidence"
    assert (await approver.patch(path, json={"evidence": papers})).status_code == 403
    for evidence in (papers[:1], [], papers[::-1]):
        named = await planner.patch(path, json={"evidence": evidence})
        assert (named.status_code, named.json()["evidence"]) == (200, evidence), named.text
    assert (await move(approver, "e", "accepted")).status_code == 200
    late = await planner.patch(path, json={"evidence": papers[:1]})
    assert late.status_code == 409, late.text
    with pytest.raises(DBAPIError, match="ledger"):
        await session.execute(text("UPDATE balance_entry SET evidence = '{}'"))
    await session.rollback()


async def test_counterparts_are_of_the_other_direction(people: People, project: str) -> None:
    planner = people["planner"]
    await put(planner, "t", "taken", "300")
    body = entry("u", "taken", "1", counterpart="t")
    assert (await planner.post(ENTRIES, json=body)).status_code == 409
    await put(planner, "g", "given", "1", counterpart="t")


async def test_sums_by_region_and_year(people: People, session: AsyncSession) -> None:
    row = await reserved(session)
    paper = await add_paper(session, row, "acceptance")
    banan = await session.scalar(select(Region).where(Region.code == "banan"))
    assert banan is not None
    session.add(Region(code="town", name_zh="镇", name_en="Town", level="town", parent_id=banan.id))
    await session.commit()
    planner, approver = people["planner"], people["approver"]
    rows = (
        *(("a", "taken", "100.5", "banan", 2025), ("b", "given", "300.25", "town", 2025)),
        *(("c", "taken", "50", "town", 2026), ("d", "taken", "7", "banan", 2026)),
    )
    for code, direction, amount, region, year in rows:
        more = {"region": region, "year": year, "project": None, "evidence": [paper.code]}
        await put(planner, code, direction, amount, **more)
        if code != "d":
            assert (await move(approver, code, "accepted")).status_code == 200
    found = (await planner.get("/balances", params={"region": "banan"})).json()
    assert [
        (item["year"], item["taken"], item["given"], item["balance"], item["carried"])
        for item in found["balances"]
    ] == [
        (2025, "100.5000", "300.2500", "199.7500", "199.7500"),
        (2026, "50.0000", "0.0000", "-50.0000", "149.7500"),
    ]
    assert found["balances"][1]["taken_proposed"] == "7.0000"
    assert {(item["region"], item["year"]) for item in found["regions"]} == {
        *(("banan", 2025), ("banan", 2026), ("town", 2025), ("town", 2026)),
    }
    town = (await planner.get("/balances", params={"region": "town", "year": "2026"})).json()
    (only,) = town["balances"]
    assert (only["balance"], only["carried"]) == ("-50.0000", "250.2500")
    none = (await planner.get("/balances", params={"kind": "wetland"})).json()
    assert none["balances"] == []
    table = await planner.get("/balances", params={"region": "banan", "f": "csv"})
    assert table.headers["Content-Type"].startswith("text/csv")
    assert len(table.text.splitlines()) == 1 + 4
    # A number below zero is a number, no formula.
    assert table.text.splitlines()[-1].endswith(",-50.0000")
    listed = await planner.get(
        ENTRIES, params={"filter": "amount > 100.4 AND direction = 'taken'", "sortby": "-amount"}
    )
    assert [item["code"] for item in listed.json()[next(iter(listed.json()))]] == ["a"]
    exact = await planner.get(ENTRIES, params={"amount": "300.2500"})
    assert exact.json()["numberMatched"] == 1


@pytest.mark.parametrize(
    "asked", ["region=nowhere", "region=%00", "year=soon", "year=1", "kind=grass", "nonsense=1"]
)
async def test_bad_questions(people: People, asked: str) -> None:
    answer = await people["planner"].get(f"/balances?{asked}")
    assert answer.status_code in {400, 404}, answer.text


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_pages_draw_the_balance(people: People, session: AsyncSession, lang: str) -> None:
    await reserved(session)
    await put(people["planner"], "e", "taken", "300")
    await move(people["approver"], "e", "accepted")
    words = {
        "zh": ("占补平衡", "先修后占", "尚缺 300 米"),
        "en": ("Balances", "restore first", "300 m are lacking"),
    }
    parameters = {"f": "html", "lang": lang}
    page = await people["viewer"].get("/balances", params=parameters)
    own = await people["viewer"].get(BALANCE, params=parameters)
    assert page.status_code == own.status_code == 200
    assert page.text.count('<svg class="bar balance"') == 1
    assert 'width="100.0%"' in own.text
    assert words[lang][0] in page.text
    assert words[lang][1] in page.text
    assert words[lang][2] in own.text
    assert (await people["viewer"].get(ENTRIES, params=parameters)).status_code == 200
    assert (await people["viewer"].get("/projects/nowhere/balance")).status_code == 404


async def test_the_check_judges_by_the_ledger(people: People, session: AsyncSession) -> None:
    await put_default_rules(session, Act("tester"))
    row = await reserved(session)
    paper = await add_paper(session, row, "acceptance")
    west, south, east, north = SQUARE
    session.add(
        ControlArea(
            visibility="public",
            code="fields",
            name_zh="耕地",
            name_en="Fields",
            kind="cultivated_land",
            region_id=row.region_id,
            status="published",
            geom=func.ST_MakeEnvelope(west, south, east, north, 4490),
        )
    )
    await session.commit()
    planner = people["planner"]

    async def checked(**more: Any) -> dict[str, Any]:
        inputs = {"project": PROJECT, "activities": ["building"], **more}
        answer = await planner.get("/compliance/check", params={**inputs, "f": "json"})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["result"]
        return found

    first = await checked()
    listed = {item["code"]: item for item in first["conditions_not_judged"]}
    assert "no entries of what" in listed["farmland_balance_met"]["why_en"]
    assert first["conditions_judged"] == []
    farmland = {"kind": "cultivated_land", "unit": "mu", "quality_grade": 5}
    await put(planner, "taken", "taken", "15", **farmland)
    second = await checked()
    (judged,) = second["conditions_judged"]
    assert (judged["code"], judged["met"]) == ("farmland_balance_met", False)
    assert second["verdict"] == "refused"
    assert "15 mu are lacking" in second["reasons"][0]["en"]
    assert "farmland_balance_met" not in {i["code"] for i in second["conditions_not_judged"]}
    await put(planner, "given", "given", "15", evidence=[paper.code], **farmland)
    assert (await move(people["approver"], "given", "accepted")).status_code == 200
    third = await checked()
    assert third["conditions_judged"][0]["met"] is True
    assert third["verdict"] != "refused"
    conditions = [c for hit in third["hits"] for c in hit["conditions"]]
    assert {c["judged"] for c in conditions if c["code"] == "farmland_balance_met"} == {True}


@pytest.mark.parametrize(
    ("written", "digits", "told"),
    [("12", 4, "12.0000"), (0.0512, 4, "0.0512"), ("12", 2, "12.00"), (12.5, 2, "12.50")],
)
def test_amounts_keep_their_digits(written: Any, digits: int, told: str) -> None:
    amount = amount_of(written, digits)
    assert amount is not None
    assert told_amount(amount) == told
    assert amount_of("0.00001", digits) is None
