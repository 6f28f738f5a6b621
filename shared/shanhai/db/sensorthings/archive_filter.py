"""Which Observations of closed months may belong into an answer: read off its options alone.

Where an order by time or by series is asked for, as many rows as a page has are enough; where other
conditions or orders must be looked at, all are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from shanhai.db.observations.validation import microseconds
from shanhai.db.sensorthings.compiler import ID, walked
from shanhai.db.sensorthings.expressions import (
    Constant,
    Expression,
    FunctionCall,
    PropertyPath,
    refused,
)
from shanhai.db.sensorthings.identifiers import Key, series_key
from shanhai.db.sensorthings.model import DATASTREAM, KINDS, OBSERVATION, EntityKind
from shanhai.db.sensorthings.options import SKIPTOKEN, Options, Place

TIME = PropertyPath(("phenomenonTime",))
OBSERVATIONS = OBSERVATION.plural
FLIPPED: Mapping[str, str] = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge", "eq": "eq"}
OF_SERIES = frozenset(
    {"station_id", "property_id", "station_code", "property_code", "observed_code"}
)
OF_FEATURE = frozenset({"feature", "feature_id"})
ANY_FEATURE = -1
EVER = (-(2**62), 2**62)
Way = Literal["all", "time", "each", "series"]


@dataclass(frozen=True, slots=True)
class Need:
    """Rows that may belong into an answer.

    Attributes:
        way: `all`; so many by `time`; so many of `each` series; so many in the order of `series`.
        number: How many, but for `all`.
        last: The last ones by time.
        key: What the columns of their series are.
        pairs: Their series by codes, where those are told one by one.
        start, end: From when to before when, in microseconds since 1970.
        behind: The series after which, in the order of series, they are.
        feature: The number of their sampling feature, `ANY_FEATURE`, or 0 for none of any.
    """

    way: Way
    number: int = 0
    last: bool = False
    key: Key | None = None
    pairs: tuple[tuple[str, str], ...] | None = None
    start: int = EVER[0]
    end: int = EVER[1]
    behind: tuple[int, int] | None = None
    feature: int | None = None


def needs_of(
    kind: EntityKind, options: Options, key: Key | None, rows: Sequence[Mapping[str, Any]]
) -> list[Need]:
    """What may be missing from an answer.

    Args:
        key: What columns of the rows must be.
        rows: The answer from the database alone.
    """
    if any(_looks_elsewhere(one) for one in _all_options(options)):
        return [Need("all")]
    needs = _of_set(options, key or {}, rows) if kind is OBSERVATION else []
    return [*needs, *needs_of_expanded(kind, options, rows)]


def _all_options(options: Options) -> Iterator[Options]:
    yield options
    for inner in options.expand.values():
        yield from _all_options(inner)


def _looks_elsewhere(options: Options) -> bool:
    """Whether a condition or an order speaks of Observations that something leads to."""
    trees = [ordering.by for ordering in options.orderby]
    if options.filter is not None:
        trees.append(options.filter)
    return any(
        isinstance(part, PropertyPath) and {OBSERVATIONS} & {*part.parts}
        for tree in trees
        for part in walked(tree)
    )


def _of_set(options: Options, key: Key, rows: Sequence[Mapping[str, Any]]) -> list[Need]:
    known, met = _conjuncts(options.filter)
    whole = {**known.key, **key}
    code = whole.pop("foi_code", None)
    if code is not None:
        # It is a station's, or a sampling feature's.
        return [
            *_of_key({**whole, "station_code": code, "feature": 0}, known, met, options, rows),
            *_of_key({**whole, "feature": ANY_FEATURE}, known, False, options, rows),
        ]
    return _of_key(whole, known, met, options, rows)


def _of_key(
    whole: dict[str, Any],
    known: "_Known",
    met: bool,
    options: Options,
    rows: Sequence[Mapping[str, Any]],
) -> list[Need]:
    feature = whole.get("feature_id", whole.get("feature"))
    need = Need("all", key=whole, start=known.start, end=known.end, feature=feature)
    at = whole.get("observed_at")
    if isinstance(at, datetime):
        moment = microseconds(at.astimezone(UTC))
        need = replace(need, start=max(need.start, moment), end=min(need.end, moment + 1))
    order = _order(options)
    filtered = options.filter is not None or feature is not None
    if not met or order is None or (options.count and filtered):
        return [need]
    number = options.top + options.skip + 1
    single = any({f"station_{by}", f"property_{by}"} <= whole.keys() for by in ("id", "code"))
    if order == "series" and not single:
        timed = (need.start, need.end) != EVER
        if feature is not None:
            # How many rows of it a series has is told by none.
            timed = timed or options.after is not None
            return [need if timed else replace(need, way="each", number=number)]
        return [
            need if timed else _behind_series(replace(need, way="series", number=number), options)
        ]
    need = replace(need, way="time", number=number, last=order == "last")
    need = _narrowed(need, order, options, rows)
    return [need] if options.after is None else _behind_time(need, options.after, order)


def _behind_series(need: Need, options: Options) -> Need:
    if options.after is None:
        return need
    station, property_, at = (options.after[place] for place in range(3))
    try:
        behind = int(station), int(property_)
    except (TypeError, ValueError):
        behind = -1, -1
    if not (0 <= behind[0] < 2**31 and 0 <= behind[1] < 2**15):
        raise refused(SKIPTOKEN, "is of another order", "与排序不符")
    return replace(need, behind=behind, start=_time_of(at))


def _behind_time(need: Need, after: Place, order: str) -> list[Need]:
    """Leave out what was on the pages before; of the very time others may be left."""
    at = _time_of(after[2 if order == "series" else 0])
    of_then = replace(need, way="all", start=max(need.start, at), end=min(need.end, at + 1))
    if order == "last":
        return [of_then, replace(need, end=min(need.end, at))]
    return [of_then, replace(need, start=max(need.start, at + 1))]


def _narrowed(need: Need, order: str, options: Options, rows: Sequence[Mapping[str, Any]]) -> Need:
    """What is behind a full page does not matter."""
    if len(rows) < options.top + 1 or options.skip:
        return need
    at = _time_of(rows[-1]["place"][2 if order == "series" else 0])
    if order == "last":
        return replace(need, start=max(need.start, at))
    return replace(need, end=min(need.end, at + 1))


def _time_of(written: Any) -> int:
    try:
        return microseconds(datetime.fromisoformat(str(written)).astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise refused(SKIPTOKEN, "is of another order", "与排序不符") from error


def _order(options: Options) -> str | None:
    """`first` or `last` by time, by `series` and time, or any other."""
    if not options.orderby:
        return "series"
    if len(options.orderby) > 1 or options.orderby[0].by != TIME:
        return None
    return "last" if options.orderby[0].descending else "first"


@dataclass(frozen=True, slots=True)
class _Known:
    key: Mapping[str, Any]
    start: int
    end: int


def _conjuncts(tree: Expression | None) -> tuple[_Known, bool]:
    """What a condition says of series and times, and whether that is all it says."""
    known, whole = _Known({}, EVER[0], EVER[1]), True
    for part in [] if tree is None else _parts(tree):
        found = _met(known, part)
        whole = whole and found is not None
        known = found or known
    return known, whole


def _parts(tree: Expression) -> Iterator[Expression]:
    if isinstance(tree, FunctionCall) and tree.name == "and":
        for part in tree.arguments:
            yield from _parts(part)
    else:
        yield tree


def _met(known: _Known, part: Expression) -> _Known | None:
    """What is known with one more condition; None if that says something else."""
    if not isinstance(part, FunctionCall) or part.name not in FLIPPED or len(part.arguments) != 2:
        return None
    left, right = part.arguments
    name = part.name
    if isinstance(left, Constant):
        left, right, name = right, left, FLIPPED[name]
    if not isinstance(left, PropertyPath) or not isinstance(right, Constant):
        return None
    if left == TIME and isinstance(right.value, datetime):
        at = microseconds(right.value.astimezone(UTC))
        start = {"gt": at + 1, "ge": at, "eq": at}.get(name, known.start)
        end = {"lt": at, "le": at + 1, "eq": at + 1}.get(name, known.end)
        return _Known(known.key, max(known.start, start), min(known.end, end))
    key = _key_of(left, right.value) if name == "eq" else None
    if key is None or any(known.key.get(one, value) != value for one, value in key.items()):
        return None
    return _Known({**known.key, **key}, known.start, known.end)


def _key_of(path: PropertyPath, value: object) -> Mapping[str, Any] | None:
    """What the id of something an Observation leads to says of its series."""
    *steps, last = path.parts
    kind = OBSERVATION
    for step in steps:
        link = kind.links.get(step)
        if link is None or link.many:
            return None
        kind = KINDS[link.target]
    if last not in ID or not isinstance(value, str):
        return None
    key = kind.parse(value)
    told = OF_SERIES | {"observed_at", "foi_code"}
    return None if key is None or not key.keys() <= told else key


def needs_of_expanded(
    kind: EntityKind, options: Options, rows: Sequence[Mapping[str, Any]]
) -> Iterator[Need]:
    """What may be missing below the rows of an answer."""
    for name, inner in options.expand.items():
        link = kind.links[name]
        target = KINDS[link.target]
        if target is OBSERVATION and rows:
            if any(OBSERVATIONS in below.expand for below in _all_options(inner)):
                yield Need("all")
                return
            yield _of_parents(kind, inner, [row["id"] for row in rows])
            if kind is not DATASTREAM:
                yield Need("all", feature=ANY_FEATURE)
        found = [row["expanded"][name] for row in rows]
        below = [
            row for one in found for row in (one["rows"] if link.many else [one] if one else [])
        ]
        yield from needs_of_expanded(target, inner, below)


def _of_parents(kind: EntityKind, options: Options, ids: Iterable[str]) -> Need:
    """The Observations of Datastreams, or of Features of interest."""
    known, met = _conjuncts(options.filter)
    need = Need("all", start=known.start, end=known.end)
    if kind is not DATASTREAM:
        pairs = tuple((station, "") for station in ids)
        return replace(need, pairs=pairs)
    keys = [key for key in (series_key(one) for one in ids) if key is not None]
    pairs = tuple((str(key["station_code"]), str(key["property_code"])) for key in keys)
    need, order = replace(need, pairs=pairs), _order(options)
    if not met or known.key or order is None or (options.count and options.filter is not None):
        return need
    number = options.top + options.skip + 1
    return replace(need, way="each", number=number, last=order == "last")
