"""Tile tokens as they are asked for and answered."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shanhai_api.kit.answers import Document, Maybe, Moment

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


class OpenedLayers(Document):
    """A token and what it opens."""

    stored = False
    secrets = frozenset({"token"})

    token: Maybe[str] = Field(description="Not shown again")
    layers: list[str]
    expires: Moment
