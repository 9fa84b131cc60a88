"""The contract suite that is shipped for authors, against the executor of docs/executors.md and the
two examples."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
from conftest import EXAMPLES, SOURCE, need, need_sandbox, need_to_be_asked
from ssh_world import OtherMachine, missing

BINARIES = os.environ.get("AIFLOW_BINARIES", str(SOURCE / "build" / "release" / "bin"))
SUITE = pathlib.Path(BINARIES) / "aiflow-executor-contract"


def run(folder, program, config):
    need_to_be_asked()
    need(SUITE.exists(), f"{SUITE}, which is built with the tests")
    done = subprocess.run(
        [SUITE, "--dir", folder, "--config", json.dumps(config), "--", sys.executable, program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-20_000:]
    assert "[  PASSED  ]" in done.stdout


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "tests"
    made.mkdir()
    return str(made)


def test_executor_of_the_page_keeps_its_promises(folder, polite_program):
    run(folder, polite_program, {"nice": 1})


def test_sandbox_keeps_its_promises(folder):
    need_sandbox()
    run(folder, EXAMPLES / "sandbox" / "sandbox_executor.py", {"writable": [folder]})


def test_ssh_keeps_its_promises(folder, tmp_path):
    need_to_be_asked()
    lack = missing()
    need(not lack, lack)
    with OtherMachine(tmp_path / "m") as machine:
        config = dict(machine.config, directory=str(tmp_path / "there"))
        run(folder, EXAMPLES / "ssh" / "ssh_executor.py", config)
