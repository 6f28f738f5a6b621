"""The picture of a growth: processor time and memory against size, both axes in decades."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 720, 300
LEFT, TOP, SIDE, FULL = 62, 44, 270, 200
"""Of a panel: its edges, and how wide and high its axes are."""
BETWEEN = 350
POINT, LINE, INK, FAINT = "#1b6f5c", "#c4572a", "#222", "#ddd"

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Axis:
    """Whole decades from the lowest value to the highest."""

    low: int
    high: int
    length: float

    @classmethod
    def of(cls, values: Sequence[float], length: float) -> "_Axis":
        low = math.floor(math.log10(min(values)) + 1e-9)
        return cls(low, max(low + 1, math.ceil(math.log10(max(values)) - 1e-9)), length)

    def at(self, value: float) -> float:
        return self.length * (math.log10(value) - self.low) / (self.high - self.low)


def draw(document: dict[str, Any]) -> str:
    """The picture of a kind's figures, as SVG."""
    panels = (
        ("processor time, s", document["seconds"], document["time_grows"]),
        ("memory, MiB", document["mib"], document["memory_grows"]),
    )
    parts = [
        part
        for number, panel in enumerate(panels)
        for part in _panel(*panel, document["unit"], LEFT + number * BETWEEN)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
            f' font-family="sans-serif" font-size="11" fill="{INK}">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _panel(
    title: str, points: Points, law: dict[str, float] | None, unit: str, left: float
) -> Iterator[str]:
    yield f'<g transform="translate({left} {TOP})">'
    exponent = f": size^{law['exponent']:.2f}" if law else ""
    yield f'<text x="0" y="-16" font-size="13">{title}{exponent}</text>'
    if not points:
        yield f'<text x="{SIDE / 2}" y="{FULL / 2}" text-anchor="middle">below 1 MiB</text></g>'
        return
    across = _Axis.of([size for size, _ in points], SIDE)
    up = _Axis.of([value for _, value in points], FULL)
    yield from _grid(across, up)
    yield f'<text x="{SIDE / 2}" y="{FULL + 36}" text-anchor="middle">{unit}</text>'
    if law:
        yield _line(across, up, law, [size for size, _ in points])
    for size, value in points:
        x, y = across.at(size), FULL - up.at(value)
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{POINT}" fill-opacity="0.6"/>'
    yield "</g>"


def _grid(across: _Axis, up: _Axis) -> Iterator[str]:
    for power in range(across.low, across.high + 1):
        x = across.at(10.0**power)
        yield f'<path d="M{x:.1f} 0V{FULL}" stroke="{FAINT}"/>'
        yield f'<text x="{x:.1f}" y="{FULL + 16}" text-anchor="middle">{_told(power)}</text>'
    for power in range(up.low, up.high + 1):
        y = FULL - up.at(10.0**power)
        yield f'<path d="M0 {y:.1f}H{SIDE}" stroke="{FAINT}"/>'
        yield f'<text x="-6" y="{y + 4:.1f}" text-anchor="end">{_told(power)}</text>'


def _told(power: int) -> str:
    return f"{10**power:,}".replace(",", " ") if 0 <= power < 4 else f"10^{power}"


def _line(across: _Axis, up: _Axis, law: dict[str, float], sizes: Sequence[float]) -> str:
    ends = [
        (across.at(size), FULL - up.at(law["factor"] * size ** law["exponent"]))
        for size in (min(sizes), max(sizes))
    ]
    (x1, y1), (x2, y2) = ends
    place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {place} stroke="{LINE}" stroke-width="1.5"/>'
