"""The projects that a reader may know of, all or those of a plan, as a part of statements."""

from collections.abc import Mapping
from typing import Any

from shanhai.db.features.keeping import columns_of
from shanhai.db.features.projects import PROJECTS
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer

_MEMBERS = " JOIN plan_membership member ON member.project_id = pj.id AND member.plan_id = :plan"
_OWN = ", ".join(f"pj.{name}" for name in columns_of(PROJECTS) if name != "programme_id")


def seen_projects(viewer: Viewer, *conditions: str) -> str:
    """SQL of a table `seen` of the projects that meet the conditions, constants of the callers."""
    met = (PROJECTS.live, PROJECTS.current, *visibility(PROJECTS, viewer), *conditions)
    return (
        "seen AS (SELECT pj.*, pg.code AS programme, r.code AS region"  # noqa: S608
        f" FROM {PROJECTS.source} WHERE {' AND '.join(met)})"
    )


def projects_of_plan(viewer: Viewer, *conditions: str) -> str:
    """SQL of a table `seen` of the projects in the edition of a plan with the number `:plan`.

    Their programmes are those they are in there.
    """
    met = (PROJECTS.live, PROJECTS.current, *visibility(PROJECTS, viewer), *conditions)
    return (
        f"seen AS (SELECT {_OWN}, member.programme_id, r.code AS region,"  # noqa: S608
        " (SELECT own.code FROM programme own WHERE own.id = member.programme_id) AS programme"
        f" FROM {PROJECTS.source}{_MEMBERS} WHERE {' AND '.join(met)})"
    )


def seen_values(viewer: Viewer, **values: Any) -> Mapping[str, Any]:
    """The values of the binds."""
    return {**values, **viewer_values(viewer)}
