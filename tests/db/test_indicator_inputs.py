"""What indicators are computed from, as it is found on PostGIS: lines and rasters of each year."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import EVERYTHING, PUBLIC, Viewer
from shanhai.db.queries.jobs import RegionRow, find_region
from shanhai.db.tables.control import ControlArea
from shanhai.db.tables.zone import Region
from shanhai.processes.evaluate_indicators import lookups
from shanhai.processes.evaluate_indicators.computations import BY_ID
from shanhai.processes.evaluate_indicators.contract import EvaluateIndicatorsInputs
from shanhai.processes.evaluate_indicators.lookups import find_shapes, find_yearly_rasters
from tests.support.emptying import forget_rows
from tests.support.job_rows import add_dataset, add_region

TODAY = date(2025, 3, 1)
CHOSEN = {"red_line_area": BY_ID["red_line_area"], "forest_stock_volume": None}


@pytest.fixture(autouse=True)
async def without_regions(session: AsyncSession) -> None:
    await forget_rows(session, ["region", "control_area_history"])


async def city(session: AsyncSession) -> tuple[Region, RegionRow]:
    region = await add_region(session, "city")
    found = await find_region(session, "city")
    assert found is not None
    return region, found


def square(west: float) -> Any:
    return func.ST_Multi(func.ST_MakeEnvelope(west, 24.4, west + 0.05, 24.45, 4490))


async def add_line(session: AsyncSession, code: str, region: Region, **more: Any) -> ControlArea:
    line = ControlArea(
        **{
            "visibility": "public",
            "code": code,
            "name_zh": code,
            "name_en": code,
            "kind": "red_line",
            "region_id": region.id,
            "status": "published",
            "valid_from": date(2020, 1, 1),
            "geom": square(118.0),
            **more,
        }
    )
    session.add(line)
    await session.flush()
    return line


async def test_lines_count_as_they_were_at_the_end_of_each_year(session: AsyncSession) -> None:
    region, row = await city(session)
    moved = await add_line(session, "moved", region)
    await add_line(session, "ended", region, valid_to=date(2023, 7, 1))
    await add_line(session, "draft", region, status="draft")
    await add_line(session, "told", region, geom=None, approved_area_km2=3)
    elsewhere = await add_region(session, "elsewhere", box=(100.0, 30.0, 100.1, 30.1))
    await add_line(session, "far", elsewhere, geom=square(100.0))
    moved.geom, moved.valid_from = square(118.03), date(2024, 6, 1)
    await session.flush()
    shapes, left_out = await find_shapes(session, row, [2022, 2023, 2024], CHOSEN, PUBLIC, TODAY)
    assert left_out == []
    found = sorted((one.code, one.version, one.years) for one in shapes)
    assert [(code, years) for code, _, years in found] == [
        ("ended", [2022]),
        ("moved", [2022, 2023]),
        ("moved", [2024]),
        ("told", [2022, 2023, 2024]),
    ]
    by_year = {year: one for one in shapes if one.code == "moved" for year in one.years}
    assert by_year[2023].checksum != by_year[2024].checksum
    assert next(one for one in shapes if one.code == "told").geometry is None


async def test_shores_just_outside_the_border_are_carried_as_other_lines_are_not(
    session: AsyncSession,
) -> None:
    region, row = await city(session)
    chosen = CHOSEN | {"natural_shoreline": BY_ID["natural_shoreline"]}
    west, south, north = 118.0, 24.4, 24.5
    for code, kind, beside in (
        ("near", "shoreline", 5e-5),
        ("far", "shoreline", 1.5e-4),
        ("other", "red_line", 5e-5),
    ):
        ends = (west - beside, south), (west - beside, north)
        drawn = func.ST_MakeLine(*(func.ST_SetSRID(func.ST_Point(*end), 4490) for end in ends))
        await add_line(session, code, region, kind=kind, class_code="natural", geom=drawn)
    shapes, _ = await find_shapes(session, row, [2024], chosen, PUBLIC, TODAY)
    assert [one.code for one in shapes] == ["near"]


async def test_kinds_with_too_many_vertices_are_left_out_and_named(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    region, row = await city(session)
    await add_line(session, "a", region)
    monkeypatch.setattr(lookups, "MOST_VERTICES", 4)
    assert await find_shapes(session, row, [2024], CHOSEN, EVERYTHING, TODAY) == ([], ["red_line"])
    assert await find_shapes(session, row, [2024], {"x": None}, EVERYTHING, TODAY) == ([], [])


async def test_each_year_has_the_land_cover_observed_in_it(session: AsyncSession) -> None:
    region, row = await city(session)
    for code, first, last in (
        ("cover-2022", date(2022, 1, 1), date(2022, 12, 31)),
        ("cover-2024", date(2024, 5, 1), None),
        ("cover-old", None, None),
    ):
        await add_dataset(
            session, region, "land_cover", code, observed_from=first, observed_to=last
        )
    await add_dataset(session, region, "travel_time", "minutes", observed_from=date(2024, 1, 1))

    async def find(reads: set[str], **datasets: Any) -> tuple[dict[str, str], list[str]]:
        inputs = EvaluateIndicatorsInputs.model_validate(
            {"plan": "p", "years": [2022, 2023, 2024], "datasets": datasets}
        )
        found, faults = await find_yearly_rasters(session, row, inputs, reads, EVERYTHING)
        return {key: one.code for key, one in found.items()}, [one.pointer for one in faults]

    observed = {"land_cover.2022": "cover-2022", "land_cover.2024": "cover-2024"}
    assert await find({"land_cover"}) == (observed, [])
    assert await find({"air"}) == ({}, [])
    # Times of travel lead to parks only where it is said that they do.
    assert await find({"travel_time"}) == (observed, [])
    named, faults = await find(
        {"travel_time"},
        travel_time={"2024": "minutes", "2020": "minutes"},
        land_cover={"2023": "cover-old", "2022": "none"},
    )
    assert named == {
        "land_cover.2023": "cover-old",
        "land_cover.2024": "cover-2024",
        "travel_time.2024": "minutes",
    }
    assert sorted(faults) == [
        "/inputs/datasets/land_cover/2022",
        "/inputs/datasets/travel_time/2020",
    ]


async def test_key_species_are_counted_by_what_everybody_reads_of_their_places(
    session: AsyncSession,
) -> None:
    region, row = await city(session)
    await add_line(session, "kept", region, kind="protected_area", geom=square(118.0))
    late = {"kind": "red_line", "geom": square(118.06), "valid_from": date(2024, 1, 1)}
    await add_line(session, "late", region, **late)
    for code, protection, sensitivity, accepted in (
        ("dolphin", "first_class", "cell", None),
        ("synonym", "none", "open", "dolphin"),
        ("egret", "second_class", "open", None),
        ("toad", "provincial", "hidden", None),
        ("sparrow", "none", "open", None),
    ):
        query = (
            "INSERT INTO species (code, scientific_name, protection, sensitivity, accepted_id)"
            " SELECT :code, :code, :protection, :sensitivity,"
            " (SELECT id FROM species WHERE code = :accepted)"
        )
        given: dict[str, Any] = {"code": code, "protection": protection}
        given["sensitivity"] = sensitivity
        await session.execute(text(query), {**given, "accepted": accepted})
    for number, (code, lon, day, state) in enumerate(
        (
            ("dolphin", 118.09, "2020-05-01", "verified"),
            ("synonym", 118.01, "2021-05-01", "verified"),
            ("egret", 118.07, "2020-05-01", "verified"),
            ("toad", 118.055, "2020-05-01", "verified"),
            ("toad", 118.01, "2020-05-01", "recorded"),
            ("toad", 119.5, "2020-05-01", "verified"),
            ("sparrow", 118.01, "2020-05-01", "verified"),
        )
    ):
        query = (
            "INSERT INTO occurrence (code, region_id, species_id, observed_from, state, geom)"
            " SELECT :code, :region, id, CAST(:day AS date), :state, ST_Point(:lon, 24.42, 4490)"
            " FROM species WHERE code = :species"
        )
        given = {"code": f"o-{number}", "region": region.id, "state": state, "lon": lon}
        days = {"day": date.fromisoformat(day), "species": code}
        await session.execute(text(query), {**given, **days})

    async def counted(viewer: Viewer) -> list[tuple[int, int, int, int]]:
        found = await lookups.find_key_species(session, row, [2020, 2023, 2024], viewer, TODAY)
        return [(one.year, one.known, one.protected, one.undecided) for one in found]

    # The egret is open, and inside by the line of 2024. The area covers the dolphin's cell in
    # part, whoever asks; the toad is hidden.
    here = Viewer(known=True, regions=frozenset({region.id}), exact=frozenset({region.id}))
    for viewer in (EVERYTHING, here, PUBLIC):
        assert await counted(viewer) == [(2020, 2, 0, 1), (2023, 2, 0, 1), (2024, 2, 1, 1)]
