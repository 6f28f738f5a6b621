"""`/actors`: the names of those whom histories name by a code."""

import re
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, field_validator

from shanhai.db.queries.actors import find_names, name_of_platform
from shanhai.errors import Forbidden
from shanhai_api.kit.answers import Answered, Document
from shanhai_api.kit.dependencies import KnownReader, PageQuery, Read
from shanhai_api.kit.routing import Route

MOST = 100
CODE = re.compile(r"[a-z]+(:[a-z0-9][a-z0-9 ]{0,63})?")
router = APIRouter(tags=["access"], route_class=Route)


class ActorsQuery(PageQuery):
    """Whose names are asked for."""

    code: list[str] = Field(
        min_length=1,
        max_length=MOST,
        description="Who acted, as events and entries name it, once for each",
        examples=[["account:7"]],
    )

    @field_validator("code")
    @classmethod
    def check_codes(cls, codes: list[str]) -> list[str]:
        """A kind of actor, and which one."""
        wrong = next((code for code in codes if not CODE.fullmatch(code)), None)
        if wrong is not None:
            raise ValueError(f"{wrong!r} is no code of an actor / {wrong!r} 不是操作者的代码")
        return codes


class Actor(Answered):
    """Who acted."""

    code: str
    name: str = Field(description="Of a key or account; else in the language of the answer")


class Actors(Document):
    """Those whose names are known, in the order they were asked for."""

    actors: list[Actor]


@router.get("/actors", summary="Who is behind the codes of actors")
async def show_actors(read: Read[KnownReader], query: Annotated[ActorsQuery, Query()]) -> Actors:
    """Tell the names of keys, accounts and parts of the platform that acted, for all with a role.

    Revoked keys and disabled accounts keep their names. What nobody knows is left out.
    """
    if not read.caller.viewer.knows_people:
        raise Forbidden("a role in some region is needed", message_zh="需要在某一区域具有角色")
    names = await find_names(read.session, query.code)
    known = {code: names.get(code) or name_of_platform(code, read.lang) for code in query.code}
    return Actors(actors=[Actor(code=code, name=name) for code, name in known.items() if name])
