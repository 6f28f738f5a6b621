"""`make demo`: from nothing to Xiamen's zones, network and sites, over HTTP as anybody has it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from shanhai import __version__
from shanhai.client import ApiClient, RemoteJob, Sync
from shanhai.data.land_cover_change import LandCoverChange
from shanhai.errors import Conflict
from shanhai.local.demo.inputs import DemoInputs, Meter, gather, import_missing, seed_regions
from shanhai.local.demo.results import (
    Announced,
    DemoResults,
    Warned,
    announce,
    await_warning,
    digest_of,
    openable,
    published_before,
    read_back,
    read_network,
    read_sites,
    receiving,
    submit_once,
    watch_river,
)
from shanhai.local.demo.stations import feed, make_stations
from shanhai.local.places import write_whole
from shanhai.local.stack import Stack, admin_key, sign_in_link, write_environment

REGION = "xiamen"
PLAN = "xiamen-vanguard-2025"
BULLETIN_PLAN = "xiamen-demonstration"
"""The plan whose 35 indicators the bulletin tells of."""

CELL_M = 100
NETWORK = {"sources": {"quantile": 0.6, "min_area_ha": 50, "dpc_min_percent": 0.1}}
"""Parameters of the network. The mountains in the west are one core of the city's land, beside
which every other would count for less than the usual 1 %."""

SITES: Mapping[str, Any] = {
    "candidates": ["barriers", "pinch_points", "priority_units"],
    "cost_per_ha": {"barrier": 300_000, "pinch_point": 100_000, "priority_unit": 20_000},
    "measures": {"barrier": ["wildlife_passage"], "pinch_point": ["habitat_protection"]},
    "goal": {"weights": {"barriers": 1, "pinch_points": 1, "connectivity": 1, "priority": 2}},
    "phases": [{"start_year": 2026, "end_year": 2030}],
    "parameters": {"unit_m": 1000, "pareto_points": 6},
}
"""What sites are chosen by. No source tells such costs: they show the form of a plan."""

BUDGET = 100_000_000
SEED = 42

NEIGHBOUR = "banan"
"""The other city, whose plan prints what evaluations of it gave."""

EVALUATED = ("importance", "sensitivity", "resilience", "carbon")
"""What the data allow; quality and degradation ask for leaf area, GPP and series of years."""

RANKED = ("water_conservation", "soil_retention", "biodiversity")
LAND_COVER_YEAR = 2021
NOTE = (
    "演示数据：土地覆盖约 690 米，监测值由公式生成，不得作为规划依据。"
    " Demonstration: land cover of about 690 m, observations made by formulas; not for planning."
)
"""What is recorded with every value of an indicator."""
T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class DemoSteps:
    """What is asked of an installation, wherever it runs, and shown in the terminal."""

    console: Console = field(default_factory=Console)
    meter: Meter = field(default_factory=Meter)

    def _step(self, name: str, work: Callable[[], T]) -> T:
        with self.meter.step(name):
            return work()

    def _import(self, api: ApiClient, given: DemoInputs) -> None:
        with self._bar() as bar:
            task = bar.add_task("importing datasets", total=None)
            import_missing(
                api,
                given.folders,
                lambda done, total, what: bar.update(
                    task, completed=done, total=total, description=what
                ),
            )

    def _delineate(self, api: ApiClient, given: DemoInputs) -> tuple[str, dict[str, Any]]:
        inputs = {"plan": PLAN, "seed": SEED, "datasets": given.preferred, "publish": True}
        try:
            job = self._ask(api, "delineate-zones", REGION, inputs)
        except Conflict as refused:  # Somebody works on the zoning: theirs is not overtaken.
            if (found := published_before(api, REGION)) is None:
                raise
            job = found
            told = f"note: {refused.message}; the zones of {job.url} stay / 沿用已发布的分区"
            self.console.print(told, highlight=False, markup=False)
        return job.url, self._follow(job)

    def _build_network(self, api: ApiClient, given: DemoInputs, zoning: str) -> DemoResults:
        """The network of the supplies that the zones rest on."""
        themes = {"land_cover", "dem", "night_lights"}
        inputs = {
            "plan": PLAN,
            "assessment": zoning.rsplit("/", 1)[-1],
            "datasets": {k: code for k, code in given.preferred.items() if k in themes},
            "parameters": NETWORK,
            "publish": True,
        }
        job = self._ask(api, "build-network", REGION, inputs)
        return DemoResults(job.url, self._follow(job))

    def _select_sites(self, api: ApiClient) -> DemoResults:
        """Barriers and pinch points of the network, for the money there is."""
        inputs = {**SITES, "plan": PLAN, "budget": BUDGET, "publish": True}
        job = self._ask(api, "select-sites", REGION, inputs)
        return DemoResults(job.url, self._follow(job))

    def _evaluate_ecosystems(self, api: ApiClient, given: DemoInputs, zoning: str) -> None:
        """Evaluate both cities, from the supplies of the zoning here and of an assessment there."""
        supplies = {"results": ["supply"], "public": True}
        assessed = self._ask(api, "assess-ecoservices", NEIGHBOUR, supplies)
        first = self._evaluate_ecosystem(api, REGION, zoning, given.preferred)
        self._follow(assessed)
        second = self._evaluate_ecosystem(api, NEIGHBOUR, assessed.url, {})
        for job in (first, second):
            self._follow(job)

    def _evaluate_ecosystem(
        self, api: ApiClient, region: str, supplied: str, preferred: Mapping[str, str]
    ) -> RemoteJob[Sync]:
        job = supplied.rsplit("/", 1)[-1]
        inputs = {
            "themes": EVALUATED,
            "supplies": {service: f"supply.{service}.{job}" for service in RANKED},
            "datasets": {k: code for k, code in preferred.items() if k != "night_lights"},
            "publish": True,
        }
        return self._ask(api, "evaluate-ecosystem", region, inputs)

    def _evaluate_indicators(self, api: ApiClient) -> None:
        """The indicators of the demonstration plan, as far as there are data of these years.

        Those of Banan's plan are left alone: its targets are of surveys, which a map of 690 m would
        seem to reach.
        """
        today = datetime.now(UTC).date()
        inputs = {
            "plan": BULLETIN_PLAN,
            "years": [LAND_COVER_YEAR, today.year],
            "nearshore": "stations",
            "note": NOTE,
        }
        facts = {**inputs, "on": str(today)}
        key = f"demo-{_fingerprint(api, REGION, facts)}"
        self._follow(submit_once(api, "evaluate-indicators", inputs, key))

    def _ask(
        self, api: ApiClient, process: str, region: str, inputs: Mapping[str, Any]
    ) -> RemoteJob[Sync]:
        """Submit a process for a region; the same question is answered by the same job."""
        whole = {**inputs, "region": region, "cell_m": CELL_M}
        key = f"demo-{_fingerprint(api, region, {**whole, 'process': process})}"
        return submit_once(api, process, whole, key)

    def _follow(self, job: RemoteJob[Sync]) -> dict[str, Any]:
        """Show how far a job is, and return its results."""
        with self._bar() as bar:
            task = bar.add_task("waiting", total=100)
            job.wait(
                lambda percent, stage: bar.update(
                    task, completed=percent, description=stage or "waiting"
                )
            )
        return job.results()

    def _report(
        self,
        results: Mapping[str, Any],
        network: Mapping[str, Any],
        sites: Mapping[str, Any],
        given: DemoInputs,
    ) -> None:
        for change in given.changes:
            self.console.print(_change_table(change))
        table = Table("zone class / 分区", "km²", "%", title="Xiamen 厦门: five zones 五类分区")
        for zone in results["zones"]:
            table.add_row(
                f"[{zone['color']}]■[/] {zone['name_zh']} · {zone['name_en']}",
                f"{zone['area_raster_km2']:.1f}",
                f"{zone['share_percent']:.1f}",
            )
        self.console.print(table)
        self.console.print(_network_table(network))
        self.console.print(_sites_table(sites))
        told = (results["flags"], results["warnings"], network["warnings"], sites["warnings"])
        for note in chain.from_iterable(told):
            text = f"note: {note['detail']}\n注意：{note['detail_zh']}"
            self.console.print(text, highlight=False, markup=False)
        costs = Table("step", "seconds", "peak MiB", title="time and memory", box=None)
        for reading in self.meter.readings:
            costs.add_row(reading.step, f"{reading.seconds:.1f}", f"{reading.peak_mib:.0f}")
        self.console.print(costs)

    def _bar(self) -> Progress:
        return Progress(
            TextColumn("{task.description:<32}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=self.console,
        )


@dataclass(slots=True)
class Demo(DemoSteps):
    """One run of the demonstration."""

    stack: Stack

    def run(self) -> None:
        """Do every step and print what was made; any failure raises."""
        self.console.print("starting PostgreSQL, Redis, Mosquitto, API, tiles and worker")
        self.stack.renew_receiver_port()
        self._step("stack", self.stack.up)
        self.meter.roots[:] = [c.pid for c in self.stack.status() if c.pid is not None]
        given = self._step("data", lambda: gather(REGION, self.console))
        self._step("seed", lambda: seed_regions(self.stack.database_url, given.folders))
        key = admin_key(self.stack)
        # Of rasters that are not public, the results are not either: a stranger sees none of them.
        with (
            ApiClient(self.stack.api_url, key) as api,
            ApiClient(self.stack.tiles_url, key) as tiles,
        ):
            self._step("import", lambda: self._import(api, given))
            job, results = self._step("zones", lambda: self._delineate(api, given))
            self._step("ecosystem", lambda: self._evaluate_ecosystems(api, given, job))
            network = self._step("network", lambda: self._build_network(api, given, job))
            sites = self._step("sites", lambda: self._select_sites(api))
            warned = self._step("monitoring", lambda: self._monitor(api))
            self._step("indicators", lambda: self._evaluate_indicators(api))
            bulletin = self._step("bulletin", lambda: self._announce(api))
            folder = self._pictures()
            seen = self._step(
                "read back",
                lambda: {
                    **read_back(api, tiles, job, results, folder),
                    **read_network(api, tiles, network, folder),
                    **read_sites(api, tiles, sites, folder),
                },
            )
            given.copy_pictures(folder)
        self._report(results, network.results, sites.results, given)
        self._tell_warning(warned)
        self._tell_addresses(seen, warned, bulletin)
        self._note(key, job, results, network, sites)
        link = sign_in_link(self.stack.api_url, self.stack.database_url)
        self.console.print(f"sign in once by {link}", soft_wrap=True, highlight=False)

    def _monitor(self, api: ApiClient) -> Warned:
        """Four feeds, of which one raises an alert that a signed message tells of."""
        now, book = datetime.now(UTC), self.stack.secrets
        make_stations(self.stack, api, REGION, now)
        with receiving(self.stack.receiver_port) as receiver:
            watch_river(api, receiver, book)
            told = feed(self.stack, api, now)
            ways = ", ".join(f"{number} by {way}" for way, number in told.items())
            self.console.print(f"values sent: {ways}", highlight=False)
            return await_warning(api, receiver, book)

    def _announce(self, api: ApiClient) -> Announced:
        """The bulletin of the last month, with the alert and the values of the indicators in it."""
        return announce(
            api,
            region=REGION,
            plan=BULLETIN_PLAN,
            now=datetime.now(UTC),
            folder=self._pictures(),
            follow=self._follow,
        )

    def _pictures(self) -> Path:
        """The folder for what people look at."""
        folder = self.stack.home.path / "demo"
        folder.mkdir(exist_ok=True)
        return folder

    def _tell_warning(self, warned: Warned) -> None:
        alert, message = warned.alert, warned.message
        self.console.print(
            f"alert / 预警: {alert['level_name']}, {alert['rule_name']},"
            f" {alert['measure']:g} {alert['unit']} (values made for the demo / 演示数据)",
            highlight=False,
        )
        if message is not None:
            self.console.print(f"told by webhook, signed / 已签名推送: {message['type']}")

    def _tell_addresses(self, seen: Mapping[str, str], warned: Warned, bulletin: Announced) -> None:
        """What can be looked at, the landing page first."""
        api, station = self.stack.api_url, warned.alert["station"]
        addresses = {
            "start here": f"{api}/?f=html",
            "console": f"{api}/console",
            **seen,
            "station": f"{api}/stations/{station}/observations?f=html",
            "bulletin": f"{api}{bulletin.url}",
        }
        for title, address in openable(addresses).items():
            self.console.print(f"{title:<11} {address}", soft_wrap=True, highlight=False)
        self.console.print(f"SHA-256 of the bulletin's PDF {bulletin.sha256}", highlight=False)

    def _note(
        self,
        key: str,
        job: str,
        results: Mapping[str, Any],
        network: DemoResults,
        sites: DemoResults,
    ) -> None:
        note = {
            "api": self.stack.api_url,
            "tiles": self.stack.tiles_url,
            "admin_key": key,
            "job": job,
            "plan": PLAN,
            "region": REGION,
            "scheme": results["scheme"],
            "network": network.results["network"],
            "network_job": network.job,
            "sites_job": sites.job,
            "layers": {
                **results["layers"],
                **network.results["layers"],
                **sites.results["layers"],
            },
            "seconds": {r.step: round(r.seconds, 2) for r in self.meter.readings},
            "peak_mib": {r.step: round(r.peak_mib) for r in self.meter.readings},
        }
        text = json.dumps(note, ensure_ascii=False, indent=2) + "\n"
        write_whole(self.stack.home.path / "demo.json", text, mode=0o600)
        write_environment(self.stack.home.path, self.stack.environment_of_shell())


def _change_table(change: LandCoverChange) -> Table:
    title = (
        f"{change.region}: land cover 土地覆盖, {change.agreement_percent:g} % of the cells as"
        " inferred before 与此前推断一致"
    )
    table = Table("class / 地类", "before 此前 km²", "now 现在 km²", title=title)
    for one in change.classes:
        name = f"{one.name_zh} · {one.name_en}"
        table.add_row(name, f"{one.before_km2:.1f}", f"{one.after_km2:.1f}")
    return table


def _network_table(network: Mapping[str, Any]) -> Table:
    totals = network["totals"]
    table = Table(
        "network / 生态网络", "number", "km²", "km", title="Xiamen 厦门: network 生态网络"
    )
    table.add_row("sources · 源地", str(totals["sources"]), f"{totals['sources_km2']:.1f}", "")
    length = f"{totals['main_km'] + totals['branch_km']:.1f}"
    table.add_row("corridors · 廊道", str(totals["corridors"]), "", length)
    for name, label in (("pinch_points", "pinch points · 夹点"), ("barriers", "barriers · 障碍点")):
        table.add_row(label, str(totals[name]), f"{totals[f'{name}_km2']:.1f}", "")
    return table


def _sites_table(sites: Mapping[str, Any]) -> Table:
    table = Table("sites / 修复选址", "of", "10⁴ CNY", "gap %", title="Xiamen 厦门: sites 修复选址")
    cost, gap = sites["cost"] / 1e4, 100 * (sites["gap"] or 0.0)
    table.add_row(str(sites["chosen"]), str(sites["candidates"]), f"{cost:,.1f}", f"{gap:.2f}")
    return table


def _fingerprint(api: ApiClient, region: str, inputs: Mapping[str, Any]) -> str:
    """What the job depends on: asked with the same key, the API gives the same job again."""
    datasets = api.get("/collections/datasets/items", region=region, origin="imported", limit=1000)
    facts = {
        "software": __version__,
        "inputs": dict(inputs),
        "datasets": sorted(f["properties"]["checksum"] for f in datasets["features"]),
    }
    return digest_of(facts)
