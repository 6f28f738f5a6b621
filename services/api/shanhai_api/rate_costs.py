"""What a request costs its caller's allowance; a look at one object costs 1."""

from fastapi import Request

FAILED_SIGN_IN = 20
WRITE = 5
COMPUTATION = 20
FILE = 50
ROWS_A_POINT = 100
FILE_FORMATS = frozenset({"csv", "fgb", "geojsonseq", "gpkg", "kml", "parquet", "shp"})


def cost_of(request: Request) -> int:
    """The cost, from the address alone: it is taken before anything is read."""
    if request.method not in {"GET", "HEAD", "OPTIONS"}:
        return COMPUTATION if request.url.path.endswith("/execution") else WRITE
    query = request.scope["query_string"]
    if b"limit=" not in query and b"f=" not in query and b"top=" not in query:
        return 1
    if request.query_params.get("f") in FILE_FORMATS:
        return FILE
    # SensorThings calls it otherwise.
    limit = request.query_params.get("limit") or request.query_params.get("$top", "")
    rows = int(limit) if limit.isdecimal() and len(limit) <= 5 else 0
    return 1 + rows // ROWS_A_POINT
