"""Versions of zonings as they are answered: gaps, comparison, adjustments by hand."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import quote, urlencode

import orjson
from pydantic import Field

from shanhai.db.zoning import adjustment, schemes
from shanhai.db.zoning.schemes import SLIVER_M2, SchemeVersion, Topology
from shanhai.vocabulary import SCHEME_STATUSES, Label
from shanhai_api.kit.answers import Answered, Described, Document, Link, Moment, one_of
from shanhai_api.kit.view import CSV, HTML, JSON, View
from shanhai_api.plans.answers import GEODESIC, AreaMethod

COMPARISON_FORMATS = (JSON, HTML, CSV)
OUTSIDE = "outside"
"""Stands for what lies in the other zoning only."""
KM2 = 1e6
Position = Annotated[list[float], Field(min_length=2, max_length=2, description="Lon, lat")]


class SchemeNamed(Answered):
    """A version of a zoning."""

    code: str
    version: int
    status: Annotated[str, one_of(SCHEME_STATUSES)]


class OfScheme(Document):
    """An answer about a version of a zoning; its last part of the path is `place`."""

    place: ClassVar[str]

    scheme: SchemeNamed

    @classmethod
    def about(cls, scheme: SchemeVersion, view: View, **told: Any) -> Self:
        """What is told of a version, with links."""
        return cls(
            scheme=SchemeNamed.from_row(scheme),
            links=scheme_links(view, scheme.code, cls.place),
            **told,
        )


class ZoneOverlap(Answered):
    """Two zones that share an area."""

    zones: list[str] = Field(min_length=2, max_length=2)
    area_km2: float


class ZoningGap(Answered):
    """A place of the region that is in no zone."""

    area_km2: float
    point: Position = Field(description="Longitude and latitude of a point in it")


class ZoningTopology(OfScheme):
    """What keeps the zones from covering their region, each place once."""

    place = "topology"

    valid: bool
    area_method: AreaMethod = GEODESIC
    region_area_km2: float | None = Field(description="None where nobody has drawn the region")
    zones_area_km2: float
    zones: int
    zones_without_geometry: int
    overlap_area_km2: float
    overlaps: list[ZoneOverlap]
    gap_area_km2: float
    gap_percent: float | None
    gaps: list[ZoningGap] = Field(description="The largest first; slivers are left out")
    slivers: int
    sliver_below_m2: float
    links: list[Link]

    @classmethod
    def of(cls, scheme: SchemeVersion, topology: Topology, view: View) -> Self:
        """What is wrong with a coverage."""
        percent = topology.gap_percent
        overlaps = [
            {"zones": [item["first"], item["second"]], "area_km2": km2(item["area_m2"])}
            for item in topology.overlaps
        ]
        gaps = [
            {"area_km2": km2(item["area_m2"]), "point": item["point"]} for item in topology.gaps
        ]
        return cls.about(
            scheme,
            view,
            valid=not topology.overlaps and not topology.gaps and not topology.undrawn,
            region_area_km2=km2(topology.region_m2),
            zones_area_km2=km2(topology.zones_m2),
            zones=topology.zones,
            zones_without_geometry=topology.undrawn,
            overlap_area_km2=km2(topology.overlap_m2),
            overlaps=overlaps,
            gap_area_km2=km2(topology.gap_m2),
            gap_percent=None if percent is None else round(percent, 4),
            gaps=gaps,
            slivers=topology.slivers,
            sliver_below_m2=SLIVER_M2,
        )


class ClassOfZones(Answered):
    """A class of a zoning and its area."""

    code: str = Field(alias="class")
    name: str
    area_km2: float | None = Field(description="None where nobody has drawn it")

    @classmethod
    def of(cls, item: schemes.ClassArea, view: View) -> Self:
        """A class by its name."""
        name = Label(item.name_zh, item.name_en).in_(view.lang)
        return cls(code=item.code, name=name, area_km2=km2(item.area_m2))


class ClassChange(Answered):
    """How much went from a class to a class; `outside` is where one of the zonings is not."""

    before: str = Field(alias="from")
    to: str
    area_km2: float


class ZoningsCompared(Document):
    """The matrix of areas that moved from class to class, and its sums."""

    template = "comparison.html"
    formats = COMPARISON_FORMATS

    before: SchemeNamed = Field(alias="from")
    to: SchemeNamed
    area_method: AreaMethod = GEODESIC
    unchanged_km2: float
    changed_km2: float
    from_classes: list[ClassOfZones]
    to_classes: list[ClassOfZones]
    moves: list[ClassChange]
    links: list[Link]

    @classmethod
    def of(
        cls,
        first: SchemeVersion,
        second: SchemeVersion,
        found: schemes.ZoningComparison,
        view: View,
    ) -> Self:
        """What differs between two zonings."""
        return cls(
            before=SchemeNamed.from_row(first),
            to=SchemeNamed.from_row(second),
            unchanged_km2=km2(found.unchanged_m2),
            changed_km2=km2(found.changed_m2),
            from_classes=[ClassOfZones.of(item, view) for item in found.before],
            to_classes=[ClassOfZones.of(item, view) for item in found.after],
            moves=_moves(found),
            links=scheme_links(view, first.code, "compare"),
        )

    def moved(self) -> Callable[[str, str], str]:
        """What tells, for a page, how much moved from one class to another."""
        areas = {(move.before, move.to): move.area_km2 for move in self.moves}

        def moved(origin: str, target: str) -> str:
            area = areas.get((origin, target))
            return f"{area:,.2f}" if area else "–"

        return moved


class VersionBegun(Document):
    """A draft that was begun."""

    scheme: SchemeNamed


class AreaAdjusted(Document):
    """What an adjustment did."""

    scheme: SchemeNamed
    to_class: str
    moved_km2: dict[str, float] = Field(description="The area that was moved, by class it was of")
    total_moved_km2: float
    area_method: AreaMethod = GEODESIC

    @classmethod
    def of(cls, adjusted: adjustment.Adjusted) -> Self:
        """What was moved, and to which class."""
        return cls(
            scheme=SchemeNamed.from_row(adjusted.scheme),
            to_class=adjusted.to_class,
            moved_km2={code: km2(area) for code, area in sorted(adjusted.moved_m2.items())},
            total_moved_km2=km2(sum(adjusted.moved_m2.values())),
        )


class ZonesLeft(Document):
    """The zones that a split or a merger left."""

    scheme: SchemeNamed
    zones: dict[str, float] = Field(description="Their areas in km² by code; a new one first")
    area_method: AreaMethod = GEODESIC

    @classmethod
    def of(cls, redrawn: adjustment.ZonesRedrawn) -> Self:
        """What is left, and how large."""
        return cls(
            scheme=SchemeNamed.from_row(redrawn.scheme),
            zones={code: km2(area) for code, area in redrawn.areas_m2.items()},
        )


class AdjustedPolygons(Answered):
    """A GeoJSON geometry."""

    type: Literal["MultiPolygon"]
    coordinates: list[list[list[Position]]]


class ClassDifference(Answered):
    """The places that went from a class to a class."""

    before: str = Field(alias="from")
    to: str
    color: str | None = Field(description="The colour of the class they became")
    area_km2: float
    geometry: Described[AdjustedPolygons]


class ZoningDifferences(Document):
    """Where two zonings are of different classes; what rounding leaves is no difference."""

    before: SchemeNamed = Field(alias="from")
    to: SchemeNamed
    area_method: AreaMethod = GEODESIC
    differences: list[ClassDifference] = Field(description="The largest first")
    links: list[Link]

    @classmethod
    def of(
        cls,
        first: SchemeVersion,
        second: SchemeVersion,
        places: Sequence[Mapping[str, Any]],
        view: View,
    ) -> Self:
        """The places with their areas."""
        found = [
            ClassDifference(
                before=place["origin"],
                to=place["target"],
                color=place["color"],
                area_km2=km2(place["area_m2"]),
                geometry=orjson.loads(place["geometry"]),
            )
            for place in places
        ]
        return cls(
            before=SchemeNamed.from_row(first),
            to=SchemeNamed.from_row(second),
            differences=found,
            links=scheme_links(view, first.code, "differences"),
        )


class AdjustmentListed(Answered):
    """An area that was moved from class to class by hand."""

    seq: int
    from_class: str | None
    to_class: str
    area_km2: float
    note: str
    actor: str
    at: Moment
    geometry: Described[AdjustedPolygons]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """An adjustment as it is shown."""
        told = {"area_km2": km2(row["area_m2"]), "geometry": orjson.loads(row["geometry"])}
        return cls(**{**row, **told})


class ZoningAdjustments(OfScheme):
    """What was moved by hand in a version."""

    place = "adjustments"

    adjustments: list[AdjustmentListed]
    links: list[Link]

    @classmethod
    def of(cls, scheme: SchemeVersion, rows: Sequence[Mapping[str, Any]], view: View) -> Self:
        """The adjustments of a version in order."""
        return cls.about(scheme, view, adjustments=[AdjustmentListed.of(row) for row in rows])


def km2(area_m2: float | None) -> float | None:
    """An area in km², to the square metre."""
    return None if area_m2 is None else round(area_m2 / KM2, 6)


def scheme_links(view: View, code: str, place: str) -> list[dict[str, str]]:
    """Links from a document about a scheme."""
    safe = quote(code, safe="")
    up = view.link(f"/collections/zone_schemes/items/{safe}", "up")
    return [*view.self_links(f"/zone-schemes/{safe}/{place}"), up]


def version_path(scheme: SchemeVersion) -> str:
    """Where a version is read."""
    asked = urlencode({"code": scheme.code, "version": scheme.version})
    return f"/collections/zone_schemes/items?{asked}"


def moves_csv(found: schemes.ZoningComparison) -> bytes:
    """The moves in lines, after a mark by which spreadsheets know UTF-8."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ("from", "to", "area_km2"))
    writer.writeheader()
    writer.writerows(move.as_json() for move in _moves(found))
    return "\ufeff".encode() + text.getvalue().encode()


def _moves(found: schemes.ZoningComparison) -> list[ClassChange]:
    """What was of a class in both, then what only one of them has."""
    left = {(code, OUTSIDE): area for code, area in sorted(found.left.items())}
    entered = {(OUTSIDE, code): area for code, area in sorted(found.entered.items())}
    known = [_move(*pair, area) for pair, area in sorted(found.moved.items())]
    others = [_move(*pair, area) for pair, area in (*left.items(), *entered.items())]
    return [*known, *(move for move in others if move.area_km2)]


def _move(origin: str, target: str, area_m2: float) -> ClassChange:
    return ClassChange(before=origin, to=target, area_km2=round(area_m2 / KM2, 6))
