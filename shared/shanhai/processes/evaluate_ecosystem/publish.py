"""The rows of an evaluation: its rasters as computed datasets."""

from functools import partial

from shanhai.processes.evaluate_ecosystem.contract import EVALUATE_ECOSYSTEM
from shanhai.processes.kit.publication import publish_layers

publish = partial(publish_layers, EVALUATE_ECOSYSTEM)
