"""Security keys as a second factor, shown by one in software, and what attackers try with them."""

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from shanhai.settings import PublicSettings
from shanhai.vocabulary import Role
from shanhai_api.kit.state import ServiceState
from tests.service.api.test_sign_in import (
    BASE,
    PASSWORD,
    SETTINGS,
    Browse,
    browse,
    code_of,
    entries,
    execute,
    make_account,
    nobody_failed,
    set_up_factor,
    sign_in,
    start,
)
from tests.support.authenticator import Algorithm, SecurityKey, as_text

__all__ = ["browse", "nobody_failed"]
pytestmark = [
    pytest.mark.db,
    pytest.mark.redis,
    pytest.mark.service,
    pytest.mark.configured(
        sign_in=SETTINGS,
        public=PublicSettings(api_url=BASE, tiles_url="http://tiles.test", public_read=True),
    ),
]
KEYS = "/session/security-keys"


async def ask(browser: httpx.AsyncClient, csrf: str) -> dict[str, Any]:
    """The options of a new security key."""
    headers = {"X-CSRF-Token": csrf}
    answer = await browser.post(KEYS, json={"password": PASSWORD}, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["options"])


async def confirm(
    browser: httpx.AsyncClient, csrf: str, credential: Any, name: str = "办公室"
) -> httpx.Response:
    given, headers = {"credential": credential, "name": name}, {"X-CSRF-Token": csrf}
    return await browser.post(f"{KEYS}/confirm", json=given, headers=headers)


async def add(browser: httpx.AsyncClient, csrf: str, key: SecurityKey) -> dict[str, Any]:
    """The answer to a security key that was added."""
    answer = await confirm(browser, csrf, key.create(await ask(browser, csrf), BASE))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def challenge_of(browser: httpx.AsyncClient, csrf: str) -> dict[str, Any]:
    answer = await browser.post(f"{KEYS}/challenge", json={}, headers={"X-CSRF-Token": csrf})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["options"])


async def show(browser: httpx.AsyncClient, csrf: str, credential: Any) -> httpx.Response:
    given, headers = {"credential": credential}, {"X-CSRF-Token": csrf}
    return await browser.post(f"{KEYS}/show", json=given, headers=headers)


async def with_key(
    browse: Browse, state: ServiceState, name: str = "root", role: Role = Role.ADMIN
) -> tuple[httpx.AsyncClient, SecurityKey, dict[str, Any]]:
    """A browser whose account has a security key and nothing else, and the answer to it."""
    browser, key = await browse(), SecurityKey()
    begun = await start(browser, await make_account(state, name, role))
    return browser, key, await add(browser, begun["csrf"], key)


async def begin(browser: httpx.AsyncClient, name: str = "root") -> str:
    """The text of a session that needs a second factor."""
    begun = (await sign_in(browser, name)).json()
    assert begun["need"] == "code"
    return str(begun["csrf"])


class TestSigningIn:
    @pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
    async def test_administrators_add_one_and_sign_in_with_it(
        self, browse: Browse, state: ServiceState, algorithm: Algorithm
    ) -> None:
        browser, key = await browse(), SecurityKey(algorithm)
        begun = await start(browser, await make_account(state, "root", Role.ADMIN))
        assert begun["need"] == "factor"
        assert (await browser.get("/keys")).status_code == 401
        options = await ask(browser, begun["csrf"])
        assert options["rp"] == {"name": "Shanhai", "id": "api.test"}
        assert {one["alg"] for one in options["pubKeyCredParams"]} == {-7, -8, -257}
        assert options["attestation"] == "none"
        assert options["authenticatorSelection"]["userVerification"] == "preferred"
        token = browser.cookies["__Host-shanhai"]
        answer = await confirm(browser, begun["csrf"], key.create(options, BASE))
        assert len({*answer.json()["codes"]}) == 10
        assert browser.cookies["__Host-shanhai"] != token
        assert (await browser.get("/keys")).status_code == 200
        mine = (await browser.get("/session")).json()
        assert (mine["factor"], mine["authenticator"], mine["need"]) == (True, False, None)
        assert [(one["name"], one["used"]) for one in mine["security_keys"]] == [("办公室", None)]

        other = await browse()
        csrf = await begin(other)
        assert (await other.get("/keys")).status_code == 401
        asked = await challenge_of(other, csrf)
        assert [one["id"] for one in asked["allowCredentials"]] == [as_text(key.credential_id)]
        token = other.cookies["__Host-shanhai"]
        answer = await show(other, csrf, key.get(asked, BASE))
        assert answer.json()["need"] is None
        assert other.cookies["__Host-shanhai"] != token
        assert (await other.get("/keys")).status_code == 200
        assert (await other.get("/session")).json()["security_keys"][0]["used"] is not None
        acts = [(await entries(state, one))[-1][2] for one in ("set-factor", "security-key")]
        assert acts[0]["name"] == "办公室"
        assert acts[0]["security_key"] == acts[1]["security_key"]

    async def test_either_factor_finishes_a_sign_in(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser, key = await browse(), SecurityKey(counts=False)
        begun = await start(browser, await make_account(state, "root", Role.ADMIN))
        secret, _, csrf = await set_up_factor(browser, begun["csrf"])
        added = await add(browser, csrf, key)
        assert added["codes"] == []
        assert (await browser.get("/session")).json()["recovery_codes"] == 10
        one, two = await browse(), await browse()
        csrf = await begin(one)
        for _ in range(2):
            # What does not count is shown again and again.
            answer = await show(one, csrf, key.get(await challenge_of(one, csrf), BASE))
            assert answer.json()["need"] is None
            csrf = await begin(one)
        headers = {"X-CSRF-Token": await begin(two)}
        answer = await two.post("/session/code", json={"code": code_of(secret)}, headers=headers)
        assert answer.json()["need"] is None

    async def test_recovery_codes_stand_for_a_lost_one(
        self, browse: Browse, state: ServiceState, admin: httpx.AsyncClient
    ) -> None:
        browser, _, added = await with_key(browse, state)
        other = await browse()
        headers = {"X-CSRF-Token": await begin(other)}
        given = {"code": added["codes"][4]}
        answer = await other.post("/session/code", json=given, headers=headers)
        assert answer.json()["need"] is None
        number = (await browser.get("/session")).json()["owner"].partition(":")[2]
        assert (await admin.delete(f"/accounts/{number}/factor")).status_code == 204
        assert (await browser.get("/session")).status_code == 401
        assert (await sign_in(browser, "root")).json()["need"] == "factor"

    async def test_pages_lead_through_it_and_say_what_needs_scripts(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser, key = await browse(), SecurityKey()
        begun = await start(browser, await make_account(state, "root", Role.ADMIN))
        browser.headers["Accept"] = "text/html"
        sent = {"csrf": begun["csrf"], "password": PASSWORD}
        page = await browser.post(f"{KEYS}?lang=zh", data=sent)
        assert "须启用脚本" in page.text
        assert "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert "<script>" not in page.text
        shown = await browser.get("/session?lang=zh")
        assert "script-src" not in shown.headers["Content-Security-Policy"]
        given = {"csrf": begun["csrf"], "credential": "{", "name": "a"}
        assert (await browser.post(f"{KEYS}/confirm", data=given)).status_code == 400
        wrong = await browser.post(f"{KEYS}?lang=zh", data={**sent, "password": "x"})
        assert (wrong.status_code, "口令错误" in wrong.text) == (401, True)
        assert "script-src" not in wrong.headers["Content-Security-Policy"]
        browser.headers["Accept"] = "application/json"
        options = await ask(browser, begun["csrf"])
        sent = {**given, "credential": json.dumps(key.create(options, BASE)), "name": "<b>"}
        page = await browser.post(
            f"{KEYS}/confirm?lang=zh", data=sent, headers={"Accept": "text/html"}
        )
        assert (page.status_code, "恢复码" in page.text) == (200, True)
        shown = await browser.get("/session?f=html")
        assert "&lt;b&gt;" in shown.text
        csrf = await begin(browser)
        shown = await browser.get("/session?f=html")
        assert "/session/security-keys/challenge" in shown.text
        credential = json.dumps(key.get(await challenge_of(browser, csrf), BASE))
        sent = {"csrf": csrf, "credential": credential, "next": "/accounts"}
        answer = await browser.post(f"{KEYS}/show", data=sent)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{BASE}/accounts")


class TestAttacks:
    """Each is refused, counted, and leaves the session as it was."""

    @pytest.mark.parametrize(
        ("wrong", "origin"),
        [
            ({}, "https://evil.test"),
            ({}, "http://api.test"),
            ({"rp_id": "evil.test"}, BASE),
            ({"challenge": as_text(b"x" * 32)}, BASE),
            ({"challenge": ""}, BASE),
        ],
    )
    async def test_what_was_asked_elsewhere_is_refused(
        self, browse: Browse, state: ServiceState, wrong: dict[str, Any], origin: str
    ) -> None:
        browser, key, _ = await with_key(browse, state)
        other, another = await browse(), SecurityKey()
        csrf = await begin(other)
        answer = await show(other, csrf, key.get(await challenge_of(other, csrf), origin, **wrong))
        assert answer.status_code == 401
        assert (await other.get("/keys")).status_code == 401
        assert (await entries(state, "factor-failed"))[-1][2] == {"failures": 1}
        mine = (await browser.get("/session")).json()["csrf"]
        new = another.create(await ask(browser, mine), origin, **wrong)
        assert (await confirm(browser, mine, new)).status_code == 401
        assert len((await browser.get("/session")).json()["security_keys"]) == 1

    async def test_a_challenge_is_good_once_and_for_a_while(
        self, browse: Browse, state: ServiceState
    ) -> None:
        _browser, key, _ = await with_key(browse, state)
        other = await browse()
        csrf = await begin(other)
        asked = await challenge_of(other, csrf)
        shown = key.get(asked, BASE)
        answer = await show(other, csrf, shown)
        assert answer.status_code == 200
        assert (await show(other, answer.json()["csrf"], shown)).status_code == 409
        csrf = await begin(other)
        assert (await show(other, csrf, shown)).status_code == 401
        # Nor is it after a failure; and an empty one is none.
        asked = await challenge_of(other, csrf)
        assert (await show(other, csrf, SecurityKey().get(asked, BASE))).status_code == 401
        await execute(state, "DELETE FROM sign_in_failure")
        assert (await show(other, csrf, key.get(asked, BASE))).status_code == 401
        empty = {**asked, "challenge": ""}
        assert (await show(other, csrf, key.get(empty, BASE))).status_code == 401
        await execute(state, "DELETE FROM sign_in_failure")
        asked = await challenge_of(other, csrf)
        await execute(state, "UPDATE session SET challenge_expires_at = now()")
        assert (await show(other, csrf, key.get(asked, BASE))).status_code == 401
        answer = await show(other, csrf, key.get(await challenge_of(other, csrf), BASE))
        assert answer.status_code == 200

    async def test_a_challenge_of_another_session_is_none(
        self, browse: Browse, state: ServiceState
    ) -> None:
        _, key, _ = await with_key(browse, state)
        one, two = await browse(), await browse()
        first, second = await begin(one), await begin(two)
        asked = await challenge_of(one, first)
        await challenge_of(two, second)
        assert (await show(two, second, key.get(asked, BASE))).status_code == 401
        assert (await show(one, first, key.get(asked, BASE))).status_code == 200

    async def test_a_challenge_to_sign_in_adds_nothing(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser, _, added = await with_key(browse, state)
        other, foreign = await browse(), SecurityKey()
        csrf = await begin(other)
        asked = {**await challenge_of(other, csrf), "rp": {"id": "api.test"}}
        assert (await confirm(other, csrf, foreign.create(asked, BASE))).status_code == 409
        given, headers = {"code": added["codes"][0]}, {"X-CSRF-Token": csrf}
        csrf = (await other.post("/session/code", json=given, headers=headers)).json()["csrf"]
        assert (await confirm(other, csrf, foreign.create(asked, BASE))).status_code == 401
        # Nor does the password alone.
        thief = await browse("198.51.100.1")
        headers = {"X-CSRF-Token": await begin(thief)}
        answer = await thief.post(KEYS, json={"password": PASSWORD}, headers=headers)
        assert answer.status_code == 409
        assert len((await browser.get("/session")).json()["security_keys"]) == 1

    async def test_one_that_counts_back_is_refused_and_noted(
        self, browse: Browse, state: ServiceState
    ) -> None:
        _, key, _ = await with_key(browse, state)
        other = await browse()
        csrf = await begin(other)
        key.count = 40
        answer = await show(other, csrf, key.get(await challenge_of(other, csrf), BASE))
        assert answer.status_code == 200
        csrf = await begin(other)
        for count in (40, 3):
            key.count = count
            answer = await show(other, csrf, key.get(await challenge_of(other, csrf), BASE))
            assert answer.status_code == 401
        noted = (await entries(state, "count-back"))[-1]
        assert (noted[0], noted[2]["kept"], noted[2]["shown"]) == ("anonymous", 41, 4)
        key.count, key.counts = 0, False
        answer = await show(other, csrf, key.get(await challenge_of(other, csrf), BASE))
        assert answer.status_code == 401

    async def test_those_of_others_and_those_removed_are_none(
        self, browse: Browse, state: ServiceState
    ) -> None:
        _, foreign, _ = await with_key(browse, state, "li.wei", Role.PLANNER)
        browser, key, added = await with_key(browse, state)
        csrf = added["csrf"]
        # One is one account's.
        known = foreign.create(await ask(browser, csrf), BASE)
        assert (await confirm(browser, csrf, known)).status_code == 409
        other = await browse()
        session = await begin(other)
        answer = await show(other, session, foreign.get(await challenge_of(other, session), BASE))
        assert answer.status_code == 401
        forged = foreign.get(await challenge_of(other, session), BASE)
        forged["id"] = forged["rawId"] = as_text(key.credential_id)
        assert (await show(other, session, forged)).status_code == 401
        await execute(state, "DELETE FROM sign_in_failure")
        csrf = (await add(browser, csrf, SecurityKey()))["csrf"]
        number = (await browser.get("/session")).json()["security_keys"][0]["id"]
        given, headers = {"password": PASSWORD}, {"X-CSRF-Token": csrf}
        path = f"{KEYS}/{number}/remove"
        assert (await browser.post(path, json=given, headers=headers)).status_code == 204
        session = await begin(other)
        answer = await show(other, session, key.get(await challenge_of(other, session), BASE))
        assert answer.status_code == 401

    async def test_failures_end_the_session_and_lock_from_everywhere(
        self, browse: Browse, state: ServiceState
    ) -> None:
        _, key, added = await with_key(browse, state)
        guesser = await browse("198.51.100.1")
        csrf = await begin(guesser)
        for _ in range(3):
            asked = await challenge_of(guesser, csrf)
            wrong = await show(guesser, csrf, SecurityKey().get(asked, BASE))
            assert wrong.status_code == 401
        assert (await guesser.get("/session")).status_code == 401
        elsewhere = await browse("198.51.100.2")
        csrf = await begin(elsewhere)
        answer = await show(elsewhere, csrf, key.get(await challenge_of(elsewhere, csrf), BASE))
        assert answer.status_code == 429
        given, headers = {"code": added["codes"][0]}, {"X-CSRF-Token": csrf}
        answer = await elsewhere.post("/session/code", json=given, headers=headers)
        assert answer.status_code == 429

    @pytest.mark.parametrize(
        ("spoilt", "ways"),
        [
            ({"rawId": "é"}, "both"),
            ({"id": "AAAA"}, "both"),
            ({"response": {}}, "both"),
            ({"type": "password"}, "both"),
            ({"clientDataJSON": "e30"}, "both"),
            ({"clientDataJSON": "x"}, "both"),
            ({"attestationObject": "oA"}, "create"),
            ({"userHandle": 7}, "get"),
            ({"signature": ""}, "get"),
            ({"authenticatorData": "AA"}, "get"),
        ],
    )
    async def test_what_was_made_up_is_refused(
        self, browse: Browse, state: ServiceState, spoilt: dict[str, Any], ways: str
    ) -> None:
        browser, key, added = await with_key(browse, state)
        if ways != "get":
            new = SecurityKey().create(await ask(browser, added["csrf"]), BASE)
            answer = await confirm(browser, added["csrf"], spoil(new, spoilt))
            assert answer.status_code in {400, 401}
        if ways != "create":
            other = await browse()
            csrf = await begin(other)
            shown = key.get(await challenge_of(other, csrf), BASE)
            answer = await show(other, csrf, spoil(shown, spoilt))
            assert answer.status_code in {400, 401}

    @pytest.mark.parametrize(
        "public",
        [{}, {1: 2, 3: -7}, {1: 2, 3: -35, -1: 2, -2: b"x", -3: b"y"}, {1: "x" * 3000}, [], b"x"],
    )
    async def test_keys_of_other_kinds_are_refused(
        self, browse: Browse, state: ServiceState, public: Any
    ) -> None:
        browser, _, added = await with_key(browse, state)
        new = SecurityKey(public=public).create(await ask(browser, added["csrf"]), BASE)
        assert (await confirm(browser, added["csrf"], new)).status_code == 401
        long = SecurityKey(credential_id=b"x" * 1024)
        new = long.create(await ask(browser, added["csrf"]), BASE)
        assert (await confirm(browser, added["csrf"], new)).status_code == 401


def spoil(told: dict[str, Any], spoilt: dict[str, Any]) -> dict[str, Any]:
    """A credential with members, or members of its response, in place of its own."""
    inner = {name: value for name, value in spoilt.items() if name not in told}
    return {**told, "response": {**told["response"], **inner}, **(spoilt if not inner else {})}


class TestRemoving:
    async def test_the_last_one_stays_where_a_factor_is_needed(
        self, browse: Browse, state: ServiceState
    ) -> None:
        browser, _, added = await with_key(browse, state)
        number = (await browser.get("/session")).json()["security_keys"][0]["id"]
        path, headers = f"{KEYS}/{number}/remove", {"X-CSRF-Token": added["csrf"]}
        answer = await browser.post(path, json={"password": "wrong"}, headers=headers)
        assert answer.status_code == 401
        answer = await browser.post(path, json={"password": PASSWORD}, headers=headers)
        assert answer.status_code == 409
        elsewhere = await browse()
        foreign, _, mine = await with_key(browse, state, "li.wei", Role.PLANNER)
        theirs = {"X-CSRF-Token": mine["csrf"]}
        answer = await foreign.post(path, json={"password": PASSWORD}, headers=theirs)
        assert answer.status_code == 404
        own = (await foreign.get("/session")).json()["security_keys"][0]["id"]
        await begin(elsewhere, "li.wei")
        answer = await foreign.post(
            f"{KEYS}/{own}/remove", json={"password": PASSWORD}, headers=theirs
        )
        assert answer.status_code == 204
        assert (await elsewhere.get("/session")).status_code == 401
        assert (await entries(state, "remove-factor"))[-1][2]["security_key"] == own
        mine = (await foreign.get("/session")).json()
        assert (mine["factor"], mine["recovery_codes"]) == (False, 0)
        assert (await sign_in(elsewhere, "li.wei")).json()["need"] is None

    async def test_an_account_has_so_many(self, browse: Browse, state: ServiceState) -> None:
        browser, _, added = await with_key(browse, state)
        await execute(
            state,
            "INSERT INTO account_security_key (account_id, credential_id, public_key, sign_count,"
            " name) SELECT account_id, number::text::bytea, 'x', 0, 'x' FROM account_security_key,"
            " generate_series(1, 19) number",
        )
        new = SecurityKey().create(await ask(browser, added["csrf"]), BASE)
        assert (await confirm(browser, added["csrf"], new)).status_code == 409
        # The proof was right: it is no failure.
        async with state.sessions() as session:
            assert await session.scalar(text("SELECT count(*) FROM sign_in_failure")) == 0


@pytest.mark.configured(
    public=PublicSettings(api_url="https://192.0.2.1", tiles_url="http://tiles.test")
)
async def test_an_address_without_a_name_is_refused_in_words(
    browse: Browse, state: ServiceState
) -> None:
    browser = await browse()
    browser.headers["Origin"] = "https://192.0.2.1"
    begun = await start(browser, await make_account(state, "li.wei"))
    headers = {"X-CSRF-Token": begun["csrf"]}
    answer = await browser.post(KEYS, json={"password": PASSWORD}, headers=headers)
    assert answer.status_code == 409
    assert "192.0.2.1" in answer.json()["detail"]
