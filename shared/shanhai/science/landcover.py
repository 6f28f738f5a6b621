"""Land cover: classes, products and parameters; vegetation cover and finer vegetation types."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, ClassArray, FloatArray
from shanhai.science.normalisation import NormalisationLimits, normalise


class LandCover(IntEnum):
    """Internal codes; 0 is nodata or sea."""

    CROPLAND = 1
    FOREST = 2
    SHRUBLAND = 3
    GRASSLAND = 4
    WETLAND = 5
    MANGROVE = 6
    WATER = 7
    BUILT_UP = 8
    BARE = 9
    SNOW_ICE = 10
    TUNDRA = 11


NODATA = 0


def _numbered(by_class: Mapping[LandCover, str]) -> Mapping[str, LandCover]:
    """Class by code, from the codes of each class in one text."""
    return MappingProxyType(
        {code: cover for cover, codes in by_class.items() for code in codes.split()}
    )


_GBT21010_COMMON: dict[LandCover, str] = {
    # Orchards, tea and rubber belong to farmland as ecosystems do in HJ 1166-2021; so do the ridges
    # between fields.
    LandCover.CROPLAND: "0101 0102 0103 0201 0202 0203 0204 1203",
    LandCover.FOREST: "0301 0302 0307",
    LandCover.SHRUBLAND: "0305",
    LandCover.GRASSLAND: "0401 0403 0404",
    LandCover.MANGROVE: "0303",
    LandCover.WATER: "1101 1102 1103 1104 1107",
    LandCover.BARE: "1201 1204 1205 1206 1207",
    LandCover.SNOW_ICE: "1110",
}
_WET = "0304 0306 0402 1105 1106 1108"
_BUILT = "0601 0602 0701 0702 0809 0810 1001 1002 1003 1004 1005 1006 1007 1008 1009 1109 1202"
LAND_SURVEY: Mapping[str, Mapping[str, LandCover]] = MappingProxyType(
    {
        "gbt21010": _numbered(
            _GBT21010_COMMON
            | {
                LandCover.WETLAND: _WET,
                LandCover.BUILT_UP: f"{_BUILT} 0603 0604 0501 0502 0503 0504 0505 0506 0507 0801"
                " 0802 0803 0804 0805 0806 0807 0808 0901 0902 0903 0904 0905 0906",
            }
        ),
        # The third survey counts salt pans as wetland and joins the classes of public and
        # commercial land, which have an H in their code.
        "tdt1055": _numbered(
            _GBT21010_COMMON
            | {
                LandCover.WETLAND: f"{_WET} 0603",
                LandCover.BUILT_UP: f"{_BUILT} 05H1 0508 08H1 08H2 09",
            }
        ),
    }
)
"""Classes of the second level by code, as texts: GB/T 21010-2017, and the working classification of
the third national land survey (TD/T 1055-2019). Their classes are status L, ours for them status E.
Neither has a class for the sea."""


def land_survey_class(code: str, table: str) -> LandCover | None:
    """The class of a parcel's code; a letter after the four digits, as in 0301K, says no more.

    Args:
        code: Such as `0101`, `05H1` or `1104A`.
        table: A key of `LAND_SURVEY`.

    Returns:
        None for a code the table does not have.
    """
    codes = LAND_SURVEY[table]
    plain = code.strip().upper()
    return codes.get(plain) or (codes.get(plain[:4]) if plain[4:] in {"A", "K"} else None)


SCHEMES: Mapping[str, Mapping[int, int]] = MappingProxyType(
    {
        "internal": {NODATA: NODATA} | {int(cover): int(cover) for cover in LandCover},
        "worldcover": {
            0: NODATA,
            10: LandCover.FOREST,
            20: LandCover.SHRUBLAND,
            30: LandCover.GRASSLAND,
            40: LandCover.CROPLAND,
            50: LandCover.BUILT_UP,
            60: LandCover.BARE,
            70: LandCover.SNOW_ICE,
            80: LandCover.WATER,
            90: LandCover.WETLAND,
            95: LandCover.MANGROVE,
            100: LandCover.TUNDRA,
        },
        "globeland30": {
            0: NODATA,
            10: LandCover.CROPLAND,
            20: LandCover.FOREST,
            30: LandCover.GRASSLAND,
            40: LandCover.SHRUBLAND,
            50: LandCover.WETLAND,
            60: LandCover.WATER,
            70: LandCover.TUNDRA,
            80: LandCover.BUILT_UP,
            90: LandCover.BARE,
            100: LandCover.SNOW_ICE,
            255: NODATA,
        },
        "clcd": {
            0: NODATA,
            1: LandCover.CROPLAND,
            2: LandCover.FOREST,
            3: LandCover.SHRUBLAND,
            4: LandCover.GRASSLAND,
            5: LandCover.WATER,
            6: LandCover.SNOW_ICE,
            7: LandCover.BARE,
            8: LandCover.BUILT_UP,
            9: LandCover.WETLAND,
        },
        # Karra et al. 2021, with the classes of its second version; clouds are unknown.
        "io_lulc": {
            0: NODATA,
            1: LandCover.WATER,
            2: LandCover.FOREST,
            4: LandCover.WETLAND,
            5: LandCover.CROPLAND,
            7: LandCover.BUILT_UP,
            8: LandCover.BARE,
            9: LandCover.SNOW_ICE,
            10: NODATA,
            11: LandCover.GRASSLAND,
        },
    }
    | {
        # As numbers: 101 for 0101. Codes with a letter have none.
        name: {NODATA: NODATA}
        | {int(code): int(cover) for code, cover in codes.items() if code.isdecimal()}
        for name, codes in LAND_SURVEY.items()
    }
)
"""Codes of ESA WorldCover, GlobeLand30, CLCD and the land survey; all but the first status L."""

SEA_AS_WATER = frozenset({"worldcover", "globeland30", "clcd", "io_lulc"})
"""Products that have one class for rivers, lakes and the sea."""

NATURALNESS: Mapping[LandCover, float] = MappingProxyType(
    {
        LandCover.CROPLAND: 0.3,
        LandCover.FOREST: 1.0,
        LandCover.SHRUBLAND: 0.8,
        LandCover.GRASSLAND: 0.7,
        LandCover.WETLAND: 0.9,
        LandCover.MANGROVE: 1.0,
        LandCover.WATER: 0.8,
        LandCover.BUILT_UP: 0.05,
        LandCover.BARE: 0.2,
    }
)
"""Naturalness, 0–1; status E."""

CROP_COEFFICIENT: Mapping[LandCover, float] = MappingProxyType(
    {
        LandCover.CROPLAND: 0.85,
        LandCover.FOREST: 1.00,
        LandCover.SHRUBLAND: 0.85,
        LandCover.GRASSLAND: 0.80,
        LandCover.WETLAND: 1.10,
        LandCover.MANGROVE: 1.05,
        LandCover.WATER: 1.00,
        LandCover.BUILT_UP: 0.25,
        LandCover.BARE: 0.50,
    }
)
"""Evapotranspiration of the class over reference evapotranspiration, Kc; values status E."""


def by_class(*values: float) -> Mapping[LandCover, float]:
    """A table of the classes from cropland to bare land, values in the order of their codes."""
    return MappingProxyType(dict(zip(LandCover, values, strict=False)))


def harmonise(raw: NDArray[np.integer], scheme: str) -> ClassArray:
    """Internal codes of a land-cover product.

    Args:
        raw: Codes of the product.
        scheme: A key of `SCHEMES`.

    Raises:
        InvalidInput: the scheme is unknown, or codes have no internal class (all are listed).
    """
    mapping = SCHEMES.get(scheme)
    if mapping is None:
        known = ", ".join(SCHEMES)
        raise InvalidInput(
            f"land-cover scheme is {scheme!r}; it must be one of {known}",
            message_zh=f"土地覆盖方案 {scheme!r} 未知，可选：{known}",
            pointer="/scheme",
        )
    codes, inverse, counts = np.unique(raw, return_inverse=True, return_counts=True)
    present = dict(zip(codes.tolist(), counts.tolist(), strict=True))
    unmapped = {code: count for code, count in present.items() if code not in mapping}
    if unmapped:
        raise _without_row(f"land-cover scheme {scheme!r}", unmapped)
    internal = np.array([mapping[code] for code in present], dtype=np.uint8)
    return internal[inverse].reshape(raw.shape)


def class_values(land_cover: ClassArray, table: Mapping[LandCover, float]) -> FloatArray:
    """The table's value of every cell; NaN for nodata.

    Raises:
        InvalidInput: a class that occurs has no row in the table (all are listed).
    """
    counts = np.bincount(land_cover.ravel(), minlength=len(LandCover) + 1)
    require_rows(dict(enumerate(counts.tolist())), table)
    values = np.full(counts.size, np.nan)
    for cover, value in table.items():
        values[cover] = value
    return values[land_cover]


def require_rows(counts: Mapping[int, int], table: Mapping[LandCover, float]) -> None:
    """Refuse classes that occur and have no row in the table.

    Args:
        counts: Cells by class; nodata is left out.
        table: Parameter by class.

    Raises:
        InvalidInput: a class has no row; all are listed with their cells.
    """
    missing = {
        code: count
        for code, count in counts.items()
        if count and code != NODATA and code not in table
    }
    if missing:
        raise _without_row("the land-cover parameter table", missing)


def is_built_up(land_cover: ClassArray) -> BoolArray:
    """Whether a cell is built-up."""
    return np.asarray(land_cover == LandCover.BUILT_UP)


def is_water(land_cover: ClassArray) -> BoolArray:
    """Whether a cell is inland water."""
    return np.asarray(land_cover == LandCover.WATER)


def _without_row(where: str, counts: Mapping[int, int]) -> InvalidInput:
    listing = ", ".join(f"{code} ({count} cells)" for code, count in counts.items())
    listing_zh = "、".join(f"{code}（{count} 个像元）" for code, count in counts.items())
    return InvalidInput(
        f"codes without a class in {where}: {listing}; every code must be mapped",
        message_zh=f"土地覆盖代码无对应类别：{listing_zh}；每个代码都须有映射",
    )


SOIL_PROBABILITY = 0.05
"""Quantile of land cells without water that stands for bare soil; status E."""

VEGETATION_PROBABILITY = 0.95
"""Quantile of land cells without water that stands for full cover; status E."""


def vegetation_cover(ndvi: FloatArray, soil: float, vegetation: float) -> FloatArray:
    """Fractional vegetation cover of the dimidiate pixel model.

    `clip((NDVI − soil)/(vegetation − soil), 0, 1)`.

    Args:
        ndvi: Vegetation index, −1…1.
        soil: Index of bare soil.
        vegetation: Index of full cover.

    Returns:
        0–1; 0 everywhere when `vegetation` ≤ `soil`, NaN stays NaN.

    Source: Gutman and Ignatov 1998.
    """
    return normalise(ndvi, NormalisationLimits(soil, vegetation))


class VegetationType(IntEnum):
    """Codes of a vegetation map; 0 where it says nothing."""

    EVERGREEN_BROADLEAF_FOREST = 1
    EVERGREEN_NEEDLELEAF_FOREST = 2
    MIXED_FOREST = 3
    DECIDUOUS_BROADLEAF_FOREST = 4
    DECIDUOUS_NEEDLELEAF_FOREST = 5
    OPEN_WOODLAND = 6
    EVERGREEN_SHRUB = 7
    DECIDUOUS_SHRUB = 8
    NEEDLELEAF_SHRUB = 9
    OPEN_SHRUB = 10
    MEADOW = 11
    STEPPE = 12
    TUSSOCK = 13
    SPARSE_GRASS = 14
    WETLAND = 15


GUIDELINE_RUNOFF: Mapping[VegetationType, float] = MappingProxyType(
    {
        VegetationType.EVERGREEN_BROADLEAF_FOREST: 0.0267,
        VegetationType.EVERGREEN_NEEDLELEAF_FOREST: 0.0302,
        VegetationType.MIXED_FOREST: 0.0229,
        VegetationType.DECIDUOUS_BROADLEAF_FOREST: 0.0133,
        VegetationType.DECIDUOUS_NEEDLELEAF_FOREST: 0.0088,
        VegetationType.OPEN_WOODLAND: 0.1920,
        VegetationType.EVERGREEN_SHRUB: 0.0426,
        VegetationType.DECIDUOUS_SHRUB: 0.0417,
        VegetationType.NEEDLELEAF_SHRUB: 0.0417,
        VegetationType.OPEN_SHRUB: 0.1920,
        VegetationType.MEADOW: 0.0820,
        VegetationType.STEPPE: 0.0478,
        VegetationType.TUSSOCK: 0.0937,
        VegetationType.SPARSE_GRASS: 0.1827,
        VegetationType.WETLAND: 0.0,
    }
)
"""Share of the rain that runs off (Ecological Protection Red-line Delineation Guideline 2017).

The guideline gives nothing for cropland, built-up and bare land."""


def refine(
    by_class: FloatArray, vegetation_type: ClassArray, table: Mapping[VegetationType, float]
) -> FloatArray:
    """A parameter by land cover, replaced where the vegetation type is known.

    Args:
        by_class: Value of the land-cover class; NaN is nodata and stays it.
        vegetation_type: Codes of `VegetationType`; 0 leaves the value of the class.
        table: Value by type.

    Raises:
        InvalidInput: a code is none of `VegetationType`, or the table has no row for it.
    """
    counts = np.bincount(vegetation_type.ravel())
    unknown = [code for code in np.flatnonzero(counts).tolist() if code and code not in table]
    if unknown:
        listing = ", ".join(f"{code} ({counts[code]} cells)" for code in unknown)
        raise InvalidInput(
            f"vegetation_type holds codes without a value: {listing}; codes are 0 and "
            f"{min(table)}–{max(table)}",
            message_zh=f"植被类型代码无对应数值：{listing}；"
            f"代码须为 0 或 {min(table)}–{max(table)}",
        )
    values = np.zeros(max(counts.size, len(VegetationType) + 1))
    for kind, value in table.items():
        values[kind] = value
    refined = np.where(vegetation_type == 0, by_class, values[vegetation_type])
    return np.where(np.isnan(by_class), np.nan, refined)
