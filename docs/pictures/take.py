"""Take the pictures of the README and of map sheets anew, on the demo's data.

Run after `make demo`: `.venv/bin/python -m docs.pictures.take`.
"""

import io
import json
import tempfile
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from shanhai.local.places import Home
from tests.support.browser import open_page

HERE = Path(__file__).parent
COLOURS = 128
"""Enough for a map of flat colours; a sheet in all its colours is five times as large."""
OWN = {
    "xiamen-network.png": "network_en.png",
    "xiamen-sites.png": "sites_en.png",
    "xiamen-land-cover.png": "land_cover_xiamen.png",
}
"""Pictures the demo makes itself, by what they are called here."""
WIDEST = 1_300
SHEET = {
    "region": "xiamen",
    "layers": [
        {"kind": "raster", "theme": "zones"},
        {"kind": "features", "collection": "corridors"},
        {"kind": "features", "collection": "stations", "labels": True},
    ],
    "paper": "A4",
    "languages": "zh",
    "number": "XM-01",
    "issuer_zh": "厦门市自然资源和规划局",
    "formats": ["png"],
}


def viewer(demo: dict[str, Any]) -> bytes:
    """The viewer on the demo's zones."""
    address = f"{demo['tiles']}/layers/{demo['layers']['zones']}/map?lang=en"
    with tempfile.TemporaryDirectory() as profile, open_page(Path(profile)) as page:
        page.open(address)
        page.wait_for("document.documentElement.dataset.state === 'drawn'")
        return page.screenshot()


def sheet(demo: dict[str, Any]) -> bytes:
    """A sheet of Xiamen's zones in Chinese."""
    key = {"Authorization": f"Bearer {demo['admin_key']}"}
    with httpx.Client(base_url=demo["api"], headers=key, timeout=120) as http:
        asked = {"inputs": SHEET, "response": "document"}
        answer = http.post("/processes/compose-map-sheet/execution", json=asked)
        answer.raise_for_status()
        file = http.get(answer.json()["png"]["href"])
        file.raise_for_status()
    return few_colours(file.content)


def few_colours(picture: bytes) -> bytes:
    """A picture in colours and pixels enough for a page."""
    kept = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        image.thumbnail((WIDEST, WIDEST))
        image.convert("RGB").quantize(COLOURS).save(kept, "PNG", optimize=True)
    return kept.getvalue()


def main() -> None:
    """Write the pictures beside this script."""
    home = Home.of_checkout().path
    demo = json.loads((home / "demo.json").read_text("utf-8"))
    for name, own in OWN.items():
        (HERE / name).write_bytes(few_colours((home / "demo" / own).read_bytes()))
    (HERE / "xiamen-zones.png").write_bytes(viewer(demo))
    (HERE / "sheet-zh.png").write_bytes(sheet(demo))


if __name__ == "__main__":
    main()
