"""What every reader of a file gives: what the file is, and its rows in blocks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from shanhai.errors import UnsupportedFile
from shanhai.vocabulary import Label

ROOM = 8
"""Bytes a text that was cut may fall short of the longest by."""
UPLOAD = "/inputs/upload"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the sender says of a file that does not say it itself."""

    crs: str | None = None
    encoding: str | None = None
    layer: str | None = None


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a file turned out to be.

    Attributes:
        crs: As the file has it: `EPSG:n`, WKT or PROJJSON; None when it is silent.
        encoding: Of its texts, and `encoding_from` what told it.
        samples: A few texts as they were decoded, for people to judge.
        text_bytes: The longest text the format holds, in bytes of the encoding; None for any.
    """

    format: str
    fields: tuple[str, ...]
    layer: str | None = None
    crs: str | None = None
    encoding: str = "UTF-8"
    encoding_from: str = "format"
    samples: tuple[str, ...] = ()
    text_bytes: int | None = None

    def may_be_cut(self, value: object) -> bool:
        """Whether a value is as long as the format allows: more may have followed.

        Blanks at its end are not kept, and no character is cut in two.
        """
        if self.text_bytes is None or not isinstance(value, str):
            return False
        return len(value.encode(self.encoding, "replace")) > self.text_bytes - ROOM


@dataclass(frozen=True, slots=True)
class SourceBlock:
    """Some rows: geometry as WKB, the fields as columns, and why some could not be read."""

    geometry: Sequence[bytes | None]
    columns: Mapping[str, Sequence[Any]]
    broken: Mapping[int, Label] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.geometry)


class FeatureSource(Protocol):
    """An opened file."""

    info: SourceInfo

    def blocks(self) -> Iterator[SourceBlock]:
        """Its rows from the first to the last."""
        ...


def refuse(en: str, zh: str, pointer: str = UPLOAD) -> UnsupportedFile:
    """The refusal of a file."""
    return UnsupportedFile(en, message_zh=zh, pointer=pointer)


def chosen_layer(names: Sequence[str], wished: str | None) -> str:
    """The layer to read: the one named, or the only one.

    Raises:
        UnsupportedFile: there is none, or several and none was named.
    """
    if wished is not None and wished in names:
        return wished
    listed = ", ".join(names[:20])
    if wished is not None:
        raise refuse(
            f"there is no layer {wished!r}; the file has: {listed}",
            f"没有图层 {wished!r}；文件中有：{listed}",
            "/inputs/layer",
        )
    if len(names) != 1:
        raise refuse(
            f"the file has {len(names)} layers, name one as `layer`: {listed}",
            f"文件有 {len(names)} 个图层，请用 `layer` 指定：{listed}",
            "/inputs/layer",
        )
    return names[0]


def named_copy(path: Path, folder: Path, suffix: str) -> Path:
    """A name of our own making for a file; the content is not copied."""
    link = folder / f"source{suffix}"
    link.symlink_to(path.resolve())
    return link
