"""What is wrong with the edits of a scenario: their geometries, where they lie, what they name."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.db.features.geometry import invalidity, read_geometry
from shanhai.errors import Fault, InvalidInput
from shanhai.processes.kit.task import AreaTask
from shanhai.processes.run_scenario.contract import Edit, RunScenarioInputs
from shanhai.science.corridors.resistance_tables import TABLES, load_table, read_table

EDITS = "/inputs/edits"
MOST_VERTICES = 20_000
MOST_VERTICES_IN_ALL = 200_000

DIMENSIONS: Mapping[str, frozenset[int]] = {
    "set_cover": frozenset({2}),
    "restore": frozenset({2}),
    "build_road": frozenset({1, 2}),
    "build_barrier": frozenset({1, 2}),
    "set_resistance": frozenset({0, 1, 2}),
    "remove_barrier": frozenset({0, 1, 2}),
}
"""Dimensions of the geometry of each kind of edit."""

_TYPES = ("point", "line", "polygon")
_TYPES_ZH = ("点", "线", "面")
_SLACK_DEGREES = 1e-5
"""About a metre: edits are cut along borders that are drawn at other scales."""


def judge_edits(
    inputs: RunScenarioInputs,
    region: Mapping[str, Any],
    themes: Sequence[str],
    areas: Sequence[AreaTask] = (),
) -> list[Fault]:
    """A fault for each edit that cannot be made, in their order.

    Args:
        inputs: What was asked.
        region: GeoJSON geometry of the region.
        themes: Of the datasets there are.
        areas: Geometries of projects and problems, by kind and code.
    """
    faults = list[Fault]()
    place = shapely.make_valid(shape(dict(region)))
    shapely.prepare(place)
    vertices = 0
    for number, edit in enumerate(inputs.edits):
        found = _geometry_of(edit, number, areas)
        if isinstance(found, Fault):
            faults.append(found)
            continue
        vertices += int(shapely.get_num_coordinates(found))
        faults += _misplaced(edit, number, found, place)
        faults += _unnamed(edit, number, inputs, themes)
    if vertices > MOST_VERTICES_IN_ALL:
        faults.append(
            Fault(
                EDITS,
                f"the edits have {vertices} vertices; at most {MOST_VERTICES_IN_ALL} are taken",
                f"编辑的顶点共 {vertices} 个，上限为 {MOST_VERTICES_IN_ALL}",
            )
        )
    return faults


def geometry_of(edit: Edit, areas: Sequence[AreaTask]) -> Mapping[str, Any] | None:
    """The GeoJSON geometry of an edit, its own or that of what it names; None where it is gone."""
    if edit.geometry is not None:
        return edit.geometry
    code = getattr(edit, edit.place)
    return next((one.geometry for one in areas if (one.kind, one.code) == (edit.place, code)), None)


def _geometry_of(edit: Edit, number: int, areas: Sequence[AreaTask]) -> BaseGeometry | Fault:
    pointer = f"{EDITS}/{number}/{edit.place}"
    given = geometry_of(edit, areas)
    if given is None:
        code = getattr(edit, edit.place)
        kind_zh = {"project": "项目", "problem": "问题"}[edit.place]
        return Fault(
            pointer,
            f"there is no {edit.place} {code!r} with a geometry that may be used here",
            f"没有可用的{kind_zh} {code!r}，或其没有几何",
        )
    try:
        geometry = read_geometry(given, kind="geometry-any", pointer=pointer)
    except InvalidInput as error:
        return error.faults[0]
    wrong = invalidity(geometry, pointer)
    if wrong is not None:
        # Edits are not repaired: what a planner means is theirs to say.
        en, zh = wrong.detail.partition(";")[0], (wrong.detail_zh or "").partition("；")[0]
        return Fault(pointer, en, zh)
    return geometry


def _misplaced(
    edit: Edit, number: int, geometry: BaseGeometry, region: BaseGeometry
) -> Iterator[Fault]:
    pointer = f"{EDITS}/{number}/{edit.place}"
    count = int(shapely.get_num_coordinates(geometry))
    if count > MOST_VERTICES:
        yield Fault(
            pointer,
            f"has {count} vertices; at most {MOST_VERTICES} are taken for one edit",
            f"顶点数 {count}，每项编辑的上限为 {MOST_VERTICES}",
        )
    allowed = DIMENSIONS[edit.kind]
    dimension = int(shapely.get_dimensions(geometry))
    if dimension not in allowed:
        listed = [_TYPES[one] for one in sorted(allowed)]
        yield Fault(
            pointer,
            f"is a {_TYPES[dimension]}; {edit.kind} needs a {' or '.join(listed)}",
            f"几何为{_TYPES_ZH[dimension]}；{edit.kind} 须为"
            f"{'或'.join(_TYPES_ZH[one] for one in sorted(allowed))}",
        )
    elif not _is_within(geometry, region):
        yield Fault(
            pointer,
            f"edit {edit.name_en or edit.name_zh!r} reaches beyond the region; cut it at the "
            "border",
            f"编辑“{edit.name_zh}”超出区域范围，请沿边界裁剪",
        )


def _is_within(geometry: BaseGeometry, region: BaseGeometry) -> bool:
    if shapely.covers(region, geometry):
        return True
    beyond = shapely.difference(geometry, region)
    return bool(shapely.covers(shapely.buffer(region, _SLACK_DEGREES), beyond))


def _unnamed(
    edit: Edit, number: int, inputs: RunScenarioInputs, themes: Sequence[str]
) -> Iterator[Fault]:
    if edit.kind == "build_road" and not {"roads", "main_roads"} & set(themes):
        yield Fault(
            f"{EDITS}/{number}/kind",
            "build_road needs a dataset of roads or main_roads: without them roads are no factor "
            "of the resistance; use build_barrier or set_resistance",
            "build_road 需要 roads 或 main_roads 数据，否则道路不是阻力因子；"
            "可改用 build_barrier 或 set_resistance",
        )
    if edit.table_class is not None:
        known = class_values_of(inputs)
        if edit.table_class not in known:
            yield Fault(
                f"{EDITS}/{number}/table_class",
                f"the table of resistance has no class {edit.table_class!r}; "
                f"it has {', '.join(known)}",
                f"阻力表中没有类别 {edit.table_class!r}；现有：{'、'.join(known)}",
            )


def class_values_of(inputs: RunScenarioInputs) -> Mapping[str, float]:
    """Resistance by class of the table asked for; none where that table is not in order."""
    table = inputs.parameters.resistance.table
    try:
        return (read_table(table) if table else load_table(TABLES[0])).land_cover
    except InvalidInput:
        return {}
