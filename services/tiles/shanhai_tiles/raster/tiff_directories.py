"""Have of a TIFF what GDAL reads to open it, wherever in the file that lies.

GDAL then opens the file on this machine as any other: it is given no driver for the network, and
nothing of ours runs within its reading.
"""

import struct

from shanhai.storage.artifacts import RangedFile
from shanhai_tiles.errors import LayerUnreadable

HEAD_BYTES = 16 * 1024
MOST_DIRECTORIES = 1000
BYTES_OF_TYPE = {**dict.fromkeys((1, 2, 6, 7), 1), **dict.fromkeys((3, 8), 2)}
BYTES_OF_TYPE |= {**dict.fromkeys((4, 9, 11, 13), 4), **dict.fromkeys((5, 10, 12, 16, 17, 18), 8)}


def ensure_directories(file: RangedFile) -> None:
    """Fetch every directory of a TIFF with the values its entries point to.

    Raises:
        LayerUnreadable: it is none.
    """
    try:
        _walk(file)
    except (struct.error, KeyError) as error:
        raise LayerUnreadable from error


def _walk(file: RangedFile) -> None:
    head = file.read(0, min(HEAD_BYTES, file.size))
    order = {b"II": "<", b"MM": ">"}[head[:2]]
    # Of a classic file and of a BigTIFF: where the first directory's address is, and how an
    # address, a count of entries and an entry are written.
    at, address, count, entry = {42: (4, "I", "H", "HHI4s"), 43: (8, "Q", "Q", "HHQ8s")}[
        struct.unpack_from(f"{order}H", head, 2)[0]
    ]
    width, counted, row = (struct.calcsize(f"{order}{one}") for one in (address, count, entry))
    (place,) = struct.unpack_from(order + address, head, at)
    for _ in range(MOST_DIRECTORIES):
        if not place:
            return
        (entries,) = struct.unpack(order + count, file.read(place, place + counted))
        body = file.read(place + counted, place + counted + entries * row + width)
        for _, kind, number, value in struct.iter_unpack(order + entry, body[:-width]):
            size = BYTES_OF_TYPE.get(kind, 0) * number
            if size > width:
                (start,) = struct.unpack(order + address, value)
                file.ensure(start, start + size)
        (place,) = struct.unpack(order + address, body[-width:])
