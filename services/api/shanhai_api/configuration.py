"""All the settings the API needs, read once."""

from dataclasses import dataclass, field

from shanhai.settings import (
    ApiSettings,
    ArtifactSettings,
    CaseSettings,
    DatabaseSettings,
    LogSettings,
    ObservationSettings,
    OidcSettings,
    OutgoingSettings,
    PublicSettings,
    QueueSettings,
    RateSettings,
    RedisSettings,
    SmtpSettings,
    TileTokenSettings,
    WebhookSettings,
)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings, by concern; what is not given is read from the environment."""

    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
    artifacts: ArtifactSettings = field(default_factory=ArtifactSettings)
    public: PublicSettings = field(default_factory=PublicSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    log: LogSettings = field(default_factory=LogSettings)
    oidc: OidcSettings = field(default_factory=OidcSettings)
    outgoing: OutgoingSettings = field(default_factory=OutgoingSettings)
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    smtp: SmtpSettings = field(default_factory=SmtpSettings)
    rate: RateSettings = field(default_factory=RateSettings)
    tile_tokens: TileTokenSettings = field(default_factory=TileTokenSettings)
    observations: ObservationSettings = field(default_factory=ObservationSettings)
    cases: CaseSettings = field(default_factory=CaseSettings)
    queue: QueueSettings = field(default_factory=QueueSettings)
