"""What a CQL2 filter means, told without SQL: it is judged row by row, None being the unknown."""

import json
import operator
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import reduce
from typing import Any, cast

import shapely
from shapely.geometry import shape

Row = dict[str, Any]
Tree = Any


def truth(node: Tree, row: Row) -> bool | None:
    """Whether a condition holds for a row."""
    if isinstance(node, bool):
        return node
    if "property" in node:
        return cast("bool | None", row[node["property"]])
    name, arguments = node["op"], node["args"]
    if name in {"and", "or"}:
        return reduce({"and": _both, "or": _either}[name], (truth(item, row) for item in arguments))
    if name == "not":
        found = truth(arguments[0], row)
        return None if found is None else not found
    if name == "isNull":
        return value(arguments[0], row) is None
    if name == "in":
        sides = [{"op": "=", "args": [arguments[0], item]} for item in arguments[1]]
        return truth({"op": "or", "args": sides}, row)
    if name == "between":
        low, high = (
            {"op": sign, "args": [arguments[0], bound]}
            for sign, bound in zip((">=", "<="), arguments[1:], strict=True)
        )
        return truth({"op": "and", "args": [low, high]}, row)
    if name.startswith("t_"):
        return in_time(name, arguments, row)
    values = [value(item, row) for item in arguments]
    if any(item is None for item in values):
        return None
    return bool((COMPARE | SPACE | {"like": like})[name](*values))


def _both(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _either(left: bool | None, right: bool | None) -> bool | None:
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
SPACE: dict[str, Callable[[Any, Any], Any]] = {
    "s_intersects": shapely.intersects,
    "s_disjoint": shapely.disjoint,
    "s_within": shapely.within,
    "s_contains": shapely.contains,
    "s_touches": shapely.touches,
    "s_overlaps": shapely.overlaps,
    "s_crosses": shapely.crosses,
    "s_equals": shapely.equals,
}
TIME: dict[str, Callable[[Any, Any, Any, Any], bool]] = {
    "t_after": lambda a, b, c, d: a > d,
    "t_before": lambda a, b, c, d: b < c,
    "t_contains": lambda a, b, c, d: a < c and b > d,
    "t_disjoint": lambda a, b, c, d: b < c or a > d,
    "t_during": lambda a, b, c, d: a > c and b < d,
    "t_equals": lambda a, b, c, d: a == c and b == d,
    "t_finishedby": lambda a, b, c, d: a < c and b == d,
    "t_finishes": lambda a, b, c, d: a > c and b == d,
    "t_intersects": lambda a, b, c, d: not (b < c or a > d),
    "t_meets": lambda a, b, c, d: b == c,
    "t_metby": lambda a, b, c, d: a == d,
    "t_overlappedby": lambda a, b, c, d: c < a < d < b,
    "t_overlaps": lambda a, b, c, d: a < c < b < d,
    "t_startedby": lambda a, b, c, d: a == c and b > d,
    "t_starts": lambda a, b, c, d: a == c and b < d,
}


def like(written: str, pattern: str) -> bool:
    """Whether a text follows a pattern."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    return bool(
        re.fullmatch(
            "".join(wild.get(part) or re.escape(part[-1]) for part in parts), written, re.DOTALL
        )
    )


def value(node: Tree, row: Row) -> Any:
    """What an operand is for a row."""
    if isinstance(node, float | int) and not isinstance(node, bool):
        return Decimal(repr(node))
    if not isinstance(node, dict):
        return node
    if "property" in node:
        found = row[node["property"]]
        return Decimal(repr(found)) if isinstance(found, float) else found
    if "date" in node:
        return date.fromisoformat(node["date"])
    if "timestamp" in node:
        return datetime.fromisoformat(node["timestamp"])
    if "bbox" in node:
        return shapely.box(*node["bbox"])
    if "coordinates" in node or "geometries" in node:
        return shape(node)
    if node["op"] not in {"casei", "+", "-", "*", "/", "%", "div"}:
        return truth(node, row)
    values = [value(item, row) for item in node["args"]]
    if any(item is None for item in values):
        return None
    if node["op"] == "casei":
        return values[0].lower()
    return calculated(node["op"], *values)


def calculated(name: str, left: Any, right: Any) -> Decimal | None:
    """The result of an operation on two numbers."""
    left, right = Decimal(left), Decimal(right)
    if name in {"/", "%", "div"} and right == 0:
        return None
    results: dict[str, Callable[[], Decimal]] = {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "/": lambda: left / right,
        "%": lambda: left % right,
        "div": lambda: Decimal(int(left / right)),
    }
    return results[name]()


def in_time(name: str, nodes: list[Tree], row: Row) -> bool | None:
    """Whether two times are in a relation; days last all day where a moment is among them."""
    exact = any(word in json.dumps(nodes) for word in ('"timestamp"', '"moment"'))
    ends: list[date] = []
    for node in nodes:
        found = _span(node, row)
        if found is None:
            return None
        ends += (_moment(end, first=n == 0) if exact else end for n, end in enumerate(found))
    return TIME[name](*ends)


def _span(node: Tree, row: Row) -> tuple[date, date] | None:
    """The ends of a time, open ones as far away as there are dates."""
    if "interval" in node:
        first, last = (None if end == ".." else _end(end, row) for end in node["interval"])
        return first or date.min, last or date.max
    found = _end(node, row)
    return None if found is None else (found, found)


def _end(node: Tree, row: Row) -> date | None:
    found = date.fromisoformat(node) if isinstance(node, str) else value(node, row)
    return cast("date | None", found)


def _moment(found: date, *, first: bool) -> datetime:
    if isinstance(found, datetime):
        return found
    return datetime.combine(found, time.min if first else time.max, UTC)
