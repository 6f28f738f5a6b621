"""What a pack says of itself, the same in every format."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from shanhai.processes.seed_tiles.contract import SeedTilesInputs
from shanhai.processes.seed_tiles.layers import legend_address
from shanhai.processes.seed_tiles.levels import Block
from shanhai.processes.seed_tiles.parts import Placed
from shanhai.processes.seed_tiles.plan import Sheet
from shanhai.processes.seed_tiles.task import Box

CENTRE_ZOOM = 9

Tiles = Callable[[Block], Iterator[Placed]]
"""Gives the tiles of a block that have something in them."""


@dataclass(frozen=True)
class PackFacts:
    """The sheet a pack is made of, how its tiles were drawn, and how many lack features."""

    sheet: Sheet
    inputs: SeedTilesInputs
    truncated: int = 0

    @property
    def bounds(self) -> Box:
        """The box of what is packed, in degrees."""
        return self.sheet.box

    @property
    def center(self) -> tuple[float, float, int]:
        """Longitude, latitude and level to begin with."""
        west, south, east, north = self.bounds
        first, last = self.sheet.zooms
        return (west + east) / 2, (south + north) / 2, min(max(CENTRE_ZOOM, first), last)

    @cached_property
    def members(self) -> dict[str, str]:
        """Names and texts that TileJSON and both formats know."""
        told = [layer.tilejson for layer in self.sheet.layers]
        credits_ = dict.fromkeys(one["en"]["attribution"] for one in told)
        lines = [one[lang]["description"] for lang in ("zh", "en") for one in told]
        return {
            "name": f"{self.sheet.title.zh} / {self.sheet.title.en}",
            "description": " / ".join(dict.fromkeys(lines)),
            "attribution": "; ".join(filter(None, credits_)),
            "type": "overlay",
            "version": "1",
        }

    @property
    def own_members(self) -> dict[str, Any]:
        """What only this platform tells: titles, versions, stand-ins, where the legend is."""
        layers = self.sheet.layers
        return {
            "title_zh": self.sheet.title.zh,
            "title_en": self.sheet.title.en,
            "layers": {layer.name: layer.version for layer in layers},
            "stand_in": any(layer.document["stand_in"] for layer in layers),
            "stand_in_notes": [note for layer in layers for note in layer.stand_in_notes],
            "truncated_tiles": self.truncated,
            "legend": [legend_address(layer, self.inputs) for layer in layers],
        }

    @property
    def vector_layers(self) -> list[dict[str, Any]]:
        """The layers inside a tile of features, with the levels of the pack."""
        first, last = self.sheet.zooms
        return [
            {**one, "minzoom": first, "maxzoom": last}
            for layer in self.sheet.layers
            for one in layer.vector_layers
        ]


def as_json(content: Any) -> str:
    """Compact JSON whose Chinese stays readable."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def whole_or_absent(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a file aside and give it its name when all is in it."""
    aside = path.with_suffix(".aside")
    aside.unlink(missing_ok=True)
    write(aside)
    aside.rename(path)
