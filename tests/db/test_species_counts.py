"""Species by protected area and year, counted by hand, and indicator 26 of the same rows."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db import species_counts
from shanhai.db.hierarchy import find_region
from shanhai.db.identity import EVERYTHING, PUBLIC, Viewer
from shanhai.db.tables.zone import Region
from shanhai.errors import NotFound
from tests.support.job_rows import add_region

pytestmark = pytest.mark.db

BOX = (118.0, 24.0, 119.0, 25.0)
SPECIES = (
    # Code, protection, red list, invasive, sensitivity, accepted name.
    ("dolphin", "first_class", "VU", False, "cell", None),
    ("dolphin-synonym", None, None, None, "open", "dolphin"),
    ("egret", "second_class", "EN", False, "open", None),
    ("toad", "provincial", "NT", False, "hidden", None),
    ("snail", "none", None, True, "open", None),
    ("sparrow", None, "LC", None, "open", None),
)
MET = (
    # Species, place, first and last day, state.
    ("dolphin", 118.15, "2020-05-01", None, "verified"),
    ("dolphin-synonym", 118.16, "2020-06-01", None, "verified"),
    ("egret", 118.15, "2020-12-31", "2021-01-02", "verified"),
    ("egret", 118.15, "2021-03-01", None, "verified"),
    ("egret", 118.45, "2021-04-01", None, "verified"),
    ("toad", 118.45, "2021-04-01", None, "verified"),
    ("snail", 118.25, "2021-06-01", None, "verified"),
    ("snail", 118.45, "2022-06-01", None, "recorded"),
    ("sparrow", 118.9, "2022-06-01", None, "verified"),
)
NAMES = ("species", "first_class", "second_class", "provincial", "threatened", "invasive")


async def add_area(
    session: AsyncSession, code: str, region: Region, lon: float, width: float, **more: Any
) -> None:
    """A protected area from a meridian on, between 24.4 and 24.5 degrees north."""
    given: dict[str, Any] = {"kind": "protected_area", "visibility": "public", **more}
    await session.execute(
        text(
            "INSERT INTO control_area (code, region_id, name_zh, name_en, kind, status, visibility,"
            " valid_from, geom) VALUES (:code, :region, :code, :code, :kind, 'published',"
            " :visibility,"
            " '2000-01-01', ST_Multi(ST_MakeEnvelope(:lon, 24.4, :east, 24.5, 4490)))"
        ),
        {"code": code, "region": region.id, "lon": lon, "east": lon + width, **given},
    )


async def add_world(session: AsyncSession) -> Region:
    """Three protected areas, of which two share a strip, and occurrences in and beside them."""
    region = await add_region(session, "here", box=BOX)
    await add_area(session, "west", region, 118.1, 0.2)
    await add_area(session, "middle", region, 118.2, 0.1)
    await add_area(session, "east", region, 118.4, 0.1)
    await add_area(session, "line", region, 118.85, 0.1, kind="red_line")
    await add_area(session, "unseen", region, 118.85, 0.1, visibility="region")
    for code, protection, red_list, invasive, sensitivity, accepted in SPECIES:
        await session.execute(
            text(
                "INSERT INTO species (code, scientific_name, protection, red_list, invasive,"
                " sensitivity, accepted_id) SELECT :code, :code, :protection, :red_list, :invasive,"
                " :sensitivity, (SELECT id FROM species WHERE code = :accepted)"
            ),
            {
                "code": code,
                "protection": protection,
                "red_list": red_list,
                "invasive": invasive,
                "sensitivity": sensitivity,
                "accepted": accepted,
            },
        )
    for number, (species, lon, first, last, state) in enumerate(MET):
        await session.execute(
            text(
                "INSERT INTO occurrence (code, region_id, species_id, observed_from, observed_to,"
                " state, geom) SELECT :code, :region, id, :first, :last, :state,"
                " ST_Point(:lon, 24.45, 4490) FROM species WHERE code = :species"
            ),
            {
                "code": f"met-{number}",
                "region": region.id,
                "species": species,
                "first": date.fromisoformat(first),
                "last": None if last is None else date.fromisoformat(last),
                "state": state,
                "lon": lon,
            },
        )
    return region


def told(tally: species_counts.SpeciesTally) -> tuple[Any, ...]:
    """Species, of first and second class and provincial, threatened, invasive; how often, last."""
    numbers = tuple(getattr(tally, name) for name in NAMES)
    last = tally.last_observed
    return (*numbers, tally.occurrences, None if last is None else last.isoformat())


async def count(
    session: AsyncSession, viewer: Viewer, **asked: Any
) -> species_counts.ProtectedSpecies:
    region = await find_region(session, "here")
    return await species_counts.count_species_by_area(session, region, viewer, **asked)


async def test_all_is_counted_for_who_may_know_all_places(session: AsyncSession) -> None:
    region = await add_world(session)
    here = Viewer(True, frozenset({region.id}), frozenset({region.id}))
    for viewer, complete in ((EVERYTHING, True), (here, False)):
        found = await count(session, viewer)
        assert found.complete is complete
        areas = {one.code: one for one in found.areas}
        assert {code: told(one.whole) for code, one in areas.items()} == {
            # The dolphin counts once by both its names; the snail lies in two areas.
            "west": (3, 1, 1, 0, 2, 1, 5, "2021-06-01"),
            "middle": (1, 0, 0, 0, 0, 1, 1, "2021-06-01"),
            "east": (2, 0, 1, 1, 1, 0, 2, "2021-04-01"),
            "unseen": (1, 0, 0, 0, 0, 0, 1, "2022-06-01"),
        }
        assert [(one.year, told(one)) for one in areas["west"].years] == [
            # A period counts in the year it began in, and is seen last in that it ended in.
            (2020, (2, 1, 1, 0, 2, 0, 3, "2021-01-02")),
            (2021, (2, 0, 1, 0, 1, 1, 2, "2021-06-01")),
        ]
        # Together each species counts once, and so does the snail of two areas.
        assert told(found.whole) == (5, 1, 1, 1, 2, 1, 8, "2022-06-01")
        assert [(one.year, one.species, one.occurrences) for one in found.years] == [
            (2020, 2, 3),
            (2021, 3, 4),
            (2022, 1, 1),
        ]


async def test_what_is_masked_is_left_out_for_everybody_else(session: AsyncSession) -> None:
    region = await add_world(session)
    far = Viewer(True, frozenset({region.id + 1}), frozenset({region.id + 1}))
    everybody = Viewer(True, frozenset(), frozenset())
    for viewer in (PUBLIC, everybody, far):
        found = await count(session, viewer)
        assert not found.complete
        areas = {one.code: told(one.whole) for one in found.areas if one.code != "unseen"}
        assert areas == {
            "west": (2, 0, 1, 0, 1, 1, 3, "2021-06-01"),
            "middle": (1, 0, 0, 0, 0, 1, 1, "2021-06-01"),
            "east": (1, 0, 1, 0, 1, 0, 1, "2021-04-01"),
        }
    public = await count(session, PUBLIC)
    assert [one.code for one in public.areas] == ["east", "middle", "west"]
    assert told(public.whole) == (2, 0, 1, 0, 1, 1, 4, "2021-06-01")


async def test_one_area_and_one_year_are_asked_for(session: AsyncSession) -> None:
    await add_world(session)
    found = await count(session, EVERYTHING, area="west", year=2021)
    assert [one.code for one in found.areas] == ["west"]
    assert told(found.whole) == told(found.areas[0].whole)
    assert told(found.whole) == (2, 0, 1, 0, 1, 1, 2, "2021-06-01")
    empty = await count(session, EVERYTHING, area="middle", year=1950)
    assert told(empty.whole) == told(empty.areas[0].whole) == (0,) * 7 + (None,)
    assert empty.years == []
    for code in ("line", "none"):
        with pytest.raises(NotFound, match=code):
            await count(session, EVERYTHING, area=code)
    with pytest.raises(NotFound):
        await count(session, PUBLIC, area="unseen")


async def test_indicator_26_agrees(session: AsyncSession) -> None:
    """Key species inside are those that the public is told: the line holds none here."""
    region = await add_world(session)
    for year in (2019, 2020, 2021, 2022):
        day = date(year, 12, 31)
        counted = await species_counts.count_key_species(session, region.id, day, EVERYTHING)
        assert counted == await species_counts.count_key_species(session, region.id, day, PUBLIC)
        await session.execute(
            text("UPDATE occurrence SET deleted_at = now() WHERE observed_from > :day"),
            {"day": day},
        )
        whole = (await count(session, PUBLIC)).whole
        inside = whole.first_class + whole.second_class + whole.provincial
        # Besides them the dolphin, whose whole cell lies in an area; the toad is hidden.
        assert counted.protected == counted.known == inside + (0 if year == 2019 else 1)
        assert counted.undecided == 0
        await session.execute(text("UPDATE occurrence SET deleted_at = NULL"))
    assert inside == 1


async def test_indicator_26_is_the_same_wherever_in_its_cell_a_place_lies(
    session: AsyncSession,
) -> None:
    region = await add_world(session)
    day = date(2021, 1, 1)

    async def counted(lon: float, lat: float) -> tuple[int, int, int]:
        moved = text(
            "UPDATE occurrence SET geom = ST_Point(:lon, :lat, 4490)"
            " WHERE code IN ('met-0', 'met-1')"
        )
        await session.execute(moved, {"lon": lon, "lat": lat})
        found = await species_counts.count_key_species(session, region.id, day, EVERYTHING)
        return found.known, found.protected, found.undecided

    await session.execute(
        text(
            "UPDATE control_area SET geom = ST_Multi(ST_MakeEnvelope(118.4, 24.4, 118.55, 24.5,"
            " 4490)) WHERE code = 'east'"
        )
    )
    # Besides the dolphin an egret counts, whose place is open.
    for lon, found in ((118.4, (2, 2, 0)), (118.5, (2, 1, 1)), (118.7, (2, 1, 0))):
        # Some corners lie in the line and others beside it, and the answer is the same.
        for corner in ((0.001, 0.001), (0.099, 0.001), (0.001, 0.099), (0.099, 0.099)):
            assert await counted(lon + corner[0], 24.4 + corner[1]) == found
