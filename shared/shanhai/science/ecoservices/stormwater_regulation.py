"""Stormwater regulation: storm rain that the land takes up."""

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.ecoservices import method
from shanhai.science.focal import disk_mean
from shanhai.science.grid import FloatArray
from shanhai.science.landcover import by_class
from shanhai.science.runoff import curve_number, storm_runoff
from shanhai.vocabulary import Label

CUBIC_METRES_PER_MM = 10.0
"""Cubic metres on a hectare that one millimetre is."""

BUILT_UP_RADIUS_M = 500.0
"""Distance within which built-up land makes a place ask for regulation."""


def index_supply(
    *, vegetation_cover: FloatArray, infiltration: FloatArray, slope_n: FloatArray
) -> FloatArray:
    """Supply index `FVC·F_sic·(1 − N(slope))`.

    Args:
        vegetation_cover: Fractional vegetation cover, 0–1.
        infiltration: Soil infiltration score, 0–1.
        slope_n: Normalised slope, 0–1.

    Returns:
        0–1; NaN where any input is NaN. Status E.
    """
    return vegetation_cover * infiltration * (1 - slope_n)


def index_demand(*, rainfall_n: FloatArray, night_lights_n: FloatArray) -> FloatArray:
    """Demand index `N(P)·N(ln(1 + NTL))`.

    Args:
        rainfall_n: Normalised annual rain, 0–1.
        night_lights_n: Normalised ln(1 + night lights), 0–1.

    Returns:
        0–1; NaN where any input is NaN. Status E.
    """
    return rainfall_n * night_lights_n


def supply(*, storm_runoff: FloatArray, storm_mm: float) -> FloatArray:
    """Rain of the storm that does not run off, `10·(P − Q)`.

    Args:
        storm_runoff: Q, mm.
        storm_mm: Rain of the storm P, mm.

    Returns:
        m³/ha per storm, ≥ 0; NaN stays NaN.
    """
    return CUBIC_METRES_PER_MM * (storm_mm - storm_runoff)


def demand(
    *,
    storm_runoff: FloatArray,
    storm_mm: float,
    demand_by: str = "exposure",
    exposure: FloatArray | None = None,
    built_up_nearby: FloatArray | None = None,
    built_up: FloatArray | None = None,
) -> FloatArray:
    """Storm water to be taken up.

    By `exposure` and by `built_up_nearby` runoff counts as far as people or buildings are hit by
    it, `10·Q·weight`; by `design_standard` built-up land is to keep the whole storm, `10·P·b`, P
    being the depth of the capture target.

    Args:
        storm_runoff: Q, mm.
        storm_mm: Rain of the storm P, mm.
        demand_by: Which of the three.
        exposure: Exposure of people, 0–1.
        built_up_nearby: Built-up share within 500 m, 0–1.
        built_up: Built-up share of the cell b, 0–1.

    Returns:
        m³/ha per storm, ≥ 0; NaN where runoff or the weight is.

    Raises:
        InvalidInput: the layer that `demand_by` names is not given.
    """
    if demand_by == "design_standard":
        share = _require(built_up, demand_by)
        needed = CUBIC_METRES_PER_MM * storm_mm * share
        return np.where(np.isnan(storm_runoff), np.nan, needed)
    weight = exposure if demand_by == "exposure" else built_up_nearby
    return CUBIC_METRES_PER_MM * storm_runoff * _require(weight, demand_by)


def built_up_nearby(*, built_up: FloatArray, cell_m: float) -> FloatArray:
    """Built-up share of the known cells within 500 m, 0–1; NaN stays NaN."""
    return disk_mean(built_up, BUILT_UP_RADIUS_M, cell_m)


def _require(layer: FloatArray | None, demand_by: str) -> FloatArray:
    if layer is not None:
        return layer
    raise InvalidInput(
        f"demand_by is {demand_by!r}, but the layer it needs is not given",
        message_zh=f"demand_by 为 {demand_by!r}，但缺少其所需图层",
        pointer="/ecoservices/stormwater_regulation/options/demand_by",
    )


def _numbers(group: str, *values: float) -> method.TableSpec:
    return method.TableSpec(
        f"curve_number_{group}",
        by_class(*values),
        "1",
        (0.0, 100.0),
        "TR-55 (USDA-NRCS 1986): grass and bare land as printed there; connected water after "
        "InVEST; the row of built-up land is for its unsealed part",
        method.ConfirmationStatus.LITERATURE,
    )


STORM = method.ParameterSpec(
    "storm_mm",
    None,
    "mm",
    (0.0, 2_000.0),
    "rain of the design storm, from the drainage plan or the capture target",
)
SEALED_SHARE = method.ParameterSpec("sealed_share", 0.70, "1", (0.0, 1.0), "engineering default")
ANTECEDENT = method.OptionSpec(
    "antecedent",
    "normal",
    {"normal": Label("一般湿润", "normal"), "wet": Label("前期湿润", "wet")},
    "TR-55 (USDA-NRCS 1986)",
    method.ConfirmationStatus.VERIFIED,
)
SLOPE_CORRECTION = method.OptionSpec(
    "slope_correction",
    "none",
    {"none": Label("不修正", "none"), "steep": Label("陡坡修正", "steep land")},
    "TR-55 knows no slope; Huang et al. 2006 corrects for it",
    method.ConfirmationStatus.LITERATURE,
    {"steep": ("slope",)},
)
LAKE_STORAGE = method.OptionSpec(
    "lake_storage",
    "conveyance",
    {
        "conveyance": Label("水体只过水", "water passes the rain on"),
        "storage": Label("湖库湿地可蓄", "lakes and wetland hold the storm"),
    },
    "InVEST: 99 for connected water",
    method.ConfirmationStatus.VERIFIED,
)
DEMAND_BY = method.OptionSpec(
    "demand_by",
    "exposure",
    {
        "exposure": Label("人口暴露", "exposure of people"),
        "built_up_nearby": Label("500 m 内建设用地", "built-up land within 500 m"),
        "design_standard": Label("海绵城市控制目标", "capture target of built-up land"),
    },
    "engineering default",
    needs={
        "exposure": ("exposure",),
        "built_up_nearby": ("built_up_nearby",),
        "design_standard": ("built_up",),
    },
)

_UNIT = "m3/ha"
_SOURCE = "TR-55 (USDA-NRCS 1986)"

CURVE_NUMBER = method.Quantity(
    name="curve_number",
    unit="1",
    label=Label("径流曲线数", "Curve number"),
    function=curve_number,
    needs=("land_cover", "hydrologic_group"),
    optional=("impervious",),
    parameters=(SEALED_SHARE,),
    options=(ANTECEDENT, SLOPE_CORRECTION),
    tables=(
        _numbers("a", 67, 30, 30, 39, 99, 99, 99, 39, 77),
        _numbers("b", 78, 55, 48, 61, 99, 99, 99, 61, 86),
        _numbers("c", 85, 70, 65, 74, 99, 99, 99, 74, 91),
        _numbers("d", 89, 77, 73, 80, 99, 99, 99, 80, 94),
    ),
    source=_SOURCE,
    status=method.ConfirmationStatus.LITERATURE,
)
RUNOFF = method.Quantity(
    name="storm_runoff",
    unit="mm",
    label=Label("暴雨径流", "Runoff of the storm"),
    function=storm_runoff,
    needs=("curve_number", "land_cover"),
    parameters=(STORM,),
    options=(LAKE_STORAGE,),
    source=_SOURCE,
    status=method.ConfirmationStatus.VERIFIED,
)
BUILT_UP_NEARBY = method.Quantity(
    name="built_up_nearby",
    unit="1",
    label=Label("周边建设用地比例", "Built-up share nearby"),
    function=built_up_nearby,
    needs=("built_up",),
    reach_m=BUILT_UP_RADIUS_M,
    takes_cell=True,
    source="land cover",
)

METHODS: tuple[method.Method, ...] = (
    method.Method(
        id="scs_cn",
        label=Label("径流曲线数法", "Curve numbers"),
        profile="biophysical",
        supply=method.Quantity(
            name="supply",
            unit=_UNIT,
            label=Label("滞蓄雨量", "Storm rain taken up"),
            function=supply,
            needs=("storm_runoff",),
            parameters=(STORM,),
            source=_SOURCE,
            status=method.ConfirmationStatus.VERIFIED,
        ),
        demand=method.Quantity(
            name="demand",
            unit=_UNIT,
            label=Label("需滞蓄雨量", "Storm rain to be taken up"),
            function=demand,
            needs=("storm_runoff",),
            parameters=(STORM,),
            options=(DEMAND_BY,),
            source="engineering choice",
        ),
        extra=(RUNOFF,),
        through=(CURVE_NUMBER, BUILT_UP_NEARBY),
    ),
    method.Method(
        id="index",
        label=Label("指数法", "Index"),
        profile="index",
        supply=method.Quantity(
            name="supply",
            unit="1",
            label=Label("雨洪调节指数", "Index of storm rain taken up"),
            function=index_supply,
            needs=("vegetation_cover", "infiltration", "slope_n"),
            source="engineering choice",
        ),
        demand=method.Quantity(
            name="demand",
            unit="1",
            label=Label("雨洪调节需求指数", "Index of storm rain to be taken up"),
            function=index_demand,
            needs=("rainfall_n", "night_lights_n"),
            source="engineering choice",
        ),
    ),
)
"""Ways to calculate the service, the default of the biophysical profile first."""
