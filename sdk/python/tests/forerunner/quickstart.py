"""Bash and Python tasks, a join, and an event between tasks."""

import time

from ai_flow import ops
from ai_flow.model.action import TaskAction
from ai_flow.model.workflow import Workflow
from ai_flow.notification.notification_client import AIFlowNotificationClient
from ai_flow.operators.bash import BashOperator
from ai_flow.operators.python import PythonOperator

NOTIFICATION_SERVER_URI = "127.0.0.1:50052"


def announce():
    time.sleep(0.1)
    client = AIFlowNotificationClient(NOTIFICATION_SERVER_URI)
    client.send_event(key="key", value=None)
    client.close()


with Workflow(name="quickstart_workflow") as w1:
    task1 = BashOperator(name="task1", bash_command="echo I am the 1st task")
    task2 = BashOperator(name="task2", bash_command="echo I am the 2nd task")
    task3 = PythonOperator(name="task3", python_callable=announce)
    task4 = BashOperator(name="task4", bash_command="echo I am the 4th task")

    task3.start_after([task1, task2])
    task4.action_on_event_received(action=TaskAction.START, event_key="key")

if __name__ == "__main__":
    ops.upload_workflows(__file__)
    ops.start_workflow_execution("quickstart_workflow")
