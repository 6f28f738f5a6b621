"""Rebuild a plan from its package: check all of it first, then write all of it."""

from collections import Counter
from pathlib import Path

from shanhai.db.plan_packages.layout import DOCUMENT, JOB, UPLOAD, plan_of, read_rows
from shanhai.db.plan_packages.restore import Given, GivenRow, read_row
from shanhai.errors import InvalidInput
from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.kit.task import Outcome, OutputFile, Progress, Task
from shanhai.storage.artifacts import sha256_of
from shanhai.storage.reproducible_zip import open_package
from shanhai.vocabulary import Label

FOLDER = "package"


def compute(task: Task, workspace: Path, progress: Progress) -> Outcome:
    """Unpack and check everything; nothing is written before `publish`."""
    upload, folder = Path(task.files[task.upload_uri or ""]), workspace / FOLDER
    folder.mkdir()
    progress(1, "inspect")
    manifest = open_package(upload, folder)
    plan = plan_of(manifest)
    names = [str(item["name"]) for item in manifest["members"]]
    progress(50, "rows")
    files = {name.rpartition("/")[2] for name in names if DOCUMENT.fullmatch(name)}
    given = read_given(folder)
    _check_files(given, files)
    _check_jobs(given)
    return Outcome(
        files=[
            OutputFile.of(
                f"document.{sha256}",
                f"{FOLDER}/documents/{sha256}",
                "application/octet-stream",
                Label("规划文档", "Document of the plan"),
                kind="attachment",
            )
            for sha256 in sorted(files)
        ],
        values={"plan": plan, "rows": {name: len(rows) for name, rows in given.items()}},
        manifest={"source": {"sha256": sha256_of(upload)}},
    )


def read_given(folder: Path) -> Given:
    """All rows of an unpacked package, each checked by itself."""
    counts = Counter(holding.table for holding, _, _ in read_rows(folder))
    given: dict[str, list[GivenRow]] = {}
    for holding, number, line in read_rows(folder):
        given.setdefault(holding.table, []).append(read_row(holding, number, line, counts))
    return given


def _check_files(given: Given, files: set[str]) -> None:
    named = {str(item.row["sha256"]) for item in given.get("document", ())}
    for sha256 in sorted(named ^ files)[:1]:
        raise InvalidInput(
            f"the file {sha256[:80]} is not there, or no document names it",
            message_zh=f"文件 {sha256[:80]} 缺失，或没有文档引用它",
            pointer=UPLOAD,
        )


def _check_jobs(given: Given) -> None:
    for item in given.get(JOB, ()):
        if item.row["kind"] not in CONTRACTS:
            raise InvalidInput(
                f"{str(item.row['kind'])[:80]!r} is no process",
                message_zh=f"{str(item.row['kind'])[:80]!r} 不是已知的过程",
                pointer=UPLOAD,
            )
