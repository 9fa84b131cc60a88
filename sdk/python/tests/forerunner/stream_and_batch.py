"""A stream that never ends, and batches that its events start: online learning."""

import threading
from typing import List

from ai_flow.model.action import TaskAction
from ai_flow.model.context import Context
from ai_flow.model.internal.contexts import get_runtime_task_context
from ai_flow.model.operator import AIFlowOperator
from ai_flow.model.status import TaskStatus
from ai_flow.model.workflow import Workflow
from ai_flow.notification.notification_client import (
    AIFlowNotificationClient,
    Event,
    ListenerProcessor,
)
from ai_flow.operators.bash import BashOperator
from ai_flow.operators.python import PythonOperator

NOTIFICATION_SERVER_URI = "localhost:50052"


class StreamOperator(AIFlowOperator):
    """Reports each batch until it is stopped."""

    def __init__(self, name, batches, **kwargs):
        super().__init__(name, **kwargs)
        self.batches = batches
        self.stopped = threading.Event()

    def start(self, context: Context):
        client = AIFlowNotificationClient(NOTIFICATION_SERVER_URI)
        for number in range(self.batches):
            client.send_event("batch_ready", str(number))
        client.close()
        self.log.info("all batches of %s are out", context.workflow.name)

    def await_termination(self, context: Context, timeout: int = None):
        self.stopped.wait(timeout)

    def stop(self, context: Context):
        self.log.info("stopping %s", context.task_execution_key)
        self.stopped.set()


class ModelListener(ListenerProcessor):
    def __init__(self):
        self.got = threading.Event()

    def process(self, events: List[Event]):
        for event in events:
            print("model", event.value)
            self.got.set()


def serve():
    client = AIFlowNotificationClient(NOTIFICATION_SERVER_URI)
    listener = ModelListener()
    registration = client.register_listener(listener, event_keys=["model_ready"])
    print("serving")
    listener.got.wait()
    client.unregister_listener(registration)
    client.close()


def train():
    key = get_runtime_task_context().task_execution_key
    client = AIFlowNotificationClient(NOTIFICATION_SERVER_URI)
    client.send_event("model_ready", f"model of {key}")
    client.close()


with Workflow(name="stream_and_batch") as workflow:
    stream = StreamOperator("stream", batches=2)
    serving = PythonOperator("serving", serve)
    training = PythonOperator("training", train)
    validation = BashOperator("validation", "echo valid")
    cleanup = BashOperator("cleanup", "echo clean")

    training.action_on_event_received(TaskAction.START, "batch_ready")
    validation.start_after(training)
    serving.action_on_task_status(TaskAction.RESTART, {validation: TaskStatus.SUCCESS})
    stream.action_on_event_received(action=TaskAction.STOP, event_key="enough")
    cleanup.action_on_task_status(TaskAction.START, {stream: TaskStatus.STOPPED})
