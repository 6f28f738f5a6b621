import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely.geometry import shape

from shanhai.data.synthetic_watershed import Watershed
from shanhai.errors import InvalidInput
from shanhai.processes.kit.region import overlaps
from shanhai.processes.kit.region_files import RegionChoice, gauss_krueger_epsg, read_region
from shanhai.processes.local_run import run_on_files, take_raster
from shanhai.raster.geotiff import read_geotiff
from tests.support.process_runs import compute


def test_a_region_may_be_a_bare_geometry(watershed: Watershed, tmp_path: Path) -> None:
    path = tmp_path / "bay.geojson"
    path.write_text(json.dumps(watershed.region.geometry), encoding="utf-8")
    region = read_region(path)
    assert region.code == "bay"
    assert region.epsg == 4548
    assert region.districts == []


@pytest.mark.parametrize("content", ["no json", '{"type":"Point","coordinates":[118,24]}'])
def test_what_is_no_region_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "region.geojson"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        read_region(path)
    assert caught.value.faults[0].pointer == "/region"


def square(west: float) -> dict[str, Any]:
    ring = [[west, 24.4], [west + 0.1, 24.4], [west + 0.1, 24.5], [west, 24.5], [west, 24.4]]
    return {"type": "Polygon", "coordinates": [ring]}


@pytest.fixture
def districts(tmp_path: Path) -> Path:
    """Six districts of a city side by side, none of which has a parent."""
    names = ("思明区", "湖里区", "集美区", "海沧区", "同安区", "翔安区")
    features = [
        {"type": "Feature", "properties": {"name": name}, "geometry": square(118.0 + number / 10)}
        for number, name in enumerate(names)
    ]
    path = tmp_path / "厦门 6.geojson"
    document = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


def test_several_features_without_a_parent_are_not_one_region(districts: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_region(districts)
    assert "6 features without parent" in caught.value.message
    assert "思明区" in caught.value.message
    assert "--dissolve" in caught.value.message
    assert "6 个没有 parent" in caught.value.message_zh
    assert caught.value.faults[0].pointer == "/region"


@pytest.mark.parametrize("document", ["Feature", "FeatureCollection"])
def test_a_region_as_the_api_tells_it_belongs_to_another(tmp_path: Path, document: str) -> None:
    def feature(code: str, parent: str, west: float) -> dict[str, Any]:
        properties = {"code": code, "name_zh": code, "parent": parent}
        return {"type": "Feature", "properties": properties, "geometry": square(west)}

    city, district = feature("xiamen", "fujian", 118.0), feature("siming", "xiamen", 118.0)
    whole = {"type": document, "features": [city, district]}
    path = tmp_path / "region.geojson"
    path.write_text(json.dumps(city if document == "Feature" else whole), encoding="utf-8")
    region = read_region(path)
    assert region.code == "xiamen"
    expected = [] if document == "Feature" else ["siming"]
    assert [one.code for one in region.districts] == expected


def feature(code: str, west: float, **properties: str) -> dict[str, Any]:
    named = {"code": code, "name_zh": f"{code}区", "name_en": code, **properties}
    return {"type": "Feature", "properties": named, "geometry": square(west)}


def collection(tmp_path: Path, *features: dict[str, Any]) -> Path:
    path = tmp_path / "region.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ("district street basin", [0]),
        ("street town basin", [0, 1]),
        ("basin basin bay", [0, 1]),
        ("county county ward", [0, 1, 2]),
    ],
)
def test_districts_are_of_one_level_below_the_region(
    tmp_path: Path, levels: str, expected: list[int]
) -> None:
    below = [
        feature(f"part{number}", 118.0 + number / 100, parent="city", level=level)
        for number, level in enumerate(levels.split())
    ]
    deeper = feature("deeper", 118.0, parent="part0", level="district")
    path = collection(tmp_path, deeper, *below, feature("city", 118.0, level="city"))
    found = [one.code for one in read_region(path).districts]
    assert found == [f"part{number}" for number in expected]


@pytest.mark.parametrize(
    ("west", "flagged"), [(118.05, True), (118.0995, True), (118.09999, False)]
)
def test_districts_that_overlap_are_told(tmp_path: Path, west: float, flagged: bool) -> None:
    parts = [feature("a", 118.0, parent="city"), feature("b", west, parent="city")]
    told = overlaps(read_region(collection(tmp_path, feature("city", 118.0), *parts)))
    assert [one.code for one in told] == ["overlapping_districts"] * flagged
    assert all("a and b overlap" in one.text.en for one in told)
    assert all("a区与b区相互重叠" in one.text.zh for one in told)


def test_a_run_warns_of_districts_that_overlap(watershed: Watershed, tmp_path: Path) -> None:
    document = json.loads(watershed.region_file.read_text(encoding="utf-8"))
    twice = {**document["features"][-1]}
    twice["properties"] = {**twice["properties"], "code": "twice", "name_en": "Twice"}
    outcome = run_on_files(
        "assess-ecoservices",
        region=collection(tmp_path, *document["features"], twice),
        rasters=watershed.rasters,
        inputs={"cell_m": 1000.0},
        workspace=tmp_path / "out",
        progress=lambda percent, stage: None,
    )
    told = [one for one in outcome.warnings if one["code"] == "overlapping_districts"]
    assert len(told) == 1
    assert "and Twice overlap" in told[0]["detail"]


def test_a_job_of_the_server_warns_of_districts_that_overlap(
    watershed: Watershed, tmp_path: Path
) -> None:
    *others, last = watershed.region.districts
    twice = last.model_copy(update={"code": "twice", "name_en": "Twice"})
    task = watershed.task({"cell_m": 1000.0}, process="assess-ecoservices")
    task.region = watershed.region.model_copy(update={"districts": [*others, last, twice]})
    outcome = compute(task, tmp_path / "work").outcome
    (told,) = [one for one in outcome.warnings if one["code"] == "overlapping_districts"]
    assert told["detail"].startswith(f"{last.name_en} and Twice overlap")
    assert told in outcome.manifest["warnings"]


def test_one_feature_is_named_and_keeps_its_name(districts: Path) -> None:
    region = read_region(districts, RegionChoice(feature="集美区"))
    assert (region.name_zh, region.code, region.districts) == ("集美区", "6", [])
    assert region.geometry["coordinates"][0][0] == [118.2, 24.4]
    with pytest.raises(InvalidInput, match="no polygon called '鼓浪屿'"):
        read_region(districts, RegionChoice(feature="鼓浪屿"))


def test_features_are_dissolved_to_one_region_with_districts(districts: Path) -> None:
    region = read_region(districts, RegionChoice(dissolve=True, name="厦门市"))
    assert shape(region.geometry).bounds == pytest.approx((118.0, 24.4, 118.6, 24.5))
    assert shape(region.geometry).area == pytest.approx(0.06)
    assert (region.name_zh, region.name_en, region.epsg) == ("厦门市", "厦门市", 4548)
    assert [one.name_zh for one in region.districts][:2] == ["思明区", "湖里区"]
    assert len({one.code for one in region.districts}) == 6


def test_a_feature_without_geometry_is_no_region(tmp_path: Path) -> None:
    path = tmp_path / "region.geojson"
    path.write_text('{"type":"Feature","properties":{"name":"x"},"geometry":null}', "utf-8")
    with pytest.raises(InvalidInput, match="no polygon without a parent"):
        read_region(path)
    with pytest.raises(InvalidInput, match="feature 0"):
        read_region(path, RegionChoice(dissolve=True))


def test_a_refused_raster_is_named_with_its_theme(watershed: Watershed, tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "region": watershed.region_file,
        "inputs": {"cell_m": 100.0},
        "workspace": tmp_path / "out",
        "progress": lambda percent, stage: None,
    }
    text = tmp_path / "winter.tif"
    text.write_bytes(b"\x89PNG\r\n\x1a\n0000000000")
    with pytest.raises(InvalidInput) as caught:
        run_on_files("delineate-zones", rasters={**watershed.rasters, "npp": text}, **given)
    error = caught.value
    assert "npp" in error.message
    assert str(text) in error.message
    assert "净初级生产力" in error.message_zh
    assert error.faults[0].pointer == "/inputs/datasets/npp"
    with pytest.raises(InvalidInput) as caught:
        run_on_files("delineate-zones", rasters={"winds": text}, **given)
    assert "winds" in caught.value.message


def test_source_and_licence_are_as_the_run_says(watershed: Watershed, tmp_path: Path) -> None:
    region = read_region(watershed.region_file)
    options = {"source": "SRTM 2000", "licence": "CC0-1.0", "name_zh": "高程(SRTM)"}
    taken = take_raster("dem", watershed.rasters["dem"], tmp_path / "dem.tif", region, options)
    assert (taken.source, taken.licence) == ("SRTM 2000", "CC0-1.0")
    assert taken.name_zh == "高程(SRTM)"


@pytest.mark.parametrize(("unit", "told"), [("cm", "m"), (None, "m"), ("metres", "metres")])
@pytest.mark.parametrize("described", [True, False])
def test_the_unit_told_is_that_of_the_values_as_they_are_computed_with(
    watershed: Watershed, tmp_path: Path, unit: str | None, told: str, described: bool
) -> None:
    region = read_region(watershed.region_file)
    path = tmp_path / "dem.tif"
    path.write_bytes(watershed.rasters["dem"].read_bytes())
    said = {"theme": "dem", "region": "watershed", "code": "dem", "file": path.name, "unit": unit}
    words = {"name_zh": "高程", "name_en": "Elevation", "source": "SRTM", "processing": "none"}
    rest = {"native_resolution_m": None, "stand_in": False, "sha256": "a" * 64}
    if described:
        path.with_suffix(".json").write_text(json.dumps({**said, **words, **rest}))
    options = {} if described or unit is None else {"unit": unit}
    assert take_raster("dem", path, tmp_path / "cleaned.tif", region, options).unit == told


@pytest.mark.parametrize(("longitude", "epsg"), [(75.2, 4534), (106.6, 4545), (118.1, 4548)])
def test_the_zone_follows_from_the_longitude(longitude: float, epsg: int) -> None:
    ring = [[longitude, 30], [longitude + 0.1, 30], [longitude, 30.1], [longitude, 30]]
    assert gauss_krueger_epsg({"type": "Polygon", "coordinates": [ring]}) == epsg


ELSEWHERE = {
    "europe": ([[23.4, 47.0], [23.5, 47.0], [23.4, 47.1], [23.4, 47.0]], "EPSG:32634"),
    "the southern hemisphere": ([[-70, -33], [-69.9, -33], [-70, -32.9], [-70, -33]], "EPSG:32719"),
    "east of the zones": ([[141, 43], [141.1, 43], [141, 43.1], [141, 43]], "EPSG:32654"),
}


def written(folder: Path, *rings: list[Any]) -> Path:
    path = folder / "region.geojson"
    polygons = [[ring] for ring in rings]
    path.write_text(json.dumps({"type": "MultiPolygon", "coordinates": polygons}))
    return path


@pytest.mark.parametrize(("ring", "proposed"), ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_outside_the_zones_of_cgcs2000_a_system_is_asked_for_by_name(
    tmp_path: Path, ring: list[Any], proposed: str
) -> None:
    path = written(tmp_path, ring)
    with pytest.raises(InvalidInput) as caught:
        read_region(path)
    error = caught.value
    assert error.faults[0].pointer == "/inputs/crs"
    assert proposed in error.message
    assert proposed in error.message_zh
    assert "4521" not in error.message
    assert f"EPSG:{read_region(path, crs=proposed).epsg}" == proposed


def test_islands_on_both_sides_of_the_antimeridian_lie_together(tmp_path: Path) -> None:
    """Around 179.9° W and not at Greenwich: zone 1, south."""
    west = [[179.8, -17], [180, -17], [180, -16.9], [179.8, -17]]
    east = [[-180, -17], [-179.4, -17], [-179.4, -16.8], [-180, -17]]
    with pytest.raises(InvalidInput, match="EPSG:32701"):
        read_region(written(tmp_path, west, east))


UNSOUND: dict[str, tuple[list[Any], str, str]] = {
    "unclosed": ([[118, 24], [119, 24], [119, 25]], "begins at [118, 24]", "首尾须相同"),
    "beyond the pole": (
        [[118, 24], [119, 24], [119, 91], [118, 24]],
        "within -180 to 180 and -90 to 90",
        "且在 ±180 与 ±90 之内",
    ),
    "across the antimeridian": (
        [[179, -17], [-179, -17], [-179, -16], [179, -16], [179, -17]],
        "358° of longitude wide",
        "跨 358 度经度",
    ),
}


@pytest.mark.parametrize(("ring", "told", "told_zh"), UNSOUND.values(), ids=UNSOUND.keys())
@pytest.mark.parametrize("dissolve", [False, True])
def test_polygons_that_cannot_be_meant_are_refused_by_value_and_rule(
    tmp_path: Path, ring: list[Any], told: str, told_zh: str, dissolve: bool
) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_region(written(tmp_path, ring), RegionChoice(dissolve=dissolve))
    assert told in caught.value.message
    assert "feature 0 of region.geojson" in caught.value.message
    assert told_zh in caught.value.message_zh
    assert caught.value.faults[0].pointer == "/region/0"


@pytest.mark.parametrize("dissolve", [False, True])
def test_an_outline_that_crosses_itself_is_refused(tmp_path: Path, dissolve: bool) -> None:
    ring = [[118.0, 24.4], [118.2, 24.6], [118.2, 24.4], [118.0, 24.6], [118.0, 24.4]]
    with pytest.raises(InvalidInput, match="Self-intersection at") as caught:
        read_region(written(tmp_path, ring), RegionChoice(dissolve=dissolve))
    assert caught.value.faults[0].pointer == "/region/0"
    assert "自相交" in caught.value.message_zh


def test_a_file_without_features_is_told_as_one(tmp_path: Path) -> None:
    path = tmp_path / "region.geojson"
    path.write_text('{"type":"FeatureCollection","features":[]}', encoding="utf-8")
    with pytest.raises(InvalidInput, match="has no features"):
        read_region(path)


@pytest.mark.parametrize(("longitude", "epsg"), [(73.6, 4534), (136.3, 4554)])
def test_the_outermost_zones_reach_half_their_width_further(
    tmp_path: Path, longitude: float, epsg: int
) -> None:
    ring = [[longitude, 40], [longitude + 0.1, 40], [longitude, 40.1], [longitude, 40]]
    assert read_region(written(tmp_path, ring)).epsg == epsg


def test_a_raster_is_read_as_its_options_say(watershed: Watershed, tmp_path: Path) -> None:
    region = read_region(watershed.region_file)
    for name, options in (("plain", {}), ("tenth", {"scale": 0.1})):
        target = tmp_path / f"{name}.tif"
        take_raster("npp", watershed.rasters["npp"], target, region, options)
    plain, tenth = (read_geotiff(tmp_path / f"{name}.tif").values for name in ("plain", "tenth"))
    np.testing.assert_allclose(tenth, plain * 0.1, rtol=1e-6)
    with pytest.raises(InvalidInput) as caught:
        take_raster("npp", watershed.rasters["npp"], tmp_path / "x.tif", region, {"scale": "ten"})
    assert caught.value.faults[0].pointer == "/inputs/scale"
