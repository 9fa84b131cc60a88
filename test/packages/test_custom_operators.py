"""The operators of examples/custom_operator: built and installed as their users do it, their own tests, then a workflow
of each on a real server."""

import json
import os
import re
import shutil
import sqlite3

import pytest
from aiflow_server import AIFLOW, Server, wait_until
from package_world import BUILD, SOURCE, build_backend, copy_of_sources, empty_venv, install, run, without_sources

EXAMPLE = SOURCE / "examples/custom_operator"


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """An interpreter with the SDK and the operator from their wheels, and nothing else of AIFlow."""
    folder = tmp_path_factory.mktemp("python")
    interpreter = empty_venv(folder / "v")
    shutil.copytree(EXAMPLE / "python", folder / "operator", ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    install(interpreter, build_backend(copy_of_sources(folder / "clone"), "build_wheel", folder / "dist"),
            build_backend(folder / "operator", "build_wheel", folder / "dist"))
    return interpreter


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The program of the workflow, built with the installed SDK and the installed operator."""
    folder = tmp_path_factory.mktemp("cpp")

    def cmake(source, build, *prefixes):
        run("cmake", "-G", "Ninja", "-S", source, "-B", build, "-DCMAKE_PREFIX_PATH=" + ";".join(map(str, prefixes)))
        run("cmake", "--build", build, "-j", "1")

    run("cmake", "--install", BUILD, "--component", "sdk", "--prefix", folder / "aiflow")
    cmake(EXAMPLE / "cpp", folder / "operator-build", folder / "aiflow")
    run("ctest", "--test-dir", folder / "operator-build", "--output-on-failure", "--no-tests=error")
    run("cmake", "--install", folder / "operator-build", "--prefix", folder / "operator")
    cmake(EXAMPLE / "cpp/workflow", folder / "build", folder / "aiflow", folder / "operator")
    return folder / "build/sales"


@pytest.fixture(scope="module")
def page_program(tmp_path_factory):
    """What docs/custom-operators.md tells to write in C++, against the SDK as it lies in its build."""
    folder = tmp_path_factory.mktemp("page")
    page = (SOURCE / "docs/custom-operators.md").read_text()
    for name, language in (("flow.cc", "cpp"), ("CMakeLists.txt", "cmake")):
        (text,) = re.findall(rf"```{language}\n(.*?)```", page, re.S)
        (folder / name).write_text(text.replace("/tmp/aiflow-arrived", str(folder / "arrived")))
    run("cmake", "-G", "Ninja", "-S", folder, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={BUILD}")
    run("cmake", "--build", folder / "build")
    return folder / "build/arrivals"


def total(server, workflow, execution):
    with sqlite3.connect(server.working_dir(workflow, execution) / "sales.db") as connection:
        return connection.execute("SELECT count(*), sum(amount) FROM sales").fetchone()


def sell(server, workflow, amount):
    server.cli("workflow-execution", "start", workflow, "--param", f"amount={amount}")
    assert server.wait_for_end(1) == "SUCCESS", server.cli("why", "1").stdout + server.cli("logs", "1", "load").stdout
    assert total(server, workflow, 1) == (1, amount)
    return server.cli("logs", "1", "report").stdout


def test_the_tests_of_the_python_operator_pass_in_an_environment_of_its_own(python, tmp_path):
    said = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLE / "python/tests", cwd=tmp_path,
               env=without_sources())
    assert "4 passed" in said


def test_tasks_find_the_operator_in_the_environment_that_the_workflow_was_uploaded_from(python, server):
    # As in an activated environment. The server's own Python has no such package.
    env = {**server.env, "VIRTUAL_ENV": str(python.parents[1])}
    env.pop("AIFLOW_PYTHON", None)
    env.pop("PYTHONPATH", None)
    run(AIFLOW, "workflow", "upload", EXAMPLE / "python/sales.py", env=env)
    assert 'sold: [{"total": 5}]' in sell(server, "sales", 5)


def test_tasks_find_the_operator_by_the_setting_of_the_server(python, tmp_path):
    # As from another machine, whose environment is not on this one.
    elsewhere = shutil.copytree(python.parents[1], tmp_path / "elsewhere", symlinks=True)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with Server(tmp_path / "home", {"AIFLOW__SERVER__PYTHON_EXECUTABLE": str(python)}) as server:
        run(AIFLOW, "workflow", "upload", EXAMPLE / "python/sales.py",
            env={**env, **server.env, "AIFLOW_PYTHON": str(elsewhere / "bin/python")})
        shutil.rmtree(elsewhere)
        assert 'sold: [{"total": 6}]' in sell(server, "sales", 6)


def test_a_workflow_of_the_cpp_operator_runs_on_a_server(program, server):
    server.cli("workflow", "upload", str(program))
    assert "sold: 7" in sell(server, "sales_cpp", 7)


def test_the_operator_of_the_page_waits_until_it_is_stopped_or_done(page_program, server):
    server.cli("workflow", "upload", str(page_program))
    server.cli("workflow-execution", "start", "arrivals")
    wait_until(lambda: "RUNNING" in server.cli("why", "1").stdout, "it waits")
    server.cli("workflow-execution", "stop", "1")
    assert server.wait_for_end(1) == "STOPPED"
    (page_program.parents[1] / "arrived").write_text("12345")
    server.cli("workflow-execution", "start", "arrivals")
    assert server.wait_for_end(2) == "SUCCESS"
    assert "5 bytes" in server.cli("logs", "2", "report").stdout


def test_the_program_runs_a_task_without_a_server(python, program, tmp_path):
    script = ("import sys; from ai_flow.testing import run_task\n"
              "run = run_task(sys.argv[1], 'sales_cpp', 'load', directory='.', params={'day': 'x', 'amount': 3})\n"
              "import json; print(json.dumps([run.wait(), run.output, run.log]))")
    said = run(python, "-c", script, program, cwd=tmp_path, env=without_sources())
    assert json.loads(said) == ["SUCCESS", "3", ""]
