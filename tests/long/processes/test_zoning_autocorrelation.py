"""Moran's I of the ratios as an option of a zoning, beside PySAL's."""

import csv
import json
from pathlib import Path
from typing import Any

import esda
import libpysal
import numpy as np
import pytest

from shanhai.processes.reproduction import read_manifest, reproduce
from shanhai.raster.geotiff import read_geotiff
from tests.support.process_runs import TIMED, compute

ASKED = {"parameters": {"autocorrelation": True}}
UNIT_CELLS = 3
"""250 m, rounded up to whole cells of 100 m."""

Lattice = np.ndarray


@pytest.fixture(scope="module")
def tested(watershed: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run with all its pictures."""
    return compute(watershed.task(ASKED), tmp_path_factory.mktemp("tested") / "work")


def document(run: Any, name: str) -> Any:
    return json.loads((run.workspace / name).read_bytes())


def figures(run: Any) -> Any:
    return document(run, "statistics.json")["autocorrelation"]


def raster(run: Any, layer: str) -> Lattice:
    return np.asarray(read_geotiff(run.workspace / f"{layer}.tif").values[0])


def unit_means(run: Any, layer: str, side: int = UNIT_CELLS) -> Lattice:
    """Means over squares that are valid over half their area, by plain loops."""
    values = raster(run, layer)
    rows, cols = (-(-size // side) for size in values.shape)
    means = np.full((rows, cols), np.nan)
    for row in range(rows):
        for col in range(cols):
            square = values[row * side : (row + 1) * side, col * side : (col + 1) * side]
            if np.isfinite(square).sum() >= side**2 / 2:
                means[row, col] = np.nanmean(square)
    return means


def weights_of(means: Lattice) -> Any:
    """Queen neighbours of PySAL among the known squares."""
    whole = libpysal.weights.lat2W(*means.shape, rook=False)
    known = np.flatnonzero(np.isfinite(means))
    weights = libpysal.weights.w_subset(whole, known.tolist(), silence_warnings=True)
    weights.transform = "r"
    return weights


def test_global_index_is_that_of_esda(tested: Any) -> None:
    told = figures(tested)
    layers = [one["layer"] for one in told["layers"]]
    assert layers[0] == "ratio"
    assert len(layers) == 1 + 7
    for one in told["layers"]:
        means = unit_means(tested, one["layer"])
        values = means[np.isfinite(means)]
        np.random.seed(1)  # esda draws from the global state
        peer = esda.Moran(values, weights_of(means), permutations=999)
        assert told["units"] == len(values)
        assert one["moran_i"] == pytest.approx(peer.I, abs=1e-5)
        assert one["expected"] == pytest.approx(peer.EI, abs=1e-6)
        assert one["p"] == pytest.approx(peer.p_sim, abs=0.03)


def test_local_classes_are_the_quadrants_of_pysal_s_lag(tested: Any) -> None:
    means = unit_means(tested, "ratio")
    z = means[np.isfinite(means)] - np.nanmean(means)
    high, among_high = z > 0, libpysal.weights.lag_spatial(weights_of(means), z) > 0
    codes = np.zeros(means.shape, dtype=int)
    codes[np.isfinite(means)] = np.where(among_high, np.where(high, 1, 2), np.where(high, 4, 3))
    layer = np.nan_to_num(raster(tested, "ratio_clusters")).astype(int)
    cells = np.kron(codes, np.ones((UNIT_CELLS, UNIT_CELLS), dtype=int))
    cells = cells[: layer.shape[0], : layer.shape[1]]
    told = (layer > 0) & (layer < 5)
    assert told.any()
    np.testing.assert_array_equal(layer[told], cells[told])
    np.testing.assert_array_equal(layer > 0, (cells > 0) & np.isfinite(raster(tested, "ratio")))


def test_the_table_counts_the_layer_by_zone(tested: Any) -> None:
    layer = np.nan_to_num(raster(tested, "ratio_clusters")).astype(int)
    zones = np.nan_to_num(raster(tested, "zones")).astype(int)
    clusters = figures(tested)["clusters"]
    assert [one["code"] for one in clusters] == [
        *("high_high", "low_high", "low_low", "high_low", "not_significant"),
    ]
    assert sum(one["units"] for one in clusters) == figures(tested)["units"]
    with (tested.workspace / "clusters_table.csv").open(encoding="utf-8-sig") as file:
        table = list(csv.DictReader(file))
    for one, row in zip(clusters, table, strict=True):
        own = layer == one["value"]
        assert one["cells"] == int(row["cells"]) == np.count_nonzero(own)
        assert one["percent"] == pytest.approx(100 * own.sum() / np.count_nonzero(zones))
        assert sum(one["zones_ha"].values()) == pytest.approx(one["area_ha"])
        assert float(row["strict_protection_ha"]) == np.count_nonzero(own & (zones == 1))
    means = {one["code"]: one["ratio_mean"] for one in clusters}
    assert means["high_high"] > means["not_significant"] > means["low_low"]


def test_nothing_else_is_changed_by_it(tested: Any, zoned: Any) -> None:
    added = {"ratio_clusters.tif", "clusters_table.csv"}
    names = {path.name for path in zoned.workspace.iterdir()}
    assert {path.name for path in tested.workspace.iterdir()} == names | added
    for name in sorted(names - TIMED - {"statistics.json"}):
        same = (zoned.workspace / name).read_bytes() == (tested.workspace / name).read_bytes()
        assert same, name
    statistics = document(tested, "statistics.json")
    del statistics["autocorrelation"]
    assert statistics == document(zoned, "statistics.json")
    assert "autocorrelation" not in zoned.outcome.manifest


def test_report_and_manifest_tell_it(tested: Any) -> None:
    page = (tested.workspace / "report.html").read_text(encoding="utf-8")
    for words in ("空间自相关", "Global Moran's I", "High among high", "local clusters"):
        assert words.replace("'", "&#39;") in page or words in page
    told = tested.outcome.manifest["autocorrelation"]
    assert (told["unit_m"], told["permutations"]) == (300, 999)
    stages = [stage for _, stage in tested.told]
    assert "autocorrelation" in stages
    percents = [percent for percent, _ in tested.told]
    assert percents == sorted(percents)


def test_a_manifest_gives_the_same_bytes(tested: Any, watershed: Any, tmp_path: Path) -> None:
    again = reproduce(
        read_manifest(tested.workspace / "manifest.json"),
        files=next(iter(watershed.rasters.values())).parent,
        workspace=tmp_path / "again",
        progress=lambda percent, stage: None,
        processes=2,
    )
    changed = {one.name for one in again if not one.same}
    assert changed <= {"report", "report_pdf", "report_docx"}


def test_too_many_units_are_made_larger(zone: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shanhai.science.autocorrelation.MAX_ITEMS", 100)
    run = zone(ASKED)
    told = figures(run)
    assert told["unit_m"] == 600
    assert 50 < told["units"] <= 100
    means = unit_means(run, "ratio", side=6)
    peer = esda.Moran(means[np.isfinite(means)], weights_of(means), permutations=0)
    assert told["layers"][0]["moran_i"] == pytest.approx(peer.I, abs=1e-5)
