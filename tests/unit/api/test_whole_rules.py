"""A rule of several members together is told at the member that breaks it."""

from typing import Any

import pytest
from pydantic import BaseModel

from shanhai.db.bulletins.template import Template
from shanhai.errors import InvalidInput
from shanhai.processes.account_gep.contract import AccountGepInputs
from shanhai.processes.assess_ecoservices.contract import AssessEcoservicesInputs
from shanhai.processes.build_network.contract import BuildNetworkInputs
from shanhai.processes.check_compliance.contract import CheckComplianceInputs
from shanhai.processes.compose_map_sheet.contract import RasterOnSheet
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.evaluate_ecosystem.contract import EvaluateEcosystemInputs
from shanhai.processes.import_dataset.contract import ImportDatasetInputs
from shanhai.processes.import_features.contract import ImportFeaturesInputs
from shanhai.processes.run_scenario.contract import Edit
from shanhai.processes.select_sites.contract import Fund, Goal, Phase, SelectSitesInputs, Site
from shanhai.processes.select_sites.ranking_inputs import RankingInputs
from shanhai_api.alerts.models import Quiet
from shanhai_api.compensation import SettlementStepBody
from shanhai_api.compliance.models import ExceptionRequestBody
from shanhai_api.jobs.schedules import ScheduleContents
from shanhai_api.keys import NewKey
from shanhai_api.kit.body import parse
from shanhai_api.mine_duties import DepositBody
from shanhai_api.vocabulary import NewProperty

UPLOAD = "6010a963-89b8-4105-a6f6-0c42aad74037"
SCHEDULE = {"name_zh": "甲", "process": "echo"}
PROPERTY = {"code": "a", "name_zh": "甲", "medium": "water", "unit": "mg/L"}
TEXT = {"kind": "text", "title_zh": "甲"}
WORDS = {"name_zh": "甲", "title_zh": "甲", "issuer_zh": "甲"}
DATASET = {"upload": UPLOAD, "region": "x", "theme": "dem"}
EDIT = {"name_zh": "甲", "project": "x"}
POINT = {"type": "Point", "coordinates": [113, 22]}
SITE = {"code": "a", "name_zh": "甲", "geometry": POINT}
RASTER = {"kind": "raster"}
FROZEN = {"from": UPLOAD}


@pytest.mark.parametrize(
    ("model", "given", "pointer"),
    [
        (ScheduleContents, SCHEDULE, "/cron"),
        (ScheduleContents, {**SCHEDULE, "cron": "0 0 * * *", "every_s": 3600}, "/cron"),
        (ExceptionRequestBody, {"reason": "x", "project": "x"}, "/rule"),
        (ExceptionRequestBody, {"reason": "x", "rule": "x"}, "/geometry"),
        (ExceptionRequestBody, {"reason": "x", "rule": "x", "geometry": POINT}, "/region"),
        (
            ExceptionRequestBody,
            {"reason": "x", "gap": "x", "project": "x", "control_area": "x"},
            "/control_area",
        ),
        (DepositBody, {"kind": "due", "year": 2024}, "/amount"),
        (DepositBody, {"reverses": 1, "year": 2024}, "/year"),
        (SettlementStepBody, {"to": "paid", "side": "upstream"}, "/side"),
        (NewProperty, {**PROPERTY, "low": 2, "high": 1}, "/high"),
        (NewKey, {"name": "x"}, "/scopes"),
        (Quiet, {"from": "22:00", "to": "22:00", "red_passes": False}, "/to"),
        (Template, {**WORDS, "sections": [{"kind": "map", "heading_zh": "甲"}] * 2}, "/sections"),
        (CheckComplianceInputs, {}, "/geometry"),
        (RasterOnSheet, RASTER, "/theme"),
        (RasterOnSheet, {**RASTER, "dataset": "x", "job": UPLOAD}, "/job"),
        (ImportDatasetInputs, {**DATASET, "data_grade": "core"}, "/data_class"),
        (
            ImportDatasetInputs,
            {**DATASET, "observed_from": "2024-02-01", "observed_to": "2024-01-01"},
            "/observed_to",
        ),
        (
            ImportFeaturesInputs,
            {"upload": UPLOAD, "collection": "zones", "checks": ["gap"]},
            "/region",
        ),
        (AccountGepInputs, {"region": "x", "stores": [{"name": "a"}]}, "/stores/0/flood_pool_m3"),
        (
            AssessEcoservicesInputs,
            {"region": "x", "frozen_limits": [{"layer": "dem", "lo": 2, "hi": 1}]},
            "/frozen_limits/0/hi",
        ),
        (
            AssessEcoservicesInputs,
            {
                "region": "x",
                "normalisation": FROZEN,
                "figures": [{"of": "dem", "kind": "sum", "value": 1}],
            },
            "/figures",
        ),
        (
            EvaluateEcosystemInputs,
            {
                "region": "x",
                "themes": ["quality"],
                "parameters": {"ndvi_soil": 0.9, "ndvi_vegetation": 0.1},
            },
            "/parameters/ndvi_soil",
        ),
        (
            DelineateZonesInputs,
            {"region": "x", "parameters": {"units": "polygons"}},
            "/parameters/unit_regions",
        ),
        (
            DelineateZonesInputs,
            {
                "region": "x",
                "normalisation": {**FROZEN, "zones": True},
                "parameters": {"stability": True},
            },
            "/parameters/stability",
        ),
        (Edit, {"kind": "build_barrier", "name_zh": "甲"}, "/geometry"),
        (Edit, {**EDIT, "kind": "set_cover"}, "/cover"),
        (Edit, {**EDIT, "kind": "set_cover", "cover": "water", "road": "main"}, "/road"),
        (Edit, {**EDIT, "kind": "restore", "cover": "bare"}, "/cover"),
        (Goal, {"kind": "coverage"}, "/targets"),
        (
            Goal,
            {"kind": "coverage", "targets": {"a": 1}, "target_shares": {"a": 0.5}},
            "/target_shares/a",
        ),
        (Goal, {"kind": "minimum_set", "targets": {"a": 1}, "weights": {"a": 1}}, "/weights"),
        (Goal, {"kind": "coverage", "targets": {"a": 1}, "caps": {"a": 1}}, "/caps"),
        (Goal, {"caps": {"a": 1}}, "/caps/a"),
        (Goal, {"weights": {"a": 0}}, "/weights"),
        (Goal, {"kind": "coverage", "target_shares": {"a": 0}}, "/target_shares"),
        (Fund, {"name_zh": "甲"}, "/amount"),
        (Fund, {"source": "a", "measures": []}, "/measures"),
        (Phase, {"start_year": 2030, "end_year": 2029}, "/end_year"),
        (RankingInputs, {"land": "units", "value_per": "cost"}, "/value_per"),
        (RankingInputs, {"weights": {"a": 0}}, "/weights"),
        (
            SelectSitesInputs,
            {
                "region": "x",
                "phases": [{"start_year": 2030, "end_year": 2031}],
                "parameters": {"pareto_points": 1},
            },
            "/parameters/pareto_points",
        ),
        (Site, {**SITE, "gains": {"area": 1}}, "/gains/area"),
        *(
            (BuildNetworkInputs, {"region": "x", **more}, pointer)
            for more, pointer in (
                ({"roads": [{"road_class": "trunk", "geometry": POINT}]}, "/roads/0/geometry"),
                ({"names": [{"name_zh": "甲", "geometry": POINT}]}, "/names/0/geometry"),
                (
                    {"parameters": {"sources": {"weighting": "given"}}},
                    "/parameters/sources/weights",
                ),
                (
                    {"parameters": {"links": {"swath": "fixed_width_m"}}},
                    "/parameters/links/swath_value",
                ),
                (
                    {"parameters": {"links": {"swath": "current", "swath_value": 2}}},
                    "/parameters/links/swath_value",
                ),
                ({"omnidirectional": {"block_cells": 2}}, "/omnidirectional/block_cells"),
                (
                    {"omnidirectional": {"cutoff": 2, "strength": "importance"}},
                    "/omnidirectional/cutoff",
                ),
                ({"supplies": {"carbon_sink": "x"}, "assessment": UPLOAD}, "/assessment"),
                (
                    {
                        "supplies": {"carbon_sink": "x"},
                        "parameters": {
                            "sources": {"weighting": "given", "weights": {"soil_retention": 1}}
                        },
                    },
                    "/supplies",
                ),
            )
        ),
    ],
)
def test_a_whole_rule_is_told_at_the_member_that_breaks_it(
    model: type[BaseModel], given: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(model, given)
    assert [fault.pointer for fault in caught.value.faults] == [pointer], caught.value
    assert all(fault.detail != fault.detail_zh for fault in caught.value.faults)
