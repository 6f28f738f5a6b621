"""Take the README's picture anew: the viewer on the demo's zones, in Chromium.

Run after `make demo`: `.venv/bin/python -m docs.pictures.take`.
"""

import json
import tempfile
from pathlib import Path

from shanhai.local.places import Home
from tests.support.browser import open_page

HERE = Path(__file__).parent


def main() -> None:
    """Write the picture beside this script."""
    demo = json.loads((Home.of_checkout().path / "demo.json").read_text())
    address = f"{demo['tiles']}/layers/{demo['layers']['zones']}/map?lang=en"
    with tempfile.TemporaryDirectory() as profile, open_page(Path(profile)) as page:
        page.open(address)
        page.wait_for("document.documentElement.dataset.state === 'drawn'")
        (HERE / "xiamen-zones.png").write_bytes(page.screenshot())


if __name__ == "__main__":
    main()
