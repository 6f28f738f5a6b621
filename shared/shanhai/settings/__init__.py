"""Settings: small classes, one per concern, read from `SHANHAI_*` in `main` and passed down.

Here are those of the stores: where the truth, wake-ups, files and backups are kept.
"""

import re
import tempfile
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shanhai.settings.access import (
    MAIL_ADDRESS,
    AuditSettings,
    CryptoSettings,
    KeySettings,
    OidcSettings,
    OutgoingSettings,
    ParticipationSettings,
    RateSettings,
    SecretSettings,
    SignInSettings,
    SmtpSettings,
    Suite,
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
    BasemapLayer,
    BasemapSettings,
    DaskSettings,
    LogSettings,
    PublicSettings,
    ServerSettings,
    TilesSettings,
    TileTokenSettings,
    WorkerSettings,
    require_closed,
)
from shanhai.validation import OptionalPath

__all__ = [
    "ALL_SETTINGS",
    "MAIL_ADDRESS",
    "ApiSettings",
    "ArtifactSettings",
    "AuditSettings",
    "BackupSettings",
    "BasemapLayer",
    "BasemapSettings",
    "CaseSettings",
    "CryptoSettings",
    "DaskSettings",
    "DatabaseSettings",
    "Hj212Settings",
    "KeySettings",
    "LogSettings",
    "MqttSettings",
    "ObservationSettings",
    "OidcSettings",
    "OutgoingSettings",
    "ParticipationSettings",
    "ProvisioningSettings",
    "PublicSettings",
    "QueueSettings",
    "RateSettings",
    "RedisSettings",
    "ServerSettings",
    "SignInSettings",
    "SmtpSettings",
    "Suite",
    "TileTokenSettings",
    "TilesSettings",
    "WebhookSettings",
    "WorkerSettings",
    "require_closed",
]


class DatabaseSettings(SecretSettings):
    """Where the truth is kept."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_DATABASE_")

    url: SecretStr = Field(
        description="PostgreSQL URL, `postgresql://user:password@host:port/name`"
    )
    pool_size: int = Field(
        10,
        ge=1,
        le=200,
        description="connections kept open per process; the API keeps up to twice as many more"
        " for reading, and two for observations",
    )
    read_url: SecretStr = Field(
        SecretStr(""),
        description="PostgreSQL URL of a standby, as SHANHAI_DATABASE_URL; the API reads there what"
        " callers are shown who may not write; none: all is read from the primary",
    )
    read_lag_s: float = Field(
        5.0,
        ge=0.2,
        le=300,
        description="seconds the standby may be behind; while it is further, or away, the primary"
        " is read from",
    )
    statement_timeout_s: float = Field(
        5.0, gt=0, le=3600, description="seconds after which a statement of the API is cancelled"
    )
    timezone: str = Field(
        "Asia/Shanghai",
        min_length=1,
        description="IANA time zone whose day is today, in all that holds by days",
    )

    @field_validator("timezone")
    @classmethod
    def check_timezone(cls, name: str) -> str:
        """A zone there is."""
        if name not in available_timezones():
            raise ValueError(f"there is no time zone {name!r} / 没有时区 {name!r}")
        return name

    @field_validator("url", "read_url")
    @classmethod
    def check_url(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        """Addresses of PostgreSQL, which are not told: they hold passwords."""
        told = value.get_secret_value()
        if re.match(r"postgres(ql)?(\+\w+)?://", told) or (not told and info.field_name != "url"):
            return value
        raise ValueError("the address must read postgresql://user:password@host:port/name")


class ProvisioningSettings(SecretSettings):
    """The passwords `shanhai db provision` gives the database's accounts by role."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_DB_")

    owner_password: SecretStr = Field(
        SecretStr(""), description="of shanhai_owner, who has the tables and runs migrations"
    )
    api_password: SecretStr = Field(SecretStr(""), description="of shanhai_api")
    worker_password: SecretStr = Field(SecretStr(""), description="of shanhai_worker")
    tiles_password: SecretStr = Field(
        SecretStr(""), description="of shanhai_tiles, who reads what tiles are drawn of"
    )
    backup_password: SecretStr = Field(
        SecretStr(""), description="of shanhai_backup, who may replicate"
    )

    @field_validator("*")
    @classmethod
    def check_password(cls, password: SecretStr) -> SecretStr:
        """They stand in URLs, and nobody types them."""
        told = password.get_secret_value()
        if told and re.fullmatch("[A-Za-z0-9_-]{16,128}", told) is None:
            raise ValueError("a password has 16 to 128 characters of A-Z, a-z, 0-9, _ and -")
        return password


class RedisSettings(SecretSettings):
    """Dispatch and caches; anything in it may be lost at any moment."""

    model_config = SettingsConfigDict(env_prefix="SHANHAI_REDIS_")

    url: SecretStr = Field(
        SecretStr(""),
        description="Redis URL, `redis://user:password@host:port/0`; none: nothing is kept in"
        " Redis, which takes SHANHAI_QUEUE=postgres",
    )

    @field_validator("url")
    @classmethod
    def check_url(cls, value: SecretStr) -> SecretStr:
        """An address of Redis, which is not told: it may hold a password."""
        if re.match("rediss?://|unix://|$", value.get_secret_value()):
            return value
        raise ValueError("the address must read redis://user:password@host:port/0")

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


S3_ADDRESS = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?P<prefix>/[^?# ]*)?")
ANY_ADDRESS = re.compile("s3:|[a-z0-9+.-]{2,}:/", re.IGNORECASE)
"""How an address begins, also one with a slash too few."""


def bucket_named_in(address: str) -> tuple[str, str] | None:
    """Bucket and prefix (empty for none) of `s3://bucket/prefix`; None for the path of a folder.

    Raises:
        ValueError: it is neither, but begins as an address does, or is empty.
    """
    found = S3_ADDRESS.fullmatch(address)
    if found is None and (not address or ANY_ADDRESS.match(address)):
        raise ValueError(
            "must be a folder or s3://bucket/prefix; a bucket has 3 to 63 of a-z, 0-9, - and ."
            " / 须为文件夹或 s3://存储桶/前缀；存储桶名限 a-z、0-9、- 和 .，共 3 至 63 个字符"
        )
    return None if found is None else (found["bucket"], (found["prefix"] or "").strip("/"))


class BucketSettings(BaseSettings):
    """How a bucket is reached, of any service that speaks S3."""

    s3_endpoint: str = Field(
        "",
        pattern="^(https?://[^/@ ]+)?$",
        description="URL of that service; none: that of Amazon S3 in the region",
    )
    s3_region: str = Field("us-east-1", min_length=1, description="region requests are signed for")
    s3_access_key_id: str = Field(
        "", description="key id; none: that of the machine, as Amazon's own programs find it"
    )
    s3_secret_access_key: SecretStr = Field(SecretStr(""), description="secret of the key")
    s3_session_token: SecretStr = Field(
        SecretStr(""), description="token of a key that ends; see also the file of credentials"
    )
    s3_credentials_file: OptionalPath = Field(
        None,
        description="JSON file with access_key_id, secret_access_key, session_token and expires"
        " (RFC 3339), read anew before they end: for credentials that somebody else renews",
    )
    s3_path_style: bool = Field(
        True,
        description="the bucket is named in the path, as MinIO wants it; false: in the host name,"
        " as Alibaba OSS does",
    )

    @model_validator(mode="after")
    def check_key(self) -> Self:
        """A key has its secret."""
        if bool(self.s3_access_key_id) != bool(self.s3_secret_access_key.get_secret_value()):
            prefix = self.model_config.get("env_prefix", "")
            raise ValueError(
                f"{prefix}S3_ACCESS_KEY_ID and {prefix}S3_SECRET_ACCESS_KEY go together"
            )
        host = urlsplit(self.s3_endpoint).hostname or ""
        if not self.s3_path_style and (":" in host or host.replace(".", "").isdecimal()):
            raise ValueError("S3_PATH_STYLE=false needs an endpoint with a name, not an address")
        return self


class ArtifactSettings(BucketSettings):
    """Where result files and uploads are kept."""

    model_config = SettingsConfigDict(
        env_prefix="SHANHAI_ARTIFACTS_", frozen=True, hide_input_in_errors=True
    )

    root: Path | str = Field(
        description="the artifact store: a folder, or `s3://bucket/prefix` of any service that"
        " speaks S3"
    )
    s3_conditional: bool = Field(
        True,
        description="the service knows If-None-Match when something is stored; false for Alibaba"
        " OSS",
    )
    s3_signed_s: int = Field(
        0,
        ge=0,
        le=7 * 24 * 3600,
        description="seconds for which a signed address is valid to which downloads of files are"
        " sent; 0: they are passed through",
    )
    cache: OptionalPath = Field(
        None,
        description="folder on a disk for what was fetched from an object store, for files that are"
        " exported and for blocks of rasters; none: in the system's folder for temporary files",
    )
    cache_mb: int = Field(
        10 * 1024,
        ge=64,
        description="room for that in MiB; more is taken for what was used within ten minutes",
    )
    upload_limit_bytes: int = Field(
        2 * 1024**3, ge=1024, description="largest upload accepted, in bytes"
    )
    uploads: int = Field(
        500, ge=0, description="uploads one identity may have waiting; 0: no limit"
    )
    uploads_bytes: int = Field(
        20 * 1024**3, ge=0, description="bytes of all uploads of one identity; 0: no limit"
    )
    region_uploads: int = Field(
        5000, ge=0, description="uploads of all who work in one region; 0: no limit"
    )
    region_uploads_bytes: int = Field(
        200 * 1024**3, ge=0, description="bytes of all uploads of a region; 0: no limit"
    )
    document_limit_bytes: int = Field(
        100 * 1024**2, ge=1024, description="largest document of a project accepted, in bytes"
    )

    @field_validator("root")
    @classmethod
    def check_root(cls, root: Path | str) -> Path | str:
        """An address of a bucket has one."""
        bucket_named_in(str(root))
        return root

    @property
    def bucket(self) -> str | None:
        """The bucket's name; None where the store is a folder."""
        found = bucket_named_in(str(self.root))
        return None if found is None else found[0]

    @property
    def prefix(self) -> str:
        """What all names in the bucket begin with; empty for none."""
        found = bucket_named_in(str(self.root))
        return "" if found is None else found[1]

    @property
    def folder(self) -> Path:
        """Folder of the store; of what was fetched, where the store is none."""
        if self.bucket is None:
            return Path(self.root)
        return self.cache or Path(tempfile.gettempdir()) / "shanhai-artifacts"


class BackupSettings(BucketSettings):
    """How backups are made and restored."""

    model_config = SettingsConfigDict(
        env_prefix="SHANHAI_BACKUP_", frozen=True, hide_input_in_errors=True
    )

    recipient: str = Field(
        "",
        description="public key `age1…` or `sm2-…` that backups are encrypted for; needed to make"
        " them",
    )
    identity_file: OptionalPath = Field(
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
    synchronous: bool = Field(
        False,
        description="archive the log as it is received, not only whole files of it, every 5 s or"
        " oftener; with synchronous_standby_names = 'shanhai_archive' in PostgreSQL, commits also"
        " wait until the archive has them, and for as long as none runs",
    )
    spool: OptionalPath = Field(
        None,
        description="folder where received log waits to be encrypted, which must outlive the"
        " process; none: `receiving` in the folder of backups; needed where that is a bucket",
    )


ALL_SETTINGS: tuple[type[BaseSettings], ...] = (
    DatabaseSettings,
    ProvisioningSettings,
    RedisSettings,
    QueueSettings,
    ArtifactSettings,
    BackupSettings,
    CryptoSettings,
    AuditSettings,
    PublicSettings,
    ApiSettings,
    TilesSettings,
    TileTokenSettings,
    BasemapSettings,
    WorkerSettings,
    Hj212Settings,
    MqttSettings,
    ObservationSettings,
    CaseSettings,
    DaskSettings,
    OidcSettings,
    SignInSettings,
    OutgoingSettings,
    WebhookSettings,
    SmtpSettings,
    KeySettings,
    RateSettings,
    ParticipationSettings,
    LogSettings,
)
