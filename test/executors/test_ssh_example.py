"""The ssh executor against a real sshd on another machine, which is a network namespace."""

import os
import signal
import sys

import pytest
from conftest import EXAMPLES, need, need_to_be_asked
from executor_driver import PluginDriver, eventually, process_exists
from ssh_world import OtherMachine, missing


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    need_to_be_asked()
    lack = missing()
    need(not lack, lack)
    with OtherMachine(tmp_path_factory.mktemp("machine") / "m") as machine:
        yield machine


@pytest.fixture
def driver(machine, tmp_path):
    program = EXAMPLES / "ssh" / "ssh_executor.py"
    config = dict(machine.config, directory=str(tmp_path / "over there"))
    with PluginDriver([sys.executable, program], tmp_path, config) as driver:
        driver.run()
        yield driver


def log_of(driver, attempt):
    return driver.read(f"attempts/{attempt.key}/log")


def test_command_runs_on_the_other_machine(machine, driver):
    attempt = driver.bash(
        1,
        'pwd > $DIR/pwd; cp "$AIFLOW_EVENT_CONTEXT_FILE" $DIR/copy; printf "%s|" "$ODD" > $DIR/odd;'
        "touch \"$AIFLOW_ATTEMPT_DIR/scratch\"; echo out; echo err >&2; printf '\\377\\0' ;"
        'printf 42 > "$AIFLOW_OUTPUT"; echo $SSH_CONNECTION > $DIR/from',
        env={"ODD": "a 'b' $HOME \"c\" `id` \\ \u00e4\u0101\nd"},
        files={"AIFLOW_EVENT_CONTEXT_FILE": b"\0\xff{}" * 1000},
    )
    driver.start(attempt)
    assert driver.await_running(attempt).handle == f"{machine.address}:{attempt.key}"
    assert driver.await_end(attempt) == ("SUCCESS", 0, "")
    assert driver.read("pwd") == str(driver.root / "work") + "\n"
    assert driver.read("odd") == "a 'b' $HOME \"c\" `id` \\ \u00e4\u0101\nd|"
    assert (driver.root / "copy").read_bytes() == b"\0\xff{}" * 1000
    log = driver.root / "attempts" / attempt.key / "log"
    assert log.read_bytes() == b"out\nerr\n\377\0"
    assert driver.list()[0].output == b"42"
    assert machine.address in driver.read("from")


def test_words_arrive_as_they_are(driver):
    words = ["one two", "", "*", "$HOME", 'it\'s "quoted"\nhere', "-n", "\\", "\u00c1\u0088"]
    attempt = driver.attempt(1, ["bash", "-c", 'printf "%s|" "$@" > $DIR/out', "bash", *words])
    driver.start(attempt)
    assert driver.await_end(attempt)[0] == "SUCCESS"
    assert driver.read("out") == "|".join(words) + "|"


def test_failures_have_their_reasons(driver, tmp_path):
    (tmp_path / "file").write_text("")
    below = str(tmp_path / "file" / "below")
    attempts = [
        driver.bash(
            1, "trap - EXIT; printf '3\\nno such table\\n' > \"$AIFLOW_RESULT_FILE\"; exit 3"
        ),
        driver.bash(2, "kill -9 $$"),
        driver.attempt(3, ["no-such-program"]),
        driver.attempt(4, ["true"], working_dir=below),
    ]
    for attempt in attempts:
        driver.start(attempt)
    assert [driver.await_end(attempt) for attempt in attempts] == [
        ("FAILED", 3, "exit code 3: no such table"),
        ("FAILED", 137, "killed by signal 9 (SIGKILL)"),
        ("FAILED", 1, "cannot run no-such-program: not found"),
        ("FAILED", 1, f"cannot make directory {below}"),
    ]
    assert [driver.count(attempt, "RUNNING") for attempt in attempts] == [1, 1, 0, 0]


def test_bundle_is_sent_once_and_found_over_there(driver, tmp_path):
    bundle = tmp_path / "bundle"
    (bundle / "flow").mkdir(parents=True)
    (bundle / "flow" / "main.sh").write_text('echo "$0 in $AIFLOW_BUNDLE_DIR"\n')
    for number in (1, 2):
        main = str(bundle / "flow" / "main.sh")
        attempt = driver.attempt(
            number,
            ["sh", main],
            bundle_dir=str(bundle),
            env={"AIFLOW_BUNDLE_DIR": str(bundle)},
        )
        driver.start(attempt)
        assert driver.await_end(attempt)[0] == "SUCCESS"
        (there,) = (tmp_path / "over there" / "bundles").iterdir()
        assert log_of(driver, attempt) == f"{there}/flow/main.sh in {there}\n"
        os.utime(bundle / "flow" / "main.sh", (1, 1))
        driver.again()


STREAM = (
    "echo x >> $DIR/runs; echo begin; until [ -e $DIR/go ]; do sleep 0.02; done; echo end; exit 5"
)


def test_log_comes_while_the_attempt_runs(driver):
    attempt = driver.bash(1, STREAM)
    driver.start(attempt)
    eventually(lambda: log_of(driver, attempt) == "begin\n")
    driver.touch("go")
    assert driver.await_end(attempt) == ("FAILED", 5, "exit code 5")
    assert log_of(driver, attempt) == "begin\nend\n"


def test_attempt_outlives_the_plugin(driver):
    attempt = driver.bash(1, STREAM)
    driver.start(attempt)
    for _ in range(2):
        driver.await_running(attempt)
        driver.again()
    eventually(lambda: log_of(driver, attempt) == "begin\n")
    driver.kill()
    driver.touch("go")
    driver.run()
    assert driver.await_end(attempt) == ("FAILED", 5, "exit code 5")
    assert log_of(driver, attempt) == "begin\nend\n"
    assert driver.read("runs") == "x\n"


def test_attempt_outlives_the_connection_and_sshd(machine, driver):
    attempt = driver.bash(1, STREAM)
    driver.start(attempt)
    eventually(lambda: log_of(driver, attempt) == "begin\n")
    machine.kill_sshd()
    eventually(lambda: "the connection to" in driver.log.read_text())
    driver.touch("go")
    machine.start_sshd()
    assert driver.await_end(attempt) == ("FAILED", 5, "exit code 5")
    assert log_of(driver, attempt) == "begin\nend\n"
    assert driver.read("runs") == "x\n"


def test_nothing_is_told_while_the_machine_cannot_be_reached(machine, driver):
    attempt, later = driver.bash(1, STREAM), driver.bash(2, "true")
    driver.start(attempt)
    eventually(lambda: log_of(driver, attempt) == "begin\n")
    machine.unplug()
    try:
        eventually(lambda: "the connection to" in driver.log.read_text())
        driver.start(later)
        driver.touch("go")
        eventually(lambda: f"{later.key}: find: OSError" in driver.log.read_text())
        assert driver.count(attempt, "FAILED") == driver.count(later, "FAILED") == 0
    finally:
        machine.plug()
    assert driver.await_end(attempt) == ("FAILED", 5, "exit code 5")
    # It never got there, and now never will.
    status, _, reason = driver.await_end(later)
    assert status == "FAILED" and reason.startswith("cannot submit: OSError: ssh ")


def test_wrong_host_key_is_refused(machine, driver, tmp_path):
    other = tmp_path / "known_hosts"
    key = (machine.folder / "key.pub").read_text().split()[:2]
    other.write_text(f"[{machine.address}]:{machine.port} {' '.join(key)}\n")
    driver.kill()
    driver.environment["AIFLOW_EXECUTOR_CONFIG"] = driver.environment[
        "AIFLOW_EXECUTOR_CONFIG"
    ].replace(str(machine.known_hosts), str(other))
    driver.run()
    attempt = driver.bash(1, "touch $DIR/ran")
    driver.start(attempt)
    eventually(lambda: "Host key verification failed" in driver.log.read_text())
    assert not driver.has("ran")


def test_stop_of_group_and_of_leader(driver):
    group = driver.bash(1, "touch $DIR/ready1; sleep 1000; touch $DIR/after")
    leader = driver.attempt(
        2,
        (
            "bash",
            "-c",
            "trap 'touch $DIR/hook; wait; exit 0' TERM;"
            "(trap 'touch $DIR/child' TERM; touch $DIR/ready2;"
            " until [ -e $DIR/hook ]; do sleep 0.01; done; touch $DIR/used) & wait",
        ),
        signal_group=False,
    )
    for attempt, ready in ((group, "ready1"), (leader, "ready2")):
        driver.start(attempt)
        eventually(lambda: driver.has(ready))  # noqa: B023
        driver.stop(attempt)
    assert driver.await_end(group)[:2] == ("STOPPED", 143)
    assert driver.await_end(leader)[0] == "SUCCESS"
    assert driver.has("used") and not driver.has("child") and not driver.has("after")


def test_stop_kills_after_the_grace_with_all_descendants(driver):
    beat = "trap '' TERM; while :; do echo x >> $DIR/beat; sleep 0.02; done"
    attempt = driver.bash(1, f'setsid bash -c "{beat}" & {beat}', stop_grace_ms=300)
    driver.start(attempt)
    eventually(lambda: driver.has("beat"))
    driver.stop(attempt)
    assert driver.await_end(attempt) == ("STOPPED", 137, "killed by signal 9 (SIGKILL)")
    size = len(driver.read("beat"))
    driver.start(driver.attempt(2, ["sleep", "0.2"]))
    driver.await_end(driver.attempt(2))
    assert len(driver.read("beat")) == size


def test_stop_goes_on_when_the_plugin_dies_in_the_grace(driver):
    attempt = driver.bash(
        1, "trap 'touch $DIR/asked' TERM; while :; do sleep 0.02; done", stop_grace_ms=3000
    )
    driver.start(attempt)
    driver.await_running(attempt)
    driver.stop(attempt)
    eventually(lambda: driver.has("asked"))
    driver.again()
    assert driver.await_end(attempt)[0] == "STOPPED"


def test_keeper_killed_ends_the_attempt_and_says_so(driver):
    beat = "while :; do echo x >> $DIR/beat; sleep 0.02; done"
    attempt = driver.bash(1, f"echo $PPID > $DIR/keeper; setsid bash -c '{beat}' & {beat}")
    driver.start(attempt)
    eventually(lambda: driver.has("beat") and driver.read("keeper"))
    keeper = int(driver.read("keeper"))
    os.kill(keeper, signal.SIGKILL)
    status, _, reason = driver.await_end(attempt)
    assert status == "FAILED" and reason.startswith("ended while unobserved")
    assert not process_exists(keeper)


def test_forgotten_attempt_leaves_nothing_over_there(driver, tmp_path):
    attempt = driver.bash(1, "echo hello")
    driver.start(attempt)
    driver.await_end(attempt)
    folder = tmp_path / "over there" / "home" / "attempts"
    assert (folder / attempt.key).is_dir()
    driver.forget(attempt)
    eventually(lambda: list(folder.iterdir()) == [])
    assert log_of(driver, attempt) == "hello\n"


def test_many_attempts_at_once(driver):
    attempts = [driver.attempt(i, ["bash", "-c", "echo x >> $DIR/all"]) for i in range(1, 21)]
    for attempt in attempts:
        driver.start(attempt)
    assert {driver.await_end(attempt)[0] for attempt in attempts} == {"SUCCESS"}
    assert driver.read("all") == "x\n" * 20
