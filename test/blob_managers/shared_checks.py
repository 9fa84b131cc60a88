"""What holds for every store. `make(**changes)` makes a manager of the class that is tested."""

import concurrent.futures
import multiprocessing
import os
import pathlib

import pytest
from ai_flow.common.exception.exceptions import AIFlowException

SIZE = 3 << 20  # more than one chunk


def content(seed: int) -> bytes:
    return bytes((seed + at * at) % 251 for at in range(1024)) * (SIZE // 1024)


def goes_there_and_back(manager, blob, tmp_path, name="a b+ü%41.zip"):
    for text in (b"", content(1)):
        uri = manager.upload(blob(text, name))
        path = manager.download(uri, str(tmp_path / "local"))
        assert path == str(tmp_path / "local" / name)
        assert pathlib.Path(path).read_bytes() == text
    assert os.listdir(tmp_path / "local") == [name]
    return uri


def is_never_stale(manager, blob, tmp_path):
    """Neither a file of the same name nor a lock that a dead process left is in the way."""
    local = tmp_path / "local"
    local.mkdir()
    (local / "flow.zip").write_bytes(b"of another blob")
    (local / "flow.zip.lock").write_bytes(b"")
    for text in (b"old", b"new and longer", b"short"):
        uri = manager.upload(blob(text))
        assert pathlib.Path(manager.download(uri, str(local))).read_bytes() == text
    assert sorted(os.listdir(local)) == ["flow.zip", "flow.zip.lock"]


def _download(make, uri, local, times):
    manager = make()
    found = set()
    for _ in range(times):
        found.add(pathlib.Path(manager.download(uri, local)).read_bytes())
    return found


def many_processes_see_whole_files(make, blob, tmp_path, processes=6, times=5):
    """While the blob is replaced all the time, into one folder."""
    manager, local = make(), str(tmp_path / "local")
    versions = [content(seed) for seed in (1, 2)]
    uri = manager.upload(blob(versions[0]))
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(processes, mp_context=context) as pool:
        running = [pool.submit(_download, make, uri, local, times) for _ in range(processes)]
        replaced = 0
        while not all(one.done() for one in running):
            manager.upload(blob(versions[replaced % 2]))
            replaced += 1
        for one in running:
            assert one.result() <= set(versions)
    assert os.listdir(local) == ["flow.zip"]


def harm_ends_in_an_error(manager, proxy, blob, tmp_path, harm, error):
    """And what was in the folder stays as it was."""
    uri = manager.upload(blob(content(3)))
    local = tmp_path / "local"
    local.mkdir()
    (local / "flow.zip").write_bytes(b"before")
    proxy.tell(**harm)
    proxy.tell(count=True)
    with pytest.raises(AIFlowException, match=error) as caught:
        manager.download(uri, str(local))
    assert "given up after 5 tries" in str(caught.value)
    assert proxy.tell(count=True)["requests"] == 5
    assert os.listdir(local) == ["flow.zip"] and (local / "flow.zip").read_bytes() == b"before"


def harm_that_passes_is_survived(manager, proxy, blob, tmp_path, harm):
    uri = manager.upload(blob(content(4)))
    proxy.tell(times=2, **harm)
    path = manager.download(uri, str(tmp_path / "local"))
    assert pathlib.Path(path).read_bytes() == content(4)


def uploads_survive_harm_that_passes(manager, proxy, blob, tmp_path):
    for harm in ({"fault": "close"}, {"fault": "status", "status": 503}):
        proxy.tell(times=2, **harm)
        uri = manager.upload(blob(content(5)))
        path = manager.download(uri, str(tmp_path / "local"))
        assert pathlib.Path(path).read_bytes() == content(5)


HARM = [
    ({"fault": "truncate", "bytes": 1_000_000}, "."),
    ({"fault": "truncate", "bytes": 0}, "."),
    ({"fault": "close"}, "."),
    ({"fault": "status", "status": 503}, "503"),
    ({"fault": "stall", "seconds": 3}, "(?i)time"),
]
