"""Maps of a place and its layers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shanhai.processes.kit.region import Place
from shanhai.raster.store import ScratchStore
from shanhai.reporting.map_decorations import DistrictOutline
from shanhai.reporting.maps import MapFrame
from shanhai.science.arrays import ClassArray, FloatArray
from shanhai.science.grid import Window
from shanhai.vocabulary import Label, label_of


def frame_of(place: Place, manifest: Mapping[str, Any], note: Label | None = None) -> MapFrame:
    """What all maps of a place share; without a note they tell of their cells."""
    area, inputs = place.area, manifest["inputs"]
    own = DistrictOutline(area.name, area.outline)
    districts = [
        DistrictOutline(Label(one.name_zh, one.name_en), geometry)
        for one, geometry in zip(area.region.districts, area.districts, strict=True)
    ]
    cell, crs = f"{place.grid.cell_m:g} m", manifest["aoi"]["crs"]
    return MapFrame(
        place=own.name,
        bounds=place.grid.bounds,
        districts=districts or [own],
        note=note or Label(f"像元 {cell} · {crs}", f"Cells of {cell} · {crs}"),
        credits=credit_line(inputs),
        stand_in=any(one["stand_in"] for one in inputs),
    )


def resolution_note(cell: str, crs: str, profile: str, inputs: list[dict[str, Any]]) -> Label:
    """Cells, the coarsest data behind them, system, profile: fine cells are no fine data."""
    known = [one for one in inputs if one["native_resolution_m"] is not None]
    behind = Label("", "")
    if known:
        coarsest = max(known, key=lambda one: one["native_resolution_m"])
        theme, size = label_of(coarsest["theme"]), _distance(coarsest["native_resolution_m"])
        behind = Label(
            f" · 最粗输入：{theme.zh}，真实分辨率约 {size}",
            f" · coarsest input: {theme.en.lower()}, true resolution about {size}",
        )
    way = label_of(profile)
    return Label(
        f"像元 {cell}{behind.zh} · {crs} · {way.zh}",
        f"Cells of {cell}{behind.en} · {crs} · {way.en.lower()}",
    )


def _distance(metres: float) -> str:
    return f"{metres:.0f} m" if metres < 1000 else f"{metres / 1000:.3g} km"


def credit_line(inputs: list[dict[str, Any]]) -> str:
    """The credits licences ask to be shown on pictures, each once; else the sources.

    All sources and licences are in the report; one text may name several, parted by semicolons.
    """
    asked = {part for one in inputs for part in _parts(one["licence"]) if _asks_for_credit(part)}
    sources = {part for one in inputs for part in _parts(one["source"])}
    return "; ".join(sorted(asked or sources)) or "–"


def _parts(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(";") if part.strip()]


def _asks_for_credit(licence: str) -> bool:
    return "©" in licence or "CC BY" in licence


PANEL_CELLS = 640
"""Cells along the longer side of a small map; it has fewer pixels than that."""

MAP_CELLS = 1_500
"""Cells along the longer side of a map among others."""

SHEET_CELLS = 2_000
"""Cells along the longer side of a map that fills a page."""


def overview(store: ScratchStore, layer: str, most: int = PANEL_CELLS) -> NDArray[np.float32]:
    """A quantity with at most `most` cells along its longer side; NaN is nodata."""
    step, rows = _rows(store, most)
    return np.concatenate([store.read_stored(layer, row)[:, ::step] for row in rows])


def class_overview(store: ScratchStore, layer: str, most: int = PANEL_CELLS) -> ClassArray:
    """Classes with at most `most` cells along the longer side; 0 is nodata."""
    step, rows = _rows(store, most)
    return np.concatenate([store.read_classes(layer, row)[:, ::step] for row in rows])


def thinned(store: ScratchStore, layer: str) -> FloatArray:
    """A quantity for a map; NaN is nodata."""
    return overview(store, layer, MAP_CELLS).astype(np.float64)


def thinned_classes(store: ScratchStore, layer: str) -> ClassArray:
    """Classes for a map; 0 is nodata."""
    return class_overview(store, layer, MAP_CELLS)


def _rows(store: ScratchStore, most: int) -> tuple[int, list[Window]]:
    height, width = store.grid.shape
    step = max(1, -(-max(height, width) // most))
    return step, [Window(row, 0, 1, width) for row in range(0, height, step)]
