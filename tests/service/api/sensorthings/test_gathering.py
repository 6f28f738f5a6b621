"""Single Observations sent at one time share transactions, and each is answered for itself."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx

from tests.service.api.test_sensorthings import NOON, ROOT, get, pointers

SENT = 24
BAD: dict[int, tuple[dict[str, Any], str]] = {
    3: ({"Datastream": {"@iot.id": "xm-1:nothing"}}, "/Datastream/@iot.id"),
    8: ({"Datastream": {"@iot.id": "nowhere:ph"}}, "/Datastream/@iot.id"),
    13: ({"result": "much"}, "/result"),
    18: ({"phenomenonTime": "2999-01-01T00:00:00Z"}, "/phenomenonTime"),
}


def one(number: int) -> dict[str, Any]:
    time = (NOON + timedelta(days=3, minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    own = {
        "phenomenonTime": time,
        "result": number / 4,
        "Datastream": {"@iot.id": "xm-1:ph"},
    }
    return {**own, **(BAD[number][0] if number in BAD else {})}


def test_each_has_its_own_verdict_status_and_address(filled: httpx.Client) -> None:
    with ThreadPoolExecutor(SENT) as pool:
        answers = [
            *pool.map(
                lambda number: filled.post(f"{ROOT}/Observations", json=one(number)), range(SENT)
            )
        ]
    for number, answer in enumerate(answers):
        if number in BAD:
            assert answer.status_code == 400, answer.text
            assert pointers(answer) == [BAD[number][1]]
        else:
            assert answer.status_code == 201, answer.text
            own = answer.headers["location"]
            assert own == answer.json()["@iot.selfLink"]
            assert filled.get(own).json()["result"] == number / 4
    first = one(0)["phenomenonTime"]
    kept = get(filled, "Datastreams('xm-1:ph')/Observations", filter=f"phenomenonTime ge {first}")
    assert len(kept["value"]) == SENT - len(BAD)
