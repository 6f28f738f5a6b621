"""Where things stand on a sheet, in millimetres of paper, and the scale that fits."""

from dataclasses import dataclass

from shanhai.processes.compose_map_sheet.contract import PAPERS_MM, Orientation, Paper

STEPS = (1.0, 1.2, 1.5, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0)
"""Scales are these times a power of ten."""
MARGIN = 0.02
"""Room around a region, in parts of its longer side."""

Bounds = tuple[float, float, float, float]
"""West, south, east, north, m; or left, foot, right, top, mm."""

_LETTERS = {"A4": 1.0, "A3": 1.2, "A2": 1.5, "A1": 1.9, "A0": 2.4}
"""How much larger than on A4 everything is written: who reads a wall map stands further away."""
_MARGIN, _GAP, _LINE = 8.0, 5.2, 1.2
_TITLE, _SECOND_TITLE = 13.0, 6.5
_FOOT, _SECOND_FOOT = 14.5, 4.5
_PANEL_WIDTH, _PANEL_SHARE = 62.0, 0.22
_PANEL_HEIGHT, _SECOND_PANEL = 62.0, 14.0
"""What is written in two languages takes the second figures besides."""


@dataclass(frozen=True, slots=True)
class SheetLayout:
    """Boxes of a sheet, mm from its lower left corner: left, foot, right, top.

    Attributes:
        size: Width and height of the paper.
        letters: How much larger than on A4 everything is written.
        frame: The outer frame, around map and panel.
        map: The map itself.
        panel: Legend, inset, north arrow and scale: beside the map, or below it on a high sheet.
    """

    size: tuple[float, float]
    letters: float
    frame: Bounds
    map: Bounds
    panel: Bounds

    @classmethod
    def of(cls, paper: Paper, orientation: Orientation, *, two_languages: bool) -> "SheetLayout":
        """The layout of a paper; a title in two languages takes two lines."""
        longer, shorter = PAPERS_MM[paper]
        width, height = (
            (float(longer), float(shorter))
            if orientation == "landscape"
            else (float(shorter), float(longer))
        )
        k = _LETTERS[paper]
        title = _TITLE + _SECOND_TITLE * two_languages
        left, foot = _MARGIN * k, (_MARGIN + _FOOT + _SECOND_FOOT * two_languages) * k
        right, top = width - _MARGIN * k, height - (_MARGIN + title) * k
        gap = _GAP * k
        if orientation == "landscape":
            edge = right - max(_PANEL_WIDTH * k, _PANEL_SHARE * width)
            shown = (left + gap, foot + gap, edge - gap, top - gap)
            panel = (edge, foot, right, top)
        else:
            edge = foot + (_PANEL_HEIGHT + _SECOND_PANEL * two_languages) * k
            shown = (left + gap, edge + gap, right - gap, top - gap)
            panel = (left, foot, right, edge)
        return cls((width, height), k, (left, foot, right, top), shown, panel)

    @property
    def map_size(self) -> tuple[float, float]:
        """Width and height of the map, mm."""
        left, foot, right, top = self.map
        return right - left, top - foot

    def least_scale(self, bounds: Bounds) -> float:
        """The n of 1:n at which a box in metres just fits into the map."""
        west, south, east, north = bounds
        width, height = self.map_size
        return max((east - west) / width, (north - south) / height) * 1e3

    def frame_at(self, bounds: Bounds, scale: float) -> Bounds:
        """What the map shows at 1:scale with the box in its middle, m."""
        west, south, east, north = bounds
        x, y = (west + east) / 2, (south + north) / 2
        half_width, half_height = (side * scale / 2e3 for side in self.map_size)
        return x - half_width, y - half_height, x + half_width, y + half_height


def round_scale(least: float) -> int:
    """The largest round scale that is no larger than 1:least, as the n of 1:n."""
    power = 1.0
    while power * 10 < least:
        power *= 10
    fitting = (step * power for step in (*STEPS, 10.0) if step * power >= least * (1 - 1e-9))
    return round(next(fitting))


def best_orientation(paper: Paper, bounds: Bounds, *, two_languages: bool) -> Orientation:
    """The way to lay the paper that shows a box larger."""
    landscape, portrait = (
        SheetLayout.of(paper, way, two_languages=two_languages).least_scale(bounds)
        for way in ("landscape", "portrait")
    )
    return "landscape" if landscape <= portrait else "portrait"


def widened(bounds: Bounds) -> Bounds:
    """A box with the room around it that a region has on its sheet."""
    west, south, east, north = bounds
    pad = MARGIN * max(east - west, north - south)
    return west - pad, south - pad, east + pad, north + pad
