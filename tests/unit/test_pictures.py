"""A stored picture is replaced when it shows something else, and only then."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.pictures import keep_picture


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def test_a_shade_is_no_other_picture(tmp_path: Path) -> None:
    pixels = np.full((100, 100, 3), 120, dtype=np.uint8)
    assert keep_picture("one.png", png(pixels), tmp_path)
    stored = (tmp_path / "one.png").read_bytes()
    pixels[:50] += 20
    pixels[0, :99] = 255
    assert not keep_picture("one.png", png(pixels), tmp_path)
    assert (tmp_path / "one.png").read_bytes() == stored


def test_other_contents_and_sizes_are(tmp_path: Path) -> None:
    pixels = np.full((100, 100, 3), 120, dtype=np.uint8)
    keep_picture("one.png", png(pixels), tmp_path)
    pixels[:2] = 0
    assert keep_picture("one.png", png(pixels), tmp_path)
    assert keep_picture("one.png", png(pixels[:50]), tmp_path)
    with Image.open(tmp_path / "one.png") as stored:
        assert stored.size == (100, 50)
