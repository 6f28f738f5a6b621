"""A joint plan of two regions that meet, written through the API by people of each."""

from collections.abc import Mapping
from typing import Any

import httpx

PLANS = "/collections/plans/items"
PROJECTS = "/collections/projects/items"
JOINT = f"{PLANS}/joint"
PLACES = {
    "a": (118.0, 24.4, 118.1, 24.5),
    "b": (118.1, 24.4, 118.2, 24.5),
    "c": (118.2, 24.4, 118.3, 24.5),
}

People = Mapping[str, httpx.AsyncClient]


def names(code: str) -> dict[str, str]:
    """The members every entity with a name has."""
    return {"code": code, "name_zh": f"名 {code}", "name_en": f"Name {code}"}


def feature(**members: Any) -> dict[str, Any]:
    """A feature to send, without a place of its own."""
    return {"type": "Feature", "geometry": None, "properties": members}


def plan(code: str, **members: Any) -> dict[str, Any]:
    """A plan to send."""
    given = {"kind": "special_plan", "level": "city", "period_start": 2026, "period_end": 2030}
    return feature(**names(code), **given, **members)


def project(code: str, **members: Any) -> dict[str, Any]:
    """A project to send."""
    return feature(**names(code), start_year=2026, end_year=2027, **members)


def pointers(answer: httpx.Response) -> list[str]:
    """Where the faults of a refusal are."""
    return [fault["pointer"] for fault in answer.json()["errors"]]


async def post(client: httpx.AsyncClient, path: str, body: Any) -> httpx.Response:
    """The answer to what must be made."""
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer


async def patch(client: httpx.AsyncClient, **members: Any) -> httpx.Response:
    """Change members of the joint plan."""
    body = {"type": "Feature", "properties": members}
    headers = {"Content-Type": "application/merge-patch+json"}
    return await client.patch(JOINT, json=body, headers=headers)
