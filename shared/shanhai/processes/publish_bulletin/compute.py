"""Make a bulletin of a region and period: its content, pictures and documents in two languages."""

from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from shanhai.errors import InvalidInput
from shanhai.processes.kit.manifest import build_manifest, finished
from shanhai.processes.kit.outputs import write_document
from shanhai.processes.kit.task import Outcome, Progress, RegionTask
from shanhai.processes.publish_bulletin.contract import (
    PUBLISH_BULLETIN,
    BulletinTask,
    PublishBulletinInputs,
    PublishBulletinTask,
)
from shanhai.processes.publish_bulletin.document import maps
from shanhai.processes.publish_bulletin.document.composing import compose, title_of
from shanhai.processes.publish_bulletin.document.content import build_content
from shanhai.processes.publish_bulletin.document.files import Drawn, pack_pictures, write_documents
from shanhai.processes.publish_bulletin.document.language import Refused, in_language
from shanhai.processes.publish_bulletin.document.sections import STATUS_COLORS
from shanhai.reporting.blocks import Picture
from shanhai.reporting.furniture import INK
from shanhai.reporting.map_decorations import font_families, lettering, missing_font_warning
from shanhai.reporting.pages import can_write_pdf, missing_pdf_warning
from shanhai.science.flags import ResultFlag
from shanhai.science.units import unit_name
from shanhai.vocabulary import LANGUAGES, STATION_KINDS, Label, Lang

DPI = 160
_WIDTH_IN, _ROW_IN, _BAR_IN = 7.0, 1.9, 0.72
_TICKS = 6
_LINE = "#1f6f8b"
_STATES = ("#2f6f9f", "#4f9bc4", "#7fbf9a", "#b9d48b", "#e9cf6b", "#e39a4b", "#c9653f", "#8f99a1")
Told = Mapping[str, Any]


def draw_series(path: Path, series: Sequence[Told], lang: Lang) -> bool:
    """The course of each property in a panel of its own, two beside each other.

    Args:
        path: Of the PNG.
        series: Each with `title`, `unit`, and `points` of days and values.
        lang: Language of its texts.

    Returns:
        False where no font can write the language.
    """
    families = font_families(lang)
    if families is None:
        return False
    rows = -(-len(series) // 2)
    with lettering(families):
        size = (_WIDTH_IN, _ROW_IN * rows)
        figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
        panels = figure.subplots(rows, 2, squeeze=False)
        for place, axes in enumerate(panels.flat):
            if place < len(series):
                _draw_course(axes, series[place])
            else:
                axes.set_axis_off()
        FigureCanvasAgg(figure)
        figure.savefig(path, format="png", metadata={"Software": None})
    return True


def _draw_course(axes: Axes, one: Told) -> None:
    days = [date.fromisoformat(day).toordinal() for day, _ in one["points"]]
    values = [value for _, value in one["points"]]
    few = len(days) <= 31
    # No line leads over days or months without data; what stands between two gaps is a dot.
    gaps = np.flatnonzero(np.diff(days) > (31 if one["every"] == "month" else 1)) + 1
    for run, told in zip(np.split(days, gaps), np.split(values, gaps), strict=True):
        marker = "o" if few or len(run) == 1 else None
        axes.plot(run, told, color=_LINE, linewidth=1.5, marker=marker, markersize=3.5)
    axes.set_title(one["title"], fontsize=8.5, color=INK, loc="left")
    shown: list[int] = []
    for day in days:
        if not shown or day - shown[-1] > (days[-1] - days[0]) / _TICKS:
            shown.append(day)
    form = "%Y-%m" if one["every"] == "month" else "%m-%d"
    axes.set_xticks(shown, [f"{date.fromordinal(day):{form}}" for day in shown])
    axes.set_ylabel(one["unit"], fontsize=8)
    axes.tick_params(labelsize=7.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e3e8ec", linewidth=0.6)
    axes.margins(y=0.15)


def draw_counts(path: Path, members: Sequence[Told], lang: Lang) -> bool:
    """A bar of counts.

    Args:
        path: Of the PNG.
        members: What is counted, with `code`, `name` and `count`.
        lang: Language of its texts.

    Returns:
        False where no font can write the language.
    """
    families = font_families(lang)
    if families is None:
        return False
    with lettering(families):
        size = (_WIDTH_IN, _BAR_IN)
        figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
        _draw_bar(figure.add_subplot(), members)
        FigureCanvasAgg(figure)
        figure.savefig(path, format="png", metadata={"Software": None})
    return True


def _draw_bar(axes: Axes, members: Sequence[Told]) -> None:
    left = 0
    total = sum(one["count"] for one in members)
    for place, one in enumerate(members):
        color = STATUS_COLORS.get(one["code"], _STATES[place % len(_STATES)])
        label = f"{one['name']} {one['count']}"
        axes.barh(0, one["count"], left=left, color=color, height=0.62, label=label)
        left += one["count"]
    axes.set_xlim(0, total)
    axes.set_yticks([])
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    columns = max(1, min(len(members), 6))
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0.02),
        ncols=columns,
        fontsize=8.5,
        frameon=False,
        handlelength=1.0,
        handleheight=1.0,
        columnspacing=1.4,
    )


COURSE_CAPTION = Label("主要监测项目的变化", "Course of main properties")
STATUS_CAPTION = Label("指标状态", "Indicators by status")
STATE_CAPTION = Label("项目状态", "Projects by state")


def draw_pictures(
    region: RegionTask, held: BulletinTask, told: Mapping[str, Any], folder: Path, lang: Lang
) -> dict[str, list[Picture]]:
    """Draw what there is to draw in a language, into a folder.

    Args:
        region: With its districts.
        held: What is drawn on maps.
        told: What the bulletin tells, in the language.
        folder: Where the PNG files are written.
        lang: The language.

    Returns:
        Pictures by the kind of the section that shows them; none where no font can write the
        language.
    """
    found: dict[str, list[Picture]] = {}

    def keep(kind: str, caption: Label, path: Path, drawn: bool) -> None:
        if drawn:
            found.setdefault(kind, []).append(Picture(caption.in_(lang), path))

    for kind, caption, members in (
        ("indicators", STATUS_CAPTION, told["indicators"]["statuses"]),
        ("projects", STATE_CAPTION, told["projects"]["states"]),
    ):
        if members:
            path = folder / f"{kind}.{lang}.png"
            keep(kind, caption, path, draw_counts(path, members, lang))
    series = [_titled(one, lang) for one in told["observations"]["series"]]
    if series:
        path = folder / f"series.{lang}.png"
        keep("series", COURSE_CAPTION, path, draw_series(path, series, lang))
    if not region.geometry:
        return found
    ground = maps.lay_ground(region)
    if held.zones or held.corridors:
        path = folder / f"zones.{lang}.png"
        keep("map", maps.caption_of_zones(held), path, maps.draw_zones(path, ground, held, lang))
    if any(one.longitude is not None for one in held.stations):
        path = folder / f"stations.{lang}.png"
        keep("map", maps.STATIONS_TITLE, path, maps.draw_stations(path, ground, held, told, lang))
    return found


def _titled(one: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    kinds = {term.code: term.label for term in STATION_KINDS}
    kind, number = kinds[one["kind"]], one["stations"]
    title = Label(
        f"{one['name']}（{kind.zh}，{number} 个站点均值）",
        f"{one['name']} ({kind.en.lower()}, mean of {number})",
    )
    return {**one, "title": title.in_(lang), "unit": unit_name(one["unit"], lang).strip("–")}


LIBRARIES = ("jinja2", "matplotlib", "python-docx", "weasyprint")
"""Whose change may change the bytes of a document."""


def compute(task: PublishBulletinTask, workspace: Path, progress: Progress) -> Outcome:
    """Compute with files only; the workspace holds every result afterwards."""
    inputs = PublishBulletinInputs.model_validate(task.inputs)
    held, region = task.bulletin, task.region
    if held is None or region is None:
        raise InvalidInput(
            "a bulletin is made on a server",
            message_zh="公报须由服务器编制",
            pointer="/inputs/region",
        )
    progress(0, "statistics")
    content = build_content(inputs, region, held)
    files = [write_document(workspace, PUBLISH_BULLETIN.output("content"), content)]
    try:
        titles = {lang: title_of(held.template, content, lang) for lang in LANGUAGES}
        drawn: dict[Lang, Drawn] = {}
        for number, lang in enumerate(LANGUAGES):
            progress(10 + 40 * number, "maps")
            told = in_language(content, lang)
            drawn[lang] = draw_pictures(region, held, told, workspace, lang)
            progress(50 + 40 * number, "report")
            pages = compose(held.template, content, drawn[lang], lang)
            files += write_documents(pages, held.issued_on, workspace)
        files.append(pack_pictures(drawn, workspace))
    except Refused as error:
        raise _at_fault(error) from error
    flags = _flags()
    manifest = _manifest(task, held, flags)
    return finished(
        workspace,
        files,
        manifest,
        {"title_zh": titles["zh"], "title_en": titles["en"], "content": content},
        progress,
    )


def _flags() -> list[ResultFlag]:
    return [
        *([] if font_families("zh") else [missing_font_warning()]),
        *([] if can_write_pdf() else [missing_pdf_warning()]),
    ]


def _manifest(
    task: PublishBulletinTask, held: BulletinTask, flags: list[ResultFlag]
) -> dict[str, Any]:
    return build_manifest(
        task,
        None,
        inputs=[],
        bulletin=held.model_dump(mode="json"),
        document_libraries={name: version(name) for name in LIBRARIES},
        warnings=[flag.document() for flag in flags],
    )


def _at_fault(error: Refused) -> InvalidInput:
    """A template that was right with all examples, and is not with this period."""
    line, reason = error.refusal.line, error.refusal.reason
    return InvalidInput(
        f"the template fails on this period, line {line}: {reason.en}",
        message_zh=f"公报模板不适用于本时段，第 {line} 行：{reason.zh}",
        pointer="/inputs/template",
    )
