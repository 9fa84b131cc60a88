"""Keys of the events that the system itself sends."""

STATUS_CHANGED_KEY_PREFIX = "[task_status_change]."
STATUS_CHANGED_VALUE = "TASK_STATUS_CHANGED"
SCHEDULING_EVENT_KEY = "AIFLOW_SCHEDULING_EVENT"


def status_changed_key(namespace: str, workflow_name: str, task_name: str) -> str:
    return f"{STATUS_CHANGED_KEY_PREFIX}{namespace}.{workflow_name}.{task_name}"
