"""Settings: small classes, one per concern, read from `SHANHAI_*` in `main` and passed down."""

import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shanhai.vocabulary import CONTROL_KINDS, Role, codes

ASYMMETRIC = frozenset(
    {
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
        *("ES256", "ES384", "ES512", "EdDSA"),
    }
)
"""Signature algorithms whose verifiers cannot sign."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
LOOPBACK_NETWORKS = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
HOST = re.compile(
    r"((\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*"
    r"|\[[0-9a-f:.]+\])(:[0-9]{1,5})?",
    re.ASCII | re.IGNORECASE,
)
"""A name, or an IPv6 address in brackets, and a port."""
SHORTEST_SECRET = 32
PROCESS_LIMITS = re.compile(
    r"[a-z][a-z0-9-]{0,79}=(51[2-9]|5[2-9]\d|[6-9]\d\d|[1-9]\d{3,7}):[1-9]\d{0,6}", re.ASCII
)
LEAST_AREA = re.compile(r"\d{1,9}(\.\d{1,3})?", re.ASCII)
MAIL_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII
)
"""An address without a name or comment, that cannot be more than one."""
Port = Annotated[int, Field(ge=1, le=65535)]


class DatabaseSettings(BaseSettings):
    """Where the truth is kept."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_DATABASE_", frozen=True)

    url: SecretStr = Field(
        description="PostgreSQL URL, `postgresql://user:password@host:port/name`"
    )
    pool_size: int = Field(
        10,
        ge=1,
        le=200,
        description="connections kept open per process; the API keeps up to twice as many more"
        " for reading",
    )
    statement_timeout_s: float = Field(
        5.0, gt=0, le=3600, description="seconds after which a statement of the API is cancelled"
    )
    timezone: str = Field(
        "Asia/Shanghai",
        min_length=1,
        description="IANA time zone whose day is today, in all that holds by days",
    )


class RedisSettings(BaseSettings):
    """Dispatch and caches; anything in it may be lost at any moment."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_REDIS_", frozen=True)

    url: SecretStr = Field(
        SecretStr(""),
        description="Redis URL, `redis://:password@host:port/0`; none: nothing is kept in Redis,"
        " which takes SHANHAI_QUEUE=postgres",
    )

    @property
    def address(self) -> str | None:
        """The URL; None where there is no Redis."""
        return self.url.get_secret_value() or None


class QueueSettings(BaseSettings):
    """Jobs that wait, and how workers learn of them; the jobs themselves are in PostgreSQL."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_", frozen=True)

    queue: Literal["redis", "postgres"] = Field(
        "redis", description="what wakes workers: Redis, or PostgreSQL's own notifications"
    )
    queue_waiting: int = Field(
        1000, ge=0, le=10**6, description="jobs one caller may have waiting; 0: no limit"
    )
    queue_running: int = Field(
        0, ge=0, le=10**4, description="jobs of one caller that run at the same time; 0: no limit"
    )


class ArtifactSettings(BaseSettings):
    """Where result files and uploads are kept."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_ARTIFACTS_", frozen=True)

    root: Path = Field(description="folder of the artifact store")
    upload_limit_bytes: int = Field(
        2 * 1024**3, ge=1024, description="largest upload accepted, in bytes"
    )
    document_limit_bytes: int = Field(
        100 * 1024**2, ge=1024, description="largest document of a project accepted, in bytes"
    )


class BackupSettings(BaseSettings):
    """How backups are made and restored."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_BACKUP_", frozen=True)

    recipient: str = Field(
        "", description="public key `age1…` that backups are encrypted for; needed to make them"
    )
    identity_file: Path | None = Field(
        None,
        description="file with the secret key of it; needed to restore, and nowhere else: keep it"
        " off the machines that make backups",
    )
    database_url: SecretStr = Field(
        SecretStr(""),
        description="PostgreSQL URL with an account that may replicate; none: that of the services",
    )
    every_s: float = Field(
        30.0, ge=1, le=3600, description="seconds between rounds of the archive of the log"
    )
    spool: Path | None = Field(
        None,
        description="folder where received log waits to be encrypted, which must outlive the"
        " process; none: `receiving` in the folder of backups",
    )


class AuditSettings(BaseSettings):
    """How workers look after the audit log."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_AUDIT_", frozen=True)

    every_s: float = Field(
        3600.0, ge=1, le=86400, description="seconds between looks whether the chain is whole"
    )
    heads: Path | None = Field(
        None,
        description="file to which the signed head of the chain is added each time; keep it, or"
        " copies of it, where who can change the database cannot; none: heads are not written",
    )
    key_file: Path | None = Field(
        None, description="file with the private key (Ed25519, PEM) heads are signed with"
    )

    @model_validator(mode="after")
    def check_key(self) -> Self:
        """Heads are signed or not written."""
        if self.heads is not None and self.key_file is None:
            raise ValueError("SHANHAI_AUDIT_HEADS needs SHANHAI_AUDIT_KEY_FILE")
        return self


class PublicSettings(BaseSettings):
    """How the world sees the services."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_", frozen=True)

    api_url: str = Field("http://localhost:8000", description="public base URL of the API")
    tiles_url: str = Field(
        "http://localhost:8001", description="public base URL of the tile service"
    )
    tiles_internal_url: str = Field(
        "",
        description="base URL of the tile service as workers reach it; none: the public one",
    )
    public_read: bool = Field(False, description="anonymous callers may read what is published")
    require_if_match: bool = Field(False, description="answer 428 to writes without If-Match")
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (), description="networks whose X-Forwarded-* headers are believed, comma separated"
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="origins whose pages may read tiles with an identity, comma separated; those of"
        " the two URLs always may, and any page what is public",
    )

    @field_validator("api_url", "tiles_url", "tiles_internal_url")
    @classmethod
    def drop_slash(cls, url: str) -> str:
        """Keep base URLs without a trailing slash so that links can be joined."""
        return url.rstrip("/")

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def split_networks(cls, value: object) -> object:
        """Accept `10.0.0.0/8,192.168.0.1`."""
        return [part for part in value.split(",") if part] if isinstance(value, str) else value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def split_origins(cls, value: object) -> object:
        """Accept `https://map.example,https://plan.example`."""
        if not isinstance(value, str):
            return value
        return [part.strip().rstrip("/") for part in value.split(",") if part.strip()]


class ServerSettings(BaseSettings):
    """Where one service listens."""

    model_config = SettingsConfigDict(frozen=True)

    host: str = Field("127.0.0.1", description="address to listen on")
    port: Port = Field(8000, description="port to listen on")
    workers: int = Field(1, ge=1, le=64, description="processes sharing the port")


class ApiSettings(ServerSettings):
    """Where the API listens."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_API_", frozen=True)


class TilesSettings(ServerSettings):
    """Where the tile service listens."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_TILES_", frozen=True)

    port: Port = Field(8001, description="port to listen on")
    blocks_mb: int = Field(
        128, ge=16, le=4096, description="unpacked blocks of rasters kept in memory, MB a process"
    )
    cache_mb: int = Field(
        64, ge=1, le=65536, description="drawn tiles kept in memory, MB a process"
    )
    store: Literal["none", "redis", "disk"] = Field(
        "none", description="where drawn tiles are kept beyond the memory of a process"
    )
    store_mb: int = Field(512, ge=16, le=10**7, description="room of that store, MB")
    store_folder: Path | None = Field(None, description="folder of the store `disk`")
    store_timeout_ms: int = Field(
        50, ge=5, le=5000, description="milliseconds the store `redis` is given to answer"
    )

    @model_validator(mode="after")
    def check_store(self) -> Self:
        """A store on disk has a folder."""
        if self.store == "disk" and self.store_folder is None:
            raise ValueError("the store disk needs SHANHAI_TILES_STORE_FOLDER")
        return self


class TileTokenSettings(BaseSettings):
    """Short-lived tokens that open layers to clients which can send no headers."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_TILE_TOKENS_", frozen=True)

    secret: SecretStr = Field(
        SecretStr(""),
        description="what tokens are signed with, at least 32 characters, the same for API, tiles"
        " and worker; none: there are no tokens",
    )
    longest_s: int = Field(
        3600, ge=10, le=7 * 24 * 3600, description="seconds for which a token may be valid"
    )

    @field_validator("secret")
    @classmethod
    def check_length(cls, secret: SecretStr) -> SecretStr:
        """A secret that can be guessed would open every draft."""
        if 0 < len(secret.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(f"the secret must have at least {SHORTEST_SECRET} characters")
        return secret


class WorkerSettings(BaseSettings):
    """How jobs are run."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_WORKER_", frozen=True)

    host: str = Field("127.0.0.1", description="address of the worker's health and metrics port")
    port: Port = Field(8002, description="port of the worker's health and metrics")
    slots: int = Field(2, ge=1, le=64, description="jobs run at the same time")
    processes: int = Field(1, ge=1, le=256, description="processes one job may use for its windows")
    scratch: Path | None = Field(
        None,
        description="folder for working files, also what is finished of jobs, for another attempt;"
        " default: the system's, and nothing is kept",
    )
    memory_limit_mb: int = Field(
        8192,
        ge=512,
        description="most memory of one job, MB: address space of each of its processes, and what"
        " all of them hold",
    )
    job_timeout_s: float = Field(6 * 3600, gt=0, description="longest run of one job, seconds")
    limits: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="limits of single processes instead of these and of their own, as"
        " `process=MB:seconds`, comma separated",
    )
    lease_s: float = Field(15.0, ge=1, le=600, description="seconds a claim holds without renewal")
    renew_s: float = Field(5.0, ge=0.2, le=300, description="seconds between renewals of the lease")
    poll_s: float = Field(5.0, ge=0.1, le=300, description="seconds between looks for lost jobs")
    max_crashes: int = Field(5, ge=1, le=100, description="crashes after which a job is failed")
    max_retries: int = Field(
        8, ge=0, le=100, description="times a job is tried again after a failure that may pass"
    )
    retry_first_s: float = Field(
        5.0, gt=0, le=3600, description="seconds until the first of these tries; each doubles them"
    )
    retry_longest_s: float = Field(
        600.0, gt=0, le=86400, description="most seconds between two tries"
    )
    finish_s: float = Field(
        20.0, ge=0, le=3600, description="seconds running jobs get to finish when told to stop"
    )

    @field_validator("limits", mode="before")
    @classmethod
    def split_limits(cls, value: object) -> object:
        """Accept `one=512:60,two=1024:600`."""
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]

    @field_validator("limits")
    @classmethod
    def check_limits(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        """Every entry names a process, megabytes and seconds."""
        for entry in entries:
            if not PROCESS_LIMITS.fullmatch(entry):
                raise ValueError(
                    f"{entry!r} must read process=MB:seconds, with 512 MB and 1 s at least, as in"
                    " delineate-zones=16384:7200"
                )
        return entries

    def limits_of(self, process: str) -> tuple[int, float] | None:
        """Megabytes and seconds set for a process; None where none are."""
        for entry in self.limits:
            name, _, limits = entry.partition("=")
            if name == process:
                memory_mb, _, time_s = limits.partition(":")
                return int(memory_mb), float(time_s)
        return None


class Hj212Settings(BaseSettings):
    """Where devices push telegrams of HJ 212-2017; passwords and values travel in the clear."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_HJ212_", frozen=True)

    host: str = Field("", description="address the worker listens on; none: there is no gateway")
    port: Port = Field(8212, description="port the worker listens on")
    networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
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

    @field_validator("networks", mode="before")
    @classmethod
    def split_networks(cls, value: object) -> object:
        """Accept `10.0.0.0/8,192.168.0.1`."""
        return [part for part in value.split(",") if part] if isinstance(value, str) else value


class MqttSettings(BaseSettings):
    """Which MQTT broker observations are fetched from; one worker does so, others stand by."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_MQTT_", frozen=True)

    url: SecretStr = Field(
        SecretStr(""),
        description="`mqtt://user:password@host:1883`, or `mqtts://…` for TLS; none: no broker",
    )
    topics: Annotated[tuple[str, ...], NoDecode] = Field(
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
    tls_ca: Path | None = Field(
        None,
        description="certificate of the authority the broker is trusted by; none: the system's",
    )
    tls_cert: Path | None = Field(None, description="certificate shown to the broker")
    tls_key: Path | None = Field(None, description="private key of that certificate")
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

    @field_validator("topics", mode="before")
    @classmethod
    def split_topics(cls, value: object) -> object:
        """Accept `one,two`."""
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]

    @field_validator("topics")
    @classmethod
    def check_topics(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        """Station and property are named together; they and wildcards are whole levels."""
        for topic in topics:
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

    least_m2: Annotated[tuple[str, ...], NoDecode] = Field(
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

    @field_validator("least_m2", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

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


class DaskSettings(BaseSettings):
    """Where windows of jobs are computed when not on the worker's own machine (Dask).

    Whoever reaches the scheduler can run any code on its workers, so it speaks TLS with
    certificates on both sides, or only to this machine, or to a network that is said to be closed.
    """

    model_config = SettingsConfigDict(env_prefix="SHANHAI_DASK_", frozen=True)

    scheduler: str = Field(
        "",
        description="address of the Dask scheduler, `tls://host:8786` or `tcp://host:8786`;"
        " none: windows are computed on the worker's machine",
    )
    tls_ca: Path | None = Field(None, description="certificate of the authority all parts trust")
    tls_cert: Path | None = Field(None, description="certificate of this part")
    tls_key: Path | None = Field(None, description="private key of this part")
    host: str = Field("127.0.0.1", description="address the scheduler listens on")
    port: Port = Field(8786, description="port the scheduler listens on")
    closed_network: bool = Field(
        False,
        description="only trusted processes reach the network, so TLS may be missing on it",
    )
    memory_limit_mb: int = Field(8192, ge=512, description="address space of one Dask worker, MB")

    @property
    def has_tls(self) -> bool:
        """Whether all parts of TLS are named."""
        return None not in (self.tls_ca, self.tls_cert, self.tls_key)

    @model_validator(mode="after")
    def check_address(self) -> Self:
        """The address is complete, and nobody is trusted without proof."""
        given = [path for path in (self.tls_ca, self.tls_cert, self.tls_key) if path is not None]
        if given and not self.has_tls:
            raise ValueError("tls_ca, tls_cert and tls_key are given together or not at all")
        if not self.scheduler:
            return self
        parts = urlsplit(self.scheduler)
        if parts.scheme not in {"tcp", "tls"} or not parts.hostname or not parts.port:
            raise ValueError(f"scheduler {self.scheduler!r} must read tls://host:port or tcp://…")
        if (parts.scheme == "tls") != self.has_tls:
            raise ValueError("tls:// needs tls_ca, tls_cert and tls_key, and they need tls://")
        require_closed(parts.hostname, tls=self.has_tls, closed=self.closed_network)
        return self


def require_closed(host: str, *, tls: bool, closed: bool) -> None:
    """Refuse a Dask address that strangers could reach.

    Raises:
        ValueError: neither TLS, nor this machine alone, nor a network said to be closed.
    """
    if not (tls or closed or host in LOOPBACK):
        raise ValueError(
            f"{host} without TLS: whoever reaches it could run any code; give certificates,"
            " or set SHANHAI_DASK_CLOSED_NETWORK when only trusted processes reach it"
        )


class OidcSettings(BaseSettings):
    """Whose tokens are accepted beside API keys (OpenID Connect)."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_OIDC_", frozen=True)

    issuer: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="issuers, comma separated; none: only API keys are accepted"
    )
    audience: str = Field("", description="audience that tokens must name; needed with an issuer")
    allowed_algorithms: Annotated[tuple[str, ...], NoDecode] = Field(
        ("RS256", "PS256", "ES256", "EdDSA"),
        description="signature algorithms, asymmetric ones only, comma separated",
    )
    roles_claim: str = Field(
        "", description="claim that names groups, as `groups` or `realm_access.roles`"
    )
    roles: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="roles by group, comma separated: `group=role` or `group=role@region`",
    )
    admin_proof: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="values of `amr` or `acr`, comma separated, one of which the role admin needs",
    )
    leeway_s: int = Field(60, ge=0, le=300, description="seconds clocks may differ")
    allow_loopback_http: bool = Field(
        False, description="accept issuers on this machine without TLS; for development"
    )

    @field_validator("issuer", "allowed_algorithms", "roles", "admin_proof", mode="before")
    @classmethod
    def split_members(cls, value: object) -> object:
        """Accept `one,two`."""
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]

    @field_validator("allowed_algorithms")
    @classmethod
    def check_asymmetric(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        """A secret shared with an issuer would let us make its tokens; `none` lets anyone."""
        for name in names:
            if name not in ASYMMETRIC:
                raise ValueError(f"{name} is not one of {', '.join(sorted(ASYMMETRIC))}")
        return names

    @field_validator("roles")
    @classmethod
    def check_roles(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        """Every entry names a group and a role there is; admin has no region."""
        for entry in entries:
            group, _, given = entry.rpartition("=")
            role, at, region = given.partition("@")
            if not group or role not in set(Role) or bool(at) != bool(region):
                raise ValueError(f"{entry!r} must read group=role or group=role@region")
            if role == Role.ADMIN and region:
                raise ValueError(f"{entry!r}: admin cannot be limited to a region")
        return entries

    @model_validator(mode="after")
    def check_issuers(self) -> Self:
        """Issuers are reached safely, and tokens must be meant for us."""
        for url in self.issuer:
            parts = urlsplit(url)
            plain = self.allow_loopback_http and parts.hostname in LOOPBACK
            if not parts.hostname or parts.scheme not in (
                {"https", "http"} if plain else {"https"}
            ):
                raise ValueError(f"issuer {url!r} must be an https URL")
        if self.issuer and not self.audience:
            raise ValueError("an audience is needed with an issuer")
        return self


class OutgoingSettings(BaseSettings):
    """Whom the services may ask or tell something by themselves."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_OUTGOING_", frozen=True)

    hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="hosts that may be reached by https, comma separated: `hooks.example.org`,"
        " `*.example.org`, with `:port` where it is not the usual one; none: only token issuers",
    )
    http_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="hosts, written alike, that may also be reached without TLS; for closed"
        " networks and development",
    )
    networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="networks inside that may be reached, comma separated; none: only addresses"
        " of the public internet",
    )
    tls_ca: Path | None = Field(
        None,
        description="file with certificates of authorities that are trusted beside the usual ones",
    )
    timeout_s: float = Field(
        5.0, ge=0.1, le=60, description="seconds until a request must have been answered"
    )

    @field_validator("hosts", "http_hosts", "networks", mode="before")
    @classmethod
    def split_members(cls, value: object) -> object:
        """Accept `one,two`."""
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]

    @field_validator("hosts", "http_hosts")
    @classmethod
    def check_hosts(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        """Names or addresses, not URLs; a star stands for whole levels, and not for everything."""
        for entry in entries:
            if not HOST.fullmatch(entry) or urlsplit(f"//{entry}").port == 0:
                raise ValueError(f"{entry!r} must read host, *.suffix, host:port or [address]:port")
        return entries

    def trusting(self, oidc: OidcSettings) -> Self:
        """These settings, with the issuers of tokens that the operator has named."""
        issuers = [urlsplit(url) for url in oidc.issuer]
        near = [parts.netloc for parts in issuers if parts.scheme == "http"]
        return self.model_copy(
            update={
                "hosts": (*self.hosts, *(parts.netloc for parts in issuers)),
                "http_hosts": (*self.http_hosts, *near),
                "networks": (*self.networks, *(LOOPBACK_NETWORKS if near else ())),
            }
        )


class WebhookSettings(BaseSettings):
    """How webhooks are kept."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_WEBHOOKS_", frozen=True)

    secret: SecretStr = Field(
        SecretStr(""),
        description="what the secrets of webhooks are encrypted with, at least 32 characters, the"
        " same for API and worker; none: there are no webhooks",
    )

    @field_validator("secret")
    @classmethod
    def check_length(cls, secret: SecretStr) -> SecretStr:
        """A secret that can be guessed would open every other."""
        if 0 < len(secret.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(f"the secret must have at least {SHORTEST_SECRET} characters")
        return secret


class SmtpSettings(BaseSettings):
    """Through which server mail is sent to people."""

    # What is wrong together is told without what was given: there are secrets in it.
    model_config = SettingsConfigDict(
        env_prefix="SHANHAI_SMTP_", frozen=True, hide_input_in_errors=True
    )

    host: str = Field("", description="mail server; none: no mail is sent")
    port: Port = Field(587, description="port of the mail server; 465 is usual with tls")
    tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="how the way to the server is secured: from the greeting on, or all"
    )
    tls_ca: Path | None = Field(
        None,
        description="certificate of the authority the server is trusted by; none: the system's",
    )
    user: str = Field("", description="name shown to the server; none: it asks for none")
    password: SecretStr = Field(SecretStr(""), description="password of that name")
    sender: str = Field("", description="address that mail comes from; needed with a host")
    timeout_s: float = Field(
        20.0, ge=1, le=40, description="seconds until a mail must have been handed over"
    )
    link_secret: SecretStr = Field(
        SecretStr(""),
        description="what links to unsubscribe are signed with, at least 32 characters, the same"
        " for API and worker; needed with a host",
    )

    @model_validator(mode="after")
    def check_together(self) -> Self:
        """A host has all it needs, and no password travels in the clear."""
        if bool(self.user) != bool(self.password.get_secret_value()):
            raise ValueError("user and password are given together or not at all")
        if not self.host:
            return self
        if not MAIL_ADDRESS.fullmatch(self.sender):
            raise ValueError("a mail server needs SHANHAI_SMTP_SENDER, an address as a@b.cn")
        if len(self.link_secret.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(
                f"SHANHAI_SMTP_LINK_SECRET must have at least {SHORTEST_SECRET} characters"
            )
        if self.tls == "none" and self.user and self.host not in LOOPBACK:
            raise ValueError("a password needs starttls or tls: it would travel in the clear")
        return self


class RateSettings(BaseSettings):
    """How much one caller may ask in a while; most requests cost 1, large ones more."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_RATE_", frozen=True)

    identity: int = Field(
        20_000, ge=0, le=10**9, description="cost an identity may cause per window; 0: no limit"
    )
    anonymous: int = Field(
        10_000,
        ge=0,
        le=10**9,
        description="cost an address without identity may cause; 0: no limit",
    )
    total: int = Field(
        0, ge=0, le=10**9, description="cost all callers together may cause; 0: no limit"
    )
    window_s: float = Field(
        10.0, ge=1, le=3600, description="seconds in which a spent allowance is whole again"
    )
    sync_s: float = Field(
        1.0, ge=0.05, le=60, description="seconds between comparisons of processes through Redis"
    )


class LogSettings(BaseSettings):
    """How the processes log."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_LOG_", frozen=True)

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least level")
    format: Literal["json", "console"] = Field(
        "json", description="one JSON object a line, or text"
    )


ALL_SETTINGS: tuple[type[BaseSettings], ...] = (
    DatabaseSettings,
    RedisSettings,
    QueueSettings,
    ArtifactSettings,
    BackupSettings,
    AuditSettings,
    PublicSettings,
    ApiSettings,
    TilesSettings,
    TileTokenSettings,
    WorkerSettings,
    Hj212Settings,
    MqttSettings,
    ObservationSettings,
    CaseSettings,
    DaskSettings,
    OidcSettings,
    OutgoingSettings,
    WebhookSettings,
    SmtpSettings,
    RateSettings,
    LogSettings,
)
