"""The viewer page in a real browser."""

import io
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pytest
import uvicorn
from PIL import Image

from shanhai.vocabulary import ZONE_CLASSES
from shanhai_tiles.app import create_app
from shanhai_tiles.routes.viewer import MAPLIBRE

CHROMIUM = which("chromium")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
    *("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--window-size=1280,800"),
    "--virtual-time-budget=20000",
)

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.skipif(not MAPLIBRE.is_file(), reason="services/tiles/vendor.sh was not run"),
]


@pytest.fixture(scope="module")
def address(world: Any) -> Iterator[str]:
    """The service on a free port of this machine."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = world.settings(public_read=True)
        public = settings.public.model_copy(update={"tiles_url": base})
        app = create_app(replace(settings, public=public))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.02)
        yield base
        server.should_exit = True
        thread.join()


def browse(tmp_path: Path, url: str, *actions: str) -> bytes:
    """What Chromium prints after loading a page in a profile of its own."""
    assert CHROMIUM is not None
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [CHROMIUM, *FLAGS, profile, *actions, url]
    return subprocess.run(command, capture_output=True, check=True, timeout=90).stdout


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_says_what_it_shows(address: str, tmp_path: Path, lang: str) -> None:
    page = browse(tmp_path, f"{address}/layers/zones.xiamen/map?lang={lang}", "--dump-dom")
    text = page.decode()
    assert 'data-state="drawn"' in text
    for zone in ZONE_CLASSES:
        assert zone.label.in_("zh" if lang == "zh" else "en") in text
    assert ("含替代数据" if lang == "zh" else "Rests on stand-in data") in text
    assert "ITU-R P.1511 (ITU)" in text


@pytest.mark.parametrize("layer", ["zones.xiamen", "zones"])
def test_the_map_is_drawn_in_its_colours(address: str, tmp_path: Path, layer: str) -> None:
    picture = tmp_path / "map.png"
    browse(tmp_path, f"{address}/layers/{layer}/map", f"--screenshot={picture}")
    pixels = np.asarray(Image.open(io.BytesIO(picture.read_bytes())).convert("RGB")).astype(int)
    beside_the_card = pixels[:, 360:]
    shown = ZONE_CLASSES if layer == "zones.xiamen" else ZONE_CLASSES[:2]
    columns = []
    for zone in shown:
        color = np.array(list(bytes.fromhex(zone.color[1:])))
        near = np.abs(beside_the_card - color).max(-1) <= 2
        assert near.sum() > 20_000, zone.code
        columns.append(np.median(np.nonzero(near)[1]))
    assert columns == sorted(columns), "the classes lie from west to east"
