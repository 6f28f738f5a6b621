"""The tenant walk: nobody finds in any answer what is not for them, whatever is asked.

Objects of each visibility, of one region, bear names that stand nowhere else. Every path of the
definition that can be read is asked by each caller, with the codes of all of them in its place; no
answer may hold a name or a code its reader may not know, but for those that were asked for. A new
path is asked by itself.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import ENTITIES
from shanhai.vector.formats import FILE_FORMATS
from shanhai.vocabulary import Visibility
from tests.service.api.declared import served_paths
from tests.service.api.test_masked_places import ASKED, ENDLESS, PARAMETER, PARAMETERS, forms_of
from tests.support.job_rows import add_dataset, add_region
from tests.support.tenants import (
    AREA,
    CALLERS,
    SAID,
    SIGN,
    add_objects,
    headers_of,
    may_know,
    sign,
)

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service, pytest.mark.long]

SIGNS = {
    sign(kind, visibility): (kind, visibility)
    for kind in (*SAID, "datasets")
    for visibility in Visibility
} | {
    sign(kind, "region"): (kind, "region")
    for kind in ("funds", "rules", "leaves", "requests", "reasons")
}
CODES = {
    name: [sign(name, visibility) for visibility in Visibility] for name in (*SAID, "datasets")
} | {"fund_sources": [sign("funds", "region")]}
FILLED = {
    "station": CODES["stations"],
    "document": CODES["documents"],
    "project": CODES["projects"],
    "rule": [sign("rules", "region")],
    "exception": [sign("leaves", "region")],
    "exception_request": [sign("requests", "region")],
    "alert": ["1", "2", "3"],
}


@pytest.fixture
async def tenants(session: AsyncSession) -> dict[str, dict[str, str]]:
    """Objects of each visibility in the region `here`, and the headers of each caller."""
    here = await add_region(session, "here", box=(118.0, 24.4, 118.3, 24.7))
    await add_region(session, "elsewhere", box=(118.0, 24.4, 118.3, 24.7))
    await add_objects(session, here)
    for visibility in Visibility:
        code = sign("datasets", visibility)
        more: dict[str, Any] = {"visibility": visibility, "source": code, "licence": "CC0"}
        await add_dataset(session, here, "dem", code, **more)
    named = "code, name_zh, name_en, region_id"
    funds, rules, leaves, requests, reasons = (
        sign(name, "region") for name in ("funds", "rules", "leaves", "requests", "reasons")
    )
    project = f"SELECT id FROM project WHERE code = '{sign('projects', 'public')}'"
    for statement in (
        f"UPDATE dataset SET footprint = {AREA}",
        f"INSERT INTO fund_source ({named}, kind, amount) VALUES"
        f" ('{funds}', '{funds}', '{funds}', {here.id}, 'central', 100)",
        f"INSERT INTO alert_rule ({named}, kind, limits, reset, min_duration_s, max_age_s,"
        f" any_quality, enabled) VALUES ('{rules}', '{rules}', '{rules}', {here.id}, 'no_data',"
        " '{\"red\": 60}', 0, 0, 60, true, true)",
        "INSERT INTO compliance_exception (code, region_id, project_id, rule, reason, approver)"
        f" VALUES ('{leaves}', {here.id}, ({project}), 'some-rule', '{reasons}', '{reasons}')",
        "INSERT INTO exception_request (code, region_id, region_ids, project_id, geometry_sha256,"
        f" rule, reason, requested_by) VALUES ('{requests}', {here.id}, '{{{here.id}}}',"
        f" ({project}), 'none', 'some-rule', '{reasons}', '{reasons}')",
        "INSERT INTO observation_latest (station_id, property_id, observed_at, value, received_at,"
        " quality, flags, equal_values) SELECT s.id, p.id, now(), 1, now(), 0, 0, 1 FROM station s,"
        " (SELECT id FROM observed_property ORDER BY id LIMIT 1) p",
        "INSERT INTO alert (rule_id, station_id, status, level, measure, began_at, raised_at,"
        " opened_at)"
        " SELECT r.id, s.id, 'open', 'red', 60, now(), now(), now() FROM alert_rule r, station s",
    ):
        await session.execute(text(statement))
    headers = {name: await headers_of(session, name) for name in CALLERS}
    await session.commit()
    return headers


def questions(paths: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Every path that can be read, with each code there is where it takes one."""
    for path, operations in paths.items():
        if "get" not in operations or path in ENDLESS:
            continue
        names = PARAMETER.findall(path)
        base = {name: PARAMETERS.get(name, "none") for name in names} | {"region": "here"}
        told = [base] + [base | {name: code} for name in names for code in FILLED.get(name, ())]
        if "{collection}" in path:
            told += [
                base | {"collection": name, "code": code}
                for name, codes in CODES.items()
                for code in codes
            ]
        elif path.startswith("/collections/datasets/"):
            told += [base | {"code": code} for code in CODES["datasets"]]
        for given in told:
            filled = path
            for name, code in given.items():
                filled = filled.replace(f"{{{name}}}", code)
            yield filled, ASKED.get(path, {})
    for entity in ENTITIES:
        if entity.name in CODES:
            place = entity.path or f"/collections/{entity.name}/items"
            formats = [one for one in FILE_FORMATS if entity.geometry is not None or one == "csv"]
            for form in (*formats, "html"):
                yield place, {"f": form}
            yield place, {"q": "zz"}
            yield place, {"as_of": "2100-01-01"}
    public = sign("projects", "public")
    yield "/compliance/check", {"project": public, "activity": "construction"}
    yield "/identify", {"lon": "118.05", "lat": "24.45", "tolerance_m": "2000"}
    yield "/changes", {"limit": "1000"}
    yield "/observations", {"latest": "true"}
    yield "/sta/v1.1/Things", {"$expand": "Datastreams,Locations"}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.timeout(300)
async def test_nobody_finds_what_is_not_for_them(
    caller: str,
    tenants: dict[str, dict[str, str]],
    anonymous: httpx.AsyncClient,
) -> None:
    found: set[str] = set()
    wrong: list[str] = []
    for path, asked in questions(served_paths()):
        answer = await anonymous.get(path, params=asked, headers=tenants[caller])
        # 503 is what is not set up here says.
        if answer.status_code >= 500 and answer.status_code != 503:
            wrong.append(f"{path} {dict(asked)}: {answer.status_code}")
        named = {one.decode() for one in SIGN.findall(str(answer.request.url).encode())}
        told = {one.decode() for form in forms_of(answer.content) for one in SIGN.findall(form)}
        found |= told - named
        beyond = sorted(one for one in told - named if not may_know(caller, *SIGNS[one]))
        if beyond:
            wrong.append(f"{path} {dict(asked)} tells {', '.join(beyond)}")
    assert wrong == []
    expected = {one for one, (kind, seen) in SIGNS.items() if may_know(caller, kind, seen)}
    assert expected - found == set(), "what is for a caller is found"
