"""`python -m shanhai.raster.dask_service scheduler|worker`: a part of a Dask cluster.

Neither knows the database, Redis or any key of theirs. There is no dashboard, and the port for
its pages is open to this machine alone.
"""

import asyncio
import resource
import ssl
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog

from shanhai.errors import InvalidInput, Unavailable
from shanhai.raster.dask_security import load_distributed, security_of
from shanhai.raster.environment import check_isolation, restrict_gdal
from shanhai.settings import DaskSettings, LogSettings, require_closed
from shanhai.shutdown import stop_on_signals
from shanhai.telemetry import configure_logging

if TYPE_CHECKING:
    from distributed import Worker

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

NO_PAGES = "127.0.0.1:0"


def main() -> None:
    """Run the part named by the first argument until told to stop."""
    configure_logging(LogSettings())
    load_distributed()
    settings = DaskSettings()
    try:
        asyncio.run(PARTS[sys.argv[1]](settings))
    except (InvalidInput, Unavailable) as error:
        sys.exit(f"{error.title.en}: {error.message}")
    except ssl.SSLError as error:
        files = f"{settings.tls_ca}, {settings.tls_cert}, {settings.tls_key}"
        sys.exit(f"SHANHAI_DASK_TLS_CA, _CERT, _KEY ({files}): no trust in the scheduler: {error}")
    except RuntimeError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        sys.exit(f"SHANHAI_DASK_HOST, SHANHAI_DASK_PORT: {error.__cause__}")


async def serve_scheduler(settings: DaskSettings) -> None:
    """Run the scheduler until SIGTERM or SIGINT.

    Raises:
        InvalidInput: strangers could reach it.
    """
    from distributed import Scheduler

    try:
        require_closed(settings.host, tls=settings.has_tls, closed=settings.closed_network)
    except ValueError as error:
        raise InvalidInput(str(error)) from error
    stop = stop_on_signals()
    async with Scheduler(
        host=f"[{settings.host}]" if ":" in settings.host else settings.host,
        port=settings.port,
        protocol="tls" if settings.has_tls else "tcp",
        security=security_of(settings.tls_ca, settings.tls_cert, settings.tls_key),
        dashboard=False,
        dashboard_address=NO_PAGES,
    ) as scheduler:
        log.info("scheduler started", address=scheduler.address)
        await stop.wait()


async def serve_worker(settings: DaskSettings) -> None:
    """Compute windows, one at a time, until SIGTERM or SIGINT; a lost scheduler is waited for.

    Raises:
        InvalidInput: no scheduler is named.
    """
    from distributed import Worker

    if not settings.scheduler:
        raise InvalidInput("SHANHAI_DASK_SCHEDULER names no scheduler to work for")
    restrict_gdal()
    check_isolation()
    from shanhai.raster.dask_files import DELIVER, deliver  # loads GDAL, which is restricted now

    limit = settings.memory_limit_mb * 1024**2
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    security = security_of(settings.tls_ca, settings.tls_cert, settings.tls_key)
    # Whoever reaches a worker, too, can run any code: without TLS it listens as the scheduler does.
    own = settings.scheduler.partition("://")[2].rpartition(":")[0]
    stop = stop_on_signals()
    while not stop.is_set():
        # The limit above is what a job's own process has: too large a window fails its job.
        worker = Worker(
            settings.scheduler,
            host=None if settings.has_tls or settings.closed_network else own,
            nthreads=1,
            memory_limit=0,
            security=security,
            dashboard_address=NO_PAGES,
        )
        worker.handlers[DELIVER] = deliver
        await _work(worker, settings.scheduler, stop)


async def _work(worker: "Worker", scheduler: str, stop: asyncio.Event) -> None:
    """Until told to stop, or the scheduler is gone; a window in hand is finished."""
    stopping = asyncio.create_task(stop.wait())
    working = asyncio.create_task(_start_and_finish(worker, scheduler))
    await asyncio.wait((stopping, working), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
    with suppress(asyncio.CancelledError):
        await working


async def _start_and_finish(worker: "Worker", scheduler: str) -> None:
    """Work once the scheduler answers; Dask itself tries for ever where one side is not trusted.

    Raises:
        SSLError: the scheduler does not trust our certificate, or we not its.
    """
    from distributed.comm.addressing import get_address_host_port

    tls = worker.security.get_connection_args("worker").get("ssl_context")
    while tls is not None:
        try:
            async with asyncio.timeout(30):
                place = get_address_host_port(scheduler)
                reader, writer = await asyncio.open_connection(*place, ssl=tls)
                await reader.read(1)  # its greeting, or that it refuses us
            writer.close()
            break
        except OSError as error:
            if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
                raise
            await asyncio.sleep(1)
    async with worker:
        log.info("worker started", address=worker.address, scheduler=worker.scheduler.address)
        await worker.finished()
    log.info("worker stopped")


PARTS: dict[str, Callable[[DaskSettings], Coroutine[Any, Any, None]]] = {
    "scheduler": serve_scheduler,
    "worker": serve_worker,
}


if __name__ == "__main__":
    main()
