"""The command lines of Spark's tools, as their documentation has them. Pure."""

import re
from dataclasses import dataclass, field
from typing import Dict, List, Optional

from ai_flow.common.exception.exceptions import ArgumentValueError

CLIENT, CLUSTER = "client", "cluster"

_DRIVER_POD = re.compile(r"\bpod name: ([a-z0-9.-]+-driver)\b")
_EXIT_CODE = re.compile(r"\bexit code: (-?\d+)", re.IGNORECASE)
_SQL_FILE = (".sql", ".hql")


@dataclass(frozen=True)
class SparkSettings:
    """What the user asked for, options and arguments already split."""

    name: str
    application: str
    application_args: List[str] = field(default_factory=list)
    master: str = "yarn"
    deploy_mode: str = CLIENT
    submit_options: List[str] = field(default_factory=list)
    k8s_namespace: Optional[str] = None
    env_vars: Dict[str, str] = field(default_factory=dict)

    @property
    def on_yarn(self) -> bool:
        return self.master.startswith("yarn")

    @property
    def on_kubernetes(self) -> bool:
        return self.master.startswith("k8s://")

    @property
    def in_cluster(self) -> bool:
        """The driver runs elsewhere, and outlives spark-submit."""
        return self.deploy_mode == CLUSTER


def check(task: str, settings: SparkSettings) -> None:
    """ArgumentValueError for a combination that Spark would not take, or nobody could watch."""

    def refuse(what: str) -> None:
        raise ArgumentValueError(f"task {task!r}: {what}")

    master = settings.master
    if settings.deploy_mode not in (CLIENT, CLUSTER):
        refuse(f"deploy_mode must be 'client' or 'cluster', not {settings.deploy_mode!r}")
    if settings.in_cluster and master.startswith(("spark://", "mesos", "local")):
        refuse(f"master {master!r} has no deploy_mode 'cluster' here; use 'client'")
    if settings.on_kubernetes and not settings.k8s_namespace:
        refuse(f"master {master!r} needs `k8s_namespace`")


def submit_command(executable: str, settings: SparkSettings) -> List[str]:
    command = [executable, "--master", settings.master, "--deploy-mode", settings.deploy_mode]
    command += ["--name", settings.name]
    prefix = None
    if settings.on_yarn:
        prefix = "spark.yarn.appMasterEnv"
    elif settings.on_kubernetes:
        prefix = "spark.kubernetes.driverEnv"
    if prefix is not None:
        for variable, value in settings.env_vars.items():
            command += ["--conf", f"{prefix}.{variable}={value}"]
    if settings.on_kubernetes:
        command += ["--conf", f"spark.kubernetes.namespace={settings.k8s_namespace}"]
    return [*command, *settings.submit_options, settings.application, *settings.application_args]


def kill_pod_command(executable: str, settings: SparkSettings, pod: str) -> List[str]:
    """Deletes the driver's pod, and with it the executors'."""
    kill = f"{settings.k8s_namespace}:{pod}"
    return [executable, "--kill", kill, "--master", settings.master]


def sql_command(executable: str, name: str, sql: str) -> List[str]:
    """A text that ends like the name of a file is one."""
    option = "-f" if sql.strip().endswith(_SQL_FILE) else "-e"
    return [executable, "--name", name, option, sql.strip() if option == "-f" else sql]


def driver_pod(line: str) -> Optional[str]:
    found = _DRIVER_POD.search(line)
    return found.group(1) if found else None


def driver_exit_code(line: str) -> Optional[int]:
    found = _EXIT_CODE.search(line)
    return int(found.group(1)) if found else None
