"""What workflows compile to: docs/formats/workflow-spec.md."""

import re
import sys
from datetime import timedelta

import pytest

from ai_flow.host.condition_spec import custom_leaves
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
from ai_flow.model.rule import TaskRule
from ai_flow.model.status import TaskStatus
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator
from ai_flow.operators.empty import EmptyOperator
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
            "version": 2,
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
        {"env_file": {"A": "b"}},
        {"env_file": ["a", 1]},
    ],
)
def test_a_wrong_option_names_task_and_option(option):
    text = refusal(lambda: BashOperator("my task", "true", **option))
    assert "'my task'" in text and next(iter(option)) in text
    assert text.startswith(__file__.rsplit("/", 1)[0]) or "test_specification.py:" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "option, member",
    [
        ({"retries": 3}, {"retries": 3}),
        ({"retries": 1, "retry_delay": 0.25}, {"retries": 1, "retry_delay_ms": 250}),
        (
            {"retries": 9, "retry_exponential_backoff": True, "max_retry_delay": 60},
            {"retries": 9, "retry_exponential_backoff": True, "max_retry_delay_ms": 60000},
        ),
        ({"execution_timeout": timedelta(hours=1)}, {"execution_timeout_ms": 3600000}),
        ({"queue_timeout": 5}, {"queue_timeout_ms": 5000}),
        ({"start_timeout": 0}, {"start_timeout_ms": 0}),
        (
            {"periodic_expression": "cron@0 9 * * 1-5 Europe/Berlin", "catchup": "none"},
            {"periodic_expression": "cron@0 9 * * 1-5 Europe/Berlin", "catchup": "none"},
        ),
        (
            {"periodic_expression": "interval@0 0 0 30", "overlap": "skip"},
            {"periodic_expression": "interval@0 0 0 30", "overlap": "skip"},
        ),
        ({"pool": "gpu", "pool_slots": 2}, {"pool": "gpu", "pool_slots": 2}),
        ({"executor": "farm"}, {"executor": "farm"}),
        ({"priority": -5}, {"priority": -5}),
        ({"env_file": "secrets.env"}, {"env_file": ["secrets.env"]}),
        ({"env_file": ["~/a.env", "/b.env"]}, {"env_file": ["~/a.env", "/b.env"]}),
        ({"retries": 0, "periodic_expression": None, "on_alive": None}, {"retries": 0}),
    ],
)
def test_times_retries_and_slots_have_their_members(option, member):
    task, warnings = task_of(**option)
    assert task == dict({"name": "task", "operator": "bash", "command": "true"}, **member)
    assert warnings == []


def test_a_time_above_zero_never_becomes_no_limit():
    assert task_of(execution_timeout=0.0001)[0]["execution_timeout_ms"] == 1
    assert task_of(execution_timeout=0)[0]["execution_timeout_ms"] == 0


@pytest.mark.parametrize(
    "option, reason",
    [
        ({"retries": -1}, "at least 0"),
        ({"retries": 2_000_000}, "at most 1000000"),
        ({"retries": "3"}, "whole number"),
        ({"retries": True}, "whole number"),
        ({"retry_delay": -1}, "seconds"),
        ({"retry_delay": float("nan")}, "seconds"),
        ({"execution_timeout": 1e12}, "3650 days"),
        ({"execution_timeout": float("inf")}, "3650 days"),
        ({"queue_timeout": "1m"}, "timedelta"),
        ({"retry_exponential_backoff": 2}, "True or False"),
        ({"periodic_expression": "* * * * *"}, "cron@"),
        ({"periodic_expression": 60}, "cron@"),
        ({"overlap": "kill"}, "restart, skip, queue"),
        ({"catchup": True}, "none, one, all"),
        ({"pool": ""}, "not empty"),
        ({"pool": "a/b"}, "letters"),
        ({"pool_slots": 0}, "at least 1"),
        ({"priority": 1.5}, "whole number"),
        ({"max_pending_starts": 1_000_000}, "at most 100000"),
        ({"env": {"AIFLOW_PARAM_DAY": "x"}}, "which the server sets"),
        ({"env": {"AIFLOW_OUTPUTS_FILE": "x"}}, "which the server sets"),
        ({"env_file": ["x"] * 17}, "names 17 files, the limit is 16"),
        ({"env_file": ["a", ""]}, "has no path"),
        ({"env_file": "a\nb"}, "has no path"),
    ],
)
def test_a_wrong_time_retry_or_slot_says_what_is_allowed(option, reason):
    text = refusal(lambda: BashOperator("my task", "true", **option))
    assert "'my task'" in text and next(iter(option)) in text and reason in text
    assert "test_specification.py:" in text and "\n" not in text


def test_an_empty_operator_has_no_process():
    with Workflow("flow") as workflow:
        EmptyOperator("begin", optional=True, periodic_expression="interval@0 0 1 0")
        EmptyOperator("point", retries=3, env={"A": "b"}).start_after(workflow.tasks["begin"])
    spec, warnings = spec_of(workflow)
    begin, point = spec["tasks"]
    assert "host" not in spec
    assert begin == {
        "name": "begin",
        "operator": "empty",
        "optional": True,
        "periodic_expression": "interval@0 0 1 0",
    }
    assert set(point) == {"name", "operator", "rules"}
    assert len(warnings) == 2
    assert all("has no effect on a task without a process" in text for text in warnings)


def test_an_unknown_option_is_a_warning():
    task, warnings = task_of(trigger_rule="all_done")
    assert set(task) == {"name", "operator", "command"}
    (warning,) = warnings
    # Where it is written, as messages about errors.
    assert re.fullmatch(
        r".*test_specification\.py:\d+: workflow 'flow', task 'task': option 'trigger_rule' is not "
        r"known and has no effect",
        warning,
    )


@pytest.mark.parametrize(
    "option, meant",
    [
        ("retires", "did you mean 'retries'?"),
        ("onalive", "did you mean 'on_alive'?"),
        ("retry_delay_", "did you mean 'retry_delay'?"),
        ("max_active_executions", "it is one of workflows"),
    ],
)
def test_an_option_that_is_nearly_one_is_named(option, meant):
    _, (warning,) = task_of(**{option: 1})
    assert warning.endswith(f"option {option!r} is not known and has no effect; {meant}")


@pytest.mark.parametrize(
    "option, hint",
    [
        ("max_active_execution", "did you mean 'max_active_executions'?"),
        ("time_zone", "did you mean 'timezone'?"),
        ("retries", "give it to its operators"),
    ],
)
def test_an_option_of_a_workflow_that_is_nearly_one_is_a_warning(option, hint):
    with Workflow("flow", owner="me", **{option: 1}) as workflow:
        BashOperator("task", "true")
    spec, (warning,) = spec_of(workflow)
    assert re.match(r".*test_specification\.py:\d+: workflow 'flow': option ", warning)
    assert hint in warning
    # Files of the forerunner may keep what they want.
    assert spec["config"] == {"owner": "me", option: 1}


def test_workflow_options_are_kept_as_json():
    with Workflow("flow", keep_open=True, owner="me", tags=("a", 1), what=print) as workflow:
        BashOperator("task", "true")
    spec, warnings = spec_of(workflow)
    assert spec["keep_open"] is True
    assert spec["config"]["owner"] == "me"
    assert spec["config"]["tags"] == ["a", 1]
    assert spec["config"]["what"] == repr(print)
    assert len(warnings) == 1 and "'what'" in warnings[0]


def test_workflow_options_have_their_members():
    with Workflow(
        "flow",
        execution_timeout=timedelta(days=1),
        max_active_executions=1,
        concurrency=4,
        timezone="Europe/Berlin",
    ) as workflow:
        BashOperator("task", "true")
    spec, warnings = spec_of(workflow)
    assert spec["execution_timeout_ms"] == 86400000
    assert (spec["max_active_executions"], spec["concurrency"]) == (1, 4)
    assert spec["timezone"] == "Europe/Berlin"
    assert "config" not in spec and "keep_open" not in spec and warnings == []


@pytest.mark.parametrize(
    "option, reason",
    [
        ({"keep_open": "no"}, "True or False"),
        ({"execution_timeout": "1d"}, "seconds"),
        ({"max_active_executions": 0}, "at least 1"),
        ({"concurrency": 1.5}, "whole number"),
        ({"timezone": 2}, "string"),
        ({"params": 5}, "dict of names"),
        ({"on_failure": "mail me"}, "must be a Hook"),
        ({"on_success": [None]}, "must be a Hook"),
    ],
)
def test_a_wrong_workflow_option_names_workflow_and_option(option, reason):
    with Workflow("flow", **option) as workflow:
        BashOperator("task", "true")
    with pytest.raises(SpecificationError, match=reason) as error:
        spec_of(workflow)
    text = str(error.value)
    assert "test_specification.py:" in text and "workflow 'flow'" in text
    assert next(iter(option)) in text


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


def test_a_bare_operator_is_refused_with_a_hint():
    text = refusal(lambda: Operator("task"))
    assert "Operator has nothing to run" in text and "EmptyOperator" in text


def test_a_subclass_of_the_empty_operator_needs_code():
    class Own(EmptyOperator):
        pass

    assert "Own has nothing to run" in refusal(lambda: Own("task"))


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
def test_operators_of_tools_compile_without_their_tools(make, monkeypatch):
    """A forerunner looked for flink, yarn and kubectl where the file was imported."""
    monkeypatch.setenv("PATH", "/nowhere")
    with Workflow("flow") as workflow:
        make()
    spec, warnings = spec_of(workflow)
    assert spec["tasks"] == [{"name": "task", "operator": "host"}]
    assert warnings == []


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


class OwnAll(MeetAllCondition):
    pass


class Own(Condition):
    def is_met(self, event, context):
        return True


def custom(name, *keys):
    return {"type": "custom", "name": name, "event_keys": list(keys)}


@pytest.mark.parametrize(
    "condition, expected",
    [
        (OwnEvent("a"), custom("OwnEvent", "a")),
        (Own(["a", "b", "a"]), custom("Own", "a", "b")),
        (Own(("a",)), custom("Own", "a")),
        (Own({"c", "a", "b"}), custom("Own", "a", "b", "c")),
        (OwnAll("all", [Own(["a"]), SingleEventCondition("b")]), custom("OwnAll", "a", "b")),
        (
            MeetAnyCondition([Own(["a"]), SingleEventCondition("b"), OwnEvent("c")]),
            {
                "type": "any_of",
                "conditions": [
                    custom("Own", "a"),
                    {"type": "event", "key": "b"},
                    custom("OwnEvent", "c"),
                ],
            },
        ),
    ],
)
def test_an_exact_type_check_decides_what_is_built_in(condition, expected):
    assert condition_of(condition) == expected


def test_a_workflow_with_conditions_of_its_own_needs_a_host():
    with Workflow("flow") as workflow:
        task = BashOperator("task", "true")
        task.action_on_condition(TaskAction.START, MeetAnyCondition([Own(["a"])]))
    assert spec_of(workflow)[0]["host"]["file"] == "flow.py"


def test_user_written_leaves_are_numbered_depth_first():
    first, second, third = Own(["a"]), OwnEvent("b"), OwnAll("x", [Own(["c"])])
    tree = MeetAllCondition(
        "all",
        [SingleEventCondition("z"), MeetAnyCondition([first, MeetAnyCondition([second])]), third],
    )
    assert list(custom_leaves(tree)) == [first, second, third]
    found = []

    def collect(spec):
        if spec["type"] == "custom":
            found.append(spec["name"])
        for child in spec.get("conditions", []):
            collect(child)

    collect(condition_of(tree))
    assert found == ["Own", "OwnEvent", "OwnAll"]


class WithoutKeys(Condition):
    def __init__(self):
        pass

    def is_met(self, event, context):
        return True


@pytest.mark.parametrize(
    "condition, reason",
    [
        (WithoutKeys(), "super().__init__(expect_event_keys)"),
        (Own("key"), "no list of event keys"),
        (Own([]), "expects no event"),
        (Own([str(n) for n in range(1001)]), "Own expects 1001 event keys, the limit is 1000"),
        (Own([1]), "event key must be a string"),
        (Own(["ä" * 513]), "has 1026 bytes, the limit is 1024"),
    ],
)
def test_a_condition_of_its_own_needs_event_keys(condition, reason):
    with pytest.raises(SpecificationError) as error:
        condition_of(condition)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    "condition",
    [
        MeetAnyCondition([]),
        MeetAllCondition("all", []),
        TaskStatusAllMetCondition([]),
        MeetAllCondition("", [SingleEventCondition("a")]),
        SingleEventCondition(""),
        SingleEventCondition(None),
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


def test_a_rule_with_a_trigger_of_its_own_is_refused():
    """The scheduler evaluates conditions; nobody would call it."""

    class OwnRule(TaskRule):
        def trigger(self, event, context):
            return self.action

    def make():
        task = BashOperator("task", "true")
        task.workflow.rules["task"] = [OwnRule(SingleEventCondition("a"), TaskAction.START)]

    assert "OwnRule has a trigger() of its own" in refusal(make)

