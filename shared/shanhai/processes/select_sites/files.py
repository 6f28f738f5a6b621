"""Networks, problems and sites in GeoJSON files, as a run without a server is given them."""

from pathlib import Path
from typing import Any

from shanhai.errors import InvalidInput
from shanhai.processes.kit.output_files import LINKS_FILE, NODES_FILE, names_of, read_features
from shanhai.processes.kit.resolution import checksum_of
from shanhai.processes.select_sites.place_lookup import link_task, node_task
from shanhai.processes.select_sites.task import PlaceTask, SelectionTask
from shanhai.vocabulary import SEVERITIES, codes

NODES = ("source", "pinch_point", "barrier")


def read_network(folder: Path) -> SelectionTask:
    """The network that `build-network` left in a folder.

    Raises:
        InvalidInput: a file of it is missing, or is not what it was.
    """
    for name in (NODES_FILE, LINKS_FILE):
        if not (folder / name).is_file():
            raise InvalidInput(
                f"{folder} has no {name}; name the folder of a run of build-network",
                message_zh=f"{folder} 中没有 {name}，请给出 build-network 的结果目录",
                pointer="/network",
            )
    nodes = read_features(folder / NODES_FILE, "/network")
    links = read_features(folder / LINKS_FILE, "/network")
    try:
        return SelectionTask(
            network=folder.name,
            places=[_node(one) for one in nodes if one["properties"]["kind"] in NODES],
            links=[link_task(one["properties"]["code"], one["properties"]) for one in links],
        )
    except (KeyError, ValueError) as error:
        raise InvalidInput(
            f"{folder} is no network: {error}",
            message_zh=f"{folder} 不是生态网络的结果：{error}",
            pointer="/network",
        ) from error


def _node(feature: dict[str, Any]) -> PlaceTask:
    told = dict(feature["properties"])
    outline = told.pop("footprint", None)
    row = {"kind": told["kind"], "score": told["score"], "quality": told}
    return node_task(told["code"], row, outline or feature["geometry"])


def read_problems(path: Path) -> list[PlaceTask]:
    """Problems; a feature may tell its `severity`.

    Raises:
        InvalidInput: it is no GeoJSON, or a severity or geometry is none.
    """
    found = []
    for number, one in enumerate(read_features(path, "/problems")):
        severity, geometry = one["properties"].get("severity"), one.get("geometry")
        if geometry is None or severity not in (None, *codes(SEVERITIES)):
            listed = ", ".join(codes(SEVERITIES))
            raise InvalidInput(
                f"feature {number} of {path.name} needs a geometry and a severity of {listed}",
                message_zh=f"{path.name} 第 {number} 个要素须有几何，severity 可选：{listed}",
                pointer=f"/problems/{number}",
            )
        found.append(
            PlaceTask(
                kind="problem",
                **names_of(one, f"{path.stem}.{number}"),
                checksum=checksum_of(geometry),
                geometry=geometry,
                severity=severity,
            )
        )
    return found


def gather_places(network: Path | None, problems: Path | None) -> SelectionTask | None:
    """The places of the files that were given; None without any.

    Raises:
        InvalidInput: a file is not what it should be.
    """
    if network is None and problems is None:
        return None
    found = SelectionTask() if network is None else read_network(network)
    places = [] if problems is None else read_problems(problems)
    return found.model_copy(update={"places": [*found.places, *places]})
