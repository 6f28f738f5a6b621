import io

import numpy as np
from PIL import Image

from shanhai.data.world import GeographicField, excess_green, luminance, read_world_image


def picture(*colours: tuple[int, int, int]) -> GeographicField:
    cells = np.array(colours, dtype=np.uint8).T[:, np.newaxis, :]
    return GeographicField(cells, 0.0, 1.0, 1.0)


def test_excess_green_of_known_colours() -> None:
    index = excess_green(picture((0, 200, 0), (50, 50, 50), (0, 0, 0), (100, 0, 100)))
    np.testing.assert_allclose(index.values[0, 0], [2.0, 0.0, 0.0, -1.0])


def test_luminance_weighs_green_most() -> None:
    light = luminance(picture((255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255)))
    np.testing.assert_allclose(light.values[0, 0], [255.0, 76.245, 149.685, 29.07])


def test_world_image_spans_the_globe() -> None:
    file = io.BytesIO()
    Image.fromarray(np.full((4, 8, 3), 7, dtype=np.uint8)).save(file, "PNG")
    field = read_world_image(file.getvalue())
    assert (field.west, field.north, field.step_deg) == (-180.0, 90.0, 45.0)
    assert field.values.shape == (3, 4, 8)
