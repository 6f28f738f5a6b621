import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely.geometry import shape

from shanhai.data.synthetic_watershed import Watershed
from shanhai.errors import InvalidInput
from shanhai.processes.kit.region_files import RegionChoice, gauss_krueger_epsg, read_region
from shanhai.processes.local_run import run_on_files, take_raster
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from tests.support.evaluation_rasters import build_evaluated_watershed


def test_the_main_job_runs_on_files_alone(watershed: Watershed, zoned: Any, tmp_path: Path) -> None:
    outcome = run_on_files(
        "delineate-zones",
        region=watershed.region_file,
        rasters=watershed.rasters,
        inputs={"cell_m": 100.0},
        workspace=tmp_path / "out",
        progress=lambda percent, stage: None,
    )
    assert outcome.manifest["job_id"] is None
    # Imported and cleaned on the way, and still the bytes of a run on the files themselves.
    assert (tmp_path / "out" / "zones.tif").read_bytes() == (
        zoned.workspace / "zones.tif"
    ).read_bytes()


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


def test_codes_in_a_raster_of_a_run_are_asked_about_and_told(
    watershed: Watershed, tmp_path: Path
) -> None:
    npp = read_geotiff(watershed.rasters["npp"])
    raw = np.round(npp.values * 10).astype(np.int16)
    raw[0, 20:30, 20:30] = 32762
    raw[0, 5:8, 5:8] = 32766
    path = tmp_path / "mod17.tif"
    write_geotiff(path, raw, transform=npp.transform, crs=npp.crs, nodata=32767)
    given: dict[str, Any] = {
        "region": watershed.region_file,
        "rasters": {**watershed.rasters, "npp": path},
        "inputs": {"cell_m": 100.0},
        "progress": lambda percent, stage: None,
    }
    with pytest.raises(InvalidInput) as caught:
        run_on_files(
            "delineate-zones", workspace=tmp_path / "a", options={"npp": {"scale": 0.1}}, **given
        )
    assert "32762 (urban and built-up land), 100 cells" in caught.value.message
    assert caught.value.faults[0].pointer == "/inputs/datasets/npp/codes"
    options = {"npp": {"scale": 0.1, "codes": {"32762": 150}}}
    outcome = run_on_files("delineate-zones", workspace=tmp_path / "b", options=options, **given)
    told = next(one for one in outcome.warnings if one["code"] == "fill_codes")
    assert "32766 (water): 9 cells are taken as 0" in told["detail"]


def test_source_and_licence_are_as_the_run_says(watershed: Watershed, tmp_path: Path) -> None:
    region = read_region(watershed.region_file)
    options = {"source": "SRTM 2000", "licence": "CC0-1.0", "name_zh": "高程(SRTM)"}
    taken = take_raster("dem", watershed.rasters["dem"], tmp_path / "dem.tif", region, options)
    assert (taken.source, taken.licence) == ("SRTM 2000", "CC0-1.0")
    assert taken.name_zh == "高程(SRTM)"


@pytest.mark.parametrize(("longitude", "epsg"), [(75.2, 4534), (106.6, 4545), (118.1, 4548)])
def test_the_zone_follows_from_the_longitude(longitude: float, epsg: int) -> None:
    ring = [[longitude, 30], [longitude + 0.1, 30], [longitude, 30.1], [longitude, 30]]
    assert gauss_krueger_epsg({"type": "Polygon", "coordinates": [ring]}) == epsg


def test_an_evaluation_takes_a_supply_that_an_assessment_made(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    watershed = build_evaluated_watershed(tmp_path_factory.mktemp("evaluated"), cells=64)
    grid = watershed.grid
    supply = np.linspace(1, 90, 64 * 64).reshape(1, 64, 64)
    made = tmp_path / "supply.tif"
    write_geotiff(made, supply, transform=grid.transform, crs="EPSG:4548", nodata=-9999.0)
    outcome = run_on_files(
        "evaluate-ecosystem",
        region=watershed.region_file,
        rasters={"land_cover": watershed.rasters["land_cover"], "supply.biodiversity": made},
        inputs={
            "cell_m": 100.0,
            "themes": ["importance"],
            "parameters": {"services": ["biodiversity"]},
        },
        workspace=tmp_path / "out",
        progress=lambda percent, stage: None,
    )
    assert "importance.biodiversity" in {file.name for file in outcome.files}
    assert outcome.manifest["request"]["supplies"] == {"biodiversity": "supply.biodiversity"}


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
