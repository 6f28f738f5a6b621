"""What WMTS calls exceptions: their codes, and the XML they are told in."""

from xml.sax.saxutils import escape, quoteattr

from starlette.requests import Request
from starlette.responses import Response

from shanhai.errors import InvalidInput
from shanhai.vocabulary import Lang

OWS = "http://www.opengis.net/ows/1.1"
MEDIA_TYPE = "text/xml"
VERSION = "1.0.0"
ROOT = "/wmts"
INVALID, NO_CODE = "InvalidParameterValue", "NoApplicableCode"
BY_STATUS = {501: "OperationNotSupported", 405: "OperationNotSupported", 400: INVALID, 404: INVALID}


class WmtsFault(InvalidInput):
    """A parameter WMTS cannot answer; `code` is one of the standard's, `locator` its name."""

    def __init__(self, code: str, locator: str, message: str, message_zh: str) -> None:
        super().__init__(message, message_zh=message_zh, pointer=locator)
        self.code = code
        self.locator = locator


def is_wmts(request: Request) -> bool:
    """Whether the caller speaks WMTS, and so reads XML alone."""
    path: str = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    return path == ROOT or path.startswith(f"{ROOT}/")


def status_of(request: Request) -> int:
    """Of a fault: resources that are not there are 404, wrong parameters 400."""
    path: str = request.scope["path"]
    return 400 if path.endswith(ROOT) else 404


def report(status: int, detail: str, lang: Lang, code: str | None, locator: str | None) -> Response:
    """An exception report."""
    code = code or BY_STATUS.get(status, NO_CODE)
    where = "" if locator is None else f" locator={quoteattr(locator)}"
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<ows:ExceptionReport xmlns:ows="{OWS}" version="{VERSION}" xml:lang="{lang}">'
        f'<ows:Exception exceptionCode="{code}"{where}>'
        f"<ows:ExceptionText>{escape(printable(detail))}</ows:ExceptionText>"
        "</ows:Exception></ows:ExceptionReport>"
    )
    # Set as a header: clients compare it with the bare type, without a charset.
    return Response(body.encode(), status, {"content-type": MEDIA_TYPE})


def printable(text: str) -> str:
    """Text without the control characters and lone surrogates that XML cannot hold."""
    return "".join(
        character if character.isprintable() or character in "\n\t" else "\ufffd"
        for character in text
    )
