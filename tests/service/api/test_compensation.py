"""Compensation between districts over HTTP: agreements, trials, settlements and their steps."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.zone import Region
from shanhai.monitoring.observation import FeedObservation
from shanhai_api.kit.state import ServiceState
from tests.support.observation_rows import add_station, forget_observations, store_observations

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

People = dict[str, httpx.AsyncClient]
AGREEMENTS = "/compensation-agreements"
OURS = f"{AGREEMENTS}/creek"
RULE = {
    "kind": "classes",
    "target": "III",
    "better": ["100000.00", "250000.00"],
    "worse": ["200000.00"],
    "cap": "1000000.00",
}
INDEX = {
    "kind": "index",
    "k0": "0.9",
    "baseline": {"cod": "20"},
    "weights": {"cod": "1"},
    "steps": [{"up_to": "0.95", "amount": "120000.00"}, {"amount": "-100000.00"}],
}


@pytest.fixture(autouse=True)
async def section(people: People, state: ServiceState) -> None:
    """A section with COD of class I in January and February, and of class IV in March 2024."""
    async with state.sessions.begin() as session:
        await forget_observations(session)
        region = await session.scalar(select(Region).where(Region.code == "a"))
        await add_station(session, "section", region=region, kind="water_section")
        await add_station(session, "mast", region=region, kind="land")
    at = datetime(2024, 1, 10, tzinfo=UTC)
    given = [
        FeedObservation("section", "cod", at + timedelta(days=days), value)
        for days, value in ((0, 10.0), (31, 12.0), (60, 25.0))
    ]
    await store_observations(state.sessions, given)


def agreement(**members: Any) -> dict[str, Any]:
    given = {
        "code": "creek",
        "name_zh": "溪流补偿协议",
        "name_en": "Creek agreement",
        "region": "a",
        "upstream": "a",
        "downstream": "b",
        "basis": "section",
        "station": "section",
        "rule": RULE,
        "start_year": 2024,
    }
    return {name: value for name, value in {**given, **members}.items() if value is not None}


def baselines(*names: str) -> dict[str, Any]:
    """The rule by an index, with a baseline of each property."""
    return {**INDEX, "baseline": dict.fromkeys(names, "20")}


async def in_force(people: People, **members: Any) -> None:
    made = await people["planner@a"].post(AGREEMENTS, json=agreement(**members))
    assert made.status_code == 201, made.text
    begun = await people["approver@a"].patch(OURS, json={"state": "in_force"})
    assert begun.status_code == 200, begun.text


def pointers(answer: httpx.Response) -> list[str]:
    return [error["pointer"] for error in answer.json()["errors"]]


async def step(client: httpx.AsyncClient, to: str, **members: Any) -> httpx.Response:
    return await client.post(f"{OURS}/settlements/2024/steps", json={"to": to, **members})


async def add_receipt(people: People) -> str:
    """A document that a payment is shown by."""
    names = {"code": "weir", "name_zh": "堰", "name_en": "Weir", "region": "a"}
    years = {"start_year": 2024, "end_year": 2025}
    body = {"type": "Feature", "geometry": None, "properties": {**names, **years}}
    planner = people["planner@a"]
    made = await planner.post("/collections/projects/items", json=body)
    assert made.status_code == 201, made.text
    sent = await planner.post(
        "/projects/weir/documents",
        params={"filename": "receipt.txt", "kind": "other", "title_zh": "付款凭证"},
        content=b"300 000 yuan were paid.",
        headers={"Content-Type": "text/plain"},
    )
    assert sent.status_code == 201, sent.text
    return str(sent.json()["code"])


async def test_a_year_goes_from_proposal_to_payment(people: People) -> None:
    await in_force(people)
    assert (
        await people["anonymous"].post(f"{OURS}/settlements", json={"year": 2024})
    ).status_code == 401
    foreign = await people["approver@c"].post(f"{OURS}/settlements", json={"year": 2024})
    assert foreign.status_code == 403
    made = await people["planner@a"].post(f"{OURS}/settlements", json={"year": 2024})
    assert made.status_code == 201, made.text
    told = made.json()
    # Two months of class I: 250 000 each; one of class IV: −200 000.
    assert (told["amount"], told["payer"], told["state"]) == ("300000.00", "downstream", "proposed")
    assert [line["amount"] for line in told["content"]["lines"]] == [
        *("250000.00", "250000.00", "-200000.00")
    ]
    assert told["content"]["observed"]["classes"]["03"] == "IV"
    assert told["content"]["missing"] == [f"{month:02}" for month in range(4, 13)]
    twice = await people["planner@a"].post(f"{OURS}/settlements", json={"year": 2024})
    assert twice.status_code == 409

    assert (await step(people["planner@a"], "confirmed", side="upstream")).status_code == 403
    assert (await step(people["approver@a"], "confirmed", side="downstream")).status_code == 403
    evidence = [await add_receipt(people)]
    early = await step(people["approver@a"], "paid", paid_on="2025-01-31", evidence=evidence)
    assert early.status_code == 409
    one = await step(people["approver@a"], "confirmed", side="upstream")
    assert (one.json()["state"], one.json()["upstream_confirmed"]) == ("proposed", True)
    both = await step(people["approver@b"], "confirmed", side="downstream")
    assert both.json()["state"] == "confirmed"
    without: list[dict[str, Any]] = [{}, {"evidence": []}]
    for unproved in without:
        bare = await step(people["approver@a"], "paid", paid_on="2025-01-31", **unproved)
        assert (bare.status_code, pointers(bare)) == (400, ["/evidence"])
        assert "needed to become 'paid'" in bare.json()["errors"][0]["detail"]
    late = await step(people["approver@a"], "paid", paid_on="2199-01-31", evidence=evidence)
    assert (late.status_code, pointers(late)) == (400, ["/paid_on"])
    paid = await step(people["approver@a"], "paid", paid_on="2025-01-31", evidence=evidence)
    assert paid.json()["events"][-1]["evidence"] == evidence
    assert (paid.json()["state"], paid.json()["paid_on"]) == ("paid", "2025-01-31")
    over = await step(people["approver@b"], "disputed", side="downstream", reason="迟了")
    assert over.status_code == 409
    states = [event["state"] for event in paid.json()["events"]]
    assert states == ["proposed", "confirmed", "confirmed", "paid"]

    listed = (await people["anonymous"].get(f"{OURS}/settlements")).json()["settlements"]
    assert [(row["year"], row["state"]) for row in listed] == [(2024, "paid")]
    for who, told in (("planner@a", evidence), ("planner@b", []), ("anonymous", [])):
        shown = (await people[who].get(f"{OURS}/settlements/2024")).json()
        assert shown["events"][-1]["evidence"] == told, who
    page = await people["anonymous"].get(
        f"{OURS}/settlements/2024", params={"f": "html", "lang": "zh"}
    )
    assert "下游（受益方） 支付 300000.00 元" in page.text
    assert "水质类别均按河流限值" in page.text
    english = await people["anonymous"].get(
        f"{OURS}/settlements", params={"f": "html", "lang": "en"}
    )
    assert "Downstream, that benefits" in english.text


async def test_a_disputed_settlement_is_withdrawn_and_made_anew(people: People) -> None:
    await in_force(people)
    await people["planner@a"].post(f"{OURS}/settlements", json={"year": 2024})
    bare = await step(people["approver@b"], "disputed", side="downstream")
    assert (bare.status_code, pointers(bare)) == (400, ["/reason"])
    await step(people["approver@a"], "confirmed", side="upstream")
    told = await step(people["approver@b"], "disputed", side="downstream", reason="三月数据有误")
    assert (told.json()["state"], told.json()["upstream_confirmed"]) == ("disputed", False)
    assert (await step(people["approver@a"], "confirmed", side="upstream")).status_code == 409
    assert (await step(people["planner@a"], "withdrawn", reason="重新核定")).status_code == 200
    assert (await people["anonymous"].get(f"{OURS}/settlements/2024")).status_code == 404
    again = await people["planner@a"].post(f"{OURS}/settlements", json={"year": 2024})
    assert again.status_code == 201
    listed = (await people["anonymous"].get(f"{OURS}/settlements")).json()["settlements"]
    assert [row["state"] for row in listed] == ["proposed", "withdrawn"]


async def test_a_trial_takes_another_rule_and_writes_nothing(people: People) -> None:
    await in_force(people)
    tried = await people["planner@b"].post(f"{OURS}/what-if", json={"year": 2024, "rule": INDEX})
    assert tried.status_code == 200, tried.text
    content = tried.json()["content"]
    # 0.9 · (10 + 12 + 25) ÷ 3 ÷ 20 = 0.705
    assert content["lines"][0]["observed"] == "0.7050"
    assert (content["amount"], content["payer"]) == ("120000.00", "downstream")
    capped = {**RULE, "cap": "50000.00"}
    less = await people["planner@a"].post(f"{OURS}/what-if", json={"year": 2024, "rule": capped})
    assert (less.json()["content"]["amount"], less.json()["content"]["capped"]) == (
        "50000.00",
        True,
    )
    assert (await people["anonymous"].get(f"{OURS}/settlements")).json()["settlements"] == []
    assert (
        await people["anonymous"].post(f"{OURS}/what-if", json={"year": 2024})
    ).status_code == 401
    for body, pointer in (
        ({"year": 2024, "rule": {"kind": "barter"}}, "/rule"),
        ({"year": 2024, "rule": {**RULE, "target": "VII"}}, "/rule/target"),
        ({"year": 2024, "rule": {**RULE, "cap": "-1"}}, "/rule/cap"),
        ({"year": 2024, "rule": {**INDEX, "weights": {"foo": "1"}}}, "/rule/baseline"),
        ({"year": 2024, "rule": baselines("cod", "foo")}, "/rule/baseline/foo"),
        ({"year": 2023}, "/year"),
        ({"year": 2199}, "/year"),
    ):
        refused = await people["planner@a"].post(f"{OURS}/what-if", json=body)
        assert refused.status_code == 400, body
        assert pointers(refused) == [pointer]


async def test_a_hidden_section_is_tried_by_the_sides_alone(
    people: People, session: AsyncSession
) -> None:
    await in_force(people)
    body = {"year": 2024, "rule": INDEX}
    outsider = people["planner@c"]
    assert (await outsider.post(f"{OURS}/what-if", json=body)).status_code == 200
    await session.execute(text("UPDATE station SET visibility = 'region' WHERE code = 'section'"))
    await session.commit()
    refused = await outsider.post(f"{OURS}/what-if", json=body)
    assert refused.status_code == 403, refused.text
    assert "means" not in refused.text
    for side in ("planner@a", "planner@b"):
        assert (await people[side].post(f"{OURS}/what-if", json=body)).status_code == 200


async def test_agreements_are_whole_and_stay_once_in_force(people: People) -> None:
    planner = people["planner@a"]
    for members, status, pointer in (
        ({"station": "mast"}, 400, "/station"),
        ({"station": "mast", "rule": INDEX}, 400, "/station"),
        ({"station": None}, 400, "/station"),
        ({"downstream": "a"}, 400, "/downstream"),
        ({"basis": "service", "service": "carbon_sink"}, 400, "/rule/kind"),
        ({"end_year": 2020}, 400, "/end_year"),
        ({"rule": {**RULE, "better": ["x"]}}, 400, "/rule/better/0"),
        ({"rule": {"kind": "index"}}, 400, "/rule/baseline"),
        ({"rule": baselines("cod", "foo")}, 400, "/rule/baseline/foo"),
    ):
        refused = await planner.post(AGREEMENTS, json=agreement(**members))
        assert (refused.status_code, pointers(refused)[0]) == (status, pointer), refused.text
    await planner.post(AGREEMENTS, json=agreement())
    assert (await people["anonymous"].get(OURS)).status_code == 404
    # The other side reads the draft.
    assert (await people["planner@b"].get(OURS)).status_code == 200
    early = await planner.post(f"{OURS}/settlements", json={"year": 2024})
    assert early.status_code == 409
    await people["approver@a"].patch(OURS, json={"state": "in_force"})
    changed = await planner.patch(OURS, json={"rule": {**RULE, "cap": "1.00"}})
    assert (changed.status_code, pointers(changed)) == (409, ["/rule"])
    assert (await people["approver@a"].delete(OURS)).status_code == 409
    empty = await people["planner@a"].post(f"{OURS}/settlements", json={"year": 2025})
    assert empty.status_code == 409
    assert (await people["anonymous"].get(f"{AGREEMENTS}/none/settlements")).status_code == 404


@pytest.mark.parametrize(
    ("lang", "reason"), [("en", "baseline lacks tp"), ("zh", "baseline 缺少 tp")]
)
async def test_why_a_rule_is_not_valid_is_told_in_the_readers_language(
    people: People, lang: str, reason: str
) -> None:
    rule = {**INDEX, "weights": {"tp": "1"}}
    refused = await people["planner@a"].post(
        AGREEMENTS, json=agreement(rule=rule), headers={"Accept-Language": lang}
    )
    assert refused.status_code == 400, refused.text
    assert refused.json()["errors"] == [{"pointer": "/rule/baseline", "detail": reason}]
    assert refused.json()["detail"].endswith(reason)


async def test_an_agreement_ends_with_its_last_year(people: People) -> None:
    await in_force(people, start_year=2022)
    refused = await people["approver@a"].patch(OURS, json={"state": "ended"})
    assert (refused.status_code, pointers(refused)) == (409, ["/end_year"])
    ended = await people["approver@a"].patch(OURS, json={"state": "ended", "end_year": 2023})
    assert ended.status_code == 200, ended.text
    late = await people["planner@a"].post(f"{OURS}/settlements", json={"year": 2024})
    assert (late.status_code, pointers(late)) == (400, ["/year"])


async def test_what_was_ended_without_its_last_year_ended_in_that_year(
    people: People, session: AsyncSession
) -> None:
    # As an agreement was ended before its last year had to be told.
    await in_force(people, start_year=2022)
    ended = "UPDATE compensation_agreement SET state = 'ended'"
    then = "UPDATE compensation_agreement_history SET recorded_to = '2024-05-02T00:00:00+08:00'"
    for statement in (ended, then):
        await session.execute(text(statement))
    await session.commit()
    late = await people["planner@a"].post(f"{OURS}/what-if", json={"year": 2025})
    assert (late.status_code, pointers(late)) == (400, ["/year"])
    assert "2022–2024" in late.json()["detail"]
    last = await people["planner@a"].post(f"{OURS}/what-if", json={"year": 2024})
    assert last.status_code == 200, last.text


async def test_what_was_agreed_of_an_item_that_is_none_can_still_be_ended(
    people: People, session: AsyncSession
) -> None:
    # As an agreement made before items were checked, or before a standard dropped one.
    await in_force(people, rule=INDEX)
    both = {**INDEX, "baseline": {"cod": "20", "foo": "1"}, "weights": {"cod": "1", "foo": "1"}}
    await session.execute(
        text("UPDATE compensation_agreement SET rule = CAST(:rule AS jsonb)"),
        {"rule": json.dumps(both)},
    )
    await session.commit()
    made = await people["planner@a"].post(f"{OURS}/settlements", json={"year": 2024})
    assert made.json()["content"]["missing"] == ["foo"]
    ended = await people["approver@a"].patch(OURS, json={"state": "ended", "end_year": 2025})
    assert ended.status_code == 200, ended.text


async def test_a_service_is_settled_by_the_zoning_it_is_read_from(
    people: People, session: AsyncSession
) -> None:
    rule = {"kind": "service", "baseline": "0.1", "price": "1000000", "tolerance": "0.01"}
    of_service = {
        "basis": "service",
        "station": None,
        "service": "carbon_sink",
        "scheme": "zones-a",
        "rule": rule,
    }
    unknown = await people["planner@a"].post(AGREEMENTS, json=agreement(**of_service))
    assert (unknown.status_code, pointers(unknown)) == (400, ["/scheme"])
    # A zoning of 2023 with means of 0.3 and 0.1, one of 2025 with 0.5 and 0.3; zones of like area.
    await add_zoning(session, 1, "2023-05-01", "2025-05-01", (0.3, 0.1))
    await add_zoning(session, 2, "2025-05-01", None, (0.5, 0.3))
    await in_force(people, **of_service, start_year=2022)
    planner = people["planner@a"]
    early = await planner.post(f"{OURS}/settlements", json={"year": 2022})
    assert early.status_code == 409
    assert "was in force on 2022-12-31" in early.json()["detail"]
    made = await planner.post(f"{OURS}/settlements", json={"year": 2024})
    assert made.status_code == 201, made.text
    # The year is settled by the zoning that was in force when it ended: 0.2, which is 0.1 above.
    observed = made.json()["content"]["observed"]
    assert (observed["scheme"], observed["version"]) == ("zones-a", 1)
    assert float(observed["balance"]) == pytest.approx(0.2, abs=1e-3)
    assert float(made.json()["amount"]) == pytest.approx(100_000, rel=0.01)
    assert made.json()["payer"] == "downstream"
    for lang, words in (("zh", "供需比均值"), ("en", "Mean of the ratio")):
        page = await people["anonymous"].get(
            f"{OURS}/settlements/2024", params={"f": "html", "lang": lang}
        )
        assert page.status_code == 200, page.text
        assert words in page.text
        assert "limits of rivers" not in page.text
        assert "河流限值" not in page.text
    named = await planner.post(f"{OURS}/what-if", json={"year": 2024, "version": 2})
    assert float(named.json()["content"]["observed"]["balance"]) == pytest.approx(0.4, abs=1e-3)
    none = await planner.post(f"{OURS}/what-if", json={"year": 2024, "version": 3})
    assert none.status_code == 409


async def test_a_settlement_is_never_edited(people: People, session: AsyncSession) -> None:
    await in_force(people)
    await people["planner@a"].post(f"{OURS}/settlements", json={"year": 2024})
    with pytest.raises(DBAPIError, match="never edited"):
        await session.execute(text("UPDATE compensation_settlement SET amount = 1"))
    await session.rollback()


async def add_zoning(
    session: AsyncSession, version: int, first: str, until: str | None, means: tuple[float, float]
) -> None:
    """A version of a zoning of two squares with the means of a service."""
    await session.execute(
        text(
            "INSERT INTO zone_scheme (code, name_zh, name_en, region_id, kind, version, status,"
            " origin, valid_from, valid_to)"
            " SELECT 'zones-a', '分区', 'Zones', id, 'supply_demand', :version, :status, 'drawn',"
            " CAST(:first AS date), CAST(:until AS date)"
            " FROM region WHERE code = 'a'"
        ),
        {
            "version": version,
            "status": "superseded" if until else "published",
            "first": date.fromisoformat(first),
            "until": until and date.fromisoformat(until),
        },
    )
    await session.execute(
        text(
            "INSERT INTO zone_class (code, class_code, scheme_kind, name_zh, name_en, order_no)"
            " VALUES ('supply_demand.x', 'x', 'supply_demand', '类', 'Class', 1)"
            " ON CONFLICT DO NOTHING"
        )
    )
    for number, mean in enumerate(means):
        await session.execute(
            text(
                "INSERT INTO zone (scheme_id, class_id, code, geom, attrs)"
                " SELECT s.id, (SELECT min(id) FROM zone_class), :code,"
                " ST_Multi(ST_MakeEnvelope(:west, 24.4, :east, 24.41, 4490)),"
                " jsonb_build_object('statistics', jsonb_build_object('layers',"
                " jsonb_build_object('carbon_sink',"
                " jsonb_build_object('mean', CAST(:mean AS float8)))))"
                " FROM zone_scheme s WHERE s.code = 'zones-a' AND s.version = :version"
            ),
            {
                "version": version,
                "code": f"z{number}",
                "west": 118.0 + number / 100,
                "east": 118.01 + number / 100,
                "mean": mean,
            },
        )
    await session.commit()
