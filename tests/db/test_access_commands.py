"""`shanhai keys` and `shanhai audit` on a database."""

import re
from collections.abc import Callable

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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--role", "king"], "no role 'king'"),
        (["--role", "planner@atlantis"], "no such region"),
        ([], "--scope or --role"),
    ],
)
def test_keys_that_cannot_be_made(run: Run, words: list[str], said: str) -> None:
    code, told = run("keys", "create", "--name", "x", *words)
    assert code == 1
    assert said in told
