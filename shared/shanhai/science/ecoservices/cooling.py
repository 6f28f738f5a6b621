"""Cooling: relief from heat by vegetation and evaporation."""

from collections.abc import Mapping
from functools import partial
from operator import itemgetter

from shanhai.science import heat
from shanhai.science.ecoservices.layers import is_class, normalised
from shanhai.science.ecoservices.least_spans import LEAST_SPANS
from shanhai.science.ecoservices.method import (
    ConfirmationStatus,
    Method,
    Numbers,
    OptionSpec,
    ParameterSpec,
    Quantity,
    Statistic,
    TableSpec,
)
from shanhai.science.ecoservices.water_conservation import ANNUAL_ET0, POTENTIAL_ET
from shanhai.science.grid import ClassArray, FloatArray
from shanhai.science.landcover import LandCover, by_class, class_values
from shanhai.science.normalisation import LIMIT_PROBABILITIES
from shanhai.vocabulary import Label


def index_supply(*, vegetation_cover: FloatArray, evapotranspiration_n: FloatArray) -> FloatArray:
    """Raw supply `0.5·FVC + 0.5·N(ET)`, which is normalised once more.

    Args:
        vegetation_cover: Fractional vegetation cover, 0–1.
        evapotranspiration_n: Normalised evapotranspiration, actual or Kc·ET0, 0–1.

    Returns:
        0–1, not yet spread over the range; NaN where any input is NaN. Status E.
    """
    return 0.5 * vegetation_cover + 0.5 * evapotranspiration_n


def index_demand(*, temperature_n: FloatArray, night_lights_n: FloatArray) -> FloatArray:
    """Demand index `N(T)·N(ln(1 + NTL))`.

    Args:
        temperature_n: Normalised air temperature, 0–1.
        night_lights_n: Normalised ln(1 + night lights), 0–1.

    Returns:
        0–1; NaN where any input is NaN. Status E.
    """
    return temperature_n * night_lights_n


def normalised_supply(*, cooling_index: FloatArray, low: float, high: float) -> FloatArray:
    """`index_supply` between its own percentile limits, 0–1; NaN stays NaN."""
    return normalised(cooling_index, low, high, LEAST_SPANS["cooling_index"])


def green_cover(*, land_cover: ClassArray, green: Mapping[LandCover, float]) -> FloatArray:
    """Green share of the class, 0–1; NaN where land cover is nodata."""
    return class_values(land_cover, green)


def _kernel_reach_m(numbers: Numbers) -> float:
    return heat.KERNEL_REACH * numbers["cooling_distance_m"]


def _table(name: str, *values: float) -> TableSpec:
    table = by_class(*values)
    return TableSpec(name, table, "1", (0.0, 1.0), "engineering default")


def _weight(name: str, value: float) -> ParameterSpec:
    source = "InVEST urban cooling; the three weights are rescaled to the sum 1"
    return ParameterSpec(name, value, "1", (0.0, 1.0), source, ConfirmationStatus.VERIFIED)


def _mask(cover: LandCover) -> Quantity:
    return Quantity(
        name=f"is_class_{int(cover)}",
        unit="bool",
        label=Label(f"地类 {int(cover)}", f"Land cover {int(cover)}"),
        function=partial(is_class, code=int(cover)),
        needs=("land_cover",),
        source="land cover",
        status=ConfirmationStatus.VERIFIED,
    )


SHADE = _table("shade", 0.05, 0.85, 0.30, 0.05, 0.10, 0.80, 0, 0.10, 0)
ALBEDO = _table("albedo", 0.18, 0.15, 0.18, 0.20, 0.14, 0.12, 0.06, 0.18, 0.25)
GREEN = _table("green", 0, 1, 1, 1, 1, 1, 0, 0, 0)
COOLING_DISTANCE = ParameterSpec(
    "cooling_distance_m", 450.0, "m", (10.0, 2_000.0), "engineering default"
)
PARK_AREA = ParameterSpec(
    "park_area_ha", 2.0, "ha", (0.0, 1_000.0), "InVEST urban cooling", ConfirmationStatus.VERIFIED
)
UHI_MAX = ParameterSpec(
    "uhi_max",
    3.5,
    "Cel",
    (0.0, 15.0),
    "engineering default, to be set from a local study of the heat island",
)
COMFORT = ParameterSpec("comfort_temperature", 26.0, "Cel", (0.0, 45.0), "engineering default")
SHADE_SOURCE = OptionSpec(
    "shade_source",
    "table",
    {
        "table": Label("按地类取值", "by class"),
        "vegetation_cover": Label("按地类与植被覆盖度", "by class and vegetation cover"),
    },
    "engineering default",
    needs={"vegetation_cover": ("shade_by_cover",)},
)

_INVEST = "InVEST urban cooling, after Zardo et al. 2017"
_SHADED = tuple(cover for cover, value in SHADE.values.items() if value > 0)
_MASKS = {cover: _mask(cover) for cover in _SHADED}
_EXPOSURE_LABEL = Label("高温暴露", "Exposure to heat")

GREEN_COVER = Quantity(
    name="green_cover",
    unit="1",
    label=Label("绿地比例", "Green cover"),
    function=green_cover,
    needs=("land_cover",),
    tables=(GREEN,),
    source="class table",
)
SHADE_BY_COVER = Quantity(
    name="shade_by_cover",
    unit="1",
    label=Label("遮荫率", "Shade"),
    function=heat.shade_by_cover,
    needs=("land_cover", "vegetation_cover"),
    tables=(SHADE,),
    statistics=tuple(
        Statistic(f"mean_cover_{int(cover)}", "vegetation_cover", "mean", where=_MASKS[cover].name)
        for cover in _SHADED
    ),
    source="engineering choice",
)
CAPACITY = Quantity(
    name="cooling_capacity",
    unit="1",
    label=Label("降温能力", "Cooling capacity"),
    function=heat.cooling_capacity,
    needs=("land_cover", "potential_et"),
    parameters=(
        _weight("shade_weight", 0.6),
        _weight("albedo_weight", 0.2),
        _weight("evaporation_weight", 0.2),
    ),
    options=(SHADE_SOURCE,),
    tables=(SHADE, ALBEDO),
    statistics=(Statistic("reference_et_max", "annual_et0", "max"),),
    source=_INVEST,
    status=ConfirmationStatus.VERIFIED,
)
PARK_COOLING = Quantity(
    name="park_cooling",
    unit="1",
    label=Label("绿地降温", "Cooling by parks"),
    function=heat.park_cooling,
    needs=("cooling_capacity", "green_cover"),
    parameters=(COOLING_DISTANCE,),
    reach_m=_kernel_reach_m,
    takes_cell=True,
    takes_frame=True,
    source=_INVEST,
    status=ConfirmationStatus.VERIFIED,
)
GREEN_AREA = Quantity(
    name="green_area_ha",
    unit="ha",
    label=Label("周边绿地面积", "Green area nearby"),
    function=heat.green_area_ha,
    needs=("green_cover",),
    parameters=(COOLING_DISTANCE,),
    reach_m=itemgetter("cooling_distance_m"),
    takes_cell=True,
    source=_INVEST,
    status=ConfirmationStatus.VERIFIED,
)
MITIGATION = Quantity(
    name="heat_mitigation",
    unit="1",
    label=Label("热缓解指数", "Heat mitigation"),
    function=heat.heat_mitigation,
    needs=("cooling_capacity", "park_cooling", "green_area_ha"),
    parameters=(PARK_AREA,),
    source=_INVEST,
    status=ConfirmationStatus.VERIFIED,
)
COOLING_INDEX = Quantity(
    name="cooling_index",
    unit="1",
    label=Label("绿度与蒸散", "Greenness and evaporation"),
    function=index_supply,
    needs=("vegetation_cover", "evapotranspiration_n"),
    source="engineering choice",
)

UCM = Method(
    id="ucm",
    label=Label("城市降温模型", "Urban cooling model"),
    profile="biophysical",
    supply=Quantity(
        name="supply",
        unit="Cel",
        label=Label("降温幅度", "Cooling"),
        function=heat.mitigated_heat,
        needs=("heat_mitigation",),
        parameters=(UHI_MAX,),
        source=_INVEST,
        status=ConfirmationStatus.VERIFIED,
    ),
    demand=Quantity(
        name="demand",
        unit="Cel",
        label=_EXPOSURE_LABEL,
        function=heat.air_heat,
        needs=("summer_temperature", "exposure"),
        parameters=(COMFORT,),
        source="engineering choice",
    ),
    extra=(MITIGATION,),
    through=(
        ANNUAL_ET0,
        POTENTIAL_ET,
        GREEN_COVER,
        *_MASKS.values(),
        SHADE_BY_COVER,
        CAPACITY,
        PARK_COOLING,
        GREEN_AREA,
    ),
)
LST = Method(
    id="lst",
    label=Label("地表温度法", "Land surface temperature"),
    profile="biophysical",
    supply=Quantity(
        name="supply",
        unit="Cel",
        label=Label("较建设用地的降温", "Cooler than built-up land"),
        function=heat.surface_cooling,
        needs=("lst",),
        statistics=(
            Statistic("built_up_lst", "lst", "mean", where=_MASKS[LandCover.BUILT_UP].name),
        ),
        source="engineering choice",
    ),
    demand=Quantity(
        name="demand",
        unit="Cel",
        label=_EXPOSURE_LABEL,
        function=heat.surface_heat,
        needs=("lst", "exposure"),
        statistics=(
            Statistic("forest_lst", "lst", "quantile", 0.5, _MASKS[LandCover.FOREST].name),
        ),
        source="engineering choice",
    ),
    through=(_MASKS[LandCover.BUILT_UP], _MASKS[LandCover.FOREST]),
)
INDEX = Method(
    id="index",
    label=Label("指数法", "Index"),
    profile="index",
    supply=Quantity(
        name="supply",
        unit="1",
        label=Label("降温指数", "Cooling index"),
        function=normalised_supply,
        needs=("cooling_index",),
        statistics=(
            Statistic("low", "cooling_index", "quantile", LIMIT_PROBABILITIES[0]),
            Statistic("high", "cooling_index", "quantile", LIMIT_PROBABILITIES[1]),
        ),
        source="engineering choice",
    ),
    demand=Quantity(
        name="demand",
        unit="1",
        label=Label("降温需求指数", "Index of demand for cooling"),
        function=index_demand,
        needs=("temperature_n", "night_lights_n"),
        source="engineering choice",
    ),
    through=(COOLING_INDEX,),
)

METHODS: tuple[Method, ...] = (UCM, LST, INDEX)
"""Ways to calculate the service, the default of the biophysical profile first."""
