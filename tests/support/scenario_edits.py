"""Edits of the synthetic watershed with woods: a gap planted, a road, a barrier, a passage."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shapely import LineString, Point, box
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from shanhai.data.synthetic_watershed import EASY, EPSG, Watershed, network_task
from shanhai.processes.catalogue import CONTRACTS, read_task
from shanhai.processes.kit.task import AssessedTask, Task
from shanhai.raster.crs import LON_LAT, reproject_geometry

Edit = dict[str, Any]


def on_land(watershed: Watershed, *corners: tuple[float, float]) -> dict[str, Any]:
    """A point, a box between two corners, or a line through more, in parts of the raster.

    Corners are south and east from the north-west, as the woods are given.
    """
    west, _, _, north = watershed.grid.bounds
    side = watershed.grid.cell_m * watershed.grid.width
    places = [(west + east * side, north - south * side) for south, east in corners]
    drawn: BaseGeometry = Point(places[0])
    if len(places) == 2:
        (left, top), (right, bottom) = places
        drawn = box(left, bottom, right, top)
    elif len(places) > 2:
        drawn = LineString(places)
    # As in a request: positions are lists.
    moved = reproject_geometry(drawn, f"EPSG:{EPSG}", LON_LAT)
    found: dict[str, Any] = json.loads(json.dumps(mapping(moved)))
    return found


def planted(watershed: Watershed) -> Edit:
    """Forest through the street of houses, between the western woods."""
    return {
        "kind": "restore",
        "name_zh": "打通街道",
        "name_en": "Green gap",
        "cover": "forest",
        "geometry": on_land(watershed, (0.33, 0.16), (0.44, 0.30)),
    }


def street(watershed: Watershed) -> Edit:
    """A main road between the northern woods."""
    return {
        "kind": "build_road",
        "name_zh": "新建快速路",
        "name_en": "Expressway",
        "road": "main",
        "geometry": on_land(watershed, (0.08, 0.4), (0.2, 0.4), (0.33, 0.41)),
    }


def wall(watershed: Watershed) -> Edit:
    """A barrier between the southern woods."""
    return {
        "kind": "build_barrier",
        "name_zh": "隔离墙",
        "name_en": "Wall",
        "geometry": on_land(watershed, (0.44, 0.5), (0.5, 0.5), (0.56, 0.5)),
    }


def fence(watershed: Watershed) -> Edit:
    """A barrier through the north-eastern wood."""
    geometry = on_land(watershed, (0.1, 0.7), (0.2, 0.71), (0.3, 0.7))
    return wall(watershed) | {"name_zh": "围栏", "name_en": "Fence", "geometry": geometry}


def passage(watershed: Watershed) -> Edit:
    """A passage through the street of houses, between the eastern woods."""
    return {
        "kind": "remove_barrier",
        "name_zh": "动物通道",
        "name_en": "Wildlife crossing",
        "geometry": on_land(watershed, (0.34, 0.74), (0.42, 0.76)),
    }


def felled(watershed: Watershed) -> Edit:
    """The south-western wood turned into houses."""
    return {
        "kind": "set_cover",
        "name_zh": "开发用地",
        "name_en": "Development",
        "cover": "built_up",
        "geometry": on_land(watershed, (0.42, 0.08), (0.62, 0.28)),
    }


def eased(watershed: Watershed) -> Edit:
    """Resistance lowered in the middle."""
    return {
        "kind": "set_resistance",
        "name_zh": "降低阻力",
        "name_en": "Eased",
        "resistance": 2,
        "geometry": on_land(watershed, (0.4, 0.4), (0.5, 0.6)),
    }


def scenario_task(
    watershed: Watershed,
    edits: Sequence[Mapping[str, Any]],
    inputs: Mapping[str, Any] | None = None,
    *,
    processes: int = 1,
    without: tuple[str, ...] = (),
) -> Task:
    """A task of a scenario on the watershed's files."""
    task = network_task(watershed, processes=processes, without=without)
    asked = {**task.inputs, "parameters": EASY, **(inputs or {}), "edits": [*edits]}
    return task.model_copy(update={"process": "run-scenario", "inputs": asked})


def assessed_scenario(
    base: Task,
    edits: Sequence[Mapping[str, Any]],
    compare: Sequence[str] = ("supply_demand_ratio", "zones"),
    **inputs: Any,
) -> Task:
    """A task of a scenario that is held against an assessment or zoning, on the same files."""
    contract = CONTRACTS[base.process]
    asked = contract.inputs.model_validate(base.inputs).model_dump(mode="json")
    place = {name: base.inputs[name] for name in ("region", "cell_m")}
    return read_task(
        base.model_dump()
        | {
            "process": "run-scenario",
            "inputs": {**place, "compare": [*compare], **inputs, "edits": [*edits]},
            "assessed": AssessedTask(
                process=base.process,
                inputs=asked,
                seed=base.seed,
                themes=sorted(base.datasets),
                areas=base.areas,
                units=base.units,
            ),
            "areas": [],
        }
    )
