"""What a network is when it is done, its manifest, and what a reader must know of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shanhai.processes.build_network.barriers import Obstacles
from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.corridors import NetworkCorridor, source_code
from shanhai.processes.build_network.metrics import Metrics
from shanhai.processes.build_network.nodes import Node
from shanhai.processes.build_network.omnidirectional import OmnidirectionalFlow
from shanhai.processes.build_network.sensitivity import Contrast
from shanhai.processes.build_network.sources import HabitatPattern
from shanhai.processes.kit import manifest
from shanhai.processes.kit.line_kinds import left_out_flags
from shanhai.processes.kit.task import Task
from shanhai.science.corridors.circuit.solver import SolveReport
from shanhai.science.corridors.links import Network
from shanhai.science.corridors.pairs import components
from shanhai.science.corridors.pinch_points import PinchPoints
from shanhai.science.corridors.sources import Sources
from shanhai.science.flags import ResultFlag
from shanhai.vocabulary import Label


@dataclass(frozen=True, slots=True)
class Built:
    """A network, and how it was found.

    Attributes:
        scene: Where.
        pattern: Of the habitat.
        sources: Its nodes.
        network: Its links.
        metrics: What it is as a whole.
        pinch: Currents and pinch points.
        obstacles: Barriers.
        flow: Current from everywhere to everywhere, where it was asked for.
        corridors: Links as they are told.
        nodes: Places as they are told.
        contrasts: The same under other powers of the resistance, where it was asked for.
        record: How importance and resistance were made.
    """

    scene: Scene
    pattern: HabitatPattern
    sources: Sources
    network: Network
    metrics: Metrics
    pinch: PinchPoints
    obstacles: Obstacles
    flow: OmnidirectionalFlow | None
    corridors: Sequence[NetworkCorridor]
    nodes: Sequence[Node]
    contrasts: Sequence[Contrast]
    record: Mapping[str, Any]


_FACTORS = {
    "slope": Label("坡度", "slope"),
    "roads": Label("距道路", "distance to roads"),
    "water": Label("距水体", "distance to water"),
}


def network_flags(
    scene: Scene,
    sources: Sources,
    network: Network,
    corridors: Sequence[NetworkCorridor],
    surface: dict[str, Any],
) -> list[ResultFlag]:
    """Parts that no way joins, factors that are missing, what the sources themselves remark."""
    found = [ResultFlag(one.code, one.label) for one in sources.remarks]
    if network.disconnected:
        found.append(_disconnected(network))
    if surface["left_out"]:
        found.append(_left_out(surface["left_out"]))
    if not network.links:
        found.append(_NO_CORRIDOR)
    elif scene.inputs.names and not any(one.document["has_official_name"] for one in corridors):
        found.append(_NO_NAME)
    return [*found, *left_out_flags(scene.task)]


def _disconnected(network: Network) -> ResultFlag:
    parts = components(network.numbers, _joined(network))
    told = "; ".join(", ".join(source_code(number) for number in part) for part in parts)
    pairs = len(network.disconnected)
    return ResultFlag(
        "disconnected",
        Label(
            f"有 {pairs} 对源地之间没有可通行的路径，网络分为 {len(parts)} 部分：{told}",
            f"no way leads between {pairs} pairs of sources; the network is in {len(parts)} parts: "
            f"{told}",
        ),
    )


def _joined(network: Network) -> list[tuple[int, int]]:
    """Pairs that ways lead between, linked or not."""
    apart = set(network.disconnected)
    numbers = network.numbers
    return [
        (one, other)
        for place, one in enumerate(numbers)
        for other in numbers[place + 1 :]
        if (one, other) not in apart
    ]


def _left_out(factors: Sequence[str]) -> ResultFlag:
    named = [_FACTORS[name] for name in factors]
    return ResultFlag(
        "factors_left_out",
        Label(
            f"阻力面缺少因子：{'、'.join(one.zh for one in named)}；其权重由其余因子按比例分担",
            f"the resistance lacks {', '.join(one.en for one in named)}; the other factors share "
            "the weight in proportion",
        ),
    )


_NO_CORRIDOR = ResultFlag(
    "no_corridor",
    Label(
        "没有任何两个源地相连，未得到廊道",
        "no two sources are joined: there is no corridor",
    ),
)
_NO_NAME = ResultFlag(
    "no_name_matched",
    Label(
        "没有廊道与给出的名称相符（重叠须达一半）",
        "no corridor overlaps one of the names by half",
    ),
)


def build_manifest(task: Task, built: Built, flags: Sequence[ResultFlag]) -> dict[str, Any]:
    """The manifest; only `job_id` and `created_utc` differ between equal runs."""
    return manifest.build_manifest(
        task,
        built.scene.place,
        parameters=built.scene.parameters.model_dump(mode="json"),
        control_areas=manifest.areas_record(task),
        network={
            **built.record,
            "pattern": built.pattern.record(),
            "sources": {
                "found": built.sources.patches.count,
                "dropped": built.sources.dropped,
            },
            "links": {
                "found": len(built.network.links),
                "dropped": len(built.network.dropped),
                "disconnected_pairs": len(built.network.disconnected),
                "searches": built.network.searches,
            },
            "circuit": [_solution(one) for one in built.pinch.reports],
            "barrier_radii_m": list(built.obstacles.radii_m),
            **_omnidirectional(built),
        },
        warnings=[flag.document() for flag in flags],
    )


def _omnidirectional(built: Built) -> dict[str, Any]:
    """How current was sent from everywhere to everywhere, where it was."""
    if built.flow is None:
        return {}
    asked = built.scene.inputs.model_dump(mode="json", include={"omnidirectional"})
    found = built.flow.document(built.scene.grid)
    own = {**asked["omnidirectional"], **found, "circuit": _solution(built.flow.report)}
    return {"omnidirectional": own}


def _solution(report: SolveReport) -> dict[str, Any]:
    """How a circuit was solved. The residual is rounding, and told as its order of size only."""
    return {
        "methods": list(report.methods),
        "solutions": report.solutions,
        "nodes": report.nodes,
        "residual": f"{report.residual:.0e}",
    }
