"""The zones of a run as its manifest keeps them, and as another run takes them over."""

from dataclasses import asdict
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

from shanhai.errors import InvalidInput
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.kit.task import ReferenceTask
from shanhai.science.zoning.delineation import Thresholds
from shanhai.science.zoning.features import Components, Scaling
from shanhai.science.zoning.frozen_zones import ZoneModel
from shanhai.science.zoning.zone_names import HighLand

_SETTINGS = ("algorithm", "features", "pca", "k")
"""What must be chosen as it was where the zones are taken over."""

_ZONES = "/inputs/normalisation/zones"


class _FrozenScaling(BaseModel):
    low: list[float]
    high: list[float]
    mean: list[float]
    spread: list[float]
    varies: list[bool]
    factors: list[float]


class _FrozenComponents(BaseModel):
    names: tuple[str, ...]
    loadings: list[list[float]]
    explained: list[float]


class _FrozenHighLand(BaseModel):
    supply: float
    demand: float


class _FrozenThresholds(BaseModel):
    strict: float
    key: float
    balance: float
    priority: float | None


class _FrozenModel(BaseModel):
    layers: tuple[str, ...]
    scaling: _FrozenScaling
    components: _FrozenComponents | None
    centres: list[list[float]]
    zones: list[int]
    high_land: _FrozenHighLand | None
    thresholds: _FrozenThresholds | None


def model_document(
    inputs: DelineateZonesInputs, model: ZoneModel, thresholds: Thresholds | None
) -> dict[str, Any]:
    """The model as the manifest has it."""
    scaling, components = model.scaling, model.components
    names = ("low", "high", "mean", "spread", "varies", "factors")
    priority = None if thresholds is None or np.isnan(thresholds.priority) else thresholds.priority
    return {
        "settings": {name: getattr(inputs.parameters, name) for name in _SETTINGS},
        "layers": list(model.layers),
        "scaling": {name: getattr(scaling, name).tolist() for name in names},
        "components": None
        if components is None
        else {
            "names": list(components.names),
            "loadings": components.loadings.tolist(),
            "explained": components.explained.tolist(),
        },
        "centres": model.centres.tolist(),
        "zones": model.zones.tolist(),
        "high_land": None if model.high_land is None else asdict(model.high_land),
        "thresholds": None
        if thresholds is None
        else {
            "strict": thresholds.strict,
            "key": thresholds.key,
            "balance": thresholds.balance,
            "priority": priority,
        },
    }


def frozen_zones(
    inputs: DelineateZonesInputs, reference: ReferenceTask | None
) -> tuple[ZoneModel | None, Thresholds | None]:
    """The model and thresholds a run takes over; None where it finds its own.

    Raises:
        InvalidInput: the reference has no zones, or not whole.
    """
    asked = inputs.normalisation
    if asked is None or not asked.zones or reference is None:
        return None, None
    try:
        found = _FrozenModel.model_validate(reference.zone_model)
    except ValidationError as error:
        raise InvalidInput(
            f"the zones of {reference.name} cannot be read: {error.errors()[0]['loc']}",
            message_zh=f"无法读取 {reference.name} 的分区模型：{error.errors()[0]['loc']}",
            pointer=_ZONES,
        ) from error
    return _model(found), _thresholds(found.thresholds)


def _model(found: _FrozenModel) -> ZoneModel:
    own, components, high = found.scaling, found.components, found.high_land
    return ZoneModel(
        layers=found.layers,
        scaling=Scaling(
            low=np.array(own.low),
            high=np.array(own.high),
            mean=np.array(own.mean),
            spread=np.array(own.spread),
            varies=np.array(own.varies, dtype=bool),
            factors=np.array(own.factors),
        ),
        components=None
        if components is None
        else Components(
            components.names, np.array(components.loadings), np.array(components.explained)
        ),
        centres=np.array(found.centres),
        zones=np.array(found.zones, dtype=np.uint8),
        high_land=None if high is None else HighLand(high.supply, high.demand),
    )


def _thresholds(found: _FrozenThresholds | None) -> Thresholds | None:
    if found is None:
        return None
    priority = float("nan") if found.priority is None else found.priority
    return Thresholds(found.strict, found.key, found.balance, priority)
