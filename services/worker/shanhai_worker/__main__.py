"""`python -m shanhai_worker`: run a worker with the settings of the environment."""

import asyncio
import logging

from shanhai.raster.environment import check_isolation, restrict_gdal
from shanhai.settings import (
    ArtifactSettings,
    AuditSettings,
    DaskSettings,
    DatabaseSettings,
    Hj212Settings,
    LogSettings,
    MqttSettings,
    ObservationSettings,
    OidcSettings,
    OutgoingSettings,
    PublicSettings,
    QueueSettings,
    RedisSettings,
    SmtpSettings,
    TileTokenSettings,
    WebhookSettings,
    WorkerSettings,
)
from shanhai.telemetry import configure_logging, configure_tracing, stop_tracing
from shanhai_worker.app import serve


def main() -> None:
    """Refuse to start where GDAL could be led astray; otherwise run until told to stop."""
    configure_logging(LogSettings())
    configure_tracing("shanhai-worker")
    logging.getLogger("arq").setLevel(logging.WARNING)  # a line per wake-up says nothing
    restrict_gdal()  # the children inherit it
    check_isolation()
    asyncio.run(
        serve(
            database=DatabaseSettings(),
            redis=RedisSettings(),
            queue=QueueSettings(),
            artifacts=ArtifactSettings(),
            worker=WorkerSettings(),
            dask=DaskSettings(),
            public=PublicSettings(),
            tokens=TileTokenSettings(),
            hj212=Hj212Settings(),
            mqtt=MqttSettings(),
            observations=ObservationSettings(),
            outgoing=OutgoingSettings(),
            webhooks=WebhookSettings(),
            smtp=SmtpSettings(),
            audit=AuditSettings(),
            oidc=OidcSettings(),
        )
    )
    stop_tracing()


if __name__ == "__main__":
    main()
