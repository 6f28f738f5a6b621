"""Duties of the seeded plans: the board, and the yearly review from reports to a frozen PDF."""

import asyncio
import hashlib
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import docx
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.vocabulary import ROLE_SCOPES, Role
from shanhai_api.kit.state import ServiceState
from tests.service.api.conftest import BASE
from tests.support.seeded import seed_again

PLAN = "/plans/xiamen-vanguard-2025"
REVIEW = f"{PLAN}/duty-reviews/2025"
COURT = f"{REVIEW}/reports/duty-10/xiamen.court"
REPORTED = {
    "text": "审结环境资源案件，建立修复执行机制。",
    "figures": [{"name": "审结案件", "value": "120.50", "unit": "件"}],
}
_COURT = text("SELECT name_zh, name_en FROM party WHERE code = 'xiamen.court'")
ROLES = (
    *((role, "xiamen") for role in (Role.OWNER, Role.PLANNER, Role.SUPERVISOR, Role.APPROVER)),
    (Role.SUPERVISOR, "banan"),
)


@pytest.fixture
async def office(
    app: FastAPI, state: ServiceState, session: AsyncSession, anonymous: httpx.AsyncClient
) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    """Somebody of each role in Xiamen, a supervisor of Banan and the public, with both plans."""
    async with state.sessions.begin() as writer:
        await seed_again(writer)
    found = {"anonymous": anonymous}
    for role, region in ROLES:
        async with state.sessions.begin() as writer:
            key = await create_key(
                writer,
                name=f"{role} of {region}",
                scopes=sorted(ROLE_SCOPES[role]),
                roles=[RoleGiven(role, region)],
            )
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
        headers = {"Authorization": f"Bearer {key}"}
        name = role.value if region == "xiamen" else f"{role.value}@{region}"
        found[name] = httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)
    yield found
    for client in found.values():
        await client.aclose()


Office = dict[str, httpx.AsyncClient]


def digest(content: Any) -> str:
    """The SHA-256 of a content, as the guide has it made."""
    written = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


async def begin(office: Office, **changes: Any) -> httpx.Response:
    body = {"year": 2025, "reports_due_on": "2026-01-31", **changes}
    return await office["planner"].post(f"{PLAN}/duty-reviews", json=body)


async def test_the_twelve_articles_have_their_departments(office: Office) -> None:
    told = (await office["anonymous"].get(f"{PLAN}/duties", params={"limit": 100})).json()
    duties = {one["code"]: one for one in told["duties"]}
    assert len(duties) == 22
    articles = [duties[f"duty-{number}"] for number in range(1, 13)]
    assert articles[3]["heading_zh"] == "建设山海一体化保护生态绿廊"
    assert articles[1]["named"] == [
        *("xiamen.development-reform", "xiamen.industry", "xiamen.science"),
        "xiamen.district-governments",
    ]
    named = {party for duty in articles for party in duty["named"]}
    assert len(named - {"xiamen.district-governments"}) == 29
    assert {duty["due"] for duty in articles} == {"2027-12-31"}
    assert duties["T-TINGXI"]["due"] is None
    assert all(not duty["lead"] for duty in articles)
    asked = {"parties": "xiamen.court"}
    found = (await office["anonymous"].get(f"{PLAN}/duties", params=asked)).json()
    assert [one["code"] for one in found["duties"]] == ["duty-10"]


async def test_the_board_counts_by_party_and_by_article(office: Office) -> None:
    patch = {"state": "late"}
    for late in ("duty-2", "T-EVAL-2025"):
        done = await office["supervisor"].patch(f"{PLAN}/duties/{late}", json=patch)
        assert done.is_success, done.text
    board = (await office["anonymous"].get(f"{PLAN}/duty-board")).json()
    rows = {row["code"]: row for row in board["rows"]}
    assert board["total"] == 22
    # Those with late duties come first.
    assert [row["states"]["late"] for row in board["rows"][:6]] == [1, 1, 1, 1, 1, 0]
    # A duty that names no party has a row as well.
    assert [one["code"] for one in rows[None]["duties"]] == ["T-EVAL-2025"]
    assert rows["xiamen.science"]["states"] == {
        "open": 0,
        "on_track": 0,
        "late": 1,
        "done": 0,
        "dropped": 0,
    }
    # Article 10, and nothing else.
    assert rows["xiamen.court"]["total"] == 1
    by_article = (await office["anonymous"].get(f"{PLAN}/duty-board?by=article")).json()
    assert {row["code"]: row["total"] for row in by_article["rows"]}["6"] == 6
    page = await office["anonymous"].get(f"{PLAN}/duty-board", params={"f": "html", "lang": "zh"})
    assert page.status_code == 200
    assert "市科技局" in page.text
    assert "<td>未列单位</td>" in page.text
    assert "<rect" in page.text


async def test_the_board_names_experts_to_those_with_an_identity_alone(
    office: Office, session: AsyncSession
) -> None:
    await session.execute(text("UPDATE party SET kind = 'expert' WHERE code = 'xiamen.court'"))
    await session.commit()
    rows: dict[str, dict[str | None, set[str]]] = {}
    for who in ("anonymous", "planner"):
        board = await office[who].get(f"{PLAN}/duty-board")
        rows[who] = {
            row["code"]: {duty["code"] for duty in row["duties"]} for row in board.json()["rows"]
        }
        assert ("xiamen.court" in board.text) == (who == "planner")
    assert rows["planner"].pop("xiamen.court") == {"duty-10"}
    assert rows["anonymous"] == rows["planner"]


async def test_a_review_goes_from_reports_to_a_frozen_document(office: Office) -> None:
    assert (await begin(office)).status_code == 201
    hidden = await office["anonymous"].get(REVIEW)
    assert hidden.status_code == 404
    made = await office["owner"].put(COURT, json=REPORTED)
    assert made.status_code == 201, made.text
    # Waiting for a verdict, it cannot be frozen; the writer does not judge.
    early = await office["approver"].post(f"{REVIEW}/freeze")
    assert early.status_code == 409
    assert "duty-10/xiamen.court" in early.json()["detail"]
    judged = {"verdict": "returned", "judgement": "请补充数据"}
    assert (await office["supervisor"].post(f"{COURT}/judgement", json=judged)).is_success
    assert (await office["approver"].post(f"{REVIEW}/freeze")).status_code == 409
    read = {"If-Match": (await office["owner"].get(REVIEW)).headers["ETag"]}
    again = await office["owner"].put(COURT, json={**REPORTED, "text": "补充。"}, headers=read)
    assert again.status_code == 200
    stale = await office["owner"].put(COURT, json=REPORTED, headers=read)
    assert stale.status_code == 412
    # Nor is a report judged, or a review frozen, that was looked at before it was changed.
    met = {"verdict": "met"}
    unseen = await office["supervisor"].post(f"{COURT}/judgement", headers=read, json=met)
    assert unseen.status_code == 412
    read = {"If-Match": again.headers["ETag"]}
    seen = await office["supervisor"].post(f"{COURT}/judgement", headers=read, json=met)
    assert seen.is_success
    assert (await office["approver"].post(f"{REVIEW}/freeze", headers=read)).status_code == 412
    read = {"If-Match": (await office["approver"].get(REVIEW)).headers["ETag"]}
    frozen = await office["approver"].post(f"{REVIEW}/freeze", headers=read)
    assert frozen.status_code == 200, frozen.text
    told = frozen.json()
    assert told["sha256"] == digest(told["content"])
    summary = told["content"]["summary"]
    # One report was met, all others of those named were not sent by the day they were due.
    assert summary["reports"]["met"] == 1
    assert (
        summary["reports"]["missing"]
        == sum(len(duty["reports"]) for duty in told["content"]["duties"]) - 1
    )
    # The greenways begin in 2026.
    assert summary["duties"] == 21
    await require_documents(office["anonymous"], told["sha256"])


async def test_a_frozen_review_names_experts_to_those_with_an_identity_alone(
    office: Office, session: AsyncSession
) -> None:
    names = dict((await session.execute(_COURT)).one()._mapping)
    await session.execute(text("UPDATE party SET kind = 'expert' WHERE code = 'xiamen.court'"))
    await session.commit()
    await begin(office)
    assert (await office["owner"].put(COURT, json=REPORTED)).status_code == 201
    assert (
        await office["supervisor"].post(f"{COURT}/judgement", json={"verdict": "met"})
    ).is_success
    assert (await office["approver"].post(f"{REVIEW}/freeze")).is_success
    told = {}
    for who in ("anonymous", "planner"):
        told[who] = (await office[who].get(REVIEW)).json()
        for lang in ("zh", "en"):
            page = await office[who].get(REVIEW, params={"f": "html", "lang": lang})
            shown = names[f"name_{lang}"] in page.text
            assert shown == (who == "planner"), (who, lang)
    assert "xiamen.court" in str(told["planner"])
    assert "xiamen.court" not in str(told["anonymous"])
    # What an expert reported is read by everybody, and counts.
    for who, code in (("anonymous", "expert"), ("planner", "xiamen.court")):
        reports = {
            report["party"]["code"]: report["text"]
            for duty in told[who]["content"]["duties"]
            for report in duty["reports"]
        }
        assert reports[code] == REPORTED["text"]
    assert told["anonymous"]["content"]["summary"] == told["planner"]["content"]["summary"]
    assert told["anonymous"]["sha256"] == told["planner"]["sha256"]
    for who in ("anonymous", "planner"):
        assert told[who]["content_sha256"] == digest(told[who]["content"])
        for lang in ("zh", "en"):
            page = await office[who].get(REVIEW, params={"f": "html", "lang": lang})
            assert told[who]["content_sha256"] in page.text
    assert told["planner"]["content_sha256"] == told["planner"]["sha256"]
    assert told["anonymous"]["content_sha256"] != told["anonymous"]["sha256"]


async def require_documents(public: httpx.AsyncClient, sha256: str) -> None:
    """Anybody reads what was frozen, as PDF, DOCX and page, in both languages."""
    for lang, heading, word in (
        ("zh", "年度职责考核报告", "2025 年度职责考核"),
        ("en", "Review of duties", "review of the duties in 2025"),
    ):
        asked = {"f": "pdf", "lang": lang}
        pdf = await public.get(REVIEW, params=asked)
        assert pdf.headers["content-type"] == "application/pdf"
        assert pdf.content.startswith(b"%PDF-")
        assert len(pdf.content) > 20_000
        assert (await public.get(REVIEW, params=asked)).content == pdf.content
        word_file = await public.get(REVIEW, params={"f": "docx", "lang": lang})
        paragraphs = [one.text for one in docx.Document(io.BytesIO(word_file.content)).paragraphs]
        assert paragraphs[0] == heading
        page = await public.get(REVIEW, params={"f": "html", "lang": lang})
        assert word in page.text
        assert sha256 in page.text
        assert "120.50" in page.text
    listed = (await public.get(f"{PLAN}/duty-reviews")).json()
    assert [(one["year"], one["state"]) for one in listed["reviews"]] == [(2025, "frozen")]


async def test_what_is_frozen_is_not_changed_by_anybody(
    office: Office, state: ServiceState
) -> None:
    await begin(office)
    assert (await office["approver"].post(f"{REVIEW}/freeze")).is_success
    before = (await office["anonymous"].get(REVIEW)).json()
    assert (await office["owner"].put(COURT, json=REPORTED)).status_code == 409
    assert (await office["approver"].post(f"{REVIEW}/freeze")).status_code == 409
    assert (await begin(office)).status_code == 409
    # Duties go on; what was frozen of them stays.
    patch = {"state": "done"}
    assert (await office["supervisor"].patch(f"{PLAN}/duties/duty-2", json=patch)).is_success
    assert (await office["anonymous"].get(REVIEW)).json() == before
    async with state.sessions() as session:
        with pytest.raises(DBAPIError, match="frozen"):
            await session.execute(text("UPDATE duty_review SET content = '{}'"))


async def test_leads_answer_once_they_are_known(office: Office) -> None:
    changed = {"lead": ["xiamen.court"], "named": ["xiamen.procuratorate"]}
    patched = await office["planner"].patch(f"{PLAN}/duties/duty-10", json=changed)
    assert patched.is_success, patched.text
    await begin(office)
    other = f"{REVIEW}/reports/duty-10/xiamen.procuratorate"
    assert (await office["owner"].put(other, json=REPORTED)).status_code == 404
    assert (await office["owner"].put(COURT, json=REPORTED)).status_code == 201


async def test_reports_of_a_deleted_duty_are_not_those_of_another_of_its_code(
    office: Office,
) -> None:
    await begin(office)
    assert (await office["owner"].put(COURT, json=REPORTED)).status_code == 201
    old = (await office["planner"].get(f"{PLAN}/duties/duty-10")).json()
    assert (await office["planner"].delete(f"{PLAN}/duties/duty-10")).status_code == 204
    kept = {name: old[name] for name in ("code", "name_zh", "name_en", "named")}
    made = await office["planner"].post(f"{PLAN}/duties", json=kept)
    assert made.status_code == 201, made.text
    told = {}
    for text_sent in (None, "另一职责的报告。"):
        if text_sent is not None:
            sent = await office["owner"].put(COURT, json={**REPORTED, "text": text_sent})
            assert sent.status_code == 201, sent.text
        duties = (await office["owner"].get(REVIEW)).json()["content"]["duties"]
        (duty,) = [one for one in duties if one["code"] == "duty-10"]
        told[text_sent] = [
            report["text"]
            for report in duty["reports"]
            if report["party"]["code"] == "xiamen.court"
        ]
    assert told == {None: [None], "另一职责的报告。": ["另一职责的报告。"]}


async def test_documents_hidden_from_who_reports_again_stay(
    office: Office, session: AsyncSession
) -> None:
    await begin(office)
    for code, region in (("theirs", "banan"), ("own", "xiamen")):
        insert = text(
            "INSERT INTO document (code, owner_collection, owner_code, region_id, title_zh, kind,"
            " filename, media_type, bytes, sha256, uri, visibility, uploaded_by)"
            " SELECT :code, 'projects', 'x', id, '文件', 'other', 'a.txt', 'text/plain', 1,"
            " repeat('0', 64), 'documents/a', 'region', 'them' FROM region WHERE code = :region"
        )
        await session.execute(insert, {"code": code, "region": region})
    await session.commit()
    assert (await office["owner"].put(COURT, json=REPORTED)).status_code == 201
    await session.execute(text("UPDATE duty_report SET evidence = '{own,theirs}'"))
    await session.commit()
    for evidence, kept in ((["own"], ["own", "theirs"]), ([], ["theirs"])):
        sent = await office["owner"].put(COURT, json={**REPORTED, "evidence": evidence})
        assert sent.status_code == 200, sent.text
        assert await session.scalar(text("SELECT evidence FROM duty_report")) == kept
        await session.commit()
    named = await office["owner"].put(COURT, json={**REPORTED, "evidence": ["theirs"]})
    assert named.status_code == 400, named.text


async def test_roles_are_guarded(office: Office) -> None:
    body = {"year": 2025, "reports_due_on": "2026-01-31"}
    for name in ("owner", "approver", "supervisor@banan"):
        refused = await office[name].post(f"{PLAN}/duty-reviews", json=body)
        assert refused.status_code == 403, name
    assert (await office["anonymous"].post(f"{PLAN}/duty-reviews", json=body)).status_code == 401
    await begin(office)
    for name in ("supervisor", "approver", "supervisor@banan"):
        assert (await office[name].put(COURT, json=REPORTED)).status_code == 403, name
    await office["planner"].put(COURT, json=REPORTED)
    judged = {"verdict": "met"}
    for name in ("owner", "planner", "approver", "supervisor@banan"):
        assert (await office[name].post(f"{COURT}/judgement", json=judged)).status_code == 403
    for name in ("owner", "planner", "supervisor", "supervisor@banan"):
        assert (await office[name].post(f"{REVIEW}/freeze")).status_code == 403
    # Those of another region read what those at work read.
    assert (await office["supervisor@banan"].get(REVIEW)).status_code == 200


async def test_a_writer_does_not_judge_the_own_report(
    office: Office, admin: httpx.AsyncClient
) -> None:
    await begin(office)
    assert (await admin.put(COURT, json=REPORTED)).status_code == 201
    refused = await admin.post(f"{COURT}/judgement", json={"verdict": "met"})
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"text": ""}, "/text"),
        ({**REPORTED, "figures": [{"name": "x", "value": "NaN"}]}, "/figures/0/value"),
        ({**REPORTED, "figures": [{"name": "x", "value": "1e400"}]}, "/figures/0/value"),
        ({**REPORTED, "evidence": ["no-such"]}, "/evidence/0"),
        ({**REPORTED, "other": 1}, "/other"),
    ],
)
async def test_bad_reports_are_refused(office: Office, body: dict[str, Any], pointer: str) -> None:
    await begin(office)
    refused = await office["owner"].put(COURT, json=body)
    assert refused.status_code == 400, refused.text
    assert [fault["pointer"] for fault in refused.json()["errors"]] == [pointer]
    shown = (await office["planner"].get(REVIEW)).json()
    assert shown["content"]["summary"]["reports"]["waiting"] == 0


async def test_bad_reviews_are_refused(office: Office) -> None:
    for changes, status in (
        ({"year": 2199}, 400),
        ({"reports_due_on": "2024-12-31"}, 400),
        ({"year": 2024}, 409),
    ):
        assert (await begin(office, **changes)).status_code == status, changes
    assert (await office["planner"].get(f"{PLAN}/duty-reviews/2025")).status_code == 404
    # While the year goes on, what is reported of it is not over.
    now = datetime.now(UTC)
    past = (now - timedelta(days=2)).date().isoformat()
    over = await begin(office, year=now.year, reports_due_on=past)
    assert (over.status_code, over.json()["errors"][0]["pointer"]) == (400, "/reports_due_on")
    await begin(office)
    judged = {"verdict": "met"}
    none = await office["supervisor"].post(f"{COURT}/judgement", json=judged)
    assert none.status_code == 404
    await office["owner"].put(COURT, json=REPORTED)
    silent = await office["supervisor"].post(f"{COURT}/judgement", json={"verdict": "not_met"})
    assert silent.status_code == 400
    assert silent.json()["errors"][0]["pointer"] == "/judgement"


async def test_reports_can_still_come_until_they_are_due(office: Office) -> None:
    await begin(office, year=2026, reports_due_on="2199-01-31")
    refused = await office["approver"].post(f"{PLAN}/duty-reviews/2026/freeze")
    assert refused.status_code == 409
    assert "not settled" in refused.json()["detail"]


async def test_bad_duties_are_refused(office: Office) -> None:
    duty = f"{PLAN}/duties/duty-2"
    for patch, status, pointer in (
        ({"state": "dropped"}, 409, "/reason"),
        ({"state": "finished"}, 400, "/state"),
        ({"lead": ["nobody"]}, 400, "/lead"),
        ({"lead": ["xiamen.science"]}, 409, "/named/2"),
        ({"start_year": 2028}, 400, "/end_year"),
    ):
        refused = await office["supervisor"].patch(duty, json=patch)
        assert refused.status_code == status, refused.text
        assert refused.json()["errors"][0]["pointer"].startswith(pointer), refused.text
    assert (await office["supervisor@banan"].patch(duty, json={"state": "done"})).status_code == 403


async def test_another_plan_of_the_city_stands_beside(office: Office) -> None:
    """Duties belong to a document, and not to a party."""
    asked = f"{PLAN.replace('vanguard-2025', 'practice-2024')}/duties"
    told = (await office["anonymous"].get(asked)).json()
    assert [one["lead"] for one in told["duties"]] == [["xiamen.pilot-zone-leading-group"]]
    again = {
        "code": "duty-1",
        "name_zh": "同一代码",
        "name_en": "The same code",
        "lead": ["xiamen.science"],
    }
    made = await office["planner"].post(asked, json=again)
    assert made.status_code == 201, made.text
    first = (await office["anonymous"].get(f"{PLAN}/duties/duty-1")).json()
    assert first["name_zh"] != "同一代码"


async def test_two_who_begin_a_review_at_once_begin_one(office: Office) -> None:
    answers = await asyncio.gather(*(begin(office) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


async def test_a_rule_warns_before_and_after_the_last_day(office: Office) -> None:
    rule = {
        "code": "duties.due",
        "name_zh": "职责到期",
        "name_en": "Duties due",
        "kind": "duty_due",
        "plan": "xiamen-vanguard-2025",
        "limits": {"blue": -30, "red": 0},
    }
    made = await office["supervisor"].post("/alert-rules", json=rule)
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["unit"], told["reset"], told["limits"]) == ("d", -30, {"blue": -30, "red": 0})
    for changes in (
        {"limits": {"blue": 0, "red": -30}},
        {"reset": 5},
        {"control_kind": "red_line"},
        {"plan": "no-such-plan"},
    ):
        refused = await office["supervisor"].post(
            "/alert-rules", json={**rule, "code": "other", **changes}
        )
        assert refused.status_code == 400, changes
    path = "/alert-rules/duties.due"
    assert (await office["supervisor"].delete(path)).status_code == 204
