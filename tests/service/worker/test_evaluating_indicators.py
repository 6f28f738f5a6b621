"""Indicators on their way from observations, rasters and lines to recorded values and a report."""

import csv
import io
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from shapely.geometry import shape
from sqlalchemy import select, text, update

from shanhai.data.synthetic_watershed import Watershed, build_watershed
from shanhai.db.engine import Sessions
from shanhai.db.identity import Grant, Identity
from shanhai.db.observations.rollups import sum_up
from shanhai.db.tables.control import ControlArea
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.indicator import Indicator, IndicatorValue
from shanhai.db.tables.job import Job
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.zone import Region
from shanhai.errors import Forbidden, InvalidInput
from shanhai.jobs.states import Standing
from shanhai.monitoring.observation import FeedObservation
from shanhai.processes.catalogue import read_task
from shanhai.processes.evaluate_indicators.contract import (
    EVALUATE_INDICATORS,
    EvaluateIndicatorsInputs,
)
from shanhai.processes.evaluate_indicators.land import square_km
from shanhai.processes.kit.publication import as_multipolygon
from shanhai.processes.kit.task import Outcome, OutputFile
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.vocabulary import JobStatus, Label, Role, Scope
from shanhai_worker.context import WorkerContext
from shanhai_worker.publication import publish, store_files
from tests.support.emptying import forget_rows
from tests.support.indicator_rows import add_indicator, add_plan
from tests.support.job_rows import claim_job, submit
from tests.support.key_rows import add_identity
from tests.support.observation_rows import add_station, forget_observations, store_observations
from tests.support.stored import store_watershed
from tests.support.workers import reach_end

PLAN = "river-plan"
ANALYST = Identity("key:analyst", frozenset({Scope.WRITE}))
SECTIONS: Mapping[str, Mapping[str, float]] = {
    "upper": {
        "dissolved_oxygen": 6.4,
        "oxygen_saturation": 92.0,
        "permanganate_index": 3.1,
        "total_phosphorus": 0.09,
    },
    "middle": {"dissolved_oxygen": 6.4, "ammonia_nitrogen": 0.62},
    "lower": {"dissolved_oxygen": 1.8, "ammonia_nitrogen": 0.3},
}
"""Of class II, whose oxygen is nearly saturated and so of class I, III and worse than V."""
CLEAN = {"so2": 8.0, "no2": 20.0, "pm10": 40.0, "co": 0.6, "o3": 90.0, "pm25": 30.0}
BEIJING = timedelta(hours=8)


@pytest.fixture(scope="module")
def tiny_watershed(tmp_path_factory: pytest.TempPathFactory) -> Watershed:
    return build_watershed(tmp_path_factory.mktemp("watershed"), cells=24)


@pytest.fixture
async def region_with_a_plan(
    worker: WorkerContext, sessions: Sessions, tiny_watershed: Watershed
) -> None:
    """A region with a plan, sections, air, a red line drawn in 2024 and undrawn farmland."""
    assert isinstance(worker.artifacts, LocalArtifacts)
    async with sessions.begin() as session:
        await forget_observations(session)
        await forget_rows(session, ["region", "indicator", "dataset", "species"])
        region = await store_watershed(session, worker.artifacts, tiny_watershed)
        await session.execute(
            update(Dataset)
            .where(Dataset.theme == "land_cover")
            .values(observed_from=date(2024, 5, 1), observed_to=date(2024, 9, 30))
        )
        plan = await add_plan(session, PLAN, region)
        good = [("base", 2020, "40"), ("target", 2030, "90")]
        past = [(2020, "40"), (2021, "48"), (2022, "55")]
        await add_indicator(
            session, plan, "main_basin_class_i_iii_share", figures=good, values=past
        )
        await add_indicator(
            session, plan, "surface_water_inferior_v_share", direction="lower", values=[(2024, "0")]
        )
        await add_indicator(session, plan, "good_air_day_share")
        await add_indicator(session, plan, "forest_cover_rate")
        await add_indicator(session, plan, "red_line_area", unit="10^4 mu")
        await add_indicator(session, plan, "permanent_basic_farmland_area", unit="10^4 mu")
        await add_indicator(session, plan, "small_basin_class_iii_or_better_share")
        await add_indicator(session, plan, "forest_stock_volume", unit="10^4 m3")
        for code in SECTIONS:
            await add_station(session, code, region=region, kind="water_section")
        await add_station(session, "air", region=region)
        district, *_ = tiny_watershed.region.districts
        drawn = as_multipolygon(district.geometry)
        session.add_all(
            ControlArea(
                visibility="public",
                code=kind,
                name_zh=kind,
                name_en=kind,
                kind=kind,
                region_id=region.id,
                status="published",
                approved_area_km2=Decimal("12.5"),
                valid_from=since,
                geom=geometry,
            )
            for kind, since, geometry in (
                ("red_line", date(2024, 1, 1), drawn),
                ("permanent_basic_farmland", date(2020, 1, 1), None),
            )
        )
    await store_observations(sessions, [*_of_water(), *_of_air()])


def _of_water() -> list[FeedObservation]:
    """The lower section became worse than V in 2024; it is seldom looked at."""
    return [
        FeedObservation(station, code, datetime(year, month, 15, 4, tzinfo=UTC), value)
        for year in (2023, 2024)
        for month in range(1, 13 if year == 2024 else 4)
        for station, values in SECTIONS.items()
        for code, value in values.items()
        if year == 2024 or station != "lower"
    ]


def _of_air() -> list[FeedObservation]:
    """Three days: a clean one, a bad one, and one that lacks a sensor."""
    start = datetime(2024, 7, 1, tzinfo=UTC) - BEIJING
    return [
        FeedObservation("air", code, start + timedelta(hours=hour), value * (3 if bad else 1))
        for hour in range(72)
        for code, value in CLEAN.items()
        for bad in [code == "pm25" and 24 <= hour < 48]
        if not (code == "so2" and hour >= 48)
    ]


async def run(worker: WorkerContext, sessions: Sessions, **more: Any) -> Job:
    inputs = EvaluateIndicatorsInputs.model_validate(
        {"plan": PLAN, "years": [2023, 2024], "cell_m": 100, **more}
    )
    async with sessions.begin() as session:
        who = await add_identity(session, scopes=[Scope.WRITE])
        job = await submit(session, contract=EVALUATE_INDICATORS, inputs=inputs, identity=who)
    await worker.dispatcher.dispatch(job.id, 0)
    job = await reach_end(worker.sessions, job.id, within_s=90)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    return job


def read_output(worker: WorkerContext, job: Job, name: str) -> bytes:
    assert job.result is not None
    assert isinstance(worker.artifacts, LocalArtifacts)
    return worker.artifacts.local_path(job.result["outputs"][name]["uri"]).read_bytes()


@pytest.mark.long
@pytest.mark.usefixtures("region_with_a_plan")
async def test_values_are_computed_judged_and_recorded_with_their_origin(
    worker: WorkerContext, sessions: Sessions, tiny_watershed: Watershed
) -> None:
    async with sessions.begin() as session:
        # The roll-ups of some days are made, those of others are due: the means are the same.
        assert await sum_up(session, before=date(2024, 4, 1))
    job = await run(worker, sessions, note="one map of the year")
    assert job.result is not None
    assert set(job.result["outputs"]) == {
        *("indicators", "statistics", "table", "report", "report_pdf", "report_docx")
    }
    document = orjson.loads(read_output(worker, job, "indicators"))
    told = {one["code"]: one for one in document["indicators"]}

    sections = told["main_basin_class_i_iii_share"]
    values = {one["year"]: one["value"] for one in sections["computed"]}
    assert values == {2023: 100.0, 2024: pytest.approx(200 / 3, abs=1e-6)}
    assert sections["computed"][0]["standard"]["id"] == "gb-3838-2002"
    # The path asks for 60 of 2024; Sen's line looks ahead to the target's year.
    assert (sections["status"], sections["path_value"]) == ("on_track", 60)
    assert sections["trend"]["values"] == 5
    assert sections["forecast"]["year"] == 2030
    assert sections["forecast"]["low"] <= sections["forecast"]["value"] <= 100

    air = told["good_air_day_share"]["computed"]
    assert [(one["year"], one["value"]) for one in air] == [(2024, 50.0)]
    _assert_lines_are_measured_where_they_are_drawn(told, tiny_watershed)
    forest = told["forest_cover_rate"]
    assert 0 < forest["computed"][0]["value"] < 100
    assert [one["year"] for one in forest["missing"]] == [2023]
    assert "land cover observed in 2023" in forest["missing"][0]["en"]
    assert (
        "named under `stations`"
        in told["small_basin_class_iii_or_better_share"]["missing"][0]["en"]
    )
    assert "by hand" in told["forest_stock_volume"]["missing"][0]["en"]

    statistics = orjson.loads(read_output(worker, job, "statistics"))
    parts = next(
        one for one in statistics["indicators"] if one["code"] == "main_basin_class_i_iii_share"
    )
    of_2024 = parts["years"][1]["details"]["sections"]
    assert {(one["code"], one["class"], *one["deciding"]) for one in of_2024} == {
        ("upper", "II", "permanganate_index", "total_phosphorus"),
        ("middle", "III", "ammonia_nitrogen"),
        ("lower", "inferior_v", "dissolved_oxygen"),
    }
    table = csv.DictReader(io.StringIO(read_output(worker, job, "table").decode("utf-8-sig")))
    assert {"computed", "entered", ""} == {row["origin"] for row in table}
    page = read_output(worker, job, "report").decode()
    assert "data:image/png;base64," in page
    assert "GB 3838-2002" in page
    await _assert_recorded(sessions, job)


@pytest.mark.long
@pytest.mark.usefixtures("region_with_a_plan")
async def test_of_key_species_nothing_is_recorded_beside_a_line_that_is_not_drawn(
    worker: WorkerContext, sessions: Sessions
) -> None:
    async with sessions.begin() as session:
        plan = (await session.scalars(select(Plan).where(Plan.code == PLAN))).one()
        region = await session.get_one(Region, plan.region_id)
        await add_indicator(session, plan, "key_species_protection_rate")
        await session.execute(
            text(
                "INSERT INTO species (code, scientific_name, protection, sensitivity)"
                " VALUES ('egret', 'Egretta eulophotes', 'first_class', 'open')"
            )
        )
        await session.execute(
            text(
                "INSERT INTO occurrence (code, region_id, species_id, observed_from, state, geom)"
                " SELECT 'met', :region, species.id, '2023-05-01', 'verified',"
                " ST_PointOnSurface(region.geom) FROM species, region WHERE region.id = :region"
            ),
            {"region": region.id},
        )

    async def recorded() -> dict[int, Decimal]:
        job = await run(worker, sessions, indicators=["key_species_protection_rate"])
        document = orjson.loads(read_output(worker, job, "indicators"))
        missing = {one["year"]: one["en"] for one in document["indicators"][0]["missing"]}
        assert missing.pop(2023) == "no protected area or red line is in force"
        told.append(missing.get(2024))
        async with sessions() as session:
            rows = await session.scalars(
                select(IndicatorValue).where(IndicatorValue.job_id == job.id)
            )
            return {row.year: row.value for row in rows}

    told: list[str | None] = []
    assert set(await recorded()) == {2024}
    async with sessions.begin() as session:
        await session.execute(text("UPDATE control_area SET geom = NULL WHERE kind = 'red_line'"))
    assert await recorded() == {}
    assert told[0] is None
    assert "not drawn: red_line (12.5 km²)" in str(told[1])


@pytest.mark.usefixtures("region_with_a_plan")
async def test_a_commit_whose_answer_was_lost_records_nothing_twice(
    worker: WorkerContext, sessions: Sessions, tmp_path: Path
) -> None:
    inputs = EvaluateIndicatorsInputs.model_validate({"plan": PLAN, "years": [2023]})
    async with sessions.begin() as session:
        who = await add_identity(session, scopes=[Scope.WRITE])
        job = await submit(session, contract=EVALUATE_INDICATORS, inputs=inputs, identity=who)
        taken = await claim_job(session, worker="tester", lease_s=600, job_id=job.id)
    assert taken is not None
    (tmp_path / "report.html").write_text("<!doctype html>", encoding="utf-8")
    report = OutputFile.of("report", "report.html", "text/html", Label("报告", "Report"))
    origin: Mapping[str, Any] = {
        "formula_zh": "",
        "method_zh": "",
        "standard": None,
        "inputs": {},
    }
    value = {"code": "forest_cover_rate", "year": 2023, "value": "31", "provenance": origin}
    outcome = Outcome(files=[report], values={"recorded": [value]})
    stored = await store_files(worker.artifacts, outcome, tmp_path)
    first = await publish(worker, taken, outcome, stored, tmp_path)
    assert first[0] is Standing.HELD
    assert await publish(worker, taken, outcome, stored, tmp_path) == first
    async with sessions() as session:
        recorded = select(IndicatorValue.value).where(IndicatorValue.job_id == job.id)
        assert (await session.scalars(recorded)).all() == [Decimal(31)]


def _assert_lines_are_measured_where_they_are_drawn(
    told: Mapping[str, Any], watershed: Watershed
) -> None:
    """An approved area is what was aimed at, not what was found: no line of it is computed."""
    district, *_ = watershed.region.districts
    drawn_mu = square_km(shape(district.geometry)) * 1500
    red_line, farmland = told["red_line_area"], told["permanent_basic_farmland_area"]
    assert [one["year"] for one in red_line["missing"]] == [2023]
    assert [(one["year"], one["value"]) for one in red_line["computed"]] == [
        (2024, pytest.approx(drawn_mu / 10_000, rel=1e-6))
    ]
    assert (farmland["status"], farmland["computed"]) == ("no_data", [])
    assert [one["year"] for one in farmland["missing"]] == [2023, 2024]
    assert "not drawn: permanent_basic_farmland (12.5 km²)" in farmland["missing"][1]["en"]


async def _assert_recorded(sessions: Sessions, job: Job) -> None:
    """What was computed is recorded, but not over what was entered by hand."""
    async with sessions() as session:
        rows = (
            await session.execute(
                select(Indicator.code, IndicatorValue)
                .join(Indicator, Indicator.id == IndicatorValue.indicator_id)
                .where(IndicatorValue.job_id == job.id)
            )
        ).all()
    kept = {(code, row.year): row for code, row in rows}
    assert set(kept) == {
        *(("main_basin_class_i_iii_share", year) for year in (2023, 2024)),
        ("surface_water_inferior_v_share", 2023),
        ("good_air_day_share", 2024),
        ("forest_cover_rate", 2024),
        ("red_line_area", 2024),
    }
    value = kept["main_basin_class_i_iii_share", 2024]
    assert value.recorded_by == job.requested_by
    assert value.provenance is not None
    assert value.provenance["standard"]["year"] == 2002
    assert value.provenance["inputs"]["stations"] == 3
    assert value.provenance["inputs"]["observations"] == 12 * 8
    assert kept["forest_cover_rate", 2024].source_dataset_id is not None
    assert {row.attrs["note"] for row in kept.values()} == {"one map of the year"}
    assert job.result is not None
    assert {flag["code"] for flag in job.result["values"]["warnings"]} == {
        *("entered_by_hand_kept", "few_valid_days")
    }


@pytest.mark.usefixtures("region_with_a_plan")
async def test_what_does_not_fit_is_refused_before_a_job_is_made(sessions: Sessions) -> None:
    async def ask(identity: Identity = ANALYST, **more: Any) -> None:
        inputs = EvaluateIndicatorsInputs.model_validate({"plan": PLAN, "years": [2024], **more})
        async with sessions.begin() as session:
            await submit(session, contract=EVALUATE_INDICATORS, inputs=inputs, identity=identity)

    with pytest.raises(InvalidInput, match="no plan 'other'"):
        await ask(plan="other")
    with pytest.raises(InvalidInput) as refused:
        await ask(
            years=[2199],
            indicators=["nothing"],
            stations={"forest_cover_rate": ["upper"]},
        )
    assert {fault.pointer for fault in refused.value.faults} == {
        *("/inputs/years/0", "/inputs/indicators/0")
    }
    with pytest.raises(InvalidInput) as refused:
        await ask(
            stations={"forest_cover_rate": ["upper"], "good_air_day_share": ["nowhere"]},
            lakes=["mars"],
        )
    assert {fault.pointer for fault in refused.value.faults} == {
        "/inputs/stations/forest_cover_rate",
        "/inputs/stations/good_air_day_share/0",
        "/inputs/lakes/0",
    }
    with pytest.raises(InvalidInput, match=r"gives %, which is no 10\^4 mu"):
        await ask(computations={"red_line_area": "forest_cover"})
    with pytest.raises(InvalidInput, match="no dataset 'cover-x'"):
        await ask(datasets={"land_cover": {"2024": "cover-x"}})
    reader = Identity("key:reader", frozenset({Scope.READ}))
    with pytest.raises(Forbidden, match="scope observe or write"):
        await ask(reader)
    await ask(reader, record=False)
    elsewhere = Identity(
        "key:else", frozenset({Scope.WRITE}), (Grant(Role.ANALYST, frozenset({-1})),)
    )
    with pytest.raises(Forbidden, match="one of the roles"):
        await ask(elsewhere)


@pytest.mark.usefixtures("region_with_a_plan")
async def test_rasters_that_who_asks_may_not_know_of_are_not_read(sessions: Sessions) -> None:
    asked = {"plan": PLAN, "years": [2024], "record": False}
    async with sessions.begin() as session:
        land_cover = update(Dataset).where(Dataset.theme == "land_cover")
        await session.execute(land_cover.values(visibility="region", code="cover"))

    async def read_by(identity: Identity, **more: Any) -> set[str]:
        inputs = EvaluateIndicatorsInputs.model_validate({**asked, **more})
        async with sessions.begin() as session:
            job = await submit(
                session, contract=EVALUATE_INDICATORS, inputs=inputs, identity=identity
            )
        return set(read_task(job.task).datasets)

    elsewhere = Identity(
        "key:else", frozenset({Scope.WRITE}), (Grant(Role.ANALYST, frozenset({-1})),)
    )
    assert await read_by(ANALYST) == {"land_cover.2024"}
    assert await read_by(elsewhere) == set()
    with pytest.raises(InvalidInput, match="no dataset 'cover'"):
        await read_by(elsewhere, datasets={"land_cover": {"2024": "cover"}})
