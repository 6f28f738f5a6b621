"""The items of gross ecosystem product, and what each standard values them by.

Items, coefficients and standards are data: the files of `catalogues`. A coefficient without a
value has to be entered; one that was not entered is a default, and an account says how much of it
rests on defaults.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from shanhai.errors import InvalidInput
from shanhai.vocabulary import Label

Group = Literal["provisioning", "regulating", "cultural"]
GROUPS: Mapping[str, Label] = {
    "provisioning": Label("物质供给", "Provisioning"),
    "regulating": Label("调节服务", "Regulating"),
    "cultural": Label("文化服务", "Cultural"),
}
VERSIONS = ("guideline-2020", "norm-2022", "gbt-46869-2025")
ENTERED = "entered"
"""Status of a coefficient the account was given."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One number of a catalogue.

    Attributes:
        name: How an account refers to it.
        label: Name in Chinese and English.
        unit: Unit of the value.
        valid_range: Lowest and highest value accepted.
        value: None where the account has to enter it.
        status: V, L or E, or `entered`.
        source: Where the value comes from.
        price_year: The year whose money a price is in; None for what is no price, and for a price
            that was entered.
    """

    name: str
    label: Label
    unit: str
    valid_range: tuple[float, float]
    value: float | None
    status: str
    source: str
    price_year: int | None = None

    @property
    def default(self) -> bool:
        """Whether the value is the catalogue's."""
        return self.status != ENTERED


@dataclass(frozen=True, slots=True)
class GepItem:
    """One benefit that is accounted.

    Attributes:
        id: Identifier.
        group: Kind of benefit.
        label: Name in Chinese and English.
        unit: Unit of the physical quantity.
        price: Coefficient the quantity is multiplied by; None where each good has a price.
        needs: Coefficients the quantity takes.
        final: In what benefit it ends; two items of one benefit are never both counted.
        entered: Whether the quantity can only be entered, not computed from rasters.
    """

    id: str
    group: Group
    label: Label
    unit: str
    price: str | None
    needs: tuple[str, ...]
    final: str
    entered: bool


@dataclass(frozen=True, slots=True)
class GepCatalogue:
    """The items and coefficients of one standard.

    Attributes:
        version: Identifier of the standard.
        label: Its name.
        note: What a reader must know of the figures.
        items: By identifier.
        coefficients: By name.
    """

    version: str
    label: Label
    note: Label
    items: Mapping[str, GepItem]
    coefficients: Mapping[str, Coefficient]

    def with_entered(self, entered: Mapping[str, float]) -> "GepCatalogue":
        """The catalogue with the account's own figures.

        Raises:
            InvalidInput: a coefficient is unknown, or its value out of range.
        """
        changed = {name: self._entered(name, value) for name, value in entered.items()}
        return replace(self, coefficients={**self.coefficients, **changed})

    def _entered(self, name: str, value: float) -> Coefficient:
        known = self.coefficients.get(name)
        if known is None:
            raise InvalidInput(
                f"there is no coefficient {name!r}; known are {', '.join(self.coefficients)}",
                message_zh=f"没有系数 {name!r}；可用：{'、'.join(self.coefficients)}",
                pointer=f"/{name}",
            )
        low, high = known.valid_range
        if not low <= value <= high:
            raise InvalidInput(
                f"{name} is {value:g} {known.unit}; it must lie between {low:g} and {high:g}",
                message_zh=f"{known.label.zh}（{name}）为 {value:g} {known.unit}，"
                f"须在 {low:g} 与 {high:g} 之间",
                pointer=f"/{name}",
            )
        return replace(
            known, value=value, status=ENTERED, source="entered with the account", price_year=None
        )


@cache
def load_catalogue(version: str) -> GepCatalogue:
    """The catalogue of a standard.

    Raises:
        InvalidInput: there is none of that name.
    """
    if version not in VERSIONS:
        raise InvalidInput(
            f"catalogue is {version!r}; it must be one of {', '.join(VERSIONS)}",
            message_zh=f"核算目录 {version!r} 未知，可选：{'、'.join(VERSIONS)}",
            pointer="/catalogue",
        )
    head = _read(version)
    return GepCatalogue(
        version,
        Label(head["zh"], head["en"]),
        Label(head["note_zh"], head["note_en"]),
        {one["id"]: _item(one) for one in _read("items")["item"] if one["id"] not in head["omits"]},
        {
            name: _coefficient(name, one, keep=head["keeps"] == "all" or name in head["keeps"])
            for name, one in _read("coefficients")["coefficient"].items()
        },
    )


@cache
def price_level(year: int) -> float:
    """Consumer prices of a year, relative to the first year known.

    Raises:
        InvalidInput: the year lies outside the series.
    """
    changes = {int(one): change for one, change in _read("prices")["change"].items()}
    first, last = min(changes) - 1, max(changes)
    if not first <= year <= last:
        raise InvalidInput(
            f"price_year is {year}; consumer prices are known from {first} to {last}",
            message_zh=f"价格年份 {year} 超出已知的居民消费价格序列（{first}–{last}）",
            pointer="/price_year",
        )
    level = 1.0
    for one in range(first + 1, year + 1):
        level *= 1 + changes[one] / 100
    return level


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(
        files(__package__).joinpath("catalogues", f"{name}.toml").read_text("utf-8")
    )


def _item(one: Mapping[str, Any]) -> GepItem:
    return GepItem(
        id=one["id"],
        group=one["group"],
        label=Label(one["zh"], one["en"]),
        unit=one["unit"],
        price=one.get("price"),
        needs=tuple(one.get("needs", ())),
        final=one["final"],
        entered=one.get("entered", False),
    )


def _coefficient(name: str, one: Mapping[str, Any], *, keep: bool) -> Coefficient:
    low, high = one["range"]
    return Coefficient(
        name,
        Label(one["zh"], one["en"]),
        one["unit"],
        (low, high),
        one.get("value") if keep else None,
        one["status"] if keep else "E",
        one["source"] if keep else "none: enter the figure of the standard",
        one.get("price_year"),
    )
