"""What was found in a folder, what is still to be asked, and the answers."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shanhai.errors import InvalidInput
from shanhai.raster.crs import names_gcj02
from shanhai.vector.source_crs import DatumShift, Numbers, System, find_system
from shanhai.vocabulary import Label

MOST_NAMED = 5
"""Files that are named one by one."""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """What a folder does not tell.

    Attributes:
        name: Of the answer, as `dem.crs`.
        label: What is asked, and why.
        choices: The answers there are; empty for free text.
        suggestion: The likely one.
    """

    name: str
    label: Label
    choices: tuple[str, ...] = ()
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """What the user says, by dataset and name: `{"dem": {"crs": "EPSG:4548"}, "region": "x"}`."""

    told: Mapping[str, Any] = field(default_factory=dict)

    def with_settings(self, texts: Iterable[str]) -> "Answers":
        """These answers and those in texts that read `name=value`, which hold.

        Raises:
            InvalidInput: a text does not read so.
        """
        told: dict[str, Any] = json.loads(json.dumps(self.told, default=str))
        for text in texts:
            name, sign, value = text.partition("=")
            if not sign or not name:
                raise InvalidInput(
                    f"{text!r} does not read name=value",
                    message_zh=f"{text!r} 应写作 名称=值",
                    pointer="--set",
                )
            _put(told, name, value)
        return Answers(told)

    def get(self, name: str) -> str | None:
        """The answer to `dataset.name` or to a name alone; None without one."""
        value = self.member(name)
        return None if value is None or value == "" else str(value)

    def member(self, name: str) -> Any:
        """What stands under a name with points."""
        found: Any = self.told
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def is_set(self, name: str) -> bool:
        """Whether something is answered with yes."""
        return str(self.get(name)).lower() in {"true", "yes", "1", "是"}

    def number(self, name: str) -> float | None:
        """An answer that must be a number.

        Raises:
            InvalidInput: it is none.
        """
        text = self.get(name)
        try:
            return None if text is None else float(text)
        except ValueError:
            raise InvalidInput(
                f"{name} is {text!r}; it must be a number",
                message_zh=f"{name} 为 {text!r}，须为数字",
                pointer=name,
            ) from None


def read_answers(path: Path) -> dict[str, Any]:
    """The answers in a file that `write_answers` has written and somebody has filled in.

    A table may be headed by its path, `["a"."b"]`, or by a name with points, `["a.b"]`.

    Raises:
        InvalidInput: it is no TOML, or a name is both an answer and a table.
    """
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{path.name} is no TOML in UTF-8: {error}",
            message_zh=f"{path.name} 不是 UTF-8 编码的 TOML 文件：{error}",
            pointer=path.name,
        ) from error
    return _nested(_flat(read))


def write_answers(path: Path, told: Mapping[str, Any], questions: Iterable[OpenQuestion]) -> None:
    """Write what was answered, and each open question above an empty answer.

    An answer that did not settle its question stands below it.

    Raises:
        InvalidInput: a name is both an answer and a table, which no TOML can hold.
    """
    asked = {question.name: question for question in questions}
    answers = dict(_flat(told))
    _nested([*answers.items(), *asked.items()])
    tables: dict[str, list[str]] = {"": []}
    for name in {**answers, **asked}:
        table, _, key = name.rpartition(".")
        lines = tables.setdefault(table, [])
        if name in asked:
            lines += _remarks(asked[name])
        lines.append(f"{_quoted(key)} = {_literal(answers.get(name, ''))}")
    texts = []
    for table, lines in tables.items():
        head = [f"[{'.'.join(map(_quoted, table.split('.')))}]"] if table else []
        texts += [*head, *lines, ""] if lines else []
    path.write_text("\n".join(texts), encoding="utf-8")


def _remarks(question: OpenQuestion) -> list[str]:
    """A question as comments."""
    told = [question.label.zh, question.label.en]
    if question.choices:
        told.append(", ".join(question.choices))
    if question.suggestion is not None:
        told.append(f"? {question.suggestion}")
    return [f"# {line}" for text in told for line in text.splitlines()]


def _nested(answers: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, value in answers:
        _put(told, name, value)
    return told


def _put(told: dict[str, Any], name: str, value: Any) -> None:
    """Set what stands under a name with points.

    Raises:
        InvalidInput: a part of the name is an answer itself, or names a table.
    """
    *path, last = name.split(".")
    place: Any = told
    for part in path:
        place = place.setdefault(part, {}) if isinstance(place, dict) else None
    if not isinstance(place, dict) or isinstance(place.get(last), dict):
        raise InvalidInput(
            f"{name} cannot be told: an answer and a dataset have one name; rename the file",
            message_zh=f"无法记录 {name}：答案与数据同名，请更改文件名",
            pointer=name,
        )
    place[last] = value


def _flat(told: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in told.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        elif value != "":
            yield f"{before}{name}", value


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _literal(value: Any) -> str:
    if isinstance(value, float):  # JSON's words for what is no number or has no end are no TOML.
        return repr(value)
    return json.dumps(value if isinstance(value, bool | int) else str(value), ensure_ascii=False)


@dataclass(slots=True)
class DatasetFinding:
    """One dataset of a folder.

    Attributes:
        name: What its answers are called by.
        files: What it is made of.
        kind: `raster`, or `features`.
        taken_for: The theme or collection; None while that is not known.
        reasons: Why, and what will be done.
        questions: What has to be answered first.
        refusal: Why nothing can be done with it.
        plan: How it is prepared, once all is known; of the module that found it.
    """

    name: str
    files: tuple[Path, ...]
    kind: str
    taken_for: str | None = None
    reasons: list[Label] = field(default_factory=list)
    questions: list[OpenQuestion] = field(default_factory=list)
    refusal: Label | None = None
    plan: Any = None

    def say(self, zh: str, en: str) -> None:
        """Add a reason."""
        self.reasons.append(Label(zh, en))

    def ask(
        self, name: str, zh: str, en: str, choices: Iterable[str] = (), likely: str | None = None
    ) -> None:
        """Add a question about this dataset."""
        label = Label(zh, en)
        self.questions.append(OpenQuestion(f"{self.name}.{name}", label, tuple(choices), likely))

    def refuse(self, error: InvalidInput) -> None:
        """Give it up, for the reason an error tells."""
        self.refusal = Label(error.localised("zh"), error.localised("en"))


def judge_system(
    finding: DatasetFinding,
    told: str | None,
    bounds: Numbers | None,
    answers: Answers,
    *,
    any_datum: bool,
) -> System | None:
    """The system of a dataset; None after what is missing was asked for, or it was refused."""
    wished, shift = answers.get(f"{finding.name}.crs"), answers.get(f"{finding.name}.datum_shift")
    try:
        parsed = None if shift is None else DatumShift.parse(shift)
        system = find_system(told, wished, bounds, parsed, any_datum=any_datum)
    except InvalidInput as error:
        name = (error.faults[0].pointer if error.faults else "").rpartition("/")[2]
        if name not in {"crs", "datum_shift"} or answers.get(f"{finding.name}.{name}") is not None:
            finding.refuse(error)
            return None
        is_degrees = bounds is not None and abs(bounds).max() <= 360
        likely = "EPSG:4490" if name == "crs" and is_degrees else None
        finding.ask(name, error.localised("zh"), error.localised("en"), likely=likely)
        return None
    by = {
        "file": Label("文件注明", "as the file says"),
        "parameter": Label("由您指定", "as you say"),
        "range": Label("由横坐标带号判断", "by the zone's number in the eastings"),
    }[system.told_by]
    finding.say(f"坐标系 {system.name}（{by.zh}）", f"in {system.name}, {by.en}")
    if system.zone:
        finding.say(
            f"横坐标{'含' if system.zone > 0 else '缺'}带号 {abs(system.zone)}，已处理",
            f"the eastings {'carry' if system.zone > 0 else 'lack'} the zone's number"
            f" {abs(system.zone)}, which is {'taken off' if system.zone > 0 else 'put before'}",
        )
    if system.shift is not None:
        finding.say(
            f"按给定参数 {shift} 转换到 CGCS2000", f"moved to CGCS2000 by the stated {shift}"
        )
    return system


def judge_names(finding: DatasetFinding, texts: Iterable[str], answers: Answers) -> None:
    """Refuse what a name says to be shifted as Chinese web maps are."""
    if names_gcj02(list(texts)) and not answers.is_set(f"{finding.name}.accept_datum"):
        finding.refusal = Label(
            f"名称表明为 GCJ-02（火星坐标，偏移约 500 米）；请先转换，"
            f"或设置 {finding.name}.accept_datum=true",
            "its name says GCJ-02, which is some 500 m off; convert it first, or set"
            f" {finding.name}.accept_datum=true",
        )
