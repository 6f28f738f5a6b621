"""Many objects at once: created, changed, left alone or refused like single ones."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.changes import read_changes, read_head
from shanhai.db.collections.controls import CONTROL_AREAS
from shanhai.db.collections.data_sources import DATASETS, STATIONS
from shanhai.db.collections.patterns import CORRIDOR_NODES
from shanhai.db.collections.plans import PLANS
from shanhai.db.collections.projects import PROJECTS
from shanhai.db.collections.regions import REGIONS
from shanhai.db.collections.zones import ZONE_SCHEMES, ZONES
from shanhai.db.engine import Sessions
from shanhai.db.features import bulk_sql, bulk_staging
from shanhai.db.features.bulk_write import BulkResult, write_many
from shanhai.db.features.entity import Entity
from shanhai.db.identity import EVERYTHING, Grant, Identity
from shanhai.db.queries.audit import Act, record
from shanhai.db.queries.audit_chain import verify_chain
from shanhai.db.tables.zone import Corridor, ZoneScheme
from shanhai.errors import InvalidInput
from shanhai.vocabulary import SUPPLY_DEMAND, ZONE_CLASSES, Role, Scope, Visibility
from tests.support.feature_rows import add_scheme
from tests.support.job_rows import add_dataset, add_region

BOX = shapely.MultiPolygon([shapely.box(118, 24, 118.5, 24.5)])
EDITOR = Identity("editor", frozenset({Scope.WRITE}))
ACT = Act("editor", "request-1")
NAMES = ("name_zh", "name_en", "level", "parent")
NODE_NAMES = ("kind", "region", "corridors", "status")

pytestmark = pytest.mark.usefixtures("without_features")


def row(
    number: int, *, name: str = "区", level: str = "district", parent: str | None = None
) -> Any:
    values = (f"{name}{number}", f"Place {number}", level, parent)
    texts = (None if value is None else json.dumps(value) for value in values)
    return (number, f"place-{number}", shapely.to_wkb(BOX), None, None, *texts)


async def write(
    sessions: Sessions,
    rows: Sequence[Any],
    *,
    identity: Identity = EDITOR,
    partly: bool = False,
    names: Sequence[str] = NAMES,
    entity: Entity = REGIONS,
    visibility: Visibility = Visibility.PUBLIC,
) -> BulkResult:
    """Write rows whose values are those of `names`, in this order."""

    async def blocks() -> AsyncIterator[Sequence[Any]]:
        yield rows

    properties = [item for name in names for item in entity.receivables if item.name == name]
    async with sessions.begin() as session:
        return await write_many(
            session,
            entity,
            identity,
            ACT,
            properties,
            blocks(),
            shaped=True,
            partly=partly,
            visibility=visibility,
        )


def node(number: int, corridors: Sequence[str], status: str | None = None) -> Any:
    """A corridor node as a row of `NODE_NAMES`."""
    texts = (json.dumps(value) for value in ("source", "city", corridors))
    state = None if status is None else json.dumps(status)
    return (number, f"node-{number}", None, None, None, *texts, state)


def told(tally: BulkResult) -> list[tuple[int, str, str | None]]:
    return [(item.row, item.rule, item.member) for item in tally.rejections]


async def scalar(session: AsyncSession, query: str) -> Any:
    return await session.scalar(text(query))


async def test_rows_are_created_with_history_and_audit(sessions: Sessions) -> None:
    tally = await write(sessions, [row(1), row(2), row(3)])
    assert (tally.created, tally.updated, tally.unchanged, tally.rejected) == (3, 0, 0, 0)
    async with sessions() as session:
        assert await scalar(session, "SELECT count(*) FROM region WHERE geom IS NOT NULL") == 3
        entry = await scalar(
            session,
            "SELECT after FROM audit_log WHERE object_id = 'place-2' ORDER BY id DESC LIMIT 1",
        )
    assert entry["name_zh"] == "区2"
    assert entry["geometry"]["type"] == "MultiPolygon"
    async with sessions() as session:
        assert (await verify_chain(session)).rows > 0


@pytest.mark.parametrize("names", [NAMES, ("name_zh", "level", "parent")])
async def test_without_an_english_name_rows_repeat_the_chinese_one(
    sessions: Sessions, names: Sequence[str]
) -> None:
    english = [None] if "name_en" in names else []
    blank = [(*one[:6], *english, *one[7:]) for one in (row(1), row(2))]
    made = await write(sessions, blank, names=names)
    again = await write(sessions, blank, names=names)
    assert (made.created, made.rejected) == (2, 0)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)
    async with sessions() as session:
        query = text("SELECT name_zh, name_en FROM region WHERE code LIKE 'place-%' ORDER BY code")
        assert [tuple(one) for one in await session.execute(query)] == [
            ("区1", "区1"),
            ("区2", "区2"),
        ]


async def test_names_of_a_zones_class_come_back_as_they_went_out(sessions: Sessions) -> None:
    entry = ZONE_CLASSES[0]
    names = ("name_zh", "name_en", "zone_class", "scheme")

    def line(name_zh: str | None, name_en: str | None) -> Any:
        members = (name_zh, name_en, f"{SUPPLY_DEMAND}.{entry.code}", "scheme")
        texts = (None if one is None else json.dumps(one) for one in members)
        return (1, "zone-named", shapely.to_wkb(BOX), None, None, *texts)

    async def written(name_zh: str | None, name_en: str | None) -> tuple[int, int, int]:
        tally = await write(sessions, [line(name_zh, name_en)], names=names, entity=ZONES)
        assert told(tally) == []
        return tally.created, tally.updated, tally.unchanged

    async with sessions.begin() as session:
        await add_scheme(session, await add_region(session, "city"), code="scheme", status="draft")
    assert await written("区", None) == (1, 0, 0)
    # An export shows the name of the class where the zone has none of its own.
    for english in (entry.label.en, None, entry.label.en):
        assert await written("区", english) == (0, 0, 1)
    assert await written(entry.label.zh, "Own") == (0, 1, 0)
    assert await written(None, None) == (0, 1, 0)
    async with sessions.begin() as session:
        assert (await session.execute(text("SELECT name_zh, name_en FROM zone"))).one() == (
            None,
            None,
        )
        await session.execute(text("UPDATE zone_scheme SET status = 'published'"))
    assert await written(entry.label.zh, entry.label.en) == (0, 0, 1)


async def test_others_write_while_many_rows_wait_for_their_commit(sessions: Sessions) -> None:
    async with sessions() as session:
        start = await read_head(session)

    async def blocks() -> AsyncIterator[Sequence[Any]]:
        yield [row(1), row(2)]

    properties = [item for name in NAMES for item in REGIONS.receivables if item.name == name]
    async with sessions.begin() as session:
        await write_many(
            session,
            REGIONS,
            EDITOR,
            ACT,
            properties,
            blocks(),
            shaped=True,
            partly=False,
            visibility=Visibility.PUBLIC,
        )
        async with asyncio.timeout(8), sessions.begin() as other:
            await add_region(other, "meanwhile")
            record(other, ACT, "create", table="region", object_id="meanwhile")
        async with sessions() as reading:
            first = await read_changes(reading, EVERYTHING, after=start, limit=10)
    assert [change.code for change in first.changes] == ["meanwhile"]
    # Nothing is missed by who reads on, though the numbers were drawn before.
    async with sessions() as session:
        rest = await read_changes(session, EVERYTHING, after=first.seen, limit=10)
        assert [change.code for change in rest.changes] == ["place-1", "place-2"]
        part = await read_changes(session, EVERYTHING, after=first.seen + 1, limit=1)
        assert [change.code for change in part.changes] == ["place-2"]
        assert await read_head(session) == rest.seen == start + 3
    async with sessions() as session:
        await verify_chain(session)


async def test_rows_are_shown_no_wider_than_their_class_allows(sessions: Sessions) -> None:
    names = ("name_zh", "name_en", "kind", "region", "visibility", "data_class", "data_grade")

    def line(number: int, *texts: str | None) -> tuple[object, ...]:
        given = ("线", "Line", "red_line", "city", *texts)
        values = (None if text is None else json.dumps(text) for text in given)
        return (number, f"line-{number}", None, None, None, *values)

    async with sessions.begin() as session:
        region = (await add_region(session, "city")).id
    planner = Identity(
        "planner", frozenset({Scope.WRITE}), (Grant(Role.PLANNER, frozenset({region})),)
    )
    rows = [
        line(1, None, "sensitive", "core"),
        line(2, None, "internal", None),
        line(3, None, None, None),
        line(4, "public", "internal", None),
        line(5, None, "open", "important"),
    ]
    tally = await write(
        sessions, rows, names=names, entity=CONTROL_AREAS, partly=True, identity=planner
    )
    assert told(tally) == [(4, "guard", "visibility"), (5, "guard", "data_class")]
    async with sessions() as session:
        query = "SELECT json_agg(visibility ORDER BY code) FROM control_area"
        assert await scalar(session, query) == ["region", "signed_in", "public"]
    # Nothing is made less closed by who may not publish.
    again = [
        line(1, "region", "sensitive", "important"),
        line(2, "region", "sensitive", None),
        line(3, "region", "internal", None),
    ]
    tally = await write(
        sessions, again, names=names, entity=CONTROL_AREAS, partly=True, identity=planner
    )
    assert [(item.row, item.rule) for item in tally.rejections] == [(1, "authority")]
    approving = (*(planner.grants or ()), Grant(Role.APPROVER, frozenset({region})))
    approver = Identity("approver", frozenset({Scope.WRITE}), approving)
    tally = await write(sessions, again[:1], names=names, entity=CONTROL_AREAS, identity=approver)
    assert (tally.updated, tally.rejected) == (1, 0)


@pytest.mark.parametrize("wish", list(Visibility))
async def test_rows_of_a_file_that_says_nothing_of_readers_are_shown_as_their_class_allows(
    sessions: Sessions, wish: Visibility
) -> None:
    async with sessions.begin() as session:
        await add_region(session, "city")
    names = ("name_zh", "kind", "region", "data_class")
    given = tuple(map(json.dumps, ("线", "red_line", "city")))
    rows = [
        (number, f"line-{number}", None, None, None, *given, data_class)
        for number, data_class in enumerate(('"sensitive"', '"internal"', None), 1)
    ]
    tally = await write(sessions, rows, names=names, entity=CONTROL_AREAS, visibility=wish)
    assert (tally.created, told(tally)) == (3, [])
    narrow = "region" if wish is Visibility.REGION else "signed_in"
    async with sessions() as session:
        query = "SELECT json_agg(visibility ORDER BY code) FROM control_area"
        assert await scalar(session, query) == ["region", narrow, wish]


@pytest.mark.parametrize("wish", list(Visibility))
async def test_new_rows_are_for_everybody_only_where_that_is_wished(
    sessions: Sessions, wish: Visibility
) -> None:
    def line(number: int, *texts: object) -> tuple[object, ...]:
        told = ("线", "Line", "red_line", "city", *texts)
        given = (None if text is None else json.dumps(text) for text in told)
        return (number, f"line-{number}", None, None, None, *given)

    async with sessions.begin() as session:
        await add_region(session, "city")
    names = ("name_zh", "name_en", "kind", "region")
    await write(sessions, [line(1)], names=names, entity=CONTROL_AREAS, visibility=wish)
    lines = [line(2, "public"), line(3, "signed_in"), line(4, None)]
    await write(
        sessions, lines, names=(*names, "visibility"), entity=CONTROL_AREAS, visibility=wish
    )
    async with sessions() as session:
        query = "SELECT json_agg(visibility ORDER BY code) FROM control_area"
        assert await scalar(session, query) == [wish, "public", "signed_in", wish]
    # What everybody would see at once is refused, unless it is there already.
    tally = await write(sessions, [row(1)], visibility=wish)
    assert told(tally) == ([] if wish is Visibility.PUBLIC else [(1, "visibility", None)])
    async with sessions() as session:
        query = "SELECT count(*) FROM region WHERE code = 'place-1'"
        assert await scalar(session, query) == (wish is Visibility.PUBLIC)
        query = "SELECT json_agg(visibility ORDER BY code) FROM control_area"
    await write(sessions, [row(1)])
    again = await write(sessions, [row(1, name="镇")], visibility=wish)
    assert (again.updated, again.rejected) == (1, 0)
    # What is there already stays as it is unless a row says so.
    shown = [line(number, "public") for number in (1, 2, 3, 4)]
    await write(sessions, shown, names=(*names, "visibility"), entity=CONTROL_AREAS)
    await write(sessions, [line(1), line(4)], names=names, entity=CONTROL_AREAS)
    async with sessions() as session:
        assert await scalar(session, query) == ["public"] * 4


@pytest.mark.parametrize(("role", "rule"), [(Role.APPROVER, None), (Role.ANALYST, "authority")])
async def test_showing_a_dataset_to_everybody_takes_an_approver(
    sessions: Sessions, role: Role, rule: str | None
) -> None:
    async with sessions.begin() as session:
        city = await add_region(session, "city")
        await add_dataset(session, city, "dem", "dem.city", visibility="region")
        grants = [Grant(one, frozenset({city.id})) for one in {Role.ANALYST, role}]
    editor = Identity("editor", frozenset({Scope.WRITE}), tuple(grants))
    given = [(1, "dem.city", None, None, None, '"public"')]
    tally = await write(sessions, given, names=["visibility"], entity=DATASETS, identity=editor)
    assert [item.rule for item in tally.rejections] == ([] if rule is None else [rule])
    async with sessions() as session:
        assert await scalar(session, "SELECT visibility FROM dataset") == (
            "public" if rule is None else "region"
        )


@pytest.mark.parametrize("shown", ["public", "region"])
async def test_a_public_station_moves_with_the_approver_of_its_new_region(
    sessions: Sessions, shown: str
) -> None:
    async with sessions.begin() as session:
        city, other = [await add_region(session, code) for code in ("city", "other")]
        planner = Grant(Role.PLANNER, frozenset({city.id, other.id}))
        approvers = [Grant(Role.APPROVER, frozenset({one.id})) for one in (city, other)]
    names = ("name_zh", "name_en", "kind", "visibility", "region")

    async def tally_of(name: str, region: str, *grants: Grant) -> list[str]:
        texts = (json.dumps(text) for text in (name, "Station", "sky", shown, region))
        editor = Identity("editor", frozenset({Scope.WRITE}), grants)
        given = [(1, "moved-station", None, None, None, *texts)]
        tally = await write(sessions, given, names=names, entity=STATIONS, identity=editor)
        return [item.rule for item in tally.rejections]

    refused = ["authority"] if shown == "public" else []
    assert await tally_of("站", "city", planner) == refused
    assert await tally_of("站", "city", planner, approvers[0]) == []
    assert await tally_of("站", "other", planner, approvers[0]) == refused
    assert await tally_of("站", "other", planner, approvers[1]) == []
    # Where it lies already, it is written by those who keep it.
    assert await tally_of("新站", "other", planner) == []


async def test_a_published_line_moves_with_the_approver_of_its_new_region(
    sessions: Sessions,
) -> None:
    async with sessions.begin() as session:
        city, other = [await add_region(session, code) for code in ("city", "other")]
        planner = Grant(Role.PLANNER, frozenset({city.id, other.id}))
        approvers = [Grant(Role.APPROVER, frozenset({one.id})) for one in (city, other)]
    names = ("name_zh", "name_en", "kind", "region")

    async def tally_of(region: str, *grants: Grant) -> list[str]:
        texts = (json.dumps(text) for text in ("线", "Line", "red_line", region))
        editor = Identity("editor", frozenset({Scope.WRITE}), grants)
        given = [(1, "line-1", None, None, None, *texts)]
        tally = await write(sessions, given, names=names, entity=CONTROL_AREAS, identity=editor)
        return [item.rule for item in tally.rejections]

    assert await tally_of("city", planner) == []
    assert await tally_of("other", planner) == []
    async with sessions.begin() as session:
        await session.execute(text("UPDATE control_area SET status = 'published'"))
    assert await tally_of("city", planner, approvers[1]) == ["authority"]
    assert await tally_of("city", planner, approvers[0]) == []


@pytest.mark.parametrize("wish", list(Visibility))
@pytest.mark.parametrize("was", ["public", "region"])
async def test_an_empty_visibility_leaves_who_may_read_what_is_there(
    sessions: Sessions, wish: Visibility, was: str
) -> None:
    async with sessions.begin() as session:
        city = await add_region(session, "city")
        await add_dataset(session, city, "dem", "dem.city", visibility=was)
    analyst = Identity(
        "analyst", frozenset({Scope.WRITE}), (Grant(Role.ANALYST, frozenset({city.id})),)
    )
    names = ["name_zh", "visibility"]
    for name, updated in (("高程", 1), ("高程", 0)):
        given = [(1, "dem.city", None, None, None, json.dumps(name), None)]
        tally = await write(
            sessions, given, names=names, entity=DATASETS, identity=analyst, visibility=wish
        )
        assert (tally.updated, tally.rejections) == (updated, [])
        async with sessions() as session:
            query = "SELECT name_zh || ' ' || visibility FROM dataset"
            assert await scalar(session, query) == f"高程 {was}"


async def test_an_empty_visibility_still_has_to_suit_a_new_class(sessions: Sessions) -> None:
    def line(*texts: str | None) -> tuple[object, ...]:
        given = ("线", "Line", "red_line", "city", *texts)
        values = (None if text is None else json.dumps(text) for text in given)
        return (1, "line-1", None, None, None, *values)

    async with sessions.begin() as session:
        await add_region(session, "city")
    names = ("name_zh", "name_en", "kind", "region", "visibility", "data_class")
    await write(sessions, [line("public", None)], names=names, entity=CONTROL_AREAS)
    tally = await write(sessions, [line(None, "sensitive")], names=names, entity=CONTROL_AREAS)
    assert [(item.row, item.rule) for item in tally.rejections] == [(1, "guard")]
    tally = await write(sessions, [line("region", "sensitive")], names=names, entity=CONTROL_AREAS)
    assert (tally.updated, tally.rejected) == (1, 0)


async def test_the_same_rows_again_change_nothing(sessions: Sessions) -> None:
    await write(sessions, [row(1), row(2)])
    async with sessions() as session:
        before = await scalar(session, "SELECT json_agg(r ORDER BY id)::text FROM region r")
        entries = await scalar(session, "SELECT count(*) FROM audit_log")
    tally = await write(sessions, [row(1), row(2)])
    assert (tally.created, tally.updated, tally.unchanged) == (0, 0, 2)
    async with sessions() as session:
        assert await scalar(session, "SELECT json_agg(r ORDER BY id)::text FROM region r") == before
        assert await scalar(session, "SELECT count(*) FROM audit_log") == entries


FIELDS: Sequence[Sequence[str]] = (
    ("name_zh", "name_en", "level"),
    ("name_zh", "name_en", "level", "parent"),
    ("name_zh", "name_en", "level", "adcode"),
    ("name_zh", "name_en", "level", "metric_epsg"),
    ("name_zh", "name_en", "level", "adcode", "metric_epsg"),
    ("name_zh", "name_en", "level", "source"),
    ("name_zh", "name_en", "level", "source", "licence", "valid_to"),
    ("name_en", "level", "name_zh", "parent", "valid_from", "valid_to"),
)
"""What eight files give, none like the one before."""


async def test_different_files_follow_each_other_over_one_connection(sessions: Sessions) -> None:
    given = {"name_zh": '"区"', "name_en": '"Place"', "level": '"district"', "metric_epsg": "4548"}
    connections = set()
    for number, names in enumerate((*FIELDS, *FIELDS)):
        texts = (given.get(i.name) for i in REGIONS.receivables if i.name in names)
        one = (1, f"file-{number % 8}", shapely.to_wkb(BOX), None, None, *texts)
        tally = await write(
            sessions, [one], names=[i.name for i in REGIONS.receivables if i.name in names]
        )
        assert (tally.created, tally.rejected) == (int(number < 8), 0), names
        async with sessions() as session:
            connections.add(await scalar(session, "SELECT pg_backend_pid()"))
    assert len(connections) == 1


@pytest.mark.long
async def test_two_who_import_different_files_in_turn_never_fail(sessions: Sessions) -> None:
    """200 files, each with other columns than the one before it, over whichever connection."""

    async def import_in_turn(worker: int) -> None:
        for turn in range(100):
            names = NAMES if (turn + worker) % 2 else NAMES[:3]
            mine = row(worker, name=f"区{turn}-")
            done = await write(sessions, [mine[: 5 + len(names)]], names=names)
            assert (done.created + done.updated, done.rejected) == (1, 0), (worker, turn)

    await asyncio.gather(import_in_turn(1), import_in_turn(2))
    async with sessions() as session:
        states = await scalar(session, "SELECT sum(row_version) FROM region WHERE code ~ 'place-'")
    assert states == 200


async def test_changed_rows_keep_their_former_state(sessions: Sessions) -> None:
    await write(sessions, [row(1), row(2)])
    tally = await write(sessions, [row(1, name="新区"), row(2)])
    assert (tally.updated, tally.unchanged) == (1, 1)
    async with sessions() as session:
        assert (
            await scalar(session, "SELECT name_zh FROM region_history WHERE code = 'place-1'")
            == "区1"
        )
        version = "SELECT row_version FROM region WHERE code = 'place-1'"
        assert await scalar(session, version) == 2
        before = "SELECT before->>'name_zh' FROM audit_log WHERE action = 'update' ORDER BY id DESC"
        assert await scalar(session, f"{before} LIMIT 1") == "区1"


async def test_unknown_references_reject_their_rows(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await add_region(session, "city")
    rows = [row(1, parent="city"), row(2, parent="nowhere")]
    refused = await write(sessions, rows)
    assert [(item.row, item.rule, item.member) for item in refused.rejections] == [
        (2, "reference", "parent")
    ]
    async with sessions() as session:
        assert await scalar(session, "SELECT count(*) FROM region WHERE code LIKE 'place%'") == 0
    partly = await write(sessions, rows, partly=True)
    assert (partly.created, partly.rejected) == (1, 1)
    async with sessions() as session:
        query = "SELECT p.code FROM region r JOIN region p ON p.id = r.parent_id"
        assert await scalar(session, query) == "city"


@pytest.mark.parametrize("partly", [True, False])
async def test_rows_of_foreign_regions_are_rejected(sessions: Sessions, partly: bool) -> None:
    await write(sessions, [row(1)])
    assert REGIONS.editing is not None
    role: Role = sorted(REGIONS.editing.roles)[0]
    stranger = Identity("other", frozenset({Scope.WRITE}), (Grant(role, frozenset({1})),))
    tally = await write(sessions, [row(1, name="新"), row(2)], identity=stranger, partly=partly)
    # Without `partly` the first refusals end it: before anything is written only row 1 is known
    # to lie elsewhere.
    rows = {1, 2} if partly else {1}
    assert {(item.row, item.rule) for item in tally.rejections} == {
        (row, "authority") for row in rows
    }
    assert tally.rejected == len(rows)
    async with sessions() as session:
        assert await scalar(session, "SELECT string_agg(name_zh, '') FROM region") == "区1"


@pytest.mark.parametrize("partly", [True, False])
async def test_rows_a_rule_of_the_table_refuses_are_named(sessions: Sessions, partly: bool) -> None:
    rows = [row(number, level="moon" if number in {2, 7} else "district") for number in range(1, 9)]
    tally = await write(sessions, rows, partly=partly)
    assert told(tally) == [(2, "constraint", "level"), (7, "constraint", "level")]
    assert "level" in tally.rejections[0].detail.en
    assert (tally.created, tally.rejected) == (6 if partly else 0, 2)
    async with sessions() as session:
        assert await scalar(session, "SELECT count(*) FROM region") == tally.created
        written = "SELECT count(*) FROM audit_log WHERE object_id LIKE 'place-_' AND id > {}"
        since = "(SELECT coalesce(max(id), 0) FROM audit_log) - " + str(tally.created)
        assert await scalar(session, written.format(since)) == tally.created


async def test_too_many_rows_to_name_refuse_the_file(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_sql, "MOST_SOUGHT", 2)
    with pytest.raises(InvalidInput, match="level"):
        await write(sessions, [row(number, level="moon") for number in range(1, 9)], partly=True)
    async with sessions() as session:
        assert await scalar(session, "SELECT count(*) FROM region") == 0


async def test_portions_write_what_one_statement_would(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_staging, "PORTION_ROWS", 3)
    await write(sessions, [row(number) for number in range(1, 6)])
    rows = [row(number, name="新" if number % 2 else "区") for number in range(1, 12)]
    tally = await write(sessions, rows)
    assert (tally.created, tally.updated, tally.unchanged) == (6, 3, 2)
    async with sessions() as session:
        assert await scalar(session, "SELECT count(*) FROM region") == 11
        codes = "SELECT array_agg(object_id ORDER BY id) FROM audit_log"
        listed = await scalar(session, codes)
    # In the order of the file, and those that did not change not at all.
    assert listed[-9:] == [f"place-{number}" for number in (1, 3, 5, *range(6, 12))]
    async with sessions() as session:
        assert (await verify_chain(session)).rows > 0


async def test_guards_refuse_their_rows(sessions: Sessions) -> None:
    names = (*NAMES, "valid_from", "valid_to")
    days = [("2020-01-01", "2021-01-01"), ("2021-01-01", "2020-01-01")]
    rows = [(*row(n), *map(json.dumps, period)) for n, period in enumerate(days, start=1)]
    tally = await write(sessions, rows, names=names, partly=True)
    assert told(tally) == [(2, "guard", "valid_to")]
    assert tally.created == 1


async def test_what_holds_now_is_not_changed_ahead_of_the_day(sessions: Sessions) -> None:
    names = (*NAMES, "valid_from")
    await write(sessions, [row(1), row(2)])
    begins = [(1, None), (2, "2135-01-01"), (3, "2134-01-01")]
    rows = [(*row(n, name="新"), None if day is None else json.dumps(day)) for n, day in begins]
    tally = await write(sessions, rows, names=names, partly=True)
    assert told(tally) == [(2, "state", "valid_from")]
    assert (tally.created, tally.updated) == (1, 1)
    later = (*row(3, name="远"), json.dumps("2135-01-01"))
    assert (await write(sessions, [later], names=names)).updated == 1


async def test_a_repair_is_kept_until_the_geometry_moves(sessions: Sessions) -> None:
    mended = json.dumps({"original_wkb": "00", "method": "structure"})
    number, code, wkb, _, _, *texts = row(1)
    await write(sessions, [(number, code, wkb, mended, None, *texts)])
    query = "SELECT attrs->'geometry_repair'->>'original_wkb' FROM region"
    async with sessions() as session:
        assert await scalar(session, query) == "00"
    await write(sessions, [row(1, name="新")])
    async with sessions() as session:
        assert await scalar(session, query) == "00"
    moved = shapely.to_wkb(shapely.MultiPolygon([shapely.box(117, 24, 117.5, 24.5)]))
    await write(sessions, [(number, code, moved, None, None, *texts)])
    async with sessions() as session:
        assert await scalar(session, query) is None


async def test_lists_of_references_keep_their_order_and_name_what_is_lost(
    sessions: Sessions,
) -> None:
    ids = await _two_corridors(sessions)
    rows = [node(1, ["line-b", "line-a"]), node(2, ["line-a", "nowhere"]), node(3, [])]
    tally = await write(sessions, rows, entity=CORRIDOR_NODES, names=NODE_NAMES, partly=True)
    assert told(tally) == [(2, "reference", "corridors")]
    async with sessions() as session:
        query = "SELECT array_agg(corridor_ids::text ORDER BY code) FROM corridor_node"
        assert await scalar(session, query) == [f"{{{ids[1]},{ids[0]}}}", "{}"]


async def test_states_are_not_changed_by_an_import(sessions: Sessions) -> None:
    await _two_corridors(sessions)

    async def written(*rows: Any) -> BulkResult:
        return await write(sessions, rows, entity=CORRIDOR_NODES, names=NODE_NAMES, partly=True)

    begun = await written(node(1, []), node(2, [], "draft"), node(3, [], "published"))
    assert told(begun) == [(3, "state", "status")]
    assert begun.created == 2
    stepped = await written(node(1, [], "published"), node(2, ["line-a"]))
    assert told(stepped) == [(1, "state", "status")]
    assert stepped.updated == 1
    async with sessions.begin() as session:
        await session.execute(text("UPDATE corridor_node SET status = 'superseded'"))
    settled = await written(node(1, ["line-a"]), node(2, ["line-a"]))
    assert told(settled) == [(1, "state", None)]
    assert settled.unchanged == 1


async def test_a_file_approves_no_plan_and_moves_no_project(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        city = await add_region(session, "city")
        for code in ("plan-a", "plan-b"):
            await session.execute(
                text(
                    "INSERT INTO plan (code, name_zh, name_en, kind, level, region_id, first_year,"
                    f" status) VALUES ('{code}', '规划', 'Plan', 'k', 'city', {city.id}, 2021,"
                    " 'submitted')"
                )
            )
        plan = "(SELECT id FROM plan WHERE code = 'plan-a')"
        await session.execute(
            text(
                "INSERT INTO project (visibility, code,"
                " name_zh, name_en, region_id, plan_id, start_year,"
                f" end_year) VALUES ('public',"
                f" 'j-1', '项目', 'Project', {city.id}, {plan}, 2021, 2022)"
            )
        )

    async def told(entity: Entity, code: str, name: str, value: str | None) -> list[Any]:
        row = (1, code, None, None, None, None if value is None else json.dumps(value))
        names = (name,)
        done = await write(
            sessions,
            [row],
            names=names,
            entity=entity,
            identity=Identity("editor", frozenset({Scope.WRITE, Scope.PROJECTS})),
        )
        return [
            (item.row, item.rule, item.member, "PATCH" in item.detail.en)
            for item in done.rejections
        ]

    assert await told(PLANS, "plan-a", "status", "approved") == [(1, "state", "status", True)]
    assert await told(PROJECTS, "j-1", "plan", "plan-b") == [(1, "state", "plan", True)]
    assert await told(PROJECTS, "j-1", "plan", "plan-a") == []
    assert await told(PROJECTS, "j-1", "plan", None) == [(1, "state", "plan", True)]
    async with sessions.begin() as session:
        await session.execute(text("UPDATE project SET plan_id = NULL"))
    assert await told(PROJECTS, "j-1", "plan", None) == []
    # What is in no plan brings nothing with it.
    assert await told(PROJECTS, "j-1", "plan", "plan-a") == []
    async with sessions() as session:
        statuses = await session.scalars(text("SELECT DISTINCT status FROM plan"))
        assert statuses.all() == ["submitted"]


async def test_a_scheme_begins_on_the_day_its_file_says(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        city = await add_region(session, "city")
        session.add(
            ZoneScheme(
                code="scheme",
                name_zh="方案",
                name_en="Scheme",
                region_id=city.id,
                kind="k",
                origin="imported",
            )
        )

    async def written(day: str | None) -> tuple[int, int, str]:
        given = [(1, "scheme", None, None, None, None if day is None else json.dumps(day))]
        tally = await write(sessions, given, names=["valid_from"], entity=ZONE_SCHEMES)
        async with sessions() as session:
            day = await scalar(session, "SELECT valid_from::text FROM zone_scheme")
        return tally.updated, tally.unchanged, str(day)

    assert await written("2030-05-06") == (1, 0, "2030-05-06")
    assert await written("2030-05-06") == (0, 1, "2030-05-06")
    assert await written(None) == (0, 1, "2030-05-06")
    assert await written("2029-05-06") == (1, 0, "2029-05-06")


async def test_codes_of_zones_are_distinct_within_their_scheme_only(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No row is refused, so that none has to be looked for.
    monkeypatch.setattr(bulk_sql, "_write_what_can_be", None)
    names = ("name_zh", "zone_class", "scheme")
    class_code = f"{SUPPLY_DEMAND}.{ZONE_CLASSES[0].code}"

    def line(number: int, scheme: str, name: str = "区") -> tuple[object, ...]:
        given = map(json.dumps, (name, class_code, scheme))
        return (number, "zone-1", shapely.to_wkb(BOX), None, None, *given)

    async with sessions.begin() as session:
        city = await add_region(session, "city")
        for code in ("first", "second"):
            await add_scheme(session, city, code=code, status="draft")
    rows = [line(1, "first"), line(2, "second")]
    tally = await write(sessions, rows, names=names, entity=ZONES)
    assert (tally.created, told(tally)) == (2, [])
    changed = [line(1, "second", "新"), line(2, "first")]
    tally = await write(sessions, changed, names=names, entity=ZONES)
    assert (tally.created, tally.updated, tally.unchanged) == (0, 1, 1)
    query = (
        "SELECT json_agg(s.code || ' ' || z.name_zh ORDER BY s.code)"
        " FROM zone z JOIN zone_scheme s ON s.id = z.scheme_id"
    )
    images = (
        "SELECT json_agg(after->>'scheme' ORDER BY id) FROM audit_log"
        " WHERE object_id = 'zone-1' AND action = 'create'"
    )
    async with sessions() as session:
        assert await scalar(session, query) == ["first 区", "second 新"]
        assert await scalar(session, images) == ["first", "second"]


async def _two_corridors(sessions: Sessions) -> list[int]:
    """A city with two corridors; their numbers."""
    async with sessions.begin() as session:
        city = await add_region(session, "city")
        lines = [
            Corridor(code=code, name_zh="廊道", name_en="Line", region_id=city.id, type="river")
            for code in ("line-a", "line-b")
        ]
        session.add_all(lines)
        await session.flush()
        return [line.id for line in lines]
