"""Zonings that are drafts, as programs make them, for tests that edit or read one."""

import itertools
from typing import Any

import httpx

from tests.service.console.conftest import Visit, box

WEST, EAST = box(118.05, 24.42, 118.12, 24.5), box(118.12, 24.42, 118.2, 24.5)
NUMBERS = itertools.count(1)


class Draft:
    """A zoning of Siming with two zones, as a program makes it."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.code = f"siming.drawn-{next(NUMBERS)}"
        self.make(
            "zone_schemes",
            None,
            code=self.code,
            name_zh="试画分区",
            name_en="Zoning on trial",
            region="xiamen.siming",
            kind="supply_demand",
            origin="drawn",
        )
        for name, geometry in (("strict_protection", WEST), ("key_protection", EAST)):
            self.make(
                "zones",
                geometry,
                code=f"{self.code}.{name}",
                scheme=self.code,
                zone_class=f"supply_demand.{name}",
            )

    def make(self, collection: str, geometry: dict[str, Any] | None, **properties: Any) -> None:
        body = {"type": "Feature", "geometry": geometry, "properties": properties}
        answer = self.client.post(f"/collections/{collection}/items", json=body)
        assert answer.status_code == 201, answer.text

    def zones(self) -> dict[str, dict[str, Any]]:
        """The zones as they are now, by code."""
        asked: dict[str, str | int] = {"scheme": self.code, "version": 1, "limit": 100}
        answer = self.client.get("/collections/zones/items", params=asked)
        return {one["id"]: one["properties"] for one in answer.json()["features"]}

    def areas(self) -> dict[str, float]:
        """Square kilometres by class."""
        sums: dict[str, float] = {}
        for zone in self.zones().values():
            name = zone["zone_class"].rsplit(".", 1)[-1]
            sums[name] = sums.get(name, 0) + zone["area_km2"]
        return sums

    def open(self, visit: Visit) -> None:
        """Open it in a window."""
        visit.open("zones", region="xiamen.siming", scheme=f"{self.code}@1")
        visit.page.locator(".bars button").first.wait_for()
