"""A selection on a small watershed, checked against figures reckoned by hand."""

import csv
import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely import box, set_precision, to_geojson
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.data.synthetic_watershed import EPSG, Watershed
from shanhai.errors import InvalidInput
from shanhai.processes.kit.output_files import read_drawn
from shanhai.processes.kit.region import build_place, open_sources
from shanhai.processes.kit.resolution import checksum_of
from shanhai.processes.kit.task import AreaTask, DistrictTask, Outcome, Task
from shanhai.processes.local_run import run_on_files
from shanhai.processes.reproduction import read_manifest, reproduce
from shanhai.processes.select_sites.compute import judged, select
from shanhai.processes.select_sites.contract import SELECT_SITES, SelectSitesInputs
from shanhai.processes.select_sites.files import gather_places
from shanhai.processes.select_sites.priority import Siting
from shanhai.processes.select_sites.result import Chosen, better_of, selection_flags
from shanhai.processes.select_sites.statistics import statistics_document
from shanhai.processes.select_sites.task import PlaceTask, SelectionTask, SelectSitesTask
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.raster.windows import window_runner
from shanhai.reporting.blocks import Table, blocks_of
from shanhai.science.grid import Window
from shanhai.science.landcover import LandCover
from shanhai.science.selection.problem import MaximumBenefit
from shanhai.science.selection.programme import SitePlan
from shanhai.science.selection.solver import SiteSelection
from shanhai.science.selection.tradeoffs import FrontPoint
from tests.support.computed import compute, silent
from tests.support.selection_places import (
    BASE,
    located,
    selection_task,
    square,
    write_ratio,
)

NORTH, SOUTH = "watershed.network-1.b001", "watershed.network-1.b002"
PINCH = "watershed.network-1.p001"
WHOLE = {
    "candidates": ["barriers", "pinch_points", "problems", "priority_units"],
    "parameters": {"pareto_points": 4, "alternatives": 2, "irreplaceability": True},
    "ranking": {"rule": "abf", "land": "units", "edge_removal": True},
    "measures": {"barrier": ["passage"], "pinch_point": ["fencing"]},
}
TABLES = {"代码与名称", "资金"}
"""What the tables of the sites and of the funds begin with."""
SPOTS = {"goal": {"weights": {"barriers": 1, "pinch_points": 1}}, "budget": 8000}


def plan_of(objective: float) -> SitePlan:
    """A plan of which only the objective matters."""
    nothing = np.zeros(0)
    none = nothing.astype(bool)
    return SitePlan(nothing.astype(np.int64), 1.0, nothing, none, 0.0, 0.0, none, objective)


@pytest.fixture(scope="module")
def ratio(watershed: Watershed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ratio(watershed, tmp_path_factory.mktemp("ratio"))


@contextmanager
def found(task: Task, folder: Path) -> Iterator[Chosen]:
    """A selection without its files."""
    inputs = SelectSitesInputs.model_validate(task.inputs)
    assert isinstance(task, SelectSitesTask)
    folder.mkdir(exist_ok=True)
    task = judged(task, inputs)
    with window_runner(1, None, (folder,)) as runner:
        place = build_place(task, inputs, folder, open_sources(task, task.datasets), runner)
        yield select(Siting(place, inputs, task), silent)


def told(task: Task, folder: Path) -> dict[str, Any]:
    with found(task, folder) as chosen:
        return statistics_document(chosen)


def chosen_codes(document: Mapping[str, Any]) -> set[str]:
    return {one["code"] for one in document["sites"] if one["chosen"]}


def refused(task: Task, folder: Path) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        compute(task, folder / "refused")
    assert all(one.detail_zh and one.detail_zh != one.detail for one in caught.value.faults)
    return [one.pointer for one in caught.value.faults]


@pytest.fixture(scope="module")
def whole(
    watershed: Watershed, ratio: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Outcome]:
    workspace = tmp_path_factory.mktemp("whole") / "work"
    return workspace, compute(selection_task(watershed, WHOLE, ratio=ratio), workspace)


@pytest.mark.long
def test_an_attempt_goes_on_from_what_a_former_one_finished(
    watershed: Watershed,
    ratio: Path,
    whole: tuple[Path, Outcome],
    resume: Callable[[Task, float, Path], None],
) -> None:
    resume(selection_task(watershed, WHOLE, ratio=ratio), 85, whole[0])


class TestFiles:
    def test_every_promised_output_is_there(self, whole: tuple[Path, Outcome]) -> None:
        workspace, outcome = whole
        names = {file.name for file in outcome.files}
        assert {one.name for one in SELECT_SITES.outputs} - names == {"layers", "report_pdf"}
        rasters = [file.name for file in outcome.files if file.kind == "raster"]
        assert rasters == ["priority", "ranking"]
        assert all((workspace / file.path).is_file() for file in outcome.files)
        assert not (workspace / "scratch").exists()
        assert outcome.values["status"] == "optimal"
        assert outcome.warnings == []

    def test_the_raster_holds_the_score_of_each_unit(self, whole: tuple[Path, Outcome]) -> None:
        workspace, _ = whole
        values = np.asarray(read_geotiff(workspace / "priority.tif").values[0])
        with (workspace / "priority_table.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        scores = sorted(float(row["score"]) for row in rows)
        assert sorted(set(np.round(values[np.isfinite(values)], 5))) == pytest.approx(
            sorted(set(np.round(scores, 5))), abs=1e-5
        )
        cells = int(np.isfinite(values).sum())
        assert sum(float(row["land_ha"]) for row in rows) == pytest.approx(cells)
        for row in rows:
            shares = [float(row[name]) for name in row if name.startswith("share_")]
            assert sum(shares) == pytest.approx(1 if float(row["score"]) > 0 else 0, abs=1e-5)

    def test_ranks_are_shares_of_the_land(self, whole: tuple[Path, Outcome]) -> None:
        workspace, outcome = whole
        with (workspace / "priority_table.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        ranks = {row["code"]: float(row["rank"]) for row in rows}
        land = {row["code"]: float(row["land_ha"]) for row in rows}
        order = sorted(ranks, key=ranks.__getitem__)
        gone = np.cumsum([land[code] for code in order]) / sum(land.values())
        assert [ranks[code] for code in order] == pytest.approx(gone.tolist(), abs=1e-6)
        values = np.asarray(read_geotiff(workspace / "ranking.tif").values[0])
        known = np.unique(values[np.isfinite(values)])
        assert known == pytest.approx(sorted(ranks.values()), abs=1e-6)
        with (workspace / "curves.csv").open(encoding="utf-8-sig", newline="") as file:
            curves = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
        assert [one["land_share"] for one in curves] == pytest.approx(np.linspace(0, 1, 101))
        for name in set(curves[0]) - {"land_share"}:
            assert (np.diff([one[name] for one in curves]) >= 0).all()
        assert curves[-1]["least"] == 1
        told = {one["name"]: one["held"] for one in outcome.values["ranking"]["features"]}
        assert told.keys() == {"pinch_points", "barriers", "deficit", "problems"}
        assert all(told[name] == [curves[k][name] for k in (10, 17, 30)] for name in told)

    def test_the_table_tells_the_same_as_the_document(self, whole: tuple[Path, Outcome]) -> None:
        workspace, outcome = whole
        with (workspace / "table.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        document = json.loads((workspace / "statistics.json").read_bytes())
        assert {row["code"] for row in rows if row["chosen"] == "true"} == chosen_codes(document)
        cost = sum(float(row["cost"]) for row in rows if row["chosen"] == "true")
        assert cost == pytest.approx(outcome.values["cost"], abs=0.005)
        features = json.loads((workspace / "sites.geojson").read_bytes())["features"]
        assert [one["id"] for one in features] == [row["code"] for row in rows]
        assert all(shape(one["geometry"]).is_valid for one in features)

    def test_the_front_ascends_to_the_budget(self, whole: tuple[Path, Outcome]) -> None:
        _, outcome = whole
        front = outcome.values["pareto"]
        assert [one["cost"] for one in front] == sorted(one["cost"] for one in front)
        assert [one["gain"] for one in front] == sorted(one["gain"] for one in front)
        assert front[-1]["cost"] <= BASE["budget"]
        assert front[-1]["gain"] == pytest.approx(outcome.values["objective"])

    @pytest.mark.parametrize(("gained", "kept"), [(7.0, 7.0), (8.0, 8.0), (9.0, 9.0)])
    def test_the_plan_is_never_worse_than_the_end_of_its_front(
        self, gained: float, kept: float
    ) -> None:
        goal = MaximumBenefit(np.ones(1))
        found = SiteSelection("optimal", plan_of(7.0), bound=9.0, gap=2 / 7, seconds=1.0)
        end = FrontPoint(plan_of(gained), gained, 0.0, "optimal")
        better = better_of(found, [FrontPoint(plan_of(1.0), 1.0, 0.0, "optimal"), end], goal)
        assert better.plan is not None
        assert better.plan.objective == kept
        assert better.gap == pytest.approx((9.0 - kept) / kept)
        assert better_of(found, [], goal) == found

    def test_the_front_names_the_sites_of_each_point(self, whole: tuple[Path, Outcome]) -> None:
        workspace, outcome = whole
        with (workspace / "table.csv").open(encoding="utf-8-sig", newline="") as file:
            costs = {one["code"]: float(one["cost"]) for one in csv.DictReader(file)}
        with (workspace / "pareto.csv").open(encoding="utf-8-sig", newline="") as file:
            points = list(csv.DictReader(file))
        assert len(points) == len(outcome.values["pareto"]) > 1
        for point in points:
            codes = point["codes"].split()
            assert len(codes) == int(point["sites"])
            assert sum(costs[code] for code in codes) == pytest.approx(float(point["cost"]))

    def test_it_is_reproduced_from_its_manifest(
        self, whole: tuple[Path, Outcome], watershed: Watershed, ratio: Path, tmp_path: Path
    ) -> None:
        files = tmp_path / "files"
        files.mkdir()
        for path in (watershed.rasters["land_cover"], ratio):
            (files / path.name).symlink_to(path)
        compared = reproduce(
            read_manifest(whole[0] / "manifest.json"),
            files=files,
            workspace=tmp_path / "again",
            progress=silent,
        )
        assert {one.name for one in compared} >= {"priority", "sites", "table", "map_zh"}
        assert [one.name for one in compared if not one.same] == []


class TestGains:
    def test_each_site_gives_what_is_reckoned_by_hand(
        self, watershed: Watershed, tmp_path: Path
    ) -> None:
        inputs = {**SPOTS, "candidates": ["barriers", "pinch_points", "problems"]}
        document = told(selection_task(watershed, inputs), tmp_path)
        rows = {one["code"]: one for one in document["sites"]}
        assert set(rows) == {NORTH, SOUTH, PINCH, "erosion.1"}
        assert rows[SOUTH]["kinds"] == ["barrier", "pinch_point"]
        assert [rows[code]["area_ha"] for code in rows] == pytest.approx([4, 24, 4, 16], abs=1e-4)
        # By area, of two kinds the dearer.
        assert [one["cost"] for one in rows.values()] == pytest.approx(
            [4000, 24_000, 2000, 12_800], abs=0.05
        )
        gains = {code: row["gains"] for code, row in rows.items()}
        # Score times the root of the hectares; score times hectares; severity times the part.
        assert [one["barriers"] for one in gains.values()] == pytest.approx([8, 8, 0, 0], abs=1e-4)
        assert [one["pinch_points"] for one in gains.values()] == pytest.approx(
            [0, 16, 2, 0], abs=1e-4
        )
        assert [one["problems"] for one in gains.values()] == pytest.approx([0, 0, 0, 3])
        before, north, south = (64 * (2 + 2 * 0.5 ** (d / 2500)) ** 0.5 for d in (2400, 1200, 2160))
        assert gains[NORTH]["connectivity"] == pytest.approx(north - before, abs=1e-5)
        assert gains[SOUTH]["connectivity"] == pytest.approx(south - before, abs=1e-5)
        # 8 of 16 and 2 of 18, each half of what counts, are all that 8000 yuan buy.
        assert chosen_codes(document) == {NORTH, PINCH}
        assert document["objective"] == pytest.approx((8 / 16 + 2 / 18) / 2, abs=1e-5)
        assert rows[NORTH]["cost_effectiveness"] == pytest.approx(4 * 2 / 4000, rel=1e-4)

    def test_priority_keeps_what_it_is_made_of(
        self, watershed: Watershed, ratio: Path, tmp_path: Path
    ) -> None:
        inputs = {"parameters": {"priority_weights": {"pinch_points": 1, "deficit": 3}}}
        with found(selection_task(watershed, inputs, ratio=ratio), tmp_path) as chosen:
            priority = chosen.priority
            assert priority is not None
            names, values = priority.found.names, priority.found.values
            sums = dict(zip(names, values @ priority.land_ha, strict=True))
        # Scores times hectares of the two pinch points: 0.5·4 + 1·16.
        assert sums["pinch_points"] == pytest.approx(18)
        assert sums["barriers"] == pytest.approx(4 * 4 + 2 * 16)
        assert sums["problems"] == pytest.approx(3 * 16)
        deficit = values[names.index("deficit")]
        assert (deficit.min(), deficit.max()) == (0, 0.5)
        parts = priority.found.contributions
        assert not parts[names.index("barriers")].any()
        assert parts.sum(axis=0) == pytest.approx(priority.found.scores)

    def test_small_windows_change_nothing(
        self,
        whole: tuple[Path, Outcome],
        watershed: Watershed,
        ratio: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("shanhai.processes.kit.region.WINDOW_CELLS", 17)
        inputs = json.loads((whole[0] / "manifest.json").read_bytes())["request"]
        task = selection_task(watershed, inputs, ratio=ratio)
        with found(task, tmp_path) as chosen:
            document = statistics_document(chosen)
        first = json.loads((whole[0] / "statistics.json").read_bytes())
        assert document == first

    def test_units_may_be_districts(self, watershed: Watershed, tmp_path: Path) -> None:
        inputs = {"parameters": {"units": "polygons", "unit_regions": "district"}}
        task = selection_task(watershed, inputs)
        units = [DistrictTask(**one.model_dump()) for one in watershed.region.districts]
        document = told(task.model_copy(update={"units": units}), tmp_path)
        codes = {one["code"] for one in document["priority"]["first"]}
        assert codes <= {one.code for one in units}
        assert document["priority"]["units"] == len(units)

    def test_spots_that_touch_are_sites_of_their_own(
        self, watershed: Watershed, tmp_path: Path
    ) -> None:
        def spot(code: str, row: int, col: int) -> PlaceTask:
            # As networks keep them: to a millimetre.
            rounded = set_precision(shape(located(square(watershed, row, col, 3))), 1e-8)
            told = {"code": code, "name_zh": "点", "name_en": "Spot", "checksum": "0"}
            own = {"kind": "pinch_point", "geometry": as_json(rounded), "score": 1.0}
            return PlaceTask.model_validate({**told, **own})

        # A chain with corners amid a neighbour's edge; of the last one a cell overlaps.
        rows = ((20, 20), (23, 21), (26, 20), (29, 21), (31, 23))
        places = [spot(f"p{number}", *where) for number, where in enumerate(rows)]
        task = selection_task(watershed, {"goal": {"weights": {"pinch_points": 1}}})
        task = task.model_copy(update={"selection": SelectionTask(places=places)})
        with found(task, tmp_path) as chosen:
            joined = [one.places for one in chosen.candidates]
        assert joined == [("p0",), ("p1",), ("p2",), ("p3", "p4")]

    @pytest.mark.parametrize("covered", [False, True])
    def test_a_unit_on_the_coast_is_paid_for_and_counted_by_its_land(
        self, watershed: Watershed, tmp_path: Path, covered: bool
    ) -> None:
        # Sea but for two cells side by side, with a pinch point on them.
        raster = read_geotiff(watershed.rasters["land_cover"])
        cover = np.nan_to_num(raster.values[0]).astype(np.uint8)
        cover[8:40, 8:40] = 0
        cover[22, 23:25] = LandCover.FOREST
        write_geotiff(
            tmp_path / "cover.tif",
            cover,
            transform=watershed.grid.transform,
            crs=f"EPSG:{EPSG}",
            nodata=0,
        )
        told = {"code": "p", "name_zh": "点", "name_en": "Spot", "checksum": "0", "score": 1.0}
        geometry = located(square(watershed, 22, 23, 2))
        spot = PlaceTask.model_validate({**told, "kind": "pinch_point", "geometry": geometry})
        taken = {"code": "mine", "name_zh": "地块", "cost": 1, "gains": {"birds": 1}}
        taken |= {"geometry": located(square(watershed, 22, 23, 1))}
        task = selection_task(
            watershed,
            {
                "candidates": ["priority_units"],
                "sites": [taken] if covered else [],
                "goal": {"weights": {"priority": 1}},
                "parameters": {"unit_m": 1000, "priority_weights": {"pinch_points": 1}},
            },
        )
        (name,) = task.files
        task = task.model_copy(
            update={
                "files": {name: str(tmp_path / "cover.tif")},
                "selection": SelectionTask(places=[spot]),
            }
        )
        with found(task, tmp_path / "work") as chosen:
            document, priority = statistics_document(chosen), chosen.priority
        assert priority is not None
        rows = [one for one in document["sites"] if one["kinds"] == ["priority_unit"]]
        land_ha = 1 if covered else 2
        assert [one["area_ha"] for one in rows] == [land_ha]
        assert [one["cost"] for one in rows] == [100 * land_ha]
        gains = [(one["gains"]["area"], one["gains"]["priority"]) for one in rows]
        score = priority.found.scores.max()
        assert gains == [(land_ha, pytest.approx(score * land_ha, rel=1e-3))]

    def test_a_site_gains_nothing_from_beyond_the_region(
        self, watershed: Watershed, ratio: Path, tmp_path: Path
    ) -> None:
        # West of the region too; there the ratio lies at -0.5.
        inputs = sites_at(watershed, [(30, -20)], birds=[1])
        inputs["sites"][0]["geometry"] = located(square(watershed, 10, -30, 45))
        with found(selection_task(watershed, inputs, ratio=ratio), tmp_path) as chosen:
            (site,), document = chosen.candidates, statistics_document(chosen)
            grid = chosen.siting.grid
            deficit = chosen.siting.store.read("deficit", Window(0, 0, grid.height, grid.width))
        west, south, east, north = site.geometry.bounds
        x = grid.west + (np.arange(grid.width) + 0.5) * grid.cell_m
        y = grid.north - (np.arange(grid.height) + 0.5) * grid.cell_m
        within = ((y > south) & (y < north))[:, None] & ((x > west) & (x < east))[None, :]
        expected = np.nansum(deficit[within]) * grid.cell_area_ha
        assert 0 < expected < site.area_ha * 0.5 / 2
        (row,) = document["sites"]
        assert row["gains"]["deficit"] == pytest.approx(expected, rel=1e-3)

    def test_land_is_counted_once(self, watershed: Watershed, tmp_path: Path) -> None:
        site = {
            "code": "mine",
            "name_zh": "地块",
            "cost": 100,
            "geometry": located(square(watershed, 21, 19, 4)),
        }
        document = told(selection_task(watershed, {**SPOTS, "sites": [site]}), tmp_path)
        rows = {one["code"]: one for one in document["sites"]}
        # The given site covers the northern barrier, which is no candidate beside it.
        assert set(rows) == {"mine", SOUTH, PINCH}
        assert rows["mine"]["gains"]["barriers"] == pytest.approx(8, abs=1e-4)
        assert rows["mine"]["gains"]["connectivity"] > 0


class TestRules:
    def test_the_best_of_all_choices_is_found(self, watershed: Watershed, tmp_path: Path) -> None:
        rng = np.random.default_rng(3)
        costs, gains = rng.integers(1, 40, 7).tolist(), rng.integers(1, 60, (7, 2)).tolist()
        sites = [
            {
                "code": f"s{number}",
                "name_zh": "地块",
                "cost": costs[number],
                "gains": {"birds": gains[number][0], "water": gains[number][1]},
                "geometry": located(square(watershed, 20 + 2 * number, 20, 2)),
            }
            for number in range(7)
        ]
        inputs = {
            "candidates": [],
            "sites": sites,
            "budget": 70,
            "goal": {"weights": {"birds": 1, "water": 3}},
            "parameters": {"gap": 0},
        }
        document = told(selection_task(watershed, inputs), tmp_path)
        whole = np.array(gains, dtype=float)
        worth = (whole / whole.sum(axis=0)) @ [0.25, 0.75]
        best = max(
            sum(worth[place] for place in some)
            for size in range(8)
            for some in itertools.combinations(range(7), size)
            if sum(costs[place] for place in some) <= 70
        )
        assert document["objective"] == pytest.approx(best, abs=1e-6)
        assert document["gap"] == pytest.approx(0, abs=1e-6)

    def test_targets_are_reached_at_least_cost(self, watershed: Watershed, tmp_path: Path) -> None:
        goal = {"kind": "minimum_set", "target_shares": {"barriers": 0.5}}
        document = told(selection_task(watershed, {"goal": goal}), tmp_path)
        assert chosen_codes(document) == {NORTH}
        assert document["cost"] == pytest.approx(4000, abs=0.01)

    def test_targets_out_of_reach_give_the_nearestplan_of(
        self, watershed: Watershed, tmp_path: Path
    ) -> None:
        goal = {"kind": "minimum_set", "target_shares": {"barriers": 1.0, "pinch_points": 1.0}}
        task = selection_task(watershed, {"goal": goal, "budget": 10_000})
        with found(task, tmp_path) as chosen:
            document = statistics_document(chosen)
            flags = [one.code for one in selection_flags(chosen)]
        assert (document["status"], document["partial"]) == ("infeasible", True)
        assert document["unmet"]
        assert chosen_codes(document) == {NORTH, PINCH}
        assert flags == ["targets_out_of_reach"]

    def test_nothing_possible_is_refused_with_its_reasons(
        self, watershed: Watershed, tmp_path: Path
    ) -> None:
        inputs = {**SPOTS, "locked_in": [SOUTH]}
        assert refused(selection_task(watershed, inputs), tmp_path) == ["/inputs/budget"]

    def test_money_goes_where_it_may(self, watershed: Watershed, tmp_path: Path) -> None:
        inputs = {
            **SPOTS,
            "measures": {"barrier": ["passage"]},
            "funds": [
                {"name_zh": "专款", "amount": 24_000, "measures": ["passage"]},
                {"name_zh": "一般资金", "amount": 5000},
            ],
            "budget": 30_000,
        }
        document = told(selection_task(watershed, inputs), tmp_path)
        # The earmarked money pays for one barrier; what is free pays for the other and the rest.
        rows = {one["code"]: one for one in document["sites"]}
        assert chosen_codes(document) == {SOUTH, NORTH}
        paid = {code: rows[code]["funds"] for code in (SOUTH, NORTH)}
        assert sum(one.get("fund-1", 0) for one in paid.values()) == pytest.approx(24_000)
        assert sum(one.get("fund-2", 0) for one in paid.values()) == pytest.approx(4000, abs=0.05)
        assert [one["used"] for one in document["funds"]] == pytest.approx([24_000, 4000], abs=0.05)

    def test_the_report_names_measures_and_funds(
        self, watershed: Watershed, tmp_path: Path
    ) -> None:
        inputs = {
            **SPOTS,
            "measures": {"barrier": ["bank_repair", "own_measure"]},
            "funds": [
                {"name_zh": "专款", "amount": 24_000, "measures": ["bank_repair"]},
                {"name_zh": "一般资金", "amount": 5000},
            ],
            "budget": 30_000,
        }
        compute(selection_task(watershed, inputs), tmp_path / "work")
        page = (tmp_path / "work" / "report.html").read_text(encoding="utf-8")
        sites, funds = (
            table
            for table in blocks_of(page, defaultdict(Path))
            if isinstance(table, Table) and table.columns[0].text.split("\n")[0] in TABLES
        )
        # What no list of the platform has is told by its code, once.
        assert {row[5] for row in sites.rows} == {"岸线修复 Repair of banks, own_measure"}
        assert "专款" in sites.rows[0][7]
        assert "fund-" not in sites.rows[0][7]
        assert [row[1] for row in funds.rows] == ["岸线修复 Repair of banks", "不限 anything"]

    def test_the_report_names_problems_groups_parameters_and_resampling(
        self, watershed: Watershed, tmp_path: Path
    ) -> None:
        goal = {"weights": {"problems": 1, "barriers": 1}}
        parameters = {"least_group_ha": 1, "alternatives": 1, "units": "fishnet"}
        inputs = {
            **SPOTS,
            "goal": goal,
            "candidates": ["barriers", "problems"],
            "budget": 50_000,
            "parameters": parameters,
        }
        outcome = compute(selection_task(watershed, inputs), tmp_path / "work")
        page = (tmp_path / "work" / "report.html").read_text(encoding="utf-8")
        tables = {
            table.columns[0].text.split("\n")[0]: table
            for table in blocks_of(page, defaultdict(Path))
            if isinstance(table, Table)
        }
        document = json.loads((tmp_path / "work" / "statistics.json").read_bytes())
        assert {one["code"] for one in document["sites"] if one["problems"]} == {"erosion.1"}
        # The site of a problem is the one that acts on it.
        acted_on = [row[6] for row in tables["代码与名称"].rows]
        assert [one for one in acted_on if one != "–"] == ["水土流失 Erosion"]
        names = {one["code"]: one["name_zh"] for one in document["sites"]}
        assert outcome.values["groups"]
        for one, row in zip(outcome.values["groups"], tables["地块"].rows, strict=True):
            assert row[0].startswith("、".join(names[code] for code in one["sites"]) + " ")
        told = {row[0]: row[1] for row in tables["参数"].rows}
        assert told["连片规模下限（公顷） Least group, ha"] == "1"
        assert told["单元 Units"] == "格网 Fishnet"
        assert not [name for name in told if "_" in name]
        assert [row[2] for row in tables["数据集"].rows] == ["最近邻 nearest"]

    def test_sites_in_lines_are_kept_out(self, watershed: Watershed, tmp_path: Path) -> None:
        geometry = located(square(watershed, 20, 18, 4))
        line = AreaTask(
            kind="red_line",
            code="line.1",
            name_zh="红线",
            name_en="Line",
            checksum=checksum_of(geometry),
            geometry=geometry,
        )
        inputs = {**SPOTS, "exclude": {"lines": ["red_line"], "share": 0.4}}
        task = selection_task(watershed, inputs).model_copy(update={"areas": [line]})
        document = told(task, tmp_path)
        # Half of the northern barrier lies in the line.
        rows = {one["code"]: one for one in document["sites"]}
        assert rows[NORTH]["excluded_by"] == ["red_line"]
        assert NORTH not in chosen_codes(document)
        held = task.model_copy(update={"inputs": {**task.inputs, "locked_in": [NORTH]}})
        assert refused(held, tmp_path) == ["/inputs/locked_in/0"]

    @pytest.mark.parametrize("above", [True, False])
    def test_a_site_that_only_touches_lies_in_nothing(
        self, watershed: Watershed, tmp_path: Path, above: bool
    ) -> None:
        west, south, _, _ = shape(located(square(watershed, 40, 12, 4))).bounds
        east, north = west + 0.04, south + 0.01
        end = north if above else south
        drawn = as_json(box(west, south, east, north))
        # An edge of 4 km, straight in degrees, is 14 cm beside its chord in the middle.
        beside = box(west + 0.01, end, west + 0.03, end + (0.005 if above else -0.005))
        inside = box(west + 0.01, south + 0.001, west + 0.03, south + 0.002)
        sites = [
            {
                "code": code,
                "name_zh": "地块",
                "cost": 1,
                "gains": {"birds": 1},
                "geometry": as_json(geometry),
            }
            for code, geometry in (("beside", beside), ("inside", inside))
        ]
        more = {"code": "x", "name_zh": "线", "name_en": "Line", "geometry": drawn, "checksum": "0"}
        line = AreaTask.model_validate({**more, "kind": "red_line"})
        problem = PlaceTask.model_validate({**more, "kind": "problem", "severity": "high"})
        inputs = {
            "sites": sites,
            "goal": {"weights": {"birds": 1}},
            "exclude": {"lines": ["red_line"], "share": 0},
        }
        task = selection_task(watershed, inputs)
        selection = SelectionTask(places=[problem])
        document = told(task.model_copy(update={"areas": [line], "selection": selection}), tmp_path)
        rows = {one["code"]: one for one in document["sites"]}
        told_of = {code: (rows[code]["excluded_by"], rows[code]["problems"]) for code in rows}
        assert told_of["inside"] == (["red_line"], ["x"])
        assert told_of["beside"] == ([], [])
        assert rows["beside"]["gains"]["problems"] == 0

    def test_a_phase_says_when(self, watershed: Watershed, tmp_path: Path) -> None:
        phases = [
            {"start_year": 2026, "end_year": 2027, "budget": 4100},
            {"start_year": 2028, "end_year": 2030, "budget": 4000, "share": 0.5},
        ]
        document = told(selection_task(watershed, {**SPOTS, "phases": phases}), tmp_path)
        rows = {one["code"]: one for one in document["sites"]}
        assert rows[NORTH]["phase"] == "2026–2027"
        assert rows[PINCH]["phase"] == "2028–2030"
        assert [one["sites"] for one in document["phases"]] == [1, 1]

    @pytest.mark.parametrize(
        ("first", "expected"), [(None, {0}), (4100, {0, 1}), (2100, {0, 1}), (1000, {1})]
    )
    def test_phases_of_one_share_are_filled_from_the_first(
        self, watershed: Watershed, tmp_path: Path, first: float | None, expected: set[int]
    ) -> None:
        phases = [
            {"start_year": 2026, "end_year": 2027, "budget": first},
            {"start_year": 2028, "end_year": 2030},
        ]
        document = told(selection_task(watershed, {**SPOTS, "phases": phases}), tmp_path)
        assert chosen_codes(document) == {NORTH, PINCH}
        used = [number for number, one in enumerate(document["phases"]) if one["sites"]]
        assert set(used) == expected
        if first is not None:
            assert document["phases"][0]["cost"] <= first

    def test_opening_all_of_a_corridor_is_worth_more(
        self, watershed: Watershed, tmp_path: Path
    ) -> None:
        inputs = {
            "goal": {"weights": {"pinch_points": 1}},
            "budget": 28_100,
            "parameters": {"corridor_reward": 1.0, "gap": 0},
        }
        document = told(selection_task(watershed, inputs), tmp_path)
        assert chosen_codes(document) == {NORTH, SOUTH}
        assert document["corridors_opened"] == ["c001"]

    def test_edges_and_connections_are_told(self, watershed: Watershed, tmp_path: Path) -> None:
        neighbours = [
            {
                "code": f"s{number}",
                "name_zh": "地块",
                "cost": 1,
                "gains": {"birds": 1},
                "geometry": located(square(watershed, 20, col, 2)),
            }
            for number, col in enumerate((20, 22, 40))
        ]
        inputs = {
            "candidates": [],
            "sites": neighbours,
            "budget": 2,
            "goal": {"weights": {"birds": 1}},
            "parameters": {"edge_penalty": 0.01, "connection_reward": 0.001, "gap": 0},
        }
        document = told(selection_task(watershed, inputs), tmp_path)
        assert chosen_codes(document) == {"s0", "s1"}
        # Two squares of 200 m side by side: an outline of 1200 m.
        assert document["exposed_edge_km"] == pytest.approx(1.2, abs=0.005)
        assert document["connection"] == pytest.approx(1, abs=0.001)

    @pytest.mark.parametrize(
        ("inputs", "pointer"),
        [
            ({"locked_in": ["nowhere"]}, "/inputs/locked_in/0"),
            ({"goal": {"weights": {"deficit": 1}}}, "/inputs/goal/weights/deficit"),
            ({"districts": [{"region": "nowhere"}]}, "/inputs/districts/0/region"),
            ({"parameters": {"unit_m": 250}}, "/inputs/parameters/unit_m"),
            ({"funds": [{"source": "central"}]}, "/inputs/funds/0/source"),
            (
                {"parameters": {"priority_weights": {"deficit": 1}}},
                "/inputs/parameters/priority_weights/deficit",
            ),
        ],
    )
    def test_what_cannot_be_done_is_refused(
        self, watershed: Watershed, tmp_path: Path, inputs: dict[str, Any], pointer: str
    ) -> None:
        assert refused(selection_task(watershed, inputs), tmp_path) == [pointer]

    def test_a_site_must_be_a_polygon_in_the_region(
        self, watershed: Watershed, tmp_path: Path
    ) -> None:
        line = {"type": "LineString", "coordinates": [[118.0, 24.0], [118.1, 24.1]]}
        bow = [[118.0, 24.8], [118.1, 24.9], [118.1, 24.8], [118.0, 24.9], [118.0, 24.8]]
        away = [[1.0, 1.0], [2.0, 1.0], [2.0, 2.0], [1.0, 1.0]]
        sites = [
            {"code": f"s{number}", "name_zh": "地块", "cost": 1, "geometry": geometry}
            for number, geometry in enumerate(
                [
                    line,
                    {"type": "Polygon", "coordinates": [bow]},
                    {"type": "Polygon", "coordinates": [away]},
                ]
            )
        ]
        assert refused(selection_task(watershed, {"sites": sites}), tmp_path) == [
            f"/inputs/sites/{number}/geometry" for number in range(3)
        ]


def as_json(geometry: BaseGeometry) -> dict[str, Any]:
    """A geometry as GeoJSON."""
    found: dict[str, Any] = json.loads(to_geojson(geometry))
    return found


def sites_at(watershed: Watershed, cells: Sequence[tuple[int, int]], **gains: list[float]) -> Any:
    """Inputs with given sites alone, squares of 4 ha that each cost 1."""
    sites = [
        {
            "code": f"s{number}",
            "name_zh": "地块",
            "cost": 1,
            "gains": {name: values[number] for name, values in gains.items()},
            "geometry": located(square(watershed, row, col, 2)),
        }
        for number, (row, col) in enumerate(cells)
    ]
    goal = {"weights": dict.fromkeys(gains, 1)}
    return {"candidates": [], "sites": sites, "budget": 2, "goal": goal}


class TestRanking:
    APART = ((20, 20), (20, 30), (20, 40), (30, 20))

    def test_sites_are_ranked_by_their_gains(self, watershed: Watershed, tmp_path: Path) -> None:
        inputs = sites_at(watershed, self.APART, birds=[4, 3, 2, 1], otters=[0, 0, 0, 1])
        ranking = {"rule": "caz", "weights": {"birds": 1, "otters": 1}}
        task = selection_task(watershed, {**inputs, "ranking": ranking})
        with found(task, tmp_path) as chosen:
            document = statistics_document(chosen)
            grid = chosen.siting.grid
            layer = chosen.siting.store.read("ranking", Window(0, 0, grid.height, grid.width))
        ranks = [one["rank"] for one in document["sites"]]
        assert ranks == pytest.approx([0.75, 0.5, 0.25, 1], abs=1e-4)
        held = {one["name"]: one["held"] for one in document["ranking"]["features"]}
        # Of the best site 40, 68 and 100 %, of the next one 5 of 25 parts.
        assert held["birds"] == pytest.approx([0.04, 0.068, 0.1 + 0.4 / 5], abs=1e-4)
        assert held["otters"] == pytest.approx([0.4, 0.68, 1], abs=1e-4)
        assert document["ranking"]["best"][0]["mean"] == pytest.approx(0.22, abs=1e-4)
        values, cells = np.unique(layer[np.isfinite(layer)].round(3), return_counts=True)
        assert values == pytest.approx([0.25, 0.5, 0.75, 1], abs=1e-3)
        assert cells.tolist() == [4, 4, 4, 4]

    def test_units_are_given_up_from_the_edge(self, watershed: Watershed, tmp_path: Path) -> None:
        ranking = {"rule": "abf", "land": "units", "edge_removal": True}
        with found(selection_task(watershed, {**SPOTS, "ranking": ranking}), tmp_path) as chosen:
            priority, ranked = chosen.priority, chosen.ranking
        assert priority is not None
        assert ranked is not None
        columns, left = priority.units.columns, set((priority.numbers - 1).tolist())
        assert len(left) > 100
        for place in ranked.found.order.tolist():
            row, col = divmod(int(priority.numbers[place]) - 1, columns)
            beside = {(row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)}
            inside = {r * columns + c for r, c in beside if 0 <= c < columns}
            assert len(inside & left) < 4
            left.remove(row * columns + col)

    def test_what_is_kept_out_is_not_ranked(self, watershed: Watershed, tmp_path: Path) -> None:
        inputs = sites_at(watershed, self.APART, birds=[4, 3, 2, 1])
        ranking = {"rule": "abf", "value_per": "cost", "weights": {"birds": 2, "area": 1}}
        inputs |= {"ranking": ranking, "locked_out": ["s1"]}
        document = told(selection_task(watershed, inputs), tmp_path)
        assert document["sites"][1]["rank"] is None
        assert document["ranking"]["ranked"] == 3
        assert [one["weight"] for one in document["ranking"]["features"]] == pytest.approx(
            [1 / 3, 2 / 3], abs=1e-6
        )

    def test_a_block_is_given_up_from_its_edge(self, watershed: Watershed, tmp_path: Path) -> None:
        block = [(20 + 2 * row, 20 + 2 * col) for row in range(3) for col in range(3)]
        inputs = sites_at(watershed, block, birds=[5, 6, 7, 8, 1, 9, 10, 11, 12])
        ranks = {}
        for edge in (False, True):
            ranking = {"rule": "caz", "edge_removal": edge, "weights": {"birds": 1}}
            task = selection_task(watershed, {**inputs, "ranking": ranking})
            document = told(task, tmp_path / str(edge))
            ranks[edge] = [round(9 * one["rank"]) for one in document["sites"]]
        assert ranks[False] == [2, 3, 4, 5, 1, 6, 7, 8, 9]
        # The middle one is free when the second site, the first beside it, is gone.
        assert ranks[True] == [1, 2, 4, 5, 3, 6, 7, 8, 9]

    @pytest.mark.parametrize(
        ("ranking", "pointer"),
        [
            ({"rule": "caz", "weights": {"deficit": 1}}, "/inputs/ranking/weights"),
            ({"rule": "caz", "land": "units"}, "/inputs/ranking/land"),
            ({"rule": "caz", "value_per": "cost"}, "/inputs/ranking/value_per"),
        ],
    )
    def test_what_cannot_be_ranked_is_refused(
        self, watershed: Watershed, tmp_path: Path, ranking: dict[str, Any], pointer: str
    ) -> None:
        inputs = sites_at(watershed, self.APART, birds=[4, 3, 2, 1])
        inputs["sites"][0]["cost"] = 0
        task = selection_task(watershed, {**inputs, "ranking": ranking})
        task = task.model_copy(update={"selection": SelectionTask()})
        assert refused(task, tmp_path) == [pointer]


class TestTogether:
    # Two side by side, and one 700 m away.
    CELLS = ((20, 20), (20, 22), (20, 31))

    def test_sites_are_chosen_in_groups(self, watershed: Watershed, tmp_path: Path) -> None:
        inputs = sites_at(watershed, self.CELLS, birds=[2, 1, 5])
        chosen = {}
        for reach in (0, 700):
            parameters = {"least_group_ha": 6, "group_reach_m": reach, "gap": 0}
            task = selection_task(watershed, {**inputs, "parameters": parameters})
            chosen[reach] = told(task, tmp_path / str(reach))
        assert chosen_codes(chosen[0]) == {"s0", "s1"}
        (group,) = chosen[0]["groups"]
        assert group["sites"] == ["s0", "s1"]
        assert group["area_ha"] == pytest.approx(8, abs=1e-3)
        assert group["exposed_edge_km"] == pytest.approx(1.2, abs=0.005)
        assert chosen[0]["exposed_edge_km"] == group["exposed_edge_km"]
        assert chosen_codes(chosen[700]) == {"s1", "s2"}
        assert chosen[700]["exposed_edge_km"] == pytest.approx(1.6, abs=0.005)

    def test_what_cannot_lie_together_is_told(self, watershed: Watershed, tmp_path: Path) -> None:
        inputs = sites_at(watershed, self.CELLS, birds=[2, 1, 5])
        inputs["parameters"] = {"least_group_ha": 9}
        with found(selection_task(watershed, inputs), tmp_path / "none") as chosen:
            flags = selection_flags(chosen)
        assert [one.code for one in flags][:2] == ["nothing_chosen", "groups_too_small"]
        assert "8 ha" in flags[1].text.en
        held = selection_task(watershed, {**inputs, "locked_in": ["s2"]})
        assert refused(held, tmp_path) == ["/inputs/parameters/least_group_ha"]

    def test_targets_that_groups_forbid_are_missed_by_least(
        self, watershed: Watershed, tmp_path: Path
    ) -> None:
        inputs = sites_at(watershed, self.CELLS, birds=[2, 1, 5])
        goal = {"kind": "minimum_set", "targets": {"birds": 4}}
        inputs |= {"goal": goal, "parameters": {"least_group_ha": 6}}
        document = told(selection_task(watershed, inputs), tmp_path)
        assert document["partial"]
        assert [one["kind"] for one in document["unmet"]] == ["group"]
        assert chosen_codes(document) == {"s0", "s1"}


def test_it_runs_on_files(watershed: Watershed, tmp_path: Path) -> None:
    features = [
        {
            "type": "Feature",
            "geometry": located(square(watershed, 20, col, 3)),
            "properties": {"code": f"s{col}", "name_zh": "地块", "cost": col, "name_en": None},
        }
        for col in (20, 30)
    ]
    (tmp_path / "sites.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": features})
    )
    problem = {
        "type": "Feature",
        "geometry": located(square(watershed, 20, 20, 3)),
        "properties": {"code": "p1", "severity": "high"},
    }
    (tmp_path / "problems.geojson").write_text(json.dumps(problem))
    outcome = run_on_files(
        "select-sites",
        region=watershed.region_file,
        rasters={},
        inputs={
            "candidates": [],
            "sites": read_drawn(tmp_path / "sites.geojson", "/inputs/sites"),
            "budget": 25,
            "phases": BASE["phases"],
            "goal": {"weights": {"problems": 1}},
        },
        workspace=tmp_path / "out",
        progress=silent,
        selection=gather_places(None, tmp_path / "problems.geojson"),
    )
    assert (outcome.values["chosen"], outcome.values["cost"]) == (1, 20)
    with pytest.raises(InvalidInput):
        gather_places(tmp_path, None)
