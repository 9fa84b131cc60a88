"""What imports do beside giving names: logging, and the file of settings."""

import json
import subprocess
import sys

import pytest

from ai_flow.model.internal import events
from ai_flow.model.status import TaskStatus


def run(code, **environment):
    import os

    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


def test_importing_ai_flow_makes_its_logs_visible():
    code = (
        "import logging, ai_flow; logging.getLogger('aiflow.task.operator').info('said')\n"
        "logging.getLogger('other').info('not ours')"
    )
    err = run(code).stderr
    assert err.count("said") == 1 and "INFO" in err and "not ours" not in err


def test_a_program_that_configures_logging_has_its_way():
    code = (
        "import logging, ai_flow\n"
        "logging.basicConfig(format='own %(message)s', level=logging.INFO)\n"
        "logging.getLogger('ai_flow').info('said')\nlogging.getLogger('other').info('too')"
    )
    assert run(code).stderr == "own said\nown too\n"


def test_importing_the_constants_makes_the_file_of_settings(tmp_path):
    home = tmp_path / "home"
    code = "import ai_flow.common.configuration.config_constants as c; print(c.SERVER_ADDRESS)"
    assert run("import ai_flow.ops", AIFLOW_HOME=str(home)).stderr == ""
    assert not home.exists()
    assert run(code, AIFLOW_HOME=str(home)).stdout == "localhost:50051\n"
    assert (home / "aiflow_client.yaml").is_file()
    (home / "aiflow_client.yaml").write_text("server_address: a:1\n")
    assert run(code, AIFLOW_HOME=str(home)).stdout == "a:1\n"


def test_the_constants_have_the_settings_of_the_server(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    code = (
        "from ai_flow.common.configuration.config_constants import *\n"
        "print(RPC_PORT, TASK_HEARTBEAT_INTERVAL, NOTIFICATION_SERVER_URI, LOG_DIR)"
    )
    assert run(code, AIFLOW_HOME=str(home)).stdout == f"50051 10 127.0.0.1:50052 {home}/logs\n"
    (home / "aiflow_server.yaml").write_text("rpc_port: 7\nlog_dir: '{AIFLOW_HOME}/l'\n")
    assert run(code, AIFLOW_HOME=str(home)).stdout == f"7 10 127.0.0.1:50052 {home}/l\n"


SCHEDULING = [
    (events.StartWorkflowExecutionEvent(1, 2), {"workflow_id": 1, "workflow_snapshot_id": 2}),
    (events.StopWorkflowExecutionEvent(1), {"workflow_execution_id": 1}),
    (
        events.StartTaskExecutionEvent(1, "t"),
        {"workflow_execution_id": 1, "task_name": "t"},
    ),
    (events.StopTaskExecutionEvent(1, 2), {"workflow_execution_id": 1, "task_execution_id": 2}),
    (events.PeriodicRunWorkflowEvent(1, 2), {"workflow_id": 1, "workflow_schedule_id": 2}),
    (
        events.TaskStatusEvent(1, "t", 2, TaskStatus.RUNNING),
        {
            "workflow_execution_id": 1,
            "task_name": "t",
            "sequence_number": 2,
            "task_status": "RUNNING",
        },
    ),
]


@pytest.mark.parametrize("event, context", SCHEDULING)
def test_events_of_the_system_have_their_type_and_context(event, context):
    assert event.key == "AIFLOW_SCHEDULING_EVENT"
    kind = type(event).__name__[: -len("Event")]
    assert event.value == "".join("_" + c if c.isupper() else c.upper() for c in kind)[1:]
    assert json.loads(event.context) == context


def test_a_changed_status_is_announced_by_a_key_of_names():
    event = events.TaskStatusChangedEvent("flow", 3, "task", TaskStatus.SUCCESS, "team")
    assert (event.key, event.value) == (
        "[task_status_change].team.flow.task",
        "TASK_STATUS_CHANGED",
    )
    assert event.namespace == "team"
    assert json.loads(event.context)["task_status"] == "SUCCESS"
    assert events.ReStartTaskExecutionEvent(1, "t").value == "RESTART_TASK_EXECUTION"


def test_the_text_of_a_namespace_may_be_given_as_a_dict():
    from ai_flow.metadata import NamespaceMeta

    assert NamespaceMeta("n", {"a": "b"}).properties == '{"a": "b"}'
