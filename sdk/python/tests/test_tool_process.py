"""A tool as a process: its output, its end, and a stop at any time."""

import logging
import os
import subprocess
import threading
import time

import pytest

from ai_flow.common.exception.exceptions import AIFlowException, TaskForceStoppedException
from ai_flow.operators.tool import process as module
from ai_flow.operators.tool.executable import find_executable
from ai_flow.operators.tool.job_note import JobNote, JobNotes, command_digest
from ai_flow.operators.tool.process import ToolProcess
from ai_flow.operators.tool.stop_budget import stop_budget

LOG = logging.getLogger("test")


def shell(script, on_line=lambda line: None, environment=None):
    return ToolProcess(["bash", "-c", script], LOG, on_line, environment)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_every_line_is_heard_before_the_end_is_told():
    lines = []
    tool = shell("echo one; echo two >&2; printf 'no end'; exit 3", lines.append)
    tool.start()
    assert tool.wait(60) == 3
    assert lines == ["one", "two", "no end"]


def test_a_line_without_end_comes_in_pieces_and_any_byte_is_shown(monkeypatch):
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 8)
    lines = []
    tool = shell("printf 'abcdefghijk\\n\\xff\\n'", lines.append)
    tool.start()
    assert tool.wait(60) == 0
    assert lines == ["abcdefgh", "ijk", "\\xff"]


def test_who_cannot_read_a_line_does_not_stop_the_reading():
    def fail(line):
        raise ValueError(line)

    tool = shell("for i in $(seq 20000); do echo $i; done", fail)
    tool.start()
    assert tool.wait(60) == 0


def test_the_environment_is_added_to():
    lines = []
    tool = shell("echo $A-${PATH:+path}", lines.append, {"A": "b c"})
    tool.start()
    tool.wait(60)
    assert lines == ["b c-path"]


def test_a_wait_has_a_limit():
    tool = shell("exec sleep 600")
    tool.start()
    with pytest.raises(subprocess.TimeoutExpired):
        tool.wait(0.05)
    tool.terminate(60)
    assert tool.wait(60) == -15


def test_a_termination_ends_the_whole_group_and_may_be_repeated():
    heard = threading.Event()
    pids = []

    def hear(line):
        pids.append(int(line))
        heard.set()

    tool = shell("trap '' TERM; (exec sleep 600) & echo $!; exec 1>&- 2>&-; wait; sleep 600", hear)
    tool.start()
    assert heard.wait(60)
    tool.terminate(0.2)
    tool.terminate(0.2)
    assert tool.wait(60) == -9
    end = time.monotonic() + 60
    while alive(pids[0]):
        assert time.monotonic() < end
        time.sleep(0.005)


def test_what_was_terminated_before_its_start_never_starts(tmp_path):
    tool = shell(f"touch {tmp_path}/there")
    tool.terminate(1)
    with pytest.raises(TaskForceStoppedException):
        tool.start()
    assert not tool.started and not (tmp_path / "there").exists()


def test_what_is_no_program_is_told(tmp_path):
    file = tmp_path / "tool"
    file.write_text("")
    with pytest.raises(AIFlowException, match=f"cannot run {file}: Permission denied"):
        ToolProcess([str(file)], LOG, print).start()


def executable(folder, name):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_a_tool_is_looked_for_as_given_then_on_the_path_then_in_its_home(tmp_path, monkeypatch):
    given = executable(tmp_path / "given", "mine")
    on_path = executable(tmp_path / "path", "tool")
    at_home = executable(tmp_path / "home" / "bin", "tool")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("TOOL_HOME", str(tmp_path / "home"))
    assert find_executable("t", "tool", given, "TOOL_HOME") == given
    assert find_executable("t", "tool", None, "TOOL_HOME") == on_path
    assert find_executable("t", "tool", None, "TOOL_HOME", home_first=True) == at_home
    os.remove(on_path)
    assert find_executable("t", "tool", None, "TOOL_HOME") == at_home


def test_a_missing_tool_is_told_with_what_to_do(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("TOOL_HOME", raising=False)
    with pytest.raises(AIFlowException) as error:
        find_executable("t", "tool", None, "TOOL_HOME")
    assert str(error.value) == (
        "task 't': `tool` was not found on the machine that runs the task: it is not on the PATH, "
        "and TOOL_HOME is not set; install it, set PATH or TOOL_HOME (option `env`), or give "
        "`executable_path`"
    )
    with pytest.raises(AIFlowException, match="'/no/tool' is no executable file"):
        find_executable("t", "tool", "/no/tool")


def test_a_note_is_read_as_it_was_written(tmp_path, monkeypatch):
    monkeypatch.setenv("AIFLOW_WORKING_DIR", str(tmp_path))
    monkeypatch.setenv("AIFLOW_TASK", "a task")
    note = JobNote("job-1", 2, command_digest(["a", "b"]), "application_1_2", True, "file:/s")
    JobNotes.of_this_task().write(note)
    assert JobNotes.of_this_task().read() == note
    monkeypatch.setenv("AIFLOW_TASK", "another")
    assert JobNotes.of_this_task().read() is None


@pytest.mark.parametrize("text", ["", "{", '{"version": 2}', '{"version": 1}', "[]"])
def test_a_damaged_note_is_refused_not_taken_as_none(tmp_path, text):
    path = tmp_path / "note"
    path.write_text(text)
    with pytest.raises(ValueError, match="does not tell which job"):
        JobNotes(str(path)).read()


def test_outside_a_task_nothing_is_noted():
    notes = JobNotes.of_this_task()
    notes.write(JobNote("job", 1, ""))
    assert notes.read() is None


def test_a_stop_leaves_time_for_the_end_of_the_process():
    from datetime import timedelta

    assert stop_budget({}) == 51
    assert stop_budget({"stop_grace": timedelta(seconds=100)}) == 85
    assert stop_budget({"stop_grace": 0}) == 1
