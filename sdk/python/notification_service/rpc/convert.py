"""Events between their class and their message."""

from notification_service.model.event import Event
from notification_service.rpc.protobuf import notification_service_pb2 as pb


def event_to_proto(event: Event) -> pb.EventProto:
    return pb.EventProto(
        key=event.key,
        value=event.value,
        context=event.context,
        namespace=event.namespace,
        sender=event.sender,
    )


def event_from_proto(proto: pb.EventProto) -> Event:
    event = Event(proto.key, proto.value)
    event.namespace = proto.namespace
    event.sender = proto.sender
    event.context = proto.context
    event.create_time = proto.create_time
    event.offset = proto.offset
    return event
