"""Run the API: `python -m shanhai_api`."""

import uvicorn

from shanhai import cli
from shanhai.isolation import hide_memory
from shanhai.loading import as_if_missing, loading
from shanhai.settings import ApiSettings, LogSettings

GRACE_S = 25
"""Seconds requests have to finish after the service has stopped accepting them."""


def main() -> None:
    """Serve until told to stop."""
    hide_memory()
    settings = ApiSettings()
    # Nothing that is loaded is garbage, and to look for it takes a fifth of a start; `settle` turns
    # it on again. Where there are several processes, they are begun anew and look. rich would be
    # loaded to draw tracebacks, which are written as lines here.
    with loading(), as_if_missing("rich"):
        if settings.workers > 1:
            from shanhai_api.kit.state import Configuration

            Configuration()  # what is wrong ends us, and not each process, which is begun anew
        uvicorn.run(
            "shanhai_api.app:create_from_environment",
            factory=True,
            http="shanhai.joined_writes:JoiningProtocol",
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            log_config=None,
            log_level=LogSettings().level.lower(),
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_S,
            timeout_keep_alive=15,
            h11_max_incomplete_event_size=64 * 1024,
        )


if __name__ == "__main__":
    cli.main(main)
