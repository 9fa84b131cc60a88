"""Rules: a condition and what follows when it is met."""

from typing import TYPE_CHECKING, Any, Mapping, Optional

from ai_flow.model.action import TaskAction
from ai_flow.model.condition import Condition

if TYPE_CHECKING:
    from ai_flow.model.context import Context
    from notification_service.model.event import Event


class TaskRule:
    """Acts on a task when its condition is met."""

    def __init__(self, condition: Condition, action: TaskAction):
        self.condition = condition
        self.action = action

    def trigger(self, event: "Event", context: "Context") -> Optional[TaskAction]:
        return self.action if self.condition.is_met(event, context) else None


class WorkflowRule:
    """Starts a workflow execution when its condition is met.

    `params` gives the execution's parameters: each a value, or an `EventField` of
    `ai_flow.model.param` that takes it from the event. What is not named has its default.
    """

    # For rules that were pickled by an earlier version.
    params: Optional[Mapping[str, Any]] = None

    def __init__(self, condition: Condition, params: Optional[Mapping[str, Any]] = None):
        self.condition = condition
        self.params = params

    def trigger(self, event: "Event", context: "Context") -> bool:
        return self.condition.is_met(event, context)
