"""HDFSBlobManager against a name node and a data node of Apache Hadoop, with permissions."""

import functools
import os
import pathlib

import pytest
import shared_checks as checks
from ai_flow.blob_manager.impl.hdfs_blob_manager import HDFSBlobManager
from ai_flow.common.exception.exceptions import AIFlowException


def hdfs_config(hdfs, **changes):
    return {
        "hdfs_url": hdfs["url"],
        "hdfs_user": hdfs["user"],
        "root_directory": hdfs["root"] + "/blobs",
        **changes,
    }


def make_hdfs(config):
    return HDFSBlobManager(config)


@pytest.fixture
def make(hdfs):
    return functools.partial(make_hdfs, hdfs_config(hdfs))


@pytest.fixture
def through_proxy(hdfs, before_hdfs):
    return HDFSBlobManager(hdfs_config(hdfs, hdfs_url=before_hdfs.said["url"], timeout=2))


def test_a_blob_goes_there_and_back(make, hdfs, blob, tmp_path):
    uri = checks.goes_there_and_back(make(), blob, tmp_path)
    assert uri == hdfs["root"] + "/blobs/a b+ü%41.zip"


def test_a_replaced_blob_is_never_stale(make, blob, tmp_path):
    checks.is_never_stale(make(), blob, tmp_path)


def test_many_processes_see_whole_files(make, blob, tmp_path):
    checks.many_processes_see_whole_files(make, blob, tmp_path)


@pytest.mark.parametrize("harm, error", checks.HARM)
def test_harm_ends_in_an_error(through_proxy, before_hdfs, blob, tmp_path, harm, error):
    checks.harm_ends_in_an_error(through_proxy, before_hdfs, blob, tmp_path, harm, error)


@pytest.mark.parametrize("harm", [{"fault": "truncate", "bytes": 9}, {"fault": "close"}])
def test_harm_that_passes_is_survived(through_proxy, before_hdfs, blob, tmp_path, harm):
    checks.harm_that_passes_is_survived(through_proxy, before_hdfs, blob, tmp_path, harm)


def test_uploads_survive_harm_that_passes(through_proxy, before_hdfs, blob, tmp_path):
    checks.uploads_survive_harm_that_passes(through_proxy, before_hdfs, blob, tmp_path)


def test_another_user_is_refused_in_one_line(hdfs, make, blob, tmp_path):
    uri = make().upload(blob(b"text"))
    stranger = HDFSBlobManager(hdfs_config(hdfs, hdfs_user="bob"))
    for attempt in (lambda: stranger.upload(blob(b"x")), lambda: stranger.download(uri, str(tmp_path))):
        with pytest.raises(AIFlowException, match="Permission denied: user=bob") as caught:
            attempt()
        assert caught.value.code == "PERMISSION_DENIED"
        assert "\n" not in str(caught.value) and "tries" not in str(caught.value)


def test_a_blob_that_is_not_there_is_told_as_such(make, hdfs, tmp_path):
    with pytest.raises(AIFlowException, match="missing.zip not found") as caught:
        make().download(hdfs["root"] + "/blobs/missing.zip", str(tmp_path))
    assert caught.value.code == "NOT_FOUND" and os.listdir(tmp_path) == []


def test_a_dead_name_node_beside_the_active_one_is_no_harm(hdfs, blob, tmp_path):
    manager = HDFSBlobManager(hdfs_config(hdfs, hdfs_url=f"http://127.0.0.1:9;{hdfs['url']}"))
    uri = manager.upload(blob(b"text"))
    assert pathlib.Path(manager.download(uri, str(tmp_path))).read_bytes() == b"text"
