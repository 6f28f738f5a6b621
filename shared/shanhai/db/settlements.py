"""Yearly settlements of compensation agreements between districts.

A settlement is computed from what is stored, proposed, confirmed by both sides, and paid. It keeps
the rule and the figures it was computed from, with the SHA-256 of these; it is never edited, only
withdrawn and made anew.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import hash_of
from shanhai.db.collections import compensation, guards
from shanhai.db.collections.data_sources import STATIONS
from shanhai.db.engine import read_today
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Identity, Viewer, demand_role, demand_scopes
from shanhai.db.observations.aggregation import WATER_STATIONS, water_classes
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.compensation import CompensationEvent, CompensationSettlement
from shanhai.errors import Conflict, Fault, Forbidden, InvalidInput, NotFound
from shanhai.monitoring.thresholds import LedgerStanding
from shanhai.science import ledgers, water_quality
from shanhai.vocabulary import Label, Role

Content = dict[str, Any]
PROPOSERS = frozenset({Role.PLANNER, Role.APPROVER})


@dataclass(frozen=True, slots=True)
class AgreementSeen:
    """An agreement as settlements read it; `observable` where its section's values may be told."""

    id: int
    code: str
    name: Label
    state: str
    region_id: int
    upstream_id: int
    downstream_id: int
    upstream: Label
    downstream: Label
    basis: str
    station_id: int | None
    station_kind: str | None
    service: str | None
    scheme: str | None
    rule: Content
    first_year: int
    last_year: int | None
    ended_in: int | None
    observable: bool


async def find_agreement(
    session: AsyncSession, code: str, viewer: Viewer, *, lock: bool = False
) -> AgreementSeen:
    """An agreement a reader may see.

    Raises:
        NotFound: there is none.
    """
    entity = compensation.COMPENSATION_AGREEMENTS
    met = [entity.live, *visibility(entity, viewer)]
    seen = " AND ".join(("sn.id = cg.station_id", *visibility(STATIONS, viewer)))
    query = sa.text(
        "SELECT cg.*, s.kind AS station_kind, ru.name_zh AS upstream_zh, ru.name_en AS upstream_en,"  # noqa: S608
        " rd.name_zh AS downstream_zh, rd.name_en AS downstream_en, cg.station_id IS NULL"
        f" OR EXISTS (SELECT FROM {STATIONS.source} WHERE {seen}) AS station_seen,"
        # For one that was ended when its last year had not to be told.
        " (SELECT extract(year FROM max(recorded_to))::int FROM compensation_agreement_history h"
        " WHERE h.id = cg.id AND h.state = 'in_force' AND cg.state = 'ended') AS ended_in"
        f" FROM {entity.source} WHERE cg.code = :code AND {' AND '.join(met)}"
        f"{' FOR UPDATE OF cg' if lock else ''}"
    )
    asked = {"code": code, **viewer_values(viewer)}
    row = None if "\x00" in code else (await session.execute(query, asked)).first()
    if row is None:
        raise NotFound(
            f"there is no compensation agreement {code!r}", message_zh=f"没有补偿协议 {code!r}"
        )
    own = (one.name for one in fields(AgreementSeen) if hasattr(row, one.name))
    return AgreementSeen(
        name=Label(row.name_zh, row.name_en),
        upstream=Label(row.upstream_zh, row.upstream_en),
        downstream=Label(row.downstream_zh, row.downstream_en),
        observable=row.station_seen
        or viewer.is_member((row.region_id, row.upstream_id, row.downstream_id)),
        **{name: getattr(row, name) for name in own},
    )


_ZONING = sa.text("""
SELECT id, version FROM zone_scheme
 WHERE code = :scheme AND status IN ('published', 'superseded') AND deleted_at IS NULL
   AND CASE WHEN CAST(:version AS int) IS NULL
            THEN daterange(valid_from, valid_to) @> make_date(:year, 12, 31)
            ELSE version = :version END
""")
_BALANCE = sa.text("""
SELECT sum(z.area_m2 * mean) / nullif(sum(z.area_m2), 0) AS balance
  FROM zone z,
       LATERAL (SELECT (z.attrs -> 'statistics' -> 'layers' -> CAST(:service AS text)
                        ->> 'mean')::float8 AS mean) told
 WHERE z.scheme_id = :zoning AND z.deleted_at IS NULL AND mean IS NOT NULL
""")


@dataclass(frozen=True, slots=True)
class SettledYear:
    """What is settled: a year and, of a zoning, the version that tells of it.

    Attributes:
        version: Of the zoning; without one, that which was in force when the year ended. The
            zoning of a year is often published in the next, and is then named.
    """

    year: int
    version: int | None = None


async def compute_settlement(
    session: AsyncSession, agreement: AgreementSeen, asked: SettledYear, rule: Any = None
) -> Content:
    """What an agreement comes to in a year by what is stored, or by another rule.

    Raises:
        InvalidInput: the year is not one of the agreement's, is not over, or the rule is not valid.
        Conflict: no version of the zoning is known to tell of the year.
    """
    await _demand_settleable(session, agreement, asked.year)
    chosen = compensation.read_rule(agreement.rule if rule is None else rule)
    if compensation.BASIS_OF[chosen.kind] != agreement.basis:
        raise InvalidInput(
            f"a rule of kind {chosen.kind!r} does not go with the agreement",
            message_zh=f"规则类型 {chosen.kind!r} 与协议的补偿依据不符",
            pointer="/rule/kind",
        )
    if rule is not None and agreement.station_id is not None:
        _demand_items(chosen, _section(agreement, asked.year)[1])
    if isinstance(chosen, compensation.ServiceRuleData):
        observed, settled = await _by_service(session, agreement, asked, chosen)
    elif isinstance(chosen, compensation.IndexRuleData):
        observed, settled = await _by_index(session, agreement, asked.year, chosen)
    else:
        observed, settled = await _by_classes(session, agreement, asked.year, chosen)
    payer = None
    if settled.amount:
        payer = "downstream" if settled.amount > 0 else "upstream"
    return {
        "agreement": agreement.code,
        "year": asked.year,
        "rule": chosen.model_dump(mode="json"),
        "observed": observed,
        "lines": [{**asdict(line), "amount": f"{line.amount:.2f}"} for line in settled.lines],
        "missing": [*settled.missing],
        "capped": settled.capped,
        "amount": None if settled.amount is None else f"{abs(settled.amount):.2f}",
        "payer": payer,
    }


async def _demand_settleable(session: AsyncSession, agreement: AgreementSeen, year: int) -> None:
    last = agreement.last_year or agreement.ended_in
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


async def _by_service(
    session: AsyncSession,
    agreement: AgreementSeen,
    asked: SettledYear,
    rule: compensation.ServiceRuleData,
) -> tuple[Content, ledgers.Settled]:
    """By the mean balance of a service over the zones of a zoning, by their area."""
    named = {"scheme": agreement.scheme, "year": asked.year, "version": asked.version}
    zoning = (await session.execute(_ZONING, named)).first()
    if zoning is None and asked.version is not None:
        raise Conflict(
            f"{agreement.scheme} has no published version {asked.version}",
            message_zh=f"{agreement.scheme} 没有已发布的第 {asked.version} 版",
        )
    if zoning is None:
        raise Conflict(
            f"no version of {agreement.scheme} was in force on {asked.year}-12-31; name the"
            " version that tells of the year as `version`",
            message_zh=f"{asked.year} 年 12 月 31 日没有生效的 {agreement.scheme}；请以 version"
            " 指明反映该年的版本",
        )
    of = {"zoning": zoning.id, "service": agreement.service}
    found = await session.scalar(_BALANCE, of)
    balance = None if found is None else round(Decimal(str(found)), 6)
    own = ledgers.ServiceRule(rule.baseline, rule.price, rule.tolerance, rule.cap)
    told = None if balance is None else format(balance, "f")
    observed = {"scheme": agreement.scheme, "version": zoning.version, "balance": told}
    return observed, ledgers.settle_service(own, balance)


def _section(agreement: AgreementSeen, year: int) -> tuple[int, water_quality.WaterStandard]:
    """The section the agreement goes by, and the standard its water has a class by."""
    station, kind = agreement.station_id, agreement.station_kind
    if station is None or kind is None or kind not in WATER_STATIONS:
        raise InvalidInput(
            "the agreement names no section whose water has a class",
            message_zh="协议未指明可评价水质类别的断面",
            pointer="/station",
        )
    return station, water_quality.water_standard(WATER_STATIONS[kind], date(year, 12, 31))


def _demand_items(
    rule: compensation.CompensationRule, standard: water_quality.WaterStandard
) -> None:
    """A rule that is tried goes by items of the standard; of one that was agreed the rest counts.

    Raises:
        InvalidInput: it names what is none.
    """
    faults = compensation.unknown_items(rule, standard)
    if faults:
        raise InvalidInput.of(faults)


async def _by_index(
    session: AsyncSession,
    agreement: AgreementSeen,
    year: int,
    rule: compensation.IndexRuleData,
) -> tuple[Content, ledgers.Settled]:
    """By an index of the means of the year."""
    station, standard = _section(agreement, year)
    days = (date(year, 1, 1), date(year, 12, 31))
    water = (await water_classes(session, [station], standard, *days))[station]
    means = {
        name: round(Decimal(str(water.means[name])), 6)
        for name in rule.weights
        if name in water.means
    }
    steps = [ledgers.IndexStep(step.up_to, step.amount) for step in rule.steps]
    index = ledgers.IndexRule(rule.baseline, rule.weights, steps, rule.k0, rule.cap)
    told = {name: format(mean, "f") for name, mean in sorted(means.items())}
    return {"means": told}, ledgers.settle_index(index, means)


async def _by_classes(
    session: AsyncSession,
    agreement: AgreementSeen,
    year: int,
    rule: compensation.ClassRuleData,
) -> tuple[Content, ledgers.Settled]:
    """By the class of the water in each month; also on a lake it is by the limits of rivers."""
    station, standard = _section(agreement, year)
    if rule.target not in standard.classes:
        raise InvalidInput(
            f"{rule.target!r} is not one of {', '.join(standard.classes)}",
            message_zh=f"{rule.target!r} 须为 {', '.join(standard.classes)} 之一",
            pointer="/rule/target",
        )
    numbers: dict[int, int] = {}
    for month in range(1, 13):
        days = (date(year, month, 1), date(year, month, monthrange(year, month)[1]))
        water = (await water_classes(session, [station], standard, *days))[station]
        numbers[month] = water.number
    target = standard.classes.index(rule.target) + 1
    own = ledgers.ClassRule(target, rule.better, rule.worse, rule.cap)
    named = {f"{month:02}": standard.name_of(number) for month, number in numbers.items()}
    return {"classes": named}, ledgers.settle_classes(own, numbers)


def _demand(caller: Identity, roles: frozenset[Role], *regions: int) -> None:
    """One of the roles in one of the regions."""
    demand_scopes(caller, compensation.SCOPES)
    if not any(caller.acts_as(roles, region) for region in regions):
        demand_role(caller, roles, regions[0])


async def propose_settlement(
    session: AsyncSession, code: str, asked: SettledYear, *, caller: Identity, act: Act
) -> CompensationSettlement:
    """Compute the settlement of a year and put it before both sides.

    Raises:
        Unauthenticated, Forbidden, NotFound: the caller may not, or there is no such agreement.
        Conflict: the agreement is a draft, there is a settlement already, or nothing was observed.
        InvalidInput: the year is not one of the agreement's, or not over.
    """
    agreement, year = await find_agreement(session, code, caller.viewer, lock=True), asked.year
    sides = (agreement.region_id, agreement.upstream_id, agreement.downstream_id)
    _demand(caller, PROPOSERS, *sides)
    if agreement.state == "draft":
        raise Conflict(f"agreement {code} is a draft", message_zh=f"协议 {code} 尚未生效，不能结算")
    if await _find(session, agreement.id, year) is not None:
        raise Conflict(
            f"there is a settlement of {year} already; withdraw it first",
            message_zh=f"已有 {year} 年结算，请先撤回",
        )
    content = await compute_settlement(session, agreement, asked)
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
    _demand(caller, compensation.APPROVERS if step.to != "withdrawn" else PROPOSERS, *acting)
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
    for unknown in await guards.unknown_documents(session, step.evidence, caller.viewer):
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
        "paid": ("paid_on", "evidence"),
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


_WAITING = sa.text("""
SELECT cg.id, cg.region_id, asked.year, coalesce(s.state, 'unproposed') AS state,
       coalesce(last.day, make_date(asked.year, 12, 31)) AS since,
       s.upstream_confirmed_by IS NULL AS upstream, s.downstream_confirmed_by IS NULL AS downstream
  FROM compensation_agreement cg
 CROSS JOIN LATERAL generate_series(
         cg.first_year,
         least(cg.last_year, CAST(extract(year FROM current_date) AS int) - 1)) AS asked (year)
  LEFT JOIN compensation_settlement s
    ON s.agreement_id = cg.id AND s.year = asked.year AND s.state <> 'withdrawn'
  LEFT JOIN LATERAL (
    SELECT CAST(max(e.at) AS date) AS day FROM compensation_event e
     WHERE e.settlement_id = s.id) last ON true
 WHERE cg.id = ANY(:agreements) AND cg.deleted_at IS NULL AND cg.state <> 'draft'
   AND (s.state IN ('proposed', 'confirmed', 'disputed')
        OR s.id IS NULL AND cg.state = 'in_force')
 ORDER BY cg.id, asked.year
""")


async def read_waiting(
    session: AsyncSession, agreements: Sequence[int]
) -> Sequence[LedgerStanding]:
    """The years of agreements that wait: for a proposal, for a side, for payment, in dispute.

    They wait, in days, since the last step or, where nothing is proposed, since the year ended.
    """
    today = await read_today(session)
    return [
        LedgerStanding(
            "settlement_waiting",
            row.id,
            row.region_id,
            float((today - row.since).days),
            {
                "state": row.state,
                "since": row.since.isoformat(),
                "unconfirmed": [side for side in ("upstream", "downstream") if getattr(row, side)]
                if row.state == "proposed"
                else [],
            },
            year=row.year,
            sort=row.state,
        )
        for row in await session.execute(_WAITING, {"agreements": list(agreements)})
    ]


async def list_events(session: AsyncSession, row_id: int) -> Sequence[CompensationEvent]:
    """The steps of a settlement, the first first."""
    own = CompensationEvent
    query = sa.select(own).where(own.settlement_id == row_id)
    return (await session.scalars(query.order_by(own.id))).all()
