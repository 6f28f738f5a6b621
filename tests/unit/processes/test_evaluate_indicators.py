"""Indicators computed from what a task carries: by hand, and what is told of missing data."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from shapely.geometry import shape

from shanhai.data.synthetic_watershed import EPSG
from shanhai.processes.evaluate_indicators.attainment import Outlook, describe, look
from shanhai.processes.evaluate_indicators.computations import BY_ID, BY_INDICATOR, ComputationId
from shanhai.processes.evaluate_indicators.compute import FUNCTIONS
from shanhai.processes.evaluate_indicators.compute import compute as evaluate_indicators
from shanhai.processes.evaluate_indicators.contract import (
    AirYearTask,
    EvaluateIndicatorsInputs,
    EvaluateIndicatorsTask,
    FigureTask,
    IndicatorsTask,
    IndicatorTask,
    KeySpeciesTask,
    MeanTask,
    ShapeTask,
    StationTask,
    UnitTask,
    ValueTask,
)
from shanhai.processes.evaluate_indicators.documents import brief
from shanhai.processes.evaluate_indicators.land import square_km
from shanhai.processes.evaluate_indicators.values import (
    Asked,
    CoverCounts,
    Figure,
    Found,
    Material,
    Missing,
)
from shanhai.processes.kit.task import DatasetTask, RegionTask
from shanhai.raster.geotiff import write_geotiff
from shanhai.science.air_quality import DAILY
from shanhai.science.landcover import LandCover

YEAR = 2024
WEST, SOUTH, SIDE = 117.0, 24.5, 0.02
"""A region of some 4.5 km², at the central meridian of its grid."""
TIMES = f"travel_time.{YEAR}"


def square(west: float, south: float, size: float = SIDE) -> dict[str, Any]:
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


REGION = RegionTask(
    code="r", name_zh="区", name_en="Region", epsg=EPSG, geometry=square(WEST, SOUTH)
)


def indicator(computation: ComputationId | None, **more: Any) -> IndicatorTask:
    known = None if computation is None else BY_ID[computation]
    return IndicatorTask.model_validate(
        {
            "code": "one",
            "indicator": known.codes[0] if known else "one",
            "name_zh": "指标",
            "name_en": "Indicator",
            "unit": known.unit if known else "%",
            "direction": "higher",
            "binding": True,
            "computation": computation,
            **more,
        }
    )


def station(
    code: str, kind: str, place: tuple[float, float] | None = None, **means: float
) -> StationTask:
    return StationTask(
        code=code,
        name_zh=code,
        name_en=code,
        kind=kind,
        longitude=None if place is None else place[0],
        latitude=None if place is None else place[1],
        means={
            name: [MeanTask(year=YEAR, mean=mean, months=12, observations=12)]
            for name, mean in means.items()
        },
    )


def line(kind: str, code: str, geometry: Mapping[str, Any] | None, **more: Any) -> ShapeTask:
    return ShapeTask.model_validate(
        {
            "kind": kind,
            "code": code,
            "version": 1,
            "class_code": None,
            "approved_area_km2": None,
            "checksum": None,
            "geometry": geometry,
            "years": [YEAR],
            **more,
        }
    )


def compute(
    computation: ComputationId,
    held: Mapping[str, Any] | None = None,
    rasters: Mapping[str, Path] | None = None,
    asked: Mapping[str, Any] | None = None,
    year: int = YEAR,
    **more: Any,
) -> Found:
    inputs = EvaluateIndicatorsInputs.model_validate(
        {"plan": "p", "years": [YEAR], "cell_m": 100, **(asked or {})}
    )
    task = task_of(inputs, [indicator(computation, **more)], held, rasters)
    material = Material(task, inputs, CoverCounts(task, inputs))
    return FUNCTIONS[computation](Asked(material, material.held.indicators[0], year))


def task_of(
    inputs: EvaluateIndicatorsInputs,
    indicators: list[IndicatorTask],
    held: Mapping[str, Any] | None = None,
    rasters: Mapping[str, Path] | None = None,
) -> EvaluateIndicatorsTask:
    rasters = rasters or {}
    return EvaluateIndicatorsTask(
        process="evaluate-indicators",
        plan="p",
        inputs=inputs.model_dump(mode="json"),
        region=REGION,
        datasets={
            name: DatasetTask(
                id=number,
                code=name,
                theme=name.partition(".")[0],
                uri=name,
                checksum="0",
                name_zh=name,
                name_en=name,
            )
            for number, name in enumerate(rasters)
        },
        files={name: str(path) for name, path in rasters.items()},
        indicators=IndicatorsTask(
            plan_name_zh="规划", plan_name_en="Plan", indicators=indicators, **(held or {})
        ),
    )


def value(found: Found) -> float:
    assert isinstance(found, Figure), found
    return found.value


def reason(found: Found) -> str:
    assert isinstance(found, Missing), found
    return found.reason.en


def test_every_computation_has_a_function_and_a_unit() -> None:
    assert FUNCTIONS.keys() == BY_ID.keys()
    assert len(BY_INDICATOR) == sum(len(one.codes) for one in BY_ID.values())


def test_lakes_have_limits_of_their_own() -> None:
    held = {"stations": [station("a", "water_section", total_phosphorus=0.09)]}
    assert value(compute("surface_water_good", held)) == 100.0
    assert value(compute("surface_water_good", held, asked={"lakes": ["a"]})) == 0.0


def test_what_is_left_out_decides_nothing() -> None:
    held = {"stations": [station("a", "water_section", ammonia_nitrogen=9.0, ph=7.0)]}
    assert value(compute("surface_water_inferior", held)) == 100.0
    left_out = compute("surface_water_inferior", held, asked={"left_out": ["ammonia_nitrogen"]})
    assert value(left_out) == 0.0
    assert isinstance(left_out, Figure)
    assert left_out.inputs["observations"] == 12


def test_sections_without_observations_are_told() -> None:
    assert "no water section" in reason(compute("surface_water_good"))
    held = {"stations": [station("a", "water_section", water_temperature=20.0)]}
    assert "none of the 1 stations" in reason(compute("surface_water_good", held))


def test_named_stations_are_the_ones_that_count() -> None:
    held = {
        "stations": [
            station("a", "water_section", cod=10.0),
            station("b", "water_section", cod=90.0),
        ]
    }
    assert value(compute("surface_water_good", held)) == 50.0
    assert value(compute("surface_water_good", held, stations=["b"])) == 0.0


SEA = {
    "stations": [
        station("w", "sea", (WEST, SOUTH + SIDE / 2), inorganic_nitrogen=0.1),
        station("e", "sea", (WEST + SIDE, SOUTH + SIDE / 2), inorganic_nitrogen=0.5),
    ],
    "sea_units": [UnitTask(code="bay", name_zh="湾", name_en="Bay", geometry=square(WEST, SOUTH))],
}


def test_the_sea_is_judged_by_area_or_by_stations() -> None:
    assert value(compute("nearshore_good", SEA, asked={"nearshore": "stations"})) == 50.0
    found = compute("nearshore_good", SEA, asked={"cell_m": 20})
    # Halfway between the stations the mean is 0.3, the limit of class 2.
    assert value(found) == pytest.approx(50.0, abs=1.5)
    assert isinstance(found, Figure)
    assert found.details["area_km2"]["1"] > 0
    assert "inverse square" in found.method.en
    assert "`bay`" in reason(compute("nearshore_good", {"stations": SEA["stations"]}))
    placeless = {**SEA, "stations": [station("x", "sea", ph=8.0)]}
    assert "with coordinates" in reason(compute("nearshore_good", placeless))
    assert "no station of the sea" in reason(compute("nearshore_good"))


def test_days_without_an_index_are_told_by_what_is_missing() -> None:
    days: dict[str, list[float | None]] = {code: [1.0, 1.0] for code in DAILY}
    year = AirYearTask(indicator="one", year=YEAR, stations=["a"], hours=24, days=days)
    found = compute("good_air_days", {"air": [year]})
    assert value(found) == 100.0
    assert isinstance(found, Figure)
    assert found.details["enough_days"] is False
    days["o3_8h"] = [None, None]
    lacking = year.model_copy(update={"days": days})
    told = reason(compute("good_air_days", {"air": [lacking]}))
    assert told.endswith("nothing all year of: o3_8h")
    assert "no station on the ground" in reason(compute("good_air_days"))


@pytest.mark.parametrize(
    ("computation", "last", "medium"),
    [
        ("surface_water_good", 2001, "surface_water"),
        ("surface_water_inferior", 2001, "surface_water"),
        ("nearshore_good", 1997, "sea_water"),
        ("good_air_days", 2015, "air"),
    ],
)
def test_a_year_before_its_standard_is_told_as_missing(
    computation: ComputationId, last: int, medium: str
) -> None:
    days: dict[str, list[float | None]] = {code: [1.0] for code in DAILY}
    held = {
        "stations": [station("a", "water_section", cod=10.0), station("b", "sea", ph=8.0)],
        "air": [
            AirYearTask(indicator="one", year=year, stations=["a"], hours=24, days=days)
            for year in (last, last + 1)
        ],
    }
    told = compute(computation, held, year=last)
    assert reason(told) == f"no standard of {medium} was in force on {last}-12-31"
    assert isinstance(told, Missing)
    assert told.reason.zh.startswith(f"{last}-12-31 尚无")
    after = compute(computation, held, year=last + 1)
    assert not isinstance(after, Missing) or "no standard" not in after.reason.en


@pytest.fixture(scope="module")
def cover_rasters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Forest in the west, mangrove, water and town to the east of it; the town's east is far."""
    folder = tmp_path_factory.mktemp("rasters")
    cover = np.empty((40, 40), dtype=np.uint8)
    cover[:, :10] = LandCover.FOREST
    cover[:, 10:20] = LandCover.MANGROVE
    cover[:, 20:30] = LandCover.WATER
    cover[:, 30:] = LandCover.BUILT_UP
    minutes = np.where(np.arange(40) < 35, 0.0, 10.0)[None, :].repeat(40, axis=0)
    written = {f"land_cover.{YEAR}": cover, f"travel_time.{YEAR}": minutes}
    for name, bands in written.items():
        write_geotiff(
            folder / f"{name}.tif",
            bands,
            transform=(SIDE / 40, 0.0, WEST, 0.0, -SIDE / 40, SOUTH + SIDE),
            crs="EPSG:4490",
            nodata=0 if bands.dtype == np.uint8 else -9999.0,
        )
    return {name: folder / f"{name}.tif" for name in written}


def test_shares_of_land_cover(cover_rasters: dict[str, Path]) -> None:
    asked = {"cell_m": 20}
    assert value(compute("forest_cover", rasters=cover_rasters, asked=asked)) == pytest.approx(
        50, abs=1
    )
    whole = square_km(shape(REGION.geometry))
    water = value(compute("water_area", rasters=cover_rasters, asked=asked))
    assert water == pytest.approx(whole / 4, rel=0.02)
    assert value(compute("park_reach", rasters=cover_rasters, asked=asked)) == pytest.approx(
        50, abs=4
    )


def test_land_whose_cover_is_unknown_is_told(
    cover_rasters: dict[str, Path], tmp_path: Path
) -> None:
    # The west half of the region alone is covered: forest and mangrove; in a corner of it is sea.
    half = np.full((40, 20), LandCover.FOREST, dtype=np.uint8)
    half[:4, :4] = 0
    half[20:] = LandCover.WATER
    write_geotiff(
        tmp_path / "half.tif",
        half,
        transform=(SIDE / 40, 0.0, WEST, 0.0, -SIDE / 40, SOUTH + SIDE),
        crs="EPSG:4490",
        nodata=0,
    )
    name = f"land_cover.{YEAR}"
    counted: tuple[tuple[ComputationId, str], ...] = (
        ("forest_cover", "forest_cells"),
        ("water_area", "water_cells"),
    )
    for path, codes in ((cover_rasters[name], []), (tmp_path / "half.tif", ["missing_cells"])):
        for computation, own in counted:
            inputs = inputs_of(cell_m=20, record=False)
            task = task_of(inputs, [indicator(computation)], rasters={name: path})
            workspace = tmp_path / f"{computation}{len(codes)}"
            workspace.mkdir()
            outcome = evaluate_indicators(task, workspace, lambda percent, stage: None)
            assert [one["code"] for one in outcome.warnings] == codes
            (told,) = orjson.loads((workspace / "statistics.json").read_bytes())["indicators"]
            details = told["years"][0]["details"]
            assert details[own] > 0
            # Of 40 × 40 parts half is unknown, and 16 are sea.
            expected = 100 * 800 / 1584 if codes else 0.0
            assert details["missing_percent"] == pytest.approx(expected, abs=1)
            assert (details["missing_cells"] > 0) is bool(codes)


def test_built_up_land_without_a_time_is_told(
    cover_rasters: dict[str, Path], tmp_path: Path
) -> None:
    # Of the town the south half has no time; the far east of the rest lies beyond five minutes.
    minutes = np.where(np.arange(40) < 35, 0.0, 10.0)[None, :].repeat(40, axis=0)
    minutes[20:] = -9999.0
    write_geotiff(
        tmp_path / "half.tif",
        minutes,
        transform=(SIDE / 40, 0.0, WEST, 0.0, -SIDE / 40, SOUTH + SIDE),
        crs="EPSG:4490",
        nodata=-9999.0,
    )
    for path, missing in ((cover_rasters[TIMES], 0), (tmp_path / "half.tif", 50)):
        rasters = {**cover_rasters, TIMES: path}
        workspace = tmp_path / str(missing)
        workspace.mkdir()
        task = task_of(
            inputs_of(cell_m=20, record=False), [indicator("park_reach")], rasters=rasters
        )
        outcome = evaluate_indicators(task, workspace, lambda percent, stage: None)
        told = [(one["code"], "time on foot" in one["detail"]) for one in outcome.warnings]
        assert told == ([("missing_cells", True)] if missing else [])
        (statistics,) = orjson.loads((workspace / "statistics.json").read_bytes())["indicators"]
        details = statistics["years"][0]["details"]
        assert details["untimed_percent"] == pytest.approx(missing, abs=4)
        assert details["missing_cells"] == 0


def test_park_reach_tells_land_whose_cover_is_unknown(
    cover_rasters: dict[str, Path], tmp_path: Path
) -> None:
    east = np.full((40, 20), LandCover.BUILT_UP, dtype=np.uint8)
    write_geotiff(
        tmp_path / "east.tif",
        east,
        transform=(SIDE / 40, 0.0, WEST + SIDE / 2, 0.0, -SIDE / 40, SOUTH + SIDE),
        crs="EPSG:4490",
        nodata=0,
    )
    rasters = {**cover_rasters, f"land_cover.{YEAR}": tmp_path / "east.tif"}
    found = compute("park_reach", rasters=rasters, asked={"cell_m": 20})
    assert isinstance(found, Figure)
    assert found.details["missing_percent"] == pytest.approx(50, abs=1)


def test_years_without_a_raster_are_told(cover_rasters: dict[str, Path]) -> None:
    cover_only = {name: path for name, path in cover_rasters.items() if name.startswith("land")}
    assert "no dataset of land cover observed in 2024" in reason(compute("forest_cover"))
    assert "no dataset of land cover" in reason(compute("water_area"))
    assert "`datasets.travel_time`" in reason(compute("park_reach", rasters=cover_only))


def test_overlapping_lines_count_once_and_only_within_the_region() -> None:
    whole = square_km(shape(REGION.geometry))
    held = {
        "shapes": [
            line("red_line", "a", square(WEST, SOUTH, SIDE / 2)),
            line("red_line", "b", square(WEST - SIDE / 2, SOUTH, SIDE)),
            line("red_line", "former", square(WEST, SOUTH), years=[YEAR - 1]),
        ]
    }
    found = compute("red_line_area", held)
    assert value(found) == pytest.approx(whole / 2, rel=1e-3)
    assert isinstance(found, Figure)
    assert [one["code"] for one in found.inputs["control_areas"]] == ["a", "b"]


def test_areas_on_the_ellipsoid() -> None:
    # A hundredth of a degree at the equator: 1113.19 m by 1105.74 m.
    found = square_km(shape(square(0.0, 0.0, 0.01)))
    assert found == pytest.approx(1.11319491 * 1.1057427, rel=1e-6)


def test_an_approved_area_is_no_computed_value() -> None:
    drawn = line("red_line", "drawn", square(WEST, SOUTH))
    told = line("red_line", "told", None, approved_area_km2=Decimal("2.5"))
    whole = square_km(shape(REGION.geometry))
    assert value(compute("red_line_area", {"shapes": [drawn]})) == pytest.approx(whole)
    for shapes in ([told], [drawn, told]):
        assert "not drawn: told (2.5 km²)" in reason(compute("red_line_area", {"shapes": shapes}))
    sizeless = {"shapes": [line("red_line", "x", None)]}
    assert "not drawn: x;" in reason(compute("red_line_area", sizeless))
    assert "kind `red_line`" in reason(compute("red_line_area"))
    assert "too many vertices" in reason(compute("red_line_area", {"lines_left_out": ["red_line"]}))


def test_shares_of_the_region() -> None:
    half = {"type": "Polygon", "coordinates": square(WEST, SOUTH, SIDE)["coordinates"]}
    half["coordinates"] = [
        [[x if x == WEST else WEST + SIDE / 2, y] for x, y in half["coordinates"][0]]
    ]
    protected = {"shapes": [line("protected_area", "p", half)]}
    assert value(compute("protected_share", protected)) == pytest.approx(50.0)
    eroded = {"shapes": [line("soil_erosion", "s", half)]}
    assert value(compute("soil_conservation", eroded)) == pytest.approx(50.0)
    wetland = [line("wetland", "w", square(WEST, SOUTH))]
    kept = {"shapes": [*wetland, *protected["shapes"]]}
    assert value(compute("wetland_protection", kept)) == pytest.approx(50.0)
    assert "no protected area or red line" in reason(
        compute("wetland_protection", {"shapes": wetland})
    )
    for undrawn in (line("red_line", "told", None), line("wetland", "told", None)):
        shapes = [*kept["shapes"], undrawn]
        assert "not drawn: told" in reason(compute("wetland_protection", {"shapes": shapes}))


def test_shoreline_is_measured_by_class() -> None:
    def shore(code: str, length: float, of: str | None) -> ShapeTask:
        drawn = {"type": "LineString", "coordinates": [[WEST, SOUTH], [WEST, SOUTH + length]]}
        return line("shoreline", code, drawn, class_code=of)

    held = {
        "shapes": [
            shore("n", 0.003, "natural"),
            shore("a", 0.001, "artificial"),
            shore("u", 0.009, None),
        ]
    }
    assert value(compute("natural_shoreline", held)) == pytest.approx(75.0, rel=1e-6)
    unclassed = {"shapes": [shore("u", 0.009, None)]}
    assert "with a class" in reason(compute("natural_shoreline", unclassed))


def test_shoreline_counts_once_and_in_the_region_only() -> None:
    def shore(code: str, of: str, *vertices: tuple[float, float]) -> ShapeTask:
        drawn = {"type": "LineString", "coordinates": [list(one) for one in vertices]}
        return line("shoreline", code, drawn, class_code=of)

    # 5 m west of the region's border; half of it, and a whole line, lie north of the region.
    west, north = WEST - 5e-5, SOUTH + SIDE
    held = {
        "shapes": [
            shore("a", "natural", (west, north - 0.004), (west, north + 0.004)),
            shore("b", "natural", (west, north - 0.004), (west, north - 0.002)),
            shore("c", "artificial", (west, SOUTH), (west, SOUTH + 0.0123)),
            shore("d", "artificial", (west, north + 0.004), (west, north + 0.9)),
        ]
    }
    found = compute("natural_shoreline", held)
    # Beside the corner of the region a line is within 10 m of it for √(10² − 5²) m.
    natural = 0.004 + 0.75**0.5 * 1e-4
    assert value(found) == pytest.approx(100 * natural / (natural + 0.0123), rel=1e-4)
    assert isinstance(found, Figure)
    assert found.details["length_km"]["natural"] == pytest.approx(natural * 110.77, rel=1e-3)
    assert "beyond its border" in found.method.en
    beyond = {"shapes": [shore("d", "natural", (west, north + 0.1), (west, north + 0.9))]}
    assert "in force in the region" in reason(compute("natural_shoreline", beyond))


def test_key_species_that_are_protected_are_a_share() -> None:
    shapes = [line("protected_area", "p", square(WEST, SOUTH), checksum="0" * 64)]
    species = [KeySpeciesTask(year=2024, known=8, protected=6)]
    found = compute("key_species_protected", {"species": species, "shapes": shapes})
    assert value(found) == 75.0
    assert isinstance(found, Figure)
    assert [one["code"] for one in found.inputs["control_areas"]] == ["p"]
    none = {"species": [KeySpeciesTask(year=2024, known=0, protected=0)], "shapes": shapes}
    assert "no verified occurrence" in reason(compute("key_species_protected", none))


def test_of_key_species_no_share_is_told_beside_lines_that_are_not_drawn() -> None:
    species = [KeySpeciesTask(year=2024, known=1, protected=0)]
    told = line("red_line", "told", None, approved_area_km2=Decimal("2.5"))
    drawn = line("protected_area", "p", square(WEST, SOUTH))
    for shapes in ([told], [drawn, told]):
        found = compute("key_species_protected", {"species": species, "shapes": shapes})
        assert "not drawn: told (2.5 km²)" in reason(found)
    nowhere = compute("key_species_protected", {"species": species})
    assert "no protected area or red line is in force" in reason(nowhere)
    large = {"species": species, "shapes": [drawn], "lines_left_out": ["red_line"]}
    assert "too many vertices" in reason(compute("key_species_protected", large))


def test_of_key_species_no_share_is_told_that_rests_on_where_in_its_cell_one_lives() -> None:
    shapes = [line("protected_area", "p", square(WEST, SOUTH))]
    species = [KeySpeciesTask(year=2024, known=8, protected=6, undecided=2)]
    found = compute("key_species_protected", {"species": species, "shapes": shapes})
    assert "2 of 8 key protected species are masked" in reason(found)


BASE = FigureTask(year=2020, value=Decimal(40), sense="at_least")
TARGET = FigureTask(year=2030, value=Decimal(90), sense="at_least")


def inputs_of(**more: Any) -> EvaluateIndicatorsInputs:
    return EvaluateIndicatorsInputs.model_validate({"plan": "p", "years": [YEAR], **more})


def judged(
    computed: Mapping[int, Decimal],
    *,
    ask: Mapping[str, Any] | None = None,
    targets: Sequence[FigureTask] = (TARGET,),
) -> Outlook:
    known = [ValueTask(year=2020 + n, value=Decimal(40 + 5 * n)) for n in range(4)]
    own = indicator("surface_water_good", base=BASE, targets=list(targets), values=known)
    return look(own, computed, inputs_of(**(ask or {})))


def test_the_path_judges_what_was_computed_and_sens_line_looks_ahead() -> None:
    found = describe(judged({2024: Decimal(62)}))
    assert (found["status"], found["path_value"], found["gap"]) == ("on_track", 60, 28)
    # The line goes through the medians 2022 and 50 at 5 a year; the interval holds 90.
    assert found["trend"]["per_year"] == 5.0
    assert found["forecast"]["value"] == pytest.approx(90.0)
    assert found["forecast"]["expected"] == "open"


def test_the_interval_tells_what_is_out_of_reach() -> None:
    far = judged({2024: Decimal(60)}, targets=[TARGET.model_copy(update={"value": Decimal(95)})])
    assert describe(far)["forecast"]["expected"] == "missed"
    beyond = describe(judged({2024: Decimal(60)}, ask={"target_year": 2060}))["forecast"]
    assert (beyond["value"], beyond["bounded"], beyond["expected"]) == (100.0, True, "met")
    past = describe(judged({2024: Decimal(60)}, ask={"target_year": 2024}))
    assert past["forecast"] is None


def test_a_forecast_is_judged_by_the_target_of_its_own_year() -> None:
    near = FigureTask(year=2026, value=Decimal(60), sense="at_least")
    # 5 a year: 70 in 2026, 85 in 2029 and 90 in 2030.
    for target, ahead, year, expected in (
        (95, None, 2026, "met"),
        (95, 2026, 2026, "met"),
        (95, 2029, 2030, None),
        (95, 2030, 2030, "missed"),
        (90, 2030, 2030, "met"),
        (90, 2025, 2026, None),
    ):
        targets = [near, TARGET.model_copy(update={"value": Decimal(target)})]
        ask = {} if ahead is None else {"target_year": ahead}
        found = describe(judged({2024: Decimal(60)}, ask=ask, targets=targets))
        assert (found["target"]["year"], found["forecast"]["target_year"]) == (2026, year)
        assert found["forecast"]["expected"] == expected


def test_a_figure_to_be_followed_is_not_missed_where_it_lies_within_the_interval() -> None:
    target = FigureTask(year=2035, value=Decimal(80), sense="track")
    values = [ValueTask(year=year, value=Decimal(n)) for year, n in ((2022, 79), (2023, 81))]
    own = indicator(None, targets=[target], values=values)
    found = look(own, {2024: Decimal(80)}, inputs_of())
    assert found.forecast is not None
    assert found.forecast.low < 80 < found.forecast.high
    assert found.expected() == "open"


def test_a_value_by_hand_counts_unless_it_shall_be_replaced() -> None:
    assert judged({2023: Decimal(99)}).counting == frozenset()
    assert judged({2023: Decimal(99)}).standing.value == Decimal(55)
    assert judged({2023: Decimal(99)}, ask={"replace": True}).standing.value == Decimal(99)
    by_job = [ValueTask(year=2024, value=Decimal(1), by_job="j")]
    own = indicator("surface_water_good", values=by_job)
    again = look(own, {2024: Decimal(2)}, inputs_of())
    assert (again.counting, again.standing.value) == (frozenset({2024}), Decimal(2))


def test_totals_have_no_trend() -> None:
    total = TARGET.model_copy(update={"cumulative_from": 2021})
    own = indicator(
        None,
        targets=[total],
        values=[ValueTask(year=2020 + n, value=Decimal(n)) for n in range(1, 5)],
        with_projects=[ValueTask(year=2020 + n, value=Decimal(n)) for n in range(1, 5)],
    )
    found = look(own, {}, inputs_of())
    assert found.trend is None
    assert found.standing.value == Decimal(10)


def test_long_lists_are_kept_with_a_value_by_count_and_hash() -> None:
    few, many = list(range(50)), list(range(51))
    found = brief({"inputs": {"few": few, "many": many}})
    assert found["inputs"]["few"] == few
    assert found["inputs"]["many"]["count"] == 51
    assert brief(many)["sha256"] != brief([*many[:-1], 0])["sha256"]


def test_a_year_before_its_standard_leaves_the_other_years_their_values(tmp_path: Path) -> None:
    inputs = inputs_of(years=[2001, YEAR], record=False)
    held = {"stations": [station("a", "water_section", cod=10.0)]}
    own = indicator("surface_water_good")
    evaluate_indicators(task_of(inputs, [own], held), tmp_path, lambda percent, stage: None)
    (told,) = orjson.loads((tmp_path / "indicators.json").read_bytes())["indicators"]
    assert [(one["year"], one["value"]) for one in told["computed"]] == [(YEAR, 100.0)]
    assert [one["year"] for one in told["missing"]] == [2001]


def test_a_run_leaves_documents_and_a_manifest(tmp_path: Path) -> None:
    inputs = inputs_of(years=[2023, 2024], record=False)
    own = indicator("red_line_area", base=BASE, targets=[TARGET], unit="10^4 mu")
    held = {"shapes": [line("red_line", "x", square(WEST, SOUTH))]}
    stages: list[str] = []
    outcome = evaluate_indicators(
        task_of(inputs, [own, indicator(None, code="two")], held),
        tmp_path,
        lambda percent, stage: stages.append(stage),
    )
    assert stages[-1] == "done"
    assert outcome.values["recorded"] == []
    document = orjson.loads((tmp_path / "indicators.json").read_bytes())
    first, second = document["indicators"]
    # A km² is 1,500 mu.
    mu = square_km(shape(REGION.geometry)) * 1500 / 1e4
    assert [one["year"] for one in first["computed"]] == [2024]
    assert first["computed"][0]["value"] == pytest.approx(mu, rel=1e-4)
    assert first["missing"][0]["year"] == 2023
    assert second["missing"][0]["zh"].startswith("人工填报")
    manifest = orjson.loads((tmp_path / "manifest.json").read_bytes())
    assert [one["name"] for one in manifest["outputs"]][:3] == ["indicators", "statistics", "table"]
    assert manifest["control_areas"][0]["code"] == "x"
    assert "geometry" not in manifest["control_areas"][0]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert '<td>管控线 <span class="en" lang="en">control areas</span> 1</td>' in page
    # No raster was read: there is no table of none.
    assert "输入数据" not in page
