"""Parameters and hooks of workflows, parameters of triggers."""

import pytest

from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.host.specification import SpecificationError, trigger_spec, workflow_spec
from ai_flow.model.condition import Condition
from ai_flow.model.hook import Hook
from ai_flow.model.internal.conditions import (
    MeetAllCondition,
    SingleEventCondition,
    TaskStatusAllMetCondition,
    TaskStatusCondition,
)
from ai_flow.model.param import REQUIRED, EventField, Param
from ai_flow.model.rule import WorkflowRule
from ai_flow.model.status import TaskStatus
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator


def spec_of(**options):
    with Workflow("flow", **options) as workflow:
        BashOperator("task", "true")
    return workflow_spec(workflow, "flow.py", [])


def test_params_have_type_default_and_description():
    params = {
        "day": Param(str, description="ISO date"),
        "n": 3,
        "rate": 0.5,
        "dry": False,
        "name": "x",
        "options": {"a": [1, None]},
        "nothing": None,
        "limit": Param(float, default=2),
        "any": Param("json", default=[1]),
    }
    assert spec_of(params=params)["params"] == [
        {"name": "day", "type": "string", "description": "ISO date"},
        {"name": "n", "type": "integer", "default": 3},
        {"name": "rate", "type": "number", "default": 0.5},
        {"name": "dry", "type": "boolean", "default": False},
        {"name": "name", "type": "string", "default": "x"},
        {"name": "options", "type": "json", "default": {"a": [1, None]}},
        {"name": "nothing", "type": "json", "default": None},
        {"name": "limit", "type": "number", "default": 2},
        {"name": "any", "type": "json", "default": [1]},
    ]


def test_params_may_be_a_list_with_names():
    params = [Param(int, 1, name="first"), Param(name="second")]
    assert spec_of(params=params)["params"] == [
        {"name": "first", "type": "integer", "default": 1},
        {"name": "second", "type": "string"},
    ]
    assert "params" not in spec_of(params={})


def test_a_param_without_a_default_is_required():
    assert Param(int).required and Param(int).default is REQUIRED
    assert not Param(object, None).required


@pytest.mark.parametrize(
    "make, reason",
    [
        (lambda: Param(bytes), "type <class 'bytes'> is not known"),
        (lambda: Param("text"), "type 'text' is not known"),
        (lambda: Param([]), "is not known"),
        (lambda: Param(int, "3"), "must be of type integer, not '3'"),
        (lambda: Param(int, True), "must be of type integer"),
        (lambda: Param(int, 1 << 63), "must be of type integer"),
        (lambda: Param(str, 3), "must be of type string"),
        (lambda: Param(bool, 0), "must be of type boolean"),
        (lambda: Param(float, float("nan")), "must be of type number"),
        (lambda: Param(dict, {1, 2}), "no JSON value"),
        (lambda: Param(str, description=None), "description"),
    ],
)
def test_a_param_that_cannot_be_is_refused_where_it_is_written(make, reason):
    with pytest.raises(AIFlowException) as error:
        make()
    assert reason in str(error.value)


@pytest.mark.parametrize(
    "params, reason",
    [
        ({"1st": 1}, "'1st'"),
        ({"a-b": 1}, "'a-b'"),
        ({"tag_ä": 1}, "A-Z"),
        ({"": 1}, "''"),
        ({"day": 1, "DAY": 2}, "environment variable AIFLOW_PARAM_DAY"),
        ({"x": object()}, "parameter 'x'"),
        ([Param(int)], "parameter name None"),
        ([Param(int, name="a"), Param(int, name="a")], "'a'"),
        ([1], "list of Params"),
        ({f"p{n}": n for n in range(201)}, "over the limit of 200"),
    ],
)
def test_params_that_cannot_be_are_refused_with_the_workflow(params, reason):
    with pytest.raises(SpecificationError, match="workflow 'flow'") as error:
        spec_of(params=params)
    assert reason in str(error.value)


def test_hooks_are_told_of_what_they_are_given_for():
    both, mail = Hook(url="https://example.org/done"), Hook(command="mail -s failed me")
    spec = spec_of(on_failure=[mail, both], on_success=both)
    assert spec["hooks"] == [
        {"on_failure": True, "on_success": False, "command": "mail -s failed me"},
        {"on_failure": True, "on_success": True, "url": "https://example.org/done"},
    ]
    assert "config" not in spec


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ({}, "either a command or a url"),
        ({"command": "a", "url": "http://b"}, "either a command or a url"),
        ({"command": " "}, "not empty"),
        ({"url": "example.org"}, "http://"),
        ({"url": 5}, "string"),
    ],
)
def test_a_hook_that_cannot_be_is_refused_where_it_is_written(arguments, reason):
    with pytest.raises(AIFlowException) as error:
        Hook(**arguments)
    assert reason in str(error.value)


def test_hooks_have_a_limit():
    with pytest.raises(SpecificationError, match="21 hooks are over the limit of 20"):
        spec_of(on_failure=[Hook(command=str(n)) for n in range(21)])


class Own(Condition):
    def is_met(self, event, context):
        return True


class OwnRule(WorkflowRule):
    def trigger(self, event, context):
        return True


def test_a_trigger_is_a_condition_and_a_mapping():
    rule = WorkflowRule(
        SingleEventCondition("day_done", value="ok"),
        params={"day": EventField("value"), "rows": EventField("context", "/rows"), "mode": "full"},
    )
    assert trigger_spec(rule) == {
        "condition": {
            "type": "event",
            "key": "day_done",
            "filters": [{"field": "value", "equals": "ok"}],
        },
        "params": {
            "day": {"field": "value"},
            "rows": {"field": "context", "pointer": "/rows"},
            "mode": {"value": "full"},
        },
        "host": None,
    }
    assert trigger_spec(WorkflowRule(SingleEventCondition("a")))["params"] == {}


def test_a_trigger_with_a_condition_of_its_own_names_a_host_without_a_file():
    spec = trigger_spec(WorkflowRule(MeetAllCondition("all", [Own(["a"])])))
    assert spec["condition"]["conditions"][0]["type"] == "custom"
    assert set(spec["host"]) == {"language", "interpreter", "version", "sdk_version"}
    assert spec["host"]["language"] == "python"


@pytest.mark.parametrize(
    "make, reason",
    [
        (lambda: WorkflowRule(SingleEventCondition("")), "event key"),
        (lambda: WorkflowRule(None), "not a Condition"),
        (
            lambda: WorkflowRule(
                TaskStatusAllMetCondition(
                    [TaskStatusCondition("w", "t", "default", TaskStatus.SUCCESS)]
                )
            ),
            "a trigger has none",
        ),
        (
            lambda: WorkflowRule(SingleEventCondition("a"), params={"x": Param(int)}),
            "Params belong",
        ),
        (lambda: WorkflowRule(SingleEventCondition("a"), params={"x": {1}}), "no JSON value"),
        (lambda: WorkflowRule(SingleEventCondition("a"), params={"a b": 1}), "impossible"),
        (lambda: WorkflowRule(SingleEventCondition("a"), params=["x"]), "must be a dict"),
        (lambda: SingleEventCondition("a"), "WorkflowRule"),
        (lambda: OwnRule(SingleEventCondition("a")), "OwnRule has a trigger() of its own"),
    ],
)
def test_a_trigger_that_cannot_be_is_refused(make, reason):
    with pytest.raises(SpecificationError) as error:
        trigger_spec(make())
    assert reason in str(error.value)


@pytest.mark.parametrize("arguments", [("colour",), ("sender", "/a"), ("value", "a")])
def test_an_event_field_that_cannot_be_is_refused(arguments):
    with pytest.raises(AIFlowException):
        EventField(*arguments)
