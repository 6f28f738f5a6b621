"""Read entities: one statement for a page and all that is expanded in it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import orjson
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import CANCELLED
from shanhai.db.identity import Viewer
from shanhai.db.sensorthings import compiler
from shanhai.db.sensorthings.archive_filter import OF_FEATURE, Need, needs_of, needs_of_expanded
from shanhai.db.sensorthings.archive_rows import Loading
from shanhai.db.sensorthings.expressions import refused
from shanhai.db.sensorthings.identifiers import MOST_MOVES, Key, leads_to
from shanhai.db.sensorthings.model import KINDS, OBSERVATION, EntityKind, NavigationProperty
from shanhai.db.sensorthings.operands import Composition
from shanhai.db.sensorthings.options import Options, Place
from shanhai.errors import InvalidInput, LimitExceeded, Unavailable
from shanhai.monitoring.observation import ObservedRows
from shanhai.storage.artifacts import ArtifactStore
from shanhai.vocabulary import Lang

Found = TypeVar("Found")
Raw = Mapping[str, Any]
"""An entity as PostgreSQL writes it: `id`, `members`, `place` in its page, `expanded`."""
NO_SUCH_VALUE = "22"
"""How PostgreSQL's codes begin for values out of range, divisions by zero and the like."""

MOST_ENTITIES = 50_000
"""In one answer, those of relations included: some 30 MB."""
TRIES = 5
"""How often a question is asked anew while months are put into files."""
STATE = "(SELECT CAST(coalesce(sum(version), 0) AS text) FROM observation_archive)"


@dataclass(frozen=True, slots=True)
class Asker:
    """For whom entities are read.

    Attributes:
        base: Where the service is, for addresses inside of entities.
        files: Where the Observations of closed months are.
    """

    viewer: Viewer
    lang: Lang
    base: str
    files: ArtifactStore

    def composition(self, archived: ObservedRows | None = None) -> Composition:
        """The beginning of a statement for them.

        Args:
            archived: Observations of closed months that count besides those of the database.
        """
        return Composition(self.viewer, self.lang, self.base, archived=archived)


@dataclass(frozen=True, slots=True)
class EntityPage:
    """Some entities in an order; `next` is where the following page begins."""

    rows: Sequence[Raw]
    count: int | None
    next: Place | None


async def read_page(
    session: AsyncSession,
    asker: Asker,
    kind: EntityKind,
    options: Options,
    within: Key | None = None,
) -> EntityPage:
    """The entities of a kind that are asked for.

    Args:
        within: What columns of theirs must be: where the path to them says so.

    Raises:
        InvalidInput: an option names what is not there, or compares what cannot be compared.
    """
    options = fitted(kind, options)
    demand_bounded(kind, options, options.top)
    asked = EntityQuery(
        kind, options, within, lambda one: _set(one, kind, options, PageLimits(within))
    )
    found = await _answer(session, asker, asked)
    return page_of(found, options)


async def read_one(
    session: AsyncSession, asker: Asker, kind: EntityKind, options: Options, key: Key
) -> Raw | None:
    """The entity of a key with what is to be shown of it; None if there is none to be seen.

    What was moved is found by its former key as well.
    """
    demand_bounded(kind, options, 1)

    async def read(at: Key) -> Raw | None:
        asked = EntityQuery(kind, options, at, lambda one: _one(one, kind, options, PageLimits(at)))
        found: Raw | None = await _answer(session, asker, asked)
        return found

    return await _followed(session, key, read)


async def _followed(
    session: AsyncSession, key: Key, read: Callable[[Key], Awaitable[Found | None]]
) -> Found | None:
    """What is at a key, or where what was there was moved to."""
    found, at = await read(key), key
    for _ in range(MOST_MOVES):
        if found is not None:
            break
        moved = await leads_to(session, at)
        if moved is None:
            break
        found, at = await read(moved), moved
    return found


async def find_columns(
    session: AsyncSession, asker: Asker, kind: EntityKind, key: Key
) -> dict[str, Any] | None:
    """The columns of an entity that ids and links speak of; None if there is none to be seen."""
    return await _followed(session, key, lambda at: columns_at(session, asker, kind, at))


async def columns_at(
    session: AsyncSession, asker: Asker, kind: EntityKind, key: Key
) -> dict[str, Any] | None:
    """As `find_columns`, of what is at the key itself."""
    found: dict[str, Any] | None = None
    archived: ObservedRows | None = None
    for composition in (asker.composition(), None):
        if composition is None:
            # It may be an Observation of a closed month.
            composition = asker.composition()
            needs = needs_of(kind, Options(), key, ())
            archived = await Loading(session, composition, asker.files).load(needs)
            composition = asker.composition(archived)
        found = await _columns(session, composition, kind, key)
        if found is not None or kind is not OBSERVATION:
            break
    return found


async def _columns(
    session: AsyncSession, composition: Composition, kind: EntityKind, key: Key
) -> dict[str, Any] | None:
    alias, names = composition.alias(), sorted(kind.columns)
    rows, met = composition.rows(kind), composition.same(alias, key)
    listed = ", ".join(f"{alias}.{name}" for name in names)
    # Constants of this code; callers' values are bound.
    query = text(f"SELECT {listed} FROM {rows} {alias} WHERE {met} LIMIT 1")  # noqa: S608
    row = (await session.execute(query, composition.values)).first()
    return None if row is None else dict(zip(names, row, strict=True))


@dataclass(frozen=True, slots=True)
class EntityQuery:
    """What is asked: of a kind, with options, of rows with a key; and how its SQL is composed."""

    kind: EntityKind
    options: Options
    key: Key | None
    compose: Callable[[Composition], str]


async def _answer(session: AsyncSession, asker: Asker, asked: EntityQuery) -> Any:
    """The answer as JSON has it, with what is in files of closed months.

    A statement tells the state of the archive besides: what was read from files in another state
    is read anew.
    """
    composition = asker.composition()
    found, state = await _ask(session, composition, asked)
    if not composition.reads_observations or state == "0":
        return found
    needs = needs_of(asked.kind, asked.options, asked.key, _rows_of(found))
    for _ in range(TRIES):
        archived = await Loading(session, asker.composition(), asker.files).load(needs)
        answer, then = await _ask(session, asker.composition(archived), asked)
        if then != state:
            found, state = await _ask(session, asker.composition(), asked)
            needs = needs_of(asked.kind, asked.options, asked.key, _rows_of(found))
            continue
        # What belongs to rows of files is told only by an answer that has these.
        below = needs_of_expanded(asked.kind, asked.options, _rows_of(answer))
        more = [one for one in below if one not in needs]
        if not more or Need("all") in needs:
            return answer
        needs += more
    raise Unavailable(
        "months of observations are being archived; try again",
        message_zh="观测数据正在归档，请稍后重试",
    )


def _rows_of(found: Any) -> Sequence[Raw]:
    return found["rows"] if found and "rows" in found else [found] if found else []


async def _ask(
    session: AsyncSession, composition: Composition, asked: EntityQuery
) -> tuple[Any, Any]:
    """What a statement finds, and the state of the archive at that moment; 0 without one."""
    found, state = await _row(session, f"SELECT {asked.compose(composition)}, {STATE}", composition)
    return None if found is None else orjson.loads(found), state


def fitted(kind: EntityKind, options: Options) -> Options:
    """The options with pages as short as an answer demands, where nobody asked for longer ones."""
    if "$top" in options.given:
        return options
    return replace(options, top=max(1, min(options.top, MOST_ENTITIES // _size(kind, options))))


def demand_bounded(kind: EntityKind, options: Options, top: int) -> None:
    """Refuse to show more entities at once than an answer may hold.

    Raises:
        LimitExceeded: so many could be there.
    """
    most = top * _size(kind, options)
    if most > MOST_ENTITIES:
        raise LimitExceeded(
            f"$expand: up to {most} entities are asked for, and {MOST_ENTITIES} is the most;"
            " lower $top, inside of $expand as well",
            message_zh=f"$expand：最多可能返回 {most} 个实体，上限 {MOST_ENTITIES}；"
            "请减小 $top（包括 $expand 内的）",
            pointer="$expand",
        )


def _size(kind: EntityKind, options: Options) -> int:
    """How many entities one is shown with at most, itself included."""
    size = 1
    for name, inner in options.expand.items():
        link = kind.links.get(name)
        if link is not None:
            size += (inner.top if link.many else 1) * _size(KINDS[link.target], inner)
    return size


def page_of(found: Mapping[str, Any], options: Options) -> EntityPage:
    """A set as it was read: one more row than wanted tells that there is a next page."""
    rows = found["rows"]
    kept = rows[: options.top]
    more = len(rows) > options.top and kept
    return EntityPage(kept, found["count"], tuple(kept[-1]["place"]) if more else None)


async def _row(session: AsyncSession, sql: str, composition: Composition) -> Any:
    try:
        return (await session.execute(text(sql), composition.values)).one()
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None) or ""
        if state == CANCELLED:
            raise Unavailable(
                "this takes too long; ask for one Datastream, or a shorter time",
                message_zh="查询耗时过长；请限定单个数据流或更短的时段",
            ) from error
        if not state.startswith(NO_SUCH_VALUE):
            raise
        raise InvalidInput(
            "the options lead to a value that is out of range, or no value at all",
            message_zh="查询选项得到的值超出范围或无意义",
            pointer="$filter",
        ) from error


@dataclass(frozen=True, slots=True)
class PageLimits:
    """Which rows of a kind are meant: those of a key, or those another entity leads to."""

    key: Key | None = None
    link: NavigationProperty | None = None
    parent: str = ""

    def conditions(self, composition: Composition, alias: str) -> list[str]:
        """The conditions on the rows called `alias`."""
        found = [composition.same(alias, self.key)] if self.key else []
        if self.link is not None:
            found.append(compiler.linked(self.link, self.parent, alias))
        return found


def _set(composition: Composition, kind: EntityKind, options: Options, bounds: PageLimits) -> str:
    """SQL of a set as JSON text: its rows and their number."""
    alias = composition.alias()
    met = bounds.conditions(composition, alias)
    if options.filter is not None:
        composition.parameter = "$filter"
        met.append(compiler.condition(composition, kind, alias, options.filter))
    rows = composition.rows(kind)
    # Constants of this code; callers' values are bound.
    counted = "NULL"
    if options.count:
        counted = _counted(composition, kind, alias, met, whole=_of_whole_series(bounds, options))
    keys = compiler.order_of(composition, kind, alias, options)
    if options.after is not None:
        met.append(compiler.behind(composition, keys, options.after))
    page = (
        f"SELECT {alias}.* FROM {rows} {alias}{_where(met)}"  # noqa: S608
        f" ORDER BY {', '.join(key.written for key in keys)}"
        f" LIMIT {composition.bind(options.top + 1, 'bigint')}"
        f" OFFSET {composition.bind(options.skip, 'bigint')}"
    )
    document = _document(composition, kind, alias, options, keys)
    listed = f"SELECT {document} AS document FROM ({page}) {alias}"  # noqa: S608
    agg = f"SELECT coalesce(json_agg(listed.document), '[]') FROM ({listed}) listed"  # noqa: S608
    return f"CAST(json_build_object('rows', ({agg}), 'count', {counted}) AS text)"


def _of_whole_series(bounds: PageLimits, options: Options) -> bool:
    """Whether all rows of series are asked for, and not those of some feature among them."""
    of_feature = bounds.link is not None and bounds.link.sql is not None
    key = bounds.key or {}
    return options.filter is None and not of_feature and key.keys().isdisjoint(OF_FEATURE)


def _counted(
    composition: Composition, kind: EntityKind, alias: str, met: Sequence[str], *, whole: bool
) -> str:
    """SQL of the number of rows; of Observations, archived ones are counted by series."""
    where = _where(met)
    if kind is not OBSERVATION or not whole:
        return f"(SELECT count(*) FROM {composition.rows(kind)} {alias}{where})"  # noqa: S608
    live, archived = composition.counted()
    return (
        f"((SELECT count(*) FROM {live} {alias}{where})"  # noqa: S608
        f" + (SELECT coalesce(sum({alias}.number), 0) FROM {archived} {alias}{where}))"
    )


def _one(composition: Composition, kind: EntityKind, options: Options, bounds: PageLimits) -> str:
    """SQL of one entity as JSON text, null if there is none."""
    alias = composition.alias()
    met = bounds.conditions(composition, alias)
    document = _document(composition, kind, alias, options, ())
    # Constants of this code; callers' values are bound.
    return (
        f"(SELECT CAST({document} AS text) FROM {composition.rows(kind)} {alias}"  # noqa: S608
        f"{_where(met)} LIMIT 1)"
    )


def _where(met: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(met)}" if met else ""


def _document(
    composition: Composition,
    kind: EntityKind,
    alias: str,
    options: Options,
    keys: Sequence[compiler.OrderKey],
) -> str:
    """SQL of one row as JSON."""
    wanted = chosen_members(kind, options)
    members = ", ".join(
        f"'{name}', {composition.sql(member.json or member.sql, alias)}"
        for name, member in kind.members.items()
        if name in wanted
    )
    place = ", ".join(key.sql for key in keys)
    expanded = ", ".join(
        f"'{name}', CAST({_expanded(composition, kind, alias, name, inner)} AS json)"
        for name, inner in options.expand.items()
    )
    return (
        f"json_build_object('id', {composition.sql(kind.id_sql, alias)},"
        f" 'members', json_build_object({members}), 'place', json_build_array({place}),"
        f" 'expanded', json_build_object({expanded}))"
    )


def _expanded(
    composition: Composition, kind: EntityKind, alias: str, name: str, options: Options
) -> str:
    link = kind.links.get(name)
    if link is None:
        known = ", ".join(kind.links)
        raise refused(
            "$expand",
            f"{name!r} is not a relation of {kind.name}; there are {known}",
            f"{name!r} 不是 {kind.name} 的关系；可用：{known}",
        )
    bounds = PageLimits(link=link, parent=alias)
    target = KINDS[link.target]
    read = _set if link.many else _one
    return read(composition, target, options, bounds)


def chosen_members(kind: EntityKind, options: Options) -> frozenset[str]:
    """The members `$select` names; all without it.

    Raises:
        InvalidInput: it names what is not there.
    """
    if options.select is None:
        return frozenset(kind.members)
    named = {str(path) for path in options.select}
    for name in sorted(named):
        if name not in {*kind.members, *kind.links, *compiler.ID}:
            composition = Composition(Viewer(False, frozenset()), "en", parameter="$select")
            raise compiler.unknown_property(composition, kind, name)
    return frozenset(named) & kind.members.keys()
