"""Ecological sources: what services give together, the pattern of the land, cores that count."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.processes.build_network.context import RED_LINE, Scene, require_room
from shanhai.processes.build_network.contract import SourceChoice
from shanhai.processes.kit.layers import layer_limits, make_layers
from shanhai.processes.kit.task import pointing_at
from shanhai.raster.store import ScratchStore
from shanhai.science.corridors.corridor_profile import NATURAL
from shanhai.science.corridors.mspa.pattern import (
    Mspa,
    MspaParameters,
    memory_needed,
    spatial_pattern,
)
from shanhai.science.corridors.patches import core_patches
from shanhai.science.corridors.source_parameters import SourceEvidence, SourceParameters
from shanhai.science.corridors.source_relaxation import relax_sources
from shanhai.science.corridors.sources import (
    Sources,
    candidate_cells,
    entropy_weights,
    identify_sources,
    importance_index,
)
from shanhai.science.grid import BoolArray, ClassArray, Window
from shanhai.science.landcover import LandCover
from shanhai.science.normalisation import NormalisationLimits, normalise
from shanhai.vocabulary import Label

IMPORTANCE = "service_importance"
_SOURCES = "/inputs/parameters/sources"


def write_importance(scene: Scene) -> dict[str, Any]:
    """Write the importance of the land, 0–1, window by window; tells how it was made.

    Raises:
        InvalidInput: there is no supply, no cell is known in all of them, or the weights do not
            fit.
    """
    services = sorted(
        theme.removeprefix("supply.")
        for theme in scene.place.sources
        if theme.startswith("supply.")
    )
    layers = [f"supply.{service}" for service in services]
    make_layers(scene.place, layers)
    limits = layer_limits(scene.place, layers, layers)
    _require_values(limits)
    weights = _weights(scene, services, limits)
    scene.store.create(IMPORTANCE)
    with pointing_at(_SOURCES):
        scene.place.each(partial(_index, scene.store, services, limits, weights))
    shares = _shares(services, weights)
    return {
        "weighting": scene.parameters.sources.weighting,
        "services": [
            {
                "service": service,
                "weight": shares[service],
                "low": limits[f"supply.{service}"].low,
                "high": limits[f"supply.{service}"].high,
            }
            for service in services
        ],
    }


def _require_values(limits: Mapping[str, NormalisationLimits]) -> None:
    if not limits or any(np.isnan(one.low) for one in limits.values()):
        raise InvalidInput(
            f"no cell of the land has a value in all of the supplies ({', '.join(limits)})",
            message_zh=f"没有像元在全部供给图层中有值（{'、'.join(limits)}）",
            pointer="/inputs/supplies",
        )


def _weights(
    scene: Scene, services: list[str], limits: Mapping[str, NormalisationLimits]
) -> Mapping[str, float] | None:
    choice = scene.parameters.sources
    if choice.weighting == "given":
        return {str(service): weight for service, weight in choice.weights.items()}
    if choice.weighting == "equal":
        return None
    with pointing_at("/inputs"):
        return entropy_weights(
            {
                service: normalise(scene.whole(f"supply.{service}"), limits[f"supply.{service}"])
                for service in services
            }
        )


def _shares(services: list[str], weights: Mapping[str, float] | None) -> dict[str, float]:
    given = {service: 1.0 if weights is None else weights[service] for service in services}
    whole = sum(given.values())
    return {service: weight / whole for service, weight in given.items()}


def _index(
    store: ScratchStore,
    services: list[str],
    limits: Mapping[str, NormalisationLimits],
    weights: Mapping[str, float] | None,
    window: Window,
) -> None:
    supplies = {
        service: normalise(store.read(f"supply.{service}", window), limits[f"supply.{service}"])
        for service in services
    }
    store.write(IMPORTANCE, window, importance_index(supplies, weights))


PATTERN = "mspa"
_STEP = Label("形态学空间格局分析", "the habitat pattern")
_HABITATS = (LandCover.WATER, LandCover.MANGROVE)
"""Habitat whatever it gives, in pieces of the least area of a source."""


@dataclass(frozen=True, slots=True)
class HabitatPattern:
    """The pattern of the habitat.

    Attributes:
        codes: Codes of `Mspa`.
        candidates: Cells in which sources may lie.
        foreground: Cells of habitat among them.
        quantile: Of the importance, from which land is a candidate.
    """

    codes: ClassArray
    candidates: int
    foreground: int
    quantile: float

    @property
    def core(self) -> BoolArray:
        """Core cells."""
        return np.asarray(self.codes == Mspa.CORE)

    @property
    def islets(self) -> BoolArray:
        """Islets: habitat without core."""
        return np.asarray(self.codes == Mspa.ISLET)

    def record(self) -> dict[str, Any]:
        """Cells by class, for the manifest."""
        cells = np.bincount(self.codes.ravel(), minlength=Mspa.MISSING + 1)
        return {
            "candidates": self.candidates,
            "foreground": self.foreground,
            "classes": {one.name.lower(): int(cells[one]) for one in Mspa},
        }


def find_pattern(scene: Scene, quantile: float | None = None) -> HabitatPattern:
    """Analyse the natural cover of the candidate land, and keep it as the layer `mspa`.

    Candidates have at least the quantile of the importance that was asked for, or another one.

    Land of which the cover is unknown, the sea and all beyond the region are missing: they make no
    edge.

    Raises:
        LimitExceeded: it does not fit into memory.
        InvalidInput: no cell of the importance is known.
    """
    require_room(scene, _STEP, memory_needed(scene.grid.shape))
    choice = scene.parameters.sources
    asked = choice.quantile if quantile is None else quantile
    candidates = _candidates(scene, asked)
    foreground = candidates & np.isin(scene.cover, [int(cover) for cover in NATURAL])
    parameters = MspaParameters(choice.connectivity, choice.edge_width_cells, choice.transition)
    codes = scene.place.once(partial(spatial_pattern, foreground, ~scene.known, parameters))
    scene.store.create_classes(PATTERN)
    # In rasters of classes 0 is nodata: background and what is missing look alike there.
    kept = np.where(codes == Mspa.MISSING, np.uint8(0), codes)
    scene.store.write_classes(PATTERN, scene.store.whole, kept)
    return HabitatPattern(
        codes, int(np.count_nonzero(candidates)), int(np.count_nonzero(foreground)), asked
    )


def _candidates(scene: Scene, quantile: float) -> BoolArray:
    choice = scene.parameters.sources
    if choice.candidates == "natural_cover":
        found = scene.known.copy()
    else:
        with pointing_at("/inputs/parameters/sources"):
            found = candidate_cells(
                np.where(scene.known, scene.whole(IMPORTANCE), np.nan),
                quantile=quantile,
                protected=scene.candidates_anyway,
                habitats=[scene.cover == cover for cover in _HABITATS],
                min_area_ha=choice.min_area_ha,
                cell_m=scene.cell_m,
            )
    for mask in scene.in_lines(choice.excluded_lines):
        found &= ~mask
    return found & scene.known


_POINTER = "/inputs/parameters/sources"


SOURCE = "source"
"""Layer of the number of the source of each cell; 0 is none."""

QUANTILES = (0.6, 0.4, 0.2, 0.0)
"""Of the importance, to which that of the candidates is lowered; status E."""


@dataclass(frozen=True, slots=True)
class Habitat:
    """Sources, and the settings they were found by.

    Attributes:
        pattern: Of the habitat they are the cores of.
        sources: At least two.
        parameters: As asked for, or what they were relaxed to.
    """

    pattern: HabitatPattern
    sources: Sources
    parameters: SourceParameters


def asked_parameters(choice: SourceChoice) -> SourceParameters:
    """What makes a core a source, as it was asked for."""
    return SourceParameters(
        choice.min_area_ha,
        choice.merge_gap_m,
        choice.dpc_min_percent,
        choice.d50_m,
        (choice.pc_held_percent or 0.0) / 100,
    )


def find_sources(scene: Scene, pattern: HabitatPattern) -> Habitat:
    """The sources among the cores of the pattern, kept as the layer `source`.

    Where there are fewer than two and `relax` allows it, settings are relaxed step by step, at last
    the quantile of the candidates, of which the pattern is then found anew.

    Raises:
        InvalidInput: there are fewer than two, or too many patches to compare.
    """
    asked = asked_parameters(scene.parameters.sources)
    if not scene.parameters.sources.relax:
        return find_sources_by(scene, pattern, asked)
    choice, tried = scene.parameters.sources, pattern
    lower = QUANTILES if scene.inputs.needs_supplies else ()
    for quantile in (choice.quantile, *(one for one in lower if one < choice.quantile)):
        if quantile != tried.quantile:
            tried = find_pattern(scene, quantile)
        with pointing_at(_POINTER):
            relax = partial(relax_sources, tried.core, scene.cell_m, asked, *_known(scene))
            found = scene.place.once(relax)
        if found is not None:
            return _kept(scene, Habitat(tried, found.sources, found.parameters))
    raise _one_patch(scene, tried)


def find_sources_by(scene: Scene, pattern: HabitatPattern, by: SourceParameters) -> Habitat:
    """The sources among the cores of the pattern by some parameters, without relaxing them.

    Raises:
        InvalidInput: there are fewer than two, or too many patches to compare.
    """
    with pointing_at(_POINTER):
        find = partial(identify_sources, pattern.core, scene.cell_m, by, *_known(scene))
        sources = scene.place.once(find)
    _require_two(sources)
    return _kept(scene, Habitat(pattern, sources, by))


def _known(scene: Scene) -> tuple[SourceEvidence, int]:
    """What else is known of the cells, and how many are land."""
    importance = scene.whole(IMPORTANCE) if scene.store.has(IMPORTANCE) else None
    return SourceEvidence(importance, red_line=scene.lines.get(RED_LINE)), scene.land_cells


def _kept(scene: Scene, habitat: Habitat) -> Habitat:
    labels = habitat.sources.patches.labels
    scene.store.create(SOURCE)
    scene.store.write(SOURCE, scene.store.whole, labels.astype(np.float32))
    return habitat


def _require_two(sources: Sources) -> None:
    if sources.patches.count >= 2:
        return
    area = float(sources.patches.area_ha[0])
    raise InvalidInput(
        f"there is one source only, of {area:.4g} ha ({sources.dropped} patches matter too "
        "little); a network joins at least two: lower min_area_ha or dpc_min_percent, take more "
        "land as candidates, or let `relax` do so",
        message_zh=f"只有一个源地（{area:.4g} 公顷；另有 {sources.dropped} 个斑块重要性不足），"
        "网络至少需要两个：请降低 min_area_ha 或 dpc_min_percent，扩大候选区，或启用 relax",
        pointer=f"{_POINTER}/dpc_min_percent",
    )


def _one_patch(scene: Scene, pattern: HabitatPattern) -> InvalidInput:
    """Nothing that is relaxed finds two sources."""
    patches = core_patches(pattern.core, scene.cell_m, 0.0)
    cell_ha = scene.grid.cell_area_ha
    habitat, core = pattern.foreground * cell_ha, float(patches.area_ha.sum())
    largest, land = float(patches.area_ha.max(initial=0.0)), scene.land_cells * cell_ha
    return InvalidInput(
        "the land has no two sources, however far the settings are relaxed: of "
        f"{land:.6g} ha of land {habitat:.6g} ha are habitat and {core:.6g} ha core, in "
        f"{patches.count} patches, the largest of {largest:.6g} ha; a network joins at least two: "
        "take finer cells, a larger region or other candidates",
        message_zh=f"无论如何放宽设置都得不到两个源地：陆域 {land:.6g} 公顷，"
        f"其中生境 {habitat:.6g} 公顷、核心区 {core:.6g} 公顷，"
        f"共 {patches.count} 个斑块，最大 {largest:.6g} 公顷；"
        "网络至少需要两个：请采用更细的像元、更大的区域或其他候选区",
        pointer=_POINTER,
    )
