"""What is done with red-line leads."""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.cases.documents import list_papers
from shanhai.db.cases.leads import PUSHERS, CaseRule, Lead, LeadOutcome, receive_lead
from shanhai.db.cases.queries import CASES, Count, find_case, read_events
from shanhai.db.cases.transitions import (
    SCOPES,
    CaseTransitionRequest,
    Deadlines,
    steps_from,
    take_step,
)
from shanhai.db.features.geometry import read_shape
from shanhai.db.features.selection import Selection
from shanhai.db.queries.audit import Act
from shanhai.db.tables.control import CaseEvent
from shanhai.db.tables.provision import Document
from shanhai.errors import Forbidden, InvalidInput
from shanhai.settings import CaseSettings
from shanhai.timestamps import rfc3339
from shanhai.vocabulary import CASE_RESULTS, CASE_STATES, LEAD_KINDS, Label, codes
from shanhai_api.cases.schemas import LeadFeature, LeadsBody, StepBody
from shanhai_api.features.documents import record_document
from shanhai_api.features.operations import read_item
from shanhai_api.identity import Caller
from shanhai_api.kit.body import parse
from shanhai_api.once import Made
from shanhai_api.view import View, entity_tag

LABELS = {term.code: term.label for term in (*LEAD_KINDS, *CASE_STATES, *CASE_RESULTS)}
NO_LABEL = Label("–", "–")


def case_path(code: str) -> str:
    """Where a case is."""
    return f"/cases/{quote(code, safe='')}"


async def receive(
    session: AsyncSession, view: View, caller: Caller, act: Act, value: Any, settings: CaseSettings
) -> Made:
    """Receive leads one by one; what is wrong with one keeps no other from its case.

    Raises:
        InvalidInput: the body holds no leads, or too many.
        Forbidden: the caller may send leads nowhere.
    """
    body = parse(LeadsBody, value)
    if body.type == "FeatureCollection" and not body.features:
        raise InvalidInput(
            "features must not be empty", message_zh="features 不得为空", pointer="/features"
        )
    held = {grant.role for grant in caller.grants or ()}
    if not (caller.acts_as(PUSHERS, None) or held & PUSHERS):
        raise Forbidden(
            "the role feed or supervisor is needed", message_zh="需要 feed 或 supervisor 角色"
        )
    features = body.features if body.type == "FeatureCollection" else [value]
    rule = CaseRule(settings.least, settings.verify_days)
    told: dict[int, dict[str, Any]] = {}
    # In one order for all senders, so that none waits for one that waits for it.
    for index in sorted(range(len(features)), key=lambda place: _name_of(features[place])):
        told[index] = await _receive_one(session, view, caller, act, features[index], rule)
    results = [{"index": index, **told[index]} for index in range(len(features))]
    counted = Counter(item["outcome"] for item in results)
    outcomes = ("opened", "duplicate", "no_case", "undetermined", "rejected")
    content = {**{name: counted[name] for name in outcomes}, "results": results}
    return Made(content, status=200)


def _name_of(feature: Mapping[str, Any]) -> tuple[str, str]:
    said = feature.get("properties")
    known = said if isinstance(said, dict) else {}
    return str(known.get("source")), str(known.get("external_id"))


async def _receive_one(
    session: AsyncSession, view: View, caller: Caller, act: Act, value: Any, rule: CaseRule
) -> dict[str, Any]:
    try:
        received = await receive_lead(session, caller, act, await _lead_of(value), rule)
    except InvalidInput as error:
        fault = error.faults[0].told(view.lang) if error.faults else {"pointer": ""}
        return {"outcome": "rejected", "detail": error.localised(view.lang), **fault}
    return _described(received, view)


async def _lead_of(value: Any) -> Lead:
    feature = parse(LeadFeature, value)
    shape = await read_shape(feature.geometry, kind="geometry-multipolygon")
    return Lead(**feature.properties.model_dump(), wkb=shape.wkb)


def _described(received: LeadOutcome, view: View) -> dict[str, Any]:
    found: dict[str, Any] = {"outcome": received.outcome}
    if received.case is not None:
        found |= {"case": received.case, "href": view.url(case_path(received.case))}
    if received.reason is not None:
        found["detail"] = received.reason.in_(view.lang)
    return found


async def step(
    session: AsyncSession,
    view: View,
    caller: Caller,
    act: Act,
    code: str,
    body: StepBody,
    settings: CaseSettings,
    *,
    expected: frozenset[str] | None,
) -> Made:
    """Take a step of a case, and show the case as it is then."""
    asked = CaseTransitionRequest(**{**body.model_dump(), "documents": tuple(body.documents)})
    deadlines = Deadlines(settings.verify_days, settings.decide_days, settings.rectify_days)
    taken = await take_step(session, code, caller, act, asked, deadlines, expected=expected)
    # Who hands a case to another region may no longer see it.
    content = {
        "case": taken.code,
        "state": taken.state,
        "result": taken.result,
        "links": [view.link(case_path(taken.code), "up")],
    }
    return Made(content, {"ETag": f'"{entity_tag(taken.tag, orjson.dumps(content))}"'})


async def dossier(
    session: AsyncSession, view: View, caller: Caller, code: str
) -> tuple[dict[str, Any], str]:
    """All that is known of a case, and what tells its state from others."""
    seen = await find_case(session, code, caller.viewer)
    row = await read_item(session, CASES, Selection(caller.viewer, code=code))
    document = record_document(CASES, row, view, {})
    events = await read_events(session, seen.id)
    papers = await list_papers(session, seen.code)
    named = {name: document[name] for name in ("state", "kind", "result")}
    return {
        **document,
        **{f"{name}_name": _named(value, view) for name, value in named.items()},
        "steps": describe_steps(seen.state, seen.result, seen.region_id, caller, view),
        "events": [describe_event(event, view) for event in events],
        "documents": [describe_paper(paper, view) for paper in papers],
        "links": document["links"],
    }, seen.tag


def _named(code: str | None, view: View) -> str | None:
    return None if code is None else LABELS.get(code, NO_LABEL).in_(view.lang)


def describe_steps(
    state: str, result: str | None, region_id: int | None, caller: Caller, view: View
) -> list[dict[str, Any]]:
    """What can follow, what it needs, and whether the caller may do it."""
    return [
        {
            "to": item.target,
            "name": _named(item.target, view),
            "roles": sorted(item.roles),
            "needs": [*item.needs, *(["documents"] if item.proof else [])],
            "rule": item.rule.in_(view.lang),
            "allowed": caller.may(*SCOPES)
            and caller.acts_as(item.roles, region_id)
            and (item.results is None or result in item.results),
        }
        for item in steps_from(state)
    ]


def describe_event(event: CaseEvent, view: View) -> dict[str, Any]:
    """A step of the past."""
    return {
        "seq": event.seq,
        "from": event.from_state,
        "to": event.to_state,
        "to_name": _named(event.to_state, view),
        "at": rfc3339(event.at),
        "actor": event.actor,
        "note": event.note,
        "result": event.result,
        "assignee": event.assignee,
        "due": None if event.due_on is None else event.due_on.isoformat(),
        "documents": list(event.documents),
    }


def describe_paper(paper: Document, view: View) -> dict[str, Any]:
    """A document of a case, and where its file is."""
    return {
        "code": paper.code,
        "kind": paper.kind,
        "title_zh": paper.title_zh,
        "title_en": paper.title_en,
        "filename": paper.filename,
        "media_type": paper.media_type,
        "sha256": paper.sha256,
        "file": view.url(f"/documents/{quote(paper.code, safe='')}/file"),
    }


def describe_statistics(total: Count, groups: Mapping[str, list[Count]]) -> dict[str, Any]:
    """The figures in the order of the states, kinds, months and districts."""
    order = {code: n for n, code in enumerate((*codes(CASE_STATES), *codes(LEAD_KINDS)))}
    return {
        "total": _figures(total),
        **{
            f"by_{name}": [
                {name: item.value, "name": _label(item.value), **_figures(item)}
                for item in sorted(counts, key=lambda one: order.get(one.value or "", -1))
            ]
            for name, counts in groups.items()
        },
    }


def _label(code: str | None) -> dict[str, str] | None:
    label = LABELS.get(code or "")
    return None if label is None else {"zh": label.zh, "en": label.en}


def _figures(count: Count) -> dict[str, Any]:
    return {
        "cases": count.cases,
        "open": count.open,
        "overdue": count.overdue,
        "area_ha": round(count.area_m2 / 1e4, 4),
        "inside_ha": round(count.inside_m2 / 1e4, 4),
    }
