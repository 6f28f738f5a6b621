"""Which tiles a job means: sheets of layers that share a tile, and the blocks of each level."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from shanhai.errors import Fault, LimitExceeded
from shanhai.processes.seed_tiles.contract import MOST_TILES, SeedTilesInputs
from shanhai.processes.seed_tiles.layers import SeenLayer, refuse_all, suffix_of
from shanhai.processes.seed_tiles.levels import Block, Levels, around, common
from shanhai.processes.seed_tiles.task import Box
from shanhai.vocabulary import Label


@dataclass(frozen=True, slots=True)
class Sheet:
    """Layers that share a tile: a raster alone, or features of one layer or several.

    Attributes:
        box: What is meant, in degrees.
        zooms: First and last level.
        levels: The tiles of each level.
    """

    layers: tuple[SeenLayer, ...]
    format: str
    box: Box
    zooms: tuple[int, int]
    levels: tuple[Block, ...]

    @property
    def count(self) -> int:
        """Tiles to be asked for, one of each layer."""
        return sum(level.count for level in self.levels) * len(self.layers)

    @property
    def title(self) -> Label:
        """The titles of its layers."""
        return Label(
            "、".join(layer.title.zh for layer in self.layers),
            ", ".join(layer.title.en for layer in self.layers),
        )

    def blocks(self) -> Iterator[Block]:
        """All tiles, level by level."""
        return (block for level in self.levels for block in level.blocks())


@dataclass(frozen=True, slots=True)
class SeedingPlan:
    """All that a job asks for, of layers at one version each."""

    grid: Levels
    sheets: tuple[Sheet, ...]

    @property
    def count(self) -> int:
        """Tiles to be asked for."""
        return sum(sheet.count for sheet in self.sheets)

    @property
    def versions(self) -> dict[str, str]:
        """The version of each layer."""
        return {layer.name: layer.version for sheet in self.sheets for layer in sheet.layers}

    @property
    def digest(self) -> str:
        """Changes with whatever would change a tile or which tiles are meant."""
        meant = [
            (sheet.format, sheet.levels, [(one.name, one.version, one.own) for one in sheet.layers])
            for sheet in self.sheets
        ]
        return sha256(repr(meant).encode()).hexdigest()[:32]

    def by_zoom(self) -> dict[int, int]:
        """Tiles to be asked for, by level."""
        counts: Counter[int] = Counter()
        for sheet in self.sheets:
            for level in sheet.levels:
                counts[level.zoom] += level.count * len(sheet.layers)
        return dict(sorted(counts.items()))


def make_plan(
    grid: Levels, layers: Sequence[SeenLayer], inputs: SeedTilesInputs, area: Box | None
) -> SeedingPlan:
    """The tiles that are meant.

    Raises:
        InvalidInput: levels, area or layers do not go together.
        LimitExceeded: there are too many tiles.
    """
    refuse_all(_deep_faults(grid, inputs))
    if inputs.pack != "none":
        refuse_all(_mixed_faults(layers, inputs))
    together = [layers] if inputs.pack != "none" else [[layer] for layer in layers]
    plan = SeedingPlan(grid, tuple(_sheet(grid, one, inputs, area) for one in together))
    if plan.count > MOST_TILES:
        raise _too_many(plan)
    return plan


def _sheet(
    grid: Levels, layers: Sequence[SeenLayer], inputs: SeedTilesInputs, area: Box | None
) -> Sheet:
    extent = around([layer.bounds for layer in layers])
    box = extent if area is None else common(extent, area)
    deepest = max(layer.maxzoom for layer in layers) if inputs.max_zoom is None else inputs.max_zoom
    faults = []
    if box is None:
        pointer = "/inputs/region" if inputs.region is not None else "/inputs/bbox"
        names, words = ", ".join(layer.name for layer in layers), _in_words(extent)
        faults.append(
            Fault(
                pointer,
                f"the area does not touch {names}, which lies in {words}",
                f"所给范围与 {names} 不相交，该图层范围为 {words}",
            )
        )
    if deepest < inputs.min_zoom:
        faults.append(
            Fault(
                "/inputs/min_zoom",
                f"min_zoom is {inputs.min_zoom}; {layers[0].name} shows no more below {deepest}",
                f"min_zoom 为 {inputs.min_zoom}；图层 {layers[0].name} 最深为 {deepest} 级",
            )
        )
    refuse_all(faults)
    meant = box or extent
    spans = (grid.touching(zoom, meant) for zoom in range(inputs.min_zoom, deepest + 1))
    levels = tuple(span for span in spans if span is not None)
    return Sheet(
        tuple(layers), suffix_of(layers[0], inputs), meant, (inputs.min_zoom, deepest), levels
    )


def _deep_faults(grid: Levels, inputs: SeedTilesInputs) -> list[Fault]:
    given = {"min_zoom": inputs.min_zoom, "max_zoom": inputs.max_zoom}
    return [
        Fault(
            f"/inputs/{name}",
            f"{name} is {zoom}; {grid.id} ends with level {grid.deepest}",
            f"{name} 为 {zoom}；{grid.id} 最深为 {grid.deepest} 级",
        )
        for name, zoom in given.items()
        if zoom is not None and zoom > grid.deepest
    ]


def _mixed_faults(layers: Sequence[SeenLayer], inputs: SeedTilesInputs) -> list[Fault]:
    if len(layers) == 1 or all(layer.kind == "vector" for layer in layers):
        return []
    raster = next(layer.name for layer in layers if layer.kind != "vector")
    return [
        Fault(
            "/inputs/layers",
            f"a pack holds one raster, or layers of features; {raster} is a raster beside others",
            f"一个瓦片包只能含一个栅格图层或若干矢量图层；{raster} 是栅格",
        )
    ]


def _too_many(plan: SeedingPlan) -> LimitExceeded:
    counts = plan.by_zoom()
    told = ", ".join(f"{zoom}: {count:,}" for zoom, count in counts.items() if count > 1)
    fits = _fitting(counts)
    advice = "" if fits is None else f"; down to level {fits} they are few enough"
    advice_zh = "" if fits is None else f"；到第 {fits} 级为止则不超限"
    return LimitExceeded(
        f"{plan.count:,} tiles are meant (by level {told}); at most {MOST_TILES:,} are allowed"
        f" in one job: choose a smaller area or fewer levels{advice}",
        message_zh=f"共需 {plan.count:,} 个瓦片（各级 {told}），每个作业上限为 {MOST_TILES:,}；"
        f"请缩小范围或减少级别{advice_zh}",
        pointer="/inputs/max_zoom",
    )


def _fitting(counts: dict[int, int]) -> int | None:
    """The last level down to which the tiles are few enough, if any."""
    total, fits = 0, None
    for zoom, count in counts.items():
        total += count
        if total > MOST_TILES:
            break
        fits = zoom
    return fits


def _in_words(box: Box) -> str:
    return ", ".join(f"{side:.6g}" for side in box)
