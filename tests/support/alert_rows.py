"""Rules of alerts, as they are written, and what came of them."""

from typing import Any

from shanhai.db.engine import Sessions
from tests.support.observation_rows import fetch

NOT_SAID = (
    *("property", "stations", "region", "plan", "indicator", "control_kind", "balance_kind"),
    *("settlement_state", "quiet", "valid_from", "valid_to"),
)
"""What a rule needs not say."""


def rule(**said: Any) -> dict[str, Any]:
    """The contents of a rule at work, for values of any age within a week."""
    return {
        **dict.fromkeys(NOT_SAID),
        "code": "rule",
        "name_zh": "规则",
        "name_en": "Rule",
        "min_duration_s": 0,
        "max_age_s": 604_800,
        "any_quality": False,
        "enabled": True,
        **said,
    }


async def events(sessions: Sessions) -> list[str]:
    """What happened to all alerts, in order."""
    return [row[0] for row in await fetch(sessions, "SELECT kind FROM alert_event ORDER BY id")]
