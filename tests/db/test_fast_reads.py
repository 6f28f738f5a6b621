"""The quick reader on PostgreSQL: it answers as a session does, and plans by the indexes."""

import asyncio
import struct
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from asyncpg import TooManyConnectionsError
from pydantic import SecretStr
from sqlalchemy import BindParameter, bindparam, literal, select, text
from sqlalchemy.exc import DBAPIError, InterfaceError

from shanhai.db.collections.catalogue import COLLECTIONS, entity_named, seen_by
from shanhai.db.engine import FastReader, open_quick_reader, together
from shanhai.db.features.cql2.compiler import compile_filter
from shanhai.db.features.cql2.predicates import FUNCTIONS
from shanhai.db.features.crs import parse_crs
from shanhai.db.features.entity import Entity
from shanhai.db.features.order import PageStart
from shanhai.db.features.query import count_features, estimate_features, read_page
from shanhai.db.features.selection import Box, Outline, QueryShape, Selection, bound_values
from shanhai.db.features.statements import USUAL, count_query, page_query
from shanhai.db.fence import PLATFORM, RowScope, bound_to
from shanhai.db.identity import EVERYTHING, PUBLIC, Viewer
from shanhai.settings import DatabaseSettings
from tests.support.job_rows import add_region, open_sessions

REGIONS, OCCURRENCES = entity_named("regions"), entity_named("occurrences")
SMALL = Box(118.0, 24.0, 118.01, 24.01)


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[FastReader]:
    """A reader with few connections."""
    settings = DatabaseSettings(url=SecretStr(database_url), pool_size=2, statement_timeout_s=0.5)
    async with open_quick_reader(settings, application="test") as reader:
        yield reader


class TestAnswers:
    async def test_columns_are_attributes_and_binds_are_named(self, reader: FastReader) -> None:
        given: BindParameter[str] = bindparam("given", type_=None)
        statement = select(literal(7).label("seven"), given.label("given"))
        row = (await reader.execute(statement, {"given": "x"})).all()[0]
        assert (row.seven, row.given) == (7, "x")
        with pytest.raises(AttributeError):
            _ = row.missing

    async def test_a_bind_without_a_value_is_an_error(self, reader: FastReader) -> None:
        with pytest.raises(KeyError):
            await reader.execute(text("SELECT CAST(:given AS text)"), {})

    async def test_nothing_found_is_no_scalar(self, reader: FastReader) -> None:
        assert await reader.scalar(text("SELECT 1 WHERE false"), {}) is None


class TestTogether:
    async def test_a_reader_asks_at_once(self, reader: FastReader) -> None:
        """Over as many connections as it may have, two here."""
        statement = text("SELECT pg_backend_pid(), pg_sleep(0.1)")
        found = await together(
            reader,
            reader.scalar(statement, {}),
            reader.scalar(statement, {}),
            reader.scalar(statement, {}),
        )
        assert len(set(found)) == 2

    async def test_a_session_asks_one_after_another(self, database_url: str) -> None:
        async with open_sessions(database_url) as sessions, sessions() as session:
            one, two, three = (
                session.scalar(text("SELECT CAST(:n AS int)"), {"n": n}) for n in range(3)
            )
            assert await together(session, one, two, three) == (0, 1, 2)

    async def test_what_comes_after_an_error_is_not_asked(self, database_url: str) -> None:
        async with open_sessions(database_url) as sessions, sessions() as session:
            wrong = session.scalar(text("SELECT 1 / 0"), {})
            two, three = (session.scalar(text("SELECT 1"), {}) for _ in range(2))
            with pytest.raises(DBAPIError):
                await together(session, wrong, two, three)
            with pytest.raises(RuntimeError, match="reuse"):
                await three


class TestErrors:
    async def test_writing_is_refused(self, reader: FastReader) -> None:
        with pytest.raises(DBAPIError) as refused:
            await reader.execute(text("UPDATE region SET attrs = attrs"), {})
        assert getattr(refused.value.orig, "sqlstate", None) == "25006"

    async def test_a_long_statement_is_cancelled_and_its_connection_works_on(
        self, reader: FastReader
    ) -> None:
        for _ in range(3):
            with pytest.raises(DBAPIError) as cancelled:
                await reader.execute(text("SELECT pg_sleep(5)"), {})
            assert getattr(cancelled.value.orig, "sqlstate", None) == "57014"
        assert await reader.scalar(text("SELECT 1"), {}) == 1

    async def test_a_lost_connection_is_replaced(
        self, reader: FastReader, database_url: str
    ) -> None:
        lost = await reader.scalar(text("SELECT pg_backend_pid()"), {})
        async with open_sessions(database_url) as sessions, sessions() as session:
            await session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": lost})
        found = await reader.scalar(text("SELECT pg_backend_pid()"), {})
        assert found != lost

    async def test_a_connection_that_is_ending_is_an_outage(self, reader: FastReader) -> None:
        """The server's last word comes before the socket closes."""
        lost = await reader.scalar(text("SELECT pg_backend_pid()"), {})
        [(connection, _)] = reader._connections._idle
        fields = b"SFATAL\0C57P01\0Mterminating connection\0\0"
        connection._protocol.data_received(b"E" + struct.pack("!I", 4 + len(fields)) + fields)
        with pytest.raises(InterfaceError):
            await reader.scalar(text("SELECT 1"), {})
        assert await reader.scalar(text("SELECT pg_backend_pid()"), {}) != lost


class TestConnections:
    async def test_there_are_never_more_than_allowed(self, reader: FastReader) -> None:
        asked = text("SELECT pg_backend_pid() FROM pg_sleep(0.02)")
        found = await asyncio.gather(*(reader.scalar(asked, {}) for _ in range(12)))
        assert len(set(found)) == 2

    async def test_who_asks_is_looked_up_over_another_than_what_they_see(
        self, reader: FastReader
    ) -> None:
        """Of two scopes by turns none is bound again; of three, no more than two are open."""
        own = text("SELECT pg_backend_pid(), current_setting('shanhai.sees') AS sees")
        others = [RowScope.of(frozenset({number}), known=True) for number in (1, 2)]

        async def ask(scope: RowScope) -> tuple[int, str]:
            with bound_to(scope):
                (row,) = (await reader.execute(own, {})).all()
            return row[0], row.sees

        two = [await ask(scope) for scope in (PLATFORM, others[0]) * 3]
        assert two == two[:2] * 3
        assert two[0][0] != two[1][0]
        three = [await ask(scope) for scope in (PLATFORM, *others) * 3]
        assert {sees for _, sees in three[1:3]} == {others[0].sees}
        assert {place for place, _ in three} == {two[0][0], two[1][0]}

    async def test_where_no_more_may_be_opened_the_one_there_is_bound_anew(
        self, reader: FastReader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def refuse() -> None:
            raise TooManyConnectionsError("remaining slots are reserved")

        sees = text("SELECT current_setting('shanhai.sees')")
        with bound_to(PLATFORM):
            assert await reader.scalar(sees, {}) == PLATFORM.sees
        monkeypatch.setattr(reader._connections, "_connect", refuse)
        nobody = RowScope.of(frozenset(), known=False)
        with bound_to(nobody):
            assert await reader.scalar(sees, {}) == nobody.sees

    async def test_who_waits_too_long_is_told(
        self, reader: FastReader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shanhai.db.engine.PATIENCE_S", 0.05)
        slow = [asyncio.create_task(reader.scalar(text("SELECT pg_sleep(0.3)"), {})) for _ in "ab"]
        await asyncio.sleep(0.01)
        with pytest.raises(TimeoutError):
            await reader.scalar(text("SELECT 1"), {})
        await asyncio.gather(*slow)
        assert await reader.scalar(text("SELECT 1"), {}) == 1

    async def test_who_leaves_early_takes_no_connection_along(self, reader: FastReader) -> None:
        for _ in range(5):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await reader.scalar(text("SELECT pg_sleep(0.2)"), {})
        assert await reader.scalar(text("SELECT 7"), {}) == 7

    async def test_a_value_of_the_wrong_kind_keeps_the_connection(self, reader: FastReader) -> None:
        own = text("SELECT pg_backend_pid()")
        before = await reader.scalar(own, {})
        with pytest.raises(DBAPIError):
            await reader.scalar(text("SELECT CAST(:day AS date)"), {"day": "no day"})
        assert await reader.scalar(own, {}) == before


async def test_it_reads_pages_as_a_session_does(reader: FastReader, database_url: str) -> None:
    regions = entity_named("regions")
    async with open_sessions(database_url) as sessions:
        async with sessions.begin() as session:
            await add_region(session, "quick")
        seen = Selection(EVERYTHING)
        async with sessions() as session:
            slow = await read_page(session, regions, seen, limit=5, position=PageStart())
        quick = await read_page(reader, regions, seen, limit=5, position=PageStart())
        assert [row.plain() for row in quick.rows] == [row.plain() for row in slow.rows]
        assert [row[:4] for row in quick.rows] == [row[:4] for row in slow.rows]
        assert replace(quick, rows=()) == replace(slow, rows=())
        assert await count_features(reader, regions, seen) == slow.matched
        assert await estimate_features(reader, regions, seen) >= 0


class TestPlans:
    async def test_a_wide_box_is_planned_for_its_values(self, reader: FastReader) -> None:
        kept = text(
            "SELECT sum(generic_plans) FROM pg_prepared_statements WHERE statement ~ '[c]tid'"
        )
        for box, plans in ((Box(-180, -90, 180, 90), None), (SMALL, 5)):
            for _ in range(10):
                await read_page(reader, REGIONS, Selection(box=box), limit=5, position=PageStart())
            assert await reader.scalar(kept, {}) == plans

    @pytest.mark.parametrize(
        ("box", "wide"),
        [
            (None, False),
            (SMALL, False),
            (Box(118, 24, 118.2, 24.2), True),
            (Box(179.9, 0, -179.9, 0.1), False),
            (Box(179, 0, -179, 1), True),
            (
                Outline.of(parse_crs("[EPSG:4548]"), (2_660_000, 605_000), (2_661_000, 606_000)),
                False,
            ),
            (
                Outline.of(parse_crs("[EPSG:4548]"), (2_660_000, 605_000), (2_690_000, 645_000)),
                True,
            ),
        ],
    )
    def test_what_is_wide(self, box: Box | Outline | None, wide: bool) -> None:
        assert QueryShape.of(REGIONS, Selection(box=box)).wide is wide

    async def test_a_page_begins_with_no_more_rows_than_are_counted(
        self, reader: FastReader
    ) -> None:
        """Its plan knows that, whatever it knows of values: it need not sort all rows there are."""
        query = page_query(REGIONS, QueryShape.of(REGIONS, Selection()), USUAL, None, ())
        assert "LIMIT 10001" in str(query)
        deep = replace(USUAL, cap=20_001)
        assert "LIMIT 20001" in str(page_query(REGIONS, QueryShape(()), deep, None, ()))

    async def test_statements_are_neither_compiled_nor_shared_out(self, reader: FastReader) -> None:
        assert await reader.scalar(text("SHOW jit"), {}) == "off"
        assert await reader.scalar(text("SHOW max_parallel_workers_per_gather"), {}) == "0"


PLACED = [entity for entity in COLLECTIONS if entity.geometry_column]


@pytest.mark.parametrize("entity", PLACED, ids=lambda entity: entity.name)
async def test_pages_in_a_box_use_the_spatial_index(database_url: str, entity: Entity) -> None:
    selection = Selection(box=SMALL)
    query = page_query(entity, QueryShape.of(entity, selection), USUAL, None, ())
    values = {**bound_values(selection), "wanted": 11, "skipped": 0}
    async with open_sessions(database_url) as sessions, sessions() as session:
        # A table of few rows is read whole unless that is forbidden.
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        explained = text(f"EXPLAIN {query.compile(compile_kwargs={'literal_binds': False})}")
        plan = "\n".join((await session.scalars(explained, values)).all())
    assert any(sign in plan for sign in ("_geom on ", "(geom && ", "_shown on ", "(shown && "))


SCATTERED = (
    "INSERT INTO species (code, scientific_name, sensitivity) VALUES ('a', 'A', 'cell')",
    """INSERT INTO occurrence (code, region_id, species_id, observed_from, state, geom)
       SELECT 'walked-' || n, r.id, s.id, '2024-05-01', 'verified',
              ST_Point(117.5 + n * 7919 % 5003 / 5003.0, 24 + n % 5000 / 5000.0, 4490)
         FROM generate_series(1, 5000) n, species s, region r
        WHERE s.code = 'a' AND r.code = 'walked'""",
    "ANALYZE occurrence",
)


@pytest.mark.parametrize("viewer", [PUBLIC, EVERYTHING, Viewer(True, None, frozenset({1}))])
async def test_occurrences_are_found_by_indexes_whoever_asks(
    database_url: str, viewer: Viewer
) -> None:
    seen = seen_by(OCCURRENCES, viewer)
    relations = FUNCTIONS.keys() - {"s_disjoint"}
    asked = {f"{name}(geometry, BBOX(118, 24, 118.1, 24.1))": "_geom _shown" for name in relations}
    asked["cell = '118.1,24.5'"] = "_cell"
    async with open_sessions(database_url) as sessions, sessions() as session:
        await add_region(session, "walked")
        for statement in SCATTERED:
            await session.execute(text(statement))
        for told, indexes in asked.items():
            selection = Selection(viewer, filter=compile_filter(told, entity=seen))
            query = count_query(seen, QueryShape.of(seen, selection))
            plan = "\n".join(
                (await session.scalars(text(f"EXPLAIN {query}"), bound_values(selection))).all()
            )
            assert any(f"ix_occurrence{one} " in f"{plan} " for one in indexes.split()), plan


async def test_what_a_small_box_holds_is_counted_as_it_is_read(database_url: str) -> None:
    async with open_sessions(database_url) as sessions, sessions() as session:
        for number in range(4):
            await add_region(session, f"boxed-{number}", box=(10.0, 10.0, 10.02, 10.01 + number))
        small, large = Box(10.0, 10.0, 10.01, 10.01), Box(9.0, 9.0, 11.0, 11.0)
        ask = replace(USUAL, counting="exact")
        for box, once in ((small, True), (large, False)):
            selection = Selection(EVERYTHING, box=box)
            query = page_query(REGIONS, QueryShape.of(REGIONS, selection), ask, None, ())
            assert ("WITH found" in str(query)) is once
            for limit, offset, codes in ((2, 0, 2), (3, 3, 1), (2, 9, 0)):
                place = PageStart(offset=offset)
                page = await read_page(
                    session, REGIONS, selection, limit=limit, position=place, ask=ask
                )
                assert (page.matched, len(page.rows)) == (4, codes)
