"""Four tasks and one custom event: task3 starts after task1 and task2, and its event starts task4."""

import time

from ai_flow.model.action import TaskAction
from ai_flow.model.workflow import Workflow
from ai_flow.notification.notification_client import AIFlowNotificationClient
from ai_flow.operators.bash import BashOperator
from ai_flow.operators.python import PythonOperator

NOTIFICATION_SERVER_URI = "localhost:50052"


def func():
    time.sleep(5)
    print("I am the 3rd task")
    notification_client = AIFlowNotificationClient(NOTIFICATION_SERVER_URI)
    print("I am sending a custom event")
    notification_client.send_event(key="key", value=None)


with Workflow(name="quickstart_workflow") as w1:
    task1 = BashOperator(name="task1", bash_command="echo I am the 1st task")
    task2 = BashOperator(name="task2", bash_command="echo I am the 2nd task")
    task3 = PythonOperator(name="task3", python_callable=func)
    task4 = BashOperator(name="task4", bash_command="echo I am the 4th task")

    task3.start_after([task1, task2])
    task4.action_on_event_received(action=TaskAction.START, event_key="key")
