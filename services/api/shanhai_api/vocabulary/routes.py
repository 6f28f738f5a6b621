"""`/ecoservices`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from shanhai.vocabulary import ECOSERVICES
from shanhai_api.dependencies import PageQuery, Reader, TheView

router = APIRouter(tags=["vocabulary"])


@router.get("/ecoservices", summary="The seven ecosystem services")
async def list_ecoservices(
    view: TheView, caller: Reader, query: Annotated[PageQuery, Query()]
) -> Response:
    """List the ecosystem services of the method."""
    services = [
        {
            "code": term.code,
            "name": term.label.in_(view.lang),
            "name_zh": term.label.zh,
            "name_en": term.label.en,
        }
        for term in ECOSERVICES
    ]
    return view.respond({"ecoservices": services, "links": view.self_links("/ecoservices")})
