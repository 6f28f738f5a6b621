"""Simpler shapes at low zooms: whose they are, when they are drawn, what neighbours share."""

from collections.abc import AsyncIterator
from typing import Any

import mapbox_vector_tile
import pytest
import shapely
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import FastReader, Sessions, open_quick_reader
from shanhai.db.tiles import simplification
from shanhai.db.tiles.simplification import fill_portions
from shanhai.db.tiles.simplified_shapes import BANDS, LABEL, SHAPED
from shanhai.settings import DatabaseSettings
from shanhai_tiles.grids import WEB_MERCATOR
from shanhai_tiles.vector.collections import VECTORS, LayerSelection
from shanhai_tiles.vector.tiles import DrawnTile, draw_tile
from tests.support.accounts import account_url
from tests.support.coverage import CELL_DEGREES, SOUTH, WEST, crooked_coverage
from tests.support.feature_rows import add_scheme, forget_features
from tests.support.job_rows import add_region

SIDE = 4
CORNER = (WEST + 2 * CELL_DEGREES, SOUTH + 2 * CELL_DEGREES)
"""Where four areas meet."""
SET = "UPDATE zone SET geom = ST_Multi(ST_GeomFromWKB(CAST(:shape AS bytea), 4490)) WHERE code = :c"


@pytest.fixture(autouse=True)
async def sixteen_zones(sessions: Sessions) -> None:
    """A published scheme of sixteen zones side by side, which wait for their shapes."""
    async with sessions.begin() as session:
        await forget_features(session)
        for table in (*(f"{table}_shape" for table in SHAPED), "tile_pending"):
            await session.execute(text(f"DELETE FROM {table}"))
        region = await add_region(session, "city", box=None)
        scheme = await add_scheme(session, region)
        await _add_zones(session, scheme.id)


async def _add_zones(session: AsyncSession, scheme: int) -> None:
    query = text(
        "INSERT INTO zone (scheme_id, class_id, code, geom)"
        " SELECT :scheme, (SELECT min(id) FROM zone_class), 'zone.' || (place - 1),"
        " ST_Multi(ST_GeomFromWKB(shape, 4490))"
        " FROM unnest(CAST(:shapes AS bytea[])) WITH ORDINALITY AS given(shape, place)"
    )
    shapes = [shapely.to_wkb(area) for area in crooked_coverage(SIDE)]
    await session.execute(query, {"scheme": scheme, "shapes": shapes})


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[FastReader]:
    settings = DatabaseSettings(url=SecretStr(account_url(database_url, "tiles")), pool_size=2)
    async with open_quick_reader(settings, application="test") as reader:
        yield reader


async def fill(sessions: Sessions, *, most: int = 1000) -> int:
    """Make all shapes that are waited for; how many objects waited."""
    found = 0
    while done := await fill_portions(sessions, most=most):
        found += done
    return found


async def draw(reader: FastReader, zoom: int) -> DrawnTile:
    """The tile of the zones around the corner where four meet."""
    tile = WEB_MERCATOR.tms.tile(*CORNER, zoom)
    bounds = WEB_MERCATOR.bounds(zoom, tile.x, tile.y)
    return await draw_tile(reader, VECTORS["zones"], LayerSelection(), WEB_MERCATOR, bounds)


def areas_in(drawn: DrawnTile) -> dict[str, Any]:
    """Areas by code, in the tile's own coordinates."""
    features = mapbox_vector_tile.decode(drawn.data)["zones"]["features"]
    return {
        feature["properties"]["code"]: shapely.geometry.shape(feature["geometry"])
        for feature in features
    }


async def kept(sessions: Sessions, band: int) -> dict[int, Any]:
    async with sessions() as session:
        query = text("SELECT id, ST_AsBinary(geom) FROM zone_shape WHERE band = :band")
        rows = await session.execute(query, {"band": band})
        return {row[0]: shapely.from_wkb(bytes(row[1])) for row in rows}


async def waiting(sessions: Sessions) -> set[str]:
    async with sessions() as session:
        query = "SELECT z.code FROM tile_pending p JOIN zone z ON z.id = p.id AND source = 'zone'"
        return set(await session.scalars(text(query)))


@pytest.mark.parametrize("zoom", [4, 8, 12])
async def test_neighbours_share_their_borders_in_tiles(
    sessions: Sessions, reader: FastReader, zoom: int
) -> None:
    """However many at a time their shapes were made."""
    assert await fill(sessions, most=3) >= SIDE * SIDE
    drawn = list(areas_in(await draw(reader, zoom)).values())
    assert len(drawn) >= 4
    assert shapely.coverage_is_valid(drawn)
    whole = shapely.union_all(drawn)
    assert not shapely.get_num_interior_rings(shapely.get_parts(whole)).any()


async def test_shapes_made_in_portions_are_those_made_at_once(sessions: Sessions) -> None:
    await fill(sessions, most=2)
    few = {band.deepest: await kept(sessions, band.deepest) for band in BANDS}
    async with sessions.begin() as session:
        await session.execute(
            text("INSERT INTO tile_pending (source, id) SELECT 'zone', id FROM zone")
        )
        await session.execute(text("DELETE FROM zone_shape"))
    await fill(sessions)
    assert few == {band.deepest: await kept(sessions, band.deepest) for band in BANDS}
    assert shapely.coverage_is_valid(list(few[6].values()))


async def test_exact_shapes_are_drawn_until_simpler_ones_are_there(
    sessions: Sessions, reader: FastReader
) -> None:
    before = await draw(reader, 5)
    assert await fill(sessions) == SIDE * SIDE
    after = await draw(reader, 5)
    assert areas_in(before).keys() == areas_in(after).keys()
    assert before.features == after.features == SIDE * SIDE
    assert len(after.data) < len(before.data)


async def test_an_edit_is_drawn_at_once_and_made_simpler_later(
    sessions: Sessions, reader: FastReader
) -> None:
    await fill(sessions)
    before = areas_in(await draw(reader, 6))
    moved = shapely.box(WEST + 0.1, SOUTH + 0.1, WEST + 0.5, SOUTH + 0.5)
    async with sessions.begin() as session:
        await session.execute(text(SET), {"shape": shapely.to_wkb(moved), "c": "zone.5"})
    assert await waiting(sessions) == {"zone.5"}
    after = areas_in(await draw(reader, 6))
    assert after["zone.5"] != before["zone.5"]
    assert {code for code in before if before[code] == after[code]} == before.keys() - {"zone.5"}
    assert await fill(sessions) == 1
    assert areas_in(await draw(reader, 6))["zone.5"].equals(after["zone.5"])


async def test_a_row_that_keeps_its_shape_keeps_its_shapes(sessions: Sessions) -> None:
    await fill(sessions)
    async with sessions.begin() as session:
        await session.execute(text("UPDATE zone SET row_version = row_version + 1"))
    assert await waiting(sessions) == set()
    async with sessions.begin() as session:
        await session.execute(text("DELETE FROM zone WHERE code = 'zone.0'"))
    assert len(await kept(sessions, LABEL)) == SIDE * SIDE - 1


async def test_what_changes_while_its_shapes_are_made_waits_again(
    sessions: Sessions, reader: FastReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = shapely.to_wkb(shapely.box(WEST, SOUTH, WEST + 2.4, SOUTH + 2.4))
    hold = simplification._take

    async def edit_then_take(*given: Any) -> set[int]:
        async with sessions.begin() as session:
            await session.execute(text(SET), {"shape": moved, "c": "zone.5"})
        return await hold(*given)

    monkeypatch.setattr(simplification, "_take", edit_then_take)
    assert await fill_portions(sessions) == SIDE * SIDE - 1
    monkeypatch.undo()
    assert await waiting(sessions) == {"zone.5"}
    assert len(await kept(sessions, LABEL)) == SIDE * SIDE - 1
    drawn = await draw(reader, 6)
    assert drawn.features == SIDE * SIDE
    assert areas_in(drawn)["zone.5"].area > 10 * areas_in(drawn)["zone.6"].area


async def test_a_writer_at_work_is_not_waited_for(sessions: Sessions) -> None:
    async with sessions() as writer:
        await writer.execute(
            text("UPDATE zone SET geom = ST_Multi(ST_Envelope(geom)) WHERE code = 'zone.5'")
        )
        assert await fill_portions(sessions) == SIDE * SIDE - 1
        await writer.commit()
    assert await waiting(sessions) == {"zone.5"}
    assert await fill(sessions) == 1


async def test_a_neighbour_at_work_is_passed_over_and_one_that_changed_waits_again(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(sessions)
    async with sessions.begin() as session:
        await session.execute(
            text(SET), {"shape": shapely.to_wkb(crooked_coverage(2)[0]), "c": "zone.5"}
        )
        await session.execute(text("DELETE FROM tile_pending WHERE source <> 'zone'"))
    hold = simplification._hold

    async with sessions() as writer:
        await writer.execute(
            text("UPDATE zone SET geom = ST_Multi(ST_Envelope(geom)) WHERE code = 'zone.0'")
        )

        async def touch_then_hold(*given: Any) -> dict[int, bool]:
            async with sessions.begin() as session:
                await session.execute(text("UPDATE zone SET row_version = 9 WHERE code = 'zone.1'"))
            return await hold(*given)

        monkeypatch.setattr(simplification, "_hold", touch_then_hold)
        assert await fill_portions(sessions) == 1
        monkeypatch.undo()
        assert await waiting(sessions) == {"zone.1"}
        await writer.commit()
    assert await waiting(sessions) == {"zone.0", "zone.1"}
    assert await fill(sessions) == 2


async def test_specks_are_left_out_and_counted(sessions: Sessions, reader: FastReader) -> None:
    speck = shapely.to_wkb(shapely.box(117.8, 24.8, 117.80001, 24.80001))
    async with sessions.begin() as session:
        await session.execute(text(SET), {"shape": speck, "c": "zone.5"})
    for _ in range(2):
        low, deep = await draw(reader, 8), await draw(reader, 13)
        assert low.dropped == 1
        assert low.notes == (("Shanhai-Tile-Truncated", f"features={low.features}, dropped=1"),)
        assert "zone.5" not in areas_in(low)
        assert "zone.5" in areas_in(deep)
        assert deep.notes == ()
        await fill(sessions)


async def test_a_tile_that_would_be_too_large_keeps_the_largest(
    sessions: Sessions, reader: FastReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(sessions)
    whole = await draw(reader, 6)
    monkeypatch.setattr("shanhai_tiles.vector.tiles.MOST_BYTES", len(whole.data) // 2)
    cut = await draw(reader, 6)
    assert len(cut.data) <= len(whole.data) // 2
    assert 0 < cut.features < SIDE * SIDE
    assert cut.features + cut.dropped == SIDE * SIDE
    assert cut == await draw(reader, 6)


async def test_a_tile_that_is_full_also_counts_its_specks(
    sessions: Sessions, reader: FastReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those the viewer may see, whether their simpler shapes are made or not."""
    speck = shapely.to_wkb(shapely.box(117.8, 24.8, 117.80001, 24.80001))
    async with sessions.begin() as session:
        await session.execute(text(SET), {"shape": speck, "c": "zone.5"})
        await session.execute(text("UPDATE zone SET deleted_at = now() WHERE code = 'zone.6'"))
    monkeypatch.setattr("shanhai_tiles.vector.tiles.MOST_FEATURES", 4)
    for _ in range(2):
        drawn = await draw(reader, 6)
        assert (drawn.features, drawn.dropped) == (4, SIDE * SIDE - 1 - 4)
        assert drawn == await draw(reader, 6)
        await fill(sessions)


SQUARES = """
INSERT INTO region (code, name_zh, name_en, level, metric_srid, geom)
SELECT 'square.' || n, '方格', 'Square', 'town', 4548,
       ST_Multi(ST_MakeEnvelope(x, y, x + side, y + side, 4490))
  FROM generate_series(0, 399) AS n,
       LATERAL (SELECT :west + 0.002 * (n % 20) AS x, :south + 0.0015 * (n / 20) AS y,
                       CASE WHEN n % 2 = 0 THEN 0.0002 ELSE 0.0014 END AS side) AS placed
"""
"""Half are a fifth of a pixel of zoom 10 across, half somewhat more than a pixel."""
BARE = """
SELECT ST_AsMVT(cut.*, 'regions') FROM (
  SELECT code, ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope(:z, :x, :y), 4096, 64) AS geom
    FROM region WHERE geom && ST_Transform(ST_TileEnvelope(:z, :x, :y), 4490)) AS cut
"""


@pytest.mark.parametrize(("zoom", "lacking"), [(9, 400), (10, 200), (12, 200), (13, 0), (14, 0)])
async def test_a_tile_lacks_specks_only_and_counts_them(
    sessions: Sessions, reader: FastReader, zoom: int, lacking: int
) -> None:
    """Beside `ST_AsMVT` of the same table, which draws all that lies in the tile."""
    middle = WEB_MERCATOR.tms.tile(*CORNER, 13)
    west, south, east, north = WEB_MERCATOR.lonlat_bounds(
        WEB_MERCATOR.bounds(13, middle.x, middle.y)
    )
    corner = {"west": (west + east) / 2 - 0.02, "south": (south + north) / 2 - 0.015}
    async with sessions.begin() as session:
        await session.execute(text(SQUARES), corner)
    await fill(sessions)
    tile = WEB_MERCATOR.tms.tile(corner["west"] + 0.0001, corner["south"] + 0.0001, zoom)
    async with sessions() as session:
        asked = {"z": zoom, "x": tile.x, "y": tile.y}
        bare = _codes(bytes(await session.scalar(text(BARE), asked)))
    bounds = WEB_MERCATOR.bounds(zoom, tile.x, tile.y)
    ours = await draw_tile(reader, VECTORS["regions"], LayerSelection(), WEB_MERCATOR, bounds)
    found = _codes(ours.data)
    assert len(bare - found) == ours.dropped == lacking
    assert len(found) == ours.features


def _codes(tile: bytes) -> set[str]:
    layer = mapbox_vector_tile.decode(tile).get("regions", {"features": []})
    return {feature["properties"]["code"] for feature in layer["features"]}
