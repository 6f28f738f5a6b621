"""What a reader must know of the sources: what was relaxed, and which lie on barriers only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from shanhai.errors import InvalidInput
from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.resistance import RESISTANCE
from shanhai.processes.build_network.sources import Habitat, asked_parameters
from shanhai.processes.kit.geometry import point_at
from shanhai.science.corridors.patches import Patches
from shanhai.science.corridors.source_relaxation import relaxed_settings
from shanhai.science.flags import ResultFlag
from shanhai.vocabulary import Label


@dataclass(frozen=True, slots=True)
class BarredSource:
    """A source of which no cell is passable.

    Attributes:
        area_ha: Its area, ha.
        lon: Of a cell in it, degrees.
        lat: Of the same cell, degrees.
    """

    area_ha: float
    lon: float
    lat: float

    @property
    def label(self) -> Label:
        """What it is called: it has no number in the network."""
        at = f"{self.lon:.4f}° E, {self.lat:.4f}° N"
        return Label(f"{self.area_ha:.4g} 公顷（{at}）", f"{self.area_ha:.4g} ha at {at}")


def leave_out_barred(scene: Scene, habitat: Habitat) -> tuple[Habitat, list[BarredSource]]:
    """The habitat without sources that lie on barriers only, and these.

    Raises:
        InvalidInput: fewer than two remain.

    Source: as Circuitscape leaves out focal nodes on nodata, with a warning.
    """
    patches = habitat.sources.patches
    passable = np.isfinite(scene.whole(RESISTANCE))
    keep = patches.share(passable) > 0
    barred = [_barred(scene, patches, number) for number in (np.flatnonzero(~keep) + 1).tolist()]
    if np.count_nonzero(keep) < 2:
        raise _too_few(barred, int(np.count_nonzero(keep)))
    if not barred:
        return habitat, []
    return replace(habitat, sources=habitat.sources.kept(keep)), barred


def _barred(scene: Scene, patches: Patches, number: int) -> BarredSource:
    rows, cols = np.nonzero(patches.labels == number)
    middle = rows.size // 2
    lon, lat = shapely.get_coordinates(point_at(int(rows[middle]), int(cols[middle]), scene.grid))[
        0
    ].tolist()
    return BarredSource(float(patches.area_ha[number - 1]), lon, lat)


def _too_few(barred: Sequence[BarredSource], left: int) -> InvalidInput:
    named = Label(
        "；".join(one.label.zh for one in barred), "; ".join(one.label.en for one in barred)
    )
    return InvalidInput(
        f"{len(barred)} sources lie on barriers only and are left out ({named.en}); {left} "
        "remain, and a network joins at least two",
        message_zh=f"{len(barred)} 个源地全部位于障碍上而被剔除（{named.zh}），剩余 {left} 个，"
        "网络至少需要两个",
        pointer="/inputs/datasets",
    )


def source_flags(
    scene: Scene, habitat: Habitat, barred: Sequence[BarredSource]
) -> list[ResultFlag]:
    """Settings that were relaxed, and sources on barriers."""
    found = []
    told = _relaxations(scene, habitat)
    if told:
        zh, en = "；".join(one.zh for one in told), "; ".join(one.en for one in told)
        found.append(
            ResultFlag.of(
                "sources_relaxed",
                f"按所给设置源地不足两个，已逐步放宽：{zh}",
                f"the settings asked for leave fewer than two sources, and were relaxed: {en}",
            )
        )
    return [*found, *([_barred_flag(barred)] if barred else [])]


def relaxed(scene: Scene, habitat: Habitat) -> dict[str, tuple[float, float]]:
    """What was relaxed, by its name: as asked for, and as used."""
    choice = scene.parameters.sources
    quantiles = (choice.quantile, habitat.pattern.quantile)
    own = {} if quantiles[0] == quantiles[1] else {"quantile": quantiles}
    return own | relaxed_settings(asked_parameters(choice), habitat.parameters)


def _relaxations(scene: Scene, habitat: Habitat) -> list[Label]:
    """What was relaxed, from what to what."""
    choice, sources = scene.parameters.sources, habitat.sources
    changed = relaxed(scene, habitat)
    least = float(sources.dpc.total.min())
    found = [
        Label(f"{name} 由 {asked:g} 改为 {used:g}", f"{name} from {asked:g} to {used:g}")
        for name, (asked, used) in changed.items()
        if name in ("quantile", "min_area_ha", "merge_gap_m")
    ]
    if "pc_share" in changed:
        share = 100 * changed["pc_share"][1]
        found.append(
            Label(
                f"dPC 下限 {choice.dpc_min_percent:g} % 改为保留共同保有 {share:g} % PC 的斑块"
                f"（所留最低 dPC 为 {least:.3g} %）",
                f"dpc_min_percent {choice.dpc_min_percent:g} to the patches that together hold"
                f" {share:g} % of PC (lowest dPC kept {least:.3g} %)",
            )
        )
    if "erosion_cells" in changed:
        depth_m = changed["erosion_cells"][1] * scene.cell_m
        lost = float(sources.eroded.sum()) * scene.grid.cell_area_ha
        found.append(
            Label(
                f"最大斑块向内侵蚀 {depth_m:g} m 后分为若干核心（{lost:.6g} 公顷不再属于源地）",
                f"the largest patch was divided into the cores that erosion by {depth_m:g} m leaves"
                f" ({lost:.6g} ha of it are in no source)",
            )
        )
    return found


def _barred_flag(barred: Sequence[BarredSource]) -> ResultFlag:
    zh, en = "；".join(one.label.zh for one in barred), "; ".join(one.label.en for one in barred)
    return ResultFlag.of(
        "sources_on_barriers",
        f"{len(barred)} 个源地全部位于障碍（无数据或不可通行）上，已剔除：{zh}",
        f"{len(barred)} sources lie on barriers only (no data, or impassable) and are left"
        f" out: {en}",
    )
