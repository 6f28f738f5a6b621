"""Who acted: names in place of codes, for those at work, as data and on pages."""

from collections.abc import Awaitable, Callable, Collection

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Executor
from shanhai.db.identity import RoleGiven
from shanhai.db.queries import accounts, keys
from shanhai.db.queries.actors import find_names
from shanhai.db.queries.audit import Act
from shanhai.vocabulary import Role, Scope
from shanhai_api.audit import MOST_ACTORS
from shanhai_api.kit import people
from tests.support.actors import people_told
from tests.support.job_rows import add_region
from tests.support.joint_plans import People, patch

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]
ACT = Act("tester")
MakeClient = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def acting_key(session: AsyncSession) -> str:
    """The code of somebody who acts by a key."""
    made = await keys.create_key(session, name="李规划", scopes=[Scope.READ])
    await session.commit()
    return f"key:{keys.prefix_of(made)}"


@pytest.fixture
async def acting_account(session: AsyncSession) -> str:
    """The code of somebody who acts by an account."""
    change = accounts.AccountChange(name="Wang Wu", roles=[])
    holder = await accounts.invite(
        session, issuer=accounts.OWN, subject="wang", change=change, act=ACT
    )
    await session.commit()
    return holder.owner


async def names_of(client: httpx.AsyncClient, *codes: str, lang: str = "en") -> dict[str, str]:
    answer = await client.get("/actors", params={"code": codes, "lang": lang})
    assert answer.status_code == 200, answer.text
    return {one["code"]: one["name"] for one in answer.json()["actors"]}


class TestNames:
    async def test_of_keys_and_accounts_in_the_order_asked(
        self, reader: httpx.AsyncClient, acting_key: str, acting_account: str
    ) -> None:
        asked = [
            acting_account,
            "key:nobody00",
            acting_key,
            "account:9223372036854775807",
            acting_account,
        ]
        found = await names_of(reader, *asked)
        assert [*found.items()] == [(acting_account, "Wang Wu"), (acting_key, "李规划")]

    async def test_outlive_a_revoked_key_and_a_disabled_account(
        self, reader: httpx.AsyncClient, session: AsyncSession, acting_key: str, acting_account: str
    ) -> None:
        await keys.revoke_key(session, acting_key.removeprefix("key:"), act=ACT)
        await accounts.change_account(
            session,
            int(acting_account.removeprefix("account:")),
            accounts.AccountChange(disabled=True),
            act=ACT,
        )
        await session.commit()
        assert await names_of(reader, acting_key, acting_account) == {
            acting_key: "李规划",
            acting_account: "Wang Wu",
        }

    @pytest.mark.parametrize(
        ("code", "zh", "en"),
        [
            ("operator", "运维人员（命令行）", "An operator at the terminal"),
            ("cli", "运维人员（命令行）", "An operator at the terminal"),
            ("public", "公众", "The public"),
            ("anonymous", "未登录者", "Somebody not signed in"),
            ("calendar", "平台（期限已到）", "The platform: a day was due"),
            ("keeper", "平台（数据归档）", "The platform: keeping of data"),
            ("reaper", "平台（作业清理）", "The platform: upkeep of jobs"),
            ("worker:attempt 2", "平台（后台作业）", "The platform: a job"),
            ("worker:deliveries", "平台（后台作业）", "The platform: a job"),
            ("subscription:7", "订阅者（邮件链接）", "A subscriber, by the link of a mail"),
        ],
    )
    async def test_of_the_platform_are_words(
        self, reader: httpx.AsyncClient, code: str, zh: str, en: str
    ) -> None:
        assert await names_of(reader, code, lang="zh") == {code: zh}
        assert await names_of(reader, code) == {code: en}

    async def test_of_nobody_are_left_out(self, reader: httpx.AsyncClient) -> None:
        codes = ("tester", "oidc:7", "account:x", "account:99999999999999999999", "key:a b")
        assert await names_of(reader, *codes) == {}


class TestWhoMayAsk:
    async def test_nobody_without_identity(
        self, anonymous: httpx.AsyncClient, acting_key: str
    ) -> None:
        assert (await anonymous.get("/actors", params={"code": acting_key})).status_code == 401

    async def test_nobody_whose_scopes_do_not_let_read(
        self, client_with: MakeClient, acting_key: str
    ) -> None:
        sender = await client_with(Scope.OBSERVE)
        assert (await sender.get("/actors", params={"code": acting_key})).status_code == 403

    @pytest.mark.parametrize(
        ("roles", "status"),
        [((), 403), ((Role.FEED,), 403), ((Role.VIEWER,), 200), ((Role.AUDITOR,), 200)],
    )
    async def test_whoever_reads_in_a_region(
        self,
        anonymous: httpx.AsyncClient,
        session: AsyncSession,
        acting_key: str,
        roles: tuple[Role, ...],
        status: int,
    ) -> None:
        await add_region(session, "city")
        given = [RoleGiven(role, "city") for role in roles]
        made = await keys.create_key(session, name="asking", scopes=[Scope.READ], roles=given)
        await session.commit()
        headers = {"Authorization": f"Bearer {made}"}
        answer = await anonymous.get("/actors", params={"code": acting_key}, headers=headers)
        assert answer.status_code == status, answer.text

    async def test_caches_of_others_keep_nothing(
        self, reader: httpx.AsyncClient, acting_key: str
    ) -> None:
        answer = await reader.get("/actors", params={"code": acting_key})
        assert "private" in answer.headers["Cache-Control"]


class TestBadQuestions:
    @pytest.mark.parametrize(
        "code", ["", "KEY:1", "key:", "key:a\x00", "李规划", "key:" + "a" * 65]
    )
    async def test_name_the_code(self, reader: httpx.AsyncClient, code: str) -> None:
        answer = await reader.get("/actors", params={"code": ["public", code]})
        assert answer.status_code == 400, answer.text
        [fault] = answer.json()["errors"]
        assert fault["pointer"] == "code"
        assert repr(code) in fault["detail"]

    async def test_about_nobody_or_too_many(self, reader: httpx.AsyncClient) -> None:
        codes = [f"account:{number}" for number in range(MOST_ACTORS + 1)]
        for asked in ([], codes):
            answer = await reader.get("/actors", params={"code": asked})
            assert answer.status_code == 400, answer.text
            assert [fault["pointer"] for fault in answer.json()["errors"]] == ["code"]
        assert (await reader.get("/actors", params={"code": codes[:-1]})).status_code == 200


class TestPages:
    async def test_of_approvals_tell_names_to_those_at_work(
        self, joint: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[int] = []

        async def counted(session: Executor, codes: Collection[str]) -> dict[str, str]:
            asked.append(len(codes))
            return await find_names(session, codes)

        monkeypatch.setattr(people, "find_names", counted)
        assert (await patch(joint["planner@a"], status="submitted")).status_code == 200
        path = "/plans/joint/approvals"
        for place in ("a", "b"):
            body = {"region": place, "decision": "approved"}
            answer = await joint[f"approver@{place}"].post(path, json=body)
            assert answer.status_code == 201, answer.text
        page = await joint["planner@a"].get(path, params={"f": "html"})
        assert people_told(page.text) == {"approver of a", "approver of b"}
        assert asked == [2], "one query for all names"
        page = await joint["anonymous"].get(path, params={"f": "html"})
        assert page.status_code == 200
        assert people_told(page.text) == set()
        assert asked == [2], "none for the public"

    @pytest.mark.parametrize("lang", ["zh", "en"])
    async def test_of_the_log_tell_names_and_words(
        self, admin: httpx.AsyncClient, acting_key: str, session: AsyncSession, lang: str
    ) -> None:
        await session.execute(
            text(
                "INSERT INTO audit_log (actor, action, object_table, object_id)"
                " VALUES (:key, 'update', 'project', 'p'), ('calendar', 'update', 'duty', 'd')"
            ),
            {"key": acting_key},
        )
        await session.commit()
        page = await admin.get("/audit", params={"f": "html", "limit": 2, "lang": lang})
        assert people_told(page.text) == {"李规划"}
        words = {"zh": "平台（期限已到）", "en": "The platform: a day was due"}[lang]
        assert f'<span title="calendar">{words}</span>' in page.text


async def test_a_role_elsewhere_is_enough(joint: People, acting_key: str) -> None:
    assert await names_of(joint["planner@c"], acting_key) == {acting_key: "李规划"}
