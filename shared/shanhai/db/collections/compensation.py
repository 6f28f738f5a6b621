"""Compensation agreements between districts, whose rule is data."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import vocabulary
from shanhai.db.collections import guards
from shanhai.db.engine import read_today
from shanhai.db.features import columns, entity
from shanhai.db.observations.aggregation import WATER_STATIONS
from shanhai.errors import Fault, InvalidInput
from shanhai.science import water_quality
from shanhai.validation import StrictModel, broken_at, rule_in_chinese, rule_in_english
from shanhai.vocabulary import ECOSERVICES, Label, Role, Scope

_OWN = columns.Columns("cg")
_WRITERS = frozenset({Role.PLANNER})
APPROVERS = frozenset({Role.APPROVER})
SCOPES = frozenset({Scope.PROJECTS, Scope.WRITE})

Money = Annotated[Decimal, Field(ge=0, lt=10**13, max_digits=16, decimal_places=2)]
Signed = Annotated[Decimal, Field(gt=-(10**13), lt=10**13, max_digits=16, decimal_places=2)]
Factor = Annotated[Decimal, Field(gt=0, lt=10**9, max_digits=18, decimal_places=9)]


class ClassRuleData(StrictModel):
    """A rule by the class of each month, as it is written."""

    kind: Literal["classes"]
    target: str
    better: tuple[Money, ...] = Field((), max_length=6)
    worse: tuple[Money, ...] = Field((), max_length=6)
    cap: Money | None = None


class IndexStepData(StrictModel):
    """A step of an index, as it is written."""

    up_to: Factor | None = None
    amount: Signed


class IndexRuleData(StrictModel):
    """A rule by an index of the year's means, as it is written."""

    kind: Literal["index"]
    k0: Factor = Decimal(1)
    baseline: dict[str, Factor] = Field(min_length=1, max_length=30)
    weights: dict[str, Factor] = Field(min_length=1, max_length=30)
    steps: tuple[IndexStepData, ...] = Field(min_length=1, max_length=20)
    cap: Money | None = None

    @model_validator(mode="after")
    def check_steps(self) -> "IndexRuleData":
        """Every weighted property has a baseline; steps rise, and the last takes all the rest."""
        lacking = sorted(self.weights.keys() - self.baseline.keys())
        if lacking:
            rule = f"baseline lacks {lacking[0]} / baseline 缺少 {lacking[0]}"
            raise broken_at("baseline", rule=rule)
        bounds = [step.up_to for step in self.steps]
        known = [bound for bound in bounds[:-1] if bound is not None]
        if bounds[-1] is not None or len(known) < len(bounds) - 1 or known != sorted(set(known)):
            rule = "up_to rises, and the last has none / up_to 须递增，最后一级不填 up_to"
            raise broken_at("steps", rule=rule)
        return self


class ServiceRuleData(StrictModel):
    """A rule by the balance of a service, as it is written."""

    kind: Literal["service"]
    baseline: Annotated[Decimal, Field(gt=-(10**9), lt=10**9, decimal_places=9)]
    price: Factor
    tolerance: Annotated[Decimal, Field(ge=0, lt=10**9, decimal_places=9)] = Decimal(0)
    cap: Money | None = None


RuleData = Annotated[ClassRuleData | IndexRuleData | ServiceRuleData, Field(discriminator="kind")]
CompensationRule = ClassRuleData | IndexRuleData | ServiceRuleData
_RULES: TypeAdapter[CompensationRule] = TypeAdapter(RuleData)
BASIS_OF = {"classes": "section", "index": "section", "service": "service"}
"""What a kind of rule goes by."""


def read_rule(given: Any) -> CompensationRule:
    """A rule as it is written.

    Raises:
        InvalidInput: it is none; faults name the members.
    """
    try:
        return _RULES.validate_python(given)
    except ValidationError as error:
        faults = [
            Fault(
                "/".join(["/rule", *map(str, item["loc"][1:])]),
                rule_in_english(item),
                rule_in_chinese(item),
            )
            for item in error.errors(include_url=False)
        ]
    raise InvalidInput.placed(faults, Label("补偿规则不符合要求：", "the rule is not valid: "))


def unknown_items(rule: CompensationRule, standard: water_quality.WaterStandard) -> Sequence[Fault]:
    """What an index goes by and its standard does not assess: it would be missing in every year."""
    if not isinstance(rule, IndexRuleData):
        return ()
    items = standard.properties
    listed = ", ".join(sorted(items))
    return [
        Fault(
            f"/rule/{member}/{name}",
            f"{name!r} is not one of {listed}",
            f"{name!r} 须为 {listed} 之一",
        )
        for member, named in (("baseline", rule.baseline), ("weights", rule.weights))
        for name in named
        if name not in items
    ]


_STATION_KIND = text("SELECT kind FROM station WHERE code = :code AND deleted_at IS NULL")
_ZONING = text("SELECT true FROM zone_scheme WHERE code = :code AND deleted_at IS NULL LIMIT 1")


@guards.of_values
async def rule_goes_with_basis(
    session: AsyncSession, change: entity.PendingWrite
) -> Sequence[Fault]:
    """The rule can be read, and goes by what the agreement names."""
    after = change.after or {}
    if "rule" not in after:
        return ()
    rule, basis = read_rule(after["rule"]), after.get("basis")
    faults = []
    if BASIS_OF[rule.kind] != basis:
        faults.append(
            Fault(
                "/rule/kind",
                f"a rule of kind {rule.kind!r} goes by {BASIS_OF[rule.kind]!r}, not {basis!r}",
                f"规则类型 {rule.kind!r} 适用于 {BASIS_OF[rule.kind]!r}，不适用于 {basis!r}",
            )
        )
    needed = ("station",) if basis == "section" else ("service", "scheme")
    faults += [
        Fault(f"/{name}", f"is needed where basis is {basis!r}", f"basis 为 {basis!r} 时须填写")
        for name in needed
        if after.get(name) is None
    ]
    if after.get("station") is not None:
        agreed = (change.before or {}).get("rule") == after["rule"]
        faults += await _of_section(session, rule, str(after["station"]), agreed=agreed)
    scheme = after.get("scheme")
    if scheme is not None and not await session.scalar(_ZONING, {"code": scheme}):
        faults.append(
            Fault("/scheme", f"there is no zone scheme {scheme!r}", f"没有分区方案 {scheme!r}")
        )
    return faults


async def _of_section(
    session: AsyncSession, rule: CompensationRule, station: str, *, agreed: bool
) -> Sequence[Fault]:
    """The water of the station has a class, and the rule goes by what it is assessed by.

    A rule that stands already is ended, too, when it names an item that is none any more.
    """
    kind = await session.scalar(_STATION_KIND, {"code": station})
    if kind is None:
        # The reference tells that there is none.
        return []
    if kind not in WATER_STATIONS:
        told = (f"{station!r} has no class of water", f"{station!r} 不是可评价水质类别的站点")
        return [Fault("/station", *told)]
    standard = water_quality.water_standard(WATER_STATIONS[kind], await read_today(session))
    if not isinstance(rule, ClassRuleData) or rule.target in standard.classes:
        return () if agreed else unknown_items(rule, standard)
    listed = ", ".join(standard.classes)
    return [Fault("/rule/target", f"is not one of {listed}", f"须为 {listed} 之一")]


_SETTLED_MEMBERS = (
    *("upstream", "downstream", "basis", "station", "service", "scheme", "rule"),
    "start_year",
)


async def stays_once_in_force(
    session: AsyncSession, change: entity.PendingWrite
) -> Sequence[Fault]:
    """What both sides agreed on changes by a new agreement only; and what was settled stays."""
    before, after = change.before or {}, change.after
    if before.get("state", "draft") == "draft":
        return ()
    if after is None:
        rule = ("an agreement that was in force stays", "已生效的协议不得删除")
        return [Fault("", *rule)]
    if after.get("state") == "ended" and after.get("end_year") is None:
        # Else it would be settled for years to come, beside the one that takes its place.
        return [
            Fault("/end_year", "an agreement is ended with its last year", "终止协议须填终止年")
        ]
    return [
        Fault(
            f"/{name}",
            "does not change once the agreement is in force: end it and make another",
            "协议生效后不得更改，请终止后另行签订",
        )
        for name in _SETTLED_MEMBERS
        if name in after and after[name] != before.get(name)
    ]


@guards.of_values
async def two_sides(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """A district agrees with another than itself."""
    after = change.after or {}
    if after.get("upstream") is None or after.get("upstream") != after.get("downstream"):
        return ()
    return [Fault("/downstream", "must be another than upstream", "上游与下游不得为同一区域")]


COMPENSATION_AGREEMENTS = entity.Entity(
    name="compensation_agreements",
    title=Label("横向生态保护补偿协议", "Compensation agreements"),
    description=Label(
        "区域之间按断面水质或生态系统服务约定的横向生态保护补偿：双方、基准、规则与期限。",
        "What districts agreed to pay one another for water or services: sides, what it goes by,"
        " rule and years.",
    ),
    table="compensation_agreement",
    alias="cg",
    joins=(
        " LEFT JOIN region r ON r.id = cg.region_id LEFT JOIN region ru ON ru.id = cg.upstream_id"
        " LEFT JOIN region rd ON rd.id = cg.downstream_id"
        " LEFT JOIN station s ON s.id = cg.station_id"
    ),
    published="cg.state <> 'draft'",
    partners="ARRAY[cg.upstream_id, cg.downstream_id]",
    path="/compensation-agreements",
    properties=(
        _OWN.code,
        *_OWN.names(),
        _OWN.reference(
            "region", "r.code", Label("协议管理区域", "Region"), to="regions", required=True
        ),
        _OWN.reference(
            "upstream", "ru.code", Label("上游（提供方）", "Upstream"), to="regions", required=True
        ),
        _OWN.reference(
            "downstream",
            "rd.code",
            Label("下游（受益方）", "Downstream"),
            to="regions",
            required=True,
        ),
        _OWN.choice(
            "basis", vocabulary.COMPENSATION_BASES, Label("补偿依据", "Goes by"), required=True
        ),
        _OWN.reference("station", "s.code", Label("断面", "Section"), to="stations"),
        _OWN.choice("service", ECOSERVICES, Label("生态系统服务", "Service")),
        _OWN.queryable("scheme", entity.TEXT, Label("分区方案", "Zone scheme")),
        _OWN.column("rule", entity.OBJECT, Label("补偿规则", "Rule"), required=True),
        *_OWN.years(required=True),
        _OWN.choice("state", vocabulary.AGREEMENT_STATES, Label("状态", "State")),
        _OWN.column("document", entity.TEXT, Label("协议文件", "Document")),
        _OWN.source,
        *_OWN.period,
    ),
    editing=entity.Editing(
        roles=_WRITERS | APPROVERS,
        scopes=SCOPES,
        lifecycle=entity.Lifecycle(
            property="state",
            initial="draft",
            steps=(
                entity.Step("draft", "in_force", APPROVERS),
                entity.Step("in_force", "ended", APPROVERS),
            ),
            settled=frozenset({"ended"}),
        ),
        guards=(
            guards.RECORD_PERIOD,
            guards.RECORD_YEARS,
            two_sides,
            rule_goes_with_basis,
            stays_once_in_force,
        ),
    ),
)
