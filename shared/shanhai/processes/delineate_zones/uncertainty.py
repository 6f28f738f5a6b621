"""The zones once more with other parameters: by draws of all of them, and of each alone."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.assess_ecoservices.pictures import DEFICIT, RATIO_SD, STABILITY
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.delineate_zones.variants import Variants
from shanhai.processes.delineate_zones.zoning import Zoner
from shanhai.raster.store import ScratchStore
from shanhai.science.arrays import ClassArray
from shanhai.science.balance import weight_shares
from shanhai.science.ecoservices.matching_layers import RATIO
from shanhai.science.grid import Window
from shanhai.science.uncertainty.draws import Draw, DrawTally, draw_parameters
from shanhai.science.uncertainty.sensitivity import PARAMETERS, STEP, Effect, one_at_a_time
from shanhai.science.uncertainty.variation import alone, vary
from shanhai.vocabulary import ZONE_CLASSES

RATIO_MEAN = "ratio_mean"
MODAL_ZONE = "modal_zone"
DRAWN = (STABILITY, RATIO_MEAN, RATIO_SD, DEFICIT)
"""Layers that the draws leave in the scratch store: classes, and quantities."""
_STRIP_ROWS = 512
_DRAWS_OF_A_BYTE = 255
_MEAN, _SQUARES, _DEFICITS = "draws.mean", "draws.squares", "draws.deficits"
_VOTES = tuple(f"draws.votes.{zone.value}" for zone in ZONE_CLASSES)
_COUNTS = (_DEFICITS, *_VOTES)

Found = TypeVar("Found")
Told = Callable[[float, str], None]
"""Hears the share done, 0–1, and what is in hand."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the draws say of all zones together; what they say of a cell is in the layers.

    Attributes:
        draws: How many there were.
        applied: What they changed; see `VARIED`.
        modal_share: Part of the cells whose zone is also that of most draws, 0–1.
    """

    draws: int
    applied: tuple[str, ...]
    modal_share: float


@dataclass(frozen=True, slots=True)
class Doubt:
    """How the zones depend on the parameters.

    Attributes:
        drawn: What came of the draws; None where none were asked for.
        effects: Change of the area of the zones in ha by each parameter alone; None unless asked
            for. Parameters no method of the run has are left out.
    """

    drawn: Drawn | None
    effects: list[Effect] | None


def doubt_zones(
    assessment: Assessment,
    inputs: DelineateZonesInputs,
    zoner: Zoner,
    codes: ClassArray,
    folder: Path,
    told: Told,
) -> Doubt:
    """Assess and zone again as often as was asked for.

    Args:
        assessment: The assessment with its own parameters.
        inputs: What was asked for.
        zoner: How the area was zoned.
        codes: Zones of the assessment.
        folder: Scratch folder of its own; empty again at the end.
        told: Hears the share done.
    """
    asked = inputs.uncertainty
    variants = Variants(assessment, inputs.parameters.max_mode, zoner.runner)
    again = _Again(variants, zoner, folder)
    draws: list[Draw] = []
    if asked.draws:
        weights = weight_shares(inputs.parameters.weights)
        draws = list(draw_parameters(inputs.seed, weights, asked.draws))
    alone_by = again.present() if asked.sensitivity else []
    again.prepare([*draws[:1], *(alone(name, 1 + STEP) for name in alone_by)])
    total = len(draws) + 2 * len(alone_by)
    done = iter(range(1, total + 1))
    drawn = None
    if draws:
        drawn = _draw(again, draws, codes, lambda: told(next(done) / total, "draws"))
    effects = None
    if asked.sensitivity:
        effects = _effects(
            again, alone_by, codes, lambda: told(next(done) / total, "single_changes")
        )
    return Doubt(drawn, effects)


@dataclass(frozen=True, slots=True)
class _Again:
    """Assesses and zones with changed parameters."""

    variants: Variants
    zoner: Zoner
    folder: Path

    def present(self) -> list[str]:
        """Those of the twelve parameters that a method of the run has."""
        graph, results = self.variants.graph, set(self.variants.assessment.assembled.results)
        changed = {name: vary(graph, alone(name, 1 + STEP)).affected for name in PARAMETERS}
        return [name for name, affected in changed.items() if affected & results]

    def prepare(self, draws: list[Draw]) -> None:
        """Keep what such changes need of the assessment."""
        graph = self.variants.graph
        self.variants.prepare([self.variants.plan(vary(graph, draw)) for draw in draws])

    def applied(self, draw: Draw) -> tuple[str, ...]:
        """What a draw changes."""
        return vary(self.variants.graph, draw).applied

    @contextmanager
    def zone(self, draw: Draw) -> Iterator[tuple[ScratchStore, ClassArray]]:
        """The layers and the zones; the layers are gone afterwards."""
        plan = self.variants.plan(vary(self.variants.graph, draw))
        variant = self.variants.compute(plan, self.folder)
        try:
            yield variant.store, self.zoner.zone(variant.store, variant.extremes).cleaned.codes
        finally:
            shutil.rmtree(self.folder)

    def once(self, function: Callable[[], Found]) -> Found:
        """What a draw or a change leaves, its layers being gone; kept as finished windows are."""
        return self.zoner.runner.remembered().step(function)


def _draw(again: _Again, draws: list[Draw], codes: ClassArray, told: Callable[[], None]) -> Drawn:
    own = again.variants.assessment.place.store
    _make_room(own, len(draws))
    for number, draw in enumerate(draws):
        ratio, zones = again.once(partial(_ratio_and_zones, again, draw))
        _take_up(own, ratio, zones, number, len(draws))
        told()
    agreeing = _sum_up(own, codes, len(draws))
    own.drop(_MEAN, _SQUARES, *_COUNTS)
    return Drawn(
        draws=len(draws),
        applied=again.applied(draws[0]),
        modal_share=agreeing / max(int(np.count_nonzero(codes)), 1),
    )


def _ratio_and_zones(again: _Again, draw: Draw) -> tuple[NDArray[np.float32], ClassArray]:
    with again.zone(draw) as (store, zones):
        return store.read_stored(RATIO, store.whole), zones


def _make_room(own: ScratchStore, draws: int) -> None:
    for layer in (_MEAN, _SQUARES, *DRAWN):
        own.create(layer)
    for layer in _COUNTS:
        # A byte counts so many draws; a float32 counts all that may be asked for exactly.
        own.create_classes(layer) if draws <= _DRAWS_OF_A_BYTE else own.create(layer)
    own.create_classes(MODAL_ZONE)


def _strips(own: ScratchStore) -> Iterator[Window]:
    height, width = own.grid.shape
    for row in range(0, height, _STRIP_ROWS):
        yield Window(row, 0, min(_STRIP_ROWS, height - row), width)


def _take_up(
    own: ScratchStore, ratio: NDArray[np.float32], zones: ClassArray, before: int, draws: int
) -> None:
    """Add a draw to the tally, strip by strip."""
    for strip in _strips(own):
        tally = _read(own, strip, before, draws)
        tally.add(ratio[strip.slices].astype(np.float64), zones[strip.slices])
        own.write(_MEAN, strip, tally.mean)
        own.write(_SQUARES, strip, tally.squares)
        for layer, counts in zip(_COUNTS, (tally.deficits, *tally.votes), strict=True):
            if draws <= _DRAWS_OF_A_BYTE:
                own.write_classes(layer, strip, counts.astype(np.uint8))
            else:
                own.write(layer, strip, counts.astype(np.float32))


def _read(own: ScratchStore, strip: Window, before: int, draws: int) -> DrawTally:
    if draws <= _DRAWS_OF_A_BYTE:
        counts = [own.read_classes(layer, strip) for layer in _COUNTS]
    else:
        counts = [own.read_stored(layer, strip).astype(np.uint16) for layer in _COUNTS]
    return DrawTally(
        mean=own.read_stored(_MEAN, strip),
        squares=own.read_stored(_SQUARES, strip),
        deficits=counts[0],
        votes=np.stack(counts[1:]),
        draws=before,
    )


def _sum_up(own: ScratchStore, codes: ClassArray, draws: int) -> int:
    """Write the layers; returns the cells whose zone is that of most draws."""
    agreeing = 0
    for strip in _strips(own):
        result = _read(own, strip, draws, draws).result()
        own.write(STABILITY, strip, result.zone_confidence)
        own.write(RATIO_MEAN, strip, result.mean)
        own.write(RATIO_SD, strip, result.sd)
        own.write(DEFICIT, strip, result.deficit_probability)
        own.write_classes(MODAL_ZONE, strip, result.modal_zone)
        usual = codes[strip.slices]
        agreeing += int(np.count_nonzero((usual > 0) & (usual == result.modal_zone)))
    return agreeing


def _effects(
    again: _Again, names: list[str], codes: ClassArray, told: Callable[[], None]
) -> list[Effect]:
    cell_ha = again.variants.assessment.place.area.grid.cell_area_ha

    def zone_areas(factors: Mapping[str, float]) -> dict[int, float]:
        if not factors:
            return _areas(codes, cell_ha)
        ((name, factor),) = factors.items()
        areas = again.once(partial(_areas_after, again, alone(name, factor), cell_ha))
        told()
        return areas

    return one_at_a_time(zone_areas, names)


def _areas_after(again: _Again, change: Draw, cell_ha: float) -> dict[int, float]:
    with again.zone(change) as (_, zones):
        return _areas(zones, cell_ha)


def _areas(codes: ClassArray, cell_ha: float) -> dict[int, float]:
    counts = np.bincount(codes.ravel(), minlength=len(ZONE_CLASSES) + 1)
    return {zone: float(cells) * cell_ha for zone, cells in enumerate(counts) if zone}
