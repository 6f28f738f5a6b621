"""Bodies of SensorThings requests. What a service derives itself is read over."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from shanhai_api.kit.body import Body

Name = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Text = Annotated[str, StringConstraints(max_length=4_000)]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=250)]
Properties = dict[str, Any]
MOST_DATASTREAMS = 200
MOST_OBSERVATIONS = 10_000


class Reference(BaseModel):
    """An entity there is, by its id; whatever else is said of it is read over."""

    model_config = ConfigDict(extra="ignore", defer_build=True)

    id: Identifier = Field(alias="@iot.id", description="Id")


READ_BACK: JsonDict = {
    "patternProperties": {
        r"@iot\.(selfLink|navigationLink|nextLink)$": {"description": "Read over"}
    }
}
"""Clients send back what they have read, with its links."""


class Entity(BaseModel):
    """An entity; with the id of one there is, it means that one."""

    model_config = ConfigDict(extra="forbid", defer_build=True, json_schema_extra=READ_BACK)

    id: Identifier | None = Field(None, alias="@iot.id", description="Id, to refer to or to give")


class LocationBody(Entity):
    """A point where Things are, or none is yet."""

    name: Name | None = Field(None, description="Name")
    description: Text | None = Field(None, description="Description")
    encodingType: Name | None = Field(None, description="`application/geo+json`")
    location: Properties | None = Field(None, description="GeoJSON Point, or Feature with one")
    properties: Properties | None = Field(None, description="Anything else")
    Things: list[Reference] | None = Field(
        None, max_length=100, description="The Things that are there"
    )


class HistoricalLocationBody(Entity):
    """Since when a Thing was at a Location there is."""

    time: Text | None = Field(None, description="An instant with its offset from UTC")
    Thing: Reference | None = Field(None, description="The Thing")
    Locations: list[Reference] | None = Field(None, max_length=1, description="Where it was")


class SensorBody(Entity):
    """The procedure that makes values."""

    name: Name | None = Field(None, description="Name")
    description: Text | None = Field(None, description="Description")
    encodingType: Name | None = Field(None, description="Media type of the metadata")
    metadata: Any = Field(None, description="What is known of it")
    properties: Properties | None = Field(None, description="Anything else")


class ObservedPropertyBody(Entity):
    """What is observed; `definition` or `properties.code` can name one there is.

    Without an id it is given one; without a unit it takes that of its first Datastream.
    """

    name: Name | None = Field(None, description="Name")
    definition: Text | None = Field(None, description="Address of the definition")
    description: Text | None = Field(None, description="Description")
    properties: Properties | None = Field(None, description="`code`, `unit`, `medium` …")


class Unit(Body):
    """A unit, told by its symbol."""

    name: Text | None = Field(None, description="Name")
    symbol: Text | None = Field(None, description="Symbol, such as `mg/L`")
    definition: Text | None = Field(None, description="Address of the definition")


class ObservationBody(Entity):
    """A value at a time."""

    phenomenonTime: Text | None = Field(
        None, description="When; an instant with its offset from UTC. Default: now"
    )
    resultTime: Text | None = Field(
        None, description="When the result was known; an instant with its offset from UTC"
    )
    result: Any = Field(None, description="The value: a number")
    resultQuality: Any = Field(None, description="Code of the quality; default `valid`")
    validTime: Any = Field(None, description="Read over")
    parameters: Any = Field(None, description="Read over")
    Datastream: Reference | None = Field(None, description="The series it belongs to, by its id")
    FeatureOfInterest: Any = Field(
        None, description="What it is of, by its id, or described; default the station's place"
    )


class FeatureBody(Entity):
    """What values are of, where that is not the place of their station."""

    name: Name | None = Field(None, description="Name")
    description: Text | None = Field(None, description="Description")
    encodingType: Name | None = Field(None, description="`application/geo+json`")
    feature: Properties | None = Field(None, description="GeoJSON geometry, or Feature with one")
    properties: Properties | None = Field(None, description="Anything else")


class DatastreamBody(Entity):
    """The series of one property at one station."""

    name: Name | None = Field(None, description="Name")
    description: Text | None = Field(None, description="Description")
    observationType: Text | None = Field(None, description="OM_Measurement")
    unitOfMeasurement: Unit | None = Field(
        None, description="The unit results come in: that of the property"
    )
    observedArea: Any = Field(None, description="Read over")
    phenomenonTime: Any = Field(None, description="Read over")
    resultTime: Any = Field(None, description="Read over")
    properties: Properties | None = Field(None, description="Anything else")
    Thing: "ThingBody | None" = Field(None, description="The station")
    Sensor: SensorBody | None = Field(None, description="The procedure")
    ObservedProperty: ObservedPropertyBody | None = Field(None, description="What is observed")
    Observations: list[ObservationBody] = Field(
        default_factory=list, max_length=MOST_OBSERVATIONS, description="First values"
    )


class ThingBody(Entity):
    """A station; `properties` has `kind`, `region`, `owner`, `interval_s` and anything else."""

    name: Name | None = Field(None, description="Name, in both languages")
    description: Text | None = Field(None, description="Description")
    properties: Properties | None = Field(None, description="Members of the station, and others")
    Locations: list[LocationBody] = Field(
        default_factory=list, max_length=1, description="Where it is"
    )
    Datastreams: list[DatastreamBody] = Field(
        default_factory=list, max_length=MOST_DATASTREAMS, description="Its series"
    )


class DataArray(Body):
    """Observations of one Datastream as a table."""

    Datastream: Reference = Field(description="The series, by its id")
    components: list[Name] = Field(max_length=10, description="What the columns are")
    count: Any = Field(None, alias="dataArray@iot.count", description="Read over")
    dataArray: list[Any] = Field(description="The rows")


class DataArrays(BaseModel):
    """What `CreateObservations` takes; on the wire it is the list alone."""

    value: list[DataArray] = Field(max_length=MOST_OBSERVATIONS)
