"""Tasks that run again and again: by cron and by interval."""

from ai_flow.model.operator import OperatorConfigItem
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator

with Workflow(name="periodic_cron") as by_cron:
    BashOperator(name="hourly", bash_command="date", periodic_expression="cron@0 * * * *")

with Workflow(name="periodic_interval") as by_interval:
    every = {OperatorConfigItem.PERIODIC_EXPRESSION: "interval@0 0 1 30"}
    BashOperator("often", "date", **every)
