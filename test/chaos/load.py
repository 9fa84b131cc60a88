"""Clients that know what they were promised: events and starts with ids of their own, repeated until
they are acknowledged."""

import random
import threading
import time

import grpc
from ai_flow.rpc.protobuf import orchestrator_pb2, orchestrator_pb2_grpc
from notification_service.client.embedded_notification_client import EmbeddedNotificationClient
from notification_service.model.event import Event
from notification_service.exceptions import RetryTimeout
from notification_service.rpc.channel import open_channel
from notification_service.rpc.connection import RETRIED

KINDS = {"tick": 10, "go": 2, "halt": 2, "again": 1, "fail": 1}  # and their weights


class Client(threading.Thread):
    """Works until told to stop, and then until its last request is acknowledged."""

    def __init__(self, seed: str, pause: float):
        super().__init__(name=seed, daemon=True)
        self.random = random.Random(seed)
        self.pause = pause
        self.stopping = threading.Event()
        self.error = None
        self.retries = 0

    def run(self):
        try:
            while not self.stopping.wait(self.random.expovariate(1 / self.pause)):
                self.step()
        except Exception as error:  # shown by finish, in the main thread
            self.error = error

    def finish(self):
        self.stopping.set()
        self.join(120)
        assert not self.is_alive(), f"{self.name}: not acknowledged within 120 s"
        if self.error is not None:
            raise self.error

    def until_acknowledged(self, call):
        while True:
            try:
                return call()
            except RetryTimeout:
                pass
            except grpc.RpcError as error:
                if error.code() not in RETRIED:
                    raise
            self.retries += 1
            time.sleep(0.02)


class Producer(Client):
    """Sends events. `acknowledged`: event id -> (key, value, offset)."""

    def __init__(self, name: str, seed: int, uri: str, pause: float):
        super().__init__(f"{name}-{seed}", pause)
        self.prefix = name
        self.client = EmbeddedNotificationClient(uri, namespace="default", sender=name,
                                                 retry_seconds=0.3)
        self.acknowledged = {}
        self.sent = 0

    def step(self):
        key = self.random.choices(list(KINDS), list(KINDS.values()))[0]
        self.send(key)
        if self.random.random() < 0.1:  # a client that did not see the answer
            self.repeat(self.random.choice(list(self.acknowledged)))

    def send(self, key: str):
        self.sent += 1
        value = f"{self.prefix}-{self.sent}"
        event_id = f"{key}/{value}"
        sent = self.until_acknowledged(
            lambda: self.client.send_event(Event(key, value), event_id=event_id))
        self.acknowledged[event_id] = (key, value, sent.offset)

    def repeat(self, event_id: str):
        key, value, offset = self.acknowledged[event_id]
        again = self.until_acknowledged(
            lambda: self.client.send_event(Event(key, value), event_id=event_id))
        assert again.offset == offset, \
            f"event {event_id} was acknowledged with offset {offset}, then with {again.offset}"


class Starter(Client):
    """Starts executions of the chain. `started`: request id -> execution."""

    def __init__(self, seed: int, uri: str, pause: float):
        super().__init__(f"starter-{seed}", pause)
        self.stub = orchestrator_pb2_grpc.OrchestratorStub(open_channel(uri))
        self.started = {}

    def step(self):
        self.start_execution("chaos_chain")

    def start_execution(self, workflow: str) -> int:
        request_id = f"{self.name}-{len(self.started)}"
        request = orchestrator_pb2.StartWorkflowExecutionRequest(
            namespace="default", name=workflow, request_id=request_id)
        reply = self.until_acknowledged(
            lambda: self.stub.StartWorkflowExecution(request, timeout=5))
        self.started[request_id] = reply.execution_id
        return reply.execution_id
