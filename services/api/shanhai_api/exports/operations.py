"""Answer a request for items with a file."""

from collections.abc import Mapping

from fastapi import Request, Response

from shanhai.db.features.crs import CRS84, WGS84
from shanhai.db.features.entity import Entity
from shanhai.db.features.export import Export
from shanhai.db.features.seen import seen_by
from shanhai.errors import InvalidInput
from shanhai.vector.formats import FileFormat
from shanhai_api.dependencies import act_of
from shanhai_api.exports.files import ExportOrder, export_file
from shanhai_api.exports.formats import asked_encoding
from shanhai_api.features import documents
from shanhai_api.features.parameters import parse_items_query
from shanhai_api.features.systems import system_reader
from shanhai_api.identity import Caller
from shanhai_api.state import state_of
from shanhai_api.view import View

PAGING = ("cursor", "offset")


async def respond_file(
    request: Request,
    view: View,
    caller: Caller,
    entity: Entity,
    chosen: FileFormat,
    bound: Mapping[str, str] | None = None,
) -> Response:
    """All of a selection as a file, or as many as `limit` says.

    Raises:
        InvalidInput: a parameter is malformed, or makes no sense for a whole file.
    """
    encoding, params = asked_encoding(request, chosen)
    for name in PAGING:
        if name in params:
            raise InvalidInput(
                f"{name} belongs to pages; a file has the whole selection",
                message_zh=f"{name} 仅用于分页；文件包含全部所选内容",
                pointer=name,
            )
    entity = seen_by(entity, caller.viewer)
    query = parse_items_query(entity, params, bound, system_reader(request))
    crs = query.ask.form.crs
    if chosen.only_degrees and crs.srid != WGS84 and crs != CRS84:
        raise InvalidInput(
            f"{chosen.name} has longitude and latitude on WGS 84 only",
            message_zh=f"{chosen.name} 仅支持 WGS 84 经纬度",
            pointer="crs",
        )
    limit = query.limit if "limit" in params else None
    export = Export(entity, query.selection(caller.viewer), query.ask.form, query.ask.order, limit)
    order = ExportOrder(export, chosen, encoding, act_of(caller, view), dict(request.query_params))
    headers = documents.content_crs(crs) if entity.geometry is not None else {}
    return await export_file(state_of(request), order, dict(headers))
