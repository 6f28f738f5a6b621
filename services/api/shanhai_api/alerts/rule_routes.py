"""`/alert-rules`."""

from typing import Annotated

from fastapi import APIRouter, Path

from shanhai.db.alerts import rules
from shanhai_api.alerts.models import AlertRule, AlertRules
from shanhai_api.alerts.schemas import CODE, NewRule, RuleContents
from shanhai_api.alerts.service import shown_rule
from shanhai_api.dependencies import KnownReader, Writer
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import IfMatch, Read, Write

router = APIRouter(tags=["monitoring"], route_class=Route)
Code = Annotated[str, Path(pattern=CODE, description="Code of the rule")]


@router.get("/alert-rules", summary="What raises warnings")
async def show_rules(read: Read[KnownReader]) -> AlertRules:
    """List the rules."""
    found = [AlertRule.of(rule, read) for rule in await rules.list_rules(read.session)]
    return AlertRules(rules=found, links=read.self_links("/alert-rules"))


@router.post("/alert-rules", summary="Make a rule", status_code=201)
async def create_rule(write: Write[Writer], new: JsonBody[NewRule]) -> Answer[AlertRule]:
    """Make a rule; the newest values are judged by it at once."""
    found = await rules.create_rule(
        write.session, new.contents(), identity=write.caller, act=write.act
    )
    return shown_rule(found, write, location=f"/alert-rules/{new.code}")


@router.get("/alert-rules/{rule}", summary="One rule")
async def show_rule(read: Read[KnownReader], rule: Code) -> Answer[AlertRule]:
    """Show a rule."""
    found = await rules.find_rule(read.session, rule)
    shown = AlertRule.of(found, read, read.self_links(f"/alert-rules/{rule}"))
    return Answer(shown, state=found.state)


@router.put("/alert-rules/{rule}", summary="Replace a rule")
async def put_rule(
    write: Write[Writer], rule: Code, expected: IfMatch, contents: JsonBody[RuleContents]
) -> Answer[AlertRule]:
    """Replace a rule: its open alerts are closed, and it starts anew."""
    found = await rules.replace_rule(
        write.session,
        rule,
        contents.contents(),
        identity=write.caller,
        act=write.act,
        expected=expected,
    )
    return shown_rule(found, write)


@router.delete("/alert-rules/{rule}", summary="End a rule", status_code=204)
async def delete_rule(write: Write[Writer], rule: Code, expected: IfMatch) -> None:
    """End a rule; its open alerts are closed, and alerts are kept."""
    await rules.drop_rule(
        write.session, rule, identity=write.caller, act=write.act, expected=expected
    )
