"""How much all services give together: the index by which land becomes a candidate."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.processes.build_network.context import Scene
from shanhai.processes.kit.error_pointers import pointing_at
from shanhai.processes.kit.layers import make_layers
from shanhai.processes.kit.supplies import layer_limits
from shanhai.raster.store import ScratchStore
from shanhai.science.corridors.importance import entropy_weights, importance_index
from shanhai.science.grid import Window
from shanhai.science.normalisation import NormalisationLimits, normalise

IMPORTANCE = "service_importance"
_SOURCES = "/inputs/parameters/sources"


def write_importance(scene: Scene) -> dict[str, Any]:
    """Write the importance of the land, 0–1, window by window; tells how it was made.

    Raises:
        InvalidInput: there is no supply, no cell is known in all of them, or the weights do not
            fit.
    """
    services = sorted(
        theme.removeprefix("supply.")
        for theme in scene.place.sources
        if theme.startswith("supply.")
    )
    layers = [f"supply.{service}" for service in services]
    make_layers(scene.place, layers)
    limits = layer_limits(scene.place, layers, layers)
    _require_values(limits)
    weights = _weights(scene, services, limits)
    scene.store.create(IMPORTANCE)
    with pointing_at(_SOURCES):
        scene.place.each(partial(_index, scene.store, services, limits, weights))
    shares = _shares(services, weights)
    return {
        "weighting": scene.parameters.sources.weighting,
        "services": [
            {
                "service": service,
                "weight": shares[service],
                "low": limits[f"supply.{service}"].low,
                "high": limits[f"supply.{service}"].high,
            }
            for service in services
        ],
    }


def _require_values(limits: Mapping[str, NormalisationLimits]) -> None:
    if not limits or any(np.isnan(one.low) for one in limits.values()):
        raise InvalidInput(
            f"no cell of the land has a value in all of the supplies ({', '.join(limits)})",
            message_zh=f"没有像元在全部供给图层中有值（{'、'.join(limits)}）",
            pointer="/inputs/supplies",
        )


def _weights(
    scene: Scene, services: list[str], limits: Mapping[str, NormalisationLimits]
) -> Mapping[str, float] | None:
    choice = scene.parameters.sources
    if choice.weighting == "given":
        return {str(service): weight for service, weight in choice.weights.items()}
    if choice.weighting == "equal":
        return None
    with pointing_at("/inputs"):
        return entropy_weights(
            {
                service: normalise(scene.whole(f"supply.{service}"), limits[f"supply.{service}"])
                for service in services
            }
        )


def _shares(services: list[str], weights: Mapping[str, float] | None) -> dict[str, float]:
    given = {service: 1.0 if weights is None else weights[service] for service in services}
    whole = sum(given.values())
    return {service: weight / whole for service, weight in given.items()}


def _index(
    store: ScratchStore,
    services: list[str],
    limits: Mapping[str, NormalisationLimits],
    weights: Mapping[str, float] | None,
    window: Window,
) -> None:
    supplies = {
        service: normalise(store.read(f"supply.{service}", window), limits[f"supply.{service}"])
        for service in services
    }
    store.write(IMPORTANCE, window, importance_index(supplies, weights))
