"""Hands a bundle to the blob manager of the client's settings, for the command line."""

import json
import os
import sys
from typing import NoReturn

from ai_flow.common.exception.exceptions import AIFlowException


def store_bundle_main(path: str) -> NoReturn:
    """Prints {"uri": ...} and exits with 0, or a paragraph on stderr and exits with 1."""
    # What the manager prints goes to stderr: stdout is for the result alone.
    result = os.dup(1)
    os.dup2(2, 1)
    code = 0
    try:
        from ai_flow.blob_manager.blob_manager_interface import BlobManagerFactory
        from ai_flow.bundle.keep import store_file

        uri = store_file(BlobManagerFactory.get_default_blob_manager(), path)
        text = json.dumps({"uri": uri}, ensure_ascii=False) + "\n"
        os.write(result, text.encode("utf-8", "backslashreplace"))
    except AIFlowException as error:
        print(error, file=sys.stderr)
        code = 1
    except Exception as error:  # of the class of a user's own, while it was made
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that the manager may have started do not keep this process alive.
    os._exit(code)
