"""All that came of a selection."""

from collections.abc import Sequence
from dataclasses import dataclass

from shanhai.processes.siting.candidates import Candidate
from shanhai.processes.siting.choosing import Choice
from shanhai.processes.siting.gains import Gains
from shanhai.processes.siting.priority import Priority
from shanhai.processes.siting.rules import Rules
from shanhai.processes.siting.scene import Siting


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
