"""Soil retention: erosion that vegetation avoids."""

from collections.abc import Mapping

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science import rusle
from shanhai.science.climate import erosivity_annual, erosivity_monthly
from shanhai.science.ecoservices import method
from shanhai.science.grid import BoolArray, ClassArray, FloatArray
from shanhai.science.hydrology.routing import (
    ROUTINGS,
    SCRATCH,
    contributing_area,
    write_contributing_area,
)
from shanhai.science.landcover import LandCover, class_values, is_built_up, is_water
from shanhai.vocabulary import Label

MONTHLY, ANNUAL, GIVEN = "monthly", "annual", "given"
TEXTURE, MEASURED = "texture", "measured"
CAI, VAN_DER_KNIJFF, BY_CLASS = "cai", "van_der_knijff", "table"
ACTUAL, TOLERANCE = "actual", "tolerance"


def _zero_on(mask: BoolArray | None, values: FloatArray) -> FloatArray:
    """Zero where water or built-up land has no soil to lose; NaN stays NaN."""
    return values if mask is None else np.where(mask & ~np.isnan(values), 0.0, values)


def index_supply(
    *,
    npp_n: FloatArray,
    erodibility_n: FloatArray,
    slope_n: FloatArray,
    water_or_built_up: BoolArray | None = None,
) -> FloatArray:
    """Supply index `N(NPP)·(1 − N(K))·(1 − N(slope))`.

    Args:
        npp_n: Normalised net primary productivity, 0–1.
        erodibility_n: Normalised soil erodibility, 0–1.
        slope_n: Normalised slope, 0–1.
        water_or_built_up: Cells whose supply is 0.

    Returns:
        0–1; NaN where any input is NaN.

    Source: Ecological Protection Red-line Delineation Guideline 2017.
    """
    return _zero_on(water_or_built_up, npp_n * (1 - erodibility_n) * (1 - slope_n))


def index_demand(
    *,
    erosivity_n: FloatArray,
    slope_n: FloatArray,
    vegetation_cover: FloatArray,
    water_or_built_up: BoolArray | None = None,
) -> FloatArray:
    """Demand index `N(R)·N(slope)·(1 − FVC)`.

    Args:
        erosivity_n: Normalised rainfall erosivity, 0–1.
        slope_n: Normalised slope, 0–1.
        vegetation_cover: Fractional vegetation cover, 0–1.
        water_or_built_up: Cells whose demand is 0.

    Returns:
        0–1; NaN where any input is NaN. Status E.
    """
    return _zero_on(water_or_built_up, erosivity_n * slope_n * (1 - vegetation_cover))


def r_factor(
    *,
    erosivity_from: str,
    rainfall_monthly: FloatArray | None = None,
    rainfall: FloatArray | None = None,
    rain_erosivity: FloatArray | None = None,
) -> FloatArray:
    """Rainfall erosivity R: as given, or from the rain of the months or of the year.

    Args:
        erosivity_from: `monthly`, `annual` or `given`; the quantity of the same way is required.
        rainfall_monthly: Rain of the twelve months, mm, first axis.
        rainfall: Rain of the year, mm.
        rain_erosivity: R from elsewhere, such as `climate.erosivity_daily` of station records.

    Returns:
        MJ·mm/(ha·h·yr), ≥ 0; NaN where the rain is NaN.
    """
    if erosivity_from == MONTHLY and rainfall_monthly is not None:
        return erosivity_monthly(rainfall_monthly)
    if erosivity_from == ANNUAL and rainfall is not None:
        return erosivity_annual(rainfall)
    return _required(rain_erosivity, "rain_erosivity")


def k_factor(
    *,
    erodibility_from: str,
    sand: FloatArray | None = None,
    silt: FloatArray | None = None,
    clay: FloatArray | None = None,
    organic_carbon: FloatArray | None = None,
    soil_erodibility: FloatArray | None = None,
) -> FloatArray:
    """Soil erodibility K: from texture and carbon, or as measured.

    Args:
        erodibility_from: `texture` or `measured`; the quantities of the same way are required.
        sand: % of mass.
        silt: % of mass.
        clay: % of mass.
        organic_carbon: % of mass.
        soil_erodibility: K of a soil survey, in the unit of the result.

    Returns:
        t·ha·h/(ha·MJ·mm), ≥ 0; NaN where an input is NaN.
    """
    if erodibility_from == MEASURED:
        return _required(soil_erodibility, "soil_erodibility")
    return rusle.erodibility(
        _required(sand, "sand"),
        _required(silt, "silt"),
        _required(clay, "clay"),
        _required(organic_carbon, "organic_carbon"),
    )


def s_factor(*, slope: FloatArray, theta_cap: float) -> FloatArray:
    """Slope steepness S, see `rusle.slope_steepness`."""
    return rusle.slope_steepness(slope, theta_cap)


def l_factor(
    *,
    slope: FloatArray,
    aspect_length: FloatArray,
    contributing_area: FloatArray,
    slope_length_cap: float,
    cell_m: float,
) -> FloatArray:
    """Slope length L, see `rusle.slope_length`."""
    return rusle.slope_length(slope, aspect_length, contributing_area, cell_m, slope_length_cap)


def c_factor(
    *,
    cover_factor: str,
    vegetation_cover: FloatArray | None = None,
    ndvi: FloatArray | None = None,
    land_cover: ClassArray | None = None,
) -> FloatArray:
    """Cover and management C.

    Args:
        cover_factor: `cai`, `van_der_knijff` or `table`.
        vegetation_cover: Fractional vegetation cover, 0–1, for `cai` and `table`.
        ndvi: Vegetation index, for `van_der_knijff`.
        land_cover: Internal codes, for `table`.

    Returns:
        0–1; NaN where an input is NaN.
    """
    if cover_factor == VAN_DER_KNIJFF:
        return rusle.cover_van_der_knijff(_required(ndvi, "ndvi"))
    cover = _required(vegetation_cover, "vegetation_cover")
    if cover_factor == BY_CLASS and land_cover is not None:
        return rusle.cover_table(cover, land_cover)
    return rusle.cover_cai(cover)


def potential_erosion(
    *,
    r_factor: FloatArray,
    k_factor: FloatArray,
    l_factor: FloatArray,
    s_factor: FloatArray,
    land_cover: ClassArray,
) -> FloatArray:
    """Soil loss of bare ground, `RKLS = R·K·L·S`; 0 on water and built-up land.

    Without that zero, ground that has no soil to lose would count as perfectly kept.

    Args:
        r_factor: MJ·mm/(ha·h·yr).
        k_factor: t·ha·h/(ha·MJ·mm).
        l_factor: Slope length.
        s_factor: Slope steepness.
        land_cover: Internal codes; 0 is nodata.

    Returns:
        t/ha/yr, ≥ 0; NaN where any input is nodata.

    Source: Renard et al. 1997.
    """
    erosion = np.where(land_cover == 0, np.nan, r_factor * k_factor * l_factor * s_factor)
    return _zero_on(is_water(land_cover) | is_built_up(land_cover), erosion)


def actual_erosion(
    *,
    potential_erosion: FloatArray,
    c_factor: FloatArray,
    land_cover: ClassArray,
    support_practice: Mapping[LandCover, float],
) -> FloatArray:
    """Soil loss as the land is, `USLE = RKLS·C·P`.

    Args:
        potential_erosion: t/ha/yr.
        c_factor: Cover and management, 0–1.
        land_cover: Internal codes; 0 is nodata.
        support_practice: P by class, 0–1.

    Returns:
        t/ha/yr, 0 to `potential_erosion`; NaN where any input is nodata.

    Source: Renard et al. 1997.
    """
    return np.asarray(potential_erosion * c_factor * class_values(land_cover, support_practice))


def avoided_erosion(*, potential_erosion: FloatArray, actual_erosion: FloatArray) -> FloatArray:
    """Supply: soil that cover and practice keep, `RKLS − USLE`, t/ha/yr; NaN where an input is."""
    return potential_erosion - actual_erosion


def erosion_demand(
    *,
    demand_form: str,
    tolerance: float,
    potential_erosion: FloatArray | None = None,
    actual_erosion: FloatArray | None = None,
) -> FloatArray:
    """Demand: erosion that is left, or all that must be kept to stay within tolerance.

    Args:
        demand_form: `actual` for the soil loss as it is, so that the ratio is positive wherever
            C·P < 0.5; `tolerance` for `max(0, RKLS − T)`, so that supply less demand is T − USLE.
        tolerance: Tolerable soil loss T, t/ha/yr.
        potential_erosion: t/ha/yr, for `tolerance`.
        actual_erosion: t/ha/yr, for `actual`.

    Returns:
        t/ha/yr, ≥ 0; NaN where the input is NaN.
    """
    if demand_form == ACTUAL:
        return _required(actual_erosion, "actual_erosion").copy()
    return np.maximum(_required(potential_erosion, "potential_erosion") - tolerance, 0.0)


def intensity(*, actual_erosion: FloatArray, tolerance: float) -> ClassArray:
    """Codes of `rusle.Intensity`; 0 for nodata."""
    return rusle.erosion_intensity(actual_erosion, tolerance)


def _required(array: FloatArray | None, name: str) -> FloatArray:
    if array is None:
        raise InvalidInput(
            f"soil_retention lacks the quantity {name}; the chosen options require it",
            message_zh=f"土壤保持缺少量 {name}，所选方式需要它",
        )
    return array


_YEARLY_LOSS = "t/ha/yr"
_ALL_CLASSES = tuple(LandCover)[: LandCover.BARE]

PRACTICE = method.TableSpec(
    "support_practice",
    dict.fromkeys(_ALL_CLASSES, 1.0) | {LandCover.CROPLAND: 0.35},
    "1",
    (0.0, 1.0),
    "paddy 0.15, orchard 0.69 in the literature; 0.35 for both and dry fields together. "
    "Water and built-up land have no practice, and no erosion whatever the value",
)
THETA_CAP = method.ParameterSpec(
    "theta_cap",
    rusle.SLOPE_CAP_DEG,
    "deg",
    (10.0, 90.0),
    "the plots of Liu et al. 1994 end at 29 degrees",
)
LENGTH_CAP = method.ParameterSpec(
    "slope_length_cap",
    rusle.SLOPE_LENGTH_CAP_M,
    "m",
    (1.0, 1000.0),
    "400 ft, Renard et al. 1997",
    method.ConfirmationStatus.LITERATURE,
)
TOLERABLE = method.ParameterSpec(
    "tolerance",
    5.0,
    "t/ha/yr",
    (0.0, 25.0),
    "southern red-soil hills, SL 190-2007",
    method.ConfirmationStatus.LITERATURE,
)
EROSIVITY_FROM = method.OptionSpec(
    "erosivity_from",
    MONTHLY,
    {
        MONTHLY: Label("逐月降雨", "rain of the months"),
        ANNUAL: Label("年降雨", "rain of the year"),
        GIVEN: Label("给定侵蚀力图层", "a layer of erosivity"),
    },
    "Zhang and Fu 2003; daily records make a better layer (Xie et al. 2016)",
    method.ConfirmationStatus.LITERATURE,
    needs={MONTHLY: ("rainfall_monthly",), ANNUAL: ("rainfall",), GIVEN: ("rain_erosivity",)},
)
ERODIBILITY_FROM = method.OptionSpec(
    "erodibility_from",
    TEXTURE,
    {
        TEXTURE: Label("土壤质地与有机碳", "texture and organic carbon"),
        MEASURED: Label("实测可蚀性图层", "a layer of measured erodibility"),
    },
    "Williams 1990, calibrated by Zhang et al. 2008",
    method.ConfirmationStatus.LITERATURE,
    needs={TEXTURE: ("sand", "silt", "clay", "organic_carbon"), MEASURED: ("soil_erodibility",)},
)
COVER_FACTOR = method.OptionSpec(
    "cover_factor",
    CAI,
    {
        CAI: Label("蔡崇法等植被覆盖度公式", "formula of Cai et al. on cover"),
        VAN_DER_KNIJFF: Label("van der Knijff 植被指数公式", "formula of van der Knijff on NDVI"),
        BY_CLASS: Label("植被类型与覆盖度查表", "table by class and cover"),
    },
    "Cai et al. 2000",
    method.ConfirmationStatus.LITERATURE,
    needs={
        CAI: ("vegetation_cover",),
        VAN_DER_KNIJFF: ("ndvi",),
        BY_CLASS: ("vegetation_cover", "land_cover"),
    },
)
DEMAND_FORM = method.OptionSpec(
    "demand_form",
    ACTUAL,
    {
        ACTUAL: Label("现实侵蚀量", "erosion as it is"),
        TOLERANCE: Label("超出容许流失量的潜在侵蚀", "potential erosion above tolerance"),
    },
    "engineering choice",
    needs={ACTUAL: ("actual_erosion",), TOLERANCE: ("potential_erosion",)},
)
FLOW_ROUTING = method.OptionSpec(
    "flow_routing",
    "d8",
    ROUTINGS,
    "O'Callaghan and Mark 1984; Freeman 1991; Quinn et al. 1991",
    method.ConfirmationStatus.VERIFIED,
)

CONTRIBUTING_AREA = method.Quantity(
    name="contributing_area",
    unit="m2",
    label=Label("上游汇水面积", "Contributing area"),
    function=contributing_area,
    needs=("dem",),
    options=(FLOW_ROUTING,),
    takes_cell=True,
    tiled=method.Tiled(write_contributing_area, SCRATCH),
    source="depressions filled (Barnes et al. 2014), flats after Garbrecht and Martz 1997",
    status=method.ConfirmationStatus.VERIFIED,
)
R_FACTOR = method.Quantity(
    name="r_factor",
    unit="MJ.mm/(ha.h.yr)",
    label=Label("降雨侵蚀力因子", "Rainfall erosivity R"),
    function=r_factor,
    needs=(),
    options=(EROSIVITY_FROM,),
    expected=(3000.0, 12_000.0),
    source="Zhang and Fu 2003",
    status=method.ConfirmationStatus.LITERATURE,
)
K_FACTOR = method.Quantity(
    name="k_factor",
    unit="t.ha.h/(ha.MJ.mm)",
    label=Label("土壤可蚀性因子", "Soil erodibility K"),
    function=k_factor,
    needs=(),
    options=(ERODIBILITY_FROM,),
    expected=(0.005, 0.06),
    source="Williams 1990; Zhang et al. 2008",
    status=method.ConfirmationStatus.LITERATURE,
)
S_FACTOR = method.Quantity(
    name="s_factor",
    unit="1",
    label=Label("坡度因子", "Slope steepness S"),
    function=s_factor,
    needs=("slope",),
    parameters=(THETA_CAP,),
    source="McCool et al. 1987; Liu et al. 1994",
    status=method.ConfirmationStatus.LITERATURE,
)
L_FACTOR = method.Quantity(
    name="l_factor",
    unit="1",
    label=Label("坡长因子", "Slope length L"),
    function=l_factor,
    needs=("slope", "aspect_length", "contributing_area"),
    parameters=(LENGTH_CAP,),
    takes_cell=True,
    source="Desmet and Govers 1996",
    status=method.ConfirmationStatus.LITERATURE,
)
C_FACTOR = method.Quantity(
    name="c_factor",
    unit="1",
    label=Label("植被覆盖与管理因子", "Cover and management C"),
    function=c_factor,
    needs=(),
    options=(COVER_FACTOR,),
    source="Cai et al. 2000",
    status=method.ConfirmationStatus.LITERATURE,
)
POTENTIAL_EROSION = method.Quantity(
    name="potential_erosion",
    unit=_YEARLY_LOSS,
    label=Label("潜在土壤侵蚀量", "Potential erosion"),
    function=potential_erosion,
    needs=("r_factor", "k_factor", "l_factor", "s_factor", "land_cover"),
    source="Renard et al. 1997",
    status=method.ConfirmationStatus.LITERATURE,
)
ACTUAL_EROSION = method.Quantity(
    name="actual_erosion",
    unit=_YEARLY_LOSS,
    label=Label("现实土壤侵蚀量", "Actual erosion"),
    function=actual_erosion,
    needs=("potential_erosion", "c_factor", "land_cover"),
    tables=(PRACTICE,),
    expected=(1.0, 30.0),
    source="Renard et al. 1997",
    status=method.ConfirmationStatus.LITERATURE,
)
INTENSITY = method.Quantity(
    name="erosion_intensity",
    unit="class",
    label=Label("土壤侵蚀强度", "Intensity of erosion"),
    function=intensity,
    needs=("actual_erosion",),
    parameters=(TOLERABLE,),
    source="SL 190-2007",
    status=method.ConfirmationStatus.VERIFIED,
)

METHODS: tuple[method.Method, ...] = (
    method.Method(
        id="rusle",
        label=Label("修正通用土壤流失方程", "RUSLE"),
        profile="biophysical",
        supply=method.Quantity(
            name="supply",
            unit=_YEARLY_LOSS,
            label=Label("土壤保持量", "Erosion avoided"),
            function=avoided_erosion,
            needs=("potential_erosion", "actual_erosion"),
            source="Renard et al. 1997; avoided erosion as in InVEST",
            status=method.ConfirmationStatus.VERIFIED,
        ),
        demand=method.Quantity(
            name="demand",
            unit=_YEARLY_LOSS,
            label=Label("土壤保持需求", "Erosion to be kept"),
            function=erosion_demand,
            needs=(),
            parameters=(TOLERABLE,),
            options=(DEMAND_FORM,),
            source="engineering choice",
        ),
        extra=(ACTUAL_EROSION, INTENSITY),
        through=(
            CONTRIBUTING_AREA,
            R_FACTOR,
            K_FACTOR,
            S_FACTOR,
            L_FACTOR,
            C_FACTOR,
            POTENTIAL_EROSION,
        ),
    ),
    method.Method(
        id="index",
        label=Label("净初级生产力指数法", "Productivity index"),
        profile="index",
        supply=method.Quantity(
            name="supply",
            unit="1",
            label=Label("土壤保持指数", "Soil retention index"),
            function=index_supply,
            needs=("npp_n", "erodibility_n", "slope_n"),
            optional=("water_or_built_up",),
            expected=(0.0, 1.0),
            source="Ecological Protection Red-line Delineation Guideline 2017",
            status=method.ConfirmationStatus.VERIFIED,
        ),
        demand=method.Quantity(
            name="demand",
            unit="1",
            label=Label("土壤保持需求指数", "Soil retention demand index"),
            function=index_demand,
            needs=("erosivity_n", "slope_n", "vegetation_cover"),
            optional=("water_or_built_up",),
            expected=(0.0, 1.0),
            source="engineering choice",
        ),
    ),
)
"""Ways to calculate the service, the default of the biophysical profile first."""
