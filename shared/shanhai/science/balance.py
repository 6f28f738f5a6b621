"""Balances of what is taken and what is given back, exactly, in decimals.

Sums of entries are added, so their order does not matter; an entry that is reversed and the one
that reverses it leave the sum as it was. Amounts are in the unit of their kind.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class GradedAmount:
    """An amount, and the sum of amount times quality grade of its parts (grade 1 is best)."""

    amount: Decimal = ZERO
    graded: Decimal = ZERO

    def __add__(self, other: "GradedAmount") -> "GradedAmount":
        return GradedAmount(self.amount + other.amount, self.graded + other.graded)

    def __neg__(self) -> "GradedAmount":
        return GradedAmount(-self.amount, -self.graded)

    @property
    def mean_grade(self) -> Decimal | None:
        """The mean quality grade by amount; None where there is no amount or no grade."""
        return self.graded / self.amount if self.amount and self.graded else None


NOTHING = GradedAmount()


@dataclass(frozen=True, slots=True)
class Posting:
    """An entry as it is counted.

    Attributes:
        taken: Taken, else given back.
        state: `proposed`, `accepted`, `reversed` or `rejected`.
        reverses: It undoes another entry.
        grade: Quality grade, 1 is best.
    """

    taken: bool
    state: str
    amount: Decimal
    reverses: bool = False
    grade: int | None = None


@dataclass(frozen=True, slots=True)
class BalanceTally:
    """The sum of entries of one kind.

    Attributes:
        taken, given: What was accepted, without what was reversed.
        taken_proposed, given_proposed: What waits for acceptance.
    """

    taken: GradedAmount = NOTHING
    given: GradedAmount = NOTHING
    taken_proposed: GradedAmount = NOTHING
    given_proposed: GradedAmount = NOTHING

    def __add__(self, other: "BalanceTally") -> "BalanceTally":
        return BalanceTally(
            self.taken + other.taken,
            self.given + other.given,
            self.taken_proposed + other.taken_proposed,
            self.given_proposed + other.given_proposed,
        )

    def __neg__(self) -> "BalanceTally":
        return BalanceTally(-self.taken, -self.given, -self.taken_proposed, -self.given_proposed)

    @classmethod
    def one(cls, quantity: GradedAmount, *, taken: bool, proposed: bool) -> "BalanceTally":
        """A sum of one side."""
        if proposed:
            return cls(taken_proposed=quantity) if taken else cls(given_proposed=quantity)
        return cls(taken=quantity) if taken else cls(given=quantity)

    @property
    def all_taken(self) -> GradedAmount:
        """What is taken or is to be."""
        return self.taken + self.taken_proposed


def tally(postings: Iterable[Posting]) -> BalanceTally:
    """The sum of entries.

    What was rejected does not count, nor does a reversal before it is accepted; an accepted
    reversal takes back what it reverses, which counts on beside it.
    """
    found = BalanceTally()
    for item in postings:
        proposed = item.state == "proposed"
        if item.state == "rejected" or (proposed and item.reverses):
            continue
        quantity = GradedAmount(item.amount, item.amount * (item.grade or 0))
        signed = -quantity if item.reverses else quantity
        found += BalanceTally.one(signed, taken=item.taken, proposed=proposed)
    return found


@dataclass(frozen=True, slots=True)
class BalanceRule:
    """What must be given back for what is taken.

    Attributes:
        ratio: How much is given back for one unit taken.
        restore_before_occupy: What is given back must be accepted before anything is taken; else
            it may still be proposed then, and is accepted when the work is.
        pool: A region above may supply what a project does not give back itself.
        graded: What is given back must be of no worse mean grade.
    """

    kind: str
    ratio: Decimal
    restore_before_occupy: bool
    pool: bool
    graded: bool


@dataclass(frozen=True, slots=True)
class BalanceVerdict:
    """How a project stands to a rule.

    Attributes:
        required: What must be given back, by the rule.
        counted: What counts of what the project gives back.
        from_pool: What the pool supplies of the rest.
        lacking: What is still to be given back; 0 where nothing is.
        grade_taken, grade_given: The mean grades, of a kind that has them.
        grade_kept: The grade of what is given back is not worse.
    """

    required: Decimal
    counted: Decimal
    from_pool: Decimal
    lacking: Decimal
    grade_taken: Decimal | None
    grade_given: Decimal | None
    grade_kept: bool

    @property
    def met(self) -> bool:
        """Whether the rule is met."""
        return self.lacking == 0 and self.grade_kept


def balance_of(rule: BalanceRule, found: BalanceTally) -> Decimal:
    """What was given back beyond what was asked for what was taken; below 0 it is lacking."""
    return found.given.amount - rule.ratio * found.taken.amount


def judge_balance(
    rule: BalanceRule, own: BalanceTally, pool: BalanceTally | None = None, *, final: bool = False
) -> BalanceVerdict:
    """How a project stands to a rule.

    Args:
        own: The entries that name the project, what it proposes to take included.
        pool: All entries of the region that may supply it, those of the project included.
        final: What is given back must be accepted by now, whatever the rule.
    """
    required = rule.ratio * own.all_taken.amount
    strict = final or rule.restore_before_occupy
    counted = own.given if strict else own.given + own.given_proposed
    lacking = max(ZERO, required - counted.amount)
    from_pool = ZERO
    if lacking and rule.pool and pool is not None:
        owed = max(ZERO, rule.ratio * pool.all_taken.amount - pool.given.amount)
        from_pool, lacking = max(ZERO, lacking - owed), min(lacking, owed)
    source = pool.given if from_pool and pool is not None else counted
    taken = own.all_taken
    # Compared without dividing, so that nothing is rounded.
    kept = (
        not rule.graded
        or not required
        or source.graded * taken.amount <= taken.graded * source.amount
    )
    return BalanceVerdict(
        required,
        counted.amount,
        from_pool,
        lacking,
        taken.mean_grade if rule.graded else None,
        source.mean_grade if rule.graded else None,
        kept,
    )
