"""The ledger of balances over HTTP, a page and the sums, beside the bare SQL for the same."""

import asyncio
import time

from asyncpg import connect

from benchmarks.http_load import Load
from benchmarks.report import Row, Setup, Table
from benchmarks.timing import alternate
from benchmarks.workbench import Workbench

REQUESTS = 5
ROUNDS = 3
TARGET = 0.4
FILL = (
    """INSERT INTO region (code, name_zh, name_en, level)
       SELECT 'balanced-' || n, '区', 'Region', 'district' FROM generate_series(1, 40) n
       ON CONFLICT DO NOTHING""",
    """INSERT INTO balance_entry (code, title_zh, kind, direction, amount, unit, quality_grade,
              region_id, year, state, accepted_on)
       SELECT 'entry-' || n, '记录',
              (ARRAY['natural_shoreline', 'cultivated_land', 'wetland'])[n % 3 + 1],
              CASE n % 2 WHEN 0 THEN 'taken' ELSE 'given' END, 1 + n % 9973 / 10000.0,
              (ARRAY['m', 'mu', 'ha'])[n % 3 + 1], CASE n % 3 WHEN 1 THEN n % 15 + 1 END,
              (SELECT id FROM region WHERE code = 'balanced-' || (n % 40 + 1)), 2010 + n % 17,
              'accepted', '2026-01-01'
         FROM generate_series(1, 100000) n""",
    "ANALYZE balance_entry",
)
ASKED = {
    "page of 100 by kind and year": (
        "/balances/entries?limit=100&kind=wetland&year=2020",
        """SELECT be.id, be.code, be.title_zh, be.title_en, be.kind, be.direction, be.amount,
                  be.unit, be.quality_grade, r.code, pj.code, ca.code, be.year, be.state,
                  be.accepted_on, be.evidence, was.code, other.code, pa.code, be.attrs::text,
                  be.valid_from,
                  be.valid_to, (SELECT count(*) FROM balance_entry WHERE kind = 'wetland'
                                   AND year = 2020 AND state IN ('accepted', 'reversed'))
             FROM balance_entry be JOIN region r ON r.id = be.region_id
             LEFT JOIN project pj ON pj.id = be.project_id
             LEFT JOIN control_area ca ON ca.id = be.control_area_id
             LEFT JOIN balance_entry was ON was.id = be.reverses_id
             LEFT JOIN balance_entry other ON other.id = be.counterpart_id
             LEFT JOIN party pa ON pa.id = be.party_id
            WHERE be.kind = 'wetland' AND be.year = 2020 AND be.state IN ('accepted', 'reversed')
            ORDER BY be.id LIMIT 100""",
    ),
    "sums of all by region, kind and year": (
        "/balances",
        """SELECT r.code, be.kind, be.year, be.direction, sum(be.amount)
             FROM balance_entry be JOIN region r ON r.id = be.region_id
            WHERE be.deleted_at IS NULL AND be.state IN ('accepted', 'reversed')
            GROUP BY r.code, be.kind, be.year, be.direction""",
    ),
}
SETUP = Setup(warm="plans of statements", connections=(1, 1), processes=(1, 0))


def run(bench: Workbench) -> Table:
    """A page and the sums."""
    table = Table("balances", "a ledger of 100,000 entries", "bare SQL", setup=SETUP)
    with asyncio.Runner() as loop:
        loop.run(_fill(bench.stack.database_url))
        for name, (path, sql) in ASKED.items():
            table.rows.append(_compare(loop, bench, name, path, sql))
    return table


def _compare(loop: asyncio.Runner, bench: Workbench, name: str, path: str, sql: str) -> Row:
    def ours(number: int) -> float:
        # Each round asks for what no cache has.
        paths = [f"{path}{'&' if '?' in path else '?'}lang={'zh' if number % 2 else 'en'}"]
        return loop.run(Load(bench.stack.api_url, paths * REQUESTS, 1).run())

    def floor(number: int) -> float:
        return loop.run(_query(bench.stack.database_url, sql))

    return Row(name, *alternate(ours, floor, rounds=ROUNDS), target=TARGET)


async def _fill(url: str) -> None:
    connection = await connect(url)
    for statement in FILL:
        await connection.execute(statement)
    await connection.close()


async def _query(url: str, sql: str) -> float:
    """Seconds a query takes."""
    connection = await connect(url)
    started = time.perf_counter()
    for _ in range(REQUESTS):
        await connection.fetch(sql)
    seconds = (time.perf_counter() - started) / REQUESTS
    await connection.close()
    return seconds
