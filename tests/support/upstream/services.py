"""What stands beside files and catalogues: storage tokens, bucket listings, WorldPop's REST."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode
from xml.sax.saxutils import escape

from tests.support.upstream import files
from tests.support.upstream.scenes import scenes

TOKENS = "planetarycomputer.microsoft.com/api/sas/v1/token/"
STORAGE = ".blob.core.windows.net"
WORLDPOP_REST = "hub.worldpop.org/rest/data/pop/G2_CN_POP_R25A_100m"
_TIME = "%Y-%m-%dT%H:%M:%SZ"


def containers() -> dict[str, str]:
    """Account and container, `HOST/CONTAINER`, of each collection that needs a token."""
    found = {}
    for scene in scenes():
        for asset in scene.assets.values():
            if STORAGE in asset.raster.address:
                found[scene.collection] = "/".join(asset.raster.address.split("/")[:2])
    return found


def issue_token(path: str, life_s: float) -> dict[str, str] | None:
    """The answer of the token service for a collection or an `account/container`."""
    known = containers()
    known |= {container.replace(STORAGE, ""): container for container in known.values()}
    container = known.get(path.removeprefix(TOKENS))
    if container is None:
        return None
    now = datetime.now(UTC)
    expiry = (now + timedelta(seconds=life_s)).isoformat(timespec="milliseconds")
    said = {
        "st": f"{now - timedelta(days=1):{_TIME}}",
        "se": expiry.replace("+00:00", "Z"),
        "sp": "rl",
        "sv": "2024-05-04",
        "sr": "c",
    }
    token = urlencode(said | {"sig": _signature(container, said["se"])})
    return {"msft:expiry": said["se"], "token": token}


def is_signed(path: str, query: str) -> bool:
    """Whether a query string is a token for the container of this file that has not expired."""
    said = dict(parse_qsl(query))
    container = "/".join(path.split("/")[:2])
    return said.get("sig") == _signature(container, said.get("se", "")) and datetime.fromisoformat(
        said["se"]
    ) > datetime.now(UTC)


def _signature(container: str, expiry: str) -> str:
    return hashlib.sha256(f"{container} {expiry}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Listed:
    """A key of a bucket."""

    key: str
    size: int
    etag: str


def list_objects(
    bucket: str, keys: Sequence[str], query: str, look: Callable[[str], Listed]
) -> bytes:
    """`ListObjectsV2`: prefix, delimiter, start-after, max-keys and continuation-token."""
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
    after = asked.get("continuation-token", asked.get("start-after", ""))
    most = min(int(asked.get("max-keys", "1000")), 1000)
    rows = []
    for key in sorted(key for key in keys if key.startswith(prefix)):
        rest = key.removeprefix(prefix)
        folder = bool(delimiter) and delimiter in rest
        row = prefix + rest.split(delimiter)[0] + delimiter if folder else key
        if row > after and row not in rows:
            rows.append(row)
    page = rows[:most]
    parts = [f"<Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix>"]
    parts += [f"<KeyCount>{len(page)}</KeyCount><MaxKeys>{most}</MaxKeys>"]
    parts += [f"<IsTruncated>{'true' if len(rows) > most else 'false'}</IsTruncated>"]
    if len(rows) > most:
        parts.append(f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>")
    for row in page:
        if delimiter and row.endswith(delimiter):
            parts.append(f"<CommonPrefixes><Prefix>{escape(row)}</Prefix></CommonPrefixes>")
            continue
        listed = look(row)
        parts.append(
            f"<Contents><Key>{escape(row)}</Key><LastModified>2024-02-01T00:00:00.000Z"
            f"</LastModified><ETag>{escape(listed.etag)}</ETag><Size>{listed.size}</Size>"
            "<StorageClass>INTELLIGENT_TIERING</StorageClass></Contents>"
        )
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    space = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
    return f"{head}<ListBucketResult {space}>{''.join(parts)}</ListBucketResult>".encode()


def worldpop_records(query: str) -> dict[str, Any]:
    """The REST answer: one record a year for China, none for what else is asked."""
    if dict(parse_qsl(query)).get("iso3") != "CHN":
        return {"data": []}
    return {
        "data": [
            {
                "id": str(73_000 + year),
                "title": f"The spatial distribution of population in {year} China",
                "doi": "10.5258/SOTON/WP00839",
                "date": "2025-09-01",
                "popyear": str(year),
                "citation": (
                    "Bondarenko M. et al. 2025 Constrained estimates of 2015-2030 total number of "
                    "people per grid square at a resolution of 3 arc R2025A version v1. WorldPop, "
                    "University of Southampton. DOI:10.5258/SOTON/WP00839"
                ),
                "data_format": "Geotiff",
                "iso3": "CHN",
                "license": "https://hub.worldpop.org/data/licence.txt",
                "files": [f"https://{files.WORLDPOP}/{files.worldpop_path(year)}"],
            }
            for year in files.WORLDPOP_YEARS
        ]
    }
