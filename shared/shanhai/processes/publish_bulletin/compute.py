"""Make a bulletin of a region and period: its content, and its documents in two languages."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from shanhai.errors import InvalidInput
from shanhai.processes.kit.contract import WORD_TYPE
from shanhai.processes.kit.manifest import build_manifest, finished
from shanhai.processes.kit.outputs import write_document
from shanhai.processes.kit.task import Outcome, OutputFile, Progress, RegionTask
from shanhai.processes.publish_bulletin.contract import (
    BulletinTask,
    PublishBulletinInputs,
    PublishBulletinTask,
)
from shanhai.processes.publish_bulletin.document.composing import compose, title_of
from shanhai.processes.publish_bulletin.document.content import build_content
from shanhai.processes.publish_bulletin.document.language import Refused, in_language
from shanhai.processes.publish_bulletin.document.pictures import draw_pictures
from shanhai.reporting.blocks import Pages, write_html
from shanhai.reporting.map_decorations import font_families, missing_font_warning
from shanhai.reporting.pages import can_write_pdf, missing_pdf_warning, write_pdf
from shanhai.reporting.word import write_word
from shanhai.science.flags import ResultFlag
from shanhai.vocabulary import LANGUAGES, Label, Lang

MEDIA_TYPES = {
    "html": "text/html",
    "pdf": "application/pdf",
    "docx": WORD_TYPE,
}
LIBRARIES = ("jinja2", "matplotlib", "python-docx", "weasyprint")
"""Whose change may change the bytes of a document."""
TONGUES = {"zh": Label("中文", "Chinese"), "en": Label("英文", "English")}


def compute(task: PublishBulletinTask, workspace: Path, progress: Progress) -> Outcome:
    """Compute with files only; the workspace holds every result afterwards."""
    inputs = PublishBulletinInputs.model_validate(task.inputs)
    held, region = task.bulletin, task.region
    if held is None or region is None:
        raise InvalidInput(
            "a bulletin is made on a server",
            message_zh="公报须由服务器编制",
            pointer="/inputs/region",
        )
    progress(0, "statistics")
    content = build_content(inputs, region, held)
    files = [write_document(workspace, "content", Label("公报内容", "Content"), content)]
    try:
        titles = {lang: title_of(held.template, content, lang) for lang in LANGUAGES}
        for number, lang in enumerate(LANGUAGES):
            progress(10 + 40 * number, "maps")
            files += _write(held, region, content, workspace, lang)
            progress(50 + 40 * number, "report")
    except Refused as error:
        raise _at_fault(error) from error
    flags = _flags()
    manifest = _manifest(task, held, flags)
    return finished(
        workspace,
        files,
        manifest,
        {"title_zh": titles["zh"], "title_en": titles["en"], "content": content},
        progress,
    )


def _write(
    held: BulletinTask,
    region: RegionTask,
    content: dict[str, Any],
    workspace: Path,
    lang: Lang,
) -> list[OutputFile]:
    """The documents of a language; its pictures are inside, and their files gone."""
    pictures = draw_pictures(region, held, in_language(content, lang), workspace, lang)
    pages = compose(held.template, content, pictures, lang)
    files = _write_documents(pages, held, workspace, lang)
    for drawn in pictures.values():
        for picture in drawn:
            if picture.path is not None:
                picture.path.unlink()
    return files


def _write_documents(
    pages: Pages, held: BulletinTask, workspace: Path, lang: Lang
) -> list[OutputFile]:
    html = write_html(workspace / f"bulletin.{lang}.html", pages)
    if can_write_pdf():
        write_pdf(workspace / f"bulletin.{lang}.pdf", html)
    write_word(workspace / f"bulletin.{lang}.docx", pages, held.issued_on)
    return [
        OutputFile.of(
            f"{kind}_{lang}",
            f"bulletin.{lang}.{kind}",
            media_type,
            Label(
                f"公报（{kind.upper()}，{TONGUES[lang].zh}）",
                f"Bulletin ({kind.upper()}, {TONGUES[lang].en})",
            ),
        )
        for kind, media_type in MEDIA_TYPES.items()
        if (workspace / f"bulletin.{lang}.{kind}").exists()
    ]


def _flags() -> list[ResultFlag]:
    return [
        *([] if font_families("zh") else [missing_font_warning()]),
        *([] if can_write_pdf() else [missing_pdf_warning()]),
    ]


def _manifest(
    task: PublishBulletinTask, held: BulletinTask, flags: list[ResultFlag]
) -> dict[str, Any]:
    return build_manifest(
        task,
        None,
        inputs=[],
        bulletin=held.model_dump(mode="json"),
        document_libraries={name: version(name) for name in LIBRARIES},
        warnings=[flag.document() for flag in flags],
    )


def _at_fault(error: Refused) -> InvalidInput:
    """A template that was right with all examples, and is not with this period."""
    line, reason = error.refusal.line, error.refusal.reason
    return InvalidInput(
        f"the template fails on this period, line {line}: {reason.en}",
        message_zh=f"公报模板不适用于本时段，第 {line} 行：{reason.zh}",
        pointer="/inputs/template",
    )
