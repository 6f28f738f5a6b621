"""Water conservation: how much rain the land keeps."""

from collections.abc import Mapping

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science import landcover
from shanhai.science.climate import hargreaves_evapotranspiration
from shanhai.science.ecoservices import method
from shanhai.science.grid import SQUARE_METRES_PER_HECTARE, ClassArray, FloatArray
from shanhai.vocabulary import Label

Table = Mapping[landcover.LandCover, float]

CUBIC_METRES_PER_MM = 10.0
"""Cubic metres on a hectare that one millimetre is."""

PRODUCT, HARGREAVES = "product", "hargreaves"
BY_POPULATION, BY_LIGHTS = "population", "night_lights"

SEALED_KC, UNSEALED_KC = 0.1, 0.6
"""Crop coefficient of sealed and of green ground in a built-up cell (InVEST user guide)."""

MOST_FU_PARAMETER = 5.0
"""Value that the parameter w of Fu's curve is held below (InVEST user guide)."""


def index_supply(
    *, npp_n: FloatArray, infiltration: FloatArray, rainfall_n: FloatArray, slope_n: FloatArray
) -> FloatArray:
    """Supply index `N(NPP)·F_sic·N(P)·(1 − N(slope))`.

    Args:
        npp_n: Normalised net primary productivity, 0–1.
        infiltration: Soil infiltration score, 0–1.
        rainfall_n: Normalised annual rain, 0–1.
        slope_n: Normalised slope, 0–1.

    Returns:
        0–1; NaN where any input is NaN.

    Source: Ecological Protection Red-line Delineation Guideline 2017.
    """
    return npp_n * infiltration * rainfall_n * (1 - slope_n)


def index_demand(*, night_lights_n: FloatArray) -> FloatArray:
    """Demand index `N(ln(1 + NTL))`, 0–1; NaN stays NaN. Status E."""
    return night_lights_n.copy()


def runoff_share(
    land_cover: ClassArray, runoff_coefficient: Table, vegetation_type: ClassArray | None = None
) -> FloatArray:
    """Share of the rain that runs off, of the class or, where known, of the vegetation type."""
    by_class = landcover.class_values(land_cover, runoff_coefficient)
    if vegetation_type is None:
        return by_class
    return landcover.refine(by_class, vegetation_type, landcover.GUIDELINE_RUNOFF)


def balance_supply(
    *,
    rainfall: FloatArray,
    evapotranspiration: FloatArray,
    land_cover: ClassArray,
    runoff_coefficient: Table,
    vegetation_type: ClassArray | None = None,
) -> FloatArray:
    """Water kept: rain less runoff less evapotranspiration, `10·max(0, P − α·P − ET)`.

    Args:
        rainfall: Annual rain P, mm/yr.
        evapotranspiration: Actual evapotranspiration ET, mm/yr.
        land_cover: Internal codes; 0 is nodata.
        runoff_coefficient: Share of the rain that runs off, α, by class, 0–1.
        vegetation_type: Codes of `VegetationType`, whose α of the guideline takes precedence.

    Returns:
        m³/ha/yr, ≥ 0, and 0 without rain; NaN where any input is nodata.

    Source: water balance of HJ 1173-2021 and of the Red-line Guideline 2017.
    """
    share = runoff_share(land_cover, runoff_coefficient, vegetation_type)
    kept = rainfall * (1 - share) - evapotranspiration
    return np.asarray(CUBIC_METRES_PER_MM * np.maximum(kept, 0.0))


def annual_et0(
    *,
    reference_from: str,
    reference_et: FloatArray | None = None,
    temperature_monthly: FloatArray | None = None,
    temperature_max: FloatArray | None = None,
    temperature_min: FloatArray | None = None,
    latitude: FloatArray | None = None,
) -> FloatArray:
    """Reference evapotranspiration ET0: as given, or from air temperature after Hargreaves.

    Args:
        reference_from: `product` or `hargreaves`; the quantities of the same way are required.
        reference_et: ET0 of a product, mm/yr.
        temperature_monthly: Mean of the twelve months, °C, first axis.
        temperature_max: Mean daily maximum of the months, °C.
        temperature_min: Mean daily minimum of the months, °C.
        latitude: Degrees, north positive.

    Returns:
        mm/yr, ≥ 0; NaN where an input is NaN.

    Source: Hargreaves and Samani 1985.
    """
    if reference_from == PRODUCT:
        return _required(reference_et, "reference_et")
    return hargreaves_evapotranspiration(
        _required(temperature_monthly, "temperature_monthly"),
        _required(temperature_max, "temperature_max"),
        _required(temperature_min, "temperature_min"),
        _required(latitude, "latitude"),
    )


def potential_et(
    *,
    annual_et0: FloatArray,
    land_cover: ClassArray,
    crop_coefficient: Table,
    impervious: FloatArray | None = None,
) -> FloatArray:
    """Evapotranspiration of the class if water never lacks, `PET = Kc·ET0`.

    Args:
        annual_et0: Reference evapotranspiration ET0, mm/yr.
        land_cover: Internal codes; 0 is nodata.
        crop_coefficient: Kc by class.
        impervious: Sealed share of the cell, 0–1; where known, Kc of built-up cells is
            `0.1·f + 0.6·(1 − f)`.

    Returns:
        mm/yr; NaN where reference evapotranspiration or land cover is nodata.

    Source: Allen et al. 1998 (FAO-56); the mixture of built-up cells after InVEST.
    """
    coefficient = landcover.class_values(land_cover, crop_coefficient)
    if impervious is not None:
        mixed = SEALED_KC * impervious + UNSEALED_KC * (1 - impervious)
        known = landcover.is_built_up(land_cover) & ~np.isnan(impervious)
        coefficient = np.where(known, mixed, coefficient)
    return np.asarray(coefficient * annual_et0)


def _with_rain(rainfall: FloatArray) -> FloatArray:
    """Rain, and nodata where none is recorded: the curves divide by it."""
    return np.where(rainfall > 0, rainfall, np.nan)


def fu_evapotranspiration(
    *,
    rainfall: FloatArray,
    potential_et: FloatArray,
    soil_depth: FloatArray,
    available_water: FloatArray,
    land_cover: ClassArray,
    rooting_depth: Table,
    vegetated: Table,
    seasonality: float,
) -> FloatArray:
    """Actual evapotranspiration on Fu's curve.

    `AWC = min(depth, root)·PAWC`, `w = min(5, Z·AWC/P + 1.25)`, `x = PET/P`,
    `AET/P = min(x, 1 + x − (1 + x^w)^(1/w))`; without vegetation `AET = min(PET, P)`.

    Args:
        rainfall: Annual rain P, mm/yr.
        potential_et: `potential_et`, mm/yr.
        soil_depth: Depth to which roots can grow, mm.
        available_water: Plant available water, share of the soil's volume, 0–1.
        land_cover: Internal codes; 0 is nodata.
        rooting_depth: Depth of 95 % of the roots by class, mm.
        vegetated: 1 for classes that follow the curve, 0 for the others.
        seasonality: Z, 1–30; about a fifth of the number of rain days.

    Returns:
        mm/yr, never above rain or `potential_et`; NaN without rain and where an input is nodata.

    Source: Fu 1981, Zhang et al. 2004, w after Donohue et al. 2012, as in InVEST.
    """
    rain = _with_rain(rainfall)
    ratio = potential_et / rain
    depth = np.minimum(soil_depth, landcover.class_values(land_cover, rooting_depth))
    w = np.minimum(MOST_FU_PARAMETER, seasonality * depth * available_water / rain + 1.25)
    curve = np.minimum(ratio, 1 + ratio - (1 + ratio**w) ** (1 / w))
    bare = landcover.class_values(land_cover, vegetated) == 0
    share = np.where(bare & ~np.isnan(w), np.minimum(ratio, 1.0), curve)
    return np.asarray(share * rain)


def zhang_evapotranspiration(
    *,
    rainfall: FloatArray,
    potential_et: FloatArray,
    land_cover: ClassArray,
    plant_coefficient: Table,
) -> FloatArray:
    """Actual evapotranspiration on the curve of Zhang.

    `AET = P·(1 + ω·x)/(1 + ω·x + 1/x)`, `x = PET/P`, and never above PET, which the curve by itself
    exceeds in wet places.

    Args:
        rainfall: Annual rain P, mm/yr.
        potential_et: `potential_et`, mm/yr.
        land_cover: Internal codes; 0 is nodata.
        plant_coefficient: Plant-available water coefficient ω by class.

    Returns:
        mm/yr, never above rain or `potential_et`; NaN without rain and where an input is nodata.

    Source: Zhang et al. 2001, Water Resources Research 37, 701.
    """
    rain = _with_rain(rainfall)
    ratio = potential_et / rain
    # Multiplied through by x, so that no evaporation at all is 0 and not 0/0.
    weighted = ratio * (1 + landcover.class_values(land_cover, plant_coefficient) * ratio)
    return np.minimum(rain * weighted / (weighted + 1), potential_et)


def water_yield(*, rainfall: FloatArray, actual_et: FloatArray) -> FloatArray:
    """Rain that does not evaporate, mm/yr; NaN where an input is."""
    return rainfall - actual_et


def yield_supply(
    *,
    rainfall: FloatArray,
    water_yield: FloatArray,
    land_cover: ClassArray,
    runoff_coefficient: Table,
    vegetation_type: ClassArray | None = None,
) -> FloatArray:
    """Water kept of the yield, `10·max(0, Y − α·P)`.

    Args:
        rainfall: Annual rain P, mm/yr.
        water_yield: Rain that does not evaporate, Y, mm/yr.
        land_cover: Internal codes; 0 is nodata.
        runoff_coefficient: Share of the rain that runs off, α, by class, 0–1.
        vegetation_type: Codes of `VegetationType`, whose α of the guideline takes precedence.

    Returns:
        m³/ha/yr, ≥ 0; NaN where any input is nodata.
    """
    share = runoff_share(land_cover, runoff_coefficient, vegetation_type)
    return np.asarray(CUBIC_METRES_PER_MM * np.maximum(water_yield - share * rainfall, 0.0))


def demand(
    *,
    cropland: FloatArray,
    night_lights: FloatArray,
    night_lights_total: float,
    households_by: str,
    domestic_use: float,
    irrigation_use: float,
    industrial_use: float,
    cell_m: float,
    population_density: FloatArray | None = None,
) -> FloatArray:
    """Water used in a cell: homes, fields, and industry shared out by night lights.

    `q_dom·POP + q_irr·f_crop + V_ind·(NTL/ΣNTL)/A_ha`.

    Args:
        cropland: Cropland share of the cell, 0–1.
        night_lights: nW/cm²/sr, ≥ 0.
        night_lights_total: Their sum over the area.
        households_by: `population`; or `night_lights`, where V_ind holds the homes' use too and
            q_dom·POP is left out.
        domestic_use: q_dom, m³/person/yr.
        irrigation_use: q_irr, m³ per hectare of cropland and year.
        industrial_use: Industrial and ecological use of the whole area, V_ind, m³/yr.
        cell_m: Side of a cell, m.
        population_density: Persons/ha; not taken where homes are counted by lights.

    Returns:
        m³/ha/yr, ≥ 0; NaN where any input is NaN.

    Raises:
        InvalidInput: there is industrial use and no light to share it out by.
    """
    local = irrigation_use * cropland
    if households_by == BY_POPULATION:
        local = domestic_use * _required(population_density, "population_density") + local
    if industrial_use == 0:
        return np.where(np.isnan(night_lights), np.nan, local)
    if night_lights_total <= 0:
        raise InvalidInput(
            f"industrial_use is {industrial_use} m³/yr and night lights sum to "
            f"{night_lights_total}; some cell must be lit to share it out",
            message_zh=f"工业及生态用水为 {industrial_use} m³/年而夜间灯光总和为 "
            f"{night_lights_total}，无从分摊，须有发光像元",
            pointer="/ecoservices/water_conservation/parameters/industrial_use",
        )
    per_light = industrial_use / night_lights_total / (cell_m**2 / SQUARE_METRES_PER_HECTARE)
    return np.asarray(local + per_light * night_lights)


def _required(array: FloatArray | None, name: str) -> FloatArray:
    if array is None:
        raise InvalidInput(
            f"water_conservation lacks the quantity {name}; the chosen options require it",
            message_zh=f"水源涵养缺少量 {name}，所选方式需要它",
        )
    return array


RUNOFF = method.TableSpec(
    "runoff_coefficient",
    landcover.by_class(0.30, 0.0267, 0.0426, 0.0937, 0, 0, 0, 0.65, 0.45),
    "1",
    (0.0, 1.0),
    "Red-line Guideline 2017 for natural classes; cropland, built-up and bare: engineering default",
    method.ConfirmationStatus.VERIFIED,
)
CROP = method.TableSpec(
    "crop_coefficient", landcover.CROP_COEFFICIENT, "1", (0.0, 2.0), "within the ranges of FAO-56"
)
ROOTS = method.TableSpec(
    "rooting_depth",
    landcover.by_class(1200, 3500, 2000, 1500, 1, 1, 1, 1, 1),
    "mm",
    (0.0, 10_000.0),
    "engineering default",
)
VEGETATED = method.TableSpec(
    "vegetated",
    landcover.by_class(1, 1, 1, 1, 0, 0, 0, 0, 0),
    "1",
    (0.0, 1.0),
    "InVEST annual water yield: classes without vegetation evaporate min(PET, P)",
    method.ConfirmationStatus.VERIFIED,
)
PLANT = method.TableSpec(
    "plant_coefficient",
    landcover.by_class(0.5, 2.0, 1.0, 0.5, 1.0, 2.0, 0.5, 0.1, 0.1),
    "1",
    (0.0, 5.0),
    "Zhang et al. 2001 for forest and grass; the rest engineering default",
    method.ConfirmationStatus.LITERATURE,
)
SEASONALITY = method.ParameterSpec(
    "seasonality",
    12.0,
    "1",
    (1.0, 30.0),
    "Z of Donohue et al. 2012; a fifth of the rain days, to be calibrated",
)
DOMESTIC = method.ParameterSpec(
    "domestic_use",
    73.0,
    "m3/person/yr",
    (0.0, 1000.0),
    "200 L/d; the local Water Resources Bulletin knows better",
)
IRRIGATION = method.ParameterSpec(
    "irrigation_use", 5400.0, "m3/ha/yr", (0.0, 50_000.0), "engineering default"
)
INDUSTRIAL = method.ParameterSpec(
    "industrial_use",
    None,
    "m3/yr",
    (0.0, 1e12),
    "industrial and ecological use of the area, from the Water Resources Bulletin; may be 0",
)
REFERENCE_FROM = method.OptionSpec(
    "reference_from",
    PRODUCT,
    {
        PRODUCT: Label("参考蒸散发产品", "a layer of reference evapotranspiration"),
        HARGREAVES: Label("Hargreaves 气温公式", "air temperature after Hargreaves"),
    },
    "Hargreaves and Samani 1985",
    method.ConfirmationStatus.LITERATURE,
    needs={
        PRODUCT: ("reference_et",),
        HARGREAVES: ("temperature_monthly", "temperature_max", "temperature_min", "latitude"),
    },
)
HOUSEHOLDS_BY = method.OptionSpec(
    "households_by",
    BY_POPULATION,
    {
        BY_POPULATION: Label("按人口", "by population"),
        BY_LIGHTS: Label("计入总量按灯光分摊", "in the total that lights share out"),
    },
    "engineering choice",
    needs={BY_POPULATION: ("population_density",)},
)

_UNIT = "m3/ha/yr"
_SUPPLY_LABEL = Label("水源涵养量", "Water kept")
_DEMAND_LABEL = Label("用水量", "Water used")
_EXPECTED = (2000.0, 7000.0)

DEMAND = method.Quantity(
    name="demand",
    unit=_UNIT,
    label=_DEMAND_LABEL,
    function=demand,
    needs=("cropland", "night_lights"),
    parameters=(DOMESTIC, IRRIGATION, INDUSTRIAL),
    options=(HOUSEHOLDS_BY,),
    statistics=(method.Statistic("night_lights_total", "night_lights", "sum"),),
    takes_cell=True,
    source="per head and per field use; industry by night lights",
)
BALANCE_SUPPLY = method.Quantity(
    name="supply",
    unit=_UNIT,
    label=_SUPPLY_LABEL,
    function=balance_supply,
    needs=("rainfall", "evapotranspiration", "land_cover"),
    optional=("vegetation_type",),
    tables=(RUNOFF,),
    expected=_EXPECTED,
    source="HJ 1173-2021; Ecological Protection Red-line Delineation Guideline 2017",
    status=method.ConfirmationStatus.LITERATURE,
)
YIELD_SUPPLY = method.Quantity(
    name="supply",
    unit=_UNIT,
    label=_SUPPLY_LABEL,
    function=yield_supply,
    needs=("rainfall", "water_yield", "land_cover"),
    optional=("vegetation_type",),
    tables=(RUNOFF,),
    expected=_EXPECTED,
    source="water yield less runoff of storms",
)
ANNUAL_ET0 = method.Quantity(
    name="annual_et0",
    unit="mm/yr",
    label=Label("年参考蒸散发", "Annual reference evapotranspiration"),
    function=annual_et0,
    needs=(),
    options=(REFERENCE_FROM,),
    source="given, or Hargreaves and Samani 1985",
    status=method.ConfirmationStatus.LITERATURE,
)
POTENTIAL_ET = method.Quantity(
    name="potential_et",
    unit="mm/yr",
    label=Label("潜在蒸散发", "Potential evapotranspiration"),
    function=potential_et,
    needs=("annual_et0", "land_cover"),
    optional=("impervious",),
    tables=(CROP,),
    source="Allen et al. 1998 (FAO-56)",
    status=method.ConfirmationStatus.VERIFIED,
)
WATER_YIELD = method.Quantity(
    name="water_yield",
    unit="mm/yr",
    label=Label("产水量", "Water yield"),
    function=water_yield,
    needs=("rainfall", "actual_et"),
    source="rain less evapotranspiration",
    status=method.ConfirmationStatus.VERIFIED,
)
_ACTUAL_ET_LABEL = Label("实际蒸散发", "Actual evapotranspiration")
FU_ET = method.Quantity(
    name="actual_et",
    unit="mm/yr",
    label=_ACTUAL_ET_LABEL,
    function=fu_evapotranspiration,
    needs=("rainfall", "potential_et", "soil_depth", "available_water", "land_cover"),
    parameters=(SEASONALITY,),
    tables=(ROOTS, VEGETATED),
    source="Fu 1981; Zhang et al. 2004; Donohue et al. 2012",
    status=method.ConfirmationStatus.VERIFIED,
)
ZHANG_ET = method.Quantity(
    name="actual_et",
    unit="mm/yr",
    label=_ACTUAL_ET_LABEL,
    function=zhang_evapotranspiration,
    needs=("rainfall", "potential_et", "land_cover"),
    tables=(PLANT,),
    source="Zhang et al. 2001",
    status=method.ConfirmationStatus.LITERATURE,
)

METHODS: tuple[method.Method, ...] = (
    method.Method(
        id="balance",
        label=Label("水量平衡法", "Water balance"),
        profile="biophysical",
        supply=BALANCE_SUPPLY,
        demand=DEMAND,
    ),
    method.Method(
        id="fu",
        label=Label("傅抱璞蒸散曲线", "Fu's evapotranspiration curve"),
        profile="biophysical",
        supply=YIELD_SUPPLY,
        demand=DEMAND,
        extra=(WATER_YIELD,),
        through=(ANNUAL_ET0, POTENTIAL_ET, FU_ET),
    ),
    method.Method(
        id="zhang",
        label=Label("张氏蒸散曲线", "Zhang's evapotranspiration curve"),
        profile="biophysical",
        supply=YIELD_SUPPLY,
        demand=DEMAND,
        extra=(WATER_YIELD,),
        through=(ANNUAL_ET0, POTENTIAL_ET, ZHANG_ET),
    ),
    method.Method(
        id="index",
        label=Label("净初级生产力指数法", "Productivity index"),
        profile="index",
        supply=method.Quantity(
            name="supply",
            unit="1",
            label=Label("水源涵养指数", "Water conservation index"),
            function=index_supply,
            needs=("npp_n", "infiltration", "rainfall_n", "slope_n"),
            expected=(0.0, 1.0),
            source="Ecological Protection Red-line Delineation Guideline 2017",
            status=method.ConfirmationStatus.VERIFIED,
        ),
        demand=method.Quantity(
            name="demand",
            unit="1",
            label=Label("用水需求指数", "Water demand index"),
            function=index_demand,
            needs=("night_lights_n",),
            expected=(0.0, 1.0),
            source="engineering choice",
        ),
    ),
)
"""Ways to calculate the service, the default of the biophysical profile first."""
