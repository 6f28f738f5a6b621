import numpy as np
from scipy import ndimage

from shanhai.science.grid import BoolArray


def blobs(seed: int, shape: tuple[int, int], smooth: float) -> BoolArray:
    """Random land in clumps, half of the cells."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), smooth)
    return noise > np.quantile(noise, 0.45)
