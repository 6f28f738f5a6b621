from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import numpy as np
import pytest
import rasterio
from pydantic import ValidationError

from shanhai.data.synthetic_watershed import Watershed
from shanhai.errors import InvalidInput, UnsupportedFile
from shanhai.processes.import_dataset.compute import compute
from shanhai.processes.import_dataset.contract import ImportDatasetInputs
from shanhai.processes.kit.task import Outcome, Task
from shanhai.raster.clean import Legend
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.raster.inspect import inspect_raster, make_overview_file_tiff, make_renamed_vrt
from shanhai.raster.themes import THEME_RULES, conversion
from shanhai.raster.warp import RasterQuantity, align, open_source
from shanhai.science.grid import Grid, Window
from shanhai.science.landcover import SCHEMES

Bring = Callable[..., tuple[Outcome, Any]]
UPLOAD = UUID(int=1)
DEGREES = (0.001, 0.0, 117.18, 0.0, -0.001, 24.87)
METRES = (100.0, 0.0, 520_000.0, 0.0, -100.0, 2_750_000.0)


@pytest.fixture
def bring(watershed: Watershed, tmp_path: Path) -> Bring:
    """Import a file, or an array made into one, and read back what became of it."""
    (tmp_path / "work").mkdir()

    def run(theme: str, content: Any, **inputs: Any) -> tuple[Outcome, Any]:
        frame = {"transform": METRES, "crs": "EPSG:4548"} | inputs.pop("frame", {})
        path = content if isinstance(content, Path) else tmp_path / "upload"
        if isinstance(content, np.ndarray):
            write_geotiff(path, content, **frame)
        task = Task(
            process="import-dataset",
            inputs={"upload": str(UPLOAD), "region": "watershed", "theme": theme, **inputs},
            region=watershed.region,
            upload_uri="uploads/1",
            files={"uploads/1": str(path)},
        )
        outcome = compute(task, tmp_path / "work", lambda percent, stage: None)
        return outcome, read_geotiff(tmp_path / "work" / "dataset.tif")

    return run


def refusal(bring: Bring, *args: Any, **inputs: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        bring(*args, **inputs)
    error = caught.value
    assert error.faults, "a refusal points at the input"
    assert error.message_zh != error.message, "a refusal speaks both languages"
    return error


def plain(value: float = 50.0, bands: int = 1) -> Any:
    return np.full((bands, 40, 40), value)


def test_a_raster_in_an_older_datum_is_refused_unless_accepted(bring: Bring) -> None:
    frame = {"crs": "EPSG:2384"}  # Xi'an 80, central meridian 117
    assert "Xi'an 80" in refusal(bring, "dem", plain(), frame=frame).message
    bring("dem", plain(), frame=frame, accept_datum=True)


def test_an_undeclared_fill_is_told_from_a_scale(bring: Bring) -> None:
    dem = plain()
    dem[0, :20] = -32768.0
    error = refusal(bring, "dem", dem)
    assert "-32768 is mostly what fills: set nodata so" in error.message
    assert "scale so" not in error.message


def test_a_dem_in_degrees_becomes_a_clean_cog(bring: Bring) -> None:
    dem = np.random.default_rng(1).random((50, 60)) * 800
    dem[0, 0], dem[1, 1] = np.inf, 9500.0
    outcome, stored = bring("dem", dem, frame={"transform": DEGREES, "crs": "EPSG:4326"})
    assert stored.crs == "EPSG:4326"
    assert np.isnan(stored.values[0, 0, 0])
    assert np.isnan(stored.values[0, 1, 1])
    np.testing.assert_allclose(stored.values[0, 2:], dem[2:], rtol=1e-6)
    assert outcome.manifest["out_of_range_cells"] == 1
    assert outcome.warnings[0]["code"] == "out_of_range"
    assert "became nodata" in outcome.warnings[0]["detail"]
    assert "已设为无数据" in outcome.warnings[0]["detail_zh"]
    assert outcome.warnings[1] == {
        "code": "infinite",
        "detail": "dem: 1 infinite values became nodata",
        "detail_zh": "数字高程模型：1 个无穷值，已设为无数据",
    }
    meta = outcome.files[0].meta
    assert meta["grid"]["epsg"] == 4326
    assert meta["unit"] == "m"
    assert meta["native_resolution_m"] == pytest.approx(105.9, rel=0.01)
    assert meta["footprint"]["type"] == "Polygon"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"lon,lat,value\n118,24,3\n", "no TIFF"),
        (b"\x89PNG\r\n\x1a\n0000000000", "PNG"),
        (b"", "empty"),
        (b"II*\x00\x08\x00\x00\x00", "damaged"),
    ],
)
def test_what_is_no_geotiff_is_refused(
    bring: Bring, tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    error = refusal(bring, "dem", path)
    assert isinstance(error, UnsupportedFile)
    assert said in error.message
    assert error.faults[0].pointer == "/inputs/upload"


def test_a_tiff_cut_short_in_its_pixels_is_refused(bring: Bring, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    noise = np.random.default_rng(0).random((600, 600))
    write_geotiff(path, noise, transform=METRES, crs="EPSG:4548")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "damaged" in refusal(bring, "dem", path).message


@pytest.mark.parametrize("make", [make_renamed_vrt, make_overview_file_tiff])
def test_files_that_refer_to_others_are_refused_and_the_others_live(
    bring: Bring, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    refusal(bring, "dem", make(tmp_path))
    assert (tmp_path / "secret.tif").exists()


@pytest.mark.parametrize(
    ("theme", "bands", "wanted"),
    [("dem", 3, "1"), ("rainfall", 5, "1 or 12"), ("soil", 1, "sand, silt, clay")],
)
def test_a_wrong_number_of_bands_is_refused(
    bring: Bring, theme: str, bands: int, wanted: str
) -> None:
    error = refusal(bring, theme, plain(bands=bands))
    assert f"{bands} bands" in error.message
    assert wanted in error.message


def test_monthly_and_annual_rain_are_both_accepted(bring: Bring) -> None:
    outcome, _ = bring("rainfall", plain(120.0, bands=12))
    assert outcome.manifest["source"]["bands"] == 12
    outcome, _ = bring("rainfall", plain(6000.0))
    assert outcome.manifest["out_of_range_cells"] == 0


def test_a_raster_elsewhere_is_refused_and_swapped_axes_are_guessed(bring: Bring) -> None:
    far = {"transform": (0.01, 0, 100.0, 0, -0.01, 40.0), "crs": "EPSG:4326"}
    assert "outside the region" in refusal(bring, "dem", plain(), frame=far).message
    swapped = {"transform": (0.01, 0, 24.7, 0, -0.01, 117.4), "crs": "EPSG:32650"}
    swapped = {"transform": (0.01, 0, 24.7, 0, -0.01, 89.9), "crs": "EPSG:4326"}
    assert "outside the region" in refusal(bring, "dem", plain(), frame=swapped).message


@pytest.mark.parametrize("declared", [None, np.inf])
def test_infinite_cells_are_told_unless_they_are_nodata(
    bring: Bring, declared: float | None
) -> None:
    codes = np.full((40, 40), 1.0)
    codes[0, :3], codes[1, 0] = np.inf, -np.inf
    outcome, stored = bring("land_cover", codes, frame={"nodata": declared})
    told = [one["detail"] for one in outcome.warnings if one["code"] == "infinite"]
    lost = 4 if declared is None else 1
    assert told == [f"land_cover: {lost} infinite values became nodata"]
    assert np.isnan(stored.values[0, 0, :3]).all()


def test_a_file_without_values_is_refused(bring: Bring) -> None:
    assert "every cell is nodata" in refusal(bring, "dem", plain(np.nan)).message
    assert "every cell is nodata" in refusal(bring, "dem", plain(7.0), nodata=7).message


@pytest.mark.parametrize("theme", ["land_cover", "vegetation_type", "hydrologic_group"])
@pytest.mark.parametrize(("filled", "declared"), [(0, None), (0, 0), (255, 255)])
def test_class_0_is_nodata(bring: Bring, theme: str, filled: int, declared: float | None) -> None:
    codes = np.full((40, 40), filled, dtype=np.uint8)
    frame = {"nodata": declared}
    assert "every cell is nodata" in refusal(bring, theme, codes, frame=frame).message
    codes[:10] = 2
    outcome, stored = bring(theme, codes, frame=frame)
    assert outcome.values["summary"]["empty_percent"] == 75
    assert outcome.manifest["nodata_cells"] == 1200
    assert np.isnan(stored.values[0, 10:]).all()


CLASS_THEMES = [theme for theme, rule in THEME_RULES.items() if rule.categorical]


@pytest.mark.parametrize("theme", CLASS_THEMES)
def test_fractions_are_no_classes(bring: Bring, theme: str) -> None:
    codes = plain(1.0)
    codes[0, 0, 0] = 0.5
    error = refusal(bring, theme, codes)
    assert f"{theme} holds values that are no class codes" in error.message
    assert error.faults[0].pointer == "/inputs/upload"


@pytest.mark.parametrize("theme", CLASS_THEMES)
def test_classes_are_not_scaled(bring: Bring, tmp_path: Path, theme: str) -> None:
    path = tmp_path / "upload"
    write_geotiff(path, plain(1.0), transform=METRES, crs="EPSG:4548", nodata=None)
    for stated in ({"scale": 2.0}, {"offset": 1.0}):
        error = refusal(bring, theme, path, **stated)
        assert error.faults[0].pointer == "/inputs/scale"
    with rasterio.open(path, "r+") as file:
        file.scales = (0.5,)
    assert "scale=1" in refusal(bring, theme, path).message
    outcome, stored = bring(theme, path, scale=1.0)
    assert (stored.values == 1).all()
    assert (outcome.manifest["scale"], outcome.manifest["offset"]) == (1.0, 0.0)


@pytest.mark.parametrize("declared", [None, 0])
def test_no_road_is_a_value(bring: Bring, declared: float | None) -> None:
    codes = np.zeros((40, 40), dtype=np.uint8)
    outcome, _ = bring("roads", codes, frame={"nodata": declared})
    assert outcome.values["summary"]["empty_percent"] == 0


def test_a_wrong_unit_is_refused_with_what_was_found(bring: Bring) -> None:
    error = refusal(bring, "temperature", plain(291.0))
    assert "291" in error.message
    assert "-60…60 Cel" in error.message
    assert error.faults[0].pointer == "/inputs/scale"


def test_named_units_scale_and_offset_are_applied(bring: Bring) -> None:
    _, kelvin = bring("temperature", plain(291.15), unit="K")
    np.testing.assert_allclose(kelvin.values, 18.0, atol=1e-4)
    _, index = bring("ndvi", plain(6500.0).astype(np.int16), scale=0.0001, frame={"nodata": None})
    np.testing.assert_allclose(index.values, 0.65, rtol=1e-6)
    outcome, carbon = bring("npp", plain(0.7), unit="kgC/m²/yr")
    np.testing.assert_allclose(carbon.values, 700.0, rtol=1e-6)
    assert outcome.files[0].meta["unit"] == "gC/m2/yr"


@pytest.mark.parametrize(
    ("theme", "value", "unit", "known"),
    [
        ("dem", 20.0, "dm", "m, cm, [ft_i], ft"),
        ("dem", 20.0, "furlong", "m, cm"),
        ("npp", 700.0, "gDM/m2", "gC/m2/yr, kgC/m2"),
        ("population", 30.0, "persons/km2", "persons/cell"),
        ("rainfall", 1000.0, "[in_i]", "mm, cm, m"),
    ],
)
def test_a_unit_that_cannot_be_converted_is_refused_with_those_that_can(
    bring: Bring, theme: str, value: float, unit: str, known: str
) -> None:
    error = refusal(bring, theme, plain(value), unit=unit)
    assert error.faults[0].pointer == "/inputs/unit"
    assert repr(unit) in error.message
    assert known in error.message
    assert known in error.message_zh


@pytest.mark.parametrize(
    ("theme", "value", "unit"),
    [
        ("dem", 20.0, "metre"),
        ("temperature", 18.0, "°C"),
        ("npp", 700.0, "gC/m²/yr"),
        ("npp", 700.0, "g C m-2 a-1"),
        ("npp", 700.0, "gC·m⁻²·a⁻¹"),
        ("night_lights", 20.0, "luminance 0-255"),
        ("night_lights", 20.0, "nW cm-2 sr-1"),
        ("population", 30.0, "人/像元"),
        ("rain_erosivity", 5000.0, "MJ·mm/(ha·h·a)"),
        ("rain_erosivity", 5000.0, "MJ mm ha-1 h-1 yr-1"),
        ("available_water", 0.2, "m3 m-3"),
        ("ndvi", 0.5, ""),
    ],
)
def test_the_unit_of_the_theme_is_known_however_it_is_spelt(
    bring: Bring, theme: str, value: float, unit: str
) -> None:
    outcome, stored = bring(theme, plain(value), unit=unit)
    np.testing.assert_array_equal(stored.values[0], np.float32(value))
    assert outcome.files[0].meta["unit"] == (unit or THEME_RULES[theme].unit)


@pytest.mark.parametrize(
    ("units", "inputs", "value", "code"),
    [
        (("ft",), {}, 304.8, "file_unit"),
        (("cm",), {}, 10.0, "file_unit"),
        (("metre",), {}, 1000.0, None),
        (("unknown",), {}, 1000.0, "unknown_unit"),
        (("dm",), {}, 1000.0, "unknown_unit"),
        (("ft",), {"unit": "m"}, 1000.0, None),
        (("ft",), {"unit": "cm"}, 10.0, None),
        (("ft",), {"scale": 0.1}, 100.0, None),
    ],
)
def test_the_unit_of_the_file_holds_where_no_unit_or_scale_is_given(
    bring: Bring,
    tmp_path: Path,
    units: tuple[str, ...],
    inputs: dict[str, Any],
    value: float,
    code: str | None,
) -> None:
    path = tmp_path / "upload"
    write_geotiff(path, plain(1000.0), transform=METRES, crs="EPSG:4548", nodata=None)
    with rasterio.open(path, "r+") as file:
        file.units = units
    outcome, grid = bring("dem", path, **inputs)
    np.testing.assert_allclose(grid.values[0], value, rtol=1e-6)
    assert outcome.files[0].meta["unit"] == "m"
    told = [(one["code"], repr(units[0]) in one["detail_zh"]) for one in outcome.warnings]
    assert told == ([] if code is None else [(code, True)])


def test_units_that_differ_between_bands_are_told(bring: Bring, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    soil = np.broadcast_to(plain(20.0), (4, 40, 40))
    write_geotiff(path, soil, transform=METRES, crs="EPSG:4548", nodata=None)
    with rasterio.open(path, "r+") as file:
        file.units = ("%", "%", "%", "g/kg")
    outcome, _ = bring("soil", path)
    told = {one["code"]: one["detail"] for one in outcome.warnings}
    assert "'%, g/kg'" in told["unknown_unit"]


@pytest.mark.parametrize("theme", THEME_RULES)
def test_every_theme_knows_its_own_unit(theme: str) -> None:
    assert conversion(theme, THEME_RULES[theme].unit) == (1.0, 0.0)


def test_scale_offset_and_mask_of_the_file_hold(bring: Bring, tmp_path: Path) -> None:
    path, left_out = tmp_path / "upload", np.zeros((40, 40), bool)
    left_out[:5] = True
    write_geotiff(path, plain(2000.0), transform=METRES, crs="EPSG:4548", nodata=None)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.1,), (50.0,)
        file.write_mask(~left_out)
    outcome, grid = bring("dem", path, unit="ft")
    np.testing.assert_array_equal(np.isnan(grid.values[0]), left_out)
    np.testing.assert_allclose(grid.values[0, 5:], 250 * 0.3048, rtol=1e-6)
    assert (outcome.manifest["scale"], outcome.manifest["offset"]) == (0.1, 50.0)
    for scale in (0.2, 1.0):
        _, told = bring("dem", path, scale=scale)
        np.testing.assert_allclose(told.values[0, 5:], 2000.0 * scale)


@pytest.mark.parametrize("inputs", [{"scale": 0.0}, {"scale": float("inf")}])
def test_a_useless_scale_is_refused(bring: Bring, inputs: Any) -> None:
    assert refusal(bring, "dem", plain(), **inputs).faults[0].pointer == "/inputs/scale"


@pytest.mark.parametrize(
    ("theme", "value", "hint"),
    [("npp", 0.8, "kgC"), ("soil", 25.0, "g/kg")],
)
def test_an_unlikely_mean_is_warned_of(bring: Bring, theme: str, value: float, hint: str) -> None:
    outcome, _ = bring(theme, plain(value, bands=4 if theme == "soil" else 1))
    assert hint in outcome.warnings[0]["detail"]
    assert hint in outcome.warnings[0]["detail_zh"]


def test_land_cover_is_translated_and_unknown_codes_are_listed(bring: Bring) -> None:
    codes = np.full((40, 40), 10, dtype=np.uint8)
    codes[:5], codes[5:8] = 80, 0
    legend = {"legend": "worldcover", "edge_water": "inland"}
    _, stored = bring("land_cover", codes, **legend, frame={"nodata": 0})
    assert set(np.unique(np.nan_to_num(stored.values))) == {0, 2, 7}
    codes[20, 20] = 33
    with pytest.raises(InvalidInput, match=r"33 \(1 cells\)") as caught:
        bring("land_cover", codes, **legend, frame={"nodata": 0})
    assert caught.value.faults[0].pointer == "/inputs/legend"
    assert "33（1 个像元）" in caught.value.message_zh


MODIS = {"frame": {"nodata": 32767}, "scale": 0.1}


def modis_npp() -> Any:
    """A corner of MOD17A3HGF as it is published: 16-bit numbers with codes above 32760."""
    raw = np.full((40, 40), 6_200, dtype=np.int16)
    raw[0, :7] = (32761, 32762, 32763, 32764, 32765, 32766, 32767)
    raw[1, :10] = 32766
    return raw


def test_codes_of_what_modis_does_not_compute_are_no_productivity(bring: Bring) -> None:
    raw = modis_npp()
    raw[2, :3] = 32762
    error = refusal(bring, "npp", raw, **MODIS)
    assert error.faults[0].pointer == "/inputs/codes"
    assert "32762 (urban and built-up land), 4 cells" in error.message
    assert "32762（城市和建设用地）4 个像元" in error.message_zh
    assert "32766" not in error.message, "open water has a meaning: nothing grows"
    assert "codes.32762=" in error.message


def test_codes_mean_what_is_said_of_them(bring: Bring) -> None:
    said = {"32761": "nodata", "32762": 120, "32763": 500.5}
    outcome, stored = bring("npp", modis_npp(), codes=said, **MODIS)
    row = stored.values[0, 0, :8]
    np.testing.assert_allclose(row, [np.nan, 120, 500.5, 0, 0, 0, np.nan, 620], rtol=1e-6)
    assert outcome.manifest["codes"] == {
        "32761": {"cells": 1, "value": None},
        "32762": {"cells": 1, "value": 120.0},
        "32763": {"cells": 1, "value": 500.5},
        "32764": {"cells": 1, "value": 0.0},
        "32765": {"cells": 1, "value": 0.0},
        "32766": {"cells": 11, "value": 0.0},
    }
    told = {one["code"]: one for one in outcome.warnings}
    assert "32766 (water): 11 cells are taken as 0 gC/m2/yr" in told["fill_codes"]["detail"]
    assert "水体" in told["fill_codes"]["detail_zh"]


@pytest.mark.parametrize(
    ("factor", "inputs"),
    [(1e-4, {"unit": "kgC/m²/yr"}), (0.1, {}), (1.0, {"unit": "kgC/m2/yr", "scale": 1e-4})],
)
def test_codes_are_known_after_somebody_has_scaled_them(
    bring: Bring, factor: float, inputs: dict[str, Any]
) -> None:
    raw = modis_npp().astype(np.float32) * np.float32(factor)
    assert "32762" in refusal(bring, "npp", raw, frame={"nodata": None}, **inputs).message


def test_codes_of_16_bits_without_sign_are_known_as_well(bring: Bring) -> None:
    raw = np.full((40, 40), 9_000, dtype=np.uint16)
    raw[5:20, 5] = 65_530
    for theme in ("gpp", "evapotranspiration"):
        error = refusal(bring, theme, raw, scale=0.1, frame={"nodata": 65_535})
        assert "65530 (urban" in error.message


def test_unsettled_cells_of_worldpop_have_nobody(bring: Bring) -> None:
    people = np.full((40, 40), -99_999.0, dtype=np.float32)
    people[10:20, 10:20] = 12.5
    outcome, stored = bring("population", people, frame={"nodata": -99_999.0})
    assert stored.values[0, 0, 0] == 0
    assert np.nansum(stored.values) == pytest.approx(1_250)
    assert outcome.manifest["nodata_cells"] == 0
    assert "-99999 (unsettled): 1500 cells are taken as 0" in outcome.warnings[0]["detail"]
    _, stored = bring("population", people, frame={"nodata": -99_999.0}, codes={"-99999": "nodata"})
    assert np.isnan(stored.values[0, 0, 0])


@pytest.mark.parametrize(
    ("theme", "codes", "pointer"),
    [
        ("npp", {"water": 0}, "/inputs/codes"),
        ("npp", {"32766": "sea"}, "/inputs/codes"),
        ("npp", {"32766": 9_000}, "/inputs/codes"),
        ("land_cover", {"80": 0}, "/inputs/codes"),
    ],
)
def test_codes_that_make_no_sense_are_refused(
    bring: Bring, theme: str, codes: dict[str, Any], pointer: str
) -> None:
    raw = np.full((40, 40), 1, dtype=np.int16)
    with pytest.raises((InvalidInput, ValidationError)) as caught:
        bring(theme, raw, codes=codes)
    assert "codes" in str(caught.value)


@pytest.mark.parametrize("declared", [None, -99.9])
def test_a_code_is_found_as_float32_holds_it(bring: Bring, declared: float | None) -> None:
    index = np.full((40, 40), 0.4, dtype=np.float32)
    index[:10] = -99.9
    frame = {"nodata": declared}
    outcome, stored = bring("ndvi", index, frame=frame, codes={"-99.9": 0})
    assert (stored.values[0, :10] == 0).all()
    assert outcome.manifest["codes"] == {"-99.9": {"cells": 400, "value": 0.0}}
    outcome, stored = bring("ndvi", index, frame=frame, codes={"-99.9": "nodata"})
    assert np.isnan(stored.values[0, :10]).all()


@pytest.mark.parametrize("stated", [-0.3, -3.4e38])
def test_a_stated_nodata_is_found_as_float32_holds_it(bring: Bring, stated: float) -> None:
    index = np.full((40, 40), 0.4, dtype=np.float32)
    index[:10] = stated
    outcome, stored = bring("ndvi", index, frame={"nodata": None}, nodata=stated)
    assert outcome.values["summary"]["empty_percent"] == 25
    assert np.isnan(stored.values[0, :10]).all()


@pytest.mark.parametrize("stated", [-9999, 256, 241.5, 1e300])
def test_a_stated_nodata_that_cells_cannot_hold_is_found_nowhere(
    bring: Bring, stated: float
) -> None:
    heights = np.full((40, 40), 241, dtype=np.uint8)
    outcome, _ = bring("dem", heights, frame={"nodata": None}, nodata=stated)
    assert outcome.values["summary"]["empty_percent"] == 0
    bring("dem", heights.astype(np.float32), frame={"nodata": None}, nodata=stated)


def test_cells_of_a_stated_nodata_are_an_edge_of_the_water(bring: Bring) -> None:
    codes = np.full((100, 100), 10, dtype=np.float32)
    codes[30:70, 30:70], codes[40:60, 40:60] = -0.3, 80
    error = refusal(bring, "land_cover", codes, nodata=-0.3, **WORLDCOVER)
    assert error.faults[0].pointer == "/inputs/edge_water"


def coast() -> Any:
    """WorldCover of a coast: the sea joins the south edge, a lake and a brook do not."""
    codes = np.full((100, 100), 10, dtype=np.uint8)
    codes[45:], codes[24:33, 30:39], codes[:36, 70] = 80, 80, 80
    return codes


WORLDCOVER = {"legend": "worldcover", "frame": {"nodata": 0}}


def test_water_that_may_be_the_sea_is_asked_about(bring: Bring) -> None:
    error = refusal(bring, "land_cover", coast(), **WORLDCOVER)
    assert error.faults[0].pointer == "/inputs/edge_water"
    assert "may be the sea" in error.message
    assert "edge_water=sea" in error.message
    assert "edge_water=inland" in error.message_zh


def test_the_sea_is_no_land_and_lakes_stay_water(bring: Bring) -> None:
    outcome, stored = bring("land_cover", coast(), edge_water="sea", **WORLDCOVER)
    classes = np.nan_to_num(stored.values[0])
    assert set(np.unique(classes[45:])) == {0}
    assert set(np.unique(classes[24:33, 30:39])) == {7}
    assert set(np.unique(classes[:36, 70])) == {7}
    assert "sea" in outcome.warnings[0]["code"]
    assert outcome.manifest["edge_water"] == "sea"
    _, stored = bring("land_cover", coast(), edge_water="inland", **WORLDCOVER)
    assert set(np.unique(stored.values[0, 45:])) == {7}


def test_classes_of_the_platform_tell_sea_from_water_themselves(bring: Bring) -> None:
    codes = np.where(coast() == 80, 7, 2).astype(np.uint8)
    _, stored = bring("land_cover", codes, frame={"nodata": 0})
    assert set(np.unique(stored.values[0, 45:])) == {7}


def test_the_land_survey_has_no_sea_to_ask_about(bring: Bring) -> None:
    codes = np.where(coast() == 80, 1101, 301).astype(np.uint16)
    _, stored = bring("land_cover", codes, legend="tdt1055", frame={"nodata": 0})
    assert set(np.unique(stored.values[0, 45:])) == {7}
    assert set(np.unique(stored.values[0])) == {2, 7}


def test_every_legend_can_be_named_in_an_import() -> None:
    named = ImportDatasetInputs.model_fields["legend"].annotation
    assert {*get_args(named)} == {*get_args(Legend)} == {*SCHEMES}


def test_population_keeps_its_total_through_import_and_alignment(
    bring: Bring, tmp_path: Path
) -> None:
    people = np.random.default_rng(3).random((60, 60)) * 30
    _, stored = bring("population", people, frame={"transform": DEGREES, "crs": "EPSG:4326"})
    assert np.nansum(stored.values) == pytest.approx(people.sum(), rel=1e-5)
    source = open_source(tmp_path / "work" / "dataset.tif", RasterQuantity.EXTENSIVE)
    grid = Grid(4548, 510_000.0, 2_760_000.0, 250.0, 120, 120)
    aligned = align(source, grid, Window(0, 0, 120, 120))
    assert np.nansum(aligned) == pytest.approx(people.sum(), rel=0.005)


def test_the_same_file_gives_the_same_cog(bring: Bring, tmp_path: Path) -> None:
    dem = np.random.default_rng(1).random((50, 60)) * 800
    bring("dem", dem)
    first = (tmp_path / "work" / "dataset.tif").read_bytes()
    bring("dem", dem)
    assert (tmp_path / "work" / "dataset.tif").read_bytes() == first
    assert inspect_raster(tmp_path / "work" / "dataset.tif").nodata == -9999.0
