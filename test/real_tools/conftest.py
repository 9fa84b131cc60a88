import os
import pathlib
import sys

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parents[1] / "e2e")]

import real_tools  # noqa: E402
from aiflow_server import Server  # noqa: E402

MUST_RUN = "AIFLOW_REQUIRE_REAL_TOOLS"


@pytest.fixture(scope="session", autouse=True)
def installed():
    """Skips everything without the tools, unless the environment says that they have to be there."""
    missing = real_tools.why_not_installed()
    if missing is None:
        return
    if os.environ.get(MUST_RUN, "") not in ("", "0"):
        pytest.fail(f"{MUST_RUN} is set, and {missing}")
    pytest.skip(missing)


@pytest.fixture(scope="session")
def jobs_jar(installed, tmp_path_factory):
    return real_tools.build_jobs(tmp_path_factory.mktemp("jobs"))


@pytest.fixture(scope="session")
def cluster(installed, tmp_path_factory):
    with real_tools.FlinkCluster(tmp_path_factory.mktemp("flink")) as running:
        yield running


@pytest.fixture
def start_server(tmp_path):
    """Starts a server whose tasks have the given environment."""
    started = []

    def start(env):
        server = Server(tmp_path / "home", env=env)
        started.append(server.__enter__())
        return server

    yield start
    for server in started:
        server.__exit__(None, None, None)
