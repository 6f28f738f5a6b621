"""Folders as bureaus hand them over: what is recognised, asked and refused, and what is made."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from typer.testing import CliRunner

from shanhai.data.cli import app
from shanhai.data.handed_over import look_at, prepare, words
from shanhai.data.handed_over.findings import (
    Answers,
    DatasetFinding,
    OpenQuestion,
    read_answers,
    write_answers,
)
from shanhai.errors import InvalidInput
from shanhai.processes.kit.dataset_description import read_description
from shanhai.raster.handed_over import HandedRaster, read_headers
from shanhai.raster.themes import THEME_RULES
from shanhai.vector.source_crs import DatumShift, find_system
from shanhai.vocabulary import Label
from tests.support import handed_over

WEST, NORTH = 450_000.0, 2_700_000.0
CORNER = (116.507065408, 24.402871286)
"""Its longitude and latitude, CGCS2000, central meridian 117."""
ZONE_39 = 39e6
REGION = "region=xiamen"


@pytest.fixture
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the described folder is made: not in what was handed over."""
    return tmp_path_factory.mktemp("made") / "out"


def one(folder: Path, *settings: str) -> DatasetFinding:
    """What the only dataset of a folder is found to be."""
    (finding,) = look_at(folder, Answers().with_settings(settings)).datasets
    return finding


def said(finding: DatasetFinding) -> str:
    return "; ".join(reason.en for reason in finding.reasons)


def asked(finding: DatasetFinding) -> dict[str, str | None]:
    return {question.name: question.suggestion for question in finding.questions}


def made(folder: Path, out: Path, settings: Iterable[str] = ()) -> list[Path]:
    return prepare(folder, out, Answers().with_settings([REGION, *settings]))


def values_of(path: Path) -> np.ndarray:
    with rasterio.open(path) as file:
        return np.asarray(file.read())


@pytest.mark.parametrize(
    ("driver", "ending"), [("GTiff", "tif"), ("HFA", "img"), ("AAIGrid", "asc")]
)
def test_a_grid_of_any_format_becomes_a_described_geotiff(
    tmp_path: Path, out: Path, driver: str, ending: str
) -> None:
    cells = np.array([[10, 20, -9999], [30, 40.5, 50]], "float32")
    handed_over.write_grid(
        tmp_path / f"in/厦门高程_2020.{ending}",
        cells,
        west=WEST,
        north=NORTH,
        cell=30,
        driver=driver,
        nodata=-9999,
    )
    (told,) = made(tmp_path / "in", out)
    description = read_description(told)
    assert (description.theme, description.unit, description.region) == ("dem", "m", "xiamen")
    assert description.native_resolution_m == pytest.approx(30)
    assert str(description.observed_from) == "2020-01-01"
    with rasterio.open(out / "dem.tif") as file:
        assert (file.crs.to_epsg(), file.dtypes[0], file.nodata) == (4548, "float32", -9999)
        assert file.read(1).tolist() == cells.tolist()
        assert file.transform[2] == WEST


def test_cells_that_a_mask_leaves_out_have_no_value(tmp_path: Path, out: Path) -> None:
    path = tmp_path / "in/dem.tif"
    handed_over.write_grid(path, np.ones((2, 3), "float32"), west=WEST, north=NORTH, cell=30)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
        file.write_mask(np.array([[True, False, True], [True, True, True]]))
    made(tmp_path / "in", out)
    assert values_of(out / "dem.tif").tolist() == [[[1, -9999, 1], [1, 1, 1]]]


@pytest.mark.parametrize(("name", "factor"), [("dem_cm.tif", 0.01), ("人口_万人.tif", 1e4)])
def test_a_unit_in_the_name_converts(tmp_path: Path, out: Path, name: str, factor: float) -> None:
    handed_over.write_grid(
        tmp_path / name, np.full((2, 2), 50.0, "float32"), west=WEST, north=NORTH, cell=30
    )
    made(tmp_path, out)
    (result,) = (out).glob("*.tif")
    assert values_of(result).ravel().tolist() == pytest.approx([50 * factor] * 4)


def test_months_of_a_netcdf_file_become_themes_in_their_unit(tmp_path: Path, out: Path) -> None:
    """Latitudes from the south, kelvin, and rain as a rate; two years make a mean by month."""
    kelvin = np.full((24, 3, 4), 283.15, "float32")
    kelvin[12:] += 10
    kelvin[:, 0, 0] = 263.15
    rate = np.full((24, 3, 4), 1 / 86_400, "float32")
    variables = {"t2m": (kelvin, "K"), "pr": (rate, "kg m-2 s-1")}
    handed_over.write_climate(tmp_path / "era5.nc", variables, 118.05, 24.55)
    found = {item.name: item for item in look_at(tmp_path).datasets}
    assert set(found) == {"temperature", "rainfall"}
    assert "the months of 2 years" in said(found["temperature"])
    made(tmp_path, out)
    celsius, rain = (values_of(out / f"{one}.tif") for one in ("temperature", "rainfall"))
    assert celsius.shape == (12, 3, 4)
    assert celsius[0, 0, 0] == pytest.approx(-10, abs=1e-4)
    assert celsius[11, 2, 3] == pytest.approx(15, abs=1e-4)
    # A millimetre a day: as many as the month has days.
    assert rain[[0, 1, 3], 1, 1].tolist() == pytest.approx([31, 28.25, 30], rel=1e-6)
    with rasterio.open(out / "rainfall.tif") as file:
        assert file.bounds == pytest.approx((118, 24.3, 118.4, 24.6))


def test_two_hundred_tiles_are_one_mosaic(tmp_path: Path, out: Path) -> None:
    whole = np.arange(160 * 320, dtype="float32").reshape(160, 320) / 10
    for row in range(10):
        for col in range(20):
            if (row, col) == (4, 7):
                continue
            handed_over.write_grid(
                tmp_path / f"in/DEM/N{row:02}E{col:03}.tif",
                whole[16 * row : 16 * row + 16, 16 * col : 16 * col + 16],
                west=WEST + 480 * col,
                north=NORTH - 480 * row,
                cell=30,
            )
    finding = one(tmp_path / "in")
    assert (finding.taken_for, len(finding.files)) == ("dem", 199)
    assert "199 tiles on one grid make 320 × 160 cells" in said(finding)
    made(tmp_path / "in", out)
    found = values_of(out / "dem.tif")[0]
    assert (found[64:80, 112:128] == -9999).all()
    found[64:80, 112:128] = whole[64:80, 112:128]
    assert found.tolist() == whole.tolist()


def test_strips_stay_small_however_large_the_mosaic(tmp_path: Path) -> None:
    """A mosaic of 60 000 × 60 000 cells, of which two corners are there."""
    for name, west, north in (("a", WEST, NORTH), ("b", WEST + 59_996 * 30, NORTH - 59_996 * 30)):
        handed_over.write_grid(
            tmp_path / f"dem_{name}.tif",
            np.ones((4, 4), "float32"),
            west=west,
            north=north,
            cell=30,
        )
    tiles = [header for path in sorted(tmp_path.iterdir()) for header in read_headers(path)]
    raster = HandedRaster(tuple(tiles))
    assert raster.shape == (60_000, 60_000)
    strips = list(raster.strips())
    assert sum(rows for _, rows in strips) == 60_000
    assert max(rows for _, rows in strips) == 256
    row, rows = strips[-1]
    assert np.count_nonzero(np.isfinite(raster.read(row, rows))) == 16


def test_tiles_off_the_grid_are_refused(tmp_path: Path) -> None:
    for name, west in (("dem_1", WEST), ("dem_2", WEST + 4 * 30 + 12)):
        handed_over.write_grid(
            tmp_path / f"{name}.tif", np.ones((4, 4), "float32"), west=west, north=NORTH, cell=30
        )
    refusal = one(tmp_path).refusal
    assert refusal is not None
    assert "dem_2.tif does not lie on the grid of the other tiles, by 0.40 of a cell" in refusal.en


def test_files_of_one_grid_are_its_bands_by_their_names(tmp_path: Path, out: Path) -> None:
    for month in range(1, 13):
        handed_over.write_grid(
            tmp_path / f"降水_2020{month:02}.tif",
            np.full((2, 2), month, "float32"),
            west=WEST,
            north=NORTH,
            cell=1000,
        )
    made(tmp_path, out)
    assert values_of(out / "rainfall.tif")[:, 0, 0].tolist() == list(range(1, 13))
    (tmp_path / "降水_202007.tif").unlink()
    refusal = one(tmp_path).refusal
    assert refusal is not None
    assert "do not tell the 12 bands of rainfall" in refusal.en


def test_several_rasters_of_one_theme_ask_which_is_meant(tmp_path: Path, out: Path) -> None:
    for year in (2010, 2020):
        handed_over.write_grid(
            tmp_path / f"dem_{year}.tif",
            np.full((2, 2), year, "float32"),
            west=WEST,
            north=NORTH,
            cell=30,
        )
    found = look_at(tmp_path)
    assert {question.name for question in found.questions} == {"dem_2010.skip", "dem_2020.skip"}
    (told,) = made(tmp_path, out, ["dem_2010.skip=true"])
    assert values_of(told.with_suffix(".tif"))[0, 0, 0] == 2020


ZONES = {
    ("EPSG:4548", 0.0): "as the file says",
    ("EPSG:4548", ZONE_39): "the zone's number 39, which is taken off",
    ("EPSG:4527", 0.0): "the zone's number 39, which is put before",
    ("EPSG:4498", 20e6): "as the file says",
    ("EPSG:4509", 20e6): "the zone's number 20, which is taken off",
    (None, ZONE_39): "by the zone's number in the eastings",
    (None, 20e6): "by the zone's number in the eastings",
}


@pytest.mark.parametrize(("system", "words_said"), ZONES.items())
def test_zones_and_their_numbers_lead_to_one_place(
    tmp_path: Path, out: Path, system: tuple[str | None, float], words_said: str
) -> None:
    crs, prefix = system
    handed_over.write_grid(
        tmp_path / "in/dem.tif",
        np.ones((4, 4), "float32"),
        west=WEST + prefix,
        north=NORTH,
        cell=30,
        crs=crs,
    )
    corner = shapely.box(WEST + prefix, NORTH - 120, WEST + prefix + 120, NORTH)
    handed_over.write_shapefile(
        tmp_path / "in/islands.shp", [corner], {"code": ["a"], "name_zh": ["甲岛"]}, crs=crs
    )
    raster, features = look_at(tmp_path / "in", answers := collection_of("islands")).datasets
    assert words_said in said(raster)
    assert words_said in said(features)
    prepare(tmp_path / "in", out, answers)
    with rasterio.open(out / "dem.tif") as file:
        system_found = find_system(f"EPSG:{file.crs.to_epsg()}", None, np.array(file.bounds))
        west, _, _, north = file.bounds
    assert system_found.degrees(np.array([[west, north]]))[0] == pytest.approx(CORNER, abs=1e-9)
    (row,) = json.loads((out / "islands.geojson").read_text())["features"]
    ring = row["geometry"]["coordinates"][0]
    assert min(abs(np.array(point) - CORNER).max() for point in ring) < 2e-9


def collection_of(name: str) -> Answers:
    return Answers().with_settings(
        [REGION, f"{name}.collection=control_areas", f"{name}.kind=island"]
    )


def test_degrees_called_metres_are_asked_about_and_put_right(tmp_path: Path, out: Path) -> None:
    handed_over.write_grid(
        tmp_path / "dem.tif",
        np.ones((4, 4), "float32"),
        west=118.0,
        north=24.5,
        cell=0.001,
        crs="EPSG:4548",
    )
    finding = one(tmp_path)
    assert asked(finding) == {"dem.crs": "EPSG:4490"}
    assert "are degrees" in finding.questions[0].label.en
    made(tmp_path, out, ["dem.crs=EPSG:4490"])
    with rasterio.open(out / "dem.tif") as file:
        assert (file.crs.to_epsg(), round(file.bounds.left, 6)) == (4490, 118)


SHIFT = "coordinate_frame:20.5,-110.25,-50.75,0.5,-0.4,1.2,3.5"


def test_a_raster_in_xian_80_is_moved_by_the_stated_parameters_alone(
    tmp_path: Path, out: Path
) -> None:
    """A step of 1 m a cell along the eastings: after the move each place has the height it had."""
    cells = np.tile(np.arange(200, dtype="float32"), (200, 1))
    handed_over.write_grid(
        tmp_path / "dem.tif", cells, west=WEST, north=NORTH, cell=30, crs="EPSG:2384"
    )
    finding = one(tmp_path)
    assert asked(finding) == {"dem.datum_shift": None}
    assert "Xi'an 80" in finding.questions[0].label.en
    made(tmp_path, out, [f"dem.datum_shift={SHIFT}"])
    bounds = np.array([WEST, NORTH - 6000, WEST + 6000, NORTH])
    older = find_system("EPSG:2384", None, bounds, DatumShift.parse(SHIFT))
    with rasterio.open(out / "dem.tif") as file:
        assert file.crs.to_epsg() == 4548
        newer = find_system("EPSG:4548", None, np.array(file.bounds))
        rows, cols = np.meshgrid(range(20, 180, 20), range(20, 180, 20), indexing="ij")
        xs, ys = rasterio.transform.xy(file.transform, rows.ravel(), cols.ravel())
        heights = file.read(1)[rows.ravel(), cols.ravel()]
    # The heights tell the old easting; its place by the parameters must be that of the cell.
    old = np.column_stack([WEST + 30 * (heights + 0.5), ys])
    places, wanted = older.degrees(old), newer.degrees(np.column_stack([xs, ys]))
    assert np.abs(places[:, 0] - wanted[:, 0]).max() < 2e-6
    # Without the shift they would be off by 7 m.
    still = find_system("EPSG:4548", None, bounds).degrees(old)
    assert np.abs(still[:, 0] - wanted[:, 0]).min() > 5e-5


def test_a_shift_nobody_stated_or_not_fully_stated_is_never_assumed(tmp_path: Path) -> None:
    square = shapely.box(WEST, NORTH - 100, WEST + 100, NORTH)
    handed_over.write_shapefile(
        tmp_path / "islands.shp",
        [square],
        {"code": ["a"], "name_zh": ["甲岛"]},
        crs="EPSG:2436",
    )
    settings = ["islands.collection=control_areas", "islands.kind=island"]
    assert asked(one(tmp_path, *settings)) == {"islands.datum_shift": None}
    refusal = one(tmp_path, *settings, "islands.datum_shift=1,2,3,4,5,6,7").refusal
    assert refusal is not None
    assert "say which way they rotate" in refusal.en
    found = one(tmp_path, *settings, "islands.datum_shift=12,-130,-80")
    assert (found.refusal, found.questions) == (None, [])
    assert found.plan is not None


@pytest.mark.parametrize("with_page", [True, False])
def test_a_red_line_in_gbk_becomes_geojson_with_its_mapping(
    tmp_path: Path, out: Path, with_page: bool
) -> None:
    square = shapely.box(WEST, NORTH - 1000, WEST + 1000, NORTH)
    handed_over.write_shapefile(
        tmp_path / "in/STBHHX.shp",
        [square],
        {"BSM": ["3502001"], "HXMC": ["厦门湾红线"], "面积_亩": [1500.0], "YSDM": ["2090"]},
        with_page=with_page,
    )
    (told,) = made(tmp_path / "in", out)
    description = json.loads(told.read_text(encoding="utf-8"))
    assert description["collection"] == "control_areas"
    assert description["mapping"] == {
        "BSM": "code",
        "HXMC": "name_zh",
        "kind": "kind",
        "region": "region",
        "approved_area_km2": "approved_area_km2",
    }
    (row,) = json.loads((out / "STBHHX.geojson").read_bytes())["features"]
    assert row["properties"] == {
        "BSM": "3502001",
        "HXMC": "厦门湾红线",
        "面积_亩": 1500,
        "YSDM": "2090",
        "kind": "red_line",
        "region": "xiamen",
        "approved_area_km2": 1,
    }


@pytest.mark.parametrize("change", [str.upper, str.title])
def test_the_parts_of_a_shapefile_are_found_in_any_case(
    tmp_path: Path, out: Path, change: Callable[[str], str]
) -> None:
    square = shapely.box(WEST, NORTH - 1000, WEST + 1000, NORTH)
    handed_over.write_shapefile(
        tmp_path / "in/STBHHX.shp", [square], {"BSM": ["1"], "HXMC": ["红线"], "面积_亩": [1500.0]}
    )
    for part in list((tmp_path / "in").iterdir()):
        part.rename(part.with_suffix(change(part.suffix)))
    finding = one(tmp_path / "in")
    assert "by the .cpg" in said(finding)
    made(tmp_path / "in", out)
    (row,) = json.loads((out / "STBHHX.geojson").read_bytes())["features"]
    assert row["properties"]["HXMC"] == "红线"


def test_a_shapefile_without_a_part_is_refused_by_that(tmp_path: Path) -> None:
    square = shapely.box(WEST, NORTH - 1000, WEST + 1000, NORTH)
    handed_over.write_shapefile(tmp_path / "STBHHX.shp", [square], {"BSM": ["1"]})
    (tmp_path / "STBHHX.shx").unlink()
    refusal = one(tmp_path).refusal
    assert refusal is not None
    assert refusal.en.endswith("the shapefile lacks .shx")


def test_an_area_without_a_unit_is_asked_about(tmp_path: Path, out: Path) -> None:
    square = shapely.box(WEST, NORTH - 1000, WEST + 1000, NORTH)
    handed_over.write_shapefile(
        tmp_path / "STBHHX.shp", [square], {"BSM": ["1"], "HXMC": ["红线"], "HXMJ": [100.0]}
    )
    for settings in ((), ("STBHHX.unit.HXMJ=m",)):
        assert "STBHHX.unit.HXMJ" in asked(one(tmp_path, *settings))
    made(tmp_path, out, ["STBHHX.unit.HXMJ=公顷"])
    (row,) = json.loads((out / "STBHHX.geojson").read_bytes())["features"]
    assert row["properties"]["approved_area_km2"] == 1


@pytest.mark.long
@pytest.mark.timeout(300)
def test_parcels_of_the_land_survey_become_land_cover(tmp_path: Path, out: Path) -> None:
    west, top = ZONE_39 + WEST, NORTH
    parcels = {
        "0101": shapely.box(west, top - 100, west + 100, top),
        "0301K": shapely.box(west + 100, top - 100, west + 200, top),
        "1101": shapely.box(west, top - 200, west + 200, top - 100),
    }
    rows = [
        {"wkt": shape.wkt, "BSM": str(number), "DLBM": code, "TBMJ": shape.area}
        for number, (code, shape) in enumerate(parcels.items())
    ]
    handed_over.write_geodatabase(tmp_path / "in/三调.gdb", "DLTB", rows, "EPSG:4527")
    finding = one(tmp_path / "in")
    assert "field TBMJ is in m2" in said(finding)
    (told,) = made(tmp_path / "in", out)
    description = read_description(told)
    assert (description.theme, description.class_scheme) == ("land_cover", "internal")
    with rasterio.open(out / "land_cover.tif") as file:
        assert file.crs.to_epsg() == 4548
        assert [next(file.sample([place]))[0] for place in places(file)] == [1, 2, 7, 7, 0]


def test_a_parcel_of_no_known_class_is_refused_and_nothing_is_left(
    tmp_path: Path, out: Path
) -> None:
    square = shapely.box(WEST, NORTH - 100, WEST + 100, NORTH)
    handed_over.write_shapefile(tmp_path / "地类图斑.shp", [square], {"DLBM": ["0199"]})
    with pytest.raises(InvalidInput, match=r"without a class in tdt1055: '0199' \(1\)"):
        made(tmp_path, out)
    assert list(out.iterdir()) == []


def places(file: rasterio.DatasetReader) -> list[tuple[float, float]]:
    """The middle of each parcel, of two for the river, and one outside, in the file's system."""
    return [
        (WEST + 50, NORTH - 50),
        (WEST + 150, NORTH - 50),
        (WEST + 50, NORTH - 150),
        (WEST + 150, NORTH - 150),
        (WEST + 250, NORTH - 50),
    ]


@pytest.mark.parametrize(
    ("name", "codes", "legend", "choices"),
    [
        ("worldcover.tif", [10, 50, 80], "worldcover", None),
        ("三调.tif", [101, 303, 1101], "tdt1055", None),
        ("地类_GB21010.tif", [101, 303, 1101], "gbt21010", None),
        ("土地利用.tif", [501, 101], "gbt21010", None),
        ("土地利用.tif", [10, 20, 95], "worldcover", None),
        ("土地利用.tif", [1, 2, 8], None, ["internal", "clcd", "io_lulc"]),
        ("土地利用.tif", [101, 1101], None, ["gbt21010", "tdt1055"]),
    ],
)
def test_the_legend_of_land_cover(
    tmp_path: Path,
    out: Path,
    name: str,
    codes: list[int],
    legend: str | None,
    choices: list[str] | None,
) -> None:
    handed_over.write_grid(
        tmp_path / name, np.array([codes], "uint16"), west=WEST, north=NORTH, cell=30
    )
    finding = one(tmp_path)
    if choices is not None:
        assert list(finding.questions[0].choices) == choices
        legend = choices[0]
    settings = [] if choices is None else [f"land_cover.legend={legend}"]
    (told,) = made(tmp_path, out, settings)
    assert read_description(told).class_scheme == legend
    assert values_of(told.with_suffix(".tif")).ravel().tolist() == codes


@pytest.mark.parametrize(
    ("name", "value", "words_said"),
    [
        ("ndvi_gcj02.tif", 0.5, "its name says GCJ-02"),
        ("土地利用.tif", 777, "its codes 777 are of none of the legends"),
    ],
)
def test_what_is_refused_says_why(
    tmp_path: Path, out: Path, name: str, value: float, words_said: str
) -> None:
    handed_over.write_grid(
        tmp_path / name, np.full((2, 2), value, "float32"), west=WEST, north=NORTH, cell=30
    )
    refusal = one(tmp_path).refusal
    assert refusal is not None
    assert words_said in refusal.en
    assert refusal.zh != refusal.en
    with pytest.raises(InvalidInput, match=r"GCJ|legends"):
        made(tmp_path, out)
    assert not (out).exists()


def test_a_curve_is_refused(tmp_path: Path) -> None:
    handed_over.write_curve(tmp_path / "curve.gpkg")
    refusal = one(tmp_path, "curve.collection=regions").refusal
    assert refusal is not None
    assert "such as a curve" in refusal.en


def test_a_file_that_is_broken_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "dem.img").write_bytes(b"EHFA_HEADER_TAG\x00 and nothing more")
    refusal = one(tmp_path).refusal
    assert refusal is not None
    assert "dem.img cannot be read as HFA" in refusal.en


def test_values_that_cannot_be_suggest_their_scale(tmp_path: Path, out: Path) -> None:
    cells = np.array([[1000, 9000]], "int16")
    handed_over.write_grid(tmp_path / "ndvi.tif", cells, west=WEST, north=NORTH, cell=30)
    assert asked(one(tmp_path)) == {"ndvi.scale": "0.0001"}
    made(tmp_path, out, ["ndvi.scale=0.0001"])
    assert values_of(out / "ndvi.tif").ravel().tolist() == pytest.approx([0.1, 0.9])


def test_a_stated_nodata_is_the_number_that_the_file_stores(tmp_path: Path, out: Path) -> None:
    """As for an import: before the scale that the file states."""
    path = tmp_path / "ndvi.tif"
    cells = np.array([[-3000, 9000]], "int16")
    handed_over.write_grid(path, cells, west=WEST, north=NORTH, cell=30)
    with rasterio.open(path, "r+") as file:
        file.scales = (0.0001,)
    made(tmp_path, out, ["ndvi.nodata=-3000"])
    assert values_of(out / "ndvi.tif").ravel().tolist() == pytest.approx([-9999, 0.9])


@pytest.mark.parametrize(
    ("settings", "values"),
    [
        ([], [0.6, 1.0]),
        (["ndvi.scale=0.0001"], [0.1, 0.9]),
        (["ndvi.offset=0"], None),
        (["ndvi.scale=0.0001", "ndvi.offset=0.05"], [0.15, 0.95]),
    ],
)
def test_a_stated_scale_takes_the_place_of_what_the_file_states(
    tmp_path: Path, out: Path, settings: list[str], values: list[float] | None
) -> None:
    """As for an import of one file: either given, the file's scale and offset count no more."""
    path = tmp_path / "ndvi.tif"
    handed_over.write_grid(path, np.array([[1000, 9000]], "int16"), west=WEST, north=NORTH, cell=30)
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.00005,), (0.55,)
    if values is None:
        with pytest.raises(InvalidInput, match="lie outside"):
            made(tmp_path, out, settings)
        return
    made(tmp_path, out, settings)
    assert values_of(out / "ndvi.tif").ravel().tolist() == pytest.approx(values)


@pytest.mark.parametrize(
    ("unit", "settings", "values"),
    [
        ("", ["dem.scale=10", "dem.unit=cm"], [100.0, 300.0]),
        ("", ["dem.scale=10", "dem.offset=50", "dem.unit=cm"], [100.5, 300.5]),
        ("", ["dem.scale=0.1", "dem.unit=m"], [100.0, 300.0]),
        ("cm", ["dem.scale=0.1"], [100.0, 300.0]),
    ],
)
def test_a_stated_unit_is_that_of_the_scaled_values(
    tmp_path: Path, out: Path, unit: str, settings: list[str], values: list[float]
) -> None:
    """As for an import of one file; a unit that the file states gives way to a stated scale."""
    path = tmp_path / "dem.tif"
    handed_over.write_grid(path, np.array([[1000, 3000]], "int16"), west=WEST, north=NORTH, cell=30)
    with rasterio.open(path, "r+") as file:
        file.units = (unit,)
    made(tmp_path, out, settings)
    assert values_of(out / "dem.tif").ravel().tolist() == pytest.approx(values)


@pytest.mark.parametrize("settings", [["dem.unit=kg"], ["dem.unit=kg", "dem.scale=10"]])
def test_a_stated_unit_that_does_not_convert_is_asked_about(
    tmp_path: Path, settings: list[str]
) -> None:
    path = tmp_path / "dem.tif"
    handed_over.write_grid(path, np.array([[1000, 3000]], "int16"), west=WEST, north=NORTH, cell=30)
    assert asked(one(tmp_path, *settings)) == {"dem.unit": None}


def test_a_suggested_scale_goes_before_a_stated_unit(tmp_path: Path, out: Path) -> None:
    path = tmp_path / "dem.tif"
    cells = np.array([[1_500_000_000, 2_000_000_000]], "int32")
    handed_over.write_grid(path, cells, west=WEST, north=NORTH, cell=30)
    assert asked(one(tmp_path, "dem.unit=cm")) == {"dem.scale": "0.0001"}
    made(tmp_path, out, ["dem.unit=cm", "dem.scale=0.0001"])
    assert values_of(out / "dem.tif").ravel().tolist() == pytest.approx([1500.0, 2000.0])


def test_classes_of_a_file_with_a_scale_are_read_as_they_are_by_a_scale_of_one(
    tmp_path: Path, out: Path
) -> None:
    path = tmp_path / "worldcover.tif"
    handed_over.write_grid(path, np.array([[10, 80]], "uint8"), west=WEST, north=NORTH, cell=30)
    with rasterio.open(path, "r+") as file:
        file.scales = (0.1,)
    made(tmp_path, out, ["land_cover.scale=1", "land_cover.legend=worldcover"])
    assert values_of(out / "land_cover.tif").ravel().tolist() == [10, 80]


def test_a_suggested_scale_is_of_what_is_stored(tmp_path: Path, out: Path) -> None:
    path = tmp_path / "ndvi.tif"
    handed_over.write_grid(path, np.array([[100, 900]], "int16"), west=WEST, north=NORTH, cell=30)
    with rasterio.open(path, "r+") as file:
        file.scales = (10,)
    assert asked(one(tmp_path)) == {"ndvi.scale": "0.001"}
    made(tmp_path, out, ["ndvi.scale=0.001"])
    assert values_of(out / "ndvi.tif").ravel().tolist() == pytest.approx([0.1, 0.9])


def test_a_stated_nodata_is_found_as_float32_holds_it(tmp_path: Path, out: Path) -> None:
    cells = np.array([[-0.3, 0.9]], "float32")
    handed_over.write_grid(tmp_path / "ndvi.tif", cells, west=WEST, north=NORTH, cell=30)
    made(tmp_path, out, ["ndvi.nodata=-0.3"])
    assert values_of(out / "ndvi.tif").ravel().tolist() == pytest.approx([-9999, 0.9])


@pytest.mark.parametrize("theme", ["land_cover", "vegetation_type"])
def test_fractions_are_no_classes(tmp_path: Path, out: Path, theme: str) -> None:
    cells = np.array([[1, 2.5]], "float32")
    handed_over.write_grid(tmp_path / f"{theme}.tif", cells, west=WEST, north=NORTH, cell=30)
    settings = [f"{theme}.theme={theme}", f"{theme}.legend=internal"]
    with pytest.raises(InvalidInput, match="no class codes"):
        made(tmp_path, out, settings)
    assert not (out / f"{theme}.tif").exists()


def test_codes_and_the_nodata_that_means_nobody_pass_on_to_the_import(
    tmp_path: Path, out: Path
) -> None:
    cells = np.array([[-99999, 3.5]], "float32")
    handed_over.write_grid(
        tmp_path / "worldpop.tif", cells, west=WEST, north=NORTH, cell=100, nodata=-99999
    )
    made(tmp_path, out)
    assert values_of(out / "population.tif").ravel().tolist() == [-99999, 3.5]


def test_a_raster_nobody_named_is_asked_about_and_other_files_are_left_aside(
    tmp_path: Path,
) -> None:
    handed_over.write_grid(
        tmp_path / "grid7.tif", np.ones((2, 2), "float32"), west=WEST, north=NORTH, cell=30
    )
    (tmp_path / "说明.docx").write_bytes(b"PK")
    found = look_at(tmp_path)
    assert [question.name for question in found.questions] == ["grid7.theme"]
    assert [path.name for path in found.aside] == ["说明.docx"]
    assert one(tmp_path, "grid7.theme=dem").taken_for == "dem"


def test_the_command_writes_questions_into_a_file_that_it_reads_again(
    tmp_path: Path, out: Path
) -> None:
    handed_over.write_grid(
        tmp_path / "in/海拔.asc",
        np.ones((2, 2), "float32"),
        west=WEST,
        north=NORTH,
        cell=30,
        crs=None,
        driver="AAIGrid",
    )
    answers = tmp_path / "answers.toml"
    run = CliRunner()
    line = ["prepare", str(tmp_path / "in"), "--out", str(out)]
    line += ["--answers", str(answers), "--region", "xiamen"]
    first = run.invoke(app, line)
    assert first.exit_code == 2
    assert "? --set dem.crs=…" in first.output
    assert "六位横坐标无法判断带号" in answers.read_text(encoding="utf-8")
    text = answers.read_text(encoding="utf-8").replace('"crs" = ""', '"crs" = "EPSG:4548"')
    answers.write_text(text, encoding="utf-8")
    second = run.invoke(app, line)
    assert (second.exit_code, second.exception) == (0, None)
    assert second.output.rstrip().endswith("dem.json")
    looked = run.invoke(app, ["look", str(tmp_path / "in"), "--set", "dem.crs=EPSG:4548"])
    assert looked.exit_code == 0
    assert "dem: dem (raster, 1 files)" in looked.output


@pytest.mark.long
def test_in_a_terminal_what_is_missing_is_asked_for(tmp_path: Path, out: Path) -> None:
    square = shapely.box(ZONE_39 + WEST, NORTH - 100, ZONE_39 + WEST + 100, NORTH)
    handed_over.write_shapefile(
        tmp_path / "线.shp", [square], {"编号": ["a1"], "name_zh": ["甲"]}, crs=None
    )
    keyboard, terminal = os.openpty()
    program = ["-c", "from shanhai.cli import main; main()", "data", "prepare"]
    command = [sys.executable, *program, str(tmp_path), "--out", str(out)]
    os.write(keyboard, "xiamen\ncontrol_areas\n编号\nisland\n".encode())
    done = subprocess.run(command, stdin=terminal, capture_output=True, text=True, check=False)
    os.close(terminal)
    os.close(keyboard)
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = json.loads((out / "线.geojson").read_bytes())["features"]
    told = json.loads((out / "线.features.json").read_bytes())
    assert row["properties"]["kind"] == "island"
    assert told["mapping"]["编号"] == "code"


def test_answers_are_kept_as_they_were_given(tmp_path: Path) -> None:
    told = Answers().with_settings(["高程.crs=EPSG:4548", "a.mapping.BSM=code", "region=x"]).told
    write_answers(tmp_path / "answers.toml", told, [])
    assert read_answers(tmp_path / "answers.toml") == told
    write_answers(tmp_path / "again.toml", read_answers(tmp_path / "answers.toml"), [])
    assert (tmp_path / "again.toml").read_bytes() == (tmp_path / "answers.toml").read_bytes()
    (tmp_path / "bad.toml").write_text("crs = EPSG", encoding="utf-8")
    with pytest.raises(InvalidInput, match="no TOML"):
        read_answers(tmp_path / "bad.toml")


@pytest.mark.parametrize("heading", ['["STBHHX.unit"]', '["STBHHX"."unit"]', "[STBHHX.unit]"])
def test_an_answer_is_read_below_a_path_and_below_a_name_with_points(
    tmp_path: Path, out: Path, heading: str
) -> None:
    square = shapely.box(WEST, NORTH - 1000, WEST + 1000, NORTH)
    handed_over.write_shapefile(
        tmp_path / "in/STBHHX.shp", [square], {"BSM": ["1"], "HXMC": ["红线"], "HXMJ": [100.0]}
    )
    answers = tmp_path / "answers.toml"
    answers.write_text(f'{heading}\n"HXMJ" = "公顷"\n', encoding="utf-8")
    line = ["prepare", str(tmp_path / "in"), "--out", str(out), "--answers", str(answers)]
    done = CliRunner().invoke(app, [*line, "--region", "xiamen"])
    assert (done.exit_code, done.exception) == (0, None), done.output


def test_an_answer_that_settles_nothing_stands_below_its_question(tmp_path: Path) -> None:
    """Whatever was told, the file that is written can be read."""
    path = tmp_path / "answers.toml"
    told = {"dem": {"crs": "Xi'an", "nodata": math.nan}, "a.b": {"year": 2024}, "open": ""}
    questions = [
        OpenQuestion(
            "dem.crs", Label("坐标系\n不明", "which system?"), ("EPSG:4548",), "EPSG:4490"
        ),
        OpenQuestion("dem.unit.HXMJ", Label("单位", "which unit?")),
    ]
    write_answers(path, told, questions)
    text = path.read_text(encoding="utf-8")
    assert "# 坐标系\n# 不明\n" in text
    assert '# ? EPSG:4490\n"crs" = "Xi\'an"\n' in text
    read = read_answers(path)
    assert math.isnan(read["dem"].pop("nodata"))
    assert read == {"dem": {"crs": "Xi'an"}, "a": {"b": {"year": 2024}}}


def test_a_dataset_named_as_an_answer_is_refused_and_no_file_is_spoilt(tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text("kept", encoding="utf-8")
    asked = OpenQuestion("region.crs", Label("坐标系", "which system?"))
    with pytest.raises(InvalidInput, match=r"region\.crs cannot be told"):
        write_answers(path, {"region": "xiamen"}, [asked])
    assert path.read_text(encoding="utf-8") == "kept"
    with pytest.raises(InvalidInput, match="cannot be told"):
        Answers({"region": "xiamen"}).with_settings(["region.crs=EPSG:4548"])
    with pytest.raises(InvalidInput, match="cannot be told"):
        Answers({"dem": {"crs": "EPSG:4548"}}).with_settings(["dem=x"])


@pytest.mark.parametrize(
    ("name", "base", "unit", "factor"),
    [
        ("面积_公顷", "面积", "公顷", 1e4),
        ("AREA_HA", "AREA", "ha", 1e4),
        ("人口_万人", "人口", "万人", 1e4),
        ("Area(km²)", "Area", "km2", 1e6),
        ("面积（亩）", "面积", "亩", 2000 / 3),
        ("长度公里", "长度", "公里", 1e3),
    ],
)
def test_units_in_names(name: str, base: str, unit: str, factor: float) -> None:
    found = words.unit_in_name(name)
    assert found is not None
    assert (found[0], found[1].name, found[1].factor) == (base, unit, factor)


@pytest.mark.parametrize("name", ["NAME", "DLBM", "面积", "TEAM", "H_A_R"])
def test_names_without_a_unit(name: str) -> None:
    assert words.unit_in_name(name) is None


@pytest.mark.parametrize(
    ("name", "theme"),
    [
        ("DEM30m", "dem"),
        ("土壤可蚀性K", "soil_erodibility"),
        ("土壤质地", "soil"),
        ("潜在蒸散2020", "reference_et"),
        ("地表温度", "lst"),
        ("年平均气温", "temperature"),
        ("tasmax_2020", "temperature_max"),
        ("pretty", None),
        ("ndvi_npp", None),
    ],
)
def test_themes_by_names(name: str, theme: str | None) -> None:
    found = words.theme_of([name])
    assert (found[0] if found else None) == theme


def test_all_themes_with_words_are_themes_that_can_be_imported() -> None:
    assert set(words.theme_words()) <= set(THEME_RULES)


def test_layers_of_one_name_all_have_names_of_their_own(tmp_path: Path, out: Path) -> None:
    square = shapely.box(WEST, NORTH - 1000, WEST + 1000, NORTH)
    for number in "1234":
        handed_over.write_shapefile(
            tmp_path / f"in/{number}/STBHHX.shp",
            [square],
            {"BSM": [number], "HXMC": ["厦门湾红线"], "面积_亩": [1500.0]},
        )
    described = [json.loads(told.read_bytes()) for told in made(tmp_path / "in", out)]
    assert len(described) == len({one["file"] for one in described}) == 4
    rows = [json.loads((out / one["file"]).read_bytes())["features"] for one in described]
    assert sorted(row["properties"]["BSM"] for (row,) in rows) == ["1", "2", "3", "4"]


@pytest.mark.parametrize("licence", [None, "CC BY 4.0"])
def test_a_licence_is_what_was_stated_or_none(
    tmp_path: Path, out: Path, licence: str | None
) -> None:
    handed_over.write_grid(
        tmp_path / "in/dem.tif", np.ones((2, 3), "float32"), west=WEST, north=NORTH, cell=30
    )
    (told,) = made(tmp_path / "in", out, [] if licence is None else [f"licence={licence}"])
    inputs = read_description(told).import_inputs()
    assert inputs.get("licence") == licence
    assert ("licence" in inputs) == (licence is not None)


def test_days_of_a_geodatabase_are_days(tmp_path: Path, out: Path) -> None:
    texts = {"valid_from": "2024-05-06T00:00:00", "SEEN": "2024-05-06T07:30:00"}
    moments = {name: datetime.fromisoformat(text) for name, text in texts.items()}
    square = shapely.MultiPolygon([shapely.box(WEST, NORTH - 1000, WEST + 1000, NORTH)])
    rows = [{"wkt": square.wkt, "BSM": "1", "HXMC": "厦门湾红线", **moments}]
    handed_over.write_geodatabase(tmp_path / "in/lines.gdb", "STBHHX", rows)
    made(tmp_path / "in", out)
    (row,) = json.loads((out / "STBHHX.geojson").read_bytes())["features"]
    told = [row["properties"][name] for name in moments]
    assert told == ["2024-05-06", "2024-05-06T07:30:00"]
