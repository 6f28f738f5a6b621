"""What can be sent to the standard's test process: an input of every kind the standard knows."""

import base64
import binascii
from typing import Annotated, Any, Literal, Self

from pydantic import Field, WithJsonSchema, field_validator, model_validator

from shanhai.processes.kit.contract import Inputs, Limits, OutputSpec, ProcessContract
from shanhai.validation import StrictModel
from shanhai.vocabulary import Label

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
LARGEST_BINARY = 1024 * 1024
MediaType = Literal[
    "application/octet-stream", "image/tiff; application=geotiff", "image/png", "image/jpeg"
]
"""Nothing among them that a browser would run."""
MEDIA_TYPES: tuple[MediaType, ...] = (
    "application/octet-stream",
    "image/tiff; application=geotiff",
    "image/png",
    "image/jpeg",
)
DEPTHS = {
    "Point": 1,
    "MultiPoint": 2,
    "LineString": 2,
    "MultiLineString": 3,
    "Polygon": 3,
    "MultiPolygon": 4,
}
"""How deep the coordinates of a geometry are nested."""

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
NUMBERS = {"type": "array", "items": {"type": "integer"}}
BBOX = {
    "allOf": [
        {
            "format": "ogc-bbox",
            "type": "object",
            "required": ["bbox"],
            "properties": {
                "bbox": {"type": "array", "items": NUMBER, "minItems": 4, "maxItems": 6},
                "crs": {"type": "string", "enum": [CRS84], "default": CRS84},
            },
        }
    ]
}
OBJECT = {"type": "object"}
GEOMETRY = {
    "allOf": [
        {
            "format": "geojson-geometry",
            "type": "object",
            "required": ["type", "coordinates"],
            "properties": {
                "type": {"type": "string", "enum": list(DEPTHS)},
                "coordinates": {"type": "array", "items": {}},
            },
        }
    ]
}
BINARY = {
    "oneOf": [
        {
            "type": "string",
            "format": "byte",
            "contentEncoding": "binary",
            "contentMediaType": media_type,
        }
        for media_type in MEDIA_TYPES
    ]
}
MIXED = {"oneOf": [TEXT, OBJECT]}

Number = Annotated[
    Annotated[int, Field(strict=True)] | Annotated[float, Field(strict=True, allow_inf_nan=False)],
    WithJsonSchema(NUMBER),
]
Corner = Annotated[float, Field(allow_inf_nan=False)]


class Binary(StrictModel):
    """Bytes in base64, and what they are."""

    value: str = Field(max_length=LARGEST_BINARY * 4 // 3 + 4)
    mediaType: MediaType = "application/octet-stream"
    encoding: Literal["base64"] = "base64"

    @model_validator(mode="before")
    @classmethod
    def accept_text(cls, given: object) -> object:
        """A text alone is the bytes."""
        return {"value": given} if isinstance(given, str) else given

    @field_validator("value")
    @classmethod
    def check_base64(cls, text: str) -> str:
        """Bytes are told in the usual alphabet, whole."""
        try:
            base64.b64decode(text, validate=True)
        except binascii.Error:
            raise ValueError("must be base64 / 须为 base64 编码") from None
        return text


class EchoInputs(Inputs):
    """Inputs of the standard's test process."""

    message: str | None = Field(
        None, max_length=10_000, description="Text to return / 要返回的文字"
    )
    number: Number | None = Field(None, description="Number to return / 要返回的数")
    array: list[Annotated[int, Field(strict=True)]] | None = Field(
        None, max_length=1000, description="Whole numbers to return / 要返回的整数列表"
    )
    bbox: Annotated[list[Corner], WithJsonSchema(BBOX)] | None = Field(
        None, description="Bounding box to return, in CRS84 / 要返回的范围"
    )
    object: Annotated[dict[str, Any], WithJsonSchema(OBJECT)] | None = Field(
        None, description="Object to return / 要返回的对象"
    )
    geometry: Annotated[dict[str, Any], WithJsonSchema(GEOMETRY)] | None = Field(
        None, description="GeoJSON geometry to return / 要返回的几何"
    )
    binary: Annotated[Binary, WithJsonSchema(BINARY)] | None = Field(
        None,
        description="Bytes to return, in base64 with their media type, 1 MiB at most"
        " / 要返回的二进制内容（base64），不超过 1 MiB",
    )
    mixed: Annotated[str | dict[str, Any], WithJsonSchema(MIXED)] | None = Field(
        None, description="Text or object to return / 要返回的文字或对象"
    )
    pause: float = Field(0, ge=0, le=600, description="Seconds to wait first / 等待秒数")

    @field_validator("bbox")
    @classmethod
    def check_corners(cls, corners: list[float] | None) -> list[float] | None:
        """A box has two corners, in a plane or in space."""
        if corners is not None and len(corners) not in {4, 6}:
            raise ValueError("must be 4 or 6 numbers / 须为 4 或 6 个数")
        return corners

    @field_validator("geometry")
    @classmethod
    def check_geometry(cls, geometry: dict[str, Any] | None) -> dict[str, Any] | None:
        """Coordinates are nested as the type of the geometry has it."""
        if geometry is None:
            return None
        depth = DEPTHS.get(str(geometry.get("type")))
        if depth is None or not _nested(geometry.get("coordinates"), depth):
            raise ValueError("must be a GeoJSON geometry / 须为 GeoJSON 几何")
        return geometry

    @model_validator(mode="after")
    def check_given(self) -> Self:
        """There is something to return."""
        if all(getattr(self, output.name) is None for output in ECHO.outputs):
            names = ", ".join(output.name for output in ECHO.outputs)
            raise ValueError(f"give at least one of {names} / 请至少给出其中一项：{names}")
        return self

    def values(self) -> dict[str, Any]:
        """What was given, as results have it: objects and bytes in the standard's wrapping."""
        found: dict[str, Any] = {
            "message": self.message,
            "number": self.number,
            "array": self.array,
            "bbox": None if self.bbox is None else {"bbox": self.bbox, "crs": CRS84},
            "object": _qualified(self.object),
            "geometry": _qualified(self.geometry, "application/geo+json"),
            "binary": None if self.binary is None else self.binary.model_dump(),
            "mixed": _qualified(self.mixed),
        }
        return {name: value for name, value in found.items() if value is not None}


def _nested(value: Any, depth: int) -> bool:
    """Whether lists are nested so deep, and numbers stand in the innermost."""
    if depth == 0:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, list) and all(_nested(item, depth - 1) for item in value)


def _qualified(value: Any, media_type: str = "application/json") -> Any:
    return {"value": value, "mediaType": media_type} if isinstance(value, dict) else value


ECHO = ProcessContract(
    "echo",
    Label("回显", "Echo"),
    Label(
        "返回收到的内容，用于测试；各类输入各有一项。",
        "Returns what it was given; the standard's test process, with an input of every kind.",
    ),
    EchoInputs,
    (
        OutputSpec("message", Label("文字", "Message"), "text/plain"),
        OutputSpec("number", Label("数", "Number"), "application/json", NUMBER),
        OutputSpec("array", Label("整数列表", "Whole numbers"), "application/json", NUMBERS),
        OutputSpec("bbox", Label("范围", "Bounding box"), "application/json", BBOX),
        OutputSpec("object", Label("对象", "Object"), "application/json", OBJECT),
        OutputSpec("geometry", Label("几何", "Geometry"), "application/geo+json", GEOMETRY),
        OutputSpec("binary", Label("二进制内容", "Bytes"), "application/octet-stream", BINARY),
        OutputSpec("mixed", Label("文字或对象", "Text or object"), "application/json", MIXED),
    ),
    sync=True,
    shares_process=True,
    limits=Limits(memory_mb=1024, time_s=900),
    stages={"wait": Label("等待", "Waiting as asked")},
)
