"""HTML pages: templates, and what is written in them as people read it; no script, but for
the form of comments on notices."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from shanhai.assets import StaticAssets
from shanhai.db.compliance.rules import activities
from shanhai.db.queries.actors import name_of_platform
from shanhai.science.units import unit_name
from shanhai.vocabulary import Lang
from shanhai_api.kit.people import ACTED
from shanhai_api.words import naming
from shanhai_api.words.pages import WORDS

ASSETS = StaticAssets(Path(__file__).parent.parent / "static", "/static", ["console/assets"])
"""Files of pages; those of the console are named by its build."""


@pass_context
def word(context: Context, key: str) -> str:
    """A word of the page in its language."""
    return WORDS[key].in_(context["lang"])


UNITS: Mapping[str, str] = {"km2": "km²", "km": "km", "m": "m", "%": "%", "s": "s"}
"""How pages write a unit; that of a byte count goes without saying."""
SIX, LEAST_DECIMAL = 6, 1e-4
IN_TENTHS = frozenset({"km2", "km", "%"})


def figure(number: float, unit: str | None) -> str:
    """A number for reading: areas and shares in tenths, lengths in metres whole."""
    if unit in IN_TENTHS:
        return f"{number:,.1f}"
    return f"{number:,.0f}" if unit in {"m", "s"} else naming.number_words(number)


@pass_context
def local(context: Context, at: str, *, seconds: bool = False) -> str:
    """A moment of a document, as clocks show it where the platform is."""
    there = datetime.fromisoformat(at)
    with suppress(OverflowError):  # the last hours of the calendar stay in UTC
        there = there.astimezone(context["zone"])
    return there.isoformat(" ", "seconds" if seconds else "minutes").replace("+", " +")


def moment(at: datetime) -> str:
    """A moment as documents have it: in its zone, and UTC by its letter."""
    return at.isoformat().replace("+00:00", "Z")


def reading(number: float) -> str:
    """A measured number for reading: six digits, as written in small and large."""
    if number and abs(number) < LEAST_DECIMAL:
        return naming.small_number(number, SIX)
    return naming.large_number(number, SIX)


def activity(code: str, lang: Lang) -> str:
    """What an activity or measure is called; its code where nobody knows."""
    return activities().name_of(code).in_(lang)


@pass_context
def actor(context: Context, code: str, member: str = "actor") -> str | None:
    """The name of who acted; None where nobody knows, or the member is of something else."""
    if member not in ACTED:
        return None
    people: Mapping[str, str] = context["people"]
    return people.get(code) or name_of_platform(code, context["lang"])


ENVIRONMENT = Environment(
    loader=PackageLoader("shanhai_api"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.globals.update(word=word, UNITS=UNITS, activity=activity, asset=ASSETS.address)
ENVIRONMENT.filters.update(
    actor=actor,
    figure=figure,
    local=local,
    moment=moment,
    reading=reading,
    unit=unit_name,
    called=naming.called,
    code_name=naming.code_name,
    codes_apart=naming.codes_apart,
    columns_of_rows=naming.columns_of_rows,
    heading=naming.heading_of,
    input_name=naming.input_name,
    layer=naming.layer_name,
    link_name=naming.link_name,
    member_name=naming.member_name,
    name_without=naming.name_without,
    object_of=naming.object_of,
    own_page=naming.own_page,
    plain=naming.number_words,
    project_state=naming.project_state,
    shown_members=naming.shown_members,
    without=naming.without,
    words_beside=naming.words_beside,
)
ENVIRONMENT.tests.update(
    code=naming.is_code,
    color=naming.is_color,
    digest=naming.is_digest,
    formula=naming.is_formula,
    identifier=naming.is_identifier,
    moment=naming.is_moment,
)


def render(template: str, context: Mapping[str, Any]) -> bytes:
    """A page."""
    return ENVIRONMENT.get_template(template).render(context).encode()
