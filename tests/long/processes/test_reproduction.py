"""A run once more from its manifest: the same bytes, or a refusal that says what differs."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from shanhai.cli.app import app
from shanhai.data.synthetic_watershed import Watershed
from shanhai.errors import InvalidInput, NotFound
from shanhai.processes.local_run import run_on_files
from shanhai.processes.reproduction import (
    Input,
    ReproducedResult,
    ReproducibleManifest,
    differences,
    find_inputs,
    read_manifest,
    reproduce,
)
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.storage.artifacts import sha256_of
from tests.support.computed import silent


@pytest.fixture(scope="module")
def first(watershed: Watershed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("first") / "out"
    run_on_files(
        "assess-ecoservices",
        region=watershed.region_file,
        rasters=watershed.rasters,
        inputs={"cell_m": 200.0},
        workspace=out,
        progress=silent,
    )
    return out


@pytest.fixture
def manifest(first: Path) -> ReproducibleManifest:
    return read_manifest(first / "manifest.json")


def again(
    manifest: ReproducibleManifest, files: Path, workspace: Path, **more: Any
) -> list[ReproducedResult]:
    return reproduce(manifest, files=files, workspace=workspace, progress=silent, **more)


def record_of(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    # Whoever works on the checkout may commit between two runs.
    return {**document, "git_commit": None}


def test_every_result_is_made_again(
    manifest: ReproducibleManifest, first: Path, tmp_path: Path
) -> None:
    compared = again(manifest, first, tmp_path / "again", processes=2)
    assert [one.name for one in compared if not one.same] == []
    assert {"report", "statistics", "ratio", "supply.cooling"} <= {one.name for one in compared}
    # Moment and job are those of the first run, and so are the pages that tell them.
    page = "report.html"
    assert (tmp_path / "again" / page).read_bytes() == (first / page).read_bytes()
    assert record_of(tmp_path / "again") == record_of(first)


def test_files_as_they_were_before_their_import_are_imported_again(
    manifest: ReproducibleManifest, watershed: Watershed, tmp_path: Path
) -> None:
    found = find_inputs(manifest, watershed.region_file.parent, tmp_path)
    assert set(found) == {one.theme for one in manifest.inputs}


def test_names_do_not_matter(manifest: ReproducibleManifest, first: Path, tmp_path: Path) -> None:
    for number, path in enumerate(sorted((first / "inputs").glob("*.tif"))):
        shutil.copy(path, tmp_path / f"{number}.tif")
    found = find_inputs(manifest, tmp_path, tmp_path / "spare")
    assert set(found) == {one.theme for one in manifest.inputs}


@pytest.mark.parametrize("folder", [".", "inputs"])
def test_a_changed_input_is_refused_with_both_checksums(
    manifest: ReproducibleManifest, first: Path, tmp_path: Path, folder: str
) -> None:
    shutil.copytree(first / "inputs", tmp_path / "inputs")
    path = tmp_path / "inputs" / "ndvi.tif"
    raster = read_geotiff(path)
    values = raster.values.copy()
    row, col = np.argwhere(np.isfinite(values[0]))[0]
    values[0, row, col] += 0.001
    write_geotiff(path, values, transform=raster.transform, crs=str(raster.crs), nodata=-9999.0)
    with pytest.raises(InvalidInput) as caught:
        again(manifest, tmp_path if folder == "inputs" else tmp_path / "inputs", tmp_path / "out")
    (fault,) = caught.value.faults
    then = next(one.sha256 for one in manifest.inputs if one.theme == "ndvi")
    assert then in fault.detail
    assert sha256_of(path) in fault.detail
    assert fault.detail.startswith("ndvi")
    assert fault.detail_zh != fault.detail
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_missing_inputs_are_all_named(manifest: ReproducibleManifest, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        again(manifest, tmp_path, tmp_path / "out")
    assert len(caught.value.faults) == len(manifest.inputs)


def test_what_is_not_there_is_fetched_and_checked(
    manifest: ReproducibleManifest, first: Path, tmp_path: Path
) -> None:
    asked = []

    def fetch(one: Input, target: Path) -> None:
        asked.append(one.theme)
        shutil.copy(first / "inputs" / f"{one.theme}.tif", target)

    shutil.copy(first / "inputs" / "dem.tif", tmp_path / "dem.tif")
    found = find_inputs(manifest, tmp_path, tmp_path / "spare", fetch)
    assert found["dem"] == tmp_path / "dem.tif"
    assert set(asked) == {one.theme for one in manifest.inputs} - {"dem"}
    assert found["npp"] == tmp_path / "spare" / "npp.tif"


def test_what_cannot_be_fetched_or_is_another_file_is_named(
    manifest: ReproducibleManifest, tmp_path: Path
) -> None:
    def fetch(one: Input, target: Path) -> None:
        if one.theme == "dem":
            raise NotFound("there is no 'dem'", message_zh="没有 'dem'")
        target.write_bytes(b"another")

    with pytest.raises(InvalidInput) as caught:
        find_inputs(manifest, tmp_path, tmp_path / "spare", fetch)
    told = {fault.detail.split()[0]: fault for fault in caught.value.faults}
    assert set(told) == {one.theme for one in manifest.inputs}
    assert "there is no 'dem'" in told["dem"].detail
    assert "没有 'dem'" in str(told["dem"].detail_zh)
    assert "is another file" in told["npp"].detail


def test_other_versions_are_told(manifest: ReproducibleManifest) -> None:
    assert differences(manifest) == []
    libraries = {**manifest.library_versions, "numpy": "1.0"}
    (flag,) = differences(manifest.model_copy(update={"library_versions": libraries}))
    assert "numpy 1.0 →" in flag.text.en
    assert "numpy 1.0 →" in flag.text.zh


_DIFFERENCES = """
import sys
from pathlib import Path
from shanhai.processes.reproduction import differences, read_manifest

print(*(flag.text.en for flag in differences(read_manifest(Path(sys.argv[1])))))
"""


def test_another_kernel_of_the_blas_is_told(first: Path, manifest: ReproducibleManifest) -> None:
    kernel = manifest.library_versions["blas"]
    others = {"OPENBLAS_CORETYPE": "Prescott" if "Nehalem" in kernel else "Nehalem"}
    told = subprocess.run(
        [sys.executable, "-c", _DIFFERENCES, first / "manifest.json"],
        env=os.environ | others,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"blas {kernel} → openblas {others['OPENBLAS_CORETYPE']}" in told.stdout


def test_what_is_no_manifest_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text('{"process": "assess-ecoservices"}', encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"request.*region.*outputs"):
        read_manifest(path)


def test_a_manifest_without_results_proves_nothing(first: Path, tmp_path: Path) -> None:
    document = json.loads((first / "manifest.json").read_bytes())
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({**document, "outputs": []}), encoding="utf-8")
    with pytest.raises(InvalidInput, match="missing or wrong: outputs"):
        read_manifest(path)


def test_results_that_the_manifest_lacks_are_told(first: Path, tmp_path: Path) -> None:
    document = json.loads((first / "manifest.json").read_bytes())
    document["outputs"] = [one for one in document["outputs"] if one["name"] != "ratio"]
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    told = CliRunner().invoke(app, ["reproduce", str(path), "--files", str(first)])
    assert told.exit_code == 1
    (line,) = [line for line in told.output.splitlines() if "ratio" in line.split()]
    assert "–" in line
    assert "NO 否" in line


def test_the_command_proves_it_and_fails_when_a_byte_differs(first: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    told = runner.invoke(app, ["reproduce", str(first / "manifest.json")])
    assert told.exit_code == 0, told.output
    assert "逐字节一致" in told.output
    document = json.loads((first / "manifest.json").read_bytes())
    document["outputs"][0]["sha256"] = "0" * 64
    altered = tmp_path / "manifest.json"
    altered.write_text(json.dumps(document), encoding="utf-8")
    told = runner.invoke(app, ["reproduce", str(altered), "--files", str(first)])
    assert told.exit_code == 1
    assert "0" * 64 in told.output
    assert "NO 否" in told.output
