"""What bulletins may tell, invented: one with everything and one with nothing.

Templates are tried on both before they are kept, and previews are made of the first.
"""

import math
from datetime import date, timedelta
from typing import Any

from shanhai.jobs.bulletin_contracts import PublishBulletinInputs
from shanhai.jobs.bulletin_task import (
    AirDaysTask,
    AlertTask,
    BulletinStation,
    BulletinTask,
    CorridorTask,
    LeadsTask,
    NamedTask,
    ObservedMean,
    ProjectTask,
    SeriesTask,
    ZoneTask,
)
from shanhai.jobs.bulletin_template import Template
from shanhai.jobs.contracts import DistrictTask, RegionTask
from shanhai.reporting.bulletin.content import build_content
from shanhai.science.air_quality import DAILY

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
DAYS = (LAST - FIRST).days + 1
WEST, SOUTH, WIDTH, HEIGHT = 117.9, 24.4, 0.4, 0.3
EPSG = 4548
STATUSES = ("reached", "on_track", "behind", "no_data")
INDICATORS = (
    ("main_basin_class_i_iii_share", "主要流域水质优良比例", "Share of good river sections", "%"),
    ("nearshore_good_water_share", "近岸海域水质优良比例", "Share of good nearshore water", "%"),
    ("forest_cover_rate", "森林覆盖率", "Forest cover", "%"),
    ("natural_shoreline_retention_rate", "自然岸线保有率", "Natural shoreline kept", "%"),
)
POLLUTANTS = dict(zip(DAILY, (9.0, 24.0, 48.0, 0.7, 110.0, 30.0), strict=True))


def example_region() -> RegionTask:
    """A region of two districts, as many square kilometres as a city has."""
    half = WIDTH / 2
    return RegionTask(
        code="example",
        name_zh="示例市",
        name_en="Example City",
        epsg=EPSG,
        geometry=_box(WEST, SOUTH, WIDTH, HEIGHT),
        districts=[
            DistrictTask(
                code="east",
                name_zh="东区",
                name_en="East",
                geometry=_box(WEST + half, SOUTH, half, HEIGHT),
            ),
            DistrictTask(
                code="west",
                name_zh="西区",
                name_en="West",
                geometry=_box(WEST, SOUTH, half, HEIGHT),
            ),
        ],
    )


def example_inputs() -> PublishBulletinInputs:
    """A quarter."""
    return PublishBulletinInputs(region="example", first=FIRST, last=LAST, plan="example-plan")


def empty_task(template: Template) -> BulletinTask:
    """Of a region nobody observes and plans."""
    return BulletinTask(
        template=template,
        template_code="example",
        template_version=1,
        issue=1,
        issued_on=LAST + timedelta(days=5),
        leads=LeadsTask(opened=0, open=0, overdue=0, area_m2=0.0, inside_m2=0.0),
    )


def full_task(template: Template) -> BulletinTask:
    """With something of everything that a bulletin may tell."""
    return empty_task(template).model_copy(
        update={
            "version": 2,
            "corrects": "example.20260101-20260331.1",
            "plan": NamedTask(code="example-plan", name_zh="示例规划", name_en="the example plan"),
            "indicators": [_indicator(n, *one) for n, one in enumerate(INDICATORS)],
            "stations": _stations(),
            "series": _series(),
            "air": AirDaysTask(stations=2, hours=2 * 24 * DAYS * len(DAILY), days=_air()),
            "alerts": _alerts(),
            "leads": LeadsTask(
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
            "scheme": NamedTask(code="zones", name_zh="示例分区", name_en="the example zoning"),
            "zones": _zones(),
            "corridors": [_corridor(0.05), _corridor(0.2)],
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


def _box(west: float, south: float, width: float, height: float) -> dict[str, Any]:
    east, north = west + width, south + height
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return {"type": "Polygon", "coordinates": [ring]}


def _indicator(number: int, code: str, zh: str, en: str, unit: str) -> dict[str, Any]:
    """A row of the evaluation of a plan, as far as a bulletin reads it."""
    status = STATUSES[number % len(STATUSES)]
    known = status != "no_data"
    return {
        "indicator": code,
        "name_zh": zh,
        "name_en": en,
        "unit": unit,
        "property": "binding" if number % 2 else "expected",
        "value": 88.5 - 3 * number if known else None,
        "value_year": LAST.year - 1 if known else None,
        "target": {"value": 85.0, "year": 2030},
        "gap": 3.5 - 3 * number if known else None,
        "status": status,
        "trend": {"per_year": 0.8, "course": "improving"} if known else None,
    }


def _stations() -> list[BulletinStation]:
    """Sections of four classes, the sea at two, the air at two, and one that is silent."""
    sections = [
        _station(
            f"river-{n}",
            (f"示例断面 {n + 1}", f"Section {n + 1}"),
            "water_section",
            (0.06 + 0.07 * n, 0.22 - 0.03 * n),
            {"dissolved_oxygen": 8.0 - n, "ammonia_nitrogen": ammonia},
        )
        for n, ammonia in enumerate((0.1, 0.4, 0.9, 2.4))
    ]
    sea = [
        _station(
            f"sea-{n}",
            (f"示例海域点位 {n + 1}", f"Sea station {n + 1}"),
            "sea",
            (0.3 + 0.05 * n, 0.05),
            {"inorganic_nitrogen": 0.18 + 0.2 * n},
        )
        for n in range(2)
    ]
    air = [
        _station(
            f"air-{n}",
            (f"示例空气站 {n + 1}", f"Air station {n + 1}"),
            "land",
            (0.12 + 0.17 * n, 0.14),
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
) -> BulletinStation:
    expected = DAYS * 24
    return BulletinStation(
        code=code,
        name_zh=names[0],
        name_en=names[1],
        kind=kind,
        interval_s=3600,
        longitude=WEST + place[0],
        latitude=SOUTH + place[1],
        means=[
            ObservedMean(property=name, mean=mean, months=3, number=expected - 40)
            for name, mean in means.items()
        ],
    )


def _series() -> list[SeriesTask]:
    kinds = (
        ("land", "pm25", "细颗粒物", "PM2.5", "ug/m3", 30.0),
        ("water_section", "ammonia_nitrogen", "氨氮", "Ammonia nitrogen", "mg/L", 0.5),
    )
    return [
        SeriesTask(
            kind=kind,
            property=code,
            name_zh=zh,
            name_en=en,
            unit=unit,
            stations=2,
            every="day",
            points=[
                (FIRST + timedelta(days=n), level * (1 + 0.3 * math.sin(n / 6)))
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


def _alerts() -> list[AlertTask]:
    kinds = (
        ("orange", "closed", "recovered"),
        ("yellow", "closed", "closed"),
        ("blue", "open", "open"),
    )
    return [
        AlertTask(
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
            unit="mg/L",
            measure=2.6 - 0.4 * n,
            opened_on=FIRST + timedelta(days=20 * n + 3),
            closed_on=FIRST + timedelta(days=20 * n + 5) if status == "closed" else None,
        )
        for n, (level, status, outcome) in enumerate(kinds)
    ]


def _projects() -> list[ProjectTask]:
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
        ProjectTask(
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


def _zones() -> list[ZoneTask]:
    return [
        ZoneTask(
            code=code,
            name_zh=zh,
            name_en=en,
            color=color,
            area_m2=area,
            geometry=_box(WEST + place * WIDTH / 3, SOUTH, WIDTH / 3, HEIGHT),
        )
        for place, (code, zh, en, color, area) in enumerate(
            (
                ("conservation", "生态保育区", "Ecological conservation", "#2f7d4f", 420e6),
                ("restoration", "生态修复区", "Ecological restoration", "#d9a441", 510e6),
                ("improvement", "生态改良区", "Ecological improvement", "#b9d48b", 410e6),
            )
        )
    ]


def _corridor(south: float) -> CorridorTask:
    line = [
        (WEST + 0.02, SOUTH + south),
        (WEST + 0.2, SOUTH + south + 0.05),
        (WEST + 0.38, SOUTH + south),
    ]
    return CorridorTask(
        type="ecological", length_m=38_000.0, geometry={"type": "LineString", "coordinates": line}
    )
