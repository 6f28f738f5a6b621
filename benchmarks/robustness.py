"""Which choices change the zones, and how far: the demo's Xiamen, zoned again with one changed.

Figures are shares of the valid land that change class, cell by cell on the final raster, against
the run with the defaults; seeds are held against each other. Nothing here depends on the machine
but the processor time of the ensemble beside that of the zoning itself.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any, Literal

import numpy as np
from rich.console import Console
from rich.table import Table as RichTable
from scipy.optimize import linear_sum_assignment

from benchmarks.fresh import run_fresh
from benchmarks.report import Table
from benchmarks.workbench import Workbench
from shanhai.data.cli import build_demo, default_output
from shanhai.data.download import Reporter, default_cache
from shanhai.data.regions import REGIONS
from shanhai.local.demo.run import CELL_M, REGION, SEED
from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.assess_ecoservices.assessment import assess
from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.delineate_zones.robustness import find_robustness
from shanhai.processes.delineate_zones.zoning import Zoner, cut_of, delineate, zoner_of
from shanhai.processes.kit.dataset_description import read_description
from shanhai.processes.kit.region_files import read_region
from shanhai.processes.kit.task import Task
from shanhai.processes.local_run import take_raster
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.ecoservices.computation import VALID
from shanhai.science.grid import ClassArray, FloatArray, Grid
from shanhai.science.matching import (
    CAP_PROBABILITY,
    RANK_PROBABILITIES,
    comprehensive_ratio,
    percentile_rank,
    supply_demand_ratio,
)
from shanhai.science.normalisation import limits_of, normalise
from shanhai.science.uncertainty.robustness import smooth_field
from shanhai.science.zoning.delineation import cross_tabulate
from shanhai.science.zoning.postprocess import ZONES

CELLS_M = (90, 110, 150, 200)
UNITS_M = (200, 500)
KS = (6, 7, 8, 9, 10)
FEATURES: Mapping[str, Mapping[str, Any]] = {
    "supply and demand (sd14)": {"features": "sd14"},
    "ratios and place (esdr7+coords)": {"features": "esdr7+coords"},
    "principal components (pca)": {"pca": True},
}
COMPACT = ("ward_contig", "skater")
GMM_SEEDS, GMM_BAR = 4, 0.05
KMEANS_SEEDS, KMEANS_BAR = 12, 0.01
ERROR, ERROR_LENGTHS_M, ERROR_DRAWS = 0.1, (2_000.0, 10_000.0), 3
ENSEMBLES = ("quick", "full")
QUICK_BAR = 1.0
"""The quick ensemble takes at most as much again as the zoning itself."""

NOT_SEEN = "–"


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure.

    Attributes:
        what: What was changed.
        shares: Part of the land that changes class, one for each way of changing it.
        regrouped: The same by the names that agree best; empty where it means nothing. What is
            beyond it moved with a zone that another cluster took as a whole.
        former: What was found before, in words; `NOT_SEEN` where it was not looked into.
        bar: The largest that is asked for, where one is.
    """

    what: str
    shares: tuple[float, ...]
    regrouped: tuple[float, ...] = ()
    former: str = NOT_SEEN
    bar: float | None = None

    @classmethod
    def of(
        cls,
        what: str,
        pairs: Iterable[tuple[ClassArray, ClassArray]],
        former: str = NOT_SEEN,
        bar: float | None = None,
    ) -> "Finding":
        """A figure of pairs of zone rasters."""
        crossed = [_crossed(one, other) for one, other in pairs]
        shares = tuple(1 - float(np.trace(one)) for one in crossed)
        best = [float(one[linear_sum_assignment(one, maximize=True)].sum()) for one in crossed]
        return cls(what, shares, tuple(1 - one for one in best), former, bar)

    @property
    def worst(self) -> float:
        """The largest."""
        return max(self.shares)

    @property
    def verdict(self) -> str:
        """Whether the bar is kept."""
        if self.bar is None:
            return ""
        return f"≤ {100 * self.bar:g} % {'met' if self.worst <= self.bar else 'MISSED'}"

    def document(self) -> dict[str, Any]:
        """The figure in JSON."""
        return {
            "what": self.what,
            "shares": self.shares,
            "regrouped": self.regrouped,
            "worst": self.worst,
            "bar": self.bar,
            "former": self.former,
        }


@dataclass(slots=True)
class Findings(Table):
    """Figures that are no speeds: each beside its bar and the former one."""

    findings: list[Finding] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The table in JSON."""
        findings = [one.document() for one in self.findings]
        return {"name": self.name, "title": self.title, "floor": self.floor, "findings": findings}

    def show(self, console: Console) -> None:
        """Print it."""
        shown = RichTable(title=f"{self.name}: {self.title}", title_justify="left")
        for heading in ("what", "least", "median", "most", "names aside", "bar", self.floor):
            shown.add_column(heading, justify="left" if heading == "what" else "right")
        for one in self.findings:
            parts = (min(one.shares), median(one.shares), one.worst)
            told = [f"{100 * part:.2f} %" for part in parts]
            aside = f"{100 * max(one.regrouped):.2f} %" if one.regrouped else NOT_SEEN
            shown.add_row(one.what, *told, aside, one.verdict, one.former)
        console.print(shown)


def run(bench: Workbench) -> Table:
    """All changes, in one fresh process."""
    build_demo(default_cache(), default_output(default_cache()), Reporter(Console()))
    title = "part of the land that changes class against the defaults"
    table = Findings("robustness", title, "before")
    table.findings = run_fresh(find_all, bench.made("robustness"))
    return table


def find_all(folder: Path) -> list[Finding]:
    """Every figure; the assessment is shared by all that changes the clustering alone."""
    task = task_of(folder / "inputs")
    own = Run(task, folder / "defaults")
    return [
        *_other_grids(own, folder),
        *_other_clusters(own),
        *_other_seeds(own),
        *_other_ratios(Run(task, folder / "index", {"profile": "index"})),
        *_wrong_inputs(own),
        *_ensembles(own),
    ]


def task_of(folder: Path) -> Task:
    """The main job on the demo's rasters of Xiamen, as the demo would import them."""
    folder.mkdir(parents=True)
    source = default_output(default_cache()) / REGION
    region = read_region(source / REGIONS)
    given = [read_description(path) for path in sorted(source.glob("*.json"))]
    taken = {
        one.theme: take_raster(one.theme, source / one.file, folder / one.file, region, {})
        for one in given
        if one.kind == "raster"
    }
    return CONTRACTS["delineate-zones"].task(
        process="delineate-zones",
        inputs={},
        seed=SEED,
        region=region,
        datasets=taken,
        files={one.uri: str(folder / f"{theme}.tif") for theme, one in taken.items()},
    )


@dataclass(frozen=True)
class Run:
    """An assessment, and the zones by any settings of the clustering.

    Attributes:
        task: Names the rasters.
        folder: Where its layers lie.
        changes: Inputs that differ from the defaults, those of the clustering aside.
    """

    task: Task
    folder: Path
    changes: Mapping[str, Any] = field(default_factory=dict)

    def inputs(self, **parameters: Any) -> DelineateZonesInputs:
        """The inputs with some parameters."""
        basic = {"region": REGION, "cell_m": CELL_M, "seed": parameters.pop("seed", SEED)}
        given = {**self.changes.get("parameters", {}), **parameters}
        return DelineateZonesInputs.model_validate({**basic, **self.changes, "parameters": given})

    @cached_property
    def assessment(self) -> Assessment:
        """Supplies, demands and ratios."""
        return assess(self.task, self.inputs(), self.folder, WindowRunner(), lambda *_: None)

    @property
    def store(self) -> ScratchStore:
        """Its layers."""
        return self.assessment.place.store

    def zoner(self, **parameters: Any) -> Zoner:
        """How it is zoned with some parameters."""
        inputs = self.inputs(**parameters)
        cut = cut_of(self.task, inputs.parameters, self.store.grid)
        return zoner_of(self.assessment, inputs, cut, WindowRunner())

    def zones(self, store: ScratchStore | None = None, **parameters: Any) -> ClassArray:
        """The final raster with some parameters, of the layers of a store."""
        store = store or self.store
        self.zoner(**parameters).zone(store, self.assessment.extremes)
        return store.read_classes(ZONES, store.whole)

    @cached_property
    def default_zones(self) -> ClassArray:
        """The final raster without further parameters."""
        return self.zones()

    def changed(self, what: str, former: str, *others: ClassArray) -> Finding:
        """A figure of zones on this grid."""
        return Finding.of(what, [(self.default_zones, one) for one in others], former)


def _crossed(one: ClassArray, other: ClassArray) -> FloatArray:
    """Part of the cells with a zone in both, by zone of the one (row) and the other (column)."""
    both = (one > 0) & (other > 0)
    counts = cross_tabulate(one[both], other[both])[1:, 1:]
    return np.asarray(counts / counts.sum())


def _other_grids(own: Run, folder: Path) -> Iterator[Finding]:
    for cell_m in CELLS_M:
        other = Run(own.task, folder / f"cells-{cell_m}", {"cell_m": cell_m})
        zones = _on_grid(other.default_zones, other.store.grid, own.store.grid)
        yield own.changed(f"cells of {cell_m} m instead of {CELL_M} m", "2 to 3 %", zones)
    capped = Run(own.task, folder / "maximum", {"parameters": {"max_mode": "max"}})
    caps = "capped at the maximum instead of the 99.5th percentile"
    yield own.changed(caps, "0 to 3 %", capped.default_zones)
    for unit_m in UNITS_M:
        units = f"units of {unit_m} m instead of 300 m"
        yield own.changed(units, "2 to 9 %", own.zones(unit_m=unit_m))


def _on_grid(zones: ClassArray, grid: Grid, onto: Grid) -> ClassArray:
    """The zone at the middle of each cell of another grid; 0 beyond the own one."""
    south = grid.north - onto.north + onto.cell_m * (np.arange(onto.height) + 0.5)
    east = onto.west - grid.west + onto.cell_m * (np.arange(onto.width) + 0.5)
    rows, cols = (np.floor(axis / grid.cell_m).astype(np.int64) for axis in (south, east))
    beyond = np.pad(zones, 1)
    rows, cols = (np.clip(rows + 1, 0, grid.height + 1), np.clip(cols + 1, 0, grid.width + 1))
    return np.asarray(beyond[np.ix_(rows, cols)])


def _other_clusters(own: Run) -> Iterator[Finding]:
    for k in KS:
        yield own.changed(f"k = {k}, merged to five", "7 to 40 %", own.zones(k=k))
    for what, parameters in FEATURES.items():
        yield own.changed(what, "11 to 31 %", own.zones(**parameters))
    for algorithm in COMPACT:
        yield own.changed(algorithm, "24 to 26 %", own.zones(algorithm=algorithm))


def _other_seeds(own: Run) -> Iterator[Finding]:
    """Each pair of seeds; one mixture also against k-means."""
    mixtures = [own.zones(algorithm="gmm", seed=SEED + one) for one in range(GMM_SEEDS)]
    yield own.changed("gmm instead of kmeans", NOT_SEEN, mixtures[0])
    told = f"gmm by {GMM_SEEDS} seeds, each pair"
    yield Finding.of(told, combinations(mixtures, 2), "34 to 49 %", GMM_BAR)
    centres = [own.zones(seed=SEED + one) for one in range(KMEANS_SEEDS)]
    told = f"kmeans by {KMEANS_SEEDS} seeds, each pair"
    yield Finding.of(told, combinations(centres, 2), NOT_SEEN, KMEANS_BAR)


Compared = Literal["as the run", "normalised", "raw"]
"""How supply is set off against demand: amounts or ranks as the method has it; both normalised
between their limits; their values as they are, which of indices is what ranks replaced."""


def _other_ratios(index: Run) -> Iterator[Finding]:
    """The index profile by what was compared before ranks were."""
    normalised = index.zones(rewritten(index, "normalised", "normalised"))
    raw = index.zones(rewritten(index, "raw", "raw"))
    yield index.changed("index profile, normalised instead of ranks", NOT_SEEN, normalised)
    yield index.changed("index profile, raw indices instead of ranks", NOT_SEEN, raw)
    told = "index profile, normalised instead of raw"
    yield Finding.of(told, [(raw, normalised)], "62 %")


def _wrong_inputs(own: Run) -> Iterator[Finding]:
    """Every supply and demand wrong by a smooth field of its own; and none, as a control."""
    again = own.zones(rewritten(own, "again", "as the run"))
    yield own.changed("ratios worked out anew, nothing changed", "0 %", again)
    for length in ERROR_LENGTHS_M:
        zones = [
            own.zones(rewritten(own, f"error-{length:.0f}-{draw}", "as the run", (length, draw)))
            for draw in range(ERROR_DRAWS)
        ]
        told = f"error of {100 * ERROR:g} %, smooth over {length / 1000:g} km"
        yield own.changed(told, "4 to 42 %", *zones)


def rewritten(
    own: Run, name: str, compared: Compared, error: tuple[float, int] | None = None
) -> ScratchStore:
    """The layers with other ratios, upon those of the run.

    Args:
        own: The run.
        name: Of the folder.
        compared: What the ratios compare.
        error: Length over which errors of supply and demand are smooth, m, and their seed.
    """
    store = ScratchStore(own.folder / name, own.store.grid, own.store)
    known = own.store.read_classes(VALID, own.store.whole) == 1
    wrong = _errors(own.store.grid, known, error)
    ratios, normal = {}, dict[str, list[FloatArray]](supply=[], demand=[])
    for service, method in own.assessment.assembled.methods.items():
        sides = {
            side: own.store.read_all(f"{side}.{service}")[known] * (1 + wrong()) for side in normal
        }
        scaled = {side: normalise(values, limits_of(values)) for side, values in sides.items()}
        for side, values in scaled.items():
            normal[side].append(values)
        physical = method.is_physical or compared == "raw"
        if compared == "normalised":
            ratios[service] = scaled["supply"] - scaled["demand"]
        else:
            ratios[service] = _ratio(sides["supply"], sides["demand"], physical=physical)
    layers = {f"ratio.{service}": values for service, values in ratios.items()}
    layers["ratio"] = comprehensive_ratio(ratios)
    layers |= {f"{side}_mean": np.mean(values, axis=0) for side, values in normal.items()}
    for layer, values in layers.items():
        whole = np.full(store.grid.shape, np.nan)
        whole[known] = values
        store.create(layer)
        store.write(layer, store.whole, whole)
    return store


def _errors(
    grid: Grid, known: ClassArray, error: tuple[float, int] | None
) -> Callable[[], FloatArray]:
    """A field of relative errors at each call."""
    points = grid.cell_m * np.argwhere(known)[:, ::-1].astype(np.float64)
    if error is None:
        return partial(np.zeros, len(points))
    length, seed = error
    random = np.random.default_rng(seed)
    return lambda: ERROR * smooth_field(points, length, random)


def _ratio(supply: FloatArray, demand: FloatArray, *, physical: bool) -> FloatArray:
    """The ratio of amounts with their caps, or the difference of ranks."""
    if physical:
        caps = [float(np.quantile(one, CAP_PROBABILITY)) for one in (supply, demand)]
        return supply_demand_ratio(supply, demand, *caps)
    one, other = (
        percentile_rank(side, np.quantile(side.astype(np.float32), RANK_PROBABILITIES).tolist())
        for side in (supply, demand)
    )
    return one - other


def _ensembles(own: Run) -> Iterator[Finding]:
    """What does not hold, and processor time beside that of the zoning, both loaded already."""
    zoner = own.zoner()
    zoning = delineate(own.assessment, zoner)
    find = partial(find_robustness, own.task, own.inputs(), own.assessment)
    find(zoner, zoning, lambda share: None)
    started = time.process_time()
    delineate(own.assessment, zoner)
    floor = time.process_time() - started
    for size in ENSEMBLES:
        asked = replace(zoner, parameters=zoner.parameters.model_copy(update={"robustness": size}))
        started = time.process_time()
        found = find(asked, zoning, lambda share: None)
        took = time.process_time() - started
        if found is None:
            raise RuntimeError(f"the {size} ensemble found no zones")
        members = found.robustness.members
        told = f"{size} ensemble: zone held by less than four fifths of {members}"
        yield Finding(told, (1 - found.robustness.held,))
        timed = f"{size} ensemble, processor time: {took:.1f} s, of the zoning's {floor:.1f} s"
        yield Finding(timed, (took / floor,), bar=QUICK_BAR if size == "quick" else None)
