"""What the tile service says of a layer that is to be seeded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import quote

import httpx

from shanhai.errors import Fault, Forbidden, InvalidInput, NotFound
from shanhai.processes.seed_tiles.contract import SeedTilesInputs
from shanhai.processes.seed_tiles.service import TileService, layer_path
from shanhai.processes.seed_tiles.task import Box
from shanhai.vocabulary import Label

FIELD_TYPES = {"number": "Number", "integer": "Number", "boolean": "Boolean"}
"""Types of properties as MBTiles names them; all others are strings."""


@dataclass(frozen=True, slots=True)
class SeenLayer:
    """A layer at one version, as far as anyone or as who asked for the job may see it.

    Attributes:
        version: Changes with whatever would change a tile of what was chosen.
        bounds: Its box in degrees.
        maxzoom: The last level of the grid that shows more than the one above.
        own: Whether it is seen with the right of who asked for the job.
        document: Its description.
        tilejson: Its TileJSON in both languages.
        vector_layers: What its tiles of features hold, with the types of properties.
    """

    name: str
    kind: str
    title: Label
    version: str
    bounds: Box
    maxzoom: int
    own: bool
    document: Mapping[str, Any]
    tilejson: Mapping[str, Mapping[str, Any]]
    vector_layers: tuple[Mapping[str, Any], ...] = ()

    @property
    def stand_in_notes(self) -> list[dict[str, Any]]:
        """What stands in for measurements in what it rests on."""
        return list(self.document["stand_in_notes"])


def see_layers(service: TileService, inputs: SeedTilesInputs) -> list[SeenLayer]:
    """Every layer asked for, in that order.

    Raises:
        InvalidInput: one is not there, or does not come as it is asked for; all faults are told.
    """
    seen, faults = [], []
    for number, name in enumerate(inputs.layers):
        try:
            layer = _see(service, name, inputs)
        except (NotFound, Forbidden) as error:
            pointer = f"/inputs/layers/{number}"
            faults.append(Fault(pointer, error.message, error.message_zh))
            continue
        faults += _misfits(layer, inputs)
        seen.append(layer)
    refuse_all(faults)
    return seen


def refuse_all(faults: Iterable[Fault]) -> None:
    """Raise when there are faults, each told once.

    Raises:
        InvalidInput: there is at least one.
    """
    told = tuple(dict.fromkeys(faults))
    if told:
        raise InvalidInput.of(told)


def chosen(inputs: SeedTilesInputs) -> dict[str, str]:
    """The parameters that choose a part of a layer: features, and what they carry."""
    given = {
        "scheme": inputs.scheme,
        "filter": inputs.filter,
        "as_of": inputs.as_of and inputs.as_of.isoformat(),
        "properties": inputs.properties and ",".join(inputs.properties),
    }
    return {name: value for name, value in given.items() if value}


def drawn(inputs: SeedTilesInputs) -> dict[str, str]:
    """The parameters that say how a tile is drawn."""
    given = {
        "band": inputs.band and str(inputs.band),
        "rescale": inputs.rescale and ",".join(f"{end:.15g}" for end in inputs.rescale),
        "colormap": inputs.colormap,
    }
    return {name: value for name, value in given.items() if value}


def suffix_of(layer: SeenLayer, inputs: SeedTilesInputs) -> str:
    """The format its tiles are asked for in."""
    return inputs.format or ("mvt" if layer.kind == "vector" else "png")


def legend_address(layer: SeenLayer, inputs: SeedTilesInputs) -> str:
    """Where the legend of what is drawn lies, for people who open the pack."""
    address = httpx.URL(layer.tilejson["zh"]["legend"])
    return str(address.copy_merge_params({k: v for k, v in drawn(inputs).items() if k != "band"}))


def _see(service: TileService, name: str, inputs: SeedTilesInputs) -> SeenLayer:
    """As anyone sees it, unless that is nothing or more was asked for."""
    if inputs.own_view:
        if not service.has_token:
            raise Forbidden(
                "own_view is asked for, but this platform issues no tokens for tiles",
                message_zh="要求 own_view，但本平台未启用瓦片令牌",
            )
        return _read(service, name, inputs, own=True)
    try:
        return _read(service, name, inputs, own=False)
    except (NotFound, Forbidden):
        if not service.has_token:
            raise
    return _read(service, name, inputs, own=True)


def _read(service: TileService, name: str, inputs: SeedTilesInputs, *, own: bool) -> SeenLayer:
    choice = chosen(inputs)
    document = service.document(layer_path(name), choice, own=own)
    layer = SeenLayer(
        name=name,
        kind=document["kind"],
        title=Label(document["title_zh"], document["title_en"]),
        version=document["version"],
        bounds=cast("Box", tuple(document["bounds"])),
        maxzoom=document["maxzoom"],
        own=own,
        document=document,
        tilejson={},
    )
    if inputs.grid not in document["tile_matrix_sets"]:
        return layer  # which is told with the other misfits
    told = {
        lang: service.document(
            layer_path(name, "/tilejson.json"),
            {**choice, "tms": inputs.grid, "lang": lang},
            own=own,
        )
        for lang in ("zh", "en")
    }
    layer = replace(layer, tilejson=told, maxzoom=told["en"]["maxzoom"])
    if layer.kind != "vector":
        return layer
    return replace(layer, vector_layers=_vector_layers(service, layer, inputs))


def _vector_layers(
    service: TileService, layer: SeenLayer, inputs: SeedTilesInputs
) -> tuple[Mapping[str, Any], ...]:
    """What the tiles hold: TileJSON has the names, the tileset the types."""
    path = f"/collections/{quote(layer.name)}/tiles/{inputs.grid}"
    tileset = service.document(path, chosen(inputs), own=layer.own)
    types = {
        name: FIELD_TYPES.get(str(schema.get("type")), "String")
        for name, schema in tileset["layers"][0]["propertiesSchema"]["properties"].items()
        if inputs.properties is None or name in inputs.properties
    }
    return tuple(
        {
            **{name: one[name] for name in ("id", "description") if name in one},
            "fields": {name: types[name] for name in one["fields"] if name in types},
        }
        for one in layer.tilejson["en"]["vector_layers"]
    )


def _misfits(layer: SeenLayer, inputs: SeedTilesInputs) -> list[Fault]:
    faults = []
    known = layer.document["tile_matrix_sets"]
    if inputs.grid not in known:
        faults.append(
            Fault(
                "/inputs/grid",
                f"grid is {inputs.grid}; layer {layer.name} comes in {', '.join(known)}",
                f"grid 为 {inputs.grid}；图层 {layer.name} 可用：{'、'.join(known)}",
            )
        )
    suffix, formats = suffix_of(layer, inputs), layer.document["formats"]
    if suffix not in formats:
        faults.append(
            Fault(
                "/inputs/format",
                f"format is {suffix}; layer {layer.name} comes as {', '.join(formats)}",
                f"format 为 {suffix}；图层 {layer.name} 可用：{'、'.join(formats)}",
            )
        )
    return faults
