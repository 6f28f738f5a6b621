"""Other servers of raster tiles over the same files, each as processes of its own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from benchmarks.mapserver_peer import missing_programs, serving_fcgi
from benchmarks.peer_process import environment, serving_process
from benchmarks.rasters import CRS_OF, HIGH, LOW
from benchmarks.tile_addresses import Address
from shanhai.local.places import CHECKOUT
from shanhai_tiles.grids import Bounds
from tests.support.workers import free_port

PACKAGES = ("titiler.core==2.4.0", "uvicorn[standard]")
COLORMAP = "viridis"
# What the documentation of TiTiler recommends.
TITILER_SETTINGS = {
    "GDAL_CACHEMAX": "200",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "VSI_CACHE": "TRUE",
}
MAP = """\
MAP
  NAME "tiles"
  EXTENT -20037508.34 -20037508.34 20037508.34 20037508.34
  SIZE 256 256
  UNITS METERS
  IMAGETYPE "tile"
  PROJECTION "init=epsg:3857" END
  OUTPUTFORMAT
    NAME "tile"
    DRIVER "AGG/PNG"
    MIMETYPE "image/png"
    IMAGEMODE RGBA
    TRANSPARENT ON
    FORMATOPTION "COMPRESSION=1"
  END
  OUTPUTFORMAT
    NAME "palette"
    DRIVER "AGG/PNG"
    MIMETYPE "image/png"
    IMAGEMODE RGBA
    TRANSPARENT ON
    FORMATOPTION "COMPRESSION=1"
    FORMATOPTION "QUANTIZE_FORCE=ON"
    FORMATOPTION "QUANTIZE_COLORS=256"
  END
  WEB METADATA
    "ows_title" "tiles"
    "ows_enable_request" "*"
    "ows_srs" "EPSG:3857 EPSG:4490 EPSG:4548"
    "ows_onlineresource" "http://127.0.0.1/"
  END END
{layers}
END
"""
# As many colours as a palette has: without a number of them the class is found for 65 536 values.
LAYER = """\
  LAYER
    NAME "{name}"
    METADATA "ows_title" "{name}" END
    TYPE RASTER
    STATUS ON
    DATA "{path}"
    PROJECTION "init={crs}" END
    PROCESSING "RESAMPLE=NEAREST"
    PROCESSING "CLOSE_CONNECTION=DEFER"
    PROCESSING "SCALE={low},{high}"
    PROCESSING "SCALE_BUCKETS=256"
    CLASS
      STYLE
        COLORRANGE "#440154" "#fde725"
        DATARANGE {low} {high}
      END
    END
  END
"""


@dataclass(frozen=True, slots=True)
class TilePeer:
    """A server of tiles, and the addresses of tiles of a file by `{name}`, `{z}`, `{x}`, `{y}`.

    Attributes:
        address: Of a picture in colours.
        boxed: Of a picture of a box, `{west}` to `{north}`, in the system `{epsg}`.
        paletted: Of a picture with a palette; empty where it writes none.
        values: Of values as NumPy; empty where it writes none.
    """

    name: str
    base_url: str
    address: str
    boxed: str
    paletted: str = ""
    values: str = ""

    def paths(self, file: str, addresses: list[Address]) -> list[str]:
        """The paths of some tiles of a file."""
        return self.at(self.address, file, addresses)

    def at(self, address: str, file: str, addresses: list[Address]) -> list[str]:
        """The same by one of its addresses."""
        return [address.format(name=file, z=z, x=x, y=y) for z, x, y in addresses]

    def pictures(self, file: str, boxes: list[Bounds], epsg: int) -> list[str]:
        """The paths of pictures of boxes in a system."""
        names = ("west", "south", "east", "north")
        return [
            self.boxed.format(name=file, epsg=epsg, **dict(zip(names, box, strict=True)))
            for box in boxes
        ]


def left_out() -> str:
    """What a title adds where MapServer is not installed."""
    missing = missing_programs()
    return f"; without MapServer, for want of {', '.join(missing)}" if missing else ""


@contextmanager
def serving_tile_peers(folder: Path, workers: int) -> Iterator[list[TilePeer]]:
    """The peers, each with so many processes; MapServer only where it is installed."""
    with ExitStack() as at_end:
        peers = [at_end.enter_context(_serving_titiler(folder, workers))]
        if not missing_programs():
            peers.append(at_end.enter_context(_serving_mapserver(folder, workers)))
        yield peers


@contextmanager
def _serving_titiler(folder: Path, workers: int) -> Iterator[TilePeer]:
    port = free_port()
    command = [str(environment("tiles", PACKAGES) / "uvicorn"), "titiler_app:app", f"--port={port}"]
    options = [f"--workers={workers}", "--no-access-log", "--log-level=warning"]
    place = ["--app-dir", str(CHECKOUT / "benchmarks" / "peers")]
    log = folder / f"titiler-{workers}.log"
    with serving_process([*command, *options, *place], TITILER_SETTINGS, log, port):
        query = f"rescale={LOW:g},{HIGH:g}&colormap_name={COLORMAP}"
        file = f"{quote(str(folder), safe='')}%2F{{name}}.tif"
        tile = "/tiles/WebMercatorQuad/{z}/{x}/{y}"
        box = "/bbox/{west},{south},{east},{north}/256x256.png"
        systems = "coord_crs=EPSG:{epsg}&dst_crs=EPSG:{epsg}"
        yield TilePeer(
            "titiler.core",
            f"http://127.0.0.1:{port}",
            f"{tile}.png?url={file}&{query}",
            f"{box}?url={file}&{query}&{systems}",
            values=f"{tile}.npy?url={file}",
        )


@contextmanager
def _serving_mapserver(folder: Path, workers: int) -> Iterator[TilePeer]:
    layers = [
        LAYER.format(name=path.stem, path=path, crs=crs.lower(), low=LOW, high=HIGH)
        for name, crs in CRS_OF.items()
        for path in sorted(folder.glob(f"{name}*.tif"))
    ]
    written = folder / "tiles.map"
    written.write_text(MAP.format(layers="".join(layers)))
    config = f'CONFIG\n  MAPS\n    TILES "{written}"\n  END\nEND\n'
    with serving_fcgi(folder, config, workers) as base_url:
        address = "/?map=TILES&mode=tile&tilemode=gmap&layers={name}&tile={x}+{y}+{z}"
        box = (
            "/?map=TILES&SERVICE=WMS&VERSION=1.1.1&REQUEST=GetMap&STYLES=&LAYERS={name}"
            "&SRS=EPSG:{epsg}&BBOX={west},{south},{east},{north}&WIDTH=256&HEIGHT=256"
            "&FORMAT=image/png"
        )
        yield TilePeer(
            "MapServer", base_url, address, box, paletted=f"{address}&map.imagetype=palette"
        )
