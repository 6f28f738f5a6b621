"""What answers about a plan and its projects have in common: the plan, the day, links, amounts."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote

from pydantic import Field

from shanhai.db.indicators.plan_indicators import PlanSeen
from shanhai.vocabulary import PLAN_STATUSES
from shanhai_api.kit.answers import Document, Maybe, one_of
from shanhai_api.kit.view import HTML, JSON, Format, Link, View


def project_path(code: str) -> str:
    """Where what hangs on a project is."""
    return f"/projects/{quote(code, safe='')}"


def item_path(code: str) -> str:
    """The project itself."""
    return f"/collections/projects/items/{quote(code, safe='')}"


def here_links(view: View, *formats: Format) -> list[Link]:
    """This very document in its formats, with the parameters it was asked with."""
    offered = formats or (JSON, HTML)
    return [
        {**link, "href": view.here(f=item.name)}
        for item, link in zip(offered, view.self_links("", *offered), strict=True)
    ]


def money(amount: Decimal) -> str:
    """An amount, exactly."""
    return f"{amount:.2f}"


PlanStatus = Annotated[str, one_of(PLAN_STATUSES)]
AreaMethod = Literal["geodesic on the CGCS2000 ellipsoid"]
GEODESIC: AreaMethod = "geodesic on the CGCS2000 ellipsoid"


class Titled(Document):
    """An answer with a heading."""

    title: str


class PlanNamed(Document):
    """An answer about a plan."""

    plan: str = Field(description="Code of the plan")


class DayTold(Document):
    """An answer that may tell the state of a day."""

    as_of: Maybe[date] = Field(None, description="The day, where one was asked for")
    in_force: str | None = Field(
        None, description="With `as_of`: code of the edition that was in force on the day"
    )

    def as_json(self) -> dict[str, Any]:
        """Its members; without a day, none about it."""
        untold = {"in_force"} if self.as_of is None else None
        return self.model_dump(mode="json", by_alias=True, exclude=untold)


class OfPlan(DayTold, PlanNamed):
    """An answer about a plan, today or on a day."""

    @classmethod
    def about(cls, plan: PlanSeen, **told: Any) -> Self:
        """What is told of a plan."""
        return cls(plan=plan.code, **day_of(plan), **told)


class OfNamedPlan(OfPlan):
    """An answer about a plan, with its name."""

    plan_name: str
    plan_name_zh: str
    plan_name_en: str

    @classmethod
    def named(cls, plan: PlanSeen, view: View, **told: Any) -> Self:
        """What is told of a plan, with its name."""
        name = {
            "plan_name": plan.name.in_(view.lang),
            "plan_name_zh": plan.name.zh,
            "plan_name_en": plan.name.en,
        }
        return cls.about(plan, **name, **told)


def day_of(plan: PlanSeen) -> dict[str, Any]:
    """The day a plan was read as of, and the edition that was in force on it."""
    return {"as_of": plan.as_of, "in_force": plan.in_force}


def plan_item(code: str) -> str:
    """Where a plan itself is."""
    return f"/collections/plans/items/{quote(code, safe='')}"


def plan_path(code: str) -> str:
    """Where what belongs to a plan is."""
    return f"/plans/{quote(code, safe='')}"


def plan_links(view: View, plan: PlanSeen, *formats: Format) -> list[Link]:
    """This document in its formats, and the plan."""
    return [*here_links(view, *formats), view.link(plan_item(plan.code), "up", **plan.day)]
