"""Compare rasters of several times inside a perimeter and in the ring around it, by windows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.cartography import DEMAND, RampStyle, style_of
from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.processes.evaluate_effect import contract
from shanhai.processes.kit.region import MAX_CELLS, WINDOW_CELLS, possible
from shanhai.processes.kit.task import Outcome, Progress
from shanhai.raster.cells import cells_within
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.themes import THEME_RULES
from shanhai.raster.warp import RasterSource, align, align_classes, open_source
from shanhai.reporting.map_decorations import DistrictOutline
from shanhai.reporting.maps import MapFrame
from shanhai.reporting.panels import Panel, RampPanel, draw_panels
from shanhai.science import effect as method
from shanhai.science.grid import BoolArray, FloatArray, Grid, Window, analysis_grid
from shanhai.science.landcover import LandCover
from shanhai.vocabulary import Label, label_of

_DIGITS = 6
PICTURES = "pictures.png"
PICTURE_CELLS = 400
"""Cells of a picture's longer side."""
LEAST_KNOWN = 0.8
"""Part of an area that must be known for its mean to be told without a remark."""


@dataclass(slots=True)
class _Sum:
    """Cells of an area, those known, and the sum of their values."""

    cells: int = 0
    known: int = 0
    total: float = 0.0

    def add(self, values: FloatArray, where: BoolArray) -> None:
        """Count the cells of a window."""
        picked = values[where]
        finite = np.isfinite(picked)
        self.cells += int(where.sum())
        self.known += int(finite.sum())
        self.total += float(picked[finite].sum())

    @property
    def mean(self) -> float | None:
        """Mean of the known cells."""
        return round(self.total / self.known, _DIGITS) if self.known else None

    def document(self) -> dict[str, Any]:
        """As it is told."""
        return {"mean": self.mean, "cells": self.cells, "known_cells": self.known}


def compute(task: contract.EvaluateEffectTask, workspace: Path, progress: Progress) -> Outcome:
    """Means of every raster inside and beside, and the difference of differences."""
    inputs = contract.EvaluateEffectInputs.model_validate(task.inputs)
    subject = task.effect
    if subject is None or task.region is None:
        raise InvalidInput(
            "a project is compared", message_zh="须指定项目", pointer="/inputs/project"
        )
    system = f"EPSG:{task.region.epsg}"
    perimeter, *others = (
        reproject_geometry(shape(one), LON_LAT, system)
        for one in (subject.geometry, *subject.others)
    )
    ring = method.control_ring(perimeter, others)
    grid = _grid(perimeter, ring.geometry, task.region.epsg, inputs.cell_m)
    themes, warnings = [], []
    for number, theme in enumerate(dict.fromkeys(layer.theme for layer in subject.layers)):
        progress(95 * number / len(inputs.themes), "compare")
        layers = [layer for layer in subject.layers if layer.theme == theme]
        found = _compare(task, theme, layers, grid, perimeter, ring.geometry)
        themes.append(_theme_document(task, subject, theme, layers, found))
        warnings += [
            text
            for layer, sums in zip(layers, found, strict=True)
            if (text := _gaps(layer, sums)) is not None
        ]
    content = {
        "project": subject.code,
        "name_zh": subject.name_zh,
        "name_en": subject.name_en,
        "perimeter_ha": round(perimeter.area / 1e4, 4),
        "control_ha": round(ring.geometry.area / 1e4, 4),
        "control_width_m": round(ring.width_m, 2),
        "other_projects": len(others),
        "rule_zh": method.RING_RULE.zh,
        "rule_en": method.RING_RULE.en,
        "cell_m": inputs.cell_m,
        "themes": themes,
        "missing": list(subject.missing),
    }
    progress(95, "draw")
    files = []
    if _draw(task, perimeter, ring.width_m, workspace / PICTURES):
        files.append(contract.EVALUATE_EFFECT.output("pictures").file(PICTURES))
    progress(100, "draw")
    return Outcome(files=files, values={"effect": {"value": content}}, warnings=warnings)


def _grid(perimeter: BaseGeometry, ring: BaseGeometry, epsg: int, cell_m: float) -> Grid:
    bounds = perimeter.union(ring).bounds
    grid = analysis_grid(bounds, epsg, cell_m)
    if grid.width * grid.height > MAX_CELLS:
        raise LimitExceeded(
            f"cell_m {cell_m:g} gives {grid.width} × {grid.height} cells; at most {MAX_CELLS}"
            " are allowed",
            message_zh=f"像元 {cell_m:g} m 产生 {grid.width} × {grid.height} 个像元，"
            f"超过上限 {MAX_CELLS}",
            pointer="/inputs/cell_m",
        )
    return grid


Sums = tuple[_Sum, _Sum]
"""Inside, and in the control area."""


def _compare(
    task: contract.EvaluateEffectTask,
    theme: str,
    layers: Sequence[contract.EffectLayer],
    grid: Grid,
    perimeter: BaseGeometry,
    ring: BaseGeometry,
) -> Sequence[Sums]:
    """The sums of each raster; window by window, so no raster is ever held as a whole."""
    sources = _sources(task, layers)
    found = [(_Sum(), _Sum()) for _ in layers]
    for window in grid.windows(WINDOW_CELLS):
        areas = [cells_within(one, grid, window) for one in (perimeter, ring)]
        if not any(area.any() for area in areas):
            continue
        for dataset, source in sources.items():
            values = _values(task.datasets[dataset].theme, source, grid, window)
            for layer, sums in zip(layers, found, strict=True):
                if layer.dataset == dataset:
                    for area, own in zip(areas, sums, strict=True):
                        own.add(values[layer.band - 1], area)
    return found


def _sources(
    task: contract.EvaluateEffectTask, layers: Sequence[contract.EffectLayer]
) -> dict[str, RasterSource]:
    """The rasters of layers by their keys; a series is read once for all its years."""
    return {
        key: open_source(
            Path(task.files[task.datasets[key].uri]), THEME_RULES[task.datasets[key].theme].quantity
        )
        for key in dict.fromkeys(layer.dataset for layer in layers)
    }


def _values(theme: str, source: RasterSource, grid: Grid, window: Window) -> FloatArray:
    """Band, row, column of the quantity, or of the share that is built-up; NaN where unknown."""
    if theme != "land_cover":
        return np.asarray(possible(theme, align(source, grid, window))[0])
    classes, built_up = align_classes(source, grid, window, LandCover.BUILT_UP)
    return np.where(classes > 0, built_up, np.nan)[np.newaxis]


def _draw(
    task: contract.EvaluateEffectTask, perimeter: BaseGeometry, reach_m: float, path: Path
) -> bool:
    """Draw each theme before and after, with the perimeter and how far the control area reaches.

    Other projects inside the ring are not drawn: whoever looks may not know of them. False when
    nothing is known to draw.
    """
    subject, region = task.effect, task.region
    if subject is None or region is None:
        raise TypeError("the task of a comparison has a project and a region")
    reach = perimeter.buffer(reach_m)
    west, south, east, north = reach.bounds
    cell_m = max(max(east - west, north - south) / PICTURE_CELLS, task.inputs["cell_m"])
    grid = analysis_grid((west, south, east, north), region.epsg, cell_m)
    panels: list[Panel] = []
    for theme in dict.fromkeys(layer.theme for layer in subject.layers):
        layers = [layer for layer in subject.layers if layer.theme == theme]
        sightings = [method.Sighting(layer.on, None, None) for layer in layers]
        pair = method.pair_of(sightings, subject.first_year)
        if pair is not None:
            days = {one.on for one in pair}
            shown = [layer for layer in layers if layer.on in days]
            panels += _panels(task, theme, shown, grid)
    place = Label(subject.name_zh, subject.name_en)
    inputs = [task.datasets[key] for key in dict.fromkeys(one.dataset for one in subject.layers)]
    frame = MapFrame(
        place=place,
        bounds=grid.bounds,
        districts=[DistrictOutline(place, perimeter), DistrictOutline(method.RING, reach)],
        note=method.RING,
        credits="; ".join(dict.fromkeys(one.source for one in inputs if one.source)),
        stand_in=any(one.stand_in for one in inputs),
    )
    if panels:
        draw_panels(path, panels, frame, columns=2)
    return bool(panels)


def _panels(
    task: contract.EvaluateEffectTask,
    theme: str,
    layers: Sequence[contract.EffectLayer],
    grid: Grid,
) -> list[Panel]:
    """Before and after to one scale; both are a few hundred cells wide."""
    sources = _sources(task, layers)
    everything = Window(0, 0, grid.width, grid.height)
    seen = [
        _values(task.datasets[layer.dataset].theme, sources[layer.dataset], grid, everything)[
            layer.band - 1
        ].astype(np.float32)
        for layer in layers
    ]
    style, title = style_of(theme), label_of(theme)
    if theme == "land_cover":
        style, title = RampStyle(method.SEALED, "1", DEMAND, 0.0, 1.0), method.SEALED
    if not isinstance(style, RampStyle):
        raise TypeError(f"{theme} is not drawn by a ramp")
    known = np.concatenate([one[np.isfinite(one)] for one in seen])
    if not known.size:
        return []
    low, high = (0.0, 1.0) if theme == "land_cover" else (float(known.min()), float(known.max()))
    return [
        RampPanel(Label(title.zh, f"{title.en} {one.on}"), values, style, low, high, beyond=False)
        for one, values in zip(layers, seen, strict=True)
    ]


def _theme_document(
    task: contract.EvaluateEffectTask,
    subject: contract.EffectSubject,
    theme: str,
    layers: Sequence[contract.EffectLayer],
    found: Sequence[Sums],
) -> dict[str, Any]:
    seen = [
        method.Sighting(layer.on, inside.mean, control.mean)
        for layer, (inside, control) in zip(layers, found, strict=True)
    ]
    change = method.change_of(seen, subject.first_year, subject.last_year)
    return {
        "theme": theme,
        "unit": "1" if theme == "land_cover" else THEME_RULES[theme].unit,
        "quantity": "sealed_share" if theme == "land_cover" else "mean",
        "series": [
            {
                "dataset": task.datasets[layer.dataset].code,
                "on": layer.on.isoformat(),
                "inside": inside.document(),
                "control": control.document(),
            }
            for layer, (inside, control) in zip(layers, found, strict=True)
        ],
        "change": None if change is None else _rounded(asdict(change)),
    }


def _rounded(members: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, _DIGITS)
        if isinstance(value, float)
        else (value if value is None or isinstance(value, bool) else value.isoformat())
        for name, value in members.items()
    }


def _gaps(layer: contract.EffectLayer, sums: Sums) -> dict[str, str] | None:
    """A remark where much of an area is unknown."""
    least = min((one.known / one.cells if one.cells else 0.0) for one in sums)
    if least >= LEAST_KNOWN:
        return None
    return {
        "code": "missing_cells",
        "detail": f"{layer.theme} of {layer.on}: only {100 * least:.0f} % of an area is known",
        "detail_zh": f"{layer.theme}（{layer.on}）：仅 {100 * least:.0f} % 的范围有值",
    }
