"""Everything of a plan in one file over HTTP, and the plan rebuilt from it elsewhere."""

import hashlib
import io
import json
import sqlite3
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.editions.content import CONTENT, COPIED_FROM
from shanhai.db.fence import PLATFORM, bound_to
from shanhai.db.identity import EVERYTHING, Grant, Identity, RoleGiven
from shanhai.db.indicators.plan_indicators import find_plan
from shanhai.db.plan_packages.layout import about, by_table, member_of
from shanhai.db.queries.audit import Act
from shanhai.db.queries.keys import create_key
from shanhai.db.seeds.load import seed_cities
from shanhai.db.tables.job import Job
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.project import FundSource
from shanhai.db.tables.zone import Region, ZoneScheme
from shanhai.errors import Conflict, Forbidden, InvalidInput, ShanhaiError
from shanhai.processes.catalogue import resolution_of
from shanhai.processes.import_plan.compute import compute
from shanhai.processes.import_plan.publish import publish
from shanhai.processes.kit.task import Publication, Task
from shanhai.settings import DatabaseSettings
from shanhai.vocabulary import Role, Scope
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration, ServiceState
from shanhai_api.plans.operations import demand_insider
from tests.service.api.test_plan_editions import Bureau
from tests.support.accounts import account_url

pytestmark = pytest.mark.long

PLAN = "banan-restoration-2021"
FILE = b"%PDF-1.7 a study"
Members = dict[str, bytes]


@pytest.fixture
async def plans(state: ServiceState, tmp_path: Path) -> ServiceState:
    """Both cities, with a document and shapes."""
    async with state.sessions.begin() as session:
        await seed_cities(session, ["xiamen", "banan"], [], act=Act("tester"))
        (tmp_path / "study").write_bytes(FILE)
        stored = state.store.put(tmp_path / "study", suffix=".pdf")
        await session.execute(text("DELETE FROM document"))
        await session.execute(
            text(
                "INSERT INTO document (code, owner_collection, owner_code, title_zh, kind,"
                " filename, media_type, bytes, sha256, uri, uploaded_by) VALUES ('document-1',"
                " 'projects', 'banan.PRJ02', '可研', 'feasibility', 'a.pdf', 'application/pdf',"
                " :bytes, :sha, :uri, 'tester')"
            ),
            {"bytes": stored.bytes, "sha": stored.sha256, "uri": stored.uri},
        )
        await session.execute(
            text(
                "UPDATE problem SET geom = ST_SetSRID(ST_MakePoint(106.5 + id / 7.0, 29.3), 4490)"
                " WHERE code LIKE 'banan.%'"
            )
        )
    return state


@pytest.fixture
async def elsewhere(
    configuration: Configuration, fresh_database_url: str, tmp_path: Path
) -> AsyncIterator[ServiceState]:
    """Another installation: an empty database, and a store of its own."""
    other = replace(
        configuration,
        database=DatabaseSettings(
            url=SecretStr(account_url(fresh_database_url, "api")), pool_size=3
        ),
        artifacts=configuration.artifacts.model_copy(update={"root": tmp_path / "elsewhere"}),
    )
    app = create_app(other)
    async with app.router.lifespan_context(app):
        yield app.state.service


async def package_of(state: ServiceState, plan: str = PLAN) -> bytes:
    async with state.sessions.begin() as session:
        key = await create_key(session, name="test", scopes=[Scope.READ, Scope.WRITE])
    app = create_app(state.configuration)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
            headers = {"Authorization": f"Bearer {key}"}
            answer = await client.get(f"/plans/{plan}/package", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    return answer.content


EVERYWHERE = Identity("tester", frozenset({Scope.WRITE, Scope.JOBS}))


async def rebuilt(
    state: ServiceState, tmp_path: Path, content: bytes, identity: Identity = EVERYWHERE
) -> Mapping[str, Any]:
    """What the process makes of a package, as a worker would have it."""
    upload = tmp_path / "upload"
    upload.write_bytes(content)
    work = tmp_path / f"work-{uuid4()}"
    work.mkdir()
    # A worker's session, whatever a request of the test has bound.
    with bound_to(PLATFORM):
        async with state.sessions.begin() as session:
            task = Task(process="import-plan", inputs={}, upload_uri="u", files={"u": str(upload)})
            task = await resolution_of("import-plan").authorised(session, task, identity)
            outcome = compute(task, work, lambda percent, stage: None)
            stored = {
                item.name: state.store.put(work / item.path, suffix="") for item in outcome.files
            }
            result = await publish(session, Publication(task, outcome, stored, "tester", work))
    return dict(result["summary"])


def members_of(content: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: Members, *, listed: bool = True) -> bytes:
    """Members as a package, with a manifest that fits them."""
    manifest = json.loads(members["manifest.json"])
    if listed:
        manifest["members"] = [
            {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for name, data in members.items()
            if name != "manifest.json"
        ]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            text = json.dumps(manifest).encode() if name == "manifest.json" else data
            archive.writestr(name, text)
    return made.getvalue()


async def test_a_plan_goes_out_and_back_the_same_to_the_last_byte(
    plans: ServiceState, elsewhere: ServiceState, tmp_path: Path
) -> None:
    first = await package_of(plans)
    assert await package_of(plans) == first
    members = members_of(first)
    assert {"manifest.json", "plan.gpkg", "rows/plan.json"} <= members.keys()
    assert members[f"documents/{hashlib.sha256(FILE).hexdigest()}"] == FILE
    summary = await rebuilt(elsewhere, tmp_path, first)
    assert summary["made"]["project"] == 21
    assert sum(summary["found"].values()) == 0
    again = await package_of(elsewhere)
    assert hashlib.sha256(again).hexdigest() == hashlib.sha256(first).hexdigest()


async def test_the_geopackage_shows_what_is_drawn(plans: ServiceState, tmp_path: Path) -> None:
    members = members_of(await package_of(plans))
    (tmp_path / "plan.gpkg").write_bytes(members["plan.gpkg"])
    with sqlite3.connect(tmp_path / "plan.gpkg") as connection:
        rows = connection.execute("SELECT code FROM problem ORDER BY code").fetchall()
    assert rows[0] == ("banan.P1",)


async def test_a_plan_that_is_there_is_not_written_again(
    plans: ServiceState, tmp_path: Path
) -> None:
    with pytest.raises(Conflict, match="is there already"):
        await rebuilt(plans, tmp_path, await package_of(plans))


async def test_regions_and_parties_that_are_there_are_taken(
    plans: ServiceState, elsewhere: ServiceState, tmp_path: Path
) -> None:
    async with elsewhere.sessions.begin() as session:
        session.add(Region(code="banan", name_zh="巴南", name_en="Banan", level="district"))
    summary = await rebuilt(elsewhere, tmp_path, await package_of(plans))
    assert summary["found"]["region"] == 1
    async with elsewhere.sessions() as session:
        plan = (await session.scalars(select(Plan).where(Plan.code == PLAN))).one()
        region = (await session.scalars(select(Region).where(Region.code == "banan"))).one()
        assert (plan.region_id, region.name_zh) == (region.id, "巴南")


async def test_a_second_published_scheme_is_refused_by_its_name(
    plans: ServiceState, elsewhere: ServiceState, tmp_path: Path
) -> None:
    content = await package_of(plans)
    given = json.loads(members_of(content)["rows/zone_scheme.json"])
    published = next(one["row"] for one in given if one["row"]["status"] == "published")
    async with elsewhere.sessions.begin() as session:
        region = Region(code="banan", name_zh="巴南", name_en="Banan", level="district")
        session.add(region)
        await session.flush()
        session.add(
            ZoneScheme(
                code="already-here",
                name_zh="已有方案",
                name_en="Here already",
                region_id=region.id,
                kind=published["kind"],
                origin="drawn",
                status="published",
                valid_from=date(2020, 1, 1),
            )
        )
    with pytest.raises(Conflict) as refused:
        await rebuilt(elsewhere, tmp_path, content)
    for told in (refused.value.message, refused.value.message_zh):
        for word in (published["code"], "already-here", "valid_from", "2020-01-01"):
            assert word in told
        assert "ex_zone_scheme" not in told


@pytest.mark.parametrize("role", [Role.PLANNER, Role.VIEWER, Role.APPROVER])
async def test_who_may_not_decide_there_makes_nothing(
    plans: ServiceState, elsewhere: ServiceState, tmp_path: Path, role: Role
) -> None:
    content = await package_of(plans)
    async with elsewhere.sessions.begin() as session:
        region = Region(code="xiamen", name_zh="厦门", name_en="Xiamen", level="city")
        session.add(region)
        await session.flush()
        grants = (Grant(role, frozenset({region.id})),)
    for held in (grants, (Grant(role, None),)):
        identity = Identity("tester", frozenset({Scope.WRITE, Scope.JOBS}), held)
        with pytest.raises(Forbidden):
            await rebuilt(elsewhere, tmp_path, bytes(content), identity)
    async with elsewhere.sessions() as session:
        assert list(await session.scalars(select(Plan))) == []
        assert len(list(await session.scalars(select(Region)))) == 1


def bomb(members: Members) -> bytes:
    return packed({**members, "rows/zone.json": b"[\n" + b" " * 300_000_000})


def changed(name: str, old: bytes, new: bytes) -> Callable[[Members], bytes]:
    def change(members: Members) -> bytes:
        assert old in members[name], name
        return packed({**members, name: members[name].replace(old, new, 1)})

    return change


HOSTILE: Mapping[str, tuple[Callable[[Members], bytes], str]] = {
    "no zip": (lambda members: b"PK\x03\x04 and nothing", "zip"),
    "no package": (lambda members: packed({"manifest.json": b"{}"}), "no package"),
    "bomb": (bomb, "unpacks to more"),
    "traversal": (lambda members: packed({**members, "../x.json": b"[]"}), "name no member"),
    "absolute": (lambda members: packed({**members, "/etc/x": b"[]"}), "name no member"),
    "unknown member": (lambda members: packed({**members, "rows/api_key.json": b""}), "no member"),
    "not listed": (
        lambda members: packed({**members, "rows/zzz.json": b""}, listed=False),
        "not listed",
    ),
    "other bytes": (
        lambda members: packed(
            {**members, "rows/plan.json": members["rows/plan.json"] + b" "}, listed=False
        ),
        "manifest says",
    ),
    "missing": (
        lambda members: packed(
            {k: v for k, v in members.items() if k != "rows/problem.json"}, listed=False
        ),
        "listed and not there",
    ),
    "other columns": (
        changed("rows/problem.json", b'"severity"', b'"row_version"'),
        "other columns",
    ),
    "no such row": (changed("rows/project.json", b'"plan_id": 1', b'"plan_id": 99'), "no row"),
    "no code": (changed("rows/problem.json", b'"banan.P1"', b'"../x"'), "code that is none"),
    "no list": (changed("rows/plan.json", b"[\n", b"{\n"), "no list of rows"),
    "broken row": (changed("rows/plan.json", b'"row"', b'"wor'), "no row of a package"),
    "wrong type": (
        changed("rows/project.json", b'"start_year": 2021', b'"start_year": "x"'),
        "project:",
    ),
    "no shape": (changed("rows/problem.json", b'"geom": "0101', b'"geom": "zz01'), "problem:"),
    "no file": (
        lambda members: packed(
            {name: data for name, data in members.items() if not name.startswith("documents/")}
        ),
        "is not there",
    ),
    "another file": (
        lambda members: packed({**members, f"documents/{'0' * 64}": b"x"}),
        "holds another file",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_packages_are_refused_with_the_reason(
    plans: ServiceState, elsewhere: ServiceState, tmp_path: Path, name: str
) -> None:
    make, words = HOSTILE[name]
    content = make(members_of(await package_of(plans)))
    with pytest.raises(ShanhaiError, match=words) as refused:
        await rebuilt(elsewhere, tmp_path, content)
    assert isinstance(refused.value, InvalidInput | Conflict) or name == "bomb"
    async with elsewhere.sessions() as session:
        for table in ("plan", "region", "party", "audit_log"):
            assert await session.scalar(text(f"SELECT count(*) FROM {table}")) == 0
    assert not (tmp_path / "x.json").exists()


async def test_who_sees_a_part_only_gets_no_package(
    plans: ServiceState, anonymous: httpx.AsyncClient, client_with: Any
) -> None:
    path = f"/plans/{PLAN}/package"
    assert (await anonymous.get(path)).status_code == 401
    reader = await client_with(Scope.READ)
    assert (await reader.get("/plans/nowhere/package")).status_code == 404
    assert (await reader.get(path, params={"as_of": "2022-06-30"})).status_code == 400
    async with plans.sessions() as session:
        seen = await find_plan(session, PLAN, EVERYTHING)
        here, there = [
            (await session.scalars(select(Region.id).where(Region.code == code))).one()
            for code in ("banan", "xiamen")
        ]
    scopes = frozenset({Scope.READ})
    demand_insider(Identity("p", scopes, (Grant(Role.PLANNER, frozenset({here})),)), seen)
    with pytest.raises(Forbidden):
        demand_insider(Identity("p", scopes, (Grant(Role.PLANNER, frozenset({there})),)), seen)


HELD = {
    "project": "INSERT INTO project (code, name_zh, name_en, region_id, plan_id, programme_id,"
    " start_year, end_year, state, visibility) SELECT 'added', 'x', 'x', :region, p.plan_id, p.id,"
    " 2021, 2022, 'draft', 'region' FROM programme p WHERE p.plan_id = :plan LIMIT 1",
    "problem": "INSERT INTO problem (visibility, code, name_zh, name_en, region_id, plan_id, type)"
    " VALUES ('region', 'added', 'x', 'x', :region, :plan, 'erosion')",
    "control_area": "INSERT INTO control_area (code, name_zh, name_en, kind, region_id, plan_id)"
    " VALUES ('added', 'x', 'x', 'red_line', :region, :plan)",
}


@pytest.mark.parametrize("table", HELD)
async def test_what_a_neighbour_added_to_a_plan_is_for_who_works_there_too(
    plans: ServiceState, anonymous: httpx.AsyncClient, table: str
) -> None:
    async with plans.sessions.begin() as session:
        seen = await find_plan(session, PLAN, EVERYTHING)
        given = [RoleGiven(Role.PLANNER, code) for code in ("banan", "xiamen")]
        keys = [
            await create_key(session, name="test", scopes=[Scope.READ], roles=roles)
            for roles in (given[:1], given)
        ]
    one, both = [{"Authorization": f"Bearer {key}"} for key in keys]
    path = f"/plans/{PLAN}/package"
    answer = await anonymous.get(path, headers=one)
    assert answer.status_code == 200, answer.text
    for region, status in (("banan", 200), ("xiamen", 403)):
        values = {"plan": seen.id}
        async with plans.sessions.begin() as session:
            named = select(Region.id).where(Region.code == region)
            values["region"] = (await session.scalars(named)).one()
            await session.execute(text(f"DELETE FROM {table} WHERE code = 'added'"))
            await session.execute(text(HELD[table]), values)
        answer = await anonymous.get(path, headers=one)
        assert answer.status_code == status, answer.text
        if status == 403:
            assert "other region" in answer.text
        answer = await anonymous.get(path, headers=both)
        assert answer.status_code == 200, answer.text
        assert '"added"' in members_of(answer.content)[f"rows/{table}.json"].decode()
    async with plans.sessions.begin() as session:
        await session.execute(text(f"DELETE FROM {table} WHERE code = 'added'"))


async def test_planners_of_each_city_have_the_packages_of_its_plans(
    plans: ServiceState, anonymous: httpx.AsyncClient
) -> None:
    owned = (
        "SELECT p.code, r.code FROM plan p JOIN region r ON r.id = p.region_id"
        " WHERE p.deleted_at IS NULL AND r.code IN ('banan', 'xiamen')"
    )
    async with plans.sessions.begin() as session:
        listed = (await session.execute(text(owned))).all()
        keys = {
            city: await create_key(
                session,
                name="test",
                scopes=[Scope.READ],
                roles=[RoleGiven(Role.PLANNER, city)],
            )
            for city in {city for _, city in listed}
        }
    assert {city for _, city in listed} == {"banan", "xiamen"}
    for plan, city in listed:
        headers = {"Authorization": f"Bearer {keys[city]}"}
        answer = await anonymous.get(f"/plans/{plan}/package", headers=headers)
        assert answer.status_code == 200, (plan, answer.text)


async def test_who_may_not_write_is_told_before_the_job_is_accepted(
    plans: ServiceState, client_with: Any
) -> None:
    caller = await client_with(Scope.READ, Scope.JOBS)
    upload = (await caller.post("/uploads", content=b"PK")).json()["upload"]
    inputs = {"inputs": {"upload": upload}}
    answer = await caller.post("/processes/import-plan/execution", json=inputs)
    assert answer.status_code == 403, answer.text
    async with plans.sessions() as session:
        assert list(await session.scalars(select(Job).where(Job.kind == "import-plan"))) == []


Row = tuple[Mapping[str, Any], Mapping[str, Any]]
"""The columns of a row, and the places of what it refers to."""
NAMES = {"name_zh": "名", "name_en": "Name"}
NOW = "2024-05-06T07:08:09+00:00"
DRAFT = {**NAMES, "kind": "special", "level": "district", "first_year": 2021, "edition": 1}
DRAFT |= {"status": "draft", "version": 1, "in_force": "empty"}
PROJECT: Row = (
    {**NAMES, "code": "own.project", "state": "draft", "start_year": 2021, "end_year": 2025},
    {"plan_id": 1, "region_id": 1, "programme_id": 1},
)
SOURCE = {**NAMES, "code": "theirs-2024", "kind": "central", "amount": 100}
ENTRY = {"kind": "allocation", "amount": 5, "actor": "tester"}
EXCEPTION = {"code": "exception-1", "rule": "x", "reason": "y", "approver": "z", "approved_at": NOW}
RULE = {"code": "own.rule", "scope": "everywhere", "activity": "mining", "decision": "forbidden"}
REVIEW = {"year": 2024, "state": "open", "reports_due_on": "2025-01-31", "opened_by": "x"}
STEP = {"seq": 1, "from_state": "draft", "to_state": "proposed", "actor": "x"}
GIVEN = {"attrs": {}, "created_at": NOW, "at": NOW, "opened_at": NOW, "currency": "CNY"}
GIVEN |= {"visibility": "region", "conditions": [], "documents": []}
"""Columns of more tables than one."""


def by_hand(**more: list[Row]) -> bytes:
    """A package of a draft of `banan` with a programme and a duty, and more rows."""
    tables: dict[str, list[Row]] = {
        "region": [({**NAMES, "code": "banan", "level": "district"}, {})],
        "plan": [({**DRAFT, "code": "own"}, {"region_id": 1, "lineage_id": 1})],
        "programme": [({**NAMES, "code": "own.programme", "order_no": 1}, {"plan_id": 1})],
        "duty": [({**NAMES, "code": "own.1", "order_no": 1, "state": "open"}, {"plan_id": 1})],
        **more,
    }
    members = {"manifest.json": json.dumps(about("own")).encode()}
    for table, rows in tables.items():
        holding = by_table()[table]
        none: dict[str, Any] = {
            name: [] if name in holding.lists else None for name in holding.links
        }
        lines = [
            json.dumps(
                {
                    "links": {**none, **links},
                    "row": {item.name: {**GIVEN, **row}.get(item.name) for item in holding.kept},
                }
            )
            for row, links in rows
        ]
        members[member_of(holding)] = "[\n{}\n]\n".format(",\n".join(lines)).encode()
    return packed(members)


REFUSED: Mapping[str, tuple[Mapping[str, list[Row]], bool]] = {
    "review of duties": ({"duty_review": [(REVIEW, {"plan_id": 1})]}, True),
    "step": ({"project": [PROJECT], "project_event": [(STEP, {"project_id": 1})]}, True),
    "plan of everywhere": (
        {
            "plan": [
                ({**DRAFT, "code": "own"}, {"region_id": 1, "lineage_id": 1}),
                ({**DRAFT, "code": "all", "status": "approved"}, {"lineage_id": 2}),
            ]
        },
        False,
    ),
    "rule of everywhere": ({"control_rule": [(RULE, {"plan_id": 1})]}, False),
    "exception of everywhere": (
        {"project": [PROJECT], "compliance_exception": [(EXCEPTION, {"project_id": 1})]},
        False,
    ),
    "money of another region": (
        {
            "project": [PROJECT],
            "fund_source": [(SOURCE, {"region_id": 1})],
            "fund_entry": [(ENTRY, {"project_id": 1, "source_id": 1})],
        },
        False,
    ),
}
"""Rows that a planner may not write, and whether an approver of the region besides may."""


@pytest.fixture
async def planned_region(session: AsyncSession) -> int:
    """The number of a region, beside another with money."""
    regions = [Region(code=code, level="district", **NAMES) for code in ("banan", "theirs")]
    session.add_all(regions)
    await session.flush()
    session.add(FundSource(**SOURCE, region_id=regions[1].id))
    await session.commit()
    return regions[0].id


def of_region(region: int, *roles: Role) -> Identity:
    grants = tuple(Grant(role, frozenset({region})) for role in roles)
    return Identity("tester", frozenset({Scope.WRITE, Scope.JOBS}), grants)


async def test_what_a_planner_draws_up_is_rebuilt_by_one(
    state: ServiceState, tmp_path: Path, planned_region: int
) -> None:
    summary = await rebuilt(
        state, tmp_path, by_hand(project=[PROJECT]), of_region(planned_region, Role.PLANNER)
    )
    assert summary["made"] == {"region": 0, "plan": 1, "programme": 1, "duty": 1, "project": 1}


async def test_money_of_everywhere_is_drawn_by_who_decides_for_the_project(
    state: ServiceState, tmp_path: Path, planned_region: int
) -> None:
    async with state.sessions.begin() as session:
        session.add(FundSource(**SOURCE | {"code": "central-2024"}))
    content = by_hand(
        project=[PROJECT],
        fund_source=[({**SOURCE, "code": "central-2024"}, {})],
        fund_entry=[(ENTRY, {"project_id": 1, "source_id": 1})],
    )
    with pytest.raises(Forbidden, match="fund_entry"):
        await rebuilt(state, tmp_path, content, of_region(planned_region, Role.PLANNER))
    both = of_region(planned_region, Role.PLANNER, Role.APPROVER)
    assert (await rebuilt(state, tmp_path, content, both))["made"]["fund_entry"] == 1


@pytest.mark.parametrize("name", REFUSED)
async def test_what_belongs_to_no_region_by_name_is_not_written_without_the_right(
    state: ServiceState, tmp_path: Path, planned_region: int, name: str
) -> None:
    rows, decides = REFUSED[name]
    content = by_hand(**rows)
    with pytest.raises(Forbidden):
        await rebuilt(state, tmp_path, content, of_region(planned_region, Role.PLANNER))
    both = of_region(planned_region, Role.PLANNER, Role.APPROVER)
    if not decides:
        with pytest.raises(Forbidden):
            await rebuilt(state, tmp_path, content, both)
        both = EVERYWHERE
    assert (await rebuilt(state, tmp_path, content, both))["made"]["duty"] == 1


SECOND, UPPER = f"{PLAN}.v2", "chongqing-restoration-2021"


@pytest.fixture
async def editions(
    plans: ServiceState, anonymous: httpx.AsyncClient, session: AsyncSession
) -> Mapping[str, bytes]:
    """The packages of both editions of a plan, and of the plan above them."""
    async with plans.sessions.begin() as again:
        await seed_cities(again, ["xiamen", "banan"], [], act=Act("tester"))
    bureau = Bureau(anonymous, session)
    await bureau.meet("planner", Role.PLANNER)
    await bureau.meet("approver", Role.APPROVER)
    assert await bureau.revise(PLAN, {"name_en": "Revised plan"}) == SECOND
    await bureau.move(SECOND, "submitted", "approved")
    return {code: await package_of(plans, code) for code in (PLAN, SECOND, UPPER)}


async def told(state: ServiceState, path: str, **params: str) -> Any:
    """What anybody is told, if there is anything."""
    app = create_app(state.configuration)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
            answer = await client.get(path, params=params)
    assert answer.status_code in {200, 404}, answer.text
    return answer.json() if answer.status_code == 200 else None


async def plans_told(state: ServiceState, **params: str) -> dict[str, str]:
    found = await told(state, "/collections/plans/items", limit="100", **params)
    return {one["properties"]["code"]: one["properties"]["status"] for one in found["features"]}


async def row_of(state: ServiceState, code: str) -> Any:
    async with state.sessions() as session:
        query = text("SELECT id, upper_plan_id, lineage_id FROM plan WHERE code = :code")
        return (await session.execute(query, {"code": code})).one()


async def copies_of(state: ServiceState) -> dict[str, dict[str, str]]:
    """By table the codes of copies, and those of what they were copied from."""
    found = {}
    async with state.sessions() as session:
        with bound_to(PLATFORM):
            for content in CONTENT:
                if COPIED_FROM in content.columns.columns and content.compared:
                    table = content.table
                    query = text(
                        f"SELECT c.code, o.code FROM {table} c JOIN {table} o"
                        f" ON o.id = c.{COPIED_FROM} WHERE '{table}' NOT LIKE 'zone%'"
                    )
                    found[table] = {row[0]: row[1] for row in await session.execute(query)}
    return {table: pairs for table, pairs in found.items() if pairs}


@pytest.mark.parametrize("order", [(PLAN, SECOND, UPPER), (SECOND, UPPER, PLAN)])
async def test_a_plan_takes_the_place_of_its_name_in_any_order(
    plans: ServiceState,
    editions: Mapping[str, bytes],
    elsewhere: ServiceState,
    tmp_path: Path,
    order: tuple[str, ...],
) -> None:
    rows: dict[str, Any] = {}
    for number, code in enumerate(order, start=1):
        summary = await rebuilt(elsewhere, tmp_path, editions[code])
        # The second edition has the projects of the first: those that are there are taken.
        made = 21 if code == order[0] else 0
        if code != UPPER:
            counted = summary["made"]["project"], summary["found"]["project"]
            assert counted == (made, 21 - made), code
        seen = await plans_told(elsewhere)
        assert set(seen) == set(order[:number])
        assert set(await plans_told(elsewhere, as_of="2100-01-01")) <= set(order[:number])
        rows |= {one: await row_of(elsewhere, one) for one in (PLAN, SECOND) if one not in rows}
        with pytest.raises(Conflict, match="is there already"):
            await rebuilt(elsewhere, tmp_path, editions[code])
    assert await plans_told(elsewhere) == {
        PLAN: "superseded",
        SECOND: "approved",
        UPPER: "approved",
    }
    for code, row in rows.items():
        assert (await row_of(elsewhere, code)).id == row.id
    assert (await row_of(elsewhere, SECOND)).upper_plan_id == (await row_of(elsewhere, UPPER)).id
    programmes = await told(elsewhere, f"/plans/{SECOND}/totals")
    assert sum(row["projects"] for row in programmes["programmes"]) == 21
    assert await copies_of(elsewhere) == await copies_of(plans) != {}
    compared = [await told(state, f"/plans/{SECOND}/compare") for state in (plans, elsewhere)]
    assert compared[0]["parts"] == compared[1]["parts"]
    for code, first in editions.items():
        again = members_of(await package_of(elsewhere, code))
        assert {n: again[n] == data for n, data in members_of(first).items()} == dict.fromkeys(
            again, True
        ), code


async def test_a_plan_that_is_only_named_is_nowhere_told_as_one_in_force(
    editions: Mapping[str, bytes], elsewhere: ServiceState, tmp_path: Path
) -> None:
    await rebuilt(elsewhere, tmp_path, editions[PLAN])
    assert await plans_told(elsewhere) == {PLAN: "superseded"}
    assert [
        one["code"] for one in (await told(elsewhere, f"/plans/{PLAN}/editions"))["editions"]
    ] == [PLAN]
    for path in ("", "/totals", "/indicators", "/compare", "/departures"):
        assert await told(elsewhere, f"/plans/{SECOND}{path}") is None, path
    assert await told(elsewhere, f"/collections/plans/items/{SECOND}") is None
    # The package made here is that it was made of, and names the same elsewhere.
    assert await package_of(elsewhere, PLAN) == editions[PLAN]
    async with elsewhere.sessions.begin() as session:
        touch = "UPDATE plan SET row_version = 2, first_year = 2020 WHERE code = :code"
        with bound_to(PLATFORM):
            await session.execute(text(touch), {"code": SECOND})
    with pytest.raises(Conflict, match="was changed since"):
        await rebuilt(elsewhere, tmp_path, editions[SECOND])
