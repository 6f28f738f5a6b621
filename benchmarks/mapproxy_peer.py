"""MapProxy with a full cache: the tiles of our own service, kept as its files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peer_process import environment, serving_process
from benchmarks.tile_addresses import Address
from tests.support.workers import free_port

PACKAGES = ("mapproxy==7.0.0", "gunicorn==27.0.1")
CONFIGURATION = """\
services:
  wmts:
    restful: true
    kvp: false
    restful_template: /{{Layer}}/{{TileMatrixSet}}/{{TileMatrix}}/{{TileCol}}/{{TileRow}}.{{Format}}
layers:
  - {{name: ratio, title: ratio, tile_sources: [kept]}}
caches:
  kept:
    grids: [GLOBAL_WEBMERCATOR]
    sources: [ours]
    format: image/png
    meta_size: [1, 1]
    meta_buffer: 0
sources:
  ours:
    type: tile
    grid: GLOBAL_WEBMERCATOR
    url: {ours}
globals:
  cache: {{base_dir: {folder}/kept, lock_dir: {folder}/locks}}
"""
APPLICATION = """\
from mapproxy.wsgiapp import make_wsgi_app
application = make_wsgi_app({path!r})
"""


@contextmanager
def serving_mapproxy(folder: Path, ours: str, workers: int) -> Iterator[str]:
    """The address of a MapProxy with so many processes; it ends with the context.

    Args:
        folder: Where it keeps everything.
        ours: The address of our tiles, with `%(z)s`, `%(x)s` and `%(y)s`.
        workers: Its processes.
    """
    folder.mkdir(exist_ok=True)
    configuration = folder / "mapproxy.yaml"
    configuration.write_text(CONFIGURATION.format(ours=ours, folder=folder))
    (folder / "mapproxy_app.py").write_text(APPLICATION.format(path=str(configuration)))
    port = free_port()
    # Threads, since a connection that is kept alive holds one.
    server = [
        str(environment("mapproxy", PACKAGES) / "gunicorn"),
        f"--workers={workers}",
        "--worker-class=gthread",
    ]
    options = ["--threads=16", "--keep-alive=60", f"--chdir={folder}", "--log-level=error"]
    command = [*server, *options, f"--bind=127.0.0.1:{port}", "mapproxy_app"]
    with serving_process(command, {}, folder / f"mapproxy-{workers}.log", port):
        yield f"http://127.0.0.1:{port}"


def mapproxy_path(address: Address) -> str:
    """Where it has a tile."""
    zoom, column, row = address
    return f"/wmts/ratio/GLOBAL_WEBMERCATOR/{zoom:02d}/{column}/{row}.png"
