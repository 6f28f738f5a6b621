"""What the rasters hold of every district: sums of supplies, areas of classes, people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from shanhai.processes.kit.layers import make_layers
from shanhai.processes.kit.region import LAND, Place, district_numbers
from shanhai.raster.store import ScratchStore
from shanhai.science.ecoservices.stormwater_regulation import CURVE_NUMBER, SEALED_SHARE
from shanhai.science.grid import FloatArray, IntArray, Window
from shanhai.science.landcover import LandCover
from shanhai.science.runoff import curve_number, storm_runoff

OUTSIDE = ""
"""Code of what lies in the region and in no district."""

HOLDING = (LandCover.FOREST, LandCover.SHRUBLAND, LandCover.GRASSLAND)
"""Vegetation whose soil holds a storm's water."""

HELD = "storm_held"
M3_PER_HA_MM = 10.0


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums by district; the first place is what lies in no district.

    Attributes:
        places: Codes of the districts in order, `OUTSIDE` first.
        land_ha: Area of land.
        classes_ha: Area by land-cover code, a row by place; None without land cover.
        sums: Of each layer per hectare, times the area.
        known_ha: Area in which the layer has a value.
        people: Persons; None without population.
    """

    places: tuple[str, ...]
    land_ha: FloatArray
    classes_ha: FloatArray | None
    sums: Mapping[str, FloatArray]
    known_ha: Mapping[str, FloatArray]
    people: FloatArray | None

    def by_place(self, values: FloatArray) -> dict[str, float]:
        """Numbers by place; what lies in no district is told only where there is any."""
        told = zip(self.places, values.tolist(), self.land_ha.tolist(), strict=True)
        return {code: value for code, value, land in told if code != OUTSIDE or land > 0}


def write_storm_held(place: Place, storm_mm: float) -> None:
    """Write `storm_held`: water of a storm that vegetation keeps back, m³/ha."""
    has_sealed = "impervious" in place.sources
    make_layers(place, ["land_cover", "hydrologic_group", *(["impervious"] if has_sealed else [])])
    place.store.create(HELD)
    place.each(partial(_hold, place.store, storm_mm, has_sealed))


def _hold(store: ScratchStore, storm_mm: float, has_sealed: bool, window: Window) -> None:
    cover = store.read_classes("land_cover", window)
    group = store.read_classes("hydrologic_group", window).astype(np.float64)
    tables: dict[str, Any] = {table.name: table.values for table in CURVE_NUMBER.tables}
    number = curve_number(
        land_cover=cover,
        hydrologic_group=np.where(group > 0, group, np.nan),
        sealed_share=SEALED_SHARE.default or 0.0,
        impervious=store.read("impervious", window) if has_sealed else None,
        **tables,
    )
    runoff = storm_runoff(curve_number=number, land_cover=cover, storm_mm=storm_mm)
    held = np.where(np.isin(cover, HOLDING), M3_PER_HA_MM * (storm_mm - runoff), 0.0)
    store.write(HELD, window, np.where(np.isnan(runoff), np.nan, held))


def total(place: Place, layers: Sequence[str]) -> Totals:
    """Sum layers that are per hectare, areas and people, window by window in a fixed order."""
    extra = [name for name in ("land_cover", "population") if name in place.sources]
    make_layers(place, extra)
    parts = place.each(partial(_sum, place.store, tuple(layers), tuple(extra), place.districts + 1))
    cell = place.grid.cell_area_ha
    sums = {name: np.sum([part.sums[name] for part in parts], axis=0) for name in layers}
    return Totals(
        places=(OUTSIDE, *(one.code for one in place.area.region.districts)),
        land_ha=np.sum([part.land for part in parts], axis=0) * cell,
        classes_ha=_optional([part.classes for part in parts], cell),
        sums={name: one[0] * cell for name, one in sums.items()},
        known_ha={name: one[1] * cell for name, one in sums.items()},
        people=_optional([part.people for part in parts], 1.0),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """One window, in cells."""

    land: IntArray
    classes: FloatArray | None
    sums: Mapping[str, FloatArray]
    people: FloatArray | None


def _sum(
    store: ScratchStore, layers: Sequence[str], extra: Sequence[str], places: int, window: Window
) -> _Part:
    land = store.read_classes(LAND, window) == 1
    number = district_numbers(store, window)[land]
    sums = {}
    for name in layers:
        values = store.read(name, window)[land]
        known = np.isfinite(values)
        sums[name] = np.stack(
            [
                np.bincount(number[known], values[known], minlength=places),
                np.bincount(number[known], minlength=places),
            ]
        ).astype(np.float64)
    classes, people = None, None
    if "land_cover" in extra:
        width = len(LandCover) + 1
        cover = store.read_classes("land_cover", window)[land]
        counts = np.bincount(number * width + cover, minlength=places * width)
        classes = counts.reshape(places, width).astype(np.float64)
    if "population" in extra:
        persons = np.nan_to_num(store.read("population", window)[land])
        people = np.bincount(number, persons, minlength=places).astype(np.float64)
    return _Part(np.bincount(number, minlength=places), classes, sums, people)


def _optional(parts: Sequence[FloatArray | None], factor: float) -> FloatArray | None:
    held = [part for part in parts if part is not None]
    return np.sum(held, axis=0) * factor if held else None
