"""One version, in VERSION; everything else follows it."""

import re
import subprocess

from package_world import BUILD, SOURCE, VERSION


def test_it_is_three_numbers():
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)


def test_the_programs_say_it():
    for program in ("aiflow", "notification"):
        for word in ("version", "--version"):
            said = subprocess.run([BUILD / "bin" / program, word], capture_output=True, text=True, check=True)
            assert said.stdout.strip() == VERSION


def test_the_python_sdk_says_it():
    text = (SOURCE / "sdk/python/ai_flow/version.py").read_text()
    assert re.findall(r'__version__ = "(.*)"', text) == [VERSION]


def test_cmake_packages_have_it():
    assert f'set(PACKAGE_VERSION "{VERSION}")' in (BUILD / "cmake/aiflowConfigVersion.cmake").read_text()
    assert f'set(CPACK_PACKAGE_VERSION "{VERSION}")' in (BUILD / "CPackConfig.cmake").read_text()


def test_the_changelog_begins_with_it():
    headings = re.findall(r"^## (.*)", (SOURCE / "CHANGELOG.md").read_text(), re.M)
    assert re.fullmatch(rf"\[{re.escape(VERSION)}\] - (unreleased|\d{{4}}-\d\d-\d\d)", headings[0]), headings[0]
