import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "sdk" / "python" / "tests"))
EXAMPLES = SOURCE / "examples" / "executors"
REQUIRED = os.environ.get("AIFLOW_REQUIRE_REAL_TOOLS") == "1"


def need(condition, what):
    """Skips the test where the machine does not have what it takes, unless it has to."""
    if condition:
        return
    if REQUIRED:
        pytest.fail(f"AIFLOW_REQUIRE_REAL_TOOLS=1, and there is no {what}")
    pytest.skip(f"needs {what}")


def need_to_be_asked():
    """Skips what takes minutes, unless real tools have to be tried."""
    if not REQUIRED:
        pytest.skip("takes minutes: AIFLOW_REQUIRE_REAL_TOOLS=1 runs it")


def need_sandbox():
    # The sandbox has a /tmp of its own: a checkout below /tmp is not to be seen in it.
    if SOURCE.is_relative_to("/tmp"):
        pytest.skip("the checkout is below /tmp, which sandboxes do not see")
    need_to_be_asked()
    need(shutil.which("bwrap"), "bwrap (Debian: bubblewrap)")
    tried = subprocess.run(
        ["bwrap", "--ro-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "true"],
        stderr=subprocess.PIPE,
        text=True,
    )
    need(tried.returncode == 0, "user namespaces for bwrap: " + tried.stderr.strip())


@pytest.fixture
def polite_program(tmp_path):
    """The program of docs/executors.md, as it stands there."""
    page = (SOURCE / "docs" / "executors.md").read_text()
    program = tmp_path / "polite_executor.py"
    program.write_text(
        re.search(r"```python[^\n]*\n(.*?class PoliteExecutor.*?)```", page, re.S)[1]
    )
    return program
