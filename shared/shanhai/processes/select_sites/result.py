"""All that came of a selection."""

from collections.abc import Sequence
from dataclasses import dataclass

from shanhai.processes.select_sites.candidates import Candidate
from shanhai.processes.select_sites.context import Siting
from shanhai.processes.select_sites.gains import Gains
from shanhai.processes.select_sites.optimisation import Choice
from shanhai.processes.select_sites.priority import Priority
from shanhai.processes.select_sites.rules import Rules


@dataclass(frozen=True, slots=True)
class Chosen:
    """A selection, and how it was made.

    Attributes:
        siting: Where, and what was asked.
        priority: The priority map; None where there is nothing to rank by.
        candidates: The sites there were.
        gains: What they give.
        rules: What was asked for.
        choice: What came of it.
    """

    siting: Siting
    priority: Priority | None
    candidates: Sequence[Candidate]
    gains: Gains
    rules: Rules
    choice: Choice
