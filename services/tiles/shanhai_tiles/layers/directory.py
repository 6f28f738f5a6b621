"""Which layer a name stands for, kept in memory for as long as nothing has changed.

Changes of features are read at each notification, so that a tile's key costs no query.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Any, Protocol, cast

import asyncpg
import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Executor, FetchedRow, async_url, reading_settings
from shanhai.db.fence import PLATFORM, bound_to
from shanhai.db.identity import Viewer
from shanhai.settings import DatabaseSettings
from shanhai.shutdown import end
from shanhai_tiles.grids import Bounds
from shanhai_tiles.layers import catalogue
from shanhai_tiles.vector.collections import VECTORS, LayerSelection
from shanhai_tiles.vector.extent import read_state

TRUSTED_S = 1.0
"""Seconds a reading of the log holds good: no tile is older than this."""
ATTEMPTS = 3
DIGEST_BYTES = 8

READ = """
  SELECT f.floors, current_date AS today,
         pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon,
         c.id, c.collection, c.west, c.south, c.east, c.north,
         (extract(epoch FROM c.at) * 1000000)::bigint AS at,
         pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint AS written
    FROM (SELECT array_agg(concat_ws(' ', collection, id, extract(epoch FROM at) * 1000000))
              AS floors FROM tile_floor) f
         LEFT JOIN tile_change c ON c.transaction >= CAST(:horizon AS bigint)
"""
_READ = text(READ)

Floors = Mapping[str, tuple[int, int]]
"""The largest number forgotten of each collection, and when that was."""


class Fetched(Protocol):
    """A row of the log, or one without a change where there is none."""

    floors: Sequence[str] | None
    today: date
    horizon: int
    id: int
    collection: str
    west: float
    south: float
    east: float
    north: float
    at: int
    written: int


@dataclass(slots=True)
class _Boxes:
    """The changes of one collection by number, and as arrays in the order of numbers.

    The arrays are made when they are asked for: changes come more often than somebody asks.
    """

    by_number: dict[int, tuple[int, float, float, float, float]] = field(default_factory=dict)
    _arrays: tuple[NDArray[np.int64], NDArray[np.float64]] | None = None

    def add(self, change: Fetched) -> bool:
        """Take over a change; whether it was new."""
        if change.id in self.by_number:
            return False
        sides = change.west, change.south, change.east, change.north
        self.by_number[change.id] = change.at, *sides
        self._arrays = None
        return True

    def all(self) -> bytes:
        """Every change."""
        return self._arranged()[0].tobytes()

    def touching(self, bounds: Bounds) -> bytes:
        """The changes that touch a box."""
        west, south, east, north = bounds
        marks, (left, low, right, high) = self._arranged()
        found = (left <= east) & (right >= west) & (low <= north) & (high >= south)
        return cast("bytes", marks[found].tobytes())

    def _arranged(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        if self._arrays is None:
            known = sorted(self.by_number.items())
            marks = np.array([(number, row[0]) for number, row in known], dtype=np.int64)
            sides = np.array([row[1:] for _, row in known], dtype=np.float64).reshape(-1, 4)
            self._arrays = marks, sides.T
        return self._arrays


class ChangeTracker:
    """The log as this process knows it.

    Attributes:
        horizon: The oldest transaction whose changes may still be unknown; 0 when all may be.
        written: A place in the database's own log that lies behind every change known.
    """

    def __init__(self) -> None:
        self._boxes: dict[str, _Boxes] = {}
        self._versions: dict[str, str] = {}
        self._floors: Floors = {}
        self.horizon = 0
        self.written = 0
        self._today = date.min
        self._read_at = -TRUSTED_S

    @property
    def current(self) -> bool:
        """Whether stamps and versions are no older than a second."""
        return time.monotonic() - self._read_at < TRUSTED_S

    def stamp(self, collection: str, lonlat_bounds: Bounds) -> str:
        """The state of what touches a box in degrees."""
        boxes = self._boxes.get(collection)
        touching = b"" if boxes is None else boxes.touching(lonlat_bounds)
        return self._digest(collection, touching)

    def version(self, collection: str) -> str:
        """The state of all of a collection."""
        found = self._versions.get(collection)
        if found is None:
            boxes = self._boxes.get(collection)
            everything = b"" if boxes is None else boxes.all()
            found = self._versions[collection] = self._digest(collection, everything)
        return found

    async def catch_up(self, database: Executor) -> None:
        """Read what was logged since, where `current` is False.

        Raises:
            DBAPIError, OSError, TimeoutError: the database does not answer.
        """
        for _ in range(ATTEMPTS):
            if self.current:
                return
            asked_at, horizon = time.monotonic(), self.horizon
            found = await database.execute(_READ, {"horizon": horizon})
            self.take(found.all(), horizon, asked_at)
        if not self.current:
            raise TimeoutError("the log of changes could not be read in time")

    def forget(self) -> None:
        """Trust nothing until the whole log was read anew."""
        self.horizon = 0
        self._floors = {}
        self._read_at = -TRUSTED_S

    def take(self, rows: Sequence[Any], since: int, asked_at: float) -> None:
        """Take over what a reading has found.

        Args:
            rows: What `READ` gave.
            since: The horizon it was asked with; 0 for the whole log.
            asked_at: The monotonic time it was asked at.
        """
        first: Fetched = rows[0]
        floors = _floors(first.floors or ())
        if any(floors.get(name, (0, 0)) < known for name, known in self._floors.items()):
            return
        if floors != self._floors or not self.horizon:
            # What was forgotten is no part of any key: the log is taken as it is now.
            if since:
                self.forget()
                return
            self._boxes, self._floors, self.horizon = {}, floors, 0
            self._versions.clear()
            self.written = first.written
        if self._add(row for row in rows if row.id is not None):
            self.written = max(self.written, first.written)
        if first.today > self._today:
            self._today = first.today
            self._versions.clear()
        self.horizon = max(self.horizon, first.horizon)
        self._read_at = max(self._read_at, asked_at)

    def _add(self, rows: Iterable[Fetched]) -> bool:
        """Take over changes; whether one was new."""
        new = False
        for row in rows:
            if self._boxes.setdefault(row.collection, _Boxes()).add(row):
                self._versions.pop(row.collection, None)
                new = True
        return new

    def _digest(self, collection: str, marks: bytes) -> str:
        # A restored database gives numbers anew, so the moment of each change counts too.
        day = self._today.toordinal()
        state = np.array([*self._floors.get(collection, (0, 0)), day], dtype=np.int64)
        return blake2b(state.tobytes() + marks, digest_size=DIGEST_BYTES).hexdigest()


def _floors(told: Sequence[str]) -> Floors:
    parts = (line.split() for line in told)
    return {name: (int(number), int(float(at))) for name, number, at in parts}


log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

CHANNEL = "shanhai_tiles"
BEAT_S = TRUSTED_S / 2
"""Seconds between readings without a notification: they prove that the connection lives."""
PATIENCE_S = 1.0
"""Seconds after which a connection that does not answer is given up."""
RETRY_S = 0.5

_READ_LOG = READ.replace(":horizon", "$1")
_FAILURES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


@contextlib.asynccontextmanager
async def following_changes(
    settings: DatabaseSettings, *, application: str
) -> AsyncIterator[ChangeTracker]:
    """The changes of a database, followed for as long as the context lasts."""
    changes = ChangeTracker()
    task = asyncio.create_task(_follow(changes, settings, application))
    try:
        yield changes
    finally:
        await end(task)


async def _follow(changes: ChangeTracker, settings: DatabaseSettings, application: str) -> None:
    while True:
        try:
            await _listen(changes, settings, application)
        except _FAILURES as error:
            log.warning("changes of tiles not followed", error=type(error).__name__)
        changes.forget()
        await asyncio.sleep(RETRY_S)


async def _listen(changes: ChangeTracker, settings: DatabaseSettings, application: str) -> None:
    """Follow over one connection, until it is lost."""
    url = async_url(settings.url.get_secret_value()).set(drivername="postgresql")
    connection = await asyncpg.connect(
        url.render_as_string(hide_password=False),
        timeout=PATIENCE_S,
        command_timeout=PATIENCE_S,
        server_settings=reading_settings(settings, application),
        record_class=FetchedRow,
    )
    try:
        woken = asyncio.Event()

        def lose(_: object) -> None:
            changes.forget()
            woken.set()

        connection.add_termination_listener(lose)
        await connection.add_listener(CHANNEL, lambda *_: woken.set())
        while True:
            woken.clear()
            asked_at, horizon = time.monotonic(), changes.horizon
            changes.take(await connection.fetch(_READ_LOG, horizon), horizon, asked_at)
            if not changes.current:
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT_S):
                    await woken.wait()
    finally:
        connection.terminate()


RASTERS = "datasets"
"""The collection whose changes are those of raster layers."""
MOST_KEPT = 4096

Open = Callable[[], AbstractAsyncContextManager[AsyncSession]]


class LayerDirectory:
    """The layers of one database.

    Whether a caller may see a layer is decided by the caller, each time.
    """

    def __init__(self, changes: ChangeTracker, quick: Executor, session: Open) -> None:
        self._changes = changes
        self._quick = quick
        self._session = session
        self._rasters: OrderedDict[str, catalogue.RasterLayer] = OrderedDict()
        self._state = ""

    async def find(
        self, name: str, selection: LayerSelection, *, to_draw: bool = False
    ) -> catalogue.Layer:
        """The layer of this name.

        Args:
            name: Its name.
            selection: The part of a collection that is wanted.
            to_draw: Leave out what drawing a tile does not need: extent and sources of a
                collection, which have to be read.

        Raises:
            NotFound: there is none.
            DBAPIError, OSError, TimeoutError: the database does not answer.
        """
        await self._catch_up()
        if name not in VECTORS:
            return await self._raster(name)
        collection, version = VECTORS[name], self._changes.version(name)
        if to_draw:
            return catalogue.vector_layer(collection, selection, version)
        # Whether what rows were computed from stands in for a measurement is told of every input.
        with bound_to(PLATFORM):
            state = await read_state(self._quick, collection, selection)
        return catalogue.vector_layer(collection, selection, version, state)

    async def all(self, viewer: Viewer) -> list[catalogue.Layer]:
        """Every collection, the newest result of each theme and region, every given raster."""
        await self._catch_up()
        vectors = [await self.find(name, LayerSelection(viewer=viewer)) for name in VECTORS]
        async with self._session() as session:
            return [*vectors, *await catalogue.list_rasters(session)]

    def stamp(self, layer: catalogue.VectorLayer, lonlat: Bounds) -> str:
        """The state of what a tile of the layer just found can show."""
        return self._changes.stamp(layer.name, lonlat)

    @property
    def written(self) -> int:
        """A place in the database's own log behind every change that a stamp is made of.

        What is drawn under that stamp must come from a server that has come so far.
        """
        return self._changes.written

    async def _raster(self, name: str) -> catalogue.RasterLayer:
        state = self._changes.version(RASTERS)
        if state != self._state:
            self._rasters.clear()
            self._state = state
        found = self._rasters.get(name)
        if found is None:
            async with self._session() as session:
                found = await catalogue.find_raster(session, name)
            # What was read is as new as `state` at least; if more is known by now, it may be old.
            if state == self._state:
                self._keep(name, found)
        return found

    def _keep(self, name: str, layer: catalogue.RasterLayer) -> None:
        self._rasters[name] = layer
        if len(self._rasters) > MOST_KEPT:
            self._rasters.popitem(last=False)

    async def _catch_up(self) -> None:
        if not self._changes.current:
            await self._changes.catch_up(self._quick)
