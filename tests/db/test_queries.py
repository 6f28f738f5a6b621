"""Reading pages: orders, places that hold while others write, former states, systems, viewers."""

from datetime import UTC, date, datetime

import pytest
import shapely
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import COLLECTIONS, ENTITIES, entity_named
from shanhai.db.features.cql2.compiler import compile_filter
from shanhai.db.features.crs import crs_uris, parse_crs
from shanhai.db.features.entity import Entity
from shanhai.db.features.order import Order, OrderPosition, PageStart, SortKey, usual_order
from shanhai.db.features.query import (
    count_features,
    read_feature,
    read_long_page,
    read_page,
    read_rows,
)
from shanhai.db.features.selection import Box, Outline, QueryShape, Selection, bound_values
from shanhai.db.features.statements import USUAL, Counting, OutputOptions, PageOptions, page_query
from shanhai.db.identity import EVERYTHING, PUBLIC, Viewer
from shanhai.db.tables.control import ControlArea
from shanhai.db.tables.zone import Region
from shanhai.errors import InvalidInput
from tests.support.dialects import NAMED
from tests.support.feature_rows import add_five_zones, add_patchwork, add_scheme
from tests.support.job_rows import add_region

REGIONS = entity_named("regions")
SEEN = Selection(viewer=EVERYTHING)
ORDERS: tuple[Order, ...] = (
    (),
    (SortKey("parent"),),
    (SortKey("parent", descending=True),),
    (SortKey("adcode"), SortKey("code", descending=True)),
    (SortKey("level", descending=True), SortKey("parent"), SortKey("name_zh")),
)


@pytest.fixture
async def family(session: AsyncSession) -> list[Region]:
    """Nine regions: some of the same parent, some without."""
    parents = [await add_region(session, code, level="province") for code in ("pa", "pb")]
    children = [
        await add_region(session, f"c{number}", parent=[*parents, None][number % 3])
        for number in range(7)
    ]
    return [*parents, *children]


async def walk(session: AsyncSession, order: Order, *, back: bool = False) -> list[str]:
    """All codes, page by page."""
    position, found = PageStart(), list[str]()
    if back:
        last = await read_page(
            session, REGIONS, SEEN, limit=100, position=PageStart(), ask=PageOptions(order)
        )
        assert last.last is not None
        position, found = PageStart(before=last.last), [last.rows[-1].code]
    while True:
        page = await read_page(
            session, REGIONS, SEEN, limit=2, position=position, ask=PageOptions(order)
        )
        codes = [row.code for row in page.rows]
        found = codes + found if back else found + codes
        assert len(found) <= 9, "pages without end"
        assert page.matched == 9
        if not (page.has_previous if back else page.has_next):
            return found
        assert page.first is not None
        assert page.last is not None
        position = PageStart(before=page.first) if back else PageStart(after=page.last)


def expected(family: list[Region], order: Order) -> list[str]:
    """The codes in an order, sorted here; a missing value comes last either way."""
    parents = {region.id: region.code for region in family}
    rows = list(family)
    for key in reversed(order):
        if key.name == "parent":
            values = {row.code: parents.get(row.parent_id or 0) for row in rows}
        elif key.name == "adcode":
            values = dict.fromkeys((row.code for row in rows), None)
        else:
            values = {row.code: getattr(row, key.name) for row in rows}
        given = [row for row in rows if values[row.code] is not None]
        missing = [row for row in rows if values[row.code] is None]
        given.sort(key=lambda row: values[row.code] or "", reverse=key.descending)
        # A reversed sort keeps equal rows as they were.
        rows = [*given, *missing]
    return [row.code for row in rows]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: ",".join(key.name for key in order))
async def test_pages_follow_the_order_both_ways(
    session: AsyncSession, family: list[Region], order: Order
) -> None:
    codes = expected(family, order)
    assert await walk(session, order) == codes
    assert await walk(session, order, back=True) == codes
    long = await read_long_page(
        session, REGIONS, SEEN, limit=5, position=PageStart(), ask=PageOptions(order)
    )
    rows = await read_rows(session, REGIONS, SEEN, long.keys)
    assert [row.code for row in rows] == codes[:5]
    assert (long.has_next, long.has_previous, long.matched) == (True, False, 9)


async def test_places_hold_while_rows_come_and_go(
    session: AsyncSession, family: list[Region]
) -> None:
    order: Order = (SortKey("code"),)
    first = await read_page(
        session, REGIONS, SEEN, limit=3, position=PageStart(), ask=PageOptions(order)
    )
    assert [row.code for row in first.rows] == ["c0", "c1", "c2"]
    gone = update(Region).where(Region.code.in_(("c1", "c2"))).values(deleted_at=datetime.now(UTC))
    await session.execute(gone)
    await add_region(session, "b9")
    await add_region(session, "c25")
    assert first.last is not None
    second = await read_page(
        session,
        REGIONS,
        SEEN,
        limit=3,
        position=PageStart(after=first.last),
        ask=PageOptions(order),
    )
    assert [row.code for row in second.rows] == ["c25", "c3", "c4"]


async def test_rows_that_left_a_long_page_are_left_out(
    session: AsyncSession, family: list[Region]
) -> None:
    page = await read_long_page(session, REGIONS, SEEN, limit=9, position=PageStart())
    family[0].deleted_at = datetime.now(UTC)
    await session.flush()
    rows = await read_rows(session, REGIONS, SEEN, page.keys)
    assert [row.code for row in rows] == [region.code for region in family[1:]]


@pytest.mark.parametrize(
    ("counting", "matched"), [("capped", None), ("exact", 9), ("none", None), ("estimate", None)]
)
async def test_counts(
    session: AsyncSession,
    family: list[Region],
    monkeypatch: pytest.MonkeyPatch,
    counting: Counting,
    matched: int | None,
) -> None:
    monkeypatch.setattr("shanhai.db.features.statements.COUNT_LIMIT", 5)
    ask = PageOptions(counting=counting)
    first = await read_page(session, REGIONS, SEEN, limit=2, position=PageStart(), ask=ask)
    assert first.last is not None
    next_place = PageStart(after=first.last)
    beyond = PageStart(after=OrderPosition(2**62))
    for position in (PageStart(), next_place, beyond):
        page = await read_page(session, REGIONS, SEEN, limit=2, position=position, ask=ask)
        assert page.matched == matched
        assert (page.estimate is not None) == (counting == "estimate")


class TestFormerStates:
    @pytest.fixture
    async def changed(self, session: AsyncSession) -> None:
        """A region that moved on New Year's Day 2020 and was deleted today."""
        await add_region(session, "r", box=(118.0, 24.0, 118.5, 24.5))
        await session.execute(
            text(
                "UPDATE region SET name_zh = 'moved', valid_from = '2020-01-01', geom ="
                " ST_Multi(ST_MakeEnvelope(110, 24, 110.5, 24.5, 4490)) WHERE code = 'r'"
            )
        )
        await session.execute(
            text("UPDATE region SET deleted_at = now(), valid_to = current_date WHERE code = 'r'")
        )

    @pytest.mark.parametrize(
        ("day", "name"),
        [
            (date(2019, 12, 31), "区域 r"),
            (date(2020, 1, 1), "moved"),
            (date(1899, 12, 31), None),
            (date(9999, 1, 1), None),
        ],
    )
    async def test_the_state_of_a_day(
        self, session: AsyncSession, changed: None, day: date, name: str | None
    ) -> None:
        selection = Selection(as_of=day)
        page = await read_page(session, REGIONS, selection, limit=10, position=PageStart())
        names = [row.plain()["name_zh"] for row in page.rows]
        assert names == ([] if name is None else [name])
        assert page.matched == len(names)
        row = await read_feature(session, REGIONS, Selection(as_of=day, code="r"))
        assert (row is None) == (name is None)
        assert await read_feature(session, REGIONS, Selection(code="r")) is None

    async def test_a_box_is_asked_of_the_place_of_that_day(
        self, session: AsyncSession, changed: None
    ) -> None:
        box = Box(117.9, 23.9, 118.6, 24.6)
        for day, number in ((date(2019, 1, 1), 1), (date(2021, 1, 1), 0)):
            assert await count_features(session, REGIONS, Selection(box=box, as_of=day)) == number

    async def test_both_spatial_indexes_serve_the_box(self, session: AsyncSession) -> None:
        await add_patchwork(session)
        await session.execute(text("UPDATE region SET valid_from = '2020-01-01'"))
        await session.execute(text("ANALYZE region, region_history"))
        selection = Selection(box=Box(118, 24, 118.1, 24.1), as_of=date(2019, 1, 1))
        plan = await plan_of(session, REGIONS, selection)
        assert "ix_region_geom" in plan
        assert "ix_region_history_geom" in plan


async def plan_of(
    session: AsyncSession, entity: Entity, selection: Selection, ask: PageOptions = USUAL
) -> str:
    """How PostgreSQL reads a page where it has the choice of an index."""
    await session.execute(text("SET LOCAL enable_seqscan = off"))
    query = page_query(entity, QueryShape.of(entity, selection), ask, None, ())
    compiled = query.compile(dialect=NAMED)
    values = {**bound_values(selection), "wanted": 101, "skipped": 0}
    rows = await session.execute(text(f"EXPLAIN {compiled}"), values)
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize(
    ("name", "index", "condition"),
    [
        ("regions", "ix_region_geom", "level = 'city' AND name_zh LIKE '厦%'"),
        ("zones", "ix_zone_geom", "class = 'key_protection' OR \"group\" = 'protection'"),
    ],
)
async def test_a_box_with_a_filter_uses_the_spatial_index(
    session: AsyncSession, name: str, index: str, condition: str
) -> None:
    entity = entity_named(name)
    await add_patchwork(session)
    wanted = compile_filter(condition, entity=entity)
    selection = Selection(box=Box(118, 24, 118.1, 24.1), filter=wanted)
    assert index in await plan_of(session, entity, selection)
    assert index in await plan_of(session, entity, selection, PageOptions(order=(SortKey("code"),)))
    spatial = compile_filter("S_INTERSECTS(geometry, BBOX(118, 24, 118.1, 24.1))", entity=entity)
    assert index in await plan_of(session, entity, Selection(filter=spatial))


class TestSystems:
    async def test_every_system_writes_every_feature_of_its_zone(
        self, session: AsyncSession
    ) -> None:
        await add_region(session, "r", box=(118.0, 24.0, 118.5, 24.5))
        for uri in crs_uris():
            crs = parse_crs(uri)
            row = await read_feature(session, REGIONS, Selection(code="r"), OutputOptions(crs))
            assert row is not None
            place = shapely.from_geojson(row.geometry or "").representative_point()
            north, east = (place.x, place.y) if crs.flipped else (place.y, place.x)
            if crs.geographic:
                assert (north, east) == pytest.approx((24.25, 118.25), abs=0.3)
            else:
                assert 2e6 < north < 8e6

    async def test_a_projected_box_meets_what_lies_in_it(self, session: AsyncSession) -> None:
        await add_region(session, "r", box=(118.0, 24.0, 118.5, 24.5))
        crs = parse_crs("[EPSG:4548]")
        for low, high, number in (
            ((2_660_000.0, 605_000.0), (2_670_000.0, 606_000.0), 1),
            ((2_660_000.0, 605_000.0), (2_660_000.0, 605_000.0), 1),
            ((2_650_000.0, 605_000.0), (2_670_000.0, 605_000.0), 1),
            ((2_600_000.0, 605_000.0), (2_650_000.0, 606_000.0), 0),
        ):
            box = Outline.of(crs, low, high)
            assert await count_features(session, REGIONS, Selection(box=box)) == number

    async def test_what_a_system_cannot_hold_is_told(self, session: AsyncSession) -> None:
        await add_region(session, "far", box=(26.0, -1.0, 27.0, 1.0))
        form = OutputOptions(parse_crs("[EPSG:4548]"))
        with pytest.raises(InvalidInput) as caught:
            await read_feature(session, REGIONS, Selection(code="far"), form)
        assert [fault.pointer for fault in caught.value.faults] == ["crs"]


VIEWERS = {
    "public": PUBLIC,
    "known": Viewer(known=True, regions=frozenset()),
    "insider": Viewer(known=True, regions=frozenset({1, 2})),
    "platform": EVERYTHING,
}


class TestViewers:
    @pytest.mark.parametrize("viewer", VIEWERS.values(), ids=VIEWERS)
    @pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
    async def test_every_viewer_can_ask_everything(
        self, session: AsyncSession, entity: Entity, viewer: Viewer
    ) -> None:
        for as_of in (None, date(2024, 1, 1)):
            selection = Selection(viewer, as_of=as_of)
            await read_page(session, entity, selection, limit=1, position=PageStart())

    async def test_drafts_are_seen_by_those_of_their_region(self, session: AsyncSession) -> None:
        here, there = [await add_region(session, code) for code in ("here", "there")]
        for region in (here, there):
            scheme = await add_scheme(session, region, code=region.code, status="draft")
            await add_five_zones(session, scheme)
        zones = entity_named("zones")
        insider = Viewer(known=True, regions=frozenset({here.id}))
        for viewer, number in (
            (PUBLIC, 0),
            (Viewer(known=True, regions=frozenset()), 0),
            (insider, 5),
            (EVERYTHING, 10),
        ):
            drafts = Selection(viewer, filters={"status": "draft"})
            assert await count_features(session, zones, drafts) == number

    async def test_what_is_published_is_not_always_public(self, session: AsyncSession) -> None:
        region = await add_region(session, "r")
        for code, visibility in (("open", "public"), ("shared", "signed_in"), ("closed", "region")):
            line = ControlArea(
                code=code,
                name_zh=code,
                name_en=code,
                kind="red_line",
                level="city",
                region_id=region.id,
                status="published",
                visibility=visibility,
            )
            session.add(line)
        await session.flush()
        areas = entity_named("control_areas")
        for name, viewer in VIEWERS.items():
            number = {"public": 1, "platform": 3}.get(name, 2)
            assert await count_features(session, areas, Selection(viewer)) == number


@pytest.mark.parametrize("entity", COLLECTIONS, ids=lambda entity: entity.name)
async def test_every_collection_sorts_by_everything_sortable(
    session: AsyncSession, entity: Entity
) -> None:
    for item in entity.sortables:
        ask = PageOptions((SortKey(item.name, descending=True),))
        for position in (PageStart(), PageStart(after=OrderPosition(1, (None,)))):
            await read_page(session, entity, SEEN, limit=1, position=position, ask=ask)


async def test_shapes_come_first_and_pages_are_found_by_an_index(session: AsyncSession) -> None:
    """Clients that learn from a first page what shapes there are must see some of them."""
    await session.execute(
        text(
            "INSERT INTO region (code, name_zh, name_en, level, geom) SELECT 'r' || n, '区', 'r',"
            " 'city', CASE WHEN n % 3 = 0 THEN"
            " ST_Multi(ST_MakeEnvelope(n, 1, n + 0.5, 1.5, 4490)) END FROM generate_series(1, 90) n"
        )
    )
    ask = PageOptions(order=usual_order(REGIONS), counting="none")
    position, codes = PageStart(), []
    while True:
        page = await read_page(session, REGIONS, SEEN, limit=7, position=position, ask=ask)
        codes += [row.code for row in page.rows]
        if len(page.rows) < 7 or page.last is None:
            break
        position = PageStart(after=page.last)
    drawn = [f"r{n}" for n in range(1, 91) if n % 3 == 0]
    assert codes == [*drawn, *(f"r{n}" for n in range(1, 91) if n % 3)]
    assert page.first is not None
    back: list[str] = []
    before = PageStart(before=page.first)
    while len(back) < len(codes) - len(page.rows):
        former = await read_page(session, REGIONS, SEEN, limit=7, position=before, ask=ask)
        back = [row.code for row in former.rows] + back
        assert former.first is not None
        before = PageStart(before=former.first)
    assert back == codes[: len(back)]
    await session.execute(text("SET LOCAL enable_seqscan = off"))
    await session.execute(text("SET LOCAL enable_sort = off"))
    question = QueryShape.of(REGIONS, SEEN)
    for side in (None, "after", "before"):
        query = page_query(REGIONS, question, ask, side, (False,) if side else ())
        compiled = query.compile(dialect=NAMED)
        values = {**bound_values(SEEN), "wanted": 8, "skipped": 0, "edge_0": "false", "edge": 5}
        rows = await session.execute(text(f"EXPLAIN {compiled}"), values)
        plan = "\n".join(row[0] for row in rows)
        assert "ix_region_shapeless" in plan
        assert side is None or "Index Cond: (ROW((" in plan, plan
