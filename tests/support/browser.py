"""A real browser for tests: Chromium driven over its DevTools protocol.

A page is asked whether it is done instead of being given time: a busy machine only takes longer.
"""

import base64
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from shutil import which
from typing import Any

from websockets.sync.client import ClientConnection, connect

from shanhai.errors import Unavailable

PROGRAM = "chromium-headless-shell"
"""Chromium without what shows windows, which takes a third less of the processor."""

FLAGS = (
    *("--headless", "--no-sandbox", "--no-first-run", "--disable-gpu", "--hide-scrollbars"),
    "--disable-dev-shm-usage",
    *("--enable-unsafe-swiftshader", "--remote-debugging-port=0"),
)
PATIENCE_S = 60.0
LOOK_EVERY_S = 0.05


def find_browser() -> None:
    """Make sure that Chromium is installed.

    Raises:
        Unavailable: it is not.
    """
    if which(PROGRAM) is None:
        raise Unavailable(f"{PROGRAM} is not installed")


class Page:
    """One tab."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = count(1)
        self.messages: list[str] = []
        """What the page wrote to its console as an error, and what the browser refused it."""

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a DevTools command and wait for its answer, noting errors told meanwhile."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        self._connection.send(json.dumps(message))
        deadline = time.monotonic() + PATIENCE_S
        while True:
            left_s = max(0.0, deadline - time.monotonic())
            answer = json.loads(self._connection.recv(timeout=left_s))
            if answer.get("id") != number:
                self._note(answer)
                continue
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            result: dict[str, Any] = answer["result"]
            return result

    def open(self, url: str) -> None:
        """Go to an address."""
        self.call("Log.enable")
        self.call("Page.navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until an expression holds.

        Raises:
            TimeoutError: it did not; the message has what the page complained of.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not self._holds(expression):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{expression} never held; console: {self.messages}")
            time.sleep(LOOK_EVERY_S)

    def _holds(self, expression: str) -> bool:
        try:
            return bool(self.evaluate(expression))
        except RuntimeError as error:
            # The page that was asked has just made way for another.
            if "navigated" in str(error):
                return False
            raise

    def click(self, x: int, y: int) -> None:
        """Press and release the left button at a place of the window."""
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Press the left button at a place, move to another, release."""
        for kind, (x, y) in (
            ("mousePressed", start),
            ("mouseMoved", end),
            ("mouseReleased", end),
        ):
            self.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=x,
                y=y,
                button="left",
                buttons=1,
                clickCount=1,
            )

    def press(self, key: str) -> None:
        """Press and release a key, by its name in the DOM; Enter types its character."""
        code = {"Enter": 13, "Tab": 9}.get(key, 0)
        typed = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                **(typed if kind == "keyDown" else {}),
            )

    def screenshot(self) -> bytes:
        """The window as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])

    def _note(self, message: dict[str, Any]) -> None:
        entry = message.get("params", {}).get("entry", {})
        if message.get("method") == "Log.entryAdded" and entry.get("level") == "error":
            self.messages.append(f"{entry['text']} ({entry.get('url', '')})")


@contextmanager
def open_page(profile: Path, width: int = 1280, height: int = 800) -> Iterator[Page]:
    """A tab of a browser of its own, whose files are in `profile`; closed at the end."""
    program = which(PROGRAM) or PROGRAM
    here = (f"--user-data-dir={profile}", "about:blank")
    quiet = subprocess.DEVNULL
    command = [program, *FLAGS, *here]
    # In a group of its own: the program is a script, which ends without the browser it started.
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True) as browser:
        try:
            with connect(_address_of_page(profile), max_size=None) as connection:
                page = Page(connection)
                page.call(
                    "Emulation.setDeviceMetricsOverride",
                    width=width,
                    height=height,
                    deviceScaleFactor=1,
                    mobile=False,
                )
                yield page
        finally:
            os.killpg(browser.pid, signal.SIGTERM)


def _address_of_page(profile: Path) -> str:
    """The DevTools address of the browser's first tab, once the browser tells its port."""
    noted = profile / "DevToolsActivePort"
    deadline = time.monotonic() + PATIENCE_S
    while not (noted.is_file() and noted.read_text().count("\n")):
        if time.monotonic() > deadline:
            raise TimeoutError("the browser did not start")
        time.sleep(LOOK_EVERY_S)
    port, path = noted.read_text().split("\n")[:2]
    with connect(f"ws://127.0.0.1:{port}{path}", max_size=None) as connection:
        targets = Page(connection).call("Target.getTargets")["targetInfos"]
    page = next(target for target in targets if target["type"] == "page")
    return f"ws://127.0.0.1:{port}/devtools/page/{page['targetId']}"
