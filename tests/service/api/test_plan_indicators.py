"""Targets, values, progress and evaluations of a plan's indicators, over HTTP."""

import csv
import io
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from docx import Document
from docx.oxml.ns import qn
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import hash_of
from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.indicator import (
    Indicator,
    IndicatorTarget,
    IndicatorValue,
    PlanIndicator,
)
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.project import Project, ProjectEvent, ProjectMeasure
from shanhai.db.tables.provision import Party
from shanhai.db.tables.zone import Region
from shanhai.vocabulary import Role, Scope
from shanhai_api.kit.state import ServiceState
from tests.support.emptying import forget_rows
from tests.support.job_rows import add_dataset

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

PLAN = "/plans/banan-plan"
Target = tuple[str, int | None, str | None, str | None]
BANAN: Mapping[str, dict[str, Any]] = {
    "red_line_area": {
        "unit": "km2",
        "figures": [("base", 2020, "184.6", None), ("target", 2025, "142.4", "none")],
    },
    "forest_stock_volume": {
        "unit": "10^4 m3",
        "revisable": True,
        "figures": [
            ("base", 2020, "318", None),
            ("target", 2025, "320", "ge"),
            ("target", 2035, "330", "ge"),
        ],
    },
    "soil_water_conservation_rate": {
        "unit": "%",
        "property": "expected",
        "figures": [("base", 2020, "70.62", None), ("target", 2025, "73.5", "none")],
    },
    "mine_restored_area": {
        "unit": "ha",
        "since": 2021,
        "figures": [
            ("base", 2020, "131.8", None),
            ("target", 2025, "261", "none"),
            ("target", 2035, "386", "none"),
        ],
    },
    "water_function_zone_compliance": {
        "unit": "%",
        "figures": [("base", 2020, None, None), ("target", 2025, "93.1", "ge")],
    },
    "cultivated_land_area": {"unit": "10^4 mu", "figures": [("target", None, "19.47", "ge")]},
    "surface_water_inferior_v_share": {"unit": "%", "direction": "lower", "figures": []},
}
MakeClient = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def plan(session: AsyncSession) -> Plan:
    """An approved plan of a district with a town, and indicators a department answers for."""
    await forget_rows(session, ["indicator", "party", "evaluation_snapshot"])
    banan = Region(code="banan", name_zh="巴南区", name_en="Banan", level="district")
    session.add(banan)
    await session.flush()
    town = Region(
        code="nanquan", name_zh="南泉", name_en="Nanquan", level="town", parent_id=banan.id
    )
    other = Region(code="elsewhere", name_zh="别处", name_en="Elsewhere", level="district")
    forestry = Party(code="forestry", name_zh="林业局", name_en="Forestry", kind="department")
    made = Plan(
        code="banan-plan",
        name_zh="巴南规划",
        name_en="Banan plan",
        kind="special_plan",
        level="district",
        region_id=banan.id,
        first_year=2021,
        last_year=2035,
        status="approved",
    )
    session.add_all([town, other, forestry, made])
    await session.flush()
    for order, (code, given) in enumerate(BANAN.items(), 1):
        await add_indicator(session, made, order, code, given, forestry)
    await session.commit()
    return made


async def add_indicator(
    session: AsyncSession, plan: Plan, order: int, code: str, given: dict[str, Any], party: Party
) -> None:
    direction = given.get("direction", "higher")
    entry = Indicator(
        code=code,
        name_zh=f"指标{order}",
        name_en=code.replace("_", " "),
        unit=given["unit"],
        property=given.get("property", "binding"),
        direction=direction,
    )
    session.add(entry)
    await session.flush()
    session.add(
        PlanIndicator(
            code=code,
            plan_id=plan.id,
            indicator_id=entry.id,
            order_no=order,
            party_id=party.id if code.startswith("forest") else None,
        )
    )
    for role, year, value, comparator in given["figures"]:
        session.add(
            IndicatorTarget(
                indicator_id=entry.id,
                region_id=plan.region_id,
                plan_id=plan.id,
                role=role,
                year=year,
                value=None if value is None else Decimal(value),
                comparator_printed=comparator,
                sense="at_least",
                cumulative_from=given.get("since") if role == "target" else None,
                revisable=given.get("revisable", False),
            )
        )


@pytest.fixture
async def planner(client_with: MakeClient) -> httpx.AsyncClient:
    return await client_with(Scope.READ, Scope.WRITE)


@pytest.fixture
async def client_as(client_with: MakeClient, state: ServiceState) -> MakeClient:
    """Makes clients that hold one role, in one region or everywhere."""

    async def make(role: Role, region: str | None, *scopes: Scope) -> httpx.AsyncClient:
        async with state.sessions.begin() as session:
            roles = [RoleGiven(role, region)]
            key = await create_key(session, name="role", scopes=scopes, roles=roles)
        client = await client_with()
        client.headers["Authorization"] = f"Bearer {key}"
        return client

    return make


async def post_value(
    client: httpx.AsyncClient, indicator: str, year: int, value: float, **rest: Any
) -> httpx.Response:
    body = {"year": year, "value": value, **rest}
    return await client.post(f"{PLAN}/indicators/{indicator}/values", json=body)


async def standing(client: httpx.AsyncClient, indicator: str, year: int) -> dict[str, Any]:
    answer = await client.get(f"{PLAN}/progress", params={"year": year})
    assert answer.status_code == 200
    return next(row for row in answer.json()["indicators"] if row["indicator"] == indicator)


def remarks(row: Mapping[str, Any]) -> list[str]:
    return [remark["code"] for remark in row["remarks"]]


async def test_a_value_is_converted_and_judged(plan: Plan, planner: httpx.AsyncClient) -> None:
    made = await post_value(
        planner,
        "cultivated_land_area",
        2024,
        129.8,
        unit="km2",
        source="Survey",
        quality="official",
        method="survey",
        department="forestry",
    )
    assert made.status_code == 201
    body = made.json()
    assert (body["value"], body["unit"]) == (19.47, "10^4 mu")
    assert body["given"] == {"value": "129.8", "unit": "km2"}
    listed = await planner.get(made.headers["location"])
    assert [item["id"] for item in listed.json()["values"]] == [body["id"]]
    row = await standing(planner, "cultivated_land_area", 2024)
    assert (row["status"], row["gap"], remarks(row)) == ("reached", 0, ["no_year"])


async def test_what_a_value_rests_on_is_for_those_at_work_there(
    plan: Plan,
    planner: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    client_as: MakeClient,
    session: AsyncSession,
) -> None:
    banan = await session.get_one(Region, plan.region_id)
    indicator = await session.scalar(text("SELECT id FROM indicator WHERE code = 'red_line_area'"))
    origin = {"inputs": {"land_cover": "kept"}, "details": {"stations": ["hidden-station"]}}
    for year, visibility in ((2023, "region"), (2024, "public")):
        dataset = await add_dataset(session, banan, "lulc", f"cover-{year}", visibility=visibility)
        value = IndicatorValue(
            indicator_id=indicator,
            region_id=banan.id,
            year=year,
            value=Decimal(180),
            method="land cover",
            source_dataset_id=dataset.id,
            provenance=origin,
            recorded_by="key:analyst",
        )
        session.add(value)
    await session.commit()
    foreign = await client_as(Role.PLANNER, "elsewhere", Scope.READ)
    own = await client_as(Role.PLANNER, "banan", Scope.READ)
    public, known = ["cover-2024", None], ["cover-2024", "cover-2023"]
    for client, datasets, told in (
        (anonymous, public, (None, None)),
        (foreign, public, (None, None)),
        (own, known, (origin, "key:analyst")),
        (planner, known, (origin, "key:analyst")),
    ):
        values = (await client.get(f"{PLAN}/indicators/red_line_area/values")).json()["values"]
        assert [item["dataset"] for item in values] == datasets
        assert [item["method"] for item in values] == ["land cover", "land cover"]
        assert [(item["provenance"], item["recorded_by"]) for item in values] == [told, told]


async def test_progress_follows_the_path(plan: Plan, planner: httpx.AsyncClient) -> None:
    await post_value(planner, "forest_stock_volume", 2023, 319.2)
    row = await standing(planner, "forest_stock_volume", 2023)
    assert (row["status"], row["path_value"], row["gap"]) == ("on_track", 319.2, 0.8)
    assert row["progress_percent"] == 60
    assert [target["stage"] for target in row["targets"]] == ["near", "final"]
    assert row["target"]["year"] == 2025
    await post_value(planner, "forest_stock_volume", 2023, 319.1)
    assert (await standing(planner, "forest_stock_volume", 2023))["status"] == "behind"


async def test_a_correction_is_another_row(plan: Plan, planner: httpx.AsyncClient) -> None:
    first = await post_value(planner, "soil_water_conservation_rate", 2023, 71)
    second = await post_value(
        planner, "soil_water_conservation_rate", 2023, 72.5, note="misread before"
    )
    path = f"{PLAN}/indicators/soil_water_conservation_rate/values"
    values = (await planner.get(path)).json()["values"]
    assert [(item["id"], item["counts"]) for item in values] == [
        (second.json()["id"], True),
        (first.json()["id"], False),
    ]
    assert values[0]["note"] == "misread before"
    row = await standing(planner, "soil_water_conservation_rate", 2023)
    # 70.62 and three fifths of 2.88.
    assert (row["value"], row["path_value"], row["status"]) == (72.5, 72.348, "on_track")


async def test_values_are_paged(plan: Plan, planner: httpx.AsyncClient) -> None:
    for year in (2021, 2022, 2022, 2024):
        await post_value(planner, "forest_stock_volume", year, 318)
    path, seen = f"{PLAN}/indicators/forest_stock_volume/values?limit=3", []
    while path:
        page = (await planner.get(path)).json()
        seen += [item["year"] for item in page["values"]]
        path = next((link["href"] for link in page["links"] if link["rel"] == "next"), "")
    assert seen == [2024, 2022, 2022, 2021]


async def test_stored_values_cannot_be_changed(
    plan: Plan, planner: httpx.AsyncClient, session: AsyncSession
) -> None:
    await post_value(planner, "forest_stock_volume", 2023, 319)
    with pytest.raises(DBAPIError):
        await session.execute(text("UPDATE indicator_value SET value = 400"))
    await session.rollback()


async def test_the_red_line_drawn_anew_raises_no_alert(
    plan: Plan, planner: httpx.AsyncClient
) -> None:
    await post_value(planner, "red_line_area", 2023, 142.4)
    row = await standing(planner, "red_line_area", 2023)
    assert (row["status"], remarks(row)) == ("reached", ["base_beyond_target"])
    assert "184.6" in row["remarks"][0]["zh"]


async def test_without_a_base_only_the_gap_is_told(plan: Plan, planner: httpx.AsyncClient) -> None:
    await post_value(planner, "water_function_zone_compliance", 2023, 90)
    row = await standing(planner, "water_function_zone_compliance", 2023)
    assert (row["status"], row["gap"], row["path_value"]) == ("no_data", 3.1, None)
    assert (row["progress_percent"], remarks(row)) == (None, ["base_missing"])


async def test_a_total_is_summed_or_stated(plan: Plan, planner: httpx.AsyncClient) -> None:
    for year, value in ((2021, 50), (2022, 60), (2023, 46.6)):
        await post_value(planner, "mine_restored_area", year, value)
    row = await standing(planner, "mine_restored_area", 2023)
    assert (row["value"], row["path_value"], row["status"]) == (156.6, 156.6, "on_track")
    assert row["target"]["cumulative_from"] == 2021
    stated = await post_value(planner, "mine_restored_area", 2024, 2.7, unit="km2", cumulative=True)
    assert stated.json()["value"] == 270
    assert (await standing(planner, "mine_restored_area", 2024))["status"] == "reached"
    refused = await post_value(planner, "red_line_area", 2024, 5, cumulative=True)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/cumulative")


async def test_an_accepted_project_counts_once(
    plan: Plan, planner: httpx.AsyncClient, session: AsyncSession
) -> None:
    indicator = await session.scalar(
        text("SELECT id FROM indicator WHERE code = 'mine_restored_area'")
    )
    town = await session.scalar(text("SELECT id FROM region WHERE code = 'nanquan'"))
    for code, state, amount, unit in (
        ("mine.1", "monitoring", 0.4, "km2"),
        ("mine.2", "implementation", 7.0, "ha"),
        ("mine.3", "closed", 5.0, "t"),
    ):
        project = Project(
            visibility="public",
            code=code,
            name_zh="矿山",
            name_en="Mine",
            region_id=town,
            plan_id=plan.id,
            state=state,
            start_year=2021,
            end_year=2023,
        )
        session.add(project)
        await session.flush()
        session.add(
            ProjectMeasure(
                project_id=project.id,
                measure="mine_restoration",
                planned=amount * 2,
                done=amount,
                unit=unit,
                indicator_id=indicator,
            )
        )
        if state == "monitoring":
            # Still 2021 in Greenwich, already 2022 where the plan is made.
            session.add(
                ProjectEvent(
                    project_id=project.id,
                    seq=1,
                    from_state="acceptance",
                    to_state="monitoring",
                    at=datetime(2021, 12, 31, 18, tzinfo=UTC),
                    actor="approver",
                )
            )
    await session.commit()
    await post_value(planner, "mine_restored_area", 2021, 50)
    row = await standing(planner, "mine_restored_area", 2022)
    assert (row["value"], row["value_year"]) == (90, 2022)
    assert {"measures_counted", "measures_foreign"} <= set(remarks(row))
    assert row["projects"] == {
        "count": 3,
        "planned": 94,
        "done": 47,
        "accepted": 40,
        "mines": 0,
    }
    # Once the year is reported, the report holds the project.
    await post_value(planner, "mine_restored_area", 2022, 45)
    assert (await standing(planner, "mine_restored_area", 2022))["value"] == 95
    await post_value(planner, "mine_restored_area", 2023, 100, cumulative=True)
    assert (await standing(planner, "mine_restored_area", 2023))["value"] == 100


async def test_regions_are_judged_apart(plan: Plan, planner: httpx.AsyncClient) -> None:
    await post_value(planner, "forest_stock_volume", 2023, 10, region="nanquan")
    answer = await planner.get(f"{PLAN}/progress", params={"year": 2023, "region": "nanquan"})
    row = next(r for r in answer.json()["indicators"] if r["indicator"] == "forest_stock_volume")
    assert (row["value"], row["status"], remarks(row)) == (10, "no_data", ["no_target"])
    assert (await standing(planner, "forest_stock_volume", 2023))["value"] is None
    for region in ("elsewhere", "nowhere"):
        refused = await post_value(planner, "forest_stock_volume", 2023, 1, region=region)
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["pointer"] == "/region"
        asked = await planner.get(f"{PLAN}/progress", params={"region": region})
        assert (asked.status_code, asked.json()["errors"][0]["pointer"]) == (400, "region")


BAD_VALUES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"year": 2023}, "/value"),
    ({"year": 1899, "value": 1}, "/year"),
    ({"year": 2199, "value": 1}, "/year"),
    ({"year": 2023.5, "value": 1}, "/year"),
    ({"year": 2023, "value": "many"}, "/value"),
    ({"year": 2023, "value": True}, "/value"),
    ({"year": 2023, "value": 1e300}, "/value"),
    ({"year": 2023, "value": "1e-20000"}, "/value"),
    ({"year": 2023, "value": 1, "unit": "km"}, "/unit"),
    ({"year": 2023, "value": 1, "department": "nobody"}, "/department"),
    ({"year": 2023, "value": 1, "dataset": "nothing"}, "/dataset"),
    ({"year": 2023, "value": 1, "colour": "red"}, "/colour"),
)


async def test_bad_values(plan: Plan, planner: httpx.AsyncClient) -> None:
    for body, pointer in BAD_VALUES:
        refused = await planner.post(f"{PLAN}/indicators/red_line_area/values", json=body)
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["pointer"] == pointer


async def test_a_repeated_post_records_once(plan: Plan, planner: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "one"}
    path = f"{PLAN}/indicators/red_line_area/values"
    answers = [
        await planner.post(path, json={"year": 2023, "value": 142.4}, headers=headers)
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert len((await planner.get(path)).json()["values"]) == 1


async def test_who_may_report(
    plan: Plan,
    anonymous: httpx.AsyncClient,
    reader: httpx.AsyncClient,
    client_as: MakeClient,
) -> None:
    assert (await post_value(anonymous, "red_line_area", 2023, 1)).status_code == 401
    assert (await post_value(reader, "red_line_area", 2023, 1)).status_code == 403
    owner = await client_as(Role.OWNER, None, Scope.READ, Scope.OBSERVE)
    assert (await post_value(owner, "red_line_area", 2023, 1)).status_code == 403
    feed = await client_as(Role.FEED, None, Scope.OBSERVE)
    assert (await post_value(feed, "red_line_area", 2023, 142.4)).status_code == 201
    town = await client_as(Role.SUPERVISOR, "nanquan", Scope.READ, Scope.OBSERVE)
    assert (await post_value(town, "red_line_area", 2023, 1)).status_code == 403
    inside = await post_value(town, "red_line_area", 2023, 1, region="nanquan")
    assert inside.status_code == 201


async def test_a_draft_is_known_to_insiders_only(
    plan: Plan, session: AsyncSession, anonymous: httpx.AsyncClient, client_as: MakeClient
) -> None:
    await session.execute(text("UPDATE plan SET status = 'draft'"))
    await session.commit()
    stranger = await client_as(Role.PLANNER, "elsewhere", Scope.READ, Scope.WRITE)
    insider = await client_as(Role.PLANNER, "banan", Scope.READ, Scope.WRITE)
    for path in (
        "progress",
        "evaluation?year=2023",
        "evaluations",
        "indicators/red_line_area/values",
    ):
        assert (await anonymous.get(f"{PLAN}/{path}")).status_code == 404
        assert (await stranger.get(f"{PLAN}/{path}")).status_code == 404
        assert (await insider.get(f"{PLAN}/{path}")).status_code == 200
    assert (await post_value(stranger, "red_line_area", 2023, 1)).status_code == 404


async def test_revisable_targets_change_with_a_reason(
    plan: Plan, planner: httpx.AsyncClient
) -> None:
    path = f"{PLAN}/indicators/forest_stock_volume/targets"
    before = await planner.get(path)
    figures = before.json()["targets"]
    assert [figure["value"] for figure in figures] == [318, 320, 330]
    figures[1]["value"] = 3_190_000
    figures[1]["unit"] = "m3"
    silent = await planner.put(path, json={"targets": figures})
    assert (silent.status_code, silent.json()["errors"][0]["pointer"]) == (400, "/reason")
    changed = await planner.put(
        path,
        json={"targets": figures, "reason": "the upper plan was approved"},
        headers={"If-Match": before.headers["etag"]},
    )
    assert changed.status_code == 200
    told = changed.json()["targets"][1]
    assert told["value"] == 319
    assert told["revisions"][0]["value_before"] == 320
    assert told["revisions"][0]["reason"] == "the upper plan was approved"
    late = await planner.put(
        path,
        json={"targets": figures[:1], "reason": "late"},
        headers={"If-Match": before.headers["etag"]},
    )
    assert late.status_code == 412


async def test_fixed_targets_change_only_with_a_new_plan(
    plan: Plan, planner: httpx.AsyncClient, session: AsyncSession
) -> None:
    path = f"{PLAN}/indicators/red_line_area/targets"
    figures = (await planner.get(path)).json()["targets"]
    lower = [figures[0], {**figures[1], "value": 140}]
    loosened = [figures[0], {**figures[1], "revisable": True}]
    beside = [*figures, {"role": "target", "year": 2023, "value": 100}]
    for wanted in (lower, loosened, beside, figures[:1]):
        refused = await planner.put(path, json={"targets": wanted, "reason": "because"})
        assert refused.status_code == 409, wanted
        assert refused.json()["errors"][0]["pointer"].startswith("/targets")
    same = await planner.put(path, json={"targets": figures})
    assert (same.status_code, same.json()["targets"]) == (200, figures)
    await session.execute(text("UPDATE plan SET status = 'draft'"))
    await session.commit()
    assert (await planner.put(path, json={"targets": lower})).status_code == 200
    await session.execute(text("UPDATE plan SET status = 'superseded'"))
    await session.commit()
    assert (await planner.put(path, json={"targets": figures})).status_code == 409


async def test_targets_nobody_printed_can_be_added(plan: Plan, planner: httpx.AsyncClient) -> None:
    path = f"{PLAN}/indicators/surface_water_inferior_v_share/targets"
    figures = [
        {"role": "base", "year": 2020, "value": 0.05, "unit": "1"},
        {"role": "target", "year": 2025, "value": 0, "comparator": "none"},
    ]
    made = await planner.put(path, json={"targets": figures, "reason": "notice of 2022"})
    assert [(item["value"], item["sense"]) for item in made.json()["targets"]] == [
        (5, "at_most"),
        (0, "at_most"),
    ]
    await post_value(planner, "surface_water_inferior_v_share", 2023, 2)
    row = await standing(planner, "surface_water_inferior_v_share", 2023)
    assert (row["status"], row["path_value"], row["gap"]) == ("on_track", 2, 2)


BAD_TARGETS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"role": "base", "value": 1}, "/targets/0/year"),
    ({"role": "target", "comparator": "le", "sense": "at_least"}, "/targets/0/sense"),
    ({"role": "target", "year": 2020, "cumulative_from": 2021}, "/targets/0/cumulative_from"),
    ({"role": "target", "value": 1, "unit": "kg"}, "/targets/0/unit"),
    ({"role": "goal"}, "/targets/0/role"),
)


async def test_bad_targets(plan: Plan, planner: httpx.AsyncClient) -> None:
    for figure, pointer in BAD_TARGETS:
        path = f"{PLAN}/indicators/surface_water_inferior_v_share/targets"
        refused = await planner.put(path, json={"targets": [figure], "reason": "x"})
        assert refused.status_code == 400
        assert pointer in [fault["pointer"] for fault in refused.json()["errors"]]
        assert (await planner.get(path)).json()["targets"] == []


async def test_targets_that_contradict_each_other(plan: Plan, planner: httpx.AsyncClient) -> None:
    path = f"{PLAN}/indicators/surface_water_inferior_v_share/targets"
    twice = [{"role": "target", "year": 2025, "value": 1}] * 2
    early = [{"role": "base", "year": 2025, "value": 1}, {"role": "target", "year": 2025}]
    for figures, pointer in ((twice, "/targets/1"), (early, "/targets/1/year")):
        refused = await planner.put(path, json={"targets": figures, "reason": "x"})
        assert refused.json()["errors"][0]["pointer"] == pointer


async def fill(client: httpx.AsyncClient) -> None:
    await post_value(client, "red_line_area", 2023, 142.3)
    await post_value(client, "soil_water_conservation_rate", 2023, 71)
    await post_value(client, "forest_stock_volume", 2023, 321)


async def test_the_evaluation_tells_binding_failures_first(
    plan: Plan, planner: httpx.AsyncClient
) -> None:
    await fill(planner)
    answer = await planner.get(f"{PLAN}/evaluation", params={"year": 2023})
    rows = answer.json()["rows"]
    assert [(row["indicator"], row["status"]) for row in rows[:2]] == [
        ("red_line_area", "behind"),
        ("soil_water_conservation_rate", "behind"),
    ]
    assert rows[-1]["indicator"] == "forest_stock_volume"
    assert answer.json()["summary"]["binding"] == {
        "reached": 1,
        "on_track": 0,
        "behind": 1,
        "no_data": 4,
    }
    own = await planner.get(f"{PLAN}/evaluation", params={"year": 2023, "department": "forestry"})
    assert [row["indicator"] for row in own.json()["rows"]] == ["forest_stock_volume"]
    unknown = await planner.get(f"{PLAN}/evaluation", params={"year": 2023, "department": "x"})
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (400, "department")
    today = (await planner.get(f"{PLAN}/evaluation")).json()
    assert today["year"] == datetime.now(ZoneInfo("Asia/Shanghai")).year
    then = (await planner.get(f"{PLAN}/evaluation", params={"year": 2023, "lang": "zh"})).json()
    own = {link["rel"]: link["href"] for link in then["links"]}["self"]
    assert (await planner.get(own)).json()["year"] == 2023


async def test_the_evaluation_as_csv(
    plan: Plan, planner: httpx.AsyncClient, session: AsyncSession
) -> None:
    await fill(planner)
    await session.execute(
        text("UPDATE indicator SET name_zh = '=1+1' WHERE code = 'red_line_area'")
    )
    await session.commit()
    answer = await planner.get(f"{PLAN}/evaluation?year=2023&f=csv&lang=zh")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][:4] == ["指标", "区域", "责任部门", "属性"]
    assert rows[1][0] == "'=1+1"
    assert rows[1][6:12] == ["≥ 142.4 (2025)", "142.3", "2023", "142.4", "0.1", "落后"]


@pytest.mark.parametrize(("lang", "status"), [("zh", "落后"), ("en", "Behind")])
async def test_the_evaluation_as_docx(
    plan: Plan, planner: httpx.AsyncClient, lang: str, status: str
) -> None:
    await fill(planner)
    answer = await planner.get(f"{PLAN}/evaluation?year=2023&f=docx&lang={lang}")
    assert answer.headers["content-disposition"] == 'attachment; filename="banan-plan-2023.docx"'
    again = await planner.get(f"{PLAN}/evaluation?year=2023&f=docx&lang={lang}")
    assert answer.headers["etag"] == again.headers["etag"]
    document = Document(io.BytesIO(answer.content))
    fonts = document.styles["Normal"].element.rPr.rFonts
    assert fonts.get(qn("w:eastAsia")) == "SimSun"
    table = document.tables[0]
    assert len(table.rows) == 1 + len(BANAN)
    assert table.rows[1].cells[11].text == status
    assert table.rows[0]._tr.xpath("w:trPr/w:tblHeader")
    section = document.sections[0]
    assert (section.page_width or 0) > (section.page_height or 0)


@pytest.mark.parametrize(
    ("lang", "words"), [("zh", "约束性：已达到 1"), ("en", "Binding: Reached 1")]
)
async def test_the_evaluation_as_a_page(
    plan: Plan, planner: httpx.AsyncClient, lang: str, words: str
) -> None:
    await fill(planner)
    for path in ("evaluation", "progress"):
        page = await planner.get(f"{PLAN}/{path}?year=2023&f=html&lang={lang}")
        assert page.status_code == 200
        assert words in page.text


async def test_a_table_without_any_value_is_one_line(
    plan: Plan, planner: httpx.AsyncClient
) -> None:
    line = f"<summary>{len(BANAN)} indicators, none with a value</summary>"
    address = f"{PLAN}/progress?year=2023&f=html&lang=en"
    assert line in (await planner.get(address)).text
    await fill(planner)
    assert "<summary>" not in (await planner.get(address)).text


async def test_what_was_noted_with_a_value_is_told_with_it(
    plan: Plan, planner: httpx.AsyncClient
) -> None:
    indicator = "soil_water_conservation_rate"
    await post_value(planner, indicator, 2022, 71, note="演示 Demo")

    async def told(year: int) -> list[dict[str, str]]:
        answer = await planner.get(f"{PLAN}/progress", params={"year": year})
        (row,) = [one for one in answer.json()["indicators"] if one["indicator"] == indicator]
        return [one for one in row["remarks"] if one["code"] == "value_note"]

    note = {"code": "value_note", "zh": "演示 Demo", "en": "演示 Demo"}
    assert await told(2021) == []
    assert await told(2022) == [note]
    assert await told(2023) == [note]  # of which the value of 2022 is told
    await post_value(planner, indicator, 2022, 70)
    assert await told(2023) == []


async def test_lists_are_pages_too(plan: Plan, planner: httpx.AsyncClient) -> None:
    await fill(planner)
    stored = (await planner.post(f"{PLAN}/evaluations", json={"year": 2023})).json()
    for path, words in (
        ("indicators/forest_stock_volume/values", '<td class="number">321</td>'),
        ("indicators/forest_stock_volume/targets", '<td class="number">330</td>'),
        ("evaluations", stored["sha256"]),
        (f"evaluations/{stored['id']}", stored["sha256"]),
    ):
        page = await planner.get(f"{PLAN}/{path}?f=html&lang=zh")
        assert page.status_code == 200
        assert words in page.text
        assert "年份" in page.text


async def test_a_snapshot_never_changes(
    plan: Plan, planner: httpx.AsyncClient, session: AsyncSession
) -> None:
    await fill(planner)
    first = await planner.post(f"{PLAN}/evaluations", json={"year": 2023})
    assert first.status_code == 201
    assert first.json()["sha256"] == hash_of(first.json()["content"])
    await post_value(planner, "red_line_area", 2023, 142.4)
    second = await planner.post(f"{PLAN}/evaluations", json={"year": 2023})
    assert second.json()["id"] == "banan-plan.2023.2"
    old = await planner.get(first.headers["location"])
    assert old.json()["content"] == first.json()["content"]
    assert old.json()["sha256"] == first.json()["sha256"] == hash_of(old.json()["content"])
    assert second.json()["sha256"] != first.json()["sha256"]
    listed = (await planner.get(f"{PLAN}/evaluations")).json()["evaluations"]
    assert [item["id"] for item in listed] == ["banan-plan.2023.2", "banan-plan.2023.1"]
    for wanted in ("csv", "docx", "html"):
        shown = await planner.get(first.headers["location"], params={"f": wanted})
        assert shown.status_code == 200
    with pytest.raises(DBAPIError):
        await session.execute(text("UPDATE evaluation_snapshot SET sha256 = 'x'"))
    await session.rollback()
    with pytest.raises(DBAPIError):
        await session.execute(text("DELETE FROM evaluation_snapshot"))
    await session.rollback()


async def test_who_may_store_evaluations(
    plan: Plan, anonymous: httpx.AsyncClient, client_as: MakeClient
) -> None:
    async def status(client: httpx.AsyncClient) -> int:
        return (await client.post(f"{PLAN}/evaluations", json={"year": 2023})).status_code

    assert await status(anonymous) == 401
    assert await status(await client_as(Role.AUDITOR, None, Scope.READ)) == 403
    assert await status(await client_as(Role.FEED, None, Scope.OBSERVE)) == 403
    supervisor = await client_as(Role.SUPERVISOR, "banan", Scope.READ, Scope.OBSERVE)
    assert await status(supervisor) == 201
    future = await supervisor.post(f"{PLAN}/evaluations", json={"year": 2199})
    assert (future.status_code, future.json()["errors"][0]["pointer"]) == (400, "/year")


async def test_writes_are_in_the_audit_log(
    plan: Plan, planner: httpx.AsyncClient, session: AsyncSession
) -> None:
    await post_value(planner, "red_line_area", 2023, 142.4)
    await planner.post(f"{PLAN}/evaluations", json={"year": 2023})
    rows = await session.execute(
        text("SELECT object_table, object_id FROM audit_log ORDER BY id DESC LIMIT 2")
    )
    assert [tuple(row) for row in rows] == [
        ("evaluation_snapshot", "banan-plan.2023.1"),
        ("indicator_value", "banan-plan/red_line_area/banan/2023"),
    ]


async def test_a_plan_beside_the_plan_above(
    plan: Plan, planner: httpx.AsyncClient, session: AsyncSession
) -> None:
    alone = (await planner.get(f"{PLAN}/conformance")).json()
    assert (alone["upper_plan"], alone["targets"]) == (None, [])
    assert (alone["verdict"], alone["compared"], alone["departures"]) == (
        "nothing_to_compare",
        0,
        None,
    )
    assert "Nothing to compare" in alone["verdict_en"]
    bare = await planner.get(f"{PLAN}/conformance?f=html&lang=zh")
    assert "没有可比较的内容" in bare.text
    upper = Plan(
        code="upper",
        name_zh="上位规划",
        name_en="Upper plan",
        kind="special_plan",
        level="province",
        first_year=2021,
        status="approved",
    )
    session.add(upper)
    await session.flush()
    await session.execute(
        text("UPDATE plan SET upper_plan_id = :id WHERE code = 'banan-plan'"), {"id": upper.id}
    )
    await session.commit()
    empty = (await planner.get(f"{PLAN}/conformance")).json()
    assert (empty["upper_plan"], empty["verdict"]) == ("upper", "nothing_to_compare")
    assert empty["verdict_en"].startswith("Nothing to compare: Upper plan sets no target")
    for code, year, value in (
        ("red_line_area", 2025, 145),
        ("red_line_area", 2035, 145),
        ("forest_stock_volume", 2025, 320),
        ("surface_water_inferior_v_share", 2025, 0),
    ):
        await session.execute(
            text(
                "INSERT INTO indicator_target (indicator_id, region_id, plan_id, role, year, value,"
                " sense) SELECT id, :region, :plan, 'target', :year, :value, 'at_least'"
                " FROM indicator WHERE code = :code"
            ),
            {
                "region": plan.region_id,
                "plan": upper.id,
                "year": year,
                "value": value,
                "code": code,
            },
        )
    await session.commit()
    answer = (await planner.get(f"{PLAN}/conformance")).json()
    assert (answer["upper_plan"], answer["departures"]) == ("upper", 2)
    assert (answer["verdict"], answer["compared"]) == ("departs", 3)
    told = [(item["indicator"], item["year"], item["verdict"]) for item in answer["targets"]]
    assert told == [
        ("red_line_area", 2025, "falls_short"),
        ("red_line_area", 2035, "missing"),
        ("forest_stock_volume", 2025, "conforms"),
    ]
    page = await planner.get(f"{PLAN}/conformance?f=html&lang=zh")
    assert "低于要求" in page.text


async def test_unknown_plans_and_indicators(plan: Plan, planner: httpx.AsyncClient) -> None:
    assert (await planner.get("/plans/none/progress")).status_code == 404
    assert (await planner.get(f"{PLAN}/indicators/none/values")).status_code == 404
    assert (await planner.get(f"{PLAN}/evaluations/none")).status_code == 404
    assert (await planner.get(f"{PLAN}/progress?colour=red")).status_code == 400
