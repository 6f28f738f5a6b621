"""Tiles seeded and packed over HTTP only, and the pack read by ranges of bytes."""

from collections.abc import Callable

import httpx
import pytest
from pmtiles.reader import Reader

from shanhai.client import JobFailed
from shanhai.data.synthetic_watershed import CODE
from tests.support.watershed_platform import Platform

LAYER = f"dataset.{CODE}.dem"


def ranges_of(http: httpx.Client, address: str) -> Callable[[int, int], bytes]:
    """Reads a file as a map client does: the bytes it needs, and no more."""

    def read(offset: int, length: int) -> bytes:
        asked = {"Range": f"bytes={offset}-{offset + length - 1}"}
        answer = http.get(address, headers=asked)
        assert answer.status_code == 206
        return answer.content

    return read


@pytest.mark.long
def test_a_pack_is_read_by_ranges_and_holds_the_services_tiles(platform: Platform) -> None:
    job = platform.api.submit(
        "seed-tiles", {"layers": [LAYER], "region": CODE, "max_zoom": 12, "pack": "pmtiles"}
    )
    job.wait()
    results = job.results()
    assert results["layers"] == {
        LAYER: httpx.get(f"{platform.tiles}/layers/{LAYER}").json()["version"]
    }
    with platform.http() as http:
        summary = http.get(results["summary"]["href"]).json()
        reader = Reader(ranges_of(http, results["pmtiles"]["href"]))
        header, metadata = reader.header(), reader.metadata()
        assert header["addressed_tiles_count"] == summary["tiles"] == results["tiles"]
        assert metadata["shanhai"]["layers"] == results["layers"]
        deepest = header["center_zoom"]
        base = f"{platform.tiles}/layers/{LAYER}/tiles/WebMercatorQuad"
        column = int((header["center_lon_e7"] / 1e7 + 180) / 360 * 2**deepest)
        packed = {row: reader.get(deepest, column, row) for row in range(2**deepest)}
        found = {row: content for row, content in packed.items() if content is not None}
        assert found
        for row, content in found.items():
            assert content == httpx.get(f"{base}/{deepest}/{column}/{row}.png").content


def test_too_many_tiles_fail_the_job_with_the_number(platform: Platform) -> None:
    job = platform.api.submit("seed-tiles", {"layers": [LAYER], "max_zoom": 24})
    with pytest.raises(JobFailed, match="tiles are meant"):
        job.wait()
    exception = platform.api.get("/jobs/{job}", job=job.id, lang="zh")["exception"]
    assert "上限为 1,000,000" in exception["detail"]
    assert exception["errors"][0]["pointer"] == "/inputs/max_zoom"
