"""What the compose file starts: hardened containers, one origin, the main job, and no loss."""

import json
import re
import secrets
import socket
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import httpx
import pytest

from shanhai.client import ApiClient
from shanhai.data.synthetic_watershed import CODE, EPSG, Watershed
from tests.compose.deployment import (
    NEWER,
    PATIENCE_S,
    TWICE,
    Deployment,
    build_image,
    newer_images,
    told,
)
from tests.compose.load import assert_done_once, under_load, wait_for_more
from tests.faults.ledger import Ledger
from tests.faults.load import Sender, region_file
from tests.support.feeds import DEVICE, PASSWORD, telegram
from tests.support.watershed_platform import CELL_M, PLAN, import_inputs
from tests.support.web_mercator import tile_of

OURS = ("api", "tiles", "worker", "dask-scheduler", "dask-worker")
SERVING = ("postgres", "redis", "proxy", *OURS)
UNWANTED = "for tool in cc gcc c++ ld make pip; do command -v $tool && exit 1; done; exit 0"
REGIONS = "/collections/regions/items"
KILLED = ("redis", "worker", "api", "tiles", "dask-worker", "dask-scheduler", "proxy", "postgres")
ROLLED = ("api", "tiles", "worker")
MADE_ANEW = ("dask-scheduler", "dask-worker")
"""What an upgrade puts newer images in the place of, by turns and at once."""
SMALLER = {"api": 390, "tiles": 250, "worker": 780}
"""MB above the base image; docs/operations.md has what they are."""
BASE = "python:3.11-slim-bookworm"
BEIJING = timezone(timedelta(hours=8))
COMPUTED = """
from distributed import Client

def computed(dask_scheduler):
    return sum(entry[2] == "memory" for entry in dask_scheduler.transition_log)

print(Client("tcp://127.0.0.1:8786").run_on_scheduler(computed))
"""
"""Tells how many windows the cluster has computed."""
SEGMENTS = """
  SELECT pg_logical_emit_message(false, 'test', 'x') AS written, pg_switch_wal() AS ended
    FROM generate_series(1, 100)
"""
"""Begins another file of the log so many times."""
USING_LIBRARIES = {
    "api": ["tests/unit/vector", "tests/unit/reporting"],
    "tiles": ["tests/unit/tiles"],
}
"""Tests that read and write files and draw tiles."""
ROOT = Path(__file__).parents[2]
PACKAGES = Path(pytest.__file__).parents[1]
TESTING = """
import sys
sys.path.append("/packages")
import numpy, pytest
assert numpy.__file__.startswith("/opt/shanhai")
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-m", "not bucket", *sys.argv[1:]]))
"""
"""Runs tests with what the image holds, and what it lacks of what tests need."""
MADE_AGAIN = {
    "console": "cp -r ../shanhai_api/static /tmp/first && npm run build"
    " && diff -r /tmp/first ../shanhai_api/static",
    "wheel": "touch shared/shanhai/*.py && /tmp/installer/bin/uv build --wheel --out-dir /tmp/again"
    " && diff -r /tmp/dist /tmp/again",
    "build-tiles": "mv /opt/shanhai /tmp/first"
    " && sh /tmp/install.sh libraries /tmp/tiles.lock /tmp/numpy"
    " && sh /tmp/install.sh wheel /tmp/dist/*.whl shanhai_tiles.app"
    " && diff -r --no-dereference /tmp/first /opt/shanhai",
}
"""How stages of the Dockerfile make again what they have made, and compare it."""
READINESS = """
import urllib.error, urllib.request
try:
    urllib.request.urlopen("http://127.0.0.1:8000/health/ready")
except urllib.error.HTTPError as error:
    print(error.read().decode())
"""


@pytest.mark.parametrize("service", SERVING)
def test_containers_have_no_rights_they_do_not_need(deployment: Deployment, service: str) -> None:
    for container in deployment.containers(service):
        known = deployment.inspect(container)
        limits = known["HostConfig"]
        assert limits["Memory"] > 0 or service == "postgres"
        if service == "postgres":
            continue
        user = deployment.inside(service, "sh", "-c", "id -u").strip()
        assert user != "0"
        assert limits["ReadonlyRootfs"]
        assert [name.removeprefix("CAP_") for name in limits["CapDrop"]] == ["ALL"]
        assert not limits["Privileged"]
        assert "no-new-privileges:true" in limits["SecurityOpt"]


@pytest.mark.parametrize("service", OURS)
def test_our_images_have_no_compiler_and_cannot_be_written(
    deployment: Deployment, service: str
) -> None:
    deployment.inside(service, "sh", "-c", UNWANTED)
    tried = deployment.inside(service, "sh", "-c", "touch /opt/shanhai/x 2>&1 || echo refused")
    assert tried.endswith("refused\n")


@pytest.mark.parametrize("name", SMALLER)
def test_images_are_no_larger_than_we_say(deployment: Deployment, name: str) -> None:
    size = deployment.inspect(f"shanhai-{name}")["Size"] - deployment.inspect(BASE)["Size"]
    assert size / 1e6 <= SMALLER[name]


@pytest.mark.parametrize(("name", "folders"), USING_LIBRARIES.items())
def test_images_do_with_their_own_libraries_what_the_tests_expect(
    deployment: Deployment, name: str, folders: list[str]
) -> None:
    """Of NumPy and Arrow they hold others than the environment of the tests."""
    assert deployment.inspect(f"shanhai-{name}")
    shared = {PACKAGES: "/packages"}
    shared |= {ROOT / part: f"/checkout/{part}" for part in ("tests", "pyproject.toml")}
    mounted = [f"--volume={own}:{place}:ro" for own, place in shared.items()]
    said = ["--env=PYTHONDONTWRITEBYTECODE=1", "--workdir=/checkout"]
    run = ["docker", "run", "--rm", *mounted, *said, f"shanhai-{name}"]
    told([*run, "python", "-c", TESTING, *folders])


@pytest.mark.parametrize(("stage", "command"), MADE_AGAIN.items())
def test_the_same_inputs_give_the_same_files(
    deployment: Deployment, stage: str, command: str
) -> None:
    assert deployment.inspect("shanhai-api")
    build_image(stage, f"shanhai-made-again-{stage}")
    run = ["docker", "run", "--rm", "--network", "host", f"shanhai-made-again-{stage}"]
    told([*run, "sh", "-c", command])


@pytest.mark.parametrize("service", TWICE)
def test_services_run_twice(deployment: Deployment, service: str) -> None:
    assert len(deployment.containers(service)) == 2


def test_the_proxy_is_one_origin_with_tls(deployment: Deployment, proxied: httpx.Client) -> None:
    landing = proxied.get("/", headers={"Accept": "application/json"}).json()
    links = [link["href"] for link in landing["links"]]
    assert links
    assert all(link.startswith(deployment.url) for link in links)
    assert proxied.get("/tiles/").status_code == 200
    assert proxied.get("/metrics").status_code == 404
    with pytest.raises(httpx.ConnectError):
        httpx.get(deployment.url)


def test_a_person_can_sign_in_where_nothing_is_public(
    deployment: Deployment, proxied: httpx.Client
) -> None:
    """An account made as docs/operations.md tells opens by its link; without it nothing does."""
    trust = deployment.trust()
    asked = httpx.get(f"{deployment.url}/collections/zones/items", verify=trust)
    assert asked.status_code == 401
    made = deployment.inside("api", "shanhai", "accounts", "create", "lin", "--role=planner")
    link = next(word for word in made.split() if word.startswith(deployment.url))
    with httpx.Client(verify=trust, follow_redirects=True) as browser:
        page = browser.get(link, headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert 'type="password"' in page.text
        (token,) = re.findall(r'name="link" value="([^"]+)"', page.text)
        password = f"Long enough {secrets.token_hex(8)}"
        given = {"link": token, "new": password, "again": password}
        signed_in = browser.post(f"{deployment.url}/session/start", data=given)
        assert signed_in.status_code == 200, signed_in.text
        seen = browser.get(f"{deployment.url}/collections/zones/items", params={"f": "json"})
        assert seen.status_code == 200, seen.text
        drawn = browser.get(
            f"{deployment.url}/tiles/layers", headers={"Accept": "application/json"}
        )
        assert drawn.status_code == 200, drawn.text
    with httpx.Client(verify=trust) as another:
        reused = another.post(f"{deployment.url}/session/start", data=given)
        assert reused.status_code in {400, 401, 404, 409}


def test_every_process_is_described(proxied: httpx.Client) -> None:
    """With what the image of the API holds, and no more."""
    processes = proxied.get("/processes").json()["processes"]
    assert len(processes) > 10
    for process in processes:
        assert proxied.get(f"/processes/{process['id']}").status_code == 200


def test_features_leave_in_every_format(proxied_client: ApiClient, proxied: httpx.Client) -> None:
    import_region(proxied_client, "here")
    for name in ("csv", "geojson", "fgb", "gpkg", "parquet", "shp", "kml"):
        answer = proxied.get(REGIONS, params={"f": name})
        assert answer.status_code == 200, (name, answer.text)
        assert len(answer.content) > 100


def test_zones_are_computed_on_dask_and_drawn_through_the_proxy(
    deployment: Deployment,
    proxied_client: ApiClient,
    proxied: httpx.Client,
    watershed_files: Watershed,
) -> None:
    import_watershed(proxied_client, watershed_files)
    place = {"region": CODE, "plan": PLAN, "cell_m": CELL_M, "publish": True, "seed": 7}
    job = proxied_client.submit("delineate-zones", place)
    job.wait()
    results = job.results()
    assert sum(zone["share_percent"] for zone in results["zones"]) == pytest.approx(100, abs=0.5)
    document = proxied.get(f"/tiles/layers/{results['layers']['zones']}/tilejson.json").json()
    west, south, east, north = document["bounds"]
    assert west < (west + east) / 2 < east
    zoom = document["minzoom"]
    tile = next(one for one in document["tiles"] if "{z}" in one)
    assert tile.startswith(f"{deployment.url}/tiles/")
    column, row = tile_of((west + east) / 2, (south + north) / 2, zoom)
    found = proxied.get(tile.format(z=zoom, x=column, y=row))
    assert found.status_code == 200
    assert len(found.content) > 100
    assert int(deployment.inside("dask-scheduler", "python", "-c", COMPUTED)) > 0


def test_devices_push_telegrams(deployment: Deployment, proxied_client: ApiClient) -> None:
    """The gateway answers when a value is stored, and it is read through the proxy."""
    names = {"code": "weir", "name_zh": "堰", "name_en": "Weir", "kind": "water_section"}
    place = {"type": "Point", "coordinates": [118.05, 24.05]}
    station = {"type": "Feature", "geometry": place, "properties": names}
    proxied_client.post("/collections/stations/items", station)
    words = ("devices", "add", DEVICE, "--station=weir", f"--password={PASSWORD}")
    deployment.inside("api", "shanhai", *words)
    deployment.up("gateway")
    now = datetime.now(BEIJING).strftime("%Y%m%d%H%M%S")
    port = int(deployment.settings["SHANHAI_HJ212_PORT"])
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as device:
        device.sendall(telegram(f"DataTime={now};w01001-Rtd=7.5,w01001-Flag=N", number=f"{now}001"))
        assert b"CN=9014" in device.recv(1024)
    stored = proxied_client.get("/observations?station=weir")["observations"]
    assert [one["value"] for one in stored] == [7.5]


@pytest.mark.parametrize("service", KILLED)
def test_nothing_is_lost_with_a_container_under_load(
    deployment: Deployment, deployment_key: str, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each container of the service is killed while senders go on; each job ends once, rightly."""
    deployment.trust()
    monkeypatch.setenv("SSL_CERT_FILE", str(deployment.ca))
    ledger = Ledger()
    senders = [Sender(deployment.url, deployment_key, ledger, f"{service}.{n}") for n in range(2)]
    with under_load(senders):
        for container in deployment.containers(service):
            before = len(ledger.accepted)
            deployment.kill(container)
            deployment.wait_until_well(container)
            wait_for_more(ledger, before)
    assert ledger.unexpected == []
    assert_done_once(deployment, ledger)


def test_an_upgrade_refuses_no_request(
    deployment: Deployment, deployment_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images with a newer migration take the place of those that run, by the script that ships."""
    deployment.trust()
    monkeypatch.setenv("SSL_CERT_FILE", str(deployment.ca))
    ledger = Ledger()
    place = (deployment.url, deployment_key, ledger)
    senders = [Sender(*place, f"upgrade.{n}", timeout_s=PATIENCE_S, kept=0) for n in range(2)]
    before = {name: deployment.containers(name) for name in (*ROLLED, *MADE_ANEW)}
    answers: list[httpx.Response] = []
    with newer_images(ROLLED, deployment.folder), under_load(senders, answers):
        wait_for_more(ledger, 0)
        deployment.upgrade()
        # What is run next stops nothing to make anew what runs once.
        deployment.compose("run", "--rm", "-T", "backup", "true")
        wait_for_more(ledger, len(ledger.accepted))
    for name, former in before.items():
        after = deployment.containers(name)
        assert len(after) == len(former)
        assert not {*after} & {*former}
    assert deployment.rows("SELECT version_num FROM alembic_version") == [{"version_num": NEWER}]
    assert (ledger.unexpected, ledger.repeats) == ([], [])
    assert [sender.refused for sender in senders] == [0, 0]
    assert [one.text for one in answers if one.status_code != 200] == []
    assert answers
    assert_done_once(deployment, ledger)


def test_an_upgrade_gives_the_proxy_its_file_where_that_has_changed(deployment: Deployment) -> None:
    """A file in the place of the former, as Git puts it; what has its files stays as it is."""
    file = ROOT / "deploy/nginx/nginx.conf"
    before = {name: deployment.containers(name) for name in ("proxy", "redis", "postgres")}
    former = file.rename(file.with_suffix(".former"))
    try:
        file.write_text(f"{former.read_text('utf-8')}# newer\n", "utf-8")
        deployment.upgrade()
    finally:
        former.replace(file)
    assert deployment.inside("proxy", "tail", "-n", "1", "/etc/nginx/nginx.conf") == "# newer\n"
    replaced = {name for name in before if deployment.containers(name) != before[name]}
    assert replaced == {"proxy"}


def test_settings_that_the_file_does_not_name_reach_their_service(deployment: Deployment) -> None:
    own = ROOT / "api.env"
    assert not own.exists()
    own.write_text("SHANHAI_API_DRAIN_S=7.5\n", "utf-8")
    words = ("run", "--rm", "--no-deps", "-T")
    try:
        told = {
            name: deployment.compose(*words, name, "sh", "-c", "echo $SHANHAI_API_DRAIN_S")
            for name in ("api", "worker")
        }
    finally:
        own.unlink()
    assert {name: said.strip() for name, said in told.items()} == {"api": "7.5", "worker": ""}


def test_a_wrong_password_ends_what_runs_once_and_is_told_by_what_serves(
    deployment: Deployment,
) -> None:
    """The migration ends with a message; the API waits, not ready, and says why."""
    words, wrong = ("run", "--rm", "--no-deps", "-T"), "wrong" * 8
    with pytest.raises(AssertionError, match="password authentication failed") as refused:
        deployment.compose(*words, "migrate", SHANHAI_DB_OWNER_PASSWORD=wrong)
    assert "Traceback" not in str(refused.value)
    assert wrong not in str(refused.value)
    container = deployment.compose(
        *("run", "--detach", "--no-deps", "api"), SHANHAI_DB_API_PASSWORD=wrong
    ).strip()
    try:
        deployment.wait_until_it_answers(container)
        ready = told(["docker", "exec", container, "python", "-c", READINESS])
        assert "InvalidPassword" in ready
        logged = told(["docker", "logs", container])
        assert wrong not in logged
        assert len(logged.splitlines()) < 50
    finally:
        told(["docker", "rm", "--force", container])


def test_a_backup_comes_back_as_it_was_at_a_moment(
    deployment: Deployment, proxied_client: ApiClient
) -> None:
    """The database is thrown away and put back from base backup and log, to between two imports."""
    words = deployment.compose(
        *("run", "--rm", "--no-deps", "-T", "api", "sh", "-c"),
        "shanhai db key /tmp/backup.key && cat /tmp/backup.key",
    ).split()
    (deployment.folder / "backup.key").write_text(words[-1] + "\n")
    sealed = {"SHANHAI_BACKUP_RECIPIENT": next(word for word in words if word.startswith("age1"))}
    deployment.up("archive", **sealed)
    deployment.compose("run", "--rm", "--no-deps", "-T", "backup", **sealed)
    # The server takes no changes while it replays that much.
    deployment.rows(SEGMENTS)
    import_region(proxied_client, "kept")
    moment = deployment.rows("SELECT clock_timestamp() AS now")[0]["now"]
    import_region(proxied_client, "later")
    await_archive(deployment)
    deployment.compose("--profile=*", "down", "--timeout=10")
    deployment.remove_volume("postgres")
    mount = f"{deployment.folder}/backup.key:/run/backup.key:ro"
    restored = deployment.compose(
        *("--profile=restore", "run", "--rm", "-T", "-v", mount, "restore", "--to", moment)
    )
    assert "compared with its checksums" in restored
    deployment.up("proxy", "worker", "dask-worker")
    codes = {row["code"] for row in deployment.rows("SELECT code FROM region")}
    assert "kept" in codes
    assert "later" not in codes
    assert "kept" in {region["id"] for region in proxied_client.get(REGIONS)["features"]}
    # The log goes on in a new timeline, with nothing of what was received of the former one.
    deployment.up("archive", **sealed)
    deployment.compose("run", "--rm", "--no-deps", "-T", "backup", **sealed)
    await_archive(deployment)


def import_region(proxied_client: ApiClient, code: str, outline: Path | None = None) -> None:
    """A region that is a square, or has the first outline of a file of GeoJSON."""
    document = json.loads(region_file(code))
    if outline is not None:
        found = json.loads(outline.read_text("utf-8"))["features"]
        whole = next(one for one in found if one["properties"]["parent"] is None)
        document["features"][0]["geometry"] = whole["geometry"]
        document["features"][0]["properties"]["metric_epsg"] = EPSG
    sent = upload(proxied_client, json.dumps(document).encode())
    asked = {"upload": sent, "collection": "regions", "visibility": "public"}
    job = proxied_client.submit("import-features", asked)
    job.wait()
    assert {one["id"] for one in proxied_client.get(REGIONS)["features"]} >= {code}


def upload(proxied_client: ApiClient, content: bytes) -> str:
    """The upload that regions as GeoJSON become."""
    kind = {"Content-Type": "application/geo+json"}
    made: str = proxied_client.post("/uploads", content, headers=kind)["upload"]
    return made


def import_watershed(proxied_client: ApiClient, watershed_files: Watershed) -> None:
    """The watershed's region, plan and rasters."""
    import_region(proxied_client, CODE, watershed_files.region_file)
    names = {"code": PLAN, "name_zh": "流域规划", "name_en": "Watershed plan"}
    kind = {"kind": "special_plan", "level": "city", "region": CODE, "period_start": 2025}
    plan = {"type": "Feature", "geometry": None, "properties": {**names, **kind}}
    proxied_client.post("/collections/plans/items", plan)
    jobs = [
        proxied_client.submit("import-dataset", import_inputs(theme, proxied_client.upload(path)))
        for theme, path in sorted(watershed_files.rasters.items())
    ]
    for job in jobs:
        job.wait()


def await_archive(deployment: Deployment) -> None:
    """Wait until the log is archived as far as it is written now."""
    [written] = deployment.rows("SELECT pg_walfile_name(pg_current_wal_lsn()) AS file")
    deployment.rows("SELECT pg_switch_wal()")
    end = time.monotonic() + PATIENCE_S
    # The folder is made with the first file.
    listed = ("archive", "find", "/var/lib/shanhai/backups", "-path", "*/wal/*")
    while written["file"] not in deployment.inside(*listed):
        assert time.monotonic() < end, "the log is not archived"
        time.sleep(1)
