"""What lies at a point, as it is answered; features are written as they are read."""

from typing import Annotated, Any, Literal

from pydantic import WithJsonSchema

from shanhai_api.kit.answers import Answered, Document, Link
from shanhai_api.negotiation import GEOJSON, HTML


class FeatureAtPoint(Answered):
    """An object at the point, without its geometry."""

    type: Literal["Feature"]
    id: str
    geometry: Annotated[None, WithJsonSchema({"type": ["object", "null"]})]
    properties: dict[str, Any]
    collection: str
    collection_title: str
    in_force: bool
    version: int
    links: list[Link]


class FeaturesAtPoint(Document):
    """Every object at a point, what is in force first."""

    template = "identify.html"
    formats = (GEOJSON, HTML)

    type: Literal["FeatureCollection"]
    point: list[float]
    features: list[FeatureAtPoint]
    numberReturned: int
    links: list[Link]
