"""What the projects of a plan come to: sums, coverage of problems, timetable, reserve, package."""

import csv
import hashlib
import io
import zipfile
from decimal import Decimal
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.projects.reserve import criteria
from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import seed_cities
from shanhai.db.tables.project import FundSource, Project, ProjectMeasure
from shanhai.db.tables.provision import Problem
from tests.support.projects import (
    SQUARE,
    add_measures,
    add_paper,
    add_project,
    add_source,
    allocate,
    complete,
)

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

People = dict[str, httpx.AsyncClient]
PLAN = "/plans/banan-restoration-2021"


@pytest.fixture
async def banan(session: AsyncSession) -> AsyncSession:
    """A session on a database with Banan's plan, as its files have it."""
    await seed_cities(session, ["banan"], [], act=Act("tester"))
    await session.commit()
    return session


def table(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def test_programmes_add_up(
    banan: AsyncSession, anonymous: httpx.AsyncClient, reader: httpx.AsyncClient
) -> None:
    document = (await anonymous.get(f"{PLAN}/totals")).json()
    found = document["programmes"]
    assert (len(found), document["projects"]) == (7, 21)
    assert sum(item["projects"] for item in found) == 21
    assert [item["programme"] for item in found] == [f"banan.PRG{n}" for n in range(1, 8)]
    assert found[0]["states"] == {"reserve": 1}
    assert {each["measure"] for each in found[0]["measures"]} >= {"urban_greening"}
    assert {item["cost"] for item in found} == {None}
    assert "allocated" not in found[0]
    await banan.execute(
        text("UPDATE project SET cost = 100.10 WHERE code IN ('banan.PRJ01', 'banan.PRJ02')")
    )
    await banan.execute(text("UPDATE project SET state = 'draft' WHERE code = 'banan.PRJ03'"))
    await banan.execute(text("UPDATE project SET programme_id = NULL WHERE code = 'banan.PRJ02'"))
    await banan.execute(
        text("UPDATE project_measure SET planned = 2, unit = 'ha' WHERE measure = 'tree_planting'")
    )
    await banan.commit()
    document = (await anonymous.get(f"{PLAN}/totals")).json()
    assert document["projects"] == 20
    by_code = {item["programme"]: item for item in document["programmes"]}
    assert by_code["banan.PRG1"]["cost"] == "100.10"
    assert by_code[None]["projects"] == 1
    known = (await reader.get(f"{PLAN}/totals")).json()["programmes"][0]
    assert known["allocated"] == "0.00"
    rows = table(await anonymous.get(f"{PLAN}/totals", params={"f": "csv"}))
    assert [row["projects"] for row in rows] == [
        str(item["projects"]) for item in document["programmes"]
    ]


@pytest.mark.parametrize("given_up", ["cancelled", "rejected"])
async def test_projects_that_were_given_up_are_counted_without_what_they_planned(
    banan: AsyncSession, reader: httpx.AsyncClient, given_up: str
) -> None:
    own = "WHERE code = 'banan.PRJ01'"
    await banan.execute(text(f"UPDATE project SET cost = 100 {own}"))
    await banan.execute(
        text(
            "UPDATE project_measure SET planned = 2, unit = 'm' WHERE order_no = 1"
            f" AND project_id = (SELECT id FROM project {own})"
        )
    )
    await banan.commit()

    async def told() -> tuple[Any, ...]:
        document = (await reader.get(f"{PLAN}/totals")).json()
        programme, region = document["programmes"][0], document["regions"][0]
        dossier = (await reader.get("/regions/banan/dossier")).json()
        lines = next(part["rows"] for part in dossier["parts"] if part["name"] == "measures")
        return (
            document["projects"],
            *((sums["cost"], sums["costed"], sums["projects"]) for sums in (programme, region)),
            *(programme["states"], programme["first_year"]),
            *(
                [each["unit"] for each in rows if each["planned"]]
                for rows in (programme["measures"], lines)
            ),
        )

    years = (await reader.get("/collections/projects/items/banan.PRJ01")).json()["properties"]
    assert await told() == (
        *(21, ("100.00", 1, 1), ("100.00", 1, 21)),
        *({"reserve": 1}, years["start_year"], ["m"], ["m"]),
    )
    await banan.execute(text(f"UPDATE project SET state = :state {own}"), {"state": given_up})
    await banan.commit()
    assert await told() == (*(21, (None, 0, 1), (None, 0, 21), {given_up: 1}, None, [], []),)


async def test_money_of_a_plan_adds_up_by_source_year_and_programme(
    banan: AsyncSession, anonymous: httpx.AsyncClient, reader: httpx.AsyncClient
) -> None:
    for code, kind, year in (("ocean-2024", "ocean", 2024), ("transfer-2025", "transfer", 2025)):
        banan.add(
            FundSource(
                code=code, name_zh=code, name_en=code, kind=kind, year=year, amount=Decimal(1000)
            )
        )
    await banan.flush()
    moves = (
        ("ocean-2024", "banan.PRJ01", "allocation", "300.00"),
        ("ocean-2024", "banan.PRJ01", "payment", "60.00"),
        ("ocean-2024", "banan.PRJ01", "return", "100.00"),
        ("transfer-2025", "banan.PRJ02", "allocation", "50.10"),
    )
    for source, project, kind, amount in moves:
        await banan.execute(
            text(
                "INSERT INTO fund_entry (source_id, project_id, kind, amount, actor, paid_on)"
                " SELECT fs.id, pj.id, :kind, :amount, 'tester', '2025-03-01'"
                " FROM fund_source fs, project pj WHERE fs.code = :source AND pj.code = :project"
            ),
            {"source": source, "project": project, "kind": kind, "amount": Decimal(amount)},
        )
    # PRJ01 has done all of one measure, PRJ02 nothing of its own.
    await banan.execute(
        text(
            "UPDATE project_measure SET planned = 2, done = 3, unit = 'ha' WHERE project_id ="
            " (SELECT id FROM project WHERE code = 'banan.PRJ01') AND order_no = 1"
        )
    )
    await banan.execute(text("UPDATE project SET cost = 400 WHERE code = 'banan.PRJ01'"))
    await banan.commit()
    assert (await anonymous.get(f"{PLAN}/funds")).status_code == 401
    told = (await reader.get(f"{PLAN}/funds")).json()
    assert (told["allocated"], told["paid"], told["returned"]) == ("250.10", "60.00", "100.00")
    lines = {line["key"]: line for line in told["lines"]}
    assert lines["ocean-2024"]["allocated"] == "200.00"
    assert lines["ocean-2024"]["balance"] == "140.00"
    assert lines["ocean-2024"]["paid_percent"] == 30.0
    by_kind = (await reader.get(f"{PLAN}/funds", params={"by": "kind", "lang": "zh"})).json()
    assert [line["name"] for line in by_kind["lines"]] == ["海洋生态保护修复资金", "转移支付"]
    by_year = (await reader.get(f"{PLAN}/funds", params={"by": "year"})).json()
    assert [(line["key"], line["allocated"]) for line in by_year["lines"]] == [
        ("2024", "200.00"),
        ("2025", "50.10"),
    ]
    by_programme = (await reader.get(f"{PLAN}/funds", params={"by": "programme"})).json()
    first = next(line for line in by_programme["lines"] if line["key"] == "banan.PRG1")
    # No measure counts for more than was planned of it.
    assert (first["cost"], first["done_percent"]) == ("400.00", 100.0)
    assert sum(Decimal(line["allocated"]) for line in by_programme["lines"]) == Decimal("250.10")
    # A programme that no money came for stands there, too, with what it costs.
    listed = {line["key"]: line for line in by_programme["lines"]}
    assert {*listed} == {f"banan.PRG{number}" for number in range(1, 8)}
    idle = listed["banan.PRG7"]
    assert (idle["projects"], idle["allocated"], idle["paid_percent"]) == (0, "0.00", None)
    rows = table(await reader.get(f"{PLAN}/funds", params={"f": "csv"}))
    assert [row["paid"] for row in rows] == ["60.00", "0.00"]
    page = await reader.get(f"{PLAN}/funds", params={"f": "html", "by": "programme", "lang": "en"})
    assert "Share done" in page.text
    before = await reader.get(f"{PLAN}/funds", params={"as_of": "2023-01-01"})
    assert before.json()["lines"] == []
    assert (await reader.get(f"{PLAN}/funds", params={"by": "moon"})).status_code == 400


async def test_islands_no_project_names_are_told(
    banan: AsyncSession, anonymous: httpx.AsyncClient
) -> None:
    document = (await anonymous.get(f"{PLAN}/coverage", params={"lang": "zh"})).json()
    counts = document["counts"]
    assert (counts["problems"], counts["projects"]) == (8, 21)
    missing = {item["place"] for item in document["places_without_project"]}
    assert {"莲花中坝岛", "南坪坝"} <= missing
    assert "木洞中坝" not in missing
    found = {item["problem"]: item for item in document["problems"]}
    answers = {item["project"]: item for item in found["banan.P1"]["projects"]}
    assert answers["banan.PRJ02"]["by"] == ["link", "place"]
    assert answers["banan.PRJ02"]["name_zh"] == "铜锣山矿山生态修复重点项目"
    assert found["banan.P3a"]["covered"] is bool(found["banan.P3a"]["projects"])
    idle = {item["project"] for item in document["projects_without_problem"]}
    acting = {each["project"] for item in document["problems"] for each in item["projects"]}
    assert not idle & acting
    assert len(idle | acting) == 21
    rows = table(await anonymous.get(f"{PLAN}/coverage", params={"f": "csv"}))
    assert len(rows) == 8 + len(idle)


async def test_overlap_answers_a_problem_and_a_touch_does_not(
    banan: AsyncSession, anonymous: httpx.AsyncClient
) -> None:
    west, south, east, north = SQUARE
    problem = (await banan.scalars(select(Problem).where(Problem.code == "banan.P2b"))).one()
    problem.geom = func.ST_MakeEnvelope(west, south, east, north, 4490)
    inside = (await banan.scalars(select(Project).where(Project.code == "banan.PRJ04"))).one()
    inside.geom = func.ST_MakeEnvelope((west + east) / 2, south, east + 1, north, 4490)
    beside = (await banan.scalars(select(Project).where(Project.code == "banan.PRJ05"))).one()
    beside.geom = func.ST_MakeEnvelope(west - 1, south, west, north, 4490)
    await banan.execute(
        text(
            "DELETE FROM project_problem WHERE problem_id ="
            " (SELECT id FROM problem WHERE code = 'banan.P2b')"
        )
    )
    await banan.commit()
    document = (await anonymous.get(f"{PLAN}/coverage")).json()
    found = next(item for item in document["problems"] if item["problem"] == "banan.P2b")
    (answer,) = found["projects"]
    assert (answer["project"], answer["by"]) == ("banan.PRJ04", ["overlap"])
    await banan.execute(text("UPDATE project SET state = 'cancelled' WHERE code = 'banan.PRJ04'"))
    await banan.commit()
    document = (await anonymous.get(f"{PLAN}/coverage")).json()
    assert "banan.P2b" in document["problems_without_project"]


async def test_timetable_lists_and_draws(banan: AsyncSession, anonymous: httpx.AsyncClient) -> None:
    document = (await anonymous.get(f"{PLAN}/timetable")).json()
    assert (document["first_year"], document["last_year"]) == (2021, 2035)
    assert len(document["projects"]) == 21
    order = [item["programme"] for item in document["projects"]]
    assert order == sorted(order)
    rows = table(await anonymous.get(f"{PLAN}/timetable", params={"f": "csv"}))
    assert rows[0]["project"] == "banan.PRJ01"
    assert (rows[0]["start_year"], rows[0]["end_year"]) == ("2021", "2030")
    for lang, heading in (("zh", "实施时序"), ("en", "Timetable")):
        page = await anonymous.get(f"{PLAN}/timetable", params={"f": "html", "lang": lang})
        assert page.status_code == 200
        assert f"<h1>{heading}</h1>" in page.text
        assert page.text.count('<svg class="bar"') == 21
        assert 'width="66.667%"' in page.text
        assert "style=" not in page.text
        assert "<script" not in page.text


async def test_pages_in_both_languages(
    banan: AsyncSession, anonymous: httpx.AsyncClient, reader: httpx.AsyncClient
) -> None:
    for path, zh, en in (
        (f"{PLAN}/totals", "重点工程汇总", "Programmes in sums"),
        (f"{PLAN}/coverage", "问题与项目对应", "Problems and projects"),
        ("/projects/reserve", "项目储备库", "Projects in reserve"),
        ("/projects/banan.PRJ02", "铜锣山矿山生态修复重点项目", "Tongluo mine restoration"),
        ("/projects/banan.PRJ02/transitions", "transitions", "transitions"),
        ("/projects/banan.PRJ02/funds", "funds", "funds"),
    ):
        for lang, words in (("zh", zh), ("en", en)):
            page = await reader.get(path, params={"f": "html", "lang": lang})
            assert page.status_code == 200, path
            assert words in page.text, path
            assert "style=" not in page.text
    project = (await anonymous.get("/projects/banan.PRJ02")).json()
    assert project["funds"] is None
    assert [item["state"] for item in project["track"] if item["place"] == "now"] == ["reserve"]
    assert len(project["transitions"]) == 3


async def test_plans_and_regions_nobody_may_know_of(
    anonymous: httpx.AsyncClient, admin: httpx.AsyncClient, session: AsyncSession
) -> None:
    for part in ("totals", "coverage", "timetable"):
        assert (await anonymous.get(f"/plans/atlantis/{part}")).status_code == 404
    assert (await anonymous.get("/projects/atlantis")).status_code == 404
    assert (await anonymous.get("/projects/reserve")).status_code == 401
    assert (await admin.get("/projects/reserve", params={"region": "atlantis"})).status_code == 404
    assert (await admin.get("/projects/reserve", params={"region": "a\x00"})).status_code == 404


async def best(session: AsyncSession, **values: Any) -> Project:
    """A project in reserve that has all the score asks for."""
    row = await add_project(
        session, **{**complete(), "state": "reserve", "cost": "100.00", **values}
    )
    await add_measures(session, row)
    for kind in ("proposal", "design"):
        await add_paper(session, row, kind)
    return row


async def test_reserve_is_ranked_by_stated_criteria(people: People, session: AsyncSession) -> None:
    row = await best(session, code="best")
    source = await add_source(session)
    await allocate(session, row, source, "250.00")
    half = await add_project(session, code="half", state="reserve", cost="100.00")
    await allocate(session, half, source, "50.00")
    session.add_all(
        ProjectMeasure(project_id=half.id, measure=name, planned=planned)
        for name, planned in (("tree_planting", 1), ("mine_restoration", None))
    )
    await add_paper(session, half, "proposal")
    await add_project(session, code="bare", region="elsewhere", state="reserve")
    await add_project(session, code="not-yet", state="proposed")
    await session.execute(
        text(
            "WITH b AS (INSERT INTO problem (visibility, code,"
            " name_zh, name_en, type, region_id, severity)"
            " SELECT 'public',"
            " 'p', '问题', 'Problem', 'soil', id, 'medium' FROM region WHERE code = 'banan'"
            " RETURNING id) INSERT INTO project_problem (problem_id, project_id)"
            " SELECT b.id, p.id FROM b, project p WHERE p.code IN ('best', 'half')"
        )
    )
    await session.commit()
    document = (await people["viewer"].get("/projects/reserve")).json()
    assert sum(item["weight"] for item in document["criteria"]) == 100
    assert [item.code for item in criteria()] == [c["criterion"] for c in document["criteria"]]
    found = {item["project"]: item for item in document["projects"]}
    assert list(found) == ["best", "half", "bare"]
    assert [found[code]["score"] for code in found] == [95.0, 55.0, 0.0]
    assert found["half"]["points"] == {
        "geometry": 0.0,
        "cost": 15.0,
        "documents": 10.0,
        "funding": 10.0,
        "problems": 15.0,
        "measures": 5.0,
    }
    for item in document["projects"]:
        assert sum(map(Decimal, map(str, item["points"].values()))) == Decimal(str(item["score"]))
    assert found["best"]["ready"] is True
    assert found["half"]["lacking"] == ["geometry", "overlap", "documents"]
    params: dict[str, str | int] = {"region": "banan", "limit": 1}
    within = (await people["viewer"].get("/projects/reserve", params=params)).json()["projects"]
    assert [item["project"] for item in within] == ["best"]
    rows = table(await people["viewer"].get("/projects/reserve", params={"f": "csv"}))
    assert [row["rank"] for row in rows] == ["1", "2", "3"]


async def test_an_application_holds_what_its_manifest_says(
    people: People, session: AsyncSession, anonymous: httpx.AsyncClient
) -> None:
    row = await best(session, code="best", name_zh="=SUM(A1)")
    await allocate(session, row, await add_source(session), "60.00")
    await session.commit()
    path = "/projects/best/application"
    assert (await anonymous.get(path)).status_code == 401
    answer = await people["owner"].get(path)
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        manifest = orjson.loads(archive.read("manifest.json"))
        assert manifest["project"] == "best"
        names = [item["name"] for item in manifest["files"]]
        assert sorted([*names, "manifest.json"]) == sorted(archive.namelist())
        for item in manifest["files"]:
            content = archive.read(item["name"])
            assert hashlib.sha256(content).hexdigest() == item["sha256"]
        geojson = orjson.loads(archive.read("project.geojson"))
        assert geojson["geometry"]["type"] == "Polygon"
        papers = archive.read("documents.csv").decode("utf-8-sig").splitlines()
        assert len(papers) == 3
        assert "60.00" in archive.read("funds.csv").decode("utf-8-sig")
    again = await people["owner"].get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    viewer = await people["viewer"].get(path)
    with zipfile.ZipFile(io.BytesIO(viewer.content)) as archive:
        assert len(archive.read("documents.csv").decode("utf-8-sig").splitlines()) == 1
