"""Pictures of the documentation, made by tests and left alone while they still tell the truth."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SEEN = 24
"""Steps of brightness, of 255, from which a pixel looks different."""
CHANGED = 0.01
"""The share of such pixels from which a picture shows something else."""


def keep_picture(name: str, taken: bytes, folder: Path = PICTURES) -> bool:
    """Store a PNG under a name; one that shows what the stored one shows is not stored again.

    Letters and lines differ by a shade from run to run, and a repository is no place for that.

    Returns:
        Whether it was stored.
    """
    path = folder / name
    if path.is_file() and _alike(path.read_bytes(), taken):
        return False
    Image.open(io.BytesIO(taken)).convert("RGB").save(path, "PNG", optimize=True)
    return True


def _alike(one: bytes, other: bytes) -> bool:
    before, after = (
        np.asarray(Image.open(io.BytesIO(each)).convert("RGB")).astype(int) for each in (one, other)
    )
    if before.shape != after.shape:
        return False
    return bool((np.abs(before - after).max(-1) > SEEN).mean() < CHANGED)
