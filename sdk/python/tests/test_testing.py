"""ai_flow.testing: what a task that it runs finds, and what is told of it."""

import pytest

from ai_flow.testing import run_task
from notification_service.model.event import Event

FLOW = """
from ai_flow.common.exception.exceptions import NonRetriableError
from ai_flow.model.internal.contexts import get_runtime_task_context
from ai_flow.model.workflow import Workflow
from ai_flow.operators.python import PythonOperator


def tell():
    context = get_runtime_task_context()
    event = context.trigger_event
    print("hello")
    told = [context.params["n"], context.get_task_output("before"), context.try_number]
    told.append(str(context.task_execution_key))
    return told + [event and [event.key, event.value, event.sender, event.context]]


def fail():
    raise NonRetriableError("no use")


with Workflow("flow", params={"n": 1}) as flow:
    before = PythonOperator("before", print)
    PythonOperator("tell", tell).start_after(before)
    PythonOperator("fail", fail)
"""


@pytest.fixture
def flow(workflow_file):
    return workflow_file(FLOW)


def test_a_task_finds_what_it_is_given(flow, tmp_path):
    event = Event("arrived", "monday")
    event.sender = "scanner"
    event.context = '{"valid": true}'
    with run_task(
        flow,
        "flow",
        "tell",
        directory=tmp_path,
        params={"n": 7},
        event=event,
        outputs={"before": "text"},
        execution=3,
        sequence_number=2,
        try_number=4,
    ) as run:
        assert run.wait() == "SUCCESS", run.log
    expected = '[7, "text", 4, "3_tell_2", ["arrived", "monday", "scanner", "{\\"valid\\": true}"]]'
    assert run.output == expected
    assert run.log == "hello\n"
    assert run.reason == ""


def test_without_an_event_there_is_none(flow, tmp_path):
    with run_task(flow, "flow", "tell", directory=tmp_path, params={"n": 1}) as run:
        assert run.wait() == "SUCCESS", run.log
    assert run.output == '[1, null, 1, "1_tell_1", null]'


def test_a_failure_has_its_reason_and_its_code(flow, tmp_path):
    with run_task(flow, "flow", "fail", directory=tmp_path) as run:
        assert run.wait() == "FAILED"
    assert run.exit_code == 100
    assert run.reason == "NonRetriableError: no use"


def test_a_run_is_not_started_twice(flow, tmp_path):
    with run_task(flow, "flow", "fail", directory=tmp_path) as run:
        run.wait()
    with pytest.raises(FileExistsError):
        run_task(flow, "flow", "fail", directory=tmp_path)


def test_what_is_not_there_is_a_failure_that_says_so(flow, tmp_path):
    with run_task(flow, "flow", "nobody", directory=tmp_path) as run:
        assert run.wait() == "FAILED"
    assert run.exit_code == 2 and "has no task 'nobody'" in run.reason
