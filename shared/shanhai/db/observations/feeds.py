"""Feeds of observations: devices that push telegrams, and small batches in one transaction.

While a transaction runs, batches gather, and the next one takes them all. One feed alone waits for
nothing; two hundred share a commit, and the more there are, the less each costs. While PostgreSQL
is busy with one transaction, the next is made ready, unless it is about the same stations.
"""

import asyncio
import hashlib
import hmac
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Sessions, driver_transaction, is_of_data
from shanhai.db.identity import Identity
from shanhai.db.observations.appending import Appender
from shanhai.db.observations.ingest import IncomingBatch, store_all
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.observation import ObservedProperty
from shanhai.db.tables.station import Hj212Device, Station
from shanhai.errors import Conflict, InvalidInput, NotFound
from shanhai.monitoring.hj212.packet import DEVICE, ITEM_BY_COMMAND, PASSWORD, POLLUTANT
from shanhai.monitoring.observation import BatchOutcome
from shanhai.monitoring.units import UNITS, conversion
from shanhai.shutdown import end
from shanhai.storage.artifacts import ArtifactStore

_TABLE = "hj212_device"


@dataclass(frozen=True, slots=True)
class Device:
    """A series of a device, as who receives its telegrams needs it.

    Attributes:
        code: MN.
        command: CN of the telegrams that are kept.
        station: Code of the station they are kept under.
        units: Unit by pollutant, where it is not that of the property.
    """

    code: str
    command: str
    station: str
    password_sha256: bytes = field(repr=False)
    units: Mapping[str, str]

    def knows(self, password: str) -> bool:
        """Whether the password is the device's."""
        return hmac.compare_digest(self.password_sha256, hash_password(self.code, password))


def hash_password(device: str, password: str) -> bytes:
    """The form in which a password is kept.

    The standard's passwords have six characters and travel in the clear: no slow hash would protect
    them, and one a telegram would let strangers keep the gateway busy.
    """
    return hashlib.sha256(f"{device}:{password}".encode()).digest()


async def read_devices(session: AsyncSession) -> Sequence[Device]:
    """All devices of stations there are, by code and command."""
    rows = await session.execute(
        select(Hj212Device, Station.code)
        .join(Station, Station.id == Hj212Device.station_id)
        .where(Station.deleted_at.is_(None))
        .order_by(Hj212Device.code, Hj212Device.command)
    )
    return [
        Device(row.code, row.command, station, row.password_sha256, row.units)
        for row, station in rows.all()
    ]


async def add_device(
    session: AsyncSession,
    code: str,
    *,
    station: str,
    password: str,
    command: str,
    units: Mapping[str, str],
    act: Act,
) -> None:
    """Keep what a device sends with one command as observations of a station.

    Raises:
        InvalidInput: device, password, command or pollutant break the standard's rules.
        NotFound: there is no such station.
        Conflict: the device's series has a station already.
    """
    _check(DEVICE, code, "device")
    if not PASSWORD.fullmatch(password):
        raise InvalidInput(
            "a password has 1 to 32 visible ASCII characters without `;`",
            message_zh="密码须为 1 至 32 个可见 ASCII 字符，不含 `;`",
            pointer="password",
        )
    if command not in ITEM_BY_COMMAND:
        known = ", ".join(ITEM_BY_COMMAND)
        raise InvalidInput(
            f"command must be one of {known}, not {command!r}",
            message_zh=f"命令须为 {known} 之一，而非 {command!r}",
            pointer="command",
        )
    measured = select(ObservedProperty.hj525, ObservedProperty.unit).where(
        ObservedProperty.hj525.in_(units)
    )
    kept = {row.hj525: row.unit for row in await session.execute(measured)}
    for pollutant, given in units.items():
        _check(POLLUTANT, pollutant, "unit")
        if pollutant not in kept:
            raise InvalidInput(
                f"no observed property is pollutant {pollutant!r}",
                message_zh=f"没有对应污染物 {pollutant!r} 的观测属性",
                pointer="unit",
            )
        unit = kept[pollutant]
        if unit in UNITS and conversion(given, unit) is None:
            raise InvalidInput(
                f"{given!r} of {pollutant} does not convert to {unit}",
                message_zh=f"{pollutant} 的 {given!r} 不能换算为 {unit}",
                pointer="unit",
            )
    station_id = await session.scalar(
        select(Station.id).where(Station.code == station, Station.deleted_at.is_(None))
    )
    if station_id is None:
        raise NotFound(f"there is no station {station!r}", message_zh=f"没有站点 {station!r}")
    held = await session.get(Hj212Device, (code, command))
    if held and (await session.get_one(Station, held.station_id)).deleted_at is None:
        raise Conflict(
            f"command {command} of device {code} has a station already",
            message_zh=f"设备 {code} 的命令 {command} 已对应站点",
        )
    await session.merge(
        Hj212Device(
            code=code,
            command=command,
            station_id=station_id,
            password_sha256=hash_password(code, password),
            units=dict(units),
        )
    )
    image = {"station": station, "command": command, "units": dict(units)}
    record(session, act, "create", table=_TABLE, object_id=code, after=image)


async def remove_device(session: AsyncSession, code: str, *, act: Act) -> None:
    """Keep nothing more of what a device sends; what it has sent stays.

    Raises:
        NotFound: there is no such device.
    """
    rows = (await session.scalars(select(Hj212Device).where(Hj212Device.code == code))).all()
    if not rows:
        raise NotFound(f"there is no device {code!r}", message_zh=f"没有设备 {code!r}")
    for row in rows:
        await session.delete(row)
        image = {"command": row.command, "units": row.units}
        record(session, act, "delete", table=_TABLE, object_id=code, before=image)


def _check(rule: re.Pattern[str], value: str, name: str) -> None:
    if not rule.fullmatch(value):
        raise InvalidInput(
            f"{name} must not be {value[:40]!r}",
            message_zh=f"{name} 不得为 {value[:40]!r}",
            pointer=name,
        )


MOST_ROWS = 20_000
"""Rows of one transaction, unless a single batch has more."""
GATHER_S = 0.003
"""Seconds that batches wait for others, where there were others before."""
Transaction = Callable[[], Awaitable[list[BatchOutcome]]]
Confirm = Callable[[], Awaitable[Identity]]
"""Looks at who brings something, and raises what is to be answered."""


async def once(transaction: Transaction) -> list[BatchOutcome]:
    """Try a transaction, and leave it to whoever brought the data to come again."""
    return await transaction()


@dataclass(slots=True)
class _Waiting:
    delivery: IncomingBatch
    stations: set[str]
    outcome: asyncio.Future[BatchOutcome]
    confirm: Confirm | None

    async def is_confirmed(self) -> bool:
        """Whether its sender may have stored what takes a look at who that is."""
        sender = self.delivery.sender
        if sender.identity.stamp is None:
            return True
        try:
            if self.confirm is None:
                raise ValueError("who was presumed must be confirmed")
            sender = replace(sender, identity=await self.confirm())
        except Exception as error:  # whatever it is, it is for who waits
            if not self.outcome.done():
                self.outcome.set_exception(error)
            return False
        self.delivery = replace(self.delivery, sender=sender)
        return True


class GroupCommit:
    """Stores the small batches of one process in groups; those of a station in their order.

    Args:
        skew: How far ahead of the clock a time may be.
        files: Where the observations of closed months are.
        persist: How often a transaction is tried.
        appender: Tried first: it stores what only continues series.
        transactions: How many there are at a time: several where a process does little else.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        skew: timedelta,
        files: ArtifactStore,
        persist: Callable[[Transaction], Awaitable[list[BatchOutcome]]] = once,
        transactions: int = 1,
        appender: Appender | None = None,
    ) -> None:
        self._sessions = sessions
        self._appender = appender
        self._skew = skew
        self._files = files
        self._persist = persist
        self._transactions = transactions
        self._waiting: deque[_Waiting] = deque()
        self._storing: dict[asyncio.Task[None], set[str]] = {}
        self._usual = 1
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def store(self, delivery: IncomingBatch, confirm: Confirm | None = None) -> BatchOutcome:
        """Store a batch with whatever else waits; what became of it, once that is durable.

        Args:
            confirm: Asked of a sender with a `stamp` where that does not hold, or where the batch
                does more than continue series.

        Raises:
            Exception: What kept this batch from being stored; `is_of_data` tells whether the same
                would be so another time.
        """
        outcome: asyncio.Future[BatchOutcome] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(delivery, delivery.stations, outcome, confirm))
        self._look()
        return await outcome

    async def close(self) -> None:
        """Give up what has not been stored; whoever waits for it is told by a cancellation."""
        self._closed = True
        await end(*self._storing)
        _give_up(self._waiting)
        self._waiting.clear()

    def _look(self) -> None:
        """Begin at once where there are as many as usual, else when others had time to come."""
        if 2 * len(self._waiting) >= self._usual:
            self._begin()
        elif self._waiting and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._begin)

    def _begin(self) -> None:
        """Store what waits, as far as it may be stored now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while len(self._storing) < self._transactions and not self._closed:
            group = self._next_group()
            if not group:
                return
            self._usual = len(group)
            # Not a part of this request, which may be broken off while it stores those of others.
            task = asyncio.create_task(self._store_all(group))
            self._storing[task] = set[str]().union(*(one.stations for one in group))
            task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        del self._storing[task]
        self._look()

    def _next_group(self) -> list[_Waiting]:
        """The next batches, but for those of stations that another transaction is about: they have
        to wait for it, and so do those of their stations that come after them."""
        busy = set[str]().union(*self._storing.values())
        group: list[_Waiting] = []
        left: list[_Waiting] = []
        rows = 0
        while self._waiting:
            one = self._waiting.popleft()
            size = len(one.delivery.batch)
            if group and rows + size > MOST_ROWS:
                self._waiting.appendleft(one)
                break
            if busy.isdisjoint(one.stations):
                group.append(one)
                rows += size
            else:
                left.append(one)
                busy |= one.stations
        self._waiting.extendleft(reversed(left))
        return group

    async def _store_all(self, group: Sequence[_Waiting]) -> None:
        try:
            left = await self._append(group)
            # Together: keys that are looked at at once are one question.
            sure = await asyncio.gather(*(one.is_confirmed() for one in left))
            left = [one for one, is_sure in zip(left, sure, strict=True) if is_sure]
            if left:
                await self._store_group(left)
        finally:
            _give_up(group)

    async def _append(self, group: Sequence[_Waiting]) -> Sequence[_Waiting]:
        """Store what only continues series; the others."""
        if self._appender is None:
            return group
        outcomes = await self._appender.append([one.delivery for one in group])
        left = []
        for one, outcome in zip(group, outcomes, strict=True):
            if outcome is None:
                left.append(one)
            elif not one.outcome.done():
                one.outcome.set_result(outcome)
        return left

    async def _store_group(self, group: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self._persist(lambda: self._commit(group))
        except Exception as error:
            if len(group) > 1 and is_of_data(error):
                # One of them cannot be stored; the others shall not suffer for it.
                for one in group:
                    await self._store_group([one])
                return
            for one in group:
                if not one.outcome.done():
                    one.outcome.set_exception(error)
        else:
            for one, outcome in zip(group, outcomes, strict=True):
                if not one.outcome.done():
                    one.outcome.set_result(outcome)

    async def _commit(self, group: Sequence[_Waiting]) -> list[BatchOutcome]:
        async with driver_transaction(self._sessions) as transaction:
            deliveries = [one.delivery for one in group]
            return await store_all(transaction, deliveries, skew=self._skew, files=self._files)


def _give_up(waiting: Iterable[_Waiting]) -> None:
    """Tell those who have not been told: there are some only if storing was broken off."""
    for one in waiting:
        one.outcome.cancel()
