from shanhai.science.corridors.mspa.pattern import LABELS, Mspa


def test_every_class_has_a_name() -> None:
    assert set(LABELS) == set(Mspa)
