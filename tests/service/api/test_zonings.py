"""Versions of a zoning: begun, adjusted by hand, compared, measured and published."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import read_today
from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.zone import Region
from shanhai.vocabulary import ROLE_SCOPES, Role, Scope
from tests.support.feature_rows import add_five_zones, add_scheme, add_zone

MakeClient = Callable[..., Awaitable[httpx.AsyncClient]]
CODE = "city.supply_demand"
BASE = f"/zone-schemes/{CODE}"
ITEM = f"/collections/zone_schemes/items/{CODE}"
STRIP = {
    "type": "Polygon",
    "coordinates": [
        [[118.05, 24.4], [118.15, 24.4], [118.15, 24.5], [118.05, 24.5], [118.05, 24.4]]
    ],
}
"""The eastern half of the first zone and the western half of the second."""
GEODESIC = 1e-5
"""Edges of half a degree are arcs: areas side by side do not quite sum to that of their union."""


@pytest.fixture
async def zoned_city(session: AsyncSession, city: Region) -> Region:
    """A region that five zones cover exactly, published."""
    await add_five_zones(session, await add_scheme(session, city, code=CODE))
    await session.commit()
    return city


@pytest.fixture
async def writer(client_with: MakeClient, zoned_city: Region) -> httpx.AsyncClient:
    return await client_with(Scope.READ, Scope.WRITE)


async def adjust(writer: httpx.AsyncClient, **changed: Any) -> httpx.Response:
    wish = {"geometry": STRIP, "to_class": "priority_restoration", "note": "field visit", **changed}
    return await writer.post(f"{BASE}/adjustments", json=wish)


async def step(writer: httpx.AsyncClient, version: int, **members: Any) -> httpx.Response:
    headers = {"Content-Type": "application/merge-patch+json"}
    return await writer.patch(
        ITEM, params={"version": version}, json={"properties": members}, headers=headers
    )


async def publish(writer: httpx.AsyncClient, version: int, **members: Any) -> httpx.Response:
    for status in ("review", "approved"):
        answer = await step(writer, version, status=status)
        assert answer.status_code == 200, answer.text
    return await step(writer, version, status="published", **members)


async def test_an_approver_publishes_with_the_day_and_the_reason_for_gaps(
    writer: httpx.AsyncClient, zoned_city: Region, session: AsyncSession
) -> None:
    await adjust(writer)
    for status in ("review", "approved"):
        assert (await step(writer, 2, status=status)).status_code == 200
    scopes = sorted(ROLE_SCOPES[Role.APPROVER])
    held = [RoleGiven(Role.APPROVER, zoned_city.code)]
    key = await create_key(session, name="approver", scopes=scopes, roles=held)
    await session.commit()
    writer.headers["Authorization"] = f"Bearer {key}"
    told = {"valid_from": "2030-01-01", "gap_reason": "sea"}
    assert (await step(writer, 2, **told)).status_code == 403
    assert (await step(writer, 2, status="published", name_en="x", **told)).status_code == 403
    answer = await step(writer, 2, status="published", **told)
    assert answer.status_code == 200, answer.text
    assert answer.json()["properties"]["gap_reason"] == "sea"


class TestVerdict:
    async def test_pages_and_properties_begin_with_what_the_computation_says(
        self, writer: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        flag = {"code": "robustness", "detail": "The zones are weak.", "detail_zh": "不够稳健。"}
        await session.execute(
            text("UPDATE zone SET attrs = attrs || jsonb_build_object('flags', CAST(:f AS jsonb))"),
            {"f": json.dumps([{"code": "low_coverage", "detail": "holes"}, flag])},
        )
        await session.commit()
        assert (await writer.get(ITEM)).json()["properties"]["robustness"] == flag
        items = "/collections/zones/items"
        zone = (await writer.get(items)).json()["features"][0]["id"]
        for path in (ITEM, items, f"{items}/{zone}", "/collections/zone_schemes/items"):
            page = await writer.get(path, params={"f": "html", "lang": "en"})
            assert page.text.count('<p class="verdict">The zones are weak.</p>') == 1, path

    async def test_a_scheme_that_was_drawn_has_none(self, writer: httpx.AsyncClient) -> None:
        assert (await writer.get(ITEM)).json()["properties"]["robustness"] is None
        page = await writer.get(ITEM, params={"f": "html"})
        assert 'class="verdict"' not in page.text


class TestTopology:
    async def test_a_coverage_is_valid(self, writer: httpx.AsyncClient) -> None:
        document = (await writer.get(f"{BASE}/topology")).json()
        assert document["valid"] is True
        assert document["zones"] == 5
        assert document["overlap_area_km2"] == document["gap_area_km2"] == 0
        assert document["zones_area_km2"] == pytest.approx(
            document["region_area_km2"], rel=GEODESIC
        )

    async def test_a_gap_is_measured_and_placed(
        self, writer: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        await session.execute(
            text("UPDATE zone SET deleted_at = now() WHERE code LIKE '%general_protection'")
        )
        await session.commit()
        document = (await writer.get(f"{BASE}/topology")).json()
        assert document["valid"] is False
        assert document["gap_percent"] == pytest.approx(20, abs=0.01)
        (gap,) = document["gaps"]
        assert gap["point"] == pytest.approx([118.25, 24.45], abs=0.05)

    async def test_an_overlap_names_both_zones_and_keeps_from_review(
        self, writer: httpx.AsyncClient, session: AsyncSession, zoned_city: Region
    ) -> None:
        draft = await add_scheme(
            session, zoned_city, code="city.other", status="draft", valid=(None, None)
        )
        await add_zone(session, draft, "strict_protection", (118.0, 24.4, 118.3, 24.5))
        await add_zone(session, draft, "key_protection", (118.2, 24.4, 118.5, 24.5))
        await session.commit()
        document = (await writer.get("/zone-schemes/city.other/topology")).json()
        (overlap,) = document["overlaps"]
        assert overlap["zones"] == ["city.other.strict_protection", "city.other.key_protection"]
        # A fifth of the region, by whose area the overlap is known.
        assert overlap["area_km2"] == pytest.approx(document["region_area_km2"] / 5, rel=GEODESIC)
        answer = await writer.patch(
            "/collections/zone_schemes/items/city.other",
            json={"properties": {"status": "review"}},
            headers={"Content-Type": "application/merge-patch+json"},
        )
        assert answer.status_code == 409
        assert "overlap" in answer.text


class TestAdjustment:
    async def test_what_was_published_stays_and_a_draft_takes_the_change(
        self, writer: httpx.AsyncClient
    ) -> None:
        answer = await adjust(writer)
        assert answer.status_code == 201, answer.text
        document = answer.json()
        assert document["scheme"] == {"code": CODE, "version": 2, "status": "draft"}
        region = (await writer.get(f"{BASE}/topology")).json()["region_area_km2"]
        # Two halves of a fifth.
        assert document["moved_km2"] == {
            "strict_protection": pytest.approx(region / 10, rel=1e-4),
            "key_protection": pytest.approx(region / 10, rel=1e-4),
        }
        published = (await writer.get(ITEM)).json()["properties"]
        assert (published["version"], published["status"]) == (1, "published")
        draft = (await writer.get(ITEM, params={"version": 2})).json()["properties"]
        assert draft["origin"] == "drawn"

    async def test_the_draft_still_is_a_coverage(self, writer: httpx.AsyncClient) -> None:
        await adjust(writer)
        topology = (await writer.get(f"{BASE}/topology", params={"version": 2})).json()
        assert topology["valid"] is True
        assert topology["zones_area_km2"] == pytest.approx(
            topology["region_area_km2"], rel=GEODESIC
        )

    async def test_shares_are_measured_anew_and_flagged(self, writer: httpx.AsyncClient) -> None:
        await adjust(writer)
        zones = (
            await writer.get(
                "/collections/zones/items", params={"scheme": CODE, "version": 2, "limit": 10}
            )
        ).json()["features"]
        shares = {
            zone["properties"]["class"]: zone["properties"]["share_percent"] for zone in zones
        }
        assert shares["priority_restoration"] == pytest.approx(40, abs=0.01)
        assert shares["strict_protection"] == pytest.approx(10, abs=0.01)
        flags = [flag["code"] for zone in zones for flag in zone["properties"]["flags"]]
        assert flags == ["adjusted_by_hand"] * 5
        assert {zone["properties"]["cells"] for zone in zones} == {None}

    async def test_adjustments_are_listed_with_who_and_why(self, writer: httpx.AsyncClient) -> None:
        await adjust(writer)
        again = await adjust(writer, to_class="general_protection", version=2, note="second look")
        assert again.json()["scheme"]["version"] == 2
        listed = (await writer.get(f"{BASE}/adjustments", params={"version": 2})).json()
        found = [
            (item["seq"], item["from_class"], item["to_class"], item["note"])
            for item in listed["adjustments"]
        ]
        assert found == [
            (1, "strict_protection", "priority_restoration", "field visit"),
            (2, "key_protection", "priority_restoration", "field visit"),
            (3, "priority_restoration", "general_protection", "second look"),
        ]
        assert all(item["actor"].startswith("key:") for item in listed["adjustments"])

    async def test_a_zone_that_loses_everything_is_gone(self, writer: httpx.AsyncClient) -> None:
        whole = {
            "type": "Polygon",
            "coordinates": [[[118, 24.4], [118.1, 24.4], [118.1, 24.5], [118, 24.5], [118, 24.4]]],
        }
        await adjust(writer, geometry=whole)
        zones = (
            await writer.get("/collections/zones/items", params={"scheme": CODE, "version": 2})
        ).json()["features"]
        assert {zone["properties"]["class"] for zone in zones} == {
            "key_protection",
            "general_protection",
            "priority_restoration",
            "general_restoration",
        }

    async def test_a_code_that_another_class_holds_is_not_given_again(
        self, writer: httpx.AsyncClient
    ) -> None:
        begun = await writer.post(f"{BASE}/versions", json={"note": "another look"})
        assert begun.status_code == 201, begun.text
        usual = f"{CODE}.priority_restoration"
        moved = await writer.patch(
            f"/collections/zones/items/{usual}",
            params={"version": 2},
            json={"properties": {"zone_class": "supply_demand.general_restoration"}},
            headers={"Content-Type": "application/merge-patch+json"},
        )
        assert moved.status_code == 200, moved.text
        answer = await adjust(writer, version=2)
        assert answer.status_code == 201, answer.text
        classes = {
            code: zone["properties"]["class"] for code, zone in (await zones_of(writer, 2)).items()
        }
        assert classes[usual] == "general_restoration"
        assert classes[f"{usual}-2"] == "priority_restoration"

    async def test_the_audit_log_tells_of_it(
        self, writer: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        await adjust(writer)
        rows = await session.scalars(
            text("SELECT action FROM audit_log WHERE object_table = 'zone_scheme' ORDER BY id")
        )
        assert list(rows)[-2:] == ["begin_version", "adjust"]

    @pytest.mark.parametrize(
        ("changed", "status", "pointer"),
        [
            ({"to_class": "paradise"}, 400, "/to_class"),
            ({"note": ""}, 400, "/note"),
            ({"geometry": {"type": "Point", "coordinates": [118, 24.4]}}, 400, "/geometry/type"),
            ({"geometry": {"type": "Polygon", "coordinates": []}}, 400, None),
            ({"version": 9}, 404, None),
            ({"colour": "red"}, 400, "/colour"),
        ],
    )
    async def test_refuses_what_makes_no_sense(
        self,
        writer: httpx.AsyncClient,
        changed: dict[str, Any],
        status: int,
        pointer: str | None,
    ) -> None:
        answer = await adjust(writer, **changed)
        assert answer.status_code == status, answer.text
        if pointer is not None:
            assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]

    async def test_nothing_to_move_leaves_no_draft(self, writer: httpx.AsyncClient) -> None:
        far = {
            "type": "Polygon",
            "coordinates": [[[119, 25], [119.1, 25], [119.1, 25.1], [119, 25]]],
        }
        assert (await adjust(writer, geometry=far)).status_code == 400
        assert (await writer.get(ITEM, params={"version": 2})).status_code == 404

    async def test_needs_the_right_to_write(
        self, client_with: MakeClient, anonymous: httpx.AsyncClient, zoned_city: Region
    ) -> None:
        assert (await adjust(anonymous)).status_code == 401
        assert (await adjust(await client_with(Scope.READ))).status_code == 403


ACROSS = {"type": "LineString", "coordinates": [[118.02, 24.3], [118.07, 24.45], [118.05, 24.6]]}
"""A crooked line that crosses the first zone from south to north: its west is on the left."""
FIRST = f"{CODE}.strict_protection"


async def split(writer: httpx.AsyncClient, **changed: Any) -> httpx.Response:
    wish = {"zone": FIRST, "line": ACROSS, "note": "two sides of a ridge", **changed}
    return await writer.post(f"{BASE}/splits", json=wish)


async def zones_of(writer: httpx.AsyncClient, version: int) -> dict[str, dict[str, Any]]:
    asked: dict[str, str | int] = {"scheme": CODE, "version": version, "limit": 100}
    found = (await writer.get("/collections/zones/items", params=asked)).json()["features"]
    return {feature["id"]: feature for feature in found}


class TestSplit:
    async def test_what_is_left_of_the_line_is_a_new_zone_of_the_class(
        self, writer: httpx.AsyncClient
    ) -> None:
        answer = await split(writer)
        assert answer.status_code == 201, answer.text
        document = answer.json()
        assert document["scheme"] == {"code": CODE, "version": 2, "status": "draft"}
        assert set(document["zones"]) == {FIRST, f"{FIRST}-2"}
        zones = await zones_of(writer, 2)
        assert len(zones) == 6
        new = zones[f"{FIRST}-2"]
        assert new["properties"]["class"] == "strict_protection"
        corners = [at for part in new["geometry"]["coordinates"] for at in part[0]]
        assert [118.0, 24.4] in corners
        assert [118.1, 24.4] not in corners
        published = await zones_of(writer, 1)
        assert document["zones"][FIRST] + document["zones"][f"{FIRST}-2"] == pytest.approx(
            published[FIRST]["properties"]["area_km2"], rel=1e-4
        )

    async def test_the_zones_stay_a_coverage(self, writer: httpx.AsyncClient) -> None:
        await split(writer)
        again = await split(
            writer,
            zone=f"{FIRST}-2",
            version=2,
            line={"type": "LineString", "coordinates": [[117.9, 24.43], [118.11, 24.471]]},
        )
        assert set(again.json()["zones"]) == {f"{FIRST}-2", f"{FIRST}-2-2"}
        topology = (await writer.get(f"{BASE}/topology", params={"version": 2})).json()
        assert topology["valid"] is True, topology
        shares = [
            zone["properties"]["share_percent"] for zone in (await zones_of(writer, 2)).values()
        ]
        assert sum(shares) == pytest.approx(100, abs=0.01)

    async def test_a_new_code_is_never_one_that_was_there(self, writer: httpx.AsyncClient) -> None:
        await split(writer)
        merged = {"zones": [FIRST, f"{FIRST}-2"], "note": "as before", "version": 2}
        assert (await writer.post(f"{BASE}/mergers", json=merged)).status_code == 201
        again = await split(writer, version=2)
        assert set(again.json()["zones"]) == {FIRST, f"{FIRST}-3"}

    @pytest.mark.parametrize(
        ("changed", "pointer"),
        [
            (
                {"line": {"type": "LineString", "coordinates": [[118.02, 24.3], [118.05, 24.45]]}},
                "/line",
            ),
            ({"line": {"type": "LineString", "coordinates": [[119, 24.3], [119, 24.6]]}}, "/line"),
            ({"line": STRIP}, "/line/type"),
            ({"zone": "nowhere"}, "/zone"),
            ({"note": ""}, "/note"),
        ],
    )
    async def test_refuses_what_makes_no_sense(
        self, writer: httpx.AsyncClient, changed: dict[str, Any], pointer: str
    ) -> None:
        answer = await split(writer, **changed)
        assert answer.status_code == 400, answer.text
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
        # What was refused leaves no draft behind.
        assert (await writer.get(ITEM, params={"version": 2})).status_code == 404

    async def test_what_is_in_review_is_not_redrawn(self, writer: httpx.AsyncClient) -> None:
        await split(writer)
        assert (await step(writer, 2, status="review")).status_code == 200
        assert (await split(writer, version=2)).status_code == 409

    async def test_needs_the_right_to_write(
        self, client_with: MakeClient, anonymous: httpx.AsyncClient, zoned_city: Region
    ) -> None:
        assert (await split(anonymous)).status_code == 401
        assert (await split(await client_with(Scope.READ))).status_code == 403


class TestMerger:
    async def test_the_first_becomes_all_of_them(
        self, writer: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        before = (await zones_of(writer, 1))[FIRST]["properties"]["area_km2"]
        await split(writer)
        merged = {"zones": [f"{FIRST}-2", FIRST], "note": "one after all", "version": 2}
        answer = await writer.post(f"{BASE}/mergers", json=merged)
        assert answer.status_code == 201, answer.text
        assert answer.json()["zones"] == {f"{FIRST}-2": pytest.approx(before, rel=1e-4)}
        zones = await zones_of(writer, 2)
        assert len(zones) == 5
        assert FIRST not in zones
        topology = (await writer.get(f"{BASE}/topology", params={"version": 2})).json()
        assert topology["valid"] is True
        actions = await session.scalars(
            text("SELECT action FROM audit_log WHERE object_table = 'zone_scheme' ORDER BY id")
        )
        assert list(actions)[-3:] == ["begin_version", "split_zone", "merge_zones"]

    @pytest.mark.parametrize(
        ("zones", "pointer"),
        [
            ([FIRST, f"{CODE}.key_protection"], "/zones"),
            ([FIRST, "nowhere"], "/zones"),
            ([FIRST, FIRST], "/zones"),
            ([FIRST], "/zones"),
        ],
    )
    async def test_refuses_what_makes_no_sense(
        self, writer: httpx.AsyncClient, zones: list[str], pointer: str
    ) -> None:
        answer = await writer.post(f"{BASE}/mergers", json={"zones": zones, "note": "why not"})
        assert answer.status_code == 400, answer.text
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]

    async def test_needs_the_right_to_write(
        self, client_with: MakeClient, zoned_city: Region
    ) -> None:
        reader = await client_with(Scope.READ)
        merged = {"zones": [FIRST, f"{FIRST}-2"], "note": "why not"}
        assert (await reader.post(f"{BASE}/mergers", json=merged)).status_code == 403


LINE = {"type": "LineString", "coordinates": [[117.9, 24.43], [118.11, 24.471]]}


class TestTwoWhoRedraw:
    """The second, who has not seen what the first did, changes nothing of it unseen."""

    WAYS = (
        ("splits", {"zone": FIRST, "line": LINE}),
        ("mergers", {"zones": [FIRST, f"{FIRST}-2"]}),
        ("adjustments", {"geometry": STRIP, "to_class": "general_protection"}),
    )

    @staticmethod
    async def tag(writer: httpx.AsyncClient, version: int) -> str:
        answer = await writer.get(f"{BASE}/adjustments", params={"version": version})
        return str(answer.headers["etag"])

    @staticmethod
    async def redraw(
        writer: httpx.AsyncClient, way: str, tag: str | None, **wish: Any
    ) -> httpx.Response:
        headers = {} if tag is None else {"If-Match": tag}
        body = {"note": "as I saw it", "version": 2, **wish}
        return await writer.post(f"{BASE}/{way}", json=body, headers=headers)

    @pytest.mark.parametrize(("way", "wish"), WAYS)
    async def test_what_the_first_has_redrawn_is_not_changed_unseen(
        self, writer: httpx.AsyncClient, way: str, wish: dict[str, Any]
    ) -> None:
        await split(writer)
        seen = await self.tag(writer, 2)
        line = {"type": "LineString", "coordinates": [[118.09, 24.3], [118.08, 24.6]]}
        assert (await self.redraw(writer, "splits", seen, zone=FIRST, line=line)).is_success
        before = await zones_of(writer, 2)
        answer = await self.redraw(writer, way, seen, **wish)
        assert answer.status_code == 412, answer.text
        assert "read them again" in answer.text
        assert await zones_of(writer, 2) == before
        again = await self.redraw(writer, way, await self.tag(writer, 2), **wish)
        assert again.status_code == 201, again.text

    @pytest.mark.parametrize(("way", "wish"), WAYS)
    async def test_a_change_of_attributes_and_one_of_the_areas_are_changes(
        self, writer: httpx.AsyncClient, way: str, wish: dict[str, Any]
    ) -> None:
        await split(writer)
        seen = await self.tag(writer, 2)
        assert (await adjust(writer, version=2)).status_code == 201
        assert (await self.redraw(writer, way, seen, **wish)).status_code == 412
        seen = await self.tag(writer, 2)
        renamed = await writer.patch(
            f"/collections/zones/items/{FIRST}-2",
            params={"version": 2},
            json={"properties": {"name_en": "West"}},
            headers={"Content-Type": "application/merge-patch+json"},
        )
        assert renamed.status_code == 200, renamed.text
        assert (await self.redraw(writer, way, seen, **wish)).status_code == 412

    async def test_of_two_at_once_one_is_refused(self, writer: httpx.AsyncClient) -> None:
        await split(writer)
        seen = await self.tag(writer, 2)
        wish = {"geometry": STRIP, "to_class": "general_protection"}
        both = await asyncio.gather(
            self.redraw(writer, "adjustments", seen, **wish),
            self.redraw(writer, "splits", seen, zone=FIRST, line=LINE),
        )
        assert sorted(answer.status_code for answer in both) == [201, 412]

    async def test_of_a_version_in_force_one_draft_begins(self, writer: httpx.AsyncClient) -> None:
        seen = await self.tag(writer, 1)
        wish = {"zone": FIRST, "line": ACROSS, "version": 1}
        assert (await self.redraw(writer, "splits", seen, **wish)).status_code == 201
        second = await self.redraw(writer, "splits", seen, **wish)
        assert second.status_code == 409
        assert "version 2" in second.text

    async def test_whoever_may_not_is_told_that_first(
        self, writer: httpx.AsyncClient, client_with: MakeClient
    ) -> None:
        await split(writer)
        reader = await client_with(Scope.READ)
        wish = {"zone": FIRST, "line": LINE}
        assert (await self.redraw(reader, "splits", '"old.1"', **wish)).status_code == 403


class TestVersions:
    async def test_one_draft_at_a_time(self, writer: httpx.AsyncClient) -> None:
        begun = await asyncio.gather(
            *(writer.post(f"{BASE}/versions", json={"note": "revision"}) for _ in range(3))
        )
        assert sorted(answer.status_code for answer in begun) == [201, 409, 409]

    async def test_publishing_closes_the_former_version_on_the_same_day(
        self, writer: httpx.AsyncClient
    ) -> None:
        await adjust(writer)
        answer = await publish(writer, 2)
        assert answer.status_code == 200, answer.text
        old = (await writer.get(ITEM, params={"version": 1})).json()["properties"]
        new = (await writer.get(ITEM)).json()["properties"]
        assert (old["status"], new["status"], new["version"]) == ("superseded", "published", 2)
        assert old["valid_to"] == new["valid_from"]
        before = (await writer.get(ITEM, params={"as_of": "2024-06-01"})).json()["properties"]
        assert before["version"] == 1

    async def test_a_version_published_for_a_later_day_waits_for_it(
        self, writer: httpx.AsyncClient, anonymous: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        await adjust(writer)
        today = await read_today(session)
        later = str(today + timedelta(days=30))
        answer = await publish(writer, 2, valid_from=later)
        assert answer.status_code == 200, answer.text

        async def shown(**asked: Any) -> set[int]:
            found = {(await anonymous.get(ITEM, params=asked)).json()["properties"]["version"]}
            for name in ("zones", "zone_schemes"):
                listed = await anonymous.get(f"/collections/{name}/items", params=asked)
                found |= {one["properties"]["version"] for one in listed.json()["features"]}
            return found

        assert await shown() == await shown(as_of=str(today)) == {1}
        assert await shown(as_of=later) == {2}
        assert (await writer.get(ITEM, params={"version": 2})).json()["properties"][
            "valid_from"
        ] == later
        moved = text(
            "UPDATE zone_scheme SET valid_from = valid_from - 30, valid_to = valid_to - 30"
        )
        await session.execute(moved)
        await session.commit()
        assert await shown() == {2}

    async def test_what_is_published_for_a_later_day_only_is_not_in_force(
        self, writer: httpx.AsyncClient, anonymous: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        await session.execute(text("UPDATE zone_scheme SET valid_from = current_date + 30"))
        await session.commit()
        assert (await anonymous.get(ITEM)).status_code == 404
        assert (await anonymous.get(ITEM, params={"version": 1})).status_code == 200
        assert (await anonymous.get("/collections/zones/items")).json()["numberMatched"] == 0

    async def test_the_version_that_was_closed_is_told_as_itself(
        self, writer: httpx.AsyncClient
    ) -> None:
        await adjust(writer)
        since = (await writer.get("/changes", params={"since": "now"})).json()["cursor"]
        await publish(writer, 2)
        asked = {"since": since, "collection": "zone_schemes"}
        told = (await writer.get("/changes", params=asked)).json()["changes"]
        changes = [(change["version"], change["change"], change["row_version"]) for change in told]
        assert (1, "updated", 2) in changes
        assert [version for version, _, _ in changes].count(2) == 3

    async def test_what_is_published_changes_no_more(self, writer: httpx.AsyncClient) -> None:
        assert (await step(writer, 1, name_en="Other")).status_code == 409

    async def test_a_step_that_does_not_exist_is_refused(self, writer: httpx.AsyncClient) -> None:
        await adjust(writer)
        answer = await step(writer, 2, status="published")
        assert answer.status_code == 409
        assert "review" in answer.text

    async def test_things_without_versions_have_none_to_ask_for(
        self, writer: httpx.AsyncClient
    ) -> None:
        answer = await writer.get("/collections/regions/items/city", params={"version": 1})
        assert answer.status_code == 400


class TestComparison:
    async def test_the_matrix_sums_to_the_classes(self, writer: httpx.AsyncClient) -> None:
        await adjust(writer)
        document = (
            await writer.get(f"{BASE}/compare", params={"version": 1, "with_version": 2})
        ).json()
        moved = {(move["from"], move["to"]): move["area_km2"] for move in document["moves"]}
        for item in document["from_classes"]:
            total = sum(area for (origin, _), area in moved.items() if origin == item["class"])
            assert total == pytest.approx(item["area_km2"], rel=1e-5)
        changed = {pair for pair in moved if pair[0] != pair[1]}
        assert changed == {
            ("strict_protection", "priority_restoration"),
            ("key_protection", "priority_restoration"),
        }
        own = next(link["href"] for link in document["links"] if link["rel"] == "self")
        assert (await writer.get(own)).json()["moves"] == document["moves"]
        whole = document["changed_km2"] + document["unchanged_km2"]
        assert document["changed_km2"] == pytest.approx(whole / 5, rel=1e-4)

    async def test_what_only_one_covers_is_outside(
        self, writer: httpx.AsyncClient, session: AsyncSession, zoned_city: Region
    ) -> None:
        small = await add_scheme(
            session, zoned_city, code="small", status="draft", valid=(None, None)
        )
        await add_zone(session, small, "key_protection", (118.0, 24.4, 118.1, 24.5))
        await session.commit()
        document = (await writer.get(f"{BASE}/compare", params={"with": "small"})).json()
        outside = [move["from"] for move in document["moves"] if move["to"] == "outside"]
        assert len(outside) == 4
        assert ("strict_protection", "key_protection") in {
            (move["from"], move["to"]) for move in document["moves"]
        }

    async def test_as_a_page_and_as_a_table(self, writer: httpx.AsyncClient) -> None:
        await adjust(writer)
        asked = {"version": 1, "with_version": 2}
        page = await writer.get(f"{BASE}/compare", params={**asked, "f": "html", "lang": "zh"})
        assert "优先修复与功能提升区" in page.text
        table = await writer.get(f"{BASE}/compare", params={**asked, "f": "csv"})
        assert table.text.startswith("\ufefffrom,to,area_km2")

    async def test_as_a_map_of_what_changed(self, writer: httpx.AsyncClient) -> None:
        await adjust(writer)
        asked = {"version": 1, "with_version": 2}
        document = (await writer.get(f"{BASE}/differences", params=asked)).json()
        found = {(one["from"], one["to"]) for one in document["differences"]}
        assert found == {
            ("strict_protection", "priority_restoration"),
            ("key_protection", "priority_restoration"),
        }
        whole = (await writer.get(f"{BASE}/topology")).json()["region_area_km2"]
        for one in document["differences"]:
            assert one["area_km2"] == pytest.approx(whole / 10, rel=1e-4)
            assert one["geometry"]["type"] == "MultiPolygon"
            assert one["color"].startswith("#")
        same = {"version": 2, "with_version": 2}
        none = (await writer.get(f"{BASE}/differences", params=same)).json()
        assert none["differences"] == []

    async def test_drafts_are_not_for_everyone(
        self, writer: httpx.AsyncClient, anonymous: httpx.AsyncClient
    ) -> None:
        await adjust(writer)
        answer = await anonymous.get(f"{BASE}/compare", params={"with_version": 2})
        assert answer.status_code == 404
