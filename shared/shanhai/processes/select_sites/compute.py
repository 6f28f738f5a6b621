"""Select restoration sites: priority of the land, and the best choice for the money there is."""

from pathlib import Path

from shanhai.errors import Fault, InvalidInput
from shanhai.processes.kit.checkpointing import resumed_runner
from shanhai.processes.kit.lookups import refuse
from shanhai.processes.kit.manifest import finished
from shanhai.processes.kit.outputs import write_rasters
from shanhai.processes.kit.process import Progress
from shanhai.processes.kit.region import SCRATCH, build_place, open_sources
from shanhai.processes.kit.task import Outcome
from shanhai.processes.select_sites.candidates import find_candidates
from shanhai.processes.select_sites.context import Siting
from shanhai.processes.select_sites.contract import PRIORITY_LAYER, SelectSitesInputs
from shanhai.processes.select_sites.gains import find_gains
from shanhai.processes.select_sites.optimisation import choose
from shanhai.processes.select_sites.outputs import write_files, write_maps_and_report
from shanhai.processes.select_sites.place_lookup import given_fund
from shanhai.processes.select_sites.priority import find_priority
from shanhai.processes.select_sites.ratio_lookup import RATIO
from shanhai.processes.select_sites.result import Chosen, build_manifest, selection_flags
from shanhai.processes.select_sites.rules import make_rules
from shanhai.processes.select_sites.sites import judge_selection
from shanhai.processes.select_sites.statistics import statistics_document
from shanhai.processes.select_sites.task import SelectionTask, SelectSitesTask

TOLD = (
    *("status", "partial", "goal", "candidates", "chosen", "budget", "cost", "objective", "bound"),
    *("gap", "unmet", "features", "connectivity", "phases", "funds", "pareto"),
)


def compute(task: SelectSitesTask, workspace: Path, progress: Progress) -> Outcome:
    """Compute with files only; the workspace holds every result afterwards."""
    inputs = SelectSitesInputs.model_validate(task.inputs)
    task = judged(task, inputs)
    with resumed_runner(task, workspace, progress) as (runner, progress):
        progress(0, "prepare")
        sources = open_sources(task, {"land_cover", RATIO})
        place = build_place(task, inputs, workspace / SCRATCH, sources, runner)
        chosen = select(Siting(place, inputs, task), progress)
        statistics = statistics_document(chosen)
        progress(85, "rasters")
        layers = [(PRIORITY_LAYER, "1")] if chosen.priority is not None else []
        files = [
            *write_rasters(place, layers, workspace),
            *write_files(workspace, chosen, statistics),
        ]
    flags = selection_flags(chosen)
    manifest = build_manifest(task, chosen, statistics, flags)
    progress(90, "maps")
    files += write_maps_and_report(chosen, statistics, manifest, workspace)
    return finished(workspace, files, manifest, {name: statistics[name] for name in TOLD}, progress)


def select(siting: Siting, progress: Progress) -> Chosen:
    """Every step from the places of a region to the plan."""
    progress(5, "priority")
    priority = find_priority(siting)
    progress(25, "candidates")
    candidates = find_candidates(siting, priority)
    progress(30, "gains")
    gains = find_gains(siting, candidates)
    rules = make_rules(siting, candidates, gains)
    choice = choose(siting, rules, gains, progress)
    return Chosen(siting, priority, candidates, gains, rules, choice)


def judged(task: SelectSitesTask, inputs: SelectSitesInputs) -> SelectSitesTask:
    """The task with its money, unless it cannot be done; one of files was not judged before.

    Raises:
        InvalidInput: something that was asked for cannot be done; all faults are told.
    """
    if task.region is None:
        raise InvalidInput("a region is needed", message_zh="须给出区域", pointer="/inputs/region")
    selection = task.selection or SelectionTask()
    faults = []
    if len(selection.funds) != len(inputs.funds):
        faults = [
            Fault(
                f"/inputs/funds/{number}/source",
                "sources of funds are kept by a server; give name_zh and amount",
                "资金来源由服务器保存；请给出 name_zh 与 amount",
            )
            for number, fund in enumerate(inputs.funds)
            if fund.source is not None
        ]
        funds = [given_fund(fund, number) for number, fund in enumerate(inputs.funds)]
        selection = selection.model_copy(update={"funds": funds})
    refuse([*faults, *judge_selection(inputs, task.region, list(task.datasets), selection)])
    return task.model_copy(update={"selection": selection})
