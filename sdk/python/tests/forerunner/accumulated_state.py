"""A task rule with a condition of its own that adds numbers up until there are enough."""

from ai_flow.model.action import TaskAction
from ai_flow.model.condition import Condition
from ai_flow.model.internal.conditions import MeetAllCondition, SingleEventCondition
from ai_flow.model.state import ValueStateDescriptor
from ai_flow.model.status import TaskStatus
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator
from ai_flow.operators.python import PythonOperator


class EnoughSamples(Condition):
    def __init__(self, event_key, enough):
        super().__init__(expect_event_keys=[event_key])
        self.enough = enough

    def is_met(self, event, context):
        state = context.get_state(ValueStateDescriptor("samples"))
        total = (state.value() or 0) + int(event.value)
        met = total >= self.enough and context.get_task_status("prepare") == TaskStatus.SUCCESS
        state.update(0 if met else total)
        return met


def learn(rate, *, rounds):
    print(f"learning with {rate}, {rounds} rounds")


with Workflow(name="accumulated_state", owner="team") as workflow:
    prepare = BashOperator(name="prepare", bash_command="echo prepared")
    train = PythonOperator(
        name="train", python_callable=learn, op_args=[0.1], op_kwargs={"rounds": 3}
    )
    report = BashOperator(name="report", bash_command="echo report")

    train.action_on_condition(TaskAction.START, EnoughSamples("samples", 100))
    report.action_on_condition(
        action=TaskAction.START,
        condition=MeetAllCondition(
            "report", [SingleEventCondition("closed"), EnoughSamples("more", 1)]
        ),
    )
    report.action_on_task_status(TaskAction.STOP, {train: TaskStatus.FAILED})
