"""The files of a job for windows that a Dask worker computes without seeing them.

A window asks the job for the cells it reads, and gives back what it writes with its result. Both
go over the connections there are: a question is an event, which the scheduler passes on to the job;
the answer is a call, which it passes on to the worker. So the job's process needs no other way out
than the scheduler's port, and workers need no address of a store and no key of one.
"""

import asyncio
import pickle
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.windows import Window as RasterWindow

from shanhai.errors import Unavailable
from shanhai.raster.dask_security import load_distributed
from shanhai.raster.inspect import RasterFacts, open_geotiff
from shanhai.raster.store import ELSEWHERE, WindowRecord, read_cells
from shanhai.science.grid import Grid, Window

load_distributed()

from distributed import Client, Worker, get_worker  # noqa: E402
from distributed.client import ClosedClientError  # noqa: E402

TOPIC = "shanhai-files"
"""One for all jobs, since a scheduler never forgets a topic."""
DELIVER = "shanhai-deliver"
PIECE_BYTES = 8 * 1024**2
"""What one answer holds at most, so that no part of the way needs more."""
ANSWER_S = 60
LOOK_S = 1.0
Question = Callable[[], Any]
Answer = tuple[bool, Any]

_waiting: dict[str, "SimpleQueue[Answer]"] = {}
"""The questions of this worker that are not answered yet."""


class FilesOfJob:
    """What a window reads of a job's files, by asking for it, and what it would write there."""

    def __init__(self, job: str) -> None:
        self.job = job
        self.written: list[WindowRecord] = []

    def has(self, path: Path) -> bool:
        """Whether the job has a file."""
        return bool(self._ask(path.exists))

    def read(self, path: Path, grid: Grid, window: Window, found: NDArray[Any]) -> None:
        """Fill `found` with a window of a layer, what this window wrote there included."""
        for part in _pieces(window, found.itemsize):
            cells = self._ask(partial(read_cells, path, grid, part, found.dtype))
            found[part.slices_within(window)] = cells
        for one in self.written:
            common = _common(one.window, window)
            if one.path == path and common is not None:
                found[common.slices_within(window)] = one.values[common.slices_within(one.window)]

    def write(self, written: WindowRecord) -> None:
        """Keep it for the job."""
        self.written.append(written)

    def raster(self, path: Path, facts: RasterFacts) -> AbstractContextManager[Any]:
        """An input raster of the job."""
        return nullcontext(_RasterOfJob(path, facts, self._ask))

    def _ask(self, question: Question) -> Any:
        worker, name = get_worker(), uuid.uuid4().hex
        answers = _waiting[name] = SimpleQueue()
        try:
            asked = (self.job, worker.address, name, pickle.dumps(question))
            worker.log_event(TOPIC, asked)
            succeeded, value = _await_answer(worker, answers)
        finally:
            del _waiting[name]
        if not succeeded:
            raise value
        return value


@dataclass(frozen=True, slots=True)
class _RasterOfJob:
    """An open raster of the job, as far as windows use one."""

    path: Path
    facts: RasterFacts
    ask: Callable[[Question], Any]

    @property
    def nodata(self) -> float | None:
        return self.facts.nodata

    @property
    def mask_flag_enums(self) -> Sequence[Sequence[MaskFlags]]:
        return [[MaskFlags.per_dataset if self.facts.masked else MaskFlags.all_valid]]

    def read(self, *, window: Any) -> NDArray[Any]:
        """Bands, rows and columns of a window of rasterio, as they are stored."""
        return self._ask(_read_raster, window, self.facts.bands * np.dtype(np.float64).itemsize)

    def read_masks(self, _: int, *, window: Any) -> NDArray[Any]:
        """Rows and columns of the mask, which all bands have."""
        return self._ask(_read_mask, window, 1)

    def _ask(
        self, read: Callable[[Path, Window], NDArray[Any]], window: Any, cell_bytes: int
    ) -> NDArray[Any]:
        asked = Window(window.row_off, window.col_off, window.height, window.width)
        parts = _pieces(asked, cell_bytes)
        return np.concatenate([self.ask(partial(read, self.path, one)) for one in parts], axis=-2)


def _read_raster(path: Path, window: Window) -> NDArray[Any]:
    with open_geotiff(path) as file:
        found: NDArray[Any] = file.read(window=_cut(window))
        return found


def _read_mask(path: Path, window: Window) -> NDArray[Any]:
    with open_geotiff(path) as file:
        found: NDArray[Any] = file.read_masks(1, window=_cut(window))
        return found


def _cut(window: Window) -> RasterWindow:
    return RasterWindow(window.col, window.row, window.width, window.height)


def _pieces(window: Window, cell_bytes: int) -> Iterator[Window]:
    """Strips of a window whose cells fit in one answer."""
    rows = max(1, PIECE_BYTES // (cell_bytes * max(1, window.width)))
    end = window.row + window.height
    for row in range(window.row, end, rows):
        yield Window(row, window.col, min(rows, end - row), window.width)


def _common(one: Window, other: Window) -> Window | None:
    """The cells that lie in both."""
    row, col = max(one.row, other.row), max(one.col, other.col)
    height = min(one.row + one.height, other.row + other.height) - row
    width = min(one.col + one.width, other.col + other.width) - col
    return Window(row, col, height, width) if height > 0 and width > 0 else None


def _await_answer(worker: Worker, answers: "SimpleQueue[Answer]") -> Answer:
    """What the job answers.

    Raises:
        Unavailable: It does not, or nobody waits for the window any more.
    """
    key = worker.get_current_task()
    for _ in range(ANSWER_S):
        with suppress(Empty):
            return answers.get(timeout=LOOK_S)
        window = worker.state.tasks.get(key)
        if window is None or window.state != "executing":
            break
    raise Unavailable(
        "the job does not answer what a window on a Dask worker asks for",
        message_zh="作业未应答 Dask 工作进程的读取请求",
    )


def deliver(name: str, answer: bytes) -> None:
    """Hand an answer to the window that waits for it; a call a worker takes as `DELIVER`."""
    answers = _waiting.get(name)
    if answers is not None:
        answers.put(pickle.loads(answer))  # noqa: S301 - from the job the window is of


@contextmanager
def files_of(job: str) -> Iterator[list[WindowRecord]]:
    """Let what runs in this context read the files of a job; what it writes is listed."""
    files = FilesOfJob(job)
    token = ELSEWHERE.set(files)
    try:
        yield files.written
    finally:
        ELSEWHERE.reset(token)


@contextmanager
def answering(client: Client, job: str) -> Iterator[None]:
    """Answer what the windows of a job ask, in a thread beside the one that waits for them."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        client.subscribe_topic(TOPIC, _Answers(client, job, reader).hear)
        try:
            yield
        finally:
            with suppress(ClosedClientError):  # its scheduler was lost
                client.unsubscribe_topic(TOPIC)


class _Answers:
    """Hears questions in the thread of the client's loop."""

    def __init__(self, client: Client, job: str, reader: ThreadPoolExecutor) -> None:
        self._client, self._job, self._reader = client, job, reader
        self._begun = set[asyncio.Task[None]]()

    def hear(self, event: tuple[float, Any]) -> None:
        job, worker, name, question = event[1]
        if job == self._job:
            task = asyncio.create_task(self._answer(worker, name, question))
            self._begun.add(task)
            task.add_done_callback(self._begun.discard)

    async def _answer(self, worker: str, name: str, question: bytes) -> None:
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self._reader, _answer_to, question)
        call = {"op": DELIVER, "name": name, "answer": answer}
        scheduler = self._client.scheduler
        with suppress(OSError, KeyError):  # a worker that is gone waits for nothing
            if scheduler is not None:
                await scheduler.proxy(msg=call, worker=worker)


def _answer_to(question: bytes) -> bytes:
    answer: Answer
    try:
        asked: Question = pickle.loads(question)  # noqa: S301 - from whom this job's code was sent
        answer = (True, asked())
    except Exception as error:
        answer = (False, error)
    return pickle.dumps(answer)
