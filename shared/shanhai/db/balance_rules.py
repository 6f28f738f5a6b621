"""What must be given back for what is taken, by kind: rules of law, as the data file has them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import Any

from shanhai.science.ledgers import BalanceRule
from shanhai.vocabulary import Label


@dataclass(frozen=True, slots=True)
class StatedRule:
    """A rule with what it is based on.

    Attributes:
        condition: The condition of rules of lines and zones it judges.
        confirm: The bureau has yet to confirm it.
    """

    rule: BalanceRule
    condition: str | None
    legal_basis: str
    text: Label
    confirm: bool


@lru_cache(maxsize=1)
def balance_rules() -> Mapping[str, StatedRule]:
    """The rules by kind, as the data file has them."""
    file = resources.files("shanhai.db") / "seeds" / "national" / "balance_rules.json"
    listed: list[dict[str, Any]] = json.loads(file.read_bytes())["rules"]
    return {item["kind"]: _stated(item) for item in listed}


def _stated(item: Mapping[str, Any]) -> StatedRule:
    return StatedRule(
        BalanceRule(
            item["kind"],
            Decimal(item["ratio"]),
            item["restore_before_occupy"],
            item["pool"],
            item["graded"],
        ),
        item["condition"],
        item["legal_basis"],
        Label(item["text_zh"], item["text_en"]),
        item["confirm"],
    )
