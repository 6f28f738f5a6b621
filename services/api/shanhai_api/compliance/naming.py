"""What the codes in a check are called on its page: regions, lines, zonings and rules."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import text

from shanhai.db.collections.catalogue import entity_named
from shanhai.db.collections.rules import CONTROL_RULES
from shanhai.db.compliance.result import GAP_REASONS
from shanhai.db.compliance.rules import activities
from shanhai.db.fast_reads import Executor
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer
from shanhai.vocabulary import CONTROL_KINDS, RULE_SCOPES, SCHEME_KINDS, Lang
from shanhai_api.features.wording import names_of

Names = Mapping[str, Mapping[str, str]]
"""By entity, what its rows are called."""
KINDS = {term.code: term.label for term in CONTROL_KINDS}
ZONINGS = {term.code: term.label for term in SCHEME_KINDS}
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
