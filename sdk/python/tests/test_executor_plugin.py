"""The base class of executor plug-ins, as a server meets it: a process, killed at every moment."""

import json
import os
import pathlib
import signal
import sys
import threading

import pytest
from executor_driver import PluginDriver, eventually

# isort: split
import grpc

from ai_flow.rpc.protobuf import executor_plugin_pb2 as pb

PLATFORM = pathlib.Path(__file__).with_name("executor_platform.py")


class Platform(PluginDriver):
    """The plug-in of the tests, and the platform's side of it."""

    def __init__(self, root, **config):
        self.folder = root / "platform"
        self.folder.mkdir()
        config["folder"] = str(self.folder)
        super().__init__([sys.executable, PLATFORM], root, config)

    def end(self, attempt, exit_code=0, **outcome):
        draft = self.folder / "draft"
        draft.write_text(json.dumps(dict(outcome, exit_code=exit_code)))
        os.replace(draft, self.folder / (attempt.key + ".end"))

    def fail(self, method, error="RuntimeError"):
        (self.folder / ("fail-" + method)).write_text(error)

    def mend(self, method):
        (self.folder / ("fail-" + method)).unlink()

    def submissions(self, attempt):
        return self.lines(attempt.key)

    def cancels(self, attempt):
        return self.lines(attempt.key + ".cancel")

    def lines(self, name):
        path = self.folder / name
        return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture
def make(tmp_path):
    made = []

    def make_one(**config):
        made.append(Platform(tmp_path, **config))
        return made[-1]

    yield make_one
    for driver in made:
        driver.__exit__()


@pytest.fixture
def platform(make):
    return make()


def code_of(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code().name, caught.value.details()


# ---- Without a crash.


def test_success_with_its_output(platform):
    opened = platform.run()
    assert (opened.protocol_version, opened.description, opened.masks_secrets) == (
        1,
        "platform of the tests 1.0",
        False,
    )
    attempt = platform.attempt(1)
    platform.start(attempt)
    running = platform.await_running(attempt)
    assert running.handle == "platform/17-2-1-1"
    platform.end(attempt, output="42\n")
    assert platform.await_end(attempt) == ("SUCCESS", 0, "")
    assert platform.reports[-1].output == b"42\n"
    assert platform.read("attempts/17-2-1-1/log") == "submitted true\n"


def test_failures_reason_and_finality(platform):
    platform.run()
    plain, final = platform.attempt(1), platform.attempt(2)
    for attempt in (plain, final):
        platform.start(attempt)
    platform.end(plain, 3, reason="no such table\nand more")
    platform.end(final, 100, final=True)
    assert platform.await_end(plain) == ("FAILED", 3, "no such table")
    assert platform.await_end(final) == ("FAILED", 100, "exit code 100")
    by_key = {report.key: report for report in platform.list()}
    assert not by_key[plain.key].final_failure
    assert by_key[final.key].final_failure


def test_of_an_output_that_is_too_large_so_much_is_told_as_shows_it(platform):
    platform.run()
    attempt = platform.attempt(1)
    platform.start(attempt)
    platform.end(attempt, output="x" * 100_000)
    platform.await_end(attempt)
    assert platform.reports[-1].output == b"x" * 65537


def test_attempt_is_submitted_once_however_often_it_is_started(platform):
    platform.run()
    attempt = platform.attempt(1)
    calls = [threading.Thread(target=platform.start, args=(attempt,)) for _ in range(8)]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    platform.await_running(attempt)
    platform.end(attempt)
    platform.await_end(attempt)
    before = platform.count(attempt, "SUCCESS")
    platform.start(attempt)
    eventually(lambda: platform.count(attempt, "SUCCESS") > before)
    assert platform.submissions(attempt) == 1


def test_refusal_is_a_failure_and_nothing_is_submitted(platform):
    platform.run()
    attempt = platform.attempt(1, refusal="env_file /x: no such file")
    platform.start(attempt)
    assert platform.await_end(attempt) == ("FAILED", 1, "env_file /x: no such file")
    assert platform.submissions(attempt) == 0


def test_stop_before_the_claim_prevents_the_run_for_ever(platform):
    platform.run()
    attempt = platform.attempt(1)
    platform.stop(attempt)
    assert platform.await_end(attempt) == ("STOPPED", 0, "stopped before it ran")
    platform.start(attempt)
    platform.again()
    platform.start(attempt)
    assert platform.await_end(attempt)[0] == "STOPPED"
    assert platform.submissions(attempt) == 0


def test_stop_cancels_and_the_real_end_counts(platform):
    platform.run()
    stopped, faster = platform.attempt(1, stop_grace_ms=2500), platform.attempt(2)
    platform.start(stopped)
    platform.await_running(stopped)
    platform.stop(stopped)
    assert platform.await_end(stopped) == ("STOPPED", 143, "cancelled within 2.5 s")
    platform.touch("platform/deaf")
    platform.start(faster)
    platform.await_running(faster)
    platform.stop(faster)
    eventually(lambda: platform.cancels(faster) == 1)
    platform.end(faster, 0)
    assert platform.await_end(faster)[0] == "SUCCESS"


def test_stop_after_the_end_changes_nothing(platform):
    platform.run()
    attempt = platform.attempt(1)
    platform.start(attempt)
    platform.end(attempt, 4)
    platform.await_end(attempt)
    platform.stop(attempt)
    eventually(lambda: platform.count(attempt, "FAILED") == 2)
    assert platform.count(attempt, "STOPPED") == 0
    assert platform.cancels(attempt) == 0


def test_stop_while_submitting_cancels_as_soon_as_there_is_a_handle(platform):
    platform.run()
    platform.touch("platform/hold-submit")
    attempt = platform.attempt(1)
    platform.start(attempt)
    platform.stop(attempt)
    assert platform.cancels(attempt) == 0
    (platform.folder / "hold-submit").unlink()
    assert platform.await_end(attempt)[0] == "STOPPED"
    assert platform.cancels(attempt) == 1


def test_stop_that_is_repeated_cancels_again(platform):
    platform.run()
    platform.touch("platform/deaf")
    attempt = platform.attempt(1)
    platform.start(attempt)
    platform.await_running(attempt)
    platform.stop(attempt)
    eventually(lambda: platform.cancels(attempt) == 1)
    (platform.folder / "deaf").unlink()

    def stop_again():
        platform.stop(attempt)
        return platform.cancels(attempt) > 1

    eventually(stop_again)
    assert platform.await_end(attempt)[0] == "STOPPED"


def test_more_than_max_attempts_are_refused_and_come_again(platform):
    platform.run()
    alive = [platform.attempt(i) for i in range(1, 21)]
    for attempt in alive:
        platform.start(attempt)
    one_more = platform.attempt(21)
    assert code_of(lambda: platform.start(one_more)) == (
        "RESOURCE_EXHAUSTED",
        "20 attempts are alive, the limit",
    )
    assert platform.submissions(one_more) == 0
    platform.end(alive[0])
    platform.await_end(alive[0])
    platform.start(one_more)
    platform.await_running(one_more)


def test_list_has_pages_in_the_order_of_the_claims(platform):
    platform.run()
    attempts = [platform.attempt(i, refusal="no") for i in (3, 1, 2)]
    for attempt in attempts:
        platform.start(attempt)
    for size in (0, 1, 2, 3):
        assert [r.key for r in platform.list(size)] == [a.key for a in attempts]
    page = platform.stub.List(pb.ListRequest(epoch=1, page_size=2))
    assert len(page.reports) == 2 and page.next_page_token
    assert code_of(lambda: platform.stub.List(pb.ListRequest(epoch=1, page_token="x")))[0] == (
        "INVALID_ARGUMENT"
    )


def test_page_is_bounded_in_bytes(platform):
    platform.run()
    attempts = [platform.attempt(i) for i in range(1, 61)]
    for attempt in attempts:
        platform.start(attempt)
        platform.end(attempt, output="x" * 65536)
        platform.await_end(attempt)
    assert len(platform.list()) == 60
    page = platform.stub.List(pb.ListRequest(epoch=1))
    assert page.ByteSize() < 3 * 1024 * 1024


def test_platform_with_a_queue_says_itself_when_it_runs(make):
    platform = make(queues=True)
    platform.run()
    attempt = platform.attempt(1)
    platform.start(attempt)
    eventually(lambda: platform.submissions(attempt) == 1)
    eventually(lambda: [r.handle for r in platform.list()] == ["platform/" + attempt.key])
    assert [r.status for r in platform.list()] == [pb.ATTEMPT_STATUS_ACCEPTED]
    platform.touch(f"platform/{attempt.key}.runs")
    platform.await_running(attempt)
    platform.end(attempt)
    assert platform.await_end(attempt)[0] == "SUCCESS"
    assert platform.count(attempt, "RUNNING") == 1


# ---- Exceptions of the author's code.


def test_submit_that_says_not_started_is_a_failure(platform):
    platform.run()
    platform.fail("submit", "NotStarted")
    attempt = platform.attempt(1)
    platform.start(attempt)
    assert platform.await_end(attempt) == ("FAILED", 1, "NotStarted of the platform")


def test_submit_that_raises_before_the_platform_accepted_is_a_failure(platform):
    platform.run()
    platform.fail("submit")
    attempt = platform.attempt(1)
    platform.start(attempt)
    assert platform.await_end(attempt) == (
        "FAILED",
        1,
        "cannot submit: RuntimeError: RuntimeError of the platform",
    )
    assert platform.count(attempt, "RUNNING") == 0


def test_submit_that_raises_after_the_platform_accepted_goes_on(platform):
    platform.run()
    platform.fail("accepted")
    attempt = platform.attempt(1)
    platform.start(attempt)
    platform.await_running(attempt)
    platform.end(attempt)
    assert platform.await_end(attempt)[0] == "SUCCESS"
    assert platform.submissions(attempt) == 1


def test_nothing_is_told_while_find_does_not_know(platform):
    platform.run()
    platform.fail("find")
    platform.fail("accepted")
    attempt = platform.attempt(1)
    platform.start(attempt)
    eventually(lambda: platform.log.read_text().count("find: RuntimeError") > 2)
    assert [r.status for r in platform.list()] == [pb.ATTEMPT_STATUS_ACCEPTED]
    platform.mend("find")
    platform.await_running(attempt)


def test_wait_that_raises_is_called_again_and_nothing_is_told(platform):
    platform.run()
    platform.fail("wait")
    attempt = platform.attempt(1)
    platform.start(attempt)
    platform.await_running(attempt)
    eventually(lambda: platform.log.read_text().count("wait: RuntimeError") > 2)
    assert [r.status for r in platform.list()] == [pb.ATTEMPT_STATUS_RUNNING]
    platform.mend("wait")
    platform.end(attempt)
    assert platform.await_end(attempt)[0] == "SUCCESS"


def test_wait_that_says_lost_is_a_failure(platform):
    platform.run()
    platform.fail("wait", "AttemptLost")
    attempt = platform.attempt(1)
    platform.start(attempt)
    assert platform.await_end(attempt) == ("FAILED", 1, "AttemptLost of the platform")


def test_cancel_that_raises_is_called_again(platform):
    platform.run()
    platform.fail("cancel")
    attempt = platform.attempt(1)
    platform.start(attempt)
    platform.await_running(attempt)
    platform.stop(attempt)
    eventually(lambda: platform.log.read_text().count("cancel: RuntimeError") > 2)
    platform.mend("cancel")
    assert platform.await_end(attempt)[0] == "STOPPED"


# ---- Epochs, tokens, homes.


def test_lower_epoch_is_refused_durably(platform):
    platform.run()
    platform.epoch = 3
    platform.connect()
    attempt = platform.attempt(1)
    assert code_of(lambda: platform.start(attempt, epoch=2))[0] == "ABORTED"
    platform.again()
    assert code_of(lambda: platform.start(attempt, epoch=2)) == (
        "ABORTED",
        "epoch 2 is below 3: another server has taken over",
    )
    platform.epoch = 2
    for call in (platform.list, lambda: platform.stop(attempt), lambda: platform.forget(attempt)):
        assert code_of(call)[0] == "ABORTED"
    assert code_of(lambda: next(platform.stub.Watch(pb.WatchRequest(epoch=2))))[0] == "ABORTED"
    assert platform.submissions(attempt) == 0


def test_later_watch_takes_the_place_of_an_earlier_one(platform):
    platform.run()
    watch = platform.stub.Watch(pb.WatchRequest(epoch=1))
    assert not next(watch).reports
    platform.epoch = 2
    platform.connect()
    assert list(watch) == []


def test_attempt_goes_on_under_a_later_epoch(platform):
    platform.run()
    attempt = platform.attempt(1)
    platform.start(attempt)
    platform.await_running(attempt)
    platform.epoch = 2
    platform.connect()
    platform.start(attempt)
    platform.end(attempt)
    assert platform.await_end(attempt)[0] == "SUCCESS"
    assert platform.submissions(attempt) == 1


def test_another_token_is_another_attempt_that_never_runs(platform):
    platform.run()
    attempt = platform.attempt(1)
    platform.start(attempt)
    other = platform.attempt(1, token="another")
    platform.start(other)
    platform.stop(other)
    eventually(lambda: platform.count(attempt, "FAILED") == 2)
    assert {(r.token, r.reason) for r in platform.reports if r.status == 4} == {
        ("another", "its key was claimed with another token")
    }
    platform.end(attempt)
    assert platform.await_end(attempt)[0] == "SUCCESS"
    assert (platform.submissions(attempt), platform.cancels(attempt)) == (1, 0)


def test_another_home_is_refused(platform):
    platform.run()
    request = pb.OpenRequest(epoch=9, protocol_version=1, home_id="another")
    assert code_of(lambda: platform.stub.Open(request)) == (
        "FAILED_PRECONDITION",
        "this state directory belongs to the home home, not to another",
    )


@pytest.mark.parametrize("key", ["", "../1", "a", "1" * 81])
def test_key_that_is_none_is_refused(platform, key):
    platform.run()
    attempt = platform.attempt(1, key=key)
    assert code_of(lambda: platform.start(attempt))[0] == "INVALID_ARGUMENT"


# ---- Secrets.


def test_attempt_with_secrets_is_refused_by_who_does_not_mask(platform):
    platform.run()
    attempt = platform.attempt(1, secrets=["hunter22"])
    platform.start(attempt)
    assert platform.await_end(attempt) == ("FAILED", 1, "executor tested does not mask secrets")


def test_secrets_are_masked_in_log_reason_and_output_and_are_on_no_disk(make):
    platform = make(masks=True)
    assert platform.run().masks_secrets
    good = platform.attempt(1, ("echo", "hunter22"), secrets=["hunter22"])
    bad = platform.attempt(2, secrets=["hunter22"])
    platform.start(good)
    platform.start(bad)
    platform.end(good, output="it is hunter22!")
    platform.end(bad, 1, reason="not hunter22")
    platform.await_end(good)
    assert platform.await_end(bad) == ("FAILED", 1, "not ***")
    assert [r.output for r in platform.list()] == [b"it is ***!", b""]
    assert platform.read(f"attempts/{good.key}/log") == "submitted echo ***\n"
    for path in platform.state_dir.iterdir():
        assert b"hunter22" not in path.read_bytes()
    assert "hunter22" not in platform.log.read_text()


def test_after_a_restart_what_may_hold_secrets_is_withheld(make):
    platform = make(masks=True)
    platform.run()
    attempt = platform.attempt(1, secrets=["hunter22"])
    platform.start(attempt)
    platform.await_running(attempt)
    platform.again()
    platform.end(attempt, 1, reason="not hunter22", log="hunter22\n")
    assert platform.await_end(attempt) == (
        "FAILED",
        1,
        "exit code 1: withheld, as the plug-in was restarted and knows the secrets no more",
    )
    assert "withheld" in platform.read(f"attempts/{attempt.key}/log")
    assert "hunter22" not in platform.read(f"attempts/{attempt.key}/log")


# ---- Deaths: kill -9 at every moment, then the server repeats what was not answered.


def start_and_crash(platform, attempt, point):
    platform.run(CRASH_AT=point)
    try:
        platform.start(attempt)
    except grpc.RpcError:
        pass
    platform.await_death()


def test_death_before_the_claim_leaves_it_to_the_repeated_start(platform):
    attempt = platform.attempt(1)
    start_and_crash(platform, attempt, "claim.before")
    platform.run()
    assert platform.list() == []
    platform.start(attempt)
    platform.end(attempt)
    assert platform.await_end(attempt)[0] == "SUCCESS"
    assert platform.submissions(attempt) == 1


@pytest.mark.parametrize("point", ["claim.after", "submit.before"])
def test_death_between_claim_and_platform_is_a_failure_and_never_submitted(platform, point):
    attempt = platform.attempt(1)
    start_and_crash(platform, attempt, point)
    platform.run()
    platform.start(attempt)
    status, _, reason = platform.await_end(attempt)
    assert status == "FAILED"
    assert reason.startswith("the plug-in died while it submitted the attempt")
    assert platform.submissions(attempt) == 0


@pytest.mark.parametrize("point", ["submit.accepted", "submitted.before", "submitted.after"])
def test_death_once_the_platform_has_it_goes_on_with_that(platform, point):
    attempt = platform.attempt(1)
    start_and_crash(platform, attempt, point)
    platform.run()
    platform.start(attempt)
    platform.await_running(attempt)
    platform.end(attempt, output="5")
    assert platform.await_end(attempt)[0] == "SUCCESS"
    assert platform.submissions(attempt) == 1


@pytest.mark.parametrize("point", ["ended.before", "ended.after"])
def test_death_at_the_end_does_not_lose_it(platform, point):
    attempt = platform.attempt(1)
    platform.run(CRASH_AT=point)
    platform.start(attempt)
    platform.end(attempt, 7)
    platform.await_death()
    platform.run()
    assert platform.await_end(attempt) == ("FAILED", 7, "exit code 7")
    platform.again()
    assert platform.await_end(attempt) == ("FAILED", 7, "exit code 7")
    assert platform.submissions(attempt) == 1


@pytest.mark.parametrize("point", ["stop.before", "stop.after", "cancel.before", "cancel.after"])
def test_death_while_stopping_stops_all_the_same(platform, point):
    attempt = platform.attempt(1)
    platform.run(CRASH_AT=point)
    platform.start(attempt)
    platform.await_running(attempt)
    answered = True
    try:
        platform.stop(attempt)
    except grpc.RpcError:
        answered = False
    platform.await_death()
    platform.run()
    if not answered:
        platform.stop(attempt)
    assert platform.await_end(attempt)[0] == "STOPPED"


def test_death_while_a_stop_waits_for_the_submission(platform):
    platform.run()
    platform.touch("platform/hold-submit")
    attempt = platform.attempt(1)
    platform.start(attempt)
    platform.stop(attempt)
    platform.again()
    assert platform.await_end(attempt)[0] == "STOPPED"
    assert platform.submissions(attempt) == 0


@pytest.mark.parametrize("point", ["forget.before", "forget.after"])
def test_death_while_forgetting_forgets_all_the_same(platform, point):
    attempt = platform.attempt(1)
    platform.run(CRASH_AT=point)
    platform.start(attempt)
    platform.end(attempt)
    platform.await_end(attempt)
    with pytest.raises(grpc.RpcError):
        platform.forget(attempt)
    platform.await_death()
    platform.run()
    platform.forget(attempt)
    assert platform.list() == []
    eventually(lambda: platform.submissions(attempt) == 0, "forget of the platform")


def test_many_deaths_while_many_attempts_run(platform):
    platform.run()
    attempts = [platform.attempt(i) for i in range(1, 16)]
    for number, attempt in enumerate(attempts):
        platform.start(attempt)
        if number % 5 == 4:
            platform.again()
    for number, attempt in enumerate(attempts):
        platform.end(attempt, number)
    platform.again()
    for number, attempt in enumerate(attempts):
        status, exit_code, _ = platform.await_end(attempt)
        # The last one before each death may have been claimed and not submitted.
        if platform.submissions(attempt) == 1:
            assert (status, exit_code) == ("FAILED" if number else "SUCCESS", number)
        else:
            assert status == "FAILED" and number % 5 == 4


def test_forgetting_that_fails_is_given_up(platform):
    platform.run()
    attempt = platform.attempt(1)
    platform.start(attempt)
    platform.end(attempt)
    platform.await_end(attempt)
    platform.fail("forget")
    platform.forget(attempt)
    eventually(lambda: "forget, try 5" in platform.log.read_text())
    assert platform.list() == []


# ---- The process.


def test_end_of_the_server_ends_the_plugin_at_once_and_no_attempt(platform):
    platform.run()
    attempt = platform.attempt(1)
    platform.start(attempt)
    platform.await_running(attempt)
    platform.process.stdin.close()
    assert platform.process.wait(timeout=60) == 0
    platform.kill()
    platform.end(attempt)
    platform.run()
    assert platform.await_end(attempt)[0] == "SUCCESS"


def test_new_process_waits_for_the_old_one_to_go(platform):
    platform.run()
    old = platform.process
    platform.channel.close()
    platform.start_process()
    new = platform.process
    try:
        lock = platform.state_dir / "lock"
        assert lock.read_text() == f"{old.pid}\n"
        eventually(lambda: _has_opened_the_lock(new.pid))
        old.send_signal(signal.SIGTERM)
        old.wait()
        old.stdin.close()
        platform.connect()
        assert lock.read_text() == f"{new.pid}\n"
    finally:
        old.kill()
        old.wait()


def _has_opened_the_lock(pid):
    links = pathlib.Path(f"/proc/{pid}/fd")
    try:
        return any(os.readlink(link).endswith("/lock") for link in links.iterdir())
    except OSError:
        return False


@pytest.mark.parametrize(
    "environment, says",
    [
        ({"AIFLOW_EXECUTOR_SOCKET": ""}, "AIFLOW_EXECUTOR_SOCKET is not set: this program is an"),
        ({"AIFLOW_EXECUTOR_CONFIG": "[]"}, "AIFLOW_EXECUTOR_CONFIG is no JSON object"),
        ({"AIFLOW_EXECUTOR_CONFIG": "{"}, "AIFLOW_EXECUTOR_CONFIG is no JSON: "),
        (
            {"AIFLOW_EXECUTOR_CONFIG": '{"folder": "/x", "wrong": 1}'},
            "executor tested: wrong: unknown setting",
        ),
    ],
)
def test_wrong_start_is_one_clear_line(platform, environment, says):
    platform.start_process(**environment)
    assert platform.process.wait(timeout=60) == 2
    assert platform.log.read_text().startswith(says)
    assert platform.log.read_text().count("\n") == 1


def test_socket_deeper_than_a_socket_s_path_may_be_long(platform, tmp_path):
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    platform.environment["AIFLOW_EXECUTOR_SOCKET"] = str(deep / "s")
    folder = os.open(deep, os.O_PATH)
    platform.socket = f"/proc/self/fd/{folder}/s"
    try:
        platform.run()
        attempt = platform.attempt(1)
        platform.start(attempt)
        platform.await_running(attempt)
    finally:
        platform.kill()
        os.close(folder)


def test_journal_of_a_newer_plugin_is_refused(platform):
    import sqlite3

    platform.state_dir.mkdir()
    with sqlite3.connect(platform.state_dir / "journal.db") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    platform.start_process()
    assert platform.process.wait(timeout=60) == 1
    assert "has version 99, this plug-in knows 1: use a newer one" in platform.log.read_text()
