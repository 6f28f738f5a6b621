"""Checks and what their codes are called; exceptions given and revoked; the register of lines."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import entity_named
from shanhai.db.collections.controls import CONTROL_AREAS, CONTROL_RULES
from shanhai.db.collections.regions import REGIONS
from shanhai.db.compliance.exception_requests import RequestedException
from shanhai.db.compliance.exceptions import ExceptionGrant
from shanhai.db.compliance.register import find_region, read_declines, read_totals
from shanhai.db.compliance.result import GAP_REASONS
from shanhai.db.compliance.rules import activities
from shanhai.db.engine import Executor
from shanhai.db.features.selection import Selection, viewer_values, visibility
from shanhai.db.identity import Identity, Viewer
from shanhai.errors import InvalidInput, LimitExceeded, Unauthenticated
from shanhai.processes.check_compliance.check import check_if_small, read_shape_asked
from shanhai.processes.check_compliance.contract import CheckComplianceInputs
from shanhai.processes.kit.contract import Inputs
from shanhai.reporting import blocks
from shanhai.vocabulary import (
    CONTROL_KINDS,
    EXCEPTION_REQUEST_STATES,
    RULE_SCOPES,
    SCHEME_KINDS,
    Label,
    Lang,
)
from shanhai_api.compliance import models
from shanhai_api.features.operations import read_item
from shanhai_api.features.wording import names_of
from shanhai_api.kit.body import parse
from shanhai_api.kit.dependencies import Context
from shanhai_api.kit.people import people_on
from shanhai_api.kit.requests import Caller
from shanhai_api.kit.state import ServiceState
from shanhai_api.kit.view import DOCX, HTML, JSON, PDF, View, choose_format
from shanhai_api.plans.operations import send_document

Names = Mapping[str, Mapping[str, str]]
"""By entity, what its rows are called."""
KINDS = {term.code: term.label for term in CONTROL_KINDS}
ZONINGS = {term.code: term.label for term in SCHEME_KINDS}
REQUEST_STATES = {term.code: term.label for term in EXCEPTION_REQUEST_STATES}
SCOPES = {term.code: term.label for term in RULE_SCOPES}


async def names_in(
    session: Executor, result: Mapping[str, Any], viewer: Viewer, lang: Lang
) -> Names:
    """What everything a check speaks of is called, of what the reader may see."""
    return await names_of_codes(session, codes_in(result), viewer, lang)


async def names_in_exceptions(
    session: Executor, exceptions: Sequence[Mapping[str, Any]], viewer: Viewer, lang: Lang
) -> Names:
    """What the rules, gaps, places and projects of exceptions are called."""
    parts = {part for one in exceptions for part in (one["gap"] or "").split(":")[1:]}
    codes = {
        "regions": parts | _known(one["region"] for one in exceptions),
        "control_areas": parts | _known(one["control_area"] for one in exceptions),
        "zone_schemes": parts,
        "projects": _known(one["project"] for one in exceptions),
        "control_rules": _known(one["rule"] for one in exceptions),
    }
    return await names_of_codes(session, codes, viewer, lang)


def gap_name(code: str, names: Names, lang: Lang) -> str:
    """What a gap is called by its code: why it is one, and the line, zoning and place it is of."""
    reason, *parts = code.split(":")
    known = {code: label.in_(lang) for code, label in {**KINDS, **ZONINGS}.items()}
    for entity in ("regions", "control_areas", "zone_schemes"):
        known |= names.get(entity, {})
    told = [known.get(part) or activities().name_of(part).in_(lang) for part in parts]
    why = next((label.in_(lang) for name, label in GAP_REASONS.items() if name == reason), reason)
    if not told:
        return why
    return f"{why}：{'、'.join(told)}" if lang == "zh" else f"{why}: {', '.join(told)}"


async def names_of_codes(
    session: Executor, codes: Mapping[str, Collection[str]], viewer: Viewer, lang: Lang
) -> Names:
    """What rows of several entities are called."""
    found = {
        name: await names_of(session, entity_named(name), some, viewer, lang) if some else {}
        for name, some in codes.items()
        if name != CONTROL_RULES.name
    }
    rules = await rule_names(session, codes[CONTROL_RULES.name], viewer, lang)
    return {**found, CONTROL_RULES.name: rules}


async def rule_names(
    session: Executor, codes: Collection[str], viewer: Viewer, lang: Lang
) -> dict[str, str]:
    """Rules by what they speak of: the place, and what is done there."""
    if not codes:
        return {}
    met = " AND ".join((CONTROL_RULES.live, "cr.code = ANY(CAST(:codes AS text[]))"))
    seen = " AND ".join((met, *visibility(CONTROL_RULES, viewer)))
    # Constants of the declarations; codes are bound.
    query = text(
        "SELECT cr.code, cr.scope, cr.subject,"  # noqa: S608
        f" coalesce(cr.activity_{lang}, cr.activity_zh, cr.activity_en, cr.activity) AS activity"
        f" FROM {CONTROL_RULES.source} WHERE {seen}"
    )
    rows = (await session.execute(query, {"codes": sorted(codes), **viewer_values(viewer)})).all()
    classes = {row.subject for row in rows if row.scope == "zone_class" and row.subject}
    known = (
        await names_of(session, entity_named("zone_classes"), classes, viewer, lang)
        if classes
        else {}
    )
    parted = "：" if lang == "zh" else ": "
    return {row.code: f"{_place(row, known, lang)}{parted}{row.activity}" for row in rows}


def _place(row: Any, classes: Mapping[str, str], lang: Lang) -> str:
    """Where a rule holds."""
    if row.scope == "outside_control_area":
        kind = KINDS[row.subject].in_(lang)
        return f"{kind}以外" if lang == "zh" else f"Outside: {kind}"
    if row.subject in KINDS:
        return KINDS[row.subject].in_(lang)
    return classes.get(row.subject) or SCOPES[row.scope].in_(lang)


def codes_in(result: Mapping[str, Any]) -> dict[str, set[str]]:
    """The codes of regions, control areas, zonings and rules in the document of a check."""
    gaps = result["gaps"]
    named = {code for gap in gaps for code in gap["areas"]}
    touched = {area["code"] for line in result["lines"] for area in line["areas"]}
    lifted = {leave["control_area"] for leave in result["exceptions"]}
    return {
        "regions": _known(gap["region"] for gap in gaps),
        "control_areas": _known({*named, *touched, *lifted}),
        "zone_schemes": _known({*named, *(zone["scheme"] for zone in result["zones"])}),
        "projects": _known([result["project"]]),
        "control_rules": _known(_rules(result)),
    }


def _rules(result: Mapping[str, Any]) -> Iterator[str | None]:
    for hit in (*result["hits"], *result["duties"]):
        yield hit["rule"]
    for row in (*result["gaps"], *result["conditions_not_judged"]):
        yield from row["rules"]
    for leave in result["exceptions"]:
        yield leave["rule"]


def _known(codes: Iterable[str | None]) -> set[str]:
    return {code for code in codes if code is not None}


async def check_at_once(
    view: View,
    state: ServiceState,
    caller: Identity,
    inputs: Inputs,
    *,
    form: Mapping[str, str] | None = None,
    raw: bool = False,
) -> Response | None:
    """The results document (`raw`: its only member), or a page; None where a job is needed."""
    if not isinstance(inputs, CheckComplianceInputs):
        return None
    result = await check_if_small(state.quick, caller.viewer, inputs)
    if result is None:
        return None
    if raw:
        return view.send(orjson.dumps(result), JSON.media_type)
    document: dict[str, Any] = {"result": result}
    extra: dict[str, Any] = {"form": form}
    if view.wants_html(JSON, HTML):
        extra["names"] = await names_in(state.quick, result, caller.viewer, view.lang)
        extra["people"] = await people_on(state.quick, caller.viewer, result)
    return view.respond(document, template=models.ComplianceCheck.template, extra=extra)


OPINION = (PDF, DOCX)
TITLE = Label("合规审查意见", "Opinion on compliance")
BASIS = Label(
    "本意见按审查日有效的管控线、分区和规则自动得出，供审查参考，不代替行政决定。",
    "Found from the lines, zones and rules in force on the day; it screens and explains, and does"
    " not replace an administrative decision.",
)


async def write_opinion(
    view: View, state: ServiceState, caller: Identity, inputs: CheckComplianceInputs
) -> Response:
    """A check as a document to be filed.

    Raises:
        LimitExceeded: the check takes a job.
        Unavailable: PDF is asked for where it cannot be written.
    """
    result = await check_if_small(state.quick, caller.viewer, inputs)
    if result is None:
        raise too_large()
    chosen = choose_format(view.request, OPINION)
    names = await names_in(state.quick, result, caller.viewer, view.lang)
    make, title = partial(opinion_pages, result, names, view.lang), TITLE.in_(view.lang)
    return await send_document(view, chosen, make, title, f"compliance-{result['as_of']}")


def opinion_pages(result: Mapping[str, Any], names: Names, lang: Lang) -> blocks.Pages:
    """A check as the parts of a document: verdict, reasons, what lies where, rules, and gaps."""

    def say(zh: str, en: str) -> str:
        return Label(zh, en).in_(lang)

    def told(item: Mapping[str, Any], name: str = "name") -> str:
        return str(item.get(f"{name}_{lang}") or "–")

    project = result["project"]
    site = names.get("projects", {}).get(project, project) if project else say("所给范围", "a site")
    front = blocks.Front(TITLE.in_(lang), str(site), "", str(result["as_of"]), None)
    parts: list[blocks.Block] = [
        blocks.SectionHeading(say("结论", "Verdict")),
        blocks.Paragraph(told(result, "verdict")),
        blocks.Paragraph(_size_in_words(result["geometry"], lang)),
        *(blocks.Paragraph(reason[lang]) for reason in result["reasons"]),
        blocks.SectionHeading(say("与管控线和分区的重叠", "Overlaps with lines and zones")),
    ]
    overlaps = [
        [told(one), _size_in_words(one, lang), _share_in_words(one), told(one, "requirement")]
        for one in (*result["lines"], *result["zones"])
    ]
    if overlaps:
        headings = [
            blocks.Column(say("名称", "Name"), 2),
            blocks.Column(say("面积或长度", "Area or length"), 3),
            blocks.Column("%", 1, "number"),
            blocks.Column(say("管控要求", "Requirement"), 5),
        ]
        parts.append(blocks.Table("", headings, overlaps))
    else:
        nothing = say(
            "与已绘制的管控线和分区没有重叠。", "None with lines and zones that are drawn."
        )
        parts.append(blocks.Paragraph(nothing))
    if result["hits"]:
        headings = [
            blocks.Column(say("所在", "Where"), 2),
            blocks.Column(say("活动", "Activity"), 2),
            blocks.Column(say("规定", "Decision"), 1),
            blocks.Column(say("条件", "Conditions"), 3),
            blocks.Column(say("依据", "Basis"), 4),
        ]
        rows = [
            [
                told(hit["place"]),
                told(hit, "activity"),
                told(hit, "decision"),
                Label("；", "; ").in_(lang).join(told(one) for one in hit["conditions"]) or "–",
                hit["legal_basis"] or "–",
            ]
            for hit in result["hits"]
        ]
        parts.append(blocks.SectionHeading(say("适用规则", "Rules")))
        parts.append(blocks.Table("", headings, rows))
    if result["gaps"]:
        parts.append(blocks.SectionHeading(say("尚不清楚", "Not known")))
        parts += [
            blocks.Paragraph(f"{told(gap, 'reason')}{say('：', ': ')}{told(gap, 'text')}")
            for gap in result["gaps"]
        ]
    return blocks.Pages(lang, front, parts, note=[BASIS.in_(lang)], wide=True)


def _size_in_words(item: Mapping[str, Any], lang: Lang) -> str:
    if item.get("area_m2") is None:
        return f"{item['length_m']:,.1f} m" if item.get("length_m") is not None else "–"
    ha, km2, mu = (f"{item[name]:,.4f}" for name in ("area_ha", "area_km2", "area_mu"))
    return Label(f"{ha} 公顷，{km2} 平方公里，{mu} 亩", f"{ha} ha, {km2} km², {mu} mu").in_(lang)


def _share_in_words(item: Mapping[str, Any]) -> str:
    share = item.get("share_percent")
    return "–" if share is None else f"{share:.2f}"


LISTS = ("activities", "lines")


def asked_by_form(given: Mapping[str, str | None]) -> CheckComplianceInputs:
    """The inputs; what was left empty is not given.

    Raises:
        InvalidInput: they break a rule.
    """
    found: dict[str, Any] = {name: value for name, value in given.items() if value}
    if "geometry" in found:
        found["geometry"] = _geometry(found["geometry"])
    for name in LISTS:
        if name in found:
            found[name] = [item.strip() for item in found[name].split(",") if item.strip()]
    return parse(CheckComplianceInputs, found)


def _geometry(text: str) -> Any:
    """The geometry of a text, which may be a feature around it."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise InvalidInput(
            "geometry must be GeoJSON", message_zh="geometry 必须是 GeoJSON", pointer="geometry"
        ) from None
    inner = value.get("geometry") if isinstance(value, dict) else None
    return value if inner is None else inner


def too_large() -> LimitExceeded:
    """The refusal of what a form cannot wait for."""
    return LimitExceeded(
        "this geometry is checked by a job: POST it to /processes/check-compliance/execution",
        message_zh="该几何须由作业审查：请 POST 到 /processes/check-compliance/execution",
        pointer="project",
    )


async def grant_of(body: models.ExceptionRequestBody) -> ExceptionGrant:
    """The exception a body gives or asks for."""
    wkb = None
    if body.geometry is not None:
        wkb = await read_shape_asked(body.geometry, body.crs, under="")
    return ExceptionGrant(wkb=wkb, **body.model_dump(exclude={"geometry", "crs"}))


async def shown(context: Context, asked: RequestedException) -> models.RuleExceptionRequest:
    """A request with its shape."""
    (told,) = await requests_shown(context, [asked])
    return told.model_copy(update={"geometry": asked.geometry()})


async def requests_shown(
    context: Context, found: Sequence[RequestedException]
) -> list[models.RuleExceptionRequest]:
    """Requests as they are shown to who asks, with what their codes are called."""
    told = [asked.document() for asked in found]
    viewer, lang = context.caller.viewer, context.lang
    names = await names_in_exceptions(context.session, told, viewer, lang)

    def name(entity: str, code: str) -> str:
        return names.get(entity, {}).get(code, code)

    def about(asked: RequestedException) -> str:
        gap, rule = asked.row.gap, asked.row.rule
        return name("control_rules", rule or "") if gap is None else gap_name(gap, names, lang)

    return [
        models.RuleExceptionRequest.of(
            asked,
            context,
            state_name=REQUEST_STATES[asked.row.state].in_(lang),
            about_name=about(asked),
            project_name=None if asked.project is None else name("projects", asked.project),
            region_name=name("regions", asked.region),
            steps=list(asked.steps(context.caller)),
        )
        for asked in found
    ]


def demand_known(caller: Caller) -> None:
    """Refuse those who show no identity: an exception names persons and projects.

    Raises:
        Unauthenticated: none was shown.
    """
    if caller.anonymous:
        raise Unauthenticated("an identity is needed", message_zh="需要身份认证")


async def page_of(read: Context, exceptions: Sequence[models.RuleException]) -> dict[str, Any]:
    """What pages of exceptions are given: names, and what gaps are called."""
    if not read.wants_html(JSON, HTML):
        return {}
    told = [item.as_json() for item in exceptions]
    names = await names_in_exceptions(read.session, told, read.caller.viewer, read.lang)
    return {"names": names, "gap_name": lambda code: gap_name(code, names, read.lang)}


async def names_of_areas(
    session: AsyncSession, caller: Caller, view: View, codes: Collection[str]
) -> dict[str, str]:
    """What control areas are called on a page."""
    if not codes or not view.wants_html(JSON, HTML):
        return {}
    return await names_of(session, CONTROL_AREAS, codes, caller.viewer, view.lang)


async def read_register(read: Context, region: str, as_of: date | None) -> models.LineRegister:
    """The lines of a region and all below it, and where they have shrunk.

    Raises:
        NotFound: there is no such region.
    """
    session, viewer, safe = read.session, read.caller.viewer, quote(region, safe="")
    row = await read_item(session, REGIONS, Selection(viewer, code=region))
    found = await find_region(session, region)
    area_m2 = None if found is None else found[1]
    totals = await read_totals(session, viewer, row.key, as_of=as_of)
    declines = await read_declines(session, viewer, row.key)
    named = row.plain()
    return models.LineRegister(
        region=region,
        region_name_zh=named["name_zh"],
        region_name_en=named["name_en"],
        region_area_km2=None if area_m2 is None else round(area_m2 / 1e6, 4),
        as_of=as_of,
        lines=models.registered_lines(totals, area_m2),
        declines=[models.LineDecline.of(item) for item in declines],
        links=[
            *read.self_links(f"/regions/{safe}/lines"),
            read.link(f"/collections/regions/items/{safe}", "up"),
        ],
    )
