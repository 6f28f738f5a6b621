"""A zoning frozen as a model: scaling of the features, centres and their zones, for other areas."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import compress

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.grid import ClassArray, FloatArray, IntArray
from shanhai.science.zoning.clustering import Clustering, k_means
from shanhai.science.zoning.delineation import ClusteringSettings, UnitZoning, values_of
from shanhai.science.zoning.features import Components, Features, Scaling, feature_layers
from shanhai.science.zoning.units import UnitTable
from shanhai.science.zoning.zone_names import HighLand, named


@dataclass(frozen=True, slots=True)
class ZoneModel:
    """What turns the features of a unit into its zone, whatever the other units are.

    Attributes:
        layers: Features in their order, before any is dropped.
        scaling: How their values become z-scores.
        components: Principal components in place of the z-scores.
        centres: Features of each cluster's centre, one row each.
        zones: Zone code 1–5 of each centre.
        high_land: From where on supply and demand are high; None where the rule was off.
    """

    layers: tuple[str, ...]
    scaling: Scaling
    components: Components | None
    centres: FloatArray
    zones: ClassArray
    high_land: HighLand | None


def model_of(
    zoning: UnitZoning, services: Sequence[str], settings: ClusteringSettings
) -> ZoneModel:
    """The model of a zoning of units.

    Args:
        zoning: The zoning; its features hold no coordinates.
        services: Services whose layers take part.
        settings: What was chosen for it.
    """
    return ZoneModel(
        layers=feature_layers(settings.features, services),
        scaling=zoning.features.scaling,
        components=zoning.features.components,
        centres=zoning.clustering.centroids,
        zones=zoning.centre_zones,
        high_land=zoning.high_land,
    )


def zone_by_model(
    model: ZoneModel, units: UnitTable, services: Sequence[str], settings: ClusteringSettings
) -> UnitZoning:
    """Zone units by a model: each gets the zone of its nearest centre, the first of two as near.

    So a unit has the same zone in every area in which its layers are the same.

    Args:
        model: Frozen from another area, or from a sample.
        units: Their means in the order of `ClusteringSettings.layers`.
        services: Services whose layers take part.
        settings: As the model was made.

    Raises:
        InvalidInput: the model has other features.

    Source: MacQueen 1967 (assignment to the nearest mean); frozen for comparison (status E).
    """
    layers = feature_layers(settings.features, services)
    if layers != model.layers:
        own, then = ", ".join(layers), ", ".join(model.layers)
        raise InvalidInput(
            f"the zones are frozen by the features {then}, but this run has {own}",
            message_zh=f"所沿用分区的聚类特征为 {then}，而本次为 {own}",
        )
    features = _features(model, units.means[:, : len(layers)])
    labels = _nearest(features.matrix, model.centres)
    values = values_of(units)
    zones = model.zones[labels]
    # The names are the model's and are not judged anew.
    naming = replace(named(zones, values), flags=())
    if model.high_land is not None:
        zones = model.high_land.protected(zones, values.supply, values.demand)
    gaps = features.matrix - model.centres[labels]
    clustering = Clustering(labels, model.centres, float(np.square(gaps).sum()))
    return UnitZoning(
        features=features,
        partition=partial(k_means, features.matrix, settings.seed),
        clustering=clustering,
        merged=clustering,
        naming=naming,
        zones=zones,
        high_land=model.high_land,
        contiguity=None,
        model_zones=model.zones,
    )


def _features(model: ZoneModel, values: FloatArray) -> Features:
    scores, varies = model.scaling.scores(values), model.scaling.varies
    layers = [name.removeprefix("ratio.") for name in model.layers]
    matrix, names = scores, tuple(compress(layers, varies))
    if model.components is not None:
        matrix = scores @ model.components.loadings.T
        names = tuple(f"pc{n + 1}" for n in range(matrix.shape[1]))
    return Features(
        np.ascontiguousarray(matrix),
        names,
        tuple(compress(layers, ~varies)),
        _correlation(scores),
        (),
        model.scaling,
        model.components,
    )


def _correlation(scores: FloatArray) -> FloatArray:
    """Correlation of the columns here; 0 of one that does not vary here with the others."""
    varies = np.ptp(scores, axis=0) > 0
    found: FloatArray = np.eye(len(varies))
    found[np.ix_(varies, varies)] = np.corrcoef(scores[:, varies], rowvar=False)
    return found


def _nearest(features: FloatArray, centres: FloatArray) -> IntArray:
    """Nearest centre of each row; centre by centre, so that few rows of memory are taken."""
    gaps = np.stack([np.square(features - centre).sum(axis=1) for centre in centres])
    return np.asarray(gaps.argmin(axis=0), dtype=np.int64)
