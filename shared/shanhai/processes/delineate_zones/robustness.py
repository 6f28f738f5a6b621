"""Whether other sensible choices would give other zones: the ensemble of a zoning, on its grid."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.assess_ecoservices.pictures import AGREEMENT, CONSENSUS
from shanhai.processes.assess_ecoservices.request import decisive
from shanhai.processes.delineate_zones.contract import HELD, DelineateZonesInputs
from shanhai.processes.delineate_zones.units import Cut, LayerMeans, Raster, SquareCut, Tabled
from shanhai.processes.delineate_zones.zoning import Zoner, Zoning
from shanhai.processes.kit.region import windows_of
from shanhai.processes.kit.task import Task
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.ecoservices.graph import service_key
from shanhai.science.grid import ClassArray, FloatArray, IntArray
from shanhai.science.uncertainty.robustness import (
    FACTOR_TITLES,
    FACTORS,
    HOLDING_SHARE,
    Design,
    Ensemble,
    Robustness,
    alike_zones,
    design_members,
    smooth_field,
)
from shanhai.science.zoning.clustering import ALGORITHMS, HIGHEST_K, MAX_UNITS, Algorithm
from shanhai.science.zoning.ensemble import (
    EnsembleChoices,
    EnsembleUnits,
    Errors,
    ServiceSides,
    ZoneKinds,
    clusters_of_member,
    parents,
    zones_of_members,
)
from shanhai.science.zoning.kmeans import count_different
from shanhai.science.zoning.postprocess import BEFORE, ZONES
from shanhai.science.zoning.units import UnitTable
from shanhai.vocabulary import ZONE_CLASSES

MEMBERS = {"quick": 24, "full": 120}

MOST_UNITS = {"quick": 6_000, "full": 20_000}
"""Units the ensemble is made of, about, at most: squares are doubled until they are so few, which
keeps its cost beside that of the zoning itself."""

LEAST_UNITS = 30
"""Fewer units say nothing of how a zone depends on choices."""

DEFAULT_ERROR = 0.1
"""Standard error of an input whose description tells none (status E)."""

_ERROR_FIELDS = 3
_KS = (5, 6, 7, 8)
_SEEDS = 3
_QUICK: tuple[Algorithm, ...] = ("kmeans", "gmm", "ward_contig")
_SIDES = ("supply", "demand")
_MOST_ERROR = 0.9
"""Errors are held within this, so that no supply turns negative."""


@dataclass(frozen=True, slots=True)
class Ensembled:
    """The ensemble of a zoning and its verdict.

    Attributes:
        robustness: The verdict.
        choices: What the levels of the factors stood for.
        unit_m: Side of its units, m; None for polygons.
        without_zones: Members that found no zones.
    """

    robustness: Robustness
    choices: EnsembleChoices
    unit_m: float | None
    without_zones: int

    def held(self, zone: int) -> dict[str, float]:
        """Per cent of a zone's land that keeps it, 0–100; nothing of one that is not judged."""
        share = self.robustness.held_by_zone.get(zone)
        return {} if share is None else {HELD: round(100 * share, 6)}

    def document(self) -> dict[str, Any]:
        """As the manifest and the statistics tell it."""
        own = self.robustness
        return {
            "members": own.members,
            "without_zones": self.without_zones,
            "unit_m": self.unit_m,
            "algorithms": list(self.choices.algorithms),
            "k": list(self.choices.ks),
            "holding_share": HOLDING_SHARE,
            "held_percent": round(100 * own.held, 6),
            "held_percent_by_zone": {
                str(zone): round(100 * share, 6) for zone, share in own.held_by_zone.items()
            },
            "consensus_percent": round(100 * own.consensus_share, 6),
            "variance_shares": [
                {
                    "factor": name,
                    "name_zh": FACTOR_TITLES[name].zh,
                    "name_en": FACTOR_TITLES[name].en,
                    "share": round(own.shares[name], 6),
                }
                for name in FACTORS
                if name in own.shares
            ],
            "alike_zones": [list(pair) for pair in own.alike],
            "grade": own.grade,
            "headline_zh": own.headline.zh,
            "headline_en": own.headline.en,
        }


def find_robustness(
    task: Task,
    inputs: DelineateZonesInputs,
    assessment: Assessment,
    zoner: Zoner,
    zoning: Zoning,
    told: Callable[[float], None],
) -> Ensembled | None:
    """Zone the units by other choices, and keep consensus and agreement as layers.

    `told` hears the share of the members that are zoned, 0–1. None where there is nothing to
    choose: the zones are another run's, or thresholds of the ratio, or there are too few units.
    """
    if zoner.model is not None or zoning.audit is not None:
        return None
    table = partial(_table, assessment, zoner, decisive(inputs))
    cut = _cut(zoner, zoning)
    tabled = table(cut)
    if len(tabled.units.cells) < LEAST_UNITS:
        return None
    kinds = ZoneKinds.of(zoning.by_unit, zoning.units)
    twice = table(cut.doubled()) if isinstance(cut, SquareCut) else None
    choices = _choices(task, assessment, zoner, tabled, twice, kinds)
    design = design_members(
        choices.levels, MEMBERS[zoner.parameters.robustness], zoner.settings.seed
    )
    found = zoner.once(
        _rests_on(choices, design), partial(_cluster, zoner.runner, choices, design, told)
    )
    told(1.0)
    members = [
        (member, clusters)
        for member, clusters in zip(design, found, strict=True)
        if clusters is not None
    ]
    if not members:
        return None
    ensemble = Ensemble(
        tuple(member for member, _ in members),
        np.stack(zones_of_members(choices, members)),
        tabled.units.cells,
    )
    held, agreeing = _write(assessment.place.store, tabled, ensemble)
    robustness = Robustness(
        members=len(members),
        held=float(held[:, 1].sum() / held.sum()),
        held_by_zone={
            zone.value: float(held[zone.value, 1] / held[zone.value].sum())
            for zone in ZONE_CLASSES
            if held[zone.value].any()
        },
        consensus_share=float(agreeing / held.sum()),
        shares=ensemble.variance_shares(),
        alike=alike_zones(zoning.trust.intervals),
    )
    return Ensembled(robustness, choices, cut.unit_m, len(found) - len(members))


def _cluster(
    runner: WindowRunner, choices: EnsembleChoices, design: Design, told: Callable[[float], None]
) -> list[ClassArray | None]:
    found = list[ClassArray | None]()
    for clusters in runner.run(partial(clusters_of_member, choices), design):
        found.append(None if clusters is None else clusters.astype(np.uint8))
        told(len(found) / len(design))
    return found


def _rests_on(choices: EnsembleChoices, design: Design) -> dict[str, Any]:
    """What the clusters of the members rest on: not its own k, nor what only names its zones."""
    content = hashlib.sha256()
    for size in choices.sizes:
        sides = [array for one in size.sides.values() for array in (one.supply, one.demand)]
        errors = [array for level in size.errors for pair in level.values() for array in pair]
        own = (size.units.means, size.units.cells, size.units.index, size.points)
        for array in (*own, size.contiguity.pairs, *sides, *errors):
            content.update(f"{array.shape}{array.dtype}".encode() + array.tobytes())
    settings = asdict(replace(choices.settings, k=0, high_land=True))
    levels = [choices.algorithms, choices.ks, choices.seeds, choices.scales]
    return {
        "ensemble": content.hexdigest(),
        "settings": settings,
        "levels": levels,
        "physical": {name: one.is_physical for name, one in choices.sizes[0].sides.items()},
        "design": design,
    }


def _cut(zoner: Zoner, zoning: Zoning) -> Cut:
    """How the run is cut into units, or into larger squares that are few enough."""
    cut, count = zoner.cut, len(zoning.units.cells)
    most = MOST_UNITS[zoner.parameters.robustness]
    # About a quarter of the squares is left each time; each table would be a pass of its own.
    while isinstance(cut, SquareCut) and count > most:
        cut, count = cut.doubled(), count // 4
    return cut


def _table(assessment: Assessment, zoner: Zoner, rests_on: Mapping[str, Any], cut: Cut) -> Tabled:
    """Units with their supplies and demands, which rest on no number of clusters."""
    sides = [service_key(side, service) for service in zoner.services for side in _SIDES]
    layers = (*sides, *zoner.settings.layers(zoner.services))
    means = LayerMeans(assessment.place.store, assessment.extremes, layers)
    work = partial(cut.table, means, zoner.runner)
    if not isinstance(cut, SquareCut):  # how polygons lie is told by what cannot be kept
        return work()
    return zoner.once({**rests_on, "unit_m": cut.unit_m, "means": layers}, work)


def _choices(
    task: Task,
    assessment: Assessment,
    zoner: Zoner,
    tabled: Tabled,
    twice: Tabled | None,
    kinds: ZoneKinds,
) -> EnsembleChoices:
    own = zoner.settings
    fields = [
        _theme_errors(task, assessment, tabled, own.seed + one) for one in range(_ERROR_FIELDS)
    ]
    sizes = [_of_size(assessment, zoner, tabled, fields)]
    if twice is not None and len(twice.units.cells) >= LEAST_UNITS:
        sizes.append(_doubled(assessment, zoner, tabled, twice, fields))
    units = sizes[0].units
    different = count_different(units.means[:, : kinds.features], HIGHEST_K)
    quick = zoner.parameters.robustness == "quick"
    algorithms = [
        one
        for one in (_QUICK if quick else ALGORITHMS)
        if one != "ward_contig" or len(units.cells) <= MAX_UNITS
    ]
    return EnsembleChoices(
        settings=own,
        kinds=kinds,
        services=zoner.services,
        algorithms=tuple(dict.fromkeys((own.algorithm, *algorithms))),
        # In their order, so that runs of any of these numbers have the same members.
        ks=tuple(sorted({own.k, *(k for k in _KS if k <= different)})),
        seeds=tuple(own.seed + one for one in range(_SEEDS)),
        sizes=tuple(sizes),
    )


def _doubled(
    assessment: Assessment,
    zoner: Zoner,
    tabled: Tabled,
    twice: Tabled,
    fields: list[dict[str, FloatArray]],
) -> EnsembleUnits:
    """Squares of twice the side."""
    onto = parents(tabled.units.index, tabled.units.shape[1], twice.units)
    first = np.zeros(len(twice.units.cells), dtype=np.int64)
    first[onto[::-1]] = np.arange(len(onto))[::-1]
    larger = [{theme: field[first] for theme, field in one.items()} for one in fields]
    return _of_size(assessment, zoner, twice, larger, onto)


def _of_size(
    assessment: Assessment,
    zoner: Zoner,
    tabled: Tabled,
    fields: list[dict[str, FloatArray]],
    onto: IntArray | None = None,
) -> EnsembleUnits:
    sides, units = _apart(assessment, zoner, tabled)
    return EnsembleUnits(
        units=units,
        sides=sides,
        points=tabled.layout.points(units),
        contiguity=tabled.layout.contiguity(units),
        errors=[_of_services(assessment, zoner, one) for one in fields],
        onto=onto,
    )


def _apart(
    assessment: Assessment, zoner: Zoner, tabled: Tabled
) -> tuple[dict[str, ServiceSides], UnitTable]:
    """Supplies and demands of the units, and the units without them."""
    units, count = tabled.units, len(_SIDES) * len(zoner.services)
    columns = iter(np.ascontiguousarray(units.means[:, :count].T))
    sides = {
        service: ServiceSides(next(columns), next(columns), method.is_physical)
        for service, method in assessment.assembled.methods.items()
    }
    rest = np.ascontiguousarray(units.means[:, count:])
    return sides, UnitTable(rest, units.cells, units.index, units.shape)


def _theme_errors(
    task: Task, assessment: Assessment, tabled: Tabled, seed: int
) -> dict[str, FloatArray]:
    """A field of relative errors for each input, smooth over its native resolution, or over the
    distance between units where that is larger."""
    random, points = np.random.default_rng(seed), tabled.points_m()
    # Nothing finer than the units: its knots would be as many as the cells of the input.
    apart = float(np.sqrt(np.prod(np.ptp(points, axis=0)) / len(points)))
    found = {}
    for theme, source in assessment.place.sources.items():
        dataset = task.datasets[theme]
        length = max(dataset.native_resolution_m or source.resolution, apart)
        error = DEFAULT_ERROR if dataset.relative_error is None else dataset.relative_error
        found[theme] = error * smooth_field(points, length, random)
    return found


def _of_services(assessment: Assessment, zoner: Zoner, fields: Mapping[str, FloatArray]) -> Errors:
    """Errors of supply and demand: the sum of those of the inputs each rests on."""
    graph = assessment.assembled.graph
    none = np.zeros(len(next(iter(fields.values()))))

    def of(layer: str) -> FloatArray:
        themes = [one for one in graph.themes_of(layer) if one in fields]
        total = sum((fields[one] for one in themes), none)
        return np.clip(total, -_MOST_ERROR, _MOST_ERROR)

    return {
        service: (of(service_key("supply", service)), of(service_key("demand", service)))
        for service in zoner.services
    }


def _write(store: ScratchStore, tabled: Tabled, ensemble: Ensemble) -> tuple[IntArray, int]:
    """Keep the consensus, and the part of the members that agree with the zones of the map.

    Returns:
        Cells by zone of the map and whether it holds there; cells whose zone is the consensus.
    """
    votes = ensemble.votes
    # Code 0 is for cells without zone, so that no vote is 1 there.
    counted = [tabled.raster((votes[:, zone] + 1).astype(np.uint8)) for zone in range(len(votes.T))]
    consensus = tabled.raster(ensemble.consensus)
    store.create_classes(CONSENSUS)
    store.create(AGREEMENT)
    held, agreeing = np.zeros((len(votes.T) + 1, 2), dtype=np.int64), 0
    # What the law raised is no choice.
    drawn = BEFORE if store.has(BEFORE) else ZONES
    for window in windows_of(store.grid):
        zones = store.read_classes(drawn, window)
        zoned = zones > 0
        usual = consensus(window, zoned)
        agreement = _agreement(counted, window, zones, len(ensemble.design))
        store.write_classes(CONSENSUS, window, usual)
        store.write(AGREEMENT, window, agreement.astype(np.float32))
        agreeing += int(np.count_nonzero(zoned & (usual == zones)))
        for column, cells in enumerate((agreement < HOLDING_SHARE, agreement >= HOLDING_SHARE)):
            held[:, column] += np.bincount(zones[zoned & cells], minlength=len(held))
    return held, agreeing


def _agreement(counted: list[Raster], window: Any, zones: Any, members: int) -> FloatArray:
    """Part of the members that give each cell its zone; NaN without zone."""
    found = np.full(zones.shape, np.nan)
    for number, raster in enumerate(counted, start=1):
        own = zones == number
        if own.any():
            found[own] = (raster(window, zones > 0)[own].astype(np.float64) - 1) / members
    return found
