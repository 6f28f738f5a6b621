"""What the places outside the process have in common where tiles are kept."""

from typing import Protocol

from shanhai_tiles.keeping.tile import Tile


class Store(Protocol):
    """Tiles that several processes see; anything in it may be lost at any moment.

    No failure of it is ever an error: it is a tile that is not there.
    """

    async def get(self, key: str) -> Tile | None:
        """The tile, or None where it is not, or damaged, or the store away."""

    async def put(self, key: str, tile: Tile) -> None:
        """Keep a tile, if that is possible."""

    async def claim(self, key: str) -> bool:
        """Whether the caller should draw the tile: nobody else is known to."""

    async def release(self, key: str) -> None:
        """Take back a claim."""

    async def close(self) -> None:
        """Let go of what it holds open."""


class NoStore:
    """Nothing is kept outside the process."""

    async def get(self, key: str) -> Tile | None:
        """Nothing."""
        return None

    async def put(self, key: str, tile: Tile) -> None:
        """Nothing is kept."""

    async def claim(self, key: str) -> bool:
        """Nobody else can know."""
        return True

    async def release(self, key: str) -> None:
        """There is no claim."""

    async def close(self) -> None:
        """There is nothing open."""
