"""Run a scenario: the ecological network of a region before and after edits of its land."""

import shutil
from pathlib import Path

from shanhai.jobs.contracts import Outcome, Task
from shanhai.jobs.network_contracts import OPTIONAL_THEMES
from shanhai.jobs.scenario_contracts import RUN_SCENARIO, SCENARIO_RASTERS, RunScenarioInputs
from shanhai.processes.base import Progress
from shanhai.processes.build_network import require_layers
from shanhai.processes.evaluating.outputs import write_rasters
from shanhai.processes.evaluating.place import build_place, open_sources
from shanhai.processes.evaluating.record import finish_manifest
from shanhai.processes.networking.scene import COVER, Scene
from shanhai.processes.scenario.comparison import comparison_document
from shanhai.processes.scenario.edits import EDITED_PLACES, lay_edits
from shanhai.processes.scenario.matching import compare_links
from shanhai.processes.scenario.outputs import write_figures, write_shapes
from shanhai.processes.scenario.rasters import write_changes
from shanhai.processes.scenario.record import build_manifest, scenario_flags
from shanhai.processes.scenario.report import write_report
from shanhai.processes.scenario.states import rehearse
from shanhai.raster.windows import window_runner

SCRATCH = "scratch"


class RunScenario:
    """Finds the network before and after edits and tells what differs."""

    contract = RUN_SCENARIO

    def compute(self, task: Task, workspace: Path, progress: Progress) -> Outcome:
        """Compute with files only; the workspace holds every result afterwards."""
        inputs = RunScenarioInputs.model_validate(task.inputs)
        require_layers(task, inputs)
        scratch = workspace / SCRATCH
        shared = (workspace, *map(Path, task.files.values()))
        with window_runner(task.processes, task.cluster, shared) as runner:
            progress(0, "prepare")
            themes = {COVER, *OPTIONAL_THEMES, *task.datasets}
            place = build_place(
                task, inputs, scratch / "before", open_sources(task, themes), runner
            )
            scene = Scene(place, inputs, _without_places(task))
            edited = lay_edits(scene, inputs, task.areas, scratch / "after")
            rehearsal = rehearse(scene, edited, progress)
            links = compare_links(rehearsal)
            document = comparison_document(rehearsal, edited, links)
            progress(85, "rasters")
            write_changes(rehearsal)
            layers = list(SCENARIO_RASTERS.items())
            files = [
                *write_rasters(rehearsal.after.scene.place, layers, workspace),
                *write_shapes(workspace, rehearsal, edited, links),
                *write_figures(workspace, document),
            ]
        flags = scenario_flags(rehearsal, document, task)
        manifest = build_manifest(task, rehearsal, flags)
        progress(92, "maps")
        files += write_report(rehearsal, edited, links, document, manifest, workspace)
        finish_manifest(manifest, files, flags, workspace)
        shutil.rmtree(scratch)
        progress(100, "done")
        told = ("status", "connectivity", "measures", "changes", "land_cover", "anew")
        return Outcome(
            files=files,
            values={name: document[name] for name in told},
            manifest=manifest,
            warnings=manifest["warnings"],
        )


def _without_places(task: Task) -> Task:
    """The task as a network reads it: places of edits are no control areas."""
    areas = [area for area in task.areas if area.kind not in EDITED_PLACES]
    return task.model_copy(update={"areas": areas})
