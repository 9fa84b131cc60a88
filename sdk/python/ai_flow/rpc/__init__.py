"""How the AIFlow server is reached."""

import notification_service.rpc  # noqa: F401  (before grpc)
