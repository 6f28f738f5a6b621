"""Boxes of longitude and latitude, given or known."""

from shanhai.data.regions import DEMO_REGIONS
from shanhai.errors import InvalidInput, NotFound

Box = tuple[float, float, float, float]
"""West, south, east, north in WGS 84 degrees."""

_LONGITUDES, _LATITUDES = (-180.0, 180.0), (-90.0, 90.0)


def region_box(region: str, bbox: str | None) -> Box:
    """The box asked for, or that of a region the product knows.

    Raises:
        InvalidInput: the text is no box.
        NotFound: the region is unknown and no box is given.
    """
    if bbox is not None:
        return parse_box(bbox)
    for known in DEMO_REGIONS:
        if known.code == region:
            return known.box
    raise NotFound(
        f"region is {region}; give --bbox west,south,east,north for a region other than "
        + ", ".join(known.code for known in DEMO_REGIONS)
    )


def parse_box(text: str) -> Box:
    """West, south, east and north from `w,s,e,n`.

    Raises:
        InvalidInput: not four numbers in order and within the globe.
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidInput(
            f"bbox is {text}; it must be four numbers west,south,east,north", pointer="/bbox"
        ) from error
    inside = (
        _LONGITUDES[0] <= west < east <= _LONGITUDES[1]
        and _LATITUDES[0] <= south < north <= _LATITUDES[1]
    )
    if not inside:
        raise InvalidInput(
            f"bbox is {text}; west < east within ±180 and south < north within ±90 are required",
            pointer="/bbox",
        )
    return (west, south, east, north)
