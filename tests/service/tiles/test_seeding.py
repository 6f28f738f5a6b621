"""Tiles seeded and packed from a running service, compared with what the service gives."""

import asyncio
import gzip
import io
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile
import numpy as np
import pytest
import rasterio
from PIL import Image
from pmtiles.reader import MmapSource, Reader, all_tiles
from sqlalchemy import text

from shanhai.errors import Conflict, InvalidInput, LimitExceeded, Unavailable
from shanhai.processes.catalogue import compute_of
from shanhai.processes.kit.task import Outcome, Progress, TilesTask
from shanhai.processes.seed_tiles import service as seeding_service
from shanhai.processes.seed_tiles.contract import SeedTilesTask
from shanhai.settings import TilesSettings
from shanhai_tiles.app import create_app
from shanhai_tiles.cache.tile_cache import LOOKUPS
from shanhai_tiles.grids import GAUSS_KRUGER, WEB_MERCATOR
from tests.service.tiles.running import running
from tests.support.job_rows import open_sessions

pytestmark = pytest.mark.long

XIAMEN = (117.9, 24.4, 118.3, 24.7)


def unheard(percent: float, stage: str) -> None:
    """Nobody listens."""


@pytest.fixture
def seed(address: str, tmp_path: Path) -> Callable[..., Outcome]:
    """Carries out an order in a fresh workspace of its own below `tmp_path`."""

    def carry_out(
        *layers: str, progress: Progress = unheard, token: str | None = None, **inputs: Any
    ) -> Outcome:
        task = SeedTilesTask(
            process="seed-tiles",
            inputs={"layers": layers, **inputs},
            area=inputs.get("bbox"),
            layers=list(layers),
            tiles=TilesTask(url=address, token=token),
            kept=str(tmp_path / "kept"),
        )
        workspace = tmp_path / "work"
        workspace.mkdir(exist_ok=True)
        return compute_of("seed-tiles")(task, workspace, progress)

    return carry_out


def pack_of(outcome: Outcome, tmp_path: Path) -> Path:
    (file,) = (one for one in outcome.files if one.name != "summary")
    return tmp_path / "work" / file.path


def summary_of(tmp_path: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((tmp_path / "work" / "summary.json").read_text())
    return summary


def service_tile(address: str, layer: str, place: tuple[int, int, int], suffix: str) -> bytes:
    path = f"/layers/{layer}/tiles/WebMercatorQuad/{place[0]}/{place[1]}/{place[2]}.{suffix}"
    answer = httpx.get(address + path)
    assert answer.status_code in {200, 204}
    return answer.content


def mbtiles_tiles(path: Path) -> dict[tuple[int, int, int], bytes]:
    with closing(sqlite3.connect(path)) as base:
        rows = base.execute("SELECT zoom_level, tile_column, tile_row, tile_data FROM tiles")
        return {(z, x, (1 << z) - 1 - y): content for z, x, y, content in rows}


@pytest.mark.parametrize("pack", ["pmtiles", "mbtiles"])
def test_every_tile_of_a_packed_raster_is_the_services(
    seed: Callable[..., Outcome], address: str, tmp_path: Path, pack: str
) -> None:
    outcome = seed("zones.xiamen", pack=pack, min_zoom=8, max_zoom=13)
    path = pack_of(outcome, tmp_path)
    if pack == "pmtiles":
        with path.open("rb") as file:
            tiles = dict(all_tiles(MmapSource(file)))
    else:
        tiles = mbtiles_tiles(path)
    spans = {zoom: WEB_MERCATOR.span(zoom, layer_bounds(address)) for zoom in range(8, 14)}
    assert set(tiles) == {
        (zoom, x, y)
        for zoom, span in spans.items()
        if span is not None
        for x in range(span.columns[0], span.columns[1] + 1)
        for y in range(span.rows[0], span.rows[1] + 1)
    }
    for place, content in tiles.items():
        assert content == service_tile(address, "zones.xiamen", place, "png"), place
    assert outcome.values["tiles"] == len(tiles)
    assert summary_of(tmp_path)["different"] == len(set(tiles.values()))


def layer_bounds(address: str, layer: str = "zones.xiamen") -> tuple[float, float, float, float]:
    west, south, east, north = httpx.get(f"{address}/layers/{layer}").json()["bounds"]
    return west, south, east, north


def test_gdal_reads_the_packed_raster_in_its_place(
    seed: Callable[..., Outcome], address: str, tmp_path: Path
) -> None:
    path = pack_of(seed("zones.xiamen", pack="mbtiles", min_zoom=10, max_zoom=12), tmp_path)
    place = next(iter(sorted(mbtiles_tiles(path), reverse=True)))
    west, south, east, north = WEB_MERCATOR.bounds(*place)
    with rasterio.open(path) as read:
        assert read.driver == "MBTiles"
        assert read.crs.to_epsg() == 3857
        cells = read.read()
        column = round((west - read.transform.c) / read.transform.a)
        row = round((read.transform.f - north) / read.transform.a)
        assert read.transform.a == pytest.approx((east - west) / 256)
        assert (north - south) == pytest.approx(east - west)
        assert "zones" in read.tags()["name"]
    drawn = Image.open(io.BytesIO(service_tile(address, "zones.xiamen", place, "png")))
    expected = np.moveaxis(np.asarray(drawn.convert("RGBA")), -1, 0)
    # The driver cuts the picture to the bounds of the pack, so a tile may reach beyond it.
    inside = expected[:, max(-row, 0) :, max(-column, 0) :]
    seen = cells[:, max(row, 0) : row + 256, max(column, 0) : column + 256]
    inside = inside[:, : seen.shape[1], : seen.shape[2]]
    assert min(inside.shape[1:]) > 40
    opaque = inside[3] > 0
    assert opaque.any()
    assert (seen[3] > 0).tolist() == opaque.tolist()
    assert (seen[:3, opaque] == inside[:3, opaque]).all()


READING = """
import json, sys, pyogrio
path = sys.argv[1]
told = pyogrio.read_info(path, layer="zones")
codes = pyogrio.raw.read(path, layer="zones", columns=["code"])[3][0]
print(json.dumps({
    "layers": sorted(name for name, _ in pyogrio.list_layers(path)),
    "types": dict(zip(told["fields"].tolist(), map(str, told["dtypes"]))),
    "codes": codes.tolist(),
}))
"""


def read_with_gdal(path: Path) -> dict[str, Any]:
    """As another program reads a pack: in this one GDAL may open little, once uploads were read."""
    command = [sys.executable, "-c", READING, str(path)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("pack", ["pmtiles", "mbtiles"])
def test_gdal_reads_packed_features_and_their_fields(
    seed: Callable[..., Outcome], address: str, tmp_path: Path, pack: str
) -> None:
    told = {"pack": pack, "bbox": XIAMEN, "properties": ["code", "area_km2"]}
    path = pack_of(seed("zones", "regions", min_zoom=9, max_zoom=11, **told), tmp_path)
    seen = read_with_gdal(path)
    assert seen["layers"] == ["regions", "regions_labels", "zones"]
    assert seen["types"]["area_km2"] == "float64"
    assert seen["types"]["code"] == "object"
    assert {code for code in seen["codes"] if code.startswith("xiamen.")} == {
        "xiamen.supply_demand.strict_protection",
        "xiamen.supply_demand.key_protection",
    }


def test_packed_features_are_the_services_layers_one_after_the_other(
    seed: Callable[..., Outcome], address: str, tmp_path: Path
) -> None:
    path = pack_of(
        seed("zones", "regions", pack="pmtiles", min_zoom=0, max_zoom=10, bbox=XIAMEN), tmp_path
    )
    with path.open("rb") as file:
        source = MmapSource(file)
        tiles = dict(all_tiles(source))
        metadata = Reader(source).metadata()
    assert tiles
    for place, content in tiles.items():
        parts = [service_tile(address, layer, place, "mvt") for layer in ("zones", "regions")]
        assert gzip.decompress(content) == b"".join(parts), place
    deepest = max(tiles)
    assert {"zones", "regions"} <= set(mapbox_vector_tile.decode(gzip.decompress(tiles[deepest])))
    assert [one["id"] for one in metadata["vector_layers"]] == [
        "zones",
        "regions",
        "regions_labels",
    ]
    # What the layers rest on is a stand-in, and the pack says so.
    assert metadata["shanhai"]["stand_in"]
    assert metadata["shanhai"]["stand_in_notes"][0]["note_zh"] == "以粗网格高程代替"
    assert "替代数据" in metadata["description"]
    assert metadata["attribution"].startswith("ITU · ")
    assert metadata["shanhai"]["legend"][0].startswith("http")


def test_style_options_reach_the_drawing(
    seed: Callable[..., Outcome], address: str, tmp_path: Path
) -> None:
    asked = {"pack": "mbtiles", "min_zoom": 11, "max_zoom": 11, "format": "webp"}
    style = {"rescale": "-0.25,0.5", "colormap": "viridis"}
    outcome = seed("ratio.xiamen", rescale=[-0.25, 0.5], colormap="viridis", **asked)
    path = pack_of(outcome, tmp_path)
    tiles = mbtiles_tiles(path)
    for place, content in tiles.items():
        base = f"{address}/layers/ratio.xiamen/tiles/WebMercatorQuad"
        address_ = f"{base}/{place[0]}/{place[1]}/{place[2]}.webp"
        assert content == httpx.get(address_, params=style).content
    plain = httpx.get(address_).content
    assert plain != tiles[place]


def test_a_filter_chooses_features(seed: Callable[..., Outcome], tmp_path: Path) -> None:
    code = "xiamen.supply_demand.strict_protection"
    outcome = seed("zones", pack="pmtiles", max_zoom=8, filter=f"code = '{code}'")
    with pack_of(outcome, tmp_path).open("rb") as file:
        tiles = [gzip.decompress(content) for _, content in all_tiles(MmapSource(file))]
    assert len(tiles) == 9
    assert all(code.encode() in tile for tile in tiles)
    assert not any(b"xiamen.supply_demand.key_protection" in tile for tile in tiles)


def test_named_properties_and_no_others_are_packed(
    seed: Callable[..., Outcome], tmp_path: Path
) -> None:
    asked = {"pack": "pmtiles", "max_zoom": 6, "properties": ["code", "area_km2"]}
    with pack_of(seed("zones", **asked), tmp_path).open("rb") as file:
        source = MmapSource(file)
        tiles, metadata = dict(all_tiles(source)), Reader(source).metadata()
    assert metadata["vector_layers"][0]["fields"] == {"code": "String", "area_km2": "Number"}
    decoded = mapbox_vector_tile.decode(gzip.decompress(tiles[max(tiles)]))
    assert set(decoded["zones"]["features"][0]["properties"]) == {"code", "area_km2"}


def test_tiles_of_any_grid_are_seeded_without_a_pack(
    seed: Callable[..., Outcome], tmp_path: Path
) -> None:
    heard: list[tuple[float, str]] = []
    outcome = seed(
        "zones.xiamen",
        "zones",
        grid="CGCS2000GK117",
        min_zoom=3,
        max_zoom=5,
        bbox=XIAMEN,
        progress=lambda percent, stage: heard.append((percent, stage)),
    )
    assert [file.name for file in outcome.files] == ["summary"]
    spans = [GAUSS_KRUGER[117].span(zoom, XIAMEN) for zoom in (3, 4, 5)]
    zones = sum(
        (span.columns[1] - span.columns[0] + 1) * (span.rows[1] - span.rows[0] + 1)
        for span in spans
        if span is not None
    )
    summary = summary_of(tmp_path)
    meant = summary["tiles"] + summary["empty"]
    assert zones < meant <= 2 * zones
    assert heard[0] == (0.0, f"tiles:{meant}")  # how many are meant is told before any is made
    assert next(stage for _, stage in heard if stage.startswith("zoom")) == "zoom:3"
    assert [percent for percent, _ in heard] == sorted(percent for percent, _ in heard)
    assert [one["zoom"] for one in summary["zooms"]] == [3, 4, 5]
    assert summary["layers"].keys() == {"zones.xiamen", "zones"}
    assert outcome.values["store"] == "none"
    (warning,) = outcome.warnings
    assert warning["code"] == "memory_only"
    assert "进程内存" in warning["detail_zh"]


def test_what_is_seeded_is_found_by_another_process(world: Any, tmp_path: Path) -> None:
    kept = TilesSettings(store="disk", store_folder=tmp_path / "store")
    settings = replace(world.settings(public_read=True), tiles=kept)
    with running(lambda _: create_app(settings)) as (base, _):
        task = SeedTilesTask(
            process="seed-tiles",
            inputs={"layers": ["zones.xiamen"], "max_zoom": 11},
            layers=["zones.xiamen"],
            tiles=TilesTask(url=base),
        )
        outcome = compute_of("seed-tiles")(task, tmp_path, unheard)
    assert (outcome.values["store"], outcome.warnings) == ("disk", [])
    drawn, found = lookups("drawn"), lookups("store")
    with running(lambda _: create_app(settings)) as (base, _):
        assert service_tile(base, "zones.xiamen", (10, 847, 440), "png")
    assert (lookups("drawn") - drawn, lookups("store") - found) == (0, 1)


def lookups(result: str) -> float:
    """Tiles that came from there, in all services of this process."""
    value = LOOKUPS.labels(result)._value.get()
    return float(value)


def test_too_many_tiles_are_refused_before_any_is_asked_for(seed: Callable[..., Outcome]) -> None:
    heard: list[str] = []
    with pytest.raises(LimitExceeded) as refused:
        seed("zones.xiamen", max_zoom=22, progress=lambda _, stage: heard.append(stage))
    assert heard == []
    assert [fault.pointer for fault in refused.value.faults] == ["/inputs/max_zoom"]
    assert "上限为 1,000,000" in refused.value.message_zh
    assert "down to level" in refused.value.message


@pytest.mark.parametrize(
    ("layers", "inputs", "pointer", "chinese"),
    [
        (["zones", "nothing"], {}, "/inputs/layers/1", "没有名为"),
        (["dataset.ndvi.secret"], {}, "/inputs/layers/0", "没有名为"),
        (["zones"], {"format": "png"}, "/inputs/format", "可用"),
        (["zones.xiamen"], {"format": "mvt"}, "/inputs/format", "可用"),
        (["zones"], {"filter": "nonsense ="}, "/inputs/filter", ""),
        (["zones.xiamen"], {"grid": "CGCS2000GK75"}, "/inputs/grid", "可用"),
        (["zones.xiamen"], {"rescale": [0, 1]}, "/inputs/rescale", "色带"),
        (["zones.xiamen"], {"band": 7, "max_zoom": 3}, "/inputs/band", "波段"),
        (["zones.xiamen"], {"bbox": [10, 10, 11, 11]}, "/inputs/bbox", "不相交"),
        (
            ["zones"],
            {"filter": "code = 'none'", "pack": "pmtiles", "bbox": XIAMEN},
            "/inputs/layers",
            "没有内容",
        ),
        (["zones"], {"own_view": True}, "/inputs/layers/0", "令牌"),
    ],
)
def test_what_the_service_cannot_give_is_told_with_pointers_in_both_languages(
    seed: Callable[..., Outcome],
    layers: list[str],
    inputs: dict[str, Any],
    pointer: str,
    chinese: str,
) -> None:
    with pytest.raises(InvalidInput) as refused:
        seed(*layers, **{"max_zoom": 8, **inputs})
    assert pointer in [fault.pointer for fault in refused.value.faults]
    told = " ".join(fault.detail_zh or "" for fault in refused.value.faults)
    assert chinese in told
    assert any("\u4e00" <= letter <= "\u9fff" for letter in told)


def test_an_unknown_grid_is_refused(seed: Callable[..., Outcome]) -> None:
    with pytest.raises(InvalidInput, match="unknown") as refused:
        seed("zones.xiamen", grid="Nowhere")
    assert [fault.pointer for fault in refused.value.faults] == ["/inputs/grid"]


def test_a_service_that_is_away_is_waited_for_and_then_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeding_service, "PATIENCE_S", 0.5)
    task = SeedTilesTask(
        process="seed-tiles",
        inputs={"layers": ["zones"]},
        layers=["zones"],
        tiles=TilesTask(url="http://127.0.0.1:1"),
    )
    started = time.monotonic()
    with pytest.raises(Unavailable, match="does not answer"):
        compute_of("seed-tiles")(task, tmp_path, unheard)
    assert time.monotonic() - started > 0.1


async def rename_zones(database_url: str) -> None:
    """An edit of a collection, which is another version of its layer."""
    async with open_sessions(database_url) as sessions, sessions.begin() as session:
        await session.execute(
            text("UPDATE zone_scheme SET row_version = row_version + 1 WHERE status = 'published'")
        )


def edits(database_url: str, times: int) -> Progress:
    """Edits the zones in the middle of each of the first attempts."""
    begun = 0

    def edit(percent: float, stage: str) -> None:
        nonlocal begun
        begun += stage.startswith("tiles:")
        if stage == "zoom:7" and begun <= times:
            asyncio.run(rename_zones(database_url))
            time.sleep(1.5)  # a tile may be as old as a second

    return edit


def test_a_layer_that_changes_meanwhile_is_packed_anew_at_one_version(
    seed: Callable[..., Outcome], address: str, world: Any, tmp_path: Path
) -> None:
    before = httpx.get(f"{address}/layers/zones").json()["version"]
    outcome = seed("zones", pack="pmtiles", max_zoom=9, progress=edits(world.database_url, times=1))
    now = httpx.get(f"{address}/layers/zones").json()["version"]
    assert now != before
    assert outcome.manifest["versions"] == {"zones": now}
    assert len(list((tmp_path / "kept").iterdir())) == 1  # nothing of the former version


def test_a_layer_that_never_rests_is_given_up(seed: Callable[..., Outcome], world: Any) -> None:
    with pytest.raises(Conflict, match="changed 3 times") as refused:
        seed("zones", pack="pmtiles", max_zoom=9, progress=edits(world.database_url, times=9))
    assert "变更了 3 次" in refused.value.message_zh
