"""Write a table of features into a file of any format, in bounded memory."""

from collections.abc import Callable, Mapping
from pathlib import Path

from shanhai.disk_space import proving_room
from shanhai.vector.columnar import write_parquet
from shanhai.vector.formats import FormatName
from shanhai.vector.layers import write_flatgeobuf, write_geopackage, write_kml
from shanhai.vector.shapefile import write_shapefile
from shanhai.vector.tables import Lost, Table
from shanhai.vector.texts import write_csv, write_geojson_sequence

Writer = Callable[[Path, Table], None]
WRITERS: Mapping[FormatName, Writer] = {
    "csv": write_csv,
    "geojsonseq": write_geojson_sequence,
    "fgb": write_flatgeobuf,
    "gpkg": write_geopackage,
    "parquet": write_parquet,
    "kml": write_kml,
}


def write_table(
    path: Path, table: Table, format_name: FormatName, *, encoding: str | None = None
) -> Lost:
    """Write the table to a new file.

    Returns:
        How many values of each column the format could not hold whole.

    Args:
        path: The file to make; its folder is ours alone, helper files may appear in it.
        table: What to write; its blocks are consumed.
        format_name: Which format.
        encoding: `UTF-8` or `GBK`, of a shapefile's attributes.

    Raises:
        InvalidInput: The format cannot hold what the table has.
        OSError: There is no room for it.
    """
    with proving_room(path):
        if format_name == "shp":
            return write_shapefile(path, table, encoding=encoding or "UTF-8")
        WRITERS[format_name](path, table)
        return {}
