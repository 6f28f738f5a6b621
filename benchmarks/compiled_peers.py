"""Peers built from their sources where that can be done: martin, pg_tileserv, pg_featureserv."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from benchmarks.peer_process import Peer, serving_process
from shanhai.local.places import CHECKOUT, Home
from tests.support.workers import free_port

BUILD = CHECKOUT / "benchmarks" / "peers" / "compiled.sh"
MARTIN, PG_TILESERV, PG_FEATURESERV = "martin", "pg_tileserv", "pg_featureserv"
MARTIN_CONFIG = """\
listen_addresses: 127.0.0.1:{port}
worker_processes: 1
cache_size_mb: 0
postgres:
  connection_string: {url}
  auto_publish: false
  auto_bounds: skip
  max_feature_count: {most}
  tables:
    region:
      schema: public
      table: region
      srid: 4490
      geometry_column: geom
      geometry_type: MULTIPOLYGON
      extent: 4096
      buffer: 64
      clip_geom: true
      properties:
        {properties}
"""


@cache
def _programs() -> dict[str, Path]:
    """The peers there are, by name; they are built the first time, which takes minutes."""
    folder = Home.of_checkout().path / "peers" / "compiled"
    subprocess.run([BUILD, folder], check=True)
    found = {name: folder / "bin" / name for name in (MARTIN, PG_TILESERV, PG_FEATURESERV)}
    return {name: program for name, program in found.items() if program.exists()}


def missing_peers(*names: str) -> list[str]:
    """Which of them could not be built here."""
    return [name for name in names if name not in _programs()]


@contextmanager
def serving_martin(database_url: str, folder: Path, members: str, most: int) -> Iterator[str]:
    """Its address; it draws so many regions with these members, all text, and keeps no tile."""
    port = free_port()
    properties = "\n        ".join(f"{name}: text" for name in members.split(","))
    config = folder / "martin.yaml"
    config.write_text(
        MARTIN_CONFIG.format(port=port, url=database_url, properties=properties, most=most)
    )
    command = [str(_programs()[MARTIN]), "--config", str(config)]
    with serving_process(command, {}, folder / "martin.log", port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def serving_pg_tileserv(database_url: str, folder: Path, most: int) -> Iterator[str]:
    """Its address; it draws so many features of a tile."""
    port, program = free_port(), _programs()[PG_TILESERV]
    settings = {
        "DATABASE_URL": database_url,
        "TS_HTTPHOST": "127.0.0.1",
        "TS_HTTPPORT": str(port),
        "TS_MAXFEATURESPERTILE": str(most),
        "TS_ASSETSPATH": str(program.with_name(f"assets-{PG_TILESERV}")),
    }
    with serving_process([str(program)], settings, folder / "pg_tileserv.log", port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def serving_pg_featureserv(database_url: str, folder: Path) -> Iterator[Peer]:
    """It asks the copy of the regions in the one system it takes boxes in."""
    port, program = free_port(), _programs()[PG_FEATURESERV]
    settings = {
        "DATABASE_URL": database_url,
        "PGFS_SERVER_HTTPHOST": "127.0.0.1",
        "PGFS_SERVER_HTTPPORT": str(port),
        "PGFS_SERVER_ASSETSPATH": str(program.with_name(f"assets-{PG_FEATURESERV}")),
        "PGFS_PAGING_LIMITMAX": "10000",
        "PGFS_DATABASE_DBPOOLMAXCONNS": "16",
    }
    with serving_process([str(program)], settings, folder / "pg_featureserv.log", port):
        yield Peer(PG_FEATURESERV, f"http://127.0.0.1:{port}", "public.peer_region")
