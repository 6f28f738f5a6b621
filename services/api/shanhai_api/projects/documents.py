"""What hangs on a project, as documents."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from shanhai.db.projects.funds import ZERO, Balance, LedgerEntry, by_year
from shanhai.db.projects.measures import MeasureRecord
from shanhai.db.projects.queries import ProjectSeen
from shanhai.db.projects.transition_guards import Verdict
from shanhai.db.projects.transitions import Event, Prospect
from shanhai.db.tables.project import ProjectState
from shanhai.timestamps import rfc3339
from shanhai.vocabulary import Label
from shanhai_api.identity import Caller
from shanhai_api.naming import called
from shanhai_api.negotiation import HTML, JSON, Format
from shanhai_api.view import Link, View

Document = dict[str, Any]


def project_path(code: str) -> str:
    """Where what hangs on a project is."""
    return f"/projects/{quote(code, safe='')}"


def item_path(code: str) -> str:
    """The project itself."""
    return f"/collections/projects/items/{quote(code, safe='')}"


def here_links(view: View, *formats: Format) -> list[Link]:
    """This very document in its formats, with the parameters it was asked with."""
    offered = formats or (JSON, HTML)
    return [
        {**link, "href": view.here(f=item.name)}
        for item, link in zip(offered, view.self_links("", *offered), strict=True)
    ]


def transitions_document(
    view: View, project: ProjectSeen, state: Label, found: Sequence[Prospect]
) -> Document:
    """What can be done with a project now, and what stands against the rest."""
    path = project_path(project.code)
    return {
        "project": project.code,
        "state": project.state,
        "state_name": state.in_(view.lang),
        "state_name_zh": state.zh,
        "state_name_en": state.en,
        "transitions": [describe_prospect(item, view) for item in found],
        "links": [
            *here_links(view),
            view.link(item_path(project.code), "up"),
            view.link(f"{path}/events", "related"),
        ],
    }


def describe_prospect(item: Prospect, view: View) -> Document:
    """A step with how it stands."""
    step = item.step
    needed = sorted(step.roles)
    in_words = "、".join(called(role, "zh") for role in needed)
    role = Label(f"须具角色：{in_words}", f"one of the roles {', '.join(needed)} is needed")
    return {
        "to": step.target,
        "name": step.name.in_(view.lang),
        "name_zh": step.name.zh,
        "name_en": step.name.en,
        "allowed": item.allowed,
        "role": {"any_of": needed, "met": item.has_role, **told(role, view)},
        "guard": step.guard,
        "rule": None if step.rule is None else step.rule.in_(view.lang),
        "conditions": [describe_verdict(verdict, view) for verdict in item.verdicts],
    }


def describe_verdict(verdict: Verdict, view: View) -> Document:
    """How a condition stands; `met` is null when it depends on what is sent."""
    asked = {"pointer": verdict.pointer} if verdict.pointer else {}
    return {"code": verdict.code, "met": verdict.met, **told(verdict.text, view), **asked}


def told(label: Label, view: View) -> Document:
    """A text in the language asked for, and in both."""
    return {"text": label.in_(view.lang), "text_zh": label.zh, "text_en": label.en}


def describe_event(event: Event, caller: Caller, view: View) -> Document:
    """A step of the past; who took it and why is not for the public."""
    known = not caller.anonymous
    return {
        "seq": event.seq,
        "from": event.source,
        "from_name": event.source_name.in_(view.lang),
        "to": event.target,
        "to_name": event.target_name.in_(view.lang),
        "at": rfc3339(event.at),
        "actor": event.actor if known else None,
        "note": event.note if known else None,
        "documents": list(event.documents),
    }


def describe_measure(measure: MeasureRecord) -> Document:
    """A measure with how far it is."""
    return {
        "measure": measure.measure,
        "order": measure.order,
        "name_zh": measure.name_zh,
        "name_en": measure.name_en,
        "planned": measure.planned,
        "done": measure.done,
        "unit": measure.unit,
        "indicator": measure.indicator,
        "progress_percent": measure.progress_percent,
    }


def measure_document(view: View, project: ProjectSeen, measure: MeasureRecord) -> Document:
    """A measure by itself."""
    path = f"{project_path(project.code)}/measures"
    return {
        "project": project.code,
        **describe_measure(measure),
        "links": [
            *view.self_links(f"{path}/{quote(measure.measure, safe='')}"),
            view.link(path, "up"),
        ],
    }


def money(amount: Decimal) -> str:
    """An amount, exactly."""
    return f"{amount:.2f}"


def describe_entry(entry: LedgerEntry) -> Document:
    """An entry of the ledger."""
    return {
        "id": entry.id,
        "kind": entry.kind,
        "source": entry.source,
        "year": entry.year,
        "amount": money(entry.amount),
        "measure": entry.measure,
        "paid_on": None if entry.paid_on is None else entry.paid_on.isoformat(),
        "note": entry.note,
        "actor": entry.actor,
        "at": rfc3339(entry.at),
    }


def describe_balance(item: Balance) -> Document:
    """What a project has of a source."""
    return {
        "source": item.source,
        "name_zh": item.name.zh,
        "name_en": item.name.en,
        "kind": item.kind,
        "year": item.year,
        "allowed_measures": item.allowed_measures,
        **amounts(item.allocated, item.paid),
    }


def amounts(allocated: Decimal, paid: Decimal) -> dict[str, str]:
    """What was allocated and paid, and the rest."""
    return {
        "allocated": money(allocated),
        "paid": money(paid),
        "balance": money(allocated - paid),
    }


def ledger_document(
    view: View, project: ProjectSeen, entries: Sequence[LedgerEntry], balances: Sequence[Balance]
) -> Document:
    """The ledger of a project with its balances."""
    allocated = sum((item.allocated for item in balances), ZERO)
    paid = sum((item.paid for item in balances), ZERO)
    years: Mapping[int | None, tuple[Decimal, Decimal]] = by_year(balances)
    return {
        "project": project.code,
        "currency": "CNY",
        **amounts(allocated, paid),
        "by_source": [describe_balance(item) for item in balances],
        "by_year": [{"year": year, **amounts(*sums)} for year, sums in years.items()],
        "entries": [describe_entry(item) for item in entries],
        "links": [*here_links(view), view.link(item_path(project.code), "up")],
    }


def describe_state(state: ProjectState, view: View) -> Document:
    """A state by its names."""
    name = Label(state.name_zh, state.name_en)
    return {"state": state.state, "name": name.in_(view.lang), "terminal": state.terminal}
