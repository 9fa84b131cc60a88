"""What a task gets from its execution and gives to the tasks after it."""

import json

import pytest

HEAD = """
import datetime
from ai_flow.model.internal.contexts import get_runtime_task_context
from ai_flow.model.operator import AIFlowOperator
from ai_flow.model.workflow import Workflow
from ai_flow.operators.python import PythonOperator
context = get_runtime_task_context
"""


def function(body):
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    flow = "with Workflow('flow') as w:\n    PythonOperator('task', run)\n"
    return f"{HEAD}\ndef run():\n{lines}\n{flow}    PythonOperator('before', run)\n"


@pytest.fixture
def output(tmp_path):
    return tmp_path / "output"


def test_params_are_those_of_the_execution(host, workflow_file, tmp_path):
    file = tmp_path / "params.json"
    file.write_text('{"day": "montag \u00e4", "n": 3, "options": {"a": null}}')
    body = "print(sorted(context().params.items()))"
    code, found = host.run(workflow_file(function(body)), AIFLOW_PARAMS_FILE=file)
    assert (code, found) == (0, "[('day', 'montag \u00e4'), ('n', 3), ('options', {'a': None})]\n")


def test_an_execution_without_params_has_none(host, workflow_file):
    body = (
        "assert context().params == {} and context().due_time is None\nprint(context().try_number)"
    )
    assert host.run(workflow_file(function(body))) == (0, "1\n")


def test_damaged_params_are_a_failure_before_the_task_begins(host, workflow_file, tmp_path):
    file = tmp_path / "params.json"
    file.write_text("{")
    code, found = host.run(workflow_file(function("print('began')")), AIFLOW_PARAMS_FILE=file)
    assert code == 2 and "began" not in found
    assert "JSONDecodeError" in host.result[1]


@pytest.mark.parametrize(
    "text, shown",
    [
        ("2024-03-31T01:30:00Z", "2024-03-31T01:30:00+00:00"),
        ("2024-03-31T01:30:00.250Z", "2024-03-31T01:30:00.250000+00:00"),
        ("2024-03-31T01:30:00+00:00", "2024-03-31T01:30:00+00:00"),
    ],
)
def test_the_due_time_is_in_utc(host, workflow_file, text, shown):
    body = "print(context().due_time.isoformat())"
    assert host.run(workflow_file(function(body)), AIFLOW_DUE_TIME=text) == (0, shown + "\n")


@pytest.mark.parametrize(
    "value, text",
    [
        ("'plain text \u00e4'", "plain text \u00e4"),
        ("''", ""),
        ("{'rows': 3, 'ok': True}", '{"rows": 3, "ok": true}'),
        ("[1, None]", "[1, null]"),
        ("0", "0"),
        ("'x' * 65536", "x" * 65536),
    ],
)
def test_what_a_function_returns_is_its_output(host, workflow_file, output, value, text):
    code, found = host.run(workflow_file(function(f"return {value}")), AIFLOW_OUTPUT=output)
    assert (code, found) == (0, "")
    assert output.read_text("utf-8") == text
    assert [path.name for path in output.parent.glob("output*")] == ["output"]


@pytest.mark.parametrize(
    "value, reason",
    [
        ("object()", "neither text nor a JSON value"),
        ("b'bytes'", "neither text nor a JSON value"),
        ("float('nan')", "neither text nor a JSON value"),
        ("'\\ud800'", "neither text nor a JSON value"),
        ("'x' * 65537", "over the limit of 65536 bytes"),
        ("'\u00e4' * 32769", "over the limit of 65536 bytes"),
        ("list(range(100000))", "over the limit of 65536 bytes"),
        ("nested(100000)", "neither text nor a JSON value"),
    ],
)
def test_what_does_not_fit_is_ignored_with_a_line_in_the_log(
    host, workflow_file, output, value, reason
):
    """As in the forerunner, what a function returns never makes it fail."""
    nested = "def nested(n):\n    r = []\n    for _ in range(n):\n        r = [r]\n    return r\n"
    text = nested + function(f"return {value}")
    code, found = host.run(workflow_file(text), AIFLOW_OUTPUT=output)
    assert (code, host.result) == (0, ["0"])
    assert "what the function returned is not kept" in found and reason in found
    assert not output.exists()


def test_none_is_no_output(host, workflow_file, output):
    assert host.run(workflow_file(function("return None")), AIFLOW_OUTPUT=output) == (0, "")
    assert not output.exists()


def test_set_output_wins_over_what_is_returned(host, workflow_file, output):
    body = "context().set_output({'n': 1})\ncontext().set_output([2])\nreturn 'returned'"
    assert host.run(workflow_file(function(body)), AIFLOW_OUTPUT=output) == (0, "")
    assert output.read_text() == "[2]"


@pytest.mark.parametrize(
    "settings, value, reason",
    [
        ({}, "1", "AIFLOW_OUTPUT is not set"),
        ({"AIFLOW_OUTPUT": "/nowhere"}, "object()", "neither text nor a JSON value"),
        ({"AIFLOW_OUTPUT": "/nowhere"}, "'x' * 65537", "over the limit of 65536 bytes"),
    ],
)
def test_set_output_raises_when_it_cannot(host, workflow_file, settings, value, reason):
    code, _ = host.run(workflow_file(function(f"context().set_output({value})")), **settings)
    assert code == 1
    assert host.result[1].startswith("AIFlowException: ") and reason in host.result[1]


def test_an_operator_of_ones_own_sets_its_output(host, workflow_file, output):
    text = HEAD + (
        "class Own(AIFlowOperator):\n    def start(self, context):\n        pass\n"
        "    def await_termination(self, context, timeout=None):\n"
        "        context.set_output('late')\n"
        "with Workflow('flow') as w:\n    Own('task')\n"
    )
    assert host.run(workflow_file(text), AIFLOW_OUTPUT=output)[0] == 0
    assert output.read_text() == "late"


def test_outputs_of_earlier_tasks_are_read_as_text_or_json(host, workflow_file, tmp_path):
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps({"before": '{"rows": 3}'}))
    body = (
        "print(repr(context().get_task_output('before')))\n"
        "print(context().get_task_output(w.tasks['before'], as_json=True)['rows'])\n"
        "print(context().get_task_output('task'))"
    )
    code, found = host.run(workflow_file(function(body)), AIFLOW_OUTPUTS_FILE=file)
    assert (code, found) == (0, "'{\"rows\": 3}'\n3\nNone\n")


def test_without_outputs_there_is_none(host, workflow_file):
    body = "print(context().get_task_output('before'))"
    assert host.run(workflow_file(function(body))) == (0, "None\n")


@pytest.mark.parametrize(
    "call, reason",
    [
        ("get_task_output('tusk')", "workflow 'flow' has no task 'tusk'"),
        ("get_task_output('before', as_json=True)", "the output of task 'before' is no JSON"),
    ],
)
def test_an_output_that_cannot_be_is_an_error(host, workflow_file, tmp_path, call, reason):
    file = tmp_path / "outputs.json"
    file.write_text('{"before": "plain"}')
    code, _ = host.run(workflow_file(function(f"context().{call}")), AIFLOW_OUTPUTS_FILE=file)
    assert code == 1 and reason in host.result[1]
