"""Clients of the forerunner: pickles and bundles over the frozen calls, never a specification."""

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import textwrap
import threading

import grpc
import pytest
from ai_flow.rpc.protobuf import message_pb2 as pb
from ai_flow.rpc.protobuf import scheduler_service_pb2 as service_pb
from ai_flow.rpc.protobuf import scheduler_service_pb2_grpc as service_grpc
from aiflow_server import Server, start_time, wait_until
from google.protobuf import json_format

HEAD = """
import os
import pathlib
from ai_flow.model.action import TaskAction
from ai_flow.model.condition import Condition
from ai_flow.model.internal.conditions import SingleEventCondition
from ai_flow.model.rule import WorkflowRule
from ai_flow.model.state import ValueStateDescriptor
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator
from ai_flow.operators.python import PythonOperator
"""


def a_server(tmp_path, **settings):
    """One that compiles with the Python of this test."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    configure(home, **settings)
    return Server(home)


def configure(home, **settings):
    settings["python_executable"] = sys.executable
    (home / "aiflow_server.yaml").write_text(
        "".join(f"{key}: {value}\n" for key, value in settings.items()))


@pytest.fixture
def server(tmp_path):
    with a_server(tmp_path) as running:
        yield running


class OldClient:
    """What `ops` of the forerunner did, step by step. Each call is a connection of its own."""

    def __init__(self, server, tmp_path):
        self.uri = server.endpoints()["server_uri"]
        self.tmp_path = tmp_path
        self.blobs = tmp_path / "old_blobs"
        self.blobs.mkdir(exist_ok=True)

    def call(self, method, request):
        with grpc.insecure_channel(self.uri) as channel:
            return getattr(service_grpc.SchedulerServiceStub(channel), method)(request, timeout=120)

    def must(self, method, request):
        response = self.call(method, request)
        assert response.return_code == "0", response.error_msg
        return response.data

    def pickled(self, text, expression):
        """What the expression is worth after the text, as the client's process pickles it."""
        script = HEAD + textwrap.dedent(text) + textwrap.dedent(f"""
            import sys
            import cloudpickle
            sys.stdout.buffer.write(cloudpickle.dumps({expression}))
            """)
        path = self.tmp_path / "client_process.py"
        path.write_text(script)
        return subprocess.run([sys.executable, str(path)], check=True, timeout=60,
                              stdout=subprocess.PIPE).stdout

    def bundle(self, name, text, artifacts):
        """Zips <name>/ with the file and its artifacts flat in it; where it is then, and its MD5."""
        folder = self.tmp_path / "packing" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / f"{name}.py").write_text(HEAD + textwrap.dedent(text))
        for file, content in artifacts.items():
            (folder / file).write_text(content)
        made = shutil.make_archive(str(self.blobs / name), "zip", folder.parent, name)
        shutil.rmtree(folder)
        return made, hashlib.md5(pathlib.Path(made).read_bytes()).hexdigest()

    def upload(self, name, text, artifacts=None, pickled=None, uri=None):
        """The answer to the snapshot; `name` is the file's and the workflow's. `w` in the text is
        the workflow."""
        uri, signature = (uri, "md5") if uri else self.bundle(name, text, artifacts or {})
        pickled = self.pickled(text, "w") if pickled is None else pickled
        known = self.call("getWorkflow", pb.WorkflowIdentifier(**self.names(name)))
        if known.return_code == "0":
            answer = self.must("updateWorkflow", service_pb.UpdateWorkflowRequest(
                identifier=pb.WorkflowIdentifier(**self.names(name)), content=text,
                pickled_workflow=pickled, is_enabled=True))
        else:
            assert known.return_code == "2002"
            answer = self.must("addWorkflow", pb.WorkflowProto(
                name=name, namespace="default", content=text, pickled_workflow=pickled))
        return self.call("addWorkflowSnapshot", pb.WorkflowSnapshotProto(
            workflow_id=int(json.loads(answer)["uuid"]), uri={"value": uri},
            workflow_object=pickled, signature={"value": signature}))

    @staticmethod
    def names(name):
        return {"namespace": "default", "workflow_name": name}

    def start(self, name):
        identifier = pb.WorkflowIdentifier(**self.names(name))
        self.must("enableWorkflow", identifier)
        return int(self.must("startWorkflowExecution", identifier))

    def add_trigger(self, workflow_id, pickled):
        return self.call("addWorkflowTrigger",
                         pb.WorkflowTriggerProto(workflow_id=workflow_id, rule=pickled))


def refused(response, *texts):
    assert response.return_code == "1003", response
    for text in texts:
        assert text in response.error_msg, response.error_msg
    assert "\n" not in response.error_msg
    return True


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def send(server, key, value):
    server.cli("event", "send", key, value, "-n", "default")


FLOW = """
    def say(path):
        here = pathlib.Path(__file__).parent
        pathlib.Path(path).write_text((here / 'words.txt').read_text())

    class Big(Condition):
        def is_met(self, event, context):
            return int(event.value) > 10

    with Workflow(name='flow') as w:
        first = BashOperator('first', 'echo one >> {out}/bash')
        second = PythonOperator('second', say, op_args=['{out}/said'])
        second.start_after(first)
        third = BashOperator('third', 'echo $AIFLOW_EVENT_VALUE >> {out}/big')
        third.action_on_condition(TaskAction.START, Big(['number']))
    """


def test_an_upload_with_code_artifacts_and_a_condition_runs(server, tmp_path):
    client = OldClient(server, tmp_path)
    text = FLOW.format(out=tmp_path)
    answer = client.upload("flow", text, {"words.txt": "from an artifact"})
    assert answer.return_code == "0", answer.error_msg
    snapshot = json.loads(answer.data)
    assert snapshot["uri"] == str(client.blobs / "flow.zip")
    (client.blobs / "flow.zip").unlink()  # the server has its own copy
    server.kill()
    server.start()
    execution = client.start("flow")
    for value in ("5", "11"):
        send(server, "number", value)
    assert server.wait_for_end(execution) == "SUCCESS"
    assert (tmp_path / "said").read_text() == "from an artifact"
    assert lines(tmp_path / "big") == ["11"]


def test_what_was_pickled_is_returned_byte_for_byte(server, tmp_path):
    client = OldClient(server, tmp_path)
    text = "with Workflow(name='flow') as w:\n    BashOperator('a', 'true')\n"
    pickled = client.pickled(text, "w")
    answer = client.upload("flow", text, pickled=pickled)
    assert answer.return_code == "0", answer.error_msg
    shown = json_format.Parse(client.must("getWorkflowSnapshot", pb.IdRequest(id=1)),
                              pb.WorkflowSnapshotProto())
    assert shown.workflow_object == pickled


def test_a_new_upload_is_what_the_next_execution_runs(server, tmp_path):
    client = OldClient(server, tmp_path)
    for number in (1, 2):
        text = f"""
            with Workflow(name='flow') as w:
                BashOperator('a', 'echo {number} >> {tmp_path}/ran')
            """
        assert client.upload("flow", text).return_code == "0"
        assert server.wait_for_end(client.start("flow")) == "SUCCESS"
    assert lines(tmp_path / "ran") == ["1", "2"]


def test_without_its_bundle_a_workflow_runs_when_it_has_no_code(server, tmp_path):
    client = OldClient(server, tmp_path)
    text = f"""
        with Workflow(name='flow') as w:
            a = BashOperator('a', 'echo a >> {tmp_path}/ran')
            BashOperator('b', 'echo b >> {tmp_path}/ran').start_after(a)
        """
    assert client.upload("flow", text, uri="bucket.host/flow.zip").return_code == "0"
    assert server.wait_for_end(client.start("flow")) == "SUCCESS"
    assert lines(tmp_path / "ran") == ["a", "b"]
    text = "with Workflow(name='code') as w:\n    PythonOperator('a', print)\n"
    assert refused(client.upload("code", text, uri="bucket.host/code.zip"),
                   "workflow default.code", "it has code to run", "bucket.host/code.zip")
    assert refused(client.call("startWorkflowExecution", pb.WorkflowIdentifier(
        **client.names("code"))))


def test_what_cannot_be_compiled_is_refused_with_the_reason(server, tmp_path):
    client = OldClient(server, tmp_path)
    good = "with Workflow(name='flow') as w:\n    BashOperator('a', 'true')\n"
    assert refused(client.upload("flow", "import no_such_module\n" + good,
                                 pickled=client.pickled(good, "w")),
                   "flow.py:", "No module named 'no_such_module'")
    assert refused(client.upload("flow", "import os\nos._exit(0)\n" + good,
                                 pickled=client.pickled(good, "w")), "printed nothing")
    assert refused(client.upload("flow", good.replace("'flow'", "'other'"),
                                 pickled=client.pickled(good, "w")),
                   "does not define it, only default.other")
    assert client.upload("flow", good).return_code == "0"
    rule = client.pickled("", "SingleEventCondition('k')")
    assert refused(client.add_trigger(1, rule), "not a WorkflowRule")
    assert refused(client.add_trigger(1, b"text"), "trigger of workflow default.flow",
                   "cannot be read here")
    unknown = client.add_trigger(9, rule)
    assert (unknown.return_code, unknown.error_msg) == ("1000", "Workflow with id: 9 not exists")


def test_a_file_that_hangs_ends_at_the_time_limit_and_with_the_server(tmp_path):
    pid_file = tmp_path / "pid"
    hangs = (f"pathlib.Path('{pid_file}').write_text(str(os.getpid()))\n"
             "import time\ntime.sleep(1000)\n")
    good = "with Workflow(name='flow') as w:\n    BashOperator('a', 'true')\n"
    with a_server(tmp_path, compile_timeout="3s") as server:
        client = OldClient(server, tmp_path)
        pickled = client.pickled(good, "w")
        assert refused(client.upload("flow", hangs + good, pickled=pickled), "compile_timeout")
        assert start_time(int(pid_file.read_text())) is None

        pid_file.unlink()
        configure(server.home, compile_timeout="1h")
        server.kill()
        server.start()
        for end in (server.kill, lambda: (server.process.terminate(), server.process.wait(60))):
            answers = []

            def upload():
                try:
                    answers.append(client.upload("flow", hangs + good, pickled=pickled))
                except grpc.RpcError as error:
                    answers.append(error.code())

            thread = threading.Thread(target=upload)
            thread.start()
            pid = int(wait_until(lambda: lines(pid_file), "it is compiled")[0])
            end()
            wait_until(lambda: start_time(pid) is None, "it has ended")
            thread.join(60)
            assert len(answers) == 1
            pid_file.unlink()
            server.start()
        # A server that is stopped still answers.
        assert answers[0].return_code == "2", answers
        assert "stopping" in answers[0].error_msg


def test_a_trigger_of_an_old_client_fires_once_per_event(server, tmp_path):
    client = OldClient(server, tmp_path)
    text = "with Workflow(name='flow') as w:\n    BashOperator('a', 'true')\n"
    helper = {"helper.py": "LIMIT = 10\n"}
    assert client.upload("flow", text, helper).return_code == "0"
    own = """
        class Big(Condition):
            def is_met(self, event, context):
                from helper import LIMIT
                return int(event.value) > LIMIT
        """
    declarative = client.pickled("", "WorkflowRule(SingleEventCondition('plain'))")
    custom = client.pickled(own, "WorkflowRule(Big(['number']))")
    for number, rule in enumerate((declarative, custom), 1):
        answer = client.add_trigger(1, rule)
        assert answer.return_code == "0", answer.error_msg
        assert json.loads(answer.data)["uuid"] == str(number)
    for value in ("5", "11", "12"):
        send(server, "plain", value)
        send(server, "number", value)
        server.kill()
        server.start()

    def executions():
        return server.rows("workflow-execution", "list", "flow")

    # Three plain events, and two numbers above the limit.
    wait_until(lambda: len(executions()) >= 5 and
               all(row["status"] == "SUCCESS" for row in executions()), "every execution ends")
    send(server, "number", "1")
    send(server, "plain", "last")
    wait_until(lambda: len(executions()) >= 6 and
               all(row["status"] == "SUCCESS" for row in executions()), "the last one ends")
    assert len(executions()) == 6
