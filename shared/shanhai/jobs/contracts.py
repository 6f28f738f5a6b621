"""What can be asked for: the inputs of every process, validated before a job is accepted.

The models carry the bilingual descriptions from which the process descriptions are generated.
The API validates with them and never imports the computations.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from shanhai.jobs.assessment_inputs import (
    ASSESS_ECOSERVICES,
    SCHEMAS,
    AssessmentInputs,
    AssessmentParameters,
    EcoserviceChoice,
)
from shanhai.jobs.bulletin_contracts import PUBLISH_BULLETIN
from shanhai.jobs.bulletin_task import BulletinTask
from shanhai.jobs.contract import (
    Code,
    FieldName,
    Inputs,
    Limits,
    Name,
    Note,
    OutputSpec,
    ProcessContract,
)
from shanhai.jobs.echo_contract import ECHO
from shanhai.jobs.evaluation_contracts import ACCOUNT_GEP, EVALUATE_ECOSYSTEM
from shanhai.jobs.indicator_contracts import EVALUATE_INDICATORS
from shanhai.jobs.indicator_task import IndicatorsTask
from shanhai.jobs.network_contracts import BUILD_NETWORK
from shanhai.jobs.scenario_contracts import RUN_SCENARIO
from shanhai.jobs.seeding_contract import SEED_TILES, Box
from shanhai.jobs.selection_contracts import SELECT_SITES
from shanhai.jobs.selection_task import SelectionTask
from shanhai.jobs.themes import Theme
from shanhai.raster.windows import Cluster
from shanhai.vocabulary import CONTROL_KINDS, Label, Role, Scope, codes

FillCodeText = Annotated[str, StringConstraints(pattern=r"^-?\d{1,10}(\.\d{1,6})?$")]


class ImportDatasetInputs(Inputs):
    """A raster to check, convert and register."""

    upload: UUID = Field(description="Upload from POST /uploads / 上传编号")
    region: Code = Field(description="Region code / 区域代码")
    theme: Theme = Field(description="What the raster is about / 专题")
    code: Code | None = Field(
        None, description="Code of the dataset; made when absent / 数据集代码"
    )
    name_zh: Name | None = Field(None, description="Chinese name / 中文名称")
    name_en: Name | None = Field(None, description="English name / 英文名称")
    unit: str | None = Field(None, max_length=40, description="Unit of the values (UCUM) / 单位")
    scale: float = Field(1.0, description="Multiplier to the theme's unit / 比例系数")
    offset: float = Field(0.0, description="Added after scaling / 偏移量")
    nodata: float | None = Field(None, description="Value that means no data / 无数据值")
    crs: str | None = Field(
        None,
        pattern=r"^EPSG:\d{4,6}$",
        description="CRS of a file that names none, `EPSG:n` / 文件未注明时的坐标系",
    )
    legend: Literal["internal", "worldcover", "globeland30", "clcd"] = Field(
        "internal", description="Legend of a land-cover raster / 土地覆盖分类体系"
    )
    codes: dict[FillCodeText, float | Literal["nodata"]] = Field(
        default_factory=dict,
        max_length=100,
        description="What numbers of the file stand for that are no values: by number, a value in"
        " the theme's unit or `nodata` / 非数值代码的含义",
    )
    edge_water: Literal["sea", "inland"] | None = Field(
        None,
        description="What the open water of a land-cover product is that joins the raster's edge"
        " / 与栅格边缘相连的开阔水面：海域或内陆水体",
    )
    accept_datum: bool = Field(
        False, description="Accept although GCJ-02 is suspected / 疑似 GCJ-02 时仍然接受"
    )
    native_resolution_m: float | None = Field(
        None, gt=0, le=200_000, description="True resolution, m; default: the cell / 真实分辨率"
    )
    stand_in: bool = Field(False, description="Replaces a measurement nobody had / 替代数据")
    stand_in_note_zh: Note | None = Field(None, description="What it stands in for / 替代说明")
    stand_in_note_en: Note | None = Field(None, description="What it stands in for / 替代说明(英)")
    source: Note | None = Field(None, description="Where the data come from / 来源")
    licence: Note | None = Field(None, description="Licence and credit / 许可与署名")
    observed_from: date | None = Field(None, description="First day observed / 观测起始日")
    observed_to: date | None = Field(None, description="Last day observed / 观测截止日")
    public: bool = Field(
        False,
        description="Readable without identity where allowed; takes an approver / 公开（须审批者）",
    )

    @model_validator(mode="after")
    def check_period(self) -> "ImportDatasetInputs":
        """A period must not end before it begins."""
        if self.observed_from and self.observed_to and self.observed_to < self.observed_from:
            raise ValueError("observed_to is before observed_from / 观测截止日早于起始日")
        return self


class ImportFeaturesInputs(Inputs):
    """A file of features for a collection."""

    upload: UUID = Field(description="Upload from POST /uploads / 上传编号")
    collection: str = Field(
        pattern=r"^[a-z][a-z_]{0,39}$", description="Collection the rows belong to / 目标集合"
    )
    mode: Literal["all_or_nothing", "valid_rows"] = Field(
        "all_or_nothing", description="What one bad row does to the others / 有错误行时的处理方式"
    )
    mapping: dict[FieldName, FieldName] = Field(
        default_factory=dict,
        max_length=500,
        description="Field of the file → property; default: by name / 字段与属性的对应",
    )
    crs: str | None = Field(
        None,
        max_length=80,
        description="CRS of a file that names none, `EPSG:n` / 文件未注明时的坐标系",
    )
    encoding: Literal["UTF-8", "GBK", "GB18030", "Big5", "ISO-8859-1"] | None = Field(
        None, description="Encoding of the texts; default: found / 文字编码，默认自动识别"
    )
    layer: Name | None = Field(None, description="Layer of a file with several / 图层名")
    repair: bool = Field(
        False, description="Mend invalid geometry and drop heights / 修复无效几何并去除高程"
    )
    checks: list[Literal["overlap", "gap"]] = Field(
        default_factory=list, max_length=2, description="Checks between rows / 行间检查"
    )
    region: Code | None = Field(
        None, description="Region that must be covered without gaps / 须无缝覆盖的区域"
    )

    public: bool = Field(
        False,
        description="New rows may be for everybody, at once or when published / 新建对象对公众开放",
    )

    @model_validator(mode="after")
    def check_region(self) -> "ImportFeaturesInputs":
        """Gaps are gaps in a region."""
        if "gap" in self.checks and self.region is None:
            raise ValueError("the check `gap` needs a region / 空隙检查需要 region")
        return self


class ImportPlanInputs(Inputs):
    """A package of a plan, as `/plans/{plan}/package` gives it."""

    upload: UUID = Field(description="Upload from POST /uploads / 上传编号")


def _known_kind(code: str) -> str:
    if code not in codes(CONTROL_KINDS):
        raise ValueError(f"{code[:40]!r} is no kind of control area / 不是已知的管控线类型")
    return code


class CheckComplianceInputs(Inputs):
    """A place, or a project, and what is to be done there."""

    geometry: dict[str, Any] | None = Field(
        None, description="GeoJSON geometry; or give a project / 几何，或给出项目"
    )
    crs: str | None = Field(
        None, max_length=200, description="CRS of the geometry; default CRS84 / 几何的坐标系"
    )
    project: Code | None = Field(None, description="Code of a project / 项目代码")
    activities: list[Code] = Field(
        default_factory=list, max_length=200, description="Codes of activities / 活动代码"
    )
    measures: list[Code] = Field(
        default_factory=list,
        max_length=200,
        description="Codes of measures; default: the project's / 措施代码，默认取项目措施",
    )
    region: Code | None = Field(
        None, description="Region whose rules hold as well / 另适用其规则的区域"
    )
    as_of: date | None = Field(None, description="Day of the check; default today / 检查日期")
    lines: list[Annotated[str, AfterValidator(_known_kind)]] | None = Field(
        None,
        min_length=1,
        max_length=len(CONTROL_KINDS),
        description="Kinds of control areas; default all / 管控线类型，默认全部",
        json_schema_extra={"items": {"type": "string", "enum": list(codes(CONTROL_KINDS))}},
    )

    @field_validator("geometry")
    @classmethod
    def keep_shape(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        """Leave out what says nothing of the shape."""
        if value is None:
            return None
        return {name: value[name] for name in ("type", "coordinates") if name in value}

    @model_validator(mode="after")
    def check_subject(self) -> "CheckComplianceInputs":
        """There is one thing to check."""
        if (self.geometry is None) == (self.project is None):
            raise ValueError("give a geometry or a project / 请给出几何或项目之一")
        return self


UnitLevel = Literal["district", "street", "town", "basin", "bay", "island"]
"""Levels of regions that may be zoning units."""


class ZoningParameters(AssessmentParameters):
    """Parameters of the assessment and the zoning; defaults are the method specification's."""

    algorithm: Literal["kmeans", "gmm", "ward_contig", "skater", "thresholds"] = Field(
        "kmeans", description="How units become zones / 分区算法"
    )
    features: Literal["esdr7", "sd14", "esdr7+coords"] = Field(
        "esdr7", description="Ratios, supply and demand, or ratios and place / 聚类特征"
    )
    pca: bool = Field(False, description="Principal components of the features / 主成分")
    k: int = Field(5, ge=2, le=10, description="Number of clusters / 聚类数")
    units: Literal["fishnet", "cells", "polygons"] = Field(
        "fishnet", description="Zoning units / 分区单元"
    )
    unit_regions: UnitLevel | None = Field(
        None, description="Level of the regions that are the units / 作为分区单元的区域级别"
    )
    unit_m: float = Field(250.0, ge=10, le=5000, description="Fishnet unit, m / 格网单元")
    majority_rounds: int = Field(1, ge=0, le=3, description="Majority filters / 众数滤波次数")
    mmu_ha: float = Field(5.0, ge=0, le=10_000, description="Least mapped patch, ha / 最小图斑")
    periphery_m: float = Field(
        2000.0, ge=0, le=100_000, description="Reach of the periphery rule, m / 外围距离"
    )
    ring_m: float = Field(
        0.0, ge=0, le=100_000, description="Ring of general restoration, m; 0 is off / 修复环宽度"
    )
    overlays: Literal["none", "red_line"] = Field(
        "none", description="Zones held to the protection the law asks for / 法定管控线叠加"
    )
    stability: bool = Field(False, description="Zone subsamples of the units anew / 检验分区稳定性")
    beta: float = Field(
        0.6, ge=0, le=1, description="Share of night lights in carbon demand / 夜光权重"
    )

    @model_validator(mode="after")
    def check_units(self) -> "ZoningParameters":
        """Polygons are regions of a level."""
        if (self.units == "polygons") != (self.unit_regions is not None):
            raise ValueError(
                "unit_regions is given with units `polygons`, and only then"
                " / unit_regions 须且仅须与 units=polygons 同时给出"
            )
        return self


LEAST_DRAWS = 30


class UncertaintyInputs(Inputs):
    """How the dependence of the zones on the parameters is looked into."""

    draws: int = Field(
        0,
        ge=0,
        le=1000,
        description="Draws of all parameters, at least 30; 0 is none / 蒙特卡洛抽样次数",
    )
    sensitivity: bool = Field(
        False, description="Change each parameter by a fifth, alone / 单因素敏感性分析"
    )

    @field_validator("draws")
    @classmethod
    def check_draws(cls, value: int) -> int:
        """A few draws say nothing."""
        if 0 < value < LEAST_DRAWS:
            raise ValueError(
                f"{value} draws are too few; 0, or at least {LEAST_DRAWS} / 至少 30 次"
            )
        return value


class DelineateZonesInputs(AssessmentInputs):
    """Inputs of the main job."""

    parameters: ZoningParameters = Field(
        default_factory=lambda: ZoningParameters.model_validate({}), description="Parameters / 参数"
    )
    uncertainty: UncertaintyInputs = Field(
        default_factory=lambda: UncertaintyInputs.model_validate({}),
        description="How the zones depend on the parameters / 不确定性分析",
    )
    seed: int = Field(42, ge=0, le=2**31 - 1, description="Seed of every random step / 随机种子")
    publish: bool = Field(
        False,
        description="Publish the scheme when done, which takes an approver; else a draft"
        " / 完成后发布（须审批者），默认为草案",
    )

    def changes_of(self, service: str) -> EcoserviceChoice:
        """What is asked for of a service; `beta` is a number of the carbon sink."""
        choice = super().changes_of(service)
        if service != "carbon_sink" or "light_share" in choice.parameters:
            return choice
        numbers = {**choice.parameters, "light_share": self.parameters.beta}
        return choice.model_copy(update={"parameters": numbers})


IMPORT_DATASET = ProcessContract(
    "import-dataset",
    Label("导入栅格数据", "Import a raster dataset"),
    Label(
        "检查上传的栅格，转换为 COG 并登记。",
        "Checks an uploaded raster, converts it to a COG and registers it.",
    ),
    ImportDatasetInputs,
    (OutputSpec("dataset", Label("数据集代码", "Dataset code"), "application/json"),),
    limits=Limits(memory_mb=4096, time_s=2 * 3600),
)

IMPORT_FEATURES = ProcessContract(
    "import-features",
    Label("导入矢量数据", "Import features"),
    Label(
        "检查上传的 GeoJSON、GeoPackage、FlatGeobuf、GeoParquet、Shapefile 压缩包、KML 或 CSV，"
        "按代码新增或更新集合中的对象，并逐行报告。",
        "Checks an uploaded GeoJSON, GeoPackage, FlatGeobuf, GeoParquet, zipped Shapefile, KML or"
        " CSV, creates or updates the collection's objects by code, and reports row by row.",
    ),
    ImportFeaturesInputs,
    (
        OutputSpec("summary", Label("摘要", "Summary"), "application/json"),
        OutputSpec("report", Label("逐行报告", "Report by row"), "application/json"),
        OutputSpec("table", Label("逐行报告（表格）", "Report as a table"), "text/csv"),
        OutputSpec("page", Label("逐行报告（网页）", "Report as a page"), "text/html"),
    ),
)

IMPORT_PLAN = ProcessContract(
    "import-plan",
    Label("导入规划包", "Import the package of a plan"),
    Label(
        "检查上传的规划包，并在一个事务内重建整个规划；已存在的区域、单位与指标按代码沿用。",
        "Checks an uploaded package and rebuilds the whole plan in one transaction; regions,"
        " parties and indicators that are there already are known by their codes.",
    ),
    ImportPlanInputs,
    (OutputSpec("summary", Label("摘要", "Summary"), "application/json"),),
    limits=Limits(memory_mb=4096, time_s=3600),
)

CHECK_COMPLIANCE = ProcessContract(
    "check-compliance",
    Label("合规检查", "Check compliance"),
    Label(
        "检查几何或项目与管控线、分区及规则的关系，给出重叠面积、规则与结论；一万个顶点以内即时返回。",
        "Checks a geometry or project against control lines, zones and rules: overlaps, rules and"
        " a verdict; at once up to ten thousand vertices.",
    ),
    CheckComplianceInputs,
    (OutputSpec("result", Label("检查结果", "Result"), "application/json"),),
    sync=True,
    quick=True,
    limits=Limits(memory_mb=4096, time_s=1800),
)

DELINEATE_ZONES = ProcessContract(
    "delineate-zones",
    Label("划定生态保护修复分区", "Delineate restoration zones"),
    Label(
        "由七项生态系统服务的供需比聚类得到五类分区，并发布栅格、矢量、统计与报告。",
        "Clusters the supply–demand ratios of seven ecosystem services into five zone classes and"
        " publishes rasters, polygons, statistics and a report.",
    ),
    DelineateZonesInputs,
    (
        OutputSpec("scheme", Label("分区方案代码", "Scheme code"), "application/json"),
        OutputSpec("layers", Label("图层", "Layers"), "application/json"),
        OutputSpec("statistics", Label("分区统计", "Statistics"), "application/json"),
        OutputSpec("report", Label("报告", "Report"), "text/html"),
        OutputSpec("report_pdf", Label("报告（PDF）", "Report (PDF)"), "application/pdf"),
        OutputSpec("map_zh", Label("分区图（中文）", "Map (Chinese)"), "image/png"),
        OutputSpec("map_en", Label("分区图（英文）", "Map (English)"), "image/png"),
        OutputSpec("patches", Label("图斑", "Patches"), "application/geo+json"),
    ),
    schemas=SCHEMAS,
)

CONTRACTS: Mapping[str, ProcessContract] = {
    contract.id: contract
    for contract in (
        *(ECHO, IMPORT_DATASET, IMPORT_FEATURES, IMPORT_PLAN, CHECK_COMPLIANCE),
        *(ASSESS_ECOSERVICES, DELINEATE_ZONES),
        *(EVALUATE_ECOSYSTEM, ACCOUNT_GEP, EVALUATE_INDICATORS),
        *(BUILD_NETWORK, RUN_SCENARIO, SELECT_SITES),
        *(PUBLISH_BULLETIN, SEED_TILES),
    )
}


class RegionTask(BaseModel):
    """The region of a task and its districts; geometries are GeoJSON in longitude, latitude."""

    code: str
    name_zh: str
    name_en: str
    epsg: int
    geometry: dict[str, Any]
    districts: list["DistrictTask"] = []


class DistrictTask(BaseModel):
    """A district of a task's region."""

    code: str
    name_zh: str
    name_en: str
    geometry: dict[str, Any]


class AreaTask(BaseModel):
    """A control area as it was when the job was accepted; the geometry is GeoJSON."""

    kind: str
    code: str
    version: int = 0
    name_zh: str
    name_en: str
    class_code: str | None = None
    checksum: str
    geometry: dict[str, Any]


class DatasetTask(BaseModel):
    """An input dataset as it was when the job was accepted."""

    id: int
    code: str
    theme: str
    uri: str
    checksum: str
    epsg: int | None = None
    unit: str | None = None
    native_resolution_m: float | None = None
    stand_in: bool = False
    stand_in_note_zh: str | None = None
    stand_in_note_en: str | None = None
    source: str | None = None
    licence: str | None = None
    observed_from: date | None = None
    observed_to: date | None = None
    name_zh: str
    name_en: str


class GrantTask(BaseModel):
    """A role of who asked for a job, as it was when the job was accepted; None is everywhere."""

    role: Role
    regions: list[int] | None = None


class AuthorityTask(BaseModel):
    """What who asked for a job may do; `grants` of None act in every role the scopes allow.

    `groups` and `proofs` are what they had shown of themselves when they asked.
    """

    owner: str
    scopes: list[Scope]
    grants: list[GrantTask] | None = None
    groups: list[str] = []
    proofs: list[str] = []


class TilesTask(BaseModel):
    """Where tiles are drawn, and the right of who asked to the layers of the task."""

    url: str
    token: str | None = None


class AssessedTask(BaseModel):
    """The assessment a scenario is held against, as it was asked for.

    Its region and the datasets of `themes` are those of the scenario's own task.
    """

    process: str
    job_id: str | None = None
    inputs: dict[str, Any]
    seed: int = 0
    themes: list[str]
    areas: list[AreaTask] = []
    units: list[DistrictTask] = []


class Task(BaseModel):
    """All that a computation needs, resolved when the job was accepted; no database in sight."""

    job_id: str | None = None
    process: str
    inputs: dict[str, Any]
    seed: int = 0
    region: RegionTask | None = None
    plan: str | None = None
    datasets: dict[str, DatasetTask] = {}
    areas: list[AreaTask] = Field(
        default_factory=list, description="control areas that zones are held to or compared with"
    )
    areas_as_of: date | None = Field(None, description="day on which the areas were in force")
    areas_left_out: list[str] = Field(
        default_factory=list, description="kinds of areas with too many vertices to be carried"
    )
    units: list[DistrictTask] = Field(
        default_factory=list, description="regions that are the zoning units, by code"
    )
    selection: SelectionTask | None = Field(
        None, description="what sites are selected from and paid with"
    )
    assessed: AssessedTask | None = Field(
        None, description="assessment whose ratio and zones are compared with those after edits"
    )
    indicators: IndicatorsTask | None = Field(
        None, description="what indicators are computed from, apart from rasters"
    )
    bulletin: BulletinTask | None = Field(None, description="what a bulletin is made of")
    upload_uri: str | None = None
    authority: AuthorityTask | None = None
    references: dict[str, list[str]] = Field(
        default_factory=dict, description="codes a member may refer to, where they are few"
    )
    area: Box | None = Field(None, description="box in degrees that is meant, where one was asked")
    layers: list[str] = Field(
        default_factory=list, description="layers the tile service is asked for, for who asked"
    )
    tiles: TilesTask | None = Field(
        None, description="the tile service, filled before the computation where layers are named"
    )
    kept: str | None = Field(
        None, description="folder that outlives an attempt, for work that goes on where it stopped"
    )
    windows: str | None = Field(
        None, description="folder of this machine where finished windows outlive an attempt"
    )
    keep_from_s: float = Field(0.5, description="seconds a window must take to be kept there")
    files: dict[str, str] = Field(
        default_factory=dict, description="local path of each uri, filled before the computation"
    )
    created_utc: str | None = Field(
        None, description="moment the results tell, ISO 8601; of the computation when absent"
    )
    processes: int = 1
    cluster: Cluster | None = Field(
        None, description="where windows are computed instead of in processes of one machine"
    )


class OutputFile(BaseModel):
    """A file a computation made, relative to its workspace.

    A `raster` becomes a dataset with theme `name`; `meta` holds grid, unit and statistics.
    """

    name: str
    path: str
    kind: Literal["raster", "document", "image", "features"]
    media_type: str
    title_zh: str
    title_en: str
    meta: dict[str, Any] = {}


class Outcome(BaseModel):
    """What a computation gives back: files, plain values, the manifest and warnings.

    A warning has a `code`, and a sentence as `detail` (English) and `detail_zh`.
    """

    files: list[OutputFile] = []
    values: dict[str, Any] = {}
    manifest: dict[str, Any] = {}
    warnings: list[dict[str, str]] = []
