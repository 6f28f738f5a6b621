"""The statistics of a zoning: zones and districts, and whether like units lie together."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial, reduce
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shanhai.cartography import CLUSTERS, ClassEntry
from shanhai.processes.assess_ecoservices.assessed import SERVICES, Assessment, Extremes
from shanhai.processes.assess_ecoservices.pictures import RATIO_CLUSTERS, STABILITY
from shanhai.processes.delineate_zones.contract import COVER, DELINEATE_ZONES, LIGHT, POPULATION
from shanhai.processes.delineate_zones.features import mask_of
from shanhai.processes.delineate_zones.uncertainty import DRAWN
from shanhai.processes.delineate_zones.units import LayerMeans, Raster, SquareCut, Tabled
from shanhai.processes.delineate_zones.zoning import Zoner
from shanhai.processes.kit.outputs import write_table
from shanhai.processes.kit.region import windows_of
from shanhai.processes.kit.task import LINE_KINDS, DistrictTask, OutputFile, Progress
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science import autocorrelation
from shanhai.science.grid import ClassArray, FloatArray, IntArray, Window
from shanhai.science.normalisation import normalise
from shanhai.science.quantiles import RunningMoments
from shanhai.science.zoning.cells_by_zone import ClassLayer, KeyLayer, Keys, Layer
from shanhai.science.zoning.delineation import CODES, RATIO, cross_tabulate
from shanhai.science.zoning.postprocess import ZONES
from shanhai.science.zoning.statistics import ZoneLayers, ZoneSummary, zone_statistics
from shanhai.vocabulary import ZONE_CLASSES

_DIGITS = 6
_KEYS = "zones_by_district.keys"
_CLASSES = {zone.value: zone for zone in ZONE_CLASSES}


def zoning_statistics(
    store: ScratchStore,
    extremes: Mapping[str, Extremes],
    codes: ClassArray,
    district_ids: NDArray[np.unsignedinteger],
    districts: list[DistrictTask],
    runner: WindowRunner,
) -> dict[str, Any]:
    """Summaries of every zone, of every district, and of every zone in every district.

    Areas are those of the raster: their sum is the valid area, cell by cell. Land cover is told as
    per cent by class code; `night_lights_sum` is the sum of the radiance of the cells, nW/cm²/sr.
    """
    services = services_of(store)
    layers = ZoneLayers(
        ratio=partial(_stored, store, "ratio"),
        ratios={service: partial(_stored, store, f"ratio.{service}") for service in services},
        others={
            f"{kind}_n.{service}": partial(_normalised, store, extremes, f"{kind}.{service}")
            for kind in ("supply", "demand")
            for service in services
        }
        | {name: partial(_stored, store, name) for name in DRAWN if store.has(name)},
        totals=_totals(store),
        classes=_cover(store),
        masks={
            kind: partial(_classes, store, mask_of(kind))
            for kind in LINE_KINDS
            if store.has(mask_of(kind))
        },
    )
    summaries = zone_statistics(
        codes,
        layers,
        store.grid.cell_area_ha,
        district_ids,
        run=runner.run,
        keep=partial(keep_keys, store.folder / _KEYS),
    )
    whole = [one for one in summaries if one.district is None]
    return {
        "cell_m": store.grid.cell_m,
        "valid_cells": int(np.count_nonzero(codes)),
        "valid_area_km2": _km2(int(np.count_nonzero(codes)), store),
        "ratio_means": _ratio_means(store, runner),
        "zones": [_zone_document(one) for one in whole],
        "districts": [
            _district_document(number, district, summaries, store)
            for number, district in enumerate(districts, start=1)
        ],
    }


def services_of(store: ScratchStore) -> list[str]:
    """The services that were assessed, in the order of the plan."""
    return [service for service in SERVICES if store.has(f"ratio.{service}")]


def _rows(store: ScratchStore, rows: slice) -> Window:
    return Window(rows.start, 0, rows.stop - rows.start, store.grid.width)


def _stored(store: ScratchStore, layer: str, rows: slice) -> NDArray[np.float32]:
    return store.read_stored(layer, _rows(store, rows))


def _normalised(
    store: ScratchStore, extremes: Mapping[str, Extremes], layer: str, rows: slice
) -> NDArray[np.float32]:
    values = store.read(layer, _rows(store, rows))
    return normalise(values, extremes[layer].limits).astype(np.float32)


def keep_keys(path: Path, keys: Keys) -> KeyLayer:
    """Put keys into a file, so that they go to other processes by its name."""
    keys.tofile(path)
    return partial(_kept, path, keys.dtype, keys.shape[1])


def _kept(path: Path, dtype: np.dtype[Any], width: int, rows: slice) -> Keys:
    cells = (rows.stop - rows.start) * width
    found: Keys = np.fromfile(path, dtype, cells, offset=rows.start * width * dtype.itemsize)
    return found.reshape(-1, width)


def _ratio_means(store: ScratchStore, runner: WindowRunner) -> dict[str, float]:
    """Mean of each ratio over all valid cells."""
    named = {"ratio": "ratio", **{service: f"ratio.{service}" for service in services_of(store)}}
    means = runner.run(partial(_mean, store), list(named.values()))
    return {name: _round(mean) for name, mean in zip(named, means, strict=True)}


def _mean(store: ScratchStore, layer: str) -> float:
    return reduce(
        RunningMoments.joined, map(RunningMoments.of, store.blocks(layer)), RunningMoments()
    ).mean


def _totals(store: ScratchStore) -> dict[str, Layer]:
    """Persons, and the sum of light over the cells; of layers that exist."""
    found: dict[str, Layer] = {}
    if store.has("night_lights"):
        found[LIGHT] = partial(_light, store)
    if store.has(POPULATION):
        found[POPULATION] = partial(_stored, store, POPULATION)
    return found


def _light(store: ScratchStore, rows: slice) -> FloatArray:
    """Radiance of each cell, nW/cm²/sr."""
    if not store.has("night_lights_log"):
        return store.read("night_lights", _rows(store, rows))
    # Rounded otherwise than the light itself: sums keep their digits.
    return np.expm1(store.read("night_lights_log", _rows(store, rows)))


def _cover(store: ScratchStore) -> dict[str, ClassLayer]:
    if not store.has(COVER):
        return {}
    return {COVER: partial(_classes, store, COVER)}


def _classes(store: ScratchStore, layer: str, rows: slice) -> ClassArray:
    return store.read_classes(layer, _rows(store, rows))


def _district_document(
    number: int, district: DistrictTask, summaries: list[ZoneSummary], store: ScratchStore
) -> dict[str, Any]:
    own = [one for one in summaries if one.district == number]
    cells = sum(one.cells for one in own)
    mean = sum(one.ratio.mean * one.cells for one in own) / cells if cells else None
    return {
        "code": district.code,
        "name_zh": district.name_zh,
        "name_en": district.name_en,
        "cells": cells,
        "area_km2": _km2(cells, store),
        "ratio_mean": None if mean is None else _round(mean),
        "zones": [_zone_document(one) for one in own],
    }


def _zone_document(summary: ZoneSummary) -> dict[str, Any]:
    zone = _CLASSES[summary.zone]
    return {
        "code": zone.code,
        "class_value": zone.value,
        "name_zh": zone.label.zh,
        "name_en": zone.label.en,
        "color": zone.color,
        "cells": summary.cells,
        "area_ha": _round(summary.area_ha),
        "area_raster_km2": _round(summary.area_ha / 100),
        "share_percent": _round(100 * summary.share),
        "deficit_share_percent": _round(100 * summary.deficit_share),
        "patches": summary.patches,
        "largest_patch_ha": _round(summary.largest_patch_ha),
        "dominant_deficit": summary.dominant_deficit,
        "supply_mean": _mean_of(summary, "supply_n"),
        "demand_mean": _mean_of(summary, "demand_n"),
        **_stability(summary),
        "ratio": _spread(asdict(summary.ratio)),
        "layers": {name: _spread(asdict(spread)) for name, spread in summary.layers.items()},
        **{name: _round(total) for name, total in summary.totals.items()},
        **{f"{name}_percent": _percent(one) for name, one in summary.composition.items()},
        **{f"{name}_overlap_ha": _round(area) for name, area in summary.overlaps_ha.items()},
    }


def _stability(summary: ZoneSummary) -> dict[str, float]:
    """Mean share of the draws that agree on the zone of a cell, where there were draws."""
    if STABILITY not in summary.layers:
        return {}
    return {"assignment_stability": _round(summary.layers[STABILITY].mean)}


def _percent(shares: Mapping[int, float]) -> dict[str, float]:
    """Shares by class code, the largest first."""
    ordered = sorted(shares.items(), key=lambda entry: (-entry[1], entry[0]))
    return {str(code): _round(100 * share) for code, share in ordered}


def _mean_of(summary: ZoneSummary, kind: str) -> float:
    """Mean over the services of normalised supply or demand."""
    means = [one.mean for name, one in summary.layers.items() if name.startswith(f"{kind}.")]
    return _round(sum(means) / len(means))


def _spread(spread: Mapping[str, float]) -> dict[str, float]:
    return {name: _round(value) for name, value in spread.items()}


def _round(value: float) -> float:
    return round(value, _DIGITS)


def _km2(cells: int, store: ScratchStore) -> float:
    return _round(cells * store.grid.cell_area_m2 / 1e6)


def find_autocorrelation(
    assessment: Assessment, zoner: Zoner, progress: Progress
) -> dict[str, Any] | None:
    """Test the ratios of the zoning units, and keep the local classes as a layer.

    None unless it is asked for. Squares are doubled until there are few enough to be tested.
    """
    if not zoner.parameters.autocorrelation:
        return None
    progress(77, "autocorrelation")
    own = assessment.place.store
    layers = (RATIO, *(f"{RATIO}.{service}" for service in services_of(own)))
    unit_m, tabled = _tabled(zoner, LayerMeans(own, assessment.extremes, layers))
    means, neighbours, seed = tabled.units.means, tabled.neighbours(), zoner.settings.seed
    tested = zoner.runner.run(partial(_tested, means, neighbours, seed), list(range(len(layers))))
    tests = [{"layer": one, **told} for one, told in zip(layers, tested, strict=True)]
    ratio = np.ascontiguousarray(means[:, 0])
    classes = autocorrelation.local_moran(ratio, neighbours, seed).classes
    cells, cell_ha = _write_classes(own, tabled.own_raster(classes)), own.grid.cell_area_ha
    return {
        "unit_m": unit_m,
        "units": len(ratio),
        "permutations": autocorrelation.PERMUTATIONS,
        "false_discovery_rate": autocorrelation.ALPHA,
        "layers": tests,
        "clusters": [
            {
                **_named(entry),
                **_ratio_of(ratio[classes == entry.value]),
                **_areas(cells[entry.value], cell_ha, int(cells[:, 1:].sum())),
            }
            for entry in CLUSTERS.entries
        ],
    }


def _tabled(zoner: Zoner, means: LayerMeans) -> tuple[float | None, Tabled]:
    cut = zoner.cut
    tabled = cut.table(means, zoner.runner)
    while isinstance(cut, SquareCut) and len(tabled.units.cells) > autocorrelation.MAX_ITEMS:
        cut = cut.doubled()
        tabled = cut.table(means, zoner.runner)
    return cut.unit_m, tabled


def _tested(
    means: FloatArray, neighbours: autocorrelation.Neighbours, seed: int, column: int
) -> dict[str, float | None]:
    found = autocorrelation.global_moran(np.ascontiguousarray(means[:, column]), neighbours, seed)
    told = {"moran_i": found.index, "expected": found.expected, "p": found.p}
    return {name: None if isnan(value) else round(value, _DIGITS) for name, value in told.items()}


def _named(entry: ClassEntry) -> dict[str, Any]:
    return {
        "value": entry.value,
        "code": entry.code,
        "name_zh": entry.label.zh,
        "name_en": entry.label.en,
        "color": entry.color,
    }


def _ratio_of(ratio: FloatArray) -> dict[str, Any]:
    mean = round(float(ratio.mean()), _DIGITS) if ratio.size else None
    return {"units": ratio.size, "ratio_mean": mean}


def _areas(cells: IntArray, cell_ha: float, valid: int) -> dict[str, Any]:
    """Of one local class, by zone."""
    own = int(cells.sum())
    return {
        "cells": own,
        "area_ha": round(own * cell_ha, _DIGITS),
        "percent": round(100 * own / valid, _DIGITS),
        "zones_ha": {
            zone.code: round(float(cells[zone.value]) * cell_ha, _DIGITS) for zone in ZONE_CLASSES
        },
    }


def _write_classes(own: ScratchStore, raster: Raster) -> IntArray:
    """Keep the local classes of the zoned cells; cells by local class and zone."""
    own.create_classes(RATIO_CLUSTERS)
    crossed = np.zeros((CODES, CODES), dtype=np.int64)
    for window in windows_of(own.grid):
        zones = own.read_classes(ZONES, window)
        codes = raster(window, zones > 0)
        own.write_classes(RATIO_CLUSTERS, window, codes)
        crossed += cross_tabulate(codes, zones)
    return crossed


def write_clusters(workspace: Path, clusters: Sequence[dict[str, Any]]) -> OutputFile:
    """The local classes as a table."""
    head = ("value", "code", "name_zh", "name_en", "units", "ratio_mean", "cells", "area_ha")
    zones = [zone.code for zone in ZONE_CLASSES]
    return write_table(
        workspace,
        DELINEATE_ZONES.output("clusters_table"),
        (*head, "percent", *(f"{zone}_ha" for zone in zones)),
        (
            (*(one[name] for name in (*head, "percent")), *(one["zones_ha"][z] for z in zones))
            for one in clusters
        ),
    )
