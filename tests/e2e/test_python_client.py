"""The Python client against the running platform: features, rasters, files and jobs."""

import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest

from shanhai.client import ApiClient, AsyncApiClient, JobFailed, file_sha256
from shanhai.client.core import PART_BYTES
from shanhai.data.synthetic_watershed import CODE
from shanhai.errors import InvalidInput, NotFound, Unauthenticated
from shanhai.raster.geotiff import read_geotiff
from tests.support.cutting_proxy import CuttingProxy, cutting
from tests.support.watershed_platform import Platform

DOCS = Path(__file__).parents[2] / "docs"
pytestmark = [
    pytest.mark.long,
    # rioxarray multiplies as affine would no longer have it.
    pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning"),
]


@pytest.fixture
def proxy(platform: Platform) -> Iterator[CuttingProxy]:
    with cutting(platform.stack.api_url) as proxy:
        yield proxy


@pytest.fixture
def through(proxy: CuttingProxy, platform: Platform) -> Iterator[ApiClient]:
    """A client whose service is known to the public by another name."""
    with ApiClient(proxy.url, platform.key) as api:
        yield api


def station(name: str) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [118.05, 24.6]},
        "properties": {
            "name_zh": name,
            "name_en": name,
            "kind": "land",
            "region": CODE,
            "valid_from": "2025-01-01",
        },
    }


async def listed(api: AsyncApiClient, path: str) -> list[str]:
    return [feature["id"] async for feature in api.records(path, limit=1)]


async def test_lists_come_to_their_end(platform: Platform, through: ApiClient) -> None:
    path = "/collections/datasets/items"
    whole = [feature["id"] for feature in through.get(path, limit=1000)["features"]]
    assert len(whole) > 3
    assert [feature["id"] for feature in through.records(path, limit=2)] == whole
    async with AsyncApiClient(platform.stack.api_url, platform.key) as api:
        assert await listed(api, path) == whole


def test_features_as_a_frame(platform: Platform) -> None:
    regions = platform.api.collection("regions")
    # Other tests add regions elsewhere.
    own = f"code LIKE '{CODE}%'"
    frame = regions.to_geodataframe(limit=1, filter=own)
    found = platform.api.get("/collections/regions/items", limit=1000, filter=own)["features"]
    assert len(found) > 1
    assert list(frame.index) == [one["id"] for one in found]
    assert list(frame["name_en"]) == [one["properties"]["name_en"] for one in found]
    west, south, _, _ = frame.total_bounds
    assert 117 < west < 119
    assert 24 < south < 25
    projected = regions.to_geodataframe(crs="EPSG:4548", filter=own)
    assert 300_000 < projected.total_bounds[0] < 700_000
    assert projected.area.sum() == pytest.approx(frame.to_crs(4548).area.sum())
    assert regions.to_geodataframe(filter="code = 'nowhere'").empty


def test_a_dataset_as_an_array(platform: Platform) -> None:
    path = "/collections/datasets/items/{code}/file"
    array = platform.api.to_xarray(path, code=f"{CODE}.dem")
    wanted = read_geotiff(platform.watershed.rasters["dem"])
    np.testing.assert_array_equal(array.values, wanted.values)
    assert array.rio.crs is not None
    assert array.dims == ("band", "y", "x")


@pytest.mark.timeout(300)
async def test_a_job_from_its_inputs_to_an_array(platform: Platform) -> None:
    told: list[tuple[int, str]] = []
    async with AsyncApiClient(platform.stack.api_url, platform.key, lang="zh") as api:
        job = await api.submit(
            "delineate-zones",
            {"region": CODE, "cell_m": 200, "seed": 42},
            # The notebook asks for the same, and it is computed once.
            idempotency_key=f"notebook-{CODE}",
        )
        status = await job.wait(progress=lambda *state: told.append(state))
        results = await job.results()
        zones = await job.to_xarray("zones")
    assert status["status"] == "successful"
    assert [percent for percent, _ in told] == sorted(percent for percent, _ in told)
    assert told[-1][0] == 100
    present = zones.values[~np.isnan(zones.values)]
    assert present.size == results["valid_cells"]


def test_a_job_whose_service_has_another_name(through: ApiClient, tmp_path: Path) -> None:
    job = through.submit("echo", {"message": "hello", "pause": 0.1}, response="document")
    assert job.wait()["status"] == "successful"
    assert job.status()["jobID"] == job.id
    assert "hello" in str(job.results())


def test_a_job_with_the_same_key_is_the_same(through: ApiClient) -> None:
    jobs = [
        through.submit("echo", {"message": "once"}, idempotency_key="client-once").id
        for _ in range(2)
    ]
    assert len(set(jobs)) == 1


def test_a_job_that_fails(platform: Platform) -> None:
    with pytest.raises(InvalidInput) as caught:
        platform.api.submit("delineate-zones", {"region": CODE, "cell_m": -1})
    assert caught.value.problem["errors"][0]["pointer"] == "/inputs/cell_m"
    job = platform.api.submit("seed-tiles", {"layers": ["zones.nowhere"], "max_zoom": 8})
    with pytest.raises(JobFailed):
        job.wait()


def test_a_lost_answer_makes_nothing_twice(through: ApiClient, proxy: CuttingProxy) -> None:
    path = "/collections/stations/items"
    before = len(list(through.records(path)))
    proxy.loses_answer = True
    made = through.post(path, station("Lost answer"))
    assert not proxy.loses_answer
    after = [feature["id"] for feature in through.records(path)]
    assert made["id"] in after
    assert len(after) == before + 1


def test_an_upload_that_is_cut_goes_on(
    through: ApiClient, proxy: CuttingProxy, tmp_path: Path
) -> None:
    file = tmp_path / "large.bin"
    file.write_bytes(os.urandom(PART_BYTES + PART_BYTES // 2))
    proxy.cut_at = proxy.passed + PART_BYTES // 2
    upload = through.upload(file)
    assert not proxy.cut_at
    size, told = file.stat().st_size, through.get("/uploads/{upload}", upload=upload)
    assert (told["bytes"], told["sha256"]) == (size, file_sha256(file))
    # What had arrived before the cut was not sent again but for what was on the way.
    assert proxy.passed < size + PART_BYTES // 2
    passed = proxy.passed
    assert through.upload(file) == upload
    assert proxy.passed < passed + PART_BYTES // 2


def test_errors_speak_the_askers_language(platform: Platform) -> None:
    for lang, word in (("zh", "未找到"), ("en", "Not found")):
        with (
            ApiClient(platform.stack.api_url, platform.key, lang=lang) as api,
            pytest.raises(NotFound, match=word) as caught,
        ):
            api.get("/collections/zones/items/{code}", code="nowhere")
        assert caught.value.problem["status"] == 404


def test_the_tiles_are_a_service_like_the_api(platform: Platform) -> None:
    with ApiClient(platform.tiles) as tiles:
        layers = tiles.get("/layers")["layers"]
    assert layers


def test_without_a_key_nothing_is_written(platform: Platform) -> None:
    with ApiClient(platform.stack.api_url) as api, pytest.raises(Unauthenticated):
        api.post("/collections/stations/items", station("Nobody's"))


@pytest.mark.timeout(300)
def test_the_notebook_runs(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHANHAI_API_URL", platform.stack.api_url)
    monkeypatch.setenv("SHANHAI_API_KEY", platform.key)
    make = run_path(str(DOCS / "notebooks" / "make.py"))
    with warnings.catch_warnings():
        # The kernel is another process on this machine; its client warns of all sorts of things.
        warnings.simplefilter("ignore")
        script = (DOCS / "notebooks" / "client.py").read_text(encoding="utf-8")
        notebook = make["executed"](script, tmp_path)
    told = [str(output) for cell in notebook.cells for output in cell.get("outputs", ())]
    assert any(CODE in text for text in told)
    assert any("/inputs/cell_m" in text for text in told)
    assert any("100 %" in text and "km²" in text for text in told)
    assert any("sent: " in text for text in told)


def test_the_examples_of_the_page_run(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "python-client.md").read_text(encoding="utf-8")
    space: dict[str, Any] = {}
    for example in re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        own = example.replace("http://localhost:8000", platform.stack.api_url)
        exec(compile(own.replace("shk_…", platform.key), "page", "exec"), space)  # noqa: S102 - our own page
    space["api"].close()
    assert len(space["jobs"]) == 3
    assert space["heights"].size
