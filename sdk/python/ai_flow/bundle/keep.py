"""Bundles that go to the client's own blob manager, beside the server's store."""

import os
import shutil
import tempfile
from typing import IO

from ai_flow.blob_manager.blob_manager_interface import BlobManager, BlobManagerFactory
from ai_flow.common.configuration.client_config import has_own_blob_manager, load_client_config
from ai_flow.common.exception.exceptions import AIFlowException

# Of the digest in a file's name: two bundles of one name never share it.
DIGEST_DIGITS = 16


def stored_name(name: str, sha256: str) -> str:
    """What a bundle is called in a blob manager. Another bundle of the name, also an update of the
    workflow, is another blob: nobody's code changes under his hands."""
    return f"{name}-{sha256[:DIGEST_DIGITS]}.zip"


def keep_bundle(bundle: IO[bytes], name: str, sha256: str) -> str:
    """Hands the bundle to the blob manager of aiflow_client.yaml and returns its uri; "" when the
    file names none but the template's."""
    if not has_own_blob_manager(load_client_config()):
        return ""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, stored_name(name, sha256))
        bundle.seek(0)
        with open(path, "xb") as output:
            shutil.copyfileobj(bundle, output)
        return store_file(BlobManagerFactory.get_default_blob_manager(), path)


def store_file(manager: BlobManager, path: str) -> str:
    """The uri of the file, which the manager may move. What a class of a user's own raises becomes
    an AIFlowException that names the class."""
    owner = f"{type(manager).__module__}.{type(manager).__qualname__}"
    try:
        uri = manager.upload(path)
    except AIFlowException:
        raise
    except Exception as error:
        raise AIFlowException(
            f"blob manager {owner} failed: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(uri, str) or not uri:
        raise AIFlowException(f"blob manager {owner} returned {uri!r} for a uri")
    return uri
