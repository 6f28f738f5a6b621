"""Features of a table of a million polygons: beside bare SQL and other servers, in one run."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from os import environ

from benchmarks.compiled_peers import PG_FEATURESERV, missing_peers
from benchmarks.feature_peers import serving_peers
from benchmarks.http_load import Load
from benchmarks.items import open_pool, query_all
from benchmarks.mapserver_peer import missing_programs
from benchmarks.million import PREFIX, boxes, codes, lay_million
from benchmarks.peer_process import Peer
from benchmarks.report import Row, Setup, Table
from benchmarks.shaping import wait_for_shapes
from benchmarks.timing import Side, Waits, facts_of, in_turn
from benchmarks.workbench import Workbench

CELLS = int(environ.get("BENCH_CELLS", "1000000"))
LIMIT = 100
ROUNDS = 5
REQUESTS = {"items": 100, "item": 400}
SLOW_REQUESTS = {"items": 25, "item": 100}
"""How much less is asked of peers."""
TARGETS = {
    ("items", "bare SQL"): 0.6,
    ("items", "tipg"): 3.0,
    ("items", "pygeoapi"): 8.0,
    ("items", "MapServer"): 1.0,
    ("items", PG_FEATURESERV): 1.0,
    ("item", "tipg"): 4.0,
}
ITEM_PEERS = frozenset({"tipg", "pygeoapi", PG_FEATURESERV})
"""MapServer looks for a number as text in the whole table: a third of a second a feature."""
BARE_SQL = {
    "items": """
      SELECT r.id, r.code, r.row_version, ST_AsGeoJSON(r.geom, 7), r.name_zh, r.name_en, r.level,
             parent.code, r.attrs->>'adcode', r.metric_srid, r.area_m2, r.attrs->>'source',
             r.attrs->>'licence', r.valid_from, r.valid_to
        FROM region r LEFT JOIN region parent ON parent.id = r.parent_id
       WHERE r.deleted_at IS NULL AND r.geom && ST_MakeEnvelope($1, $2, $3, $4, 4490)
         AND ST_Intersects(r.geom, ST_MakeEnvelope($1, $2, $3, $4, 4490))
       ORDER BY r.id LIMIT 100""",
    "item": """
      SELECT r.id, r.code, r.row_version, ST_AsGeoJSON(r.geom, 7), r.name_zh, r.name_en, r.level,
             parent.code, r.attrs->>'adcode', r.metric_srid, r.area_m2, r.attrs->>'source',
             r.attrs->>'licence', r.valid_from, r.valid_to
        FROM region r LEFT JOIN region parent ON parent.id = r.parent_id
       WHERE r.deleted_at IS NULL AND r.code = $1""",
}
SETUP = Setup(
    settings="pages of 100 features in boxes of 0.15 degrees, single features by code; peers "
    "by number",
    warm="plans of statements, connections; no box and no code is asked for twice",
    connections=(1, 1),
)


def run(bench: Workbench) -> Table:
    """Pages and single features, over one connection and sixteen."""
    table = Table("features", _title(), "the other side", setup=SETUP)
    url = bench.stack.database_url
    with ExitStack() as at_end:
        loop = at_end.enter_context(asyncio.Runner())
        loop.run(lay_million(url, CELLS))
        loop.run(wait_for_shapes(url))
        peers = at_end.enter_context(serving_peers(url, bench.made("feature_peers")))
        for what in REQUESTS:
            for connections in (1, 16):
                table.rows += _compare(loop, bench, peers, what, connections)
    return table


def _title() -> str:
    missing = missing_programs()
    left_out = f"; without MapServer, for want of {', '.join(missing)}" if missing else ""
    if missing_peers(PG_FEATURESERV):
        left_out += f"; without {PG_FEATURESERV}, which could not be built"
    return f"of {CELLS:,} polygons; pages of {LIMIT} in a box{left_out}"


def _compare(
    loop: asyncio.Runner, bench: Workbench, peers: Sequence[Peer], what: str, connections: int
) -> list[Row]:
    """Ours beside each other side, all in turn, so that every ratio is of one run."""
    pool = loop.run(open_pool(bench.stack.database_url, connections))
    waits: defaultdict[str, Waits] = defaultdict(Waits)

    def ask(name: str, base_url: str, paths: Sequence[str], number: int) -> float:
        load = Load(base_url, paths, connections)
        return waits[name].note(number, loop.run(load.run()), load.taken)

    def query(number: int) -> float:
        asked = query_all(pool, BARE_SQL[what], _values(what, number))
        return waits["bare SQL"].note(number, *loop.run(asked))

    sides: dict[str, Side] = {
        "ours": lambda number: ask("ours", bench.stack.api_url, _ours(what, number), number),
        "bare SQL": query,
    }
    for peer in peers:
        if what == "item" and peer.name not in ITEM_PEERS:
            continue
        sides[peer.name] = lambda number, peer=peer: ask(  # type: ignore[misc]
            peer.name, peer.base_url, _of_peer(peer, what, number), number
        )
    samples = in_turn(sides, rounds=ROUNDS)
    loop.run(pool.close())
    ours = samples.pop("ours")
    times = "connection" if connections == 1 else "connections"
    return [
        Row(
            f"{what}, {connections} {times}, {name}",
            ours,
            sample,
            target=TARGETS.get((what, name)),
            facts={"requests/s": 1 / ours.median, **facts_of(waits["ours"], waits[name])},
            setup=replace(
                SETUP,
                connections=(connections, connections),
                processes=(1, int(name != "bare SQL")),
            ),
        )
        for name, sample in samples.items()
    ]


def _ours(what: str, number: int) -> list[str]:
    base, count = "/collections/regions/items", REQUESTS[what]
    if what == "item":
        return [f"{base}/{code}" for code in codes(number, count, CELLS)]
    return [
        f"{base}?limit={LIMIT}&bbox={','.join(map(str, box))}"
        for box in boxes(number, count, CELLS)
    ]


def _of_peer(peer: Peer, what: str, number: int) -> list[str]:
    count = SLOW_REQUESTS[what]
    if what == "items":
        return [peer.items(box, LIMIT) for box in boxes(number, count, CELLS)]
    # Peers find a row by its number, which the primary key knows.
    return [peer.item(int(code.removeprefix(PREFIX)) + 1) for code in codes(number, count, CELLS)]


def _values(what: str, number: int) -> Sequence[Sequence[object]]:
    """What the bare statement is asked with in a round."""
    count = REQUESTS[what]
    if what == "items":
        return boxes(number, count, CELLS)
    return [(code,) for code in codes(number, count, CELLS)]
