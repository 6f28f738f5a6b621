"""The pattern of habitat beside that of its authors: `python -m benchmarks.pattern_comparison`.

Prints the table of docs/science/habitat_pattern.md. Foreground stays off the frame, where the two
programs mean different things.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
from scipy import ndimage

from benchmarks.invest import PEERS
from benchmarks.jrc_patterns import from_jrc
from shanhai.data.synthetic_watershed import build_watershed
from shanhai.local.places import Home
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.science.corridors.mspa.pattern import Mspa, MspaParameters, spatial_pattern
from shanhai.science.grid import BoolArray, ClassArray

SIDE = 400
MARGIN = 16
SEEDS = 3
SMOOTHING = (1.0, 2.0, 4.0)
"""Standard deviations of the noise that clumps are cut from, in cells: ragged to broad."""
NATURAL = (2, 3, 4)
"""Classes of the watershed's land cover that are habitat."""
CONNECTIVITY, EDGE_WIDTHS, TRANSITION = (8, 4), (1, 2, 4), (True, False)
SHOWN = (Mspa.CORE, Mspa.ISLET, Mspa.EDGE, Mspa.PERFORATION, Mspa.BRIDGE, Mspa.LOOP, Mspa.BRANCH)
_CLOSED = {35: 3, 67: 3, 37: 5, 69: 5}
"""Without transition a connector leaves the edge, or the perforation, whole that it crosses."""


def main() -> int:
    """Compare and print."""
    python = python_of_guidos()
    with tempfile.TemporaryDirectory() as folder:
        grids = make_grids(Path(folder))
        rows = list(compare(python, Path(folder), grids))
    heads = ("grid", "s", "connectivity", "transition", "all", *(one.name.lower() for one in SHOWN))
    for row in (heads, ("---",) * len(heads), *rows):
        print("|", " | ".join(row), "|")
    return 0


def python_of_guidos() -> Path:
    """The interpreter that has pyguidos; it is installed the first time."""
    folder = Home.of_checkout().path / "guidos"
    subprocess.run([PEERS / "guidos.sh", folder], check=True)
    return folder / "bin" / "python"


def make_grids(folder: Path) -> dict[str, list[BoolArray]]:
    """Habitat as clumps of noise and on the watershed, also as files the other program reads."""
    found = {f"clumps {one:g}": [_clumps(one, seed) for seed in range(SEEDS)] for one in SMOOTHING}
    watershed = build_watershed(folder / "watershed", cells=SIDE, cell_m=30)
    cover = np.nan_to_num(read_geotiff(watershed.rasters["land_cover"]).values[0])
    found["watershed"] = [np.pad(np.isin(cover, NATURAL), MARGIN)]
    (folder / "grids").mkdir()
    for name, grids in found.items():
        for number, grid in enumerate(grids):
            write_geotiff(
                folder / "grids" / f"{name}.{number}.tif",
                np.where(grid, 2, 1).astype(np.uint8),
                transform=(30.0, 0.0, 500_000.0, 0.0, -30.0, 2_700_000.0),
                crs="EPSG:4548",
                nodata=0,
            )
    return found


def _clumps(smoothing: float, seed: int) -> BoolArray:
    noise = np.random.default_rng(seed).standard_normal((SIDE, SIDE))
    smooth = ndimage.gaussian_filter(noise, smoothing)
    return np.pad(smooth > np.quantile(smooth, 0.5), MARGIN)


def compare(
    python: Path, folder: Path, grids: dict[str, list[BoolArray]]
) -> Iterator[tuple[str, ...]]:
    """Cells of one class in both, in parts of those of it in either; of all, of the foreground."""
    for width, neighbours, transition in product(EDGE_WIDTHS, CONNECTIVITY, TRANSITION):
        out = folder / f"{width}.{neighbours}.{transition:d}"
        out.mkdir()
        program = [python, PEERS / "guidos_pattern.py", folder / "grids", out]
        numbers = (neighbours, width, int(transition))
        subprocess.run([*map(str, program), *map(str, numbers)], check=True)
        parameters = MspaParameters(neighbours, width, transition)
        for name, each in grids.items():
            pairs = [
                (spatial_pattern(grid, None, parameters)[grid], _theirs(path, transition)[grid])
                for grid, path in zip(each, sorted(out.glob(f"{name}.*.tif")), strict=True)
            ]
            ours, theirs = (np.concatenate(side) for side in zip(*pairs, strict=True))
            said = "on" if transition else "off"
            yield (name, str(width), str(neighbours), said, *_shares(ours, theirs))


def _theirs(path: Path, transition: bool) -> ClassArray:
    codes = np.nan_to_num(read_geotiff(path).values[0]).astype(np.int64)
    if not transition:
        for crossing, whole in _CLOSED.items():
            codes[codes == crossing] = whole
    return from_jrc(codes)


def _shares(ours: ClassArray, theirs: ClassArray) -> Iterator[str]:
    yield f"{(ours == theirs).mean():.3f}"
    for code in SHOWN:
        either = int(((ours == code) | (theirs == code)).sum())
        both = int(((ours == code) & (theirs == code)).sum())
        yield f"{both / either:.3f}" if either else "–"


if __name__ == "__main__":
    sys.exit(main())
