"""What could bind where a geometry lies and is not known there: no shape, no class, no rule.

A kind of line is known where a region the place lies in, or one above it, has such lines in force,
and what was approved of them is drawn. A line whose approved area is 0 says that there is none.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from shanhai.db.compliance.overlaps import size_outside
from shanhai.db.compliance.result import BindingRule, Gap, GapReason, TouchedLine, TouchedZone
from shanhai.db.compliance.rules import Activities
from shanhai.db.compliance.surroundings import (
    TOLERATED_SHARE,
    StatedArea,
    StatedLines,
    SurroundingRegion,
    Whereabouts,
    read_sizes,
)
from shanhai.db.engine import Executor
from shanhai.db.identity import Viewer
from shanhai.vocabulary import CONTROL_KINDS, SCHEME_KINDS, Label

TOLERATED_OF_APPROVED = 0.005
"""Of an approved area: what its printed figure may exceed the drawn one by rounding."""
INVENTORIES = frozenset({"legacy_mine", "soil_erosion", "sea_use_right"})
"""Kinds that record a state and restrict nothing by themselves."""
KINDS = {term.code: term.label for term in CONTROL_KINDS}
ZONINGS = {term.code: term.label for term in SCHEME_KINDS}


@dataclass(frozen=True, slots=True)
class Binding:
    """The rules that could stand in the way of what is asked.

    Attributes:
        whole: Those of whole kinds of lines, and of classes of zones.
        of_class: Those of classes of lines.
        looked_at: The kinds of lines that are looked at; None is all.
    """

    whole: Sequence[BindingRule]
    of_class: Sequence[BindingRule]
    looked_at: frozenset[str] | None

    def kinds(self) -> dict[str, tuple[str, ...]]:
        """The kinds of lines that could bind, with the codes of the rules."""
        found: dict[str, list[str]] = {}
        for rule in (*self.whole, *self.of_class):
            if rule.scope not in {"control_area", "outside_control_area"}:
                continue
            for kind in [rule.subject] if rule.subject else set(KINDS) - INVENTORIES:
                if kind in KINDS and (self.looked_at is None or kind in self.looked_at):
                    found.setdefault(kind, []).append(rule.code)
        return {kind: tuple(sorted(codes)) for kind, codes in sorted(found.items())}

    def schemes(self) -> dict[str | None, tuple[str, ...]]:
        """The kinds of zonings that could bind, with the codes of the rules; None is any kind."""
        found: dict[str | None, list[str]] = {}
        for rule in self.whole:
            if rule.scope == "zone_class" and (rule.subject is None or rule.scheme_kind):
                found.setdefault(rule.scheme_kind, []).append(rule.code)
        ordered = sorted(found.items(), key=lambda item: item[0] or "")
        return {kind: tuple(sorted(codes)) for kind, codes in ordered}


async def line_gaps(
    session: Executor,
    viewer: Viewer,
    around: Whereabouts,
    kinds: Mapping[str, tuple[str, ...]],
    lines: Sequence[TouchedLine],
    registered: StatedLines,
    *,
    as_of: date | None,
) -> list[Gap]:
    """What is not known of kinds of lines where a geometry lies.

    Args:
        kinds: The kinds, with the codes of the rules that could bind.
        lines: The lines it lies in; where they take all of it, they are known.
        registered: What there is of these kinds in the regions around it.
    """
    wanted = [kind for kind in kinds if size_outside(around.given, lines, kind) is not None]
    figures = {place: figure for place, figure in registered.figures.items() if place[1] in wanted}
    stated = {place for place, one in figures.items() if one.undrawn or one.approved_km2 > 0}
    sizes = await read_sizes(session, viewer, stated, as_of=as_of)
    found = [
        _shape_gap(around.regions[region], kind, figures[region, kind], sizes, kinds[kind])
        for region, kind in sorted(stated, key=lambda one: (one[1], around.regions[one[0]].code))
        if not _is_drawn(figures[region, kind], sizes.get((region, kind), 0.0))
    ]
    for kind in wanted:
        known = {region for region, stated_kind in figures if stated_kind == kind}
        known |= registered.drawn.get(kind, frozenset())
        held = [one for one in around.lowest if known.intersection(around.chain(one))]
        if around.beyond(held) and len(held) < len(around.lowest):
            found += [_unregistered(one, kind, kinds[kind]) for one in around.without(known)]
    return found


def class_gaps(lines: Sequence[TouchedLine], rules: Sequence[BindingRule]) -> list[Gap]:
    """The areas without class where rules speak of classes of their kind."""
    found: list[Gap] = []
    for line in lines:
        speaking = tuple(sorted(rule.code for rule in rules if rule.subject in {None, line.kind}))
        for area in line.areas if speaking else ():
            if area.class_code is None:
                kind = KINDS[line.kind]
                told = Label(
                    f"{area.name.zh}（{kind.zh}）：未载明分类，而规则按分类规定",
                    f"{area.name.en} ({kind.en}): its class is not given, and rules speak of"
                    " classes",
                )
                found.append(
                    Gap(
                        f"no_class:{area.code}",
                        "no_class",
                        told,
                        line.kind,
                        area.region,
                        areas=(area.code,),
                        rules=speaking,
                    )
                )
    return list({gap.code: gap for gap in found}.values())


def rule_gaps(
    lines: Sequence[TouchedLine], zones: Sequence[TouchedZone], rules: Sequence[BindingRule]
) -> list[Gap]:
    """The kinds of lines and classes of zones that are touched and no rule speaks of."""
    spoken = {(rule.scope, rule.subject) for rule in rules}
    named = {
        ("control_area", line.kind): KINDS[line.kind]
        for line in lines
        if line.kind not in INVENTORIES
    } | {("zone_class", zone.class_code): zone.name for zone in zones}
    return [
        Gap(
            f"no_rule:{subject}",
            "no_rule",
            Label(f"{name.zh}：没有规则", f"{name.en}: no rule says what holds there"),
            subject,
        )
        for (scope, subject), name in named.items()
        if not {(scope, subject), (scope, None)} & spoken
    ]


def zone_gaps(
    around: Whereabouts,
    kinds: Mapping[str | None, tuple[str, ...]],
    zones: Sequence[TouchedZone],
    schemes: Sequence[Any],
) -> list[Gap]:
    """What is not known of zonings where a geometry lies: none in force, not drawn, not there.

    Args:
        kinds: The kinds of zonings that rules could bind by, with those rules; None is any.
        schemes: The zonings in force there.
    """
    found: list[Gap] = []
    undrawn: set[str] = set()
    for scheme in schemes:
        taken = _taken([zone for zone in zones if zone.scheme == scheme.code], around)
        if scheme.undrawn and taken < 1 - TOLERATED_SHARE:
            undrawn.add(scheme.kind)
            told = Label(
                f"{scheme.name_zh}：分区未全部绘制",
                f"{scheme.name_en}: zones of it are not drawn",
            )
            code = f"not_drawn:{scheme.code}"
            found.append(
                Gap(
                    code,
                    "not_drawn",
                    told,
                    scheme.kind,
                    scheme.region,
                    scheme.region_id,
                    (scheme.code,),
                    rules=kinds.get(scheme.kind, ()),
                )
            )
    for kind, rules in kinds.items():
        alike = [zone for zone in zones if kind in {None, zone.scheme_kind}]
        taken = _taken(alike, around)
        in_force = any(kind in {None, scheme.kind} for scheme in schemes)
        if taken < 1 - TOLERATED_SHARE and not (undrawn if kind is None else {kind} & undrawn):
            found += _unzoned(around, kind, rules, taken, in_force=in_force)
    return found


def beyond_gap(around: Whereabouts, near: Label | None) -> Gap:
    """What of a geometry lies beyond every region that is known.

    Args:
        near: The nearest regions, in words; None where none has a shape.
    """
    if near is None:
        told = Label(
            "尚无区域有图形，不知该处属于哪个区域；请以 region 指明",
            "no region has a shape yet, so nobody knows in which one it lies; name it by `region`",
        )
    else:
        shown = f"{100 * around.beyond(around.lowest):.3g} %"
        told = Label(
            f"几何的 {shown} 不在任何已知区域内；{near.zh}",
            f"{shown} of the geometry lies in no known region; {near.en}",
        )
    return Gap("beyond_regions", "beyond_regions", told)


def activity_gaps(
    known: Activities, asked: Sequence[str], unknown: Collection[str], rules: Sequence[BindingRule]
) -> list[Gap]:
    """The activities that no list knows, and those that no rule in force there speaks of.

    Args:
        asked: The activities that are judged.
        unknown: Those of them no rule and no list knows.
    """
    found = [
        Gap(
            f"unknown_activity:{code}",
            "unknown_activity",
            Label(f"未知活动：{code}", f"unknown activity: {code}"),
            code,
        )
        for code in unknown
    ]
    spoken = {code for rule in rules for code in (rule.activity, *rule.covers)}
    for code in asked:
        if code not in unknown and spoken.isdisjoint(known.distances(code)):
            name = known.name_of(code)
            told = Label(f"{name.zh}：没有现行规则", f"{name.en}: no rule in force speaks of it")
            found.append(Gap(f"no_rule:{code}", "no_rule", told, code))
    return found


def _is_drawn(figure: StatedArea, drawn_km2: float) -> bool:
    """Whether what was approved is drawn; what states no figure cannot be by others."""
    enough = drawn_km2 >= figure.approved_km2 * (1 - TOLERATED_OF_APPROVED)
    return enough and not figure.unstated


def _shape_gap(
    region: SurroundingRegion,
    kind: str,
    figure: StatedArea,
    sizes: Mapping[tuple[int, str], float],
    rules: tuple[str, ...],
) -> Gap:
    drawn_km2 = sizes.get((region.id, kind), 0.0)
    approved = figure.approved_km2 or None
    reason: GapReason = "partly_drawn" if drawn_km2 else "not_drawn"
    zh = f"{region.name.zh}{KINDS[kind].zh}："
    en = f"{KINDS[kind].en} of {region.name.en}, "
    if approved is not None:
        zh, en = f"{zh}批准面积 {approved:g} 平方公里，", f"{en}{approved:g} km² approved, "
    if drawn_km2:
        zh, en = f"{zh}仅绘制 {drawn_km2:.4g} 平方公里", f"{en}{drawn_km2:.4g} km² drawn"
    else:
        zh, en = f"{zh}未绘制", f"{en}not drawn"
    return Gap(
        f"{reason}:{kind}:{region.code}",
        reason,
        Label(zh, en),
        kind,
        region.code,
        region.id,
        figure.undrawn,
        approved,
        round(drawn_km2, 4),
        rules,
    )


def _unregistered(region: SurroundingRegion, kind: str, rules: tuple[str, ...]) -> Gap:
    told = Label(
        f"{region.name.zh}{KINDS[kind].zh}：未登记，不能认定为没有",
        f"{KINDS[kind].en} of {region.name.en}, none registered, which does not say that there is"
        " none",
    )
    code = f"not_registered:{kind}:{region.code}"
    return Gap(code, "not_registered", told, kind, region.code, region.id, rules=rules)


def _unzoned(
    around: Whereabouts, kind: str | None, rules: tuple[str, ...], taken: float, *, in_force: bool
) -> list[Gap]:
    named, zoning = kind or "any", _zoning(kind)
    if in_force:
        shown = f"{100 * (1 - taken):.3g} %"
        told = Label(
            f"几何的 {shown} 不在现行{zoning.zh}的任何一类中",
            f"{shown} of the geometry lies in no zone of the {zoning.en} in force",
        )
        return [
            Gap(
                f"not_zoned:{named}:{one.code}",
                "not_zoned",
                told,
                kind,
                one.code,
                one.id,
                rules=rules,
            )
            for one in around.without(())
        ]
    return [
        Gap(
            f"no_zoning:{named}:{one.code}",
            "no_zoning",
            Label(
                f"{one.name.zh}：没有现行{zoning.zh}，而规则按分区规定",
                f"{one.name.en}: no {zoning.en} in force, and rules speak of its classes",
            ),
            kind,
            one.code,
            one.id,
            rules=rules,
        )
        for one in around.without(())
    ]


def _zoning(kind: str | None) -> Label:
    """A kind of zoning within a sentence; of a plan's zones, whichever plan's."""
    code = (kind or "").partition(".")[0]
    if code not in ZONINGS:
        return Label(f"分区{kind or ''}", f"zoning {kind or ''}".rstrip())
    return Label(ZONINGS[code].zh, f"zoning ({ZONINGS[code].en.lower()})")


def _taken(zones: Sequence[TouchedZone], around: Whereabouts) -> float:
    """The share of a geometry that zones take; a zoning within another's region is not added."""
    by_scheme: dict[tuple[str, int], float] = {}
    for zone in zones:
        place = (zone.scheme, zone.region_id)
        by_scheme[place] = by_scheme.get(place, 0.0) + (zone.share or 0.0)
    regions = {region for _, region in by_scheme}
    apart = [
        share
        for (_, region), share in by_scheme.items()
        if not (set(around.chain(region)) - {region}) & regions
    ]
    return max(min(sum(apart), 1.0), *by_scheme.values(), 0.0)
