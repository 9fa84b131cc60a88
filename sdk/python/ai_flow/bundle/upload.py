"""Uploads a bundle and the workflows compiled from it, in one atomic step."""

import hashlib
import json
import os
import tempfile
import uuid
from typing import IO, Any, Iterator, List, Optional

from ai_flow.bundle.archive import bundle_name, write_bundle
from ai_flow.bundle.compiler import compile_workflow_file
from ai_flow.bundle.keep import keep_bundle
from ai_flow.rpc.client.channel import limits, open_connection, wait_ready
from ai_flow.rpc.protobuf import orchestrator_pb2 as pb
from ai_flow.rpc.protobuf import orchestrator_pb2_grpc as pb_grpc

CHUNK_BYTES = 1 << 20


def upload(workflow_file: str, artifacts: Optional[List[str]], server_uri: str) -> List[Any]:
    """The server's answer for each workflow. The client's own blob manager gets the bundle first:
    when it fails, nothing is uploaded. A lost answer is asked for again: the request id keeps
    another request from changing anything."""
    compiled = compile_workflow_file(workflow_file)
    with tempfile.TemporaryFile() as bundle:
        write_bundle(bundle, workflow_file, artifacts)
        header = pb.UploadWorkflowsRequest.Header(
            request_id=uuid.uuid4().hex,
            workflows=[
                pb.WorkflowUpload(
                    spec_json=json.dumps(workflow["spec"], ensure_ascii=False),
                    content=workflow["content"],
                )
                for workflow in compiled["workflows"]
            ],
            bundle_name=bundle_name(workflow_file),
            bundle_sha256=_sha256(bundle),
            bundle_size=bundle.seek(0, os.SEEK_END),
        )
        connection = open_connection(server_uri, pb_grpc.OrchestratorStub)
        try:
            wait_ready(connection)
            header.bundle_uri = keep_bundle(bundle, header.bundle_name, header.bundle_sha256)
            response = connection.run(
                "UploadWorkflows",
                lambda server, seconds: server.stub.UploadWorkflows(
                    _requests(header, bundle), timeout=seconds
                ),
                limits(),
            )
        finally:
            connection.close()
    _warn(compiled["warnings"] + [text for done in response.workflows for text in done.warnings])
    return list(response.workflows)


def _requests(header: Any, bundle: IO[bytes]) -> Iterator[Any]:
    yield pb.UploadWorkflowsRequest(header=header)
    bundle.seek(0)
    while True:
        chunk = bundle.read(CHUNK_BYTES)
        if not chunk:
            return
        yield pb.UploadWorkflowsRequest(bundle_chunk=chunk)


def _sha256(bundle: IO[bytes]) -> str:
    digest = hashlib.sha256()
    bundle.seek(0)
    for chunk in iter(lambda: bundle.read(CHUNK_BYTES), b""):
        digest.update(chunk)
    return digest.hexdigest()


def _warn(texts: List[str]) -> None:
    import logging

    for text in texts:
        logging.getLogger("ai_flow").warning(text)
