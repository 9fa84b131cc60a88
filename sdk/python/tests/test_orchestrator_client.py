"""The operations of the current API, against a service in this process."""

import json
import sys
from datetime import datetime, timezone

import cloudpickle
import grpc
import pytest

from ai_flow import ops
from ai_flow.common.exception.exceptions import AIFlowException
from ai_flow.metadata import BackfillMeta, PoolMeta
from ai_flow.model.condition import Condition
from ai_flow.model.internal.conditions import MeetAnyCondition, SingleEventCondition
from ai_flow.model.param import EventField
from ai_flow.model.rule import WorkflowRule
from ai_flow.model.status import TaskStatus
from ai_flow.rpc.protobuf import orchestrator_pb2 as v1


def last(server, method):
    """The request of the last call, without its id, which every change has."""
    name, request = server.calls[-1]
    assert name == method
    if "request_id" in request.DESCRIPTOR.fields_by_name:
        assert request.request_id
        request.ClearField("request_id")
    return request


def test_a_start_brings_its_params(server):
    server.answers["StartWorkflowExecution"] = v1.StartWorkflowExecutionResponse(execution_id=17)
    assert ops.start_workflow_execution("flow", "team", params={"day": "ä", "n": 3}) == 17
    assert last(server, "StartWorkflowExecution") == v1.StartWorkflowExecutionRequest(
        namespace="team", name="flow", params_json='{"day": "ä", "n": 3}'
    )
    ops.start_workflow_execution("flow")
    assert last(server, "StartWorkflowExecution").params_json == ""


@pytest.mark.parametrize("params", [["day"], {1: 2}, {"a": object()}, {"a": float("nan")}])
def test_params_that_cannot_be_are_not_sent(server, params):
    with pytest.raises(AIFlowException, match="params"):
        ops.start_workflow_execution("flow", params=params)
    assert not [name for name, _ in server.calls if name == "StartWorkflowExecution"]


def test_a_start_without_an_answer_is_repeated_with_the_same_request_id(server):
    busy = (grpc.StatusCode.UNAVAILABLE, "busy")
    answer = v1.StartWorkflowExecutionResponse(execution_id=17)
    server.answers["StartWorkflowExecution"] = [busy, busy, answer, answer, answer]
    assert ops.start_workflow_execution("flow") == 17
    ids = [r.request_id for name, r in server.calls if name == "StartWorkflowExecution"]
    assert len(ids) == 3 and len(set(ids)) == 1
    ops.start_workflow_execution("flow")
    assert server.calls[-1][1].request_id != ids[0]
    ops.start_workflow_execution("flow", request_id="mine")
    assert server.calls[-1][1].request_id == "mine"


def test_what_stays_unavailable_is_an_error(server, monkeypatch):
    monkeypatch.setattr("ai_flow.rpc.client.channel.CONNECT_SECONDS", 0.2)
    server.answers["StartWorkflowExecution"] = (grpc.StatusCode.UNAVAILABLE, "too busy")
    with pytest.raises(AIFlowException, match="too busy"):
        ops.start_workflow_execution("flow")


def test_what_the_server_refuses_is_an_exception_with_its_message(server):
    refusal = (grpc.StatusCode.FAILED_PRECONDITION, "workflow default.flow is disabled")
    server.answers["StartWorkflowExecution"] = refusal
    with pytest.raises(AIFlowException, match="workflow default.flow is disabled"):
        ops.start_workflow_execution("flow")
    assert [name for name, _ in server.calls].count("StartWorkflowExecution") == 1


def test_a_schedule_has_its_options(server):
    server.answers["AddWorkflowSchedule"] = lambda request: v1.WorkflowSchedule(
        id=3, workflow_id=4, expression=request.expression, create_time=1500
    )
    added = ops.add_workflow_schedule("cron@0 9 * * *", "flow")
    assert (added.id, added.workflow_id, added.expression) == (3, 4, "cron@0 9 * * *")
    assert (added.create_time, added.is_paused) == (datetime.fromtimestamp(1.5), False)
    ops.add_workflow_schedule(
        "cron@0 9 * * *",
        "flow",
        "team",
        timezone="Europe/Berlin",
        catchup="all",
        skip_if_active=True,
        params={"n": 1},
    )
    assert last(server, "AddWorkflowSchedule") == v1.AddWorkflowScheduleRequest(
        namespace="team",
        name="flow",
        expression="cron@0 9 * * *",
        timezone="Europe/Berlin",
        catchup="all",
        skip_if_active=True,
        params_json='{"n": 1}',
    )


def test_a_backfill_is_over_instants(server):
    server.answers["BackfillWorkflow"] = v1.BackfillWorkflowResponse(
        started=2, due_times=[1000, 2500], execution_ids=[7, 8]
    )
    begin = datetime(2024, 1, 1, tzinfo=timezone.utc)
    local_end = datetime(2024, 2, 1)
    done = ops.backfill_workflow("flow", begin, local_end, expression="cron@@daily", dry_run=True)
    due = [datetime.fromtimestamp(1), datetime.fromtimestamp(2.5)]
    assert done == BackfillMeta(2, due, [7, 8])
    assert last(server, "BackfillWorkflow") == v1.BackfillWorkflowRequest(
        namespace="default",
        name="flow",
        expression="cron@@daily",
        from_time=1704067200000,
        to_time=int(local_end.timestamp() * 1000),
        dry_run=True,
    )


def test_repair_names_execution_and_tasks(server):
    server.answers["RerunTasks"] = v1.RerunTasksResponse(started=2)
    assert ops.rerun_tasks(7) == 2
    assert last(server, "RerunTasks") == v1.RerunTasksRequest(execution_id=7)
    ops.rerun_tasks(7, ["a", "b"])
    assert list(last(server, "RerunTasks").task_names) == ["a", "b"]
    server.answers["MarkTask"] = v1.MarkTaskResponse(task_execution_id=31)
    assert ops.mark_task(7, "a", TaskStatus.FAILED, note="by hand") == 31
    assert last(server, "MarkTask") == v1.MarkTaskRequest(
        execution_id=7, task_name="a", status="FAILED", note="by hand"
    )


def test_pools_are_listed_to_the_end(server):
    pages = [
        v1.ListPoolsResponse(pools=[v1.Pool(name="gpu", slots=2)], next_page_token="more"),
        v1.ListPoolsResponse(pools=[v1.Pool(name="local", slots=9, slots_in_use=3, waiting=1)]),
    ]
    server.answers["ListPools"] = list(pages)
    assert ops.list_pools() == [PoolMeta("gpu", 2, "", 0, 0), PoolMeta("local", 9, "", 3, 1)]
    assert server.calls[-1][1].page_token == "more"
    server.answers["SetPool"] = lambda request: v1.Pool(name=request.name, slots=request.slots)
    assert ops.set_pool("gpu", 4, "cards") == PoolMeta("gpu", 4, "", 0, 0)
    assert last(server, "SetPool").description == "cards"
    ops.delete_pool("gpu")
    assert last(server, "DeletePool").name == "gpu"


def test_failed_events_are_listed_retried_and_dropped(server):
    event = v1.FailedEvent(
        id=5, execution_id=7, workflow_id=4, task_name="t", condition="Own", error="boom", time=1000
    )
    server.answers["ListFailedEvents"] = v1.ListFailedEventsResponse(failed_events=[event])
    (found,) = ops.list_failed_events()
    assert (found.id, found.workflow_execution_id, found.trigger_id) == (5, 7, None)
    assert (found.task_name, found.condition, found.error) == ("t", "Own", "boom")
    assert found.time == datetime.fromtimestamp(1)
    ops.retry_failed_event(5)
    assert last(server, "RetryFailedEvent").failed_event_id == 5
    ops.drop_failed_event(6)
    assert last(server, "DropFailedEvent").failed_event_id == 6


# Triggers.


class Own(Condition):
    def is_met(self, event, context):
        return True


def added(request):
    return v1.WorkflowTrigger(
        id=9, workflow_id=4, pickled_rule=request.pickled_rule, create_time=1500, paused=False
    )


def test_adding_a_trigger_returns_it(server):
    """A forerunner returned None."""
    server.answers["AddWorkflowTrigger"] = added
    rule = WorkflowRule(SingleEventCondition("a"), params={"day": EventField("value")})
    trigger = ops.add_workflow_trigger(rule, "flow", "team")
    assert (trigger.id, trigger.workflow_id, trigger.is_paused) == (9, 4, False)
    assert trigger.create_time == datetime.fromtimestamp(1.5)
    request = last(server, "AddWorkflowTrigger")
    assert (request.namespace, request.name, request.host_json) == ("team", "flow", "")
    assert json.loads(request.condition_json) == {"type": "event", "key": "a"}
    assert json.loads(request.params_json) == {"day": {"field": "value"}}
    again = cloudpickle.loads(trigger.rule)
    assert again.condition.expect_event_keys == ["a"] and again.params["day"].field == "value"


def test_a_trigger_that_cannot_be_is_not_sent(server):
    with pytest.raises(AIFlowException, match="event key"):
        ops.add_workflow_trigger(WorkflowRule(SingleEventCondition("")), "flow")
    assert server.calls == []


def test_the_code_of_a_triggers_conditions_goes_with_it(server, condition_host, tmp_path):
    """The host has neither this test nor the helper module of its class."""
    from condition_host import trigger as ask

    folder = tmp_path / "client"
    folder.mkdir()
    (folder / "client_base.py").write_text(
        "from ai_flow.model.condition import Condition\n"
        "class Base(Condition):\n    def is_met(self, event, context):\n"
        "        return self.wanted(event)\n"
    )
    (folder / "client_rules.py").write_text(
        "import json\nfrom client_base import Base\nWORD = 'yes'\n"
        "class Wanted(Base):\n    def wanted(self, event):\n"
        "        return json.loads(event.value) == WORD\n"
    )
    sys.path.insert(0, str(folder))
    try:
        from client_rules import Wanted
    finally:
        sys.path.remove(str(folder))
    server.answers["AddWorkflowTrigger"] = added
    rule = WorkflowRule(MeetAnyCondition([SingleEventCondition("a"), Wanted(["b"])]))
    sent = ops.add_workflow_trigger(rule, "flow").rule
    assert json.loads(last(server, "AddWorkflowTrigger").host_json)["language"] == "python"
    assert cloudpickle.list_registry_pickle_by_value() == set()

    condition_host.start()
    assert condition_host.met(ask(sent), value='"yes"')
    assert not condition_host.met(ask(sent), value='"no"')


def test_a_rule_that_cannot_be_pickled_is_a_clear_error(server):
    condition = Own(["a"])
    condition.lock = __import__("threading").Lock()
    with pytest.raises(AIFlowException, match="cannot be pickled: TypeError"):
        ops.add_workflow_trigger(WorkflowRule(condition), "flow")
    assert cloudpickle.list_registry_pickle_by_value() == set()
    assert server.calls == []
