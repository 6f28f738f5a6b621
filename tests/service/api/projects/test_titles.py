"""Members, scores and titles of demonstration areas, and the dossier they are told in."""

from decimal import Decimal
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from docx import Document
from docx.table import Table
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db import dossiers
from shanhai.db.dossiers import weighted_mean
from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import seed_cities
from tests.support.observation_rows import add_station
from tests.support.plan_features import feature, point, square
from tests.support.projects import add_project

People = dict[str, httpx.AsyncClient]
SCORES, TITLES = "/demonstration-scores", "/titles"


def named(code: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "name_zh": "名", "name_en": "Name", "region": "banan", **more}


def pointers(answer: httpx.Response) -> list[str]:
    return [error["pointer"] for error in answer.json()["errors"]]


def part(dossier: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return next((one["rows"] for one in dossier["parts"] if one["name"] == name), [])


def read_rows(table: Table) -> list[dict[str, str]]:
    head, *rows = [[cell.text for cell in row.cells] for row in table.rows]
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_a_mean_goes_by_weights() -> None:
    # (80 · 3 + 60 · 1) ÷ 4 = 75
    assert weighted_mean([(Decimal(80), Decimal(3)), (Decimal(60), None)]) == Decimal("75.00")
    assert weighted_mean([(Decimal(70), None), (Decimal(75), None)]) == Decimal("72.50")
    assert weighted_mean([]) is None


amounts = st.decimals("0", "100", places=2)
weights = st.none() | st.decimals("0.01", "9999", places=2)


@given(st.lists(st.tuples(amounts, weights), min_size=1, max_size=8))
def test_a_mean_lies_between_the_scores(scores: list[tuple[Decimal, Decimal | None]]) -> None:
    mean = weighted_mean(scores)
    assert mean is not None
    assert min(score for score, _ in scores) <= mean <= max(score for score, _ in scores)


@pytest.mark.db
@pytest.mark.redis
@pytest.mark.service
class TestTitles:
    async def test_a_title_is_given_by_a_document_and_withdrawn_for_a_reason(
        self, people: People, anonymous: httpx.AsyncClient
    ) -> None:
        body = named("bay", series="beautiful_bay", level="nation", target_year=2027)
        assert (await people["viewer"].post(TITLES, json=body)).status_code == 403
        assert (await people["planner"].post(TITLES, json=body)).status_code == 201
        same = await people["planner"].post(TITLES, json={**body, "code": "again"})
        assert (same.status_code, pointers(same)) == (409, ["/series", "/level", "/region"])
        code = await people["planner"].post(TITLES, json={**body, "level": "city"})
        assert (code.status_code, pointers(code)) == (409, ["/code"])
        given = {"state": "approved", "year": 2025, "document": "环海洋〔2025〕1号"}
        assert (await people["planner"].patch(f"{TITLES}/bay", json=given)).status_code == 403
        bare = await people["approver"].patch(f"{TITLES}/bay", json={"state": "approved"})
        assert bare.status_code == 409
        assert pointers(bare) == ["/year", "/document"]
        early = await people["approver"].patch(f"{TITLES}/bay", json={**given, "year": 2199})
        assert (early.status_code, pointers(early)) == (409, ["/year"])
        assert (await people["approver"].patch(f"{TITLES}/bay", json=given)).status_code == 200
        for who in ("planner", "approver"):
            other = await people[who].patch(f"{TITLES}/bay", json={"level": "city"})
            assert (other.status_code, "approved" in other.text) == (409, True)
            assert (await people[who].delete(f"{TITLES}/bay")).status_code == 409
        kept = await people["approver"].patch(f"{TITLES}/bay", json={"state": "withdrawn"})
        assert (kept.status_code, pointers(kept)) == (409, ["/reason"])
        why = {"state": "withdrawn", "reason": "复核未通过"}
        more = await people["approver"].patch(f"{TITLES}/bay", json={**why, "level": "city"})
        assert more.status_code == 409
        assert (await people["approver"].patch(f"{TITLES}/bay", json=why)).status_code == 200
        # What was withdrawn stands in the way of no new try.
        assert (
            await people["planner"].post(TITLES, json={**body, "code": "again"})
        ).status_code == 201
        listed = (await anonymous.get(TITLES, params={"series": "beautiful_bay"})).json()
        assert {one["code"]: one["state"] for one in listed["titles"]} == {
            "bay": "withdrawn",
            "again": "candidate",
        }

    async def test_scores_keep_to_their_scale_and_name_documents_that_are_there(
        self, people: People
    ) -> None:
        criterion = named("example", order=1, weight="3")
        assert (
            await people["planner"].post("/demonstration-criteria", json=criterion)
        ).status_code == 201
        heavy = await people["planner"].patch("/demonstration-criteria/example", json={"weight": 0})
        assert (heavy.status_code, pointers(heavy)) == (400, ["/weight"])
        score = {"code": "s", "region": "banan", "criterion": "example", "year": 2025}
        for value, evidence, status, pointer in (
            ("100.01", [], 400, "/score"),
            ("-1", [], 400, "/score"),
            ("80", ["nothing"], 400, "/evidence"),
        ):
            sent = {**score, "score": value, "evidence": evidence}
            refused = await people["planner"].post(SCORES, json=sent)
            assert (refused.status_code, pointers(refused)) == (status, [pointer]), value
        made = await people["planner"].post(SCORES, json={**score, "score": "80"})
        assert made.status_code == 201, made.text
        assert made.json()["score"] == "80.00"
        twice = await people["planner"].post(SCORES, json={**score, "code": "t", "score": "70"})
        assert (twice.status_code, pointers(twice)) == (409, ["/region", "/criterion", "/year"])

    async def test_a_dossier_tells_what_lies_in_a_region(
        self, people: People, anonymous: httpx.AsyncClient
    ) -> None:
        planner = people["planner"]
        for code, weight, value in (("example", "3", "80"), ("spread", None, "60")):
            await planner.post("/demonstration-criteria", json=named(code, order=1, weight=weight))
            sent = {"code": code, "region": "banan", "criterion": code, "year": 2025}
            assert (await planner.post(SCORES, json={**sent, "score": value})).status_code == 201
        member = named("village", order=1, section="summit", state="in_work")
        assert (await planner.post("/demonstration-members", json=member)).status_code == 201
        outfall = named("drain", kind="storm_drain", permit="P-1", permit_until="2026-12-31")
        sent = feature(point(106.5, 29.4), **outfall)
        assert (await planner.post("/collections/outfalls/items", json=sent)).status_code == 201
        island = feature(square(106.5, 29.4, 0.01), **named("islet", waters="river"))
        assert (await planner.post("/collections/islands/items", json=island)).status_code == 201
        await planner.post(TITLES, json=named("title", series="demonstration", level="province"))
        section = feature(point(106.5, 29.4), **named("lake", kind="water_section"))
        assert (await planner.post("/collections/stations/items", json=section)).status_code == 201

        answer = await anonymous.get("/regions/banan/dossier", params={"year": 2025})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert [one["name"] for one in told["parts"]][:3] == ["members", "scores", "titles"]
        assert [row["score"] for row in part(told, "scores")] == ["80.00", "60.00", "75.00"]
        assert part(told, "outfalls")[0]["permit_until"] == "2026-12-31"
        assert [row["code"] for row in part(told, "islands")] == ["islet"]
        assert part(told, "titles")[0]["state"] == "candidate"
        page = await anonymous.get("/regions/banan/dossier", params={"f": "html", "lang": "zh"})
        assert "综合得分" in page.text
        assert "雨洪排口" in page.text
        english = await anonymous.get("/regions/banan/dossier", params={"f": "html", "lang": "en"})
        assert "Storm drain" in english.text
        for lang, words in (("zh", "断面均按河流限值"), ("en", "sections by limits of rivers")):
            asked = {"f": "html", "lang": lang}
            assert words in (await planner.get("/regions/banan/dossier", params=asked)).text
        word = await anonymous.get("/regions/banan/dossier", params={"f": "docx"})
        assert "75.00" in ZipFile(BytesIO(word.content)).read("word/document.xml").decode()
        pdf = await anonymous.get("/regions/banan/dossier", params={"f": "pdf"})
        assert pdf.content.startswith(b"%PDF")
        assert (await anonymous.get("/regions/nowhere/dossier")).status_code == 404
        bad = await anonymous.get("/regions/banan/dossier", params={"year": 99})
        assert bad.status_code == 400

    async def test_what_is_computed_goes_by_all_rows_though_few_are_listed(
        self,
        people: People,
        anonymous: httpx.AsyncClient,
        session: AsyncSession,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for number, planned in ((1, 2.5), (2, 4.0)):
            await add_project(session, code=f"work-{number}")
            await session.execute(
                text(
                    "INSERT INTO project_measure (project_id, measure, planned, done, unit)"
                    " SELECT id, 'tree_planting', :planned, 1, 'ha' FROM project WHERE code = :code"
                ),
                {"planned": planned, "code": f"work-{number}"},
            )
        await session.commit()
        monkeypatch.setattr(dossiers, "MOST_ROWS", 1)
        told = (await people["planner"].get("/regions/banan/dossier")).json()
        listed = {one["name"]: (one["total"], len(one["rows"])) for one in told["parts"]}
        assert listed["projects"] == (2, 1)
        summed = part(told, "measures")[0]
        assert {name: summed[name] for name in ("measure", "projects", "planned", "done")} == {
            "measure": "tree_planting",
            "projects": 2,
            "planned": 6.5,
            "done": 2.0,
        }
        # Drafts are known to those at work alone, and so is what they add up to.
        assert part((await anonymous.get("/regions/banan/dossier")).json(), "measures") == []

    async def test_a_dossier_on_paper_has_names_for_codes_and_widths_for_its_columns(
        self, people: People, session: AsyncSession
    ) -> None:
        await add_project(session, code="work")
        await add_station(session, "gauge")
        for statement in (
            "INSERT INTO project_measure (project_id, measure, planned, done, unit)"
            " SELECT id, 'tree_planting', 2.5, 1, 'ha' FROM project",
            "INSERT INTO observation_latest (station_id, property_id, observed_at, value,"
            " received_at, quality, flags, equal_values)"
            " SELECT s.id, p.id, '2026-05-01T00:30:00Z', 1.5, now(), 0, 0, 1"
            " FROM station s, observed_property p"
            " WHERE p.code = 'ammonia_nitrogen'",
        ):
            await session.execute(text(statement))
        await session.commit()
        outfall = named("drain", kind="storm_drain", station="gauge")
        sent = feature(point(106.5, 29.4), **outfall)
        made = await people["planner"].post("/collections/outfalls/items", json=sent)
        assert made.status_code == 201, made.text
        tables = {}
        for lang in ("zh", "en"):
            asked = {"f": "docx", "lang": lang}
            word = await people["planner"].get("/regions/banan/dossier", params=asked)
            document = Document(BytesIO(word.content))
            titles = [
                one.text
                for one in document.paragraphs
                if one.style and one.style.name == "Heading 1"
            ]
            tables[lang] = dict(zip(titles, document.tables, strict=True))
        (measure,) = read_rows(tables["zh"]["措施"])
        assert measure == {
            "措施": "植树",
            "项目数": "1",
            "计划": "2.5",
            "完成": "1",
            "单位": "公顷",
        }
        (project,) = read_rows(tables["zh"]["项目"])
        assert project["状态"] == "草案"
        (found,) = read_rows(tables["zh"]["排污口监测结果"])
        assert {name: found[name] for name in ("项目", "最近值", "单位", "时间")} == {
            "项目": "氨氮",
            "最近值": "1.5",
            "单位": "mg/L",
            "时间": "2026-05-01 08:30",
        }
        (found,) = read_rows(tables["en"]["Results at outfalls"])
        assert found["Property"] == "Ammonia nitrogen"
        widths = [column.width or 0 for column in tables["en"]["Results at outfalls"].columns]
        assert max(widths) > 2 * min(widths)

    async def test_drafts_are_in_the_dossier_of_those_at_work_alone(
        self, people: People, anonymous: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        line = {
            **named("shore", kind="shoreline"),
            "class": "natural",
            "status": "draft",
        }
        shape = {
            "type": "LineString",
            "coordinates": [[106.5, 29.4], [106.51, 29.4]],
        }
        made = await people["planner"].post(
            "/collections/control_areas/items", json=feature(shape, **line)
        )
        assert made.status_code == 201, made.text
        asked = "/regions/banan/dossier"
        assert part((await anonymous.get(asked)).json(), "shorelines") == []
        shown = await people["approver"].patch(
            "/collections/control_areas/items/shore", json={"properties": {"status": "published"}}
        )
        assert shown.status_code == 200, shown.text
        # 0.01 degrees of longitude at 29.4° north are 0.971 km.
        rows = part((await anonymous.get(asked)).json(), "shorelines")
        assert rows == [{"class": "natural", "stretches": 1, "length_km": "0.971"}]

    async def test_the_seeds_have_the_titles_xiamen_strives_for(
        self, anonymous: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        await seed_cities(session, ["xiamen"], [], act=Act("tester"))
        await session.commit()
        bay = (await anonymous.get("/regions/xiamen.bay.west-sea/dossier?lang=zh")).json()
        assert bay["title"].endswith("一湾一策档案")
        assert [row["code"] for row in part(bay, "titles")] == ["xiamen.title.west-sea"]
        assert [row["code"] for row in part(bay, "duties")] == ["T-BAYS-NATIONAL"]
        chain = (await anonymous.get("/regions/xiamen.demonstration.junying-tongan/dossier")).json()
        named_so = [row["name_zh"] for row in part(chain, "members")]
        assert named_so == ["军营村、白交祠村", "东西溪", "同安湾"]
        city = (await anonymous.get("/regions/xiamen/dossier")).json()
        assert [row["name_zh"] for row in part(city, "members")] == [
            *("东西溪流域", "九溪流域", "过芸溪流域", "后溪流域")
        ]
        assert len(part(city, "titles")) == 9
