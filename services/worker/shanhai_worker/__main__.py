"""`python -m shanhai_worker`: run a worker with the settings of the environment."""

import asyncio
import logging
import os

import uvloop

from shanhai import cli, settings
from shanhai.loading import as_if_missing, loading
from shanhai.local.kernel_warmup import start_warming
from shanhai.raster.environment import check_isolation, restrict_gdal


def main() -> None:
    """Refuse to start where GDAL could be led astray; otherwise run until told to stop."""
    # Without rich, which structlog would load to draw tracebacks; they are written as lines here.
    with loading(), as_if_missing("rich"):
        from shanhai.telemetry import configure_logging, configure_tracing, stop_tracing
        from shanhai_worker.app import examine_isolation, serve
        from shanhai_worker.child_process import child_environment
    configure_logging(settings.LogSettings())
    configure_tracing("shanhai-worker")
    logging.getLogger("arq").setLevel(logging.WARNING)  # a line per wake-up says nothing
    restrict_gdal()  # the children inherit it
    check_isolation()
    worker, dask = settings.WorkerSettings(), settings.DaskSettings()
    isolation = examine_isolation(worker, dask)
    start_warming(child_environment(os.environ))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(worker, dask, isolation))
    stop_tracing()


if __name__ == "__main__":
    cli.main(main)
