"""The projects of a plan that a reader may know of, as a part of statements."""

from collections.abc import Mapping
from typing import Any

from shanhai.db.features.projects import PROJECTS
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer

OF_PLAN = "(pj.plan_id = :plan OR pg.plan_id = :plan)"


def seen_projects(viewer: Viewer, *conditions: str) -> str:
    """SQL of a table `seen` of the projects that meet the conditions, constants of the callers."""
    met = (PROJECTS.live, PROJECTS.current, *visibility(PROJECTS, viewer), *conditions)
    return (
        "seen AS (SELECT pj.*, pg.code AS programme, r.code AS region"  # noqa: S608
        f" FROM {PROJECTS.source} WHERE {' AND '.join(met)})"
    )


def seen_values(viewer: Viewer, **values: Any) -> Mapping[str, Any]:
    """The values of the binds."""
    return {**values, **viewer_values(viewer)}
