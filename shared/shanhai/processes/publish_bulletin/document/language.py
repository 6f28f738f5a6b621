"""The language of templates: placeholders, conditions and loops over what a bulletin tells.

It is a small part of Jinja, checked by its syntax tree before anything of it runs: what is not
listed here is refused. A text cannot call anything, see anything but plain data, keep anything from
one round of a loop to the next, go more than `MOST_ROUNDS` rounds, or write more than
`OUTPUT_LIMIT`; so what it costs is bounded by its size.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, nodes
from jinja2.exceptions import UndefinedError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from shanhai.reporting.pages import figure
from shanhai.vocabulary import Label, Lang, Term

Document = dict[str, Any]


def in_language(value: Any, lang: Lang) -> Any:
    """The content in one language: `name` in place of `name_zh` and `name_en`."""
    if isinstance(value, Mapping):
        other = "_en" if lang == "zh" else "_zh"
        return {
            name.removesuffix(f"_{lang}"): in_language(member, lang)
            for name, member in value.items()
            if not name.endswith(other)
        }
    if isinstance(value, list):
        return [in_language(one, lang) for one in value]
    return value


def named(label: Label, name: str = "name") -> Document:
    """A label as two members."""
    return {f"{name}_zh": label.zh, f"{name}_en": label.en}


def counted(counts: Mapping[str, int], terms: Iterable[Term]) -> list[Document]:
    """How many there are of each term, in their order, without those there are none of."""
    return [
        {"code": term.code, **named(term.label), "count": counts[term.code]}
        for term in terms
        if counts.get(term.code)
    ]


def percent(part: float, whole: float) -> float | None:
    """A share in per cent, 0–100; None of nothing."""
    return 100.0 * part / whole if whole else None


OUTPUT_LIMIT = 20_000
MOST_NODES = 600
DEEPEST = 24
MOST_LOOPS_WITHIN = 2
LONGEST_LIST = 200
"""Members of a list that texts see; tables show what there is."""
MOST_ROUNDS = 1_000
"""Rounds of all loops of a text together."""
MOST_DIGITS = 6
EACH = "each"
"""The filter that every loop goes through, which counts its rounds."""
LOOP_MEMBERS = frozenset({"index", "first", "last", "length"})
ALLOWED: frozenset[type[nodes.Node]] = frozenset(
    {
        *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If),
        *(nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.CondExpr),
        *(nodes.Getattr, nodes.Getitem, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand),
        *(nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Sub, nodes.Concat, nodes.Keyword),
    }
)
"""No call, no assignment, nothing that multiplies or repeats text."""
TESTS = frozenset({"none", "defined", "undefined"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a text is refused, and the line of it, counted from 1."""

    line: int
    reason: Label


class Refused(Exception):
    """A text that breaks a rule of the language, or fails on what a bulletin may tell."""

    def __init__(self, line: int, reason: Label) -> None:
        super().__init__(reason.en)
        self.refusal = Refusal(line, reason)


def check_text(source: str, examples: Sequence[Mapping[str, Any]], lang: Lang) -> Refusal | None:
    """What is wrong with a text: with its syntax, or with it on any of the examples."""
    try:
        for one in examples:
            write_text(source, one, lang)
    except Refused as error:
        return error.refusal
    return None


def write_text(source: str, content: Mapping[str, Any], lang: Lang) -> str:
    """A text with what a bulletin tells in place of its placeholders.

    Args:
        source: The text.
        content: What it tells, in one language.
        lang: That language, which dates are written in.

    Raises:
        Refused: it breaks a rule, or asks for what is not there.
    """
    environment = _Environment(lang)
    try:
        tree = environment.parse(source)
        _check(tree)
        _count_rounds(tree)
        code = environment.compile(tree, filename="<template>")
        template = environment.template_class.from_code(environment, code, {})
        return _written(template.generate(_bounded(content)))
    except Refused as error:
        raise error from None
    except TemplateSyntaxError as error:
        raise _refused(error.lineno, error.message or "syntax error") from error
    except RecursionError as error:
        raise _refused(1, "nested too deeply", "嵌套过深") from error
    except UndefinedError as error:
        absent = str(error).removesuffix(" is undefined")
        raise _refused(_line_of(error), f"there is no {absent}", f"没有 {absent}") from error
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise _refused(_line_of(error), str(error)) from error


class _Environment(ImmutableSandboxedEnvironment):
    """Of the names, filters and tests that are listed; members of plain data alone."""

    def __init__(self, lang: Lang) -> None:
        super().__init__(undefined=StrictUndefined, finalize=_shown, autoescape=False)
        self.globals.clear()
        filters: dict[str, Callable[..., Any]] = {
            "number": _number,
            "percent": _percent,
            "default": _default,
            "join": _join,
            "length": _length,
            "first": _first,
            EACH: self._each,
            "day": _day_in(lang),
        }
        self.filters = filters
        self._rounds = 0
        self.tests = {name: self.tests[name] for name in TESTS}

    def _each(self, values: Any) -> list[Any]:
        """What a loop goes through.

        Raises:
            TypeError: it is no list.
            ValueError: the text has gone many rounds.
        """
        if not isinstance(values, list):
            raise TypeError("a loop goes through a list, and nothing else")
        self._rounds += len(values)
        if self._rounds > MOST_ROUNDS:
            raise ValueError(f"its loops go more than {MOST_ROUNDS} rounds")
        return values

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A member of data, or one of the few a loop has; nothing Python knows of an object."""
        if isinstance(obj, LoopContext) and attribute in LOOP_MEMBERS:
            return getattr(obj, attribute)
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return obj if isinstance(obj, Undefined) else self.undefined(name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """A member by name, or one of a list by its place."""
        if isinstance(obj, Mapping) and isinstance(argument, str) and argument in obj:
            return obj[argument]
        if isinstance(obj, list) and isinstance(argument, int) and -len(obj) <= argument < len(obj):
            return obj[argument]
        return obj if isinstance(obj, Undefined) else self.undefined(name=argument)


def _check(tree: nodes.Template) -> None:
    """Refuse a tree that has what is not allowed, or too much of it."""
    number = 0
    waiting: list[tuple[nodes.Node, int, int]] = [(tree, 0, 0)]
    while waiting:
        node, depth, loops = waiting.pop()
        number += 1
        line = getattr(node, "lineno", None) or 1
        if number > MOST_NODES:
            raise _refused(line, f"more than {MOST_NODES} parts", f"超过 {MOST_NODES} 个成分")
        if depth > DEEPEST:
            raise _refused(line, "nested too deeply", "嵌套过深")
        _check_node(node, line)
        within = loops + isinstance(node, nodes.For)
        if within > MOST_LOOPS_WITHIN:
            raise _refused(
                line,
                f"more than {MOST_LOOPS_WITHIN} loops within each other",
                f"循环嵌套超过 {MOST_LOOPS_WITHIN} 层",
            )
        waiting += [(child, depth + 1, within) for child in node.iter_child_nodes()]


def _count_rounds(tree: nodes.Template) -> None:
    """Let every loop count its rounds."""
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, EACH, [], [], None, None, lineno=loop.lineno)


def _check_node(node: nodes.Node, line: int) -> None:
    if type(node) not in ALLOWED:
        name = type(node).__name__
        raise _refused(line, f"{name} is not allowed in a template", f"模板中不允许使用 {name}")
    if isinstance(node, nodes.For) and node.recursive:
        raise _refused(line, "loops cannot be recursive", "循环不得递归")
    if isinstance(node, nodes.Getattr | nodes.Name):
        name = node.attr if isinstance(node, nodes.Getattr) else node.name
        if name.startswith("_"):
            raise _refused(line, f"there is no member {name!r}", f"没有成员 {name!r}")
    if isinstance(node, nodes.Filter | nodes.Test) and (node.dyn_args or node.dyn_kwargs):
        raise _refused(line, "arguments must be written out", "参数须逐一写出")


def _written(parts: Iterator[str]) -> str:
    found, size = list[str](), 0
    for part in parts:
        size += len(part)
        if size > OUTPUT_LIMIT:
            raise _refused(
                1,
                f"it writes more than {OUTPUT_LIMIT} characters",
                f"输出超过 {OUTPUT_LIMIT} 个字符",
            )
        found.append(part)
    return "".join(found)


def _bounded(value: Any) -> Any:
    """Plain data without the ends of its long lists."""
    if isinstance(value, Mapping):
        return {name: _bounded(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_bounded(one) for one in islice(value, LONGEST_LIST)]
    return value


def _shown(value: Any) -> str:
    """A value as it is written; lists and groups of members are none.

    Raises:
        TypeError: it is one.
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        raise TypeError("yes or no cannot be written; ask with `if`")
    if isinstance(value, float):
        return figure(value, 6).replace(",", "")
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, Undefined):
        # What is not there is told; an `if` without `else` in a placeholder writes nothing.
        return str(value)
    raise TypeError("a list or group cannot be written; write one of its members")


def _number(value: Any, digits: Any = 0) -> str:
    """With so many digits after the point."""
    if value is None:
        return "–"
    if not isinstance(digits, int) or not 0 <= digits <= MOST_DIGITS:
        raise ValueError(f"digits must be 0 to {MOST_DIGITS}")
    return f"{_as_number(value):,.{digits}f}"


def _percent(value: Any, digits: Any = 1) -> str:
    """A share that is in per cent."""
    return "–" if value is None else f"{_number(value, digits)}%"


def _default(value: Any, other: Any = "") -> Any:
    return other if value is None or isinstance(value, Undefined) else value


def _join(values: Any, by: Any = ", ", member: Any = None) -> str:
    """Members of a list, or one member of each, with something between."""
    if not isinstance(values, list):
        raise TypeError("only a list can be joined")
    chosen = [_shown(one if member is None else one[member]) for one in values]
    between = _shown(by)
    # Before it is joined: texts that are joined by each other grow beyond any bound.
    if sum(map(len, chosen)) + len(between) * len(chosen) > OUTPUT_LIMIT:
        raise ValueError(f"it joins more than {OUTPUT_LIMIT} characters")
    return between.join(chosen)


def _length(value: Any) -> int:
    if not isinstance(value, list | str):
        raise TypeError("only a list or a text has a length")
    return len(value)


def _first(value: Any, number: Any = 1) -> list[Any]:
    """The first members of a list."""
    if not isinstance(value, list) or not isinstance(number, int) or number < 0:
        raise TypeError("the first of a list, as many as a number")
    return value[:number]


def _as_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{str(value)[:40]!r} is no number")
    return value


def _day_in(lang: Lang) -> Callable[[Any], str]:
    def day(value: Any) -> str:
        if value is None:
            return "–"
        return written_day(date.fromisoformat(value), lang)

    return day


def written_day(day: date, lang: Lang) -> str:
    """A day as it is written in a text."""
    if lang == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {day:%B} {day.year}"


def _line_of(error: BaseException) -> int:
    """The line of the text on which an error came up; Jinja puts it into the traceback."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _refused(line: int, reason: str, reason_zh: str | None = None) -> Refused:
    return Refused(line, Label(reason_zh or reason, reason))
