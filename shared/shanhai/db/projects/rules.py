"""What the rules of lines and zones say against a project, and what is not known, whoever asks."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.compliance import check_project
from shanhai.db.compliance.result import Verdict
from shanhai.db.identity import EVERYTHING
from shanhai.vocabulary import Label

WEIGHTY = frozenset({"forbidden", "restricted"})
"""Decisions that an approved exception must lift."""


@dataclass(frozen=True, slots=True)
class RuleHit:
    """A rule that forbids or restricts an activity of the project where it lies.

    Attributes:
        excepted: An approved exception of the project from it is in force.
    """

    rule: str
    decision: str
    excepted: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """How a project stands to the rules of today.

    Attributes:
        unknown: What could bind where it lies, is not known and was not decided about.
    """

    verdict: Verdict
    hits: Sequence[RuleHit]
    unknown: Sequence[Label]


async def check_rules(session: AsyncSession, project: str) -> Checked:
    """The rules of today against the measures of a project that has a geometry."""
    result = await check_project(session, EVERYTHING, project)
    found = {
        RuleHit(hit.rule.code, hit.rule.decision, hit.excepted)
        for hit in result.hits
        if hit.rule.decision in WEIGHTY
    }
    unknown = [
        Label(f"{gap.text.zh}（{gap.code}）", f"{gap.text.en} ({gap.code})")
        for gap in result.gaps
        if not gap.decided
    ]
    return Checked(result.verdict, sorted(found, key=lambda hit: hit.rule), unknown)
