from pathlib import Path

import numpy as np
from scipy import ndimage

from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import window_runner
from shanhai.science.grid import Grid
from shanhai.science.zoning import postprocess as method
from shanhai.science.zoning.delineation import RATIO

GRID = Grid(4548, 0, 0, 100, 170, 150)


def labelled(folder: Path) -> ScratchStore:
    store, random = ScratchStore(folder, GRID), np.random.default_rng(4)
    ratio = ndimage.gaussian_filter(random.normal(size=GRID.shape), 2)
    codes = np.digitize(ratio / ratio.std(), [-0.8, -0.2, 0.3, 0.9])
    floor = np.where(random.random(GRID.shape) < 0.02, random.integers(1, 3, GRID.shape), 0)
    store.create(RATIO)
    store.write(RATIO, store.whole, ratio)
    layers = {
        method.BY_UNIT: np.array([4, 5, 3, 2, 1], np.uint8)[codes],
        method.FLOOR: floor.astype(np.uint8),
    }
    for name, values in layers.items():
        store.create_classes(name)
        store.write_classes(name, store.whole, values)
    return store


def test_other_processes_and_tiles_leave_the_same_bytes(tmp_path: Path) -> None:
    settings = method.PostprocessSettings(periphery_m=300, ring_m=200)
    told, files = [], []
    for processes, tile in ((1, 1024), (1, 16), (2, 32)):
        store = labelled(tmp_path / f"{processes}-{tile}")
        with window_runner(processes) as runner:
            told.append(
                method.postprocess(
                    store, GRID.shape, 100, settings, overlay=True, run=runner.run, tile=tile
                )
            )
        files.append({path.name: path.read_bytes() for path in store.folder.iterdir()})
    assert told[0] == told[1] == told[2]
    assert files[0] == files[1] == files[2]
    assert {f"{name}.u1" for name in (method.ZONES, method.BEFORE, method.OVERRIDE)} <= set(
        files[0]
    )
