"""`/ecoservices`."""

from fastapi import APIRouter

from shanhai.vocabulary import ECOSERVICES
from shanhai_api.dependencies import Reader, TheView
from shanhai_api.kit.answers import Answered, Document, Link
from shanhai_api.kit.routing import Route

router = APIRouter(tags=["vocabulary"], route_class=Route)


class Ecoservice(Answered):
    """An ecosystem service of the method."""

    code: str
    name: str
    name_zh: str
    name_en: str


class Ecoservices(Document):
    """The ecosystem services of the method."""

    ecoservices: list[Ecoservice]
    links: list[Link]


@router.get("/ecoservices", summary="The seven ecosystem services")
async def list_ecoservices(view: TheView, caller: Reader) -> Ecoservices:
    """List the ecosystem services of the method."""
    services = [
        Ecoservice(
            code=term.code,
            name=term.label.in_(view.lang),
            name_zh=term.label.zh,
            name_en=term.label.en,
        )
        for term in ECOSERVICES
    ]
    return Ecoservices(ecoservices=services, links=view.self_links("/ecoservices"))
