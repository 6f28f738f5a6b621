"""From the inputs of a check to its answer: at once in a request, or later in a worker."""

from datetime import date
from typing import Any

from shanhai.db.compliance import check
from shanhai.db.compliance.intersections import Given
from shanhai.db.compliance.overlaps import count_near
from shanhai.db.compliance.verdict import document_of
from shanhai.db.engine import Executor as Reader
from shanhai.db.features.crs import CRS84, Crs, parse_crs
from shanhai.db.features.geometry import read_shape
from shanhai.db.identity import Viewer
from shanhai.errors import InvalidInput
from shanhai.processes.check_compliance.contract import CheckComplianceInputs
from shanhai.validation import in_both

MOST_NEAR = 2_000
"""Areas and zones near a geometry up to which it is answered at once."""


async def check_asked(
    session: Reader, viewer: Viewer, inputs: CheckComplianceInputs
) -> dict[str, Any]:
    """The answer of a check, whatever the size of the geometry.

    Raises:
        InvalidInput: the geometry is not valid, or the project has none.
        NotFound: there is no such project, or none the viewer may know of.
    """
    wkb, project = await _subject(session, viewer, inputs)
    return await _check(session, viewer, inputs, Given(wkb), project)


async def check_if_small(
    session: Reader, viewer: Viewer, inputs: CheckComplianceInputs
) -> dict[str, Any] | None:
    """The answer of a check; None where the geometry, or what lies there, is too much for that.

    Raises:
        InvalidInput: the geometry is not valid, or the project has none.
        NotFound: there is no such project, or none the viewer may know of.
    """
    if inputs.geometry is not None and count_positions(inputs.geometry) > check.MOST_AT_ONCE:
        return None
    wkb, project = await _subject(session, viewer, inputs)
    if project is not None and project.vertices > check.MOST_AT_ONCE:
        return None
    given = Given(wkb)
    near, today = await count_near(session, given)
    if near > MOST_NEAR:
        return None
    return await _check(session, viewer, inputs, given, project, today=today)


async def read_shape_asked(geometry: object, crs: str | None, *, under: str = "/inputs") -> bytes:
    """A geometry in stored coordinates.

    Args:
        under: Where the two are in the body.

    Raises:
        InvalidInput: it, or its coordinate system, is not what it should be.
    """
    system = _crs(crs, under)
    pointer = f"{under}/geometry"
    shape = await read_shape(geometry, kind="geometry-any", crs=system, pointer=pointer)
    return shape.wkb


def count_positions(geometry: dict[str, Any]) -> int:
    """How many positions there may be, as far as one more than can be answered at once."""
    waiting: list[Any] = [geometry.get("coordinates")]
    found = 0
    while waiting and found <= check.MOST_AT_ONCE:
        node = waiting.pop()
        if not isinstance(node, list) or not node:
            continue
        inner = node[0]
        if isinstance(inner, list) and inner and isinstance(inner[0], list):
            waiting.extend(node)
        elif isinstance(inner, list):
            found += len(node)
        else:
            found += 1
    return found


async def _subject(
    session: Reader, viewer: Viewer, inputs: CheckComplianceInputs
) -> tuple[bytes, check.ProjectShape | None]:
    if inputs.project is None:
        return await read_shape_asked(inputs.geometry, inputs.crs), None
    project = await check.find_project(session, viewer, inputs.project)
    return project.wkb, project


async def _check(
    session: Reader,
    viewer: Viewer,
    inputs: CheckComplianceInputs,
    given: Given,
    project: check.ProjectShape | None,
    *,
    today: date | None = None,
) -> dict[str, Any]:
    named = tuple(dict.fromkeys((*inputs.activities, *inputs.measures)))
    if project is not None:
        named = named or project.measures
    lines = None if inputs.lines is None else frozenset(inputs.lines)
    asked = check.CheckRequest(named, inputs.region, inputs.as_of, lines)
    result = await check.check_geometry(session, viewer, given, asked, project=project, today=today)
    return document_of(result, given if inputs.shapes else None)


def _crs(named: str | None, under: str) -> Crs:
    if named is None:
        return CRS84
    try:
        return parse_crs(named)
    except ValueError as error:
        en, zh = in_both(str(error))
        raise InvalidInput(f"crs {en}", message_zh=f"crs {zh}", pointer=f"{under}/crs") from error
