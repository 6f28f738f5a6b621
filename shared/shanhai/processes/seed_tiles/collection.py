"""Asking for the tiles of a plan, block by block, and keeping what is finished."""

import gzip
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from shanhai.errors import LimitExceeded
from shanhai.processes.kit.process import Progress
from shanhai.processes.seed_tiles.contract import SeedTilesInputs
from shanhai.processes.seed_tiles.layers import SeenLayer, chosen, drawn
from shanhai.processes.seed_tiles.levels import Block
from shanhai.processes.seed_tiles.parts import Parts, Placed, TileTally
from shanhai.processes.seed_tiles.plan import SeedingPlan, Sheet
from shanhai.processes.seed_tiles.service import CONNECTIONS, Tile, TileService, layer_path

COLLECTED = 90.0
"""Per cent of a job that is done when all tiles are there."""
MOST_BYTES = 16 * 1024**3
"""Bytes of tiles that one pack may be made of."""


GZIP_LEVEL = 6


class LayerChanged(Exception):
    """A layer is no longer the version whose tiles are being collected."""

    def __init__(self, layer: str) -> None:
        super().__init__(layer)
        self.layer = layer


class Collector:
    """Collects the tiles of one plan.

    Args:
        service: Whom they are asked from.
        plan: Which they are.
        inputs: How they are drawn.
        folder: Where finished blocks are kept.
    """

    def __init__(
        self, service: TileService, plan: SeedingPlan, inputs: SeedTilesInputs, folder: Path
    ) -> None:
        self._service = service
        self._plan = plan
        self._packs = inputs.pack != "none"
        self._parameters = {**chosen(inputs), **drawn(inputs)}
        self._parts = [
            Parts(folder / str(number), content=self._packs) for number in range(len(plan.sheets))
        ]

    def collect(self, progress: Progress) -> dict[int, TileTally]:
        """Have every tile drawn, once; numbers by level.

        Raises:
            LayerChanged: a tile is of another version than its layer had when this began.
            LimitExceeded: the tiles of a pack take more room than they may.
        """
        tallies: dict[int, TileTally] = {}
        done, kept = 0, 0
        with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="tiles") as pool:
            for number, block in self._blocks():
                progress(COLLECTED * done / max(self._plan.count, 1), f"zoom:{block.zoom}")
                tally = self._made(pool, number, block)
                tallies[block.zoom] = tallies.get(block.zoom, TileTally()) + tally
                done += block.count * len(self._plan.sheets[number].layers)
                kept += tally.bytes
                if self._packs and kept > MOST_BYTES:
                    raise _too_large(block.zoom)
        return tallies

    def tiles(self, block: Block) -> Iterator[Placed]:
        """What was collected of a block of the one sheet that a pack is made of."""
        return self._parts[0].read(block)

    def _blocks(self) -> Iterator[tuple[int, Block]]:
        """Numbers of sheets and blocks, level by level, so that all layers get on together."""
        levels = [
            (level.zoom, number, level)
            for number, sheet in enumerate(self._plan.sheets)
            for level in sheet.levels
        ]
        for _, number, level in sorted(levels, key=lambda one: one[:2]):
            yield from ((number, block) for block in level.blocks())

    def _made(self, pool: Executor, number: int, block: Block) -> TileTally:
        """The numbers of a block that an earlier attempt finished, or that is made now."""
        parts, sheet = self._parts[number], self._plan.sheets[number]
        found = parts.tally(block)
        if found is not None:
            return found
        tiles = pool.map(lambda place: self._tile(sheet, block.zoom, *place), block.tiles())
        return parts.write(block, tiles)

    def _tile(self, sheet: Sheet, zoom: int, column: int, row: int) -> Placed:
        """The tile with the features of all layers; a protobuf after another is one message."""
        found = [self._of_layer(sheet, layer, zoom, column, row) for layer in sheet.layers]
        content = b"".join(tile.content for tile in found)
        if self._packs and sheet.format == "mvt" and content:
            content = gzip.compress(content, GZIP_LEVEL, mtime=0)
        return Placed(zoom, column, row, content, any(tile.truncated for tile in found))

    def _of_layer(self, sheet: Sheet, layer: SeenLayer, zoom: int, column: int, row: int) -> Tile:
        tail = f"/tiles/{self._plan.grid.id}/{zoom}/{column}/{row}.{sheet.format}"
        tile = self._service.tile(
            layer_path(layer.name, tail),
            {**self._parameters, "v": layer.version},
            own=layer.own,
        )
        if not tile.current:
            raise LayerChanged(layer.name)
        return tile


def _too_large(zoom: int) -> LimitExceeded:
    limit = MOST_BYTES // 1024**3
    return LimitExceeded(
        f"the tiles take more than {limit} GiB by level {zoom}; choose a smaller area or fewer"
        " levels",
        message_zh=f"到第 {zoom} 级瓦片已超过 {limit} GiB；请缩小范围或减少级别",
        pointer="/inputs/max_zoom",
    )
