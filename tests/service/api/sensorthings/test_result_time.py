"""When a value was known: kept whichever way it comes, and read back everywhere."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.service.api.test_sensorthings import NOON, ROOT, Service, get, pointers, thing

KNOWN = "2026-08-02T06:30:00Z"
DATASTREAM = {"@iot.id": "xm-1:ph"}


def at(hour: int, **members: Any) -> dict[str, Any]:
    time = (NOON + timedelta(hours=hour)).isoformat()
    return {"phenomenonTime": time, "result": 8.0, "resultTime": KNOWN, **members}


def known(client: httpx.Client, hour: int) -> Any:
    """The `resultTime` of the value of an hour."""
    time = (NOON + timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%SZ")
    path = "Datastreams('xm-1:ph')/Observations"
    (row,) = get(client, path, filter=f"phenomenonTime eq {time}")["value"]
    return row["resultTime"]


def sent(client: httpx.Client, path: str, body: Any) -> httpx.Response:
    answer = client.post(f"{ROOT}/{path}", json=body)
    assert answer.status_code == 201, answer.text
    return answer


def test_it_is_kept_alone_and_in_data_arrays(filled: httpx.Client) -> None:
    answer = sent(filled, "Observations", {**at(20), "Datastream": DATASTREAM})
    assert answer.json()["resultTime"] == KNOWN
    table = {
        "Datastream": DATASTREAM,
        "components": ["phenomenonTime", "resultTime", "result"],
        "dataArray": [
            [(NOON + timedelta(hours=21)).isoformat(), KNOWN, 8],
            [(NOON + timedelta(hours=22)).isoformat(), None, 8],
        ],
    }
    sent(filled, "CreateObservations", [table])
    assert [known(filled, hour) for hour in (20, 21, 22)] == [KNOWN, KNOWN, None]


def test_it_is_kept_in_a_deep_insert(filled: httpx.Client) -> None:
    body = thing("xm-deep-time")
    body["Datastreams"][0]["Observations"] = [at(0), at(1, resultTime=None)]
    sent(filled, "Things", body)
    rows = get(filled, "Datastreams('xm-deep-time:ph')/Observations")["value"]
    assert [row["resultTime"] for row in rows] == [KNOWN, None]


@pytest.mark.parametrize("kind", ["ndjson", "csv", "json"])
def test_it_is_kept_in_feeds(service: Service, filled: httpx.Client, kind: str) -> None:
    hour = {"ndjson": 30, "csv": 31, "json": 32}[kind]
    time = (NOON + timedelta(hours=hour)).isoformat()
    bodies = {
        "ndjson": '{"station":"xm-1","property":"ph","time":"%s","value":7,"result_time":"%s"}\n',
        "csv": "station,property,time,value,result_time\nxm-1,ph,%s,7,%s\n",
        "json": '[{"station":"xm-1","property":"ph","time":"%s","value":7,"result_time":"%s"}]',
    }
    types = {"ndjson": "application/x-ndjson", "csv": "text/csv", "json": "application/json"}
    with service.client(service.feed) as feed:
        answer = feed.post(
            "/observations",
            content=bodies[kind] % (time, KNOWN),
            headers={"Content-Type": types[kind]},
        )
    assert answer.json()["accepted"] == 1, answer.text
    assert known(filled, hour) == KNOWN


def test_a_bad_one_is_named(service: Service, filled: httpx.Client) -> None:
    answer = filled.post(
        f"{ROOT}/Observations", json={**at(33, resultTime="noon"), "Datastream": DATASTREAM}
    )
    assert answer.status_code == 400
    assert pointers(answer) == ["/resultTime"]
    row = {"station": "xm-1", "property": "ph", "time": NOON.isoformat(), "value": 7}
    with service.client(service.feed) as feed:
        refused = feed.post("/observations", json=[{**row, "result_time": "noon"}]).json()
    assert refused["rejected"][0]["pointer"] == "/result_time"


@pytest.mark.parametrize(
    "time",
    [
        *("9999-12-31T23:59:59-08:00", "0001-01-01T00:00:00+08:00"),
        *("9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_one_of_no_year_in_utc_is_refused(
    service: Service, filled: httpx.Client, time: str
) -> None:
    row = {"station": "xm-1", "property": "ph", "time": NOON.isoformat(), "value": 7}
    with service.client(service.feed) as feed:
        # Alone, it is read without columns.
        for body in ({**row, "result_time": time}, [row, {**row, "result_time": time}]):
            refused = feed.post("/observations", json=body).json()["rejected"]
            assert [one["pointer"] for one in refused] == ["/result_time"]
    told = {**at(34, resultTime=time), "Datastream": DATASTREAM}
    assert pointers(filled.post(f"{ROOT}/Observations", json=told)) == ["/resultTime"]
    assert filled.get("/observations", params={"station": "xm-1"}).status_code == 200


def test_another_one_is_a_revision_and_none_leaves_it(filled: httpx.Client) -> None:
    path = sent(filled, "Observations", {**at(40), "Datastream": DATASTREAM}).headers["Location"]
    sent(filled, "Observations", {**at(40, resultTime=None), "Datastream": DATASTREAM})
    assert known(filled, 40) == KNOWN
    later = "2026-08-03T00:00:00Z"
    assert filled.patch(path, json={"resultTime": later}).json()["resultTime"] == later
    assert filled.patch(path, json={"result": 9}).json()["resultTime"] == later
    asked = {"station": "xm-1", "property": "ph", "revisions": "true", "limit": "100"}
    rows = filled.get("/observations", params=asked).json()["observations"]
    (row,) = [row for row in rows if row["value"] == 9]
    assert row["result_time"].startswith("2026-08-03T00:00:00")
    assert [one["result_time"][:10] for one in row["revisions"]] == ["2026-08-02", "2026-08-03"]


def test_it_is_taken_away_alone(filled: httpx.Client) -> None:
    path = sent(filled, "Observations", {**at(45), "Datastream": DATASTREAM}).headers["Location"]
    before = filled.get(path).json()
    patched = filled.patch(path, json={"resultTime": None})
    assert patched.status_code == 200, patched.text
    assert patched.json()["resultTime"] is None
    assert known(filled, 45) is None
    changing = {"resultTime", "parameters"}
    assert {name for name in before if before[name] != patched.json()[name]} <= changing
    asked = {"station": "xm-1", "property": "ph", "revisions": "true", "limit": "100"}
    rows = filled.get("/observations", params=asked).json()["observations"]
    time = NOON + timedelta(hours=45)
    (row,) = [row for row in rows if datetime.fromisoformat(row["time"]) == time]
    assert [one["result_time"][:10] for one in row["revisions"]] == ["2026-08-02"]


def test_it_filters_orders_and_stands_alone(filled: httpx.Client) -> None:
    for hour, time in ((50, "2026-09-01T00:00:00Z"), (51, "2026-09-02T00:00:00Z")):
        sent(filled, "Observations", {**at(hour, resultTime=time), "Datastream": DATASTREAM})
    path = "Datastreams('xm-1:ph')/Observations"
    late = "resultTime ge 2026-09-01T00:00:00Z"
    found = get(filled, path, filter=late, orderby="resultTime desc", select="id,resultTime")
    assert [row["resultTime"][:10] for row in found["value"]] == ["2026-09-02", "2026-09-01"]
    first = found["value"][0]["@iot.id"]
    assert filled.get(f"{ROOT}/Observations('{first}')/resultTime/$value").text.startswith(
        "2026-09"
    )


def test_it_is_in_exports_and_among_the_newest(filled: httpx.Client) -> None:
    sent(filled, "Observations", {**at(60), "Datastream": DATASTREAM})
    asked = {"station": "xm-1", "property": "ph"}
    table = filled.get("/observations", params={**asked, "f": "csv"}).text.splitlines()
    assert "result_time" in table[0]
    assert any("2026-08-02T06:30:00" in line for line in table[1:])
    (newest,) = filled.get("/observations", params={**asked, "latest": "true"}).json()[
        "observations"
    ]
    assert newest["result_time"].startswith("2026-08-02T06:30:00")


def test_the_root_answers_with_a_slash_as_without(client: httpx.Client) -> None:
    assert client.get(f"{ROOT}/").json() == client.get(ROOT).json()
