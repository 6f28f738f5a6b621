"""MapServer behind nginx, as it is used: over the table of the other servers of features, or files.

It is no Python package: Debian has it as `cgi-mapserver`, with `spawn-fcgi` and `nginx-light`.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.peer_process import Peer, serving_process
from tests.support.workers import free_port

PROGRAMS = ("mapserv", "spawn-fcgi", "nginx")
TEMPLATES = "/usr/share/mapserver/ogcapi/templates/html-plain/"
MAP = """\
MAP
  NAME "peer"
  EXTENT -180 -90 180 90
  UNITS DD
  PROJECTION "init=epsg:4326" END
  WEB METADATA
    "ows_title" "peer"
    "ows_enable_request" "*"
    "ows_onlineresource" "{url}"
    "oga_onlineresource" "{url}"
    "oga_html_template_directory" "{templates}"
  END END
  LAYER
    NAME "region"
    TYPE POLYGON
    STATUS ON
    TEMPLATE "none"
    CONNECTIONTYPE POSTGIS
    CONNECTION "host={host} port={db_port} dbname={name} user={user} password={password}"
    DATA "geom FROM peer_region USING UNIQUE id USING SRID=4326"
    PROCESSING "CLOSE_CONNECTION=DEFER"
    EXTENT -180 -90 180 90
    PROJECTION "init=epsg:4326" END
    METADATA
      "ows_title" "region"
      "gml_include_items" "all"
      "gml_featureid" "id"
      "ows_geometry_precision" "7"
    END
  END
END
"""
CONFIG = """\
CONFIG
  ENV
    OGCAPI_HTML_TEMPLATE_DIRECTORY "{templates}"
  END
  MAPS
    PEER "{map}"
  END
END
"""
# A process answers one request at a time: connections to it are not kept, or others would wait.
NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000;
  upstream mapserver {{
{behind}
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      fastcgi_pass mapserver;
      fastcgi_buffers 64 16k;
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_NAME "";
      fastcgi_param PATH_INFO $uri;
    }}
  }}
}}
"""


def missing_programs() -> list[str]:
    """What of it is not installed."""
    return [name for name in PROGRAMS if _program(name) is None]


def _program(name: str) -> str | None:
    # Debian keeps servers where only root looks for programs.
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/lib/cgi-bin")


@contextmanager
def serving_mapserver(database_url: str, folder: Path) -> Iterator[Peer]:
    """One process of it over the features of a database; it ends with the context."""
    port = free_port()
    prefix = "/peer/ogcapi"
    config = _write_map(database_url, folder, f"http://127.0.0.1:{port}{prefix}")
    with serving_fcgi(folder, config, 1, port) as base_url:
        yield Peer("MapServer", base_url, "region", prefix)


@contextmanager
def serving_fcgi(
    folder: Path, config: str, processes: int, port: int | None = None
) -> Iterator[str]:
    """So many processes of MapServer and one of nginx; they end with the context."""
    found = {name: _program(name) or name for name in PROGRAMS}
    port = port or free_port()
    behind = [free_port() for _ in range(processes)]
    (folder / "mapserver.conf").write_text(config)
    settings = {"MAPSERVER_CONFIG_FILE": str(folder / "mapserver.conf")}
    servers = "\n".join(f"    server 127.0.0.1:{one};" for one in behind)
    conf = folder / "nginx.conf"
    conf.write_text(NGINX.format(folder=folder, port=port, behind=servers))
    serve = [found["nginx"], "-c", str(conf), "-e", str(folder / "nginx.log")]
    with ExitStack() as at_end:
        for number, one in enumerate(behind):
            spawn = [found["spawn-fcgi"], "-n", "-a", "127.0.0.1", "-p", str(one)]
            log = folder / f"mapserv-{number}.log"
            at_end.enter_context(serving_process([*spawn, found["mapserv"]], settings, log, one))
        at_end.enter_context(serving_process(serve, {}, folder / "nginx.out", port))
        yield f"http://127.0.0.1:{port}"


def _write_map(database_url: str, folder: Path, url: str) -> str:
    """Write the map; the text of the configuration that names it."""
    parts = urlsplit(database_url)
    written = MAP.format(
        url=url,
        templates=TEMPLATES,
        host=parts.hostname,
        db_port=parts.port,
        name=parts.path[1:],
        user=parts.username,
        password=parts.password,
    )
    (folder / "peer.map").write_text(written)
    return CONFIG.format(templates=TEMPLATES, map=folder / "peer.map")
