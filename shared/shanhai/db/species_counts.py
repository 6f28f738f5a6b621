"""Counts of species from where they were met with: by protected area and year, and indicator 26.

In counts by area an occurrence counts where it is verified and the reader may know its exact place.
Of others not even a number is told: the count of a small area would say whether a sensitive species
lives there. Indicator 26 is recorded for everybody, so it rests on what everybody may read: of a
masked place on its cell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import seen_by
from shanhai.db.collections.controls import CONTROL_AREAS
from shanhai.db.collections.species import OCCURRENCES
from shanhai.db.features.columns import source_of
from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.hierarchy import RegionWithin
from shanhai.db.identity import PUBLIC, Viewer
from shanhai.errors import NotFound
from shanhai.vocabulary import Label

# Constants of the declarations; callers' values are bound. A synonym counts with the accepted name.
# A point that meets a line is covered by it, a cell may lie in it in part.
_KEY_SPECIES = """
SELECT count(*) AS known, count(*) FILTER (WHERE inside) AS protected,
       count(*) FILTER (WHERE partly AND NOT inside) AS undecided
  FROM (SELECT coalesce(ac.id, sp.id), coalesce(bool_or(line.covers), false) AS inside,
               coalesce(bool_or(NOT line.covers), false) AS partly
          FROM {found} LEFT JOIN species ac ON ac.id = sp.accepted_id,
               LATERAL (SELECT bool_or(ST_Covers({line}, {place})) AS covers
                          FROM {lines} WHERE {lines_met}
                           AND ca.kind IN ('protected_area', 'red_line')
                           AND ST_Intersects({line}, {place})) AS line
         WHERE {met} AND oc.observed_from <= CAST(:as_of AS date)
           AND coalesce(ac.protection, sp.protection)
               IN ('first_class', 'second_class', 'provincial')
           AND ST_Intersects({place}, (SELECT geom FROM region WHERE id = :region))
         GROUP BY 1) AS met_with
"""
_BY_AREA = """
WITH area AS MATERIALIZED (
  SELECT ca.id, ca.code, ca.name_zh, ca.name_en, ca.class_code, ca.level, {line} AS geom
    FROM {lines}
   WHERE {lines_met} AND ca.kind = 'protected_area' AND {area_met}
     AND (ca.region_id = ANY(:below)
          OR ST_Intersects({line}, (SELECT geom FROM region WHERE id = :region)))
), found AS MATERIALIZED (
  SELECT area.id AS area, oc.id AS occurrence, oc.species_id AS named,
         CAST(extract(year FROM oc.observed_from) AS integer) AS year,
         coalesce(oc.observed_to, oc.observed_from) AS last
    FROM area, {found}
   WHERE ST_Intersects(area.geom, {place}) AND {met} AND {year_met}
), kind AS MATERIALIZED (
  SELECT sp.id AS named, coalesce(ac.id, sp.id) AS species,
         coalesce(ac.protection, sp.protection) AS protection,
         coalesce(ac.red_list, sp.red_list) IN ('CR', 'EN', 'VU') AS threatened,
         coalesce(ac.invasive, sp.invasive) AS invasive
    FROM species sp LEFT JOIN species ac ON ac.id = sp.accepted_id
), met_with AS (
  SELECT area, year, species, count(*) AS occurrences, max(last) AS last,
         bool_or(protection = 'first_class') AS first_class,
         bool_or(protection = 'second_class') AS second_class,
         bool_or(protection = 'provincial') AS provincial,
         bool_or(threatened) AS threatened, bool_or(invasive) AS invasive
    FROM found JOIN kind USING (named)
   GROUP BY GROUPING SETS ((area, year, species), (area, species), (year, species), (species))
), counted AS (
  SELECT area, year, count(*) AS species, count(*) FILTER (WHERE first_class) AS first_class,
         count(*) FILTER (WHERE second_class) AS second_class,
         count(*) FILTER (WHERE provincial) AS provincial,
         count(*) FILTER (WHERE threatened) AS threatened,
         count(*) FILTER (WHERE invasive) AS invasive,
         sum(occurrences) AS occurrences, max(last) AS last_observed
    FROM met_with GROUP BY area, year
), once AS (
  SELECT year, count(DISTINCT occurrence) AS occurrences FROM found GROUP BY ROLLUP (year)
)
SELECT area.code, area.name_zh, area.name_en, area.class_code, area.level, counted.year,
       coalesce(species, 0) AS species, coalesce(first_class, 0) AS first_class,
       coalesce(second_class, 0) AS second_class, coalesce(provincial, 0) AS provincial,
       coalesce(threatened, 0) AS threatened, coalesce(invasive, 0) AS invasive,
       CAST(coalesce(once.occurrences, counted.occurrences, 0) AS bigint) AS occurrences,
       last_observed
  FROM counted FULL JOIN area ON area.id = counted.area
  LEFT JOIN once ON counted.area IS NULL AND area.id IS NULL
                AND once.year IS NOT DISTINCT FROM counted.year
 ORDER BY area.code NULLS FIRST, counted.year NULLS FIRST
"""


@dataclass(frozen=True, slots=True)
class KeySpeciesCount:
    """How many key species were met with in a region, by what everybody may read of the places.

    Attributes:
        known: Met with in the region, or in a masked cell that touches it.
        protected: Of these, met with in a protected area or the red line: with a whole cell, where
            the place is masked.
        undecided: Not protected so, but with a masked cell that lies in such a line in part.
    """

    known: int
    protected: int
    undecided: int


@dataclass(frozen=True, slots=True)
class SpeciesTally:
    """How many species were met with, and how often.

    Attributes:
        year: The year of the first day of the occurrences; None for all there are.
        threatened: In the categories CR, EN and VU of the red list.
        last_observed: The last day one of them was observed on.
    """

    year: int | None
    species: int = 0
    first_class: int = 0
    second_class: int = 0
    provincial: int = 0
    threatened: int = 0
    invasive: int = 0
    occurrences: int = 0
    last_observed: date | None = None

    @classmethod
    def of(cls, row: Any) -> Self:
        """A row of the counts."""
        return cls(**{name: getattr(row, name) for name in cls.__slots__})


@dataclass(slots=True)
class AreaTallies:
    """A protected area with its counts: of all years, and of each that has any."""

    code: str
    name: Label
    class_code: str | None
    level: str | None
    whole: SpeciesTally
    years: list[SpeciesTally] = field(default_factory=list)


@dataclass(slots=True)
class ProtectedSpecies:
    """The counts of a region: of all its protected areas together, and of each.

    Attributes:
        complete: The reader may know all exact places, so that nothing is left out.
    """

    complete: bool
    whole: SpeciesTally = field(default_factory=lambda: SpeciesTally(None))
    years: list[SpeciesTally] = field(default_factory=list)
    areas: list[AreaTallies] = field(default_factory=list)


def _parts(lines: Selection, seen: Entity, met: Sequence[str], place: str) -> Mapping[str, str]:
    """The SQL of lines, and of occurrences that count."""
    past = lines.as_of is not None
    over = (*conditions(CONTROL_AREAS, lines), CONTROL_AREAS.published)
    return {
        "lines": source_of(CONTROL_AREAS, former=past),
        "lines_met": " AND ".join(f"({one})" for one in over),
        "line": str(CONTROL_AREAS.geometry),
        "found": seen.source,
        "met": " AND ".join(f"({one})" for one in (*met, "oc.state = 'verified'")),
        "place": place,
    }


def _read_by_all(lines: Selection) -> Mapping[str, str]:
    """The SQL of occurrences where everybody reads them: of what is masked, the cell."""
    seen = seen_by(OCCURRENCES, PUBLIC)
    return _parts(lines, seen, conditions(seen, Selection(PUBLIC)), str(seen.geometry))


def _read_exactly(lines: Selection) -> Mapping[str, str]:
    """The SQL of occurrences whose exact place a reader may know."""
    seen = seen_by(OCCURRENCES, lines.viewer)
    (place,) = (item.sql for item in seen.properties if item.name == "place")
    met = (*conditions(seen, Selection(lines.viewer)), f"({place}) = 'exact'")
    # What is told exactly lies where it is kept, which has an index.
    return _parts(lines, seen, met, str(seen.whole.geometry))


async def count_key_species(
    session: AsyncSession, region_id: int, day: date, viewer: Viewer
) -> KeySpeciesCount:
    """How many key species were met with in a region up to a day, and how many of them inside.

    Key species are those of national first and second class and of provinces; inside is within a
    protected area or the red line as they were in force on the day, and as the viewer sees them.

    The share is published, and with one species it would tell everybody on which side of a line
    the species lives. So it is counted by what everybody reads, whoever asks: the number is the
    same wherever in its cell a masked place lies, and hidden species do not count.
    """
    lines = Selection(viewer, as_of=day)
    query = text(_KEY_SPECIES.format(**_read_by_all(lines)))
    row = (await session.execute(query, {**bound_values(lines), "region": region_id})).one()
    return KeySpeciesCount(row.known, row.protected, row.undecided)


async def count_species_by_area(
    session: AsyncSession,
    region: RegionWithin,
    viewer: Viewer,
    *,
    area: str | None = None,
    year: int | None = None,
) -> ProtectedSpecies:
    """The species met with in the protected areas of a region, by area and year.

    An area counts where it is of the region or one below it, or touches the region's shape; it is
    counted whole, as it is in force today.

    Args:
        area: The code of the one area that is asked about.
        year: The one year that is asked about.

    Raises:
        NotFound: the region has no such protected area that the viewer may see.
    """
    lines = Selection(viewer)
    query = _BY_AREA.format(
        **_read_exactly(lines),
        area_met="true" if area is None else "ca.code = :area",
        year_met="true"
        if year is None
        else "oc.observed_from >= make_date(:year, 1, 1)"
        " AND oc.observed_from < make_date(:year + 1, 1, 1)",
    )
    asked = {"region": region.id, "below": [*region.below]}
    asked |= ({} if area is None else {"area": area}) | ({} if year is None else {"year": year})
    rows = (await session.execute(text(query), {**bound_values(lines), **asked})).all()
    found = _gathered(rows, complete=viewer.exact is None)
    if area is not None and not found.areas:
        raise NotFound(
            f"the region has no protected area {area!r}",
            message_zh=f"该区域没有自然保护地 {area!r}",
        )
    return found


def _gathered(rows: Sequence[Any], *, complete: bool) -> ProtectedSpecies:
    found = ProtectedSpecies(complete)
    for row in rows:
        tally = SpeciesTally.of(row)
        if row.code is None:
            if tally.year is None:
                found.whole = tally
            else:
                found.years.append(tally)
        elif tally.year is None:
            name = Label(row.name_zh, row.name_en)
            found.areas.append(AreaTallies(row.code, name, row.class_code, row.level, tally))
        else:
            found.areas[-1].years.append(tally)
    return found
