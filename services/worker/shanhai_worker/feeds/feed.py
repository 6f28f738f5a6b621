"""The feeds that settings ask for."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from shanhai.settings import Hj212Settings, MqttSettings, ObservationSettings
from shanhai_worker.context import Context
from shanhai_worker.feeds import hj212_gateway, mqtt

Feed = Callable[[Context], Coroutine[Any, Any, None]]
"""Brings observations for ever."""


def feeds_named_in(
    hj212: Hj212Settings, mqtt_settings: MqttSettings, observations: ObservationSettings
) -> list[Feed]:
    """Those with an address."""
    skew = observations.skew
    feeds: list[Feed] = []
    if hj212.host:
        feeds.append(partial(hj212_gateway.run, settings=hj212, skew=skew))
    if mqtt_settings.url.get_secret_value():
        feeds.append(partial(mqtt.run, settings=mqtt_settings, skew=skew))
    return feeds
