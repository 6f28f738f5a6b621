import numpy as np
import pytest
from scipy import ndimage

from shanhai.science.grid import Grid, Window
from shanhai.science.matching import comprehensive_ratio
from shanhai.science.zoning.clustering import cluster_units, merge_clusters
from shanhai.science.zoning.features import prepare_features
from shanhai.science.zoning.units import Fishnet, aggregate, rasterise, select_units, unit_codes
from shanhai.science.zoning.zone_names import UnitValues, name_zones
from shanhai.vocabulary import ECOSERVICES
from tests.support.class_layers import cleaned

GRID = Grid(4548, 0, 0, 100, 90, 72)


def landscape() -> dict[str, np.ndarray]:
    """Ratios that fall from the hills in the north to a town in the south, with two islands."""
    random = np.random.default_rng(11)
    fall = np.linspace(1.0, -1.0, GRID.height)[:, np.newaxis]
    land = np.ones(GRID.shape, dtype=bool)
    land[60:, :30] = False
    land[64:70, 10:20] = True
    ratios = {}
    for term in ECOSERVICES:
        noise = ndimage.gaussian_filter(random.normal(size=GRID.shape), 4) * 2
        ratios[term.code] = np.where(land, np.clip(fall + noise, -2, 2), np.nan)
    return ratios


@pytest.mark.parametrize("k", [5, 8])
def test_from_ratios_to_five_ordered_zones(k: int) -> None:
    ratios = landscape()
    ratio = comprehensive_ratio(ratios)
    net = Fishnet.over(GRID)
    stack = np.stack([*ratios.values(), ratio])
    units = select_units(*aggregate(stack, net.unit_cells), net.unit_cells)
    features = prepare_features(units.means[:, :7], list(ratios))
    clusters = merge_clusters(
        features.matrix, cluster_units(features.matrix, k, seed=7), units.cells
    )
    supply = units.means[:, 0]
    naming = name_zones(
        clusters.labels, UnitValues(units.means[:, 7], supply, -supply, units.cells)
    )
    valid = ~np.isnan(ratio)
    whole = Window(0, 0, *GRID.shape)
    raw = rasterise(unit_codes(naming.zones, units), net.unit_cells, whole)
    zones = cleaned(np.where(valid, raw, np.uint8(0)), ratio, GRID.cell_m).codes

    assert ((zones > 0) == valid).all()
    assert naming.flags == ()
    means = [np.nanmean(ratio[zones == zone]) for zone in (1, 2, 3, 5, 4)]
    assert means == sorted(means, reverse=True)
    assert np.mean(np.nonzero(zones == 1)[0]) < np.mean(np.nonzero(zones == 4)[0])
