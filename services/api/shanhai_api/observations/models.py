"""Observations as they are answered; rows are written as they are read, without models."""

from typing import Literal

from pydantic import Field

from shanhai.vocabulary import QUALITIES
from shanhai_api.kit.answers import Answered, Document, Link, Maybe, MomentText, one_of
from shanhai_api.observations.station_page import Range


class RefusedRow(Answered):
    """A row that broke a rule."""

    index: int
    pointer: str
    detail: str


class ObservationReceipt(Answered):
    """What became of the rows that were sent."""

    accepted: int
    duplicates: int
    revised: int
    rejected: list[RefusedRow] = Field(description="As many as fit an answer")
    rejected_count: int


class FormerValue(Answered):
    """What a value was before another was sent."""

    value: float
    quality: str = one_of(QUALITIES)
    flags: list[str]
    received: MomentText
    replaced: MomentText
    result_time: Maybe[MomentText] = None


class StoredObservation(Answered):
    """A value at a time."""

    station: str
    property: str
    time: MomentText
    value: float
    unit: str
    quality: str = one_of(QUALITIES)
    flags: list[str]
    received: MomentText
    result_time: Maybe[MomentText] = None
    revisions: Maybe[list[FormerValue]] = Field(None, description="With `revisions`")
    gap: Maybe[bool] = Field(None, description="With `latest`: silent for longer than is usual")


class NewestObservation(StoredObservation):
    """The newest value of a property, with its name and local time."""

    name: str
    local_time: str


class PeriodStatistics(Answered):
    """Statistics of an hour, a day or a month, by its begin."""

    station: str
    property: str
    time: MomentText
    unit: str
    mean: float
    min: float
    max: float
    p50: float
    p98: float
    count: int


class ObservationPage(Document):
    """Observations or their statistics in the order of time."""

    observations: list[StoredObservation | PeriodStatistics]
    links: list[Link]


class StationPoint(Answered):
    """Where a station is."""

    type: Literal["Point"]
    coordinates: list[float]


class ObservationFeature(Answered):
    """A row at the place of its station."""

    type: Literal["Feature"]
    geometry: StationPoint | None
    properties: StoredObservation | PeriodStatistics


class ObservationFeatures(Answered):
    """Observations or their statistics as GeoJSON."""

    type: Literal["FeatureCollection"]
    features: list[ObservationFeature]
    links: list[Link]


class StationObservations(Document):
    """What a station tells: its newest values, and one property over a stretch of time."""

    station: str
    name: str
    interval_s: int | None
    properties: list[NewestObservation]
    property: str | None
    range: Range
    start: MomentText
    end: MomentText
    observations: list[StoredObservation | PeriodStatistics]
    marked: list[StoredObservation] = Field(description="Values in doubt")
    links: list[Link]
