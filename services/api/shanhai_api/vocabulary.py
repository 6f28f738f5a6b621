"""`/ecoservices` and `/properties`: what is spoken of, and what is observed."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Path
from pydantic import Field, field_validator, model_validator

from shanhai.db.observations import properties
from shanhai.db.tables import observation as tables
from shanhai.monitoring.units import UNITS
from shanhai.validation import broken_at, codes_once
from shanhai.vocabulary import ECOSERVICES, MEDIA, codes
from shanhai_api.kit import dependencies
from shanhai_api.kit.answers import (
    Answer,
    Answered,
    CodeNamed,
    Document,
    Link,
    Maybe,
    Moment,
    one_of,
)
from shanhai_api.kit.body import ENGLISH_NAME, Body, JsonBody, called_in_both
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import View

router = APIRouter(tags=["vocabulary"], route_class=Route)


class Ecoservice(CodeNamed):
    """An ecosystem service of the method."""


class Ecoservices(Document):
    """The ecosystem services of the method."""

    ecoservices: list[Ecoservice]
    links: list[Link]


@router.get("/ecoservices", summary="The seven ecosystem services")
async def list_ecoservices(view: dependencies.TheView, caller: dependencies.Reader) -> Ecoservices:
    """List the ecosystem services of the method."""
    services = [
        Ecoservice(
            code=term.code,
            name=term.label.in_(view.lang),
            name_zh=term.label.zh,
            name_en=term.label.en,
        )
        for term in ECOSERVICES
    ]
    return Ecoservices(ecoservices=services, links=view.self_links("/ecoservices"))


LARGEST = 1e15
CODE = r"^[a-z][a-z0-9_]{0,63}$"
OTHER_CODE = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"


class ChangedProperty(Body):
    """What is to be changed of a property; what is left out stays."""

    name_zh: str = Field(
        default_factory=str, min_length=1, max_length=200, description="Name in Chinese"
    )
    name_en: str = Field(
        default_factory=str, min_length=1, max_length=200, description="Name in English"
    )
    medium: str = Field(default_factory=str, description=f"One of {', '.join(codes(MEDIA))}")
    unit: str = Field(default_factory=str, max_length=32, description="Unit its values are kept in")
    low: float | None = Field(
        None, ge=-LARGEST, le=LARGEST, description="Least possible value; null: no limit"
    )
    high: float | None = Field(
        None, ge=-LARGEST, le=LARGEST, description="Largest possible value; null: no limit"
    )
    decimals: int = Field(2, ge=0, le=12, description="Decimals worth showing")
    moves: bool = Field(True, description="Equal values for long mean that the sensor hangs")
    hj525: str | None = Field(None, pattern=OTHER_CODE, description="Its code in HJ 525")
    aliases: list[str] = Field([], max_length=20, description="Other codes it is known by")
    standard: str | None = Field(None, max_length=200, description="Standard that defines it")
    raw_years: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Years its values are kept; statistics stay. null: for ever",
    )

    @field_validator("medium")
    @classmethod
    def check_medium(cls, medium: str) -> str:
        """A closed list."""
        if medium not in codes(MEDIA):
            raise ValueError(f"must be one of {', '.join(codes(MEDIA))} / 须为所列之一")
        return medium

    @field_validator("unit")
    @classmethod
    def check_unit(cls, unit: str) -> str:
        """Values are converted to it, so it must be known."""
        if unit not in UNITS:
            raise ValueError(f"must be one of {', '.join(UNITS)} / 须为所列单位之一")
        return unit

    _aliases = field_validator("aliases")(codes_once(64))

    @property
    def given(self) -> dict[str, Any]:
        """The members that were given."""
        return self.model_dump(include=self.model_fields_set)


class NewProperty(ChangedProperty):
    """A property to be made."""

    code: str = Field(pattern=CODE, description="What observations name it by")
    name_zh: str = Field(min_length=1, max_length=200, description="Name in Chinese")
    name_en: str = ENGLISH_NAME
    medium: str = Field(description=f"One of {', '.join(codes(MEDIA))}")
    unit: str = Field(max_length=32, description="Unit its values are kept in")

    call_in_both = model_validator(mode="before")(called_in_both)

    @model_validator(mode="after")
    def check_range(self) -> Self:
        """Some value is possible."""
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise broken_at("high", rule="low must be below high / 下限须小于上限")
        return self


class Range(Body):
    """Which values are possible at one station."""

    low: float | None = Field(..., ge=-LARGEST, le=LARGEST, description="null: no limit")
    high: float | None = Field(..., ge=-LARGEST, le=LARGEST, description="null: no limit")


class StationRange(Answered):
    """The range a station has of its own."""

    station: str
    low: float | None
    high: float | None


class ObservedProperty(CodeNamed, Document):
    """A property as it is shown."""

    medium: Annotated[str, one_of(MEDIA)]
    unit: str
    low: float | None
    high: float | None
    decimals: int
    moves: bool
    hj525: str | None
    aliases: list[str]
    standard: str | None
    raw_years: int | None
    raw_since: Moment | None
    variant_of: str | None = Field(
        description="The property it is the same as, in a unit that does not convert to that one's:"
        " values of the two are never taken together"
    )
    updated: Moment = Field(validation_alias="updated_at")
    ranges: Maybe[list[StationRange]] = Field(None, description="Of one property only")
    links: Maybe[list[Link]] = None

    @classmethod
    def of(cls, row: tables.ObservedProperty, view: View, **others: Any) -> Self:
        """A property as it is shown."""
        name = row.name_zh if view.lang == "zh" else row.name_en
        return cls.from_row(row, name=name, **{"ranges": None, "links": None, **others})


class ObservedProperties(Document):
    """What can be observed."""

    template = "properties.html"

    properties: list[ObservedProperty]
    links: list[Link]


observed = APIRouter(tags=["monitoring"], route_class=Route)
Code = Annotated[str, Path(max_length=64, description="Code of the property")]
StationCode = Annotated[str, Path(max_length=200, description="Code of the station")]


@observed.get("/properties", summary="What can be observed")
async def show_properties(read: dependencies.Read[dependencies.Reader]) -> ObservedProperties:
    """List the observed properties, with their units and ranges."""
    rows = await properties.list_properties(read.session)
    return ObservedProperties(
        properties=[ObservedProperty.of(row, read) for row in rows],
        links=read.self_links("/properties"),
    )


@observed.post("/properties", summary="Make a property", status_code=201)
async def create_property(
    write: dependencies.Write[dependencies.Administrator], new: JsonBody[NewProperty]
) -> Answer[ObservedProperty]:
    """Make something else that can be observed."""
    row = await properties.create_property(write.session, new.model_dump(), act=write.act)
    return _shown(row, write, location=f"/properties/{row.code}")


@observed.get("/properties/{property}", summary="One property")
async def show_one_property(
    read: dependencies.Read[dependencies.Reader], property: Code
) -> Answer[ObservedProperty]:
    """Show a property, and the stations with a range of their own."""
    row = await properties.find_property(read.session, property)
    listed = await properties.list_ranges(read.session, property, read.caller.viewer)
    ranges = [{"station": station, "low": low, "high": high} for station, low, high in listed]
    links = read.self_links(f"/properties/{property}")
    shown = ObservedProperty.of(row, read, ranges=ranges, links=links)
    return Answer(shown, state=properties.state_of_property(row))


@observed.patch("/properties/{property}", summary="Change a property")
async def update_property(
    write: dependencies.Write[dependencies.Administrator],
    property: Code,
    expected: dependencies.IfMatch,
    changed: JsonBody[ChangedProperty],
) -> Answer[ObservedProperty]:
    """Change what is given; what is left out stays. A range holds for what arrives from now on."""
    row = await properties.change_property(
        write.session, property, changed.given, act=write.act, expected=expected
    )
    return _shown(row, write)


@observed.put(
    "/properties/{property}/ranges/{station}",
    summary="Set what is possible at a station",
    status_code=204,
)
async def put_range(
    write: dependencies.Write[dependencies.Administrator],
    property: Code,
    station: StationCode,
    expected: dependencies.IfMatch,
    given: JsonBody[Range],
) -> None:
    """Give a station a range of its own, for what arrives from now on."""
    await properties.set_range(
        write.session,
        station,
        property,
        given.low,
        given.high,
        act=write.act,
        expected=expected,
    )


@observed.delete(
    "/properties/{property}/ranges/{station}",
    summary="Let the property's own range hold at a station",
    status_code=204,
)
async def delete_range(
    write: dependencies.Write[dependencies.Administrator],
    property: Code,
    station: StationCode,
    expected: dependencies.IfMatch,
) -> None:
    """Take away the range a station has of its own."""
    await properties.drop_range(write.session, station, property, act=write.act, expected=expected)


def _shown(
    row: tables.ObservedProperty, context: dependencies.WriteContext, location: str | None = None
) -> Answer[ObservedProperty]:
    state = properties.state_of_property(row)
    return Answer(ObservedProperty.of(row, context), state=state, location=location)
