"""The indicators of plans as documents."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from shanhai.db.compliance.serialization import in_both
from shanhai.db.indicators.plan_indicators import Listed, PlanRegion, PlanSeen, plain
from shanhai.db.indicators.targets import describe_target
from shanhai.db.indicators.values import Recorded
from shanhai.db.proposals.queries import ProposalReference
from shanhai.db.tables.indicator import EvaluationSnapshot, IndicatorTarget, IndicatorValue
from shanhai.reporting.plan_evaluation import Stamp, title_of
from shanhai.timestamps import rfc3339
from shanhai.vocabulary import Label
from shanhai_api.negotiation import HTML, JSON, Format
from shanhai_api.projects.plan_documents import about_day
from shanhai_api.proposal_links import name_proposals, propose_link
from shanhai_api.view import View

CSV = Format("csv", "text/csv")
DOCX = Format("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document")
TABLE_FORMATS = (JSON, HTML, CSV, DOCX)
Document = dict[str, Any]
TARGETS = Label("基期值与目标值", "base and targets")
VALUES = Label("历年数值", "values")


def plan_path(code: str) -> str:
    """Where what belongs to a plan is."""
    return f"/plans/{quote(code, safe='')}"


def item_of_plan(code: str) -> str:
    """The plan itself."""
    return f"/collections/plans/items/{quote(code, safe='')}"


def indicator_path(plan: PlanSeen, listed: Listed) -> str:
    """Where an indicator of a plan is."""
    return f"{plan_path(plan.code)}/indicators/{quote(listed.code, safe='')}"


def targets_document(
    view: View,
    plan: PlanSeen,
    listed: Listed,
    place: PlanRegion,
    rows: Sequence[IndicatorTarget],
    proposals: Sequence[ProposalReference],
) -> Document:
    """The figures of an indicator in a region, and the proposals to revise them."""
    path = indicator_path(plan, listed)
    return {
        **_head(view, listed, TARGETS),
        **_about(plan, listed, place),
        "targets": [describe_target(row) for row in rows],
        "proposals": name_proposals(proposals, view),
        "links": [
            *self_and_alternate(view),
            view.link(path, "up", **plan.day),
            view.link(f"{path}/values", "related", region=place.code, **plan.day),
            propose_link(view, plan=plan.code, indicator=listed.code, region=place.code),
        ],
    }


def values_document(
    view: View,
    plan: PlanSeen,
    listed: Listed,
    place: PlanRegion,
    page: Sequence[Recorded],
    following: str | None,
) -> Document:
    """A page of the values of an indicator in a region."""
    path = indicator_path(plan, listed)
    links = [*self_and_alternate(view), view.link(path, "up", **plan.day)]
    if following is not None:
        link = view.link(path, "next")
        links.append({**link, "href": view.here(before=following)})
    return {
        **_head(view, listed, VALUES),
        **_about(plan, listed, place),
        "values": [
            describe_value(
                item.row,
                department=item.department,
                dataset=item.dataset,
                unit=listed.unit,
                counts=item.counts,
            )
            for item in page
        ],
        "links": links,
    }


def describe_value(
    row: IndicatorValue, *, unit: str, department: str | None, dataset: str | None, counts: bool
) -> Document:
    """A value; `counts` unless a newer one of its year replaced it."""
    return {
        "id": row.id,
        "year": row.year,
        "value": plain(row.value),
        "unit": unit,
        "given": row.attrs.get("given"),
        "cumulative": row.cumulative,
        "counts": counts,
        "quality": row.quality,
        "method": row.method,
        "source": row.source,
        "note": row.attrs.get("note"),
        "department": department,
        "dataset": dataset,
        "job": None if row.job_id is None else str(row.job_id),
        "provenance": row.provenance,
        "recorded_by": row.recorded_by,
        "recorded_at": rfc3339(row.recorded_at),
    }


def progress_document(
    view: View,
    plan: PlanSeen,
    place: PlanRegion,
    year: int,
    summary: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
) -> Document:
    """How the indicators of a plan stand in a region."""
    path = plan_path(plan.code)
    title = Label(f"{plan.name.zh}：指标进度", f"{plan.name.en}: progress of indicators")
    return {
        "title": title.in_(view.lang),
        "plan": plan.code,
        **about_day(plan),
        "region": place.code,
        "year": year,
        "summary": summary,
        "indicators": list(rows),
        "links": [
            *self_and_alternate(view),
            view.link(f"{path}/indicators", "up", **plan.day),
            view.link(f"{path}/evaluation", "related", year=year, region=place.code, **plan.day),
        ],
    }


def conformance_document(
    view: View, plan: PlanSeen, upper: PlanSeen | None, compared: Sequence[Mapping[str, Any]]
) -> Document:
    """The targets of a plan beside those of the plan above, departures first."""
    title = Label(
        f"{plan.name.zh}：与上位规划目标的一致性",
        f"{plan.name.en}: conformance with the upper plan",
    )
    links = [*self_and_alternate(view), view.link(item_of_plan(plan.code), "up", **plan.day)]
    if upper is not None:
        links.append(view.link(item_of_plan(upper.code), "related", **plan.day))
    departures = sum(item["verdict"] != "conforms" for item in compared)
    verdict = "nothing_to_compare" if not compared else "departs" if departures else "conforms"
    return {
        "title": title.in_(view.lang),
        "plan": plan.code,
        **about_day(plan),
        "upper_plan": None if upper is None else upper.code,
        "verdict": verdict,
        **in_both("verdict", conformance_line(verdict, upper, departures)),
        "compared": len(compared),
        "departures": departures if compared else None,
        "targets": list(compared),
        "links": links,
    }


def conformance_line(verdict: str, upper: PlanSeen | None, departures: int) -> Label:
    """What a comparison with the plan above came to, in a sentence."""
    if upper is None:
        return Label(
            "没有可比较的内容：未指明上位规划",
            "Nothing to compare: the plan names no plan above it",
        )
    if verdict == "nothing_to_compare":
        return Label(
            f"没有可比较的内容：上位规划《{upper.name.zh}》未对本规划的指标和区域设定目标",
            f"Nothing to compare: {upper.name.en} sets no target for this plan's indicators and"
            " regions",
        )
    if departures:
        return Label(f"{departures} 项不一致", f"{departures} departures")
    return Label("一致", "It conforms")


def evaluation_document(view: View, plan: PlanSeen, content: Mapping[str, Any]) -> Document:
    """An evaluation made anew."""
    path = plan_path(plan.code)
    return {
        "title": title_of(content, view.lang),
        **about_day(plan),
        **content,
        "links": [
            *self_and_alternate(view, *TABLE_FORMATS),
            view.link(path + "/evaluations", "up", **plan.day),
        ],
    }


def stored_document(view: View, plan: PlanSeen, row: EvaluationSnapshot) -> Document:
    """A stored evaluation: its content is what the hash is of."""
    path = f"{plan_path(plan.code)}/evaluations"
    return {
        "title": title_of(row.content, view.lang),
        **stored_head(row),
        "content": row.content,
        "links": [
            *view.self_links(f"{path}/{quote(row.code, safe='')}", *TABLE_FORMATS),
            view.link(path, "up"),
        ],
    }


def stored_head(row: EvaluationSnapshot) -> Document:
    """A stored evaluation without its content."""
    return {
        "id": row.code,
        "year": row.year,
        "sha256": row.sha256,
        "created": rfc3339(row.created_at),
        "created_by": row.created_by,
    }


def stamp_of(row: EvaluationSnapshot) -> Stamp:
    """What marks the evaluation as stored."""
    return Stamp(row.code, rfc3339(row.created_at) or "", row.sha256)


def self_and_alternate(view: View, *formats: Format) -> list[dict[str, str]]:
    """The links to this very document in its formats, with the parameters it was asked with."""
    offered = formats or (JSON, HTML)
    return [
        {**link, "href": view.here(f=item.name)}
        for item, link in zip(offered, view.self_links("", *offered), strict=True)
    ]


def stored_title(plan: PlanSeen) -> Label:
    """The heading of the list of stored evaluations."""
    return Label(f"{plan.name.zh}：评估存档", f"{plan.name.en}: stored evaluations")


def _head(view: View, listed: Listed, what: Label) -> Document:
    title = Label(f"{listed.name.zh}：{what.zh}", f"{listed.name.en}: {what.en}")
    return {"title": title.in_(view.lang)}


def _about(plan: PlanSeen, listed: Listed, place: PlanRegion) -> Document:
    return {
        "plan": plan.code,
        **about_day(plan),
        "indicator": listed.code,
        "name_zh": listed.name.zh,
        "name_en": listed.name.en,
        "unit": listed.unit,
        "region": place.code,
    }
