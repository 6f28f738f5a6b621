"""What is said of inputs in a wrong unit, or of coarse ones: by hand."""

from pathlib import Path

import numpy as np
import pytest

from shanhai.data.synthetic_watershed import Watershed
from shanhai.processes.assess_ecoservices.plausibility import coarse_inputs, unusual_means
from shanhai.processes.kit.region import Place, Tally, build_study_area
from shanhai.processes.kit.task import Task
from shanhai.raster.geotiff import write_geotiff
from shanhai.raster.store import ScratchStore
from shanhai.raster.warp import RasterQuantity, open_source
from shanhai.raster.windows import WindowRunner


def tally(*means: float, cells: int = 4) -> Tally:
    bands = np.stack([np.full((1, cells), mean) for mean in means])
    every = np.ones((1, cells), dtype=bool)
    return Tally.of(bands, every, np.zeros_like(every), every)


def codes(theme: str, *means: float, cell_ha: float = 1.0) -> list[str]:
    return [flag.text.en for flag in unusual_means({theme: tally(*means)}, cell_ha)]


@pytest.mark.parametrize(
    ("theme", "means", "words"),
    [
        ("npp", (0.6,), "kgC/m²"),
        ("rainfall", (120.0,), "in cm"),
        ("soil", (40.0, 40.0, 20.0, 12.0), "g/kg"),
        ("temperature", (290.0,), "kelvin"),
        ("reference_et", (3.5,), "mm a day"),
        ("soil_depth", (90.0,), "in cm"),
        ("evapotranspiration", (8000.0,), "scale 0.1"),
        ("lst", (300.0,), "kelvin"),
    ],
)
def test_a_mean_of_another_unit_is_questioned(
    theme: str, means: tuple[float, ...], words: str
) -> None:
    (said,) = codes(theme, *means)
    assert words in said


@pytest.mark.parametrize(
    ("theme", "means"),
    [
        ("npp", (600.0,)),
        ("rainfall", (1200.0,)),
        ("soil", (40.0, 40.0, 20.0, 1.2)),
        ("temperature", (18.0,)),
        ("dem", (300.0,)),
    ],
)
def test_usual_means_are_no_news(theme: str, means: tuple[float, ...]) -> None:
    assert codes(theme, *means) == []


def test_densities_for_counts_are_questioned_by_area() -> None:
    """2000 persons in a cell: a town of 20 persons/ha in cells of 1 km², none in cells of 1 ha."""
    assert codes("population", 2000.0, cell_ha=100.0) == []
    (said,) = codes("population", 2000.0)
    assert "2000 persons/ha on average" in said


def test_what_has_no_value_is_not_judged() -> None:
    nothing = np.zeros((1, 4), dtype=bool)
    empty = Tally.of(np.full((1, 1, 4), np.nan), nothing, nothing, ~nothing)
    assert unusual_means({"npp": empty}, 1.0) == []


def place_of(task: Task, folder: Path, watershed: Watershed, cell_m: float) -> Place:
    """The watershed's place with a raster of rain in cells of some size."""
    grid = watershed.grid
    path = folder / "rain.tif"
    transform = (cell_m, 0.0, grid.west, 0.0, -cell_m, grid.north)
    write_geotiff(path, np.ones((4, 4)), transform=transform, crs="EPSG:4548")
    sources = {"rainfall": open_source(path, RasterQuantity.INTENSIVE)}
    area = build_study_area(task, _Grid(cell_m=100.0))
    return Place(area, ScratchStore(folder / "grid", area.grid), sources, WindowRunner())


class _Grid:
    crs = None

    def __init__(self, cell_m: float) -> None:
        self.cell_m = cell_m


@pytest.mark.parametrize(
    ("cell_m", "told", "expected"),
    [
        (500.0, None, None),
        (600.0, None, "annual rain 600 m"),
        (100.0, 9000.0, "annual rain 9000 m"),
        (600.0, 100.0, None),
    ],
    ids=["five cells", "six cells", "resampled before", "told to be fine"],
)
def test_inputs_coarser_than_five_cells_are_named(
    small_watershed: Watershed,
    tmp_path: Path,
    cell_m: float,
    told: float | None,
    expected: str | None,
) -> None:
    task = small_watershed.task()
    rain = task.datasets["rainfall"].model_copy(update={"native_resolution_m": told})
    place = place_of(task, tmp_path, small_watershed, cell_m)
    flags = coarse_inputs(place, {"rainfall": rain})
    assert [flag.code for flag in flags] == ([] if expected is None else ["coarse_input"])
    if expected is not None:
        assert f"{expected.split()[-2]} m" in flags[0].text.en
        assert "降雨" in flags[0].text.zh
