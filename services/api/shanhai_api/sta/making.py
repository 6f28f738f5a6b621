"""One request that writes: who, in which transaction, the values and times to be stored."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.data_sources import STATIONS
from shanhai.db.features.input_validation import broken_body
from shanhai.db.features.property_values import told_value
from shanhai.db.identity import demand_role, demand_scopes
from shanhai.db.queries.audit import Act
from shanhai.db.sensorthings.model import THING
from shanhai.db.sensorthings.queries import Asker, find_columns
from shanhai.db.sensorthings.write import region_of
from shanhai.errors import Conflict, Fault, Forbidden, InvalidInput
from shanhai.monitoring.observation import FeedObservation
from shanhai.storage.artifacts import ArtifactStore
from shanhai.validation import NO_END, is_end
from shanhai.vocabulary import Label
from shanhai_api.kit.requests import Caller


@dataclass(frozen=True, slots=True)
class Reading:
    """A value that is to be stored, and where in the body it stands."""

    observation: FeedObservation
    pointer: str


@dataclass(slots=True)
class Making:
    """One request that writes.

    Attributes:
        skew: How far ahead of the clock an observation may be.
        files: Where the observations of closed months are.
        readings: Values that came with what is made; stored once, at the end, because the locks of
            series are taken in one order.
    """

    session: AsyncSession
    caller: Caller
    act: Act
    asker: Asker
    skew: timedelta
    files: ArtifactStore
    readings: list[Reading] = field(default_factory=list)

    async def station(self, code: str) -> int | None:
        """The row of a station the caller may know of."""
        if "\x00" in code:
            return None
        found = await find_columns(self.session, self.asker, THING, {"station_code": code})
        return None if found is None else int(found["station_id"])

    async def demand_station(self, station_id: int) -> None:
        """Refuse a caller who may not write about a station.

        Raises:
            Unauthenticated, Forbidden: it may not.
        """
        self.demand_scope()
        editing = STATIONS.editing
        if editing is not None:
            demand_role(self.caller, editing.roles, await region_of(self.session, station_id))

    def demand_scope(self) -> None:
        """Refuse a caller who may not write about any station.

        Raises:
            Unauthenticated, Forbidden: it may not.
        """
        editing = STATIONS.editing
        if editing is None:
            raise Forbidden("stations are not written", message_zh="监测站点不可写")
        demand_scopes(self.caller, editing.scopes)


def fault_at(pointer: str, detail: str, detail_zh: str) -> InvalidInput:
    """The refusal of a body for one member."""
    return broken_body([Fault(pointer, detail, detail_zh)])


@contextmanager
def pointing(places: Mapping[str, str], under: str) -> Iterator[None]:
    """Tell refusals of the station's own members by where they stand in the body.

    Args:
        places: Where what begins so is, inside of the entity that stands at `under`.
    """
    try:
        yield
    except InvalidInput as error:
        if type(error) is not InvalidInput or not error.faults:
            raise
        raise broken_body(_all_moved(error.faults, places, under)) from error
    except Conflict as error:
        if type(error) is not Conflict:
            raise
        faults = _all_moved(error.faults, places, under)
        raise Conflict(error.message, message_zh=error.message_zh, faults=faults) from error


def _all_moved(faults: Iterable[Fault], places: Mapping[str, str], under: str) -> list[Fault]:
    return [
        Fault(_moved(fault.pointer, places, under), fault.detail, fault.detail_zh)
        for fault in faults
    ]


def _moved(pointer: str, places: Mapping[str, str], under: str) -> str:
    for place, own in places.items():
        if pointer == place or pointer.startswith(f"{place}/"):
            return f"{under}{own}{pointer.removeprefix(place)}"
    return f"{under}{pointer}"


def without_links(value: Any) -> Any:
    """A body without what a service says of its own accord: clients send back what they read."""
    if isinstance(value, list):
        return [without_links(item) for item in value]
    if not isinstance(value, dict):
        return value
    told = ("@iot.selfLink", "@iot.navigationLink", "@iot.nextLink")
    return {name: without_links(item) for name, item in value.items() if not name.endswith(told)}


Rule = Label


def instant_of(text: str | None, pointer: str) -> datetime:
    """An instant a body tells; now, where it tells none.

    Raises:
        InvalidInput: it is none.
    """
    found = time_of(text)
    if isinstance(found, Rule):
        raise fault_at(pointer, found.en, found.zh)
    return found


def time_of(text: object) -> datetime | Rule:
    """An instant in UTC, now for none; or the rule it breaks."""
    if text is None:
        return datetime.now(UTC)
    if isinstance(text, str) and "/" in text:
        return Rule(
            "须为时刻；时段统计值请按小时、日或月查询", "must be an instant, not an interval"
        )
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
        if time is not None and time.tzinfo is not None:
            return told_value(text, NO_END) if is_end(time) else time.astimezone(UTC)
    except ValueError:
        pass
    return Rule(
        "须为带时区偏移的时刻，例如 2026-01-31T08:00:00Z",
        "must be a time with its offset from UTC, such as 2026-01-31T08:00:00Z",
    )
