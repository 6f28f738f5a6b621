"""Ecological sources: where they may lie, from which core areas movement starts, and their rank."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.corridors import connectivity
from shanhai.science.corridors.natural_breaks import natural_breaks
from shanhai.science.corridors.patches import Patches, core_patches, eroded, patch_distances
from shanhai.science.corridors.source_parameters import (
    DEFAULT_PARAMETERS,
    NO_EVIDENCE,
    SourceEvidence,
    SourceParameters,
)
from shanhai.science.flags import IndicatorRemark
from shanhai.science.grid import SQUARE_METRES_PER_HECTARE, BoolArray, FloatArray, IntArray
from shanhai.vocabulary import Label

CANDIDATE_QUANTILE = 0.80
"""Cells from this quantile of the importance on are candidates."""

Layers = Mapping[str, FloatArray]
"""Supply of each service, normalised to 0–1; NaN is nodata."""


def entropy_weights(supplies: Layers) -> dict[str, float]:
    """Weights by how unevenly a service is spread: `w = (1 − e)/Σ(1 − e)`.

    `e = −Σ p·ln p/ln N`, `p = Ê/ΣÊ`, over the N cells that are valid in all layers.

    Args:
        supplies: At least one layer.

    Returns:
        Weight by service, ≥ 0, sum 1; a constant layer has 0.

    Raises:
        InvalidInput: every layer is constant, or fewer than two cells are valid.

    Source: Shannon 1948; entropy weight method.
    """
    valid = _valid(supplies)
    count = int(np.count_nonzero(valid))
    if count < 2:
        raise InvalidInput(
            f"{count} cells are valid in all {len(supplies)} services; entropy needs at least two",
            message_zh=f"{len(supplies)} 项服务共同有效的像元为 {count} 个，熵权法至少需两个",
            pointer="/supplies",
        )
    contrast = {name: _contrast(layer[valid]) for name, layer in supplies.items()}
    whole = sum(contrast.values())
    if whole <= 0:
        raise InvalidInput(
            f"all services are constant ({', '.join(supplies)}); entropy tells none from another",
            message_zh=f"各项服务均为常数（{'、'.join(supplies)}），熵权法无法赋权",
            pointer="/supplies",
        )
    return {name: one / whole for name, one in contrast.items()}


def _contrast(values: FloatArray) -> float:
    """1 − e of a layer; 0 where all values are equal."""
    if values.min() == values.max():
        return 0.0
    positive = values[values > 0] / values.sum()
    entropy = -float(np.sum(positive * np.log(positive))) / math.log(values.size)
    return max(1.0 - entropy, 0.0)


def importance_index(
    supplies: Layers,
    weights: Mapping[str, float] | None = None,
    sensitivity: FloatArray | None = None,
) -> FloatArray:
    """Importance of each cell, `I = Σ w·Ê`.

    Args:
        supplies: At least one layer.
        weights: By service, ≥ 0, divided by their sum; equal without them.
        sensitivity: 0–1, as of erosion or the coast; it lifts a cell to its own value, by the
            maximum, and is passed over where it is NaN.

    Returns:
        0–1; NaN where any supply is.

    Raises:
        InvalidInput: there is no layer, a service has no weight or a weight no service, a weight is
            negative or all are 0.
    """
    shares = _shares(supplies, weights)
    index = np.zeros(next(iter(supplies.values())).shape)
    for name, layer in supplies.items():
        index += shares[name] * layer
    if sensitivity is not None:
        index = np.where(np.isnan(index), np.nan, np.fmax(index, sensitivity))
    return index


def candidate_cells(
    importance: FloatArray,
    *,
    quantile: float = CANDIDATE_QUANTILE,
    protected: Sequence[BoolArray] = (),
    habitats: Sequence[BoolArray] = (),
    min_area_ha: float = 0.0,
    cell_m: float = 1.0,
) -> BoolArray:
    """Cells in which sources may lie.

    Args:
        importance: I of the land; NaN off it.
        quantile: Cells of at least this quantile of I are candidates, 0–1.
        protected: Red line, nature reserves: candidates whatever they give.
        habitats: Water bodies, mangrove: candidates where a connected piece of the same kind is
            at least `min_area_ha` large.
        min_area_ha: Least area of a habitat, ha.
        cell_m: Side of a cell, m.

    Raises:
        InvalidInput: no cell of the importance is valid, or the quantile is not one.
    """
    land = ~np.isnan(importance)
    if not land.any() or not 0 <= quantile <= 1:
        raise InvalidInput(
            f"the quantile {quantile} of {int(land.sum())} valid cells is asked for; "
            "it must lie between 0 and 1, with at least one valid cell",
            message_zh=f"要求 {int(land.sum())} 个有效像元的 {quantile} 分位数；"
            "分位数须在 0 与 1 之间且至少有一个有效像元",
            pointer="/quantile",
        )
    candidates: BoolArray = land & (importance >= np.quantile(importance[land], quantile))
    for mask in protected:
        candidates |= mask
    for habitat in habitats:
        candidates |= core_patches(habitat, cell_m, min_area_ha).labels > 0
    return candidates


def _valid(supplies: Layers) -> BoolArray:
    _require_layers(supplies)
    return np.asarray(~np.isnan(np.stack(list(supplies.values()))).any(axis=0))


def _shares(supplies: Layers, weights: Mapping[str, float] | None) -> dict[str, float]:
    _require_layers(supplies)
    given = dict.fromkeys(supplies, 1.0) if weights is None else dict(weights)
    whole = sum(given.values())
    if set(given) != set(supplies) or min(given.values()) < 0 or not 0 < whole < np.inf:
        raise InvalidInput(
            f"weights are {given} for the services {', '.join(supplies)}; "
            "every service needs one, none negative, not all 0",
            message_zh=f"权重 {given} 与服务 {'、'.join(supplies)} 不符；"
            "每项服务须有权重，不得为负或全为 0",
            pointer="/weights",
        )
    return {name: weight / whole for name, weight in given.items()}


def _require_layers(supplies: Layers) -> None:
    if not supplies:
        raise InvalidInput(
            "there is no service; the importance needs at least one",
            message_zh="没有任何服务图层，重要性至少需要一项",
            pointer="/supplies",
        )


USUAL_SHARE = (0.05, 0.45)
"""Part of the area that sources take in published studies (13.7 to 23.4 %, with a margin)."""

LEVEL_CLASSES = 3
"""Natural breaks of dPC; the upper class is level 1."""

MOST_PATCHES = 2000
"""The time grows with the third power of the number."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources, by descending area.

    Attributes:
        patches: Cells and areas; the area is all core area.
        level: 1 for the upper natural break of dPC, 2 for the rest.
        dpc: dPC and its parts, %, among all patches that were large enough.
        diic: dIIC, %, likewise.
        dpc_by_d50: dPC by d50 in m, to see how far it rests on it.
        importance: Mean I; NaN where unknown.
        red_line_share: Part within the red line, 0–1; NaN where unknown.
        dropped: Patches that were large enough but matter too little.
        highest_dpc: Of all patches, %.
        remarks: What a reader must know.
        eroded: Cells of a divided patch that belong to none of its cores.
    """

    patches: Patches
    level: IntArray
    dpc: connectivity.Importance
    diic: FloatArray
    dpc_by_d50: Mapping[float, FloatArray]
    importance: FloatArray
    red_line_share: FloatArray
    dropped: int
    highest_dpc: float
    remarks: tuple[IndicatorRemark, ...]
    eroded: BoolArray

    def kept(self, keep: BoolArray) -> "Sources":
        """Some of the sources, numbered anew; their figures stay those among all patches."""
        dpc = self.dpc
        return replace(
            self,
            patches=self.patches.kept(keep),
            level=self.level[keep],
            dpc=connectivity.Importance(
                dpc.total[keep], dpc.intra[keep], dpc.flux[keep], dpc.connector[keep]
            ),
            diic=self.diic[keep],
            dpc_by_d50={d50: values[keep] for d50, values in self.dpc_by_d50.items()},
            importance=self.importance[keep],
            red_line_share=self.red_line_share[keep],
        )


def find_patches(core: BoolArray, cell_m: float, parameters: SourceParameters) -> Patches:
    """The patches among which sources are sought, the largest one eroded where it shall be.

    Args:
        core: Core cells.
        cell_m: Side of a cell, m.
        parameters: Sizes.
    """
    least, gap = parameters.min_area_ha, parameters.merge_gap_m
    patches = core_patches(core, cell_m, least, gap)
    if not parameters.erosion_cells:
        return patches
    largest = patches.labels == 1
    left = eroded(largest, parameters.erosion_cells)
    return core_patches((patches.labels > 1) | left, cell_m, least, gap)


def identify_sources(
    core: BoolArray,
    cell_m: float,
    parameters: SourceParameters = DEFAULT_PARAMETERS,
    evidence: SourceEvidence = NO_EVIDENCE,
    area_cells: int | None = None,
) -> Sources:
    """Sources among the core areas of the pattern.

    A patch is kept that has `dPC ≥ dpc_min`, or, with `pc_share`, is one of those that hold this
    share of PC by themselves, the largest dPC first; and one with red-line area of at least
    `min_area_ha`.

    Args:
        core: Core cells.
        cell_m: Side of a cell, m.
        parameters: Sizes and thresholds.
        evidence: Importance, quality, red line.
        area_cells: Cells of the study area, of which the share of the sources is taken; all cells
            without it.

    Raises:
        InvalidInput: no core is large enough or none matters enough, there are more patches than
            can be compared, a parameter is out of range, or a patch has no quality.
    """
    patches = find_patches(core, cell_m, parameters)
    _require_patches(core, patches, parameters)
    found = choose_sources(core, patches, cell_m, parameters, evidence, area_cells)
    if not found.patches.count:
        raise _none_matters(found, parameters)
    return found


def choose_sources(
    core: BoolArray,
    patches: Patches,
    cell_m: float,
    parameters: SourceParameters,
    evidence: SourceEvidence,
    area_cells: int | None,
) -> Sources:
    """As `identify_sources`, of patches that were found; there may be no source among them.

    Args:
        core: Core cells.
        patches: Of `find_patches` by the same parameters, at least one.
        cell_m: Side of a cell, m.
        parameters: Sizes and thresholds.
        evidence: Importance, quality, red line.
        area_cells: Cells of the study area; all cells without it.

    Raises:
        InvalidInput: there are more patches than can be compared, or a patch has no quality.
    """
    _require_comparable(patches, parameters)
    distances = patch_distances(patches.labels, patches.count, cell_m)
    amounts = _amounts(patches, evidence)
    by_d50 = connectivity.importance_by_dispersal(
        amounts, distances, (parameters.d50_m, *connectivity.SENSITIVITY_DISPERSAL_M)
    )
    dpc = by_d50[parameters.d50_m]
    diic = connectivity.patch_importance(
        connectivity.link_graph(amounts, distances, parameters.d50_m)
    )
    red_line = _share(patches, evidence.red_line)
    matters = _mattering(amounts, distances, dpc.total, parameters)
    keep = matters | _protected(patches, red_line, parameters)
    kept = patches.kept(keep)
    share = kept.area_ha.sum() * SQUARE_METRES_PER_HECTARE / cell_m**2 / (area_cells or core.size)
    every = Sources(
        patches=patches,
        level=np.ones(patches.count, dtype=np.int64),
        dpc=dpc,
        diic=diic.total,
        dpc_by_d50={d50: one.total for d50, one in by_d50.items()},
        importance=_mean(patches, evidence.importance),
        red_line_share=red_line,
        dropped=int(np.count_nonzero(~keep)),
        highest_dpc=float(dpc.total.max()),
        remarks=_remarks(float(share), kept.count),
        eroded=_eroded_cells(core, cell_m, patches, parameters),
    )
    return replace(every.kept(keep), level=source_levels(dpc.total[keep]))


def _mattering(
    amounts: FloatArray, distances: FloatArray, dpc: FloatArray, parameters: SourceParameters
) -> BoolArray:
    """Patches that matter enough: by their dPC, or for the share of PC."""
    if not parameters.pc_share:
        return np.asarray(dpc >= parameters.dpc_min)
    graph = connectivity.dispersal_graph(amounts, distances, parameters.d50_m)
    # Of equal dPC the larger patch comes first: they are numbered by area.
    order = np.argsort(-dpc, kind="stable")
    return connectivity.patches_holding(graph, order, parameters.pc_share, least=2)


def _eroded_cells(
    core: BoolArray, cell_m: float, patches: Patches, parameters: SourceParameters
) -> BoolArray:
    """Cells of the divided patch that belong to none of its cores."""
    if not parameters.erosion_cells:
        return np.zeros(core.shape, dtype=bool)
    whole = find_patches(core, cell_m, replace(parameters, erosion_cells=0))
    return np.asarray((whole.labels == 1) & (patches.labels == 0))


def source_levels(dpc: FloatArray) -> IntArray:
    """1 for sources in the upper of three natural breaks of dPC, 2 for the rest.

    Where all are alike, all are of level 1.
    """
    breaks = natural_breaks(dpc, LEVEL_CLASSES) if dpc.size else dpc
    lowest = breaks[-1] if breaks.size else -np.inf
    return np.where(dpc >= lowest, 1, 2).astype(np.int64)


def _amounts(patches: Patches, evidence: SourceEvidence) -> FloatArray:
    if evidence.quality is None:
        return patches.area_ha
    quality = patches.mean(evidence.quality)
    unknown = int(np.count_nonzero(np.isnan(quality)))
    if unknown:
        raise InvalidInput(
            f"the quality is unknown in all cells of {unknown} of {patches.count} patches",
            message_zh=f"{patches.count} 个斑块中有 {unknown} 个完全没有质量数据",
            pointer="/quality",
        )
    return patches.area_ha * quality


def _protected(patches: Patches, red_line: FloatArray, parameters: SourceParameters) -> BoolArray:
    """Patches that are kept for the sake of the red line."""
    least = parameters.min_area_ha * (1 - 1e-12)
    # Of no red line at all nothing is kept for its sake, even where no least area is asked for.
    return np.asarray((patches.area_ha * red_line >= least) & (red_line > 0))


def _none_matters(found: Sources, parameters: SourceParameters) -> InvalidInput:
    return InvalidInput(
        f"none of {found.dropped} patches has a dPC of {parameters.dpc_min:g} % "
        f"(highest {found.highest_dpc:.3g} %); lower dpc_min",
        message_zh=f"{found.dropped} 个斑块的 dPC 均低于 {parameters.dpc_min:g} %"
        f"（最高 {found.highest_dpc:.3g} %），请降低 dpc_min",
        pointer="/dpc_min",
    )


def _share(patches: Patches, mask: BoolArray | None) -> FloatArray:
    return np.full(patches.count, np.nan) if mask is None else patches.share(mask)


def _mean(patches: Patches, values: FloatArray | None) -> FloatArray:
    return np.full(patches.count, np.nan) if values is None else patches.mean(values)


def _require_patches(core: BoolArray, patches: Patches, parameters: SourceParameters) -> None:
    if not patches.count:
        raise InvalidInput(
            f"none of the core areas ({int(core.sum())} cells) has {parameters.min_area_ha:g} ha; "
            "lower min_area_ha or take finer cells",
            message_zh=f"核心区（{int(core.sum())} 个像元）均不足 {parameters.min_area_ha:g} 公顷，"
            "请降低 min_area_ha 或采用更细的像元",
            pointer="/min_area_ha",
        )


def _require_comparable(patches: Patches, parameters: SourceParameters) -> None:
    if patches.count > MOST_PATCHES:
        raise InvalidInput(
            f"{patches.count} patches have {parameters.min_area_ha:g} ha; at most {MOST_PATCHES} "
            "can be compared with one another: raise min_area_ha",
            message_zh=f"达到 {parameters.min_area_ha:g} 公顷的斑块有 {patches.count} 个，"
            f"至多可比较 {MOST_PATCHES} 个，请提高 min_area_ha",
            pointer="/min_area_ha",
        )


def _remarks(share: float, count: int) -> tuple[IndicatorRemark, ...]:
    found = []
    low, high = USUAL_SHARE
    if not low <= share <= high:
        found.append(_unusual_share(share))
    if count == 1:
        found.append(SINGLE_SOURCE)
    return tuple(found)


def _unusual_share(share: float) -> IndicatorRemark:
    low, high = USUAL_SHARE
    return IndicatorRemark(
        "source_share",
        Label(
            f"源地占研究区 {share:.1%}，通常为 {low:.0%}–{high:.0%}，请核对参数。",
            f"Sources take {share:.1%} of the area; usual are {low:.0%} to {high:.0%}: "
            "check the parameters.",
        ),
    )


SINGLE_SOURCE = IndicatorRemark(
    "single_source",
    Label(
        "只有一个源地，无法构建廊道。", "There is one source only: there are no corridors to find."
    ),
)
