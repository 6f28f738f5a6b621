"""The report as PDF: a step of its own, which comes once all other results are there.

Its pages hold what the report as HTML holds, and nothing else is read for them; to set them takes
as long as to draw all maps. So the results of a job are published before.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shanhai.processes.kit.contract import REPORTS, ProcessContract
from shanhai.processes.kit.task import Outcome, Progress
from shanhai.reporting.pages import can_write_pdf, missing_pdf_warning, write_pdf
from shanhai.science.flags import ResultFlag
from shanhai.storage.artifacts import sha256_of

REPORT_PDF = "report.pdf"
STAGE = "pdf"
BEGINS = 85
"""Per cent of a run that are done when its PDF begins."""

_HTML, _PDF = REPORTS[0], REPORTS[1]

NOT_SET = ResultFlag.of(
    "pdf_not_set",
    "PDF 报告尚未生成，其余成果均已发布",
    "the report as PDF is not there; all else is",
)
"""What is said of results that were published before their PDF."""


def is_followed(outcome: Outcome, contract: ProcessContract) -> bool:
    """Whether a PDF follows: the process declares one, and its report has none yet."""
    names = {file.name for file in outcome.files}
    return _PDF in contract.outputs and _HTML.name in names and _PDF.name not in names


def leaving_room(progress: Progress, contract: ProcessContract | None) -> Progress:
    """The progress of a computation whose PDF follows; that of any other as it is."""
    if contract is None or _PDF not in contract.outputs:
        return progress
    return lambda percent, stage: progress(percent * BEGINS / 100, stage)


def set_pdf(report: Path, workspace: Path) -> Outcome:
    """The PDF of a report in HTML alone, in the workspace; a warning where none can be set."""
    if not can_write_pdf():
        return Outcome(warnings=[missing_pdf_warning().document()])
    write_pdf(workspace / REPORT_PDF, report.read_text(encoding="utf-8"))
    return Outcome(files=[_PDF.file(REPORT_PDF)])


def with_pdf(
    outcome: Outcome, contract: ProcessContract, workspace: Path, progress: Progress
) -> Outcome:
    """What a computation gave back, with its PDF if one follows; its manifest is written anew."""
    if not is_followed(outcome, contract):
        return outcome
    # Here, because it loads what reads rasters, and a worker asks only whether a PDF follows.
    from shanhai.processes.kit.manifest import write_manifest

    progress(BEGINS, STAGE)
    at = [file.name for file in outcome.files].index(_HTML.name)
    pdf = set_pdf(workspace / outcome.files[at].path, workspace)
    checksums = {file.name: sha256_of(workspace / file.path) for file in pdf.files}
    manifest = completed(outcome.manifest, checksums, pdf.warnings)
    write_manifest(workspace, manifest)
    progress(100, "done")
    return outcome.model_copy(
        update={
            "files": [*outcome.files[: at + 1], *pdf.files, *outcome.files[at + 1 :]],
            "manifest": manifest,
            "warnings": [*outcome.warnings, *pdf.warnings],
        }
    )


def completed(
    manifest: Mapping[str, Any], checksums: Mapping[str, str], warnings: list[dict[str, str]]
) -> dict[str, Any]:
    """The manifest of a run with what came of its PDF: files by their SHA-256, and warnings."""
    told = list(manifest["outputs"])
    at = [one["name"] for one in told].index(_HTML.name) + 1
    told[at:at] = [
        {"name": name, "sha256": sha256, "unit": None, "nodata": None}
        for name, sha256 in checksums.items()
    ]
    return {**manifest, "outputs": told, "warnings": [*manifest["warnings"], *warnings]}
