"""The demo's bulletin: made of the month that ended yesterday, published, and read back."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from shanhai import __version__
from shanhai.client import ApiClient, file_sha256
from shanhai.errors import Unavailable
from shanhai.local.feeding import DAYS, RIVER
from shanhai.monitoring.hj212.packet import BEIJING

SAVED = {"pdf_zh": "bulletin_zh.pdf", "pdf_en": "bulletin_en.pdf", "docx_zh": "bulletin_zh.docx"}


@dataclass(frozen=True, slots=True)
class Announced:
    """A published bulletin."""

    code: str
    url: str
    sha256: str


def announce(
    api: ApiClient,
    *,
    region: str,
    plan: str,
    now: datetime,
    folder: Path,
    follow: Callable[[str], dict[str, Any]],
) -> Announced:
    """Make the bulletin unless a former run did, publish it, and save its files.

    Args:
        folder: Where the files are saved.
        follow: Waits for a job and gives its results.

    Raises:
        Unavailable: the alert of the river is not in it, or a file is not the one that was hashed.
    """
    last = now.astimezone(BEIJING).date() - timedelta(days=1)
    inputs = {"region": region, "plan": plan, "first": str(_first(last)), "last": str(last)}
    facts = json.dumps({**inputs, "software": __version__}, sort_keys=True)
    key = f"demo-bulletin-{hashlib.sha256(facts.encode()).hexdigest()[:32]}"
    results = follow(api.execute("publish-bulletin", inputs, idempotency_key=key))
    path = f"/bulletins/{results['bulletin']}"
    bulletin = api.get(path, lang="zh")
    if bulletin["state"] == "draft":
        api.post(f"{path}/publish", {})
        bulletin = api.get(path, lang="zh")
    rows = bulletin["content"]["alerts"]["rows"]
    if RIVER.code not in {row["station"] for row in rows}:
        raise Unavailable(f"the alert of {RIVER.code} is not in bulletin {results['bulletin']}")
    files = {file["name"]: file for file in bulletin["files"]}
    for name, target in SAVED.items():
        _save(api, f"{path}/files/{name}", files[name], folder / target)
    return Announced(bulletin["code"], f"{path}?f=html", files["pdf_zh"]["sha256"])


def _first(last: date) -> date:
    return last - timedelta(days=DAYS - 2)


def _save(api: ApiClient, path: str, told: Mapping[str, Any], target: Path) -> None:
    api.download(path, target)
    if file_sha256(target) != told["sha256"]:
        raise Unavailable(f"{path} is not the file that was hashed")
