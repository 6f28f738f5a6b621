"""The figures of a selection: one document, and its tables."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from shanhai.processes.select_sites.candidates import Candidate
from shanhai.processes.select_sites.gains import problems_within
from shanhai.processes.select_sites.ranking import ranking_document
from shanhai.processes.select_sites.result import Chosen, frequency_of, loss_of
from shanhai.processes.select_sites.rules import districts_of
from shanhai.processes.select_sites.task import COMPONENTS, FEATURES
from shanhai.science.selection.priority import LEVELS, cost_effectiveness
from shanhai.vocabulary import Label

_DIGITS, _CENTS = 6, 2
_FINE_DIGITS = 12
_SHOWN_UNITS = 50

LEVEL_NAMES: Mapping[str, Label] = {
    "priority": Label("优先", "priority"),
    "key": Label("重点", "key"),
    "general": Label("一般", "general"),
}


def statistics_document(chosen: Chosen) -> dict[str, Any]:
    """All figures of a selection; money in yuan, other units in the names."""
    choice, rules = chosen.choice, chosen.rules
    selection, plan = choice.selection, choice.plan
    sites = site_rows(chosen)
    return {
        "cell_m": chosen.siting.grid.cell_m,
        "network": chosen.siting.selection.network,
        "goal": chosen.siting.inputs.goal.kind,
        "status": "infeasible" if choice.partial else selection.status,
        "partial": choice.partial,
        "candidates": len(sites),
        "chosen": int(plan.chosen.sum()),
        "budget": chosen.siting.inputs.budget,
        "cost": plan.cost,
        "objective": _rounded(plan.objective),
        "bound": _rounded(selection.bound),
        "gap": _rounded(selection.gap),
        "exposed_edge_km": _rounded(plan.exposed_m / 1000) if rules.problem.edges else None,
        "groups": _groups(chosen),
        "connection": _rounded(plan.connection) if rules.problem.connections else None,
        "corridors_opened": [
            one.name
            for one, is_open in zip(rules.problem.corridors, plan.corridors.tolist(), strict=True)
            if is_open
        ],
        "unmet": [
            {
                "kind": one.kind,
                "name": one.name,
                "asked": _rounded(one.asked),
                "possible": _rounded(one.possible),
                "detail": one.message,
                "detail_zh": one.message_zh,
            }
            for one in choice.unmet
        ],
        "features": _features(chosen),
        "connectivity": _connectivity(chosen),
        "phases": _phases(chosen),
        "funds": _funds(chosen),
        "sites": sites,
        "pareto": [
            {
                "cost": one.plan.cost,
                "gain": _rounded(one.gain),
                "gap": _rounded(one.gap),
                "status": one.status,
                "sites": int(one.plan.chosen.sum()),
            }
            for one in choice.front
        ],
        "alternatives": _alternatives(chosen),
        "priority": _priority(chosen),
        "ranking": None if chosen.ranking is None else ranking_document(chosen.ranking),
    }


def _groups(chosen: Chosen) -> list[dict[str, Any]] | None:
    """Chosen sites that lie together, the first sites first; None where it was not asked."""
    groups, edges = chosen.rules.problem.groups, chosen.rules.problem.edges
    if groups is None or edges is None:
        return None
    found = []
    for members in groups.members(chosen.choice.plan.chosen):
        inner = np.isin(edges.pairs, members).all(axis=1)
        edge_m = edges.perimeters[members].sum() - 2 * edges.lengths[inner].sum()
        found.append(
            {
                "sites": [chosen.candidates[place].code for place in members.tolist()],
                "area_ha": _rounded(groups.size(members)),
                "exposed_edge_km": _rounded(edge_m / 1000),
            }
        )
    return found


def _rank_of(chosen: Chosen, land: str, place: int) -> float | None:
    return None if chosen.ranking is None else chosen.ranking.rank_of(land, place)


def codes_of_front(chosen: Chosen) -> list[list[str]]:
    """The codes of the sites of each point of the front, in the order of the candidates."""
    return [
        [
            site.code
            for site, taken in zip(chosen.candidates, one.plan.chosen.tolist(), strict=True)
            if taken
        ]
        for one in chosen.choice.front
    ]


def site_rows(chosen: Chosen) -> list[dict[str, Any]]:
    """Every candidate: what it costs and gives, whether it is chosen, and why not."""
    districts = districts_of(chosen.siting, chosen.candidates)
    tasks = chosen.siting.place.area.region.districts
    problems = problems_within(chosen.siting, [one.geometry for one in chosen.candidates])
    return [
        {
            **_described(one),
            "problems": sorted({*one.problems, *problems[place]}),
            "district": None if districts[place] is None else tasks[districts[place] or 0].code,
            "cost": one.cost,
            **_decision(chosen, place),
            "rank": _rank_of(chosen, "sites", place),
            "gains": {name: float(values[place]) for name, values in chosen.gains.amounts.items()},
            "cost_effectiveness": _effectiveness(chosen, place),
            "funds": _paid(chosen, place),
            "frequency": frequency_of(chosen.choice, place),
            **dict(
                zip(("loss_without", "irreplaceable"), loss_of(chosen.choice, place), strict=True)
            ),
        }
        for place, one in enumerate(chosen.candidates)
    ]


def _described(one: Candidate) -> dict[str, Any]:
    return {
        "code": one.code,
        "name_zh": one.title.zh,
        "name_en": one.title.en,
        "kinds": list(one.kinds),
        "places": list(one.places),
        "area_ha": _rounded(one.area_ha),
        "measures": list(one.measures),
    }


def _decision(chosen: Chosen, place: int) -> dict[str, Any]:
    problem = chosen.rules.problem
    phase = int(chosen.choice.plan.phase_of[place])
    lock = (
        "in"
        if place in problem.locked_in
        else "excluded"
        if place in chosen.rules.excluded
        else "out"
        if place in problem.locked_out
        else None
    )
    return {
        "chosen": phase >= 0,
        "phase": problem.phases[phase].name if phase >= 0 else None,
        "locked": lock,
        "excluded_by": list(chosen.rules.excluded.get(place, ())),
    }


def _effectiveness(chosen: Chosen, place: int) -> float | None:
    """Barriers: score times root of the area for each yuan; None of what is no barrier."""
    one = chosen.candidates[place]
    if "barrier" not in one.kinds or not one.cost > 0:
        return None
    scores = [
        float(place_.score or 0.0)
        for place_ in chosen.siting.selection.of_kind("barrier")
        if place_.code in one.places
    ]
    values = cost_effectiveness(
        np.array([max(scores)]), np.array([one.area_ha]), np.array([one.cost])
    )
    return round(float(values[0]), _FINE_DIGITS)


def _paid(chosen: Chosen, place: int) -> dict[str, float]:
    paid = chosen.choice.paid
    if paid is None:
        return {}
    funds = chosen.siting.selection.funds
    return {
        fund.code: round(float(paid[place, number]), _CENTS)
        for number, fund in enumerate(funds)
        if round(float(paid[place, number]), _CENTS) > 0
    }


def _features(chosen: Chosen) -> list[dict[str, Any]]:
    rules, plan = chosen.rules, chosen.choice.plan
    shares = np.array([one.share for one in rules.problem.phases])
    done = np.where(plan.chosen, shares[plan.phase_of], 0.0)
    found = []
    for name, values in chosen.gains.amounts.items():
        label, unit = FEATURES.get(name, (Label(name, name), None))
        reached, total = float(values @ done), rules.totals[name]
        target = rules.targets.get(name)
        found.append(
            {
                "name": name,
                "name_zh": label.zh,
                "name_en": label.en,
                "unit": unit,
                "counts": name in rules.features,
                "total": _rounded(total),
                "reached": _rounded(reached),
                "share": _rounded(reached / total) if total > 0 else None,
                "target": target,
                "met": None if target is None else bool(plan.reached[rules.features.index(name)]),
            }
        )
    return found


def _connectivity(chosen: Chosen) -> dict[str, Any] | None:
    gain = chosen.choice.connectivity
    if gain is None:
        return None
    return {
        "eca_before_ha": _rounded(gain.before),
        "eca_after_ha": _rounded(gain.after),
        "gain_ha": _rounded(gain.together),
        "added_up_ha": _rounded(gain.added_up),
    }


def _phases(chosen: Chosen) -> list[dict[str, Any]]:
    plan, costs = chosen.choice.plan, chosen.rules.problem.costs
    return [
        {
            "name": one.name,
            "start_year": one.start_year,
            "end_year": one.end_year,
            "budget": one.budget,
            "sites": int((plan.phase_of == number).sum()),
            "cost": round(float(costs[plan.phase_of == number].sum()), _CENTS),
        }
        for number, one in enumerate(chosen.siting.inputs.phases)
    ]


def _funds(chosen: Chosen) -> list[dict[str, Any]]:
    paid = chosen.choice.paid
    return [
        {
            "code": one.code,
            "name_zh": one.name_zh,
            "name_en": one.name_en,
            "measures": one.measures,
            "amount": one.amount,
            "used": None if paid is None else round(float(paid[:, number].sum()), _CENTS),
        }
        for number, one in enumerate(chosen.siting.selection.funds)
    ]


def _alternatives(chosen: Chosen) -> list[dict[str, Any]]:
    others = chosen.choice.others
    plans = () if others is None else others.plans
    return [
        {
            "cost": one.cost,
            "objective": _rounded(one.objective),
            "sites": [
                chosen.candidates[place].code for place in np.flatnonzero(one.chosen).tolist()
            ],
        }
        for one in plans
    ]


def _priority(chosen: Chosen) -> dict[str, Any] | None:
    priority = chosen.priority
    if priority is None:
        return None
    found = priority.found
    levels = []
    for number, level in enumerate(LEVELS, start=1):
        own = found.levels == number
        levels.append(
            {
                "level": level,
                "name_zh": LEVEL_NAMES[level].zh,
                "name_en": LEVEL_NAMES[level].en,
                "units": int(own.sum()),
                "land_km2": _rounded(priority.land_ha[own].sum() / 100),
            }
        )
    scores = np.nan_to_num(found.scores, nan=-1.0)
    order = np.argsort(-scores, kind="stable")[:_SHOWN_UNITS].tolist()
    return {
        "components": [
            {"name": name, "name_zh": COMPONENTS[name].zh, "name_en": COMPONENTS[name].en}
            for name in found.names
        ],
        "units": len(priority.numbers),
        "levels": levels,
        "first": [unit_row(chosen, place) for place in order if scores[place] > 0],
    }


def unit_row(chosen: Chosen, place: int) -> dict[str, Any]:
    """A unit with its score, its level and the part of each component in it."""
    priority = chosen.priority
    if priority is None:
        raise LookupError("there is no priority map")
    code, title = priority.name(place)
    found = priority.found
    score, level = float(found.scores[place]), int(found.levels[place])
    reasons = found.reasons(place)
    return {
        "code": code,
        "name_zh": title.zh,
        "name_en": title.en,
        "land_ha": _rounded(float(priority.land_ha[place])),
        "score": _rounded(score),
        "level": LEVELS[level - 1] if level else None,
        "rank": _rank_of(chosen, "units", place),
        "components": {
            one.name: {
                "value": _rounded(one.value),
                "rank": _rounded(one.rank),
                "share": _rounded(one.contribution / score),
            }
            for one in reasons
        },
        "unknown": list(found.unknown(place)),
    }


def table_head(chosen: Chosen) -> list[str]:
    """Columns of the table of sites."""
    return [
        *("code", "name_zh", "name_en", "kinds", "chosen", "phase", "locked", "district"),
        *("area_ha", "cost"),
        *(f"gain_{name}" for name in chosen.gains.amounts),
        *("cost_effectiveness", "rank"),
        *(f"fund_{one.code}" for one in chosen.siting.selection.funds),
        *("frequency", "loss_without", "irreplaceable", "measures", "problems", "excluded_by"),
    ]


def table_rows(chosen: Chosen, statistics: Mapping[str, Any]) -> Iterator[list[Any]]:
    """One row for each candidate."""
    funds = [one.code for one in chosen.siting.selection.funds]
    listed = ("measures", "problems", "excluded_by")
    for one in statistics["sites"]:
        yield [
            *(one[name] for name in ("code", "name_zh", "name_en")),
            " ".join(one["kinds"]),
            *(one[name] for name in ("chosen", "phase", "locked", "district", "area_ha", "cost")),
            *one["gains"].values(),
            *(one["cost_effectiveness"], one["rank"]),
            *(one["funds"].get(code, 0.0) for code in funds),
            *(one[name] for name in ("frequency", "loss_without", "irreplaceable")),
            *(" ".join(one[name]) for name in listed),
        ]


def _rounded(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), _DIGITS)
