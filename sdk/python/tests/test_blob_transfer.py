"""What the blob managers share: settings, paths, tries, files."""

import os
import threading

import pytest

from ai_flow.blob_manager import transfer
from ai_flow.blob_manager.transfer import Settings, TransientError, checked_path, save, tried
from ai_flow.common.exception.exceptions import AIFlowConfigException, AIFlowException


@pytest.fixture
def waits(monkeypatch):
    waited = []
    monkeypatch.setattr(transfer.time, "sleep", waited.append)
    return waited


@pytest.mark.parametrize(
    "path, root",
    [
        ("/blob/x", "/blob"),
        ("/blob/a/b c", "/blob"),
        ("x", ""),
        ("a/x", ""),
        ("root/..x", "root"),
        ("root/x..", "root"),
    ],
)
def test_a_path_below_the_root_is_taken(path, root):
    assert checked_path(path, root, path) == path


@pytest.mark.parametrize(
    "path, root",
    [
        ("/blob", "/blob"),
        ("/blob/", "/blob"),
        ("/blobother/x", "/blob"),
        ("/blob/../x", "/blob"),
        ("/blob/./x", "/blob"),
        ("/blob//x", "/blob"),
        ("blob/x", "/blob"),
        ("/x", "blob"),
        ("blob/a/../../x", "blob"),
        ("blob/x\0", "blob"),
        ("..", ""),
        ("/x", ""),
        ("", ""),
        ("a/", ""),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(path, root):
    with pytest.raises(AIFlowException, match="is not"):
        checked_path(path, root, path)


def test_tries_end_at_the_limit_with_the_last_reason(waits):
    reasons = iter(range(100))

    def fail():
        raise TransientError(f"reason {next(reasons)}")

    with pytest.raises(AIFlowException, match=r"download of x: reason 4 \(given up after 5 tries"):
        tried("download of x", fail)
    assert len(waits) == 4
    for number, waited in enumerate(waits):
        assert 0.25 * 2**number <= waited <= 0.5 * 2**number


def test_a_try_that_works_is_the_last_and_other_errors_end_at_once(waits):
    outcomes = [TransientError("busy"), TransientError("busy"), "done"]

    def attempt():
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    assert tried("x", attempt) == "done" and len(waits) == 2
    outcomes.append(AIFlowException("refused"))
    with pytest.raises(AIFlowException, match="^refused$"):
        tried("x", attempt)
    assert len(waits) == 2


def test_a_failed_download_leaves_what_was_there(tmp_path):
    (tmp_path / "x").write_text("old")

    def half(output):
        output.write(b"ne")
        raise TransientError("the server is gone")

    with pytest.raises(TransientError):
        save(str(tmp_path), "x", half)
    assert os.listdir(tmp_path) == ["x"] and (tmp_path / "x").read_text() == "old"


def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AIFlowException, match="file/x cannot be written"):
        save(str(tmp_path / "file"), "x", lambda output: None)


def test_readers_see_whole_files_while_many_write(tmp_path):
    def write(letter):
        for _ in range(50):
            save(str(tmp_path), "x", lambda output: output.write(letter * 100_000))

    write(b"a")
    writers = [threading.Thread(target=write, args=(bytes([97 + n]),)) for n in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        text = (tmp_path / "x").read_bytes()
        assert len(text) == 100_000 and len(set(text)) == 1
    for writer in writers:
        writer.join()
    assert os.listdir(tmp_path) == ["x"]


def test_a_secret_is_from_the_setting_else_its_file_else_the_environment(tmp_path, monkeypatch):
    path = tmp_path / "secret"
    path.write_text("of the file\n")
    path.chmod(0o600)
    monkeypatch.setenv("THE_KEY", "of the environment")
    known = ["key", "key_file"]
    both = {"key": "of the setting", "key_file": str(path)}
    assert Settings("M", both, known).secret("key", ["THE_KEY"]) == "of the setting"
    of_file = Settings("M", {"key_file": str(path), "key": None}, known)
    assert of_file.secret("key", ["THE_KEY"]) == "of the file"
    assert Settings("M", {}, known).secret("key", ["NONE", "THE_KEY"]) == "of the environment"
    assert Settings("M", {}, known).secret("key") is None
    path.write_text("\n")
    with pytest.raises(AIFlowConfigException, match="does not hold the key of M"):
        of_file.secret("key")
    path.chmod(0o644)
    with pytest.raises(AIFlowConfigException, match="chmod 600"):
        of_file.secret("key")


def test_an_unknown_setting_is_named_with_the_known_ones():
    with pytest.raises(AIFlowConfigException, match="M has no setting 'buket'; it has bucket, key"):
        Settings("M", {"buket": 1}, ["key", "bucket"])
    with pytest.raises(AIFlowConfigException, match="M needs bucket in blob_manager_config"):
        Settings("M", {"bucket": ""}, ["bucket"]).required("bucket")
