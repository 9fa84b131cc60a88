"""What workflows compile to: docs/formats/workflow-spec.md."""

import sys
from datetime import timedelta

import pytest

from ai_flow.host.specification import SpecificationError, workflow_spec
from ai_flow.model.action import TaskAction
from ai_flow.model.condition import Condition
from ai_flow.model.internal.conditions import (
    MeetAllCondition,
    MeetAnyCondition,
    SingleEventCondition,
    TaskStatusAllMetCondition,
    TaskStatusCondition,
)
from ai_flow.model.operator import AIFlowOperator, Operator
from ai_flow.model.status import TaskStatus
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator
from ai_flow.operators.flink.flink_operator import FlinkOperator
from ai_flow.operators.python import PythonOperator
from ai_flow.operators.spark.spark_sql import SparkSqlOperator
from ai_flow.operators.spark.spark_submit import SparkSubmitOperator


def spec_of(workflow):
    warnings = []
    return workflow_spec(workflow, "flow.py", warnings), warnings


def condition_of(condition, name="flow", namespace="default"):
    with Workflow(name, namespace=namespace) as workflow:
        BashOperator("task", "true").action_on_condition(TaskAction.START, condition)
    return spec_of(workflow)[0]["tasks"][0]["rules"][0]["condition"]


def refusal(make):
    with Workflow("flow") as workflow:
        make()
    with pytest.raises(SpecificationError) as error:
        spec_of(workflow)
    return str(error.value)


def task_of(**options):
    with Workflow("flow") as workflow:
        BashOperator("task", "true", **options)
    spec, warnings = spec_of(workflow)
    return spec["tasks"][0], warnings


def test_a_bash_workflow_needs_no_host():
    with Workflow("flow", namespace="team") as workflow:
        BashOperator("task", "echo hello")
    assert spec_of(workflow) == (
        {
            "version": 1,
            "namespace": "team",
            "name": "flow",
            "tasks": [{"name": "task", "operator": "bash", "command": "echo hello"}],
        },
        [],
    )


def test_python_tasks_run_in_the_host():
    class Own(AIFlowOperator):
        def start(self, context):
            pass

    class OwnBash(BashOperator):
        pass

    with Workflow("flow") as workflow:
        PythonOperator("function", print)
        Own("own")
        OwnBash("own bash", "true")
    spec = spec_of(workflow)[0]
    assert [task["operator"] for task in spec["tasks"]] == ["host"] * 3
    assert "command" not in spec["tasks"][2]
    assert spec["host"] == {
        "language": "python",
        "file": "flow.py",
        "interpreter": sys.executable,
        "version": "{}.{}".format(*sys.version_info[:2]),
        "sdk_version": "0.1.0",
    }


def test_task_options_have_their_members():
    task, warnings = task_of(
        on_alive="queue",
        max_pending_starts=7,
        optional=True,
        stop_grace=1.5,
        env={"A": "b"},
    )
    assert task == {
        "name": "task",
        "operator": "bash",
        "command": "true",
        "on_alive": "queue",
        "max_pending_starts": 7,
        "optional": True,
        "stop_grace_ms": 1500,
        "env": {"A": "b"},
    }
    assert warnings == []
    assert task_of(stop_grace=timedelta(minutes=2))[0]["stop_grace_ms"] == 120000


@pytest.mark.parametrize(
    "option",
    [
        {"on_alive": "sometimes"},
        {"max_pending_starts": 0},
        {"max_pending_starts": True},
        {"optional": "yes"},
        {"stop_grace": -1},
        {"stop_grace": "10s"},
        {"env": {"A": 1}},
        {"env": ["A=1"]},
        {"env": {"A=B": "c"}},
        {"env": {"AIFLOW_TASK": "other"}},
    ],
)
def test_a_wrong_option_names_task_and_option(option):
    text = refusal(lambda: BashOperator("my task", "true", **option))
    assert "'my task'" in text and next(iter(option)) in text
    assert text.startswith(__file__.rsplit("/", 1)[0]) or "test_specification.py:" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "option",
    [
        {"retries": 3},
        {"retry_delay": 1},
        {"retry_exponential_backoff": True},
        {"max_retry_delay": 1},
        {"execution_timeout": 5},
        {"periodic_expression": "cron@* * * * *"},
    ],
)
def test_an_option_that_is_not_carried_out_yet_is_refused(option):
    text = refusal(lambda: BashOperator("my task", "true", **option))
    name = next(iter(option))
    assert f"task 'my task': option '{name}' is not supported yet" in text


def test_an_option_that_asks_for_nothing_is_accepted():
    task, warnings = task_of(retries=0, periodic_expression=None, on_alive=None)
    assert task == {"name": "task", "operator": "bash", "command": "true"}
    assert warnings == []


def test_an_unknown_option_is_a_warning():
    task, warnings = task_of(onalive="queue")
    assert "onalive" not in task
    assert warnings == [
        "workflow 'flow', task 'task': option 'onalive' is not known and has no effect"
    ]


def test_workflow_options_are_kept_as_json():
    with Workflow("flow", keep_open=True, owner="me", tags=("a", 1), what=print) as workflow:
        BashOperator("task", "true")
    spec, warnings = spec_of(workflow)
    assert spec["keep_open"] is True
    assert spec["config"]["owner"] == "me"
    assert spec["config"]["tags"] == ["a", 1]
    assert spec["config"]["what"] == repr(print)
    assert len(warnings) == 1 and "'what'" in warnings[0]


def test_keep_open_is_a_boolean():
    with Workflow("flow", keep_open="no") as workflow:
        BashOperator("task", "true")
    with pytest.raises(SpecificationError, match="keep_open"):
        spec_of(workflow)


def test_a_workflow_without_tasks_is_refused():
    with Workflow("flow") as workflow:
        pass
    with pytest.raises(SpecificationError, match=r"\.py:\d+: workflow 'flow' has no tasks"):
        spec_of(workflow)


def test_a_rule_for_an_unknown_task_is_refused():
    with Workflow("flow") as workflow:
        BashOperator("task", "true")
        workflow.action_on_event_received("tusk", "key", TaskAction.START)
    with pytest.raises(SpecificationError, match="unknown task 'tusk'"):
        spec_of(workflow)


def test_a_bare_operator_is_refused():
    assert "nothing to run" in refusal(lambda: Operator("task"))


def test_an_operator_without_start_is_refused():
    class Empty(AIFlowOperator):
        pass

    assert "does not implement start" in refusal(lambda: Empty("task"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: FlinkOperator("task", "job.jar"),
        lambda: SparkSubmitOperator("task", "job.jar"),
        lambda: SparkSqlOperator("task", "select 1"),
    ],
)
def test_operators_of_later_releases_are_refused_when_compiled(make):
    assert "arrives with a later release" in refusal(make)


def status(task, workflow="flow", namespace="default", expect=TaskStatus.SUCCESS):
    return TaskStatusCondition(workflow, task, namespace, expect)


def test_built_in_conditions_are_data():
    nested = MeetAllCondition(
        "all",
        [
            SingleEventCondition("a"),
            MeetAnyCondition([SingleEventCondition("b"), status("x", "other", "team")]),
        ],
    )
    assert condition_of(nested) == {
        "type": "all_of",
        "name": "all",
        "conditions": [
            {"type": "event", "key": "a"},
            {
                "type": "any_of",
                "conditions": [
                    {"type": "event", "key": "b"},
                    {
                        "type": "task_status",
                        "namespace": "team",
                        "workflow": "other",
                        "task": "x",
                        "status": "SUCCESS",
                    },
                ],
            },
        ],
    }


def test_a_join_is_over_tasks_of_its_own_workflow():
    found = condition_of(TaskStatusAllMetCondition([status("task", expect="FAILED")]))
    assert found == {
        "type": "all_task_status",
        "conditions": [
            {
                "type": "task_status",
                "namespace": "default",
                "workflow": "flow",
                "task": "task",
                "status": "FAILED",
            }
        ],
    }
    with pytest.raises(SpecificationError, match="its own workflow only"):
        condition_of(TaskStatusAllMetCondition([status("task", workflow="other")]))


def test_only_announced_statuses_can_be_waited_for():
    for announced in ("RUNNING", "SUCCESS", "FAILED", "STOPPED", "RETRYING"):
        assert condition_of(status("task", expect=announced))["status"] == announced
    for silent in (TaskStatus.INIT, TaskStatus.QUEUED, TaskStatus.STOPPING, "DONE"):
        with pytest.raises(SpecificationError, match="cannot be waited for"):
            condition_of(status("task", expect=silent))


class OwnEvent(SingleEventCondition):
    pass


class Own(Condition):
    def is_met(self, event, context):
        return True


@pytest.mark.parametrize(
    "condition", [OwnEvent("a"), Own(["a"]), MeetAnyCondition([OwnEvent("a")])]
)
def test_an_exact_type_check_decides_what_is_built_in(condition):
    with pytest.raises(SpecificationError, match="arrive with the next release"):
        condition_of(condition)


@pytest.mark.parametrize(
    "condition",
    [
        MeetAnyCondition([]),
        MeetAllCondition("all", []),
        TaskStatusAllMetCondition([]),
        MeetAllCondition("", [SingleEventCondition("a")]),
        SingleEventCondition(""),
        SingleEventCondition(None),
        "no condition",
    ],
)
def test_a_condition_that_can_never_be_met_is_refused(condition):
    with pytest.raises(SpecificationError, match="task 'task'"):
        condition_of(condition)


def test_conditions_nest_to_a_limit():
    condition = SingleEventCondition("a")
    for _ in range(31):
        condition = MeetAnyCondition([condition])
    condition_of(condition)
    with pytest.raises(SpecificationError, match="nested deeper than 32"):
        condition_of(MeetAnyCondition([condition]))


def test_an_unknown_action_is_refused():
    def make():
        BashOperator("task", "true").action_on_condition("GO", SingleEventCondition("a"))

    assert "unknown action 'GO'" in refusal(make)
