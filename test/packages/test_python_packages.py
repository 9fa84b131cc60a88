"""The wheel and the sdist of the Python SDK: what is in them, and that they work where nothing else is."""

import json
import re
import tarfile
import zipfile

import pytest
from package_world import SOURCE, VERSION, build_backend, copy_of_sources, empty_venv, install, run, without_sources


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packages")
    project = copy_of_sources(folder / "clone")
    sdist = build_backend(project, "build_sdist", folder / "dist")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked")
    # What pip makes of an sdist: there is no clone around it.
    wheel = build_backend(folder / "unpacked" / f"aiflow-{VERSION}", "build_wheel", folder / "from_sdist")
    return {"sdist": sdist, "wheel": build_backend(project, "build_wheel", folder / "dist"), "from_sdist": wheel}


@pytest.fixture(scope="module")
def python(packages, tmp_path_factory):
    interpreter = empty_venv(tmp_path_factory.mktemp("venv") / "v")
    install(interpreter, packages["wheel"])
    return interpreter


def names_in(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return sorted(archive.namelist())


def test_the_sdist_has_all_that_a_build_needs(packages):
    with tarfile.open(packages["sdist"]) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml", "setup.py", "proto/aiflow/v1/orchestrator.proto",
            "ai_flow/py.typed"} <= names
    assert not [name for name in names if name.startswith("tests")]


def test_the_wheel_has_licence_readme_types_and_generated_code(packages):
    with zipfile.ZipFile(packages["wheel"]) as archive:
        names = archive.namelist()
        metadata = archive.read(f"aiflow-{VERSION}.dist-info/METADATA").decode()
        licence = archive.read(f"aiflow-{VERSION}.dist-info/licenses/LICENSE").decode()
    assert licence == (SOURCE / "LICENSE").read_text()
    assert "ai_flow/py.typed" in names and "ai_flow/rpc/protobuf/orchestrator_pb2_grpc.py" in names
    assert re.search(r"^License-Expression: Apache-2.0$", metadata, re.M)
    assert "# AIFlow for Python" in metadata
    assert not [name for name in names if re.match(r"tests/|proto/|.*\.proto$", name)]


def test_a_wheel_from_the_sdist_is_the_same(packages):
    assert names_in(packages["from_sdist"]) == names_in(packages["wheel"])


def test_it_is_imported_from_where_it_was_installed(python, tmp_path):
    code = ("import ai_flow.ops, ai_flow.testing, ai_flow.rpc.protobuf.event_log_pb2_grpc, notification_service, sys; "
            "from ai_flow.version import __version__; print(ai_flow.__file__, __version__)")
    where, version = run(python, "-c", code, cwd=tmp_path, env=without_sources()).split()
    assert where.startswith(str(python.parents[1])) and version == VERSION


def test_its_host_compiles_the_examples(python, tmp_path):
    for example, name in (("quickstart/quickstart.py", "quickstart_workflow"),
                          ("online_learning/python/online_learning.py", "online_learning")):
        text = run(python, "-m", "ai_flow.host", "compile", SOURCE / "examples" / example, cwd=tmp_path,
                   env=without_sources())
        compiled = json.loads(text)["workflows"][0]["spec"]
        assert compiled["name"] == name and compiled["host"]["interpreter"] == str(python)


def test_the_wheel_brings_no_commands(python, tmp_path):
    # The programs are C++: a stand-in in an activated environment would hide the real ones.
    assert not (python.parent / "aiflow").exists() and not (python.parent / "notification").exists()
