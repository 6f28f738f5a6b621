"""What a proposal names, the code of an edition, and figures as they are kept."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.db.editions.creation import LONGEST_CODE, edition_code
from shanhai.db.features.input_validation import CODE
from shanhai.db.indicators.targets import StatedFigure
from shanhai.db.proposals.revisions import figure_as_json, figures_of
from shanhai.db.proposals.subjects import ProposalSubject
from shanhai.db.proposals.transitions import STEPS
from shanhai.errors import InvalidInput
from shanhai.vocabulary import PROPOSAL_STATES, codes


@pytest.mark.parametrize(
    ("named", "kind"),
    [
        ({"project"}, "project"),
        ({"programme"}, "programme"),
        ({"plan"}, "plan"),
        ({"plan", "indicator"}, "target"),
        ({"plan", "indicator", "region"}, "target"),
        ({"scheme", "zone"}, "zone"),
    ],
)
def test_codes_name_one_kind(named: set[str], kind: str) -> None:
    assert ProposalSubject(**dict.fromkeys(named, "x")).kind == kind


@pytest.mark.parametrize(
    "named",
    [set(), {"project", "plan"}, {"indicator"}, {"plan", "region"}, {"scheme"}, {"plan", "zone"}],
)
def test_anything_else_is_refused(named: set[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        _ = ProposalSubject(**dict.fromkeys(named, "x")).kind
    assert refused.value.faults[0].pointer == "/revises"


@pytest.mark.parametrize(
    ("code", "number", "made"),
    [
        ("xiamen", 2, "xiamen.v2"),
        ("xiamen.v2", 3, "xiamen.v3"),
        ("xiamen.vision", 2, "xiamen.vision.v2"),
        (".v1", 2, ".v1.v2"),
        ("x" * 80, 12, "x" * 76 + ".v12"),
    ],
)
def test_codes_of_editions(code: str, number: int, made: str) -> None:
    if CODE.fullmatch(code) is None:
        with pytest.raises(LookupError):
            edition_code(code, number)
    else:
        assert edition_code(code, number) == made


@given(st.from_regex(CODE, fullmatch=True), st.integers(1, 10**6))
def test_an_edition_of_any_code_has_one(code: str, number: int) -> None:
    made = edition_code(code, number)
    assert CODE.fullmatch(made)
    assert len(made) <= LONGEST_CODE
    assert made.endswith(f".v{number}")


FIGURES = st.builds(
    StatedFigure,
    role=st.sampled_from(["base", "target", "reference"]),
    year=st.none() | st.integers(1900, 2200),
    value=st.none()
    | st.decimals(-(10**15), 10**15, allow_nan=False, allow_infinity=False, places=6),
    unit=st.none() | st.just("ha"),
    comparator=st.none() | st.sampled_from(["ge", "none"]),
    sense=st.none() | st.sampled_from(["at_least", "track"]),
    cumulative_from=st.none() | st.integers(1900, 2200),
    revisable=st.booleans(),
    source=st.none() | st.text(min_size=1),
)


@given(st.lists(FIGURES, max_size=3))
def test_figures_are_kept_as_they_are(figures: list[StatedFigure]) -> None:
    assert figures_of({"targets": [figure_as_json(figure) for figure in figures]}) == figures


def test_a_value_keeps_its_digits() -> None:
    figure = StatedFigure("target", 2030, Decimal("0.10"))
    assert figure_as_json(figure)["value"] == "0.10"
    assert figure_as_json(StatedFigure("base", 2020, Decimal(0)))["value"] == "0"


def test_every_state_is_reached_and_every_other_left() -> None:
    sources, targets = {step.source for step in STEPS}, {step.target for step in STEPS}
    assert targets == set(codes(PROPOSAL_STATES)) - {"draft"}
    assert set(codes(PROPOSAL_STATES)) - sources == {"refused", "withdrawn", "carried_out"}
