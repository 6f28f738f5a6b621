"""Photos made anew from their pixels: what a sender's program did oddly does not spoil them."""

import io
import struct
from typing import Any

import pytest
from PIL import Image, ImageOps

from shanhai.photos import redraw

WHITE, RED = (255, 255, 255), (200, 10, 10)
ODD = {
    "a resolution as text": (282, 2, 4, 0x00323737),
    "an artist as a fraction": (315, 5, 1, 8),
    "a moment as a number": (306, 4, 1, 5),
}
"""Entries of an EXIF directory as some programs write them: tag, type, number and value."""


def sent(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def drawn(photo: bytes) -> Image.Image:
    return Image.open(io.BytesIO(redraw(photo)))


def directory(*entries: tuple[int, int, int, int]) -> bytes:
    """An EXIF block of one directory."""
    listed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    head = b"Exif\0\0II*\0\x08\0\0\0"
    return head + struct.pack("<H", len(entries)) + listed + bytes(4)


@pytest.mark.parametrize("entry", ODD.values(), ids=ODD)
@pytest.mark.parametrize(("orientation", "size"), [(1, (100, 50)), (6, (50, 100))])
def test_a_photo_with_an_odd_entry_is_turned(
    entry: tuple[int, int, int, int], orientation: int, size: tuple[int, int]
) -> None:
    exif = directory((274, 3, 1, orientation), entry)
    made = drawn(sent(Image.new("RGB", (100, 50), RED), "JPEG", exif=exif))
    assert made.size == size
    assert not made.getexif()


@pytest.mark.parametrize("orientation", range(10))
def test_a_photo_is_turned_as_its_orientation_says(orientation: int) -> None:
    corner = Image.new("RGB", (60, 40), "white")
    corner.paste(RED, (0, 0, 30, 10))
    exif = Image.Exif()
    exif[274] = orientation
    photo = sent(corner, exif=exif.tobytes())
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(photo)))
    assert redraw(photo) == redraw(sent(upright, exif=b""))


@pytest.mark.parametrize("key", [None, 78])
def test_sixteen_bits_are_scaled_to_eight(key: int | None) -> None:
    options: dict[str, Any] = {} if key is None else {"transparency": key}
    for value, expected in ((0, 0), (20_000, 78), (65_535, 255)):
        made = drawn(sent(Image.new("I;16", (16, 16), value), **options))
        assert made.getpixel((8, 8)) == (expected,) * 3


@pytest.mark.parametrize(
    ("picture", "options", "expected"),
    [
        (Image.new("RGBA", (16, 16), (0, 0, 0, 0)), {}, WHITE),
        (Image.new("RGBA", (16, 16), (0, 0, 0, 128)), {}, (127, 127, 127)),
        (Image.new("LA", (16, 16), (10, 0)), {}, WHITE),
        (Image.new("RGB", (16, 16), (1, 2, 3)), {"transparency": (1, 2, 3)}, WHITE),
        (Image.new("L", (16, 16), 7), {"transparency": 7}, WHITE),
        (Image.new("RGBA", (16, 16), (*RED, 255)), {}, RED),
    ],
)
def test_what_is_transparent_lies_on_white(
    picture: Image.Image, options: dict[str, Any], expected: tuple[int, ...]
) -> None:
    got = drawn(sent(picture, **options)).getpixel((8, 8))
    assert got == pytest.approx(expected, abs=2)
