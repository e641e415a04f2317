"""Reads the details of a gRPC error, as a client has to: `grpc-status-details-bin` holds a google.rpc.Status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
from google.rpc import error_details_pb2, status_pb2


@dataclass(frozen=True)
class Refusal:
    """What an error says."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    domain: str = ""
    fields: list[str] = field(default_factory=list)


def refusal(call: Callable[[], object]) -> Refusal:
    """Makes the call, which has to fail, and reads its error."""
    try:
        call()
    except grpc.RpcError as error:
        return read(error)
    raise AssertionError("the call succeeded; it had to be refused")


def read(error: grpc.RpcError) -> Refusal:
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status_pb2.Status.FromString(details).details:
        detail.Unpack(info)
        detail.Unpack(request)
    fields = [violation.field for violation in request.field_violations]
    return Refusal(error.code(), error.details() or "", info.reason, info.domain, fields)
