"""The examples of docs/authoring-python.md and docs/operators.md can be uploaded as they are."""

import json
import pathlib
import re

import pytest

DOCS = pathlib.Path(__file__).resolve().parents[3] / "docs"
EXAMPLES = [
    example
    for page in ("authoring-python.md", "operators.md")
    for example in re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
]
NAMES = [re.search(r'Workflow\(\s*(?:name=)?"(\w+)"', text).group(1) for text in EXAMPLES]


def test_there_are_examples_of_the_whole_model():
    text = "".join(EXAMPLES)
    parts = "(Condition) (AIFlowOperator) retries= Param( Hook( WorkflowRule( periodic_expression="
    for part in parts.split():
        assert part in text
    assert len(set(NAMES)) == len(NAMES) >= 9


@pytest.mark.parametrize("text", EXAMPLES, ids=NAMES)
def test_an_example_compiles_without_a_warning(host, workflow_file, text):
    done = host.compile(workflow_file(text))
    assert done.returncode == 0, done.stderr
    compiled = json.loads(done.stdout)
    assert compiled["warnings"] == []


def run(host, workflow_file, workflow, task, **settings):
    text = EXAMPLES[NAMES.index(workflow)]
    return host.run(workflow_file(text), workflow=workflow, task=task, **settings)


def test_the_examples_of_params_and_outputs_run(host, workflow_file, tmp_path):
    params, output, outputs = (tmp_path / name for name in ("params", "output", "outputs"))
    params.write_text('{"day": "2024-03-31", "factor": 4, "options": {}}')
    settings = {"AIFLOW_PARAMS_FILE": params, "AIFLOW_OUTPUT": output}
    assert run(host, workflow_file, "counting", "count", **settings) == (0, "")
    assert json.loads(output.read_text()) == {"rows": 12, "day": "2024-03-31"}
    outputs.write_text(json.dumps({"count": output.read_text()}))
    shown = run(host, workflow_file, "counting", "show", AIFLOW_OUTPUTS_FILE=outputs)
    assert shown == (0, "12\n")


def test_the_example_of_retries_gives_up(host, workflow_file):
    code, _ = run(host, workflow_file, "fetching", "fetch", AIFLOW_TRY_NUMBER=1)
    assert code == 1
    code, _ = run(host, workflow_file, "fetching", "fetch", AIFLOW_TRY_NUMBER=3)
    assert code == 100


def test_the_example_of_a_condition_accumulates(condition_host, workflow_file):
    from condition_host import decoded, task_rule

    condition_host.start(workflow_file(EXAMPLES[NAMES.index("learning")]))
    ask = task_rule(task="train", workflow="learning")
    ready = {"prepare": "SUCCESS"}
    assert not condition_host.met(ask, value="9999")
    assert not condition_host.met(ask, value="4000", statuses=ready)
    assert decoded(condition_host.states) == {"rows": 4000}
    assert condition_host.met(ask, value="1000", statuses=ready)
    assert condition_host.states == {}
