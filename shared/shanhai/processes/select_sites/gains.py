"""What every site gives: areas weighted by priority and deficit, spots, connectivity, problems."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from shanhai.processes.select_sites.candidates import Candidate
from shanhai.processes.select_sites.contract import PRIORITY_LAYER
from shanhai.processes.select_sites.priority import DEFICIT, HECTARE_M2, Siting, severity_of
from shanhai.processes.select_sites.sites import NEEDS
from shanhai.processes.select_sites.task import FEATURES, PlaceKind, PlaceTask
from shanhai.raster.cells import cells_of
from shanhai.science.grid import FloatArray
from shanhai.science.selection.priority import Opening, Restoration, single_gains

_DIGITS = 6
"""Of every amount, so that sums are exact in decimals."""

BORDER_HA = 1e-4
"""What neighbours share by the rounding of their coordinates is less."""

OPENED = 0.5
"""Part of a barrier that a site must hold to open it."""


@dataclass(frozen=True, slots=True)
class Gains:
    """What sites give.

    Attributes:
        amounts: By feature, one of each site, ≥ 0.
        restoration: Sources, ways and what sites shorten; None without a network.
        opens: By barrier, within its network, the sites that open it.
    """

    amounts: Mapping[str, FloatArray]
    restoration: Restoration | None
    opens: Mapping[str, tuple[int, ...]]


def find_gains(siting: Siting, candidates: Sequence[Candidate]) -> Gains:
    """Measure all that can be measured of the sites; a gain nobody tells is 0."""
    shapes = [one.geometry for one in candidates]
    opens = _opens(siting, shapes)
    restoration = _restoration(siting, opens)
    areas = np.array([one.area_ha for one in candidates])
    found = {"area": areas}
    for name, layer in (("priority", PRIORITY_LAYER), ("deficit", DEFICIT)):
        if siting.store.has(layer):
            found[name] = np.array([_amount(siting, layer, shape) for shape in shapes])
    there = {one.kind for one in siting.selection.places}
    for name, measure in _MEASURES.items():
        if set(NEEDS[name]) <= there:
            found[name] = measure(siting, shapes)
    if restoration is not None:
        found["connectivity"] = single_gains(restoration, len(shapes))
    own = dict.fromkeys(name for one in candidates for name in one.gains)
    found |= {name: np.array([one.gains.get(name, 0.0) for one in candidates]) for name in own}
    ordered = [*(name for name in FEATURES if name in found), *own]
    return Gains({name: found[name].round(_DIGITS) for name in ordered}, restoration, opens)


def _amount(siting: Siting, layer: str, shape: BaseGeometry) -> float:
    """Hectares times the mean of a layer, in which what is not known counts as 0."""
    found = cells_of(shape, siting.grid)
    if found is None or not found[1].any():
        return 0.0
    window, inside = found
    # A site may reach past the grid, which ends with the region.
    held = shapely.clip_by_rect(shape, *siting.grid.window_bounds(window)).area / HECTARE_M2
    values = np.nan_to_num(siting.store.read(layer, window)[inside], posinf=0.0)
    return float(held * values.mean())


def _overlaps(
    siting: Siting, kind: PlaceKind, shapes: Sequence[BaseGeometry]
) -> list[tuple[int, PlaceTask, float, float]]:
    """Site, place, common area in ha and the part of the place within the site."""
    places = siting.places(kind)
    tree = shapely.STRtree([shape for _, shape in places])
    found = []
    for site, place in tree.query(shapes, predicate="intersects").T.tolist():
        one, shape = places[place]
        common = siting.common(shapes[site], shapely.geometry.shape(dict(one.geometry)))
        found.append((site, one, common.area / HECTARE_M2, _part(common, shape)))
    return found


def _part(common: BaseGeometry, shape: BaseGeometry) -> float:
    """Part of a shape that lies within another: of its area, else of its length, else all."""
    if shape.area > 0:
        return float(common.area / shape.area)
    return float(common.length / shape.length) if shape.length > 0 else 1.0


def _pinch_points(siting: Siting, shapes: Sequence[BaseGeometry]) -> FloatArray:
    found = np.zeros(len(shapes))
    for site, one, area_ha, _ in _overlaps(siting, "pinch_point", shapes):
        found[site] += (one.score or 0.0) * area_ha
    return found


def _barriers(siting: Siting, shapes: Sequence[BaseGeometry]) -> FloatArray:
    found = np.zeros(len(shapes))
    for site, one, area_ha, _ in _overlaps(siting, "barrier", shapes):
        found[site] += max(one.score or 0.0, 0.0) * np.sqrt(area_ha)
    return found


def _problems(siting: Siting, shapes: Sequence[BaseGeometry]) -> FloatArray:
    found = np.zeros(len(shapes))
    for site, one, _, part in _overlaps(siting, "problem", shapes):
        found[site] += severity_of(one) * part
    return found


_MEASURES = {"pinch_points": _pinch_points, "barriers": _barriers, "problems": _problems}


def problems_within(siting: Siting, shapes: Sequence[BaseGeometry]) -> list[list[str]]:
    """Codes of the problems that each site holds more than a border of."""
    found: list[list[str]] = [[] for _ in shapes]
    for site, one, area_ha, part in _overlaps(siting, "problem", shapes):
        flat = siting.shapes[one.code].area == 0
        if area_ha >= BORDER_HA or (flat and part > 0):
            found[site].append(one.code)
    return found


def _opens(siting: Siting, shapes: Sequence[BaseGeometry]) -> dict[str, tuple[int, ...]]:
    found: dict[str, list[int]] = {one.code: [] for one in siting.selection.of_kind("barrier")}
    for site, one, _, part in _overlaps(siting, "barrier", shapes):
        if part >= OPENED:
            found[one.code].append(site)
    return {code: tuple(sorted(sites)) for code, sites in found.items()}


def _restoration(siting: Siting, opens: Mapping[str, Sequence[int]]) -> Restoration | None:
    """Sources and the lengths of the ways between them, as sites would shorten them.

    A way counts as shorter in the proportion in which its cost falls.
    """
    sources = siting.selection.of_kind("source")
    if not sources or not opens:
        return None
    numbers = {one.code.rpartition(".")[2]: place for place, one in enumerate(sources)}
    amounts = np.array([float(one.quality["area_ha"]) for one in sources])
    ways = np.full((len(sources), len(sources)), np.inf)
    np.fill_diagonal(ways, 0.0)
    links = {one.code: one for one in siting.selection.links}
    for link in links.values():
        one, other = numbers[link.source_a], numbers[link.source_b]
        ways[one, other] = ways[other, one] = link.length_m
    openings = []
    for barrier in siting.selection.of_kind("barrier"):
        told = barrier.quality
        saved = 2 * float(told["radius_mean_m"]) * float(told["score_cost_per_m"])
        for code in told["gaining_corridors"]:
            link = links[code]
            left = max(1 - saved / link.lcd_cost_m, 0.0) if link.lcd_cost_m > 0 else 1.0
            pair = (numbers[link.source_a], numbers[link.source_b])
            openings += [Opening(site, pair, link.length_m * left) for site in opens[barrier.code]]
    return Restoration(amounts, ways, tuple(openings), siting.parameters.d50_m)
