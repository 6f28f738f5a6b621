"""Every setting is described and in the example file."""

import re
from pathlib import Path

from shanhai.cli.kit import all_settings, as_env

EXAMPLE = Path(__file__).parents[2] / "deploy" / "env.example"


def test_example_lists_exactly_the_settings() -> None:
    written = EXAMPLE.read_text("utf-8")
    assert written == as_env(all_settings()), "run: shanhai settings --env > deploy/env.example"


def test_names_are_unique_and_ours() -> None:
    names = [setting.name for setting in all_settings()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"SHANHAI_[A-Z0-9_]+", name) for name in names)


def test_every_setting_says_what_it_means() -> None:
    for setting in all_settings():
        assert setting.meaning, setting.name
        assert setting.kind, setting.name


def test_what_must_be_given() -> None:
    required = {setting.name for setting in all_settings() if setting.default is None}
    assert required == {"SHANHAI_DATABASE_URL", "SHANHAI_ARTIFACTS_ROOT"}
