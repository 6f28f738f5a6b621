"""The sources: the core areas that corridors join."""

from functools import partial

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.processes.build_network.context import RED_LINE, Scene
from shanhai.processes.build_network.importance import IMPORTANCE
from shanhai.processes.build_network.pattern import HabitatPattern
from shanhai.processes.kit.error_pointers import pointing_at
from shanhai.science.corridors.sources import (
    SourceEvidence,
    SourceParameters,
    Sources,
    identify_sources,
)

SOURCE = "source"
"""Layer of the number of the source of each cell; 0 is none."""

_POINTER = "/inputs/parameters/sources"


def find_sources(scene: Scene, pattern: HabitatPattern) -> Sources:
    """The sources among the cores of the pattern, kept as the layer `source`.

    Raises:
        InvalidInput: there are fewer than two, or too many patches to compare.
    """
    choice = scene.parameters.sources
    importance = scene.whole(IMPORTANCE) if scene.store.has(IMPORTANCE) else None
    with pointing_at(_POINTER):
        sources = scene.place.once(
            partial(
                identify_sources,
                pattern.core,
                scene.cell_m,
                SourceParameters(
                    choice.min_area_ha, choice.merge_gap_m, choice.dpc_min_percent, choice.d50_m
                ),
                SourceEvidence(importance=importance, red_line=scene.lines.get(RED_LINE)),
                scene.land_cells,
            )
        )
    _require_two(sources)
    scene.store.create(SOURCE)
    scene.store.write(SOURCE, scene.store.whole, sources.patches.labels.astype(np.float32))
    return sources


def _require_two(sources: Sources) -> None:
    if sources.patches.count >= 2:
        return
    area = float(sources.patches.area_ha[0])
    raise InvalidInput(
        f"there is one source only, of {area:.4g} ha ({sources.dropped} patches matter too "
        "little); a network joins at least two: lower min_area_ha or dpc_min_percent, or take "
        "more land as candidates",
        message_zh=f"只有一个源地（{area:.4g} 公顷；另有 {sources.dropped} 个斑块重要性不足），"
        "网络至少需要两个：请降低 min_area_ha 或 dpc_min_percent，或扩大候选区",
        pointer=f"{_POINTER}/dpc_min_percent",
    )
