"""README's first command."""

import os
import subprocess

import pytest
from aiflow_server import BINARIES, SOURCE


@pytest.mark.skipif(BINARIES.parent.name != "release", reason="the script runs the release build")
@pytest.mark.parametrize("version", ["cpp", "python"])
def test_quickstart_script_passes_all_its_checks(version, tmp_path):
    env = {**os.environ, "AIFLOW_SKIP_BUILD": "1", "TMPDIR": str(tmp_path), "NO_COLOR": "1",
           "ONLINE_LEARNING_SECONDS_PER_HOUR": "0.5"}
    done = subprocess.run([str(SOURCE / "scripts/quickstart"), version], env=env, text=True,
                          capture_output=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No process is left" in done.stdout
