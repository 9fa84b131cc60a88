"""Rules: a condition and what follows when it is met."""

from typing import TYPE_CHECKING, Optional

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
    """Starts a workflow execution when its condition is met."""

    def __init__(self, condition: Condition):
        self.condition = condition

    def trigger(self, event: "Event", context: "Context") -> bool:
        return self.condition.is_met(event, context)
