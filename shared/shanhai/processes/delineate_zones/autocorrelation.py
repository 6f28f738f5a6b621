"""Whether units lie among units of like ratio: global and local Moran's I, as figures and layer."""

from collections.abc import Sequence
from functools import partial
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np

from shanhai.cartography import CLUSTERS, ClassEntry
from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.assess_ecoservices.pictures import RATIO_CLUSTERS
from shanhai.processes.delineate_zones.statistics import services_of
from shanhai.processes.delineate_zones.units import LayerMeans, SquareCut, Tabled
from shanhai.processes.delineate_zones.zoning import Zoner
from shanhai.processes.kit.outputs import write_table
from shanhai.processes.kit.process import Progress
from shanhai.processes.kit.task import OutputFile
from shanhai.science.arrays import ClassArray, FloatArray, IntArray
from shanhai.science.autocorrelation import (
    ALPHA,
    MAX_ITEMS,
    PERMUTATIONS,
    Neighbours,
    global_moran,
    local_moran,
)
from shanhai.science.zoning.delineation import RATIO
from shanhai.science.zoning.thresholds import cross_tabulate
from shanhai.vocabulary import ZONE_CLASSES, Label

TABLE = "clusters_table"
_STRIP_ROWS = 512
_DIGITS = 6


def find_autocorrelation(
    assessment: Assessment, zoner: Zoner, zones: ClassArray, progress: Progress
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
    classes = local_moran(ratio, neighbours, seed).classes
    codes = tabled.own_codes(classes, zones > 0)
    own.create_classes(RATIO_CLUSTERS)
    own.write_classes(RATIO_CLUSTERS, own.whole, codes)
    cells, cell_ha = _crossed(codes, zones), own.grid.cell_area_ha
    return {
        "unit_m": unit_m,
        "units": len(ratio),
        "permutations": PERMUTATIONS,
        "false_discovery_rate": ALPHA,
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
    while isinstance(cut, SquareCut) and len(tabled.units.cells) > MAX_ITEMS:
        cut = cut.doubled()
        tabled = cut.table(means, zoner.runner)
    return cut.unit_m, tabled


def _tested(
    means: FloatArray, neighbours: Neighbours, seed: int, column: int
) -> dict[str, float | None]:
    found = global_moran(np.ascontiguousarray(means[:, column]), neighbours, seed)
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


def _crossed(codes: ClassArray, zones: ClassArray) -> IntArray:
    """Cells by local class and zone, strip by strip."""
    strips = [slice(row, row + _STRIP_ROWS) for row in range(0, len(codes), _STRIP_ROWS)]
    tables = [cross_tabulate(codes[rows], zones[rows]) for rows in strips]
    return np.asarray(np.sum(tables, axis=0))


def write_clusters(workspace: Path, clusters: Sequence[dict[str, Any]]) -> OutputFile:
    """The local classes as a table."""
    head = ("value", "code", "name_zh", "name_en", "units", "ratio_mean", "cells", "area_ha")
    zones = [zone.code for zone in ZONE_CLASSES]
    return write_table(
        workspace,
        TABLE,
        Label("局部聚集类型表", "Local clusters as a table"),
        (*head, "percent", *(f"{zone}_ha" for zone in zones)),
        (
            (*(one[name] for name in (*head, "percent")), *(one["zones_ha"][z] for z in zones))
            for one in clusters
        ),
    )
