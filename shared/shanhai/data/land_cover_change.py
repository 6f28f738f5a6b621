"""The demonstration's land cover beside what was inferred before a map of it was at hand."""

import json
from pathlib import Path

import numpy as np

from shanhai.cartography import LAND_COVER, ClassStyle
from shanhai.data.regions import DemoRegion
from shanhai.data.synthetic_layers import RegionCells
from shanhai.reporting.maps import MapFrame
from shanhai.reporting.panels import ClassPanel, draw_panels
from shanhai.science.grid import ClassArray
from shanhai.science.landcover import NODATA, LandCover
from shanhai.validation import StrictModel
from shanhai.vocabulary import Label

FOLDER = "report"
"""Inside a region's folder, apart from the descriptions of its datasets."""
CHANGE_FILE, PICTURE = "land_cover.json", "land_cover.png"
BEFORE = Label("推断的土地覆盖（此前）", "Inferred land cover, before")
AFTER = Label("ESA WorldCover（现在）", "ESA WorldCover, now")


class CoverChange(StrictModel):
    """Area of a class in both, km²."""

    code: int
    name_zh: str
    name_en: str
    before_km2: float
    after_km2: float


class LandCoverChange(StrictModel):
    """Both land covers compared on the region's own land, fresh water included.

    Attributes:
        agreement_percent: Of the cells, how many have one class in both.
    """

    region: str
    land_km2: float
    agreement_percent: float
    classes: list[CoverChange]


def write_change(
    folder: Path, region: DemoRegion, ground: RegionCells, *, before: ClassArray, after: ClassArray
) -> list[Path]:
    """Write the comparison and its picture below the region's folder; returns both files."""
    home = folder / FOLDER
    home.mkdir(exist_ok=True)
    table, picture = home / CHANGE_FILE, home / PICTURE
    change = compare(region.code, ground, before, after)
    table.write_text(
        json.dumps(change.model_dump(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    own = ground.unit > 0
    frame = MapFrame(
        place=Label(region.name_zh, region.name_en),
        bounds=ground.grid.bounds,
        districts=[],
        note=Label("", ""),
        credits="© ESA WorldCover project; © OpenStreetMap contributors",
        stand_in=False,
    )
    there = {one.code for one in change.classes}
    entries = tuple(entry for entry in LAND_COVER.entries if entry.value in there)
    panels = [
        ClassPanel(
            title,
            np.where(own, codes, NODATA).astype(np.uint8),
            ClassStyle(LAND_COVER.title, entries),
        )
        for title, codes in ((BEFORE, before), (AFTER, after))
    ]
    draw_panels(picture, panels, frame, columns=2)
    return [table, picture]


def compare(
    region: str, ground: RegionCells, before: ClassArray, after: ClassArray
) -> LandCoverChange:
    """Areas by class and agreement, on the cells of the region that are no sea.

    Args:
        region: Its code.
        ground: The grid, land and units; at least one cell is land of a unit.
        before: Classes of the internal legend.
        after: Likewise.
    """
    own = ground.land & (ground.unit > 0)
    km2 = ground.grid.cell_area_m2 / 1e6
    counts = [np.bincount(codes[own], minlength=len(LandCover) + 1) for codes in (before, after)]
    names = {entry.value: entry.label for entry in LAND_COVER.entries}
    classes = [
        CoverChange(
            code=int(code),
            name_zh=names[code].zh,
            name_en=names[code].en,
            before_km2=round(float(counts[0][code]) * km2, 2),
            after_km2=round(float(counts[1][code]) * km2, 2),
        )
        for code in LandCover
        if counts[0][code] or counts[1][code]
    ]
    return LandCoverChange(
        region=region,
        land_km2=round(int(own.sum()) * km2, 2),
        agreement_percent=round(100.0 * float((before == after)[own].mean()), 1),
        classes=classes,
    )


def picture_of(folder: Path) -> Path:
    """The picture of the comparison in a region's folder."""
    return folder / FOLDER / PICTURE


def read_change(folder: Path) -> LandCoverChange:
    """The comparison of a region's folder."""
    return LandCoverChange.model_validate_json((folder / FOLDER / CHANGE_FILE).read_bytes())
