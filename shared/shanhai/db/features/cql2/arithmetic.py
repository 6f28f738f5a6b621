"""Arithmetic that cannot fail: what has no result, such as a division by zero, is null.

All is computed as `numeric`, whose only limit is the number of digits; a filter whose results could
come near it is refused before it runs.
"""

from shanhai.db.features.cql2.faults import exceeded, refused
from shanhai.db.features.cql2.operands import WIDEST_NUMBER, Context, Operand

OPERATORS = frozenset({"+", "-", "*", "/", "%", "div", "^"})
MAX_DIGITS = 20_000
"""Far below what `numeric` holds, and quick to multiply."""

DOUBLE = (
    "(SELECT CASE WHEN abs(w.n) < 1e300 THEN CAST(round(w.n, 300) AS float8) END"
    " FROM (SELECT {number} AS n OFFSET 0) w)"
)
"""A `numeric` as a double; null when it is beyond one."""
POWER = (
    "(SELECT CAST(CASE WHEN v.x = 0 THEN CASE WHEN v.y > 0 THEN 0 WHEN v.y = 0 THEN 1 END"
    " WHEN abs(v.y) > 1e6 OR v.x < 0 AND v.y <> floor(v.y) THEN NULL"
    " WHEN abs(ln(abs(v.x)) * v.y) > 700 THEN NULL ELSE power(v.x, v.y) END AS numeric)"
    # Not merged into the query around it, which would compute constants before it asks for them.
    " FROM (SELECT {base} AS x, {exponent} AS y OFFSET 0) v)"
)


def calculated(context: Context, operator: str, left: Operand, right: Operand) -> Operand:
    """The result of an operation on two numbers."""
    for operand in (left, right):
        if operand.kind != "number":
            what = operand.described()
            raise refused(
                f"{operator} computes with numbers, and {what.en} is none",
                f"{operator} 只能计算数值，而 {what.zh} 不是",
            )
    digits = _digits(operator, left, right)
    if digits > MAX_DIGITS:
        raise exceeded("a calculation could have too many digits", "计算结果的位数可能过多")
    first, second = numeric(context, left), numeric(context, right)
    told = f"{left.told} {operator} {right.told}"
    return Operand("number", told, _written(operator, first, second), digits=digits, computed=True)


def numeric(context: Context, operand: Operand) -> str:
    """SQL of a number as `numeric`."""
    if operand.computed:
        return operand.sql
    return f"CAST({context.write(operand, 'number')} AS numeric)"


def _digits(operator: str, left: Operand, right: Operand) -> int:
    """How many digits the result can have on either side of its point."""
    if operator in {"+", "-"}:
        return max(left.digits, right.digits) + 1
    return WIDEST_NUMBER if operator == "^" else left.digits + right.digits


def _written(operator: str, first: str, second: str) -> str:
    if operator == "^":
        base, exponent = (DOUBLE.format(number=number) for number in (first, second))
        return POWER.format(base=base, exponent=exponent)
    if operator == "div":
        return f"div({first}, nullif({second}, 0))"
    divisor = f"nullif({second}, 0)" if operator in {"/", "%"} else second
    return f"({first} {operator} {divisor})"
