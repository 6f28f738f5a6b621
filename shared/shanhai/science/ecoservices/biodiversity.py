"""Biodiversity maintenance: conditions for life against human disturbance."""

from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.ecoservices import method
from shanhai.science.ecoservices.layers import limits_of, normalised
from shanhai.science.ecoservices.least_spans import LEAST_SPANS
from shanhai.science.ecoservices.stormwater_regulation import BUILT_UP_NEARBY
from shanhai.science.grid import ClassArray, FloatArray
from shanhai.science.habitat import Impact, degradation, habitat_quality, threat_intensity
from shanhai.science.landcover import LandCover, by_class
from shanhai.vocabulary import Label

HECTARES_PER_KM2 = 100.0


@dataclass(frozen=True, slots=True)
class Threat:
    """A threat to habitats and its defaults.

    Attributes:
        id: Identifier; its parameters, option and table are named after it.
        label: Name in Chinese and English.
        source: Layer its sources are read from.
        of_class: Land-cover class that is the source; None where the layer itself marks sources.
        reach_m: Distance beyond which it is not felt, m.
        weight: Weight among the threats.
        decay: `linear` or `exponential`.
        sensitivity: How much the classes from cropland to bare land suffer from it, 0–1.
    """

    id: str
    label: Label
    source: str
    of_class: LandCover | None
    reach_m: float
    weight: float
    decay: str
    sensitivity: tuple[float, ...]


_TO_BUILT_UP = (0.5, 0.9, 0.7, 0.6, 0.9, 0.9, 0.8, 0.0, 0.1)
_TO_CROPLAND = (0.0, 0.6, 0.5, 0.5, 0.7, 0.6, 0.6, 0.0, 0.1)

THREATS: tuple[Threat, ...] = (
    Threat(
        "built_up",
        Label("建设用地", "Built-up land"),
        "land_cover",
        LandCover.BUILT_UP,
        8_000.0,
        1.0,
        "exponential",
        _TO_BUILT_UP,
    ),
    Threat(
        "main_roads",
        Label("主要道路", "Main roads"),
        "main_roads",
        None,
        3_000.0,
        0.7,
        "linear",
        _TO_BUILT_UP,
    ),
    Threat(
        "cropland",
        Label("耕地", "Cropland"),
        "land_cover",
        LandCover.CROPLAND,
        2_000.0,
        0.4,
        "linear",
        _TO_CROPLAND,
    ),
    Threat(
        "bare",
        Label("裸地与矿山", "Bare land and mines"),
        "land_cover",
        LandCover.BARE,
        3_000.0,
        0.6,
        "exponential",
        _TO_BUILT_UP,
    ),
)
"""A further threat is one entry here; status E."""


def index_supply(
    *, npp_n: FloatArray, rainfall_n: FloatArray, temperature_n: FloatArray, elevation_n: FloatArray
) -> FloatArray:
    """Raw supply `N(NPP)·N(P)·N(T)·(1 − N(z))`, which is normalised once more.

    Args:
        npp_n: Normalised net primary productivity, 0–1.
        rainfall_n: Normalised annual rain, 0–1.
        temperature_n: Normalised annual mean temperature, 0–1.
        elevation_n: Normalised elevation, 0–1.

    Returns:
        0–1, not yet spread over the range; NaN where any input is NaN.

    Source: Ecological Protection Red-line Delineation Guideline 2017.
    """
    return npp_n * rainfall_n * temperature_n * (1 - elevation_n)


def normalised_supply(*, life_conditions: FloatArray, low: float, high: float) -> FloatArray:
    """`index_supply` between its own percentile limits, 0–1; NaN stays NaN."""
    return normalised(life_conditions, low, high, LEAST_SPANS["life_conditions"])


def index_demand(
    *, night_lights_n: FloatArray, exposure: FloatArray, built_up: FloatArray | None = None
) -> FloatArray:
    """Human disturbance `[N(ln(1 + NTL)) + E + b]/3`, or the mean of the terms there are.

    Args:
        night_lights_n: Normalised ln(1 + night lights), 0–1.
        exposure: Exposure of people, 0–1.
        built_up: Built-up fraction of the cell, 0–1; left out of the mean without land cover.

    Returns:
        0–1; NaN where any given input is NaN. Status E.
    """
    terms = (night_lights_n, exposure) if built_up is None else (night_lights_n, exposure, built_up)
    return np.asarray(sum(terms) / len(terms))


def land_development(
    *, built_up: FloatArray, population_density: FloatArray, gdp: FloatArray
) -> FloatArray:
    """Land development `U·lg(PD)·lg(GD)`, which is normalised to the index LDI.

    Args:
        built_up: Built-up share of the cell; U is its percentage, 0–1.
        population_density: Persons/ha; PD are persons/km².
        gdp: Gross domestic product GD, 10 000 CNY/km².

    Returns:
        ≥ 0, densities below 1 counting as 1; NaN where an input is.

    Source: Peng et al. 2017, status L.
    """
    people = np.log10(np.maximum(population_density * HECTARES_PER_KM2, 1.0))
    return np.asarray(100.0 * built_up * people * np.log10(np.maximum(gdp, 1.0)))


def normalised_development(*, land_development: FloatArray, low: float, high: float) -> FloatArray:
    """`land_development` between its percentile limits, LDI of 0–1; NaN stays NaN."""
    return normalised(land_development, low, high, LEAST_SPANS["land_development"])


def demand(
    *,
    demand_by: str = "disturbance",
    night_lights_n: FloatArray | None = None,
    exposure: FloatArray | None = None,
    built_up: FloatArray | None = None,
    built_up_nearby: FloatArray | None = None,
    land_development_n: FloatArray | None = None,
) -> FloatArray:
    """Human pressure: `index_demand` by `disturbance`, LDI by `land_development`.

    Args:
        demand_by: Which of the two; `disturbance_nearby` is the first with the built-up share of
            the surroundings in place of the cell's.
        night_lights_n: Normalised ln(1 + night lights), 0–1.
        exposure: Exposure of people, 0–1.
        built_up: Built-up fraction of the cell, 0–1; left out without land cover.
        built_up_nearby: Built-up fraction within 500 m, 0–1.
        land_development_n: LDI, 0–1.

    Returns:
        0–1; NaN where any input of the way taken is NaN.

    Raises:
        InvalidInput: a layer that `demand_by` names is not given.
    """
    if demand_by == "land_development" and land_development_n is not None:
        return land_development_n.copy()
    if demand_by != "land_development" and night_lights_n is not None and exposure is not None:
        built = built_up_nearby if demand_by == "disturbance_nearby" else built_up
        return index_demand(night_lights_n=night_lights_n, exposure=exposure, built_up=built)
    raise InvalidInput(
        f"demand_by is {demand_by!r}, but a layer it needs is not given",
        message_zh=f"demand_by 为 {demand_by!r}，但缺少其所需图层",
        pointer="/ecoservices/biodiversity/options/demand_by",
    )


def threat(source: Threat, *, cell_m: float, **given: Any) -> FloatArray:
    """Intensity of one threat, from its layer, reach and decay by keyword, 0–1."""
    layer = given[source.source]
    marked = layer > 0 if source.of_class is None else layer == source.of_class
    reach_m, decay = given[f"{source.id}_reach_m"], given[f"{source.id}_decay"]
    return threat_intensity(marked, reach_m, decay, cell_m)


def habitat_degradation(
    *,
    land_cover: ClassArray,
    protected_access: float,
    protected: FloatArray | None = None,
    **given: Any,
) -> FloatArray:
    """Degradation by the threats whose sources are known.

    Args:
        land_cover: Internal codes; 0 is nodata.
        protected_access: Accessibility β of protected areas, 0–1; 1 elsewhere.
        protected: 1 in protected areas, else 0; nowhere when not given.
        given: Of each threat `threat_<id>` where its sources are known, `<id>_weight` and
            `sensitivity_<id>`.

    Returns:
        0–1; NaN where land cover is nodata.

    Source: InVEST habitat quality.
    """
    impacts = {
        one.id: Impact(
            given[f"threat_{one.id}"], given[f"{one.id}_weight"], given[f"sensitivity_{one.id}"]
        )
        for one in THREATS
        if given.get(f"threat_{one.id}") is not None
    }
    access = 1.0 if protected is None else np.where(protected > 0, protected_access, 1.0)
    return degradation(land_cover, impacts, access)


def _number(name: str, value: float, unit: str, high: float) -> method.ParameterSpec:
    low = 1.0 if unit == "m" else 0.0
    source = "engineering default"
    return method.ParameterSpec(name, value, unit, (low, high), source)


def _table(name: str, *values: float) -> method.TableSpec:
    table = by_class(*values)
    return method.TableSpec(name, table, "1", (0.0, 1.0), "engineering default")


def _decay(one: Threat) -> method.OptionSpec:
    ways = {"linear": Label("线性衰减", "linear"), "exponential": Label("指数衰减", "exponential")}
    name, source = f"{one.id}_decay", "engineering default"
    return method.OptionSpec(name, one.decay, ways, source)


def _threat_quantity(one: Threat) -> method.Quantity:
    return method.Quantity(
        name=f"threat_{one.id}",
        unit="1",
        label=Label(f"{one.label.zh}威胁强度", f"Threat by {one.label.en.lower()}"),
        function=partial(threat, one),
        needs=(one.source,),
        parameters=(_number(f"{one.id}_reach_m", one.reach_m, "m", 50_000.0),),
        options=(_decay(one),),
        reach_m=itemgetter(f"{one.id}_reach_m"),
        takes_cell=True,
        source=_INVEST,
        status=method.ConfirmationStatus.VERIFIED,
    )


_INVEST = "InVEST habitat quality"

DEMAND_BY = method.OptionSpec(
    "demand_by",
    "disturbance",
    {
        "disturbance": Label("人为干扰", "human disturbance"),
        "disturbance_nearby": Label(
            "人为干扰（500 m 内建设用地）", "human disturbance, built-up land within 500 m"
        ),
        "land_development": Label("土地开发指数", "land development index"),
    },
    "engineering default",
    needs={
        "disturbance": ("night_lights_n", "exposure"),
        "disturbance_nearby": ("night_lights_n", "exposure", "built_up_nearby"),
        "land_development": ("land_development_n",),
    },
)

DEVELOPMENT = method.Quantity(
    name="land_development",
    unit="1",
    label=Label("土地开发强度", "Land development"),
    function=land_development,
    needs=("built_up", "population_density", "gdp"),
    source="Peng et al. 2017",
    status=method.ConfirmationStatus.LITERATURE,
)
DEVELOPMENT_N = method.Quantity(
    name="land_development_n",
    unit="1",
    label=Label("土地开发指数", "Land development index"),
    function=normalised_development,
    needs=("land_development",),
    statistics=limits_of("land_development"),
    source="Peng et al. 2017",
    status=method.ConfirmationStatus.LITERATURE,
)
DEMAND = method.Quantity(
    name="demand",
    unit="1",
    label=Label("人为压力", "Human pressure"),
    function=demand,
    needs=(),
    optional=("built_up",),
    options=(DEMAND_BY,),
    source="engineering choice",
)
CONDITIONS = method.Quantity(
    name="life_conditions",
    unit="1",
    label=Label("生境条件", "Conditions for life"),
    function=index_supply,
    needs=("npp_n", "rainfall_n", "temperature_n", "elevation_n"),
    source="Ecological Protection Red-line Delineation Guideline 2017",
    status=method.ConfirmationStatus.VERIFIED,
)
DEGRADATION = method.Quantity(
    name="habitat_degradation",
    unit="1",
    label=Label("生境退化度", "Degradation of the habitat"),
    function=habitat_degradation,
    needs=("land_cover", "threat_built_up", "threat_cropland", "threat_bare"),
    optional=("threat_main_roads", "protected"),
    parameters=(
        *(_number(f"{one.id}_weight", one.weight, "1", 1.0) for one in THREATS),
        _number("protected_access", 1.0, "1", 1.0),
    ),
    tables=tuple(_table(f"sensitivity_{one.id}", *one.sensitivity) for one in THREATS),
    source=_INVEST,
    status=method.ConfirmationStatus.VERIFIED,
)

METHODS: tuple[method.Method, ...] = (
    method.Method(
        id="npp_index",
        label=Label("净初级生产力指数法", "Productivity index"),
        profile="any",
        supply=method.Quantity(
            name="supply",
            unit="1",
            label=Label("生物多样性维护指数", "Biodiversity maintenance index"),
            function=normalised_supply,
            needs=("life_conditions",),
            statistics=limits_of("life_conditions"),
            source="Ecological Protection Red-line Delineation Guideline 2017",
            status=method.ConfirmationStatus.VERIFIED,
        ),
        demand=DEMAND,
        through=(CONDITIONS, BUILT_UP_NEARBY, DEVELOPMENT, DEVELOPMENT_N),
    ),
    method.Method(
        id="habitat_quality",
        label=Label("生境质量模型", "Habitat quality"),
        profile="biophysical",
        supply=method.Quantity(
            name="supply",
            unit="1",
            label=Label("生境质量", "Habitat quality"),
            function=habitat_quality,
            needs=("land_cover", "habitat_degradation"),
            parameters=(
                method.ParameterSpec(
                    "half_saturation",
                    0.0,
                    "1",
                    (0.0, 1.0),
                    "0 takes half of the largest degradation, as the InVEST user guide advises",
                    method.ConfirmationStatus.VERIFIED,
                ),
            ),
            tables=(_table("habitat", 0.3, 1.0, 0.8, 0.6, 0.9, 1.0, 0.7, 0, 0.1),),
            statistics=(method.Statistic("degradation_max", "habitat_degradation", "max"),),
            source=_INVEST,
            status=method.ConfirmationStatus.VERIFIED,
        ),
        demand=DEMAND,
        extra=(DEGRADATION,),
        through=(*map(_threat_quantity, THREATS), BUILT_UP_NEARBY, DEVELOPMENT, DEVELOPMENT_N),
    ),
)
"""Ways to calculate the service, the default of both profiles first."""
