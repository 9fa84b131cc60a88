"""Parts of executor plug-ins: masks, logs, outcomes, processes of this machine."""

import os
import random
import sys
import threading

import pytest

from ai_flow.executor import Attempt, Command, ExecutorPlugin, NotStarted, Outcome, mask, processes
from ai_flow.executor.attempt_log import AttemptLog, bound_log
from ai_flow.executor.masking import MaskStream
from ai_flow.executor.outcome import one_line


@pytest.mark.parametrize(
    "text, secrets, masked",
    [
        ("say hunter22!", ["hunter22"], "say ***!"),
        ("hunter22hunter22", ["hunter22"], "***"),
        ("abcdef", ["abcd", "cdef"], "***"),
        ("xabcdexabcdy", ["abcd"], "x***ex***y"),
        ("a true none", ["true", "none", "abc", ""], "a true none"),
        ("first\nsecond\n", ["first\nsecond"], "***\n"),
        ("only second\n", ["first\nsecond"], "only ***\n"),
        ("\ud800 hunter22 \udcff", ["hunter22"], "\ud800 *** \udcff"),
        ("p\u00e4ssw\u00f6rt", ["p\u00e4ssw\u00f6rt"], "***"),
    ],
)
def test_mask(text, secrets, masked):
    assert mask(text, secrets) == masked


def test_stream_masks_like_the_whole_text_however_it_is_cut():
    dice = random.Random(7)
    secrets = ["abab", "babcc", "ccccc", "abcabcabc"]
    for _ in range(300):
        text = "".join(dice.choice("abcd") for _ in range(dice.randrange(60)))
        stream, out, rest = MaskStream(secrets), b"", text.encode()
        while rest:
            size = dice.randrange(1, 8)
            out += stream.feed(rest[:size])
            rest = rest[size:]
        assert out + stream.finish() == mask(text, secrets).encode()


def test_stream_holds_back_less_than_the_longest_secret():
    stream = MaskStream(["a" * 10])
    fed = b"a" * 100_000
    assert stream.feed(fed) == b"***"
    assert len(stream._bytes) < 20
    assert stream.finish() == b""


def test_log_masks_what_comes_in_pieces_and_counts_what_was_written(tmp_path):
    log = AttemptLog(str(tmp_path / "logs" / "log"), ["hunter22"], withheld=False)
    assert log.size() == 0
    for piece in (b"a hun", "ter", b"22 b\n"):
        log.write(piece)
    log.finish()
    assert (tmp_path / "logs" / "log").read_bytes() == b"a *** b\n"
    assert log.size() == 8


def test_bounded_log_keeps_its_size_and_its_end(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"x" * 1_000_000 + b"end")
    bound_log(str(path), 100_000)
    assert path.stat().st_size == 1_000_003
    assert path.stat().st_blocks * 512 < 300_000
    assert path.read_bytes().endswith(b"x" * 1000 + b"end")
    bound_log(str(tmp_path / "none"), 100_000)


def test_outcomes_say_how_it_ended():
    assert Outcome.of_shell(0, "", b"out") == Outcome(0, "", b"out")
    assert Outcome.of_shell(3, "no table") == Outcome(3, "exit code 3: no table")
    assert Outcome.of_shell(137) == Outcome(137, "killed by signal 9 (SIGKILL)")
    assert Outcome.of_shell(255) == Outcome(255, "exit code 255")
    assert one_line("  first\tpart\nsecond") == "first part"
    assert len(one_line("\u00e4" * 5000).encode()) == 4096


@pytest.mark.parametrize("members", [(None,), (2**40,), (1, b"no"), (0, "", "no")])
def test_outcome_of_the_wrong_types_is_refused_where_it_is_made(members):
    with pytest.raises((TypeError, ValueError)):
        Outcome(*members)


def test_names_of_the_package():
    import ai_flow.executor as package

    assert sorted(package.__all__) == [
        "Attempt",
        "AttemptLost",
        "Command",
        "ExecutorPlugin",
        "NotStarted",
        "Outcome",
        "mask",
        "processes",
    ]
    assert "grpc" not in package.__dict__


def test_attempt_on_disk_has_no_secret():
    attempt = Attempt("1-0-1-1", "token", has_secrets=True, secrets=("hunter22",))
    assert "hunter22" not in attempt.to_json() + repr(attempt)
    back = Attempt.from_json(attempt.to_json())
    assert back.secrets_lost and not attempt.secrets_lost
    assert "env" not in repr(Command(("true",), {"PASSWORD": "hunter22"}))


# ---- Processes of this machine.


@pytest.fixture
def attempt(tmp_path):
    folder = tmp_path / "17-2-1-1"
    folder.mkdir()
    made = Attempt(
        "17-2-1-1",
        working_dir=str(tmp_path / "work"),
        attempt_dir=str(folder),
        log_path=str(folder / "log"),
    )
    yield made
    processes.stop(made, 0.0)
    processes.wait(made)


def bash(command, **env):
    return Command(("bash", "-c", command), env)


def test_process_ends_with_its_output_and_reason(attempt):
    handle = processes.start(attempt, bash("printf 42 > $AIFLOW_OUTPUT; echo $$"))
    assert processes.wait(attempt) == Outcome(0, "", b"42")
    with open(attempt.log_path) as log:
        assert log.read() == handle + "\n"


@pytest.mark.parametrize(
    "command, outcome",
    [
        ("exit 3", Outcome(3, "exit code 3")),
        (
            "printf '3\\nno table\\n' > $AIFLOW_RESULT_FILE; exit 3",
            Outcome(3, "exit code 3: no table"),
        ),
        ("kill -9 $$", Outcome(137, "killed by signal 9 (SIGKILL)")),
        ("mkfifo $AIFLOW_OUTPUT", Outcome(0)),
        ("rm -rf $AIFLOW_ATTEMPT_DIR/keeper/stop; exit 137", Outcome(137, "exit code 137")),
    ],
)
def test_process_and_how_it_ends(attempt, command, outcome):
    processes.start(attempt, bash(command))
    assert processes.wait(attempt) == outcome


def test_command_that_cannot_be_executed(attempt):
    with pytest.raises(NotStarted, match="^cannot run no-such-program: No such file or directory$"):
        processes.start(attempt, Command(("no-such-program",), {}))
    assert processes.find(attempt) is not None


def test_command_too_large_for_the_system_says_the_sizes(attempt):
    with pytest.raises(NotStarted, match="Argument list too long .*131071"):
        processes.start(attempt, bash("true " + "x" * 300_000))


def test_working_directory_that_cannot_be_made(attempt, tmp_path):
    (tmp_path / "work").write_text("")
    with pytest.raises(NotStarted, match="^cannot make directory .*/work: File exists$"):
        processes.start(attempt, bash("true"))


def test_find_before_the_start_makes_it_impossible(attempt, tmp_path):
    assert processes.find(attempt) is None
    with pytest.raises(NotStarted):
        processes.start(attempt, bash(f"touch {tmp_path}/ran"))
    assert processes.find(attempt) is None
    assert not (tmp_path / "ran").exists()


def test_find_and_start_at_once_agree(tmp_path):
    for number in range(8):
        folder = tmp_path / str(number)
        folder.mkdir()
        attempt = Attempt(
            "1", working_dir=str(folder), attempt_dir=str(folder), log_path=str(folder / "log")
        )
        found = []
        other = threading.Thread(target=lambda a=attempt, f=found: f.append(processes.find(a)))
        other.start()
        try:
            handle = processes.start(attempt, bash("touch ran"))
        except NotStarted:
            handle = None
        other.join()
        if handle is None:
            assert found == [None] and not (folder / "ran").exists()
        else:
            assert processes.wait(attempt) == Outcome(0)
            assert (folder / "ran").exists() and found in ([None], [handle]) and found == [handle]


def test_environment_of_the_plugin_is_not_that_of_the_command(attempt, monkeypatch):
    monkeypatch.setenv("AIFLOW_EXECUTOR_SOCKET", "secret")
    monkeypatch.setenv("OF_THE_PLATFORM", "there")
    processes.start(attempt, bash("env; umask", GIVEN="g", AIFLOW_UMASK="027"))
    processes.wait(attempt)
    with open(attempt.log_path) as log:
        lines = log.read().splitlines()
    assert {"OF_THE_PLATFORM=there", "GIVEN=g", "0027"} <= set(lines)
    assert not [line for line in lines if line.startswith("AIFLOW_EXECUTOR_")]


def test_methods_that_were_not_written_say_so():
    plugin = ExecutorPlugin()
    for call in (
        lambda: plugin.submit(None, None),
        lambda: plugin.find(None),
        lambda: plugin.wait(None, ""),
        lambda: plugin.cancel(None, "", 0),
    ):
        with pytest.raises(NotImplementedError):
            call()
    assert plugin.pid("x") == 0 and plugin.forget(None, "") is None


def test_plugin_started_by_hand_says_what_it_is(tmp_path):
    import subprocess

    program = "from ai_flow.executor import ExecutorPlugin; ExecutorPlugin.main()"
    done = subprocess.run(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert done.returncode == 2
    assert done.stderr == (
        "AIFLOW_EXECUTOR_SOCKET is not set: this program is an executor plug-in, which an AIFlow"
        " server starts (see executors: in aiflow_server.yaml)\n"
    )
