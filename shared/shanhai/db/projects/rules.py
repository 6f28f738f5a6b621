"""What the rules of lines and zones say against a project, whoever asks."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.compliance import check_project
from shanhai.db.identity import EVERYTHING

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


async def rule_hits(session: AsyncSession, project: str) -> Sequence[RuleHit]:
    """The rules of today against the measures of a project that has a geometry."""
    result = await check_project(session, EVERYTHING, project)
    found = {
        RuleHit(hit.rule.code, hit.rule.decision, hit.excepted)
        for hit in result.hits
        if hit.rule.decision in WEIGHTY
    }
    return sorted(found, key=lambda hit: hit.rule)
