"""Clients of the frozen services that know nothing but names, numbers and types: what a program has
that was generated long ago, elsewhere. Written by hand from the contract, never from proto/."""

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

NOTIFICATION = """
enum ReturnStatus SUCCESS=0 ERROR=1
EventProto key=1 value=2 context=3 namespace=4 offset=5:int64 create_time=6:int64 sender=7
SenderEventCountProto sender=1 event_count=2:int64
SendEventRequest event=1:EventProto uuid=2 enable_idempotence=3:bool
SendEventsResponse event=1:EventProto return_code=2:ReturnStatus return_msg=3
ClientMeta namespace=1 sender=2
ListEventsRequest key=1 namespace=2 sender=3 start_offset=4:int64 end_offset=5:int64 timeout_seconds=6:int32
CountEventsRequest key=1 namespace=2 sender=3 start_offset=4:int64 end_offset=5:int64
ListAllEventsRequest timeout_seconds=1:int32 start_time=2:int64 start_offset=3:int64 end_offset=4:int64
ListEventsResponse return_code=1:ReturnStatus return_msg=2 events=3:*EventProto
CountEventsResponse return_code=1:ReturnStatus return_msg=2 event_count=3:int64 sender_event_counts=4:*SenderEventCountProto
MemberProto version=1:int64 server_uri=2 update_time=3:int64
Notify key=1 namespace=2
NotifyRequest notifies=1:*Notify
ListMembersRequest timeout_seconds=1:int32
ListMembersResponse return_code=1:ReturnStatus return_msg=2 members=3:*MemberProto
NotifyNewMemberRequest member=1:MemberProto
RegisterClientRequest client_meta=1:ClientMeta
RegisterClientResponse return_code=1:ReturnStatus return_msg=2 client_id=3:int64
ClientIdRequest client_id=1:int64
CommonResponse return_code=1:ReturnStatus return_msg=2
isClientExistsResponse return_code=1:ReturnStatus return_msg=2 is_exists=3:bool
TimeToOffsetRequest timestamp=1:int64
TimeToOffsetResponse return_code=1:ReturnStatus offset=2:int64
"""
NOTIFICATION_CALLS = """
sendEvent SendEventRequest SendEventsResponse
listEvents ListEventsRequest ListEventsResponse
countEvents CountEventsRequest CountEventsResponse
listAllEvents ListAllEventsRequest ListEventsResponse
notify NotifyRequest CommonResponse
listMembers ListMembersRequest ListMembersResponse
notifyNewMember NotifyNewMemberRequest CommonResponse
registerClient RegisterClientRequest RegisterClientResponse
deleteClient ClientIdRequest CommonResponse
isClientExists ClientIdRequest isClientExistsResponse
timestampToEventOffset TimeToOffsetRequest TimeToOffsetResponse
"""

# I64 and STR are the wrappers; map is map<string, string>.
AI_FLOW = """
NamespaceProto name=1 properties=2:map
WorkflowProto uuid=1:int64 name=2 namespace=3 content=4 pickled_workflow=5:bytes create_time=6:I64 update_time=7:I64 is_enabled=8:bool event_offset=9:I64
WorkflowExecutionProto uuid=1:int64 workflow_id=2:int64 begin_date=3:I64 end_date=4:I64 status=5:STR run_type=6:STR snapshot_id=7:int64 event_offset=8:I64
TaskExecutionProto uuid=1:int64 workflow_execution_id=2:int64 task_name=3 sequence_number=4:int64 try_number=5:int64 begin_date=6:I64 end_date=7:I64 status=8:STR
WorkflowSnapshotProto uuid=1:int64 workflow_id=2:int64 create_time=3:I64 workflow_object=4:bytes uri=5:STR signature=6:STR
WorkflowScheduleProto uuid=1:int64 workflow_id=2:int64 expression=3:STR is_paused=4:bool create_time=5:I64
WorkflowTriggerProto uuid=1:int64 workflow_id=2:int64 rule=3:bytes is_paused=4:bool create_time=5:I64
IdRequest id=1:int64
NameRequest name=1
WorkflowIdentifier namespace=1 workflow_name=2
TaskExecutionIdentifier workflow_execution_id=1:int64 task_name=2
ListRequest page_size=1:int64 offset=2:int64
Response return_code=1 error_msg=2 data=3
UpdateWorkflowRequest identifier=1:WorkflowIdentifier content=2 pickled_workflow=3:bytes is_enabled=4:bool
ListWorkflowsRequest namespace=1 page_size=2:int64 offset=3:int64
ListWorkflowItemsRequest namespace=1 workflow_name=2 page_size=3:int64 offset=4:int64
ListTaskExecutionsRequest workflow_execution_id=1:int64 page_size=2:int64 offset=3:int64
NamespaceListProto namespaces=1:*NamespaceProto
WorkflowListProto workflows=1:*WorkflowProto
WorkflowSnapshotListProto workflow_snapshots=1:*WorkflowSnapshotProto
WorkflowExecutionListProto workflow_executions=1:*WorkflowExecutionProto
TaskExecutionListProto task_executions=1:*TaskExecutionProto
WorkflowScheduleListProto workflow_schedules=1:*WorkflowScheduleProto
WorkflowTriggerListProto workflow_triggers=1:*WorkflowTriggerProto
HeartbeatRequest workflow_execution_id=1:int64 task_name=2 sequence_number=3:int64
"""
# All of them answer a Response.
SCHEDULER_CALLS = """
addNamespace NamespaceProto
getNamespace NameRequest
updateNamespace NamespaceProto
listNamespaces ListRequest
deleteNamespace NameRequest
addWorkflow WorkflowProto
updateWorkflow UpdateWorkflowRequest
getWorkflow WorkflowIdentifier
deleteWorkflow WorkflowIdentifier
disableWorkflow WorkflowIdentifier
enableWorkflow WorkflowIdentifier
listWorkflows ListWorkflowsRequest
addWorkflowSnapshot WorkflowSnapshotProto
getWorkflowSnapshot IdRequest
listWorkflowSnapshots ListWorkflowItemsRequest
deleteWorkflowSnapshot IdRequest
deleteWorkflowSnapshots WorkflowIdentifier
startWorkflowExecution WorkflowIdentifier
stopWorkflowExecution IdRequest
stopWorkflowExecutions WorkflowIdentifier
deleteWorkflowExecution IdRequest
getWorkflowExecution IdRequest
listWorkflowExecutions ListWorkflowItemsRequest
startTaskExecution TaskExecutionIdentifier
stopTaskExecution TaskExecutionIdentifier
getTaskExecution IdRequest
listTaskExecutions ListTaskExecutionsRequest
addWorkflowSchedule WorkflowScheduleProto
getWorkflowSchedule IdRequest
listWorkflowSchedules ListWorkflowItemsRequest
deleteWorkflowSchedule IdRequest
deleteWorkflowSchedules WorkflowIdentifier
pauseWorkflowSchedule IdRequest
resumeWorkflowSchedule IdRequest
addWorkflowTrigger WorkflowTriggerProto
getWorkflowTrigger IdRequest
listWorkflowTriggers ListWorkflowItemsRequest
deleteWorkflowTrigger IdRequest
deleteWorkflowTriggers WorkflowIdentifier
pauseWorkflowTrigger IdRequest
resumeWorkflowTrigger IdRequest
"""

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "string": _Field.TYPE_STRING, "bytes": _Field.TYPE_BYTES, "bool": _Field.TYPE_BOOL,
    "int32": _Field.TYPE_INT32, "int64": _Field.TYPE_INT64,
}
_WRAPPERS = {"I64": "google.protobuf.Int64Value", "STR": "google.protobuf.StringValue"}


def _add_field(message, package, enums, name, number, kind):
    field = message.field.add(name=name, number=int(number), label=_Field.LABEL_OPTIONAL)
    if kind.startswith("*"):
        field.label, kind = _Field.LABEL_REPEATED, kind[1:]
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    elif kind in enums:
        field.type, field.type_name = _Field.TYPE_ENUM, f".{package}.{kind}"
    elif kind == "map":
        entry = message.nested_type.add(name=name.capitalize() + "Entry")
        entry.options.map_entry = True
        _add_field(entry, package, enums, "key", 1, "string")
        _add_field(entry, package, enums, "value", 2, "string")
        field.type, field.label = _Field.TYPE_MESSAGE, _Field.LABEL_REPEATED
        field.type_name = f".{package}.{message.name}.{entry.name}"
    else:
        field.type = _Field.TYPE_MESSAGE
        field.type_name = "." + _WRAPPERS.get(kind, f"{package}.{kind}")


def _messages(package, text):
    """name -> class, in a pool that has nothing of the repository's."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{package}_by_hand.proto", package=package, syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"])
    enums = []
    for line in text.strip().splitlines():
        name, *fields = line.split()
        if name == "enum":
            name, *values = fields
            enum = file.enum_type.add(name=name)
            enums.append(name)
            for value in values:
                label, number = value.split("=")
                enum.value.add(name=label, number=int(number))
            continue
        message = file.message_type.add(name=name)
        for field in fields:
            label, _, rest = field.partition("=")
            number, _, kind = rest.partition(":")
            _add_field(message, package, enums, label, number, kind or "string")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    found = {m.name: pool.FindMessageTypeByName(f"{package}.{m.name}") for m in file.message_type}
    return {name: message_factory.GetMessageClass(found[name]) for name in found}


notification = _messages("notification_service", NOTIFICATION)
ai_flow = _messages("ai_flow", AI_FLOW)


class Client:
    """`client.method(field=value, ...)` is one call with a deadline; `client.called` are the names
    of the methods that were called."""

    def __init__(self, address, service, messages, calls):
        # None of the SDK's options: the defaults of grpcio, its limit of 4 MiB included.
        self.channel = grpc.insecure_channel(address)
        self.service = service
        self.messages = messages
        self.calls = {}
        for line in calls.strip().splitlines():
            name, request, *response = line.split()
            self.calls[name] = messages[request], messages[(response or ["Response"])[0]]
        self.called = set()

    def __getattr__(self, method):
        request_class, response_class = self.calls[method]
        call = self.channel.unary_unary(
            f"/{self.service}/{method}", request_serializer=request_class.SerializeToString,
            response_deserializer=response_class.FromString)

        def make(timeout=60, **fields):
            self.called.add(method)
            return call(request_class(**fields), timeout=timeout)

        return make

    def close(self):
        self.channel.close()


def notification_client(address):
    return Client(address, "notification_service.NotificationService", notification,
                  NOTIFICATION_CALLS)


def scheduler_client(address):
    return Client(address, "ai_flow.SchedulerService", ai_flow, SCHEDULER_CALLS)


def heartbeat_client(address):
    return Client(address, "ai_flow.HeartbeatService", ai_flow, "send_heartbeat HeartbeatRequest")
