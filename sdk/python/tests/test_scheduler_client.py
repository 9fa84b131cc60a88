"""The scheduler client, ops and uploads against services in this process."""

import hashlib
import io
import json
import zipfile
from datetime import datetime

import grpc
import pytest
from fake_server import NOT_FOUND, success

from ai_flow import ops
from ai_flow.common.configuration.client_config import running_server
from ai_flow.common.exception.exceptions import AIFlowException, NotFoundError
from ai_flow.model.task_execution import TaskExecutionKey
from ai_flow.rpc.client.aiflow_client import get_scheduler_client, server_address
from ai_flow.rpc.client.heartbeat_client import HeartbeatClient
from ai_flow.rpc.protobuf import message_pb2 as pb
from ai_flow.rpc.protobuf import scheduler_service_pb2 as service_pb


def workflow_proto(name="flow", namespace="default"):
    proto = pb.WorkflowProto(uuid=4, name=name, namespace=namespace, is_enabled=True)
    proto.create_time.value = 1500
    proto.update_time.value = 0
    proto.event_offset.value = -1
    return proto


def test_answers_become_metadata_with_local_times(server):
    server.answers["getWorkflow"] = success(workflow_proto())
    found = ops.get_workflow("flow")
    assert (found.id, found.name, found.is_enabled, found.event_offset) == (4, "flow", True, -1)
    assert found.create_time == datetime.fromtimestamp(1.5)
    assert found.update_time == datetime.fromtimestamp(0)
    assert server.calls[-1][1] == pb.WorkflowIdentifier(namespace="default", workflow_name="flow")


def test_nothing_found_is_none(server):
    for method in ("getWorkflow", "listWorkflows", "getTaskExecution", "listNamespaces"):
        server.answers[method] = NOT_FOUND
    assert ops.get_workflow("flow") is None
    assert ops.list_workflows() is None
    assert ops.get_task_execution(1) is None
    assert ops.list_namespace() is None


def test_what_the_server_refuses_is_an_exception_with_its_message(server):
    server.answers["startTaskExecution"] = pb.Response(
        return_code="1003", error_msg="workflow execution 7 is finished"
    )
    with pytest.raises(AIFlowException, match="workflow execution 7 is finished"):
        ops.start_task_execution(7, "task")
    server.answers["enableWorkflow"] = NOT_FOUND
    with pytest.raises(AIFlowException, match='workflow_name: "flow"'):
        ops.enable_workflow("flow")


def test_what_does_not_exist_is_said_in_the_servers_words(server):
    server.answers["deleteNamespace"] = pb.Response(
        return_code="2002", error_msg="Namespace n not exists."
    )
    with pytest.raises(NotFoundError, match="^Namespace n not exists.$") as raised:
        ops.delete_namespace("n")
    assert (raised.value.code, raised.value.address) == ("NOT_FOUND", server.uri)


def test_an_answer_that_cannot_be_read_is_an_error_of_the_server(server):
    server.answers["getWorkflow"] = pb.Response(return_code="0", data='{"no": "workflow"}')
    with pytest.raises(AIFlowException, match="getWorkflow cannot be read") as raised:
        ops.get_workflow("flow")
    assert (raised.value.code, raised.value.address) == ("INTERNAL", server.uri)


def test_starts_return_what_the_server_says(server):
    server.answers["startWorkflowExecution"] = pb.Response(return_code="0", data="17")
    server.answers["startTaskExecution"] = pb.Response(return_code="0", data="17_task_2")
    with get_scheduler_client() as client:
        assert client.start_workflow_execution("flow", "default") == 17
    assert ops.start_task_execution(17, "task") == "17_task_2"


def test_lists_pass_limit_and_offset(server):
    listed = service_pb.WorkflowExecutionListProto(
        workflow_executions=[pb.WorkflowExecutionProto(uuid=5, workflow_id=4)]
    )
    listed.workflow_executions[0].status.value = "RUNNING"
    server.answers["listWorkflowExecutions"] = success(listed)
    (found,) = ops.list_workflow_executions("flow", "team", limit=10, offset=20)
    assert (found.id, found.status, found.begin_date, found.run_type) == (5, "RUNNING", None, None)
    assert server.calls[-1][1] == service_pb.ListWorkflowItemsRequest(
        namespace="team", workflow_name="flow", page_size=10, offset=20
    )


def test_namespace_properties_are_json_text(server):
    server.answers["addNamespace"] = success(pb.NamespaceProto(name="n", properties={"a": "b"}))
    namespace = ops.add_namespace("n", {"a": "b"})
    assert namespace.properties == '{"a": "b"}'
    assert namespace.get_properties() == {"a": "b"}


def test_delete_workflow_is_one_step_of_the_server(server):
    ops.delete_workflow("flow")
    assert [name for name, _ in server.calls if name != "listNamespaces"] == ["deleteWorkflow"]
    server.answers["deleteWorkflow"] = pb.Response(
        return_code="1003", error_msg="Workflow default.flow cannot be deleted: 1 of its executions"
    )
    with pytest.raises(AIFlowException, match="cannot be deleted"):
        ops.delete_workflow("flow")


def test_every_operation_reaches_the_server(server):
    """Each function of ops makes the call that its name says."""
    server.answers["getWorkflow"] = success(workflow_proto())
    simple = [
        name
        for name in ops.__all__
        if name.split("_")[0] in ("delete", "stop", "pause", "resume", "enable", "disable")
        and name not in ("delete_workflow", "delete_pool")
    ]
    for name in simple:
        count = getattr(ops, name).__code__.co_argcount - len(getattr(ops, name).__defaults__ or ())
        arguments = [1, "task"][:count]
        if name.endswith(("_workflow", "namespace", "s")):
            arguments = ["flow"]
        getattr(ops, name)(*arguments)
        head, *rest = name.split("_")
        assert server.calls[-1][0] == head + "".join(part.capitalize() for part in rest)
    assert len(simple) > 15


def test_the_server_is_found_in_the_environment_or_the_settings(tmp_path, monkeypatch):
    home = tmp_path / "aiflow_home"
    assert server_address() == "localhost:50051"
    assert not home.exists(), "reading settings writes none"
    home.mkdir()
    (home / "aiflow_client.yaml").write_text("server_address: from-file:1\n")
    assert server_address() == "from-file:1"
    (home / "server.json").write_text('{"server_uri": "running:4", "notification_uri": "n:5"}')
    assert server_address() == "running:4"
    assert running_server("notification_uri") == "n:5"
    monkeypatch.setenv("AIFLOW_SERVER_URI", "of-the-task:2")
    assert server_address() == "of-the-task:2"
    monkeypatch.setenv("AIFLOW_SERVER", "given:3")
    assert server_address() == "given:3"


def test_no_server_is_a_clear_error(monkeypatch):
    monkeypatch.setattr("ai_flow.rpc.client.channel.CONNECT_SECONDS", 0.2)
    with pytest.raises(AIFlowException, match="no AIFlow server answers at localhost:1"):
        get_scheduler_client("localhost:1")


def test_a_heartbeat_names_the_run(server):
    client = HeartbeatClient(server.uri)
    assert client.send_heartbeat(TaskExecutionKey(1, "task", 2)) == "0"
    request = server.calls[-1][1]
    assert (request.workflow_execution_id, request.task_name, request.sequence_number) == (
        1,
        "task",
        2,
    )
    client.close()


FLOW = """
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator
print("noise of the file")
with Workflow("flow", namespace="default") as flow:
    BashOperator("task", "true")
"""


def test_an_upload_is_one_stream_of_specification_and_bundle(server, workflow_file, tmp_path):
    server.answers["getWorkflow"] = success(workflow_proto())
    (tmp_path / "data.csv").write_text("1,2\n" * 1_000_000)
    folder = tmp_path / "pack"
    (folder / "sub" / "__pycache__").mkdir(parents=True)
    (folder / "sub" / "inner.txt").write_text("inner")
    (folder / "sub" / "__pycache__" / "x.pyc").write_text("stale")
    tool = tmp_path / "tool.sh"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    artifacts = [str(tmp_path / "data.csv"), str(folder), str(tool)]
    (meta,) = ops.upload_workflows(str(workflow_file(FLOW)), artifacts)
    assert (meta.id, meta.name) == (4, "flow")

    (requests,) = server.uploads
    header, chunks = requests[0].header, [r.bundle_chunk for r in requests[1:]]
    bundle = b"".join(chunks)
    assert header.request_id and header.bundle_name == "flow"
    assert header.bundle_size == len(bundle)
    assert header.bundle_sha256 == hashlib.sha256(bundle).hexdigest()
    assert max(map(len, chunks)) <= 1 << 20
    assert header.workflows[0].content == FLOW
    assert json.loads(header.workflows[0].spec_json)["tasks"][0]["name"] == "task"
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        names = archive.namelist()
        assert names == [
            "flow/data.csv",
            "flow/flow.py",
            "flow/pack/sub/inner.txt",
            "flow/tool.sh",
        ]
        assert archive.getinfo("flow/tool.sh").external_attr >> 16 & 0o111
        assert archive.read("flow/flow.py").decode() == FLOW


def test_equal_files_make_equal_bundles(server, workflow_file):
    server.answers["getWorkflow"] = success(workflow_proto())
    path = workflow_file(FLOW)
    for stamp in (1_000_000_000, 1_500_000_000):
        import os

        os.utime(path, (stamp, stamp))
        ops.upload_workflows(str(path))
    first, second = (requests[0].header for requests in server.uploads)
    assert first.bundle_sha256 == second.bundle_sha256
    assert first.request_id != second.request_id


def test_an_upload_without_an_answer_is_repeated_with_the_same_request_id(server, workflow_file):
    server.answers["getWorkflow"] = success(workflow_proto())
    server.upload_failures = [(grpc.StatusCode.UNAVAILABLE, "restarting")]
    ops.upload_workflows(str(workflow_file(FLOW)))
    first, second = server.uploads
    assert first == second


def test_a_refused_upload_is_an_exception_with_the_servers_words(server, workflow_file):
    server.upload_failures = [(grpc.StatusCode.INVALID_ARGUMENT, "task 'b' can never start")]
    with pytest.raises(AIFlowException, match="task 'b' can never start"):
        ops.upload_workflows(str(workflow_file(FLOW)))
    assert len(server.uploads) == 1


def test_a_file_that_does_not_compile_is_not_uploaded(server, workflow_file):
    with pytest.raises(AIFlowException, match=r"flow.py:1: NameError"):
        ops.upload_workflows(str(workflow_file("unknown\n")))
    assert server.uploads == []


def test_artifacts_that_collide_or_are_missing_are_errors(server, workflow_file, tmp_path):
    path = workflow_file(FLOW)
    (tmp_path / "flow.py").write_text("another")
    with pytest.raises(AIFlowException, match="would both be 'flow.py'"):
        ops.upload_workflows(str(path), [str(tmp_path / "flow.py")])
    with pytest.raises(AIFlowException, match="no such file or folder"):
        ops.upload_workflows(str(path), [str(tmp_path / "missing")])
    assert server.uploads == []
