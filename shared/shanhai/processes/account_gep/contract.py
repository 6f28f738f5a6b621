"""What can be asked for of an account of the gross ecosystem product."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from shanhai.processes.kit import contract
from shanhai.validation import Code, Name, broken_at
from shanhai.vocabulary import Label

ValuedService = Literal["water_conservation", "soil_retention", "carbon_sink"]


Amount = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]


class Good(contract.Inputs):
    """A product and its price."""

    name: Name = Field(description="Name of the product / 产品名称")
    unit_price: Amount = Field(description="CNY per unit / 单价，元")
    quantity: Amount = Field(description="Units a year / 年产量")
    district: Code | None = Field(None, description="District it comes from / 区县")


class Site(contract.Inputs):
    """A place people visit."""

    name: Name = Field(description="Name of the site / 景区名称")
    visits: Amount = Field(description="Visits a year / 年游客量，人次")
    travel_cost: Amount = Field(description="CNY per visit / 人均旅行费用，元")
    district: Code | None = Field(None, description="District it lies in / 区县")


class Store(contract.Inputs):
    """A reservoir, or a lake or marsh that holds storm water."""

    name: Name = Field(description="Name / 名称")
    kind: Literal["reservoir", "lake"] = Field("reservoir", description="Kind / 类型")
    capacity_m3: Amount | None = Field(None, description="Capacity, m³ / 总库容")
    flood_pool_m3: Amount | None = Field(
        None, description="Storage for floods, m³; default a share of the capacity / 防洪库容"
    )
    district: Code | None = Field(None, description="District it lies in / 区县")

    @model_validator(mode="after")
    def check_size(self) -> "Store":
        """A lake has no rule for its share; a reservoir has one."""
        if self.flood_pool_m3 is None and (self.kind == "lake" or self.capacity_m3 is None):
            rule = "give this, or of a reservoir capacity_m3 / 须给出，水库可改为给出 capacity_m3"
            raise broken_at("flood_pool_m3", rule=rule)
        return self


Pollutant = Literal["so2", "nox", "dust", "cod", "nitrogen", "phosphorus"]


class AccountGepInputs(contract.EvaluatedPlaceInputs):
    """Inputs of an account of the gross ecosystem product."""

    catalogue: Literal["guideline-2020", "norm-2022", "gbt-46869-2025"] = Field(
        "guideline-2020", description="Items and coefficients / 核算目录"
    )
    price_year: int = Field(
        2020, ge=2002, le=2100, description="Year whose money values are in / 价格年份"
    )
    items: list[str] | None = Field(
        None,
        min_length=1,
        max_length=50,
        description="Items to count; default all that can be / 核算项目，默认全部可算项",
    )
    supplies: dict[ValuedService, Code] = Field(
        default_factory=dict,
        description="Computed supply per service, instead of computing it anew / 已有供给栅格",
    )
    coefficients: dict[str, float] = Field(
        default_factory=dict,
        max_length=200,
        description="Coefficients and prices in place of the catalogue's / 本地系数与价格",
    )
    discharges_t: dict[Pollutant, Amount] = Field(
        default_factory=dict,
        description="Emission or discharge a year, t: purification is no more / 污染物排放量",
    )
    quantities: dict[str, Amount | dict[Code, Amount]] = Field(
        default_factory=dict,
        max_length=50,
        description="Entered quantity per item, in all or by district / 录入的实物量",
    )
    goods: list[Good] = Field(default_factory=list, max_length=1000, description="Products / 产品")
    sites: list[Site] = Field(default_factory=list, max_length=1000, description="Sites / 景区")
    stores: list[Store] = Field(
        default_factory=list, max_length=5000, description="Reservoirs and lakes / 水库与湖泊"
    )


ACCOUNT_GEP = contract.ProcessContract(
    "account-gep",
    Label("核算生态系统生产总值", "Account gross ecosystem product"),
    Label(
        "按所选核算目录，由栅格与录入量计算各项实物量与价值量，按区县汇总，并给出默认系数所占比例。",
        "Computes quantities and values of the items of a catalogue from rasters and entered"
        " figures, by district, and tells what share rests on defaults.",
    ),
    AccountGepInputs,
    (
        contract.OutputSpec("account", Label("核算结果", "Account"), "application/json"),
        contract.OutputSpec("table", Label("核算表", "Account as a table"), "text/csv"),
        *contract.REPORTS,
    ),
    keywords=("GEP",),
    runs_on_files=True,
    repeatable=True,
    stages={"account": Label("核算价值量", "Valuing quantities")},
)
