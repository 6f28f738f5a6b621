"""From input rasters to supply, demand and ratio of the seven services, in scratch layers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shanhai.errors import InvalidInput
from shanhai.jobs.contracts import INDEX_OPTIONAL, INDEX_REQUIRED, DelineateZonesInputs, Task
from shanhai.processes.alignment import WIDE_THEMES, Stores, align_all
from shanhai.processes.base import Progress
from shanhai.processes.derivation import Coverage, derive_all
from shanhai.processes.pointers import pointing_at
from shanhai.processes.study_area import REACH_M, StudyArea
from shanhai.processes.supply_demand import Method, Services, compute_services
from shanhai.raster.crs import transformer
from shanhai.raster.themes import THEME_RULES
from shanhai.raster.warp import Source, open_source
from shanhai.raster.windows import WindowRunner
from shanhai.science.balance import weight_shares
from shanhai.science.zoning.units import Fishnet
from shanhai.vocabulary import Label

USED_THEMES = (*INDEX_REQUIRED, *INDEX_OPTIONAL, "evapotranspiration")

LAYER_TITLES: Mapping[str, Label] = {
    "elevation": Label("高程", "elevation"),
    "slope": Label("坡度", "slope"),
    "relief": Label("地形起伏", "relief"),
    "npp": Label("净初级生产力", "net primary productivity"),
    "ndvi": Label("植被指数", "the vegetation index"),
    "rainfall": Label("降雨", "rain"),
    "erosivity": Label("降雨侵蚀力", "rain erosivity"),
    "temperature": Label("气温", "air temperature"),
    "evapotranspiration": Label("蒸散发", "evapotranspiration"),
    "erodibility": Label("土壤可蚀性", "soil erodibility"),
    "infiltration": Label("土壤入渗", "soil infiltration"),
    "night_lights_log": Label("夜间灯光", "night lights"),
    "population_log": Label("人口", "population"),
}
"""Layers in the words of a reader."""

_NOTABLE_LOSS = 0.01


@dataclass(frozen=True, slots=True)
class Assessment:
    """The services of a study area.

    Attributes:
        stores: Scratch layers; `stores.own` holds `supply.*`, `demand.*`, `ratio.*` and `valid`.
        services: The numbers behind them.
        fishnet: Zoning units the unit means belong to.
        coverage: What the region holds and what was lost why.
        sources: The rasters that were used, by theme.
        edge_effect: Whether an input ends inside the distance some step looks.
        warnings: What a reader should know.
    """

    stores: Stores
    services: Services
    fishnet: Fishnet
    coverage: Coverage
    sources: Mapping[str, Source]
    edge_effect: bool
    warnings: list[str] = field(default_factory=list)


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
    align_all(
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
    _require_cells(coverage, inputs.cell_m)
    services = compute_services(
        stores.own,
        fishnet,
        method,
        runner,
        told=lambda share, stage: progress(35 + 25 * share, stage),
    )
    edge_effect = any(ends_early(sources[theme], area) for theme in WIDE_THEMES if theme in sources)
    warnings = _warnings(sources, coverage, services, edge_effect=edge_effect)
    return Assessment(stores, services, fishnet, coverage, sources, edge_effect, warnings)


def _method(inputs: DelineateZonesInputs) -> Method:
    chosen = inputs.parameters
    with pointing_at("/inputs/parameters"):
        weights = weight_shares(chosen.weights)
    return Method(chosen.max_mode, weights, chosen.beta)


def _require_cells(coverage: Coverage, cell_m: float) -> None:
    if coverage.valid:
        return
    if not coverage.inside:
        raise InvalidInput(
            f"no cell of {cell_m:g} m has its centre in the region; use a smaller cell_m",
            message_zh=f"没有一个 {cell_m:g} m 像元的中心落在区域内；请减小 cell_m",
            pointer="/inputs/cell_m",
        )
    most = max(coverage.missing, key=lambda layer: coverage.missing[layer])
    title = LAYER_TITLES[most]
    raise InvalidInput(
        f"no valid cell: of {coverage.inside} cells in the region {coverage.sea} are sea or "
        f"without land cover, and {title.en} is unknown in {coverage.missing[most]} of the others",
        message_zh=f"没有有效像元：区域内 {coverage.inside} 个像元中 {coverage.sea} 个为海域或无"
        f"土地覆盖，其余像元中{title.zh}缺测 {coverage.missing[most]} 个",
        pointer="/inputs/datasets",
    )


def ends_early(source: Source, area: StudyArea) -> bool:
    """Whether a raster looked at beyond the region ends within the reach of the steps."""
    west, south, east, north = area.wide.bounds
    change = transformer(f"EPSG:{area.wide.epsg}", source.crs)
    wanted = change.transform_bounds(west, south, east, north)
    have = source.facts.bounds
    return have[0] > wanted[0] or have[1] > wanted[1] or have[2] < wanted[2] or have[3] < wanted[3]


def _warnings(
    sources: Mapping[str, Source], coverage: Coverage, services: Services, *, edge_effect: bool
) -> list[str]:
    found = []
    if edge_effect:
        found.append(
            f"an input ends less than {REACH_M / 1000:g} km outside the region: distances and "
            "relief near the border see only what is inside / 有输入数据在区域外缓冲范围内终止"
        )
    if "land_cover" not in sources:
        found.append(
            "no land cover: the sea is not masked, naturalness is vegetation cover / "
            "无土地覆盖：未掩膜海域，以植被覆盖度代替自然度"
        )
    if "population" not in sources:
        found.append(
            "no population: exposure follows the night lights / 无人口数据：以夜间灯光代替暴露度"
        )
    land = coverage.inside - coverage.sea
    for layer, cells in coverage.missing.items():
        if cells > _NOTABLE_LOSS * land:
            found.append(
                f"{LAYER_TITLES[layer].en} is unknown in {100 * cells / land:.1f} % of the land "
                f"cells, which are left out / {LAYER_TITLES[layer].zh}在 "
                f"{100 * cells / land:.1f} % 的陆地像元缺测，已剔除"
            )
    return found + _constant_layers(services)


def _constant_layers(services: Services) -> list[str]:
    """A layer that tells no two places apart is worth saying: its index is 0 everywhere."""
    constant = [
        LAYER_TITLES[layer]
        for layer, limits in services.scales.limits.items()
        if limits.high <= limits.low and layer in LAYER_TITLES
    ]
    if not constant:
        return []
    return [
        f"the same everywhere, so that the normalised index is 0: "
        f"{', '.join(title.en for title in constant)} / "
        f"在区域内无变化，归一化后为 0：{'、'.join(title.zh for title in constant)}"
    ]
