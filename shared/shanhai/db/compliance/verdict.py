"""What the rules say about activities at places, and what follows, in words; no database here.

At one place the rule nearest to what was asked prevails: what is said of mining goes before what is
said of development, and what is said of a class of areas before what is said of all of the kind. Of
several places each is judged for itself, and the strictest decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shanhai.db.balance_rules import balance_rules
from shanhai.db.compliance.intersections import Given, drawing_of
from shanhai.db.compliance.result import (
    GAP_REASONS,
    LABELS,
    VERDICTS,
    BindingRule,
    CheckResult,
    Gap,
    Hit,
    Leave,
    LedgerJudgement,
    RuleLocation,
    TouchedArea,
    TouchedLine,
    TouchedZone,
    Verdict,
)
from shanhai.db.compliance.rules import Activities, activities
from shanhai.vocabulary import Label

RESERVED = frozenset({"restricted", "conditional", "capped"})
"""Decisions under which something is possible, but not as it pleases."""
BINDING = RESERVED | {"forbidden"}
"""Decisions that stand in the way of something."""
JUDGED = frozenset({"exception_granted", "exception_reviewed"})
"""Conditions that exceptions meet; others are judged by the ledger of balances or by somebody."""
LEDGER_CONDITIONS = frozenset(
    stated.condition for stated in balance_rules().values() if stated.condition is not None
)
_BY_PERSON = Label("由文字表述，须由人判断", "it is words, which somebody has to judge")
_NO_PROJECT = Label(
    "仅可就项目按占补台账判定", "the ledger of balances judges it of a project only"
)
_NO_ENTRIES = Label(
    "占补台账中没有该项目的此类占用记录；往日的审查不按台账判定",
    "the ledger of balances has no entries of what the project takes of it; of a former day it"
    " judges nothing",
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules make of the activities."""

    verdict: Verdict
    hits: tuple[Hit, ...]
    duties: tuple[Hit, ...]
    reasons: tuple[Label, ...]
    not_judged: Mapping[str, tuple[str, ...]]
    ledger: tuple[LedgerJudgement, ...] = ()


def judge(
    known: Activities,
    asked: Sequence[str],
    places: Sequence[RuleLocation],
    rules: Sequence[BindingRule],
    leaves: Sequence[Leave] = (),
    gaps: Sequence[Gap] = (),
    ledger: Sequence[LedgerJudgement] = (),
) -> Judgement:
    """Judge activities at the places they touch.

    Args:
        asked: The activities; where there are none, the presumed one is judged.
        gaps: What could bind there and is not known.
        ledger: The conditions that the ledger of balances judges.
    """
    presumed = not asked
    judged = activities_judged(known, asked)
    hits = [
        Hit(rule, place, code, known.name_of(code), _leaves_from(rule, place, leaves), presumed)
        for place in places
        for code in judged
        for rule in prevailing(known.distances(code), rules_at(place, rules))
    ]
    met = {(hit.rule.code, hit.place) for hit in hits}
    duties = [
        Hit(rule, place, None, rule.name)
        for place in places
        for rule in rules_at(place, rules)
        if rule.decision == "required" and (rule.code, place) not in met
    ]
    verdict = decide(hits, gaps, ledger)
    told = tuple(item for item in ledger if _set_by(item.code, hits))
    return Judgement(
        verdict,
        tuple(hits),
        tuple(duties),
        (*_unmet_reasons(told, hits), *_reasons(verdict, hits, gaps)),
        _not_judged(hits, told),
        told,
    )


def activities_judged(known: Activities, asked: Sequence[str]) -> Sequence[str]:
    """The activities a check is about: those asked about, else the presumed one."""
    return asked or (known.presumed,)


def binding(
    known: Activities, asked: Sequence[str], rules: Sequence[BindingRule]
) -> tuple[list[BindingRule], list[BindingRule]]:
    """The rules that could stand in the way of activities where their places are.

    Returns:
        Those of whole kinds of lines and classes of zones, and those of classes of lines.
    """
    whole: dict[str, BindingRule] = {}
    of_class: dict[str, BindingRule] = {}
    groups: dict[tuple[str, str | None, bool], list[BindingRule]] = {}
    for rule in rules:
        groups.setdefault((rule.scope, rule.subject, bool(rule.classes)), []).append(rule)
    for code in activities_judged(known, asked):
        distances = known.distances(code)
        for (_, _, classes), alike in groups.items():
            into = of_class if classes else whole
            into |= {
                rule.code: rule for rule in nearest(distances, alike) if rule.decision in BINDING
            }
    return list(whole.values()), list(of_class.values())


def rules_at(place: RuleLocation, rules: Sequence[BindingRule]) -> list[BindingRule]:
    """The rules that hold at a place."""
    return [
        rule
        for rule in rules
        if rule.scope == place.scope
        and rule.subject in {None, place.subject}
        and (not rule.classes or place.area_class in rule.classes)
    ]


def prevailing(distances: Mapping[str, int], rules: Sequence[BindingRule]) -> list[BindingRule]:
    """The rules that decide about an activity at a place, by its distances to broader ones.

    What is said of a class of areas goes before what is said of all areas of the kind.
    """
    of_class = nearest(distances, [rule for rule in rules if rule.classes])
    return of_class or nearest(distances, [rule for rule in rules if not rule.classes])


def nearest(distances: Mapping[str, int], rules: Sequence[BindingRule]) -> list[BindingRule]:
    """The rules that speak most closely of an activity, by its distances to broader ones."""
    found = [(steps, rule) for rule in rules if (steps := _steps(distances, rule)) is not None]
    least = min((steps for steps, _ in found), default=0)
    return [rule for steps, rule in found if steps == least]


def _steps(distances: Mapping[str, int], rule: BindingRule) -> int | None:
    spoken = [distances[code] for code in (rule.activity, *rule.covers) if code in distances]
    return min(spoken, default=None)


def _leaves_from(
    rule: BindingRule, place: RuleLocation, leaves: Sequence[Leave]
) -> tuple[Leave, ...]:
    return tuple(
        leave
        for leave in leaves
        if leave.rule == rule.code
        and (leave.control_area is None or leave.control_area in place.codes)
    )


def decide(
    hits: Sequence[Hit], gaps: Sequence[Gap] = (), ledger: Sequence[LedgerJudgement] = ()
) -> Verdict:
    """The verdict; what is not known never passes.

    What an approver lifted or decided stays conditional, so that nobody overlooks it, and so does
    what depends on conditions nobody has judged. A condition the ledger says is not met refuses.
    """
    if any(hit.rule.decision == "forbidden" and not hit.excepted for hit in hits):
        return "refused"
    if _unmet_reasons(ledger, hits):
        return "refused"
    if any(not gap.decided for gap in gaps):
        return "undetermined"
    reserved = any(hit.rule.decision in RESERVED or hit.leaves for hit in hits)
    return "conditional" if reserved or gaps or _not_judged(hits, ledger) else "pass"


def _set_by(code: str, hits: Sequence[Hit]) -> list[Hit]:
    """The hits that set a condition."""
    return [hit for hit in hits if code in conditions_of(hit)]


def _unmet_reasons(ledger: Sequence[LedgerJudgement], hits: Sequence[Hit]) -> list[Label]:
    """The conditions that are not met, of rules no exception lifts."""
    found = []
    for item in ledger:
        if item.met or all(hit.excepted for hit in _set_by(item.code, hits)):
            continue
        name = activities().condition(item.code)
        zh = f"未满足条件“{name.zh}”：{item.text.zh}"
        found.append(Label(zh, f"not met: {name.en}: {item.text.en}"))
    return found


def conditions_of(hit: Hit) -> tuple[str, ...]:
    """The codes of what has to be met for a hit to stand no longer in the way."""
    if any(leave.outdated for leave in hit.leaves) and not hit.excepted:
        return (*hit.rule.conditions, "exception_reviewed")
    if hit.excepted:
        return hit.rule.conditions
    added = {"restricted": ("exception_granted",), "capped": ("limit_kept",)}
    return (*hit.rule.conditions, *added.get(hit.rule.decision, ()))


def _not_judged(
    hits: Sequence[Hit], ledger: Sequence[LedgerJudgement] = ()
) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    judged = JUDGED | {item.code for item in ledger}
    for hit in hits:
        for code in conditions_of(hit):
            rules = found.setdefault(code, [])
            if code not in judged and hit.rule.code not in rules:
                rules.append(hit.rule.code)
    return {code: tuple(rules) for code, rules in sorted(found.items()) if rules}


def _reasons(verdict: Verdict, hits: Sequence[Hit], gaps: Sequence[Gap]) -> tuple[Label, ...]:
    """Why the verdict is what it is, the gravest first."""
    order = ("forbidden", "restricted", "conditional", "capped")
    heavy = [hit for hit in hits if hit.rule.decision in order]
    heavy.sort(key=lambda hit: (hit.excepted, order.index(hit.rule.decision)))
    refused = [hit for hit in heavy if hit.rule.decision == "forbidden" and not hit.excepted]
    found = [_reason(hit) for hit in refused]
    found += [_gap_reason(gap) for gap in sorted(gaps, key=lambda gap: gap.decided)]
    found += [_reason(hit) for hit in heavy if hit not in refused]
    if verdict == "pass":
        found.append(Label("未触发限制性规则", "no rule stands against it"))
    return tuple(dict.fromkeys(found))


def _gap_reason(gap: Gap) -> Label:
    if gap.decided:
        given = _exceptions(gap.leaves)
        return Label(f"{gap.text.zh}；已由{given.zh}决定", f"{gap.text.en}; decided by {given.en}")
    return Label(f"无法判定：{gap.text.zh}", f"cannot be judged: {gap.text.en}")


def _reason(hit: Hit) -> Label:
    words = {
        "forbidden": Label("禁止", "is forbidden"),
        "restricted": Label("受限制，须经例外批准", "is restricted and needs an exception"),
        "conditional": Label("须满足条件", "is possible under conditions"),
        "capped": Label("受限额约束", "is possible within a limit"),
    }[hit.rule.decision]
    zh = f"{hit.place.name.zh}：{hit.activity_name.zh}{words.zh}"
    en = f"{hit.place.name.en}: {hit.activity_name.en} {words.en}"
    if hit.rule.activity != hit.activity:
        zh, en = f"{zh}（按“{hit.rule.name.zh}”的规则）", f"{en} (rule on: {hit.rule.name.en})"
    if hit.excepted:
        given = _exceptions(hit.leaves)
        return Label(f"{zh}，已批准{given.zh}", f"{en}, lifted by {given.en}")
    return Label(zh, en)


def _exceptions(leaves: Sequence[Leave]) -> Label:
    """Exceptions by the numbers of their documents; by their codes where none was given."""
    numbers = [leave.document or leave.code for leave in leaves]
    return Label(f"例外（{'、'.join(numbers)}）", f"exception ({', '.join(numbers)})")


NOTE = Label(
    "规则用于筛查和说明，不代替行政决定；标为待确认的条款须由主管部门确认。",
    "Rules screen and explain; they do not replace an administrative decision. Provisions marked"
    " as to be confirmed need the confirmation of the bureau.",
)


def document_of(result: CheckResult, drawn: Given | None = None) -> dict[str, Any]:
    """The whole answer; with what was checked it also tells the shapes of its overlaps."""
    subject = result.subject
    return {
        "verdict": result.verdict,
        **in_both("verdict", VERDICTS[result.verdict]),
        "reasons": [{"zh": reason.zh, "en": reason.en} for reason in result.reasons],
        "as_of": subject.as_of.isoformat(),
        "project": subject.project,
        "geometry": {
            **subject.measure.document(),
            "vertices": subject.vertices,
            "sha256": subject.sha256,
        },
        "lines": [_line(line, drawn) for line in result.lines],
        "zones": [_zone(zone, drawn) for zone in result.zones],
        "hits": [_hit(hit, result.ledger) for hit in result.hits],
        "duties": [_hit(hit, result.ledger) for hit in result.duties],
        "gaps": [_gap(gap) for gap in result.gaps],
        "conditions_judged": [
            {**_named(item.code), "met": item.met, **in_both("text", item.text)}
            for item in result.ledger
        ],
        "conditions_not_judged": [
            {**_named(code), "rules": list(rules), **in_both("why", _why(code, subject.project))}
            for code, rules in result.not_judged.items()
        ],
        "unknown_activities": list(result.unknown),
        "exceptions": [leave_document(leave) for leave in result.exceptions],
        **in_both("note", NOTE),
    }


def in_both(name: str, label: Label | None) -> dict[str, str | None]:
    """A text under its name in each of the languages."""
    if label is None:
        return {f"{name}_zh": None, f"{name}_en": None}
    return {f"{name}_zh": label.zh, f"{name}_en": label.en}


def _share(share: float | None) -> dict[str, float | None]:
    return {"share_percent": None if share is None else round(share * 100, 4)}


def _line(line: TouchedLine, drawn: Given | None) -> dict[str, Any]:
    return {
        "kind": line.kind,
        **in_both("name", LABELS[line.kind]),
        **line.measure.document(),
        **_share(line.share),
        "areas": [_area(area, drawn) for area in line.areas],
    }


def _area(area: TouchedArea, drawn: Given | None) -> dict[str, Any]:
    return {
        "code": area.code,
        **in_both("name", area.name),
        "class": area.class_code,
        "level": area.level,
        **in_both("level", None if area.level is None else LABELS[area.level]),
        "region": area.region,
        "legal_basis": area.legal_basis,
        "delimitation": area.delimitation,
        "version": area.version,
        "valid_from": _day(area.valid_from),
        "valid_to": _day(area.valid_to),
        **area.measure.document(),
        **_share(area.share),
        **({} if drawn is None else {"geometry": drawing_of(drawn, [area.part])}),
    }


def _zone(zone: TouchedZone, drawn: Given | None) -> dict[str, Any]:
    return {
        "scheme": zone.scheme,
        "version": zone.version,
        "class": zone.class_code,
        **in_both("name", zone.name),
        "color": zone.color,
        **in_both("requirement", zone.requirement),
        "zones": list(zone.zones),
        **zone.measure.document(),
        **_share(zone.share),
        **({} if drawn is None else {"geometry": drawing_of(drawn, zone.parts)}),
    }


def _why(code: str, project: str | None) -> Label:
    """Why a condition is not judged."""
    if code not in LEDGER_CONDITIONS:
        return _BY_PERSON
    return _NO_PROJECT if project is None else _NO_ENTRIES


def _hit(hit: Hit, ledger: Sequence[LedgerJudgement]) -> dict[str, Any]:
    judged = JUDGED | {item.code for item in ledger}
    rule = hit.rule
    return {
        "rule": rule.code,
        "place": _place(hit.place),
        "activity": hit.activity,
        **in_both("activity", hit.activity_name),
        "presumed": hit.presumed,
        "rule_activity": rule.activity,
        **in_both("rule_activity", rule.name),
        "decision": rule.decision,
        **in_both("decision", LABELS[rule.decision]),
        "severity": hit.severity,
        **in_both("severity", LABELS[hit.severity]),
        "conditions": [{**_named(code), "judged": code in judged} for code in conditions_of(hit)],
        "legal_basis": rule.legal_basis,
        **in_both("text", rule.text),
        "confirm": rule.confirm,
        "excepted": hit.excepted,
        "exceptions": [leave.code for leave in hit.leaves],
    }


def _place(place: RuleLocation) -> Mapping[str, Any]:
    return {
        "scope": place.scope,
        "subject": place.subject,
        **in_both("name", place.name),
        "codes": list(place.codes),
        **({} if place.area_class is None else {"class": place.area_class}),
        **({} if place.measure is None else {**place.measure.document(), **_share(place.share)}),
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "code": gap.code,
        "reason": gap.reason,
        **in_both("reason", GAP_REASONS[gap.reason]),
        "subject": gap.subject,
        "region": gap.region,
        "areas": list(gap.areas),
        "approved_km2": gap.approved_km2,
        "drawn_km2": gap.drawn_km2,
        "rules": list(gap.rules),
        **in_both("text", gap.text),
        "decided": gap.decided,
        "exceptions": [leave.code for leave in gap.leaves],
    }


def _named(code: str) -> dict[str, str | None]:
    return {"code": code, **in_both("name", activities().condition(code))}


def leave_document(leave: Leave) -> dict[str, Any]:
    """An exception that was applied."""
    return {
        "code": leave.code,
        "rule": leave.rule,
        "gap": leave.gap,
        "control_area": leave.control_area,
        "reason": leave.reason,
        "approver": leave.approver,
        "approved_at": leave.approved_at.isoformat(),
        "valid_from": _day(leave.valid_from),
        "valid_to": _day(leave.valid_to),
        "document": leave.document,
        "outdated": leave.outdated,
    }


def _day(day: Any) -> str | None:
    return None if day is None else str(day)
