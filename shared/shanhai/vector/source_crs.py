"""In which coordinate system a file's positions are, and how they become longitude and latitude.

CGCS2000 and WGS 84 are the same numbers here. Xi'an 80 and Beijing 54 are not: their shift differs
from place to place and is not public, so they are refused rather than moved by a guess, unless the
sender states the shift.
"""

import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.crs import BoundCRS
from pyproj.crs.coordinate_operation import ToWGS84Transformation
from pyproj.exceptions import CRSError

from shanhai.errors import InvalidInput
from shanhai.vocabulary import Label

Numbers = NDArray[np.float64]
POINTER = "/inputs/crs"
CODE = re.compile(r"(?:\[?EPSG:|http://www\.opengis\.net/def/crs/EPSG/0/)(\d{4,6})\]?", re.ASCII)
CRS84 = frozenset(
    {"OGC:CRS84", "[OGC:CRS84]", "CRS84", "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
)
LONGEST_TEXT = 20_000
ZONE_M = 1e6
"""What one zone's number adds to an easting that carries it."""
THREE_DEGREES = {zone: 4513 + zone - 25 for zone in range(25, 46)}
SIX_DEGREES = {zone: 4491 + zone - 13 for zone in range(13, 24)}
SAME_NUMBERS = ("CGCS2000", "WGS 84", "WGS84", "WGS_1984")
REFUSED: Mapping[str, Label] = {
    "IAG 1975": Label("西安 80", "Xi'an 80"),
    "Xian_1980": Label("西安 80", "Xi'an 80"),
    "Krassowsky 1940": Label("北京 54", "Beijing 54"),
    "Krasovsky_1940": Label("北京 54", "Beijing 54"),
    "Krassovsky, 1942": Label("北京 54", "Beijing 54"),
}

MOST_DEGREES = 360
"""Numbers up to this are degrees: an easting or northing in China is larger."""
MOST_SHIFT_M, MOST_ROTATION_SECONDS, MOST_SCALE_PPM = 2_000.0, 60.0, 200.0
"""Larger parameters between two datums are in another unit."""
RotationConvention = Literal["position_vector", "coordinate_frame"]
SHIFT_POINTER = "/inputs/datum_shift"


@dataclass(frozen=True, slots=True)
class DatumShift:
    """The shift from a datum to CGCS2000, as a surveying authority states it.

    Attributes:
        translation: Along X, Y and Z, m.
        rotation: About X, Y and Z, seconds of arc.
        scale_ppm: Change of scale, parts per million.
        convention: What a positive rotation turns: the position vector (EPSG method 9606), or the
            coordinate frame (EPSG method 9607; the Bursa-Wolf model as Chinese textbooks write it).
            The signs of the rotations are opposite.
    """

    translation: tuple[float, float, float]
    rotation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale_ppm: float = 0.0
    convention: RotationConvention = "position_vector"

    @property
    def to_wgs84(self) -> tuple[float, ...]:
        """The seven numbers in the order and with the signs of PROJ's `towgs84`."""
        sign = -1.0 if self.convention == "coordinate_frame" else 1.0
        return (*self.translation, *(sign * angle for angle in self.rotation), self.scale_ppm)

    @classmethod
    def parse(cls, text: str) -> "DatumShift":
        """The shift in `dx,dy,dz`, or in `CONVENTION:dx,dy,dz,rx,ry,rz,ppm`.

        Raises:
            InvalidInput: it is neither, or a number is too large to be in its unit.
        """
        named, _, rest = text.rpartition(":")
        convention = named.strip().replace("-", "_").lower()
        try:
            numbers = [float(part) for part in re.split(r"[,\s，]+", rest.strip())]
        except ValueError:
            numbers = []
        if len(numbers) == 7 and convention not in get_args(RotationConvention):
            raise _bad_shift(
                "has seven parameters; say which way they rotate, as"
                " coordinate_frame:dx,dy,dz,rx,ry,rz,ppm or position_vector:…",
                "为七参数，请注明旋转约定，如 coordinate_frame:dx,dy,dz,rx,ry,rz,ppm"
                "（布尔莎模型，坐标框架旋转）或 position_vector:…（位置矢量旋转）",
            )
        if len(numbers) not in {3, 7} or (len(numbers) == 3 and named):
            raise _bad_shift(
                "must be dx,dy,dz in m, or CONVENTION:dx,dy,dz,rx,ry,rz,ppm with rotations in"
                " seconds",
                "须为 dx,dy,dz（米），或 约定:dx,dy,dz,rx,ry,rz,ppm（旋转为角秒）",
            )
        most = (MOST_SHIFT_M,) * 3 + (MOST_ROTATION_SECONDS,) * 3 + (MOST_SCALE_PPM,)
        if not all(abs(one) <= limit for one, limit in zip(numbers, most, strict=False)):
            raise _bad_shift(
                f"must stay within {MOST_SHIFT_M:g} m, {MOST_ROTATION_SECONDS:g} seconds and"
                f" {MOST_SCALE_PPM:g} ppm",
                f"须在 {MOST_SHIFT_M:g} 米、{MOST_ROTATION_SECONDS:g} 角秒、"
                f"{MOST_SCALE_PPM:g} ppm 以内",
            )
        x, y, z, *turned = numbers
        if not turned:
            return cls((x, y, z))
        chosen: RotationConvention = (
            "coordinate_frame" if convention == "coordinate_frame" else "position_vector"
        )
        return cls((x, y, z), (turned[0], turned[1], turned[2]), turned[3], chosen)


def _bad_shift(en: str, zh: str) -> InvalidInput:
    return InvalidInput(
        f"datum_shift {en}", message_zh=f"datum_shift（基准转换参数）{zh}", pointer=SHIFT_POINTER
    )


@dataclass(frozen=True)
class System:
    """A system whose positions can be taken.

    Attributes:
        epsg: Its number, where it has one.
        told_by: What named it: `parameter`, `file` or `range`.
        zone: The Gauss-Krüger zone whose number must be taken off the eastings before, or, when
            negative, be put before them.
        shift: How its datum becomes CGCS2000, where it is another.
    """

    crs: CRS
    told_by: str
    zone: int = 0
    shift: DatumShift | None = None

    @property
    def name(self) -> str:
        """How reports call it."""
        epsg = self.crs.to_epsg()
        return str(self.crs.name) if epsg is None else f"EPSG:{epsg}"

    @property
    def bound(self) -> CRS:
        """The system with the shift of its datum to CGCS2000, where it has one."""
        if self.shift is None:
            return self.crs
        shift = ToWGS84Transformation(self.crs.geodetic_crs, *self.shift.to_wgs84)
        return BoundCRS(self.crs, CRS.from_epsg(4490), shift)

    @cached_property
    def _transformer(self) -> Transformer | None:
        if self.shift is not None:
            return Transformer.from_crs(self.bound, CRS.from_epsg(4490), always_xy=True)
        base = self.crs.geodetic_crs
        if self.crs.is_geographic or base is None:
            return None
        return Transformer.from_crs(self.crs, base.to_2d(), always_xy=True)

    def degrees(self, points: Numbers) -> Numbers:
        """Longitude and latitude of positions, easting or longitude first; inf where undefined."""
        if self._transformer is None:
            return points
        east = points[:, 0] - self.zone * ZONE_M
        lon, lat = self._transformer.transform(east, points[:, 1])
        return np.column_stack([lon, lat])


def find_system(
    told: str | None,
    wished: str | None,
    bounds: Numbers | None,
    shift: DatumShift | None = None,
    *,
    any_datum: bool = False,
) -> System:
    """The system of a file.

    Args:
        told: What the file says.
        wished: What the sender says; counts when the file is silent or its numbers cannot be of
            what it says, and must not contradict it otherwise.
        bounds: West, south, east, north of a good many positions, as they are in the file.
        shift: How the datum becomes CGCS2000, where it is another.
        any_datum: Take other datums than Xi'an 80 and Beijing 54 as they are, such as the sphere
            of a sinusoidal product.

    Raises:
        InvalidInput: it is unknown, ambiguous, or not one whose positions can be taken.
    """
    named = None if wished is None else _parse(wished, by_sender=True)
    own = None if told is None else _parse(told)
    if named is not None and own is not None and not _fits(own, bounds):
        own = None
    if named is not None and own is not None and not _alike(named, own):
        raise _refusal(
            f"the file says {own.name}, the parameter {named.name}",
            f"文件注明的坐标系为 {own.name}，与参数 {named.name} 不一致",
        )
    crs, by = (own, "file") if named is None else (named, "parameter")
    if crs is None:
        if shift is not None:
            raise _refusal(
                "a datum_shift says nothing without the system it is for; give `crs`",
                "给出了 datum_shift，但坐标系未知，请用 `crs` 指定",
            )
        return _by_range(bounds)
    crs = crs.source_crs if crs.is_bound and crs.source_crs is not None else crs
    contradiction = _contradicted(crs, bounds)
    if contradiction is not None:
        raise _refusal(contradiction.en, contradiction.zh)
    _check_datum(crs, shift, any_datum=any_datum)
    return System(crs, by, _zone_to_remove(crs, bounds), shift)


def _fits(crs: CRS, bounds: Numbers | None) -> bool:
    """Whether the numbers can be of the system."""
    try:
        _zone_to_remove(crs, bounds)
    except InvalidInput:
        return False
    return _contradicted(crs, bounds) is None


def _contradicted(crs: CRS, bounds: Numbers | None) -> Label | None:
    """Why the numbers cannot be of the system, where degrees are called metres or the reverse."""
    if bounds is None:
        return None
    is_degrees = bool(np.abs(bounds).max() <= MOST_DEGREES)
    shown = f"{bounds[0]:.6g}, {bounds[1]:.6g}"
    if crs.is_projected and is_degrees:
        return Label(
            f"文件注明 {crs.name}（单位为米），但坐标（如 {shown}）为度；请用 `crs` 指定，"
            "如 CGCS2000 为 EPSG:4490",
            f"the system is {crs.name}, in metres, but numbers such as {shown} are degrees: give"
            " `crs`, EPSG:4490 for CGCS2000",
        )
    if crs.is_geographic and not is_degrees:
        return Label(
            f"文件注明 {crs.name}（单位为度），但坐标（如 {shown}）不是度；"
            "请用 `crs` 指定投影坐标系",
            f"the system is {crs.name}, in degrees, but numbers such as {shown} are none: give the"
            " projected system as `crs`",
        )
    return None


def _parse(text: str, *, by_sender: bool = False) -> CRS:
    """A system by number, or as a file's WKT or PROJJSON; nothing that could be an address."""
    if text.strip() in CRS84:
        return CRS.from_epsg(4326)
    code = CODE.fullmatch(text.strip())
    try:
        if code is not None:
            return CRS.from_epsg(int(code[1]))
        if by_sender or len(text) > LONGEST_TEXT:
            raise CRSError("not a number")
        if text.lstrip().startswith("{"):
            return CRS.from_json_dict(_without_links(json.loads(text)))
        return CRS.from_wkt(text)
    except (CRSError, ValueError, TypeError, KeyError):
        raise _refusal(
            f"{text[:80]!r} is no known coordinate system; write `EPSG:n`",
            f"{text[:80]!r} 不是已知坐标系，请写作 `EPSG:n`",
        ) from None


def _without_links(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise TypeError("PROJJSON is an object")
    return document


def _alike(first: CRS, second: CRS) -> bool:
    if first.is_geographic and second.is_geographic:
        return _ellipsoid(first) == _ellipsoid(second) or _same(first) == _same(second)
    return (
        bool(first.equals(second, ignore_axis_order=True))
        or (first.to_epsg() is not None and first.to_epsg() == second.to_epsg())
        or _projections_match(first, second)
    )


def _projections_match(first: CRS, second: CRS) -> bool:
    """Whether two projections differ in nothing but their names, such as a `.prj` of ESRI's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is lost: the datum, which is compared elsewhere
        mine, other = first.to_dict(), second.to_dict()
    for one in (mine, other):
        for name in ("datum", "ellps", "a", "b", "rf", "type", "no_defs", "units"):
            one.pop(name, None)
    return bool(mine == other)


def _ellipsoid(crs: CRS) -> str:
    return str(crs.ellipsoid.name) if crs.ellipsoid is not None else ""


def _same(crs: CRS) -> bool:
    known = (_ellipsoid(crs), str(crs.datum.name) if crs.datum is not None else "")
    return any(name in text for name in SAME_NUMBERS for text in known)


def _check_datum(crs: CRS, shift: DatumShift | None, *, any_datum: bool) -> None:
    if crs.is_geocentric or crs.is_vertical or not (crs.is_geographic or crs.is_projected):
        raise _refusal(f"{crs.name} is no system of the plane", f"{crs.name} 不是平面坐标系")
    if shift is not None:
        if _same(crs):
            raise _bad_shift(
                f"is for other datums; {crs.name} needs none",
                f"只用于其他基准；{crs.name} 无须转换",
            )
        return
    label = older_datum(crs)
    if label is not None:
        raise _refusal(
            f"the file is in {label.en} ({crs.name}); its shift to CGCS2000 is local and not"
            " public. Convert it first with the parameters of your surveying authority, or state"
            " them as `datum_shift`",
            f"文件采用{label.zh}坐标系（{crs.name}），其到 CGCS2000 的转换参数因地而异且不公开，"
            "请先用测绘主管部门的参数转换，或用 `datum_shift` 给出参数",
            SHIFT_POINTER,
        )
    if not any_datum and not _same(crs):
        raise _refusal(
            f"{crs.name} is neither CGCS2000 nor WGS 84; convert it first",
            f"{crs.name} 既非 CGCS2000 也非 WGS 84，请先转换",
        )


def older_datum(crs: CRS) -> Label | None:
    """Which of the older national datums a system is on."""
    told = f"{_ellipsoid(crs)} {crs.name}"
    for name, label in REFUSED.items():
        if name in told or label.en.split()[0].lower() in told.lower():
            return label
    return None


def on_cgcs2000(crs: CRS) -> CRS:
    """The same degrees or projection on CGCS2000, by its number where it has one."""
    if crs.is_geographic:
        return CRS.from_epsg(4490)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is lost: the datum, which is replaced
        members = crs.to_dict()
    for name in ("datum", "ellps", "a", "b", "rf", "R", "towgs84"):
        members.pop(name, None)
    same = CRS.from_dict({**members, "ellps": "GRS80", "towgs84": "0,0,0"}).source_crs
    # Zones of three degrees first: the six-degree ones of the same meridian are alike.
    numbers = (*range(4513, 4555), *range(4491, 4513))
    meridian, false_easting = (
        _parameter(crs, "Longitude of natural origin"),
        _parameter(crs, "False easting"),
    )
    for number in numbers if "Gauss" in _method(crs) else ():
        known = CRS.from_epsg(number)
        if (meridian, false_easting) == (
            _parameter(known, "Longitude of natural origin"),
            _parameter(known, "False easting"),
        ) and _projections_match(crs, known):
            return known
    return CRS.from_user_input(same or crs)


def _zone_to_remove(crs: CRS, bounds: Numbers | None) -> int:
    """The zone's number in the eastings that the system does not have, or lacks and has."""
    if bounds is None or not crs.is_projected:
        return 0
    false_easting = _parameter(crs, "False easting")
    meridian = _parameter(crs, "Longitude of natural origin")
    if false_easting is None or meridian is None or "Gauss" not in _method(crs):
        return 0
    zones = {zone for zone in (meridian / 3, (meridian + 3) / 6) if zone == int(zone)}
    own, west, east = int(false_easting // ZONE_M), bounds[0] // ZONE_M, bounds[2] // ZONE_M
    if west != east or west == own:
        return 0
    if own == 0 and west in zones:
        return int(west)
    if own in zones and west == 0:
        return -own
    hint = _seem_swapped(bounds)
    raise _refusal(
        f"eastings such as {bounds[0]:.0f} do not belong to {crs.name},"
        f" whose central meridian is {meridian:g}{hint.en}",
        f"横坐标 {bounds[0]:.0f} 与 {crs.name}（中央经线 {meridian:g}°）不符{hint.zh}",
    )


def _seem_swapped(bounds: Numbers) -> Label:
    """A hint where the first numbers look like northings in China and the second like eastings."""
    northings = bounds[0] > 3e5 and bounds[2] < 6.2e6
    eastings = 1e5 < bounds[1] < ZONE_M or bounds[1] // ZONE_M in (THREE_DEGREES | SIX_DEGREES)
    if northings and eastings:
        return Label("；坐标顺序似乎颠倒", "; the coordinates seem to be swapped")
    return Label("", "")


def _method(crs: CRS) -> str:
    operation = crs.coordinate_operation
    name = "" if operation is None else str(operation.method_name)
    return "Gauss" if name in {"Transverse Mercator", "Gauss-Kruger"} else name


def _parameter(crs: CRS, name: str) -> float | None:
    operation = crs.coordinate_operation
    found = () if operation is None else operation.params
    return next((float(item.value) for item in found if item.name == name), None)


def _by_range(bounds: Numbers | None) -> System:
    """The system of a file that names none: only eastings with a zone's number say enough."""
    if bounds is None:
        return System(CRS.from_epsg(4490), "range")
    zone = int(bounds[0] // ZONE_M)
    if zone == bounds[2] // ZONE_M and zone in (THREE_DEGREES | SIX_DEGREES):
        return System(CRS.from_epsg((THREE_DEGREES | SIX_DEGREES)[zone]), "range")
    if np.abs(bounds).max() <= MOST_DEGREES:
        raise _refusal(
            "the file does not say its coordinate system; the numbers are degrees: give `crs`,"
            " EPSG:4490 for CGCS2000",
            "文件未注明坐标系，坐标为度；请用 `crs` 指定，如 CGCS2000 为 EPSG:4490",
        )
    if ZONE_M / 10 <= bounds[0] < ZONE_M:
        raise _refusal(
            "the file does not say its coordinate system, and six-digit eastings fit every zone:"
            " give `crs`, such as EPSG:4548 for the central meridian 117",
            "文件未注明坐标系，六位横坐标无法判断带号；"
            "请用 `crs` 指定，如中央经线 117° 为 EPSG:4548",
        )
    hint = _seem_swapped(bounds)
    raise _refusal(
        f"the file does not say its coordinate system; give `crs`{hint.en}",
        f"文件未注明坐标系，请用 `crs` 指定{hint.zh}",
    )


def _refusal(en: str, zh: str, pointer: str = POINTER) -> InvalidInput:
    return InvalidInput(en, message_zh=zh, pointer=pointer)
