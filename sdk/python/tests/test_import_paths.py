"""The contract: import paths and signatures that users' code relies on."""

import importlib
import inspect
import pathlib
import subprocess
import sys

import pytest

import ai_flow
import notification_service

CALLABLES = """
ai_flow.model.workflow Workflow name namespace='default' **kwargs
ai_flow.model.operator Operator name **kwargs
ai_flow.model.operator AIFlowOperator task_name **kwargs
ai_flow.operators.bash BashOperator name bash_command **kwargs
ai_flow.operators.empty EmptyOperator name **kwargs
ai_flow.operators.python PythonOperator name python_callable op_args=None op_kwargs=None **kwargs
ai_flow.operators.flink.flink_operator FlinkOperator name application target=None application_args=None executable_path=None application_mode=False stop_with_savepoint=False kubernetes_cluster_id=None command_options=None jobs_info_poll_interval=1 fixed_job_id=True resume_from_savepoint=False **kwargs
ai_flow.operators.spark.spark_submit SparkSubmitOperator name application application_args=None executable_path=None master='yarn' deploy_mode='client' application_name=None submit_options=None k8s_namespace=None env_vars=None **kwargs
ai_flow.operators.spark.spark_sql SparkSqlOperator name sql master='yarn' application_name=None executable_path=None **kwargs
ai_flow.model.condition Condition expect_event_keys
ai_flow.model.rule TaskRule condition action
ai_flow.model.rule WorkflowRule condition params=None
ai_flow.model.state ValueStateDescriptor name
ai_flow.model.param Param type=<class_'str'> default=REQUIRED description='' name=None
ai_flow.model.param EventField field='value' pointer=None
ai_flow.model.hook Hook command=None url=None
ai_flow.model.filters equals value
ai_flow.model.filters one_of *values
ai_flow.model.filters between low=None high=None
ai_flow.model.internal.conditions SingleEventCondition expect_event_key value=None one_of=None between=None context=None sender=None scope=None
ai_flow.model.internal.conditions MeetAllCondition name conditions
ai_flow.model.internal.conditions MeetAnyCondition conditions
ai_flow.model.internal.conditions TaskStatusCondition workflow_name task_name namespace expect_status
ai_flow.model.internal.conditions TaskStatusAllMetCondition condition_list
ai_flow.model.internal.conditions match_events event_keys event
ai_flow.model.internal.contexts WorkflowContext namespace workflow
ai_flow.model.internal.contexts WorkflowExecutionContext workflow workflow_execution
ai_flow.model.internal.contexts TaskExecutionContext workflow task_execution_key trigger_event=None params=None due_time=None try_number=1
ai_flow.model.internal.contexts set_runtime_task_context context
ai_flow.model.internal.contexts get_runtime_task_context
ai_flow.model.task_execution TaskExecutionKey workflow_execution_id task_name seq_num
ai_flow.model.internal.events StartWorkflowExecutionEvent workflow_id snapshot_id
ai_flow.model.internal.events StopWorkflowExecutionEvent workflow_execution_id
ai_flow.model.internal.events StartTaskExecutionEvent workflow_execution_id task_name
ai_flow.model.internal.events ReStartTaskExecutionEvent workflow_execution_id task_name
ai_flow.model.internal.events StopTaskExecutionEvent workflow_execution_id task_execution_id
ai_flow.model.internal.events PeriodicRunTaskEvent workflow_execution_id task_name
ai_flow.model.internal.events PeriodicRunWorkflowEvent workflow_id schedule_id
ai_flow.model.internal.events TaskStatusEvent workflow_execution_id task_name sequence_number status
ai_flow.model.internal.events TaskHeartbeatTimeoutEvent workflow_execution_id task_name sequence_number
ai_flow.model.internal.events TaskStatusChangedEvent workflow_name workflow_execution_id task_name status namespace
ai_flow.notification.notification_client AIFlowNotificationClient server_uri=None
ai_flow.ops add_namespace name properties
ai_flow.ops update_namespace name properties
ai_flow.ops get_namespace name
ai_flow.ops list_namespace limit=None offset=None
ai_flow.ops delete_namespace name
ai_flow.ops upload_workflows workflow_file_path artifacts=None
ai_flow.ops get_workflow workflow_name namespace='default'
ai_flow.ops list_workflows namespace='default' limit=None offset=None
ai_flow.ops delete_workflow workflow_name namespace='default'
ai_flow.ops disable_workflow workflow_name namespace='default'
ai_flow.ops enable_workflow workflow_name namespace='default'
ai_flow.ops get_workflow_snapshot snapshot_id
ai_flow.ops list_workflow_snapshots workflow_name namespace='default' limit=None offset=None
ai_flow.ops delete_workflow_snapshot snapshot_id
ai_flow.ops delete_workflow_snapshots workflow_name namespace='default'
ai_flow.ops start_workflow_execution workflow_name namespace='default' params=None request_id=None
ai_flow.ops stop_workflow_execution workflow_execution_id
ai_flow.ops stop_workflow_executions workflow_name namespace='default'
ai_flow.ops get_workflow_execution workflow_execution_id
ai_flow.ops list_workflow_executions workflow_name namespace='default' limit=None offset=None
ai_flow.ops delete_workflow_execution workflow_execution_id
ai_flow.ops start_task_execution workflow_execution_id task_name
ai_flow.ops stop_task_execution workflow_execution_id task_name
ai_flow.ops get_task_execution task_execution_id
ai_flow.ops list_task_executions workflow_execution_id limit=None offset=None
ai_flow.ops add_workflow_schedule expression workflow_name namespace='default' timezone=None catchup=None skip_if_active=False params=None
ai_flow.ops backfill_workflow workflow_name begin end namespace='default' schedule_id=None expression=None timezone=None params=None dry_run=False
ai_flow.ops get_workflow_schedule schedule_id
ai_flow.ops list_workflow_schedules workflow_name namespace='default' limit=None offset=None
ai_flow.ops delete_workflow_schedule schedule_id
ai_flow.ops delete_workflow_schedules workflow_name namespace='default'
ai_flow.ops pause_workflow_schedule schedule_id
ai_flow.ops resume_workflow_schedule schedule_id
ai_flow.ops rerun_tasks workflow_execution_id task_names=None
ai_flow.ops mark_task workflow_execution_id task_name status note=''
ai_flow.ops set_pool name slots description='' executor=None
ai_flow.ops delete_pool name
ai_flow.ops list_pools
ai_flow.ops list_failed_events
ai_flow.ops retry_failed_event failed_event_id
ai_flow.ops drop_failed_event failed_event_id
ai_flow.ops add_workflow_trigger rule workflow_name namespace='default'
ai_flow.ops get_workflow_trigger trigger_id
ai_flow.ops list_workflow_triggers workflow_name namespace='default' limit=None offset=None
ai_flow.ops delete_workflow_trigger trigger_id
ai_flow.ops delete_workflow_triggers workflow_name namespace='default'
ai_flow.ops pause_workflow_trigger trigger_id
ai_flow.ops resume_workflow_trigger trigger_id
ai_flow.rpc.client.aiflow_client get_scheduler_client server_uri=None
ai_flow.rpc.client.aiflow_client get_notification_client notification_server_uri=None namespace=None sender=None
ai_flow.rpc.client.scheduler_client SchedulerClient server_uri
ai_flow.rpc.client.heartbeat_client HeartbeatClient server_uri
ai_flow.blob_manager.blob_manager_interface BlobManagerConfig config
ai_flow.blob_manager.impl.local_blob_manager LocalBlobManager config
ai_flow.blob_manager.impl.oss_blob_manager OssBlobManager config
ai_flow.blob_manager.impl.s3_blob_manager S3BlobManager config
ai_flow.blob_manager.impl.hdfs_blob_manager HDFSBlobManager config
ai_flow.common.env get_aiflow_home
ai_flow.common.env expand_env_var env_var
notification_service.model.event Event key value
notification_service.model.sender_event_count SenderEventCount sender event_count
notification_service.model.member Member version server_uri update_time
notification_service.client.notification_client ListenerRegistrationId id
notification_service.client.embedded_notification_client EmbeddedNotificationClient server_uri namespace=None sender=None client_id=None initial_seq_num=None retry_seconds=None
""".strip().splitlines()

METHODS = """
ai_flow.model.workflow Workflow.action_on_condition task_name action condition
ai_flow.model.workflow Workflow.action_on_event_received task_name event_key action value=None one_of=None between=None context=None sender=None scope=None
ai_flow.model.workflow Workflow.action_on_task_status task_name action upstream_task_status_dict
ai_flow.model.operator Operator.action_on_condition action condition
ai_flow.model.operator Operator.action_on_event_received action event_key value=None one_of=None between=None context=None sender=None scope=None
ai_flow.model.operator Operator.action_on_task_status action upstream_task_status_dict
ai_flow.model.operator Operator.start_after tasks
ai_flow.model.operator AIFlowOperator.start context
ai_flow.model.operator AIFlowOperator.stop context
ai_flow.model.operator AIFlowOperator.await_termination context timeout=None
ai_flow.model.operator AIFlowOperator.get_metrics context
ai_flow.model.context Context.get_state state_descriptor
ai_flow.model.context Context.get_task_status task_name
ai_flow.model.internal.contexts TaskExecutionContext.get_task_output task as_json=False
ai_flow.model.internal.contexts TaskExecutionContext.set_output value
ai_flow.model.condition Condition.is_met event context
ai_flow.model.rule TaskRule.trigger event context
ai_flow.model.state ValueState.update state
ai_flow.notification.notification_client AIFlowNotificationClient.send_event key value=None event_id=None scope='execution'
ai_flow.notification.notification_client AIFlowNotificationClient.register_listener listener_processor event_keys=None begin_time=None
ai_flow.notification.notification_client AIFlowNotificationClient.unregister_listener registration_id
ai_flow.rpc.client.heartbeat_client HeartbeatClient.send_heartbeat key
ai_flow.rpc.client.scheduler_client SchedulerClient.get_workflow name namespace
ai_flow.rpc.client.scheduler_client SchedulerClient.list_workflow_executions namespace workflow_name page_size=None offset=None
ai_flow.rpc.client.scheduler_client SchedulerClient.start_workflow_execution workflow_name namespace
ai_flow.rpc.client.scheduler_client SchedulerClient.stop_workflow_executions namespace workflow_name
ai_flow.blob_manager.blob_manager_interface BlobManager.upload local_file_path
ai_flow.blob_manager.blob_manager_interface BlobManager.download remote_file_path local_dir
notification_service.client.embedded_notification_client EmbeddedNotificationClient.send_event event event_id=None sender=None
notification_service.client.embedded_notification_client EmbeddedNotificationClient.register_listener listener_processor event_keys=None offset=None
notification_service.client.embedded_notification_client EmbeddedNotificationClient.unregister_listener registration_id
notification_service.client.embedded_notification_client EmbeddedNotificationClient.list_events key=None namespace=None sender=None begin_offset=None end_offset=None
notification_service.client.embedded_notification_client EmbeddedNotificationClient.list_all_events start_time=None start_offset=None end_offset=None
notification_service.client.embedded_notification_client EmbeddedNotificationClient.count_events key=None namespace=None sender=None begin_offset=None end_offset=None
notification_service.client.embedded_notification_client EmbeddedNotificationClient.time_to_offset time
notification_service.client.embedded_notification_client EmbeddedNotificationClient.filter_events event_keys events
notification_service.client.embedded_notification_client EmbeddedNotificationClient.disable_high_availability
notification_service.client.embedded_notification_client EmbeddedNotificationClient.close
""".strip().splitlines()

NAMES = """
ai_flow.model.workflow WorkflowContextManager.push_context_managed_workflow
ai_flow.model.workflow WorkflowContextManager.pop_context_managed_workflow
ai_flow.model.workflow WorkflowContextManager.get_current_workflow
ai_flow.model.operator OperatorConfigItem.PERIODIC_EXPRESSION
ai_flow.model.action TaskAction.RESTART
ai_flow.model.execution_type ExecutionType.PERIODIC
ai_flow.model.status TASK_FINISHED_SET
ai_flow.model.status TASK_ALIVE_SET
ai_flow.model.status WORKFLOW_FINISHED_SET
ai_flow.model.status WORKFLOW_ALIVE_SET
ai_flow.model.status WorkflowStatus.STOPPED
ai_flow.model.status TaskStatus.RETRYING
ai_flow.model.state State.clear
ai_flow.model.state StateDescriptor
ai_flow.model.state StateType.VALUE
ai_flow.model.state ValueState.value
ai_flow.model.task_execution TaskExecution
ai_flow.model.workflow_execution WorkflowExecution
ai_flow.notification.notification_client Event
ai_flow.notification.notification_client ListenerProcessor.process
ai_flow.notification.notification_client ListenerRegistrationId
ai_flow.metadata NamespaceMeta.get_properties
ai_flow.metadata.namespace NamespaceMeta
ai_flow.metadata.workflow WorkflowMeta
ai_flow.metadata.workflow_snapshot WorkflowSnapshotMeta
ai_flow.metadata.workflow_schedule WorkflowScheduleMeta
ai_flow.metadata.workflow_event_trigger WorkflowEventTriggerMeta
ai_flow.metadata.workflow_execution WorkflowExecutionMeta
ai_flow.metadata.task_execution TaskExecutionMeta
ai_flow.blob_manager.blob_manager_interface BlobManagerFactory.create_blob_manager
ai_flow.blob_manager.blob_manager_interface BlobManagerFactory.get_default_blob_manager
ai_flow.common.exception.exceptions AIFlowException
ai_flow.common.exception.exceptions AIFlowConfigException
ai_flow.common.exception.exceptions AIFlowDBException
ai_flow.common.exception.exceptions AIFlowYAMLException
ai_flow.common.exception.exceptions TaskFailedException
ai_flow.common.exception.exceptions TaskForceStoppedException
ai_flow.common.exception.exceptions AIFlowK8sException
ai_flow.common.exception.exceptions NonRetriableError
ai_flow.common.exception.exceptions CallError
ai_flow.common.exception.exceptions UnavailableError
ai_flow.common.exception.exceptions NotFoundError
ai_flow.common.exception.exceptions AlreadyExistsError
ai_flow.common.exception.exceptions InvalidRequestError
ai_flow.common.exception.exceptions InvalidStateError
ai_flow.common.exception.exceptions NotPermittedError
ai_flow.common.exception.exceptions AIFlowException.code
ai_flow.common.exception.exceptions AIFlowException.address
ai_flow.common.configuration.config_constants SERVER_ADDRESS
ai_flow.common.configuration.config_constants NOTIFICATION_SERVER_URI
ai_flow.settings LOG_FORMAT
ai_flow.common.util.workflow_utils upload_workflow_snapshot
ai_flow.common.util.workflow_utils extract_workflows_from_file
ai_flow.common.util.workflow_utils extract_workflows_from_zip
ai_flow.common.result BaseResult
ai_flow.common.result RetCode
ai_flow.version __version__
notification_service.exceptions NotificationException
notification_service.exceptions RetryTimeout
notification_service.model.event DEFAULT_NAMESPACE
notification_service.model.event ANY_CONDITION
notification_service.client.notification_client NotificationClient
notification_service.client.embedded_notification_client EmbeddedNotificationClient.client_id
notification_service.client.embedded_notification_client EmbeddedNotificationClient.sequence_number
""".strip().splitlines()


def find(module, path):
    found = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found


def parameters(function):
    shown = []
    for parameter in inspect.signature(function).parameters.values():
        text = parameter.name
        if parameter.kind is parameter.VAR_KEYWORD:
            text = "**" + text
        elif parameter.kind is parameter.VAR_POSITIONAL:
            text = "*" + text
        elif parameter.default is not parameter.empty:
            text += f"={parameter.default!r}".replace(" ", "_")
        shown.append(text)
    return shown


@pytest.mark.parametrize("line", CALLABLES)
def test_callable_has_its_signature(line):
    module, name, *expected = line.split()
    assert parameters(find(module, name)) == expected


@pytest.mark.parametrize("line", METHODS)
def test_method_has_its_signature(line):
    module, name, *expected = line.split()
    assert parameters(find(module, name)) == ["self"] + expected


@pytest.mark.parametrize("line", NAMES)
def test_name_is_where_users_import_it_from(line):
    module, name = line.split()
    find(module, name)


def test_scheduler_client_has_a_method_for_each_call():
    from ai_flow.rpc.client.scheduler_client import SchedulerClient
    from ai_flow.rpc.protobuf import scheduler_service_pb2

    calls = scheduler_service_pb2.DESCRIPTOR.services_by_name["SchedulerService"].methods
    names = ["".join("_" + c.lower() if c.isupper() else c for c in m.name) for m in calls]
    assert len(names) == 41
    assert [name for name in names if not hasattr(SchedulerClient, name)] == []


def test_every_exception_of_the_sdk_is_of_one_tree():
    root = find("ai_flow.common.exception.exceptions", "AIFlowException")
    for module in ("ai_flow.common.exception.exceptions", "notification_service.exceptions"):
        for found in vars(importlib.import_module(module)).values():
            if inspect.isclass(found) and issubclass(found, Exception):
                assert issubclass(found, root) and found("text").code, found


def test_both_packages_are_typed():
    for package in (ai_flow, notification_service):
        assert (pathlib.Path(package.__path__[0]) / "py.typed").is_file()


@pytest.mark.parametrize(
    "module",
    ["ai_flow", "ai_flow.ops", "ai_flow.host.run_task", "ai_flow.notification.notification_client"],
)
def test_imports_that_every_workflow_file_makes_are_cheap(module):
    heavy = "{'grpc', 'yaml', 'google.protobuf', 'cloudpickle', 'asyncio'}"
    code = f"import sys, {module}; sys.exit(repr({heavy} & set(sys.modules)))"
    process = subprocess.run(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, check=False
    )
    assert process.stderr.strip() == "set()"
