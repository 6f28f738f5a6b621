"""`python -m benchmarks.comparison`: our results beside other programs', into the documentation.

The libraries come with the development environment; InVEST is built the first time.
"""

import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

from benchmarks.agreement import Agreement
from benchmarks.comparison_statistics import Finding, statistics_findings
from benchmarks.ecoservice_inputs import make_inputs
from benchmarks.ecoservices import MODELS, SMALL, Bench
from benchmarks.invest import VERSION, python_of_invest
from shanhai.local.places import CHECKOUT

CELLS = 512
PAGE = CHECKOUT / "docs" / "science" / "comparison.md"
LIBRARIES = ("scikit-learn", "esda", "libpysal", "pymannkendall", "scipy", "numpy")

REMARKS = {
    "carbon": "the same method",
    "annual_water_yield": "the same method; InVEST calculates in float32",
    "soil_loss": "another method: InVEST takes the root of the upslope area and"
    " the slope angle where Desmet and Govers have the area and the aspect, caps L itself, and has"
    " other exponents and steepness on steep slopes; we set water and built-up land to 0, and the"
    " raster's border has no slope here",
    "urban_cooling": "the same method, but that InVEST extrapolates the green area beyond the edge"
    " of the raster, which decides a few cells next to it",
    "quality_of_habitats": "the same method: distance to the nearest source of a threat",
    "urban_flood_risk": "the same method",
    "urban_nature_access": "the same method; sums are not corrected at the edge in either",
}
HEADING = """\
# Comparison · 与其他软件的比较

Results of this platform beside those of other programs on the same data, made by
`python -m benchmarks.comparison`; do not edit. Differences are relative to the other program.
Rasters are written as float32, which alone makes a difference of 1e-7. Times are in
[Benchmarks](../benchmarks.md).
"""


def main() -> int:
    """Compare and write the page."""
    with tempfile.TemporaryDirectory() as folder:
        models = list(_models(Path(folder)))
    PAGE.write_text(_page(models, list(statistics_findings())), encoding="utf-8")
    print(PAGE)
    return 0


def _models(folder: Path) -> Iterator[tuple[str, ...]]:
    inputs = []
    for cells in (SMALL, CELLS):
        place = folder / str(cells)
        place.mkdir()
        inputs.append(make_inputs(place, cells))
    bench = Bench(python_of_invest(), inputs[0], inputs[1], folder)
    for model in MODELS:
        found = Agreement.of(bench.ours(model.name).result, bench.theirs(model.name).result)
        yield (
            model.title,
            f"{found.largest:.1e}",
            f"{100 * found.apart:.4g} %",
            f"{100 * found.one_sided:.4g} %",
            REMARKS[model.name],
        )


def _page(models: list[tuple[str, ...]], findings: list[Finding]) -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    heads = ("kernel", "largest difference", "cells apart by 1e-5", "known to one only", "why")
    statistics = [(one.what, one.peer, one.measure, one.found, one.remark) for one in findings]
    return "\n".join(
        [
            HEADING,
            f"## InVEST {VERSION} · 生态系统服务模型\n",
            f"Synthetic rasters of {CELLS} × {CELLS} cells of 30 m from one seed.\n",
            *_table(heads, models),
            "\n## Statistics · 统计方法\n",
            f"With {libraries}.\n",
            *_table(("what", "beside", "measure", "found", "remark"), statistics),
            "",
        ]
    )


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for row in (heads, ("---",) * len(heads), *rows):
        yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    sys.exit(main())
