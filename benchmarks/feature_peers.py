"""Other servers of features over the same table, each as a process of its own.

Those in Python are installed into an environment beside the product's the first time they are
asked for.
"""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from asyncpg import connect

from benchmarks.compiled_peers import PG_FEATURESERV, missing_peers, serving_pg_featureserv
from benchmarks.mapserver_peer import missing_programs, serving_mapserver
from benchmarks.peer_process import Peer, environment, serving_process
from tests.support.workers import free_port

PACKAGES = (
    *("tipg==1.6.1", "uvicorn[standard]"),
    *("pygeoapi==0.21.0", "psycopg2-binary", "geoalchemy2", "gunicorn"),
)
PYGEOAPI = """\
server:
  bind: {{host: 127.0.0.1, port: {port}}}
  url: http://127.0.0.1:{port}
  mimetype: application/json; charset=UTF-8
  encoding: utf-8
  languages: [en-US]
  limits: {{default_items: 10, max_items: 10000}}
  map: {{url: "http://127.0.0.1/{{z}}/{{x}}/{{y}}.png", attribution: none}}
logging: {{level: ERROR}}
metadata:
  identification:
    title: peer
    description: peer
    keywords: [peer]
    keywords_type: theme
    terms_of_service: none
    url: http://127.0.0.1
  license: {{name: none, url: http://127.0.0.1}}
  provider: {{name: none, url: http://127.0.0.1}}
  contact: {{name: none}}
resources:
  region:
    type: collection
    title: region
    description: region
    keywords: [region]
    links: []
    extents: {{spatial: {{bbox: [-180, -90, 180, 90]}}}}
    providers:
      - type: feature
        name: PostgreSQL
        data: {{host: {host}, port: {db_port}, dbname: {name}, user: {user}, password: {password}}}
        id_field: id
        table: peer_region
        geom_field: geom
"""

# The same rows in the one system pygeoapi asks PostGIS for boxes in.
COPY = """
    CREATE TABLE IF NOT EXISTS peer_region AS
    SELECT id, code, name_zh, name_en, level, parent_id, metric_srid, area_m2, attrs, valid_from,
           valid_to, row_version, created_at, updated_at, deleted_at,
           ST_SetSRID(geom, 4326)::geometry(MultiPolygon, 4326) AS geom
      FROM region ORDER BY id;
    ALTER TABLE peer_region ADD PRIMARY KEY (id);
    CREATE INDEX ON peer_region USING gist (geom);
    ANALYZE peer_region;
"""


@contextmanager
def serving_peers(database_url: str, folder: Path) -> Iterator[list[Peer]]:
    """The peers there are, one process each; they end with the context."""
    programs = environment("features", PACKAGES)
    asyncio.run(_copy_rows(database_url))
    with ExitStack() as at_end:
        peers = [
            at_end.enter_context(_serving_tipg(programs, database_url, folder)),
            at_end.enter_context(_serving_pygeoapi(programs, database_url, folder)),
        ]
        if not missing_peers(PG_FEATURESERV):
            peers.append(at_end.enter_context(serving_pg_featureserv(database_url, folder)))
        if not missing_programs():
            peers.append(at_end.enter_context(serving_mapserver(database_url, folder)))
        yield peers


@contextmanager
def serving_tipg_alone(
    database_url: str, folder: Path, most_in_tile: int | None = None
) -> Iterator[Peer]:
    """tipg, which serves tiles too, of so many features where it is told."""
    programs = environment("features", PACKAGES)
    with _serving_tipg(programs, database_url, folder, most_in_tile) as peer:
        yield peer


async def _copy_rows(database_url: str) -> None:
    connection = await connect(database_url)
    try:
        if await connection.fetchval("SELECT to_regclass('peer_region')") is None:
            await connection.execute(COPY, timeout=600)
    finally:
        await connection.close()


@contextmanager
def _serving_tipg(
    programs: Path, database_url: str, folder: Path, most_in_tile: int | None = None
) -> Iterator[Peer]:
    settings = {
        "DATABASE_URL": database_url,
        "TIPG_DB_TABLES": '["public.region"]',
        "TIPG_DB_FUNCTIONS": "[]",
        "TIPG_DB_SPATIAL_EXTENT": "FALSE",
        "TIPG_DB_DATETIME_EXTENT": "FALSE",
    }
    if most_in_tile is not None:
        settings["TIPG_MAX_FEATURES_PER_TILE"] = str(most_in_tile)
    port = free_port()
    command = [str(programs / "uvicorn"), "tipg.main:app", f"--port={port}", "--no-access-log"]
    with serving_process(command, settings, folder / "tipg.log", port):
        yield Peer("tipg", f"http://127.0.0.1:{port}", "public.region")


@contextmanager
def _serving_pygeoapi(programs: Path, database_url: str, folder: Path) -> Iterator[Peer]:
    port, parts = free_port(), urlsplit(database_url)
    config, definition = folder / "pygeoapi.yml", folder / "pygeoapi-openapi.yml"
    config.write_text(
        PYGEOAPI.format(
            port=port,
            host=parts.hostname,
            db_port=parts.port,
            name=parts.path[1:],
            user=parts.username,
            password=parts.password,
        )
    )
    settings = {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(definition)}
    generate = [programs / "pygeoapi", "openapi", "generate", config, "--output-file", definition]
    subprocess.run(generate, check=True, env=os.environ | settings, capture_output=True)
    # Threads, since it answers each request in one; keep-alive needs them too.
    server = [str(programs / "gunicorn"), "--workers=1", "--threads=16", "--keep-alive=30"]
    command = [*server, f"--bind=127.0.0.1:{port}", "pygeoapi.flask_app:APP"]
    with serving_process(command, settings, folder / "pygeoapi.log", port):
        yield Peer("pygeoapi", f"http://127.0.0.1:{port}", "region")
