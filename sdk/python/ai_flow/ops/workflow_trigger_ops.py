"""Operations on workflow triggers."""

from typing import TYPE_CHECKING, List, Optional

from ai_flow.model.rule import WorkflowRule
from ai_flow.ops.calls import orchestrator, scheduler

if TYPE_CHECKING:
    from ai_flow.metadata import WorkflowEventTriggerMeta


def add_workflow_trigger(
    rule: WorkflowRule, workflow_name: str, namespace: str = "default"
) -> "WorkflowEventTriggerMeta":
    """Starts an execution of the workflow whenever the rule's condition is met.

    The condition is compiled here. The code of conditions of one's own goes with the rule; what it
    imports has to be installed on the server's machine, or in the workflow's bundle.
    """
    from ai_flow.bundle.trigger import compile_trigger

    trigger = compile_trigger(rule)
    with orchestrator() as client:
        return client.add_workflow_trigger(trigger, workflow_name, namespace)


def get_workflow_trigger(trigger_id: int) -> "Optional[WorkflowEventTriggerMeta]":
    with scheduler() as client:
        return client.get_workflow_trigger(trigger_id)


def list_workflow_triggers(
    workflow_name: str,
    namespace: str = "default",
    limit: Optional[int] = None,
    offset: Optional[int] = None,
) -> "Optional[List[WorkflowEventTriggerMeta]]":
    with scheduler() as client:
        return client.list_workflow_triggers(namespace, workflow_name, limit, offset)


def delete_workflow_trigger(trigger_id: int) -> None:
    with scheduler() as client:
        client.delete_workflow_trigger(trigger_id)


def delete_workflow_triggers(workflow_name: str, namespace: str = "default") -> None:
    with scheduler() as client:
        client.delete_workflow_triggers(namespace, workflow_name)


def pause_workflow_trigger(trigger_id: int) -> None:
    with scheduler() as client:
        client.pause_workflow_trigger(trigger_id)


def resume_workflow_trigger(trigger_id: int) -> None:
    with scheduler() as client:
        client.resume_workflow_trigger(trigger_id)
