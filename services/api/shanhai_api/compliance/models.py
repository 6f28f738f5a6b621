"""Checks, activities, exceptions and the register of lines as they are sent and answered."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from shanhai.db.compliance.exception_requests import RequestedException, RequestStep
from shanhai.db.compliance.exceptions import Granted
from shanhai.db.compliance.register import Decline, Total
from shanhai.db.compliance.result import LABELS, GeodesicSize
from shanhai.db.compliance.rules import Activities
from shanhai.db.compliance.verdict import in_both
from shanhai.validation import Code, Remark, Rfc3339Date, broken_at
from shanhai.vocabulary import CONTROL_KINDS, EXCEPTION_REQUEST_STATES
from shanhai_api.kit.answers import Answered, Document, Link, Maybe, MomentText, one_of
from shanhai_api.kit.body import Body
from shanhai_api.kit.view import View

WRITABLE = r"^[^\x00]+$"
"""PostgreSQL keeps no NUL."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=WRITABLE)]


class ExceptionRequestBody(Body):
    """An exception that is asked for."""

    rule: Name | None = Field(None, description="Code of the rule it is an exception from")
    gap: Name | None = Field(
        None, description="Or the code of what is not known there, and is decided about"
    )
    reason: Remark = Field(description="Why")
    project: Code | None = Field(None, description="Code of the project; or give a geometry")
    geometry: dict[str, Any] | None = Field(None, description="GeoJSON geometry")
    crs: str | None = Field(None, max_length=200, description="Its CRS; default CRS84")
    region: Code | None = Field(None, description="Region that answers for the geometry")
    control_area: Code | None = Field(None, description="The only area it holds in")
    valid_from: Rfc3339Date | None = Field(None, description="First day; default today")
    valid_to: Rfc3339Date | None = Field(None, description="The day after the last")

    @model_validator(mode="after")
    def check_subject(self) -> Self:
        """It is about one thing, given for one thing, for which a region answers."""
        if (self.rule is None) == (self.gap is None):
            raise broken_at("rule", rule="give a rule or a gap / 请给出规则或未知项之一")
        if self.gap is not None and self.control_area is not None:
            raise broken_at("control_area", rule="a gap has no control_area / 未知项不含该项")
        if (self.geometry is None) == (self.project is None):
            raise broken_at("geometry", rule="give a geometry or a project / 请给出几何或项目之一")
        if self.geometry is not None and self.region is None:
            raise broken_at("region", rule="a geometry needs its region / 几何须给出区域")
        return self


class GrantBody(Body):
    """By whom and by which document an exception is given."""

    approver: Name | None = Field(None, description="Who approved; default: the identity")
    document: Name | None = Field(None, description="Code or number of the decision's document")


class ExceptionBody(GrantBody, ExceptionRequestBody):
    """An exception to be given."""


class RevokeBody(Body):
    """The end of an exception, or of a request for one."""

    reason: Remark = Field(description="Why")


EXCEPTIONS = "/compliance/exceptions"
REQUESTS = "/compliance/exception-requests"
LineKind = Annotated[str, one_of(CONTROL_KINDS)]


class ComplianceCheck(Document):
    """What a check found; nothing yet where nothing was asked."""

    template = "compliance.html"

    result: dict[str, Any] | None = Field(description="As `check-compliance` describes it")
    links: Maybe[list[Link]] = None


class NamedCode(Answered):
    """A code with its names."""

    code: str
    name_zh: str
    name_en: str


class ActivityNamed(NamedCode):
    """Something done at a place, or a measure of a project."""

    counts_as: list[str] = Field(description="Activities whose rules hold for it as well")


class ActivityList(Document):
    """The activities that can be judged, and the conditions that rules name."""

    presumed: str = Field(description="Assumed where no activity was named")
    activities: list[ActivityNamed]
    conditions: list[NamedCode]
    links: list[Link]

    @classmethod
    def of(cls, lists: Activities, view: View) -> Self:
        """The lists that ship with the product."""
        return cls(
            presumed=lists.presumed,
            activities=[
                ActivityNamed(
                    code=item.code,
                    name_zh=item.name.zh,
                    name_en=item.name.en,
                    counts_as=list(item.counts_as),
                )
                for item in lists.known.values()
            ],
            conditions=[
                NamedCode(code=code, name_zh=name.zh, name_en=name.en)
                for code, name in sorted(lists.conditions.items())
            ],
            links=view.self_links("/compliance/activities"),
        )


class Revocation(Answered):
    """Who revoked an exception, when and why."""

    by: str
    at: str
    reason: str


class RuleException(Document):
    """An exception from a rule, or a decision about what is not known."""

    template = "exception.html"

    code: str
    rule: str | None
    gap: str | None
    project: str | None
    geometry_sha256: str | None
    region: str | None
    control_area: str | None
    reason: str
    approver: str
    approved_at: MomentText
    valid_from: date | None
    valid_to: date | None
    document: str | None
    request: str | None = Field(description="Code of the request it was given for")
    requested_by: str | None
    revoked: Revocation | None
    links: list[Link]

    @classmethod
    def of(cls, granted: Granted, view: View) -> Self:
        """An exception as it is shown."""
        links = [
            view.link(exception_path(granted.row.code), "self"),
            view.link(EXCEPTIONS, "collection"),
        ]
        return cls(**granted.document(), links=links)


class RuleExceptions(Document):
    """A page of exceptions, the newest first, revoked ones included."""

    template = "exceptions.html"

    exceptions: list[RuleException]
    returned: int = Field(alias="numberReturned")
    links: list[Link]


class RuleExceptionRequest(Document):
    """A request for an exception, with what its codes are called in the language asked for."""

    template = "exception_request.html"

    code: str
    state: Annotated[str, one_of(EXCEPTION_REQUEST_STATES)]
    state_name: str
    rule: str | None
    gap: str | None
    about_name: str = Field(description="What the rule or gap is called")
    project: str | None
    project_name: str | None
    geometry: Maybe[dict[str, Any]] = Field(
        None, description="GeoJSON geometry it is for; not in lists"
    )
    geometry_sha256: str = Field(description="Of the shape, a project's as well, when requested")
    region: str
    region_name: str
    control_area: str | None
    reason: str
    valid_from: date | None
    valid_to: date | None
    requested_by: str
    requested_at: MomentText
    decided_by: str | None
    decided_at: MomentText | None
    decision_reason: str | None
    exception: str | None = Field(description="Code of the exception that was given")
    steps: list[RequestStep] = Field(description="What the reader may do with it now")
    links: list[Link]

    @classmethod
    def of(cls, asked: RequestedException, view: View, **told: Any) -> Self:
        """A request as it is shown."""
        links = [
            view.link(request_path(asked.row.code), "self"),
            view.link(REQUESTS, "collection"),
        ]
        if asked.exception is not None:
            links.append(view.link(exception_path(asked.exception), "related"))
        return cls(**asked.document(), **told, links=links)


class RuleExceptionRequests(Document):
    """A page of requests for exceptions, the newest first."""

    template = "exception_requests.html"

    requests: list[RuleExceptionRequest]
    returned: int = Field(alias="numberReturned")
    links: list[Link]


class LineFigures(Answered):
    """How much there is of a line, beside what was approved."""

    areas: int
    drawn: int
    area_km2: float | None
    length_km: float | None
    approved_km2: float | None
    approved_from: Literal["region", "parts"] | None
    difference_km2: float | None
    share_percent: float | None = Field(description="Of the region")

    @classmethod
    def of(cls, total: Total, region_m2: float | None, **named: Any) -> Self:
        """The figures of a kind of line, or of one delimitation of it."""
        area_km2 = None if total.area_m2 is None else total.area_m2 / 1e6
        approved, share, difference = total.approved_km2, None, None
        if area_km2 is not None and approved is not None:
            difference = round(area_km2 - approved, 4)
        if area_km2 is not None and region_m2:
            share = round(100 * area_km2 * 1e6 / region_m2, 4)
        whence = "parts" if total.approved_by_parts else "region"
        return cls(
            **named,
            areas=total.areas,
            drawn=total.drawn,
            area_km2=None if area_km2 is None else round(area_km2, 4),
            length_km=None if total.length_m is None else round(total.length_m / 1e3, 4),
            approved_km2=approved,
            approved_from=None if approved is None else whence,
            difference_km2=difference,
            share_percent=share,
        )


class DelimitationFigures(LineFigures):
    """How much there is of one delimitation of a line."""

    delimitation: str


class RegisteredLine(LineFigures):
    """A kind of line with its delimitations."""

    kind: LineKind
    name_zh: str
    name_en: str
    delimitations: list[DelimitationFigures]


class LineDecline(Answered):
    """A day on which the lines of one delimitation became smaller."""

    kind: LineKind
    name_zh: str
    name_en: str
    delimitation: str | None
    day: date
    lost: dict[str, float] = Field(description="The area in several units")
    codes: list[str]

    @classmethod
    def of(cls, decline: Decline) -> Self:
        """A loss as it is shown."""
        lost = GeodesicSize(area_m2=decline.lost_m2).document()
        names = in_both("name", LABELS[decline.kind])
        return cls.from_row(decline, lost=lost, **names)


class LineRegister(Document):
    """The lines of a region and all below it, and where they have shrunk."""

    template = "lines.html"

    region: str
    region_name_zh: str | None
    region_name_en: str | None
    region_area_km2: float | None
    as_of: date | None
    lines: list[RegisteredLine]
    declines: list[LineDecline]
    links: list[Link]


def registered_lines(totals: Iterable[Total], region_m2: float | None) -> list[RegisteredLine]:
    """The kinds of lines, each with its delimitations where there are any."""
    found: list[RegisteredLine] = []
    for total in totals:
        if total.whole_kind:
            named = {"kind": total.kind, **in_both("name", LABELS[total.kind])}
            found.append(RegisteredLine.of(total, region_m2, **named, delimitations=[]))
        elif total.delimitation is not None:
            part = DelimitationFigures.of(total, region_m2, delimitation=total.delimitation)
            found[-1].delimitations.append(part)
    return found


def request_path(code: str) -> str:
    """Where a request for an exception is."""
    return f"{REQUESTS}/{code}"


def exception_path(code: str) -> str:
    """Where an exception is."""
    return f"{EXCEPTIONS}/{code}"
