"""Ecological sources: what services give together, the pattern of the land, cores that count."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.processes.build_network.context import RED_LINE, Scene, require_room
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
from shanhai.science.corridors.sources import (
    SourceEvidence,
    SourceParameters,
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
    """

    codes: ClassArray
    candidates: int
    foreground: int

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


def find_pattern(scene: Scene) -> HabitatPattern:
    """Analyse the natural cover of the candidate land, and keep it as the layer `mspa`.

    Land of which the cover is unknown, the sea and all beyond the region are missing: they make no
    edge.

    Raises:
        LimitExceeded: it does not fit into memory.
        InvalidInput: no cell of the importance is known.
    """
    require_room(scene, _STEP, memory_needed(scene.grid.shape))
    choice = scene.parameters.sources
    candidates = _candidates(scene)
    foreground = candidates & np.isin(scene.cover, [int(cover) for cover in NATURAL])
    parameters = MspaParameters(choice.connectivity, choice.edge_width_cells, choice.transition)
    codes = scene.place.once(partial(spatial_pattern, foreground, ~scene.known, parameters))
    scene.store.create_classes(PATTERN)
    # In rasters of classes 0 is nodata: background and what is missing look alike there.
    kept = np.where(codes == Mspa.MISSING, np.uint8(0), codes)
    scene.store.write_classes(PATTERN, scene.store.whole, kept)
    return HabitatPattern(
        codes, int(np.count_nonzero(candidates)), int(np.count_nonzero(foreground))
    )


def _candidates(scene: Scene) -> BoolArray:
    choice = scene.parameters.sources
    if choice.candidates == "natural_cover":
        found = scene.known.copy()
    else:
        with pointing_at("/inputs/parameters/sources"):
            found = candidate_cells(
                np.where(scene.known, scene.whole(IMPORTANCE), np.nan),
                quantile=choice.quantile,
                protected=scene.candidates_anyway,
                habitats=[scene.cover == cover for cover in _HABITATS],
                min_area_ha=choice.min_area_ha,
                cell_m=scene.cell_m,
            )
    for mask in scene.in_lines(choice.excluded_lines):
        found &= ~mask
    return found & scene.known


SOURCE = "source"
"""Layer of the number of the source of each cell; 0 is none."""

_POINTER = "/inputs/parameters/sources"


def find_sources(scene: Scene, pattern: HabitatPattern) -> Sources:
    """The sources among the cores of the pattern, kept as the layer `source`.

    Raises:
        InvalidInput: there are fewer than two, or too many patches to compare.
    """
    choice = scene.parameters.sources
    importance = scene.whole(IMPORTANCE) if scene.store.has(IMPORTANCE) else None
    with pointing_at(_POINTER):
        sources = scene.place.once(
            partial(
                identify_sources,
                pattern.core,
                scene.cell_m,
                SourceParameters(
                    choice.min_area_ha, choice.merge_gap_m, choice.dpc_min_percent, choice.d50_m
                ),
                SourceEvidence(importance=importance, red_line=scene.lines.get(RED_LINE)),
                scene.land_cells,
            )
        )
    _require_two(sources)
    scene.store.create(SOURCE)
    scene.store.write(SOURCE, scene.store.whole, sources.patches.labels.astype(np.float32))
    return sources


def _require_two(sources: Sources) -> None:
    if sources.patches.count >= 2:
        return
    area = float(sources.patches.area_ha[0])
    raise InvalidInput(
        f"there is one source only, of {area:.4g} ha ({sources.dropped} patches matter too "
        "little); a network joins at least two: lower min_area_ha or dpc_min_percent, or take "
        "more land as candidates",
        message_zh=f"只有一个源地（{area:.4g} 公顷；另有 {sources.dropped} 个斑块重要性不足），"
        "网络至少需要两个：请降低 min_area_ha 或 dpc_min_percent，或扩大候选区",
        pointer=f"{_POINTER}/dpc_min_percent",
    )
