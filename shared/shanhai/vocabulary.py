"""The closed lists of the method, with Chinese and English labels; what a plan fixes is rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Lang = Literal["zh", "en"]
LANGUAGES: tuple[Lang, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class Label:
    """A name in the two languages of the platform."""

    zh: str
    en: str

    def in_(self, lang: Lang) -> str:
        """The name in `lang`."""
        return self.zh if lang == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Term:
    """A code of a closed list and its label."""

    code: str
    label: Label


ECOSERVICES: tuple[Term, ...] = (
    Term("water_conservation", Label("水源涵养", "Water conservation")),
    Term("soil_retention", Label("土壤保持", "Soil retention")),
    Term("cooling", Label("降温效益", "Cooling")),
    Term("carbon_sink", Label("碳汇服务", "Carbon sink")),
    Term("stormwater_regulation", Label("雨洪调节", "Stormwater regulation")),
    Term("biodiversity", Label("生物多样性维护", "Biodiversity maintenance")),
    Term("recreation", Label("景观美学", "Landscape aesthetics and recreation")),
)


@dataclass(frozen=True, slots=True)
class ZoneClass:
    """One of the five classes of the supply–demand zoning; `value` is its code in class rasters."""

    value: int
    code: str
    group: Literal["protection", "restoration"]
    label: Label
    color: str


SUPPLY_DEMAND = "supply_demand"
"""The `scheme_kind` of the five-class zoning."""

PROFILES: tuple[Term, ...] = (
    Term("index", Label("指数法", "Index methods")),
    Term("biophysical", Label("生物物理法", "Biophysical methods")),
    Term("mixed", Label("生物物理法优先", "Biophysical methods where possible")),
)
"""The methods services are computed by where none is named: by relative indices, in units, or each
in units where its inputs and totals are given."""

SCHEME_KINDS: tuple[Term, ...] = (
    Term(SUPPLY_DEMAND, Label("供需分区", "Supply and demand")),
    Term("plan_zones", Label("规划分区", "Zones of the plan")),
)
"""Kinds of zonings, by the first part of their `scheme_kind`; after a dot follows the plan."""

ZONE_CLASSES: tuple[ZoneClass, ...] = (
    ZoneClass(
        1,
        "strict_protection",
        "protection",
        Label("严格保护与管控区", "Strict protection and control zone"),
        "#0b4a1e",
    ),
    ZoneClass(
        2,
        "key_protection",
        "protection",
        Label("重点保护与管控区", "Key protection and control zone"),
        "#62ab92",
    ),
    ZoneClass(
        3,
        "general_protection",
        "protection",
        Label("一般保护与管控区", "General protection and control zone"),
        "#dcf0b4",
    ),
    ZoneClass(
        4,
        "priority_restoration",
        "restoration",
        Label("优先修复与功能提升区", "Priority restoration and function enhancement zone"),
        "#c4174f",
    ),
    ZoneClass(
        5,
        "general_restoration",
        "restoration",
        Label("一般修复与功能提升区", "General restoration and function enhancement zone"),
        "#d6951c",
    ),
)

THEMES: tuple[Term, ...] = (
    Term("dem", Label("数字高程模型", "Elevation")),
    Term("rainfall", Label("降雨", "Rainfall")),
    Term("temperature", Label("气温", "Air temperature")),
    Term("soil", Label("土壤", "Soil")),
    Term("npp", Label("净初级生产力", "Net primary productivity")),
    Term("ndvi", Label("植被指数", "Vegetation index")),
    Term("night_lights", Label("夜间灯光", "Night-time lights")),
    Term("land_cover", Label("土地覆盖", "Land cover")),
    Term("population", Label("人口", "Population")),
    Term("rain_intensity", Label("降雨强度", "Rain intensity")),
    Term("evapotranspiration", Label("实际蒸散发", "Actual evapotranspiration")),
    Term("reference_et", Label("参考蒸散发", "Reference evapotranspiration")),
    Term("roads", Label("道路", "Roads")),
    Term("protected_areas", Label("自然保护地", "Protected natural areas")),
    Term("main_roads", Label("主要道路", "Main roads")),
    Term("soil_depth", Label("土层厚度", "Soil depth")),
    Term("available_water", Label("植物有效含水率", "Plant available water content")),
    Term("soil_erodibility", Label("土壤可蚀性", "Soil erodibility K")),
    Term("hydrologic_group", Label("水文土壤组", "Hydrologic soil group")),
    Term("rain_erosivity", Label("降雨侵蚀力", "Rainfall erosivity R")),
    Term("temperature_max", Label("最高气温", "Daily maximum temperature")),
    Term("temperature_min", Label("最低气温", "Daily minimum temperature")),
    Term("summer_temperature", Label("夏季气温", "Summer air temperature")),
    Term("lst", Label("地表温度", "Land surface temperature")),
    Term("impervious", Label("不透水面比例", "Impervious fraction")),
    Term("travel_time", Label("出行时间", "Travel time")),
    Term("gdp", Label("国内生产总值", "Gross domestic product")),
    Term("carbon_density_start", Label("期初碳密度", "Carbon density at the start")),
    Term("carbon_density_end", Label("期末碳密度", "Carbon density at the end")),
    Term("vegetation_type", Label("植被类型", "Vegetation type")),
    Term("lai", Label("叶面积指数", "Leaf area index")),
    Term("gpp", Label("总初级生产力", "Gross primary productivity")),
    Term("carbonate", Label("碳酸盐岩出露比例", "Carbonate outcrop")),
    Term("eco_region", Label("生态功能区", "Ecological function regions")),
    Term("erosion_intensity", Label("土壤侵蚀强度", "Monitored erosion intensity")),
    Term("rocky_desertification", Label("石漠化程度", "Monitored rocky desertification")),
    Term("ndvi_series", Label("植被指数逐年序列", "Vegetation index by year")),
    Term("npp_series", Label("净初级生产力逐年序列", "Net primary productivity by year")),
    Term("eqi_series", Label("生态质量指数逐年序列", "Ecosystem quality index by year")),
)
"""What an imported dataset can be about."""


class JobStatus(StrEnum):
    """States of a job, in the words of OGC API - Processes."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    DISMISSED = "dismissed"

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return self in {JobStatus.SUCCESSFUL, JobStatus.FAILED, JobStatus.DISMISSED}


class Scope(StrEnum):
    """What an identity may do."""

    READ = "read"
    WRITE = "write"
    PROJECTS = "projects"
    OBSERVE = "observe"
    JOBS = "jobs"
    ADMIN = "admin"


class Role(StrEnum):
    """What a person or a feed is in the planning of a region."""

    VIEWER = "viewer"
    OWNER = "owner"
    PLANNER = "planner"
    APPROVER = "approver"
    SUPERVISOR = "supervisor"
    ANALYST = "analyst"
    AUDITOR = "auditor"
    FEED = "feed"
    ADMIN = "admin"


ROLES: Mapping[str, Label] = {
    Role.VIEWER: Label("查看", "Viewer"),
    Role.OWNER: Label("项目单位", "Owner"),
    Role.PLANNER: Label("规划编制", "Planner"),
    Role.APPROVER: Label("审批", "Approver"),
    Role.SUPERVISOR: Label("监管", "Supervisor"),
    Role.ANALYST: Label("分析", "Analyst"),
    Role.AUDITOR: Label("审计", "Auditor"),
    Role.FEED: Label("数据接入", "Feed"),
    Role.ADMIN: Label("管理", "Administrator"),
}


def roles_zh(roles: Iterable[Role]) -> str:
    """What roles are called in Chinese."""
    return "、".join(ROLES[role].zh for role in sorted(roles))


ROLE_SCOPES: Mapping[Role, frozenset[Scope]] = {
    Role.VIEWER: frozenset({Scope.READ}),
    Role.OWNER: frozenset({Scope.READ, Scope.PROJECTS}),
    Role.PLANNER: frozenset({Scope.READ, Scope.WRITE, Scope.PROJECTS, Scope.JOBS}),
    Role.APPROVER: frozenset({Scope.READ, Scope.WRITE, Scope.PROJECTS}),
    Role.SUPERVISOR: frozenset({Scope.READ, Scope.PROJECTS, Scope.OBSERVE}),
    Role.ANALYST: frozenset({Scope.READ, Scope.WRITE, Scope.JOBS}),
    Role.AUDITOR: frozenset({Scope.READ}),
    Role.FEED: frozenset({Scope.OBSERVE}),
    Role.ADMIN: frozenset({Scope.ADMIN}),
}
"""The scopes that come with a role."""
INSIDERS: frozenset[Role] = frozenset(Role) - {Role.VIEWER, Role.FEED}
"""The roles that see drafts and what is not public, within their regions."""
READERS: frozenset[Role] = frozenset(Role) - {Role.FEED}
"""The roles that see what is for those of a region, within their regions."""
EXACT_READERS: frozenset[Role] = frozenset(
    {Role.PLANNER, Role.APPROVER, Role.SUPERVISOR, Role.ANALYST, Role.ADMIN}
)
"""The roles that read what is masked for others, such as where protected species live, within their
regions."""


class Visibility(StrEnum):
    """Who may read what is published."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    REGION = "region"


VisibilityCode = Literal["public", "signed_in", "region"]
VISIBILITIES: tuple[Term, ...] = (
    Term(Visibility.PUBLIC.value, Label("公开", "Everybody")),
    Term(Visibility.SIGNED_IN.value, Label("登录可见", "Who is signed in")),
    Term(Visibility.REGION.value, Label("本区域可见", "Who has a role in its region")),
)
"""Who may read what is published; each holds those after it."""


DataClass = Literal["open", "internal", "sensitive"]
DataGrade = Literal["important", "core"]
DATA_CLASSES: tuple[Term, ...] = (
    Term("open", Label("公开", "Open")),
    Term("internal", Label("内部", "Internal")),
    Term("sensitive", Label("敏感", "Sensitive")),
)
"""Classes of data, each more closed than the one before it."""
DATA_GRADES: tuple[Term, ...] = (
    Term("important", Label("重要数据", "Important data")),
    Term("core", Label("核心数据", "Core data")),
)
"""The grades of GB/T 43697-2024 above general data, which bears no mark."""
CLASSIFIED_BY = frozenset({"data_class", "data_grade"})
"""The properties that say how closed a row is."""
READ_BY = CLASSIFIED_BY | {"visibility"}
"""Those, and who may read it."""
WIDEST: Mapping[str | None, Visibility] = {
    None: Visibility.PUBLIC,
    "open": Visibility.PUBLIC,
    "internal": Visibility.SIGNED_IN,
    "sensitive": Visibility.REGION,
}
"""By class of data: the most people it may be shown to."""


def broken_class_rule(
    visibility: str | None, data_class: str | None, data_grade: str | None
) -> tuple[str, Label] | None:
    """The member that breaks a rule of classes of data, and the rule; None where none does."""
    if data_grade is not None and data_class != "sensitive":
        return "data_class", Label(
            "标有 `data_grade`（重要数据、核心数据）的，`data_class` 须为 `sensitive`",
            "what has a `data_grade`, important or core, must have the `data_class` `sensitive`",
        )
    widest, order = WIDEST[data_class], [item.code for item in VISIBILITIES]
    if visibility is None or order.index(visibility) >= order.index(widest):
        return None
    return "visibility", Label(
        f"`data_class` 为 `{data_class}` 的，可见范围最宽为 `{widest}`，不得为 `{visibility}`",
        f"data of the `data_class` `{data_class}` may have the visibility `{widest}` at most,"
        f" not `{visibility}`",
    )


def closedness(data_class: str | None, data_grade: str | None) -> int:
    """How closed data are by class and grade: 0 for open or unclassified, 4 for core data."""
    if data_grade is not None:
        return len(DATA_CLASSES) + [item.code for item in DATA_GRADES].index(data_grade)
    classes = [item.code for item in DATA_CLASSES]
    return 0 if data_class is None else classes.index(data_class)


REGION_LEVELS: tuple[Term, ...] = (
    Term("nation", Label("国家", "Nation")),
    Term("province", Label("省级", "Province")),
    Term("city", Label("市级", "City")),
    Term("district", Label("区县", "District")),
    Term("street", Label("街道", "Street")),
    Term("town", Label("镇", "Town")),
    Term("basin", Label("流域", "Basin")),
    Term("bay", Label("海湾", "Bay")),
    Term("island", Label("海岛", "Island")),
    Term("cooperation", Label("协同发展区", "Cooperation area")),
    Term("demonstration_area", Label("示范引领区", "Demonstration area")),
)


def codes(terms: Iterable[Term]) -> tuple[str, ...]:
    """The codes of a closed list."""
    return tuple(term.code for term in terms)


def district_levels(found: Iterable[str]) -> tuple[str, ...]:
    """Of the levels of the regions below one, those of its districts: the first that there is.

    That is `district` before all others; streets and towns lie side by side.
    """
    first = min(found, key=("district", *codes(REGION_LEVELS)).index, default="district")
    return ("street", "town") if first in {"street", "town"} else (first,)


def label_in(terms: Iterable[Term], code: str, lang: Lang) -> str:
    """What the term of a code is called in a language.

    Raises:
        StopIteration: none of the terms has the code.
    """
    return next(term.label.in_(lang) for term in terms if term.code == code)


CONTROL_KINDS: tuple[Term, ...] = (
    Term("red_line", Label("生态保护红线", "Ecological red line")),
    Term("permanent_basic_farmland", Label("永久基本农田", "Permanent basic farmland")),
    Term("cultivated_land", Label("耕地", "Cultivated land")),
    Term("urban_boundary", Label("城镇开发边界", "Urban development boundary")),
    Term("eco_control_line", Label("生态控制线", "Ecological control line")),
    Term("protected_area", Label("自然保护地", "Protected natural area")),
    Term("water_source_area", Label("饮用水水源保护区", "Drinking water source area")),
    Term("habitat", Label("重要栖息地", "Key habitat")),
    Term("access_unit", Label("生态环境管控单元", "Environmental access unit")),
    Term("wetland", Label("湿地", "Wetland")),
    Term("shoreline", Label("岸线", "Shoreline")),
    Term("island", Label("海岛", "Island")),
    Term("sea_use_right", Label("海域使用权", "Sea use right")),
    Term("legacy_mine", Label("历史遗留废弃矿山", "Legacy mine")),
    Term("soil_erosion", Label("水土流失区", "Soil erosion area")),
)
"""Kinds of control lines and of protected or sensitive areas."""

CONTROL_LEVELS: tuple[Term, ...] = (
    Term("national", Label("国家级", "National")),
    Term("provincial", Label("省级", "Provincial")),
    Term("city", Label("市级", "City")),
    Term("district", Label("区县级", "District")),
    Term("local", Label("镇村级", "Local")),
)

DECISIONS: tuple[Term, ...] = (
    Term("forbidden", Label("禁止", "Forbidden")),
    Term("restricted", Label("限制", "Restricted")),
    Term("conditional", Label("有条件", "Conditional")),
    Term("capped", Label("限量", "Capped")),
    Term("encouraged", Label("鼓励", "Encouraged")),
    Term("required", Label("要求", "Required")),
)
"""What a rule says about an activity."""

RULE_SCOPES: tuple[Term, ...] = (
    Term("control_area", Label("管控线", "Control area")),
    Term("outside_control_area", Label("管控线以外", "Outside a control area")),
    Term("zone_class", Label("分区类别", "Zone class")),
    Term("everywhere", Label("全域", "Everywhere")),
)

CORRIDOR_TYPES: tuple[Term, ...] = (
    Term("mountain_sea", Label("山海通廊", "Mountain-sea corridor")),
    Term("river", Label("河流廊道", "River corridor")),
    Term("greenway", Label("绿道", "Greenway")),
    Term("habitat", Label("生境廊道", "Habitat corridor")),
)

CORRIDOR_CLASSES: tuple[Term, ...] = (
    Term("main", Label("主廊道", "Main corridor")),
    Term("branch", Label("支廊道", "Branch corridor")),
)

NODE_KINDS: tuple[Term, ...] = (
    Term("source", Label("生态源地", "Ecological source")),
    Term("stepping_stone", Label("踏脚石", "Stepping stone")),
    Term("pinch_point", Label("夹点", "Pinch point")),
    Term("barrier", Label("障碍点", "Barrier")),
    Term("junction", Label("交汇点", "Junction")),
    Term("saddle", Label("鞍部点", "Saddle")),
    Term("crossing", Label("断裂点", "Break point")),
)

STATION_KINDS: tuple[Term, ...] = (
    Term("sky", Label("天基", "Satellite")),
    Term("air", Label("空基", "Airborne")),
    Term("land", Label("地基", "Land")),
    Term("sea", Label("海基", "Sea")),
    Term("water_section", Label("水质断面", "Water section")),
)

MEDIA: tuple[Term, ...] = (
    Term("water", Label("地表水", "Surface water")),
    Term("sea", Label("海水", "Sea water")),
    Term("air", Label("环境空气", "Air")),
    Term("weather", Label("气象", "Weather")),
    Term("flow", Label("水文", "Hydrology")),
    Term("ecology", Label("生态", "Ecology")),
    Term("other", Label("其他", "Other")),
)
"""What an observed property is a property of."""


@dataclass(frozen=True, slots=True)
class Quality(Term):
    """What a sender says of a value; `letter` is the flag of HJ 212 for it."""

    letter: str


QUALITIES: tuple[Quality, ...] = (
    Quality("valid", Label("有效", "Valid"), "N"),
    Quality("stopped", Label("停运", "Stopped"), "F"),
    Quality("maintenance", Label("维护", "Maintenance"), "M"),
    Quality("manual", Label("手工输入", "Set by hand"), "S"),
    Quality("fault", Label("故障", "Fault"), "D"),
    Quality("calibration", Label("校准", "Calibration"), "C"),
    Quality("over_range", Label("超量程", "Over range"), "T"),
    Quality("no_connection", Label("通讯异常", "No connection"), "B"),
)
"""In the order of the numbers they are stored as; only valid values count in statistics."""

FLAGS: tuple[Term, ...] = (
    Term("out_of_range", Label("超出可能范围", "Out of range")),
    Term("spike", Label("突变", "Spike")),
    Term("flat", Label("长时间不变", "Flat line")),
    Term("inconsistent", Label("项目间矛盾", "Inconsistent")),
)
"""What the automatic checks mark, in the order of their bits."""


@dataclass(frozen=True, slots=True)
class WarningLevel(Term):
    """One of the four levels of warnings in China, in the colour it is named by."""

    color: str


WARNING_LEVELS: tuple[WarningLevel, ...] = (
    WarningLevel("blue", Label("蓝色", "Blue"), "#1f6fd1"),
    WarningLevel("yellow", Label("黄色", "Yellow"), "#e6b800"),
    WarningLevel("orange", Label("橙色", "Orange"), "#e87500"),
    WarningLevel("red", Label("红色", "Red"), "#c81e1e"),
)
"""From the least to the most serious."""

ALERT_KINDS: tuple[Term, ...] = (
    Term("above", Label("超过限值", "Above a limit")),
    Term("below", Label("低于限值", "Below a limit")),
    Term("rate", Label("变化过快", "Changing too fast")),
    Term("no_data", Label("数据中断", "No data")),
    Term("indicator_behind_target", Label("指标落后于目标", "Indicator behind its target")),
    Term("red_line_lead", Label("管控区域内发现变化", "Change found in a control area")),
    Term("line_decline", Label("管控线面积减少", "Decline of a control line")),
    Term("duty_due", Label("职责到期", "Duty due")),
    Term("balance_short", Label("占补未平衡", "Balance short")),
    Term("settlement_waiting", Label("补偿结算待办", "Settlement waiting")),
    Term("mine_report_due", Label("矿山年度报告未报", "Yearly report of a mine due")),
    Term("mine_fund_short", Label("矿山恢复基金欠缴", "Restoration fund of a mine short")),
    Term("reclamation_due", Label("土地复垦到期", "Land reclamation due")),
)
"""What a rule watches for."""

ALERT_SUBJECTS: tuple[Term, ...] = (
    Term("station", Label("站点", "Station")),
    Term("indicator", Label("规划指标", "Indicator of a plan")),
    Term("case", Label("红线线索", "Red-line lead")),
    Term("line", Label("管控线", "Control line")),
    Term("duty", Label("职责", "Duty")),
    Term("balance", Label("占补平衡", "Balance")),
    Term("settlement", Label("补偿结算", "Settlement")),
    Term("mine", Label("矿山", "Mine")),
    Term("reclamation", Label("土地复垦", "Land reclamation")),
)
"""What an alert is about."""

ALERT_STATUSES: tuple[Term, ...] = (
    Term("open", Label("未处理", "Open")),
    Term("acknowledged", Label("已确认", "Acknowledged")),
    Term("closed", Label("已关闭", "Closed")),
)

ALERT_EVENTS: tuple[Term, ...] = (
    Term("opened", Label("发出预警", "Opened")),
    Term("raised", Label("级别提高", "Raised to a higher level")),
    Term("acknowledged", Label("确认", "Acknowledged")),
    Term("commented", Label("意见", "Comment")),
    Term("recovered", Label("恢复正常，自动关闭", "Recovered, and closed by that")),
    Term("closed", Label("人工关闭", "Closed by a person")),
    Term("rule_changed", Label("规则变更，自动关闭", "Closed because its rule was changed")),
    Term("rule_expired", Label("规则有效期已过，自动关闭", "Closed because its rule has expired")),
    Term(
        "subject_gone",
        Label("对象不存在或已移出区域，自动关闭", "Closed because its subject is gone or moved"),
    ),
)
"""What happens to an alert."""

OBSERVATION_WAYS: tuple[Term, ...] = (
    Term("http", Label("接口上传", "Sent to the API")),
    Term("sta", Label("SensorThings 接口", "SensorThings")),
    Term("mqtt", Label("MQTT 消息", "MQTT")),
    Term("hj212", Label("HJ 212 网关", "HJ 212 gateway")),
)
"""Ways in which observations come in."""

DELIVERY_KINDS: tuple[Term, ...] = (
    Term("webhook", Label("网络回调订阅", "Webhook")),
    Term("email", Label("电子邮件", "E-mail")),
    Term("callback", Label("作业回调", "Callback of a job")),
)
"""Ways in which the platform tells somebody something by itself."""

DELIVERY_STATUSES: tuple[Term, ...] = (
    Term("waiting", Label("待送达", "Waiting")),
    Term("delivered", Label("已送达", "Delivered")),
    Term("dead", Label("已放弃", "Given up")),
)
"""What became of what was to be delivered."""

WEBHOOK_EVENTS: tuple[Term, ...] = (
    Term("alert.opened", Label("发出预警", "An alert was opened")),
    Term("alert.escalated", Label("预警级别提高", "An alert was raised to a higher level")),
    Term("alert.acknowledged", Label("预警已确认", "An alert was acknowledged")),
    Term("alert.closed", Label("预警已关闭", "An alert was closed")),
    Term("case.opened", Label("线索立案", "A case was opened")),
    Term("case.assigned", Label("案件交办", "A case was assigned")),
    Term("case.verified", Label("案件已核查", "A case was verified")),
    Term("case.rectification", Label("责令整改", "A case went into rectification")),
    Term("case.closed", Label("案件已销号", "A case was closed")),
    Term("bulletin.published", Label("公报已发布", "A bulletin was published")),
)
"""What webhooks can be told of."""

LEAD_KINDS: tuple[Term, ...] = (
    Term("construction", Label("工程建设", "Construction")),
    Term("mining", Label("采矿采石", "Mining and quarrying")),
    Term("clearing", Label("毁林", "Clearing of forest")),
    Term("cultivation", Label("开垦", "Cultivation")),
    Term("filling", Label("填埋水域、围填海", "Filling of water or sea")),
    Term("dumping", Label("堆放弃置", "Dumping")),
    Term("road", Label("修路", "Road building")),
    Term("other", Label("其他变化", "Other change")),
)
"""What a change seen from above looks like."""

CASE_STATES: tuple[Term, ...] = (
    Term("new", Label("待交办", "New")),
    Term("assigned", Label("核查中", "Assigned")),
    Term("verified", Label("已核查", "Verified")),
    Term("rectification", Label("整改中", "In rectification")),
    Term("closed", Label("已销号", "Closed")),
)
"""States of a red-line lead, in their order."""

CASE_RESULTS: tuple[Term, ...] = (
    Term("confirmed", Label("确认违规", "Confirmed")),
    Term("not_change", Label("并无变化", "No change")),
    Term("lawful", Label("合法合规", "Lawful")),
)
"""What the check on site found."""

ExceptionRequestState = Literal["requested", "granted", "refused", "withdrawn"]
EXCEPTION_REQUEST_STATES: tuple[Term, ...] = (
    Term("requested", Label("待批准", "Waiting for a decision")),
    Term("granted", Label("已批准", "Granted")),
    Term("refused", Label("未采纳", "Refused")),
    Term("withdrawn", Label("已撤回", "Withdrawn")),
)
"""States of a request for an exception; all but the first are its ends."""

PROPOSAL_STATES: tuple[Term, ...] = (
    Term("draft", Label("草稿", "Draft")),
    Term("submitted", Label("已提交", "Submitted")),
    Term("accepted", Label("已采纳", "Accepted")),
    Term("refused", Label("未采纳", "Refused")),
    Term("withdrawn", Label("已撤回", "Withdrawn")),
    Term("carried_out", Label("已落实", "Carried out")),
)
"""States of a proposal to revise what is planned, in their order."""

PROPOSAL_KINDS: tuple[Term, ...] = (
    Term("project", Label("项目", "Project")),
    Term("programme", Label("重点工程", "Programme")),
    Term("target", Label("指标目标", "Target of an indicator")),
    Term("zone", Label("分区", "Zone")),
    Term("plan", Label("规划文本", "Plan")),
)
"""What a proposal is to revise."""

EVIDENCE_KINDS: tuple[Term, ...] = (
    Term("alert", Label("预警", "Alert")),
    Term("case", Label("红线线索", "Red-line lead")),
    Term("value", Label("指标数值", "Value of an indicator")),
    Term("job", Label("作业", "Job")),
    Term("evaluation", Label("评估存档", "Stored evaluation")),
    Term("bulletin", Label("公报", "Bulletin")),
)
"""What a proposal can be founded on."""

BULLETIN_STATES: tuple[Term, ...] = (
    Term("draft", Label("草稿", "Draft")),
    Term("published", Label("已发布", "Published")),
)

PARTY_KINDS: tuple[Term, ...] = (
    Term("government", Label("政府", "Government")),
    Term("department", Label("部门", "Department")),
    Term("firm", Label("企业", "Firm")),
    Term("social_body", Label("社会组织", "Social body")),
    Term("expert", Label("专家", "Expert")),
)

ORIGINS: tuple[Term, ...] = (
    Term("imported", Label("导入", "Imported")),
    Term("drawn", Label("绘制", "Drawn")),
    Term("computed", Label("计算", "Computed")),
)
"""How an object came to be; a computed one names its job."""

CERTAINTIES: tuple[Term, ...] = (
    Term("stated", Label("原文载明", "Stated")),
    Term("inferred", Label("推断", "Inferred")),
)

INDICATOR_PROPERTIES: tuple[Term, ...] = (
    Term("binding", Label("约束性", "Binding")),
    Term("expected", Label("预期性", "Expected")),
)

INDICATOR_DIRECTIONS: tuple[Term, ...] = (
    Term("higher", Label("越高越好", "Higher is better")),
    Term("lower", Label("越低越好", "Lower is better")),
)

TARGET_ROLES = ("base", "target", "reference")
"""A value at the start, one to be reached, and one told elsewhere, which judges nothing."""

COMPARATORS = ("ge", "gt", "le", "lt", "eq", "none")
"""Comparators as printed beside a target; `none` for a bare number."""

TARGET_SENSES = ("at_least", "at_most", "track")

DUTY_STATES: tuple[Term, ...] = (
    Term("open", Label("未开展", "Open")),
    Term("on_track", Label("推进中", "On track")),
    Term("late", Label("滞后", "Late")),
    Term("done", Label("完成", "Done")),
    Term("dropped", Label("终止", "Dropped")),
)

DUTY_PARTS: tuple[Term, ...] = (
    Term("lead", Label("牵头单位", "Leads")),
    Term("cooperating", Label("配合单位", "Cooperating")),
    Term("supervising", Label("督导单位", "Supervising")),
    Term("named", Label("责任单位（分工未载明）", "Named without a part")),
)
"""What a party has to do with a duty; the columns are named so, with `_ids`."""

DUTY_REVIEW_STATES: tuple[Term, ...] = (
    Term("open", Label("进行中", "Open")),
    Term("frozen", Label("已定稿", "Frozen")),
)

DUTY_VERDICTS: tuple[Term, ...] = (
    Term("met", Label("达到", "Met")),
    Term("partly_met", Label("部分达到", "Partly met")),
    Term("not_met", Label("未达到", "Not met")),
    Term("returned", Label("退回补充", "Returned")),
)
"""How the supervisor judges a report; one that was returned is reported again."""

PROVISION_KINDS: tuple[Term, ...] = (
    Term("article", Label("条文", "Article")),
    Term("task", Label("主要任务", "Task")),
    Term("objective", Label("目标", "Objective")),
    Term("challenge", Label("挑战", "Challenge")),
    Term("opportunity", Label("机遇", "Opportunity")),
    Term("safeguard", Label("保障措施", "Safeguard")),
    Term("step", Label("规划步骤", "Step")),
    Term("stage", Label("实践阶段", "Stage")),
    Term("demonstration", Label("示范内容", "Demonstration")),
)
"""What a provision of a plan or policy is."""

OBJECTIVE_FORMS: tuple[Term, ...] = (
    Term("state", Label("状态", "State")),
    Term("deliverable", Label("成果", "Deliverable")),
)
"""Whether somebody judges that an objective is met, or it is there or not."""

FIGURE_KINDS: tuple[Term, ...] = (
    Term("evaluation", Label("评价结果", "Result of an evaluation")),
    Term("benefit", Label("效益", "Benefit")),
    Term("achievement", Label("既往成效", "Achievement")),
    Term("condition", Label("基本情况", "Condition")),
    Term("context", Label("形势", "Context")),
    Term("reference", Label("参考值", "Reference value")),
    Term("count", Label("载明数量", "Stated number")),
)
"""What a figure of a plan tells of."""

FIGURE_COMPUTATIONS: tuple[Term, ...] = (
    Term("evaluation_area", Label("评价等级面积", "Area of classes of an evaluation")),
    Term("evaluation_mean", Label("评价均值", "Mean of an evaluation")),
    Term("zone_area", Label("分区面积", "Area of zones")),
    Term("control_area", Label("管控区面积", "Area of control areas")),
    Term("region_area", Label("区域图形面积", "Area of the region's outline")),
    Term("corridor_length", Label("廊道长度", "Length of corridors")),
    Term("row_count", Label("已登记数量", "Number of what is stored")),
    Term("mine_restored", Label("验收的矿山修复面积", "Accepted area of restored mines")),
    Term("work_done", Label("工程完成量", "Work done by projects")),
)
"""What the figure a plan prints can be compared with, computed from what is stored."""

BENEFIT_ASPECTS: tuple[Term, ...] = (
    Term("ecological", Label("生态", "Ecological")),
    Term("social", Label("社会", "Social")),
    Term("economic", Label("经济", "Economic")),
)

PARTY_ROLES: tuple[Term, ...] = (
    Term("lead", Label("牵头", "Lead")),
    Term("leading_group", Label("领导小组", "Leading group")),
    Term("coordination", Label("统筹协调", "Coordination")),
    Term("funding", Label("资金保障", "Funding")),
    Term("green_finance", Label("绿色金融", "Green finance")),
)
"""What plans say a party is there for."""

PROGRAMME_STATUSES: tuple[Term, ...] = (
    Term("new", Label("新增", "New")),
    Term("continued", Label("延续", "Continued")),
)
"""Whether a programme was there before its plan."""

TRENDS: tuple[Term, ...] = (
    Term("better", Label("好转", "Better")),
    Term("stable_to_better", Label("稳中向好", "Stable to better")),
    Term("stable", Label("稳定", "Stable")),
    Term("worse", Label("变差", "Worse")),
)

FIGURE_COMPARATORS: tuple[Term, ...] = (
    Term("ge", Label("不低于", "at least")),
    Term("gt", Label("高于", "more than")),
    Term("le", Label("不高于", "at most")),
    Term("lt", Label("低于", "less than")),
    Term("eq", Label("等于", "equal to")),
)
"""Comparators as printed beside a figure; none for a bare number."""

NAMED_FEATURE_KINDS: tuple[Term, ...] = (
    Term("nature_reserve", Label("自然保护区", "Nature reserve")),
    Term("forest_park", Label("森林公园", "Forest park")),
    Term("park", Label("公园", "Park")),
    Term("species", Label("物种", "Species")),
    Term("mountain", Label("山体", "Mountain")),
    Term("river", Label("河流", "River")),
    Term("lake", Label("湖泊", "Lake")),
    Term("reservoir", Label("水库", "Reservoir")),
    Term("bay", Label("海湾", "Bay")),
    Term("sea_area", Label("海域", "Sea area")),
    Term("river_island", Label("江心岛", "River island")),
    Term("hot_spring", Label("温泉", "Hot spring")),
    Term("works", Label("工程", "Works")),
    Term("practice_base", Label("实践创新基地", "Base of practice and innovation")),
)
"""What plans call by a name of its own."""

PROBLEM_LEVELS: tuple[Term, ...] = (
    Term("region", Label("区域", "Region")),
    Term("city", Label("市级", "City")),
    Term("district", Label("区县", "District")),
)

PROBLEM_STATUSES: tuple[Term, ...] = (
    Term("open", Label("未处理", "Open")),
    Term("planned", Label("已安排", "Planned")),
    Term("resolved", Label("已解决", "Resolved")),
)

SEVERITIES: tuple[Term, ...] = (
    Term("info", Label("提示", "Info")),
    Term("low", Label("轻", "Low")),
    Term("medium", Label("中", "Medium")),
    Term("high", Label("重", "High")),
)

FUND_KINDS: tuple[Term, ...] = (
    Term("central", Label("中央财政", "Central budget")),
    Term("provincial", Label("省级财政", "Provincial budget")),
    Term("municipal", Label("市级财政", "Municipal budget")),
    Term("district", Label("区县财政", "District budget")),
    Term("bond", Label("专项债券", "Special bond")),
    Term("social", Label("社会资本", "Private capital")),
    Term("loan", Label("金融贷款", "Loan")),
    Term("transfer", Label("转移支付", "Transfer payment")),
    Term("ocean", Label("海洋生态保护修复资金", "Ocean restoration funds")),
    Term("eod", Label("EOD 模式", "EOD (ecology-oriented development)")),
    Term("bot", Label("BOT 模式", "BOT (build, operate, transfer)")),
    Term("other", Label("其他", "Other")),
)

FUND_ENTRY_KINDS = ("allocation", "payment", "return")
"""What moves money: to a project, out of it, and back to its source."""


@dataclass(frozen=True, slots=True)
class BalanceKind(Term):
    """What is taken and given back by a ledger, and the unit its amounts are in."""

    unit: str


BALANCE_KINDS: tuple[BalanceKind, ...] = (
    BalanceKind("natural_shoreline", Label("自然岸线", "Natural shoreline"), "m"),
    BalanceKind("cultivated_land", Label("耕地", "Cultivated land"), "mu"),
    BalanceKind("land_link", Label("增减挂钩", "Linked increase and decrease"), "mu"),
    BalanceKind("wetland", Label("湿地", "Wetland"), "ha"),
    BalanceKind("forest_quota", Label("林地定额", "Forest quota"), "ha"),
    BalanceKind("sea_area", Label("海域", "Sea area"), "ha"),
)
BALANCE_DIRECTIONS: tuple[Term, ...] = (
    Term("taken", Label("占用", "Taken")),
    Term("given", Label("补充", "Given back")),
)
BALANCE_STATES: tuple[Term, ...] = (
    Term("proposed", Label("已申报", "Proposed")),
    Term("accepted", Label("已采纳", "Accepted")),
    Term("reversed", Label("已冲销", "Reversed")),
    Term("rejected", Label("不予批准", "Rejected")),
)
"""States of an entry: what was accepted counts, and is undone by an entry that reverses it."""

NOTICE_STATES: tuple[Term, ...] = (
    Term("draft", Label("草稿", "Draft")),
    Term("published", Label("公示中", "Published")),
    Term("closed", Label("已结束", "Closed")),
    Term("withdrawn", Label("已撤回", "Withdrawn")),
)
"""States of a notice: comments are taken while it is published, in its period."""

NOTICE_SUBJECTS: tuple[Term, ...] = (
    Term("plans", Label("规划", "Plan")),
    Term("projects", Label("项目", "Project")),
    Term("control_areas", Label("管控线调整", "Change of a control area")),
    Term("proposals", Label("修订建议", "Proposal")),
)
"""What notices are of, by the collection it is in."""

COMMENTERS: tuple[Term, ...] = (
    Term("account", Label("须登录", "With an account")),
    Term("named", Label("可实名", "Also by name")),
    Term("anonymous", Label("可匿名", "Also anonymous")),
)
"""Who may comment on a notice; each holds those before it."""

ADOPTIONS: tuple[Term, ...] = (
    Term("adopted", Label("采纳", "Adopted")),
    Term("partly_adopted", Label("部分采纳", "Partly adopted")),
    Term("not_adopted", Label("不采纳", "Not adopted")),
)
"""What became of a comment, each with its reason."""

DISCLOSURES: tuple[Term, ...] = (
    Term("all", Label("全部公开", "All of it")),
    Term("published", Label("发布后公开", "Once published or approved")),
    Term("flagged", Label("标为公开的公开", "What is marked as public")),
    Term("in_part", Label("部分公开", "In part")),
    Term("none", Label("不公开", "Nothing")),
)
"""What of a kind of object is public by default."""


@dataclass(frozen=True, slots=True)
class DocumentKind(Term):
    """What a document of a project proves, and who may add it."""

    roles: frozenset[Role]


_EDITORS = frozenset({Role.OWNER, Role.PLANNER, Role.APPROVER, Role.SUPERVISOR})
_JUDGES = frozenset({Role.APPROVER, Role.SUPERVISOR})
DOCUMENT_KINDS: tuple[DocumentKind, ...] = (
    DocumentKind("proposal", Label("申报材料", "Proposal"), _EDITORS),
    DocumentKind("design", Label("设计文件", "Design"), _EDITORS),
    DocumentKind("notice", Label("公示", "Public notice"), _EDITORS),
    DocumentKind("completion", Label("完工文件", "Completion of measures"), _EDITORS),
    DocumentKind("acceptance", Label("验收文件", "Acceptance"), _JUDGES),
    DocumentKind("monitoring", Label("监测结果", "Monitoring result"), _EDITORS),
    DocumentKind("effect_evaluation", Label("成效评估", "Evaluation of effect"), _JUDGES),
    DocumentKind("after_care", Label("管护记录", "Record of after-care"), _EDITORS),
    DocumentKind("photo", Label("照片", "Photo"), _EDITORS),
    DocumentKind("other", Label("其他", "Other"), _EDITORS),
)

_STATES: Mapping[str, Label] = {
    "draft": Label("草案", "Draft"),
    "submitted": Label("已上报", "Submitted"),
    "approved": Label("已批准", "Approved"),
    "superseded": Label("已被取代", "Superseded"),
    "withdrawn": Label("已撤回", "Withdrawn"),
    "review": Label("审查中", "In review"),
    "published": Label("已发布", "Published"),
}
"""What the states of plans, zonings and drawn objects are called."""


def _states(*listed: str) -> tuple[Term, ...]:
    return tuple(Term(code, _STATES[code]) for code in listed)


PLAN_STATUSES = _states("draft", "submitted", "approved", "superseded", "withdrawn")
PLAN_DECISIONS: tuple[Term, ...] = (
    Term("approved", Label("同意", "Approved")),
    Term("rejected", Label("退回", "Sent back")),
    Term("withdrawn", Label("撤回同意", "Approval withdrawn")),
)
"""What a region can decide of a joint plan."""
PLAN_APPROVALS: tuple[Term, ...] = (
    Term("pending", Label("待决定", "Not decided")),
    *PLAN_DECISIONS,
    Term("lapsed", Label("已失效", "Lapsed")),
)
"""Where a region stands to a joint plan."""
SCHEME_STATUSES = _states("draft", "review", "approved", "published", "superseded")
OBJECT_STATUSES = _states("draft", "published", "superseded")
"""States of what is drawn or computed for a plan: lines, corridors, nodes, patterns."""
CONTROL_STATUSES = _states("draft", "published")

MINE_KINDS: tuple[Term, ...] = (
    Term("legacy", Label("历史遗留废弃矿山", "Legacy abandoned mine")),
    Term("producing", Label("生产矿山", "Producing mine")),
)
MINE_STATES: tuple[Term, ...] = (
    Term("open", Label("未处理", "Open")),
    Term("planned", Label("已安排", "Planned")),
    Term("in_work", Label("治理中", "In work")),
    Term("restored", Label("已修复待验收", "Restored, not yet accepted")),
    Term("accepted", Label("已验收", "Accepted")),
    Term("watched", Label("管护监测中", "Watched after acceptance")),
)
"""States of the restoration of a mine, in their order."""
MINE_INDICATORS = ("mine_restored_area", "mine_bare_slope_restored_area")
"""Codes of the indicators the accepted area of mines counts for."""
MINE_DEPOSIT_KINDS: tuple[Term, ...] = (
    Term("due", Label("应计提", "Due")),
    Term("paid", Label("已计提存入", "Paid in")),
    Term("withdrawn", Label("已提取使用", "Withdrawn")),
    Term("forfeited", Label("已没收", "Forfeited")),
)
"""What an entry of a mine's restoration fund (矿山地质环境治理恢复基金) is."""
RECLAMATION_STATES: tuple[Term, ...] = (
    Term("planned", Label("已安排", "Planned")),
    Term("deposit_paid", Label("已预存复垦费用", "Deposit paid")),
    Term("in_use", Label("使用中", "In use")),
    Term("reclaimed", Label("已复垦待验收", "Reclaimed, not yet accepted")),
    Term("accepted", Label("已验收", "Accepted")),
    Term("forfeited", Label("已没收", "Forfeited")),
)
"""States of the reclamation of temporarily used land, in their order."""

ISLAND_WATERS: tuple[Term, ...] = (
    Term("sea", Label("海岛", "Sea island")),
    Term("river", Label("江心岛", "River island")),
)
ISLAND_CLASSES: tuple[Term, ...] = (
    Term("inhabited", Label("有居民海岛", "Inhabited")),
    Term("uninhabited", Label("无居民海岛", "Uninhabited")),
    Term("protected", Label("特殊保护", "Protected")),
)
"""What an island may be used for depends on it."""
OUTFALL_KINDS: tuple[Term, ...] = (
    Term("industrial", Label("工业排污口", "Industrial")),
    Term("sewage_works", Label("城镇污水处理厂排污口", "Sewage works")),
    Term("agricultural", Label("农业排口", "Agricultural")),
    Term("storm_drain", Label("雨洪排口", "Storm drain")),
    Term("other_outfall", Label("其他排口", "Other outfall")),
)
HARBOUR_GRADES: tuple[Term, ...] = (
    Term("central", Label("中心渔港", "Central")),
    Term("first_class", Label("一级渔港", "First class")),
    Term("second_class", Label("二级渔港", "Second class")),
    Term("third_class", Label("三级渔港", "Third class")),
)
REGION_LINK_KINDS: tuple[Term, ...] = (
    Term("village", Label("村庄", "Village")),
    Term("river", Label("河流", "River")),
    Term("lake", Label("湖泊", "Lake")),
    Term("basin", Label("流域", "Basin")),
    Term("section", Label("断面", "Section")),
    Term("bay", Label("海湾", "Bay")),
    Term("sea_area", Label("海域", "Sea area")),
)
"""Places on the way of the water, from the mountain to the sea."""
COMPENSATION_BASES: tuple[Term, ...] = (
    Term("section", Label("断面水质", "Water at a section")),
    Term("service", Label("生态系统服务", "Ecosystem service")),
)
"""What compensation between districts goes by."""
AGREEMENT_STATES: tuple[Term, ...] = (
    Term("draft", Label("协商中", "Draft")),
    Term("in_force", Label("生效", "In force")),
    Term("ended", Label("终止", "Ended")),
)
SETTLEMENT_STATES: tuple[Term, ...] = (
    Term("proposed", Label("待确认", "Proposed")),
    Term("confirmed", Label("已确认", "Confirmed")),
    Term("disputed", Label("有争议", "Disputed")),
    Term("paid", Label("已支付", "Paid")),
    Term("withdrawn", Label("已撤回", "Withdrawn")),
)
SETTLEMENT_WAITS: tuple[Term, ...] = (
    Term("unproposed", Label("未提出", "Not proposed")),
    *(one for one in SETTLEMENT_STATES if one.code in {"proposed", "confirmed", "disputed"}),
)
"""What the settlement of a year that is over waits in, until it is paid."""
COMPENSATION_SIDES: tuple[Term, ...] = (
    Term("upstream", Label("上游（提供方）", "Upstream, that provides")),
    Term("downstream", Label("下游（受益方）", "Downstream, that benefits")),
)

DEMONSTRATION_SECTIONS: tuple[Term, ...] = (
    Term("summit", Label("山顶", "Summit")),
    Term("basin", Label("流域", "Basin")),
    Term("sea", Label("海洋", "Sea")),
    Term("urban", Label("城区", "City")),
)
"""Parts of a demonstration area."""
MEMBER_STATES: tuple[Term, ...] = (
    Term("planned", Label("计划中", "Planned")),
    Term("in_work", Label("建设中", "In work")),
    Term("reached", Label("已建成", "Reached")),
)
TITLE_SERIES: tuple[Term, ...] = (
    Term("beautiful_city", Label("美丽城市", "Beautiful city")),
    Term("beautiful_village", Label("美丽乡村", "Beautiful village")),
    Term("beautiful_river_lake", Label("美丽河湖", "Beautiful river or lake")),
    Term("beautiful_bay", Label("美丽海湾", "Beautiful bay")),
    Term("beautiful_park", Label("美丽园区", "Beautiful industrial park")),
    Term(
        "two_mountains_base",
        Label("“两山”实践创新基地", "Base of practice and innovation (Two Mountains)"),
    ),
    Term("demonstration", Label("生态文明示范", "Demonstration of ecological civilisation")),
)
TITLE_LEVELS: tuple[Term, ...] = (
    Term("nation", Label("国家级", "National")),
    Term("province", Label("省级", "Provincial")),
    Term("city", Label("市级", "Municipal")),
)
TITLE_STATES: tuple[Term, ...] = (
    Term("candidate", Label("创建中", "Candidate")),
    Term("approved", Label("已授予", "Approved")),
    Term("withdrawn", Label("已撤销", "Withdrawn")),
)

PROTECTION_CLASSES: tuple[Term, ...] = (
    Term("first_class", Label("国家一级", "National first class")),
    Term("second_class", Label("国家二级", "National second class")),
    Term("provincial", Label("省级重点", "Provincial")),
    Term("none", Label("未列入", "Not listed")),
)
"""Classes of key protected wild animals and plants (野生动物保护法, 野生植物保护条例)."""
RED_LIST_CATEGORIES: tuple[Term, ...] = (
    Term("EX", Label("灭绝", "Extinct")),
    Term("EW", Label("野外灭绝", "Extinct in the wild")),
    Term("CR", Label("极危", "Critically endangered")),
    Term("EN", Label("濒危", "Endangered")),
    Term("VU", Label("易危", "Vulnerable")),
    Term("NT", Label("近危", "Near threatened")),
    Term("LC", Label("无危", "Least concern")),
    Term("DD", Label("数据缺乏", "Data deficient")),
    Term("NE", Label("未评估", "Not evaluated")),
)
"""Categories of the IUCN Red List, version 3.1."""
SENSITIVITIES: tuple[Term, ...] = (
    Term("open", Label("公开精确位置", "Exact place for everybody")),
    Term("cell", Label("公开所在网格", "Grid cell for everybody")),
    Term("hidden", Label("不公开", "Withheld")),
)
"""What of the place of its occurrences everybody may know, by species, the strictest last."""
PLACES_SHOWN: tuple[Term, ...] = (
    Term("exact", Label("精确位置", "Exact place")),
    Term("cell", Label("所在网格", "Grid cell")),
)
"""What the geometry of an occurrence is to who reads it."""
OCCURRENCE_METHODS: tuple[Term, ...] = (
    Term("sighting", Label("目击", "Sighting")),
    Term("transect", Label("样线调查", "Transect")),
    Term("plot", Label("样方调查", "Plot")),
    Term("camera_trap", Label("红外相机", "Camera trap")),
    Term("acoustic", Label("声学监测", "Acoustic monitoring")),
    Term("tracking", Label("跟踪定位", "Tracking")),
    Term("trapping", Label("捕捉、网捕", "Trapping or netting")),
    Term("edna", Label("环境DNA", "Environmental DNA")),
    Term("specimen", Label("标本", "Specimen")),
    Term("literature", Label("文献", "Literature")),
)
OCCURRENCE_STATES: tuple[Term, ...] = (
    Term("recorded", Label("已记录", "Recorded")),
    Term("verified", Label("已核实", "Verified")),
    Term("doubtful", Label("存疑", "Doubtful")),
)

_LABELS = {term.code: term.label for term in (*ECOSERVICES, *THEMES, *PROFILES)} | {
    zone.code: zone.label for zone in ZONE_CLASSES
}


def label_of(code: str) -> Label:
    """The label of an ecoservice, theme, profile or zone class.

    Raises:
        KeyError: the code is in none of the closed lists.
    """
    return _LABELS[code]
