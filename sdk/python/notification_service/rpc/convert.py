"""Events between their class and their message."""

from ai_flow.common.exception.exceptions import ArgumentTypeError, ArgumentValueError
from notification_service.model.event import Event
from notification_service.rpc.protobuf import notification_service_pb2 as pb


def event_to_proto(event: Event) -> pb.EventProto:
    try:
        return pb.EventProto(
            key=event.key,
            value=event.value,
            context=event.context,
            namespace=event.namespace,
            sender=event.sender,
        )
    except TypeError as error:
        raise ArgumentTypeError(f"an event has texts only: {error}") from None
    except ValueError as error:
        raise ArgumentValueError(f"event {event.key!r} is no valid Unicode: {error}") from None


def event_from_proto(proto: pb.EventProto) -> Event:
    event = Event(proto.key, proto.value)
    event.namespace = proto.namespace
    event.sender = proto.sender
    event.context = proto.context
    event.create_time = proto.create_time
    event.offset = proto.offset
    return event
