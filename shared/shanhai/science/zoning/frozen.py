"""Zones of units whose layers changed, by the clusters of an earlier zoning."""

import numpy as np

from shanhai.science.arrays import BoolArray, ClassArray, FloatArray, IntArray
from shanhai.science.zoning.delineation import UnitZoning


def zones_by_centres(zoning: UnitZoning, before: FloatArray, after: FloatArray) -> ClassArray:
    """Zone of every unit after its layers changed; clusters, their centres and names stay.

    A unit goes to the zone of another centre only where that centre is the nearest now and was not
    before: one whose layers stay keeps its zone whatever the algorithm had seen in it, and the
    rounding of a border moves none.

    Args:
        zoning: The earlier zoning of the units.
        before: Its features as they were: one row per unit, without NaN, not standardised.
        after: The same after the change.

    Returns:
        Zone codes 1–5, one per unit in their order.

    Source: MacQueen 1967 (assignment to the nearest mean); frozen for comparison (status E).
    """
    moved: BoolArray = (before != after).any(axis=1)
    zones = zoning.zones.copy()
    if not moved.any():
        return zones
    places = zoning.features.matrix[moved]
    was = _nearest(zoning, zoning.features.placed(before[moved], places))
    will_be = _nearest(zoning, zoning.features.placed(after[moved], places))
    # Clusters that were merged or named alike are of one zone.
    zone_of = np.zeros(len(zoning.clustering.centroids), dtype=np.uint8)
    zone_of[zoning.clustering.labels] = zoning.zones
    zones[moved] = np.where(was != will_be, zone_of[will_be], zones[moved])
    return zones


def _nearest(zoning: UnitZoning, features: FloatArray) -> IntArray:
    """Nearest centre of each row, the first where two are as near."""
    gaps = features[:, np.newaxis, :] - zoning.clustering.centroids
    return np.asarray(np.square(gaps).sum(axis=2).argmin(axis=1), dtype=np.int64)
