"""The page of the methods: how each service can be calculated, with every number and its source."""

from collections.abc import Iterator

from shanhai.cli.reference.markdown import code, number, table
from shanhai.science.ecoservices.catalogue import ECOSERVICES
from shanhai.science.ecoservices.choice import quantities_of
from shanhai.science.ecoservices.graph import themes_behind
from shanhai.science.ecoservices.inputs import LEAVES
from shanhai.science.ecoservices.layers import SHARED
from shanhai.science.ecoservices.method import Ecoservice, Method, Quantity

HEADING = """\
# Methods · 方法与参数

Made from the code by `make docs`; do not edit. Every way to calculate a service, as
`assess-ecoservices` and `delineate-zones` take it under `ecoservices.<service>`: how to ask for one
is told in [Assess ecosystem services](guide/assess-ecoservices.md). Layers in bold are read from
datasets, those in brackets only where they exist. A status says how far a number is confirmed: V
against a published source, L as quoted in the literature, E an engineering default.
"""
SHARED_HEADING = """\
## Layers of all services · 公共图层

Changed under `layers`. Where a layer is named more than once, the first that can be had is taken.
"""
PARAMETER_HEAD = ("parameter", "default", "range", "unit", "status", "source")
OPTION_HEAD = ("option", "ways", "default", "status", "source")
TABLE_HEAD = ("table", "rows", "range", "unit", "status", "source")
LAYER_HEAD = ("layer", "图层", "unit", "rests on", "status", "source")


def methods_page() -> str:
    """Every service with its methods, then the shared layers."""
    sections = [_service(one) for one in ECOSERVICES]
    return "\n".join([HEADING, *sections, SHARED_HEADING, _layers(SHARED), *_changes(SHARED)])


def _service(ecoservice: Ecoservice) -> str:
    label = ecoservice.label
    return "\n".join(
        [
            f"## {label.en} · {label.zh} · {code(ecoservice.id)}\n",
            *(_method(method) for method in ecoservice.methods),
        ]
    )


def _method(method: Method) -> str:
    quantities = quantities_of(method)
    return "\n".join(
        [
            f"### {code(method.id)} · {method.label.en} · {method.label.zh}\n",
            f"Profile `{method.profile}`, in `{method.unit}`.\n",
            _layers(quantities),
            *_changes(quantities),
        ]
    )


def _layers(quantities: tuple[Quantity, ...]) -> str:
    return table(LAYER_HEAD, (_layer(one) for one in quantities))


def _layer(quantity: Quantity) -> tuple[str, ...]:
    needs = [*map(_need, quantity.needs), *(f"({_need(name)})" for name in quantity.optional)]
    ways = [
        f"{way}: {' '.join(map(_need, names))}"
        for option in quantity.options
        for way, names in option.needs.items()
    ]
    label = quantity.label
    return (
        f"{code(quantity.name)} {label.en}",
        label.zh,
        code(quantity.unit),
        ", ".join([*needs, *ways]),
        quantity.status.value,
        quantity.source,
    )


def _need(name: str) -> str:
    """A layer, in bold where it is read from a dataset."""
    return f"**{name}**" if name in LEAVES and themes_behind([name]) else name


def _changes(quantities: tuple[Quantity, ...]) -> Iterator[str]:
    parameters = {one.name: one for quantity in quantities for one in quantity.parameters}
    options = {one.name: one for quantity in quantities for one in quantity.options}
    tables = {one.name: one for quantity in quantities for one in quantity.tables}
    if parameters:
        yield table(
            PARAMETER_HEAD,
            (
                (
                    code(one.name),
                    "to be given" if one.default is None else number(one.default),
                    f"{number(one.valid_range[0])} … {number(one.valid_range[1])}",
                    code(one.unit),
                    one.status.value,
                    one.source,
                )
                for one in parameters.values()
            ),
        )
    if options:
        yield table(
            OPTION_HEAD,
            (
                (
                    code(one.name),
                    "; ".join(f"{code(way)} {label.en}" for way, label in one.choices.items()),
                    code(one.default),
                    one.status.value,
                    one.source,
                )
                for one in options.values()
            ),
        )
    if tables:
        yield table(
            TABLE_HEAD,
            (
                (
                    code(one.name),
                    ", ".join(f"{int(row)}: {number(value)}" for row, value in one.values.items()),
                    f"{number(one.valid_range[0])} … {number(one.valid_range[1])}",
                    code(one.unit),
                    one.status.value,
                    one.source,
                )
                for one in tables.values()
            ),
        )
