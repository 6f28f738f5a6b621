"""What maps of plans are drawn on and with: a pale layer of the land, and filled outlines."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from shapely.geometry.base import BaseGeometry

from shanhai.cartography import RampStyle, style_of
from shanhai.reporting.map_decorations import district_rings
from shanhai.reporting.maps import MapFrame
from shanhai.science.arrays import FloatArray


def draw_ground(
    axes: Axes, values: FloatArray, theme: str, frame: MapFrame, *, alpha: float = 0.30
) -> None:
    """Draw a quantity of the land in the colours of its theme, pale."""
    style = style_of(theme)
    if not isinstance(style, RampStyle):
        raise TypeError(f"{theme} is not drawn by a ramp")
    west, south, east, north = frame.bounds
    axes.imshow(
        values,
        cmap=LinearSegmentedColormap.from_list(theme, style.colors),
        norm=Normalize(style.low, style.high),
        extent=(west, east, south, north),
        interpolation="nearest",
        alpha=alpha,
    )


def fill_shapes(axes: Axes, shapes: Sequence[BaseGeometry], color: str, alpha: float) -> None:
    """Fill the polygons among some shapes."""
    for shape in shapes:
        rings = [Outline(ring, closed=True) for ring in district_rings(shape)]
        if rings:
            outline = Outline.make_compound_path(*rings)
            axes.add_patch(PathPatch(outline, facecolor=color, edgecolor="none", alpha=alpha))
