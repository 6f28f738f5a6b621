"""Descriptions beside data files, and what the import process takes of them."""

from shanhai.processes.import_dataset.contract import ImportDatasetInputs
from shanhai.processes.kit.dataset_description import OF_THE_FILE, DatasetDescription


def test_the_import_takes_every_member_but_those_of_the_file() -> None:
    shared = set(ImportDatasetInputs.model_fields) & set(DatasetDescription.model_fields)
    assert set(DatasetDescription.model_fields) - OF_THE_FILE == shared
