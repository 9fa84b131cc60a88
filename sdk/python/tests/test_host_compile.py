"""`python -m ai_flow.host compile FILE`: docs/formats/task-environment.md."""

import json
import os
import signal
import subprocess
import sys

import cloudpickle
import pytest

FLOW = """
from ai_flow.model.workflow import Workflow
from ai_flow.operators.bash import BashOperator
with Workflow("flow") as flow:
    BashOperator("task", "true", unknown=1)
"""


def test_it_prints_one_json_object(host, workflow_file):
    path = workflow_file(FLOW)
    done = host.compile(path)
    assert (done.returncode, done.stderr) == (0, "")
    compiled = json.loads(done.stdout)
    assert set(compiled) == {"workflows", "warnings"}
    assert len(compiled["warnings"]) == 1
    (workflow,) = compiled["workflows"]
    assert workflow["content"] == FLOW
    assert workflow["spec"]["name"] == "flow"


def test_output_of_user_code_stays_out_of_the_json(host, workflow_file):
    noise = "import os, subprocess\nprint('printed')\nos.write(1, b'written')\n"
    noise += "subprocess.run(['echo', 'by a child'])\n"
    done = host.compile(workflow_file(noise + FLOW))
    json.loads(done.stdout)
    for text in ("printed", "written", "by a child"):
        assert text in done.stderr


def test_all_module_level_workflows_are_compiled_once_and_in_order(host, workflow_file):
    more = "\nagain = flow\nwith Workflow('second', namespace='team') as w:\n"
    more += "    BashOperator('task', 'true')\n"
    compiled = json.loads(host.compile(workflow_file(FLOW + more)).stdout)
    names = [(w["spec"]["namespace"], w["spec"]["name"]) for w in compiled["workflows"]]
    assert names == [("default", "flow"), ("team", "second")]


@pytest.mark.parametrize(
    "text, place, message",
    [
        ("x = 1\ny = unknown\n", "flow.py:2", "NameError: name 'unknown' is not defined"),
        ("x = 1\n\nif x\n", "flow.py:3", "SyntaxError"),
        ("import no_such_module\n", "flow.py:1", "No module named 'no_such_module'"),
        ("x = 1\nraise SystemExit(0)\n", "flow.py:2", "exits while it is loaded"),
        ("x = 1\n", "flow.py", "no workflow is defined"),
        (FLOW + "\n    BashOperator('task', 'x')\n", "flow.py:7", "two tasks named 'task'"),
        (FLOW + "\n    BashOperator('b', 'x', retries=-1)\n", "flow.py:7", "retries must be"),
        (FLOW + "\nwith Workflow('e') as empty:\n    pass\n", "flow.py:7", "has no tasks"),
        (FLOW + "\nBashOperator('outside', 'x')\n", "flow.py:7", "outside a workflow"),
        (FLOW + "\nwith Workflow('flow') as f2:\n    BashOperator('a', 'a')\n", "flow.py", "two"),
    ],
)
def test_an_error_is_one_paragraph_with_its_place(host, workflow_file, text, place, message):
    path = workflow_file(text)
    done = host.compile(path.name, cwd=path.parent)
    assert (done.returncode, done.stdout) == (1, "")
    assert place in done.stderr and message in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_a_missing_file_is_an_error(host, tmp_path):
    done = host.compile(tmp_path / "missing.py")
    assert done.returncode == 1
    assert done.stderr.endswith("missing.py: no such file\n")


def test_wrong_usage_is_exit_code_2(host, workflow_file):
    import subprocess
    import sys

    for arguments in ([], ["compile"], ["fly", "file"]):
        done = subprocess.run(
            [sys.executable, "-m", "ai_flow.host"] + arguments,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        assert done.returncode == 2 and done.stderr.startswith("usage:")


def test_files_of_the_working_folder_do_not_become_modules(host, workflow_file):
    (host.work / "json.py").write_text("raise SystemExit('json of the working folder')")
    (host.work / "helper.py").write_text("VALUE = 'from the working folder'")
    path = workflow_file("import helper\nassert helper.VALUE == 'from the bundle'\n" + FLOW)
    (path.parent / "helper.py").write_text("VALUE = 'from the bundle'")
    done = host.compile(path)
    assert done.returncode == 0, done.stderr


def test_a_file_named_like_a_module_hides_it_not(host, workflow_file):
    path = workflow_file("import ast, yaml\nassert yaml.safe_load('[1]') == [1]\n" + FLOW, "ast.py")
    done = host.compile(path)
    assert done.returncode == 0, done.stderr


def test_only_the_workflow_file_is_executed(host, workflow_file):
    path = workflow_file(FLOW)
    (path.parent / "other.py").write_text("raise SystemExit('executed')")
    assert host.compile(path).returncode == 0


def test_a_thread_of_the_file_does_not_keep_the_compiler_alive(host, workflow_file):
    text = "import threading\nthreading.Thread(target=threading.Event().wait).start()\n" + FLOW
    assert host.compile(workflow_file(text)).returncode == 0


def test_the_example_of_the_readme_compiles(host, workflow_file):
    import pathlib

    readme = (pathlib.Path(__file__).parents[1] / "README.md").read_text()
    example = readme.split("```python\n")[1].split("```")[0]
    done = host.compile(workflow_file(example))
    assert done.returncode == 0, done.stderr
    spec = json.loads(done.stdout)["workflows"][0]["spec"]
    assert [task["name"] for task in spec["tasks"]] == ["collect", "train", "report"]


def run_host(folder, *arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "ai_flow.host", *arguments],
        cwd=str(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def compile_pickled(folder, workflow):
    (folder / "workflow.bin").write_bytes(
        workflow if isinstance(workflow, bytes) else cloudpickle.dumps(workflow)
    )
    return run_host(folder, "compile-workflow", "workflow.bin")


def pickled_by_the_forerunner():
    """A workflow with the attributes alone that the forerunner's classes have."""
    from ai_flow.model.action import TaskAction
    from ai_flow.model.internal.conditions import SingleEventCondition
    from ai_flow.model.workflow import Workflow
    from ai_flow.operators.bash import BashOperator

    with Workflow("old") as workflow:
        a = BashOperator("a", "true")
        b = BashOperator("b", "false")
        b.start_after(a)
        b.action_on_condition(TaskAction.STOP, SingleEventCondition("k"))
    del workflow._defined_at
    for task in (a, b):
        del task._defined_at
        task.__dict__["log"] = None
    join, event = (rule.condition for rule in workflow.rules["b"])
    del event.filters, event.scope
    for part in join.condition_list:
        del part.namespace, part.workflow_name, part.task_name
    return workflow


def test_a_workflow_of_an_old_client_is_compiled_from_its_pickle(tmp_path):
    done = compile_pickled(tmp_path, pickled_by_the_forerunner())
    assert (done.returncode, done.stderr) == (0, "")
    spec = json.loads(done.stdout)
    assert (spec["namespace"], spec["name"]) == ("default", "old")
    assert "host" not in spec
    upstream, event = spec["tasks"][1]["rules"]
    assert upstream["condition"]["conditions"] == [
        {
            "type": "task_status",
            "namespace": "default",
            "workflow": "old",
            "task": "a",
            "status": "SUCCESS",
        }
    ]
    assert event == {"action": "STOP", "condition": {"type": "event", "key": "k"}}


def test_a_pickled_workflow_with_code_names_no_file(tmp_path):
    from ai_flow.model.workflow import Workflow
    from ai_flow.operators.python import PythonOperator

    with Workflow("old") as workflow:
        PythonOperator("a", python_callable=print)
    spec = json.loads(compile_pickled(tmp_path, workflow).stdout)
    assert spec["host"]["language"] == "python" and "file" not in spec["host"]


@pytest.mark.parametrize(
    "pickled, error",
    [
        (b"no pickle", "the pickled workflow cannot be read here"),
        (cloudpickle.dumps([1]), "the pickled workflow is a list, not a Workflow"),
        (b"cai_flow.no_such_module\nname\n.", "ModuleNotFoundError"),
    ],
)
def test_a_pickled_workflow_that_cannot_be_compiled_is_one_paragraph(tmp_path, pickled, error):
    done = compile_pickled(tmp_path, pickled)
    assert (done.returncode, done.stdout) == (1, "")
    assert error in done.stderr and done.stderr.count("\n") == 1


def test_it_ends_with_the_server_that_started_it(workflow_file):
    path = workflow_file("import time\nprint('begun', flush=True)\ntime.sleep(1000)\n")
    ours, its = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "ai_flow.host", "compile", str(path)],
        env=dict(os.environ, AIFLOW_LIFELINE_FD=str(ours)),
        pass_fds=[ours],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    os.close(ours)
    with process.stderr as messages:
        assert messages.readline() == b"begun\n"
        os.close(its)
        assert process.wait(60) == -signal.SIGKILL
