"""Maps, chart and page of a selection."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shanhai.cartography import style_of
from shanhai.processes.kit.outputs import write_report_files
from shanhai.processes.kit.report import frame_of, thinned
from shanhai.processes.kit.task import OutputFile
from shanhai.processes.select_sites.contract import PRIORITY_LAYER
from shanhai.processes.select_sites.features import COMPONENTS
from shanhai.processes.select_sites.result import Chosen
from shanhai.processes.select_sites.statistics import LEVEL_NAMES
from shanhai.reporting import charts
from shanhai.reporting.charts import draw_front
from shanhai.reporting.maps import MapFrame, draw_ramp_map
from shanhai.reporting.pages import Picture, ReportPage
from shanhai.reporting.plan_maps import SELECTION_TITLE, SelectionDrawing, draw_selection_map
from shanhai.science.selection.goals import maximises
from shanhai.vocabulary import Label, Lang

TEMPLATE = "selection_report.html.j2"
_LANGUAGES: tuple[Lang, ...] = ("zh", "en")
_ENDS = (Label("最为优先", "most urgent"), Label("不急", "least urgent"))
_MAPS = {
    "map_zh": Label("选址图（中文）", "Map (Chinese)"),
    "map_en": Label("选址图（英文）", "Map (English)"),
}
GOALS: Mapping[str, Label] = {
    "maximum_gain": Label("最大效益", "most gain"),
    "minimum_set": Label("最小成本", "least cost"),
    "coverage": Label("目标达成", "coverage of targets"),
    "shortfall": Label("缺口最小", "least shortfall"),
}
STATUSES: Mapping[str, Label] = {
    "optimal": Label("已达间隙要求", "optimal within the gap"),
    "feasible": Label("时限内停止", "stopped at the limit"),
    "infeasible": Label("目标无法全部达到", "not all targets can be reached"),
}
KINDS: Mapping[str, Label] = {
    "barrier": Label("障碍点", "barrier"),
    "pinch_point": Label("夹点", "pinch point"),
    "problem": Label("生态问题", "problem"),
    "project": Label("项目", "project"),
    "priority_unit": Label("优先单元", "priority unit"),
    "site": Label("给定地块", "given"),
}


def write_report(
    chosen: Chosen, statistics: Mapping[str, Any], manifest: Mapping[str, Any], workspace: Path
) -> list[OutputFile]:
    """Draw the sites, the priority and the front, and write the page with them.

    The maps of the sites are outputs of their own as well.
    """
    place = chosen.siting.place
    frame = frame_of(place, manifest)
    drawing = _drawing(chosen)
    leading = [
        (path, SELECTION_TITLE)
        for lang in _LANGUAGES
        if draw_selection_map(path := workspace / f"map_{lang}.png", drawing, frame, lang)
    ]
    others = [picture for lang in _LANGUAGES for picture in _others(chosen, frame, lang, workspace)]
    name = Label(place.area.region.name_zh, place.area.region.name_en)
    content = {
        **statistics,
        "words": {**GOALS, **STATUSES, **KINDS, **LEVEL_NAMES, **COMPONENTS},
    }
    page = ReportPage(TEMPLATE, name, content, manifest, [*leading, *others])
    files = write_report_files(workspace, page)
    for picture, _ in others:
        picture.unlink()
    return [*files, *(_map(path) for path, _ in leading)]


def _map(path: Path) -> OutputFile:
    title = _MAPS[path.stem]
    return OutputFile(
        name=path.stem,
        path=path.name,
        kind="image",
        media_type="image/png",
        title_zh=title.zh,
        title_en=title.en,
    )


def _others(chosen: Chosen, frame: MapFrame, lang: Lang, workspace: Path) -> list[Picture]:
    """The priority, and the front where there is one."""
    drawn = list[Picture]()
    if chosen.priority is not None:
        path = workspace / f"{PRIORITY_LAYER}.{lang}.png"
        values = thinned(chosen.siting.store, PRIORITY_LAYER)
        if draw_ramp_map(path, values, PRIORITY_LAYER, frame, lang, _ENDS):
            drawn.append((path, style_of(PRIORITY_LAYER).title))
    if chosen.choice.front:
        path = workspace / f"front.{lang}.png"
        front = [(one.plan.cost, one.gain) for one in chosen.choice.front]
        plan = chosen.choice.plan
        gain = plan.objective if maximises(chosen.rules.goal) else -plan.objective
        if draw_front(path, front, (plan.cost, gain), lang):
            drawn.append((path, charts.TITLE))
    return drawn


def _drawing(chosen: Chosen) -> SelectionDrawing:
    taken = chosen.choice.plan.chosen.tolist()
    barred = set(chosen.rules.problem.locked_out)
    shapes = [one.geometry for one in chosen.candidates]
    has_priority = chosen.priority is not None
    return SelectionDrawing(
        priority=thinned(chosen.siting.store, PRIORITY_LAYER) if has_priority else None,
        chosen=[shape for shape, yes in zip(shapes, taken, strict=True) if yes],
        left=[
            shape for place, shape in enumerate(shapes) if not taken[place] and place not in barred
        ],
        barred=[shape for place, shape in enumerate(shapes) if place in barred],
    )
