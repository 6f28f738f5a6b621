"""One feature on two days."""

from datetime import date
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.support.job_rows import add_region

AREAS = "/collections/control_areas/items"
BOTH = {"from": "2024-06-01", "to": "2025-06-01"}


def square(west: float, east: float) -> dict[str, Any]:
    ring = [[west, 24.4], [east, 24.4], [east, 24.5], [west, 24.5], [west, 24.4]]
    return {"type": "Polygon", "coordinates": [ring]}


def line(*points: tuple[float, float]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": [list(point) for point in points]}


async def change(
    admin: httpx.AsyncClient, session: AsyncSession, former: Any, later: Any
) -> httpx.Response:
    """A control area with one shape and name from 2024 on, and with others from 2025 on."""
    await add_region(session, "city")
    await session.commit()
    members = {
        "code": "a",
        "name_zh": "线",
        "name_en": "Line",
        "kind": "red_line",
        "region": "city",
        "valid_from": "2024-01-01",
    }
    body = {"type": "Feature", "geometry": former, "properties": members}
    made = await admin.post(AREAS, json=body)
    assert made.status_code == 201, made.text
    patch = {"geometry": later, "properties": {"name_en": "Other", "valid_from": "2025-01-01"}}
    done = await admin.patch(f"{AREAS}/a", json=patch)
    assert done.status_code == 200, done.text
    return await admin.get(f"{AREAS}/a/compare", params=BOTH)


@pytest.mark.parametrize(
    ("former", "later", "added", "removed"),
    [
        ((118.0, 118.1), (118.0, 118.2), True, False),
        ((118.0, 118.2), (118.0, 118.1), False, True),
        ((118.0, 118.1), (118.05, 118.2), True, True),
        ((118.0, 118.1), (118.3, 118.4), True, True),
    ],
)
async def test_area_that_came_and_went(
    admin: httpx.AsyncClient,
    session: AsyncSession,
    former: tuple[float, float],
    later: tuple[float, float],
    added: bool,
    removed: bool,
) -> None:
    document = (await change(admin, session, square(*former), square(*later))).json()
    sizes = document["geometry"]["area_km2"]
    assert document["geometry"]["changed"] is True
    assert sizes["added"] - sizes["removed"] == pytest.approx(sizes["to"] - sizes["from"], abs=2e-6)
    assert (sizes["added"] > 1, sizes["removed"] > 1) == (added, removed)
    assert min(sizes.values()) >= 0
    for day, name in (("2024-06-01", "from"), ("2025-06-01", "to")):
        item = (await admin.get(f"{AREAS}/a", params={"as_of": day})).json()
        assert item["properties"]["area_km2"] == pytest.approx(sizes[name], abs=1e-4)


async def test_members_that_differ(admin: httpx.AsyncClient, session: AsyncSession) -> None:
    answer = await change(admin, session, square(118.0, 118.1), square(118.0, 118.1))
    document = answer.json()
    assert {
        member["property"]: (member["from"], member["to"]) for member in document["changed"]
    } == {
        "name_en": ("Line", "Other"),
        "valid_from": ("2024-01-01", "2025-01-01"),
        "valid_to": ("2025-01-01", None),
    }
    sizes = document["geometry"]["area_km2"]
    assert document["geometry"]["changed"] is False
    assert (sizes["added"], sizes["removed"]) == (0, 0)
    assert (document["from"]["row_version"], document["to"]["row_version"]) == (1, 2)
    page = await admin.get(f"{AREAS}/a/compare", params={**BOTH, "f": "html", "lang": "en"})
    assert page.status_code == 200
    assert "The geometry is the same" in page.text
    assert (await admin.get(document["links"][0]["href"])).json() == document


async def test_length_that_came_and_went(admin: httpx.AsyncClient, session: AsyncSession) -> None:
    former = line((118.0, 24.4), (118.0, 24.5))
    later = line((118.0, 24.4), (118.0, 24.5), (118.0, 24.6))
    sizes = (await change(admin, session, former, later)).json()["geometry"]
    assert sizes["area_km2"] is None
    assert sizes["length_km"]["removed"] == pytest.approx(0, abs=1e-6)
    assert sizes["length_km"]["added"] == pytest.approx(11.08, abs=0.01)


async def test_a_day_before_it_was_there(admin: httpx.AsyncClient, session: AsyncSession) -> None:
    await change(admin, session, square(118.0, 118.1), square(118.0, 118.2))
    before = {"from": "2023-01-01", "to": "2024-06-01"}
    document = (await admin.get(f"{AREAS}/a/compare", params=before)).json()
    assert document["from"] == {"day": "2023-01-01", "row_version": None}
    assert document["changed"] == []
    sizes = document["geometry"]["area_km2"]
    assert sizes["added"] == sizes["to"] > 0
    never = {"from": "2022-01-01", "to": "2023-01-01"}
    assert (await admin.get(f"{AREAS}/a/compare", params=never)).status_code == 404


async def test_drafts_are_hidden(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, session: AsyncSession
) -> None:
    await change(admin, session, square(118.0, 118.1), square(118.0, 118.2))
    assert (await anonymous.get(f"{AREAS}/a/compare", params=BOTH)).status_code == 404


async def test_what_did_not_change(anonymous: httpx.AsyncClient, session: AsyncSession) -> None:
    region = await add_region(session, "city")
    region.valid_from = date(2020, 1, 1)
    await session.commit()
    answer = await anonymous.get("/collections/regions/items/city/compare", params=BOTH)
    assert answer.json()["changed"] == []


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"from": "2024-01-01"}, "to"),
        ({"from": "x", "to": "2024-01-01"}, "from"),
        ({"from": "2025-01-01", "to": "2024-01-01"}, "from"),
    ],
)
async def test_malformed(
    anonymous: httpx.AsyncClient, session: AsyncSession, asked: dict[str, str], pointer: str
) -> None:
    answer = await anonymous.get("/collections/regions/items/city/compare", params=asked)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer
