"""What the tests of the packages share: sources as in a clone, empty virtual environments, packages."""

import os
import pathlib
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(os.environ["AIFLOW_SOURCE"])
BUILD = pathlib.Path(os.environ["AIFLOW_BUILD"])
VERSION = (SOURCE / "VERSION").read_text().strip()
# Of .venv, what must not be found in the place of what a test installs.
OURS = ("ai_flow", "aiflow", "notification_service", "__editable__", "_distutils_hack", "distutils-precedence", "pip",
        "setuptools", "pkg_resources")


def run(*command, **options) -> str:
    """Runs it; its output. A failing one fails the test with what it said."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, timeout=1200, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}"
    return done.stdout


def copy_of_sources(folder: pathlib.Path) -> pathlib.Path:
    """The parts of a clone that the Python SDK is built from, without what a build has left there."""
    left = shutil.ignore_patterns("build", "dist", "*.egg-info", "__pycache__", "*_pb2*.py", ".pytest_cache")
    shutil.copytree(SOURCE / "sdk/python", folder / "sdk/python", symlinks=True, ignore=left)
    shutil.copytree(SOURCE / "proto", folder / "proto")
    for name in ("LICENSE", "VERSION"):
        shutil.copy(SOURCE / name, folder)
    return folder / "sdk/python"


def build_backend(project: pathlib.Path, what: str, output: pathlib.Path) -> pathlib.Path:
    """`build_wheel` or `build_sdist` of a project, by the tools of .venv and without the network."""
    output.mkdir(exist_ok=True)
    code = f"from setuptools import build_meta; print(build_meta.{what}({str(output)!r}))"
    return output / run(sys.executable, "-c", code, cwd=project).splitlines()[-1]


def empty_venv(folder: pathlib.Path) -> pathlib.Path:
    """The interpreter of a new virtual environment that has the SDK's and the tests' requirements, from .venv, and
    nothing of AIFlow."""
    run(sys.executable, "-m", "venv", folder)
    (there,) = pathlib.Path(sys.prefix).glob("lib/python3*/site-packages")
    (here,) = folder.glob("lib/python3*/site-packages")
    for entry in there.iterdir():
        if not entry.name.startswith(OURS) and not (here / entry.name).exists():
            (here / entry.name).symlink_to(entry)
    return folder / "bin/python"


def install(python: pathlib.Path, *packages: pathlib.Path):
    run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-index", "--no-deps", *packages)


def without_sources() -> dict:
    """An environment in which nothing but the interpreter says where packages are."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith(("AIFLOW_", "PYTHON", "VIRTUAL_ENV"))}
