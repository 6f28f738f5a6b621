"""Account the gross ecosystem product of a region: quantities, values, shares of defaults."""

from pathlib import Path
from typing import Any

from shanhai.errors import InvalidInput
from shanhai.processes.account_gep.amounts import Ledger, low_coverage, make_amounts
from shanhai.processes.account_gep.contract import AccountGepInputs
from shanhai.processes.account_gep.documents import TABLE_HEAD, account_document, table_rows
from shanhai.processes.account_gep.requirements import (
    ITEM_SERVICES,
    Countable,
    account_faults,
    account_themes,
    catalogue_of,
    countable_items,
    value_of,
)
from shanhai.processes.account_gep.totals import HELD, total, write_storm_held
from shanhai.processes.kit.checkpointing import resumed_runner
from shanhai.processes.kit.error_pointers import pointing_at
from shanhai.processes.kit.layers import make_layers
from shanhai.processes.kit.manifest import build_manifest, finished
from shanhai.processes.kit.outputs import write_document, write_report, write_table
from shanhai.processes.kit.process import Progress
from shanhai.processes.kit.region import SCRATCH, Place, build_place, open_sources
from shanhai.processes.kit.supplies import vegetation_scale, write_supplies
from shanhai.processes.kit.task import Outcome, OutputFile, Task
from shanhai.reporting.pages import ReportPage
from shanhai.science.gep.accounting import make_account
from shanhai.science.gep.catalogue import GepCatalogue
from shanhai.vocabulary import Label

TEMPLATE = "gep_report.html.j2"
_SUPPLIED = {"water_conservation", "soil_retention"}


def compute(task: Task, workspace: Path, progress: Progress) -> Outcome:
    """Compute with files only; the workspace holds every result afterwards."""
    inputs = AccountGepInputs.model_validate(task.inputs)
    _refuse_faults(task, inputs)
    catalogue = catalogue_of(inputs)
    countable = countable_items(inputs, catalogue, task.datasets)
    themes = {*account_themes(inputs), *(f"supply.{one}" for one in inputs.supplies)}
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
    flags = [*low_coverage(totals), *ledger.flags]
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
    faults = account_faults(inputs, districts, task.datasets)
    if faults:
        raise InvalidInput.of(faults)


def _write_layers(
    place: Place, countable: Countable, inputs: AccountGepInputs, catalogue: GepCatalogue
) -> list[str]:
    """Write the layers per hectare that the computed items are summed from; returns them."""
    wanted = [item.id for item in countable.items if item.id not in inputs.quantities]
    services = {ITEM_SERVICES[name] for name in wanted if name in ITEM_SERVICES}
    written = []
    if "carbon_sink" in services:
        written.append(_write_carbon(place))
    supplied = sorted(services & _SUPPLIED)
    computes_soil = "soil_retention" in supplied and "soil_retention" not in inputs.supplies
    scale = vegetation_scale(place, None, None) if computes_soil else None
    write_supplies(place, supplied, scale)
    written += [f"supply.{service}" for service in supplied]
    if "flood_vegetation" in wanted:
        write_storm_held(place, value_of(catalogue, "storm_mm"))
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
    return [
        write_document(workspace, "account", Label("核算结果", "Account"), document),
        write_table(
            workspace,
            "table",
            Label("核算表", "Account as a table"),
            TABLE_HEAD,
            table_rows(document, named),
        ),
        *write_report(workspace, ReportPage(TEMPLATE, place.area.name, document, manifest)),
    ]
