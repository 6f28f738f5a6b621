"""The commands `shanhai data fetch` and `shanhai data check` against all upstreams."""

import json
from pathlib import Path

import pytest
from shapely import MultiPolygon
from typer.testing import CliRunner

from shanhai.data.cli import app
from shanhai.data.download import Reporter
from shanhai.data.fetch_command import (
    FetchOptions,
    fetch_region,
    metres_of,
    outline_bounds,
    read_contracts,
    read_outlines,
    widened,
)
from shanhai.data.sources import read_sources
from shanhai.data.vector_layers import metric_epsg
from shanhai.errors import InvalidInput
from tests.support.upstream.control import Upstreams
from tests.support.upstream.regions import outlines

CHEAP = ("dem", "land_cover", "population", "rainfall", "soil", "night_lights")


def options(upstreams: Upstreams, folder: Path, **rest: object) -> FetchOptions:
    (folder / "minhai.geojson").write_text(json.dumps(small()), encoding="utf-8")
    values: dict[str, object] = {
        "region": "minhai",
        "out": folder / "minhai",
        "cache": folder / "cache",
        "regions": folder / "minhai.geojson",
        "margin": "500m",
        "mirror": upstreams.address,
    }
    return FetchOptions(**(values | rest))  # type: ignore[arg-type]


def small() -> dict[str, object]:
    """The coastal region, made smaller."""
    found = outlines("coastal")
    ring = [[119.97, 27.09], [120.03, 27.09], [120.03, 27.14], [119.97, 27.14], [119.97, 27.09]]
    for feature in found["features"]:
        feature["geometry"]["coordinates"] = [ring]
    return found


def land(_box: object, _reporter: Reporter) -> MultiPolygon:
    return MultiPolygon()


def test_a_region_comes_with_its_outlines_and_again_without_a_byte(
    upstreams: Upstreams, tmp_path: Path, reporter: Reporter
) -> None:
    asked = options(upstreams, tmp_path, themes=CHEAP)
    upstreams.set(ranges_at_worldpop=True)
    assert fetch_region(asked, reporter, find_ocean=land) == []
    made = {path.name for path in asked.out.iterdir()}
    assert made == {"regions.geojson"} | {
        f"{name}.{end}" for name in CHEAP for end in ("tif", "json")
    }
    before = {path.name: path.stat().st_mtime_ns for path in asked.out.glob("*.tif")}
    assert fetch_region(asked, reporter, find_ocean=land) == []
    assert {path.name: path.stat().st_mtime_ns for path in asked.out.glob("*.tif")} == before


def test_a_dry_run_writes_nothing_and_tells_megabytes(
    upstreams: Upstreams, tmp_path: Path, reporter: Reporter
) -> None:
    asked = options(upstreams, tmp_path, themes=("dem", "rainfall"), dry_run=True)
    assert fetch_region(asked, reporter) == []
    assert not asked.out.exists()
    told = reporter.console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    for text in ("glo-30", "chelsa", "MB to read"):
        assert text in told


def test_two_regions_share_what_was_read(
    upstreams: Upstreams, tmp_path: Path, reporter: Reporter
) -> None:
    asked = options(upstreams, tmp_path, themes=("dem",))
    fetch_region(asked, reporter)
    upstreams.reset()
    other = options(upstreams, tmp_path, themes=("dem",), out=tmp_path / "other")
    fetch_region(other, reporter)
    assert upstreams.sent("copernicus*") < 1e6, "only heads, to see whether they have changed"


def test_one_theme_that_fails_does_not_keep_the_others(
    upstreams: Upstreams, tmp_path: Path, reporter: Reporter
) -> None:
    upstreams.fault("os.*.cloud.switch.ch/*", status=404)
    asked = options(upstreams, tmp_path, themes=("rainfall", "dem"))
    assert fetch_region(asked, reporter) == ["rainfall"]
    assert (asked.out / "dem.tif").exists()


def test_what_is_missing_or_wrong_is_named(tmp_path: Path) -> None:
    def told(*words: str) -> str:
        result = CliRunner().invoke(app, ["fetch", "--region", "here", *words])
        assert result.exit_code != 0
        return str(result.exception.message if result.exception else result.output)  # type: ignore[attr-defined]

    assert "--adcode" in told()
    assert "west,south,east,north" in told("--bbox", "1,2,3")
    assert "theme is roads" in told("--bbox", "1,2,3,4", "--theme", "roads")
    assert "theme=source" in told("--bbox", "1,2,3,4", "--source", "dem")
    named = ("--source", "ndvi=nope", "--mirror", "http://nowhere.invalid")
    assert "source of ndvi is nope; it must be one of" in told("--bbox", "1,2,3,4", *named)
    assert "mirror is nonsense" in told("--bbox", "1,2,3,4", "--mirror", "nonsense")
    file = tmp_path / "a.geojson"
    file.write_text(json.dumps(outlines("coastal")), encoding="utf-8")
    assert "the outlines are of minhai" in told("--regions", str(file))
    file.write_text("{}", encoding="utf-8")
    assert "is no GeoJSON FeatureCollection" in told("--regions", str(file))


@pytest.mark.parametrize(("text", "metres"), [("10km", 10_000), ("500m", 500), ("1.5 km", 1_500)])
def test_margins(text: str, metres: float) -> None:
    assert metres_of(text) == metres


def test_a_margin_is_as_wide_in_every_direction() -> None:
    with pytest.raises(InvalidInput, match="margin is 10"):
        metres_of("10")
    west, south, east, north = widened((118.0, 60.0, 119.0, 60.0 + 1e-9), 11_119.5)
    assert south == pytest.approx(59.9, abs=1e-6)
    assert north == pytest.approx(60.1, abs=1e-6)
    assert 118 - west == pytest.approx(0.1 / 0.4985, rel=1e-3)
    assert east - 119 == pytest.approx(118 - west)


@pytest.mark.parametrize(("longitude", "epsg"), [(118.1, 4548), (120.0, 4549), (106.6, 4545)])
def test_zones_of_cgcs2000(longitude: float, epsg: int) -> None:
    assert metric_epsg(longitude) == epsg


def test_outlines_are_degrees(tmp_path: Path) -> None:
    assert outline_bounds(outlines("coastal")) == (119.7, 26.9, 120.3, 27.4)
    metres = outlines("coastal")
    metres["features"][0]["geometry"]["coordinates"] = [
        [[5e5, 3e6], [6e5, 3e6], [6e5, 4e6], [5e5, 3e6]]
    ]
    file = tmp_path / "m.geojson"
    file.write_text(json.dumps(metres), encoding="utf-8")
    with pytest.raises(InvalidInput, match="not degrees"):
        read_outlines(file)


def test_every_source_has_a_contract_of_every_input() -> None:
    contracts = read_contracts()
    sources = [source for entry in read_sources().themes.values() for source in entry.sources]
    for source in sources:
        own = contracts[source.code]
        assert "all" in own or set(own) == set(source.named_inputs), source.code
    assert set(contracts) == {source.code for source in sources}


def test_a_check_names_who_changed_and_who_does_not_answer(
    upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shanhai.data.fetch_command.PROBE", (119.99, 27.1, 120.01, 27.12))
    monkeypatch.setenv("COLUMNS", "200")
    arguments = ["check", "--mirror", upstreams.address, "--theme", "dem,land_cover,soil"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert result.output.count("as expected") == 7
    upstreams.fault("copernicus-dem-30m.*", status=404)
    upstreams.edit_items("esa-worldcover", asset="map", new_asset="class")
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert result.output.count("not reached") == 2
    assert "has no asset map" in result.output.replace("\n", "")


def test_a_file_of_another_kind_has_changed(
    upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shanhai.data.fetch_command.PROBE", (119.99, 27.1, 120.01, 27.12))
    monkeypatch.setenv("COLUMNS", "200")
    contracts = read_contracts()
    wrong = contracts["glo-30"]["height"].model_copy(update={"dtype": "int16", "cell": 0.001})
    monkeypatch.setattr(
        "shanhai.data.fetch_command.read_contracts",
        lambda: {**contracts, "glo-30": {"height": wrong}},
    )
    result = CliRunner().invoke(app, ["check", "--mirror", upstreams.address, "--theme", "dem"])
    assert result.exit_code == 1
    assert "numbers are float32, not int16" in result.output
    assert "changed" in result.output
