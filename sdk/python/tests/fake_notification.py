"""A notification service in this process, with the semantics that clients rely on."""

import threading
import time
from concurrent import futures

import grpc

from notification_service.rpc.protobuf import notification_service_pb2 as pb
from notification_service.rpc.protobuf import notification_service_pb2_grpc as pb_grpc


class FakeNotificationService(pb_grpc.NotificationServiceServicer):
    """Survives its servers: `start` and `stop` are a restart on the same port, the log stays."""

    def __init__(self):
        self.events = []
        self.by_uuid = {}
        self.clients = set()
        self.next_client = 1
        self.written = threading.Condition()
        self.lose_replies = 0  # so many sends are stored but not answered
        self.lost_reply_code = grpc.StatusCode.UNAVAILABLE
        self.members = []
        self.hang = threading.Event()  # while it is set, nothing is answered
        self.busy = 0  # so many sends are refused, with a pause to ask for
        self.pushback_ms = 0
        self.calls = []
        self.port = 0
        self._server = None

    @property
    def uri(self):
        return f"localhost:{self.port}"

    def start(self):
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=32))
        pb_grpc.add_NotificationServiceServicer_to_server(self, self._server)
        deadline = time.monotonic() + 10
        while True:
            try:
                port = self._server.add_insecure_port(f"localhost:{self.port}")
            except RuntimeError:
                port = 0
            if port:
                break
            assert time.monotonic() < deadline, "the port does not become free"
        self.port = port
        self._server.start()
        return self

    def stop(self):
        server, self._server = self._server, None
        if server is not None:
            with self.written:
                self.written.notify_all()
            server.stop(grace=None).wait()

    def keys(self):
        with self.written:
            return [event.key for event in self.events]

    def wait_for(self, predicate, timeout=30):
        with self.written:
            assert self.written.wait_for(lambda: predicate(self.events), timeout)

    # The service.

    def _hang(self, context):
        while self.hang.is_set() and context.is_active():
            time.sleep(0.02)

    def sendEvent(self, request, context):
        self._hang(context)
        with self.written:
            self.calls.append("sendEvent")
            if self.busy:
                self.busy -= 1
                context.set_trailing_metadata((("grpc-retry-pushback-ms", str(self.pushback_ms)),))
                context.abort(grpc.StatusCode.UNAVAILABLE, "busy")
            stored = self.by_uuid.get(request.uuid)
            if stored is not None:
                same = ("key", "value", "context", "namespace", "sender")
                if any(getattr(stored, name) != getattr(request.event, name) for name in same):
                    return pb.SendEventsResponse(
                        return_code=pb.ERROR, return_msg=f"{request.uuid} is another event"
                    )
            else:
                stored = pb.EventProto()
                stored.CopyFrom(request.event)
                stored.offset = len(self.events) + 1
                stored.create_time = int(time.time() * 1000)
                self.events.append(stored)
                self.by_uuid[request.uuid] = stored
                self.written.notify_all()
            if self.lose_replies:
                self.lose_replies -= 1
                context.abort(self.lost_reply_code, "the reply was lost")
        return pb.SendEventsResponse(event=stored)

    def listAllEvents(self, request, context):
        def found():
            return [
                event
                for event in self.events
                if event.offset > request.start_offset
                and (not request.end_offset or event.offset <= request.end_offset)
                and (request.start_offset or event.create_time >= request.start_time)
            ]

        self._hang(context)
        with self.written:
            self.calls.append("listAllEvents")
            server = self._server
            self.written.wait_for(
                lambda: found() or self._server is not server or not context.is_active(),
                request.timeout_seconds,
            )
            return pb.ListEventsResponse(events=found())

    def _matching(self, request):
        filters = [(name, getattr(request, name)) for name in ("key", "namespace", "sender")]
        return [
            event
            for event in self.events
            if all(wanted in ("", "*", getattr(event, name)) for name, wanted in filters)
            and event.offset > request.start_offset
            and (not request.end_offset or event.offset <= request.end_offset)
        ]

    def listEvents(self, request, context):
        with self.written:
            return pb.ListEventsResponse(events=self._matching(request))

    def countEvents(self, request, context):
        with self.written:
            events = self._matching(request)
        counts = {}
        for event in events:
            counts[event.sender] = counts.get(event.sender, 0) + 1
        return pb.CountEventsResponse(
            event_count=len(events),
            sender_event_counts=[
                pb.SenderEventCountProto(sender=sender, event_count=count)
                for sender, count in counts.items()
            ],
        )

    def timestampToEventOffset(self, request, context):
        with self.written:
            offsets = [e.offset for e in self.events if e.create_time <= request.timestamp]
        return pb.TimeToOffsetResponse(offset=max(offsets, default=0))

    def registerClient(self, request, context):
        with self.written:
            client_id = self.next_client
            self.next_client += 1
            self.clients.add(client_id)
        return pb.RegisterClientResponse(client_id=client_id)

    def isClientExists(self, request, context):
        return pb.isClientExistsResponse(is_exists=request.client_id in self.clients)

    def deleteClient(self, request, context):
        self._hang(context)
        if request.client_id not in self.clients:
            return pb.CommonResponse(return_code=pb.ERROR, return_msg="no such client")
        self.clients.discard(request.client_id)
        return pb.CommonResponse()

    def listMembers(self, request, context):
        time.sleep(request.timeout_seconds / 20)
        return pb.ListMembersResponse(
            members=[pb.MemberProto(server_uri=uri) for uri in self.members]
        )
