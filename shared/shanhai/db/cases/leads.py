"""Leads that are pushed: overlaid with the lines of their day, cased by rule, and told of."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal
from urllib.parse import quote

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts.observation_evaluation import note_case
from shanhai.db.base import STORAGE_SRID
from shanhai.db.compliance.data_gaps import line_gaps
from shanhai.db.compliance.intersections import Given
from shanhai.db.compliance.overlaps import read_lines
from shanhai.db.compliance.result import Gap, TouchedLine
from shanhai.db.compliance.surroundings import Whereabouts, nearest, read_around, read_registered
from shanhai.db.deliveries.webhooks import HostlessLinks, announce, find_listening
from shanhai.db.engine import read_today
from shanhai.db.identity import EVERYTHING, Identity
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.control import CaseEvent, LeadCase
from shanhai.db.tables.zone import Region
from shanhai.errors import InvalidInput
from shanhai.validation import rfc3339
from shanhai.vocabulary import CASE_RESULTS, CASE_STATES, LEAD_KINDS, Label, Lang, Role, label_in

PLAIN = ("code", "state", "result", "kind", "source", "external_id", "confidence", "assignee")


async def announce_case(session: AsyncSession, event: CaseEvent) -> None:
    """Write a step of a case, its opening included, for the webhooks that want to know."""
    event_type = "case.opened" if event.to_state == "new" else f"case.{event.to_state}"
    place = select(LeadCase.region_id).where(LeadCase.id == event.case_id)
    listening = await find_listening(session, event_type, await session.scalar(place))
    if not listening:
        return
    query = (
        select(LeadCase, Region.code)
        .outerjoin(Region, Region.id == LeadCase.region_id)
        .where(LeadCase.id == event.case_id)
        # What was written beside the session counts, too.
        .execution_options(populate_existing=True)
    )
    row, region = (await session.execute(query)).one()
    await session.refresh(event)  # its time is the database's

    def tell(lang: Lang) -> dict[str, Any]:
        return describe_case(row, region, event, lang)

    await announce(session, listening, event_type, tell, at=event.at)


def describe_case(
    row: LeadCase, region: str | None, event: CaseEvent, lang: Lang
) -> dict[str, Any]:
    """A case and the step it has just taken; its geometry is read by its link."""
    path = f"/cases/{quote(row.code, safe='')}"
    return {
        **{name: getattr(row, name) for name in PLAIN},
        "state_name": label_in(CASE_STATES, row.state, lang),
        "kind_name": label_in(LEAD_KINDS, row.kind, lang),
        "result_name": None if row.result is None else label_in(CASE_RESULTS, row.result, lang),
        "region": region,
        "due": None if row.due_on is None else row.due_on.isoformat(),
        "sensed_before": row.sensed_before.isoformat(),
        "sensed_after": row.sensed_after.isoformat(),
        "area_ha": None if row.area_m2 is None else round(row.area_m2 / 1e4, 4),
        "inside_ha": round(row.inside_m2 / 1e4, 4),
        "step": {
            "seq": event.seq,
            "from": event.from_state,
            "to": event.to_state,
            "at": rfc3339(event.at),
            "actor": event.actor,
            "note": event.note,
            "documents": list(event.documents),
        },
        "links": [HostlessLinks(lang).link(path, "self")],
    }


PUSHERS = frozenset({Role.FEED, Role.SUPERVISOR})
"""Who may send leads."""
TABLE = "lead_case"
MOST_VERTICES = 10_000
LARGEST_M2 = 1e9
"""A thousand square kilometres: more is no change but a mistake, and dear to overlay."""
CHANNEL = "shanhai_cases"
"""What is notified when events of cases were committed."""
DISTRICT = text(
    f"""SELECT r.id FROM region r, ST_GeomFromWKB(:wkb, {STORAGE_SRID}) lead
         WHERE r.level = 'district' AND r.deleted_at IS NULL
           AND (r.valid_to IS NULL OR r.valid_to > current_date)
           AND r.geom && lead AND ST_Intersects(r.geom, lead)
         ORDER BY ST_Area(ST_Intersection(r.geom, lead)::geography) DESC, r.code
         LIMIT 1"""  # noqa: S608 - a constant
)
Outcome = Literal["opened", "duplicate", "no_case", "undetermined"]


@dataclass(frozen=True, slots=True)
class Lead:
    """A change somebody saw; `wkb` is its multipolygon in stored coordinates."""

    source: str
    external_id: str
    kind: str
    sensed_before: date
    sensed_after: date
    confidence: float | None
    wkb: bytes

    @property
    def content_sha256(self) -> str:
        """What tells it from another one of the same name."""
        said = [self.kind, self.sensed_before.isoformat(), self.sensed_after.isoformat()]
        content = json.dumps([*said, self.confidence]).encode()
        return hashlib.sha256(content + self.wkb).hexdigest()


@dataclass(frozen=True, slots=True)
class CaseRule:
    """Which leads open a case.

    Attributes:
        least: The least changed area by kind of watched control area, in square metres.
        verify_days: How long the case has until it must be verified.
    """

    least: Mapping[str, float]
    verify_days: int


@dataclass(frozen=True, slots=True)
class LeadOutcome:
    """What became of a lead: its case, or why it has none."""

    outcome: Outcome
    case: str | None
    reason: Label | None = None


async def receive_lead(
    session: AsyncSession, identity: Identity, act: Act, lead: Lead, rule: CaseRule
) -> LeadOutcome:
    """Open a case for a lead, if it has none yet and the rule says so.

    Raises:
        InvalidInput: the lead breaks a rule, was sent before with other content, or lies outside
            the regions of the identity.
    """
    given = Given(lead.wkb)
    await _check(session, given, lead)
    region_id = await session.scalar(DISTRICT, {"wkb": lead.wkb})
    if not identity.acts_as(PUSHERS, region_id):
        raise InvalidInput(
            "the lead lies outside the regions of this identity",
            message_zh="图斑不在该身份的区域范围内",
            pointer="/geometry",
        )
    before = await _find_before(session, lead)
    if before is not None:
        return before
    lines, _ = await read_lines(session, EVERYTHING, given, as_of=lead.sensed_after)
    watched = [
        line
        for line in lines
        if line.kind in rule.least
        and line.measure.area_m2 is not None
        and line.measure.area_m2 >= rule.least[line.kind]
    ]
    if not watched:
        unknown = await _unknown(session, given, lead, rule, lines, region_id)
        if unknown is not None:
            return LeadOutcome("undetermined", None, unknown)
        return LeadOutcome("no_case", None, _why_not(lead, lines, rule))
    most = max(line.measure.area_m2 or 0.0 for line in watched)
    return await open_case(session, act, lead, rule, lines, most, region_id)


async def _check(session: AsyncSession, given: Given, lead: Lead) -> None:
    if not lead.sensed_before < lead.sensed_after <= await read_today(session):
        raise InvalidInput(
            f"sensed_before {lead.sensed_before} must lie before sensed_after"
            f" {lead.sensed_after}, and that not after today",
            message_zh=f"前时相 {lead.sensed_before} 须早于后时相 {lead.sensed_after}，"
            "后时相不得晚于今天",
            pointer="/properties/sensed_after",
        )
    if given.vertices > MOST_VERTICES:
        raise InvalidInput(
            f"the geometry has {given.vertices} vertices; a lead has at most {MOST_VERTICES}",
            message_zh=f"几何顶点数 {given.vertices}，线索上限为 {MOST_VERTICES}",
            pointer="/geometry",
        )
    if (given.measure.area_m2 or 0) > LARGEST_M2:
        raise InvalidInput(
            f"a lead covers at most {LARGEST_M2 / 1e6:g} km²",
            message_zh=f"线索面积上限为 {LARGEST_M2 / 1e6:g} km²",
            pointer="/geometry",
        )


async def _find_before(session: AsyncSession, lead: Lead) -> LeadOutcome | None:
    query = select(LeadCase.code, LeadCase.content_sha256).where(
        LeadCase.source == lead.source, LeadCase.external_id == lead.external_id
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    if found.content_sha256 == lead.content_sha256:
        return LeadOutcome("duplicate", found.code)
    raise InvalidInput(
        f"{lead.external_id!r} of {lead.source!r} was sent before with other content, and has a"
        " case; give a new lead a new external_id",
        message_zh=f"{lead.source!r} 的 {lead.external_id!r} 曾以其他内容上报并已立案；"
        "新线索请用新编号",
        pointer="/properties/external_id",
    )


async def _unknown(
    session: AsyncSession,
    given: Given,
    lead: Lead,
    rule: CaseRule,
    lines: tuple[TouchedLine, ...],
    region_id: int | None,
) -> Label | None:
    """What is not known of the watched lines where the lead lies; None where all is.

    A line that was registered later was not in force on the lead's day, and is known.
    """
    around = await read_around(session, given, () if region_id is None else (region_id,))
    if not around.lowest:
        near = await nearest(session, given) or Label("尚无区域有图形", "no region has a shape yet")
        return Label(f"不在任何已知区域内；{near.zh}", f"it lies in no known region; {near.en}")
    kinds: dict[str, tuple[str, ...]] = dict.fromkeys(rule.least, ())
    then = await _gaps(session, around, kinds, lines, lead.sensed_after)
    today = await _gaps(session, around, kinds, lines, None)
    still = {gap.code for gap in today}
    told = [gap.text for gap in then if gap.reason != "not_registered" or gap.code in still]
    if not told:
        return None
    return Label("；".join(one.zh for one in told), "; ".join(one.en for one in told))


async def _gaps(
    session: AsyncSession,
    around: Whereabouts,
    kinds: Mapping[str, tuple[str, ...]],
    lines: tuple[TouchedLine, ...],
    as_of: date | None,
) -> list[Gap]:
    """What is not known of kinds of lines on a day."""
    registered = await read_registered(session, EVERYTHING, kinds, around.regions, as_of=as_of)
    return await line_gaps(session, EVERYTHING, around, kinds, lines, registered, as_of=as_of)


def _why_not(lead: Lead, lines: tuple[TouchedLine, ...], rule: CaseRule) -> Label:
    met = [(line.kind, line.measure.area_m2 or 0) for line in lines if line.kind in rule.least]
    day = lead.sensed_after.isoformat()
    if not met:
        return Label(
            f"未触及 {day} 有效的所监管管控区域", f"met no watched control area as of {day}"
        )
    told = ", ".join(f"{kind} {area:.1f} < {rule.least[kind]:g} m2" for kind, area in met)
    return Label(f"低于立案面积：{told}", f"below the area that opens a case: {told}")


async def open_case(
    session: AsyncSession,
    act: Act,
    lead: Lead,
    rule: CaseRule,
    lines: tuple[TouchedLine, ...],
    inside_m2: float,
    region_id: int | None,
) -> LeadOutcome:
    """Open the case of a lead that met these lines, unless it has one."""
    due = await read_today(session) + timedelta(days=rule.verify_days)
    values: dict[str, Any] = {
        "code": f"case-{secrets.token_hex(8)}",
        **{name: getattr(lead, name) for name in ("source", "external_id", "kind", "confidence")},
        "sensed_before": lead.sensed_before,
        "sensed_after": lead.sensed_after,
        "content_sha256": lead.content_sha256,
        "geom": func.ST_GeomFromWKB(lead.wkb, STORAGE_SRID),
        "lines": [_described(line) for line in lines],
        "inside_m2": inside_m2,
        "region_id": region_id,
        "due_on": due,
    }
    # Another request may be opening the same: then it is waited for, and told as a duplicate.
    made = insert(LeadCase).values(values).on_conflict_do_nothing().returning(LeadCase.id)
    row_id = await session.scalar(made)
    if row_id is None:
        before = await _find_before(session, lead)
        if before is None:
            raise LookupError(f"{values['code']} met a case that is not there")
        return before
    event = CaseEvent(case_id=row_id, seq=1, to_state="new", actor=act.actor, due_on=due)
    session.add(event)
    await session.flush()
    await announce_change(session, values["code"])
    await announce_case(session, event)
    await note_case(session, row_id)
    kept = ("source", "external_id", "kind", "content_sha256", "inside_m2", "region_id")
    after = {"id": row_id, **{name: values[name] for name in kept}}
    record(session, act, "create", table=TABLE, object_id=values["code"], after=after)
    return LeadOutcome("opened", values["code"])


async def announce_change(session: AsyncSession, code: str) -> None:
    """Tell who listens, once this is committed, that a case has a new event."""
    await session.execute(
        text("SELECT pg_notify(:channel, :code)"), {"channel": CHANNEL, "code": code}
    )


def _described(line: TouchedLine) -> dict[str, Any]:
    return {
        "kind": line.kind,
        "area_m2": line.measure.area_m2,
        "share": line.share,
        "areas": [
            {
                "code": area.code,
                "version": area.version,
                "delimitation": area.delimitation,
                "area_m2": area.measure.area_m2,
                "share": area.share,
            }
            for area in line.areas
        ],
    }
