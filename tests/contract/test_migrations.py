"""A migration that takes something from older code says so."""

import re
from pathlib import Path

import pytest

VERSIONS = Path(__file__).parents[2] / "migrations/versions"
FIRST = "0089"
"""Those before it were written when no code served another revision than its own."""
TAKES = re.compile(
    r"\bDROP (?!INDEX|DEFAULT|NOT NULL)|\bRENAME\b|\bSET NOT NULL|\bALTER \w+ TYPE", re.IGNORECASE
)


def is_silent(migration: str) -> bool:
    """Whether its way up takes something away and it does not say which code it still serves."""
    upward = migration.partition("\ndef downgrade")[0]
    return bool(TAKES.search(upward)) and "\nserves_since" not in upward


@pytest.mark.parametrize(
    ("statement", "takes"),
    [
        ("ALTER TABLE job ADD colour varchar", False),
        ("DROP INDEX ix_job_colour", False),
        ("ALTER TABLE job ALTER colour DROP NOT NULL", False),
        ("ALTER TABLE job DROP colour", True),
        ("DROP TABLE pigment", True),
        ("ALTER TABLE job RENAME colour TO color", True),
        ("ALTER TABLE job ALTER colour SET NOT NULL", True),
        ("ALTER TABLE job ALTER colour TYPE integer", True),
    ],
)
def test_what_takes_something_away_is_known(statement: str, takes: bool) -> None:
    migration = (
        f'def upgrade() -> None:\n    op.execute("{statement}")\n\n\ndef downgrade() -> None:'
    )
    assert is_silent(migration) is takes
    assert not is_silent(f'\nserves_since = "9000"\n{migration}')


def test_migrations_say_which_older_code_they_end() -> None:
    later = [path for path in VERSIONS.glob("*.py") if path.name >= FIRST]
    assert [path.name for path in later if is_silent(path.read_text("utf-8"))] == []
