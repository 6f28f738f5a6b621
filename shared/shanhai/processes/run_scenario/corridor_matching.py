"""The links before and after edits beside each other, under the names of what was there before."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from shanhai.processes.build_network.corridors import Title, official_names, source_code
from shanhai.processes.kit.geometry import swath_outline
from shanhai.processes.run_scenario.before_after import Rehearsal, State
from shanhai.science.corridors.cost_kernels import Labels
from shanhai.science.corridors.links import SourceLink
from shanhai.science.corridors.pairs import Pair

Change = Literal["opened", "closed", "merged", "split", "cheaper", "dearer", "same"]
CHANGES: tuple[Change, ...] = (
    *("opened", "closed", "merged", "split", "cheaper", "dearer", "same"),
)

_ROUNDING = 1e-9
"""Share of a cost by which another one counts as the same."""


@dataclass(frozen=True, slots=True)
class Sides:
    """A link before and after the edits; one of them may be missing.

    A link is `merged` that ends because a source of it became one with another, `split` that is
    there because a source fell apart; `opened` and `closed` are the others on one side only.

    Attributes:
        code: Of the link: `c…` as before, `n…` of a new one.
        change: What became of it.
        sources: Codes of its two sources.
        before: As it is.
        after: As it will be.
        title: The official name that it bears where it is, or will be.
    """

    code: str
    change: Change
    sources: tuple[str, str]
    before: SourceLink | None
    after: SourceLink | None
    title: Title | None = None

    @property
    def link(self) -> SourceLink:
        """As it will be, or as it is where it ends."""
        found = self.after or self.before
        if found is None:
            raise ValueError(f"link {self.code} is in neither network")
        return found


def codes_after(rehearsal: Rehearsal) -> dict[int, str]:
    """Codes of the sources after the edits: those before that they continue, or new ones."""
    found: dict[int, str] = {}
    new = 0
    for number in rehearsal.after.network.numbers:
        former = rehearsal.matching.before_of.get(number)
        new += former is None
        found[number] = f"n{new:03}" if former is None else source_code(former)
    return found


def compare_links(rehearsal: Rehearsal) -> list[Sides]:
    """All links of either network: those before by their pairs, then new ones by theirs."""
    before = {link.pair: link for link in rehearsal.before.network.links}
    after = {_pair_before(link.pair, rehearsal): link for link in rehearsal.after.network.links}
    labels = tuple(one.sources.patches.labels for one in (rehearsal.before, rehearsal.after))
    to_after, to_before = homes(*labels), homes(*reversed(labels))
    told = codes_after(rehearsal)
    names, new_names = names_in(rehearsal.before), names_in(rehearsal.after)
    linked_after = {link.pair for link in after.values()}
    rows = []
    for number, (pair, link) in enumerate(before.items(), start=1):
        found = after.get(pair)
        if found:
            change = _change(link, found)
        else:
            change = "merged" if _lasts(pair, to_after, linked_after) else "closed"
        ends = (source_code(pair[0]), source_code(pair[1]))
        rows.append(Sides(f"c{number:03}", change, ends, link, found, names.get(pair)))
    fresh = [one for pair, one in after.items() if pair not in before]
    for number, link in enumerate(sorted(fresh, key=lambda one: one.pair), start=1):
        change = "split" if _lasts(link.pair, to_before, before) else "opened"
        ends = (told[link.pair[0]], told[link.pair[1]])
        title = new_names.get(link.pair)
        rows.append(Sides(f"n{number:03}", change, ends, None, link, title))
    return rows


def names_in(state: State) -> dict[Pair, Title]:
    """Official names of the links of a network."""
    grid = state.scene.grid
    swaths = {link.pair: swath_outline(link.swath, grid) for link in state.network.links}
    return official_names(state.scene, swaths)


def homes(labels: Labels, others: Labels) -> dict[int, int]:
    """The number in `others` that holds most of each number's cells; none where none does."""
    both = (labels > 0) & (others > 0)
    pairs, cells = np.unique(np.stack([labels[both], others[both]]), axis=1, return_counts=True)
    found: dict[int, int] = {}
    for place in np.argsort(-cells, kind="stable"):
        found.setdefault(int(pairs[0, place]), int(pairs[1, place]))
    return found


def _pair_before(pair: Pair, rehearsal: Rehearsal) -> Pair:
    """The pair by the numbers before; of a new source the number is negative."""
    known = rehearsal.matching.before_of
    one, other = sorted(known.get(number, -number) for number in pair)
    return one, other


def _change(before: SourceLink, after: SourceLink) -> Change:
    if after.path.cost < before.path.cost * (1 - _ROUNDING):
        return "cheaper"
    return "dearer" if after.path.cost > before.path.cost * (1 + _ROUNDING) else "same"


def _lasts(pair: Pair, home: Mapping[int, int], linked: Collection[Pair]) -> bool:
    """Whether what holds the two sources of a link is one source, or linked as well."""
    one, other = home.get(pair[0]), home.get(pair[1])
    if one is None or other is None:
        return False
    return one == other or (min(one, other), max(one, other)) in linked
