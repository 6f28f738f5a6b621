"""What bulletins may tell, invented: one with everything and one with nothing.

Templates are tried on both before they are kept, and previews are made of the first.
"""

import math
from datetime import date, timedelta
from typing import Any

from shapely import Polygon, set_precision
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from shanhai.db.bulletins.template import Template
from shanhai.processes.kit.task import DistrictTask, NamedTask, RegionTask
from shanhai.processes.publish_bulletin import contract
from shanhai.processes.publish_bulletin.document.content import build_content
from shanhai.science.air_quality import DAILY

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
DAYS = (LAST - FIRST).days + 1
MIDDLE = (118.1, 24.6)
"""In degrees; nothing lies further from it than `REACH`."""
REACH = 0.24
EPSG = 4548
STATUSES = ("reached", "on_track", "behind", "no_data")
INDICATORS = (
    ("main_basin_class_i_iii_share", "主要流域水质优良比例", "Share of good river sections", 96.4),
    ("nearshore_good_water_share", "近岸海域水质优良比例", "Share of good nearshore water", 88.1),
    ("natural_shoreline_retention_rate", "自然岸线保有率", "Natural shoreline kept", 17.6),
    ("soil_water_conservation_rate", "水土保持率", "Soil and water conservation rate", 93.8),
    ("forest_cover_rate", "森林覆盖率", "Forest cover", 40.1),
    ("good_air_day_share", "环境空气优良天数比例", "Share of days of good air", 98.9),
)
POLLUTANTS = dict(zip(DAILY, (9.0, 24.0, 48.0, 0.7, 110.0, 30.0), strict=True))


def example_region() -> RegionTask:
    """A region of two districts, as many square kilometres as a city has."""
    whole = _outline()
    return RegionTask(
        code="example",
        name_zh="示例市",
        name_en="Example City",
        epsg=EPSG,
        geometry=_geojson(whole),
        districts=[
            DistrictTask(
                code=code, name_zh=zh, name_en=en, geometry=_geojson(whole & _band(west, east))
            )
            for code, zh, en, west, east in (
                ("east", "东区", "East", 0.0, 1.0),
                ("west", "西区", "West", -1.0, 0.0),
            )
        ],
    )


def example_inputs() -> contract.PublishBulletinInputs:
    """A quarter."""
    return contract.PublishBulletinInputs(
        region="example", first=FIRST, last=LAST, plan="example-plan"
    )


def empty_task(template: Template) -> contract.BulletinTask:
    """Of a region nobody observes and plans."""
    return contract.BulletinTask(
        template=template,
        template_code="example",
        template_version=1,
        issue=1,
        issued_on=LAST + timedelta(days=5),
        leads=contract.LeadsTask(opened=0, open=0, overdue=0, area_m2=0.0, inside_m2=0.0),
    )


def full_task(template: Template) -> contract.BulletinTask:
    """With something of everything that a bulletin may tell."""
    return empty_task(template).model_copy(
        update={
            "version": 2,
            "corrects": "example.20260101-20260331.1",
            "plan": NamedTask(code="example-plan", name_zh="示例规划", name_en="the example plan"),
            "indicators": [_indicator(n, *one) for n, one in enumerate(INDICATORS)],
            "stations": _stations(),
            "series": _series(),
            "air": contract.AirDaysTask(stations=2, hours=2 * 24 * DAYS * len(DAILY), days=_air()),
            "alerts": _alerts(),
            "leads": contract.LeadsTask(
                opened=7,
                open=3,
                overdue=1,
                area_m2=48_200.0,
                inside_m2=21_700.0,
                by_state={"assigned": 2, "rectification": 1, "closed": 4},
                by_kind={"construction": 4, "clearing": 2, "road": 1},
                by_result={"confirmed": 3, "lawful": 2},
            ),
            "projects": _projects(),
            "balances": _balances(),
            "settlements": _settlements(),
            "mines": _mines(),
            "scheme": contract.ZoningTask(
                code="zones",
                name_zh="示例分区",
                name_en="the example zoning",
                headline_zh="分区基本稳健：71% 的陆地在多数做法里仍属本图所示分区。",
                headline_en="The zones are fairly robust: 71 % of the land keeps its zone in most"
                " ways of zoning.",
            ),
            "zones": _zones(),
            "corridors": [_corridor(-0.25), _corridor(0.2)],
        }
    )


def example_contents(template: Template) -> list[dict[str, Any]]:
    """What a bulletin by a template tells of everything, and of nothing."""
    inputs, region = example_inputs(), example_region()
    nothing = inputs.model_copy(update={"plan": None})
    return [
        build_content(inputs, region, full_task(template)),
        build_content(nothing, region, empty_task(template)),
    ]


def _outline() -> BaseGeometry:
    """A coast that winds."""
    ring = []
    for step in range(120):
        turn = 2 * math.pi * step / 120
        away = (
            1
            + 0.16 * math.sin(3 * turn + 0.4)
            + 0.08 * math.sin(5 * turn)
            + 0.05 * math.sin(11 * turn)
        )
        ring.append(_at(0.72 * away * math.cos(turn), 0.62 * away * math.sin(turn)))
    return Polygon(ring)


def _band(west: float, east: float) -> BaseGeometry:
    """What lies between two winding lines from south to north, in parts of the reach."""
    heights = [n / 20 for n in range(-20, 21)]
    edges = [
        [_at(side + 0.08 * math.sin(5 * up) + 0.04 * math.sin(13 * up), up) for up in heights]
        for side in (west, east)
    ]
    return Polygon([*edges[0], *reversed(edges[1])])


def _at(along: float, up: float) -> tuple[float, float]:
    return MIDDLE[0] + REACH * along, MIDDLE[1] + REACH * up


def _geojson(shape: BaseGeometry) -> dict[str, Any]:
    found: dict[str, Any] = mapping(set_precision(shape, 1e-6))
    return found


def _indicator(number: int, code: str, zh: str, en: str, value: float) -> dict[str, Any]:
    """A row of the evaluation of a plan, as far as a bulletin reads it."""
    status = STATUSES[number % len(STATUSES)]
    known = status != "no_data"
    ahead = -3.0 if status == "behind" else 1.5
    return {
        "indicator": code,
        "name_zh": zh,
        "name_en": en,
        "unit": "%",
        "property": "binding" if number % 2 else "expected",
        "value": value if known else None,
        "value_year": LAST.year - 1 if known else None,
        "target": {"value": round(value - ahead, 1), "year": 2030},
        "gap": ahead if known else None,
        "remarks": [],
        "status": status,
        "trend": {"per_year": 0.8, "course": ("improving", "steady")[number % 2]}
        if known
        else None,
    }


def _stations() -> list[contract.BulletinStation]:
    """Sections of four classes, the sea at two, the air at two, and one that is silent."""
    sections = [
        _station(
            f"river-{n}",
            (f"示例断面 {n + 1}", f"Section {n + 1}"),
            "water_section",
            (-0.45 + 0.2 * n, 0.35 - 0.16 * n),
            {"dissolved_oxygen": 8.0 - n, "ammonia_nitrogen": ammonia},
        )
        for n, ammonia in enumerate((0.1, 0.4, 0.9, 2.4))
    ]
    sea = [
        _station(
            f"sea-{n}",
            (f"示例海域点位 {n + 1}", f"Sea station {n + 1}"),
            "sea",
            (0.35 + 0.25 * n, -0.55),
            {"inorganic_nitrogen": 0.18 + 0.2 * n},
        )
        for n in range(2)
    ]
    air = [
        _station(
            f"air-{n}",
            (f"示例空气站 {n + 1}", f"Air station {n + 1}"),
            "land",
            (-0.35 + 0.33 * n, -0.22 + 0.2 * n),
            {"pm25": 30.0, "o3": 90.0} if n < 2 else {},
        )
        for n in range(3)
    ]
    return [*air, *sections, *sea]


def _station(
    code: str,
    names: tuple[str, str],
    kind: str,
    place: tuple[float, float],
    means: dict[str, float],
) -> contract.BulletinStation:
    expected = DAYS * 24
    return contract.BulletinStation(
        code=code,
        name_zh=names[0],
        name_en=names[1],
        kind=kind,
        interval_s=3600,
        longitude=_at(*place)[0],
        latitude=_at(*place)[1],
        means=[
            contract.ObservedMean(property=name, mean=mean, months=3, number=expected - 40)
            for name, mean in means.items()
        ],
    )


def _series() -> list[contract.SeriesTask]:
    kinds = (
        ("land", "pm25", "细颗粒物", "PM2.5", "ug/m3", 30.0),
        ("land", "o3", "臭氧", "Ozone", "ug/m3", 90.0),
        ("water_section", "ammonia_nitrogen", "氨氮", "Ammonia nitrogen", "mg/L", 0.5),
        ("water_section", "dissolved_oxygen", "溶解氧", "Dissolved oxygen", "mg/L", 7.0),
    )
    return [
        contract.SeriesTask(
            kind=kind,
            property=code,
            name_zh=zh,
            name_en=en,
            unit=unit,
            stations=2,
            every="day",
            points=[
                (
                    FIRST + timedelta(days=n),
                    level * (1 + 0.3 * math.sin(n / 9) + 0.07 * math.sin(2.3 * n)),
                )
                for n in range(DAYS)
            ],
        )
        for kind, code, zh, en, unit, level in kinds
    ]


def _air() -> dict[str, list[float | None]]:
    """Mostly good days, some bad by fine particles, some without a value."""
    return {
        code: [
            None if n % 30 == 29 else level * (3 if code == "pm25_24h" and n % 17 == 5 else 1)
            for n in range(DAYS)
        ]
        for code, level in POLLUTANTS.items()
    }


def _alerts() -> list[contract.AlertTask]:
    kinds = (
        ("orange", "closed", "recovered"),
        ("yellow", "closed", "closed"),
        ("blue", "open", "open"),
    )
    return [
        contract.AlertTask(
            level=level,
            status=status,
            outcome=outcome,
            kind="above",
            rule_zh="氨氮超标",
            rule_en="Ammonia nitrogen above the limit",
            station=f"river-{3 - n}",
            subject_zh=f"示例断面 {4 - n}",
            subject_en=f"Section {4 - n}",
            property="ammonia_nitrogen",
            property_zh="氨氮",
            property_en="Ammonia nitrogen",
            unit="mg/L",
            measure=2.6 - 0.4 * n,
            began_on=FIRST + timedelta(days=20 * n + 3),
            closed_on=FIRST + timedelta(days=20 * n + 5) if status == "closed" else None,
        )
        for n, (level, status, outcome) in enumerate(kinds)
    ]


def _projects() -> list[contract.ProjectTask]:
    states = (
        ("implementation", "实施中", "Implementation", 4),
        ("acceptance", "验收", "Acceptance", 6),
        ("implementation", "实施中", "Implementation", 4),
    )
    names = (
        ("红树林修复工程", "Mangrove restoration"),
        ("矿山生态修复工程", "Mine restoration"),
        ("河道生态岸线工程", "River bank restoration"),
    )
    return [
        contract.ProjectTask(
            code=f"project-{n}",
            name_zh=zh,
            name_en=en,
            state=state,
            state_zh=state_zh,
            state_en=state_en,
            order=order,
            first_year=2024,
            last_year=2027,
            cost=12_500_000.0 * (n + 1),
            allocated=9_000_000.0,
            paid=6_200_000.0,
            progress_percent=45.0 + 20 * n,
            steps=n % 2,
        )
        for n, ((state, state_zh, state_en, order), (zh, en)) in enumerate(
            zip(states, names, strict=True)
        )
    ]


def _balances() -> list[contract.BalanceTask]:
    """One that is met, and one that is short."""
    return [
        contract.BalanceTask(
            kind=kind, opening=opening, taken=taken, given=given, closing=closing, short=short
        )
        for kind, opening, taken, given, closing, short in (
            ("natural_shoreline", "120", "300", "350.5", "170.5", "0"),
            ("cultivated_land", "40", "96.2", "30", "-26.2", "26.2"),
        )
    ]


def _settlements() -> list[contract.SettlementTask]:
    """One that is paid, and a year nobody has proposed a settlement of."""
    agreement = {
        "code": "creek",
        "name_zh": "示例溪补偿协议",
        "name_en": "Creek agreement",
        "upstream_zh": "西区",
        "upstream_en": "West",
        "downstream_zh": "东区",
        "downstream_en": "East",
    }
    years: tuple[dict[str, Any], ...] = (
        {"year": 2024, "state": "paid", "amount": "300000.00", "payer": "downstream"},
        {"year": 2025, "state": "unproposed", "amount": None, "payer": None},
    )
    return [
        contract.SettlementTask.model_validate(
            {**agreement, **one, "paid_on": LAST if one["state"] == "paid" else None}
        )
        for one in years
    ]


def _mines() -> contract.MinesTask:
    """A mine that was accepted, land that is overdue, and a mine that lacks a report and money."""
    return contract.MinesTask(
        accepted=[
            contract.MineTask(
                code="pit",
                name_zh="示例采石坑",
                name_en="Old pit",
                area_ha="12.5",
                accepted_on=FIRST + timedelta(days=40),
            )
        ],
        lands=[
            contract.LandTask(
                code="road",
                name_zh="示例施工便道",
                name_en="Access road",
                state="in_use",
                end_on=FIRST - timedelta(days=10),
                accepted_on=None,
            )
        ],
        arrears=[
            contract.ArrearsTask(
                code="quarry",
                name_zh="示例采石场",
                name_en="Quarry",
                years=[LAST.year - 1],
                missing="125000.00",
            )
        ],
    )


def _zones() -> list[contract.ZoneTask]:
    whole = _outline()
    return [
        contract.ZoneTask(
            code=code,
            name_zh=zh,
            name_en=en,
            color=color,
            area_m2=area,
            geometry=_geojson(whole & _band(west, east)),
        )
        for code, zh, en, color, area, west, east in (
            ("conservation", "生态保育区", "Ecological conservation", "#2f7d4f", 420e6, -1, -0.25),
            ("improvement", "生态改良区", "Ecological improvement", "#b9d48b", 510e6, -0.25, 0.25),
            ("restoration", "生态修复区", "Ecological restoration", "#d9a441", 410e6, 0.25, 1),
        )
    ]


def _corridor(south: float) -> contract.CorridorTask:
    line = [_at(n / 10 - 0.55, south + 0.06 * math.sin(n)) for n in range(12)]
    return contract.CorridorTask(
        type="ecological", length_m=38_000.0, geometry={"type": "LineString", "coordinates": line}
    )
