"""A workflow that an event starts, by a condition that counts."""

from ai_flow.model.condition import Condition
from ai_flow.model.context import Context
from ai_flow.model.rule import WorkflowRule
from ai_flow.model.state import ValueState, ValueStateDescriptor
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator
from ai_flow.ops import add_workflow_trigger, upload_workflows
from notification_service.model.event import Event


class EverySecondEvent(Condition):
    def __init__(self, event_key: str):
        super().__init__([event_key])

    def is_met(self, event: Event, context: Context) -> bool:
        seen: ValueState = context.get_state(ValueStateDescriptor(name="seen"))
        count = 1 if seen.value() is None else seen.value() + 1
        seen.update(count)
        return count % 2 == 0


with Workflow(name="event_triggered", namespace="default") as workflow:
    BashOperator(name="only_task", bash_command="echo started by $AIFLOW_EVENT_KEY")

if __name__ == "__main__":
    upload_workflows(workflow_file_path=__file__)
    rule = WorkflowRule(condition=EverySecondEvent("data_arrived"))
    add_workflow_trigger(rule, workflow_name=workflow.name, namespace=workflow.namespace)
