"""Settings: small classes, one per concern, read from `SHANHAI_*` in `main` and passed down.

Here are those of the stores: where the truth, wake-ups, files and backups are kept.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shanhai.settings.access import (
    MAIL_ADDRESS,
    AuditSettings,
    OidcSettings,
    OutgoingSettings,
    ParticipationSettings,
    RateSettings,
    SmtpSettings,
    WebhookSettings,
)
from shanhai.settings.monitoring import (
    CaseSettings,
    Hj212Settings,
    MqttSettings,
    ObservationSettings,
)
from shanhai.settings.services import (
    ApiSettings,
    DaskSettings,
    LogSettings,
    PublicSettings,
    ServerSettings,
    TilesSettings,
    TileTokenSettings,
    WorkerSettings,
    require_closed,
)

__all__ = [
    "ALL_SETTINGS",
    "MAIL_ADDRESS",
    "ApiSettings",
    "ArtifactSettings",
    "AuditSettings",
    "BackupSettings",
    "CaseSettings",
    "DaskSettings",
    "DatabaseSettings",
    "Hj212Settings",
    "LogSettings",
    "MqttSettings",
    "ObservationSettings",
    "OidcSettings",
    "OutgoingSettings",
    "ParticipationSettings",
    "PublicSettings",
    "QueueSettings",
    "RateSettings",
    "RedisSettings",
    "ServerSettings",
    "SmtpSettings",
    "TileTokenSettings",
    "TilesSettings",
    "WebhookSettings",
    "WorkerSettings",
    "require_closed",
]


class DatabaseSettings(BaseSettings):
    """Where the truth is kept."""

    model_config = SettingsConfigDict(
        env_prefix="SHANHAI_DATABASE_", frozen=True, hide_input_in_errors=True
    )

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

    model_config = SettingsConfigDict(
        env_prefix="SHANHAI_REDIS_", frozen=True, hide_input_in_errors=True
    )

    url: SecretStr = Field(
        SecretStr(""),
        description="Redis URL, `redis://user:password@host:port/0`; none: nothing is kept in"
        " Redis, which takes SHANHAI_QUEUE=postgres",
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

    model_config = SettingsConfigDict(
        env_prefix="SHANHAI_BACKUP_", frozen=True, hide_input_in_errors=True
    )

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
    ParticipationSettings,
    LogSettings,
)
