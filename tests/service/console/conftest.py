"""The console in a real browser, over a stack of its own with the seeded cities in it."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from playwright.sync_api import Browser, Page, sync_playwright

from shanhai.local.places import Home
from shanhai.local.stack import Stack, admin_key
from tests.support.basemaps import TOKEN
from tests.support.browser import PROGRAM
from tests.support.run_directory import run_directory
from tests.support.serving import PATIENCE_S

BUILT = Path("services/api/shanhai_api/static/console/manifest.json")
DEMO = "SHANHAI_TEST_DEMO"
"""Names what `make demo` wrote of its stack, to look at that one instead of one of the tests."""
FLAGS = ["--no-sandbox", "--enable-unsafe-swiftshader"]
PASSWORD = "Shan-hai 2035!"
PLANNING = ("planner", "analyst", "approver", "owner")
WORDS = {
    "zh": {"key": "接口密钥", "sign_in": "登录"},
    "en": {"key": "API key", "sign_in": "Sign in"},
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them drive one browser over one stack."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.usefixtures("browser"))
            item.add_marker(pytest.mark.timeout(300))


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    """A GeoJSON box."""
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "MultiPolygon", "coordinates": [[ring]]}


def seed(stack: Stack, regions: Path) -> None:
    """Put both cities into the stack, Xiamen and a district of it with shapes."""
    city, district = box(117.88, 24.42, 118.45, 24.91), box(118.05, 24.42, 118.2, 24.5)
    shapes = [
        ("xiamen", "厦门市", "Xiamen", "city", None, city),
        ("xiamen.siming", "思明区", "Siming", "district", "xiamen", district),
    ]
    features = [
        {
            "type": "Feature",
            "geometry": geometry,
            "properties": {
                "code": code,
                "name_zh": zh,
                "name_en": en,
                "level": level,
                "parent": parent,
                "metric_epsg": 4548,
                "source": "made for tests",
                "licence": "CC0-1.0",
            },
        }
        for code, zh, en, level, parent, geometry in shapes
    ]
    regions.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    program = str(Path(sys.executable).with_name("shanhai"))
    command = [program, "seed", "xiamen", "banan", "--regions", str(regions)]
    done = subprocess.run(
        command, env=os.environ | stack.environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def named_basemaps(stack: Stack) -> dict[str, str]:
    """Background maps of a provider that listens where a test wants it to."""
    return {
        "SHANHAI_BASEMAPS": "vec,cva,img,cia",
        "SHANHAI_BASEMAPS_TOKEN": TOKEN,
        "SHANHAI_BASEMAPS_URL": f"http://127.0.0.1:{stack.receiver_port}",
    }


def program_of(url: str, key: str) -> httpx.Client:
    """A program with a key."""
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=url, headers=headers, timeout=60)


@dataclass(frozen=True, slots=True)
class Bureaus:
    """A stack with the seeded cities: where its API is, and its administrator."""

    stack: Stack
    url: str
    admin: httpx.Client

    def key(self, *roles: str, region: str | None = "xiamen") -> str:
        """A key of these roles in a region, or everywhere."""
        held = [{"role": role, "region": region} for role in roles]
        answer = self.admin.post("/keys", json={"name": f"{roles} of {region}", "roles": held})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["key"])

    def client(self, key: str) -> httpx.Client:
        """Whoever holds a key, as a program."""
        return program_of(self.url, key)


@pytest.fixture(scope="package")
def bureaus() -> Iterator[Bureaus]:
    """The stack, which no other package of tests shares; or the demo that runs already."""
    if DEMO in os.environ:
        written = Path(os.environ[DEMO])
        demo, stack = json.loads(written.read_text("utf-8")), Stack(Home(written.parent))
        with program_of(demo["api"], demo["admin_key"]) as admin:
            yield Bureaus(stack, demo["api"], admin)
        return
    if not BUILT.is_file():
        pytest.fail("the console is not built: run services/api/console/build.sh")
    with run_directory() as directory:
        stack = Stack(Home(directory), bound=True)
        try:
            with pytest.MonkeyPatch.context() as environment:
                for name, value in named_basemaps(stack).items():
                    environment.setenv(name, value)
                stack.up()
            seed(stack, directory / "regions.geojson")
            with program_of(stack.api_url, admin_key(stack)) as admin:
                yield Bureaus(stack, stack.api_url, admin)
        finally:
            stack.down()


@pytest.fixture(scope="package")
def chromium_browser(bureaus: Bureaus) -> Iterator[Browser]:
    """Debian's Chromium, after the stack is up: Playwright's loop runs in this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which(PROGRAM), args=FLAGS)
        yield browser
        browser.close()


@dataclass(slots=True)
class Visit:
    """A browser window on the console, and what went wrong in it."""

    page: Page
    url: str
    lang: str
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)

    def open(self, screen: str = "", **query: str) -> Page:
        """Go to a screen, and wait until it says what it is."""
        address = httpx.URL(f"{self.url}/console{'/' if screen else ''}{screen}", params=query)
        self.page.goto(str(address))
        self.page.wait_for_selector("main h1")
        return self.page

    def t(self, zh: str, en: str) -> str:
        """A text as this window shows it."""
        return zh if self.lang == "zh" else en

    def until(self, expression: str) -> None:
        """Wait until an expression holds; Playwright's own way breaks the policy of the page."""
        deadline = time.monotonic() + PATIENCE_S
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, expression
            self.page.wait_for_timeout(50)

    def ready_map(self, nth: int = 0) -> Any:
        """The map's canvas, once all of it is drawn."""
        self.page.locator(".canvas[data-ready]").nth(nth).wait_for()
        canvas = self.page.locator("canvas.maplibregl-canvas").nth(nth)
        canvas.wait_for()
        return canvas


OpenConsole = Callable[..., Visit]


@pytest.fixture
def open_console(chromium_browser: Browser, bureaus: Bureaus) -> Iterator[OpenConsole]:
    """Opens a window: as the public, or signed in by a key; at its end nothing may have failed."""
    with ExitStack() as at_end:
        visits: list[Visit] = []

        def make(
            key: str | None = None,
            *,
            lang: str = "zh",
            size: tuple[int, int] = (1366, 768),
            theme: Any = "light",
        ) -> Visit:
            context = chromium_browser.new_context(
                viewport={"width": size[0], "height": size[1]},
                locale="zh-CN" if lang == "zh" else "en-GB",
                color_scheme=theme,
            )
            at_end.callback(context.close)
            page = context.new_page()
            visit = Visit(page, bureaus.url, lang)
            page.on("console", lambda told: _note(visit.errors, told.type, told.text))
            page.on("pageerror", lambda error: visit.errors.append(str(error)))
            page.on("request", lambda asked: visit.hosts.add(urlsplit(asked.url).hostname or ""))
            page.on("response", lambda answer: _refused(visit, answer))
            visits.append(visit)
            if key is not None:
                sign_in(visit, key)
            return visit

        yield make
        for visit in visits:
            assert [text for text in visit.errors if text not in visit.refusals] == []
            assert visit.hosts <= {"127.0.0.1", ""}


def _note(errors: list[str], kind: str, text: str) -> None:
    # What a service refuses the browser writes as an error, too; tests look at those they mean.
    if kind == "error" and not text.startswith("Failed to load resource"):
        errors.append(text)


def _refused(visit: Visit, answer: Any) -> None:
    if answer.status >= 400:
        visit.refusals.append(f"{answer.status} {answer.request.method} {answer.url}")


def sign_in(visit: Visit, key: str) -> None:
    """Sign in by a key, by the form."""
    words = WORDS[visit.lang]
    page = visit.open("sign-in")
    page.get_by_role("tab", name=words["key"]).click()
    page.get_by_role("textbox", name=words["key"]).fill(key)
    page.locator("form").get_by_role("button", name=words["sign_in"]).click()
    page.wait_for_selector(".ways")


def type_corners(visit: Visit, *corners: tuple[float, float]) -> None:
    """Type a shape into the tools of drawing, once they are there."""
    page = visit.page
    page.get_by_role("button", name="改顶点").and_(page.locator(":enabled")).wait_for()
    page.get_by_text("键入坐标").click()
    text = "\n".join(f"{lon} {lat}" for lon, lat in corners)
    page.get_by_label("顶点（经度 纬度，每行一点）").fill(text)
    page.get_by_role("button", name="按坐标成图").click()


def administrator(bureaus: Bureaus, visit: Visit, name: str) -> Page:
    """Sign the window in as an administrator with a second factor."""
    made = bureaus.admin.post("/accounts", json={"subject": name, "roles": [{"role": "admin"}]})
    assert made.status_code == 201, made.text
    link = bureaus.admin.post(f"/accounts/{made.json()['id']}/link").json()["link"]
    own = {"Sec-Fetch-Site": "same-origin", "Origin": bureaus.url}
    with httpx.Client(base_url=bureaus.url, headers=own) as browser:
        token = httpx.URL(link).params["link"]
        begun = browser.post("/session/start", json={"link": token, "new": PASSWORD})
        assert begun.status_code == 200, begun.text
        proof = {"X-CSRF-Token": begun.json()["csrf"]}
        asked = browser.post("/session/factor", json={"password": PASSWORD}, headers=proof).json()
        method = TOTP(base64.b32decode(asked["secret"].replace(" ", "")), 6, SHA1(), 30)  # noqa: S303 - as authenticators have it
        code = method.generate(int(time.time())).decode()
        given = {"sealed": asked["sealed"], "code": code}
        done = browser.post("/session/factor/confirm", json=given, headers=proof)
        assert done.status_code == 200, done.text
        cookies: Any = [
            {"name": one.name, "value": one.value, "url": bureaus.url}
            for one in browser.cookies.jar
        ]
    visit.page.context.add_cookies(cookies)
    return visit.page
