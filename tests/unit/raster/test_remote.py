from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling

from shanhai.errors import LimitExceeded, NotFound, Unavailable
from shanhai.raster.clean import FillCode
from shanhai.raster.geotiff import write_geotiff
from shanhai.raster.remote import (
    Decoding,
    Mask,
    RemoteFrame,
    RemoteRaster,
    RemoteScene,
    Tally,
    frame_of,
    read_blocks,
)
from shanhai.vocabulary import Label

STEP = 0.001
WEST, NORTH = 118.0, 25.0
BOX = (118.0, 24.98, 118.02, 25.0)
"""Twenty by twenty cells."""


def raster(
    folder: Path,
    name: str,
    values: NDArray[Any],
    *,
    west: float = WEST,
    north: float = NORTH,
    step: float = STEP,
    crs: str = "EPSG:4326",
    nodata: float | None = None,
    **own: float,
) -> RemoteRaster:
    path = folder / f"{name}.tif"
    transform = (step, 0.0, west, 0.0, -step, north)
    write_geotiff(path, values, transform=transform, crs=crs, nodata=nodata)
    return RemoteRaster(name, lambda: path.open("rb"), **own)


def scene(file: RemoteRaster, moment: str = "", name: str = "v") -> RemoteScene:
    return RemoteScene(file.label, moment, {name: file})


def read(
    scenes: list[RemoteScene], reading: Decoding, tally: Tally | None = None, **rest: Any
) -> NDArray[np.float32]:
    frame = frame_of(scenes, rest.pop("box", BOX), reading, resolution_m=rest.pop("metres", None))
    return joined(frame, reading, Tally() if tally is None else tally, **rest)


def joined(frame: RemoteFrame, reading: Decoding, tally: Tally, **rest: Any) -> NDArray[np.float32]:
    whole = np.zeros((len(reading.bands), frame.height, frame.width), dtype=np.float32)
    for window, values in read_blocks(frame, reading, tally, **rest):
        whole[:, *window.slices] = values
    return whole


def numbers(dtype: str = "int16") -> NDArray[Any]:
    return np.arange(400).reshape(20, 20).astype(dtype)


def test_the_cells_of_one_file_come_as_they_are(tmp_path: Path) -> None:
    values = read([scene(raster(tmp_path, "a", numbers()))], Decoding(bands=("v",)))
    np.testing.assert_array_equal(values[0], numbers())


def test_tiles_are_joined_and_what_none_has_is_unknown(tmp_path: Path) -> None:
    left = raster(tmp_path, "a", numbers()[:, :12])
    right = raster(tmp_path, "b", numbers()[:10, 12:], west=WEST + 12 * STEP)
    values = read([scene(left), scene(right)], Decoding(bands=("v",)))[0]
    np.testing.assert_array_equal(values[:10], numbers()[:10])
    np.testing.assert_array_equal(values[10:, :12], numbers()[10:, :12])
    assert np.isnan(values[10:, 12:]).all()


def test_origins_that_differ_in_the_last_bits_are_one_grid(tmp_path: Path) -> None:
    left = raster(tmp_path, "a", numbers()[:, :12])
    right = raster(tmp_path, "b", numbers()[:, 12:], west=WEST + 12 * STEP + 1e-12)
    values = read([scene(left), scene(right)], Decoding(bands=("v",)))[0]
    np.testing.assert_array_equal(values, numbers())


def test_nodata_is_unknown_whether_the_file_or_the_source_says_it(tmp_path: Path) -> None:
    stated = scene(raster(tmp_path, "a", numbers(), nodata=7))
    assert np.argwhere(np.isnan(read([stated], Decoding(bands=("v",)))[0])).tolist() == [[0, 7]]
    told = Decoding(bands=("v",), nodata=8)
    assert np.argwhere(np.isnan(read([stated], told)[0])).tolist() == [[0, 8]]


def test_scale_and_offset_and_the_valid_range(tmp_path: Path) -> None:
    file = raster(tmp_path, "a", numbers())
    reading = Decoding(bands=("v",), scales={"v": 0.1}, offset=-273.15, valid=(1, 398))
    values = read([scene(file)], reading)[0]
    assert values[0, 1] == pytest.approx(-273.05, abs=1e-4)
    assert np.isnan(values[[0, 19], [0, 19]]).all()
    own = raster(tmp_path, "b", numbers(), scale=2.0, offset=1.0)
    assert read([scene(own)], reading)[0][0, 3] == 7


def test_codes_take_their_meaning_and_some_are_marked_for_a_rule(tmp_path: Path) -> None:
    values = numbers()
    values[0, :4] = [32761, 32766, 32767, 32762]
    file = scene(raster(tmp_path, "a", values, nodata=32767))
    codes = (
        FillCode(32761, Label("", ""), float("nan")),
        FillCode(32762, Label("", ""), float("nan")),
        FillCode(32766, Label("", ""), 0.0),
        FillCode(32767, Label("", ""), float("nan")),
    )
    tally = Tally()
    marked = frozenset({32761.0, 32762.0})
    read_values = read([file], Decoding(bands=("v",), codes=codes, marked=marked), tally)[0]
    np.testing.assert_array_equal(read_values[0, :5], [np.inf, 0, np.nan, np.inf, 4])
    assert tally.codes == {32761: 1, 32762: 1, 32766: 1}


def test_a_nodata_number_that_stands_for_a_value_is_one(tmp_path: Path) -> None:
    people = numbers("float32")
    people[3, 4] = -99999
    codes = (FillCode(-99999, Label("", ""), 0.0),)
    file = scene(raster(tmp_path, "a", people, nodata=-99999))
    values = read([file], Decoding(bands=("v",), codes=codes, join="sum"))[0]
    assert values[3, 4] == 0
    coarse = read([file], Decoding(bands=("v",), codes=codes, join="sum"), metres=230)[0]
    assert coarse.shape == (10, 10)
    expected = np.where(people < 0, 0, people).reshape(10, 2, 10, 2).sum(axis=(1, 3))
    np.testing.assert_allclose(coarse, expected)


@pytest.mark.parametrize(
    ("join", "expected"), [("average", 10.5), ("nearest", None), ("sum", 42.0)]
)
def test_coarser_cells_are_joined_from_finer_ones(
    tmp_path: Path, join: Any, expected: float | None
) -> None:
    file = scene(raster(tmp_path, "a", numbers("float32")))
    values = read([file], Decoding(bands=("v",), join=join), metres=230)[0]
    assert values.shape == (10, 10)
    if expected is None:
        assert values[0, 0] in {0, 1, 20, 21}
    else:
        assert values[0, 0] == expected


def test_of_classes_the_most_frequent_is_kept(tmp_path: Path) -> None:
    classes = np.full((20, 20), 10, dtype=np.uint8)
    classes[:2, :2] = [[50, 50], [50, 10]]
    values = read(
        [scene(raster(tmp_path, "a", classes, nodata=0))],
        Decoding(bands=("v",), join="mode", nodata=0),
        metres=230,
    )[0]
    assert values[0, 0] == 50
    assert values[5, 5] == 10


def test_a_resolution_finer_than_the_file_leaves_it_as_it_is(tmp_path: Path) -> None:
    file = scene(raster(tmp_path, "a", numbers()))
    np.testing.assert_array_equal(read([file], Decoding(bands=("v",)), metres=10)[0], numbers())


def test_overviews_are_read_where_cells_are_joined(tmp_path: Path) -> None:
    values = np.kron(numbers("float32"), np.ones((8, 8), dtype=np.float32))
    file = raster(tmp_path, "a", values, step=STEP / 8)
    with rasterio.open(tmp_path / "a.tif", "r+") as source:
        source.build_overviews([2, 4], Resampling.average)
        # An overview that says otherwise than the cells shows which of them was read.
    frame = frame_of([scene(file)], BOX, Decoding(bands=("v",), join="average"), resolution_m=115)
    assert frame.native == 8
    assert frame.share("a") == pytest.approx(1 / 16 / (1 + 1 / 4 + 1 / 16))
    read_values = joined(frame, Decoding(bands=("v",), join="average"), Tally())[0]
    np.testing.assert_allclose(read_values, numbers(), rtol=1e-6)


def two_dates(folder: Path) -> list[RemoteScene]:
    first, second = numbers("float32"), numbers("float32") + 10
    first[0, 0] = second[0, 0] = first[1, 1] = -1
    return [
        scene(raster(folder, "b", second, nodata=-1), "2021"),
        scene(raster(folder, "a", first, nodata=-1), "2020"),
    ]


@pytest.mark.parametrize(
    ("combine", "cell", "hole"),
    [("first", 12, 31), ("mean", 7, 31), ("max", 12, 31), ("median", 7, 31)],
)
def test_dates_are_combined_over_what_they_know(
    tmp_path: Path, combine: Any, cell: float, hole: float
) -> None:
    values = read(two_dates(tmp_path), Decoding(bands=("v",), combine=combine))[0]
    assert values[0, 2] == cell
    assert values[1, 1] == hole
    assert np.isnan(values[0, 0])


@pytest.mark.parametrize("dates", [3, 6])
def test_the_median_of_dates_is_that_of_numpy(tmp_path: Path, dates: int) -> None:
    draw = np.random.default_rng(dates)
    values = draw.random((dates, 20, 20), dtype=np.float32)
    values[draw.random(values.shape) < 0.4] = -1
    values[:, 3, 4] = -1
    scenes = [
        scene(raster(tmp_path, f"d{date}", values[date], nodata=-1), f"{date}")
        for date in range(dates)
    ]
    known = np.where(values == -1, np.nan, values)
    unknown = np.isnan(known).all(axis=0)
    known[:, unknown] = 0
    wanted = np.where(unknown, np.nan, np.nanmedian(known, axis=0))
    found = read(scenes, Decoding(bands=("v",), combine="median"))[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_a_marked_cell_stays_marked_only_where_no_date_has_a_value(tmp_path: Path) -> None:
    older, newer = numbers(), numbers()
    older[0, :2] = newer[0, 0] = 32762
    codes = (FillCode(32762, Label("", ""), float("nan")),)
    reading = Decoding(bands=("v",), codes=codes, marked=frozenset({32762.0}), combine="mean")
    scenes = [scene(raster(tmp_path, "a", newer), "2021"), scene(raster(tmp_path, "b", older))]
    values = read(scenes, reading)[0]
    assert values[0, 0] == np.inf
    assert values[0, 1] == 1


def imagery(folder: Path, **rest: Any) -> RemoteScene:
    red = np.full((20, 20), 1_000, dtype=np.uint16)
    nir = np.full((20, 20), 4_000, dtype=np.uint16)
    classes = np.full((10, 10), 4, dtype=np.uint8)
    classes[0, 0], red[19, 19], nir[19, 19] = 9, 0, 0
    return RemoteScene(
        "s",
        "2023",
        {
            "red": raster(folder, "red", red, **rest),
            "nir": raster(folder, "nir", nir, **rest),
            "scl": raster(folder, "scl", classes, step=2 * STEP),
        },
    )


INDEX = Decoding(
    bands=("normalised_difference",),
    formula="normalised_difference",
    mask=Mask(input="scl", keep=(4, 5)),
    nodata=0,
    scales={"red": 1e-4, "nir": 1e-4},
    offset=-0.1,
)


def test_an_index_is_made_of_two_bands_without_clouds(tmp_path: Path) -> None:
    values = read([imagery(tmp_path)], INDEX)[0]
    # red = 0.1 − 0.1 = 0, nir = 0.4 − 0.1 = 0.3
    assert values[5, 5] == 1
    assert np.isnan(values[:2, :2]).all(), "the mask's cell is twice as large"
    assert np.isnan(values[19, 19])
    own = read([imagery(tmp_path, scale=1e-4, offset=0.0)], INDEX)[0]
    assert own[5, 5] == pytest.approx((0.4 - 0.1) / (0.4 + 0.1))


def test_bits_of_a_mask_and_its_least_value() -> None:
    raw = np.array([0, 1, 8, 64, np.nan], dtype=np.float32)
    bits = Mask(input="q", clear_bits=(0, 3))
    assert bits.allows(raw).tolist() == [True, False, False, True, False]
    assert Mask(input="q", least=1).allows(raw).tolist() == [False, True, True, True, False]


def test_a_file_of_another_zone_is_read_onto_the_grid_of_most(tmp_path: Path) -> None:
    box = (119.99, 24.99, 120.01, 25.01)
    ramp = np.tile(np.arange(400, dtype=np.float32), (400, 1))
    west = raster(tmp_path, "w", ramp, west=798_000, north=2_769_000, step=10, crs="EPSG:32650")
    east = raster(
        tmp_path, "e", ramp + 1_000, west=195_000, north=2_769_000, step=10, crs="EPSG:32651"
    )
    more = raster(tmp_path, "x", ramp, west=798_000, north=2_769_000, step=10, crs="EPSG:32650")
    scenes = [scene(west), scene(more), scene(east)]
    frame = frame_of(scenes, box, Decoding(bands=("v",)))
    assert frame.crs == "EPSG:32650"
    assert len(frame.scenes) == 3
    values = joined(frame, Decoding(bands=("v",)), Tally())[0]
    assert (values > 1_000).any(), "cells that only the file of the other zone has"
    assert (values < 400).any()


def test_months_are_bands_of_one_scene(tmp_path: Path) -> None:
    inputs: Mapping[str, RemoteRaster] = {
        name: raster(tmp_path, name, numbers() + add) for name, add in (("Jan", 0), ("Feb", 100))
    }
    values = read([RemoteScene("s", "", inputs)], Decoding(bands=("Jan", "Feb")))
    assert values[:, 0, 1].tolist() == [1, 101]


def test_blocks_see_their_surroundings_where_asked(tmp_path: Path) -> None:
    high = np.zeros((1_100, 20), dtype=np.float32)
    high[511] = 5
    seen = []

    def change(window: Any, values: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append((window.row, window.height, float(values.max())))
        return values

    file = scene(raster(tmp_path, "a", high))
    box = (118.0, 25.0 - 1.1, 118.02, 25.0)
    read([file], Decoding(bands=("v",)), box=box, halo=3, change=change, threads=1)
    assert sorted(seen) == [(0, 515, 5), (509, 518, 5), (1_021, 79, 0)]


def test_what_does_not_touch_the_box_is_not_read(tmp_path: Path) -> None:
    far = scene(raster(tmp_path, "far", numbers(), west=100.0))
    near = scene(raster(tmp_path, "near", numbers()))
    assert [one.name for one in frame_of([far, near], BOX, Decoding(bands=("v",))).scenes] == [
        "near"
    ]
    with pytest.raises(NotFound, match="touches"):
        frame_of([far], BOX, Decoding(bands=("v",)))


def test_too_many_cells_are_refused_with_the_way_out(tmp_path: Path) -> None:
    file = scene(raster(tmp_path, "a", numbers(), step=1e-6))
    with pytest.raises(LimitExceeded, match="--resolution"):
        frame_of([file], (118.0, 24.0, 119.0, 25.0), Decoding(bands=("v",)))


def test_a_file_that_cannot_be_opened_tells_its_own_reason(tmp_path: Path) -> None:
    def refuse() -> Any:
        raise Unavailable("the host is down")

    broken = RemoteScene("b", "", {"v": RemoteRaster("b", refuse)})
    with pytest.raises(Unavailable, match="the host is down"):
        frame_of([broken], BOX, Decoding(bands=("v",)))
    text = tmp_path / "t.tif"
    text.write_bytes(b"not a raster" * 100)
    other = RemoteScene("t", "", {"v": RemoteRaster("https://host/t.tif", lambda: text.open("rb"))})
    with pytest.raises(Unavailable, match=r"https://host/t\.tif cannot be read"):
        frame_of([other], BOX, Decoding(bands=("v",)))


def test_a_read_that_fails_midway_tells_its_own_reason(tmp_path: Path) -> None:
    file = raster(tmp_path, "a", np.random.default_rng(1).random((600, 600), dtype=np.float32))

    class Cut:
        def __init__(self) -> None:
            self._file = file.open()
            self.seek, self.tell, self.close = (
                self._file.seek,
                self._file.tell,
                self._file.close,
            )

        def read(self, count: int = -1) -> bytes:
            if self._file.tell() > 200_000:
                raise Unavailable("cut off")
            return self._file.read(count)

    cut = RemoteRaster("a", lambda: Cut())  # type: ignore[arg-type,return-value]
    with pytest.raises(Unavailable, match="cut off"):
        read([scene(cut)], Decoding(bands=("v",)), box=(118.0, 24.4, 118.6, 25.0))
