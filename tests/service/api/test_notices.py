"""Notices: published for as long as the law asks, commented on, answered, and summed up."""

import asyncio
import hashlib
import io
import itertools
import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import docx
import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.comments import find_notice, forget_contacts, freeze_summary
from shanhai.db.engine import read_today
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act
from shanhai.settings import ParticipationSettings
from shanhai.vocabulary import Scope
from shanhai_api.kit.state import ServiceState
from tests.support.joint_plans import People, names, plan, pointers, post

SECRET = "the secret of the tests, which is long enough"
pytestmark = pytest.mark.configured(
    participation=ParticipationSettings(
        secret=SecretStr(SECRET), work_bits=8, per_address=0, per_notice=0
    )
)
ITEMS = "/collections/notices/items"
AREA = [[[118.0, 24.4], [118.1, 24.4], [118.1, 24.5], [118.0, 24.5], [118.0, 24.4]]]
SAID = {"text": "建议保留滩涂湿地。\n<b>另</b>请公开监测数据。"}
REPLY = {
    "reply": "已在方案第三章增加监测要求。",
    "adoption": "adopted",
    "reason": "符合规划目标",
    "topic": "监测",
    "shown": True,
}
PERSON = {"name": "张三丰", "contact": "13900001234", "address": "思明区某路 1 号"}


def solve(challenge: str, bits: int) -> dict[str, str]:
    """What a client does: find a text with which the digest begins with enough zero bits."""
    for number in itertools.count():
        digest = hashlib.sha256(f"{challenge}:{number}".encode()).digest()
        if int.from_bytes(digest, "big") >> (256 - bits) == 0:
            return {"challenge": challenge, "solution": str(number)}
    raise AssertionError("there is always a solution")


async def proof(client: httpx.AsyncClient, code: str = "n-1") -> dict[str, str]:
    """A challenge of a notice, solved."""
    given = await client.get(f"/notices/{code}/challenge")
    assert given.status_code == 200, given.text
    assert given.headers["cache-control"] == "no-store"
    return solve(given.json()["challenge"], given.json()["bits"])


PERIOD = ("period_from", "period_to")


def notice(today: date, **members: Any) -> dict[str, Any]:
    """A notice of the plan, to send."""
    told = {
        "region": "a",
        "subject_collection": "plans",
        "subject_code": "p-1",
        "text_zh": "规划草案公示。\n请提出意见。",
        "period_from": today.isoformat(),
        "period_to": (today + timedelta(days=30)).isoformat(),
        "contact_office": "规划科",
        "commenters": "anonymous",
    }
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": AREA},
        "properties": {**names("n-1"), **told, **members},
    }


async def change(client: httpx.AsyncClient, code: str = "n-1", **members: Any) -> httpx.Response:
    """Change members of a notice."""
    return await client.patch(f"{ITEMS}/{code}", json={"properties": members})


async def publish(people: People, session: AsyncSession, **members: Any) -> None:
    """A plan put up for approval, and a notice of it."""
    await post(people["planner@a"], "/collections/plans/items", plan("p-1", region="a"))
    await post(people["planner@a"], ITEMS, notice(await read_today(session), **members))
    published = await change(people["approver@a"], state="published")
    assert published.status_code == 200, published.text


async def age(session: AsyncSession, days: int) -> None:
    """Let a notice have hung for some days."""
    await session.execute(
        text(
            f"UPDATE notice SET published_on = published_on - {days},"
            f" period_from = period_from - {days}, period_to = period_to - {days}"
        )
    )
    await session.commit()


async def comment(client: httpx.AsyncClient, body: Mapping[str, Any]) -> httpx.Response:
    """Comment on the notice, with a proof of work."""
    return await client.post("/notices/n-1/comments", json={**body, "work": await proof(client)})


def next_of(page: Mapping[str, Any]) -> str:
    """Where the next page is; empty after the last."""
    return next((one["href"] for one in page["links"] if one["rel"] == "next"), "")


async def test_a_summary_counts_every_comment(people: People, session: AsyncSession) -> None:
    await publish(people, session)
    await session.execute(
        text(
            "INSERT INTO notice_comment (code, notice_id, text, authored, receipt_sha256, reply,"
            " adoption, reason, replied_at, replied_by) SELECT 'comment-' || g, n.id, 'x',"
            " 'anonymous', 'h' || g, 'r',"
            " CASE WHEN g > 10000 THEN 'adopted' ELSE 'not_adopted' END,"
            " 'w', now(), 'p' FROM notice n, generate_series(1, 10003) g"
        )
    )
    await session.commit()
    # Who answers them finds every one.
    listed = (await people["planner@a"].get("/notices/n-1/comments")).json()["comments"]
    assert len(listed) == 10_003
    # Everybody else finds them page after page, and so may they.
    public = people["anonymous"]
    await session.execute(
        text("UPDATE notice_comment SET is_shown = true WHERE code <> 'comment-2'")
    )
    await session.commit()
    first = (await public.get("/notices/n-1/comments")).json()
    rest = (await public.get(next_of(first))).json()
    codes = [one["code"] for one in (*first["comments"], *rest["comments"])]
    assert len(first["comments"]) == 10_000
    assert codes == [one["code"] for one in listed if one["code"] != "comment-2"]
    assert next_of(rest) == ""
    for client, seen in ((public, codes), (people["planner@a"], [one["code"] for one in listed])):
        two = (await client.get("/notices/n-1/comments?limit=2")).json()
        more = (await client.get(next_of(two))).json()
        assert [one["code"] for one in (*two["comments"], *more["comments"])] == seen[:4]
    for wrong in ("limit=0", "limit=10001", "after=-1", "after=x"):
        assert (await public.get(f"/notices/n-1/comments?{wrong}")).status_code == 400
    await age(session, 40)
    assert (await change(people["planner@a"], state="closed")).status_code == 200
    draft = (await people["planner@a"].get("/notices/n-1/summary")).json()
    frozen = await people["approver@a"].post("/notices/n-1/summary")
    assert frozen.status_code == 201, frozen.text
    for content in (draft["content"], frozen.json()["content"]):
        assert content["counts"]["comments"] == len(content["comments"]) == 10_003
        assert content["counts"]["by_adoption"]["adopted"] == 3


async def test_a_reply_waits_for_the_summary_that_is_being_frozen(
    people: People, session: AsyncSession, state: ServiceState
) -> None:
    await publish(people, session)
    assert (await comment(people["anonymous"], SAID)).status_code == 201
    planner = people["planner@a"]
    code = (await planner.get("/notices/n-1/comments")).json()["comments"][0]["code"]
    path = f"/notices/n-1/comments/{code}/reply"
    assert (await planner.put(path, json=REPLY)).status_code == 200
    await age(session, 40)
    assert (await change(planner, state="closed")).status_code == 200
    judge = Identity("judge", frozenset({Scope.ADMIN}))
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with state.sessions() as freezing:
        seen = await find_notice(freezing, "n-1", judge.viewer)
        row = await freeze_summary(freezing, seen, caller=judge, act=Act("judge"))
        late = asyncio.create_task(planner.put(path, json={**REPLY, "adoption": "not_adopted"}))
        for _ in range(1_000):
            if late.done() or await session.scalar(waiting):
                break
            await asyncio.sleep(0.01)
        await freezing.commit()
    assert row.content["comments"][0]["adoption"] == "adopted"
    assert (await late).status_code == 409
    shown = (await people["anonymous"].get("/notices/n-1/summary")).json()["content"]["comments"]
    kept = (await planner.get("/notices/n-1/comments")).json()["comments"]
    assert [one["adoption"] for one in (*shown, *kept)] == ["adopted", "adopted"]


async def test_a_plan_is_approved_when_its_comments_are_summed_up(
    people: People, session: AsyncSession
) -> None:
    await publish(people, session)
    public, planner, approver = people["anonymous"], people["planner@a"], people["approver@a"]
    assert (
        await planner.patch(
            "/collections/plans/items/p-1", json={"properties": {"status": "submitted"}}
        )
    ).status_code == 200

    async def approve() -> httpx.Response:
        body = {"properties": {"status": "approved"}}
        return await approver.patch("/collections/plans/items/p-1", json=body)

    running = (await public.get("/notices")).json()["notices"]
    assert [one["code"] for one in running] == ["n-1"]
    assert running[0]["runs"]
    place = {"type": "Point", "coordinates": [118.05, 24.45]}
    first = await comment(public, {**SAID, "place": place})
    assert first.status_code == 201, first.text
    assert (await comment(public, {**SAID, "text": "支持。"})).status_code == 201
    today = await read_today(session)

    refused = await approve()
    assert refused.status_code == 409
    assert [fault["detail"] for fault in refused.json()["errors"]] == [
        f"notice n-1 runs until {today + timedelta(days=30)}",
        "comments on notice n-1 without a reply: 2",
        "notice n-1 has no frozen summary of its comments",
    ]
    await age(session, 31)
    late = await public.post("/notices/n-1/comments", json=SAID)
    assert late.status_code == 409
    begin, end = today - timedelta(days=31), today - timedelta(days=1)
    assert f"from {begin} to {end}" in late.json()["detail"]
    assert (await public.get("/notices")).json()["notices"] == []

    assert (await change(planner, state="closed")).status_code == 409, "not answered yet"
    listed = (await planner.get("/notices/n-1/comments")).json()["comments"]
    assert [one["text"] for one in listed] == [SAID["text"], "支持。"]
    assert listed[0]["place"] == [118.05, 24.45]
    for number, one in enumerate(listed):
        body = {**REPLY, "shown": number == 0}
        reply = await planner.put(f"/notices/n-1/comments/{one['code']}/reply", json=body)
        assert reply.status_code == 200, reply.text
    assert (await approver.post("/notices/n-1/summary")).status_code == 409, "not closed yet"
    assert (await change(planner, state="closed")).status_code == 200
    assert len((await approve()).json()["errors"]) == 1, "the summary is lacking"
    assert (await planner.post("/notices/n-1/summary")).status_code == 403
    assert (await public.get("/notices/n-1/summary")).status_code == 404
    frozen = await approver.post("/notices/n-1/summary")
    assert frozen.status_code == 201, frozen.text
    assert (await approve()).status_code == 200

    shown = (await public.get("/notices/n-1/summary")).json()
    written = json.dumps(
        shown["content"], ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    assert hashlib.sha256(written.encode()).hexdigest() == shown["sha256"]
    assert shown["content"]["counts"]["by_adoption"]["adopted"] == 2
    assert [one["text"] for one in shown["content"]["comments"]] == [SAID["text"], None]
    again = await approver.post("/notices/n-1/summary")
    assert again.status_code == 409
    body = {**REPLY, "adoption": "not_adopted"}
    path = f"/notices/n-1/comments/{listed[0]['code']}/reply"
    assert (await planner.put(path, json=body)).status_code == 409
    with pytest.raises(DBAPIError, match="frozen"):
        await session.execute(text("UPDATE notice_comment SET adoption = 'not_adopted'"))
    await session.rollback()

    for lang, words in (("zh", "不公开"), ("en", "not shown")):
        page = await public.get("/notices/n-1/summary", params={"f": "html", "lang": lang})
        assert words in page.text
        assert "&lt;b&gt;另&lt;/b&gt;" in page.text
        page = await public.get("/notices/n-1", params={"f": "html", "lang": lang})
        assert "&lt;b&gt;另&lt;/b&gt;" in page.text
        assert "支持。" not in page.text
        assert "<circle" in page.text
    pdf = await public.get("/notices/n-1/summary", params={"f": "pdf", "lang": "zh"})
    assert pdf.content.startswith(b"%PDF")
    made = await public.get("/notices/n-1/summary", params={"f": "docx", "lang": "zh"})
    table = docx.Document(io.BytesIO(made.content)).tables[-1]
    assert table.rows[1].cells[1].text == "采纳"


@pytest.mark.configured(
    participation=ParticipationSettings(secret=SecretStr(SECRET), work_bits=8, per_address=8)
)
async def test_a_proof_of_work_is_ours_in_time_and_used_once(
    people: People, session: AsyncSession, state: ServiceState
) -> None:
    await publish(people, session)
    public = people["anonymous"]
    none = await public.post("/notices/n-1/comments", json=SAID)
    assert none.status_code == 403
    work = await proof(public)
    kept = await public.post("/notices/n-1/comments", json={**SAID, "work": work})
    assert kept.status_code == 201
    twice = await public.post("/notices/n-1/comments", json={**SAID, "work": work})
    assert twice.status_code == 409
    challenge = (await public.get("/notices/n-1/challenge")).json()["challenge"]
    stamp, bits, nonce, mark = challenge.split(".")
    easier = solve(f"{stamp}.1.{nonce}.{mark}", 1)
    longer = solve(f"{int(stamp) + 9}.{bits}.{nonce}.{mark}", 8)
    wrong = next(
        {"challenge": challenge, "solution": str(number)}
        for number in itertools.count()
        if hashlib.sha256(f"{challenge}:{number}".encode()).digest()[0] != 0
    )
    for bad in (easier, longer, wrong, {"challenge": "x", "solution": "y"}):
        answer = await public.post("/notices/n-1/comments", json={**SAID, "work": bad})
        assert answer.status_code == 403, bad
    assert await session.scalar(text("SELECT count(*) FROM notice_comment")) == 1

    flood = [await public.post("/notices/n-1/comments", json=SAID) for _ in range(4)]
    assert flood[-1].status_code == 429, "the address has sent too much"
    assert "Retry-After" in flood[-1].headers
    known = await people["planner@b"].post("/notices/n-1/comments", json=SAID)
    assert known.status_code == 429, "whoever sends from there"


async def test_a_comment_is_kept_once_for_its_key(people: People, session: AsyncSession) -> None:
    await publish(people, session)
    body = {**SAID, "work": await proof(people["anonymous"])}
    headers = {"Idempotency-Key": "6c1d"}
    first = await people["anonymous"].post("/notices/n-1/comments", json=body, headers=headers)
    again = await people["anonymous"].post("/notices/n-1/comments", json=body, headers=headers)
    assert first.status_code == again.status_code == 201
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.json()["code"] == again.json()["code"]
    assert "receipt" not in again.json(), "it is told once"
    assert await session.scalar(text("SELECT count(*) FROM notice_comment")) == 1


async def test_who_commented_is_told_to_those_who_answer_alone(
    people: People, session: AsyncSession, state: ServiceState
) -> None:
    await publish(people, session, commenters="named")
    public, planner = people["anonymous"], people["planner@a"]
    sent = await comment(public, {**SAID, **PERSON})
    assert sent.status_code == 201, sent.text
    code, receipt = sent.json()["code"], sent.json()["receipt"]
    by_account = await people["planner@b"].post("/notices/n-1/comments", json=SAID)
    assert by_account.status_code == 201
    path = f"/notices/n-1/comments/{code}"
    assert (await planner.put(f"{path}/reply", json=REPLY)).status_code == 200

    for stranger in ("anonymous", "planner@b", "approver@b"):
        refused = await people[stranger].get(f"{path}/contact")
        assert refused.status_code in {401, 403}, stranger
        for where in (
            "/notices/n-1",
            "/notices/n-1/comments",
            "/notices?which=all",
            f"{ITEMS}/n-1",
            f"{ITEMS}/n-1/versions",
            f"{ITEMS}?f=csv",
            "/changes?limit=100",
            "/notices/n-1?f=html",
        ):
            told = await people[stranger].get(where)
            assert told.status_code == 200, (where, told.text)
            assert not [value for value in PERSON.values() if value in told.text], where
            assert "planner of b" not in told.text, where
    shown = await planner.get(f"{path}/contact")
    assert {name: shown.json()[name] for name in PERSON} == PERSON
    log = text("SELECT actor, action, object_table, coalesce(after::text, '') FROM audit_log")
    entries = (await session.execute(log)).all()
    assert ("read", "contact_detail") in {(one[1], one[2]) for one in entries}
    assert {one[0] for one in entries if one[1:3] == ("create", "notice_comment")} == {"public"}
    everything = " ".join(" ".join(one) for one in entries)
    assert not [value for value in PERSON.values() if value in everything]
    kept = await session.scalar(text("SELECT string_agg(k::text, ' ') FROM idempotency_key k"))
    assert PERSON["name"] not in (kept or "")

    read = await public.post("/receipts", json={"receipt": receipt})
    assert read.json()["reply"] == REPLY["reply"]
    assert read.json()["contact_kept"]
    gone = await public.post("/receipts", json={"receipt": receipt, "delete_contact": True})
    assert not gone.json()["contact_kept"]
    assert (await planner.get(f"{path}/contact")).status_code == 404
    other = by_account.json()["code"]
    assert (await planner.delete(f"/notices/n-1/comments/{other}/contact")).status_code == 204
    assert await session.scalar(text("SELECT count(*) FROM contact_detail")) == 0
    assert (await public.post("/receipts", json={"receipt": "x"})).status_code == 404


async def test_contacts_are_deleted_when_their_day_has_passed(
    people: People, session: AsyncSession, state: ServiceState
) -> None:
    await publish(people, session, commenters="named")
    assert (await comment(people["anonymous"], {**SAID, **PERSON})).status_code == 201
    async with state.sessions.begin() as unit:
        assert await forget_contacts(unit, Act("keeper")) == 0
    await session.execute(text("UPDATE contact_detail SET delete_on = current_date - 1"))
    await session.commit()
    async with state.sessions.begin() as unit:
        assert await forget_contacts(unit, Act("keeper")) == 1
    assert await session.scalar(text("SELECT count(*) FROM contact_detail")) == 0
    assert await session.scalar(text("SELECT count(*) FROM notice_comment")) == 1


@pytest.mark.parametrize(
    ("commenters", "body", "status"),
    [
        ("account", {}, 401),
        ("account", PERSON, 401),
        ("named", {}, 403),
        ("named", {"name": "张三"}, 400),
        ("named", {"anonymous": True}, 403),
        ("anonymous", {"anonymous": True, "name": "张三"}, 400),
    ],
)
async def test_a_notice_says_who_may_comment(
    people: People, session: AsyncSession, commenters: str, body: dict[str, Any], status: int
) -> None:
    await publish(people, session, commenters=commenters)
    answer = await comment(people["anonymous"], {**SAID, **body})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "bad",
    [
        {"text": ""},
        {"text": " \n "},
        {"text": "x" * 4001},
        {"text": "a\u0000b"},
        {"text": "a\u001bb"},
        {"text": "a\u202eb"},
        {"text": "好", "place": {"type": "Point", "coordinates": [200, 24]}},
        {"text": "好", "place": {"type": "LineString", "coordinates": [[118, 24], [119, 24]]}},
        {"text": "好", "more": 1},
    ],
)
async def test_comments_that_break_a_rule_are_refused(
    people: People, session: AsyncSession, bad: dict[str, Any]
) -> None:
    await publish(people, session)
    answer = await people["anonymous"].post("/notices/n-1/comments", json=bad)
    assert answer.status_code == 400, answer.text
    assert await session.scalar(text("SELECT count(*) FROM notice_comment")) == 0


async def test_a_notice_hangs_for_as_long_as_the_law_asks_and_stays_as_it_was(
    people: People, session: AsyncSession
) -> None:
    planner, approver = people["planner@a"], people["approver@a"]
    today = await read_today(session)
    await post(planner, "/collections/plans/items", plan("p-1", region="a"))
    await post(planner, ITEMS, {**notice(today, subject_code="p-2", code="n-2")})
    missing = await change(approver, "n-2", state="published")
    assert pointers(missing) == ["/properties/subject_code"]
    short = (today + timedelta(days=29)).isoformat()
    await post(planner, ITEMS, notice(today, period_to=short, documents=["paper"]))
    assert (await people["anonymous"].get("/notices/n-1")).status_code == 404, "a draft"
    refused = await change(approver, state="published")
    assert pointers(refused) == ["/properties/period_to", "/properties/documents"]
    assert "第二十六条" in refused.text
    longer = (today + timedelta(days=30)).isoformat()
    assert (await change(planner, period_to=longer, documents=[])).status_code == 200
    assert (await change(planner, state="published")).status_code == 403
    assert (await change(approver, state="published")).status_code == 200

    rewritten = await change(planner, text_zh="另一份草案。")
    assert (rewritten.status_code, pointers(rewritten)) == (409, ["/properties/text_zh"])
    shorter = await change(planner, period_to=short)
    assert pointers(shorter) == ["/properties/period_to"]
    later = (today + timedelta(days=40)).isoformat()
    assert (await change(planner, period_to=later)).status_code == 200
    assert (await planner.delete(f"{ITEMS}/n-1")).status_code == 409
    assert (await change(approver, state="withdrawn")).status_code == 409, "a reason is needed"
    withdrawn = await change(approver, state="withdrawn", reason="草案有重大修改")
    assert withdrawn.status_code == 200, withdrawn.text
    assert (await comment_of(people)).status_code == 409


async def test_a_period_ends_some_day(people: People, session: AsyncSession) -> None:
    planner, approver = people["planner@a"], people["approver@a"]
    await post(planner, "/collections/plans/items", plan("p-1", region="a"))
    for endless in ({"period_to": "9999-12-31"}, dict.fromkeys(PERIOD, "9999-12-31")):
        refused = await planner.post(ITEMS, json=notice(await read_today(session), **endless))
        assert pointers(refused) == [f"/properties/{name}" for name in endless]
    await post(planner, ITEMS, notice(await read_today(session)))
    assert (await change(approver, state="published")).status_code == 200
    # As one may be that was published before.
    await session.execute(text("UPDATE notice SET period_to = '9999-12-31'"))
    await session.commit()
    assert (await comment_of(people)).status_code == 201
    assert (await change(approver, state="withdrawn", reason="重新公示")).status_code == 200


async def comment_of(people: People) -> httpx.Response:
    """A comment without proof of work, of somebody with an account."""
    return await people["planner@b"].post("/notices/n-1/comments", json=SAID)


async def test_a_region_gives_notice_of_its_own_objects(
    people: People, session: AsyncSession
) -> None:
    today = await read_today(session)
    await post(people["planner@a"], "/collections/plans/items", plan("p-1", region="a"))
    await post(people["planner@b"], ITEMS, notice(today, region="b"))
    foreign = await change(people["approver@b"], state="published")
    assert pointers(foreign) == ["/properties/region"]
    other = notice(today, code="n-2")
    assert (await people["planner@b"].post(ITEMS, json=other)).status_code == 403


async def test_a_spatial_plan_is_not_approved_without_a_notice(
    people: People, session: AsyncSession
) -> None:
    planner, approver = people["planner@a"], people["approver@a"]
    body = plan("p-1", region="a")
    body["properties"]["kind"] = "spatial_plan"
    await post(planner, "/collections/plans/items", body)
    path = "/collections/plans/items/p-1"
    await planner.patch(path, json={"properties": {"status": "submitted"}})
    refused = await approver.patch(path, json={"properties": {"status": "approved"}})
    assert refused.status_code == 409
    assert "a public notice of it is needed first" in refused.text


@pytest.mark.configured(participation=ParticipationSettings())
async def test_without_a_secret_only_accounts_comment(
    people: People, session: AsyncSession
) -> None:
    await publish(people, session)
    refused = await people["anonymous"].get("/notices/n-1/challenge")
    assert refused.status_code == 503
    assert "SHANHAI_PARTICIPATION_SECRET" in refused.text
    assert (await comment_of(people)).status_code == 201


async def test_a_control_area_with_a_notice_waits_for_it(
    people: People, session: AsyncSession
) -> None:
    planner, approver = people["planner@a"], people["approver@a"]
    line = {**names("line-1"), "kind": "red_line", "level": "city", "region": "a"}
    area = {"type": "Polygon", "coordinates": AREA}
    body = {"type": "Feature", "geometry": area, "properties": line}
    await post(planner, "/collections/control_areas/items", body)
    told = notice(
        await read_today(session), subject_collection="control_areas", subject_code="line-1"
    )
    await post(planner, ITEMS, {**told, "geometry": None})
    assert (await change(approver, state="published")).status_code == 200
    shown = (await people["anonymous"].get("/notices/n-1")).json()
    assert shown["geometry"]["type"] == "Polygon", "the shape of what it is of"
    path = "/collections/control_areas/items/line-1"
    refused = await approver.patch(path, json={"properties": {"status": "published"}})
    assert refused.status_code == 409
    assert "n-1 runs until" in refused.text
    gone = await change(approver, state="withdrawn", reason="另行公示")
    assert gone.status_code == 200
    done = await approver.patch(path, json={"properties": {"status": "published"}})
    assert done.status_code == 200, "a notice that was withdrawn keeps nothing back"
