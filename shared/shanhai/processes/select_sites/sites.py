"""What is wrong with a selection that was asked for: its sites, what counts, what it names."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import shapely
from shapely.geometry import shape

from shanhai.db.features.geometry import invalidity, read_geometry
from shanhai.errors import Fault, InvalidInput
from shanhai.processes.kit.task import RegionTask
from shanhai.processes.select_sites.contract import MOST_SITES, SelectSitesInputs
from shanhai.processes.select_sites.task import FEATURES, KINDS, PlaceKind, PlaceTask, SelectionTask

MOST_VERTICES = 20_000
POLYGONS = frozenset({"Polygon", "MultiPolygon"})
NEEDS: Mapping[str, tuple[PlaceKind, ...]] = {
    "pinch_points": ("pinch_point",),
    "barriers": ("barrier",),
    "connectivity": ("barrier", "source"),
    "problems": ("problem",),
}
"""Kinds of places without which a gain or a component cannot be measured."""

_UNIT_M = "/inputs/parameters/unit_m"


def judge_selection(
    inputs: SelectSitesInputs, region: RegionTask, themes: Sequence[str], selection: SelectionTask
) -> list[Fault]:
    """A fault for each thing that cannot be done.

    Args:
        inputs: What was asked.
        region: The region with its districts.
        themes: Of the datasets there are.
        selection: Places and money that were found.
    """
    return [
        *_judge_sites(inputs, region),
        *_judge_candidates(inputs, themes, selection),
        *_judge_gains(inputs, themes, selection),
        *_judge_districts(inputs, region),
        *_judge_units(inputs),
        *_judge_named(inputs, selection),
    ]


def candidate_places(inputs: SelectSitesInputs, selection: SelectionTask) -> list[PlaceTask]:
    """The places that can be sites: polygons of the kinds asked for, projects with a cost."""
    kinds = {KINDS[one] for one in inputs.candidates}
    return [
        one
        for one in selection.places
        if one.kind in kinds
        and one.geometry["type"] in POLYGONS
        and (one.kind != "project" or one.cost is not None)
    ]


def components_of(themes: Sequence[str], selection: SelectionTask) -> tuple[str, ...]:
    """What a priority can be made of here."""
    there = {one.kind for one in selection.places}
    needs: Mapping[str, bool] = {
        "pinch_points": "pinch_point" in there,
        "barriers": "barrier" in there,
        "deficit": "ratio" in themes,
        "problems": "problem" in there,
    }
    return tuple(name for name, given in needs.items() if given)


def _judge_sites(inputs: SelectSitesInputs, region: RegionTask) -> Iterator[Fault]:
    place = shapely.make_valid(shape(region.geometry))
    shapely.prepare(place)
    for number, site in enumerate(inputs.sites):
        pointer = f"/inputs/sites/{number}/geometry"
        try:
            geometry = read_geometry(site.geometry, kind="geometry-any", pointer=pointer)
        except InvalidInput as error:
            yield error.faults[0]
            continue
        wrong = invalidity(geometry, pointer)
        if wrong is not None:
            yield wrong
        elif geometry.geom_type not in POLYGONS:
            kind = geometry.geom_type
            yield Fault(pointer, f"is a {kind}; a site is a polygon", f"几何为 {kind}，须为面")
        elif shapely.get_num_coordinates(geometry) > MOST_VERTICES:
            count = int(shapely.get_num_coordinates(geometry))
            yield Fault(
                pointer,
                f"has {count} vertices; at most {MOST_VERTICES} are taken",
                f"顶点数 {count}，上限为 {MOST_VERTICES}",
            )
        elif not shapely.intersects(place, geometry):
            yield Fault(
                pointer,
                f"site {site.code!r} does not lie in the region",
                f"地块 {site.code!r} 不在区域内",
            )


def _judge_candidates(
    inputs: SelectSitesInputs, themes: Sequence[str], selection: SelectionTask
) -> Iterator[Fault]:
    found = candidate_places(inputs, selection)
    count = len(found) + len(inputs.sites)
    if count > MOST_SITES:
        yield Fault(
            "/inputs/candidates",
            f"there are {count} candidate sites; at most {MOST_SITES} are chosen from",
            f"候选地块共 {count} 个，上限为 {MOST_SITES}",
        )
    units = "priority_units" in inputs.candidates
    if units and not components_of(themes, selection):
        yield Fault(
            "/inputs/candidates",
            "priority_units need a network, a ratio or problems, and the region has none",
            "priority_units 需要生态网络、供需比或生态问题，该区域均无",
        )
    if not count and not units:
        asked = ", ".join(inputs.candidates)
        yield Fault(
            "/inputs/candidates",
            f"the region has no {asked} with an area that you may see: run build-network first, "
            "or give sites",
            f"该区域没有可用的候选地块（{asked}）：请先运行 build-network，或给出 sites",
        )


def _judge_gains(
    inputs: SelectSitesInputs, themes: Sequence[str], selection: SelectionTask
) -> Iterator[Fault]:
    """Gains that are asked for and cannot be measured."""
    there = {one.kind for one in selection.places}
    told = {
        **dict.fromkeys(inputs.goal.weights, "weights"),
        **dict.fromkeys(inputs.goal.target_shares, "target_shares"),
        **dict.fromkeys(inputs.goal.targets, "targets"),
    }
    for name in inputs.goal.named:
        missing: Sequence[str] = [one for one in NEEDS.get(name, ()) if one not in there]
        if name == "deficit" and "ratio" not in themes:
            missing = ["ratio"]
        if name == "priority" and not components_of(themes, selection):
            missing = ["network", "ratio", "problem"]
        if missing:
            where = f"/{told[name]}/{name}" if name in told else ""
            yield Fault(
                f"/inputs/goal{where}",
                f"{name} ({FEATURES[name][0].en}) cannot be measured: there is no "
                f"{', '.join(missing)}",
                f"无法计算{FEATURES[name][0].zh}：缺少 {'、'.join(missing)}",
            )
    for name in inputs.parameters.priority_weights:
        if name not in components_of(themes, selection):
            yield Fault(
                f"/inputs/parameters/priority_weights/{name}",
                f"there is nothing to tell {name} by in this region",
                f"该区域没有 {name} 的数据",
            )


def _judge_districts(inputs: SelectSitesInputs, region: RegionTask) -> Iterator[Fault]:
    known = [one.code for one in region.districts]
    met = Counter(one.region for one in inputs.districts)
    for number, one in enumerate(inputs.districts):
        pointer = f"/inputs/districts/{number}"
        if one.region not in known:
            listed = ", ".join(known) or "-"
            yield Fault(
                f"{pointer}/region",
                f"{one.region!r} is no district of the region; those are: {listed}",
                f"{one.region!r} 不是该区域的区县；现有：{listed}",
            )
        elif met[one.region] > 1:
            yield Fault(f"{pointer}/region", f"{one.region!r} comes twice", f"{one.region!r} 重复")
        if one.at_most is not None and one.at_least > one.at_most:
            yield Fault(
                f"{pointer}/at_least",
                f"at_least {one.at_least} is above at_most {one.at_most}",
                f"at_least {one.at_least} 大于 at_most {one.at_most}",
            )


def _judge_units(inputs: SelectSitesInputs) -> Iterator[Fault]:
    if inputs.parameters.units != "fishnet":
        return
    unit_m, cell_m = inputs.parameters.unit_m, inputs.cell_m
    if unit_m < cell_m or unit_m % cell_m:
        yield Fault(
            _UNIT_M,
            f"unit_m is {unit_m:g}; it must be a whole multiple of cell_m {cell_m:g}",
            f"unit_m 为 {unit_m:g}，须为像元 {cell_m:g} m 的整数倍",
        )


def _judge_named(inputs: SelectSitesInputs, selection: SelectionTask) -> Iterator[Fault]:
    """Sites that are named and are not there; those of units are known once they are cut."""
    if "priority_units" in inputs.candidates:
        return
    known = {
        *(site.code for site in inputs.sites),
        *(place.code for place in candidate_places(inputs, selection)),
    }
    for pointer, code in named_sites(inputs):
        if code not in known:
            yield Fault(pointer, f"there is no site {code!r}", f"没有候选地块 {code!r}")


def named_sites(inputs: SelectSitesInputs) -> Iterator[tuple[str, str]]:
    """Every code of a site that the rules name, with its pointer."""
    for name in ("locked_in", "locked_out"):
        for number, code in enumerate(getattr(inputs, name)):
            yield f"/inputs/{name}/{number}", code
    for group, codes in enumerate(inputs.variants):
        for number, code in enumerate(codes):
            yield f"/inputs/variants/{group}/{number}", code
