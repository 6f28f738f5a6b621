"""What is watched exists: every metric of rules and dashboards, every job, every runbook entry."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY, CollectorRegistry

import shanhai_tiles.app  # noqa: F401  (makes the metrics of the tile service)
from shanhai_api.kit.state import ApiMetrics
from shanhai_worker.metrics import WorkerMetrics

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"\bshanhai_\w+")
LABELLED = re.compile(r"\b(shanhai_\w+)\{([^}]*)\}")
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
OUTER = {"job", "instance", "le"}
"""Labels that Prometheus and histograms add."""


def families(registry: CollectorRegistry) -> dict[str, set[str]]:
    """Names of the series, each with its labels."""
    found: dict[str, set[str]] = {}
    for collector in registry._collector_to_names:
        for family in collector.collect():
            labels = set(getattr(collector, "_labelnames", ()))
            for suffix in SUFFIXES.get(family.type, ("",)):
                found[f"{family.name}{suffix}"] = labels
    return found


@pytest.fixture(scope="module")
def series() -> dict[str, set[str]]:
    registries = (ApiMetrics().registry, WorkerMetrics().registry, REGISTRY)
    return {name: labels for one in registries for name, labels in families(one).items()}


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text("utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def panels() -> list[dict[str, Any]]:
    document = json.loads((ROOT / "deploy/grafana/shanhai.json").read_text("utf-8"))
    panels: list[dict[str, Any]] = document["panels"]
    return panels


def expressions(rules: list[dict[str, Any]], panels: list[dict[str, Any]]) -> list[str]:
    shown = [target["expr"] for panel in panels for target in panel["targets"]]
    return [*(rule["expr"] for rule in rules), *shown]


def test_every_metric_that_is_watched_exists(
    rules: list[dict[str, Any]], panels: list[dict[str, Any]], series: dict[str, set[str]]
) -> None:
    named = {name for text in expressions(rules, panels) for name in NAME.findall(text)}
    assert len(named) > 20
    assert named - set(series) == set()


def test_every_label_that_is_asked_for_exists(
    rules: list[dict[str, Any]], panels: list[dict[str, Any]], series: dict[str, set[str]]
) -> None:
    for text in expressions(rules, panels):
        for name, matchers in LABELLED.findall(text):
            asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
            assert asked <= series[name] | OUTER, text


def test_every_alert_has_an_entry_in_the_runbook(rules: list[dict[str, Any]]) -> None:
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    names = [rule["alert"] for rule in rules]
    assert len(set(names)) == len(names)
    assert re.findall(r"^### (\w+)$", text, flags=re.MULTILINE) == names
    for rule in rules:
        assert (ROOT / rule["annotations"]["runbook"]).is_file()
        assert rule["labels"]["severity"] in {"critical", "warning"}


def test_prometheus_asks_services_of_the_compose_file() -> None:
    prometheus = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8"))
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    dockerfile = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    for job in prometheus["scrape_configs"]:
        [found] = job["dns_sd_configs"]
        assert set(found["names"]) <= set(compose["services"])
        assert f"EXPOSE {found['port']}\n" in dockerfile
    assert {job["job_name"] for job in prometheus["scrape_configs"]} == {"api", "tiles", "worker"}
