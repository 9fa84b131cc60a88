"""Filters: the same data for the scheduler, the same answers inside conditions of one's own."""

import json

import pytest

from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.host.condition_spec import condition_spec
from ai_flow.model.action import TaskAction
from ai_flow.model.filters import between, equals, one_of
from ai_flow.model.internal.conditions import SingleEventCondition
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator
from notification_service.model.event import Event


def spec(**filters):
    return condition_spec(SingleEventCondition("key", **filters), ("default", "flow"))


def met(event, **filters):
    return SingleEventCondition("key", **filters).is_met(event, None)


def event(value=None, context=None, sender=None):
    made = Event("key", value)
    made.context = context if context is None or isinstance(context, str) else json.dumps(context)
    made.sender = sender
    return made


@pytest.mark.parametrize(
    "arguments, filters",
    [
        ({"value": "ready"}, [{"field": "value", "equals": "ready"}]),
        ({"value": 3}, [{"field": "value", "equals": 3}]),
        ({"value": one_of("a", "b")}, [{"field": "value", "one_of": ["a", "b"]}]),
        ({"one_of": ["a", "b"]}, [{"field": "value", "one_of": ["a", "b"]}]),
        ({"one_of": ["a"]}, [{"field": "value", "equals": "a"}]),
        ({"between": (0, 0.5)}, [{"field": "value", "min": 0, "max": 0.5}]),
        ({"value": between(high=1)}, [{"field": "value", "max": 1}]),
        ({"between": (2, None)}, [{"field": "value", "min": 2}]),
        (
            {"value": {"/a/0": {"b": [None]}}},
            [{"field": "value", "pointer": "/a/0", "equals": {"b": [None]}}],
        ),
        (
            {"context": {"/loss": between(0, 1), "/final": True, "/n": None}},
            [
                {"field": "context", "pointer": "/loss", "min": 0, "max": 1},
                {"field": "context", "pointer": "/final", "equals": True},
                {"field": "context", "pointer": "/n", "equals": None},
            ],
        ),
        ({"sender": one_of(["s", "t"])}, [{"field": "sender", "one_of": ["s", "t"]}]),
        (
            {"value": "a", "between": (0, 1), "sender": "s"},
            [
                {"field": "value", "equals": "a"},
                {"field": "value", "min": 0, "max": 1},
                {"field": "sender", "equals": "s"},
            ],
        ),
    ],
)
def test_filters_are_data(arguments, filters):
    assert spec(**arguments) == {"type": "event", "key": "key", "filters": filters}


def test_scope_is_data_unless_it_is_any():
    assert spec(scope="execution") == {"type": "event", "key": "key", "scope": "execution"}
    assert spec(scope="namespace")["scope"] == "namespace"
    assert spec(scope="any") == spec(scope=None) == {"type": "event", "key": "key"}


def test_rules_on_events_take_filters_as_keywords():
    with Workflow("flow") as workflow:
        task = BashOperator("task", "true")
        task.action_on_event_received(TaskAction.START, "a", value="x", scope="execution")
        workflow.action_on_event_received("task", "b", TaskAction.STOP, context={"/n": 1})
    first, second = (rule.condition for rule in workflow.rules["task"])
    assert (first.filters[0].spec(), first.scope) == (
        {"field": "value", "equals": "x"},
        "execution",
    )
    assert second.filters[0].spec() == {"field": "context", "pointer": "/n", "equals": 1}


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ({"scope": "global"}, "any, execution, namespace"),
        ({"value": True}, "never equal to True"),
        ({"value": ["a"]}, "never equal to"),
        ({"value": one_of("a", None)}, "never equal to None"),
        ({"value": object()}, "no JSON value"),
        ({"value": float("nan")}, "no JSON value"),
        ({"one_of": "abc"}, "must be a list"),
        ({"one_of": []}, "1 to 1000 values, not 0"),
        ({"one_of": range(1001)}, "1 to 1000 values, not 1001"),
        ({"between": 3}, "a pair"),
        ({"between": (1,)}, "a pair"),
        ({"between": (None, None)}, "needs a bound"),
        ({"between": (2, 1)}, "is no number"),
        ({"between": ("a", "b")}, "takes numbers"),
        ({"between": (True, 2)}, "takes numbers"),
        ({"between": (0, float("inf"))}, "finite"),
        ({"context": "text"}, "dict of JSON Pointers"),
        ({"context": {"loss": 1}}, "begin with '/'"),
        ({"context": {"/a~2": 1}}, "'~' is followed by"),
        ({"context": {7: 1}}, "no JSON Pointer"),
        ({"context": {f"/{n}": n for n in range(33)}}, "over the limit of 32"),
    ],
)
def test_a_filter_that_cannot_be_is_refused_where_it_is_written(arguments, reason):
    with pytest.raises(AIFlowException) as error:
        SingleEventCondition("key", **arguments)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    "arguments, yes, no",
    [
        ({"value": "a"}, ["a"], ["b", "", None, '"a"']),
        ({"value": "3"}, ["3"], ["3.0"]),
        ({"value": 3}, ["3", "3.0", " 3"], ["4", "three", "true", None]),
        ({"one_of": ["x", 1]}, ["x", "1"], ["y", "2"]),
        (
            {"between": (0, 1)},
            ["0", "1", "0.5", "5e-1"],
            ["-1", "1.1", "half", "NaN", "true", None],
        ),
        ({"value": {"": 5}}, ["5"], ["6", "x", None]),
        (
            {"value": {"/a/1": equals("x")}},
            ['{"a": [0, "x"]}'],
            ['{"a": ["x"]}', '{"a": {"b": "x"}}', "text", "[]", None],
        ),
        ({"value": {"/a/1": 2}}, ['{"a": {"1": 2}}', '{"a": [1, 2.0]}'], ['{"a": "12"}']),
        ({"value": {"/a~1b~0c": 1}}, ['{"a/b~c": 1}'], ['{"a": {"b~c": 1}}']),
        ({"value": {"/a": 1}}, ['{"a": 1}', '{"a": 1.0}'], ['{"a": true}', '{"a": "1"}']),
        ({"value": {"/a": True}}, ['{"a": true}'], ['{"a": 1}']),
        ({"value": {"/a": [1, {"b": None}]}}, ['{"a": [1, {"b": null}]}'], ['{"a": [1, {}]}']),
        ({"value": {"/a": between(1, 2)}}, ['{"a": 1.5}'], ['{"a": "1.5"}', '{"a": NaN}', "{}"]),
    ],
)
def test_conditions_of_ones_own_may_ask_filters(arguments, yes, no):
    for value in yes:
        assert met(event(value), **arguments), value
    for value in no:
        assert not met(event(value), **arguments), value


def test_filters_look_at_context_and_sender():
    filters = {"context": {"/loss": between(0, 0.1)}, "sender": "trainer"}
    assert met(event("v", {"loss": 0.05}, "trainer"), **filters)
    assert not met(event("v", {"loss": 0.5}, "trainer"), **filters)
    assert not met(event("v", {"loss": 0.05}), **filters)
    assert not met(event("v", "no json", "trainer"), **filters)


@pytest.mark.parametrize(
    "context, scope",
    [
        (None, "namespace"),
        ("text", "namespace"),
        ("123", "namespace"),
        ({"workflow_execution_id": 7}, "execution"),
        ({"workflow_execution_id": "7"}, "execution"),
        ({"workflow_execution_id": True}, "namespace"),
        ({"workflow_execution_id": "seven"}, "namespace"),
        ({"workflow_execution_id": None}, "namespace"),
    ],
)
def test_scope_is_how_the_event_was_addressed(context, scope):
    other = {"namespace": "execution", "execution": "namespace"}[scope]
    assert met(event("v", context), scope=scope)
    assert not met(event("v", context), scope=other)
    assert met(event("v", context), scope="any")
