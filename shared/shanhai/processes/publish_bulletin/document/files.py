"""The files of a bulletin: its documents, and a package of the pictures that stand in them."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from pydantic import BaseModel

from shanhai.processes.kit.task import OutputFile
from shanhai.processes.publish_bulletin.contract import PUBLISH_BULLETIN
from shanhai.reporting.blocks import Pages, Picture, render_page
from shanhai.reporting.pages import can_write_pdf, write_pdf
from shanhai.storage.reproducible_zip import open_package, write_package
from shanhai.vocabulary import Label, Lang

PICTURES = "pictures"
"""Name of the package of pictures among a bulletin's files."""
_PACKAGE = "bulletin.pictures.zip"
Drawn = Mapping[str, Sequence[Picture]]
"""Pictures by the kind of the section that shows them."""


class _PackedPicture(BaseModel):
    lang: Lang
    kind: str
    caption: str
    file: str


def write_documents(pages: Pages, issued_on: date, folder: Path) -> list[OutputFile]:
    """Write a bulletin in its language as HTML, PDF where that can be written, and DOCX."""
    from shanhai.reporting.word import write_word  # the API loads this module at its start

    lang = pages.lang
    html = render_page(pages)
    (folder / f"bulletin.{lang}.html").write_text(html, encoding="utf-8")
    if can_write_pdf():
        write_pdf(folder / f"bulletin.{lang}.pdf", html)
    write_word(folder / f"bulletin.{lang}.docx", pages, issued_on)
    made = ((f"{kind}_{lang}", f"bulletin.{lang}.{kind}") for kind in ("html", "pdf", "docx"))
    return [
        PUBLISH_BULLETIN.output(name).file(path) for name, path in made if (folder / path).exists()
    ]


def pack_pictures(drawn: Mapping[Lang, Drawn], folder: Path) -> OutputFile:
    """Put the pictures of all languages into one package, and take their own files away.

    Documents in other words are made of them, without whatever they were drawn by.
    """
    listed, files = [], []
    for lang, kinds in drawn.items():
        for kind, pictures in kinds.items():
            for caption, path in ((one.caption, one.path) for one in pictures):
                if path is not None:
                    name = path.name.replace(f".{lang}.", f"_{lang}.")
                    told = _PackedPicture(lang=lang, kind=kind, caption=caption, file=name)
                    listed.append(told.model_dump())
                    files.append((name, path))
    write_package(folder / _PACKAGE, {PICTURES: listed}, files)
    for _, path in files:
        path.unlink()
    title = Label("公报中的图（PNG）", "Pictures of the bulletin (PNG)")
    return OutputFile.of(PICTURES, _PACKAGE, "application/zip", title)


def unpack_pictures(package: Path, folder: Path) -> dict[Lang, dict[str, list[Picture]]]:
    """The pictures of a package by language and kind, their files in an empty folder of our own.

    Raises:
        InvalidInput: it is no such package, or damaged.
    """
    found: dict[Lang, dict[str, list[Picture]]] = {"zh": {}, "en": {}}
    for told in open_package(package, folder)[PICTURES]:
        one = _PackedPicture.model_validate(told)
        pictures = found[one.lang].setdefault(one.kind, [])
        pictures.append(Picture(one.caption, folder / one.file))
    return found
