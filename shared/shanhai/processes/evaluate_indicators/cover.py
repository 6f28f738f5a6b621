"""Land cover of a region by class, counted once for each year that is asked for."""

from functools import cached_property
from pathlib import Path

import numpy as np

from shanhai.processes.kit.region import GridInputs, StudyArea, build_study_area, windows_of
from shanhai.processes.kit.task import Task
from shanhai.raster.themes import THEME_RULES
from shanhai.raster.vectorise import cells_within
from shanhai.raster.warp import RasterSource, align, open_source
from shanhai.science.arrays import BoolArray, FloatArray, IntArray
from shanhai.science.grid import Window
from shanhai.science.landcover import LandCover

LAND_COVER, TRAVEL_TIME = "land_cover", "travel_time"


class CoverCounts:
    """Cells of a region by class of the land cover, and the built-up ones within some minutes."""

    def __init__(self, task: Task, inputs: GridInputs) -> None:
        self._task = task
        self._inputs = inputs
        self._counted: dict[int, IntArray] = {}

    @cached_property
    def area(self) -> StudyArea:
        """The region on its grid."""
        return build_study_area(self._task, self._inputs)

    def has(self, theme: str, year: int) -> bool:
        """Whether there is a raster of the theme for the year."""
        return f"{theme}.{year}" in self._task.datasets

    def code(self, theme: str, year: int) -> str:
        """The code of that dataset."""
        return self._task.datasets[f"{theme}.{year}"].code

    def classes(self, year: int) -> IntArray:
        """Cells by class code; 0 is sea or not known."""
        if year not in self._counted:
            cover = self._open(LAND_COVER, year)
            counts = np.zeros(len(LandCover) + 1, dtype=np.int64)
            for window in windows_of(self.area.grid):
                counts += np.bincount(self._cover(cover, window), minlength=len(counts))
            self._counted[year] = counts
        return self._counted[year]

    def built_up_within(self, year: int, minutes: float) -> tuple[int, int]:
        """Built-up cells within some minutes, and all of them whose time is known."""
        cover, time = self._open(LAND_COVER, year), self._open(TRAVEL_TIME, year)
        near, known = 0, 0
        for window in windows_of(self.area.grid):
            built = self._cover(cover, window) == LandCover.BUILT_UP
            taken = align(time, self.area.grid, window)[0][self._inside(window)][built]
            known += int(np.count_nonzero(~np.isnan(taken)))
            near += int(np.count_nonzero(taken <= minutes))
        return near, known

    def _open(self, theme: str, year: int) -> RasterSource:
        dataset = self._task.datasets[f"{theme}.{year}"]
        return open_source(Path(self._task.files[dataset.uri]), THEME_RULES[theme].quantity)

    def _inside(self, window: Window) -> BoolArray:
        return cells_within(self.area.outline, self.area.grid, window)

    def _cover(self, cover: RasterSource, window: Window) -> IntArray:
        values: FloatArray = align(cover, self.area.grid, window)[0][self._inside(window)]
        codes: IntArray = np.nan_to_num(values, nan=0.0).astype(np.int64)
        return codes
