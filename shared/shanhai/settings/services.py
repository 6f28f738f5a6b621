"""What the three services are told about themselves."""

import os
import re
from collections.abc import Sequence
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shanhai.errors import InvalidInput
from shanhai.settings.access import LOOPBACK, CommaSeparated, LongSecret, Port, SecretSettings
from shanhai.validation import Network, OptionalPath

PROCESS_LIMITS = re.compile(
    r"[a-z][a-z0-9-]{0,79}=(51[2-9]|5[2-9]\d|[6-9]\d\d|[1-9]\d{3,7}):[1-9]\d{0,6}", re.ASCII
)


BasemapLayer = Literal["vec", "cva", "img", "cia", "ter", "cta"]
"""A layer of a background map as 天地图 calls it: map, imagery, terrain, and the names on each."""
ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[1-9]\d{0,4})?", re.ASCII)


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
    public_echo: bool = Field(
        False,
        description="anonymous callers may run the process `echo`, as conformance suites do, and"
        " see each other's echoes; needs SHANHAI_PUBLIC_READ",
    )
    crs: CommaSeparated[int] = Field(
        (),
        description="EPSG numbers of the coordinate systems features are published in beside CRS84,"
        " comma separated, as 4490,4326,4548; none: all that are known",
    )
    require_if_match: bool = Field(False, description="answer 428 to writes without If-Match")
    trusted_proxies: CommaSeparated[Network] = Field(
        (), description="networks whose X-Forwarded-* headers are believed, comma separated"
    )
    cors_origins: CommaSeparated[str] = Field(
        (),
        description="origins whose pages may ask API and tile service with an identity of their own"
        " (never by cookies), as `https://map.example`, comma separated; those of the two URLs"
        " always may, and any page may read what is public",
    )

    basemaps: CommaSeparated[BasemapLayer] = Field(
        (),
        description="layers of background maps that the tile service shows through its own cache,"
        " comma separated: `vec` (map), `img` (imagery), `ter` (terrain), `cva`, `cia`, `cta` (the"
        " names on each); needs SHANHAI_BASEMAPS_TOKEN; none: there are no background maps",
    )
    basemaps_credit: str = Field(
        "天地图",
        min_length=1,
        max_length=120,
        pattern=r"^[^<>&\"\x00-\x1f]+$",
        description="what stands on maps with a background of whose it is, and its map approval"
        " number (审图号) as the provider gives it today",
    )

    @field_validator("api_url", "tiles_url", "tiles_internal_url")
    @classmethod
    def check_url(cls, url: str, info: ValidationInfo) -> str:
        """Keep base URLs without a trailing slash so that links can be joined."""
        needed = url or info.field_name != "tiles_internal_url"
        if needed and not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", url):
            raise ValueError("the address must read https://host or https://host/path")
        return url.rstrip("/")

    @model_validator(mode="after")
    def check_echo(self) -> Self:
        """Whoever runs a job must be able to read it."""
        if self.public_echo and not self.public_read:
            raise ValueError("SHANHAI_PUBLIC_ECHO needs SHANHAI_PUBLIC_READ")
        return self

    @field_validator("crs")
    @classmethod
    def check_crs(cls, numbers: tuple[int, ...]) -> tuple[int, ...]:
        """Each is of a system that features are known in."""
        if unknown := {*numbers} - {3857, 4326, 4490, *range(4513, 4555)}:
            raise ValueError(f"{min(unknown)} is none of 3857, 4326, 4490 and 4513 to 4554")
        return numbers

    @field_validator("cors_origins")
    @classmethod
    def check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        """Each is one origin as browsers write it: neither `*` nor `null`, which anyone can be."""
        origins = tuple(origin.rstrip("/") for origin in origins)
        for origin in origins:
            if not ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} must read https://host or https://host:port")
        return origins


class ServerSettings(BaseSettings):
    """Where one service listens."""

    model_config = SettingsConfigDict(frozen=True)

    host: str = Field("127.0.0.1", description="address to listen on")
    port: Port = Field(8000, description="port to listen on")
    workers: int = Field(
        1, ge=1, le=64, description="processes sharing the port; `/metrics` is of any one of them"
    )
    most_requests: int = Field(
        500,
        ge=1,
        le=100_000,
        description="requests a process has in hand at most; others are answered 503 at once",
    )
    drain_s: float = Field(
        5.0,
        ge=0,
        le=60,
        description="seconds after a stop signal in which requests are still accepted while the"
        " service says that it is not ready",
    )


class ApiSettings(ServerSettings):
    """Where the API listens."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_API_", frozen=True)

    most_of_one: int = Field(
        125,
        ge=1,
        le=100_000,
        description="of the requests in hand, at most so many of one address and of one credential;"
        " others of theirs are answered 429 at once",
    )


class TilesSettings(ServerSettings):
    """Where the tile service listens."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_TILES_", frozen=True)

    port: Port = Field(8001, description="port to listen on")
    blocks_mb: int = Field(
        128, ge=16, le=4096, description="unpacked blocks of rasters kept in memory, MB a process"
    )
    blocks_disk_mb: int = Field(
        1024,
        ge=0,
        le=10**7,
        description="more of them in a file in SHANHAI_ARTIFACTS_CACHE, MB a process; without that"
        " folder in memory alone",
    )
    cache_mb: int = Field(
        64, ge=1, le=65536, description="drawn tiles kept in memory, MB a process"
    )
    store: Literal["none", "redis", "disk"] = Field(
        "none", description="where drawn tiles are kept beyond the memory of a process"
    )
    store_mb: int = Field(512, ge=16, le=10**7, description="room of that store, MB")
    store_folder: OptionalPath = Field(None, description="folder of the store `disk`")
    store_timeout_ms: int = Field(
        50, ge=5, le=5000, description="milliseconds the store `redis` is given to answer"
    )

    @model_validator(mode="after")
    def check_store(self) -> Self:
        """A store on disk has a folder."""
        if self.store == "disk" and self.store_folder is None:
            raise ValueError("the store disk needs SHANHAI_TILES_STORE_FOLDER")
        return self


class BasemapSettings(SecretSettings):
    """Whose background maps the tile service asks for, and how long it keeps them."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_BASEMAPS_")

    url: str = Field(
        "https://t0.tianditu.gov.cn",
        max_length=200,
        description="address before `/vec_w/wmts` of a WMTS with 天地图's layers in web mercator;"
        " its host may be asked by https, and what else it takes is in SHANHAI_OUTGOING_*",
    )
    token: SecretStr = Field(
        SecretStr(""),
        description="token (tk) of the provider for programs on servers; the tile service alone"
        " needs it",
    )
    fresh_s: int = Field(
        7 * 24 * 3600,
        ge=60,
        le=365 * 24 * 3600,
        description="seconds after which a tile is asked for again; the old one is shown for as"
        " long as the provider does not answer",
    )
    cache_mb: int = Field(
        32, ge=1, le=65536, description="tiles of them kept in memory, MB a process"
    )
    store_mb: int = Field(
        256, ge=16, le=10**7, description="room for them in SHANHAI_TILES_STORE, MB"
    )

    @field_validator("url")
    @classmethod
    def check_url(cls, url: str) -> str:
        """An address without anything that a layer's own part would have to follow."""
        parts = urlsplit(url)
        plain = not (parts.query or parts.fragment or parts.username or parts.password)
        if parts.scheme not in {"http", "https"} or not parts.hostname or not plain:
            raise ValueError("the address must read https://host or https://host/path")
        return url.rstrip("/")

    @field_validator("token")
    @classmethod
    def check_token(cls, token: SecretStr) -> SecretStr:
        """It stands in an address."""
        told = token.get_secret_value()
        if told and re.fullmatch("[A-Za-z0-9_-]{8,128}", told) is None:
            raise ValueError("the token has 8 to 128 characters of A-Z, a-z, 0-9, _ and -")
        return token

    def check_named(self, layers: Sequence[BasemapLayer]) -> None:
        """Refuse layers that could not be asked for.

        Raises:
            InvalidInput: there are some, and no token.
        """
        if layers and not self.token.get_secret_value():
            named = ",".join(layers)
            raise InvalidInput(
                f"SHANHAI_BASEMAPS is {named!r}; the tile service needs SHANHAI_BASEMAPS_TOKEN to"
                " ask for them",
                message_zh=f"SHANHAI_BASEMAPS 为 {named!r}；瓦片服务需要 SHANHAI_BASEMAPS_TOKEN"
                " 才能获取这些底图",
                pointer="SHANHAI_BASEMAPS_TOKEN",
            )


class TileTokenSettings(SecretSettings):
    """Short-lived tokens that open layers to clients which can send no headers."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_TILE_TOKENS_")

    secret: LongSecret = Field(
        SecretStr(""),
        description="what tokens are signed with, at least 32 characters, the same for API, tiles"
        " and worker; none: there are no tokens",
    )
    longest_s: int = Field(
        3600, ge=10, le=7 * 24 * 3600, description="seconds for which a token may be valid"
    )


MOST_PROCESSES = 4
"""Of a job, where nobody says how many: each holds a window's arrays, and other jobs run too."""


class WorkerSettings(BaseSettings):
    """How jobs are run."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_WORKER_", frozen=True)

    host: str = Field("127.0.0.1", description="address of the worker's health and metrics port")
    port: Port = Field(8002, description="port of the worker's health and metrics")
    slots: int = Field(2, ge=1, le=64, description="jobs run at the same time")
    processes: int | None = Field(
        None,
        ge=1,
        le=256,
        description="processes one job may use for its windows; default: one for each core of the"
        f" machine, at most {MOST_PROCESSES}",
    )
    scratch: OptionalPath = Field(
        None,
        description="folder for working files, also what is finished of jobs, for another attempt;"
        " default: the system's, and nothing is kept",
    )
    keep_from_s: float = Field(
        0.5,
        ge=0,
        le=3600,
        description="seconds a window or step of a job must take to be kept for another attempt",
    )
    steps_mb: int = Field(
        4096,
        ge=0,
        le=1_048_576,
        description="MB in that folder for finished steps that serve other jobs of the same inputs;"
        " those asked for longest ago go first; 0: none are kept",
    )
    isolation: Literal["required", "preferred"] = Field(
        "preferred",
        description="`required`: do not start where the processes of jobs cannot be isolated;"
        " `preferred`: isolate them as far as the machine can",
    )
    account: int | None = Field(
        None,
        ge=1,
        lt=2**32 - 1,
        description="number of the account the processes of jobs run as, for a worker that root"
        " starts; it must be able to read the artifacts; none: the worker's own",
    )
    memory_limit_mb: int = Field(
        8192,
        ge=512,
        description="most memory of one job, MB: address space of each of its processes, and what"
        " all of them hold",
    )
    job_timeout_s: float = Field(6 * 3600, gt=0, description="longest run of one job, seconds")
    limits: CommaSeparated[str] = Field(
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

    @model_validator(mode="after")
    def check_renewal(self) -> Self:
        """A claim is renewed before it ends; else others take the job, again and again."""
        if self.renew_s >= self.lease_s:
            raise ValueError("SHANHAI_WORKER_RENEW_S must be less than SHANHAI_WORKER_LEASE_S")
        return self

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

    def processes_of_a_job(self) -> int:
        """As many as are set; else one for each core that this process may use, a few at most."""
        return self.processes or min(len(os.sched_getaffinity(0)), MOST_PROCESSES)

    def limits_of(self, process: str) -> tuple[int, float] | None:
        """Megabytes and seconds set for a process; None where none are."""
        for entry in self.limits:
            name, _, limits = entry.partition("=")
            if name == process:
                memory_mb, _, time_s = limits.partition(":")
                return int(memory_mb), float(time_s)
        return None


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
    tls_ca: OptionalPath = Field(None, description="certificate of the authority all parts trust")
    tls_cert: OptionalPath = Field(None, description="certificate of this part")
    tls_key: OptionalPath = Field(None, description="private key of this part")
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


class LogSettings(BaseSettings):
    """How the processes log."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_LOG_", frozen=True)

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least level")
    format: Literal["json", "console"] = Field(
        "json", description="one JSON object a line, or text"
    )
