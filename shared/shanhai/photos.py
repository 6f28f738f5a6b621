"""A photo somebody sent, made anew from its pixels by `python -m shanhai.photos`, isolated.

Reads a photo from the standard input and writes a JPEG to the standard output. With the exit code
`os.EX_DATAERR` it writes instead why the photo is refused: a JSON object with `en` and `zh`.
"""

import io
import json
import os
import sys

from PIL import ExifTags, Image, UnidentifiedImageError

from shanhai.isolation import enter

MOST_PIXELS = 40_000_000
LONGEST_SIDE = 2_400
FORMATS = ("JPEG", "PNG", "WEBP")
TIME_S = 20
MEMORY_BYTES = 1024**3
UPRIGHT = dict(zip(range(2, 9), map(Image.Transpose, (0, 3, 1, 5, 4, 6, 2)), strict=True))
"""How a photo becomes upright, by the orientation its EXIF tells."""
BROKEN = (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError)


def redraw(sent: bytes) -> bytes:
    """The pixels of a photo as a new JPEG, upright, on white and of a moderate size.

    Raises:
        ValueError: it has too many pixels; other errors of a broken picture are of `BROKEN`.
    """
    with Image.open(io.BytesIO(sent), formats=FORMATS) as photo:
        if photo.width * photo.height > MOST_PIXELS:
            raise Image.DecompressionBombError
        # Only this is read of the EXIF, which may be odd in anything else.
        turn = UPRIGHT.get(photo.getexif().get(ExifTags.Base.Orientation, 1))
        drawn = photo if turn is None else photo.transpose(turn)
        if drawn.mode.startswith("I"):  # 16 bits a pixel, which a conversion would cut off at 255
            drawn = drawn.point(lambda value: value / 256).convert("L")
            drawn.info.pop("transparency", None)  # told by one of the 16-bit values
        drawn = drawn.convert("RGBA" if drawn.has_transparency_data else "RGB")
    drawn.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    clean = Image.new("RGB", drawn.size, "white")
    clean.paste(drawn, mask=drawn if drawn.mode == "RGBA" else None)
    made = io.BytesIO()
    clean.save(made, "JPEG", quality=85)
    return made.getvalue()


def main() -> int:
    """Redraw the photo of the standard input onto the standard output; the exit code."""
    # The readers are loaded before the program may open nothing any more.
    Image.init()
    enter(memory_bytes=MEMORY_BYTES, cpu_s=TIME_S)
    try:
        sys.stdout.buffer.write(redraw(sys.stdin.buffer.read()))
    except Image.DecompressionBombError:
        return _refuse(f"has more than {MOST_PIXELS} pixels", f"像素超过 {MOST_PIXELS}")
    except BROKEN:
        listed = ", ".join(FORMATS)
        return _refuse(f"is no whole {listed}", f"不是完整的 {listed} 图像")
    return os.EX_OK


def _refuse(en: str, zh: str) -> int:
    sys.stdout.write(json.dumps({"en": en, "zh": zh}))
    return os.EX_DATAERR


if __name__ == "__main__":
    sys.exit(main())
