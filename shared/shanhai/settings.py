"""Settings: small classes, one per concern, read from `SHANHAI_*` in `main` and passed down."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

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
        description="connections kept open per process; the API keeps as many more for reading",
    )
    statement_timeout_s: float = Field(
        5.0, gt=0, le=3600, description="seconds after which a statement of the API is cancelled"
    )


class RedisSettings(BaseSettings):
    """Dispatch and caches; anything in it may be lost at any moment."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_REDIS_", frozen=True)

    url: SecretStr = Field(description="Redis URL, `redis://:password@host:port/0`")


class ArtifactSettings(BaseSettings):
    """Where result files and uploads are kept."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_ARTIFACTS_", frozen=True)

    root: Path = Field(description="folder of the artifact store")
    upload_limit_bytes: int = Field(
        2 * 1024**3, ge=1024, description="largest upload accepted, in bytes"
    )


class PublicSettings(BaseSettings):
    """How the world sees the services."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_", frozen=True)

    api_url: str = Field("http://localhost:8000", description="public base URL of the API")
    tiles_url: str = Field(
        "http://localhost:8001", description="public base URL of the tile service"
    )
    public_read: bool = Field(False, description="anonymous callers may read what is published")
    require_if_match: bool = Field(False, description="answer 428 to writes without If-Match")
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (), description="networks whose X-Forwarded-* headers are believed, comma separated"
    )

    @field_validator("api_url", "tiles_url")
    @classmethod
    def drop_slash(cls, url: str) -> str:
        """Keep base URLs without a trailing slash so that links can be joined."""
        return url.rstrip("/")

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def split_networks(cls, value: object) -> object:
        """Accept `10.0.0.0/8,192.168.0.1`."""
        return [part for part in value.split(",") if part] if isinstance(value, str) else value


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
    gdal_cache_mb: int = Field(128, ge=16, le=4096, description="GDAL block cache per process, MB")


class WorkerSettings(BaseSettings):
    """How jobs are run."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_WORKER_", frozen=True)

    host: str = Field("127.0.0.1", description="address of the worker's health and metrics port")
    port: Port = Field(8002, description="port of the worker's health and metrics")
    slots: int = Field(2, ge=1, le=64, description="jobs run at the same time")
    processes: int = Field(1, ge=1, le=256, description="processes one job may use for its windows")
    scratch: Path | None = Field(
        None, description="folder for working files; default: the system's"
    )
    memory_limit_mb: int = Field(8192, ge=512, description="address space of one job's process, MB")
    job_timeout_s: float = Field(6 * 3600, gt=0, description="longest run of one job, seconds")
    lease_s: float = Field(15.0, ge=1, le=600, description="seconds a claim holds without renewal")
    renew_s: float = Field(5.0, ge=0.2, le=300, description="seconds between renewals of the lease")
    poll_s: float = Field(5.0, ge=0.1, le=300, description="seconds between looks for lost jobs")
    max_crashes: int = Field(5, ge=1, le=100, description="crashes after which a job is failed")
    finish_s: float = Field(
        20.0, ge=0, le=3600, description="seconds running jobs get to finish when told to stop"
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
    ArtifactSettings,
    PublicSettings,
    ApiSettings,
    TilesSettings,
    WorkerSettings,
    LogSettings,
)
