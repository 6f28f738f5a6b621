"""The effect of a project over HTTP, and what it is computed from on PostGIS."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import func, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import seed_cities
from shanhai.db.tables.project import Project, ProjectMeasure
from shanhai.errors import InvalidInput
from shanhai.processes.evaluate_effect.contract import EvaluateEffectInputs, EvaluateEffectTask
from shanhai.processes.evaluate_effect.resolve import RESOLUTION
from tests.support.projects import add_paper, add_project

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

EFFECT = "/projects/green/effect"


def area(mean: float | None) -> dict[str, Any]:
    return {"mean": mean, "cells": 200, "known_cells": 190}


def series(*seen: tuple[str, float, float]) -> list[dict[str, Any]]:
    return [
        {"dataset": f"ndvi-{on[:4]}", "on": on, "inside": area(inside), "control": area(control)}
        for on, inside, control in seen
    ]


RESULT = {
    "effect": {
        "value": {
            "project": "green",
            "perimeter_ha": 1.0,
            "control_ha": 1.0,
            "control_width_m": 21.4,
            "other_projects": 2,
            "rule_zh": "环带",
            "rule_en": "A ring",
            "cell_m": 10.0,
            "missing": ["land_cover"],
            "themes": [
                {
                    "theme": "ndvi",
                    "unit": "1",
                    "quantity": "mean",
                    # Risen by 0.30 against the control area, 0.20 of it lost again.
                    "series": series(
                        ("2018-07-01", 0.2, 0.2),
                        ("2020-07-01", 0.55, 0.25),
                        ("2024-07-01", 0.3, 0.2),
                    ),
                    "change": {
                        "before": "2018-07-01",
                        "after": "2024-07-01",
                        "inside": 0.1,
                        "control": 0.0,
                        "effect": 0.1,
                        "interim": False,
                    },
                }
            ],
        }
    }
}


def square(west: float) -> Any:
    return func.ST_MakeEnvelope(west, 29.40, west + 0.01, 29.41, 4490)


async def add_raster(session: AsyncSession, theme: str, day: date, *, seen: str = "public") -> int:
    row = await session.scalar(
        text(
            "INSERT INTO dataset (code, name_zh, name_en, region_id, theme, uri, checksum, bytes,"
            " crs, grid, origin, observed_from, observed_to, visibility, job_id)"
            " SELECT :code, :code, :code, r.id, :theme, :code, 'x', 1, 'EPSG:4548',"
            " CAST('{\"epsg\": 4548}' AS jsonb), 'imported', :day, :day, :seen, NULL"
            " FROM region r WHERE r.code = 'banan' RETURNING id"
        ),
        {"code": f"{theme}-{day.year}", "theme": theme, "day": day, "seen": seen},
    )
    return int(row)


@pytest.fixture
async def restored_project(session: AsyncSession) -> Project:
    """A project of 2019 to 2021 with a perimeter, in after-care, compared with public rasters."""
    await seed_cities(session, ["banan"], [], act=Act("tester"))
    project = await add_project(
        session,
        code="green",
        start_year=2019,
        end_year=2021,
        state="after_care",
        geom=square(106.50),
    )
    job = await session.scalar(
        text(
            "INSERT INTO job (kind, inputs, task, status, requested_by, result, finished_at)"
            " VALUES ('evaluate-effect', '{\"project\": \"green\"}', '{}', 'successful', 'someone',"
            " CAST(:result AS jsonb), now()) RETURNING id"
        ),
        {"result": orjson.dumps({"values": RESULT}).decode()},
    )
    for year in (2018, 2024):
        raster = await add_raster(session, "ndvi", date(year, 7, 1))
        await session.execute(
            text(
                "INSERT INTO job_dataset (job_id, dataset_id, role, name, checksum)"
                " VALUES (:job, :raster, 'input', :name, 'x')"
            ),
            {"job": job, "raster": raster, "name": f"ndvi.{year}"},
        )
    await session.commit()
    return project


async def test_before_and_after_stand_side_by_side(
    session: AsyncSession,
    restored_project: Project,
    anonymous: httpx.AsyncClient,
    reader: httpx.AsyncClient,
) -> None:
    answer = await reader.get(EFFECT, params={"lang": "en"})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    (ndvi,) = told["rasters"]
    assert (ndvi["inside_change"], ndvi["control_change"], ndvi["effect"]) == (0.1, 0.0, 0.1)
    assert ndvi["series"][0]["inside_known_percent"] == 95.0
    assert (told["areas"]["control_width_m"], told["missing"]) == (21.4, ["land_cover"])
    # The newest raster is older than a year.
    assert [sign["code"] for sign in told["signs"]] == ["ndvi_fell_back", "no_observation"]
    # Signs are leads: the public is told of what was measured, not of suspicions.
    public = (await anonymous.get(EFFECT)).json()
    assert public["rasters"][0]["effect"] == ndvi["effect"]
    assert public["signs"] == []
    rows = list(
        csv.DictReader(
            io.StringIO(
                (await anonymous.get(EFFECT, params={"f": "csv"})).content.decode("utf-8-sig")
            )
        )
    )
    assert [(row["on"], row["inside"]) for row in rows] == [
        ("2018-07-01", "0.2"),
        ("2020-07-01", "0.55"),
        ("2024-07-01", "0.3"),
    ]
    for lang, words in (
        ("en", ("not verdicts", "difference of differences", "no rasters of both times")),
        ("zh", ("不是结论", "双重差分", "没有前后两期栅格")),
    ):
        page = await reader.get(EFFECT, params={"f": "html", "lang": lang})
        assert page.status_code == 200
        assert all(word in page.text for word in words)
        assert page.text.count("<polyline") == 2


async def test_what_rests_on_closed_rasters_is_not_for_the_public(
    session: AsyncSession,
    restored_project: Project,
    anonymous: httpx.AsyncClient,
    admin: httpx.AsyncClient,
) -> None:
    await session.execute(text("UPDATE dataset SET visibility = 'region' WHERE code = 'ndvi-2018'"))
    await session.commit()
    hidden = (await anonymous.get(EFFECT)).json()
    assert (hidden["job"], hidden["rasters"], hidden["areas"]) == (None, [], None)
    assert (await anonymous.get(f"{EFFECT}/pictures")).status_code == 404
    assert (await admin.get(EFFECT)).json()["job"] is not None
    page = await anonymous.get(EFFECT, params={"f": "html", "lang": "en"})
    assert "Not computed" in page.text
    await session.execute(text("UPDATE project SET visibility = 'region' WHERE code = 'green'"))
    await session.commit()
    assert (await anonymous.get(EFFECT)).status_code == 404
    assert (await anonymous.get("/projects/nothing/effect")).status_code == 404
    assert (await admin.get(EFFECT, params={"moon": "1"})).status_code == 400
    assert (await admin.get(EFFECT, params={"f": "pdf"})).status_code in {400, 406}


async def test_indicators_photos_and_silence(
    session: AsyncSession,
    restored_project: Project,
    anonymous: httpx.AsyncClient,
    admin: httpx.AsyncClient,
) -> None:
    indicator = await session.scalar(
        text("SELECT id FROM indicator WHERE code = 'mine_restored_area'")
    )
    session.add(
        ProjectMeasure(
            project_id=restored_project.id,
            measure="mine_restoration",
            unit="ha",
            indicator_id=indicator,
        )
    )
    await session.execute(
        text(
            "INSERT INTO indicator_value (indicator_id, region_id, year, value) VALUES"
            " (:indicator, :region, 2017, 90), (:indicator, :region, 2018, 100),"
            " (:indicator, :region, 2020, 120), (:indicator, :region, 2024, 150.5)"
        ),
        {"indicator": indicator, "region": restored_project.region_id},
    )
    today = datetime.now(UTC).date()
    for day, seen in (
        (date(2018, 5, 1), "public"),
        (date(2022, 5, 1), "public"),
        (today - timedelta(days=30), "region"),
    ):
        await add_paper(session, restored_project, "photo", visibility=seen, period=(day, day))
    for day, value in ((date(2019, 9, 1), 10.0), (date(2021, 9, 1), 35.5)):
        await add_paper(
            session,
            restored_project,
            "monitoring",
            visibility="public",
            period=(day, day),
            figure=("mine_restoration", value, "ha"),
        )
    await session.commit()
    told = (await admin.get(EFFECT)).json()
    by_place = {one["of"]: one for one in told["indicators"]}
    assert (by_place["region"]["before"], by_place["region"]["after"]) == (100, 150.5)
    assert (by_place["region"]["change"], by_place["region"]["before_on"]) == (50.5, "2018")
    assert (by_place["project"]["change"], by_place["project"]["unit"]) == (25.5, "ha")
    # In another unit that converts it is the newest all the same; what does not stands apart.
    for day, value, unit in ((date(2022, 9, 1), 600.0, "mu"), (date(2023, 9, 1), 1.0, "kg")):
        await add_paper(
            session,
            restored_project,
            "monitoring",
            period=(day, day),
            figure=("mine_restoration", value, unit),
        )
    await session.commit()
    (later,) = (
        one for one in (await admin.get(EFFECT)).json()["indicators"] if one["of"] == "project"
    )
    assert (later["after_on"], later["after"], later["unit"]) == ("2022-09-01", 40, "ha")
    (pair,) = told["photos"]
    assert (pair["before"]["on"], pair["after"]["on"]) == (
        "2018-05-01",
        str(today - timedelta(days=30)),
    )
    # A photo of last month: it is not silent about the project, for those who may see it.
    assert [sign["code"] for sign in told["signs"]] == ["ndvi_fell_back"]
    public = (await anonymous.get(EFFECT)).json()
    assert public["photos"][0]["after"]["on"] == "2022-05-01"


async def completed(session: AsyncSession, **inputs: Any) -> EvaluateEffectTask:
    asked = EvaluateEffectInputs.model_validate({"project": "green", **inputs})
    task = await RESOLUTION.resolve(session, asked, requested_by="tester")
    found = await RESOLUTION.complete(session, task, None)
    assert isinstance(found, EvaluateEffectTask)
    return found


async def test_a_task_has_the_perimeter_the_others_and_rasters_of_both_times(
    session: AsyncSession, restored_project: Project
) -> None:
    await session.execute(
        text(
            "UPDATE region SET geom = ST_Multi(ST_MakeEnvelope(106.3, 29.2, 106.9, 29.6, 4490)),"
            " metric_srid = 4544 WHERE code = 'banan'"
        )
    )
    await add_project(session, code="beside", state="approved", geom=square(106.51))
    await add_project(session, code="refused", state="rejected", geom=square(106.52))
    await add_project(session, code="far", state="approved", geom=square(108.51))
    await add_raster(session, "land_cover", date(2024, 6, 1))
    task = await completed(session)
    subject = task.effect
    assert subject is not None
    assert (subject.first_year, subject.last_year, len(subject.others)) == (2019, 2021, 1)
    assert [(layer.theme, layer.on.year) for layer in subject.layers] == [
        ("ndvi", 2018),
        ("ndvi", 2024),
    ]
    # There is land cover of one time only.
    assert {layer.band for layer in subject.layers} == {1}
    assert subject.missing == ["land_cover"]
    assert {one.code for one in task.datasets.values()} == {"ndvi-2018", "ndvi-2024"}
    for inputs, pointer in (
        ({"themes": ["land_cover"]}, "/inputs/themes"),
        ({"project": "banan.PRJ01"}, "/inputs/project"),
        ({"project": "nothing"}, "/inputs/project"),
    ):
        with pytest.raises(InvalidInput) as refused:
            await completed(session, **inputs)
        assert pointer in {fault.pointer for fault in refused.value.faults}
    await session.rollback()


async def test_the_years_of_a_series_go_before_single_days(
    session: AsyncSession, restored_project: Project
) -> None:
    await session.execute(
        text(
            "UPDATE region SET geom = ST_Multi(ST_MakeEnvelope(106.3, 29.2, 106.9, 29.6, 4490)),"
            " metric_srid = 4544 WHERE code = 'banan'"
        )
    )
    series = {"first": date(2013, 1, 1), "last": date(2020, 12, 31)}

    async def tell(bands: int) -> list[tuple[str, int, int]]:
        await session.execute(
            text(
                "UPDATE dataset SET observed_from = :first, observed_to = :last,"
                " grid = grid || jsonb_build_object('bands', CAST(:bands AS integer))"
                " WHERE code = 'ndvi_series-2020'"
            ),
            {**series, "bands": bands},
        )
        subject = (await completed(session, themes=["ndvi"])).effect
        assert subject is not None
        return [(layer.dataset, layer.on.year, layer.band) for layer in subject.layers]

    await add_raster(session, "ndvi_series", date(2020, 12, 31))
    days = [("ndvi.2018-07-01", 2018, 1), ("ndvi.2024-07-01", 2024, 1)]
    # Eight bands for eight years are the years; of seven nobody knows which year is missing.
    assert await tell(7) == days
    assert await tell(8) == [("ndvi.ndvi_series-2020", 2012 + band, band) for band in range(1, 9)]
    # A series that ended before the project began has no time since.
    series["first"], series["last"] = date(2011, 1, 1), date(2018, 12, 31)
    assert await tell(8) == days
    await session.rollback()


async def test_bad_requests_are_refused(
    restored_project: Project, admin: httpx.AsyncClient
) -> None:
    path = "/processes/evaluate-effect/execution"
    for inputs in ({}, {"project": "green", "themes": ["moon"]}, {"project": "green", "cell_m": 0}):
        assert (await admin.post(path, json={"inputs": inputs})).status_code == 400
    undrawn = {"inputs": {"project": "banan.PRJ01"}}
    refused = await admin.post(path, json=undrawn)
    assert refused.status_code == 400
    assert "no area" in refused.text
