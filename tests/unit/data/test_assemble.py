import hashlib
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image
from shapely import MultiPolygon, Polygon, box
from shapely.geometry import shape

from shanhai.data.assemble import assemble_region
from shanhai.data.land_cover_change import read_change
from shanhai.data.regions import DemoRegion, DemoUnit
from shanhai.data.synthetic_layers import demo_grid
from shanhai.data.vector_layers import Clip, PopulatedPlace
from shanhai.data.world import GeographicField, World
from shanhai.processes.kit.dataset_description import read_description
from shanhai.raster.geotiff import read_geotiff

SHORE = DemoRegion(
    code="shore",
    name_zh="海岸",
    name_en="Shore",
    level="city",
    adcode=990000,
    metric_epsg=4548,
    box=(118.0, 24.5, 118.1, 24.55),
    units=(
        DemoUnit("shore-west", "西区", "West", 990001, 30_000),
        DemoUnit("shore-east", "东区", "East", 990002, 50_000),
    ),
    residents_source="made in the test",
)
WEST, EAST = box(118.0, 24.5, 118.05, 24.55), box(118.05, 24.5, 118.1, 24.55)
SEA, LAKE = box(118.08, 24.4, 118.3, 24.7), box(118.01, 24.51, 118.02, 24.52)
THEMES = {
    *("dem", "rainfall", "temperature", "rain_intensity", "night_lights", "ndvi", "npp"),
    *("land_cover", "population", "soil", "places", "land", "water"),
}


def field(bands: int, step: float, seed: int, high: float) -> GeographicField:
    """Noise over 108–128 E, 14–34 N."""
    size = round(20 / step)
    values = np.random.default_rng(seed).uniform(0.0, high, (bands, size, size))
    return GeographicField(values, 108.0, 34.0, step)


FOREST_CODE, CROPS_CODE, BUILT_CODE, WATER_CODE = 10, 40, 50, 80


def worldcover() -> GeographicField:
    """A map of 1/160 degree: forest, a town in each unit, a field, and water where the sea is.

    Its water reaches one cell into the land: its cells are larger than the coast is detailed.
    """
    step = 1 / 160
    codes = np.full((1, 80, 80), FOREST_CODE, dtype=np.uint8)
    codes[0, :, 28:] = WATER_CODE
    codes[0, 30:34, 19:22] = codes[0, 30:34, 24:26] = BUILT_CODE
    codes[0, 36:38, 20:22] = CROPS_CODE
    return GeographicField(codes, 117.9, 24.73, step)


def world(region: DemoRegion, outlines: list[MultiPolygon]) -> World:
    ocean, none = MultiPolygon([SEA]), MultiPolygon()
    dry = box(117.9, 24.4, 118.3, 24.7).difference(shapely.union_all([SEA, LAKE]))
    assert isinstance(dry, Polygon)
    return World(
        outlines={unit.adcode: line for unit, line in zip(region.units, outlines, strict=True)},
        grids={region.code: demo_grid(region, outlines)},
        lands={region.code: Clip(none, MultiPolygon([dry]))},
        waters={region.code: Clip(ocean, MultiPolygon([LAKE]))},
        land_covers={region.code: worldcover()},
        elevation=field(1, 1 / 12, 1, 500.0),
        rainfall=field(12, 0.25, 2, 200.0),
        temperature=field(12, 0.75, 3, 30.0),
        rain_intensity=field(1, 0.125, 4, 80.0),
        true_colour=field(3, 0.1, 5, 255.0),
        night=field(3, 0.1, 6, 255.0),
        places=[
            PopulatedPlace(1, "Inside", 118.03, 24.53, 9_000),
            PopulatedPlace(2, "Outside", 119.0, 24.5, 7),
        ],
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shore")
    assemble_region(SHORE, world(SHORE, [MultiPolygon([WEST]), MultiPolygon([EAST])]), path)
    return path


def test_every_theme_is_described_with_the_hash_of_its_file(folder: Path) -> None:
    described = {path.stem: read_description(path) for path in folder.glob("*.json")}
    assert set(described) == THEMES
    for theme, description in described.items():
        content = (folder / description.file).read_bytes()
        assert description.sha256 == hashlib.sha256(content).hexdigest()
        assert description.code == f"shore.{theme}.demo"
        assert description.source
        assert description.licence


def test_population_sums_to_the_district_totals(folder: Path) -> None:
    persons = read_geotiff(folder / "population.tif").values[0]
    assert np.nansum(persons) == pytest.approx(80_000, rel=1e-6)
    assert str(read_description(folder / "population.json").observed_from) == "2018-01-01"


def test_surfaces_share_the_metric_grid_and_know_the_sea(folder: Path) -> None:
    surfaces = {name: read_geotiff(folder / f"{name}.tif") for name in ("npp", "land_cover")}
    assert {surface.crs for surface in surfaces.values()} == {"EPSG:4548"}
    assert len({surface.transform for surface in surfaces.values()}) == 1
    sea = np.isnan(surfaces["npp"].values[0])
    np.testing.assert_array_equal(sea, np.isnan(surfaces["land_cover"].values[0]))
    assert 0.1 < sea.mean() < 0.5
    assert set(np.unique(surfaces["land_cover"].values[0][~sea])) == {1, 2, 7, 8}


def test_people_live_on_built_up_land_alone(folder: Path) -> None:
    persons = np.nan_to_num(read_geotiff(folder / "population.tif").values[0])
    cover = read_geotiff(folder / "land_cover.tif").values[0]
    assert (cover[persons > 0] == 8).all()
    assert (persons[cover == 8] > 0).any()


def test_land_cover_is_no_stand_in_and_says_what_it_is_made_of(folder: Path) -> None:
    told = read_description(folder / "land_cover.json")
    assert not told.stand_in
    assert told.native_resolution_m == 695
    assert "ESA WorldCover" in told.source
    assert "cars 1.3.0" in told.source
    assert "CC BY 4.0" in (told.licence or "")


def test_change_of_the_land_cover_adds_up_to_the_land(folder: Path) -> None:
    change, cover = read_change(folder), read_geotiff(folder / "land_cover.tif").values[0]
    assert sum(one.before_km2 for one in change.classes) == pytest.approx(change.land_km2, abs=0.05)
    assert sum(one.after_km2 for one in change.classes) == pytest.approx(change.land_km2, abs=0.05)
    within = ~np.isnan(read_geotiff(folder / "population.tif").values[0])
    counted = Counter(cover[within].tolist())
    assert {one.code: one.after_km2 for one in change.classes if one.after_km2} == {
        int(code): pytest.approx(number / 100) for code, number in counted.items()
    }
    assert 0 < change.agreement_percent < 100
    with Image.open(folder / "report" / "land_cover.png") as picture:
        assert picture.width > picture.height / 2


@pytest.mark.parametrize(
    ("theme", "bands"),
    [("dem", 1), ("rainfall", 12), ("temperature", 12), ("soil", 4), ("night_lights", 1)],
)
def test_native_layers_reach_beyond_the_grid(folder: Path, theme: str, bands: int) -> None:
    layer = read_geotiff(folder / f"{theme}.tif")
    step, _, west, _, _, north = layer.transform
    assert layer.crs == "EPSG:4326"
    assert layer.values.shape[0] == bands
    assert not np.isnan(layer.values).any()
    assert west < 118.0 - 0.02
    assert north > 24.55 + 0.02
    assert west + step * layer.values.shape[2] > 118.1 + 0.02


def test_soil_fractions_sum_to_a_hundred(folder: Path) -> None:
    soil = read_geotiff(folder / "soil.tif")
    np.testing.assert_allclose(soil.values[:3].sum(axis=0), 100.0)
    assert soil.descriptions == ("sand", "silt", "clay", "organic_carbon")


def test_region_and_districts_are_features(folder: Path) -> None:
    features = json.loads((folder / "regions.geojson").read_text())["features"]
    properties = [feature["properties"] for feature in features]
    assert [entry["code"] for entry in properties] == ["shore", "shore-west", "shore-east"]
    assert [entry["parent"] for entry in properties] == [None, "shore", "shore"]
    assert {entry["metric_epsg"] for entry in properties} == {4548}
    whole = shape(features[0]["geometry"])
    assert whole.equals(shapely.union_all([WEST, EAST]))
    assert features[0]["geometry"]["type"] == "MultiPolygon"


def test_water_says_which_is_sea_and_places_stay_inside(folder: Path) -> None:
    water = json.loads((folder / "water.geojson").read_text())["features"]
    assert [feature["properties"]["kind"] for feature in water] == ["sea", "fresh"]
    places = json.loads((folder / "places.geojson").read_text())["features"]
    assert [feature["properties"]["name"] for feature in places] == ["Inside"]


def test_same_input_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    made = assemble_region(
        SHORE, world(SHORE, [MultiPolygon([WEST]), MultiPolygon([EAST])]), tmp_path
    )
    names = {path.relative_to(tmp_path).as_posix() for path in made}
    assert names == {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    }
    for name in names:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_region_of_one_unit_is_listed_once_and_counts_its_places(tmp_path: Path) -> None:
    unit = DemoUnit("shore", "海岸", "Shore", 990001)
    region = replace(
        SHORE, level="district", units=(unit,), outline_unit=True, residents_source="its places"
    )
    assemble_region(region, world(region, [MultiPolygon([WEST])]), tmp_path)
    features = json.loads((tmp_path / "regions.geojson").read_text())["features"]
    assert [feature["properties"]["level"] for feature in features] == ["district"]
    persons = read_geotiff(tmp_path / "population.tif").values[0]
    assert np.nansum(persons) == pytest.approx(9_000, rel=1e-6)
    description = read_description(tmp_path / "population.json")
    assert "its places" in description.source
    assert description.observed_from is None
