"""Rules as they are shown."""

from typing import Any

from shanhai.db.alerts.rules import Rule
from shanhai.monitoring.alerting import measure_unit
from shanhai.vocabulary import ALERT_KINDS, Lang, label_in


def describe_rule(rule: Rule, lang: Lang) -> dict[str, Any]:
    """A rule."""
    contents = rule.contents
    return {
        **contents,
        "name": contents[f"name_{lang}"],
        "kind_name": label_in(ALERT_KINDS, contents["kind"], lang),
        "unit": measure_unit(contents["kind"], rule.unit),
    }
