"""Serve tiles: `python -m shanhai_tiles`."""

import os

import uvicorn

from shanhai import cli
from shanhai.isolation import hide_memory
from shanhai.loading import loading
from shanhai.raster.environment import bound_arenas, check_isolation, restrict_gdal
from shanhai.settings import BasemapSettings, LogSettings, PublicSettings, TilesSettings
from shanhai.telemetry import configure_logging

GDAL_CACHE_MB = 16
GRACE_S = 25
"""Seconds requests have to finish after the service has stopped accepting them."""


def main() -> None:
    """Listen where the settings say, after proving that GDAL opens only what it is given."""
    hide_memory()
    settings, public = TilesSettings(), PublicSettings()
    BasemapSettings().check_named(public.basemaps)
    # Arrays of one tile are small: waking a second thread for them takes longer than the sum.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Blocks are kept by the service itself, once for all threads; processes it starts inherit this.
    restrict_gdal(cache_mb=GDAL_CACHE_MB)
    bound_arenas()
    check_isolation()
    configure_logging(LogSettings())
    proxies = [str(network) for network in public.trusted_proxies]
    # Nothing that is loaded is garbage; who makes the application turns this on again.
    with loading():
        if settings.workers > 1:
            from shanhai_tiles.app import read_settings

            read_settings()  # what is wrong ends us, and not each process, which is begun anew
        uvicorn.run(
            "shanhai_tiles.app:from_environment",
            factory=True,
            http="shanhai.joined_writes:JoiningProtocol",
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            timeout_graceful_shutdown=GRACE_S,
        )


if __name__ == "__main__":
    cli.main(main)
