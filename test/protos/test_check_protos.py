"""scripts/check_protos.py, on copies of proto/ that somebody has broken."""

import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts/check_protos.py"
EVENTS = "notification_service/notification_service.proto"
MESSAGES = "ai_flow/message.proto"
SCHEDULER = "ai_flow/scheduler_service.proto"
CURRENT = "aiflow/v1/orchestrator.proto"


@pytest.fixture
def protos(tmp_path):
    return pathlib.Path(shutil.copytree(ROOT / "proto", tmp_path / "proto"))


def check(folder, *options):
    return subprocess.run([sys.executable, SCRIPT, "--protos", folder, *options],
                          capture_output=True, text=True, check=False)


def replace(protos, file, before, after):
    text = (protos / file).read_text()
    assert text.count(before) == 1, f"{file} has {text.count(before)} times {before}"
    (protos / file).write_text(text.replace(before, after))


def test_the_files_are_what_the_baseline_says():
    done = check(ROOT / "proto")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.parametrize("file, before, after, offence", [
    pytest.param(
        EVENTS, "string sender = 7;", "string sender = 8;",
        "field notification_service.EventProto.sender = 7 string, frozen: changed to 8 string",
        id="number"),
    pytest.param(
        EVENTS, "int64 offset = 5; ", "int32 offset = 5; ",
        "field notification_service.EventProto.offset = 5 int64, frozen: changed to 5 int32",
        id="type"),
    pytest.param(
        EVENTS, "repeated EventProto events = 3;", "EventProto events = 3;",
        "field notification_service.ListEventsResponse.events = 3 repeated "
        "notification_service.EventProto, frozen: changed to 3 notification_service.EventProto",
        id="label"),
    pytest.param(
        MESSAGES, "string error_msg = 2;", "string error_text = 2;",
        "field ai_flow.Response.error_msg = 2 string, frozen: removed", id="name of a field"),
    pytest.param(
        MESSAGES, "string error_msg = 2;", "string error_msg = 2 [json_name = \"error\"];",
        "field ai_flow.Response.error_msg = 2 string, frozen: changed to 2 string json error",
        id="name in JSON"),
    pytest.param(
        MESSAGES, "string error_msg = 2;", "optional string error_msg = 2;",
        "field ai_flow.Response.error_msg = 2 string, frozen: changed to 2 optional string",
        id="presence"),
    pytest.param(
        MESSAGES, "map<string, string> properties = 2;", "map<string, bytes> properties = 2;",
        "field ai_flow.NamespaceProto.properties = 2 map<string, string>, frozen: changed to "
        "2 map<string, bytes>", id="map"),
    pytest.param(
        MESSAGES, "IO_ERROR = 3;", "IO_ERROR = 9;",
        "value ai_flow.ReturnCode.IO_ERROR = 3, frozen: changed to 9", id="enum"),
    pytest.param(
        SCHEDULER, "rpc listWorkflows(", "rpc listAllWorkflows(",
        "rpc ai_flow.SchedulerService.listWorkflows = ai_flow.ListWorkflowsRequest -> "
        "ai_flow.Response, frozen: removed", id="name of a method"),
    pytest.param(
        SCHEDULER, "rpc getWorkflow(WorkflowIdentifier)", "rpc getWorkflow(NameRequest)",
        "rpc ai_flow.SchedulerService.getWorkflow = ai_flow.WorkflowIdentifier -> "
        "ai_flow.Response, frozen: changed to ai_flow.NameRequest -> ai_flow.Response",
        id="request"),
    pytest.param(
        SCHEDULER, 'post: "/workflow/get"', 'post: "/workflows/get"',
        "http ai_flow.SchedulerService.getWorkflow = POST /workflow/get body *, frozen: changed to "
        "POST /workflows/get body *", id="HTTP path"),
    pytest.param(
        MESSAGES, 'go_package = "/ai_flow"', 'go_package = "/aiflow"',
        "option ai_flow/message.proto go_package = /ai_flow, frozen: changed to /aiflow",
        id="option"),
    pytest.param(
        CURRENT, "returns (stream LogChunk)", "returns (LogChunk)",
        "rpc aiflow.v1.Orchestrator.ReadTaskLog = aiflow.v1.ReadTaskLogRequest -> "
        "stream aiflow.v1.LogChunk: changed to aiflow.v1.ReadTaskLogRequest -> aiflow.v1.LogChunk",
        id="stream"),
    pytest.param(
        CURRENT, "    bytes bundle_chunk = 2;\n  }", "  }\n  bytes bundle_chunk = 2;",
        "field aiflow.v1.UploadWorkflowsRequest.bundle_chunk = 2 bytes of part: changed to 2 bytes",
        id="oneof"),
])
def test_a_change_is_named_and_never_taken(protos, file, before, after, offence):
    baseline = (protos / "baseline.txt").read_text()
    replace(protos, file, before, after)
    for options in ([], ["--update", "--frozen"]):
        done = check(protos, *options)
        assert done.returncode == 1
        assert f"protos: {offence}; " in done.stdout
    assert (protos / "baseline.txt").read_text() == baseline


def test_a_removed_method_is_named_with_its_http_path(protos):
    text = (protos / EVENTS).read_text()
    begin = text.index("  rpc notify(")
    (protos / EVENTS).write_text(text[:begin] + text[text.index("  rpc listMembers("):])
    done = check(protos)
    assert done.returncode == 1
    name = "notification_service.NotificationService.notify"
    assert [line.split(" = ")[0] for line in done.stdout.splitlines()] == [
        f"protos: rpc {name}", f"protos: http {name}"]


def test_a_removed_file_is_named_with_what_was_in_it(protos):
    (protos / "ai_flow/heartbeat_service.proto").unlink()
    done = check(protos)
    assert done.returncode == 1
    assert "rpc ai_flow.HeartbeatService.send_heartbeat" in done.stdout
    assert "field ai_flow.HeartbeatRequest.task_name" in done.stdout


def test_the_current_package_grows_with_update(protos):
    replace(protos, CURRENT, "message GetServerInfoRequest {}",
            "message GetServerInfoRequest { bool with_limits = 1; }")
    name = "field aiflow.v1.GetServerInfoRequest.with_limits = 1 bool"
    done = check(protos)
    assert done.returncode == 1
    assert name in done.stdout and "check_protos.py --update" in done.stdout

    assert check(protos, "--update").returncode == 0
    assert name in (protos / "baseline.txt").read_text().splitlines()
    assert check(protos).returncode == 0

    replace(protos, CURRENT, "bool with_limits = 1;", "")
    assert f"{name}: removed" in check(protos).stdout


def test_a_frozen_package_grows_only_when_asked_to(protos):
    replace(protos, MESSAGES, "string error_msg = 2;", "string error_msg = 2; string hint = 4;")
    for options in ([], ["--update"]):
        done = check(protos, *options)
        assert done.returncode == 1
        assert "field ai_flow.Response.hint = 4 string: added to a frozen package" in done.stdout
    assert check(protos, "--update", "--frozen").returncode == 0
    assert check(protos).returncode == 0


def test_another_http_path_is_an_addition(protos):
    replace(protos, SCHEDULER, 'get: "/namespace/get/{name}"',
            'get: "/namespace/get/{name}" additional_bindings { get: "/api/v1/namespaces/{name}" }')
    done = check(protos)
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert "getNamespace GET /api/v1/namespaces/{name} = additional: added" in line


def test_comments_and_order_are_free(protos):
    replace(protos, MESSAGES, "message IdRequest {\n  int64 id = 1;\n}\n", "")
    replace(protos, MESSAGES, "enum ReturnCode {",
            "// A number.\nmessage IdRequest {\n  int64 id = 1;  // of anything\n}\nenum ReturnCode {")
    assert check(protos).returncode == 0


def test_files_that_do_not_compile_are_told_with_their_place(protos):
    replace(protos, MESSAGES, "string error_msg = 2;", "string error_msg = 1;")
    done = check(protos)
    assert done.returncode == 1
    assert "ai_flow/message.proto" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("options", [[], ["--update", "--frozen"]])
def test_a_missing_or_damaged_baseline_is_told(protos, options):
    (protos / "baseline.txt").write_text("package ai_flow\nmessage\n")
    done = check(protos, *options)
    assert done.returncode == 1
    assert "baseline.txt:2: neither a package nor NAME = DEFINITION" in done.stderr
    (protos / "baseline.txt").unlink()
    done = check(protos)
    assert done.returncode == 1 and "baseline.txt: missing" in done.stderr
