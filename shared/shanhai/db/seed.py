"""Put a city into the database: its regions, and what is known of its plans.

Running it again changes nothing but what differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.compliance.defaults import put_default_rules
from shanhai.db.quality.reading import check_and_keep
from shanhai.db.queries.audit import Act
from shanhai.db.queries.keys import OPERATOR
from shanhai.db.seeding.boundaries import RegionSeed, read_regions, region_row
from shanhai.db.seeding.files import (
    CITIES,
    PlanSeed,
    read_blocks,
    read_plans,
    read_retired,
    read_totals,
)
from shanhai.db.seeding.rows import Row, Rows, plan_row, rows_of
from shanhai.db.seeding.totals import count_rows
from shanhai.db.seeding.writing import Put, put_all, retire
from shanhai.db.tables import Plan
from shanhai.errors import UnsupportedFile

__all__ = [
    "CITIES",
    "PlanSeed",
    "RegionSeed",
    "Seeded",
    "read_plans",
    "read_regions",
    "seed",
    "seed_cities",
    "seed_city",
]


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was given, made and changed by table, and what was counted of each city."""

    tables: Mapping[str, Put]
    totals: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def touched(self, table: str) -> int:
        """How many rows of a table were made or changed."""
        put = self.tables.get(table, Put())
        return put.made + put.changed

    @property
    def changes(self) -> int:
        """How many rows were made or changed, findings apart."""
        return sum(self.touched(table) for table in self.tables if table != "data_finding")


async def seed(
    session: AsyncSession,
    *,
    regions: Sequence[tuple[RegionSeed, bytes]],
    plans: Sequence[PlanSeed],
    act: Act,
) -> Seeded:
    """Insert or update regions and plans by code, with an audit entry for each change."""
    rows: Rows = {
        "region": [region_row(region, wkb) for region, wkb in regions],
        "plan": [plan_row(plan) for plan in plans],
    }
    return Seeded(await put_all(session, rows, act))


async def seed_city(
    session: AsyncSession, city: str, regions: Path | None, *, act: Act = OPERATOR
) -> Seeded:
    """Put one city into the database; see `seed_cities`."""
    return await seed_cities(session, [city], [] if regions is None else [regions], act=act)


async def seed_cities(
    session: AsyncSession, cities: Sequence[str], files: Sequence[Path], *, act: Act = OPERATOR
) -> Seeded:
    """Put cities into the database: boundaries from GeoJSON files, the rest where it is known.

    Raises:
        UnsupportedFile: a file breaks a rule or holds none of the cities, or a city that is not
            known is in no file.
        InvalidInput: a row refers to one that does not exist.
    """
    bounded = _bounded(cities, files)
    totals = {}
    rows: Rows = {"region": []}
    for city in dict.fromkeys(cities):
        known = rows_of(read_blocks(city)) if city in CITIES else {}
        totals[city] = count_rows(known, read_totals(city) if city in CITIES else {})
        for table, listed in known.items():
            rows.setdefault(table, []).extend(listed)
    rows["region"] = _overlaid(rows["region"], bounded)
    rows = {table: _once(listed) for table, listed in rows.items()}
    tables = await put_all(session, rows, act)
    for city in (city for city in cities if city in CITIES):
        for table, codes in read_retired(city).items():
            gone = await retire(session, table, codes, act)
            tables[table] = tables.get(table, Put()) + Put(0, 0, gone)
    rules = tables.get("control_rule", Put()) + await put_default_rules(session, act)
    tables["control_rule"] = rules
    checked = await _check(session, [row["code"] for row in rows.get("plan", [])])
    return Seeded({**tables, "data_finding": checked}, totals)


async def _check(session: AsyncSession, plans: Sequence[str]) -> Put:
    """Look for what does not add up in the plans; that stops nothing."""
    live = select(Plan.id).where(Plan.code.in_(plans), Plan.deleted_at.is_(None))
    put = Put()
    for plan_id in (await session.scalars(live)).all():
        checked = await check_and_keep(session, plan_id)
        put += Put(checked.found, 0, checked.changed)
    return put


def _bounded(cities: Sequence[str], files: Sequence[Path]) -> list[Row]:
    """The regions of the files, each of which holds one of the cities."""
    rows: list[Row] = []
    for file in files:
        found = [region_row(*region) for region in read_regions(file)]
        if not {row["code"] for row in found} & set(cities):
            names = " or ".join(map(repr, cities))
            raise UnsupportedFile(f"{file} holds no region with the code {names}", pointer="city")
        rows += found
    unknown = set(cities) - set(CITIES) - {row["code"] for row in rows}
    if unknown:
        raise UnsupportedFile(
            f"{min(unknown)!r} is not known and no file holds a region with that code",
            pointer="city",
        )
    return rows


def _overlaid(known: Sequence[Row], bounded: Sequence[Row]) -> list[Row]:
    """What is known of regions, with the boundaries and properties the files give."""
    merged = {row["code"]: row for row in known}
    for row in bounded:
        old = merged.get(row["code"], {})
        merged[row["code"]] = {**old, **row, "attrs": {**old.get("attrs", {}), **row["attrs"]}}
    return list(merged.values())


def _once(rows: Sequence[Row]) -> list[Row]:
    """The rows without repetition: two cities may share an indicator."""
    kept: list[Row] = []
    for row in rows:
        if row not in kept:
            kept.append(row)
    return kept
