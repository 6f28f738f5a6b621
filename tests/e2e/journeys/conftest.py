"""Bureaus with one key per role, which do over HTTP what people do."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import pytest

from shanhai.local.stack import Stack, admin_key
from shanhai.vocabulary import Role
from tests.support.serving import PATIENCE_S

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 32
PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
ROLES = [role for role in Role if role is not Role.ADMIN]
_columns = count()


class Caller:
    """Somebody with a key; every request says which status it expects."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def get(self, path: str, *, status: int = 200, **params: Any) -> Any:
        return self._answer(self.client.get(path, params=params or None), status)

    def post(self, path: str, body: Any, *, status: int = 201, **params: Any) -> Any:
        return self._answer(self.client.post(path, json=body, params=params or None), status)

    def make(self, collection: str, geometry: Any, **properties: Any) -> Any:
        """Make a feature."""
        return self.post(f"/collections/{collection}/items", feature(geometry, **properties))

    def put(self, path: str, body: Any, *, status: int = 200) -> Any:
        return self._answer(self.client.put(path, json=body), status)

    def patch(self, path: str, body: Any, *, status: int = 200) -> Any:
        headers = {"Content-Type": "application/merge-patch+json"}
        return self._answer(self.client.patch(path, json=body, headers=headers), status)

    def change(
        self, collection: str, code: str, properties: dict[str, Any], *, status: int = 200
    ) -> Any:
        """Change members of a feature."""
        path = f"/collections/{collection}/items/{code}"
        return self.patch(path, {"properties": properties}, status=status)

    def attach(self, path: str, content: bytes, media_type: str, **params: Any) -> str:
        """Send a file; its code."""
        headers = {"Content-Type": media_type}
        answer = self.client.post(path, content=content, headers=headers, params=params)
        return str(self._answer(answer, 201)["code"])

    def page(self, path: str, lang: str = "zh") -> str:
        """A page as a browser shows it."""
        answer = self.client.get(path, params={"lang": lang}, headers={"Accept": "text/html"})
        assert answer.status_code == 200, answer.text
        return answer.text

    def run(self, process: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """Ask for a process and wait for its end; the results."""
        answer = self.client.post(
            f"/processes/{process}/execution",
            json={"inputs": inputs},
            headers={"Prefer": "respond-async"},
        )
        assert answer.status_code == 201, answer.text
        job = self._ended(answer.headers["Location"])
        assert job["status"] == "successful", job
        results: dict[str, Any] = self.get(f"/jobs/{job['jobID']}/results")
        return results

    def _ended(self, address: str) -> dict[str, Any]:
        with self.client.stream("GET", f"{address}/events", timeout=PATIENCE_S) as events:
            for _ in events.iter_lines():
                continue
        job: dict[str, Any] = self.get(address)
        return job

    @staticmethod
    def _answer(answer: httpx.Response, status: int) -> Any:
        assert answer.status_code == status, f"{answer.request.url}: {answer.text}"
        return answer.json() if answer.content else None


@dataclass(frozen=True, slots=True)
class Bureau:
    """The offices of one region, by role, and where it lies."""

    region: str
    box: tuple[float, float, float, float]
    staff: dict[str, Caller]

    def __getattr__(self, role: str) -> Caller:
        return self.staff[role]

    def square(self, east: float = 0.0, north: float = 0.0, size: float = 0.02) -> dict[str, Any]:
        """A polygon so many degrees from the south-western corner."""
        west, south = self.box[0] + east, self.box[1] + north
        return polygon(west, south, west + size, south + size)


Found = Callable[..., Bureau]


def metric_epsg(longitude: float) -> int:
    """CGCS2000 / 3-degree Gauss-Kruger of the nearest meridian; EPSG:4534 is that of 75E."""
    return 4534 + round((longitude - 75) / 3)


def polygon(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """A GeoJSON box."""
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    rounded = [[round(x, 6), round(y, 6)] for x, y in ring]
    return {"type": "Polygon", "coordinates": [rounded]}


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    """A GeoJSON feature."""
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def named(code: str, zh: str, en: str) -> dict[str, str]:
    """A code and names in both languages."""
    return {"code": code, "name_zh": zh, "name_en": en}


@pytest.fixture(scope="package")
def callers(stack: Stack) -> Iterator[Callable[[str | None], Caller]]:
    """Makes a caller of a key, or one without."""
    with ExitStack() as at_end:

        def make(key: str | None) -> Caller:
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            client = httpx.Client(base_url=stack.api_url, headers=headers, timeout=60)
            return Caller(at_end.enter_context(client))

        yield make


@pytest.fixture(scope="package")
def admin(stack: Stack, callers: Callable[[str | None], Caller]) -> Caller:
    """The administrator, who makes regions and keys and takes no part otherwise."""
    return callers(admin_key(stack))


@pytest.fixture(scope="package")
def public(callers: Callable[[str | None], Caller]) -> Caller:
    """Anybody."""
    return callers(None)


@pytest.fixture(scope="package")
def found(admin: Caller, callers: Callable[[str | None], Caller]) -> Found:
    """Founds a bureau: a district of its own in open land, and a key for each role in it."""

    def make(region: str, zh: str, en: str, **properties: Any) -> Bureau:
        west = 100.0 + next(_columns) * 0.5
        box = (west, 30.0, west + 0.2, 30.2)
        given = named(region, zh, en) | {"level": "district"} | properties
        given |= {"metric_epsg": metric_epsg(west)}
        admin.post("/collections/regions/items", feature(polygon(*box), **given))
        staff = {}
        for role in ROLES:
            body = {"name": f"{region} {role}", "roles": [{"role": role, "region": region}]}
            staff[role.value] = callers(admin.post("/keys", body)["key"])
        return Bureau(region, box, staff)

    return make
