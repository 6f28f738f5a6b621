"""How observations come in and are kept, and what becomes of leads."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shanhai.settings.access import CommaSeparated, Port, SecretSettings
from shanhai.validation import Network, OptionalPath
from shanhai.vocabulary import CONTROL_KINDS, codes

LEAST_AREA = re.compile(r"\d{1,9}(\.\d{1,3})?", re.ASCII)


class Hj212Settings(BaseSettings):
    """Where devices push telegrams of HJ 212-2017; passwords and values travel in the clear."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_HJ212_", frozen=True)

    host: str = Field("", description="address the worker listens on; none: there is no gateway")
    port: Port = Field(8212, description="port the worker listens on")
    networks: CommaSeparated[Network] = Field(
        (), description="networks devices may connect from, comma separated; none: any"
    )
    connections: int = Field(
        1000, ge=1, le=100_000, description="devices connected at the same time, to one worker"
    )
    idle_s: float = Field(
        900.0, ge=1, le=86400, description="seconds of silence after which a device is disconnected"
    )
    longest_segment: int = Field(
        1024, ge=128, le=9999, description="bytes of a data segment; the standard allows 1024"
    )


class MqttSettings(SecretSettings):
    """Which MQTT broker observations are fetched from; one worker does so, others stand by."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_MQTT_")

    url: SecretStr = Field(
        SecretStr(""),
        description="`mqtt://user:password@host:1883`, or `mqtts://…` for TLS; none: no broker",
    )
    topics: CommaSeparated[str] = Field(
        ("shanhai/observations",),
        description="topics, comma separated: payloads are read like the body of"
        " POST /observations; where a topic names `{station}` and `{property}`, a number will do",
    )
    client_id: str = Field(
        "shanhai",
        pattern=r"^[0-9A-Za-z._-]{1,64}$",
        description="name under which the broker keeps what has not been fetched",
    )
    version: Literal["3.1.1", "5"] = Field("3.1.1", description="version of MQTT")
    tls_ca: OptionalPath = Field(
        None,
        description="certificate of the authority the broker is trusted by; none: the system's",
    )
    tls_cert: OptionalPath = Field(None, description="certificate shown to the broker")
    tls_key: OptionalPath = Field(None, description="private key of that certificate")
    keepalive_s: int = Field(
        30, ge=5, le=3600, description="seconds of silence after which the broker is asked"
    )
    session_s: int = Field(
        7 * 86400,
        ge=60,
        le=2**32 - 2,
        description="seconds the broker is asked to keep messages while nobody fetches (version 5)",
    )
    message_limit_bytes: int = Field(
        2**20, ge=64, le=2**28 - 1, description="largest payload accepted, in bytes"
    )

    @field_validator("topics")
    @classmethod
    def check_topics(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        """Station and property are named together; they and wildcards are whole levels."""
        for topic in topics:
            if topic.startswith("$share/"):
                raise ValueError(f"{topic!r}: no shared subscriptions: one worker fetches")
            levels = topic.split("/")
            named = [levels.count(name) for name in ("{station}", "{property}")]
            fixed = "".join({*levels} - {"{station}", "{property}", "+", "#"})
            if (
                named not in ([0, 0], [1, 1])
                or "#" in levels[:-1]
                or any(character in fixed for character in "{}+#\0")
            ):
                raise ValueError(
                    f"{topic!r}: {{station}} and {{property}} are named once each or never, and"
                    " they, + and a last # are whole levels"
                )
        return topics

    @model_validator(mode="after")
    def check_url(self) -> Self:
        """The address is complete, and certificates go with TLS."""
        url = self.url.get_secret_value()
        if not url:
            return self
        parts = urlsplit(url)
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname:
            raise ValueError("url must read mqtt://user:password@host:port or mqtts://…")
        if not self.topics:
            raise ValueError("a broker needs topics")
        if parts.scheme == "mqtt" and any((self.tls_ca, self.tls_cert, self.tls_key)):
            raise ValueError("tls_ca, tls_cert and tls_key need mqtts://")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key are given together")
        return self


LEAST_ARCHIVE_MONTHS = 3
"""Months that are over for less may still be needed for statistics of rows that are not old."""


class ObservationSettings(BaseSettings):
    """How observations are received."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_OBSERVATIONS_", frozen=True)

    skew_s: float = Field(
        300, ge=0, le=86_400, description="seconds a time may be ahead of the server's clock"
    )
    body_limit_bytes: int = Field(
        32 * 1024**2,
        ge=1024,
        le=1024**3,
        description="largest body of observations accepted, unpacked, in bytes; a request may need"
        " five times as much memory",
    )
    archive_after_months: int = Field(
        24,
        ge=0,
        le=1200,
        description="months after which a month that is over is put into a file; at least 3, or 0"
        " for never",
    )

    @field_validator("archive_after_months")
    @classmethod
    def _demand_over(cls, months: int) -> int:
        if 0 < months < LEAST_ARCHIVE_MONTHS:
            raise ValueError(
                f"must be 0 or at least {LEAST_ARCHIVE_MONTHS}"
                f" / 须为 0 或不小于 {LEAST_ARCHIVE_MONTHS}"
            )
        return months

    @property
    def skew(self) -> timedelta:
        """How far a time may be ahead of the server's clock."""
        return timedelta(seconds=self.skew_s)


class CaseSettings(BaseSettings):
    """Which leads open a case, and how long each step of it may take."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_CASES_", frozen=True)

    least_m2: CommaSeparated[str] = Field(
        ("red_line=400",),
        description="kinds of control areas that are watched, each with the square metres of it a"
        " lead must change to open a case, with commas: `red_line=400,protected_area=1000`",
    )
    verify_days: int = Field(15, ge=1, le=3650, description="days until a lead must be verified")
    decide_days: int = Field(
        10, ge=1, le=3650, description="days from there until its rectification or closing"
    )
    rectify_days: int = Field(
        90, ge=1, le=3650, description="days of a rectification, unless its step says otherwise"
    )

    @model_validator(mode="after")
    def _check_least(self) -> Self:
        for item in self.least_m2:
            kind, _, least = item.partition("=")
            if kind not in codes(CONTROL_KINDS) or not LEAST_AREA.fullmatch(least):
                raise ValueError(
                    f"SHANHAI_CASES_LEAST_M2: {item!r} is not a kind of control area and a number"
                    " of square metres, as in red_line=400"
                )
        return self

    @property
    def least(self) -> Mapping[str, float]:
        """The least changed area by kind of control area, in square metres."""
        pairs = (item.partition("=") for item in self.least_m2)
        return {kind: float(least) for kind, _, least in pairs}
