"""An AIFlow server in this process that says what a test tells it to."""

import json
import threading
from concurrent import futures

import grpc
from google.protobuf import json_format

from ai_flow.rpc.protobuf import heartbeat_service_pb2_grpc as heartbeat_grpc
from ai_flow.rpc.protobuf import message_pb2 as pb
from ai_flow.rpc.protobuf import orchestrator_pb2 as v1
from ai_flow.rpc.protobuf import orchestrator_pb2_grpc as v1_grpc
from ai_flow.rpc.protobuf import scheduler_service_pb2 as service_pb
from ai_flow.rpc.protobuf import scheduler_service_pb2_grpc as service_grpc


class FakeServer:
    """Answers every call with `answers[method]` and records it. Methods of the scheduler service
    begin with a small letter, those of the orchestrator with a large one; an answer of the latter
    may be a pair of status code and text, and a list of answers is used up one by one."""

    def __init__(self):
        self.answers = {}
        self.calls = []
        self.uploads = []
        self.upload_failures = []
        self.lock = threading.Lock()
        methods = service_pb.DESCRIPTOR.services_by_name["SchedulerService"].methods
        current = v1.DESCRIPTOR.services_by_name["Orchestrator"].methods

        class Scheduler(service_grpc.SchedulerServiceServicer):
            pass

        for method in methods:
            setattr(Scheduler, method.name, self._method(method.name))
        server = self

        class Orchestrator(v1_grpc.OrchestratorServicer):
            def UploadWorkflows(self, requests, context):
                return server.upload(list(requests), context)

        for method in current:
            if method.name != "UploadWorkflows":
                setattr(Orchestrator, method.name, self._current_method(method))

        class Heartbeat(heartbeat_grpc.HeartbeatServiceServicer):
            def send_heartbeat(self, request, context):
                server.calls.append(("send_heartbeat", request))
                return pb.Response(return_code="0")

        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        service_grpc.add_SchedulerServiceServicer_to_server(Scheduler(), self.server)
        v1_grpc.add_OrchestratorServicer_to_server(Orchestrator(), self.server)
        heartbeat_grpc.add_HeartbeatServiceServicer_to_server(Heartbeat(), self.server)
        self.uri = f"localhost:{self.server.add_insecure_port('localhost:0')}"
        self.server.start()

    def _method(self, name):
        def answer(_, request, context):
            self.calls.append((name, request))
            found = self.answers.get(name, pb.Response(return_code="0"))
            try:
                return found(request) if callable(found) else found
            except Exception:
                context.abort(grpc.StatusCode.UNAVAILABLE, "the connection broke")

        return answer

    def _current_method(self, method):
        empty = getattr(v1, method.output_type.name)

        def answer(_, request, context):
            self.calls.append((method.name, request))
            found = self.answers.get(method.name, empty())
            if isinstance(found, list):
                found = found.pop(0)
            if isinstance(found, tuple):
                context.abort(*found)
            return found(request) if callable(found) else found

        return answer

    def upload(self, requests, context):
        self.uploads.append(requests)
        if self.upload_failures:
            context.abort(*self.upload_failures.pop(0))
        return v1.UploadWorkflowsResponse(
            workflows=[
                v1.UploadWorkflowsResponse.Uploaded(
                    workflow_id=4, namespace=spec["namespace"], name=spec["name"]
                )
                for spec in map(lambda w: json.loads(w.spec_json), requests[0].header.workflows)
            ]
        )


def success(message):
    text = json_format.MessageToJson(message, preserving_proto_field_name=True)
    return pb.Response(return_code="0", data=text)


NOT_FOUND = pb.Response(return_code="2002", error_msg="resource_does_not_exist")
