"""Asks a person what the files of a folder do not say, and makes the described folder."""

from collections.abc import Sequence
from pathlib import Path

import typer

from shanhai.data.handed_over import REGION, FolderFindings, look_at, prepare
from shanhai.data.handed_over.findings import Answers, OpenQuestion, read_answers, write_answers


def tell_of(folder: Path, answers: Path | None, settings: Sequence[str]) -> bool:
    """Print what a folder holds; whether nothing is to be asked or refused."""
    told = _answers(answers, settings)
    found = look_at(folder, told)
    _tell(found)
    _tell_questions(found.questions, told, answers)
    return not (found.questions or found.refused)


def prepare_asking(
    folder: Path, out: Path, region: str | None, answers: Path | None, settings: Sequence[str]
) -> list[Path] | None:
    """The descriptions of what was made in `out`; None where answers miss or a file is refused.

    In a terminal what is missing is asked for; elsewhere it is listed.
    """
    told = _answers(answers, [*settings, *([f"region={region}"] if region else [])])
    asked = [] if told.get("region") else [REGION]
    found = look_at(folder, told)
    _tell(found)
    while typer.get_text_stream("stdin").isatty() and (asked or found.questions):
        told = told.with_settings(_ask(one) for one in [*asked, *found.questions])
        asked, found = [], look_at(folder, told)
        _tell(found)
    _tell_questions([*asked, *found.questions], told, answers)
    if asked or found.questions or found.refused:
        return None
    return prepare(folder, out, told)


def _answers(path: Path | None, settings: Sequence[str]) -> Answers:
    told = read_answers(path) if path is not None and path.exists() else {}
    return Answers(told).with_settings(settings)


def _ask(question: "OpenQuestion") -> str:
    typer.echo(f"{question.label.zh}\n{question.label.en}")
    if question.choices:
        typer.echo(f"  {', '.join(question.choices)}")
    return f"{question.name}={typer.prompt(question.name, default=question.suggestion)}"


def _tell(found: FolderFindings) -> None:
    for one in found.datasets:
        typer.echo(f"{one.name}: {one.taken_for or '?'} ({one.kind}, {len(one.files)} files)")
        for reason in one.reasons:
            typer.echo(f"  {reason.zh}\n  {reason.en}")
        if one.refusal is not None:
            typer.echo(f"  ✗ {one.refusal.zh}\n  ✗ {one.refusal.en}")
    for path in found.aside:
        typer.echo(f"- {path.name}: 未使用 / nothing is made of it")


def _tell_questions(questions: Sequence[OpenQuestion], told: Answers, path: Path | None) -> None:
    """List what is missing, and write it into the file of answers where one is named."""
    for one in questions:
        typer.echo(f"? --set {one.name}={one.suggestion or '…'}", err=True)
        typer.echo(f"    {one.label.zh}\n    {one.label.en}", err=True)
        if one.choices:
            typer.echo(f"    {', '.join(one.choices)}", err=True)
    if path is not None and questions:
        write_answers(path, told.told, questions)
        typer.echo(f"请填写 {path} / fill in {path}", err=True)
