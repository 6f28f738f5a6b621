"""Settings: small classes, one per concern, read from `SHANHAI_*` in `main` and passed down."""

from pydantic_settings import BaseSettings

from shanhai.settings.access import (
    MAIL_ADDRESS,
    AuditSettings,
    OidcSettings,
    OutgoingSettings,
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
from shanhai.settings.stores import (
    ArtifactSettings,
    BackupSettings,
    DatabaseSettings,
    QueueSettings,
    RedisSettings,
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
