"""Windows computed by the workers of a Dask cluster, with results in window order.

A worker that dies takes its windows with it: the scheduler gives them to another, and three times
at most. A job that is killed closes its connection, and the scheduler forgets its windows.

Workers see the job's folders, or, where the cluster is one `apart`, ask for what they read of them
(`dask_files`). What a window then writes comes back with its result, and the job writes it: once,
however often the window was computed, and nothing is left anywhere when the job has ended. Only
functions that write through scratch stores can go there; all others the job computes at home.
"""

import pickle
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from shanhai.errors import Unavailable
from shanhai.raster.dask_files import answering, files_of
from shanhai.raster.dask_security import Handshake, load_distributed, security_of
from shanhai.raster.store import WindowRecord
from shanhai.raster.windows import AHEAD, Cluster, Item, Result, WindowRunner

load_distributed()

from distributed import Client, Future  # noqa: E402
from distributed.client import ClosedClientError, FutureCancelledError  # noqa: E402
from distributed.comm.core import CommClosedError  # noqa: E402
from distributed.scheduler import KilledWorker  # noqa: E402

Answer = TypeVar("Answer")
PATIENCE_S = 30.0
"""Seconds the scheduler gets to answer, and then to have a worker."""


class DaskRunner(WindowRunner):
    """Runs windows on a cluster; `function` must be picklable and reach its files by path."""

    def __init__(self, client: Client, handshake: Handshake) -> None:
        self.client = client
        self.handshake = handshake

    def run(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Results of `function` in the order of `items`, windows as a rule.

        Raises:
            Unavailable: the cluster is lost; otherwise what `function` raised there.
        """
        limit = AHEAD * max(1, len(_asked(self.client.nthreads)))
        running = deque[Future[Any]]()
        try:
            for item in items:
                # As bytes, so that the scheduler need not load what only workers use.
                parcel = pickle.dumps((function, item))
                order = partial(self.client.submit, compute, self.handshake, parcel, pure=False)
                running.append(_asked(order))
                if len(running) == limit:
                    yield _taken(running.popleft())
            while running:
                yield _taken(running.popleft())
        finally:
            with suppress(CommClosedError, ClosedClientError, OSError):
                self.client.cancel(list(running))


class DividedRunner(WindowRunner):
    """Runs on a cluster apart what writes through scratch stores alone, and the rest at home."""

    def __init__(self, home: WindowRunner, away: DaskRunner) -> None:
        self.home = home
        self.away = away

    def run(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Results of `function` in the order of `items`, computed on this machine."""
        return self.home.run(function, items)

    def remembered(self) -> WindowRunner:
        """The side on the cluster; what it finishes is kept in the scratch stores alone."""
        return self.away


def compute(handshake: Handshake, parcel: bytes) -> tuple[Any, list[WindowRecord]]:
    """What the function that lies in the parcel gives for the item beside it; on a worker.

    Returns:
        The result, and what is to be written of it where this process does not see the files.

    Raises:
        Unavailable: this process is not fit, see `Handshake.check`; workers may join late.
    """
    sees_files = _admitted(handshake)
    function, item = pickle.loads(parcel)  # noqa: S301 - from a job, through our own scheduler
    if sees_files:
        return function(item), []
    with files_of(handshake.token.name) as written:
        return function(item), written


@cache
def _admitted(handshake: Handshake) -> bool:
    """Check a handshake once in each process."""
    return handshake.check()


@contextmanager
def dask_runner(
    cluster: Cluster, shared: Sequence[Path], home: WindowRunner
) -> Iterator[WindowRunner]:
    """A runner on a cluster whose workers were all found fit; see `window_runner`."""
    handshake = Handshake.offered(shared, apart=cluster.apart)
    try:
        with connected(cluster) as client:
            if all(_asked(partial(client.run, handshake.check)).values()):
                yield DaskRunner(client, replace(handshake, apart=False))
                return
            with answering(client, handshake.token.name):
                yield DividedRunner(home, DaskRunner(client, handshake))
    finally:
        handshake.withdraw()


@contextmanager
def connected(cluster: Cluster) -> Iterator[Client]:
    """A client of a scheduler that has a worker.

    Raises:
        Unavailable: nobody answers at the address, or no worker has come.
    """
    try:
        client = Client(
            cluster.scheduler,
            timeout=PATIENCE_S,
            security=security_of(cluster.tls_ca, cluster.tls_cert, cluster.tls_key),
            set_as_default=False,
        )
    except (OSError, ValueError) as error:
        trusted, zh = (" with a trusted certificate", "证书可信的") if cluster.tls_ca else ("", "")
        what = f"no Dask scheduler answers{trusted}"
        raise _silent(cluster, what, f"没有{zh} Dask 调度器应答") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE_S)
        except OSError as error:
            raise _silent(cluster, "no Dask worker has come", "没有 Dask 工作进程") from error
        yield client


def _taken(future: "Future[Any]") -> Any:
    """The result of a window, once what it would write is written."""
    result, written = _result(future)
    for one in written:
        one.repeat()
    return result


def _asked(question: Callable[[], Answer]) -> Answer:
    """What the scheduler answers, which may be lost between windows, too."""
    try:
        return question()
    except (OSError, ClosedClientError) as error:
        raise _lost() from error


def _result(future: "Future[Any]") -> Any:
    try:
        return future.result()
    except KilledWorker as error:
        raise Unavailable(
            "several Dask workers died computing one window, perhaps for want of memory;"
            " see their logs",
            message_zh="计算同一窗口时多个 Dask 工作进程退出，可能内存不足，详见其日志",
        ) from error
    except (CommClosedError, FutureCancelledError, TimeoutError) as error:
        raise _lost() from error


def _lost() -> Unavailable:
    return Unavailable(
        "the Dask scheduler was lost during the computation",
        message_zh="计算过程中与 Dask 调度器的连接中断",
    )


def _silent(cluster: Cluster, what: str, what_zh: str) -> Unavailable:
    return Unavailable(
        f"{what} at {cluster.scheduler} within {PATIENCE_S:g} s",
        message_zh=f"{PATIENCE_S:g} 秒内{what_zh}（{cluster.scheduler}）",
    )
