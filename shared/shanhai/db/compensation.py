"""Compensation between districts: agreements, whose rule is data, and their yearly settlements.

A settlement is computed from what is stored, proposed, confirmed by both sides, and paid. It keeps
the rule and the figures it was computed from, with the SHA-256 of these; it is never edited, only
withdrawn and made anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import vocabulary
from shanhai.db.base import hash_of
from shanhai.db.collections import guards
from shanhai.db.engine import read_today
from shanhai.db.features import columns, entity
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Identity, Viewer, demand_role, demand_scopes
from shanhai.db.observations.aggregation import water_classes
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.balance import CompensationEvent, CompensationSettlement
from shanhai.errors import Conflict, Fault, Forbidden, InvalidInput, NotFound
from shanhai.science import ledgers, water_quality
from shanhai.vocabulary import ECOSERVICES, Label, Role, Scope

Content = dict[str, Any]
_OWN = columns.Columns("cg")
_WRITERS = frozenset({Role.PLANNER})
_APPROVERS = frozenset({Role.APPROVER})
SCOPES = frozenset({Scope.PROJECTS, Scope.WRITE})
PROPOSERS = frozenset({Role.PLANNER, Role.APPROVER})

Money = Annotated[Decimal, Field(ge=0, lt=10**13, max_digits=16, decimal_places=2)]
Signed = Annotated[Decimal, Field(gt=-(10**13), lt=10**13, max_digits=16, decimal_places=2)]
Factor = Annotated[Decimal, Field(gt=0, lt=10**9, max_digits=18, decimal_places=9)]
MEDIA: Mapping[str, water_quality.Medium] = {
    "water_section": "surface_water",
    "sea": "sea_water",
}
"""Kinds of stations an agreement can go by, and by which standard their water has its class."""


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClassRuleData(_Data):
    """A rule by the class of each month, as it is written."""

    kind: Literal["classes"]
    target: str
    better: tuple[Money, ...] = Field((), max_length=6)
    worse: tuple[Money, ...] = Field((), max_length=6)
    cap: Money | None = None


class IndexStepData(_Data):
    """A step of an index, as it is written."""

    up_to: Factor | None = None
    amount: Signed


class IndexRuleData(_Data):
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
            raise ValueError(f"baseline lacks {lacking[0]} / baseline 缺少 {lacking[0]}")
        bounds = [step.up_to for step in self.steps]
        known = [bound for bound in bounds[:-1] if bound is not None]
        if bounds[-1] is not None or len(known) < len(bounds) - 1 or known != sorted(set(known)):
            raise ValueError(
                "steps rise in up_to, and the last has none"
                " / steps 的 up_to 须递增，最后一级不填 up_to"
            )
        return self


class ServiceRuleData(_Data):
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
            Fault("/".join(["/rule", *map(str, item["loc"][1:])]), item["msg"])
            for item in error.errors()
        ]
        raise InvalidInput(
            "the rule is not valid", message_zh="补偿规则不符合要求", faults=faults
        ) from error


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
    if isinstance(rule, ClassRuleData) and after.get("station") is not None:
        faults += await _target_known(session, rule, str(after["station"]))
    return faults


_KIND = sa.text("SELECT kind FROM station WHERE code = :code AND deleted_at IS NULL")


async def _target_known(
    session: AsyncSession, rule: ClassRuleData, station: str
) -> Sequence[Fault]:
    kind = await session.scalar(_KIND, {"code": station})
    if kind is None:
        # The reference tells that there is none.
        return []
    if kind not in MEDIA:
        told = (f"{station!r} has no class of water", f"{station!r} 不是可评价水质类别的站点")
        return [Fault("/station", *told)]
    standard = water_quality.water_standard(MEDIA[kind], await read_today(session))
    if rule.target in standard.classes:
        return []
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
    return [
        Fault(
            f"/{name}",
            "does not change once the agreement is in force: end it and make another",
            "协议生效后不得更改，请终止后另行签订",
        )
        for name in _SETTLED_MEMBERS
        if name in after and after[name] != before.get(name)
    ]


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
    code="cg.code",
    live="cg.deleted_at IS NULL",
    published="cg.state <> 'draft'",
    current=columns.current("cg"),
    as_of=columns.as_of("cg"),
    region="cg.region_id",
    partners="ARRAY[cg.upstream_id, cg.downstream_id]",
    interval=_OWN.interval,
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
        _OWN.column(
            "basis",
            columns.choice(vocabulary.COMPENSATION_BASES),
            Label("补偿依据", "Goes by"),
            queryable=True,
            required=True,
        ),
        _OWN.reference("station", "s.code", Label("断面", "Section"), to="stations"),
        _OWN.column(
            "service", columns.choice(ECOSERVICES), Label("生态系统服务", "Service"), queryable=True
        ),
        _OWN.column("scheme", entity.TEXT, Label("分区方案", "Zone scheme"), queryable=True),
        _OWN.column("rule", entity.OBJECT, Label("补偿规则", "Rule"), required=True),
        _OWN.column(
            "start_year",
            columns.YEAR,
            Label("起始年", "First year"),
            column="first_year",
            queryable=True,
            required=True,
        ),
        _OWN.column(
            "end_year",
            columns.YEAR,
            Label("终止年", "Last year"),
            column="last_year",
            queryable=True,
        ),
        _OWN.column(
            "state",
            columns.choice(vocabulary.AGREEMENT_STATES),
            Label("状态", "State"),
            queryable=True,
        ),
        _OWN.column("document", entity.TEXT, Label("协议文件", "Document")),
        _OWN.source,
        *_OWN.period,
    ),
    editing=entity.Editing(
        roles=_WRITERS | _APPROVERS,
        scopes=SCOPES,
        lifecycle=entity.Lifecycle(
            property="state",
            initial="draft",
            steps=(
                entity.Step("draft", "in_force", _APPROVERS),
                entity.Step("in_force", "ended", _APPROVERS),
            ),
            settled=frozenset({"ended"}),
        ),
        guards=(
            guards.RECORD_PERIOD,
            guards.in_order(
                "start_year",
                "end_year",
                Label("终止年不得早于起始年", "end_year must not be before start_year"),
                under="",
            ),
            two_sides,
            rule_goes_with_basis,
            stays_once_in_force,
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class AgreementSeen:
    """An agreement as settlements read it."""

    id: int
    code: str
    name: Label
    state: str
    region_id: int
    upstream_id: int
    downstream_id: int
    upstream: Label
    downstream: Label
    station_id: int | None
    station_kind: str | None
    service: str | None
    scheme: str | None
    rule: Content
    first_year: int
    last_year: int | None


async def find_agreement(
    session: AsyncSession, code: str, viewer: Viewer, *, lock: bool = False
) -> AgreementSeen:
    """An agreement a reader may see.

    Raises:
        NotFound: there is none.
    """
    met = [COMPENSATION_AGREEMENTS.live, *visibility(COMPENSATION_AGREEMENTS, viewer)]
    query = sa.text(
        "SELECT cg.*, s.kind AS station_kind, ru.name_zh AS upstream_zh, ru.name_en AS upstream_en,"  # noqa: S608
        " rd.name_zh AS downstream_zh, rd.name_en AS downstream_en"
        f" FROM {COMPENSATION_AGREEMENTS.source} WHERE cg.code = :code AND {' AND '.join(met)}"
        f"{' FOR UPDATE OF cg' if lock else ''}"
    )
    asked = {"code": code, **viewer_values(viewer)}
    row = None if "\x00" in code else (await session.execute(query, asked)).first()
    if row is None:
        raise NotFound(
            f"there is no compensation agreement {code!r}", message_zh=f"没有补偿协议 {code!r}"
        )
    return AgreementSeen(
        row.id,
        row.code,
        Label(row.name_zh, row.name_en),
        row.state,
        row.region_id,
        row.upstream_id,
        row.downstream_id,
        Label(row.upstream_zh, row.upstream_en),
        Label(row.downstream_zh, row.downstream_en),
        row.station_id,
        row.station_kind,
        row.service,
        row.scheme,
        row.rule,
        row.first_year,
        row.last_year,
    )


_BALANCE = sa.text("""
SELECT sum(z.area_m2 * mean) / nullif(sum(z.area_m2), 0) AS balance
  FROM zone z JOIN zone_scheme s ON s.id = z.scheme_id,
       LATERAL (SELECT (z.attrs -> 'statistics' -> 'layers' -> CAST(:service AS text)
                        ->> 'mean')::float8 AS mean) told
 WHERE s.code = :scheme AND s.status = 'published' AND s.deleted_at IS NULL
   AND z.deleted_at IS NULL AND mean IS NOT NULL
""")


async def compute_settlement(
    session: AsyncSession, agreement: AgreementSeen, year: int, rule: Any = None
) -> Content:
    """What an agreement comes to in a year by what is stored, or by another rule.

    Raises:
        InvalidInput: the year is not one of the agreement's, is not over, or the rule is not valid.
    """
    last = agreement.last_year
    if year < agreement.first_year or (last is not None and year > last):
        rest = f"–{last}" if last is not None else "–"
        raise InvalidInput(
            f"{year} is not a year of the agreement ({agreement.first_year}{rest})",
            message_zh=f"{year} 年不在协议期内（{agreement.first_year}{rest}）",
            pointer="/year",
        )
    if year >= (await read_today(session)).year:
        raise InvalidInput(
            f"the year {year} is not over", message_zh=f"{year} 年尚未结束", pointer="/year"
        )
    chosen = read_rule(agreement.rule if rule is None else rule)
    if BASIS_OF[chosen.kind] != ("section" if agreement.station_id is not None else "service"):
        raise InvalidInput(
            f"a rule of kind {chosen.kind!r} does not go with the agreement",
            message_zh=f"规则类型 {chosen.kind!r} 与协议的补偿依据不符",
            pointer="/rule/kind",
        )
    observed, settled = await _settle(session, agreement, year, chosen)
    payer = None
    if settled.amount:
        payer = "downstream" if settled.amount > 0 else "upstream"
    return {
        "agreement": agreement.code,
        "year": year,
        "rule": chosen.model_dump(mode="json"),
        "observed": observed,
        "lines": [{**asdict(line), "amount": f"{line.amount:.2f}"} for line in settled.lines],
        "missing": [*settled.missing],
        "capped": settled.capped,
        "amount": None if settled.amount is None else f"{abs(settled.amount):.2f}",
        "payer": payer,
    }


async def _settle(
    session: AsyncSession,
    agreement: AgreementSeen,
    year: int,
    rule: CompensationRule,
) -> tuple[Content, ledgers.Settled]:
    if isinstance(rule, ServiceRuleData):
        asked = {"service": agreement.service, "scheme": agreement.scheme}
        found = await session.scalar(_BALANCE, asked)
        balance = None if found is None else round(Decimal(str(found)), 6)
        own = ledgers.ServiceRule(rule.baseline, rule.price, rule.tolerance, rule.cap)
        told = None if balance is None else format(balance, "f")
        return {"balance": told}, ledgers.settle_service(own, balance)
    station, kind = agreement.station_id, agreement.station_kind
    if station is None or kind is None or kind not in MEDIA:
        raise InvalidInput(
            "the agreement names no section whose water has a class",
            message_zh="协议未指明可评价水质类别的断面",
            pointer="/station",
        )
    standard = water_quality.water_standard(MEDIA[kind], date(year, 12, 31))
    if isinstance(rule, IndexRuleData):
        days = (date(year, 1, 1), date(year, 12, 31))
        water = (await water_classes(session, [station], standard, *days))[station]
        means = {
            name: round(Decimal(str(water.means[name])), 6)
            for name in rule.weights
            if name in water.means
        }
        steps = [ledgers.IndexStep(step.up_to, step.amount) for step in rule.steps]
        index = ledgers.IndexRule(rule.baseline, rule.weights, steps, rule.k0, rule.cap)
        told_means = {name: format(mean, "f") for name, mean in sorted(means.items())}
        return {"means": told_means}, ledgers.settle_index(index, means)
    if rule.target not in standard.classes:
        raise InvalidInput(
            f"{rule.target!r} is not one of {', '.join(standard.classes)}",
            message_zh=f"{rule.target!r} 须为 {', '.join(standard.classes)} 之一",
            pointer="/rule/target",
        )
    numbers: dict[int, int] = {}
    for month in range(1, 13):
        first, after = date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)
        last = date.fromordinal(after.toordinal() - 1)
        numbers[month] = (await water_classes(session, [station], standard, first, last))[
            station
        ].number
    target = standard.classes.index(rule.target) + 1
    own_rule = ledgers.ClassRule(target, rule.better, rule.worse, rule.cap)
    named = {f"{month:02}": standard.name_of(number) for month, number in numbers.items()}
    return {"classes": named}, ledgers.settle_classes(own_rule, numbers)


def _demand(caller: Identity, roles: frozenset[Role], *regions: int) -> None:
    """One of the roles in one of the regions."""
    demand_scopes(caller, SCOPES)
    if not any(caller.acts_as(roles, region) for region in regions):
        demand_role(caller, roles, regions[0])


async def propose_settlement(
    session: AsyncSession, code: str, year: int, *, caller: Identity, act: Act
) -> CompensationSettlement:
    """Compute the settlement of a year and put it before both sides.

    Raises:
        Unauthenticated, Forbidden, NotFound: the caller may not, or there is no such agreement.
        Conflict: the agreement is a draft, there is a settlement already, or nothing was observed.
        InvalidInput: the year is not one of the agreement's, or not over.
    """
    agreement = await find_agreement(session, code, caller.viewer, lock=True)
    sides = (agreement.region_id, agreement.upstream_id, agreement.downstream_id)
    _demand(caller, PROPOSERS, *sides)
    if agreement.state == "draft":
        raise Conflict(f"agreement {code} is a draft", message_zh=f"协议 {code} 尚未生效，不能结算")
    if await _find(session, agreement.id, year) is not None:
        raise Conflict(
            f"there is a settlement of {year} already; withdraw it first",
            message_zh=f"已有 {year} 年结算，请先撤回",
        )
    content = await compute_settlement(session, agreement, year)
    if content["amount"] is None:
        raise Conflict(
            f"nothing was observed in {year} that the rule goes by",
            message_zh=f"{year} 年没有规则所依据的观测",
        )
    amount = Decimal(content["amount"]) * (-1 if content["payer"] == "upstream" else 1)
    row = CompensationSettlement(
        agreement_id=agreement.id,
        year=year,
        content=content,
        sha256=hash_of(content),
        amount=amount,
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    after = {"amount": f"{amount:.2f}", "sha256": row.sha256}
    await _step(session, row, agreement, "proposed", caller, act, after=after)
    return row


@dataclass(frozen=True, slots=True)
class SettlementStep:
    """A step of a settlement that is asked for."""

    to: Literal["confirmed", "disputed", "paid", "withdrawn"]
    side: Literal["upstream", "downstream"] | None = None
    reason: str | None = None
    paid_on: date | None = None
    evidence: Sequence[str] = ()


_FROM = {
    "confirmed": ("proposed",),
    "disputed": ("proposed", "confirmed"),
    "paid": ("confirmed",),
    "withdrawn": ("proposed", "confirmed", "disputed"),
}


async def take_step(
    session: AsyncSession, code: str, year: int, step: SettlementStep, *, caller: Identity, act: Act
) -> CompensationSettlement:
    """Confirm a settlement for a side, dispute, pay or withdraw it.

    It is confirmed when both sides have confirmed it, by different people.

    Raises:
        Unauthenticated, Forbidden, NotFound: the caller may not, or there is no such settlement.
        Conflict: its state does not allow the step.
        InvalidInput: the step lacks its side, reason, day or documents.
    """
    agreement = await find_agreement(session, code, caller.viewer, lock=True)
    row = await find_settlement(session, agreement, year)
    _check_step(step)
    sides = {"upstream": agreement.upstream_id, "downstream": agreement.downstream_id}
    acting = [sides[step.side]] if step.side is not None else [agreement.region_id]
    _demand(caller, _APPROVERS if step.to != "withdrawn" else PROPOSERS, *acting)
    if row.state not in _FROM[step.to]:
        raise Conflict(
            f"a settlement that is {row.state} does not become {step.to}",
            message_zh=f"状态为 {row.state} 的结算不能变为 {step.to}",
        )
    if step.paid_on is not None and step.paid_on > await read_today(session):
        raise InvalidInput(
            f"paid_on {step.paid_on} is still to come",
            message_zh=f"支付日期 {step.paid_on} 晚于今天",
            pointer="/paid_on",
        )
    for unknown in await guards.unknown_documents(session, step.evidence):
        raise InvalidInput(
            f"there is no document {unknown!r}",
            message_zh=f"没有文件 {unknown!r}",
            pointer="/evidence",
        )
    # All at once: what is paid or withdrawn is not touched again.
    after: Content = {"side": step.side, "reason": step.reason}
    if step.to == "confirmed":
        _confirm(row, str(step.side), caller.owner)
    else:
        row.state = step.to
    if step.to == "disputed":
        row.upstream_confirmed_by = row.downstream_confirmed_by = None
    if step.to == "paid" and step.paid_on is not None:
        row.paid_on = step.paid_on
        after["paid_on"] = step.paid_on.isoformat()
    await session.flush()
    await _step(session, row, agreement, step.to, caller, act, step=step, after=after)
    return row


def _check_step(step: SettlementStep) -> None:
    """A step tells what it needs."""
    needed = {
        "confirmed": ("side",),
        "disputed": ("side", "reason"),
        "paid": ("paid_on",),
        "withdrawn": ("reason",),
    }
    faults = [
        Fault(f"/{name}", f"is needed to become {step.to!r}", f"变为 {step.to!r} 须填写")
        for name in needed[step.to]
        if not getattr(step, name)
    ]
    if faults:
        raise InvalidInput("the step lacks members", message_zh="缺少必填项", faults=faults)


def _confirm(row: CompensationSettlement, side: str, owner: str) -> None:
    other = "downstream" if side == "upstream" else "upstream"
    if getattr(row, f"{side}_confirmed_by") is not None:
        raise Conflict(f"{side} has confirmed it", message_zh=f"{side} 已确认")
    if getattr(row, f"{other}_confirmed_by") == owner:
        raise Forbidden(
            "the two sides are confirmed by different people",
            message_zh="双方须由不同人员确认",
        )
    setattr(row, f"{side}_confirmed_by", owner)
    if getattr(row, f"{other}_confirmed_by") is not None:
        row.state = "confirmed"


async def _step(
    session: AsyncSession,
    row: CompensationSettlement,
    agreement: AgreementSeen,
    state: str,
    caller: Identity,
    act: Act,
    *,
    after: Content,
    step: SettlementStep | None = None,
) -> None:
    session.add(
        CompensationEvent(
            settlement_id=row.id,
            state=state,
            side=None if step is None else step.side,
            reason=None if step is None else step.reason,
            evidence=[] if step is None else [*step.evidence],
            actor=caller.owner,
        )
    )
    record(
        session,
        act,
        "create" if state == "proposed" else "update",
        table="compensation_settlement",
        object_id=f"{agreement.code}/{row.year}",
        after={"state": row.state, "year": row.year, **after},
    )


async def _find(
    session: AsyncSession, agreement_id: int, year: int
) -> CompensationSettlement | None:
    own = CompensationSettlement
    query = sa.select(own).where(
        own.agreement_id == agreement_id, own.year == year, own.state != "withdrawn"
    )
    return await session.scalar(query)


async def find_settlement(
    session: AsyncSession, agreement: AgreementSeen, year: int
) -> CompensationSettlement:
    """The settlement of a year that was not withdrawn.

    Raises:
        NotFound: there is none.
    """
    row = await _find(session, agreement.id, year)
    if row is None:
        raise NotFound(
            f"{agreement.code} has no settlement of {year}",
            message_zh=f"{agreement.code} 没有 {year} 年结算",
        )
    return row


async def list_settlements(
    session: AsyncSession, agreement: AgreementSeen
) -> Sequence[CompensationSettlement]:
    """The settlements of an agreement, the newest year first; those withdrawn among them."""
    own = CompensationSettlement
    query = sa.select(own).where(own.agreement_id == agreement.id)
    return (await session.scalars(query.order_by(own.year.desc(), own.id.desc()))).all()


async def list_events(session: AsyncSession, row_id: int) -> Sequence[CompensationEvent]:
    """The steps of a settlement, the first first."""
    own = CompensationEvent
    query = sa.select(own).where(own.settlement_id == row_id)
    return (await session.scalars(query.order_by(own.id))).all()
