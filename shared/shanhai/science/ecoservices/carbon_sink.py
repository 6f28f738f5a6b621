"""Carbon sink: fixation by vegetation against emission by people."""

import numpy as np

from shanhai.science.carbon import (
    TONNES_PER_HECTARE,
    emissions,
    heterotrophic_respiration,
    net_ecosystem_production,
    stock_change,
)
from shanhai.science.ecoservices import method
from shanhai.science.grid import ClassArray, FloatArray
from shanhai.science.landcover import is_built_up, is_water
from shanhai.vocabulary import Label

LIGHT_SHARE = 0.6


def index_supply(*, npp_n: FloatArray) -> FloatArray:
    """Supply index `N(NPP)`, 0–1; NaN stays NaN. A capacity, not a net sink; status E."""
    return npp_n.copy()


def index_demand(
    *, night_lights_n: FloatArray, exposure: FloatArray, light_share: float = LIGHT_SHARE
) -> FloatArray:
    """Demand index `β·N(ln(1 + NTL)) + (1 − β)·E`.

    Args:
        night_lights_n: Normalised ln(1 + night lights), 0–1.
        exposure: Exposure of people, 0–1.
        light_share: β, share of emissions that follow the lights, 0–1.

    Returns:
        0–1; NaN where any input is NaN. Status E.
    """
    return light_share * night_lights_n + (1 - light_share) * exposure


def nep_supply(
    *,
    net_ecosystem_production: FloatArray,
    urban_npp: str = "nodata",
    land_cover: ClassArray | None = None,
) -> FloatArray:
    """Net sink, `max(0, NEP)`.

    Args:
        net_ecosystem_production: Signed NEP, tC/ha/yr.
        urban_npp: `nodata`, or `zero` for built-up land and water without productivity, where
            products of NPP have none.
        land_cover: Internal codes; given under `zero`.

    Returns:
        tC/ha/yr, ≥ 0; NaN where NEP is, but for what `urban_npp` fills.
    """
    return _fill_urban(np.maximum(net_ecosystem_production, 0.0), urban_npp, land_cover)


def npp_supply(
    *, npp: FloatArray, urban_npp: str = "nodata", land_cover: ClassArray | None = None
) -> FloatArray:
    """Carbon fixed by plants, `0.01·NPP`: a capacity, not a net sink.

    Args:
        npp: Net primary productivity, gC/m²/yr.
        urban_npp: As in `nep_supply`.
        land_cover: As in `nep_supply`.

    Returns:
        tC/ha/yr, ≥ 0; NaN where NPP is, but for what `urban_npp` fills.
    """
    return _fill_urban(TONNES_PER_HECTARE * npp, urban_npp, land_cover)


def stock_supply(*, carbon_stock_change: FloatArray) -> FloatArray:
    """Carbon gained, `max(0, change)`, tC/ha/yr; NaN stays NaN."""
    return np.maximum(carbon_stock_change, 0.0)


def _fill_urban(supply: FloatArray, way: str, land_cover: ClassArray | None) -> FloatArray:
    if way == "nodata" or land_cover is None:
        return supply
    barren = is_built_up(land_cover) | is_water(land_cover)
    return np.where(np.isnan(supply) & barren, 0.0, supply)


EMISSIONS_TOTAL = method.ParameterSpec(
    "emissions_total",
    None,
    "tC/yr",
    (0.0, 1e10),
    "carbon emitted in the area, from the inventory (tCO2·12/44); may be 0",
)
BETA = method.ParameterSpec("light_share", LIGHT_SHARE, "1", (0.0, 1.0), "engineering default")
YEARS = method.ParameterSpec(
    "years", None, "yr", (0.1, 200.0), "years between the two carbon densities"
)
URBAN_NPP = method.OptionSpec(
    "urban_npp",
    "nodata",
    {
        "nodata": Label("无数据", "nodata"),
        "zero": Label("建设用地与水体记为 0", "0 on built-up land and water"),
    },
    "nothing is filled unless asked for",
    needs={"zero": ("land_cover",)},
)

_UNIT = "tC/ha/yr"

MOST_EMISSIONS = 250.0
"""Mean carbon emitted beyond any city's, tC/(ha·yr): Singapore, with its refineries, emitted
58.6 Mt CO2e on 735 km² in 2022 (NCCS), 217 tC/ha; status E."""

DEMAND = method.Quantity(
    name="demand",
    unit=_UNIT,
    label=Label("碳排放", "Carbon emitted"),
    function=emissions,
    needs=("night_lights", "population"),
    parameters=(EMISSIONS_TOTAL, BETA),
    statistics=(
        method.Statistic("night_lights_total", "night_lights", "sum"),
        method.Statistic("population_total", "population", "sum"),
    ),
    takes_cell=True,
    expected=(0.0, MOST_EMISSIONS),
    source="emissions of the inventory by night lights and population",
)
RESPIRATION = method.Quantity(
    name="heterotrophic_respiration",
    unit="gC/m2/yr",
    label=Label("土壤异养呼吸", "Heterotrophic respiration"),
    function=heterotrophic_respiration,
    needs=("temperature_monthly", "rainfall_monthly"),
    source="Pei et al. 2009",
    status=method.ConfirmationStatus.LITERATURE,
)
NEP = method.Quantity(
    name="net_ecosystem_production",
    unit=_UNIT,
    label=Label("净生态系统生产力", "Net ecosystem production"),
    function=net_ecosystem_production,
    needs=("npp", "heterotrophic_respiration"),
    source="Pei et al. 2009",
    status=method.ConfirmationStatus.LITERATURE,
)
STOCK_CHANGE = method.Quantity(
    name="carbon_stock_change",
    unit=_UNIT,
    label=Label("碳储量年变化", "Yearly change of the carbon stock"),
    function=stock_change,
    needs=("carbon_density_start", "carbon_density_end"),
    parameters=(YEARS,),
    source="InVEST carbon",
    status=method.ConfirmationStatus.VERIFIED,
)

METHODS: tuple[method.Method, ...] = (
    method.Method(
        id="nep",
        label=Label("净生态系统生产力法", "Net ecosystem production"),
        profile="biophysical",
        supply=method.Quantity(
            name="supply",
            unit=_UNIT,
            label=Label("净碳汇", "Net carbon sink"),
            function=nep_supply,
            needs=("net_ecosystem_production",),
            options=(URBAN_NPP,),
            expected=(1.0, 6.0),
            source="Pei et al. 2009",
            status=method.ConfirmationStatus.LITERATURE,
        ),
        demand=DEMAND,
        extra=(NEP,),
        through=(RESPIRATION,),
    ),
    method.Method(
        id="npp",
        label=Label("净初级生产力法（固碳能力，非净碳汇）", "Net primary productivity (capacity)"),
        profile="biophysical",
        supply=method.Quantity(
            name="supply",
            unit=_UNIT,
            label=Label("固碳能力", "Carbon fixed by plants"),
            function=npp_supply,
            needs=("npp",),
            options=(URBAN_NPP,),
            expected=(2.0, 12.0),
            source="productivity product",
        ),
        demand=DEMAND,
    ),
    method.Method(
        id="stock",
        label=Label("碳储量变化法", "Change of the carbon stock"),
        profile="biophysical",
        supply=method.Quantity(
            name="supply",
            unit=_UNIT,
            label=Label("碳储量增加", "Carbon gained"),
            function=stock_supply,
            needs=("carbon_stock_change",),
            source="InVEST carbon",
            status=method.ConfirmationStatus.VERIFIED,
        ),
        demand=DEMAND,
        extra=(STOCK_CHANGE,),
    ),
    method.Method(
        id="index",
        label=Label("指数法", "Index"),
        profile="index",
        supply=method.Quantity(
            name="supply",
            unit="1",
            label=Label("固碳能力指数", "Index of carbon fixed"),
            function=index_supply,
            needs=("npp_n",),
            source="engineering choice",
        ),
        demand=method.Quantity(
            name="demand",
            unit="1",
            label=Label("碳排放指数", "Index of carbon emitted"),
            function=index_demand,
            needs=("night_lights_n", "exposure"),
            parameters=(BETA,),
            source="engineering choice",
        ),
    ),
)
"""Ways to calculate the service, the default of the biophysical profile first."""
