"""Each source from its upstream's own layout to a theme whose every cell is known."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest
import rasterio
from numpy.typing import NDArray

from shanhai.data.download import Reporter
from shanhai.data.fetch import fetch_theme, is_fetched
from shanhai.data.fetch_plan import FetchRequest, plan_theme
from shanhai.data.regions import Box
from shanhai.data.sources import OpenSources, read_sources
from shanhai.data.upstream import Upstream
from shanhai.errors import InvalidInput, NotFound, Unavailable
from shanhai.processes.kit.dataset_description import DatasetDescription, read_description
from tests.support.upstream import landscape
from tests.support.upstream.control import Upstreams
from tests.support.upstream.ocean import simplified_ocean

TOWN: Box = (119.97, 27.09, 120.03, 27.14)
"""On both sides of 120° E, where two UTM zones meet; half of it is built-up."""

COAST: Box = (120.06, 27.08, 120.22, 27.16)
"""Land, sea, and a part of the island."""

LAKE: Box = (119.79, 27.19, 119.91, 27.31)
BARE_OF_SOIL = [landscape.WATER, landscape.BUILT]

Values = NDArray[Any]


@dataclass
class Fetcher:
    """Fetches into a folder, as the command does."""

    sources: OpenSources
    upstream: Upstream
    reporter: Reporter
    out: Path

    def __call__(
        self, theme: str, source: str | None, where: Box = TOWN, **asked: Any
    ) -> DatasetDescription:
        request = FetchRequest(
            region="here", box=where, only={} if source is None else {theme: source}, **asked
        )
        plan = plan_theme(theme, request, self.sources, self.upstream, self.reporter)
        return fetch_theme(
            *(plan, request, self.sources, self.out, self.upstream, self.reporter),
            find_ocean=lambda _box, _reporter: simplified_ocean(),
        )

    def cells(self, theme: str) -> tuple[Values, Values, Values]:
        """Values by band, and longitude and latitude of every cell's centre."""
        with rasterio.open(self.out / f"{theme}.tif") as file:
            values = file.read().astype(float)
            values[values == file.nodata] = np.nan
            columns, rows = np.meshgrid(np.arange(file.width) + 0.5, np.arange(file.height) + 0.5)
            x, y = file.transform @ (columns, rows)
            degrees = pyproj.Transformer.from_crs(file.crs, "EPSG:4326", always_xy=True)
        return values, *degrees.transform(x, y)


@pytest.fixture
def fetch(upstreams: Upstreams, tmp_path: Path, reporter: Reporter) -> Iterator[Fetcher]:
    upstreams.set(ranges_at_worldpop=True)
    sources = with_few_scenes(read_sources())
    with Upstream(
        sources.hosts, tmp_path / "cache", mirror=upstreams.address, pause=lambda _: None
    ) as upstream:
        yield Fetcher(sources, upstream, reporter, tmp_path / "out")


def with_few_scenes(sources: OpenSources) -> OpenSources:
    """The same with two scenes a tile instead of six, which the upstream has to paint."""
    document = sources.model_dump()
    for source in document["themes"]["ndvi"]["sources"]:
        if source["find"].get("best"):
            source["find"]["best"]["count"] = 2
    return OpenSources.model_validate(document)


def agreeing(found: Values, wanted: Values, tolerance: float) -> float:
    """Share of the cells that are alike, those without a value being alike to such."""
    near = np.abs(found - wanted) <= tolerance
    return float(np.mean(near | (np.isnan(found) & np.isnan(wanted))))


Truth = Callable[[Values, Values], Values]


@pytest.mark.parametrize(
    ("theme", "source", "truth", "tolerance"),
    [
        ("dem", "glo-30", landscape.elevation, 0.5),
        ("dem", "nasadem", landscape.elevation, 0.51),
        ("land_cover", "worldcover", landscape.cover, 0),
        ("land_cover", "worldcover-azure", landscape.cover, 0),
        ("population", "worldpop", lambda x, y: np.nan_to_num(landscape.people(x, y)), 0.01),
        (
            "night_lights",
            "light-every-night",
            lambda x, y: np.maximum(landscape.lights(x, y), 0),
            0.2,
        ),
        pytest.param("ndvi", "sentinel-2", landscape.ndvi, 0.01, marks=pytest.mark.long),
        pytest.param("ndvi", "sentinel-2-former", landscape.ndvi, 0.01, marks=pytest.mark.long),
        ("ndvi", "landsat", landscape.ndvi, 0.01),
    ],
)
def test_a_source_gives_what_is_there(
    fetch: Fetcher, theme: str, source: str, truth: Truth, tolerance: float
) -> None:
    description = fetch(theme, source)
    values, longitude, latitude = fetch.cells(theme)
    assert agreeing(values[0], truth(longitude, latitude), tolerance) > 0.97
    assert description.origin is not None
    assert description.origin.source == source
    assert all(file.address.startswith("https://") for file in description.origin.files)


def test_people_of_mollweide_are_as_many(fetch: Fetcher) -> None:
    fetch("population", "ghs-pop")
    values, _, _ = fetch.cells("population")
    whole = np.nansum(values)
    fetch("population", "worldpop")
    other, _, _ = fetch.cells("population")
    # The boxes around the same degrees differ in the two projections: Mollweide's is larger.
    assert whole == pytest.approx(np.nansum(other), rel=0.5)
    assert whole > 0


def test_twelve_months_of_two_themes(fetch: Fetcher) -> None:
    assert fetch("rainfall", "chelsa").bands[0] == "Jan"
    rain, longitude, latitude = fetch.cells("rainfall")
    fetch("temperature", "chelsa")
    warmth, _, _ = fetch.cells("temperature")
    assert rain.shape[0] == warmth.shape[0] == 12
    for month in range(1, 13):
        wanted = landscape.rainfall(longitude, latitude, month)
        assert agreeing(rain[month - 1], wanted, 0.06) > 0.99
        air = landscape.temperature(longitude, latitude, month)
        assert agreeing(warmth[month - 1], air, 1.0) > 0.97


@pytest.mark.parametrize(("source", "step"), [("openlandmap", 0.6), ("soilgrids", 0.6)])
def test_four_properties_of_soil_in_percent(fetch: Fetcher, source: str, step: float) -> None:
    description = fetch("soil", source, LAKE)
    assert description.bands == ("sand", "silt", "clay", "organic_carbon")
    soil, longitude, latitude = fetch.cells("soil")
    known = ~np.isnan(soil[0])
    assert known.all(), "towns and lakes have the soil beside them"
    truth_known = ~np.isin(landscape.cover(longitude, latitude), BARE_OF_SOIL)
    for band, truth in enumerate((landscape.sand, landscape.silt, landscape.clay)):
        wanted = truth(longitude, latitude)
        assert np.abs(soil[band] - wanted)[truth_known].max() <= step
    carbon = landscape.organic_carbon(longitude, latitude) / 10
    assert np.mean(np.abs(soil[3] - carbon)[truth_known] < 0.02) > 0.9
    assert "cells took the nearest value" in description.processing


def test_the_former_host_of_the_climate_says_the_same(fetch: Fetcher) -> None:
    for theme in ("rainfall", "temperature"):
        fetch(theme, "chelsa")
        now, _, _ = fetch.cells(theme)
        fetch(theme, "chelsa-zhdk")
        np.testing.assert_array_equal(fetch.cells(theme)[0], now)


def test_what_the_climate_lets_grow_is_a_stand_in(fetch: Fetcher) -> None:
    description = fetch("npp", "chelsa-npp")
    assert description.stand_in
    assert description.stand_in_note_zh is not None
    values, _, _ = fetch.cells("npp")
    assert ((values > 870) & (values < 930)).all()


def test_night_lights_of_another_make_are_as_coarse_as_they_are(fetch: Fetcher) -> None:
    assert fetch("night_lights", "worldpop-viirs").native_resolution_m == 463.0
    values, longitude, latitude = fetch.cells("night_lights")
    wanted = np.maximum(landscape.lights(longitude, latitude), 0)
    assert agreeing(values[0], wanted, 0.01) > 0.99


@pytest.mark.long  # forty-six dates, which the upstream has to paint
def test_ndvi_of_modis_without_clouds(fetch: Fetcher) -> None:
    fetch("ndvi", "mod13q1", (119.98, 27.10, 120.00, 27.12))
    values, longitude, latitude = fetch.cells("ndvi")
    wanted = landscape.ndvi(longitude, latitude)
    land = landscape.cover(longitude, latitude) != landscape.WATER
    assert agreeing(values[0][land], wanted[land], 0.01) > 0.95


@pytest.mark.long  # MODIS tiles, which the upstream has to paint
def test_built_up_land_has_a_productivity_and_water_has_none(fetch: Fetcher) -> None:
    where = (119.90, 27.05, 120.02, 27.16)
    fetch("ndvi", "mod13q1", where)
    description = fetch("npp", "mod17a3hgf", where)
    values, longitude, latitude = fetch.cells("npp")
    classes = landscape.cover(longitude, latitude)
    built, water = classes == landscape.BUILT, classes == landscape.WATER
    assert built.sum() > 50
    assert not np.isnan(values[0][built]).any(), "built-up cells survive"
    assert 0 <= values[0][built].mean() < values[0][classes == landscape.TREE].mean()
    assert (values[0][water] == 0).all()
    modelled = np.isin(classes, [landscape.TREE, landscape.CROP, landscape.SHRUB])
    wanted = landscape.npp(longitude, latitude) * 1_000
    assert agreeing(values[0][modelled], wanted[modelled], 0.2) > 0.99
    for text in ("filled by the line NPP", "R²", "32766 (water)"):
        assert text in description.processing


def test_gaps_of_npp_without_ndvi_are_refused_with_the_way_out(fetch: Fetcher) -> None:
    with pytest.raises(InvalidInput, match="fetch ndvi first"):
        fetch("npp", "mod17a3hgf")
    assert not list(fetch.out.glob("npp*"))


def test_the_sea_stays_sea_and_lakes_stay_water(fetch: Fetcher) -> None:
    description = fetch("land_cover", "worldcover", COAST)
    values, longitude, latitude = fetch.cells("land_cover")
    sea = landscape.sea(longitude, latitude)
    assert np.isnan(values[0][sea]).mean() > 0.99
    assert agreeing(values[0][~sea], landscape.cover(longitude, latitude)[~sea], 0) > 0.99
    assert description.import_inputs()["edge_water"] == "inland"
    assert "OpenStreetMap" in (description.licence or "")


def test_unsettled_land_has_no_people_and_the_sum_is_kept(fetch: Fetcher) -> None:
    fetch("population", "worldpop")
    fine, _, _ = fetch.cells("population")
    assert not np.isnan(fine).any()
    fetch("population", "worldpop", resolution_m=300.0)
    coarse, _, _ = fetch.cells("population")
    assert coarse.shape[1] == -(-fine.shape[1] // 3)
    assert np.nansum(coarse) == pytest.approx(np.nansum(fine), rel=0.12), "but for the margin"


@pytest.mark.parametrize(
    ("theme", "source", "metres"), [("dem", "glo-30", 95.0), ("land_cover", "worldcover", 95.0)]
)
def test_coarser_cells_are_read_where_they_are_asked_for(
    fetch: Fetcher, upstreams: Upstreams, theme: str, source: str, metres: float
) -> None:
    fine = fetch(theme, source)
    coarse = fetch(theme, source, resolution_m=metres)
    assert fine.native_resolution_m is not None
    assert coarse.native_resolution_m is not None
    assert metres * 0.66 < coarse.native_resolution_m <= metres
    assert "cells joined" in coarse.processing


def test_year_is_the_products_own_unless_asked_for(fetch: Fetcher) -> None:
    description = fetch("land_cover", "io-lulc", year=2020)
    assert str(description.observed_from)[:4] == "2020"
    with pytest.raises(Unavailable, match="year is 1999; io-lulc has 2017 to 2023"):
        fetch("land_cover", "io-lulc", year=1999)
    with pytest.raises(Unavailable, match="in steps of 5"):
        fetch("population", "ghs-pop", year=2022)


def test_the_second_source_comes_where_the_first_does_not(
    fetch: Fetcher, upstreams: Upstreams
) -> None:
    upstreams.fault("esa-worldcover.*", status=503)
    description = fetch("land_cover", None)
    assert description.origin is not None
    assert description.origin.source == "worldcover-azure"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"asset": "map", "new_asset": "class"}, "has no asset map"),
        ({"asset": "map", "href": "https://evil.net/a.tif"}, "not allowed"),
        ({"drop": True}, "nothing in the box"),
    ],
)
def test_what_a_catalogue_changed_is_told(
    fetch: Fetcher, upstreams: Upstreams, edit: dict[str, Any], message: str
) -> None:
    upstreams.edit_items("esa-worldcover", **edit)
    with pytest.raises(Unavailable, match=message):
        fetch("land_cover", "worldcover-azure")
    assert not fetch.out.exists() or not list(fetch.out.iterdir())


def test_a_broken_transfer_leaves_nothing_and_goes_on_later(
    fetch: Fetcher, upstreams: Upstreams
) -> None:
    upstreams.fault("copernicus-dem-30m.*", skip=2, status=500)
    with pytest.raises(Unavailable, match="what was read is kept"):
        fetch("dem", "glo-30")
    assert not list(fetch.out.glob("*.tif"))
    upstreams.reset()
    fetch("dem", "glo-30")
    assert read_description(fetch.out / "dem.json").sha256


def test_what_is_there_unchanged_is_not_fetched_again(
    fetch: Fetcher, upstreams: Upstreams, tmp_path: Path
) -> None:
    fetch("dem", "glo-30")

    def there(upstream: Upstream, sources: OpenSources, **asked: Any) -> bool:
        values = {"region": "here", "box": TOWN, "only": {"dem": "glo-30"}} | asked
        request = FetchRequest(**values)
        plan = plan_theme("dem", request, sources, upstream, fetch.reporter)
        return is_fetched(plan, request, fetch.out, upstream)

    assert there(fetch.upstream, fetch.sources)
    assert not there(fetch.upstream, fetch.sources, resolution_m=90.0)
    assert not there(fetch.upstream, fetch.sources, region="another")
    document = fetch.sources.model_dump()
    document["themes"]["dem"]["sources"][0]["scale"] = 0.1
    assert not there(fetch.upstream, OpenSources.model_validate(document))
    upstreams.fault("copernicus-dem-30m.*", etag='"newer"')
    with Upstream(fetch.sources.hosts, tmp_path / "other", mirror=upstreams.address) as later:
        assert not there(later, fetch.sources), "its publisher has changed it since"
    upstreams.reset()
    (fetch.out / "dem.tif").write_bytes(b"other")
    assert not there(fetch.upstream, fetch.sources)


def test_a_box_in_the_open_sea_is_told(fetch: Fetcher) -> None:
    with pytest.raises((NotFound, Unavailable), match="no file of the box"):
        fetch("dem", "glo-30", (140.0, 20.0, 140.1, 20.1))
