"""OGC API - Processes 1.0: each test is named after a requirement of the class `core` and others.

A worker is played: it takes what waits and ends it with what `echo` answers.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI
from openapi_spec_validator import OpenAPIV30SpecValidator
from sqlalchemy import select

from shanhai.db.queries.audit import Act
from shanhai.db.tables.delivery import Delivery
from shanhai.db.tables.job import Job
from shanhai.jobs import states
from shanhai.jobs.messages import Failure
from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.echo.contract import EchoInputs
from shanhai.settings import OutgoingSettings, PublicSettings
from shanhai.vocabulary import Label
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration, ServiceState
from tests.service.api.ogc.conftest import in_process
from tests.service.api.ogc.process_schemas import conform
from tests.service.api.ogc.reading import (
    BASE,
    Json,
    get,
    link,
    operation,
    parameter,
    refused,
    resolved,
)
from tests.support.feature_rows import add_job, forget_features
from tests.support.job_rows import claim_job, open_sessions
from tests.support.serving import serving
from tests.support.workers import eventually

P = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf"
REL = "http://www.opengis.net/def/rel/ogc/1.0"
EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"
ECHO = "/processes/echo/execution"
ASYNC = {"Prefer": "respond-async"}
NAMES = list(CONTRACTS)
FAIL = "fail"
"""A message the played worker fails on."""
PLACE = {
    "type": "Polygon",
    "coordinates": [[[118, 24.4], [118.1, 24.4], [118.1, 24.5], [118, 24.4]]],
}
POINT = {"type": "Point", "coordinates": [118.1, 24.4]}
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
TIFF = "image/tiff; application=geotiff"
WRAPPED = {"mediaType": "application/json"}
BOX = {"crs": CRS84, "bbox": [118.0, 24.0, 119.0, 25.0]}
"""In the order in which jsonb keeps it."""
EVERY_KIND: dict[str, tuple[Any, Any, str, bytes]] = {
    "message": ("山海", "山海", "text/plain", "山海".encode()),
    "number": (2.5, 2.5, "application/json", b"2.5"),
    "array": ([1, 2], [1, 2], "application/json", b"[1,2]"),
    "bbox": ({"bbox": [118, 24, 119, 25]}, BOX, "application/json", orjson.dumps(BOX)),
    "object": (
        {"value": {"a": [1]}},
        {"value": {"a": [1]}, **WRAPPED},
        "application/json",
        b'{"a":[1]}',
    ),
    "geometry": (
        {"value": POINT},
        {"value": POINT, "mediaType": "application/geo+json"},
        "application/geo+json",
        orjson.dumps(POINT),
    ),
    "binary": (
        {"value": "SUkqAA==", "format": {"mediaType": TIFF, "encoding": "base64"}},
        {"value": "SUkqAA==", "mediaType": TIFF, "encoding": "base64"},
        TIFF,
        b"II*\0",
    ),
    "mixed": ({"value": {"b": 1}}, {"value": {"b": 1}, **WRAPPED}, "application/json", b'{"b":1}'),
}
"""What is sent, what a document tells of it, and what it is alone."""
EVERY = pytest.mark.parametrize("name", NAMES)


async def work(state: ServiceState) -> None:
    """Take jobs and end them, those that are to pause when they are dismissed, until cancelled."""
    paused: list[states.Lease] = []
    while True:
        async with state.sessions.begin() as session:
            claim = await claim_job(session, worker="played", lease_s=600)
            if claim is not None and claim.task["inputs"].get("pause", 1):
                paused.append(claim.lease)
            elif claim is not None:
                await end(session, claim)
            for lease in list(paused):
                if await states.look(session, lease) is states.Standing.CANCELLED:
                    await states.dismiss(session, lease)
                    paused.remove(lease)
        await asyncio.sleep(0.02)


async def end(session: Any, claim: states.Claim) -> None:
    asked = EchoInputs.model_validate(claim.task["inputs"])
    if asked.message == FAIL:
        failure = Failure("invalid", Label("坏输入", "bad input"))
        await states.fail(session, claim.lease, failure)
        return
    result = {"values": asked.values(), "manifest": {"seed": 0}}
    await states.succeed(session, claim.lease, result=result)


@pytest.fixture(scope="module")
def state(app: FastAPI) -> ServiceState:
    state: ServiceState = app.state.service
    return state


@pytest.fixture(scope="module", autouse=True)
async def worker(state: ServiceState, database_url: str) -> AsyncIterator[None]:
    async with open_sessions(database_url) as sessions, sessions.begin() as session:
        await forget_features(session)  # and the jobs that tests before have left waiting
    working = asyncio.create_task(work(state))
    yield
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working


@pytest.fixture(scope="module")
async def assessed(state: ServiceState) -> dict[str, str]:
    """Jobs that ended with two values, by the form asked for."""
    forms: dict[str, Json | None] = {
        "nothing": None,
        "document": {"response": "document"},
        "raw": {"response": "raw"},
        "raw one": {"response": "raw", "outputs": {"scheme": None}},
        "raw references": {
            "response": "raw",
            "outputs": {"scheme": "reference", "layers": "reference"},
        },
        "raw mixed": {"response": "raw", "outputs": {"scheme": "value", "layers": "reference"}},
        "document mixed": {"outputs": {"scheme": "value", "layers": "reference"}},
    }
    values = {"scheme": "a", "layers": {"zones": "z"}}
    jobs = {}
    async with state.sessions.begin() as session:
        for name, form in forms.items():
            job = await add_job(
                session,
                kind="delineate-zones",
                status="successful",
                progress=100,
                result={"values": values, "outputs": {}},
                result_form=form,
            )
            jobs[name] = str(job.id)
    return jobs


async def execute(client: httpx.AsyncClient, headers: Json | None = None, **body: Any) -> Any:
    """The answer of echo."""
    asked = {"inputs": {"message": "teststring"}, **body}
    return await client.post(ECHO, json=asked, headers=headers)


async def reached(client: httpx.AsyncClient, address: str, *states: str) -> Json:
    """A job's statusInfo, once it is in one of the states."""
    found: Json = {}

    async def so() -> bool:
        nonlocal found
        found = await get(client, address)
        return found["status"] in states

    await eventually(so)
    return found


async def ended(client: httpx.AsyncClient, address: str) -> Json:
    """A job's statusInfo, once it has ended."""
    return await reached(client, address, "successful", "failed", "dismissed")


def parts_of(answer: httpx.Response) -> dict[str, EmailMessage]:
    """The parts of a multipart body by their names."""
    assert answer.headers["content-type"].startswith("multipart/related")
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(EmailMessage, policy=HTTP).parsebytes(head + answer.content)
    assert isinstance(message, EmailMessage)
    parts = [part for part in message.iter_parts() if isinstance(part, EmailMessage)]
    return {str(part["Content-ID"]): part for part in parts}


class TestLandingPage:
    async def test_req_core_landingpage_op(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/")).status_code == 200

    async def test_req_core_landingpage_success(self, client: httpx.AsyncClient) -> None:
        document = await get(client, "/")
        conform("landingPage", document)
        assert link(document, "service-desc") or link(document, "service-doc")
        for rel in (f"{REL}/conformance", f"{REL}/processes", f"{REL}/job-list"):
            address = link(document, rel)
            assert address is not None, rel

    async def test_req_core_conformance_success(self, client: httpx.AsyncClient) -> None:
        document = await get(client, "/conformance")
        conform("confClasses", document)
        classes = ("core", "json", "html", "oas30", "ogc-process-description", "job-list")
        assert {f"{P}/{name}" for name in (*classes, "dismiss")} <= set(document["conformsTo"])

    async def test_req_core_api_definition(self, client: httpx.AsyncClient) -> None:
        """api-definition-op and -success: each definition the landing page names is there."""
        links = (await get(client, "/"))["links"]
        named = [item for item in links if item["rel"] in {"service-desc", "service-doc"}]
        assert named
        for item in named:
            answer = await client.get(item["href"], headers={"Accept": item["type"]})
            assert answer.status_code == 200
            kind = item["type"].partition(";")[0]
            assert answer.headers["content-type"].partition(";")[0] == kind


class TestProcessList:
    async def test_req_core_pl_limit_definition(self, definition: Json) -> None:
        found = parameter(definition, "/processes", "limit")
        assert (found["in"], found["required"]) == ("query", False)
        schema = found["schema"]
        assert schema["type"] == "integer"
        assert 1 == schema["minimum"] <= schema["default"] <= schema["maximum"]

    async def test_req_core_pl_limit_response(self, client: httpx.AsyncClient) -> None:
        for limit in (1, 3, 1000):
            page = await get(client, "/processes", limit=str(limit))
            assert len(page["processes"]) == min(limit, len(NAMES))

    async def test_req_core_pl_links(self, client: httpx.AsyncClient) -> None:
        seen: list[str] = []
        address: str | None = "/processes?limit=4&lang=zh"
        while address is not None:
            page = await get(client, address)
            assert link(page, "self", "application/json")
            assert link(page, "alternate", "text/html")
            seen += [item["id"] for item in page["processes"]]
            address = link(page, "next")
            assert address is None or "lang=zh" in address
        assert seen == NAMES
        refused(await client.get("/processes?cursor=nothing"), 400, "cursor")

    async def test_req_core_process_list(self, client: httpx.AsyncClient) -> None:
        assert (await client.get("/processes")).status_code == 200

    async def test_req_core_process_list_success(self, client: httpx.AsyncClient) -> None:
        document = await get(client, "/processes")
        conform("processList", document)
        for item in document["processes"]:
            assert link(item, "self") == f"{BASE}/processes/{item['id']}"

    async def test_rec_core_links_of_a_page(self, client: httpx.AsyncClient) -> None:
        """`self` and `alternate` are this very page, whatever it was asked for with."""
        second = link(await get(client, "/processes", limit="3"), "next")
        assert second is not None
        page = await get(client, second)
        address = link(page, "self", "application/json")
        assert address is not None
        assert (await get(client, address))["processes"] == page["processes"]
        other = await client.get(link(page, "alternate", "text/html") or "")
        assert NAMES[3] in other.text
        assert NAMES[0] not in other.text


class TestProcess:
    @EVERY
    async def test_req_core_process(self, client: httpx.AsyncClient, name: str) -> None:
        assert (await client.get(f"/processes/{name}")).status_code == 200

    @EVERY
    async def test_req_core_process_success(self, client: httpx.AsyncClient, name: str) -> None:
        for lang in ("zh", "en"):
            document = await get(client, f"/processes/{name}", lang=lang)
            conform("process", document)
            assert document["id"] == name
            assert link(document, f"{REL}/execute") is not None

    async def test_req_core_process_exception_no_such_process(
        self, client: httpx.AsyncClient, editor: httpx.AsyncClient
    ) -> None:
        asked = {"inputs": {"message": "x"}}
        for answer in (
            await client.get("/processes/nothing"),
            await editor.post("/processes/nothing/execution", json=asked),
        ):
            problem = refused(answer, 404)
            assert problem["type"] == f"{EXCEPTIONS}/no-such-process"
            conform("exception", problem)

    @EVERY
    async def test_req_ogc_process_description(self, client: httpx.AsyncClient, name: str) -> None:
        """json-encoding, inputs-def, input-def, input-mixed-type, outputs-def and so on."""
        document = await get(client, f"/processes/{name}")
        assert document["inputs"]
        assert document["outputs"]
        for item in document["inputs"].values():
            conform("inputDescription", item)
            for option in (*item["schema"].get("anyOf", ()), *item["schema"].get("oneOf", ())):
                conform("schema", option)
        for item in document["outputs"].values():
            conform("outputDescription", item)


class TestJobCreation:
    async def test_req_core_job_creation_op(self, editor: httpx.AsyncClient) -> None:
        answer = await execute(editor, ASYNC)
        assert answer.status_code == 201
        # As the suite asks: without a wish for a format.
        status = await editor.get(answer.headers["location"], headers={"Accept": ""})
        conform("statusInfo", status.json())

    async def test_req_core_job_creation_request(
        self, editor: httpx.AsyncClient, definition: Json
    ) -> None:
        body = operation(definition, "/processes/{process}/execution", "post")["requestBody"]
        members = body["content"]["application/json"]["schema"]["properties"]
        assert {"inputs", "outputs", "response"} <= members.keys()
        wanted = {"message": {"transmissionMode": "value", "format": {"mediaType": "text/plain"}}}
        assert (await execute(editor, outputs=wanted, response="raw")).status_code == 200
        described = (await get(editor, "/processes/echo"))["outputs"]
        for name, encoding in (("message", "utf-8"), ("object", "UTF-8"), ("binary", "base64")):
            form = {"encoding": encoding, "schema": described[name]["schema"]}
            answer = await execute(editor, outputs={name: {"format": form}})
            assert answer.status_code == 200, answer.text

    async def test_req_core_job_creation_inputs(self, editor: httpx.AsyncClient) -> None:
        for message in ("teststring", {"value": "teststring", "mediaType": "text/plain"}):
            answer = await execute(editor, inputs={"message": message})
            assert answer.text == "teststring"

    async def test_req_core_job_creation_input_inline(self, editor: httpx.AsyncClient) -> None:
        answer = await execute(editor, inputs={"message": "山海", "pause": 0})
        assert answer.text == "山海"

    async def test_req_core_job_creation_input_inline_object(
        self, editor: httpx.AsyncClient
    ) -> None:
        """An object is wrapped, so that it is not taken for a link."""
        for geometry in (PLACE, {"value": PLACE}, {"value": PLACE, "mediaType": "a/b"}):
            answer = await editor.post(
                "/processes/check-compliance/execution", json={"inputs": {"geometry": geometry}}
            )
            assert answer.status_code == 200, answer.text
            assert "result" in answer.json()

    async def test_req_core_job_creation_input_array(self, editor: httpx.AsyncClient) -> None:
        inputs = {"geometry": {"value": PLACE}, "lines": ["red_line", "island"]}
        address = "/processes/check-compliance/execution"
        assert (await editor.post(address, json={"inputs": inputs})).status_code == 200
        inputs["lines"] = "red_line"
        refused(await editor.post(address, json={"inputs": inputs}), 400, "/inputs/lines")

    async def test_req_core_job_creation_input_inline_bbox(
        self, client: httpx.AsyncClient, editor: httpx.AsyncClient
    ) -> None:
        described = (await get(client, "/processes/seed-tiles"))["inputs"]["bbox"]["schema"]
        assert described["maxItems"] == 4
        answer = await editor.post(
            "/processes/seed-tiles/execution",
            json={"inputs": {"layer": "nothing", "bbox": [1, 2, 3]}},
        )
        refused(answer, 400, "/inputs/bbox/3")

        async def seed(box: Any) -> httpx.Response:
            asked = {"inputs": {"layers": ["nothing"], "bbox": box}}
            return await editor.post("/processes/seed-tiles/execution", json=asked)

        corners, crs84 = [118, 24, 119, 25], "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
        for box in (
            corners,
            {"bbox": corners},
            {"bbox": corners, "crs": crs84},
            {"value": {"bbox": corners}},
        ):
            assert (await seed(box)).status_code == 201
        refused(await seed({"bbox": corners, "crs": "EPSG:3857"}), 400, "/inputs/bbox/crs")
        refused(await seed({"bbox": [1, 2]}), 400, "/inputs/bbox/2")
        refused(await seed({"bbox": corners, "epsg": 4326}), 400, "/inputs/bbox")

    @pytest.mark.parametrize("name", EVERY_KIND)
    async def test_req_core_job_creation_input_of_every_kind(
        self, editor: httpx.AsyncClient, name: str
    ) -> None:
        """Each is described, given back in a document as it can be sent again, and raw as it is."""
        sent, told, media_type, raw = EVERY_KIND[name]
        described = (await get(editor, "/processes/echo"))["inputs"][name]
        conform("inputDescription", described)
        document = await execute(editor, inputs={name: sent}, response="document")
        assert document.json() == {name: told}
        again = await execute(editor, inputs={name: told}, response="document")
        assert again.json() == {name: told}
        answer = await execute(editor, inputs={name: sent}, response="raw")
        assert (answer.headers["content-type"].partition("; charset")[0], answer.content) == (
            media_type,
            raw,
        )

    async def test_req_core_job_creation_sync_raw_of_every_kind(
        self, editor: httpx.AsyncClient
    ) -> None:
        sent = {name: kind[0] for name, kind in EVERY_KIND.items()}
        parts = parts_of(await execute(editor, inputs=sent, response="raw"))
        assert {name: (part.get_payload(decode=True)) for name, part in parts.items()} == {
            name: kind[3] for name, kind in EVERY_KIND.items()
        }
        some = parts_of(
            await execute(editor, inputs=sent, response="raw", outputs={"number": {}, "binary": {}})
        )
        assert some.keys() == {"number", "binary"}
        one = await execute(editor, inputs=sent, response="raw", outputs={"geometry": {}})
        assert one.json() == POINT
        made = await execute(editor, ASYNC, inputs=sent)
        await ended(editor, made.headers["location"])
        for name, (_, _, media_type, raw) in EVERY_KIND.items():
            output = await editor.get(f"{made.headers['location']}/results/{name}")
            assert output.content == raw
            assert output.headers["content-type"].partition("; charset")[0] == media_type

    @pytest.mark.parametrize(
        ("name", "sent"),
        [
            ("number", "5"),
            ("number", True),
            ("array", "text"),
            ("array", ["a"]),
            ("array", [1.5]),
            ("bbox", {"bbox": [1, 2, 3]}),
            ("object", "text"),
            ("object", {"value": "text", "mediaType": "text/plain"}),
            ("geometry", {"type": "Point", "coordinates": ["118", "24"]}),
            ("geometry", {"type": "Circle", "coordinates": [1, 2]}),
            ("binary", "not base64!"),
            ("binary", {"value": "AAAA", "mediaType": "text/html"}),
            ("binary", {"type": "wrong/type"}),
            ("mixed", 5),
        ],
    )
    async def test_req_core_job_creation_input_of_another_kind(
        self, editor: httpx.AsyncClient, name: str, sent: Any
    ) -> None:
        answer = await execute(editor, inputs={name: sent})
        problem = refused(answer, 400)
        assert problem["errors"][0]["pointer"].startswith(f"/inputs/{name}")

    async def test_an_object_may_have_a_member_value(self, editor: httpx.AsyncClient) -> None:
        answer = await execute(editor, inputs={"object": {"value": "text"}}, response="raw")
        assert answer.json() == {"value": "text"}

    async def test_nothing_is_nothing_to_return(self, editor: httpx.AsyncClient) -> None:
        refused(await execute(editor, inputs={"pause": 0}), 400, "/inputs")

    async def test_req_core_job_creation_input_ref(self, editor: httpx.AsyncClient) -> None:
        """No host is listed here, and nothing is fetched."""
        answer = await execute(editor, inputs={"message": {"href": "http://127.0.0.1:1/"}})
        refused(answer, 400, "/inputs/message")

    async def test_req_core_job_creation_input_ref_from_a_listed_host(
        self, plan_configuration: Configuration, plan_key: str
    ) -> None:
        held = {
            "/text": ("text/plain; charset=utf-8", "山海".encode()),
            "/object": ("application/json", b'{"a": 1}'),
            "/image": ("image/png", b"\x89PNG"),
            "/tiff": ("image/tiff", b"II*\0"),
            "/bytes": ("application/octet-stream", b"II*\0"),
            "/broken": ("application/json", b"{"),
            "/page": ("text/html", b"\xff"),
        }

        async def hold(scope: Any, _receive: Any, send: Any) -> None:
            kind, content = held.get(scope["path"], ("text/plain", b""))
            status = 200 if scope["path"] in held else 404
            headers = [(b"content-type", kind.encode())]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": content})

        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            host = f"127.0.0.1:{listener.getsockname()[1]}"
            outgoing = OutgoingSettings(http_hosts=(host,), networks=(ip_network("127.0.0.0/8"),))
            app = create_app(replace(plan_configuration, outgoing=outgoing))
            server = uvicorn.Server(uvicorn.Config(hold, lifespan="off", log_level="error"))
            with serving(server, listener):
                async with app.router.lifespan_context(app), in_process(app, plan_key) as client:
                    await self.refer(client, f"http://{host}")
                    await self.repeat(client, f"http://{host}/text", held)
                async with app.router.lifespan_context(app), in_process(app) as anybody:
                    refused(await execute(anybody, inputs={"message": {"href": host}}), 401)

    async def refer(self, client: httpx.AsyncClient, base: str) -> None:
        def at(path: str) -> Json:
            return {"href": f"{base}{path}"}

        sent = {"message": at("/text"), "object": at("/object"), "binary": at("/image")}
        answer = await execute(client, inputs=sent, response="document")
        assert answer.json() == {
            "message": "山海",
            "object": {"value": {"a": 1}, **WRAPPED},
            "binary": {"value": "iVBORw==", "mediaType": "image/png", "encoding": "base64"},
        }
        # Hosts seldom know as well as the caller what their bytes are.
        geotiff = "image/tiff; application=geotiff"
        for path in ("/tiff", "/bytes"):
            for said in ({"type": geotiff}, {"format": {"mediaType": geotiff}}):
                inputs = {"binary": {**at(path), **said}}
                answer = await execute(client, inputs=inputs, response="document")
                assert answer.json()["binary"]["mediaType"] == geotiff
        other = {"binary": {**at("/image"), "type": geotiff}}
        answer = await execute(client, inputs=other, response="document")
        assert answer.json()["binary"]["mediaType"] == "image/png"
        for path in ("/broken", "/page", "/nothing", "/image"):
            answer = await execute(client, inputs={"message": at(path)})
            told = refused(answer, 400)["errors"][0]
            assert told["pointer"].startswith("/inputs/message"), path
        elsewhere = {"message": {"href": "http://127.0.0.2/x"}}
        refused(await execute(client, inputs=elsewhere), 400, "/inputs/message")

    async def repeat(
        self, client: httpx.AsyncClient, address: str, held: dict[str, tuple[str, bytes]]
    ) -> None:
        """What was accepted is answered again, though nothing is at the address any more."""
        inputs, key = {"message": {"href": address}}, {"Idempotency-Key": "again"}
        first = await execute(client, {**ASYNC, **key}, inputs=inputs)
        assert first.status_code == 201
        await ended(client, first.headers["location"])
        del held["/text"]
        again = await execute(client, {**ASYNC, **key}, inputs=inputs)
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["location"] == first.headers["location"]
        assert again.headers["idempotency-replayed"] == "true"
        waiting = await execute(client, key, inputs=inputs, response="document")
        refused(waiting, 422)
        waiting = await execute(client, key, inputs=inputs)
        assert (waiting.status_code, waiting.text) == (200, "山海")
        refused(await execute(client, inputs=inputs), 400, "/inputs/message")

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"inputs": {"message": 5}}, "/inputs/message"),
            ({"inputs": {"message": {"type": "wrong/type"}}}, "/inputs/message"),
            ({"outputs": {"noise": {}}}, "/outputs/noise"),
            (
                {"outputs": {"message": {"transmissionMode": "ref"}}},
                "/outputs/message/transmissionMode",
            ),
            (
                {"outputs": {"message": {"format": {"mediaType": "image/tiff"}}}},
                "/outputs/message/format/mediaType",
            ),
            (
                {"outputs": {"message": {"format": {"encoding": "base64"}}}},
                "/outputs/message/format/encoding",
            ),
            *(
                (
                    {"outputs": {"binary": {"format": {"encoding": "base64", "schema": schema}}}},
                    "/outputs/binary/format/schema",
                )
                for schema in ({"type": "string"}, "https://example.org/schema.json")
            ),
            (
                {"outputs": {"message": {"format": {"size": 1}}}},
                "/outputs/message/format/size",
            ),
            ({"response": "loud"}, "/response"),
            ({"unique": -1}, "/unique"),
            ({"unique": 1.5}, "/unique"),
            ({"unique": "yes"}, "/unique"),
            ({"invalid-execute-request": "true"}, "/invalid-execute-request"),
        ],
    )
    async def test_req_core_job_creation_input_validation(
        self, editor: httpx.AsyncClient, body: Json, pointer: str
    ) -> None:
        problem = refused(await execute(editor, **body), 400, pointer)
        conform("exception", problem)

    async def test_req_core_job_creation_default_execution_mode(
        self, editor: httpx.AsyncClient
    ) -> None:
        answer = await execute(editor)
        assert answer.status_code == 200
        assert "preference-applied" not in answer.headers

    async def test_req_core_job_creation_auto_execution_mode(
        self, editor: httpx.AsyncClient
    ) -> None:
        for wish in ("respond-async", "respond-async ", "wait=0, respond-async"):
            answer = await execute(editor, {"Prefer": wish})
            assert answer.status_code == 201
            assert "respond-async" in answer.headers["preference-applied"]

    @pytest.mark.parametrize(
        ("headers", "status", "applied"),
        [
            ([("Prefer", "wait=5"), ("Prefer", "respond-async")], 200, "respond-async, wait=5"),
            ([("Prefer", 'respond-async; why="a, b"')], 201, "respond-async"),
            ([("Prefer", 'x="respond-async, y", wait="7"')], 200, "wait=7"),
            ([("Prefer", "WAIT = 3, wait=0")], 200, "wait=3"),
            ([("Prefer", "wait=soon, return=minimal")], 200, None),
            ([("Prefer", "wait=999999")], 200, "wait=20"),
        ],
    )
    async def test_req_core_prefer_header(
        self,
        editor: httpx.AsyncClient,
        headers: list[tuple[str, str]],
        status: int,
        applied: str | None,
    ) -> None:
        """`Prefer` as RFC 7240 has it: several headers, quotes, parameters, the first of a kind."""
        answer = await editor.post(ECHO, json={"inputs": {"message": "x"}}, headers=headers)
        assert answer.status_code == status
        assert answer.headers.get("preference-applied") == applied

    async def test_req_core_job_creation_default_outputs(self, editor: httpx.AsyncClient) -> None:
        nothing: tuple[Json | None, ...] = (None, {})
        for outputs in nothing:
            answer = await execute(editor, outputs=outputs, response="document")
            assert answer.json() == {"message": "teststring"}

    async def test_req_core_job_creation_success_async(self, editor: httpx.AsyncClient) -> None:
        answer = await execute(editor, ASYNC)
        assert answer.status_code == 201
        conform("statusInfo", answer.json())
        assert answer.json()["status"] == "accepted"
        status = await ended(editor, answer.headers["location"])
        assert (status["status"], status["progress"]) == ("successful", 100)

    async def test_req_core_job_creation_sync_document(self, editor: httpx.AsyncClient) -> None:
        answer = await execute(editor, response="document")
        assert answer.headers["content-type"] == "application/json"
        conform("results", answer.json())
        assert answer.json() == {"message": "teststring"}

    async def test_req_core_job_creation_sync_raw_value_one(
        self, editor: httpx.AsyncClient
    ) -> None:
        answer = await execute(editor, response="raw")
        assert (answer.status_code, answer.text) == (200, "teststring")
        assert answer.headers["content-type"].startswith("text/plain")
        as_json = await execute(editor, {"Accept": "application/json"}, response="raw")
        assert as_json.json() == "teststring"
        assert as_json.headers["content-type"] == "application/json"
        # What was computed is told, whatever the caller takes; nothing is computed to be refused.
        page = await execute(editor, {"Accept": "text/html"}, response="raw")
        assert (page.status_code, page.text) == (200, "teststring")

    async def test_req_core_job_creation_sync_raw_ref(self, editor: httpx.AsyncClient) -> None:
        wanted = {"message": {"transmissionMode": "reference"}}
        answer = await execute(editor, response="raw", outputs=wanted)
        assert (answer.status_code, answer.content) == (204, b"")
        address = answer.links["item"]["url"]
        assert (await editor.get(address)).text == "teststring"
        document = (await execute(editor, response="document", outputs=wanted)).json()
        conform("link", document["message"])
        assert (await editor.get(document["message"]["href"])).text == "teststring"

    async def test_quick_answers_keep_to_the_form(self, editor: httpx.AsyncClient) -> None:
        inputs = {"geometry": {"value": PLACE}}
        address = "/processes/check-compliance/execution"
        raw = await editor.post(address, json={"inputs": inputs, "response": "raw"})
        document = await editor.post(address, json={"inputs": inputs})
        assert document.json()["result"].keys() == raw.json().keys()


class TestAnybody:
    """What those without identity may run, where the operator wants it."""

    @pytest.fixture
    async def anybody(
        self, plan_configuration: Configuration, plan_key: str
    ) -> AsyncIterator[httpx.AsyncClient]:
        public = plan_configuration.public.model_copy(update={"public_echo": True})
        app = create_app(replace(plan_configuration, public=public))
        async with app.router.lifespan_context(app), in_process(app) as client:
            yield client

    async def test_echo_is_run_only_where_that_is_set(
        self, anybody: httpx.AsyncClient, client: httpx.AsyncClient
    ) -> None:
        refused(await execute(client), 401)
        answer = await execute(anybody)
        assert (answer.status_code, answer.text) == (200, "teststring")

    async def test_the_job_is_seen_and_followed(self, anybody: httpx.AsyncClient) -> None:
        made = await execute(anybody, ASYNC)
        assert made.status_code == 201
        status = await ended(anybody, made.headers["location"])
        results = await get(anybody, link(status, f"{REL}/results") or "")
        assert results == {"message": "teststring"}
        listed = (await get(anybody, "/jobs"))["jobs"]
        assert status["jobID"] in {job["jobID"] for job in listed}

    async def test_jobs_of_others_stay_hidden(
        self, anybody: httpx.AsyncClient, editor: httpx.AsyncClient
    ) -> None:
        made = await execute(editor, ASYNC)
        refused(await anybody.get(made.headers["location"]), 404)
        assert not {job["jobID"] for job in (await get(anybody, "/jobs?limit=1000"))["jobs"]} & {
            made.json()["jobID"]
        }

    @pytest.mark.parametrize(
        "asked",
        [
            {"inputs": {"message": "x", "pause": 11}},
            {"priority": "high"},
            {"subscriber": {"successUri": "https://hooks.example.org/"}},
            {"inputs": {"message": {"href": "https://example.org/"}}},
        ],
    )
    async def test_what_would_harm_others_needs_an_identity(
        self, anybody: httpx.AsyncClient, asked: Json
    ) -> None:
        refused(await execute(anybody, **asked), 401)

    async def test_nothing_else_is_run(self, anybody: httpx.AsyncClient) -> None:
        answer = await anybody.post("/processes/seed-tiles/execution", json={"inputs": {}})
        refused(answer, 401)
        made = await execute(anybody, ASYNC)
        refused(await anybody.delete(made.headers["location"]), 401)

    async def test_it_needs_public_reading(self) -> None:
        with pytest.raises(ValueError, match="SHANHAI_PUBLIC_READ"):
            PublicSettings(public_echo=True)


class TestJob:
    async def test_req_core_job_op(self, editor: httpx.AsyncClient) -> None:
        made = await execute(editor, ASYNC)
        assert (await editor.get(made.headers["location"])).status_code == 200

    async def test_req_core_job_success(self, editor: httpx.AsyncClient) -> None:
        made = await execute(editor, ASYNC)
        status = await ended(editor, made.headers["location"])
        conform("statusInfo", status)
        assert status["created"] <= status["started"] <= status["finished"]
        assert link(status, f"{REL}/results") == f"{made.headers['location']}/results"

    async def test_req_core_job_exception_no_such_job(self, editor: httpx.AsyncClient) -> None:
        for job in ("invalid-job-1", "00000000-0000-0000-0000-000000000000"):
            for below in ("", "/results", "/events", "/manifest"):
                problem = refused(await editor.get(f"/jobs/{job}{below}"), 404)
                assert problem["type"] == f"{EXCEPTIONS}/no-such-job"
                conform("exception", problem)

    async def test_events_tell_each_state(self, editor: httpx.AsyncClient) -> None:
        made = await execute(editor, ASYNC)
        answer = await editor.get(f"{made.headers['location']}/events")
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert '"status":"successful"' in answer.text.rstrip().rpartition("\n")[2]

    async def test_monitor_is_the_status_and_events_have_a_relation_of_their_own(
        self, editor: httpx.AsyncClient
    ) -> None:
        made = await execute(editor, ASYNC)
        by_rel = {item["rel"]: item for item in made.json()["links"]}
        assert by_rel["monitor"]["type"] == "application/json"
        await ended(editor, made.headers["location"])
        status = await get(editor, made.headers["location"])
        by_rel = {item["rel"]: item for item in status["links"]}
        assert by_rel["monitor"]["type"] == "application/json"
        assert await get(editor, by_rel["monitor"]["href"]) == status
        events = by_rel["urn:shanhai:rel:events"]
        assert (events["href"], events["type"]) == (
            f"{made.headers['location']}/events",
            "text/event-stream",
        )

    async def test_events_honour_accept(self, editor: httpx.AsyncClient) -> None:
        made = await execute(editor, ASYNC)
        address = f"{made.headers['location']}/events"
        await ended(editor, made.headers["location"])
        told = await editor.get(address, headers={"Accept": "application/json"})
        assert told.headers["content-type"] == "application/json"
        assert told.json() == await get(editor, made.headers["location"])
        assert (await editor.get(address, params={"f": "json"})).json() == told.json()
        for accept in ("text/event-stream", "*/*", "text/html,*/*;q=0.8"):
            answer = await editor.get(address, headers={"Accept": accept})
            assert answer.headers["content-type"].startswith("text/event-stream"), accept
        refused(await editor.get(address, headers={"Accept": "image/png"}), 406)
        refused(await editor.get(address, params={"f": "png"}), 400)

    async def test_events_go_on_from_what_was_seen(self, editor: httpx.AsyncClient) -> None:
        made = await execute(editor, ASYNC)
        address = f"{made.headers['location']}/events"
        events = (await editor.get(address)).text.split("\n\n")
        last = events[-2].partition("id: ")[2].partition("\n")[0]
        again = await editor.get(address, headers={"Last-Event-ID": "something"})
        assert last in again.text
        known = await editor.get(address, headers={"Last-Event-ID": last})
        assert (known.status_code, known.content) == (204, b"")

    async def test_links_keep_the_language(self, editor: httpx.AsyncClient) -> None:
        made = await execute(editor, ASYNC)
        await ended(editor, made.headers["location"])
        for address in (made.headers["location"], f"{made.headers['location']}/results"):
            for lang in ("zh", "en"):
                status = await editor.get(address, params={"lang": lang})
                links = status.json().get("links", ())
                assert all(item["href"].endswith(f"?lang={lang}") for item in links)
        plain = (await get(editor, made.headers["location"]))["links"]
        assert not any("lang=" in item["href"] for item in plain)


class TestResults:
    async def test_req_core_job_results(self, editor: httpx.AsyncClient) -> None:
        made = await execute(editor, ASYNC)
        await ended(editor, made.headers["location"])
        results = await get(editor, f"{made.headers['location']}/results")
        conform("results", results)
        assert results == {"message": "teststring"}
        assert (await get(editor, f"{made.headers['location']}/manifest")) == {"seed": 0}

    async def test_req_core_job_results_sync(self, editor: httpx.AsyncClient) -> None:
        answer = await execute(editor)
        status = await get(editor, answer.links["monitor"]["url"])
        assert status["status"] == "successful"

    async def test_req_core_job_results_async_raw_value_one(
        self, editor: httpx.AsyncClient, assessed: dict[str, str]
    ) -> None:
        made = await execute(editor, ASYNC, response="raw")
        await ended(editor, made.headers["location"])
        answer = await editor.get(f"{made.headers['location']}/results")
        assert answer.text == "teststring"
        one = await editor.get(f"/jobs/{assessed['raw one']}/results")
        assert one.json() == "a"

    async def test_req_core_job_results_async_raw_value_multi(
        self, editor: httpx.AsyncClient, assessed: dict[str, str]
    ) -> None:
        parts = parts_of(await editor.get(f"/jobs/{assessed['raw']}/results"))
        assert {name: part.get_content_type() for name, part in parts.items()} == dict.fromkeys(
            ("scheme", "layers"), "application/json"
        )
        assert parts["layers"].get_payload(decode=True) == b'{"zones":"z"}'

    async def test_req_core_job_results_async_raw_ref(
        self, editor: httpx.AsyncClient, assessed: dict[str, str]
    ) -> None:
        job = assessed["raw references"]
        answer = await editor.get(f"/jobs/{job}/results")
        assert (answer.status_code, answer.content) == (204, b"")
        for name in ("scheme", "layers"):
            assert f'<{BASE}/jobs/{job}/results/{name}>; rel="item"' in answer.headers["link"]

    async def test_req_core_job_results_async_raw_mixed_multi(
        self, editor: httpx.AsyncClient, assessed: dict[str, str]
    ) -> None:
        job = assessed["raw mixed"]
        parts = parts_of(await editor.get(f"/jobs/{job}/results"))
        assert parts["scheme"].get_payload(decode=True) == b'"a"'
        assert parts["scheme"]["Content-Location"] is None
        assert parts["layers"]["Content-Location"] == f"{BASE}/jobs/{job}/results/layers"
        assert parts["layers"].get_payload(decode=True) == b""

    async def test_req_core_job_results_async_document(
        self, editor: httpx.AsyncClient, assessed: dict[str, str]
    ) -> None:
        whole = {"scheme": "a", "layers": {"zones": "z"}}
        for name in ("nothing", "document"):
            assert await get(editor, f"/jobs/{assessed[name]}/results") == whole
        mixed = await get(editor, f"/jobs/{assessed['document mixed']}/results")
        assert mixed["scheme"] == "a"
        assert (await get(editor, mixed["layers"]["href"])) == {"zones": "z"}
        # A format that is named, and a browser, get the document whatever was asked for.
        raw = f"/jobs/{assessed['raw']}/results"
        assert await get(editor, raw, f="json") == whole
        page = await editor.get(raw, headers={"Accept": "text/html,*/*;q=0.8"})
        assert page.headers["content-type"].startswith("text/html")

    async def test_req_core_job_results_failed(self, editor: httpx.AsyncClient) -> None:
        made = await execute(editor, ASYNC, inputs={"message": FAIL})
        status = await ended(editor, made.headers["location"])
        assert (status["status"], status["message"]) == ("failed", "bad input")
        problem = refused(await editor.get(f"{made.headers['location']}/results"), 400)
        conform("exception", problem)
        refused(await execute(editor, inputs={"message": FAIL}), 400)

    async def test_req_core_job_results_exception_results_not_ready(
        self, editor: httpx.AsyncClient
    ) -> None:
        made = await execute(editor, ASYNC, inputs={"message": "x", "pause": 5})
        for below in ("results", "results/message", "manifest"):
            problem = refused(await editor.get(f"{made.headers['location']}/{below}"), 404)
            assert problem["type"] == f"{EXCEPTIONS}/result-not-ready"
            conform("exception", problem)


class TestJobList:
    async def test_req_job_list_op(self, editor: httpx.AsyncClient) -> None:
        await execute(editor, ASYNC)
        assert (await get(editor, "/jobs"))["jobs"]

    async def test_req_job_list_success(self, editor: httpx.AsyncClient) -> None:
        conform("jobList", await get(editor, "/jobs", limit="100"))

    async def test_req_job_list_parameters(self, definition: Json) -> None:
        """limit, type, processID, status, datetime and duration as the definition has them."""
        for name in ("type", "processID", "status"):
            found = parameter(definition, "/jobs", name)
            assert (found["in"], found["required"]) == ("query", False)
            # As OpenAPI has it by default: the parameter is repeated for each member.
            assert (found.get("style", "form"), found.get("explode", True)) == ("form", True)
            assert found["schema"]["type"] == "array"
            assert resolved(definition, found["schema"]["items"])["type"] == "string"
        for name in ("datetime", "minDuration", "maxDuration"):
            found = parameter(definition, "/jobs", name)
            assert (found["in"], found["required"]) == ("query", False)
        limit = parameter(definition, "/jobs", "limit")["schema"]
        assert (limit["minimum"], limit["default"], limit["maximum"]) == (1, 10, 10_000)

    async def test_req_job_list_links(self, editor: httpx.AsyncClient) -> None:
        for _ in range(3):
            await execute(editor, ASYNC)
        seen: list[str] = []
        address: str | None = "/jobs?limit=2&processID=echo&type=process"
        while address is not None:
            page = await get(editor, address)
            assert link(page, "self", "application/json")
            assert link(page, "alternate", "text/html")
            assert len(page["jobs"]) <= 2
            seen += [job["jobID"] for job in page["jobs"]]
            address = link(page, "next")
        assert len(seen) == len(set(seen)) >= 3

    async def test_req_job_list_links_of_a_page(self, editor: httpx.AsyncClient) -> None:
        """`self`, `alternate` and `next` keep what the page was asked for with."""
        for _ in range(2):
            await execute(editor)
        asked = "/jobs?status=successful&status=failed&processID=echo&limit=1"
        page = await get(editor, asked)
        for rel in ("self", "alternate", "next"):
            query = httpx.URL(link(page, rel) or "").params
            assert query["status"] == "successful,failed"
            assert (query["processID"], query["limit"]) == ("echo", "1")
        assert len((await get(editor, link(page, "self") or ""))["jobs"]) == 1

    async def test_req_job_list_type_response(self, editor: httpx.AsyncClient) -> None:
        await execute(editor, ASYNC)
        for query in ({}, {"type": "process"}):
            assert (await get(editor, "/jobs", **query))["jobs"]
        refused(await editor.get("/jobs?type=process&type=other"), 400, "type")

    async def test_req_job_list_process_id_response(
        self, editor: httpx.AsyncClient, assessed: dict[str, str]
    ) -> None:
        """processID-mandatory and processID-response, the parameter repeated or with commas."""
        await execute(editor, ASYNC)
        both = {"echo", "delineate-zones"}
        for query, expected in {
            "processID=echo": {"echo"},
            "processID=delineate-zones": {"delineate-zones"},
            "processID=echo&processID=delineate-zones": both,
            "processID=echo,delineate-zones": both,
            "processID=echo, delineate-zones": both,
            "processID=nothing": set(),
        }.items():
            jobs = (await get(editor, f"/jobs?{query}&limit=1000"))["jobs"]
            assert {job["processID"] for job in jobs} == expected
        refused(await editor.get("/jobs?processID=echo,"), 400, "processID")

    async def test_req_job_list_limit_response(self, editor: httpx.AsyncClient) -> None:
        for _ in range(2):
            await execute(editor, ASYNC)
        assert len((await get(editor, "/jobs", limit="1"))["jobs"]) == 1
        assert 2 <= len((await get(editor, "/jobs"))["jobs"]) <= 10
        for limit in ("0", "10001", "x"):
            refused(await editor.get("/jobs", params={"limit": limit}), 400, "limit")

    async def test_req_job_list_status_response(self, editor: httpx.AsyncClient) -> None:
        made = await execute(editor, ASYNC, inputs={"message": FAIL})
        failed = await ended(editor, made.headers["location"])
        for query in ("failed", "failed,dismissed", "failed&status=dismissed"):
            jobs = (await get(editor, f"/jobs?status={query}&limit=1000"))["jobs"]
            assert failed["jobID"] in {job["jobID"] for job in jobs}
            assert {job["status"] for job in jobs} <= {"failed", "dismissed"}
        refused(await editor.get("/jobs?status=failed&status=asleep"), 400, "status")

    async def test_req_job_list_datetime_response(self, editor: httpx.AsyncClient) -> None:
        made = await execute(editor, ASYNC)
        created, job = made.json()["created"], made.json()["jobID"]

        async def found(moment: str) -> bool:
            page = await get(editor, "/jobs", datetime=moment, limit="1000")
            return job in {item["jobID"] for item in page["jobs"]}

        assert await found(created)
        assert await found(f"{created}/..")
        assert await found(f"../{created}")
        assert not await found("../2020-01-01")
        assert not await found("9999-12-31T23:59:59.999999Z/..")
        assert await found("../9999-12-31T23:59:59.999999Z")
        for wrong in ("yesterday", "2026-02-30", "../../..", "0001-01-01"):
            refused(await editor.get("/jobs", params={"datetime": wrong}), 400, "datetime")

    async def test_a_date_is_a_day_of_the_platforms_time_zone(
        self, editor: httpx.AsyncClient, state: ServiceState
    ) -> None:
        """As for features and observations: the hours until eight are of the same day in China."""
        made = await execute(editor, ASYNC)
        async with state.sessions.begin() as session:
            await session.execute(
                sa.update(Job)
                .where(Job.id == UUID(made.json()["jobID"]))
                .values(created_at=datetime(2026, 3, 1, 17, tzinfo=UTC))
            )

        async def found(days: str) -> bool:
            page = await get(editor, "/jobs", datetime=days, limit="1000")
            return made.json()["jobID"] in {item["jobID"] for item in page["jobs"]}

        assert await found("2026-03-02")
        assert not await found("2026-03-01")
        assert await found("2026-03-02/2026-03-02")
        assert not await found("../2026-03-01")

    async def test_req_job_list_duration_response(
        self, editor: httpx.AsyncClient, state: ServiceState
    ) -> None:
        made = await execute(editor, ASYNC)
        done = await ended(editor, made.headers["location"])
        waiting = await editor.post(
            ECHO, json={"inputs": {"message": "x", "pause": 1}}, headers=ASYNC
        )
        await reached(editor, waiting.headers["location"], "running")

        async def found(**limits: str) -> set[str]:
            page = await get(editor, "/jobs", limit="1000", **limits)
            return {item["jobID"] for item in page["jobs"]}

        assert done["jobID"] in await found(maxDuration="60")
        assert done["jobID"] not in await found(minDuration="60")
        assert waiting.json()["jobID"] in await found(minDuration="0", maxDuration="600")
        async with state.sessions.begin() as session:
            unstarted = str((await add_job(session, kind="echo", status="dismissed")).id)
            # Tried before, and waiting to be tried again: it neither runs nor has ended.
            now = datetime.now(UTC)
            again: Job = await add_job(
                session,
                kind="echo",
                started_at=now,
                held="retry",
                not_before=now + timedelta(days=1),
            )
            retried = str(again.id)
        assert not {unstarted, retried} & await found(minDuration="0")
        assert retried in await found(minDuration="0", status="accepted")


class TestDismiss:
    async def test_req_dismiss_job_dismiss_op(self, editor: httpx.AsyncClient) -> None:
        made = await execute(editor, ASYNC, inputs={"message": "x", "pause": 600})
        assert (await editor.delete(made.headers["location"])).status_code == 200

    async def test_req_dismiss_job_dismiss_success_of_a_running_job(
        self, editor: httpx.AsyncClient
    ) -> None:
        """The answer comes with the end, so that what it tells is so: `dismissed`."""
        made = await execute(editor, ASYNC, inputs={"message": "x", "pause": 600})
        address = made.headers["location"]
        await reached(editor, address, "running")
        read = await editor.get(address)
        answer = await editor.delete(address, headers={"If-Match": read.headers["etag"]})
        assert (answer.status_code, answer.json()["status"]) == (200, "dismissed")
        conform("statusInfo", answer.json())
        refused(await editor.get(f"{address}/results"), 410)
        stale = await editor.delete(address, headers={"If-Match": read.headers["etag"]})
        refused(stale, 412)
        known = {"If-Match": answer.headers["etag"]}
        assert (await editor.delete(address, headers=known)).status_code == 200

    async def test_req_dismiss_job_dismiss_success(
        self, editor: httpx.AsyncClient, state: ServiceState
    ) -> None:
        async with state.sessions.begin() as session:
            job: Job = await add_job(session, kind="echo", status="accepted")
            await states.cancel(session, job.id, act=Act("test"))
        answer = await editor.delete(f"/jobs/{job.id}")
        conform("statusInfo", answer.json())
        assert answer.json()["status"] == "dismissed"
        refused(await editor.get(f"/jobs/{job.id}/results"), 410)


class TestCallback:
    """What is sent to whom; the sending itself is tried with real receivers elsewhere."""

    HOST = "https://hooks.example.org"
    KEPT = ("successUri", "failedUri", "inProgressUri")

    @pytest.fixture
    async def subscriber(
        self, plan_configuration: Configuration, plan_key: str
    ) -> AsyncIterator[httpx.AsyncClient]:
        """Somebody at a service that may send to a host."""
        outgoing = OutgoingSettings(hosts=("hooks.example.org",))
        app = create_app(replace(plan_configuration, outgoing=outgoing))
        async with app.router.lifespan_context(app), in_process(app, plan_key) as client:
            yield client

    async def test_req_callback_job_callback(
        self, subscriber: httpx.AsyncClient, state: ServiceState
    ) -> None:
        assert f"{P}/callback" in (await get(subscriber, "/conformance"))["conformsTo"]
        uris = {name: f"{self.HOST}/{name}" for name in self.KEPT}
        made = await execute(subscriber, ASYNC, subscriber=uris)
        assert made.status_code == 201, made.text
        await ended(subscriber, made.headers["location"])
        async with state.sessions() as session:
            sent = await session.scalars(select(Delivery).order_by(Delivery.created_at))
            told = [one.target for one in sent]
        assert told == [uris["inProgressUri"], uris["successUri"]]

    async def test_req_callback_process_execute_callback(
        self, subscriber: httpx.AsyncClient, definition: Json
    ) -> None:
        body = operation(definition, "/processes/{process}/execution", "post")["requestBody"]
        schema = body["content"]["application/json"]["schema"]["properties"]["subscriber"]
        assert set(self.KEPT) <= schema["properties"].keys()
        elsewhere = {"successUri": "https://elsewhere.example.org/"}
        refused(await execute(subscriber, subscriber=elsewhere), 400, "/subscriber/successUri")


class TestEncodings:
    async def test_req_json_definition(self, editor: httpx.AsyncClient) -> None:
        made = await execute(editor, ASYNC)
        await ended(editor, made.headers["location"])
        for path in ("/processes", "/processes/echo", "/jobs", made.headers["location"]):
            answer = await editor.get(path)
            assert answer.headers["content-type"] == "application/json"

    async def test_req_html_definition_and_content(self, editor: httpx.AsyncClient) -> None:
        """Every page holds what its document does, with the links, in both languages."""
        made = await execute(editor, ASYNC)
        job = (await ended(editor, made.headers["location"]))["jobID"]
        shown = {
            "/processes": NAMES,
            "/processes/echo": ["message", "pause", "/processes/echo/execution"],
            "/jobs": [job],
            f"/jobs/{job}": [job, f"/jobs/{job}/results"],
            f"/jobs/{job}/results": ["teststring"],
            "/conformance": [f"{P}/core"],
        }
        for path, texts in shown.items():
            for lang in ("zh", "en"):
                page = await editor.get(
                    path, params={"lang": lang}, headers={"Accept": "text/html"}
                )
                assert page.headers["content-type"] == "text/html; charset=utf-8"
                assert f'lang="{lang}' in page.text
                for text in texts:
                    assert text in page.text, (path, text)

    async def test_req_html_content_of_values_by_reference(
        self, editor: httpx.AsyncClient, assessed: dict[str, str]
    ) -> None:
        """Values have no length that a page could tell."""
        job = assessed["document mixed"]
        for path in (f"/jobs/{job}", f"/jobs/{job}/results"):
            page = await editor.get(path, headers={"Accept": "text/html"})
            assert page.status_code == 200
            assert f'href="{BASE}/jobs/{job}/results/layers"' in page.text

    async def test_req_oas30(self, client: httpx.AsyncClient, definition: Json) -> None:
        OpenAPIV30SpecValidator(definition).validate()
        for path, methods in {
            "/processes": {"get"},
            "/processes/{process}": {"get"},
            "/processes/{process}/execution": {"post"},
            "/jobs": {"get"},
            "/jobs/{job}": {"get", "delete"},
            "/jobs/{job}/results": {"get"},
        }.items():
            assert methods <= definition["paths"][path].keys()
            for method in methods:
                answers = operation(definition, path, method)["responses"]
                assert {"200", "400", "404", "503"} <= answers.keys()
