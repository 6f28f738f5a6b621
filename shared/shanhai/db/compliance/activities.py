"""The activities rules speak of: their names, what counts as what, and the names of conditions.

Lists, not rules: what is decided about an activity is rows of `control_rule`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from shanhai.db.seeding.measures import MEASURES
from shanhai.vocabulary import Label


@dataclass(frozen=True, slots=True)
class Activity:
    """Something done at a place, or a measure of a project, and what it counts as."""

    code: str
    name: Label
    counts_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Activities:
    """The known activities and conditions; `presumed` is assumed where nothing was named."""

    known: Mapping[str, Activity]
    conditions: Mapping[str, Label]
    presumed: str

    def distances(self, code: str) -> dict[str, int]:
        """What an activity counts as, with the number of steps to it; itself is none."""
        found = {code: 0}
        waiting = [code]
        while waiting:
            here = waiting.pop(0)
            activity = self.known.get(here)
            for broader in activity.counts_as if activity is not None else ():
                if broader not in found:
                    found[broader] = found[here] + 1
                    waiting.append(broader)
        return found

    def name_of(self, code: str) -> Label:
        """The name of an activity; its code where none is known."""
        activity = self.known.get(code)
        return Label(code, code) if activity is None else activity.name

    def condition(self, code: str) -> Label:
        """A condition in words; its code where none are known."""
        return self.conditions.get(code, Label(code, code))


@lru_cache(maxsize=1)
def activities() -> Activities:
    """The lists that ship with the product."""
    document = read_national("activities.json")
    listed = [*_named(document["activities"]), *_measures(document["measures"])]
    return Activities(
        {activity.code: activity for activity in listed},
        {code: Label(*words) for code, words in document["conditions"].items()},
        document["presumed"],
    )


def read_national(name: str) -> dict[str, Any]:
    """A file of what holds in every city."""
    file = resources.files("shanhai.db") / "seeds" / "national" / name
    document: dict[str, Any] = json.loads(file.read_bytes())
    return document


def _named(items: Sequence[Mapping[str, Any]]) -> list[Activity]:
    return [
        Activity(
            item["code"],
            Label(item["name_zh"], item["name_en"]),
            tuple(item.get("counts_as", ())),
        )
        for item in items
    ]


def _measures(groups: Sequence[Mapping[str, Any]]) -> list[Activity]:
    return [
        Activity(code, MEASURES[code], tuple(group["counts_as"]))
        for group in groups
        for code in group["codes"]
    ]
