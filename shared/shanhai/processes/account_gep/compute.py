"""Account the gross ecosystem product of a region: quantities, values; document and table."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shanhai.errors import InvalidInput
from shanhai.processes.account_gep import requirements
from shanhai.processes.account_gep.amounts import Ledger, low_coverage, make_amounts
from shanhai.processes.account_gep.contract import ACCOUNT_GEP, AccountGepInputs
from shanhai.processes.account_gep.totals import HELD, OUTSIDE, Totals, total, write_storm_held
from shanhai.processes.kit.layers import make_layers, stand_ins, vegetation_scale, write_supplies
from shanhai.processes.kit.manifest import build_manifest, finished, resumed_runner
from shanhai.processes.kit.outputs import write_document, write_report, write_table
from shanhai.processes.kit.region import SCRATCH, Place, build_place, open_sources
from shanhai.processes.kit.task import Outcome, OutputFile, Progress, Task, pointing_at
from shanhai.reporting.pages import ReportPage
from shanhai.science.gep.accounting import GepAccount, GepEntry, make_account
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
    countable: requirements.Countable,
    inputs: AccountGepInputs,
) -> dict[str, Any]:
    """The account: items, districts, what was left out, and how much rests on defaults."""
    land = float(totals.land_ha.sum())
    people = None if totals.people is None else float(totals.people.sum())
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


TEMPLATE = "gep_report.html.j2"
_SUPPLIED = {"water_conservation", "soil_retention"}


def compute(task: Task, workspace: Path, progress: Progress) -> Outcome:
    """Compute with files only; the workspace holds every result afterwards."""
    inputs = AccountGepInputs.model_validate(task.inputs)
    _refuse_faults(task, inputs)
    catalogue = requirements.catalogue_of(inputs)
    countable = requirements.countable_items(inputs, catalogue, task.datasets)
    themes = {*requirements.account_themes(inputs), *(f"supply.{one}" for one in inputs.supplies)}
    with resumed_runner(task, workspace, progress) as (runner, progress):
        progress(0, "prepare")
        sources = open_sources(task, themes)
        place = build_place(task, inputs, workspace / SCRATCH, sources, runner)
        progress(10, "quantities")
        with pointing_at("/inputs"):
            totals = total(place, _write_layers(place, countable, inputs, catalogue))
    progress(80, "account")
    ledger = Ledger(inputs, catalogue, totals)
    account = make_account(make_amounts(ledger, countable), catalogue, price_year=inputs.price_year)
    document = account_document(place, totals, account, catalogue, countable, inputs)
    flags = [*low_coverage(totals), *stand_ins(place), *ledger.flags]
    manifest = build_manifest(
        task,
        place,
        catalogue=catalogue.version,
        price_year=inputs.price_year,
        entered=inputs.model_dump(mode="json", exclude={"datasets", "region", "plan", "crs"}),
        coefficients=document["coefficients"],
        warnings=[flag.document() for flag in flags],
    )
    files = _write(place, document, manifest, workspace)
    return finished(workspace, files, manifest, {name: document[name] for name in _TOLD}, progress)


_TOLD = (
    *("catalogue", "price_year", "unit", "gep", "gep_per_km2", "gep_per_person"),
    *("default_share_percent", "groups", "left_out"),
)


def _refuse_faults(task: Task, inputs: AccountGepInputs) -> None:
    districts = [one.code for one in task.region.districts] if task.region else []
    faults = requirements.account_faults(inputs, districts, task.datasets)
    if faults:
        raise InvalidInput.of(faults)


def _write_layers(
    place: Place,
    countable: requirements.Countable,
    inputs: AccountGepInputs,
    catalogue: GepCatalogue,
) -> list[str]:
    """Write the layers per hectare that the computed items are summed from; returns them."""
    wanted = [item.id for item in countable.items if item.id not in inputs.quantities]
    services = {
        requirements.ITEM_SERVICES[name] for name in wanted if name in requirements.ITEM_SERVICES
    }
    written = []
    if "carbon_sink" in services:
        written.append(_write_carbon(place))
    supplied = sorted(services & _SUPPLIED)
    computes_soil = "soil_retention" in supplied and "soil_retention" not in inputs.supplies
    scale = vegetation_scale(place, None, None) if computes_soil else None
    write_supplies(place, supplied, scale)
    written += [f"supply.{service}" for service in supplied]
    if "flood_vegetation" in wanted:
        write_storm_held(place, requirements.value_of(catalogue, "storm_mm"))
        written.append(HELD)
    return written


def _write_carbon(place: Place) -> str:
    """The layer of carbon taken up, tC/ha: given, or net ecosystem production."""
    layer = "supply.carbon_sink" if "supply.carbon_sink" in place.sources else "carbon"
    make_layers(place, [layer])
    return layer


def _write(
    place: Place, document: dict[str, Any], manifest: dict[str, Any], workspace: Path
) -> list[OutputFile]:
    region = place.area.region
    named = {"code": region.code, "name_zh": region.name_zh, "name_en": region.name_en}
    rows = table_rows(document, named)
    return [
        write_document(workspace, ACCOUNT_GEP.output("account"), document),
        write_table(workspace, ACCOUNT_GEP.output("table"), TABLE_HEAD, rows),
        *write_report(workspace, ReportPage(TEMPLATE, place.area.name, document, manifest)),
    ]
