"""Select restoration sites: priority of the land, the best choice for the money; its files."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry import mapping

from shanhai.cartography import style_of
from shanhai.db.compliance.rules import activities
from shanhai.errors import Fault, InvalidInput
from shanhai.processes.kit import outputs
from shanhai.processes.kit.geometry import as_multi, to_lon_lat
from shanhai.processes.kit.lookups import refuse
from shanhai.processes.kit.manifest import finished, resumed_runner
from shanhai.processes.kit.output_files import write_features
from shanhai.processes.kit.region import SCRATCH, build_place, open_sources
from shanhai.processes.kit.task import Outcome, OutputFile, Progress
from shanhai.processes.select_sites.candidates import find_candidates
from shanhai.processes.select_sites.contract import (
    PRIORITY_LAYER,
    RANKING_LAYER,
    SELECT_SITES,
    SelectSitesInputs,
)
from shanhai.processes.select_sites.gains import find_gains
from shanhai.processes.select_sites.place_lookup import RATIO, given_fund
from shanhai.processes.select_sites.priority import Siting, find_priority
from shanhai.processes.select_sites.ranking import Ranking, find_ranking
from shanhai.processes.select_sites.result import Chosen, build_manifest, choose, selection_flags
from shanhai.processes.select_sites.rules import make_rules
from shanhai.processes.select_sites.sites import judge_selection
from shanhai.processes.select_sites.statistics import (
    codes_of_front,
    statistics_document,
    table_head,
    table_rows,
    unit_row,
)
from shanhai.processes.select_sites.task import SelectionTask, SelectSitesTask
from shanhai.reporting import charts
from shanhai.reporting.charts import draw_front
from shanhai.reporting.maps import MapFrame, draw_ramp_map
from shanhai.reporting.pages import Picture, ReportPage
from shanhai.reporting.plan_maps import SELECTION_TITLE, SelectionDrawing, draw_selection_map
from shanhai.science.selection.problem import maximises
from shanhai.vocabulary import LANGUAGES, Label, Lang

SITES_FILE = "sites.geojson"
_DIGITS = 6


def write_files(workspace: Path, chosen: Chosen, statistics: Mapping[str, Any]) -> list[OutputFile]:
    """Every document and table; those of the priority where there is one."""
    output = SELECT_SITES.output
    return [
        outputs.write_document(workspace, output("statistics"), statistics),
        outputs.write_table(
            workspace, output("table"), table_head(chosen), table_rows(chosen, statistics)
        ),
        _write_sites(workspace, chosen, statistics),
        outputs.write_table(
            workspace, output("payments"), ("fund", "site", "amount"), _payment_rows(statistics)
        ),
        outputs.write_table(
            workspace,
            output("pareto"),
            ("cost", "gain", "gap", "status", "sites", "codes"),
            (
                [*one.values(), " ".join(codes)]
                for one, codes in zip(statistics["pareto"], codes_of_front(chosen), strict=True)
            ),
        ),
        *_write_curves(workspace, chosen),
        *_write_units(workspace, chosen),
    ]


def _write_sites(workspace: Path, chosen: Chosen, statistics: Mapping[str, Any]) -> OutputFile:
    grid = chosen.siting.grid
    features = [
        {
            "type": "Feature",
            "id": row["code"],
            "geometry": mapping(as_multi(to_lon_lat(one.geometry, grid))),
            "properties": row,
        }
        for one, row in zip(chosen.candidates, statistics["sites"], strict=True)
    ]
    return write_features(workspace, SELECT_SITES.output("sites"), SITES_FILE, features)


def _payment_rows(statistics: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    for one in statistics["sites"]:
        for fund, amount in one["funds"].items():
            yield fund, one["code"], amount


def _write_curves(workspace: Path, chosen: Chosen) -> list[OutputFile]:
    """What is left of each feature at each percent of the land."""
    ranking = chosen.ranking
    if ranking is None:
        return []
    curves = ranking.curves
    columns = (curves.land, *curves.held, curves.mean, curves.least, curves.weighted)
    rows = np.stack(columns, axis=1).round(_DIGITS).tolist()
    head = ("land_share", *ranking.names, "mean", "least", "weighted")
    return [outputs.write_table(workspace, SELECT_SITES.output("curves"), head, rows)]


def _write_units(workspace: Path, chosen: Chosen) -> list[OutputFile]:
    priority = chosen.priority
    if priority is None:
        return []
    rows = [unit_row(chosen, place) for place in range(len(priority.numbers))]
    outline, grid = chosen.siting.place.area.outline, chosen.siting.grid
    names = priority.found.names
    features = [
        {
            "type": "Feature",
            "id": row["code"],
            "geometry": mapping(as_multi(to_lon_lat(priority.shape(place, outline), grid))),
            "properties": row,
        }
        for place, row in enumerate(rows)
    ]
    return [
        outputs.write_table(
            workspace,
            SELECT_SITES.output("priority_table"),
            [
                *("code", "name_zh", "name_en", "land_ha", "score", "level", "rank"),
                *(f"{what}_{name}" for name in names for what in ("value", "share")),
            ],
            (_unit_row(row, names) for row in rows),
        ),
        write_features(
            workspace, SELECT_SITES.output("priority_units"), "priority_units.geojson", features
        ),
    ]


def _unit_row(row: Mapping[str, Any], names: tuple[str, ...]) -> list[Any]:
    parts = [row["components"].get(name) for name in names]
    return [
        *(
            row[name]
            for name in ("code", "name_zh", "name_en", "land_ha", "score", "level", "rank")
        ),
        *(
            0.0 if part is None and name not in row["unknown"] else part and part[what]
            for name, part in zip(names, parts, strict=True)
            for what in ("value", "share")
        ),
    ]


TEMPLATE = "selection_report.html.j2"
_ENDS = (Label("最为优先", "most urgent"), Label("不急", "least urgent"))
_RANK_ENDS = (Label("最后放弃", "given up last"), Label("最先放弃", "given up first"))
_MAPS = Label("选址图", "Map")


def write_maps_and_report(
    chosen: Chosen, statistics: Mapping[str, Any], manifest: Mapping[str, Any], workspace: Path
) -> list[OutputFile]:
    """Draw the sites, the priority and the front, and write the page with them.

    The maps of the sites are outputs of their own as well.
    """
    place, places = chosen.siting.place, chosen.siting.selection.places
    frame = outputs.frame_of(place, manifest)
    drawing = _drawing(chosen)
    leading = [
        (path, SELECTION_TITLE)
        for lang in LANGUAGES
        if draw_selection_map(path := workspace / f"map_{lang}.png", drawing, frame, lang)
    ]
    others = [picture for lang in LANGUAGES for picture in _others(chosen, frame, lang, workspace)]
    content = {
        **statistics,
        "measures": activities(),
        "names": {
            **{one.code: Label(one.name_zh, one.name_en) for one in places},
            **{one.code: one.title for one in chosen.candidates},
        },
    }
    page = ReportPage(TEMPLATE, place.area.name, content, manifest, others)
    return outputs.write_report(workspace, page, leading, _MAPS)


def _others(chosen: Chosen, frame: MapFrame, lang: Lang, workspace: Path) -> list[Picture]:
    """The priority, and the front where there is one."""
    drawn = list[Picture]()
    if chosen.priority is not None:
        path = workspace / f"{PRIORITY_LAYER}.{lang}.png"
        values = outputs.thinned(chosen.siting.store, PRIORITY_LAYER)
        if draw_ramp_map(path, values, PRIORITY_LAYER, frame, lang, _ENDS):
            drawn.append((path, style_of(PRIORITY_LAYER).title))
    if chosen.ranking is not None:
        drawn += _ranked(chosen, chosen.ranking, frame, lang, workspace)
    if chosen.choice.front:
        path = workspace / f"front.{lang}.png"
        front = [(one.plan.cost, one.gain) for one in chosen.choice.front]
        plan = chosen.choice.plan
        gain = plan.objective if maximises(chosen.rules.goal) else -plan.objective
        if draw_front(path, front, (plan.cost, gain), lang):
            drawn.append((path, charts.TITLE))
    return drawn


def _ranked(
    chosen: Chosen, ranking: Ranking, frame: MapFrame, lang: Lang, workspace: Path
) -> list[Picture]:
    """The ranks as a map, and the curves."""
    path = workspace / f"{RANKING_LAYER}.{lang}.png"
    values = outputs.thinned(chosen.siting.store, RANKING_LAYER)
    if not draw_ramp_map(path, values, RANKING_LAYER, frame, lang, _RANK_ENDS):
        return []
    drawn = [(path, style_of(RANKING_LAYER).title)]
    path = workspace / f"curves.{lang}.png"
    if charts.draw_curves(path, ranking.labels, ranking.curves, lang):
        drawn.append((path, charts.CURVES_TITLE))
    return drawn


def _drawing(chosen: Chosen) -> SelectionDrawing:
    taken = chosen.choice.plan.chosen.tolist()
    barred = set(chosen.rules.problem.locked_out)
    shapes = [one.geometry for one in chosen.candidates]
    has_priority = chosen.priority is not None
    return SelectionDrawing(
        priority=outputs.thinned(chosen.siting.store, PRIORITY_LAYER) if has_priority else None,
        chosen=[shape for shape, yes in zip(shapes, taken, strict=True) if yes],
        left=[
            shape for place, shape in enumerate(shapes) if not taken[place] and place not in barred
        ],
        barred=[shape for place, shape in enumerate(shapes) if place in barred],
    )


TOLD = (
    *("status", "partial", "goal", "candidates", "chosen", "budget", "cost", "objective", "bound"),
    *("gap", "exposed_edge_km", "groups", "unmet", "features", "connectivity", "phases", "funds"),
    *("pareto", "ranking"),
)


def compute(task: SelectSitesTask, workspace: Path, progress: Progress) -> Outcome:
    """Compute with files only; the workspace holds every result afterwards."""
    inputs = SelectSitesInputs.model_validate(task.inputs)
    task = judged(task, inputs)
    with resumed_runner(task, workspace, progress) as (runner, progress):
        progress(0, "prepare")
        sources = open_sources(task, {"land_cover", RATIO})
        place = build_place(task, inputs, workspace / SCRATCH, sources, runner)
        siting = Siting(place, inputs, task)
        chosen = select(siting, progress)
        statistics = statistics_document(chosen)
        progress(85, "rasters")
        layers = [(name, "1") for name in (PRIORITY_LAYER, RANKING_LAYER) if siting.store.has(name)]
        files = [
            *outputs.begin_rasters(place, layers, workspace)(),
            *write_files(workspace, chosen, statistics),
        ]
    flags = selection_flags(chosen)
    manifest = build_manifest(task, chosen, statistics, flags)
    progress(90, "maps")
    files += write_maps_and_report(chosen, statistics, manifest, workspace)
    return finished(workspace, files, manifest, {name: statistics[name] for name in TOLD}, progress)


def select(siting: Siting, progress: Progress) -> Chosen:
    """Every step from the places of a region to the plan."""
    progress(5, "priority")
    priority = find_priority(siting)
    progress(25, "candidates")
    candidates = find_candidates(siting, priority)
    progress(30, "gains")
    gains = find_gains(siting, candidates)
    rules = make_rules(siting, candidates, gains)
    progress(40, "ranking")
    ranking = find_ranking(siting, priority, candidates, gains, rules)
    choice = choose(siting, rules, gains, progress)
    return Chosen(siting, priority, candidates, gains, rules, choice, ranking)


def judged(task: SelectSitesTask, inputs: SelectSitesInputs) -> SelectSitesTask:
    """The task with its money, unless it cannot be done; one of files was not judged before.

    Raises:
        InvalidInput: something that was asked for cannot be done; all faults are told.
    """
    if task.region is None:
        raise InvalidInput("a region is needed", message_zh="须给出区域", pointer="/inputs/region")
    selection = task.selection or SelectionTask()
    faults = []
    if len(selection.funds) != len(inputs.funds):
        faults = [
            Fault(
                f"/inputs/funds/{number}/source",
                "sources of funds are kept by a server; give name_zh and amount",
                "资金来源由服务器保存；请给出 name_zh 与 amount",
            )
            for number, fund in enumerate(inputs.funds)
            if fund.source is not None
        ]
        funds = [given_fund(fund, number) for number, fund in enumerate(inputs.funds)]
        selection = selection.model_copy(update={"funds": funds})
    refuse([*faults, *judge_selection(inputs, task.region, list(task.datasets), selection)])
    return task.model_copy(update={"selection": selection})
