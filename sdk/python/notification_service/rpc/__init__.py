"""How the notification service is reached. Import this before grpc."""

import os
import sys

if sys.version_info < (3, 10):
    # There `subprocess` forks, and the fork handlers of gRPC may crash the child of a process that
    # listens, before it becomes the program. Later versions use vfork, which has no handlers.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
