"""Put the rows of a package into a database: all of them, or none."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import ENTITIES
from shanhai.db.editions.content import CONTENT, COPIED_FROM, held
from shanhai.db.editions.creation import LONGEST_CODE, MARKED, has_marked_code
from shanhai.db.engine import is_outage
from shanhai.db.features.input_validation import CODE, CODE_RULE, CODE_RULE_ZH
from shanhai.db.identity import Identity, demand_role
from shanhai.db.plan_packages.layout import (
    JOB,
    NAMED_ONLY,
    NEEDED,
    PLAN,
    SHARED,
    UPLOAD,
    Holding,
    by_table,
    in_order,
)
from shanhai.errors import Conflict, Forbidden, InvalidInput
from shanhai.vocabulary import Role

ROWS_AT_ONCE = 500
MAKERS = frozenset({Role.PLANNER})
DECIDERS = frozenset({Role.APPROVER})
OPEN_STATES: Mapping[str, tuple[str, frozenset[str]]] = {
    PLAN: ("status", frozenset({"draft", "submitted"})),
    "pattern": ("status", frozenset({"draft"})),
    "corridor": ("status", frozenset({"draft"})),
    "corridor_node": ("status", frozenset({"draft"})),
    "zone_scheme": ("status", frozenset({"draft", "review"})),
    "control_area": ("status", frozenset({"draft"})),
    "project": ("state", frozenset({"draft", "proposed"})),
}
"""The states that planners give themselves; any other was decided by an approver."""
DECIDED = frozenset(
    {
        *("project_event", "fund_entry", "plan_decision", "compliance_exception"),
        *("evaluation_snapshot", "duty_review"),
    }
)
"""Tables whose rows tell of decisions."""
EVERYWHERE = frozenset({"control_rule", "compliance_exception"})
"""Tables whose rows of no region hold in every one, whatever they belong to."""
OF_EDITIONS = frozenset({"plan_project", "project_problem"})
"""Tables that tell of an edition and a project; what else a project has comes with it alone."""
OWNERS = ("plan_id", "project_id", "review_id", "scheme_id", "pattern_id")
"""The links to what a row of no region belongs to, and lies where that does."""
_SOURCES = text("SELECT id, region_id FROM fund_source WHERE id = ANY(:ids)")
REBUILDER = "package"
"""Who jobs of another place belong to here: nobody who could ask for them."""
ASKED = ("id", "code", "created_at", "deleted_at", "status", "state", "sha256", "kind")
_TAKE_PLACE = text(
    # The status by itself: a change of it sets the days in force.
    "UPDATE plan SET status = :status, row_version = 2 WHERE id = :id AND row_version = 1"  # noqa: S608
    f" AND {NAMED_ONLY} RETURNING id"
)
_COMPLETE = (
    " ON CONFLICT (id) DO UPDATE SET programme_id = coalesce(project.programme_id,"
    " excluded.programme_id), row_version = project.row_version"
    " + (project.programme_id IS NULL)::int"
    " WHERE (project.plan_id, project.region_id) = (excluded.plan_id, excluded.region_id)"
)
CODED = frozenset(entity.table for entity in ENTITIES)


@dataclass(slots=True)
class Rebuilt:
    """What was made, and what was there already, by table."""

    plan: str
    made: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GivenRow:
    """A row of a package.

    Attributes:
        line: The text it came as, which the database reads: no digit of it is lost.
        row: The few of its columns that are asked for here.
        links: The places of what it refers to.
    """

    line: str
    row: Mapping[str, Any]
    links: Mapping[str, Any]


Given = Mapping[str, Sequence[GivenRow]]
"""Rows by table."""
Ids = Mapping[str, Sequence[Any]]
"""The numbers the rows of each table got, by place."""


def read_row(holding: Holding, number: int, line: str, counts: Mapping[str, int]) -> GivenRow:
    """A row of a package, if it has what a row of its table has and refers to rows there are.

    Raises:
        InvalidInput: it has something else, or refers to nothing.
    """
    where = f"{holding.table}, row {number}"
    try:
        document = json.loads(line)
        row, links = document["row"], document["links"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _broken(where, "is no row of a package", "不是规划包的数据行") from None
    if not isinstance(row, dict) or not isinstance(links, dict) or len(document) != 2:
        raise _broken(where, "is no row of a package", "不是规划包的数据行")
    if row.keys() != {item.name for item in holding.kept} or links.keys() != holding.links.keys():
        raise _broken(where, "has other columns than its table", "列与数据表不符")
    code = row.get("code")
    if holding.table in CODED and (not isinstance(code, str) or not CODE.fullmatch(code)):
        raise _broken(
            where, f"has a code that is none; it {CODE_RULE}", f"代码无效；{CODE_RULE_ZH}"
        )
    for name, to in holding.links.items():
        _check_link(holding, name, links[name], counts.get(to, 0), where)
    asked = {name: row[name] for name in ASKED if name in row}
    told = {name: None if value is None else str(value) for name, value in asked.items()}
    return GivenRow(line, told, links)


def _check_link(holding: Holding, name: str, value: Any, most: int, where: str) -> None:
    listed = value if name in holding.lists and isinstance(value, list) else [value]
    if value is None:
        if holding.required(name) and name not in holding.lists:
            raise _broken(where, f"lacks {name}", f"缺少 {name}")
        return
    for place in listed:
        if type(place) is not int or not 1 <= place <= most:
            raise _broken(where, f"refers by {name} to no row", f"{name} 指向不存在的行")


def _broken(where: str, en: str, zh: str) -> InvalidInput:
    return InvalidInput(f"{where}: {en}", message_zh=f"{where}：{zh}", pointer=UPLOAD)


async def rebuild(
    session: AsyncSession,
    identity: Identity,
    plan: str,
    given: Given,
    uris: Mapping[str, str],
) -> Rebuilt:
    """Make all rows of a plan that are not there, in the session's transaction.

    Args:
        plan: The code of the plan the package is of.
        uris: Where the files of documents are kept, by SHA-256.

    Raises:
        Forbidden: the identity may not write all of it.
        Conflict: the plan, or a code of it, is there already.
        InvalidInput: a row breaks a rule of its table.
    """
    alone = "set_config('TimeZone', 'UTC', true), pg_advisory_xact_lock(hashtext('import-plan'))"
    await session.execute(text(f"SELECT {alone}"))
    own = _place_of(given, plan)
    _demand_one_plan(given, own)
    ids: dict[str, list[Any]] = {}
    fresh: dict[str, list[bool]] = {}
    for holding in in_order():
        rows = given.get(holding.table, ())
        ids[holding.table], fresh[holding.table] = await _numbers(session, holding, rows)
        if "project_id" in holding.links and holding.table not in OF_EDITIONS:
            fresh[holding.table] = [fresh["project"][one.links["project_id"] - 1] for one in rows]
    if not fresh[PLAN][own - 1]:
        values = {"id": ids[PLAN][own - 1], "status": given[PLAN][own - 1].row["status"]}
        if await session.scalar(_TAKE_PLACE, values) is None:
            en = f"the plan {plan!r} is there already, or was changed since a package named it"
            raise Conflict(en, message_zh=f"规划 {plan!r} 已存在，或在被其他规划包引用后已有改动")
    # Projects that are there are completed by the statement that makes the others.
    taken = {"project": fresh["project"].count(False)}
    fresh |= {"project": [True] * len(ids["project"])}
    fresh[PLAN][own - 1] = True
    plans = [
        replace(one, row={**one.row, "deleted_at": one.row["deleted_at"] or one.row["created_at"]})
        for one in given[PLAN]
    ]
    plans[own - 1] = given[PLAN][own - 1]
    given, done = {**given, PLAN: plans}, Rebuilt(plan)
    for holding in in_order():
        rows = given.get(holding.table, ())
        made = await _insert(session, holding, rows, ids, fresh[holding.table], uris)
        made -= taken.get(holding.table, 0)
        if rows:
            done.made[holding.table] = made
            done.found[holding.table] = len(rows) - made
    await _demand_rights(session, identity, given, ids, fresh)
    await _link_copies(session, ids[PLAN][own - 1])
    return done


async def _link_copies(session: AsyncSession, plan_id: int) -> None:
    """Find what rows are copies of by their codes; of zonings, all versions have one."""
    for content in CONTENT:
        if COPIED_FROM in content.columns.columns and not content.table.startswith("zone"):
            code = MARKED if has_marked_code(content) else "o.code"
            query = (
                f"UPDATE {content.table} c SET {COPIED_FROM} = o.id FROM plan p, {content.table} o"  # noqa: S608
                f" WHERE :id IN (p.id, p.supersedes_id) AND {held(content, 'c', 'p.id')}"
                f" AND {held(content, 'o', 'p.supersedes_id')} AND c.code = {code}"
                f" AND o.deleted_at IS NULL AND c.{COPIED_FROM} IS NULL"
            ).replace(":mark", "('.v' || p.version)")
            await session.execute(text(query), {"id": plan_id, "longest": LONGEST_CODE})


def _place_of(given: Given, plan: str) -> int:
    places = [
        place
        for place, item in enumerate(given.get(PLAN, ()), start=1)
        if item.row.get("code") == plan and item.row.get("deleted_at") is None
    ]
    if len(places) != 1:
        raise _broken(PLAN, f"does not have {plan!r} once", f"未恰好含一个 {plan!r}")
    return places[0]


def _demand_one_plan(given: Given, own: int) -> None:
    """What belongs to a plan belongs to the one the package is of; others are only named."""
    for table, rows in given.items():
        if by_table()[table].which is None or table in {PLAN, "project"}:
            continue
        for number, item in enumerate(rows, start=1):
            if item.links.get("plan_id", own) not in {own, None}:
                raise _broken(f"{table}, row {number}", "belongs to another plan", "属于其他规划")


async def _numbers(
    session: AsyncSession, holding: Holding, rows: Sequence[GivenRow]
) -> tuple[list[Any], list[bool]]:
    """A number for each row, and whether the row is to be made."""
    if not rows or not holding.numbered:
        return [], [True] * len(rows)
    key = (
        NEEDED.get(holding.table, "code") if holding.table in {*SHARED, "project"} else None
    ) or "id"
    known = (
        {} if key == "id" and holding.table != JOB else await _known(session, holding, key, rows)
    )
    if holding.table == JOB:
        found = [item.row["id"] for item in rows]
        return found, [str(one) not in known for one in found]
    query = text(
        "SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :number)"
    )
    new = iter(await session.scalars(query, {"table": holding.table, "number": len(rows)}))
    numbers, fresh = [], []
    for item in rows:
        # One that is shared by plans is the same as one with its code.
        shared = holding.table in {*NEEDED, "project"} or item.links.get("plan_id") is None
        shared = shared and item.row.get("deleted_at") is None
        there = known.get(str(item.row.get(key))) if shared else None
        numbers.append(next(new) if there is None else there)
        fresh.append(there is None)
    return numbers, fresh


async def _known(
    session: AsyncSession, holding: Holding, key: str, rows: Sequence[GivenRow]
) -> dict[str, Any]:
    live = " AND deleted_at IS NULL" if "deleted_at" in holding.columns.columns else ""
    if holding.table == PLAN:  # the one that is there comes last, and counts
        live = f" AND (deleted_at IS NULL OR {NAMED_ONLY}) ORDER BY deleted_at"
    query = text(
        f"SELECT {key}::text, id FROM {holding.table}"  # noqa: S608 - constants of this code
        f" WHERE {key}::text = ANY(CAST(:keys AS text[])){live}"
    )
    keys = [str(item.row[key]) for item in rows]
    found = (await session.execute(query, {"keys": keys})).all()
    return {row[0]: row[1] for row in found}


async def _insert(
    session: AsyncSession,
    holding: Holding,
    rows: Sequence[GivenRow],
    ids: Ids,
    fresh: Sequence[bool],
    uris: Mapping[str, str],
) -> int:
    query, made = text(_statement(holding)), 0
    for part in _parts(holding, rows, ids, fresh, uris):
        if holding.table == "zone_scheme":
            await _demand_one_published(session, part)
        try:
            made += len((await session.execute(query, part)).all())
        except IntegrityError as error:
            raise _refused(holding, error, Conflict) from error
        except DBAPIError as error:
            if is_outage(error):
                raise
            raise _refused(holding, error, InvalidInput) from error
    if holding.table == "project" and made < len(rows):
        raise Conflict(
            "project: a code is there already, of another plan or region",
            message_zh="project：项目代码已存在，且属于其他规划或区域",
        )
    return made


_GIVEN = (
    " FROM unnest(CAST(:lines AS text[]), CAST(:numbers AS text[])) AS g (line, numbers),"
    " LATERAL jsonb_populate_record(NULL::{table}, (g.line::jsonb -> 'row') || g.numbers::jsonb) r"
)
_PUBLISHED_TWICE = text(
    "SELECT r.code, o.code AS other, o.kind, daterange(o.valid_from, o.valid_to)::text AS period"
    f"{_GIVEN.format(table='zone_scheme')}"
    " JOIN zone_scheme o ON (o.region_id, o.kind) = (r.region_id, r.kind)"
    " AND daterange(o.valid_from, o.valid_to) && daterange(r.valid_from, r.valid_to)"
    " WHERE (r.deleted_at, o.deleted_at) IS NULL"
    " AND ARRAY[r.status, o.status]::text[] <@ ARRAY['published', 'superseded'] LIMIT 1"
)


async def _demand_one_published(session: AsyncSession, part: Mapping[str, Any]) -> None:
    """Refuse a scheme that is published where and when another one of its kind is."""
    for code, other, kind, period in (await session.execute(_PUBLISHED_TWICE, part)).all():
        raise Conflict(
            f"zone_scheme {code!r}: valid_from: {other!r} of the same region is published for"
            f" {period}; at any date a region has one published scheme of a kind ({kind})",
            message_zh=f"分区方案 {code!r}：valid_from：同一区域的 {other!r} 发布期为 {period}；"
            f"同一区域同一类型（{kind}）在任一日期只能有一个已发布的方案",
        )


def _refused(
    holding: Holding, error: DBAPIError, kind: type[Conflict] | type[InvalidInput]
) -> Conflict | InvalidInput:
    """What the database says of a row, without the statement."""
    told = str(getattr(error.orig, "__cause__", None) or error.orig).splitlines()[0][:300]
    return kind(f"{holding.table}: {told}", message_zh=f"{holding.table}：{told}")


def _parts(
    holding: Holding,
    rows: Sequence[GivenRow],
    ids: Ids,
    fresh: Sequence[bool],
    uris: Mapping[str, str],
) -> Iterator[Mapping[str, list[str]]]:
    """The rows to make, some at a time, and the numbers they have instead of places.

    Rows of one table may refer to each other, so those of a table that does so go together.
    """
    whole = [
        (item.line, json.dumps(_numbered(holding, item, place, ids, uris)))
        for place, (item, made) in enumerate(zip(rows, fresh, strict=True))
        if made
    ]
    step = len(whole) if holding.table in holding.links.values() else ROWS_AT_ONCE
    for start in range(0, len(whole), step or 1):
        part = whole[start : start + step]
        yield {"lines": [line for line, _ in part], "numbers": [more for _, more in part]}


def _numbered(
    holding: Holding, item: GivenRow, place: int, ids: Ids, uris: Mapping[str, str]
) -> Mapping[str, Any]:
    whole: dict[str, Any] = {}
    for name, to in holding.links.items():
        value = item.links[name]
        if isinstance(value, list):
            whole[name] = [ids[to][one - 1] for one in value]
        else:
            whole[name] = None if value is None else ids[to][value - 1]
    if holding.numbered and holding.table != JOB:
        whole["id"] = ids[holding.table][place]
    if holding.table == JOB:
        whole |= {"status": "successful", "requested_by": REBUILDER}
    if holding.table == PLAN:
        whole["deleted_at"] = item.row["deleted_at"]
    if holding.table == "document":
        whole["uri"] = uris[str(item.row["sha256"])]
    return whole


def _statement(holding: Holding) -> str:
    names = [item.name for item in holding.kept] + list(holding.links)
    names += ["id"] if holding.numbered and "id" not in names else []
    names += ["uri"] if holding.table == "document" else []
    names += ["status", "requested_by"] if holding.table == JOB else []
    listed = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(f'r."{name}"' for name in names)
    again = (
        ""
        if holding.again is None
        else f" WHERE NOT EXISTS (SELECT FROM {holding.table} o WHERE {holding.again})"
    )
    if holding.table == PLAN:
        written = [f"{name} = excluded.{name}" for name in names if name not in {"id", "status"}]
        again = f" ON CONFLICT (id) DO UPDATE SET {', '.join(written)}"
    elif holding.table == "project":
        again = _COMPLETE
    overriding = " OVERRIDING SYSTEM VALUE" if holding.numbered and holding.table != JOB else ""
    return (
        f"INSERT INTO {holding.table} ({listed}){overriding} SELECT {values}"
        f"{_GIVEN.format(table=holding.table)}{again}"
        " RETURNING 1"
    )


async def _demand_rights(
    session: AsyncSession,
    identity: Identity,
    given: Given,
    ids: Ids,
    fresh: Mapping[str, Sequence[bool]],
) -> None:
    """Refuse who may not plan in every region the package writes in, or decide what was decided."""
    # A source that is there keeps its region, whatever the package says of it.
    sources = await session.execute(_SOURCES, {"ids": ids["fund_source"]})
    money = {source.id: source.region_id for source in sources}
    for holding in in_order():
        for number, item in enumerate(given.get(holding.table, ()), start=1):
            if not fresh[holding.table][number - 1] or holding.table == JOB:
                continue
            regions = _regions_of(holding, given, ids, number)
            source = item.links.get("source_id")
            if source is not None and (own := money[ids["fund_source"][source - 1]]) is not None:
                regions.append(own)
            for region in regions:
                _demand(identity, MAKERS, region, holding, item)
                if _is_decided(holding, item):
                    _demand(identity, DECIDERS, region, holding, item)


def _demand(
    identity: Identity,
    roles: frozenset[Role],
    region: int | None,
    holding: Holding,
    item: GivenRow,
) -> None:
    try:
        demand_role(identity, roles, region)
    except Forbidden as refusal:
        what = f"{holding.table} {item.row.get('code') or ''}".strip()
        raise Forbidden(
            f"{what}: {refusal.message}", message_zh=f"{what}：{refusal.message_zh}"
        ) from None


def _is_decided(holding: Holding, item: GivenRow) -> bool:
    column, states = OPEN_STATES.get(holding.table, ("", frozenset()))
    return holding.table in DECIDED or (bool(column) and item.row[column] not in states)


def _regions_of(holding: Holding, given: Given, ids: Ids, number: int) -> list[int | None]:
    """The regions a row lies in; a new region lies in none that anybody has a role for by name."""
    if holding.table == "region":
        return [ids["region"][number - 1]]
    links = given[holding.table][number - 1].links
    place = links.get("region_id")
    if place is not None:
        return [ids["region"][place - 1]]
    owners = () if holding.table in EVERYWHERE else OWNERS
    upper = [(by_table()[holding.links[name]], links[name]) for name in owners if links.get(name)]
    # What belongs to nothing is everybody's.
    found = [region for to, at in upper for region in _regions_of(to, given, ids, at)]
    return found or [None]
