"""The projects that a reader may know of, all or those of a plan, as a part of statements."""

from collections.abc import Mapping
from typing import Any

from shanhai.db.features.history import source_of
from shanhai.db.features.keeping import columns_of
from shanhai.db.features.projects import PROJECTS
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer

MEMBERS_THEN = "plan_members_on(:plan, CAST(:as_of AS date))"
"""SQL of the projects in the edition `:plan` on the day `:as_of`, with their programmes there."""
_MEMBERS = "(SELECT project_id, programme_id FROM plan_membership WHERE plan_id = :plan)"
_OWN = ", ".join(f"pj.{name}" for name in columns_of(PROJECTS) if name != "programme_id")


def seen_projects(viewer: Viewer, *conditions: str) -> str:
    """SQL of a table `seen` of the projects that meet the conditions, constants of the callers."""
    met = (PROJECTS.live, PROJECTS.current, *visibility(PROJECTS, viewer), *conditions)
    return (
        "seen AS (SELECT pj.*, pg.code AS programme, r.code AS region"  # noqa: S608
        f" FROM {PROJECTS.source} WHERE {' AND '.join(met)})"
    )


def projects_of_plan(viewer: Viewer, *conditions: str, former: bool = False) -> str:
    """SQL of a table `seen` of the projects in the edition of a plan with the number `:plan`.

    Their programmes are those they are in there. With `former` states it is as of the day `:as_of`.
    """
    state = (PROJECTS.as_of,) if former else (PROJECTS.live, PROJECTS.current)
    met = (*state, *visibility(PROJECTS, viewer), *conditions)
    members = MEMBERS_THEN if former else _MEMBERS
    return (
        f"seen AS (SELECT {_OWN}, member.programme_id, r.code AS region,"  # noqa: S608
        " (SELECT own.code FROM programme own WHERE own.id = member.programme_id) AS programme"
        f" FROM {source_of(PROJECTS, former=former)}"
        f" JOIN {members} member ON member.project_id = pj.id WHERE {' AND '.join(met)})"
    )


def seen_values(viewer: Viewer, **values: Any) -> Mapping[str, Any]:
    """The values of the binds; a day of None is not asked for."""
    given = {name: value for name, value in values.items() if (name, value) != ("as_of", None)}
    return {**given, **viewer_values(viewer)}
