"""A program: tell the layers of an Esri file geodatabase, or write one as an Arrow stream.

    python -m shanhai.vector.file_geodatabase FOLDER.gdb [LAYER]

Without LAYER it prints the layers that have a geometry as JSON. It is a process of its own because
GDAL's drivers are chosen once in a process, and `shanhai.vector.gdal` leaves this one out for all
that services open. pyogrio is imported where it is used, so that to import this module loads none.
"""

import json
import os
import sys
from pathlib import Path

import pyarrow as pa

from shanhai.vector.tables import BLOCK_ROWS

DRIVER = "OpenFileGDB"


def layers_of(folder: Path) -> list[dict[str, object]]:
    """Name, fields and system of each layer with a geometry."""
    import pyogrio

    found = []
    for name, kind in pyogrio.list_layers(folder):
        if kind is None:
            continue
        info = pyogrio.read_info(folder, layer=name)
        if info["driver"] != DRIVER:
            raise SystemExit(f"the folder is {info['driver']}, no file geodatabase")
        fields = [str(field) for field in info["fields"]]
        found.append({"layer": str(name), "fields": fields, "crs": info["crs"]})
    return found


def write_layer(folder: Path, layer: str) -> None:
    """Write the rows of a layer to the standard output; the schema names the geometry."""
    import pyogrio

    with pyogrio.open_arrow(folder, layer=layer, batch_size=BLOCK_ROWS, use_pyarrow=True) as (
        meta,
        reader,
    ):
        geometry = meta["geometry_name"] or "wkb_geometry"
        schema = reader.schema.with_metadata({"geometry": geometry})
        with pa.ipc.new_stream(sys.stdout.buffer, schema) as stream:
            for batch in reader:
                stream.write_batch(batch.replace_schema_metadata(schema.metadata))


def main(arguments: list[str]) -> None:
    """Do what the arguments ask for."""
    # Nothing that is named in a file is followed.
    os.environ |= {"CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none", "GDAL_NUM_THREADS": "1"}
    folder = Path(arguments[0])
    if len(arguments) > 1:
        write_layer(folder, arguments[1])
    else:
        json.dump(layers_of(folder), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
