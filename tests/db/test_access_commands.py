"""`shanhai keys` and `shanhai audit` on a database."""

import re
from collections.abc import Callable

import orjson
import pytest

Run = Callable[..., tuple[int, str]]


def test_audit_log_is_verified(run: Run) -> None:
    assert run("keys", "create", "--name", "x", "--scope", "read")[0] == 0
    code, said = run("audit", "verify")
    assert code == 0
    head = said.split()[-1]
    assert re.fullmatch(r"[0-9a-f]{64}", head)
    assert run("keys", "create", "--name", "y", "--scope", "read")[0] == 0
    assert run("audit", "verify", "--head", head)[0] == 0
    code, said = run("audit", "verify", "--head", "0" * 64)
    assert code == 1
    assert "cut off" in said
    # A typo is one, and no tampering.
    for typo in ("zz", head[:-1], head.upper()[:-1] + "G"):
        code, said = run("audit", "verify", "--head", typo)
        assert code == 1
        assert "is no head" in said
        assert "cut off" not in said


def test_keys_have_roles_and_rotate(run: Run) -> None:
    code, key = run("keys", "create", "--name", "x", "--role", "auditor")
    assert code == 0
    code, new = run("keys", "rotate", key[4:12], "--hours", "1")
    assert code == 0
    assert new.startswith("shk_")
    assert new != key
    assert run("keys", "rotate", key[4:12])[0] == 1
    for words in (["rotate", "zzzzzzzz", "--hours", "inf"], ["create", "--days", "9" * 12]):
        assert run("keys", *words)[0] == 2


def test_keys_are_listed_shown_and_revoked(run: Run) -> None:
    secret = run("keys", "create", "--name", "desk", "--role", "viewer", "--days", "7")[1].split()[
        0
    ]
    key = secret[4:12]
    code, told = run("keys", "list")
    assert code == 0
    [line] = [line for line in told.splitlines() if line.startswith(key)]
    assert "desk" in line
    assert "viewer" in line
    code, told = run("keys", "show", key)
    assert code == 0
    for part in ("viewer", "last used  never", "networks   any", "expires    2"):
        assert part in told
    assert secret[13:] not in told
    assert "revoked" not in told
    assert run("keys", "revoke", key) == (0, f"{key} revoked\n")
    assert run("keys", "revoke", key)[0] == 1
    assert "\nrevoked    2" in run("keys", "show", key)[1]
    assert key not in run("keys", "list")[1]
    listed = orjson.loads(run("keys", "list", "--all", "--json")[1])
    [row] = [one for one in listed if one["key"] == key]
    assert row["revoked"] is not None
    assert row["networks"] == ""
    for words in (["show", "zzzzzzzz"], ["revoke", "zzzzzzzz"]):
        code, told = run("keys", *words)
        assert code == 1
        assert "no key 'zzzzzzzz'" in told


def test_a_key_for_longer_than_keys_may_be_valid(run: Run) -> None:
    code, told = run("keys", "create", "--name", "x", "--scope", "read", "--days", "2000")
    assert code == 1
    assert "1096 days at most" in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--role", "king"], "no role 'king'"),
        (["--role", "planner@atlantis"], "there is no region 'atlantis'"),
        ([], "--scope or --role"),
        (["--role", "viewer", "--scope", "admin"], "needs the role admin"),
        (["--role", "viewer", "--name", ""], "has 1 to 200 characters"),
        (["--role", "viewer", "--name", " "], "has 1 to 200 characters"),
        (["--role", "viewer", "--name", "x" * 201], "has 1 to 200 characters"),
    ],
)
def test_keys_that_cannot_be_made(run: Run, words: list[str], said: str) -> None:
    code, told = run("keys", "create", "--name", "x", *words)
    assert code == 1
    assert said in told
