"""The maps and charts of a bulletin, by the sections that show them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shanhai.processes.kit.task import RegionTask
from shanhai.processes.publish_bulletin.document.charts import draw_counts, draw_series
from shanhai.processes.publish_bulletin.document.maps import (
    STATIONS_TITLE,
    caption_of_zones,
    draw_stations,
    draw_zones,
    lay_ground,
)
from shanhai.processes.publish_bulletin.document.task import BulletinTask
from shanhai.reporting.blocks import Picture
from shanhai.science.units import unit_label
from shanhai.vocabulary import STATION_KINDS, Label, Lang

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
    ground = lay_ground(region)
    if held.zones or held.corridors:
        path = folder / f"zones.{lang}.png"
        keep("map", caption_of_zones(held), path, draw_zones(path, ground, held, lang))
    if any(one.longitude is not None for one in held.stations):
        path = folder / f"stations.{lang}.png"
        keep("map", STATIONS_TITLE, path, draw_stations(path, ground, held, told, lang))
    return found


def _titled(one: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    kinds = {term.code: term.label for term in STATION_KINDS}
    kind, number = kinds[one["kind"]], one["stations"]
    title = Label(
        f"{one['name']}（{kind.zh}，{number} 个站点均值）",
        f"{one['name']} ({kind.en.lower()}, mean of {number})",
    )
    return {**one, "title": title.in_(lang), "unit": _unit(one["unit"], lang)}


def _unit(code: str, lang: Lang) -> str:
    """A unit as people write it; nothing for numbers without one."""
    if code == "1":
        return ""
    spelt = code.replace("ug/", "µg/").replace("m3", "m³").replace("Cel", "°C")
    return spelt if spelt != code else unit_label(code).in_(lang)
