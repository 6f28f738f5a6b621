"""Features of interest: made alone and inside an Observation, and read with ids of their own."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.vocabulary import Role, Scope
from tests.service.api.test_sensorthings import NOON, ROOT, Service, get, pointers, show, thing
from tests.support.job_rows import open_sessions

FEATURE = {
    "name": "Bow River",
    "description": "A reach",
    "encodingType": "application/vnd.geo+json",
    "feature": {"type": "LineString", "coordinates": [[118.0, 24.4], [118.1, 24.5]]},
}


def observed(client: httpx.Client, code: str, hour: int, **members: Any) -> httpx.Response:
    at = (NOON + timedelta(hours=hour)).isoformat()
    body = {"Datastream": {"@iot.id": f"{code}:ph"}, "phenomenonTime": at, "result": 7, **members}
    return client.post(f"{ROOT}/Observations", json=body)


def test_one_is_made_alone(service: Service, client: httpx.Client) -> None:
    answer = client.post(f"{ROOT}/FeaturesOfInterest", json=FEATURE)
    assert answer.status_code == 201, answer.text
    assert {name: answer.json()[name] for name in FEATURE} == FEATURE
    address = answer.headers["Location"]
    point = {"type": "Point", "coordinates": [118.2, 24.2]}
    changed = client.patch(address, json={"feature": point, "properties": {"reach": 3}}).json()
    assert (changed["feature"], changed["properties"]) == (point, {"reach": 3})
    with service.client(None) as anybody, service.client(service.feed) as feed:
        assert anybody.get(address).status_code == 404
        assert anybody.post(f"{ROOT}/FeaturesOfInterest", json=FEATURE).status_code == 401
        assert feed.post(f"{ROOT}/FeaturesOfInterest", json=FEATURE).status_code == 403
    for name in ("name", "encodingType", "feature"):
        short = {key: value for key, value in FEATURE.items() if key != name}
        refused = client.post(f"{ROOT}/FeaturesOfInterest", json=short)
        assert pointers(refused) == [f"/{name}"]
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404


def test_one_is_made_in_an_observation_and_bound_in_others(
    service: Service, client: httpx.Client
) -> None:
    client.post(f"{ROOT}/Things", json=thing("foi-1")).raise_for_status()
    show(client, "foi-1", "public")
    with service.client(service.feed) as feed:
        first = observed(feed, "foi-1", 10, FeatureOfInterest=FEATURE)
        assert first.status_code == 201, first.text
        made = client.get(f"{first.headers['Location']}/FeatureOfInterest").json()
        assert (made["name"], made["feature"]) == (FEATURE["name"], FEATURE["feature"])
        code = made["@iot.id"]
        second = observed(feed, "foi-1", 11, FeatureOfInterest={"@iot.id": code})
        assert second.status_code == 201, second.text
    table = {
        "Datastream": {"@iot.id": "foi-1:ph"},
        "components": ["phenomenonTime", "result", "FeatureOfInterest/id"],
        "dataArray": [[(NOON + timedelta(hours=12)).isoformat(), 9, code]],
    }
    client.post(f"{ROOT}/CreateObservations", json=[table]).raise_for_status()
    with service.client(None) as anybody:
        path = f"FeaturesOfInterest('{code}')/Observations"
        found = get(anybody, path, count="true", expand="Datastream")
        assert (found["@iot.count"], len(found["value"])) == (3, 3)
        own = get(anybody, "FeaturesOfInterest('foi-1')/Observations", count="true")
        assert own["@iot.count"] == 3
        told = get(anybody, "Observations", filter=f"FeatureOfInterest/id eq '{code}'")
        assert len(told["value"]) == 3
        listed = get(anybody, "FeaturesOfInterest", filter=f"id eq '{code}'", expand="Observations")
        assert len(listed["value"][0]["Observations"]) == 3
    show(client, "foi-1", "region")
    with service.client(None) as anybody:
        assert anybody.get(f"{ROOT}/FeaturesOfInterest('{code}')").status_code == 404


def test_one_that_is_none_is_refused_and_nothing_is_left(client: httpx.Client) -> None:
    client.post(f"{ROOT}/Things", json=thing("foi-2")).raise_for_status()
    before = get(client, "FeaturesOfInterest", count="true")["@iot.count"]
    short = {name: value for name, value in FEATURE.items() if name != "encodingType"}
    for told in ({"@iot.id": "nowhere"}, short, "foi-2"):
        answer = observed(client, "foi-2", 10, FeatureOfInterest=told)
        assert answer.status_code == 400
        assert pointers(answer) == ["/FeatureOfInterest"]
    late = observed(client, "foi-2", 10, FeatureOfInterest=FEATURE, result="high")
    assert late.status_code == 400
    assert get(client, "FeaturesOfInterest", count="true")["@iot.count"] == before


def test_a_corrected_value_stays_of_its_feature_whichever_way_it_comes(
    service: Service, client: httpx.Client
) -> None:
    client.post(f"{ROOT}/Things", json=thing("foi-12")).raise_for_status()
    path = observed(client, "foi-12", 10, FeatureOfInterest=FEATURE).headers["Location"]
    at = (NOON + timedelta(hours=10)).isoformat()
    row = {"station": "foi-12", "property": "ph", "time": at, "value": 8}
    with service.client(service.feed) as feed:
        assert feed.post("/observations", json=[row]).json()["revised"] == 1
        assert client.get(f"{path}/FeatureOfInterest").json()["name"] == FEATURE["name"]
        assert observed(feed, "foi-12", 10, result=9).status_code == 201
    assert client.get(f"{path}/FeatureOfInterest").json()["name"] == FEATURE["name"]
    assert client.get(path).json()["result"] == 9


def test_a_value_is_told_to_be_of_its_station_again(client: httpx.Client) -> None:
    client.post(f"{ROOT}/Things", json=thing("foi-10")).raise_for_status()
    own = {"FeatureOfInterest": {"@iot.id": "foi-10"}}

    def feature(hour: int) -> str:
        at = (NOON + timedelta(hours=hour)).strftime("%Y%m%dT%H%M%S.%fZ")
        path = f"{ROOT}/Observations('foi-10:ph:{at}')/FeatureOfInterest"
        return str(client.get(path).json()["name"])

    first, *_ = [
        observed(client, "foi-10", hour, FeatureOfInterest=FEATURE).headers["Location"]
        for hour in (10, 11, 12, 13)
    ]
    assert client.patch(first, json=own).status_code == 200
    assert observed(client, "foi-10", 11, **own).status_code == 201
    assert observed(client, "foi-10", 12, **own, result=8).status_code == 201
    at = (NOON + timedelta(hours=13)).isoformat()
    table = {
        "Datastream": {"@iot.id": "foi-10:ph"},
        "components": ["phenomenonTime", "result", "FeatureOfInterest/id"],
        # Of two for one time, the last one counts.
        "dataArray": [[at, 9, "foi-10"], [at, 7, "foi-10"]],
    }
    client.post(f"{ROOT}/CreateObservations", json=[table]).raise_for_status()
    assert observed(client, "foi-10", 14, **own).status_code == 201
    assert {hour: feature(hour) for hour in range(10, 15)} == dict.fromkeys(
        range(10, 15), feature(0)
    )
    asked = {"station": "foi-10", "revisions": "true"}
    rows = client.get("/observations", params=asked).json()["observations"]
    assert [len(row["revisions"]) for row in rows] == [0, 0, 0, 1, 1, 1, 2, 0]
    # A station without a place is none that a value can be of.
    body = thing("foi-11", Locations=[])
    body["Datastreams"][0]["Observations"] = []
    client.post(f"{ROOT}/Things", json=body).raise_for_status()
    refused = observed(client, "foi-11", 10, FeatureOfInterest={"@iot.id": "foi-11"})
    assert (refused.status_code, pointers(refused)) == (400, ["/FeatureOfInterest"])


def test_one_goes_with_the_values_that_are_of_it(client: httpx.Client) -> None:
    client.post(f"{ROOT}/Things", json=thing("foi-3")).raise_for_status()
    first = observed(client, "foi-3", 10, FeatureOfInterest=FEATURE).headers["Location"]
    code = client.get(f"{first}/FeatureOfInterest").json()["@iot.id"]
    assert client.delete(f"{ROOT}/FeaturesOfInterest('{code}')").status_code == 204
    assert client.get(first).status_code == 404
    assert get(client, "Datastreams('foi-3:ph')/Observations", count="true")["@iot.count"] == 3


def test_the_place_of_a_station_goes_with_the_values_that_are_of_it(client: httpx.Client) -> None:
    client.post(f"{ROOT}/Things", json=thing("foi-5")).raise_for_status()
    first = observed(client, "foi-5", 10, FeatureOfInterest=FEATURE).headers["Location"]
    own = f"{ROOT}/FeaturesOfInterest('foi-5')"
    assert client.delete(own).status_code == 204
    assert client.get(own).status_code == 404
    left = get(client, "Datastreams('foi-5:ph')/Observations")["value"]
    assert [row["@iot.selfLink"] for row in left] == [first]
    # What is observed there later is of it again.
    assert observed(client, "foi-5", 11).status_code == 201
    assert client.get(own).status_code == 200


def test_what_was_observed_stays_where_its_station_was(client: httpx.Client) -> None:
    client.post(f"{ROOT}/Things", json=thing("foi-6")).raise_for_status()
    own = get(client, "FeaturesOfInterest('foi-6')")
    (location,) = get(client, "Things('foi-6')/Locations")["value"]
    assert client.delete(f"{ROOT}/Locations('{location['@iot.id']}')").status_code == 204
    assert get(client, "FeaturesOfInterest('foi-6')") == own
    rows = get(client, "Datastreams('foi-6:ph')/Observations", expand="FeatureOfInterest")
    assert [row["FeatureOfInterest"]["@iot.id"] for row in rows["value"]] == ["foi-6"] * 3
    # Nothing new is of it: the station is nowhere.
    assert observed(client, "foi-6", 12).status_code == 400


def test_a_region_s_feature_is_its_own(service: Service, client: httpx.Client) -> None:
    body = thing("foi-4", properties={"kind": "sea", "region": "there"})
    client.post(f"{ROOT}/Things", json=body).raise_for_status()
    show(client, "foi-4", "signed_in")
    first = observed(client, "foi-4", 10, FeatureOfInterest=FEATURE).headers["Location"]
    code = client.get(f"{first}/FeatureOfInterest").json()["@iot.id"]
    with service.client(service.planner) as planner:
        address = f"{ROOT}/FeaturesOfInterest('{code}')"
        assert planner.patch(address, json={"name": "Mine"}).status_code == 403
        assert planner.delete(address).status_code == 403
        refused = observed(planner, "foi-4", 11, FeatureOfInterest=FEATURE)
        assert refused.status_code in {400, 403}


async def feed_of_here(database_url: str) -> str:
    """A key that sends observations of the region `here`."""
    scopes, roles = [Scope.READ, Scope.OBSERVE], [RoleGiven(Role.FEED, "here")]
    async with open_sessions(database_url) as sessions, sessions.begin() as session:
        return await create_key(session, name="feed of here", scopes=scopes, roles=roles)


def test_another_region_s_hidden_feature_is_as_if_it_were_not_there(
    service: Service, client: httpx.Client, database_url: str
) -> None:
    key = asyncio.run(feed_of_here(database_url))
    for code, region in (("foi-7", "there"), ("foi-8", "here")):
        body = thing(code, properties={"kind": "sea", "region": region})
        client.post(f"{ROOT}/Things", json=body).raise_for_status()
    show(client, "foi-8", "signed_in")
    first = observed(client, "foi-7", 10, FeatureOfInterest=FEATURE).headers["Location"]
    code = client.get(f"{first}/FeatureOfInterest").json()["@iot.id"]
    with service.client(key) as feed:
        assert feed.get(f"{ROOT}/FeaturesOfInterest('{code}')").status_code == 404
        told = [
            observed(feed, "foi-8", 11, FeatureOfInterest={"@iot.id": one}).json()
            for one in (code, "nowhere")
        ]
        assert told[0]["status"] == 400
        assert told[0]["errors"] == told[1]["errors"]
        wrong = [(18, 7), (18, ""), (18, ["foi-8"]), (18, {"@iot.id": "foi-8"})]
        table = {
            "Datastream": {"@iot.id": "foi-8:ph"},
            "components": ["phenomenonTime", "result", "FeatureOfInterest/id"],
            "dataArray": [
                [(NOON + timedelta(hours=hour)).isoformat(), 9, one]
                for hour, one in ((12, code), (13, "nowhere"), (14, "foi-8"), *wrong)
            ],
        }
        told = feed.post(f"{ROOT}/CreateObservations", json=[table]).json()
        hidden, missing, own = told[:3]
        assert [hidden, *told[3:]] == [missing] * 5
        assert hidden.startswith("error:")
        assert own.startswith("http"), own
        # One of its own, made with a value or bound, is as before.
        made = observed(feed, "foi-8", 15, FeatureOfInterest=FEATURE)
        assert made.status_code == 201, made.text
        mine = feed.get(f"{made.headers['Location']}/FeatureOfInterest").json()["@iot.id"]
        bound = observed(feed, "foi-8", 16, FeatureOfInterest={"@iot.id": mine})
        assert bound.status_code == 201, bound.text
        # It may not read of its station, and goes on sending what is observed there.
        show(client, "foi-8", "region")
        assert feed.get(f"{ROOT}/FeaturesOfInterest('{mine}')").status_code == 404
        bound = observed(feed, "foi-8", 17, FeatureOfInterest={"@iot.id": mine})
        assert bound.status_code == 201, bound.text
    assert client.delete(f"{ROOT}/FeaturesOfInterest('{code}')").status_code == 204
