"""From input rasters to supply, demand and ratio of the seven services, in scratch layers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shanhai.errors import InvalidInput
from shanhai.jobs.contracts import INDEX_OPTIONAL, INDEX_REQUIRED, DelineateZonesInputs, Task
from shanhai.processes.alignment import WIDE_THEMES, Aligned, Stores, align_all
from shanhai.processes.base import Progress
from shanhai.processes.coverage import (
    LAYER_TITLES,
    coverage_flags,
    missing_cells,
    require_coverage,
)
from shanhai.processes.derivation import Coverage, derive_all
from shanhai.processes.pointers import pointing_at
from shanhai.processes.study_area import REACH_M, StudyArea
from shanhai.processes.supply_demand import Method, Services, compute_services
from shanhai.processes.tally import Tally
from shanhai.raster.crs import transformer
from shanhai.raster.themes import THEME_RULES
from shanhai.raster.warp import Source, open_source
from shanhai.raster.windows import WindowRunner
from shanhai.science.balance import weight_shares
from shanhai.science.zoning.flag import Flag
from shanhai.science.zoning.units import Fishnet
from shanhai.vocabulary import Label

USED_THEMES = (*INDEX_REQUIRED, *INDEX_OPTIONAL, "evapotranspiration")

_EDGE_EFFECT = Flag(
    "edge_effect",
    Label(
        f"有输入数据在区域外不足 {REACH_M / 1000:g} km 处终止："
        "边界附近的距离与地形起伏只反映已有数据",
        f"an input ends less than {REACH_M / 1000:g} km outside the region: distances and "
        "relief near the border see only what is inside",
    ),
)
_COVER_CUT = Flag(
    "land_cover_cut",
    Label(
        "土地覆盖沿区域边界裁切：界外的 0 视为未知而非海域",
        "land cover was cut along the region's border: its 0 outside is taken as unknown, not as "
        "sea",
    ),
)
_NO_LAND_COVER = Flag(
    "no_land_cover",
    Label(
        "无土地覆盖：未掩膜海域，以植被覆盖度代替自然度",
        "no land cover: the sea is not masked, naturalness is vegetation cover",
    ),
)
_NO_POPULATION = Flag(
    "no_population",
    Label("无人口数据：以夜间灯光代替暴露度", "no population: exposure follows the night lights"),
)


@dataclass(frozen=True, slots=True)
class Assessment:
    """The services of a study area.

    Attributes:
        stores: Scratch layers; `stores.own` holds `supply.*`, `demand.*`, `ratio.*` and `valid`.
        services: The numbers behind them.
        fishnet: Zoning units the unit means belong to.
        coverage: What the region holds and what was lost why.
        tallies: What each input holds on the land of the region, by theme.
        sources: The rasters that were used, by theme.
        edge_effect: Whether an input ends inside the distance some step looks.
        flags: What a planner should know of the coverage.
        warnings: What a reader should know of the inputs.
    """

    stores: Stores
    services: Services
    fishnet: Fishnet
    coverage: Coverage
    tallies: Mapping[str, Tally]
    sources: Mapping[str, Source]
    edge_effect: bool
    flags: tuple[Flag, ...]
    warnings: list[Flag]


def open_sources(task: Task) -> dict[str, Source]:
    """The rasters of a task by theme, inspected.

    Raises:
        InvalidInput: a required theme is missing; all missing ones are named.
    """
    missing = [theme for theme in INDEX_REQUIRED if theme not in task.datasets]
    if missing:
        raise InvalidInput(
            f"the index profile needs datasets of {', '.join(missing)}; none was given or found",
            message_zh=f"index 方案缺少必需的数据集：{'、'.join(missing)}",
            pointer=f"/inputs/datasets/{missing[0]}",
        )
    return {
        theme: open_source(Path(task.files[dataset.uri]), THEME_RULES[theme].quantity)
        for theme, dataset in sorted(task.datasets.items())
        if theme in USED_THEMES
    }


def assess(
    task: Task,
    inputs: DelineateZonesInputs,
    area: StudyArea,
    folder: Path,
    runner: WindowRunner,
    progress: Progress,
) -> Assessment:
    """Run the index profile; progress goes from 0 to 60."""
    method = _method(inputs)
    sources = open_sources(task)
    stores = Stores.under(folder, area)
    fishnet = Fishnet.over(area.grid, inputs.parameters.unit_m)
    aligned = align_all(
        area,
        sources,
        stores,
        runner,
        fill_zero=inputs.fill_zero,
        told=lambda share: progress(25 * share, "align"),
    )
    coverage = derive_all(
        area, stores, runner, told=lambda share: progress(25 + 10 * share, "derive")
    )
    require_coverage(coverage, sources, inputs.cell_m)
    services = compute_services(
        stores.own,
        fishnet,
        method,
        runner,
        told=lambda share, stage: progress(35 + 25 * share, stage),
    )
    edge_effect = any(ends_early(sources[theme], area) for theme in WIDE_THEMES if theme in sources)
    warnings = _warnings(sources, aligned, coverage, services, edge_effect=edge_effect)
    return Assessment(
        stores=stores,
        services=services,
        fishnet=fishnet,
        coverage=coverage,
        tallies=aligned.tallies,
        sources=sources,
        edge_effect=edge_effect,
        flags=coverage_flags(coverage, sources),
        warnings=warnings,
    )


def _method(inputs: DelineateZonesInputs) -> Method:
    chosen = inputs.parameters
    with pointing_at("/inputs/parameters"):
        weights = weight_shares(chosen.weights)
    return Method(chosen.max_mode, weights, chosen.beta)


def ends_early(source: Source, area: StudyArea) -> bool:
    """Whether a raster looked at beyond the region ends within the reach of the steps."""
    west, south, east, north = area.wide.bounds
    change = transformer(f"EPSG:{area.wide.epsg}", source.crs)
    wanted = change.transform_bounds(west, south, east, north)
    have = source.facts.bounds
    return have[0] > wanted[0] or have[1] > wanted[1] or have[2] < wanted[2] or have[3] < wanted[3]


def _warnings(
    sources: Mapping[str, Source],
    aligned: Aligned,
    coverage: Coverage,
    services: Services,
    *,
    edge_effect: bool,
) -> list[Flag]:
    said = {
        _EDGE_EFFECT: edge_effect,
        _COVER_CUT: aligned.cover_cut,
        _NO_LAND_COVER: "land_cover" not in sources,
        _NO_POPULATION: "population" not in sources,
    }
    found = [flag for flag, applies in said.items() if applies]
    return [*found, *missing_cells(coverage), *_constant_layers(services)]


def _constant_layers(services: Services) -> list[Flag]:
    """A layer that tells no two places apart is worth saying: its index is 0 everywhere."""
    constant = [
        LAYER_TITLES[layer]
        for layer, limits in services.scales.limits.items()
        if limits.high <= limits.low and layer in LAYER_TITLES
    ]
    if not constant:
        return []
    text = Label(
        f"在区域内无变化，归一化后为 0：{'、'.join(title.zh for title in constant)}",
        "the same everywhere, so that the normalised index is 0: "
        + ", ".join(title.en for title in constant),
    )
    return [Flag("constant_layer", text)]
