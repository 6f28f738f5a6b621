from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from shapely import MultiPolygon, box
from typer.testing import CliRunner

from shanhai.data.cli import app
from shanhai.data.download import Reporter
from shanhai.data.fetch import fetch_theme
from shanhai.data.regions import Box
from shanhai.data.stac import Catalogues, read_catalogues
from shanhai.errors import InvalidInput, NotFound, Unavailable
from shanhai.processes.kit.dataset_description import read_description
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from tests.support.stac_site import TOKEN, Site, serve_site

CELLS = 1_024
STEP = 0.5 / CELLS
ACROSS = (118.45, 24.20, 118.55, 24.26)
"""A box over the seam of the tiles that begin at 118.0 and 118.5 E."""


@pytest.fixture
def site() -> Iterator[Site]:
    with serve_site() as site:
        yield site


def tile(folder: Path, west: float, values: np.ndarray, nodata: float | None = -32768) -> bytes:
    path = folder / "tile.tif"
    step = 0.5 / values.shape[1]
    transform = (step, 0.0, west, 0.0, -step, 24.5)
    write_geotiff(path, values, transform=transform, crs="EPSG:4326", nodata=nodata)
    return path.read_bytes()


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 9_000, (CELLS, CELLS), dtype=np.int16)


def settings(
    site: Site, *, hosts: str = "127.0.0.1", token: bool = False, **theme: object
) -> Catalogues:
    catalogue = {"url": f"{site.url}/stac", "asset_hosts": [hosts]}
    if token:
        catalogue["token_url"] = site.url + "/token/{collection}"
    source = {
        "catalogue": "local",
        "collection": "tiles",
        "asset": "data",
        "name_zh": "高程",
        "name_en": "Elevation",
        "unit": "m",
        "source": "made in the test",
        "licence": "CC0-1.0",
    }
    return Catalogues.model_validate(
        {"catalogues": {"local": catalogue}, "themes": {"dem": source | theme}}
    )


def fetch(catalogues: Catalogues, out: Path, reporter: Reporter, box: Box = ACROSS) -> np.ndarray:
    fetch_theme("dem", "here", box, out, catalogues=catalogues, reporter=reporter)
    values: np.ndarray = read_geotiff(out / "dem.tif").values[0]
    return values


@pytest.mark.parametrize("paging", ["post", "get"])
def test_window_across_two_tiles_is_joined_from_few_bytes(
    site: Site, tmp_path: Path, reporter: Reporter, paging: str
) -> None:
    west, east = noise(1), noise(2)
    site.paging = paging
    site.add_item("east", "2021-06-01T00:00:00Z", tile(tmp_path, 118.5, east))
    site.add_item("west", "2021-07-01T00:00:00Z", tile(tmp_path, 118.0, west))
    values = fetch(settings(site), tmp_path, reporter)
    first = int(np.floor((ACROSS[0] - 118.0) / STEP))
    last = int(np.ceil((ACROSS[2] - 118.0) / STEP))
    top = int(np.floor((24.5 - ACROSS[3]) / STEP))
    bottom = int(np.ceil((24.5 - ACROSS[1]) / STEP))
    np.testing.assert_array_equal(values, np.hstack([west, east])[top:bottom, first:last])
    stored = sum(len(content) for content in site.files.values())
    assert sum(site.sent[path] for path in site.files) < 0.25 * stored
    assert site.searches[0] == {"collections": ["tiles"], "bbox": list(ACROSS), "limit": 100}


def test_description_says_whence_and_how_fine(
    site: Site, tmp_path: Path, reporter: Reporter
) -> None:
    site.add_item("a", "2021-06-01T00:00:00Z", tile(tmp_path, 118.0, noise(1)))
    site.add_item("b", "2020-02-03T00:00:00Z", tile(tmp_path, 118.5, noise(2)))
    fetch(settings(site, scale=0.5, offset=10), tmp_path, reporter)
    description = read_description(tmp_path / "dem.json")
    assert description.code == "here.dem.open"
    assert not description.stand_in
    assert description.native_resolution_m == pytest.approx(STEP * 111_195, abs=0.1)
    assert str(description.observed_from) == "2020-02-03"
    assert str(description.observed_to) == "2021-06-01"
    assert "raw × 0.5 + 10" in description.processing


def test_scale_offset_and_valid_range_apply_to_raw_values(
    site: Site, tmp_path: Path, reporter: Reporter
) -> None:
    raw = np.array([[-32768, -5], [200, 32761]], dtype=np.int16)
    site.add_item("a", "2021-01-01T00:00:00Z", tile(tmp_path, 118.0, raw))
    catalogues = settings(site, scale=0.1, offset=1.0, valid_min=-10, valid_max=32700)
    values = fetch(catalogues, tmp_path, reporter, (118.01, 24.01, 118.49, 24.49))
    np.testing.assert_allclose(values, [[np.nan, 0.5], [21.0, np.nan]], rtol=1e-6)


@pytest.mark.parametrize(
    ("combine", "expected"),
    [("first", [[7, 8]]), ("mean", [[4, 8]]), ("max", [[7, 8]])],
)
def test_dates_are_combined_as_configured(
    site: Site, tmp_path: Path, reporter: Reporter, combine: str, expected: list[list[int]]
) -> None:
    older = np.array([[1, -32768]], dtype=np.int16)
    newer = np.array([[7, 8]], dtype=np.int16)
    site.add_item("older", "2020-01-01T00:00:00Z", tile(tmp_path, 118.0, older))
    site.add_item("newer", "2021-01-01T00:00:00Z", tile(tmp_path, 118.0, newer))
    values = fetch(
        settings(site, combine=combine), tmp_path, reporter, (118.01, 24.3, 118.49, 24.4)
    )
    np.testing.assert_array_equal(values, expected)


def test_class_raster_keeps_its_codes_and_scheme(
    site: Site, tmp_path: Path, reporter: Reporter
) -> None:
    codes = np.array([[10, 0], [80, 95]], dtype=np.uint8)
    site.add_item("a", "2021-01-01T00:00:00Z", tile(tmp_path, 118.0, codes, nodata=None))
    catalogues = settings(site, class_scheme="worldcover", nodata=0)
    values = fetch(catalogues, tmp_path, reporter, (118.01, 24.01, 118.49, 24.49))
    np.testing.assert_array_equal(values, [[10, np.nan], [80, 95]])
    assert read_geotiff(tmp_path / "dem.tif").nodata == 0
    assert read_description(tmp_path / "dem.json").class_scheme == "worldcover"


def test_codes_of_modis_become_what_they_stand_for_date_by_date(
    site: Site, tmp_path: Path, reporter: Reporter
) -> None:
    older = np.array([[32766, 32766, 6000, 32767]], dtype=np.int16)
    newer = np.array([[32766, 400, 8000, 7000]], dtype=np.int16)
    site.add_item("older", "2020-01-01T00:00:00Z", tile(tmp_path, 118.0, older, nodata=32767))
    site.add_item("newer", "2021-01-01T00:00:00Z", tile(tmp_path, 118.0, newer, nodata=32767))
    catalogues = npp(site)
    box = (118.01, 24.45, 118.49, 24.46)
    fetch_theme("npp", "here", box, tmp_path, catalogues=catalogues, reporter=reporter)
    np.testing.assert_allclose(read_geotiff(tmp_path / "npp.tif").values[0], [[0, 20, 700, 700]])
    assert "32766 (water): 3 cells" in read_description(tmp_path / "npp.json").processing


def test_a_layer_with_codes_nobody_explains_is_not_taken(
    site: Site, tmp_path: Path, reporter: Reporter
) -> None:
    raw = np.array([[32762, 6000]], dtype=np.int16)
    site.add_item("a", "2021-01-01T00:00:00Z", tile(tmp_path, 118.0, raw, nodata=32767))
    box = (118.01, 24.45, 118.49, 24.46)
    with pytest.raises(InvalidInput, match=r"32762 \(urban and built-up land\), 1 cells"):
        fetch_theme("npp", "here", box, tmp_path, catalogues=npp(site), reporter=reporter)
    assert not (tmp_path / "npp.tif").exists()
    stated = npp(site, codes={"32762": 90})
    fetch_theme("npp", "here", box, tmp_path, catalogues=stated, reporter=reporter)
    np.testing.assert_allclose(read_geotiff(tmp_path / "npp.tif").values[0], [[90, 600]])


def npp(site: Site, **theme: object) -> Catalogues:
    """The package's own entry of NPP, at the site."""
    own = read_catalogues().theme("npp").model_dump(exclude={"catalogue", "collection", "asset"})
    source = {**own, "catalogue": "local", "collection": "tiles", "asset": "data", **theme}
    local = settings(site).model_dump()["catalogues"]
    return Catalogues.model_validate({"catalogues": local, "themes": {"npp": source}})


def test_where_worldpop_has_no_settlement_nobody_lives(
    site: Site, tmp_path: Path, reporter: Reporter
) -> None:
    people = np.array([[-99_999, 12.5]], dtype=np.float32)
    site.add_item("pop", "2020-01-01T00:00:00Z", tile(tmp_path, 118.0, people, nodata=-99_999))
    own = read_catalogues().theme("population")
    assert own.nodata is None
    local = settings(site, codes=own.codes)
    values = fetch(local, tmp_path, reporter, (118.01, 24.3, 118.49, 24.4))
    np.testing.assert_array_equal(values, [[0, 12.5]])


def test_the_sea_of_worldcover_is_no_water_of_the_land(
    site: Site, tmp_path: Path, reporter: Reporter
) -> None:
    codes = np.full((50, 50), 10, dtype=np.uint8)
    codes[30:], codes[5:8, 5:8], codes[10:28, 40] = 80, 80, 80
    site.add_item("a", "2021-01-01T00:00:00Z", tile(tmp_path, 118.0, codes, nodata=0))
    coast = 24.5 - 31 * 0.01
    ocean = MultiPolygon([box(117.0, 23.0, 119.0, coast)])
    catalogues = settings(site, class_scheme="worldcover", nodata=0, water=80)
    fetch_theme(
        *("dem", "here", (118.001, 24.001, 118.499, 24.499), tmp_path),
        catalogues=catalogues,
        reporter=reporter,
        find_ocean=lambda box, reporter: ocean,
    )
    values = np.nan_to_num(read_geotiff(tmp_path / "dem.tif").values[0])
    assert set(np.unique(values[30:])) == {0}, "up to the true coast, though the ocean ends below"
    assert set(np.unique(values[5:8, 5:8])) == {80}
    assert set(np.unique(values[10:28, 40])) == {80}, "a river stays one"
    description = read_description(tmp_path / "dem.json")
    assert description.import_inputs()["edge_water"] == "inland"
    assert "OpenStreetMap" in description.licence


def test_token_is_fetched_and_sent_but_not_written_down(
    site: Site, tmp_path: Path, reporter: Reporter
) -> None:
    site.token_needed = True
    site.add_item("a", "2021-01-01T00:00:00Z", tile(tmp_path, 118.5, noise(1)))
    fetch(settings(site, token=True), tmp_path, reporter)
    assert site.sent["/files/a.tif"] > 0
    assert TOKEN not in (tmp_path / "dem.json").read_text()


def test_items_of_other_names_are_left_out(site: Site, tmp_path: Path, reporter: Reporter) -> None:
    site.add_item("pop_2020", "2020-01-01T00:00:00Z", tile(tmp_path, 118.0, noise(1)))
    site.add_item("age_2020", "2020-01-01T00:00:00Z", tile(tmp_path, 118.0, noise(2)))
    fetch(settings(site, item_id="pop_*"), tmp_path, reporter)
    assert "/files/age_2020.tif" not in site.sent


def test_asset_on_a_foreign_host_is_not_opened(
    site: Site, tmp_path: Path, reporter: Reporter
) -> None:
    site.add_item("a", "2021-01-01T00:00:00Z", b"", data="http://169.254.169.254/latest")
    with pytest.raises(InvalidInput, match=r"169\.254\.169\.254"):
        fetch(settings(site, hosts="*.example.org"), tmp_path, reporter)


@pytest.mark.parametrize("href", ["file:///etc/passwd", "s3://bucket/key.tif", "/vsizip/x"])
def test_asset_that_is_no_web_address_is_refused(
    site: Site, tmp_path: Path, reporter: Reporter, href: str
) -> None:
    site.add_item("a", "2021-01-01T00:00:00Z", b"", data=href)
    with pytest.raises(InvalidInput, match="not allowed"):
        fetch(settings(site, hosts="*"), tmp_path, reporter)


def test_host_without_ranges_is_not_downloaded_whole(
    site: Site, tmp_path: Path, reporter: Reporter
) -> None:
    site.ranged = False
    site.add_item("a", "2021-01-01T00:00:00Z", tile(tmp_path, 118.5, noise(1)))
    with pytest.raises(Unavailable, match="remote raster"):
        fetch(settings(site), tmp_path, reporter)
    assert not (tmp_path / "dem.tif").exists()


def test_text_in_place_of_a_raster_is_refused(
    site: Site, tmp_path: Path, reporter: Reporter
) -> None:
    site.add_item("a", "2021-01-01T00:00:00Z", b"not a raster" * 1_000)
    with pytest.raises(Unavailable, match="remote raster"):
        fetch(settings(site), tmp_path, reporter)


def test_tiles_of_different_cell_size_are_refused(
    site: Site, tmp_path: Path, reporter: Reporter
) -> None:
    site.add_item("a", "2021-01-01T00:00:00Z", tile(tmp_path, 118.0, noise(1)))
    site.add_item("b", "2021-01-01T00:00:00Z", tile(tmp_path, 118.5, noise(2)[:, ::2]))
    with pytest.raises(InvalidInput, match="another grid"):
        fetch(settings(site), tmp_path, reporter)


def test_nothing_found_is_said(site: Site, tmp_path: Path, reporter: Reporter) -> None:
    with pytest.raises(NotFound, match="no item"):
        fetch(settings(site), tmp_path, reporter)


def test_command_fetches_what_it_can_and_names_what_it_could_not(
    site: Site, tmp_path: Path
) -> None:
    site.add_item("a", "2021-01-01T00:00:00Z", tile(tmp_path, 118.5, noise(1)))
    configuration = tmp_path / "catalogues.toml"
    configuration.write_text(
        f"""
        [catalogues.local]
        url = "{site.url}/stac"
        asset_hosts = ["127.0.0.1"]
        [themes.dem]
        catalogue = "local"
        collection = "tiles"
        asset = "data"
        name_zh = "高程"
        name_en = "Elevation"
        source = "made in the test"
        licence = "CC0-1.0"
        """
    )
    box = ",".join(map(str, ACROSS))
    arguments = ["fetch", "--region", "here", "--theme", "night_lights,dem", "--bbox", box]
    result = CliRunner().invoke(
        app, [*arguments, "--out", str(tmp_path), "--catalogues", str(configuration)]
    )
    assert result.exit_code == 1
    assert "not fetched: night_lights" in result.output
    assert read_description(tmp_path / "dem.json").region == "here"


def test_token_is_kept_out_of_errors(site: Site, tmp_path: Path, reporter: Reporter) -> None:
    site.add_item("a", "2021-01-01T00:00:00Z", b"not a raster" * 1_000)
    with pytest.raises(Unavailable) as caught:
        fetch(settings(site, token=True), tmp_path, reporter)
    assert "/files/a.tif" in caught.value.message
    assert TOKEN not in caught.value.message
