"""Open files of unknown origin: one named driver, no other file, and facts before pixels."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import DTypeLike, NDArray
from rasterio.enums import MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

from shanhai.errors import InvalidInput, LimitExceeded, UnsupportedFile
from shanhai.raster.crs import parse_crs, transformer
from shanhai.raster.geotiff import Transform, crs_text, write_geotiff

POINTER = "/inputs/upload"
MAX_PIXELS = 2_000_000_000
MAX_BANDS = 64
MAX_PIXELS_PER_BYTE = 2_000

_TIFF_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_OTHER_MAGIC = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"PK\x03\x04": "ZIP",
    b"\x89HDF": "HDF5 or netCDF-4",
    b"CDF": "netCDF",
    b"SQLite": "SQLite or GeoPackage",
    b"GIF8": "GIF",
    b"%PDF": "PDF",
    b"<VRT": "VRT",
    b"{": "JSON",
}


@dataclass(frozen=True, slots=True)
class RasterFacts:
    """What a file says of itself before any pixel is read.

    Attributes:
        bands: Number of bands.
        width: Columns.
        height: Rows.
        dtype: Type of the first band.
        crs: Authority code, or WKT where none fits; None when the file names no system.
        transform: Coefficients a, b, c, d, e, f from column, row to x, y.
        nodata: Value that stands for nodata, if any.
        scaling: What stored numbers are multiplied by, and what is added then.
        unit: Unit of the scaled values; empty when the file does not say, all where bands differ.
        masked: Whether a mask of the file leaves cells out.
        tags: Free metadata of the file.
    """

    bands: int
    width: int
    height: int
    dtype: str
    crs: str | None
    transform: Transform
    nodata: float | None
    scaling: tuple[float, float]
    unit: str
    masked: bool
    tags: dict[str, str]

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in the file's own system."""
        a, _, west, _, e, north = self.transform
        return (west, north + self.height * e, west + self.width * a, north)


def refuse(message: str, message_zh: str, pointer: str = POINTER) -> UnsupportedFile:
    """The refusal of a file, pointing at the input it came by."""
    return UnsupportedFile(message, message_zh=message_zh, pointer=pointer)


def check_magic(path: Path) -> None:
    """Refuse what does not begin as a TIFF, saying what it looks like.

    Raises:
        UnsupportedFile: the file is empty or something else.
    """
    with path.open("rb") as file:
        head = file.read(16)
    if head[:4] in _TIFF_MAGIC:
        return
    if not head:
        raise refuse("the file is empty; a GeoTIFF is required", "文件为空；须为 GeoTIFF")
    found = next((name for magic, name in _OTHER_MAGIC.items() if head.startswith(magic)), "other")
    raise refuse(
        f"the file is no TIFF (its first bytes say: {found}); a GeoTIFF is required",
        f"文件不是 TIFF（文件头为：{found}）；须为 GeoTIFF",
    )


@contextmanager
def open_geotiff(path: Path) -> Iterator[Any]:
    """Open by the GTiff driver alone, without overviews and without looking at neighbours.

    Raises:
        UnsupportedFile: it is no GeoTIFF, it is damaged, or it refers to other files.
    """
    check_magic(path)
    try:
        with (
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_PAM_ENABLED="NO"),
            quiet_georeference(),
            rasterio.open(path, driver="GTiff", OVERVIEW_LEVEL="NONE") as file,
        ):
            _refuse_references(file, path)
            yield file
    except RasterioIOError as error:
        raise refuse(
            "the TIFF is damaged or cut short: its pixels cannot be read",
            "TIFF 文件损坏或不完整：无法读取像元",
        ) from error


@contextmanager
def quiet_georeference() -> Iterator[None]:
    """A file without position is refused by `inspect_raster`; the warning would say it twice."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def _refuse_references(file: Any, path: Path) -> None:
    others = [name for name in file.files if Path(name).resolve() != path.resolve()]
    if others or file.tags(ns="OVERVIEWS"):
        raise refuse(
            "the TIFF refers to other files; a raster must be one self-contained file",
            "TIFF 引用了其他文件；栅格须为单个独立文件",
        )


def inspect_raster(path: Path, *, crs: str | None = None) -> RasterFacts:
    """Check the frame of an untrusted raster: driver, limits, type, position, system.

    Args:
        path: A file under a name we made.
        crs: Taken for a file that names no system.

    Raises:
        UnsupportedFile: it is not what it should be.
        LimitExceeded: it is larger than allowed.
    """
    with open_geotiff(path) as file:
        _check_limits(file, path)
        transform = _read_transform(path)
        _check_frame(file, transform)
        text = crs_text(file.crs) if file.crs else crs
        facts = RasterFacts(
            bands=file.count,
            width=file.width,
            height=file.height,
            dtype=file.dtypes[0],
            crs=text,
            transform=_coefficients(transform),
            nodata=file.nodata,
            scaling=_scaling(file),
            unit=", ".join(dict.fromkeys(unit for unit in file.units if unit))[:40],
            masked=_is_masked(file),
            tags=dict(file.tags()),
        )
    _check_crs(facts)
    return facts


def _scaling(file: Any) -> tuple[float, float]:
    """Scale and offset of the bands."""
    first, *others = dict.fromkeys(zip(file.scales, file.offsets, strict=True))
    if others:
        raise refuse(
            "the bands have different scales or offsets; one must hold for all",
            "各波段的比例系数或偏移量不同，须一致",
        )
    return first


def _is_masked(file: Any) -> bool:
    flags = file.mask_flag_enums[0]
    return MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags


def own_mask(file: Any, window: Any) -> NDArray[np.bool_] | None:
    """Cells of a window that the file's mask leaves out; None where it has no mask."""
    return np.asarray(file.read_masks(1, window=window) == 0) if _is_masked(file) else None


def as_stored(number: float, dtype: DTypeLike) -> float:
    """A number as cells of a type hold it: float32 has few decimal fractions as they are stated."""
    with np.errstate(over="ignore"):
        return float(np.asarray(number).astype(dtype)) if np.dtype(dtype).kind == "f" else number


def _read_transform(path: Path) -> Any:
    """The geotransform, from a second opening.

    A dataset opened at a fixed overview level leaves it unset where the file has none, and the
    binding then shows whatever the memory held. The first opening has made sure of the file.
    """
    with quiet_georeference(), rasterio.open(path, driver="GTiff") as file:
        return file.transform


def _coefficients(affine: Any) -> Transform:
    a, b, c, d, e, f = tuple(affine)[:6]
    return (a, b, c, d, e, f)


def _check_limits(file: Any, path: Path) -> None:
    pixels, size = file.width * file.height, path.stat().st_size
    if pixels > MAX_PIXELS:
        raise LimitExceeded(
            f"the raster has {pixels} pixels; at most {MAX_PIXELS} are allowed",
            message_zh=f"栅格有 {pixels} 个像元，最多允许 {MAX_PIXELS}",
            pointer=POINTER,
        )
    if file.count > MAX_BANDS:
        raise LimitExceeded(
            f"the raster has {file.count} bands; at most {MAX_BANDS} are allowed",
            message_zh=f"栅格有 {file.count} 个波段，最多允许 {MAX_BANDS}",
            pointer=POINTER,
        )
    if pixels * file.count > MAX_PIXELS_PER_BYTE * size:
        raise LimitExceeded(
            f"the file unpacks to more than {MAX_PIXELS_PER_BYTE} pixels per byte",
            message_zh=f"文件解压后每字节超过 {MAX_PIXELS_PER_BYTE} 个像元",
            pointer=POINTER,
        )


def _check_frame(file: Any, transform: Any) -> None:
    if any(dtype.startswith("complex") for dtype in file.dtypes):
        raise refuse("the pixels are complex numbers; real ones are required", "像元为复数类型")
    if transform.is_identity:
        raise refuse(
            "the TIFF has no position; a geotransform is required (is this a plain image?)",
            "TIFF 没有地理定位信息，须有仿射变换参数（是否为普通图片？）",
        )
    if transform.b or transform.d or transform.a <= 0 or transform.e >= 0:
        raise refuse(
            "the raster is rotated or not north-up; warp it to a north-up grid first",
            "栅格有旋转或非北向上，请先重采样为北向上",
        )


def _check_crs(facts: RasterFacts) -> None:
    if facts.crs is None:
        raise refuse(
            "the TIFF names no coordinate reference system; give one, for example EPSG:4548",
            "TIFF 未注明坐标参考系；请指定，例如 EPSG:4548",
            "/inputs/crs",
        )
    try:
        crs = parse_crs(facts.crs)
    except InvalidInput as error:
        raise refuse(error.message, error.message_zh, "/inputs/crs") from error
    if crs.is_geographic and not _plausible_degrees(facts.bounds):
        raise refuse(
            f"extent {facts.bounds} is not in degrees although {facts.crs[:20]} is geographic; "
            "the coordinates look projected, or longitude and latitude are swapped",
            f"坐标系为地理坐标，但范围 {facts.bounds} 不是经纬度，疑为投影坐标或经纬度颠倒",
            "/inputs/crs",
        )


def _plausible_degrees(bounds: tuple[float, float, float, float]) -> bool:
    west, south, east, north = bounds
    return west >= -361 and east <= 361 and south >= -91 and north <= 91


def lon_lat_bounds(facts: RasterFacts) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees, edges densified.

    Raises:
        UnsupportedFile: the extent lies where the system is not defined.
    """
    assert facts.crs is not None  # noqa: S101 - inspect_raster refuses files without one
    change = transformer(facts.crs, "EPSG:4326")
    west, south, east, north = change.transform_bounds(*facts.bounds)
    if not all(map(math.isfinite, (west, south, east, north))):
        raise refuse(
            f"extent {facts.bounds} lies outside the area of {facts.crs[:40]}; "
            "swapped axes, a zone prefix in the eastings or a wrong system?",
            f"范围 {facts.bounds} 超出坐标系适用区域；坐标轴颠倒、东坐标带号或坐标系有误？",
            "/inputs/crs",
        )
    return (west, south, east, north)


def resolution_m(facts: RasterFacts) -> float:
    """Side of a cell in metres: the geometric mean of both sides, at the middle of the raster."""
    assert facts.crs is not None  # noqa: S101 - inspect_raster refuses files without one
    a, _, _, _, e, _ = facts.transform
    crs = parse_crs(facts.crs)
    if not crs.is_geographic:
        return math.sqrt(a * -e) * crs.axis_info[0].unit_conversion_factor
    _, south, _, north = facts.bounds
    metres_per_degree = math.radians(1) * 6_371_008.8
    return math.sqrt(a * -e * math.cos(math.radians((south + north) / 2))) * metres_per_degree


_TRANSFORM = (100.0, 0.0, 500_000.0, 0.0, -100.0, 2_700_000.0)
_VRT = """<VRTDataset rasterXSize="4" rasterYSize="4">
  <SRS>EPSG:4548</SRS>
  <GeoTransform>500000, 100, 0, 2700000, 0, -100</GeoTransform>
  <VRTRasterBand dataType="Float32" band="1">
    <SimpleSource><SourceFilename>{target}</SourceFilename></SimpleSource>
  </VRTRasterBand>
</VRTDataset>
"""


def _make_secret(folder: Path) -> Path:
    secret = folder / "secret.tif"
    write_geotiff(secret, np.ones((4, 4)), transform=_TRANSFORM, crs="EPSG:4548")
    return secret


def make_renamed_vrt(folder: Path) -> Path:
    """A VRT under the name of a TIFF, showing the pixels of its neighbour."""
    path = folder / "renamed_vrt.tif"
    path.write_text(_VRT.format(target=_make_secret(folder)))
    return path


def make_overview_file_tiff(folder: Path) -> Path:
    """A valid TIFF whose metadata name another file as its overviews."""
    path = folder / "overview_file.tif"
    write_geotiff(path, np.zeros((4, 4)), transform=_TRANSFORM, crs="EPSG:4548")
    with rasterio.open(path, "r+", driver="GTiff") as file:
        file.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(_make_secret(folder)))
    return path
