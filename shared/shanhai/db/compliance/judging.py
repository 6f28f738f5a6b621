"""What the rules say about activities at places, and what follows; no database here.

At one place the rule nearest to what was asked prevails: what is said of mining goes before what is
said of development, and what is said of a class of areas before what is said of all of the kind. Of
several places each is judged for itself, and the strictest decides.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from shanhai.db.compliance.activities import Activities
from shanhai.db.compliance.result import Hit, Leave, Place, Rule, Verdict
from shanhai.vocabulary import Label

RESERVED = frozenset({"restricted", "conditional", "capped"})
"""Decisions under which something is possible, but not as it pleases."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules make of the activities."""

    verdict: Verdict
    hits: tuple[Hit, ...]
    duties: tuple[Hit, ...]
    reasons: tuple[Label, ...]


def judge(
    known: Activities,
    asked: Sequence[str],
    places: Sequence[Place],
    rules: Sequence[Rule],
    leaves: Sequence[Leave] = (),
    unknown: Collection[str] = (),
) -> Judgement:
    """Judge activities at the places they touch.

    Args:
        asked: The activities; where there are none, the presumed one is judged.
        unknown: Those of them nothing is known about.
    """
    presumed = not asked
    judged = [code for code in asked or (known.presumed,) if code not in unknown]
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
    verdict = decide(hits, unknown)
    return Judgement(verdict, tuple(hits), tuple(duties), _reasons(verdict, hits, unknown, places))


def rules_at(place: Place, rules: Sequence[Rule]) -> list[Rule]:
    """The rules that hold at a place."""
    return [
        rule
        for rule in rules
        if rule.scope == place.scope
        and rule.subject in {None, place.subject}
        and (not rule.classes or place.area_class in rule.classes)
    ]


def prevailing(distances: Mapping[str, int], rules: Sequence[Rule]) -> list[Rule]:
    """The rules that decide about an activity at a place, by its distances to broader ones.

    What is said of a class of areas goes before what is said of all areas of the kind.
    """
    of_class = nearest(distances, [rule for rule in rules if rule.classes])
    return of_class or nearest(distances, [rule for rule in rules if not rule.classes])


def nearest(distances: Mapping[str, int], rules: Sequence[Rule]) -> list[Rule]:
    """The rules that speak most closely of an activity, by its distances to broader ones."""
    found = [(steps, rule) for rule in rules if (steps := _steps(distances, rule)) is not None]
    least = min((steps for steps, _ in found), default=0)
    return [rule for steps, rule in found if steps == least]


def _steps(distances: Mapping[str, int], rule: Rule) -> int | None:
    spoken = [distances[code] for code in (rule.activity, *rule.covers) if code in distances]
    return min(spoken, default=None)


def _leaves_from(rule: Rule, place: Place, leaves: Sequence[Leave]) -> tuple[Leave, ...]:
    return tuple(
        leave
        for leave in leaves
        if leave.rule == rule.code
        and (leave.control_area is None or leave.control_area in place.codes)
    )


def decide(hits: Sequence[Hit], unknown: Collection[str] = ()) -> Verdict:
    """The verdict: what an exception lifts stays conditional, so that nobody overlooks it."""
    if any(hit.rule.decision == "forbidden" and not hit.excepted for hit in hits):
        return "refused"
    reserved = any(hit.rule.decision in RESERVED or hit.leaves for hit in hits)
    return "conditional" if reserved or unknown else "pass"


def conditions_of(hit: Hit) -> tuple[str, ...]:
    """The codes of what has to be met for a hit to stand no longer in the way."""
    if any(leave.outdated for leave in hit.leaves) and not hit.excepted:
        return (*hit.rule.conditions, "exception_reviewed")
    if hit.excepted:
        return hit.rule.conditions
    added = {"restricted": ("exception_granted",), "capped": ("limit_kept",)}
    return (*hit.rule.conditions, *added.get(hit.rule.decision, ()))


def _reasons(
    verdict: Verdict, hits: Sequence[Hit], unknown: Collection[str], places: Sequence[Place]
) -> tuple[Label, ...]:
    """Why the verdict is what it is, the gravest first."""
    order = ("forbidden", "restricted", "conditional", "capped")
    heavy = [hit for hit in hits if hit.rule.decision in order]
    heavy.sort(key=lambda hit: (hit.excepted, order.index(hit.rule.decision)))
    found = [_reason(hit) for hit in heavy]
    if unknown:
        names = ", ".join(unknown)
        found.append(
            Label(f"未知活动，无法判定：{names}", f"unknown activities, not judged: {names}")
        )
    if not found and verdict == "pass":
        spoken = bool(places)
        found.append(
            Label("未触发限制性规则", "no rule stands against it")
            if spoken
            else Label("未涉及任何管控线或分区", "no line and no zone is touched")
        )
    return tuple(dict.fromkeys(found))


def _reason(hit: Hit) -> Label:
    words = {
        "forbidden": Label("禁止", "is forbidden"),
        "restricted": Label("受限制，须经例外批准", "is restricted and needs an exception"),
        "conditional": Label("须满足条件", "is possible under conditions"),
        "capped": Label("受限额约束", "is possible within a limit"),
    }[hit.rule.decision]
    zh = f"{hit.place.name.zh}：{hit.activity_name.zh}{words.zh}（{hit.rule.code}）"
    en = f"{hit.place.name.en}: {hit.activity_name.en} {words.en} ({hit.rule.code})"
    if hit.excepted:
        codes = ", ".join(leave.code for leave in hit.leaves)
        return Label(f"{zh}，已批准例外 {codes}", f"{en}, lifted by exception {codes}")
    return Label(zh, en)
