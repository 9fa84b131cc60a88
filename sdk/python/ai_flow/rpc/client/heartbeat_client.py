"""The client of the heartbeat service."""

from ai_flow.model.task_execution import TaskExecutionKey
from ai_flow.rpc.client.channel import call_scheduler, open_channel
from ai_flow.rpc.protobuf import heartbeat_service_pb2 as pb
from ai_flow.rpc.protobuf import heartbeat_service_pb2_grpc as pb_grpc


class HeartbeatClient:
    def __init__(self, server_uri: str):
        self.server_uri = server_uri
        self._channel = open_channel(server_uri)
        self._stub = pb_grpc.HeartbeatServiceStub(self._channel)

    def send_heartbeat(self, key: TaskExecutionKey) -> str:
        """Reports that the task lives; returns the server's return code."""
        request = pb.HeartbeatRequest(
            workflow_execution_id=key.workflow_execution_id,
            task_name=key.task_name,
            sequence_number=key.seq_num,
        )
        response = call_scheduler(self._stub.send_heartbeat, request, self.server_uri)
        return str(response.return_code)

    def close(self) -> None:
        self._channel.close()
