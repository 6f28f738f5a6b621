"""Computed corridors held against the named ones of a plan: what follows what, and where nothing.

Lines are compared by buffers: of one line, the part that lies within a distance of the other
(Goodchild and Hunter 1997).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from shapely import LineString, MultiLineString
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput
from shanhai.science.corridors.pairs import Pair
from shanhai.science.grid import FloatArray

BUFFER_M = 500.0
"""Distance within which one line follows another, m; status E."""

_QUARTER = 16
"""Segments of a quarter circle of a buffer: its radius is then exact to 0.5 %."""

_STEPS = 20
"""A line is sampled at steps of this part of the buffer."""

_OUTLINE_STEPS = (400, 2_000, 10_000)
"""Points on the outline of an area, from which its centre line is found; more where it breaks."""

_WHOLE = 0.95
"""Share of the edges within an area, by length, from which they are in one piece."""


@dataclass(frozen=True, slots=True)
class FollowedPart:
    """How far a computed corridor and a named one go together.

    Attributes:
        link: The computed one.
        name: Key of the named one.
        share_of_link: Of the length of the computed one, within the buffer of the named one, 0–1.
        share_of_named: Of the length of the named one, within that of the computed one, 0–1.
        mean_distance_m: From the part of the named one that is followed to the computed one, m.
    """

    link: Pair
    name: str
    share_of_link: float
    share_of_named: float
    mean_distance_m: float


@dataclass(frozen=True, slots=True)
class NamedCourse:
    """A named corridor, and what of it is followed by any computed one.

    Attributes:
        line: Its centre line, m.
        length_m: Of that.
        followed_share: Of the length, within the buffer of any computed one, 0–1.
        mean_distance_m: From all of it to the nearest computed one, m; NaN where there is none.
        gaps: Lines that nothing follows, in the order of the line.
        parts: By falling share of the named one, then of the link.
    """

    line: BaseGeometry
    length_m: float
    followed_share: float
    mean_distance_m: float
    gaps: Sequence[BaseGeometry]
    parts: Sequence[FollowedPart]


def compare_with_named(
    links: Mapping[Pair, BaseGeometry],
    named: Mapping[str, BaseGeometry],
    buffer_m: float = BUFFER_M,
) -> dict[str, NamedCourse]:
    """Hold computed corridors against named ones.

    Args:
        links: Line of each computed corridor, m.
        named: Line or area of each named one, m; of an area its centre line counts.
        buffer_m: Distance within which a line follows another, m, above 0.

    Returns:
        By key of the named one, in their order.

    Raises:
        InvalidInput: the buffer is not above 0.

    Source: Goodchild and Hunter 1997, Int. J. Geographical Information Science 11(3), 299–306.
    """
    if not 0 < buffer_m < np.inf:
        raise InvalidInput(
            f"buffer_m is {buffer_m}; it must be finite and above 0",
            message_zh=f"buffer_m 为 {buffer_m}，须为有限数且大于 0",
            pointer="/buffer_m",
        )
    around = {
        pair: shapely.buffer(line, buffer_m, quad_segs=_QUARTER) for pair, line in links.items()
    }
    return {name: _course(name, one, links, around, buffer_m) for name, one in named.items()}


def best_matches(courses: Mapping[str, NamedCourse]) -> dict[Pair, FollowedPart]:
    """The named corridor each computed one follows most: the largest share of the computed one.

    Of equal shares that of the larger share of the named one, then the first key.
    """
    parts = [part for course in courses.values() for part in course.parts]
    found: dict[Pair, FollowedPart] = {}
    for part in sorted(parts, key=lambda one: (-one.share_of_link, -one.share_of_named, one.name)):
        found.setdefault(part.link, part)
    return dict(sorted(found.items()))


def _course(
    name: str,
    shape: BaseGeometry,
    links: Mapping[Pair, BaseGeometry],
    around: Mapping[Pair, BaseGeometry],
    buffer_m: float,
) -> NamedCourse:
    line = centre_line(shape) if shapely.area(shape) > 0 else shape
    length = float(shapely.length(line))
    near = shapely.buffer(line, buffer_m, quad_segs=_QUARTER)
    step = buffer_m / _STEPS
    parts = []
    for pair, link in links.items():
        together = shapely.intersection(line, around[pair])
        along = float(shapely.length(together))
        if along == 0:
            continue
        share = shapely.length(shapely.intersection(link, near)) / shapely.length(link)
        distance = _mean_distance(together, link, step)
        parts.append(FollowedPart(pair, name, float(share), along / length, distance))
    rest = shapely.difference(line, shapely.union_all(list(around.values())))
    every = shapely.union_all(list(links.values()))
    return NamedCourse(
        line,
        length,
        1 - float(shapely.length(rest)) / length,
        _mean_distance(line, every, step) if links else np.nan,
        _lines(rest),
        sorted(parts, key=lambda one: (-one.share_of_named, -one.share_of_link, one.link)),
    )


def _lines(geometry: BaseGeometry) -> list[BaseGeometry]:
    """The lines of a geometry, parts that touch joined."""
    parts = shapely.get_parts(geometry)
    lines = shapely.multilinestrings(parts[shapely.length(parts) > 0])
    return list(shapely.get_parts(shapely.line_merge(lines)))


def _mean_distance(line: BaseGeometry, to: BaseGeometry, step: float) -> float:
    """Mean distance of a line, by the middles of steps along it."""
    pieces = [np.column_stack(_middles(part, step)) for part in _lines(line)]
    x, y, weight = np.concatenate(pieces).T
    return float(np.average(shapely.distance(shapely.points(x, y), to), weights=weight))


def _middles(line: BaseGeometry, step: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Middles of the steps along a line, and their lengths."""
    points = shapely.get_coordinates(shapely.segmentize(line, step))
    lengths = np.hypot(*np.diff(points, axis=0).T)
    x, y = ((points[1:] + points[:-1]) / 2).T
    return x, y, lengths


def centre_line(area: BaseGeometry) -> BaseGeometry:
    """The longest way through the middle of an area, a line for each of its polygons.

    Edges between the Voronoi cells of points along the outline, as far as they lie within it, are
    its medial axis; the line is the longest of the shortest ways along them. Where an area is so
    thin that they break, it is no shorter than the long axis of the least rectangle around it.

    Args:
        area: Polygon or MultiPolygon of positive area.
    """
    polygons = [one for one in shapely.get_parts(area) if shapely.area(one) > 0]
    return MultiLineString([_axis(one) for one in polygons])


def _axis(polygon: BaseGeometry) -> LineString:
    outline = shapely.boundary(polygon)
    shapely.prepare(polygon)
    axes = []
    for steps in _OUTLINE_STEPS:
        step = shapely.length(outline) / steps
        cells = shapely.voronoi_polygons(shapely.segmentize(outline, step), only_edges=True)
        edges = np.stack(_segments(shapely.get_parts(cells)), 1)
        inside = edges[shapely.contains_properly(polygon, shapely.linestrings(edges))]
        if len(inside):
            way, held = _longest_way(*inside.transpose(1, 0, 2))
            # Within an area about as thin as the points lie apart it goes from side to side.
            axes.append(way if steps == _OUTLINE_STEPS[0] else shapely.simplify(way, step))
            if held >= _WHOLE:
                return axes[-1]
    corners = shapely.get_coordinates(shapely.oriented_envelope(polygon))[:4]
    axes += [LineString((corners + np.roll(corners, 1, axis=0))[turn::2] / 2) for turn in (0, 1)]
    return max(axes, key=shapely.length)


def _segments(lines: np.ndarray) -> tuple[FloatArray, FloatArray]:
    """Start and end of every segment of some lines."""
    points, owner = shapely.get_coordinates(lines, return_index=True)
    same = owner[1:] == owner[:-1]
    return points[:-1][same], points[1:][same]


def _longest_way(starts: FloatArray, stops: FloatArray) -> tuple[LineString, float]:
    """The longest of the shortest ways along segments, and the share of them joined to it."""
    nodes, numbers = np.unique(np.concatenate([starts, stops]), axis=0, return_inverse=True)
    one, other = numbers.reshape(2, -1)
    lengths = np.hypot(*(stops - starts).T)
    graph = coo_array((lengths, (one, other)), shape=(len(nodes), len(nodes))).tocsr()
    begin = np.argmax(lengths, keepdims=True)
    far = _farthest(dijkstra(graph, directed=False, indices=one[begin])[0])
    start = np.array([far])
    ways, before = (
        found[0]
        for found in dijkstra(graph, directed=False, indices=start, return_predecessors=True)
    )
    way = [_farthest(ways)]
    while before[way[-1]] >= 0:
        way.append(int(before[way[-1]]))
    held = lengths[np.isfinite(ways[one])].sum() / lengths.sum()
    return LineString(nodes[way]), float(held)


def _farthest(ways: FloatArray) -> int:
    """The node that lies farthest, of those that are reached."""
    return int(np.argmax(np.where(np.isfinite(ways), ways, -1.0)))
