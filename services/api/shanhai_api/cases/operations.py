"""What is done with red-line leads."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from shanhai.db.cases.documents import list_papers
from shanhai.db.cases.leads import PUSHERS, CaseRule, Lead, receive_lead
from shanhai.db.cases.queries import CASES, find_case, read_events
from shanhai.db.cases.transitions import CaseTransitionRequest, Deadlines, take_step
from shanhai.db.features.geometry import read_shape
from shanhai.db.features.selection import Selection
from shanhai.errors import Forbidden, InvalidInput
from shanhai_api.cases.models import (
    Case,
    LeadResult,
    LeadResults,
    StepTaken,
    case_path,
)
from shanhai_api.cases.schemas import CaseStepBody, LeadFeature, LeadsBody
from shanhai_api.features.documents import record_document
from shanhai_api.features.operations import read_item
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.body import parse
from shanhai_api.kit.writing import Context, WriteContext


async def receive(write: WriteContext, value: Any) -> LeadResults:
    """Receive leads one by one; what is wrong with one keeps no other from its case.

    Raises:
        InvalidInput: the body holds no leads, or too many.
        Forbidden: the caller may send leads nowhere.
    """
    body, caller = parse(LeadsBody, value), write.caller
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
    # In one order for all senders, so that none waits for one that waits for it.
    order = sorted(range(len(features)), key=lambda place: _name_of(features[place]))
    told = {index: await _receive_one(write, index, features[index]) for index in order}
    results = [told[index] for index in range(len(features))]
    counted = Counter(item.outcome for item in results)
    return LeadResults(
        opened=counted["opened"],
        duplicate=counted["duplicate"],
        no_case=counted["no_case"],
        undetermined=counted["undetermined"],
        rejected=counted["rejected"],
        results=results,
    )


def _name_of(feature: Mapping[str, Any]) -> tuple[str, str]:
    said = feature.get("properties")
    known = said if isinstance(said, dict) else {}
    return str(known.get("source")), str(known.get("external_id"))


async def _receive_one(write: WriteContext, index: int, value: Any) -> LeadResult:
    settings = write.state.configuration.cases
    rule = CaseRule(settings.least, settings.verify_days)
    try:
        lead = await _lead_of(value)
        received = await receive_lead(write.session, write.caller, write.act, lead, rule)
    except InvalidInput as error:
        fault = error.faults[0].told(write.lang) if error.faults else {"pointer": ""}
        told = {"detail": error.localised(write.lang), **fault}
        return LeadResult(index=index, outcome="rejected", **told)
    return LeadResult.of(index, received, write)


async def _lead_of(value: Any) -> Lead:
    feature = parse(LeadFeature, value)
    shape = await read_shape(feature.geometry, kind="geometry-multipolygon")
    return Lead(**feature.properties.model_dump(), wkb=shape.wkb)


async def step(
    write: WriteContext, code: str, body: CaseStepBody, expected: frozenset[str] | None
) -> Answer[StepTaken]:
    """Take a step of a case, and show the case as it is then."""
    settings = write.state.configuration.cases
    asked = CaseTransitionRequest(**{**body.model_dump(), "documents": tuple(body.documents)})
    deadlines = Deadlines(settings.verify_days, settings.decide_days, settings.rectify_days)
    taken = await take_step(
        write.session, code, write.caller, write.act, asked, deadlines, expected=expected
    )
    links = [write.link(case_path(taken.code), "up")]
    return Answer(StepTaken.from_row(taken, links=links), state=taken.tag)


async def show_case(read: Context, code: str) -> Answer[Case]:
    """All that is known of a case, and its state."""
    session, viewer = read.session, read.caller.viewer
    seen = await find_case(session, code, viewer)
    row = await read_item(session, CASES, Selection(viewer, code=code))
    events = await read_events(session, seen.id)
    papers = await list_papers(session, seen.code)
    record = record_document(CASES, row, read, {})
    return Answer(Case.of(record, seen, events, papers, read.caller, read), state=seen.tag)
