"""The arithmetic of ledgers, exactly, in decimals: balances, and compensation between districts.

A balance is what was taken and what was given back. Sums of entries are added, so their order does
not matter; an entry that is reversed and the one that reverses it leave the sum as it was. Amounts
are in the unit of their kind.

Compensation is what one district pays another for the water or the services it sends. Its rule is
data. Amounts are in yuan; above zero the side downstream pays the side upstream, for what came
better than agreed, below zero the side upstream pays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class GradedAmount:
    """An amount, and the sum of amount times quality grade of its parts (grade 1 is best)."""

    amount: Decimal = ZERO
    graded: Decimal = ZERO

    def __add__(self, other: "GradedAmount") -> "GradedAmount":
        return GradedAmount(self.amount + other.amount, self.graded + other.graded)

    @property
    def mean_grade(self) -> Decimal | None:
        """The mean quality grade by amount; None where there is no amount or no grade."""
        return self.graded / self.amount if self.amount and self.graded else None


NOTHING = GradedAmount()


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
        # Its own giving counts in the pool as it does in the project: proposed too, where it may.
        given = pool.given.amount + counted.amount - own.given.amount
        owed = max(ZERO, rule.ratio * pool.all_taken.amount - given)
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


CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class ClassRule:
    """Pays by how many classes each month's water is better or worse than agreed.

    Attributes:
        target: Number of the class agreed on; 1 is the best.
        better: What downstream pays for a month, by one class better, two, and so on; what is
            better still is paid as the last.
        worse: What upstream pays for a month, alike.
        cap: The most that is paid for a year, either way; None is no bound.
    """

    target: int
    better: Sequence[Decimal]
    worse: Sequence[Decimal]
    cap: Decimal | None = None


@dataclass(frozen=True, slots=True)
class IndexStep:
    """What is paid where the index is at most `up_to`; the last step has none."""

    up_to: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class IndexRule:
    """Pays by an index of the year's means against those agreed on: `k0 · Σ w · C / C0`.

    Attributes:
        baseline: The mean agreed on by property, above 0.
        weights: By property, above 0; those of the properties observed are scaled to sum up to 1.
        steady: `k0`, which allows for the water of the year; 1 leaves the index as it is.
        steps: In rising order of the index: the lower the cleaner.
        cap: As of `ClassRule`.

    Source: the form of the compensation index P of the Xin'an River agreement, 2012.
    """

    baseline: Mapping[str, Decimal]
    weights: Mapping[str, Decimal]
    steps: Sequence[IndexStep]
    steady: Decimal = Decimal(1)
    cap: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ServiceRule:
    """Pays for a service above what was agreed on: `price · (balance − baseline)`.

    Attributes:
        baseline: The balance agreed on, in the unit of the balance.
        price: Yuan for one unit of it, above 0.
        tolerance: What differs by no more is not paid for.
        cap: As of `ClassRule`.
    """

    baseline: Decimal
    price: Decimal
    tolerance: Decimal = ZERO
    cap: Decimal | None = None


@dataclass(frozen=True, slots=True)
class SettledLine:
    """A line of a settlement: what was observed, and what follows from it."""

    name: str
    observed: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Settled:
    """What is paid for a year.

    Attributes:
        amount: In yuan, to the cent; above 0 downstream pays. None where nothing was observed.
        capped: The sum of the lines was beyond the cap.
        missing: What was not observed: months, or properties.
    """

    amount: Decimal | None
    lines: Sequence[SettledLine]
    capped: bool = False
    missing: Sequence[str] = field(default_factory=tuple)


def settle_classes(rule: ClassRule, months: Mapping[int, int]) -> Settled:
    """Settle a year by the classes of its months.

    Args:
        rule: What is paid.
        months: Class by month, from 1 to 12; 1 is the best class. A month that is not there, or is
            of class 0, was not observed and is not paid for.
    """
    lines = [
        SettledLine(f"{month:02}", str(months[month]), _of_month(rule, months[month]))
        for month in range(1, 13)
        if months.get(month)
    ]
    missing = tuple(f"{month:02}" for month in range(1, 13) if not months.get(month))
    return _capped(lines, rule.cap, missing)


def _of_month(rule: ClassRule, number: int) -> Decimal:
    gap = rule.target - number
    steps = rule.better if gap > 0 else rule.worse
    if gap == 0 or not steps:
        return ZERO
    amount = steps[min(abs(gap), len(steps)) - 1]
    return amount if gap > 0 else -amount


def settle_index(rule: IndexRule, means: Mapping[str, Decimal]) -> Settled:
    """Settle a year by its means.

    Args:
        rule: What is paid.
        means: Mean of the year by property, 0 or more, in the unit of the baseline.

    Returns:
        Nothing is paid where no property of the rule was observed.
    """
    missing = tuple(sorted(rule.weights.keys() - means.keys()))
    index = index_of(rule, means)
    if index is None:
        return Settled(None, (), missing=missing)
    step = next(one for one in rule.steps if one.up_to is None or index <= one.up_to)
    told = format(index.quantize(Decimal("0.0001"), ROUND_HALF_UP), "f")
    return _capped([SettledLine("P", told, step.amount)], rule.cap, missing)


def index_of(rule: IndexRule, means: Mapping[str, Decimal]) -> Decimal | None:
    """The index of a year: 1 is what was agreed on, above it the water is dirtier.

    Returns:
        None where no property of the rule was observed.
    """
    known = rule.weights.keys() & means.keys()
    whole = sum((rule.weights[name] for name in known), ZERO)
    if not whole:
        return None
    parts = (rule.weights[name] * means[name] / rule.baseline[name] for name in sorted(known))
    return rule.steady * sum(parts, ZERO) / whole


def settle_service(rule: ServiceRule, balance: Decimal | None) -> Settled:
    """Settle a year by the balance of a service; None was not observed."""
    if balance is None:
        return Settled(None, (), missing=("balance",))
    gap = balance - rule.baseline
    amount = ZERO if abs(gap) <= rule.tolerance else rule.price * gap
    amount = amount.quantize(CENT, ROUND_HALF_UP)
    return _capped([SettledLine("balance", format(balance, "f"), amount)], rule.cap, ())


def _capped(lines: Sequence[SettledLine], cap: Decimal | None, missing: Sequence[str]) -> Settled:
    if not lines:
        return Settled(None, (), missing=missing)
    whole = sum((line.amount for line in lines), ZERO).quantize(CENT, ROUND_HALF_UP)
    if cap is None or abs(whole) <= cap:
        return Settled(whole, lines, missing=missing)
    return Settled(cap if whole > 0 else -cap, lines, capped=True, missing=missing)
