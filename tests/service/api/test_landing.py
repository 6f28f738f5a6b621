"""Landing page, conformance, definition: what a client sees first."""

from html.parser import HTMLParser

import httpx
import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
from pydantic import SecretStr

from shanhai.settings import ParticipationSettings
from shanhai_api.words.naming import resource_name


class Page(HTMLParser):
    """Which elements and attributes a page has, and that it is closed properly."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name == "href" and value]


async def test_landing_page_links_to_definition_data_and_processes(
    anonymous: httpx.AsyncClient,
) -> None:
    document = (await anonymous.get("/")).json()
    by_rel = {link["rel"]: link for link in document["links"]}
    assert by_rel["service-desc"]["type"] == "application/vnd.oai.openapi+json;version=3.0"
    assert {"self", "service-doc", "conformance", "data"} <= by_rel.keys()
    assert all("type" in link for link in document["links"])
    for rel in ("service-desc", "service-doc", "conformance", "data"):
        answer = await anonymous.get(by_rel[rel]["href"])
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith(by_rel[rel]["type"].partition(";")[0])


async def test_conformance_claims_features_and_processes_core(
    anonymous: httpx.AsyncClient,
) -> None:
    claimed = (await anonymous.get("/conformance")).json()["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in claimed
    assert "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core" in claimed
    assert len(claimed) == len(set(claimed))


@pytest.mark.long
async def test_definition_is_valid_openapi_30_and_31(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/api")
    assert answer.headers["Content-Type"] == "application/vnd.oai.openapi+json;version=3.0"
    assert answer.json()["openapi"].startswith("3.0.")
    OpenAPIV30SpecValidator(answer.json()).validate()
    OpenAPIV31SpecValidator((await anonymous.get("/openapi.json")).json()).validate()


@pytest.mark.configured(participation=ParticipationSettings(secret=SecretStr("s" * 32)))
async def test_every_get_operation_without_parameters_answers_200(
    admin: httpx.AsyncClient,
) -> None:
    paths = (await admin.get("/api")).json()["paths"]
    plain = [
        path
        for path, item in paths.items()
        if "get" in item
        and not any(parameter["required"] for parameter in item["get"].get("parameters", ()))
        # A stream has no end to wait for.
        and "text/event-stream" not in item["get"]["responses"]["200"].get("content", ())
        # A session is a browser's.
        and not path.startswith("/session")
    ]
    assert len(plain) > 15
    for path in plain:
        assert (await admin.get(path)).status_code == 200, path


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/conformance",
        "/collections",
        "/collections/zones",
        "/collections/zones/schema",
        "/collections/zones/items",
        "/processes",
        "/processes/delineate-zones",
        "/jobs",
        "/zone-classes",
        "/ecoservices",
        "/docs",
    ],
)
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_pages_are_readable_without_scripts(
    anonymous: httpx.AsyncClient, path: str, lang: str
) -> None:
    answer = await anonymous.get(path, params={"lang": lang}, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Language"] == lang
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    page = Page()
    page.feed(answer.text)
    assert "script" not in page.tags
    assert not any(name.startswith("on") or name == "style" for name in page.attributes)
    assert ("数据集合" in answer.text, "Collections" in answer.text) == (lang == "zh", lang == "en")


async def test_links_of_a_page_lead_somewhere_and_keep_the_language(
    anonymous: httpx.AsyncClient,
) -> None:
    page = Page()
    page.feed((await anonymous.get("/collections?f=html&lang=zh")).text)
    inside = [link for link in page.links if "/static/" not in link and "lang=en" not in link]
    assert inside
    for link in inside:
        assert "lang=zh" in link
        assert (await anonymous.get(link)).status_code == 200


async def test_style_sheet_is_kept_for_ever_by_the_address_that_pages_have(
    anonymous: httpx.AsyncClient,
) -> None:
    page = Page()
    page.feed((await anonymous.get("/?f=html")).text)
    [style] = [link for link in page.links if link.endswith("/shanhai.css")]
    answer = await anonymous.get(style, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Type"].startswith("text/css")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "immutable" in answer.headers["Cache-Control"]
    assert (await anonymous.get("/static/shanhai.css")).headers["Cache-Control"] == "no-cache"


async def test_documentation_is_grouped_and_names_resources_in_chinese(
    anonymous: httpx.AsyncClient,
) -> None:
    document = (await anonymous.get("/api")).json()
    unnamed = [path for path in document["paths"] if not resource_name(path)]
    assert not unnamed
    chinese = (await anonymous.get("/docs?lang=zh")).text
    assert "管控线、规则与分区的合规审查</h2>" in chinese
    assert "<code>/plans/{plan}/approvals</code> 规划与政策 · 各区域审批 <span" in chinese
    assert "操作的说明与参数只有英文" in chinese
    english = (await anonymous.get("/docs?lang=en")).text
    assert "Whether places and projects keep to lines, rules and zones</h2>" in english
    assert "各区域审批" not in english


class TestTrying:
    PATH = "/collections/{collection}/items/{code}"

    async def test_the_documentation_leads_to_a_form_for_what_reads(
        self, anonymous: httpx.AsyncClient
    ) -> None:
        page = Page()
        page.feed((await anonymous.get("/docs?lang=zh")).text)
        forms = [link for link in page.links if "/docs/try?" in link]
        assert len(forms) > 50
        assert not any("%2Fjobs%2F%7Bjob%7D%2Fevents" in link for link in forms), "it never ends"
        for link in forms[:5]:
            answer = await anonymous.get(link)
            assert answer.status_code == 200
            assert "<form" in answer.text
            assert "请求地址" not in answer.text

    async def test_it_shows_the_address_and_the_answer(self, anonymous: httpx.AsyncClient) -> None:
        asked = {"operation": "/ecoservices", "ask": "1", "query.lang": "en"}
        page = (await anonymous.get("/docs/try", params=asked)).text
        assert "http://api.test/ecoservices?lang=en" in page
        assert "<strong>200</strong>" in page
        assert "&#34;ecoservices&#34;: [" in page

    async def test_what_is_refused_is_an_answer_too_and_no_markup(
        self, anonymous: httpx.AsyncClient
    ) -> None:
        given = {"path.job": "<b>x"}
        asked = {"operation": "/jobs/{job}", "ask": "1", **given}
        answer = await anonymous.get("/docs/try", params=asked)
        assert answer.status_code == 200
        assert "<strong>404</strong>" in answer.text
        assert "<b>x" not in answer.text

    async def test_it_is_asked_as_whoever_asks(
        self, anonymous: httpx.AsyncClient, admin: httpx.AsyncClient
    ) -> None:
        asked = {"operation": "/keys", "ask": "1"}
        assert "<strong>401</strong>" in (await anonymous.get("/docs/try", params=asked)).text
        assert "<strong>200</strong>" in (await admin.get("/docs/try", params=asked)).text

    @pytest.mark.parametrize("operation", ["", "/nowhere", "/docs/try", "http://elsewhere/"])
    async def test_only_operations_there_are(
        self, anonymous: httpx.AsyncClient, operation: str
    ) -> None:
        answer = await anonymous.get("/docs/try", params={"operation": operation, "ask": "1"})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "operation"
