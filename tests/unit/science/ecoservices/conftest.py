"""A small area with every layer the services can read, as arrays."""

import numpy as np
import pytest
from scipy import ndimage

Layers = dict[str, np.ndarray]
SHAPE = (44, 52)


def smooth(rng: np.random.Generator, low: float, high: float, spread: float = 4.0) -> np.ndarray:
    field = ndimage.gaussian_filter(rng.standard_normal(SHAPE), spread)
    stretched: np.ndarray = low + (high - low) * (field - field.min()) / np.ptp(field)
    return stretched


def build_layers(seed: int = 11) -> Layers:
    rng = np.random.default_rng(seed)
    height = smooth(rng, 0, 600, 6)
    town = smooth(rng, 0, 1) ** 4
    cover = np.select(
        [town > 0.4, height > 380, height > 330, height > 300, height < 60],
        [8, 2, 3, 4, 7],
        1,
    ).astype(np.uint8)
    cover[20:23, 30:34] = 9
    cover[5:8, 40:44] = 5
    cover[:3] = 0
    sand = smooth(rng, 30, 60)
    months = np.array([12, 12, 15, 19, 23, 26, 28, 28, 26, 23, 19, 14], dtype=float)
    rain = np.array([40, 80, 110, 150, 200, 230, 160, 220, 140, 50, 35, 30], dtype=float)
    monthly_rain = rain[:, None, None] * smooth(rng, 0.9, 1.3)
    monthly_heat = months[:, None, None] - 0.006 * height
    return {
        "dem": height,
        "land_cover": cover,
        "built_up": (cover == 8).astype(float),
        "cropland": (cover == 1).astype(float),
        "npp": smooth(rng, 200, 1100),
        "ndvi": smooth(rng, 0.05, 0.9),
        "rainfall": monthly_rain.sum(axis=0),
        "rainfall_monthly": monthly_rain,
        "temperature": monthly_heat.mean(axis=0),
        "temperature_monthly": monthly_heat,
        "summer_temperature": 33 - 0.006 * height,
        "lst": 38 - 0.02 * height + 4 * town,
        "evapotranspiration": smooth(rng, 500, 900),
        "reference_et": smooth(rng, 1000, 1250),
        "sand": sand,
        "silt": (100 - sand) * 0.55,
        "clay": (100 - sand) * 0.45,
        "organic_carbon": smooth(rng, 0.6, 2.0),
        "soil_depth": smooth(rng, 300, 1500),
        "available_water": smooth(rng, 0.08, 0.2),
        "hydrologic_group": rng.integers(1, 5, SHAPE).astype(float),
        "impervious": np.clip(town, 0, 1),
        "night_lights": 60 * town,
        "population": 40 * town,
        "gdp": 20_000 * town,
        "roads": (rng.random(SHAPE) > 0.97).astype(float),
        "main_roads": (rng.random(SHAPE) > 0.99).astype(float),
        "protected": (height > 500).astype(float),
        "travel_time_min": smooth(rng, 0, 60),
        "carbon_density_start": smooth(rng, 80, 140),
        "carbon_density_end": smooth(rng, 85, 150),
        "latitude": np.full(SHAPE, 24.5),
    }


@pytest.fixture
def layers() -> Layers:
    return build_layers()
