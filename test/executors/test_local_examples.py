"""Executors whose attempts are processes of this machine: the one of docs/executors.md, and the
sandbox. The contract suite tries their promises; here is what is their own."""

import os
import signal
import sys

import pytest
from conftest import EXAMPLES, need_sandbox
from executor_driver import PluginDriver, eventually, process_exists


@pytest.fixture
def polite(tmp_path, polite_program):
    with PluginDriver([sys.executable, polite_program], tmp_path, {"nice": 7}) as driver:
        yield driver


@pytest.fixture
def make_sandbox(tmp_path):
    need_sandbox()
    made = []

    def make(**config):
        config.setdefault("writable", [str(tmp_path)])
        program = EXAMPLES / "sandbox" / "sandbox_executor.py"
        made.append(PluginDriver([sys.executable, program], tmp_path, config))
        made[-1].run()
        return made[-1]

    yield make
    for driver in made:
        driver.__exit__()


@pytest.fixture(params=["polite", "sandbox"])
def driver(request):
    if request.param == "sandbox":
        return request.getfixturevalue("make_sandbox")()
    polite = request.getfixturevalue("polite")
    polite.run()
    return polite


def test_program_of_the_page_runs_below_the_others(polite):
    polite.run()
    attempt = polite.bash(1, "nice > $DIR/level")
    polite.start(attempt)
    assert polite.await_end(attempt) == ("SUCCESS", 0, "")
    assert int(polite.read("level")) == os.nice(0) + 7


def test_command_gets_environment_files_and_directories(driver):
    attempt = driver.bash(
        1,
        'pwd > $DIR/pwd; cp "$AIFLOW_EVENT_CONTEXT_FILE" $DIR/copy; printf "%s" "$ODD" > $DIR/odd;'
        "touch $AIFLOW_ATTEMPT_DIR/scratch; echo out; echo err >&2; printf 42 > $AIFLOW_OUTPUT",
        env={"ODD": "a 'b' $HOME \"c\"\nd"},
        files={"AIFLOW_EVENT_CONTEXT_FILE": b"\0\xff{}"},
    )
    driver.start(attempt)
    assert driver.await_end(attempt) == ("SUCCESS", 0, "")
    assert driver.read("pwd") == str(driver.root / "work") + "\n"
    assert driver.read("odd") == "a 'b' $HOME \"c\"\nd"
    assert (driver.root / "copy").read_bytes() == b"\0\xff{}"
    assert driver.read(f"attempts/{attempt.key}/log") == "out\nerr\n"
    assert driver.list()[0].output == b"42"


def test_plugin_killed_while_the_command_ends(driver):
    attempt = driver.bash(
        1, "echo $$ >> $DIR/pids; until [ -e $DIR/go ]; do sleep 0.02; done; exit 5"
    )
    driver.start(attempt)
    driver.await_running(attempt)
    eventually(lambda: driver.has("pids"))
    pid = driver.list()[0].pid
    driver.kill()
    driver.touch("go")
    eventually(lambda: not process_exists(pid))
    driver.run()
    assert driver.await_end(attempt) == ("FAILED", 5, "exit code 5")
    assert len(driver.read("pids").splitlines()) == 1


def test_plugin_killed_while_the_command_runs(driver):
    attempt = driver.bash(1, "echo x >> $DIR/runs; until [ -e $DIR/go ]; do sleep 0.02; done")
    driver.start(attempt)
    for _ in range(3):
        driver.await_running(attempt)
        driver.again()
    driver.touch("go")
    assert driver.await_end(attempt)[0] == "SUCCESS"
    assert driver.read("runs") == "x\n"


def test_keeper_killed_ends_the_attempt_and_says_so(driver):
    beat = "while :; do echo x >> $DIR/beat; sleep 0.02; done"
    attempt = driver.bash(1, f"setsid bash -c '{beat}' & {beat}")
    driver.start(attempt)
    running = driver.await_running(attempt)
    eventually(lambda: driver.has("beat"))
    with open(f"/proc/{running.pid}/stat") as file:
        keeper = int(file.read().rpartition(")")[2].split()[1])
    os.kill(keeper, signal.SIGKILL)
    assert driver.await_end(attempt) == ("FAILED", 1, "ended while unobserved")
    assert not process_exists(running.pid)


def test_stop_gives_the_group_its_grace_and_then_kills(driver):
    kind = driver.bash(
        1,
        "(trap 'sleep 0.3; echo clean > $DIR/cleaned; exit' TERM; touch $DIR/ready;"
        " while :; do sleep 0.02; done) & trap 'exit 1' TERM; wait",
    )
    driver.start(kind)
    eventually(lambda: driver.has("ready"))
    driver.stop(kind)
    assert driver.await_end(kind)[:2] == ("STOPPED", 1)
    assert driver.read("cleaned") == "clean\n"
    stubborn = driver.bash(2, "trap '' TERM; touch $DIR/deaf; while :; do sleep 0.02; done")
    driver.start(stubborn)
    eventually(lambda: driver.has("deaf"))
    driver.stop(stubborn, grace_ms=200)
    assert driver.await_end(stubborn) == ("STOPPED", 137, "killed by signal 9 (SIGKILL)")


@pytest.mark.parametrize("group", [True, False])
def test_stop_right_after_the_start(driver, group):
    for number in range(1, 6):
        attempt = driver.attempt(number, ("sleep", "1000"), signal_group=group)
        driver.start(attempt)
        driver.stop(attempt)
        assert driver.await_end(attempt)[0] == "STOPPED"


def test_stop_of_the_leader_leaves_its_children_to_it(driver):
    attempt = driver.attempt(
        1,
        (
            "bash",
            "-c",
            "trap 'touch $DIR/hook; wait; exit 0' TERM;"
            "(trap 'touch $DIR/child' TERM; touch $DIR/ready;"
            " until [ -e $DIR/hook ]; do sleep 0.01; done; touch $DIR/used) & wait",
        ),
        signal_group=False,
    )
    driver.start(attempt)
    eventually(lambda: driver.has("ready"))
    driver.stop(attempt)
    assert driver.await_end(attempt)[0] == "SUCCESS"
    assert driver.has("used") and not driver.has("child")


def test_log_is_bounded(driver):
    attempt = driver.bash(
        1, "head -c 1000000 /dev/zero | tr '\\0' x; echo end", log_max_bytes=65536
    )
    driver.start(attempt)
    assert driver.await_end(attempt)[0] == "SUCCESS"
    log = driver.root / "attempts" / attempt.key / "log"
    assert log.stat().st_size == 1_000_004
    assert log.stat().st_blocks * 512 < 200_000
    assert log.read_bytes().endswith(b"xxxend\n")


# ---- The sandbox.


def test_sandbox_writes_only_where_it_may(make_sandbox):
    driver = make_sandbox()
    outside = driver.socket_dir.name  # in /tmp, and nothing that was named
    attempt = driver.bash(
        1,
        f"touch /etc/x 2> /dev/null && echo etc; touch {outside}/x 2> /dev/null && echo outside;"
        "touch $AIFLOW_ATTEMPT_DIR/keeper/outcome 2> /dev/null && echo keeper;"
        "touch /tmp/mine && touch here && ls /tmp | grep -c aiflow-plugin; true",
    )
    driver.start(attempt)
    assert driver.await_end(attempt) == ("SUCCESS", 0, "")
    assert driver.read(f"attempts/{attempt.key}/log") == "0\n"
    assert driver.has("work/here")


def test_sandbox_sees_no_other_process_and_ends_with_its_command(make_sandbox):
    driver = make_sandbox()
    attempt = driver.bash(
        1, "ls -d /proc/[0-9]* | wc -l; setsid sleep 1000 & (setsid env -i sleep 1001 &)"
    )
    driver.start(attempt)
    running = driver.await_running(attempt)
    assert driver.await_end(attempt)[0] == "SUCCESS"
    assert int(driver.read(f"attempts/{attempt.key}/log")) < 8
    assert not process_exists(running.pid)


def test_sandbox_without_a_network(make_sandbox):
    driver = make_sandbox(network=False)
    attempt = driver.bash(1, "cat /proc/net/dev | tail -n +3 | cut -d: -f1 | tr -d ' '")
    driver.start(attempt)
    assert driver.await_end(attempt)[0] == "SUCCESS"
    assert driver.read(f"attempts/{attempt.key}/log") == "lo\n"


def test_sandbox_limits_and_hidden_directories(make_sandbox, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("x")
    driver = make_sandbox(limits={"nofile": 77}, hidden=["/usr/share"], writable=["/var/tmp"])
    attempt = driver.attempt(1, ("bash", "-c", "ulimit -n; ls /usr/share | wc -l"))
    driver.start(attempt)
    assert driver.await_end(attempt)[0] == "SUCCESS"
    assert driver.read(f"attempts/{attempt.key}/log") == "77\n0\n"


def test_sandbox_with_an_unknown_setting_is_one_line(make_sandbox, tmp_path):
    driver = make_sandbox()
    driver.kill()
    driver.start_process(AIFLOW_EXECUTOR_CONFIG='{"netwrok": false}')
    assert driver.process.wait(timeout=60) == 2
    assert driver.log.read_text().splitlines()[-1] == (
        "executor tested: config: no setting netwrok with the value False"
    )
