"""`shanhai data check`: whether publishers still serve what the sources rely on."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter
from rich.table import Table

from shanhai.data.download import Reporter
from shanhai.data.fetch import Plan, Request, plan_theme
from shanhai.data.regions import Box
from shanhai.data.sources import Sources
from shanhai.data.upstream import Upstream
from shanhai.errors import ShanhaiError
from shanhai.raster.remote import FileFacts

PROBE: Box = (118.05, 24.45, 118.10, 24.50)
"""A box in the middle of Xiamen, with land, sea and town."""

_NEAR = 1e-6

State = Literal["as expected", "changed", "not reached"]


class FileContract(BaseModel):
    """What is relied on of the files of one input."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    crs: str
    cell: float
    dtype: str
    nodata: float | None = None

    def broken(self, facts: FileFacts) -> Iterator[str]:
        """What of a file differs, in words."""
        if not _is_crs(facts, self.crs):
            yield f"CRS is {facts.crs.to_string()[:60]}, not {self.crs}"
        if abs(facts.transform.a / self.cell - 1) > _NEAR:
            yield f"cells are {facts.transform.a:.9g}, not {self.cell:.9g}"
        if facts.dtype != self.dtype:
            yield f"numbers are {facts.dtype}, not {self.dtype}"
        if "nodata" in self.model_fields_set and facts.nodata != self.nodata:
            yield f"nodata is {facts.nodata}, not {self.nodata}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one source."""

    theme: str
    source: str
    state: State
    detail: str


def read_contracts() -> dict[str, dict[str, FileContract]]:
    """What is relied on, by source and input."""
    text = files("shanhai.data").joinpath("contracts.toml").read_text(encoding="utf-8")
    kind = TypeAdapter(dict[str, dict[str, FileContract]])
    return kind.validate_python(tomllib.loads(text))


def check_sources(
    sources: Sources, themes: Sequence[str], upstream: Upstream, reporter: Reporter
) -> list[Finding]:
    """Look at the first file of each input of each source; only heads of files are read."""
    contracts = read_contracts()
    found = []
    for theme in themes or tuple(sources.themes):
        for source in sources.of(theme).sources:
            request = Request(region="check", box=PROBE, only={theme: source.code})
            quiet = Reporter(reporter.console)
            try:
                plan = plan_theme(theme, request, sources, upstream, quiet)
            except (ShanhaiError, httpx.HTTPError) as error:
                found.append(Finding(theme, source.code, "not reached", str(error)))
                continue
            broken = list(_broken(plan, contracts.get(source.code, {})))
            state: State = "changed" if broken else "as expected"
            found.append(Finding(theme, source.code, state, "; ".join(broken)))
    return found


def _broken(plan: Plan, contracts: dict[str, FileContract]) -> Iterator[str]:
    scene = plan.frame.scenes[0]
    for name, file in scene.inputs.items():
        contract = contracts.get(name) or contracts.get("all")
        if contract is None:
            yield f"{name}: nothing is recorded of it"
            continue
        for text in contract.broken(plan.frame.facts[file.label]):
            yield f"{name}: {text}"


def _is_crs(facts: FileFacts, wanted: str) -> bool:
    """Whether a file has a CRS, `EPSG:n`, or is of a family of projections, `utm` or `sinu`."""
    if ":" in wanted:
        return bool(facts.crs.to_string() == wanted or facts.crs == wanted)
    return wanted == str(facts.crs.to_dict().get("proj"))


def table_of(findings: Sequence[Finding]) -> Table:
    """The findings as a person reads them."""
    table = Table("theme", "source", "state", "what")
    for one in findings:
        table.add_row(one.theme, one.source, one.state, one.detail)
    return table
