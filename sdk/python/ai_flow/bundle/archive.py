"""Bundles: a zip archive with one top folder, named like the workflow file without its ending."""

import os
import stat
import zipfile
from typing import BinaryIO, Dict, List, Optional

from ai_flow.common.exception.exceptions import AIFlowException

MAX_BUNDLE_BYTES = 256 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)


def bundle_name(workflow_file: str) -> str:
    return os.path.splitext(os.path.basename(workflow_file))[0]


def write_bundle(
    output: BinaryIO, workflow_file: str, artifacts: Optional[List[str]] = None
) -> None:
    """Equal files give equal bytes. Files lie flat in the top folder, folders as they are."""
    top = bundle_name(workflow_file)
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, path in sorted(_members(workflow_file, artifacts or []).items()):
            entry = zipfile.ZipInfo(f"{top}/{name}", date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            mode = 0o755 if os.stat(path).st_mode & stat.S_IXUSR else 0o644
            entry.external_attr = (stat.S_IFREG | mode) << 16
            with open(path, "rb") as file:
                archive.writestr(entry, file.read())


def _members(workflow_file: str, artifacts: List[str]) -> Dict[str, str]:
    """Name in the top folder -> path."""
    members: Dict[str, str] = {}
    total = 0
    for path in [workflow_file] + list(artifacts):
        path = os.path.abspath(path)
        if os.path.isdir(path):
            found = _folder(path)
        elif os.path.isfile(path):
            found = {os.path.basename(path): path}
        else:
            raise AIFlowException(f"{path}: no such file or folder")
        for name, source in found.items():
            if members.setdefault(name, source) != source:
                raise AIFlowException(
                    f"{source} and {members[name]} would both be {name!r} in the upload"
                )
            total += os.path.getsize(source)
            if total > MAX_BUNDLE_BYTES:
                raise AIFlowException(
                    f"{workflow_file} and its artifacts are larger than {MAX_BUNDLE_BYTES} bytes"
                )
    return members


def _folder(folder: str) -> Dict[str, str]:
    members: Dict[str, str] = {}
    parent = os.path.dirname(folder)
    for current, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in files:
            path = os.path.join(current, name)
            if os.path.isfile(path):
                members[os.path.relpath(path, parent)] = path
    return members
