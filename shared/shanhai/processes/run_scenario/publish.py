"""The rows of a scenario: its rasters as computed datasets; a scenario changes no network."""

from functools import partial

from shanhai.processes.kit.publication import publish_layers
from shanhai.processes.run_scenario.contract import RUN_SCENARIO

publish = partial(publish_layers, RUN_SCENARIO)
