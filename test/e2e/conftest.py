import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from aiflow_server import Server  # noqa: E402


@pytest.fixture
def server(tmp_path):
    home = tmp_path / "home"
    with Server(home) as running:
        yield running
