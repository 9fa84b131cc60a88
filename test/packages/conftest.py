import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from aiflow_server import Server  # noqa: E402


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path / "home") as running:
        yield running
