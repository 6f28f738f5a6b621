"""Which file format a request asks for, if any."""

from collections.abc import Sequence

from fastapi import Request
from starlette.datastructures import QueryParams

from shanhai.db.features.entity import Entity
from shanhai.errors import InvalidInput
from shanhai.vector.formats import FILE_FORMATS, FileFormat

ENCODINGS = ("UTF-8", "GBK")


def file_formats(entity: Entity) -> tuple[FileFormat, ...]:
    """The formats of files that can hold an entity's rows."""
    spatial = entity.geometry is not None
    return tuple(item for item in FILE_FORMATS.values() if spatial or not item.spatial)


def file_format(request: Request, entity: Entity) -> FileFormat | None:
    """The format of an entity's files that is asked for; None for a page of JSON or HTML."""
    return file_format_among(request, file_formats(entity))


def file_format_among(request: Request, offered: Sequence[FileFormat]) -> FileFormat | None:
    """The format named by `f`, or by a media type in `Accept`; None when it is no file's."""
    wanted = request.query_params.get("f")
    if wanted is not None:
        return next((item for item in offered if item.name == wanted), None)
    accepted = request.headers.get("accept", "").partition(",")[0].partition(";")[0].strip()
    return next((item for item in offered if _media(item) == accepted), None)


def _media(item: FileFormat) -> str | None:
    media_type = item.media_type.partition(";")[0]
    # Any archive may be meant by it.
    return None if media_type == "application/zip" else media_type


def asked_encoding(request: Request, chosen: FileFormat) -> tuple[str | None, QueryParams]:
    """The encoding asked for, and the other parameters.

    Raises:
        InvalidInput: it is unknown, or the format has but one.
    """
    query = request.query_params
    encoding = query.get("encoding")
    if encoding is None:
        return None, query
    if chosen.name != "shp" or encoding.upper() not in ENCODINGS:
        raise InvalidInput(
            "encoding is UTF-8 or GBK, and for f=shp only",
            message_zh="encoding 仅用于 f=shp，取值 UTF-8 或 GBK",
            pointer="encoding",
        )
    return encoding.upper(), QueryParams([p for p in query.multi_items() if p[0] != "encoding"])
