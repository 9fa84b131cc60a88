"""The command lines of `flink`, as its documentation has them. Pure."""

import re
from dataclasses import dataclass, field
from typing import List, Optional

from ai_flow.common.exception.exceptions import ArgumentValueError

YARN_APPLICATION = "yarn-application"
KUBERNETES_APPLICATION = "kubernetes-application"
KUBERNETES_SESSION = "kubernetes-session"
LOCAL = "local"
APPLICATION_TARGETS = (YARN_APPLICATION, KUBERNETES_APPLICATION)
TARGETS = (LOCAL, "remote", "yarn-per-job", "yarn-session", KUBERNETES_SESSION)

# With this setting Flink takes the id of the job from us, so that whoever submits it twice is
# refused (DuplicateJobSubmissionException), and whoever died in between finds it.
JOB_ID_SETTING = "$internal.pipeline.job-id"

_JOB_ID = re.compile(r"Job has been submitted with JobID ([0-9a-f]{32})")
_LISTED_JOB = re.compile(r"^\S+ \S+ : ([0-9a-f]{32}) : .*\(([A-Z]+)\)\s*$")
_SAVEPOINT = re.compile(r"Savepoint completed\. Path: (\S+)")
# First of the major version from which `run` does what `run-application` did.
_ONE_RUN_COMMAND = 2


@dataclass(frozen=True)
class FlinkSettings:
    """What the user asked for, options and arguments already split."""

    application: str
    target: Optional[str] = None
    application_args: List[str] = field(default_factory=list)
    application_mode: bool = False
    kubernetes_cluster_id: Optional[str] = None
    command_options: List[str] = field(default_factory=list)

    @property
    def detached(self) -> bool:
        """The client ends once the job is submitted."""
        return any(option in ("-d", "--detached") for option in self.command_options)


def check(task: str, settings: FlinkSettings) -> None:
    """ArgumentValueError for a combination that no Flink would take."""

    def refuse(what: str) -> None:
        raise ArgumentValueError(f"task {task!r}: {what}")

    target, cluster_id = settings.target, settings.kubernetes_cluster_id
    if settings.application_mode:
        if target not in APPLICATION_TARGETS:
            refuse(
                f"application_mode needs a target of {_one_of(APPLICATION_TARGETS)}, not {target!r}"
            )
    elif target is not None and target not in TARGETS:
        hint = "; set application_mode=True" if target in APPLICATION_TARGETS else ""
        refuse(f"target must be one of {_one_of(TARGETS)} or None, not {target!r}{hint}")
    on_kubernetes = target in (KUBERNETES_APPLICATION, KUBERNETES_SESSION)
    if on_kubernetes and cluster_id is None:
        refuse(f"target {target!r} needs `kubernetes_cluster_id`")


def _one_of(choices: "tuple[str, ...]") -> str:
    return ", ".join(repr(choice) for choice in choices)


def run_command(
    executable: str,
    settings: FlinkSettings,
    major_version: int,
    job_id: Optional[str] = None,
    savepoint: Optional[str] = None,
) -> List[str]:
    """Submits the job. What the user gives comes last, and so wins."""
    two_commands = settings.application_mode and major_version < _ONE_RUN_COMMAND
    command = [executable, "run-application" if two_commands else "run"]
    if settings.target is not None:
        command += ["--target", settings.target]
    if settings.target == KUBERNETES_APPLICATION:
        command.append("-Dexecution.shutdown-on-application-finish=false")
    command += _kubernetes_cluster(settings)
    if job_id is not None:
        command.append(f"-D{JOB_ID_SETTING}={job_id}")
    if savepoint is not None:
        command += ["--fromSavepoint", savepoint]
    return [*command, *settings.command_options, settings.application, *settings.application_args]


def list_command(executable: str, settings: FlinkSettings, yarn_id: Optional[str]) -> List[str]:
    return [executable, "list", "-a", *_cluster(settings, yarn_id)]


def cancel_command(
    executable: str, settings: FlinkSettings, yarn_id: Optional[str], job_id: str
) -> List[str]:
    return [executable, "cancel", *_cluster(settings, yarn_id), job_id]


def stop_command(
    executable: str, settings: FlinkSettings, yarn_id: Optional[str], job_id: str
) -> List[str]:
    return [executable, "stop", *_cluster(settings, yarn_id), job_id]


def delete_deployment_command(kubectl: str, settings: FlinkSettings) -> List[str]:
    namespace = properties(settings.command_options).get("kubernetes.namespace")
    command = [kubectl, "delete", f"deployments/{settings.kubernetes_cluster_id}"]
    command.append("--ignore-not-found")
    return command + (["--namespace", namespace] if namespace else [])


def _kubernetes_cluster(settings: FlinkSettings) -> List[str]:
    if settings.target not in (KUBERNETES_APPLICATION, KUBERNETES_SESSION):
        return []
    return [f"-Dkubernetes.cluster-id={settings.kubernetes_cluster_id}"]


def _cluster(settings: FlinkSettings, yarn_id: Optional[str]) -> List[str]:
    """Which cluster: the target, and what of the user's options says so."""
    options = ["--target", settings.target] if settings.target is not None else []
    options += _kubernetes_cluster(settings)
    if yarn_id is not None:
        options.append(f"-Dyarn.application.id={yarn_id}")
    return options + cluster_options(settings.command_options)


def cluster_options(options: List[str]) -> List[str]:
    """Those that choose a cluster, in `flink run` as in `flink list`."""
    with_value = "-m --jobmanager -z --zookeeperNamespace -t --target -e --executor -yid".split()
    with_value.append("--yarnapplicationId")
    found = []
    rest = iter(options)
    for option in rest:
        if option in with_value or option == "-D":
            value = next(rest, None)
            if value is not None and not value.startswith(f"{JOB_ID_SETTING}="):
                found += [option, value]
        elif option.startswith("-D") and not option.startswith(f"-D{JOB_ID_SETTING}="):
            found.append(option)
        elif option.startswith(tuple(f"{name}=" for name in with_value if name[1] == "-")):
            found.append(option)
    return found


def properties(options: List[str]) -> "dict[str, str]":
    """What the options `-Dname=value` set."""
    found = {}
    previous = ""
    for option in options:
        text = option if previous == "-D" else option[2:] if option.startswith("-D") else ""
        name, equals, value = text.partition("=")
        if equals:
            found[name] = value
        previous = option
    return found


def jobmanager_option(options: List[str]) -> Optional[str]:
    """The address that -m or --jobmanager gives."""
    for at, option in enumerate(options):
        if option in ("-m", "--jobmanager") and at + 1 < len(options):
            return options[at + 1]
        if option.startswith("--jobmanager="):
            return option.split("=", 1)[1]
    return None


def submitted_job(line: str) -> Optional[str]:
    found = _JOB_ID.search(line)
    return found.group(1) if found else None


def is_duplicate(line: str) -> bool:
    """The cluster has, or had, a job with this id."""
    return "DuplicateJobSubmissionException" in line


def listed_jobs(output: str) -> "dict[str, str]":
    """Job id -> state, of `flink list -a`."""
    found = (_LISTED_JOB.match(line) for line in output.splitlines())
    return {match.group(1): match.group(2) for match in found if match}


def savepoint_path(output: str) -> Optional[str]:
    found = _SAVEPOINT.search(output)
    return found.group(1) if found else None
