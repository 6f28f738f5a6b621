"""Sources that lie on barriers only: left out and named."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from shanhai.errors import InvalidInput
from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.resistance import RESISTANCE
from shanhai.processes.build_network.sources import Habitat
from shanhai.processes.kit.geometry import point_at
from shanhai.science.corridors.patches import Patches
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
