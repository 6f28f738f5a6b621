"""Landscape aesthetics and recreation: attractive places within reach of people."""

from collections.abc import Mapping
from dataclasses import replace
from operator import itemgetter

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.access import (
    nature_demanded,
    nature_per_person,
    nature_supplied,
    nature_within_reach,
    people_within_reach,
    travel_minutes,
    write_travel_minutes,
    write_with_main_roads,
)
from shanhai.science.ecoservices import method
from shanhai.science.grid import ClassArray, FloatArray
from shanhai.science.landcover import LandCover, by_class, class_values
from shanhai.vocabulary import Label

WATER_DECAY_M = 500.0
WATER_CUTOFF_M = 5_000.0
"""Beyond this distance water adds nothing (e⁻¹⁰), so windows need a halo of 5 km only."""

ACCESS_DECAY_M = 2_000.0
ACCESS_CUTOFF_M = 10_000.0
"""Beyond this distance a place counts as out of reach."""

ACCESS_DECAY_MIN = 30.0

_DECAY_RANGE_M = (50.0, 20_000.0)


def potential(
    *,
    naturalness: FloatArray,
    water_distance_m: FloatArray,
    relief_n: FloatArray,
    protected: FloatArray | None = None,
    water_decay_m: float = WATER_DECAY_M,
    shore_m: float = 0.0,
) -> FloatArray:
    """What a place offers, `0.5·Nat + 0.2·exp(−d_water/500) + 0.15·N(relief) + 0.15·Prot`.

    Args:
        naturalness: Naturalness of the cell, 0–1.
        water_distance_m: Distance to water, m; infinite beyond `WATER_CUTOFF_M`.
        relief_n: Normalised range of elevation, 0–1.
        protected: 1 in parks, reserves and scenic areas, else 0; 0 everywhere when not given.
        water_decay_m: Distance at which the pull of water falls to 1/e, m.
        shore_m: Distance from water within which a shore counts as open to the public, like a
            protected area, m; 0 for none.

    Returns:
        0–1; NaN where any given input is NaN.

    Source: form after ESTIMAP (Paracchini et al. 2014), weights status E.
    """
    kept: FloatArray | float = 0.0 if protected is None else protected
    if shore_m > 0:
        kept = np.maximum(kept, water_distance_m <= shore_m)
    return np.asarray(
        0.5 * naturalness
        + 0.2 * np.exp(-water_distance_m / water_decay_m)
        + 0.15 * relief_n
        + 0.15 * kept
    )


def accessibility(
    *,
    access_by: str = "distance",
    access_distance_m: FloatArray | None = None,
    travel_time_min: FloatArray | None = None,
    travel_minutes: FloatArray | None = None,
    access_decay_m: float = ACCESS_DECAY_M,
    access_decay_min: float = ACCESS_DECAY_MIN,
) -> FloatArray:
    """How easily a place is reached, `exp(−d/2000 m)` or `exp(−t/30 min)`.

    Args:
        access_by: `distance`, or `travel_time` as mapped or `least_cost` as found over the raster.
        access_distance_m: Distance to a road or built-up cell, m; infinite when out of reach.
        travel_time_min: Minutes from the nearest settlement; NaN or infinite when out of reach.
        travel_minutes: The same by `shanhai.science.access`.
        access_decay_m: Distance at which accessibility falls to 1/e, m.
        access_decay_min: Time at which it does, min.

    Returns:
        0–1; 0 out of reach, which is not nodata, and NaN where the distance is NaN.

    Raises:
        InvalidInput: the layer that `access_by` names is not given.
    """
    if access_by == "distance" and access_distance_m is not None:
        return np.asarray(np.exp(-access_distance_m / access_decay_m))
    minutes = {"travel_time": travel_time_min, "least_cost": travel_minutes}.get(access_by)
    if minutes is not None:
        return np.asarray(np.exp(-np.nan_to_num(minutes, nan=np.inf) / access_decay_min))
    raise InvalidInput(
        f"access_by is {access_by!r}, but the layer it needs is not given",
        message_zh=f"access_by 为 {access_by!r}，但缺少其所需图层",
        pointer="/ecoservices/recreation/options/access_by",
    )


def supply(*, recreation_potential: FloatArray, accessibility: FloatArray) -> FloatArray:
    """Potential times accessibility, 0–1; NaN where an input is."""
    return recreation_potential * accessibility


def index_demand(*, exposure: FloatArray, night_lights_n: FloatArray) -> FloatArray:
    """Demand index `0.5·E + 0.5·N(ln(1 + NTL))`.

    Args:
        exposure: Exposure of people, 0–1.
        night_lights_n: Normalised ln(1 + night lights), 0–1.

    Returns:
        0–1; NaN where any input is NaN. Status E.
    """
    return 0.5 * exposure + 0.5 * night_lights_n


def nature_area(
    *, land_cover: ClassArray, nature: Mapping[LandCover, float], cell_m: float
) -> FloatArray:
    """Green space of a cell, m²: its share by class times the cell; NaN for nodata."""
    return class_values(land_cover, nature) * cell_m**2


WATER_DECAY = method.ParameterSpec(
    "water_decay_m", WATER_DECAY_M, "m", _DECAY_RANGE_M, "engineering default"
)
ACCESS_DECAY = method.ParameterSpec(
    "access_decay_m", ACCESS_DECAY_M, "m", _DECAY_RANGE_M, "engineering default"
)
TIME_DECAY = method.ParameterSpec(
    "access_decay_min", ACCESS_DECAY_MIN, "min", (1.0, 600.0), "engineering default"
)
SHORE = method.ParameterSpec(
    "shore_m",
    0.0,
    "m",
    (0.0, 5_000.0),
    "no shore is taken as open unless asked for; 200 where all are",
)
REACH = method.ParameterSpec("reach_m", 1_000.0, "m", (10.0, 10_000.0), "engineering default")
STANDARD = method.ParameterSpec(
    "nature_standard",
    15.0,
    "m2/person",
    (0.0, 1_000.0),
    "engineering default, to be set from the local standard",
)
NATURE = method.TableSpec(
    "nature",
    by_class(0, 1, 1, 1, 1, 1, 0, 0, 0),
    "1",
    (0.0, 1.0),
    "engineering default, the green classes",
)
ACCESS_BY = method.OptionSpec(
    "access_by",
    "distance",
    {
        "distance": Label("距道路或建设用地的距离", "distance to roads or built-up land"),
        "travel_time": Label("出行时间（已有图层）", "travel time as mapped"),
        "least_cost": Label("出行时间（最小耗时路径）", "travel time by the quickest way"),
    },
    "engineering default",
    needs={
        "distance": ("access_distance_m",),
        "travel_time": ("travel_time_min",),
        "least_cost": ("travel_minutes",),
    },
)


def _speed(name: str, kmh: float) -> method.ParameterSpec:
    source = "engineering default"
    return method.ParameterSpec(name, kmh, "km/h", (0.5, 150.0), source)


SPEEDS = (_speed("main_road_kmh", 50.0), _speed("minor_road_kmh", 20.0), _speed("walking_kmh", 4.0))

_ESTIMAP = "after ESTIMAP (Paracchini et al. 2014)"
_UNA = "InVEST urban nature access, after Liu et al. 2022"

POTENTIAL = method.Quantity(
    name="recreation_potential",
    unit="1",
    label=Label("游憩潜力", "Recreation potential"),
    function=potential,
    needs=("naturalness", "water_distance_m", "relief_n"),
    optional=("protected",),
    parameters=(WATER_DECAY, SHORE),
    source=_ESTIMAP,
)
ACCESSIBILITY = method.Quantity(
    name="accessibility",
    unit="1",
    label=Label("可达性", "Accessibility"),
    function=accessibility,
    needs=(),
    parameters=(ACCESS_DECAY, TIME_DECAY),
    options=(ACCESS_BY,),
    source=_ESTIMAP,
)
TRAVEL = method.Quantity(
    name="travel_minutes",
    unit="min",
    label=Label("出行时间", "Travel time"),
    function=travel_minutes,
    needs=("land_cover", "dem", "roads", "main_roads"),
    parameters=SPEEDS,
    takes_cell=True,
    tiled=method.Tiled(write_with_main_roads),
    source="quickest way (Dijkstra 1959); slope after Tobler 1993",
)
TRAVEL_BY_ROADS = replace(
    TRAVEL, needs=("land_cover", "dem", "roads"), tiled=method.Tiled(write_travel_minutes)
)
"""Without a layer of main roads all roads are minor ones."""

NATURE_AREA = method.Quantity(
    name="nature_m2",
    unit="m2",
    label=Label("绿地面积", "Green space"),
    function=nature_area,
    needs=("land_cover",),
    tables=(NATURE,),
    takes_cell=True,
    source="class table",
)
PEOPLE = method.Quantity(
    name="people_within_reach",
    unit="persons",
    label=Label("可达人口", "People within reach"),
    function=people_within_reach,
    needs=("population",),
    parameters=(REACH,),
    reach_m=itemgetter("reach_m"),
    takes_cell=True,
    source=_UNA,
    status=method.ConfirmationStatus.VERIFIED,
)
PER_PERSON = method.Quantity(
    name="nature_per_person",
    unit="m2/person",
    label=Label("人均可达绿地供给", "Green space for each of the people around"),
    function=nature_per_person,
    needs=("nature_m2", "people_within_reach"),
    source=_UNA,
    status=method.ConfirmationStatus.VERIFIED,
)
WITHIN_REACH = method.Quantity(
    name="nature_within_reach",
    unit="m2/person",
    label=Label("人均可达绿地", "Green space within reach of a person"),
    function=nature_within_reach,
    needs=("nature_per_person",),
    parameters=(REACH,),
    reach_m=itemgetter("reach_m"),
    takes_cell=True,
    source=_UNA,
    status=method.ConfirmationStatus.VERIFIED,
)

METHODS: tuple[method.Method, ...] = (
    method.Method(
        id="index",
        label=Label("游憩潜力与可达性", "Potential and accessibility"),
        profile="any",
        supply=method.Quantity(
            name="supply",
            unit="1",
            label=Label("景观游憩指数", "Recreation index"),
            function=supply,
            needs=("recreation_potential", "accessibility"),
            source=_ESTIMAP,
        ),
        demand=method.Quantity(
            name="demand",
            unit="1",
            label=Label("景观游憩需求指数", "Index of demand for recreation"),
            function=index_demand,
            needs=("exposure", "night_lights_n"),
            source="engineering choice",
        ),
        through=(POTENTIAL, ACCESSIBILITY, TRAVEL, TRAVEL_BY_ROADS),
    ),
    method.Method(
        id="una",
        label=Label("城市绿地可达性", "Urban nature access"),
        profile="biophysical",
        supply=method.Quantity(
            name="supply",
            unit="m2/ha",
            label=Label("可达绿地", "Green space within reach"),
            function=nature_supplied,
            needs=("nature_within_reach", "population"),
            takes_cell=True,
            source=_UNA,
            status=method.ConfirmationStatus.VERIFIED,
        ),
        demand=method.Quantity(
            name="demand",
            unit="m2/ha",
            label=Label("应有绿地", "Green space due"),
            function=nature_demanded,
            needs=("population",),
            parameters=(STANDARD,),
            takes_cell=True,
            source=_UNA,
        ),
        extra=(WITHIN_REACH,),
        through=(NATURE_AREA, PEOPLE, PER_PERSON),
    ),
)
"""Ways to calculate the service, the default of both profiles first."""
