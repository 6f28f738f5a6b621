import json
import os
import subprocess
import sys

import pytest

from shanhai.raster import environment
from shanhai.raster.environment import check_isolation, gdal_environment, restrict_gdal


def test_network_drivers_are_skipped_and_http_settings_removed() -> None:
    variables = {"GDAL_HTTP_PROXY": "x", "HOME": "/"}
    restrict_gdal(variables, cache_mb=64)
    assert "GDAL_HTTP_PROXY" not in variables
    assert {"VRT", "GTI", "WMS", "HTTP"} <= set(variables["GDAL_SKIP"].split())
    assert variables["GDAL_CACHEMAX"] == "64"
    assert variables["CPL_VSIL_CURL_ALLOWED_EXTENSIONS"] == ".none"
    assert variables["HOME"] == "/"


def test_a_process_that_draws_tiles_may_keep_vrt() -> None:
    assert "VRT" not in gdal_environment(skip_vrt=False)["GDAL_SKIP"].split()


def test_the_drivers_are_gone_in_a_process_started_so() -> None:
    code = (
        "import json, rasterio\n"
        "from shanhai.raster.environment import check_isolation\n"
        "check_isolation()\n"
        "with rasterio.Env() as env: print(json.dumps(sorted(env.drivers())))"
    )
    clean = {"PATH": os.environ["PATH"], **gdal_environment()}
    answer = subprocess.run(
        [sys.executable, "-c", code], env=clean, capture_output=True, text=True, check=True
    )
    drivers = set(json.loads(answer.stdout))
    assert "GTiff" in drivers
    assert not {"VRT", "WMS", "GTI", "HTTP"} & drivers


def test_isolation_holds_even_with_all_drivers() -> None:
    check_isolation()


def test_the_check_fails_when_a_reference_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shanhai.raster.inspect.inspect_raster", lambda path: None)
    with pytest.raises(RuntimeError, match="refers to another file"):
        environment.check_isolation()
