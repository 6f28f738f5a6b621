"""Files of pages: addresses by content, compressed once, nothing but what lay in the folder."""

import gzip
import hashlib
import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from shanhai.assets import PIECE, StaticAssets, takes_gzip

STYLE = b"body { color: black }\n" * 40
FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture
def static_folder(tmp_path: Path) -> Path:
    """A folder with a style, two scripts, a picture, and what a build has named."""
    root = tmp_path / "static"
    (root / "app").mkdir(parents=True)
    (root / "console/assets").mkdir(parents=True)
    (root / "style.css").write_bytes(STYLE)
    (root / "app/main.js").write_text('import "./map.js";\n' * 30)
    (root / "app/map.js").write_text("export const map = 1;\n" * 30)
    (root / "dot.png").write_bytes(b"\x89PNG" + bytes(400))
    (root / "console/assets/index-B3xZ.js").write_text("console\n" * 30)
    (root / ".lock").write_text("not for readers")
    return root


@pytest.fixture
def assets(static_folder: Path) -> StaticAssets:
    """That folder, served."""
    return StaticAssets(static_folder, "/static", ["console/assets", "never/built"])


@pytest.fixture
def asset_reader(assets: StaticAssets) -> httpx.AsyncClient:
    """Who reads from it, where a service mounts it; without a wish for compression."""
    app = Starlette(routes=[Mount("/static", assets)])
    transport = httpx.ASGITransport(app)
    plain = {"Accept-Encoding": "identity"}
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=plain)


async def test_an_address_has_the_digest_and_is_kept_for_ever(
    assets: StaticAssets, asset_reader: httpx.AsyncClient
) -> None:
    address = assets.address("style.css")
    assert re.fullmatch(r"/static/[0-9a-f]{16}/style\.css", address)
    answer = await asset_reader.get(address)
    assert answer.content == STYLE
    assert answer.headers["Cache-Control"] == FOR_EVER
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert answer.headers["Content-Length"] == str(len(STYLE))
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["ETag"] == f'"{hashlib.sha256(STYLE).hexdigest()[:16]}"'


async def test_what_files_say_of_one_another_holds(
    assets: StaticAssets, asset_reader: httpx.AsyncClient
) -> None:
    beside = assets.address("app/main.js").replace("main.js", "map.js")
    assert (await asset_reader.get(beside)).headers["Cache-Control"] == FOR_EVER


async def test_a_name_alone_and_the_digest_of_another_release_are_asked_again(
    asset_reader: httpx.AsyncClient,
) -> None:
    for path in ("/static/style.css", "/static/0123456789abcdef/style.css"):
        answer = await asset_reader.get(path)
        assert answer.content == STYLE
        assert answer.headers["Cache-Control"] == "no-cache"


def test_the_digest_is_that_of_names_and_contents(
    static_folder: Path, assets: StaticAssets
) -> None:
    named = ["console/assets", "never/built"]
    (static_folder / "console/assets/index-C4yA.js").write_text("another build")
    assert StaticAssets(static_folder, "/static", named).digest == assets.digest
    (static_folder / "app/map.js").write_text("export const map = 2;\n")
    assert StaticAssets(static_folder, "/static", named).digest != assets.digest


async def test_what_a_build_has_named_keeps_its_address(
    assets: StaticAssets, asset_reader: httpx.AsyncClient
) -> None:
    address = assets.address("console/assets/index-B3xZ.js")
    assert address == "/static/console/assets/index-B3xZ.js"
    answer = await asset_reader.get(address)
    assert answer.headers["Cache-Control"] == FOR_EVER
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert (await asset_reader.get("/static/console/assets/index-none.js")).status_code == 404


async def test_it_is_compressed_for_those_who_take_it(
    assets: StaticAssets, asset_reader: httpx.AsyncClient
) -> None:
    address = assets.address("style.css")
    packed = {"Accept-Encoding": "gzip, deflate, br"}
    async with asset_reader.stream("GET", address, headers=packed) as answer:
        raw = b"".join([piece async for piece in answer.aiter_raw()])
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Content-Length"] == str(len(raw))
        tag = answer.headers["ETag"]
    assert len(raw) < len(STYLE) / 4
    assert gzip.decompress(raw) == STYLE
    assert tag != (await asset_reader.get(address)).headers["ETag"]
    picture = await asset_reader.get(assets.address("dot.png"), headers=packed)
    assert "Content-Encoding" not in picture.headers


async def test_what_is_known_is_not_sent_again(
    assets: StaticAssets, asset_reader: httpx.AsyncClient
) -> None:
    address = assets.address("style.css")
    tag = (await asset_reader.get(address)).headers["ETag"]
    for given in (tag, f'"other", W/{tag}', "*"):
        answer = await asset_reader.get(address, headers={"If-None-Match": given})
        assert (answer.status_code, answer.content) == (304, b"")
        assert (answer.headers["ETag"], answer.headers["Cache-Control"]) == (tag, FOR_EVER)
    other = {"If-None-Match": tag, "Accept-Encoding": "gzip"}
    assert (await asset_reader.get(address, headers=other)).status_code == 200


async def test_a_head_has_no_body_and_nothing_is_written(
    assets: StaticAssets, asset_reader: httpx.AsyncClient
) -> None:
    address = assets.address("style.css")
    head = await asset_reader.head(address)
    assert (head.content, head.headers["Content-Length"]) == (b"", str(len(STYLE)))
    refused = await asset_reader.post(address)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "path",
    [
        *("", "app", "app/", ".lock", "nothing.css", "%00", "style.css/", "/style.css"),
        *("../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "app/../../secret.txt"),
        *("..%5csecret.txt", "%252e%252e/secret.txt", "linked.txt", "linked/secret.txt"),
    ],
)
async def test_nothing_but_the_files_of_the_folder(static_folder: Path, path: str) -> None:
    outside = static_folder.parent / "outside"
    outside.mkdir()
    for place in (static_folder.parent, outside):
        (place / "secret.txt").write_text("secret")
    (static_folder / "linked.txt").symlink_to(static_folder.parent / "secret.txt")
    (static_folder / "linked").symlink_to(outside)
    app = Starlette(routes=[Mount("/static", StaticAssets(static_folder, "/static"))])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as asset_reader:
        answer = await asset_reader.get(httpx.URL(f"http://test/static/{path}"))
    assert answer.status_code == 404


def test_an_absent_folder_and_an_unknown_name(tmp_path: Path, assets: StaticAssets) -> None:
    assert "style.css" in assets
    assert "style.css" not in StaticAssets(tmp_path / "none", "/static")
    with pytest.raises(KeyError, match=r"styl\.css"):
        assets.address("styl.css")


async def test_a_large_file_leaves_in_pieces(tmp_path: Path) -> None:
    large = bytes(range(256)) * (PIECE // 100)
    (tmp_path / "large.png").write_bytes(large)
    sizes: list[int] = []

    async def send(message: dict[str, object]) -> None:
        body = message.get("body", b"")
        assert isinstance(body, bytes)
        sizes.append(len(body))

    scope = {"type": "http", "method": "GET", "path": "/large.png", "headers": []}
    await StaticAssets(tmp_path, "/static")(scope, None, send)  # type: ignore[arg-type]
    assert sum(sizes) == len(large)
    assert max(sizes) == PIECE


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=1.000", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("br", False),
    ],
)
def test_whether_gzip_is_taken(accepted: str, taken: bool) -> None:
    assert takes_gzip(accepted) is taken
