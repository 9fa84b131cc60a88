"""The published JSON Schema of workflow files, against the samples and the examples.

The same samples are given to the converter (src/yaml/samples_test.cc), which says more than a
schema can: samples that only it refuses have a line that says so.
"""

import json
import pathlib
import re

import jsonschema
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
BEYOND = "# Beyond what a schema can know."

SCHEMA = json.loads((ROOT / "docs/formats/workflow-yaml.schema.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)

GOOD = sorted((HERE / "good").glob("*.yaml")) + sorted((ROOT / "examples").rglob("*.yaml"))
BAD = sorted((HERE / "bad").glob("*.yaml"))
MANUAL = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/authoring-yaml.md").read_text(), re.DOTALL)


def errors(text: str) -> list[str]:
    documents = [document for document in yaml.safe_load_all(text) if document is not None]
    assert documents
    return [error.message for document in documents for error in VALIDATOR.iter_errors(document)]


def test_the_schema_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_good_samples_and_examples_are_accepted(path):
    assert errors(path.read_text()) == []


@pytest.mark.parametrize("example", MANUAL)
def test_examples_of_the_manual_are_accepted(example):
    assert errors(example) == []


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.name)
def test_bad_samples_are_refused_unless_a_schema_cannot_know(path):
    text = path.read_text()
    assert bool(errors(text)) != (BEYOND in text)
