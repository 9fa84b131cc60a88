"""The client of the heartbeat service."""

from ai_flow.model.task_execution import TaskExecutionKey
from ai_flow.rpc.client.channel import limits, open_connection
from ai_flow.rpc.protobuf import heartbeat_service_pb2 as pb
from ai_flow.rpc.protobuf import heartbeat_service_pb2_grpc as pb_grpc


class HeartbeatClient:
    """Thread-safe. `server_uri` is host:port, or several with commas. AIFlowException when no
    server answers."""

    def __init__(self, server_uri: str):
        self.server_uri = server_uri
        self._connection = open_connection(server_uri, pb_grpc.HeartbeatServiceStub)

    def send_heartbeat(self, key: TaskExecutionKey) -> str:
        """Reports that the task lives; returns the server's return code."""
        request = pb.HeartbeatRequest(
            workflow_execution_id=key.workflow_execution_id,
            task_name=key.task_name,
            sequence_number=key.seq_num,
        )
        return str(self._connection.call("send_heartbeat", request, limits()).return_code)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> "HeartbeatClient":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
