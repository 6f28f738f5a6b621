"""Tile tokens as they are asked for and shown."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shanhai.db.tile_tokens import TileToken
from shanhai.jobs.results import rfc3339

MOST_LAYERS = 20
USUAL_S = 900

LayerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]


class NewTileToken(BaseModel):
    """A token to be made."""

    model_config = ConfigDict(extra="forbid")

    layers: list[LayerName] = Field(
        min_length=1, max_length=MOST_LAYERS, description="Layers of the tile service it opens"
    )
    seconds: int = Field(USUAL_S, ge=10, description="For how long it is valid")


def describe_token(token: TileToken, text: str) -> dict[str, Any]:
    """A token as it is shown, once."""
    end = datetime.fromtimestamp(token.expires_at, UTC)
    return {"token": text, "layers": sorted(token.layers), "expires": rfc3339(end)}
