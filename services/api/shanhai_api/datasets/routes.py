"""`/collections/datasets/items/{code}/file`."""

from pathlib import PurePosixPath
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse
from pydantic import Field

from shanhai.storage.artifacts import COG_TYPE
from shanhai_api.datasets.operations import dataset_with_file
from shanhai_api.dependencies import PageQuery, Reader, ReadSession, TheState, TheView
from shanhai_api.negotiation import GEOJSON
from shanhai_api.view import is_known, link_header

router = APIRouter(tags=["features"])
BYTES = {"content": {COG_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file; its ETag is its SHA-256", **BYTES},
    206: {"description": "The part of it that `Range` asks for", **BYTES},
    416: {"description": "There is no such part"},
}


class FileQuery(PageQuery):
    """Which file of a dataset."""

    sha256: str | None = Field(
        None,
        pattern=r"^[0-9a-f]{64}$",
        description="SHA-256 of the file wanted, though it was replaced since; default: today's",
    )


@router.get(
    "/collections/datasets/items/{code}/file",
    summary="The file of a dataset",
    response_class=FileResponse,
    responses=ANSWERS,
)
async def send_dataset(
    view: TheView,
    state: TheState,
    caller: Reader,
    code: str,
    query: Annotated[FileQuery, Query()],
    session: ReadSession,
) -> Response:
    """Send the cloud-optimised GeoTIFF that a dataset is, or a part of it."""
    row = await dataset_with_file(session, caller, code, query.sha256)
    path = f"/collections/datasets/items/{quote(row.code, safe='')}"
    headers = {
        "ETag": f'"{row.checksum}"',
        "Cache-Control": view.cache_control(),
        "Vary": "Authorization",
        # Source and licence.
        **link_header([view.link(path, "describedby", GEOJSON.media_type)], {"describedby"}),
    }
    if is_known(view.request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return FileResponse(
        state.store.local_path(row.uri),
        media_type=COG_TYPE,
        headers=headers,
        filename=f"{row.code}{PurePosixPath(row.uri).suffix}",
    )
