"""Seed tiles: have them drawn ahead of time, so that caches hold them, and pack them if asked."""

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from shanhai.errors import Conflict, InvalidInput, NotFound
from shanhai.processes.kit.task import Outcome, OutputFile, Progress
from shanhai.processes.seed_tiles import collection
from shanhai.processes.seed_tiles.contract import SEED_TILES, SeedTilesInputs, SeedTilesTask
from shanhai.processes.seed_tiles.pack import PackFacts, write_mbtiles, write_pmtiles
from shanhai.processes.seed_tiles.plan import Levels, SeedingPlan, make_plan
from shanhai.processes.seed_tiles.service import TileService, see_layers
from shanhai.vocabulary import Label

KEPT = "kept"
SETTLED_S = 1.5
"""Seconds after which the service tells an edit; within them a tile may be newer than it says."""
MOST_STARTS = 3
"""Times a job begins anew because a layer changed meanwhile."""
TOLD = ("tiles", "empty", "truncated", "bytes", "layers", "store")
"""Members of the summary that the results document has itself."""
WRITERS = {"pmtiles": write_pmtiles, "mbtiles": write_mbtiles}


def compute(task: SeedTilesTask, workspace: Path, progress: Progress) -> Outcome:
    """Collect the tiles of one version of each layer; finished blocks outlive the attempt."""
    inputs = SeedTilesInputs.model_validate(task.inputs)
    if task.tiles is None:
        raise InvalidInput("tiles are seeded by a server", message_zh="预切片须由服务器执行")
    kept = workspace / KEPT if task.kept is None else Path(task.kept)
    with TileService(task.tiles) as service:
        store = service.document("/health/ready", {}, own=False)["store"]
        plan, collector, tallies = _collect(service, task, inputs, kept, progress)
    files, different = [], None
    if inputs.pack != "none":
        progress(collection.COLLECTED, f"pack:{sum(tally.tiles for tally in tallies.values())}")
        different = _pack(workspace, plan, inputs, collector, tallies)
        files.append(_file(inputs, plan))
    summary = _summary(plan, inputs, tallies) | {"different": different, "store": store}
    files.append(_write_summary(workspace, summary))
    progress(100, "done")
    return Outcome(
        files=files,
        values={name: summary[name] for name in TOLD},
        manifest={"versions": plan.versions},
        warnings=_warnings(summary),
    )


def _collect(
    service: TileService,
    task: SeedTilesTask,
    inputs: SeedTilesInputs,
    kept: Path,
    progress: Progress,
) -> tuple[SeedingPlan, collection.Collector, dict[int, collection.TileTally]]:
    """All tiles of one version of each layer, begun anew when one changes meanwhile.

    Raises:
        Conflict: a layer changes faster than its tiles can be collected.
    """
    grid = _read_grid(service, inputs)
    changed = ""
    for _ in range(MOST_STARTS):
        plan = make_plan(grid, see_layers(service, inputs), inputs, task.area)
        progress(0, f"tiles:{plan.count}")
        collection.clear_others(kept, plan.digest)
        collector = collection.Collector(service, plan, inputs, kept / plan.digest)
        try:
            tallies = collector.collect(progress)
            _require_unchanged(service, plan, inputs)
        except collection.LayerChanged as error:
            changed = error.layer
            continue
        return plan, collector, tallies
    raise Conflict(
        f"layer {changed} changed {MOST_STARTS} times while its tiles were made, and tiles of"
        " different versions are never mixed; ask again when it rests",
        message_zh=f"制作瓦片期间图层 {changed} 变更了 {MOST_STARTS} 次；"
        "不同版本的瓦片不得混用，请待其稳定后重试",
    )


def _require_unchanged(service: TileService, plan: SeedingPlan, inputs: SeedTilesInputs) -> None:
    """See that no layer changed while its last tiles were drawn.

    Raises:
        LayerChanged: one did, so a tile may be newer than its version says.
    """
    if any(layer.kind == "vector" for sheet in plan.sheets for layer in sheet.layers):
        time.sleep(SETTLED_S)
    for layer in see_layers(service, inputs):
        if layer.version != plan.versions[layer.name]:
            raise collection.LayerChanged(layer.name)


def _read_grid(service: TileService, inputs: SeedTilesInputs) -> Levels:
    try:
        return Levels.of(service.document(f"/tileMatrixSets/{inputs.grid}", {}, own=False))
    except NotFound as error:
        raise InvalidInput(
            error.message, message_zh=error.message_zh, pointer="/inputs/grid"
        ) from error


def _pack(
    workspace: Path,
    plan: SeedingPlan,
    inputs: SeedTilesInputs,
    collector: collection.Collector,
    tallies: Mapping[int, collection.TileTally],
) -> int:
    """Write the pack; how many different tiles it has.

    Raises:
        InvalidInput: no tile has anything in it.
    """
    (sheet,) = plan.sheets
    if not any(tally.tiles for tally in tallies.values()):
        raise InvalidInput(
            f"no tile of {sheet.title.en} has anything in it here, so there is nothing to pack",
            message_zh=f"“{sheet.title.zh}”在此范围内没有内容，无可打包",
            pointer="/inputs/layers",
        )
    path = workspace / f"tiles.{inputs.pack}"
    truncated = sum(tally.truncated for tally in tallies.values())
    return WRITERS[inputs.pack](path, PackFacts(sheet, inputs, truncated), collector.tiles)


def _file(inputs: SeedTilesInputs, plan: SeedingPlan) -> OutputFile:
    (output,) = (one for one in SEED_TILES.outputs if one.name == inputs.pack)
    of, what = plan.sheets[0].title, output.title
    title = Label(f"{what.zh}：{of.zh}", f"{what.en}: {of.en}")
    return OutputFile.of(output.name, f"tiles.{inputs.pack}", output.media_type, title)


def _summary(
    plan: SeedingPlan, inputs: SeedTilesInputs, tallies: Mapping[int, collection.TileTally]
) -> dict[str, Any]:
    total = sum(tallies.values(), collection.TileTally())
    return {
        "grid": plan.grid.id,
        "layers": plan.versions,
        "own_view": sorted(
            layer.name for sheet in plan.sheets for layer in sheet.layers if layer.own
        ),
        "sheets": [
            {
                "layers": [layer.name for layer in sheet.layers],
                "format": sheet.format,
                "bounds": list(sheet.box),
                "min_zoom": sheet.zooms[0],
                "max_zoom": sheet.zooms[1],
            }
            for sheet in plan.sheets
        ],
        "pack": inputs.pack,
        **asdict(total),
        "zooms": [{"zoom": zoom, **asdict(tally)} for zoom, tally in sorted(tallies.items())],
    }


def _warnings(summary: Mapping[str, Any]) -> list[dict[str, str]]:
    truncated, found = summary["truncated"], []
    if truncated:
        found.append(
            {
                "code": "tiles_truncated",
                "detail": f"{truncated:,} tiles lack features, for there were too many in them",
                "detail_zh": f"{truncated:,} 个瓦片要素过多，未能全部包含",
            }
        )
    if summary["pack"] == "none" and summary["store"] == "none":
        found.append(
            {
                "code": "memory_only",
                "detail": "the tile service has no store (SHANHAI_TILES_STORE), so tiles are warm"
                " only in the memory of the process that drew each, until others push them out",
                "detail_zh": "瓦片服务未设置存储（SHANHAI_TILES_STORE），"
                "瓦片只保留在绘制它的进程内存中，可能被其他瓦片挤出",
            }
        )
    return found


def _write_summary(workspace: Path, summary: Mapping[str, Any]) -> OutputFile:
    path = "summary.json"
    (workspace / path).write_bytes(orjson.dumps(summary, option=orjson.OPT_INDENT_2))
    title = Label("预切片摘要", "Summary of seeding")
    return OutputFile.of("summary", path, "application/json", title)
