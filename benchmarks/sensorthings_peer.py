"""Another server of SensorThings 1.1: django-ogc-sensorthings, with its tables beside ours.

FROST is not here: its HTTP application was not found in Maven Central under the name tried.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from benchmarks.peer_process import environment, serving_process
from tests.support.workers import free_port

PACKAGES = (
    *("django==5.2.8", "django-ogc-sensorthings==1.2.0"),
    *("psycopg[binary]==3.2.13", "gunicorn==23.0.0"),
)
DATABASE = "sensorthings_peer"
ROOT = "/sensorthings/v1.1"
SETTINGS = """\
from uuid import UUID
SECRET_KEY, ALLOWED_HOSTS, ROOT_URLCONF, USE_TZ = "peer", ["*"], "peer_urls", True
DATABASES = {{"default": {{
    "ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": None, "NAME": "{name}",
    "HOST": "{host}", "PORT": {port}, "USER": "{user}", "PASSWORD": "{password}",
}}}}
INSTALLED_APPS = ["sensorthings.versions.v1_1", "sensorthings.versions.v1_1.backends.django"]
SENSORTHINGS_V1_1_SERVICE_URL = "{url}/sensorthings"
SENSORTHINGS_V1_1_BACKEND_ADAPTER = (
    "sensorthings.versions.v1_1.backends.django.adapter.DjangoBackendAdapter"
)
SENSORTHINGS_V1_1_ID_TYPE = UUID
SENSORTHINGS_V1_1_ID_DELIMITER = "'"
"""
URLS = """\
from django.urls import include, path
urlpatterns = [path("sensorthings/", include("sensorthings.versions.v1_1.urls"))]
"""
THING = {
    "name": "bench",
    "description": "bench",
    "Locations": [
        {
            "name": "bench",
            "description": "bench",
            "encodingType": "application/geo+json",
            "location": {"type": "Point", "coordinates": [118.0, 24.5]},
        }
    ],
    "Datastreams": [
        {
            "name": "bench",
            "description": "bench",
            "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
            "unitOfMeasurement": {"name": "µg/m³", "symbol": "µg/m³", "definition": "about:blank"},
            "Sensor": {
                "name": "bench",
                "description": "bench",
                "encodingType": "text/html",
                "metadata": "about:blank",
            },
            "ObservedProperty": {
                "name": "pm25",
                "description": "bench",
                "definition": "about:blank",
            },
        }
    ],
}


@dataclass(frozen=True, slots=True)
class SensorThingsPeer:
    """Where it answers, where observations are created, and the datastream they go to."""

    base_url: str
    path: str
    datastream: str


@contextmanager
def serving_sensorthings(database_url: str, folder: Path) -> Iterator[SensorThingsPeer]:
    """One process with sixteen threads over a database of its own, which must be there."""
    programs = environment("sensorthings", PACKAGES)
    port, parts = free_port(), urlsplit(database_url)
    url = f"http://127.0.0.1:{port}"
    told = SETTINGS.format(
        name=parts.path[1:],
        host=parts.hostname,
        port=parts.port,
        user=parts.username,
        password=parts.password,
        url=url,
    )
    (folder / "peer_settings.py").write_text(told)
    (folder / "peer_urls.py").write_text(URLS)
    settings = {"DJANGO_SETTINGS_MODULE": "peer_settings", "PYTHONPATH": str(folder)}
    migrate = [str(programs / "django-admin"), "migrate", "--verbosity=0"]
    subprocess.run(migrate, check=True, env=os.environ | settings)
    server = [str(programs / "gunicorn"), "--workers=1", "--threads=16", "--keep-alive=60"]
    command = [*server, f"--bind=127.0.0.1:{port}", "django.core.wsgi:get_wsgi_application()"]
    with serving_process(command, settings, folder / "sensorthings.log", port):
        yield SensorThingsPeer(url, f"{ROOT}/Observations", _datastream(url))


def _datastream(url: str) -> str:
    """The id of a datastream that is made for the purpose."""
    with httpx.Client(base_url=url, timeout=60) as client:
        client.post(f"{ROOT}/Things", json=THING).raise_for_status()
        found = client.get(f"{ROOT}/Datastreams").raise_for_status().json()
    return str(found["value"][0]["@iot.id"])
