"""The examples of docs/clients.md, as they stand there."""

import os
import re
import subprocess
import sys

import pytest
from aiflow_server import SOURCE, Server

EXAMPLES = re.findall(r"```python\n(.*?)```", (SOURCE / "docs/clients.md").read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("page") / "home") as running:
        yield running


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs(server, number):
    """On a program's own terms: all it knows is the home of a server that runs."""
    env = {**os.environ, "AIFLOW_HOME": str(server.home)}
    done = subprocess.run([sys.executable, "-c", EXAMPLES[number]], env=env, capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_there_are_examples():
    assert len(EXAMPLES) >= 5
