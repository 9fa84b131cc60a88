import threading

import pytest

from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.model.action import TaskAction
from ai_flow.model.internal.conditions import (
    MeetAllCondition,
    MeetAnyCondition,
    SingleEventCondition,
    TaskStatusAllMetCondition,
)
from ai_flow.model.operator import AIFlowOperator, Operator
from ai_flow.model.rule import TaskRule
from ai_flow.model.state import ValueState
from ai_flow.model.status import TASK_ALIVE_SET, TaskStatus
from ai_flow.model.task_execution import TaskExecutionKey
from ai_flow.model.workflow import Workflow, WorkflowContextManager
from ai_flow.operators.bash import BashOperator
from ai_flow.operators.python import PythonOperator
from notification_service.model.event import Event


def test_operators_of_a_with_block_become_tasks_in_order():
    with Workflow("flow", namespace="team", owner="me", keep_open=True) as workflow:
        for name in "cab":
            BashOperator(name, "true", on_alive="queue")
    assert list(workflow.tasks) == ["c", "a", "b"]
    assert (workflow.name, workflow.namespace) == ("flow", "team")
    assert workflow.config == {"owner": "me", "keep_open": True}
    assert workflow.tasks["a"].config == {"on_alive": "queue"}
    assert workflow.tasks["a"].workflow is workflow
    assert WorkflowContextManager.get_current_workflow() is None


def test_the_with_block_ends_also_with_an_exception():
    with pytest.raises(ZeroDivisionError), Workflow("flow"):
        raise ZeroDivisionError
    assert WorkflowContextManager.get_current_workflow() is None


def test_sub_workflows_are_refused():
    with Workflow("outer"), pytest.raises(Exception, match="sub-workflows"), Workflow("inner"):
        pass
    assert WorkflowContextManager.get_current_workflow() is None


def test_an_operator_outside_a_workflow_is_an_error_of_both_kinds():
    with pytest.raises(AttributeError):
        BashOperator("task", "true")
    with pytest.raises(AIFlowException, match="outside a workflow"):
        BashOperator("task", "true")


def test_duplicate_task_names_are_an_error():
    with Workflow("flow"), pytest.raises(AIFlowException, match="two tasks named 'task'"):
        BashOperator("task", "true")
        BashOperator("task", "false")


def test_each_thread_has_its_current_workflow():
    made = []

    def define(name):
        with Workflow(name) as workflow:
            barrier.wait(10)
            BashOperator("task of " + name, "true")
            made.append(workflow)

    barrier = threading.Barrier(2)
    threads = [threading.Thread(target=define, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {w.name: list(w.tasks) for w in made} == {
        "one": ["task of one"],
        "two": ["task of two"],
    }


@pytest.mark.parametrize("name", ["a", "Größe 1", "模型.v2", "a_b-c.d", "x" * 200])
def test_good_names_are_accepted(name):
    with Workflow(name, namespace=name):
        BashOperator(name, "true")


@pytest.mark.parametrize(
    "name", ["", " a", "a ", ".a", "a.", "a/b", "a\nb", "../x", "ä" * 101, None, 5]
)
def test_bad_names_are_refused(name):
    with pytest.raises(AIFlowException, match="workflow name"):
        Workflow(name)
    with Workflow("flow"), pytest.raises(AIFlowException, match="task name"):
        BashOperator(name, "true")


@pytest.mark.parametrize("namespace", ["DEFAULT", "Default"])
def test_the_default_namespace_is_written_in_one_way(namespace):
    with pytest.raises(AIFlowException, match="reserved"):
        Workflow("flow", namespace=namespace)


def test_start_after_is_one_rule_over_all_upstream_tasks():
    with Workflow("flow") as workflow:
        first, second = BashOperator("first", "true"), BashOperator("second", "true")
        third = BashOperator("third", "true")
        third.start_after([first, second])
        third.start_after(first)
    both, one = workflow.rules["third"]
    assert both.action is TaskAction.START
    assert type(both.condition) is TaskStatusAllMetCondition
    assert both.condition.expect_event_keys == [
        "[task_status_change].default.flow.first",
        "[task_status_change].default.flow.second",
    ]
    assert len(one.condition.condition_list) == 1


def test_rules_keep_their_order_and_may_be_given_by_the_workflow():
    with Workflow("flow") as workflow:
        task = BashOperator("task", "true")
        task.action_on_event_received(TaskAction.STOP, "stop")
        workflow.action_on_event_received("task", "go", TaskAction.START)
        workflow.action_on_task_status("task", TaskAction.RESTART, {task: TaskStatus.FAILED})
    assert [rule.action for rule in workflow.rules["task"]] == ["STOP", "START", "RESTART"]


def test_a_python_operator_needs_a_callable():
    with Workflow("flow"), pytest.raises(AIFlowException, match="callable"):
        PythonOperator("task", "no function")


def test_a_python_operator_calls_with_its_arguments():
    seen = []
    with Workflow("flow"):
        task = PythonOperator("task", lambda *a, **k: seen.append((a, k)), [1], {"b": 2})
    task.start(None)
    assert seen == [((1,), {"b": 2})]


def test_the_text_of_a_key_names_execution_task_and_sequence():
    assert str(TaskExecutionKey(3, "my_task", 4)) == "3_my_task_4"


def test_stopping_is_not_alive():
    assert TaskStatus.STOPPING not in TASK_ALIVE_SET


def test_a_bare_operator_is_a_task():
    with Workflow("flow") as workflow:
        Operator("task")
    assert not isinstance(workflow.tasks["task"], AIFlowOperator)


class Kept(ValueState):
    def __init__(self):
        self.kept = None

    def value(self):
        return self.kept

    def update(self, state):
        self.kept = state

    def clear(self):
        self.kept = None


class ContextWithState:
    def __init__(self):
        self.state = Kept()

    def get_state(self, descriptor):
        return self.state


def test_all_of_fires_once_for_each_complete_set():
    condition = MeetAllCondition("both", [SingleEventCondition("a"), SingleEventCondition("b")])
    context = ContextWithState()
    fired = [condition.is_met(Event(key, None), context) for key in "aababb"]
    assert fired == [False, False, True, False, True, False]
    assert condition.expect_event_keys == ["a", "b"]


def test_any_of_asks_only_the_conditions_that_expect_the_key():
    condition = MeetAnyCondition([SingleEventCondition("a"), SingleEventCondition("b")])
    assert condition.is_met(Event("b", None), None)
    assert not condition.is_met(Event("c", None), None)


def test_a_rule_returns_its_action_when_met():
    rule = TaskRule(SingleEventCondition("a"), TaskAction.STOP)
    assert rule.trigger(Event("a", None), None) is TaskAction.STOP


@pytest.fixture
def bash():
    def make(command):
        with Workflow("flow"):
            return BashOperator("task", command)

    return make


def test_bash_in_process_logs_output_and_succeeds(bash, caplog):
    caplog.set_level("INFO", logger="aiflow.task.operator")
    task = bash("echo out; echo err >&2; printf '\\xff end'")
    task.start(None)
    task.await_termination(None)
    assert [record.getMessage() for record in caplog.records] == ["out", "err", "\\xff end"]


def test_bash_in_process_fails_with_the_exit_code(bash):
    task = bash("exit 3")
    task.start(None)
    with pytest.raises(AIFlowException, match="exit code 3"):
        task.await_termination(None)


def test_bash_in_process_times_out(bash):
    import subprocess

    task = bash("sleep 60")
    task.start(None)
    with pytest.raises(subprocess.TimeoutExpired):
        task.await_termination(None, timeout=0.05)
    task.stop(None)


def test_bash_in_process_stops_while_another_thread_waits(bash):
    """A stop that has to wait for the lock of the waiting thread would hang for ever."""
    task = bash("sleep 60 & sleep 60")
    task.start(None)
    ended = []
    waiter = threading.Thread(
        target=lambda: ended.append(pytest.raises(AIFlowException, task.await_termination, None))
    )
    waiter.start()
    task.stop(None)
    waiter.join(10)
    assert len(ended) == 1


def _task():
    with Workflow("flow"):
        return BashOperator("task", "true")


@pytest.mark.parametrize(
    "rule, kind, reason",
    [
        (
            lambda task: task.start_after("prepare"),
            TypeError,
            "start_after takes operators, not 'prepare' (str); give the operator itself",
        ),
        (lambda task: task.start_after(["prepare"]), TypeError, "not 'prepare' (str)"),
        (lambda task: task.start_after(None), TypeError, "takes operators, not None (NoneType)"),
        (
            lambda task: task.action_on_task_status(TaskAction.START, [task]),
            TypeError,
            "must be a dict of operators to statuses, as {task: TaskStatus.SUCCESS}",
        ),
        (
            lambda task: task.action_on_task_status(TaskAction.START, {"a": TaskStatus.SUCCESS}),
            TypeError,
            "takes operators, not 'a' (str)",
        ),
        (
            lambda task: task.action_on_task_status(TaskAction.START, {task: "DONE"}),
            ValueError,
            "unknown status 'DONE' of task 'task'; one of INIT, QUEUED",
        ),
        (
            lambda task: task.action_on_condition("GO", SingleEventCondition("a")),
            ValueError,
            "unknown action 'GO'; one of START, RESTART, STOP, as TaskAction.START",
        ),
        (
            lambda task: task.action_on_event_received("key", TaskAction.START),
            ValueError,
            "unknown action 'key'",
        ),
        (
            lambda task: task.action_on_condition(TaskAction.START, "key"),
            TypeError,
            "a rule needs a Condition, not 'key' (str); for an event key use",
        ),
        (
            lambda task: task.action_on_event_received(TaskAction.START, 5),
            TypeError,
            "an event key must be a string, not 5 (int)",
        ),
        (
            lambda task: task.action_on_event_received(TaskAction.START, ""),
            ValueError,
            "must not be empty",
        ),
        (
            lambda task: task.action_on_event_received(TaskAction.START, "k", between=(5, 1)),
            ValueError,
            "between 5 and 1 is no number",
        ),
        (
            lambda task: task.action_on_event_received(TaskAction.START, "k", between=("a", 1)),
            TypeError,
            "between takes numbers, not 'a'",
        ),
    ],
)
def test_a_bad_argument_of_a_rule_is_refused_where_it_is_written(rule, kind, reason):
    task = _task()
    with pytest.raises(kind) as error:
        rule(task)
    assert isinstance(error.value, AIFlowException)
    assert reason in str(error.value)
    assert not task.workflow.rules


def test_statuses_and_actions_may_be_given_by_name():
    task = _task()
    task.action_on_task_status("STOP", {task: "FAILED"})
    task.start_after(iter([task]))
    assert [rule.action for rule in task.workflow.rules["task"]] == [
        TaskAction.STOP,
        TaskAction.START,
    ]
