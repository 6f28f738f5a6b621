"""From open sources to zones of a city nobody prepared: a coast in two UTM zones."""

from pathlib import Path

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from rich.console import Console
from shapely.geometry import shape

from shanhai.data.download import Reporter
from shanhai.data.fetch_command import FetchOptions, fetch_region
from shanhai.local.stack import Stack
from tests.support.office import Office, office
from tests.support.upstream import landscape
from tests.support.upstream.control import Upstreams
from tests.support.upstream.ocean import simplified_ocean
from tests.support.upstream.regions import COASTAL, write_outlines

CITY = "minhai"
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def city_platform(stack: Stack) -> Office:
    return office(stack)


@pytest.fixture(scope="module")
def fetched(upstreams_of_session: Upstreams, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The nine themes; Landsat's NDVI, for it is painted sooner than Sentinel-2's."""
    folder = tmp_path_factory.mktemp("open")
    upstreams_of_session.reset()
    upstreams_of_session.set(ranges_at_worldpop=True)
    options = FetchOptions(
        region=CITY,
        out=folder / CITY,
        cache=folder / "cache",
        regions=write_outlines("coastal", folder),
        margin="2km",
        resolution_m=100.0,
        only={"ndvi": "landsat"},
        mirror=upstreams_of_session.address,
    )
    missing = fetch_region(
        options, Reporter(Console(stderr=True)), find_ocean=lambda _box, _told: simplified_ocean()
    )
    assert missing == []
    return options.out


def places(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitudes and latitudes in the region, away from its edge."""
    draw = np.random.default_rng(1)
    west, south, east, north = COASTAL
    return (
        draw.uniform(west + 0.02, east - 0.02, count),
        draw.uniform(south + 0.02, north - 0.02, count),
    )


def test_towns_are_zoned_and_the_sea_is_not(city_platform: Office, fetched: Path) -> None:
    code, told = city_platform.imported(fetched, "--visibility", "public")
    assert code == 0, told
    assert set(told.values()) == {"made"}
    done = city_platform.command(
        "jobs", "submit", "delineate-zones", "--region", CITY, "--set", "cell_m=100",
        "--set", "publish=true", "--tiles", city_platform.tiles,
    )  # fmt: skip
    assert done.exit_code == 0, (done.output, done.exception)
    lines = dict(line.split("  ", 1) for line in done.stdout.splitlines())
    with city_platform.client() as api:
        read = api.get("/collections/zones/items", scheme=lines["scheme"], limit=100)
    zoned = shapely.union_all([shape(one["geometry"]) for one in read["features"]])
    longitude, latitude = places(4_000)
    inside = shapely.contains_xy(zoned, longitude, latitude)
    cover = landscape.cover(longitude, latitude)
    sea = landscape.sea(longitude, latitude)
    built = cover == landscape.BUILT
    unsettled = np.isnan(landscape.people(longitude, latitude)) & ~sea & (cover != landscape.WATER)
    assert built.sum() > 50
    assert inside[built].mean() > 0.97, "built-up cells survive"
    assert inside[unsettled].mean() > 0.97, "where nobody lives there are zones all the same"
    assert inside[sea].mean() < 0.02, "the sea stays sea"
