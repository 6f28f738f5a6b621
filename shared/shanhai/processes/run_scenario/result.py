"""What a scenario found, its zones, its manifest, and what a reader must know of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from shanhai.processes.assess_ecoservices.manifest import figures_of
from shanhai.processes.build_network.context import Scene
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.delineate_zones.features import write_lines
from shanhai.processes.delineate_zones.zoning import Zoned, cut_of, zoner_of
from shanhai.processes.kit import manifest
from shanhai.processes.kit.region import windows_of
from shanhai.processes.kit.task import Task, left_out_flags
from shanhai.processes.run_scenario.before_after import Rehearsal, Sides
from shanhai.processes.run_scenario.contract import RunScenarioTask
from shanhai.processes.run_scenario.edits import Edited
from shanhai.processes.run_scenario.reassessment import Reassessed
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import ClassArray, IntArray, Window
from shanhai.science.zoning.delineation import cross_tabulate
from shanhai.science.zoning.postprocess import ZONES, Postprocessed
from shanhai.vocabulary import label_of


@dataclass(frozen=True, slots=True)
class Rezoned:
    """The zones before and after the edits.

    Attributes:
        before: As the base has them.
        after: By the same clusters, cleaned in the same way.
        algorithm: How the clusters were found.
        stores: Where the zones are, before and after.
    """

    before: Zoned
    after: Postprocessed
    algorithm: str
    stores: tuple[ScratchStore, ScratchStore]

    def codes(self, window: Window) -> tuple[ClassArray, ClassArray]:
        """Zone codes before and after."""
        before, after = (store.read_classes(ZONES, window) for store in self.stores)
        return before, after

    @property
    def transitions(self) -> IntArray:
        """Cells by zone before (row) and after (column), codes 0–5."""
        windows = windows_of(self.stores[0].grid)
        return np.asarray(sum(cross_tabulate(*self.codes(window)) for window in windows))


def rezone(
    task: Task, inputs: DelineateZonesInputs, reassessed: Reassessed, runner: WindowRunner
) -> Rezoned:
    """Zone the region before and after the edits.

    Args:
        task: The zoning before the edits.
        inputs: What it was asked.
        reassessed: The services before and after them.
        runner: Runs the windows.
    """
    base = reassessed.assessment
    write_lines(task, inputs, base.place.store)
    cut = cut_of(task, inputs.parameters, base.place.area.grid)
    zoner = zoner_of(base, inputs, cut, runner, task.reference)
    before = zoner.zone(base.place.store, base.extremes)
    after = zoner.zone_again(before, reassessed.store, base.extremes)
    stores = base.place.store, reassessed.store
    return Rezoned(before, after, inputs.parameters.algorithm, stores)


@dataclass(frozen=True, slots=True)
class ComparedNetwork:
    """The network before and after the edits.

    Attributes:
        rehearsal: Both networks.
        links: What became of each link.
    """

    rehearsal: Rehearsal
    links: Sequence[Sides]


@dataclass(frozen=True, slots=True)
class ComparedServices:
    """The services before and after the edits, and what follows from them.

    Attributes:
        reassessed: The services.
        rezoned: The zones, where they are compared.
    """

    reassessed: Reassessed
    rezoned: Rezoned | None


@dataclass(frozen=True, slots=True)
class ScenarioComparison:
    """What a scenario compares.

    Attributes:
        scene: The region before the edits.
        edited: After them.
        network: The network, where it is compared.
        services: The services, where they are compared.
    """

    scene: Scene
    edited: Edited
    network: ComparedNetwork | None
    services: ComparedServices | None


Document = dict[str, Any]


def build_manifest(
    task: RunScenarioTask, compared: ScenarioComparison, flags: Sequence[ResultFlag]
) -> Document:
    """The manifest; only `job_id` and `created_utc` differ between equal runs."""
    parts = {}
    if compared.network is not None:
        parts["scenario"] = _network(compared.network)
    if compared.services is not None and task.assessed is not None:
        parts["assessed"] = task.assessed.model_dump(mode="json")
        parts["services"] = services_record(compared.services.reassessed) | {
            "figures": figures_of(compared.services.reassessed.assessment)
        }
    if compared.services is not None and compared.services.rezoned is not None:
        parts["zoning"] = _zoning(compared.services.rezoned)
    return manifest.build_manifest(
        task,
        compared.scene.place,
        parameters=compared.scene.parameters.model_dump(mode="json"),
        control_areas=manifest.areas_record(task),
        **parts,
        warnings=[flag.document() for flag in flags],
    )


def _network(compared: ComparedNetwork) -> Document:
    rehearsal = compared.rehearsal
    before, after = rehearsal.before, rehearsal.after
    return {
        **rehearsal.record,
        "sources": {
            "before": before.sources.patches.count,
            "after": after.sources.patches.count,
            "same": len(rehearsal.matching.same),
        },
        "links": {
            "before": len(before.network.links),
            "after": len(after.network.links),
            "taken_over": len(rehearsal.kept),
        },
    }


def services_record(reassessed: Reassessed) -> Document:
    """Which services an edit can alter, how far, and what of them was made anew."""
    cell_m = reassessed.assessment.plan.cell_m
    return {
        "altered": list(reassessed.altered),
        "edited_layers": list(reassessed.changed),
        "reach_m": {
            service: reassessed.reach_cells[f"ratio.{service}"] * cell_m
            for service in reassessed.altered
        },
        "made_whole": list(reassessed.whole),
        "windows": reassessed.windows[0],
        "windows_in_all": reassessed.windows[1],
        "numbers_held": len(reassessed.assessment.figures),
        "themes_held": list(reassessed.held),
    }


def _zoning(rezoned: Rezoned) -> Document:
    by_unit, after = rezoned.before.by_unit, rezoned.after
    audit = rezoned.before.audit
    zones = dict(zip(by_unit.clustering.labels.tolist(), by_unit.zones.tolist(), strict=True))
    return {
        "algorithm": rezoned.algorithm,
        "features": list(by_unit.features.names),
        "centroids": by_unit.clustering.centroids.tolist(),
        "zone_of_centroid": [zones[label] for label in sorted(zones)],
        "thresholds": None if audit is None else asdict(audit.thresholds),
        "changed_cells": dict(after.changed_cells),
        "made_whole": ["majority", "sieve", "periphery", "ring", "overlay"],
    }


def scenario_flags(
    compared: ScenarioComparison, document: Mapping[str, Any], task: RunScenarioTask
) -> list[ResultFlag]:
    """What holds as it was, what fell apart, and edits that change nothing."""
    found = []
    if compared.network is not None:
        found += _network_flags(compared.network, document)
    if compared.services is not None:
        found += _services_flags(compared.services, document)
    return [*found, *left_out_flags(task)]


def _network_flags(compared: ComparedNetwork, document: Mapping[str, Any]) -> list[ResultFlag]:
    before, after = compared.rehearsal.before.flags, compared.rehearsal.after.flags
    found = [
        *before,
        *(replace(one, code=f"{one.code}_after") for one in after if one not in before),
    ]
    if compared.rehearsal.record["importance"] is not None:
        found.append(_HELD)
    if compared.rehearsal.after.network.disconnected:
        found.append(_DISCONNECTED)
    changes = document["changes"]
    if changes["same"] == sum(changes.values()) and not any(
        one["change"] for one in document["measures"]
    ):
        found.append(_NOTHING)
    return found


def _services_flags(compared: ComparedServices, document: Mapping[str, Any]) -> list[ResultFlag]:
    reassessed = compared.reassessed
    found = [_drivers_held(reassessed)]
    if not any(one["changed_cells"] for one in document["ratios"]):
        found.append(_RATIO_SAME)
    if compared.rezoned is not None and compared.rezoned.algorithm not in ("kmeans", "thresholds"):
        found.append(_BY_CENTRES)
    return found


def _drivers_held(reassessed: Reassessed) -> ResultFlag:
    """What the edits say nothing of, and the services that therefore stay as they are."""
    themes = [label_of(one) for one in reassessed.held]
    methods = reassessed.assessment.assembled.methods
    same = [label_of(one) for one in methods if one not in reassessed.altered]
    zh, en = "、".join(one.zh for one in themes), ", ".join(one.en.lower() for one in themes)
    same_zh = f"；供需比因此不变的服务：{'、'.join(one.zh for one in same)}" if same else ""
    same_en = (
        f"; services whose ratio therefore stays: {', '.join(one.en.lower() for one in same)}"
        if same
        else ""
    )
    return ResultFlag.of(
        "drivers_held",
        f"编辑未涉及的输入保持编辑前的值：{zh}{same_zh}",
        f"inputs the edits say nothing of are those before them: {en}{same_en}",
    )


_HELD = ResultFlag.of(
    "importance_held",
    "生态系统服务的重要性保持编辑前的值；仅修复的土地额外计入候选",
    "the importance of the land for services is that before the edits; only land that is "
    "restored counts as candidate besides",
)
_DISCONNECTED = ResultFlag.of(
    "disconnected_after",
    "编辑之后部分源地之间没有可通行的路径",
    "after the edits no way leads between some of the sources",
)
_NOTHING = ResultFlag.of(
    "nothing_changed", "编辑没有改变网络", "the edits change nothing of the network"
)
_RATIO_SAME = ResultFlag.of(
    "ratio_unchanged", "编辑没有改变任何服务的供需比", "the edits change the ratio of no service"
)
_BY_CENTRES = ResultFlag.of(
    "zones_by_centres",
    "编辑后的分区单元按编辑前各类的中心重新归类，而非按原算法",
    "after the edits units are told by the centres of the clusters before them, not by the "
    "algorithm that found these",
)
