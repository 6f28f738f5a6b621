"""The account as a document and as a table."""

from collections.abc import Iterator, Mapping
from typing import Any

from shanhai.processes.account_gep.contract import AccountGepInputs
from shanhai.processes.account_gep.requirements import Countable
from shanhai.processes.account_gep.totals import OUTSIDE, Totals
from shanhai.processes.kit.region import Place
from shanhai.science.gep.accounting import GepAccount, GepEntry
from shanhai.science.gep.catalogue import GROUPS, Coefficient, GepCatalogue
from shanhai.vocabulary import Label

_MONEY, _QUANTITY = 2, 6
_HECTARES_PER_KM2 = 100.0
_NOWHERE = Label("未划入区县", "In no district")


def account_document(
    place: Place,
    totals: Totals,
    account: GepAccount,
    catalogue: GepCatalogue,
    countable: Countable,
    inputs: AccountGepInputs,
) -> dict[str, Any]:
    """The account: items, districts, what was left out, and how much rests on defaults."""
    land, people = float(totals.land_ha.sum()), _people(totals)
    return {
        "catalogue": catalogue.version,
        "catalogue_zh": catalogue.label.zh,
        "catalogue_en": catalogue.label.en,
        "note_zh": catalogue.note.zh,
        "note_en": catalogue.note.en,
        "price_year": account.price_year,
        "cell_m": place.grid.cell_m,
        "unit": "CNY/yr",
        "gep": round(account.total, _MONEY),
        **_intensity(account.total, land, people),
        "default_share_percent": round(100 * account.default_share, 4),
        "groups": _groups(account),
        "items": [_item(entry) for entry in account.entries],
        "left_out": [
            {
                "id": name,
                "name_zh": catalogue.items[name].label.zh,
                "name_en": catalogue.items[name].label.en,
                "reason_zh": reason.zh,
                "reason_en": reason.en,
            }
            for name, reason in countable.left_out.items()
        ],
        "districts": [
            _district(place, totals, account, number) for number in _told(totals, account)
        ],
        "coefficients": [
            _coefficient(catalogue.coefficients[name]) for name in _used(account, inputs, catalogue)
        ],
    }


def _people(totals: Totals) -> float | None:
    return None if totals.people is None else float(totals.people.sum())


def _intensity(value: float, land_ha: float, people: float | None) -> dict[str, Any]:
    return {
        "land_area_ha": round(land_ha, _QUANTITY),
        "population": None if people is None else round(people, _MONEY),
        "gep_per_km2": round(value / (land_ha / _HECTARES_PER_KM2), _MONEY) if land_ha else None,
        "gep_per_person": round(value / people, _MONEY) if people else None,
    }


def _groups(account: GepAccount) -> list[dict[str, Any]]:
    return [
        {
            "group": group,
            "name_zh": label.zh,
            "name_en": label.en,
            "value": round(sum(e.value for e in account.entries if e.item.group == group), _MONEY),
        }
        for group, label in GROUPS.items()
    ]


def _item(entry: GepEntry) -> dict[str, Any]:
    return {
        "id": entry.item.id,
        "group": entry.item.group,
        "name_zh": entry.item.label.zh,
        "name_en": entry.item.label.en,
        "quantity": round(entry.quantity, _QUANTITY),
        "unit": entry.item.unit,
        "price": None if entry.price is None else round(entry.price, _QUANTITY),
        "value": round(entry.value, _MONEY),
        "origin": entry.origin,
        "defaults": list(entry.defaults),
        "capped": entry.capped,
    }


def _told(totals: Totals, account: GepAccount) -> list[int]:
    """Positions of the districts, and of what lies in none where there is any of it."""
    entered = any(OUTSIDE in entry.by_place for entry in account.entries)
    first = 0 if totals.land_ha[0] > 0 or entered else 1
    return list(range(first, len(totals.places)))


def _district(place: Place, totals: Totals, account: GepAccount, number: int) -> dict[str, Any]:
    code = totals.places[number]
    tasks = place.area.region.districts
    name = Label(tasks[number - 1].name_zh, tasks[number - 1].name_en) if number else _NOWHERE
    value = account.place_total(code)
    people = None if totals.people is None else float(totals.people[number])
    return {
        "code": code or None,
        "name_zh": name.zh,
        "name_en": name.en,
        "gep": round(value, _MONEY),
        **_intensity(value, float(totals.land_ha[number]), people),
        "items": [
            {
                "id": entry.item.id,
                "quantity": round(entry.by_place.get(code, (0.0, 0.0))[0], _QUANTITY),
                "value": round(entry.by_place.get(code, (0.0, 0.0))[1], _MONEY),
            }
            for entry in account.entries
        ],
    }


def _used(account: GepAccount, inputs: AccountGepInputs, catalogue: GepCatalogue) -> list[str]:
    """Every coefficient the account rests on, in the order of the catalogue."""
    names = {name for entry in account.entries for name in entry.defaults}
    names |= {entry.item.price for entry in account.entries if entry.item.price}
    names |= set(inputs.coefficients)
    return [name for name in catalogue.coefficients if name in names]


def _coefficient(one: Coefficient) -> dict[str, Any]:
    return {
        "name": one.name,
        "name_zh": one.label.zh,
        "name_en": one.label.en,
        "value": one.value,
        "unit": one.unit,
        "status": one.status,
        "source": one.source,
        "price_year": one.price_year,
    }


TABLE_HEAD = (
    *("district", "district_zh", "district_en", "item", "item_zh", "item_en", "group"),
    *("quantity", "unit", "price", "value_cny", "origin", "defaults"),
)


def table_rows(document: Mapping[str, Any], region: Mapping[str, str]) -> Iterator[tuple[Any, ...]]:
    """A row per place and item; the region comes first."""
    items = {one["id"]: one for one in document["items"]}
    whole = {**region, "items": document["items"]}
    for where in (whole, *document["districts"]):
        for told in where["items"]:
            item = items[told["id"]]
            yield (
                *(where["code"] or "", where["name_zh"], where["name_en"]),
                *(item["id"], item["name_zh"], item["name_en"], item["group"]),
                *(told["quantity"], item["unit"], item["price"], told["value"]),
                *(item["origin"], " ".join(item["defaults"])),
            )
