#!/usr/bin/env python3
"""Calls Cordon from Python: classifies a text, then sends it as a request and prints the answer as it comes.

    pip install grpcio grpcio-tools
    python -m grpc_tools.protoc -I proto --python_out=clients/python --grpc_python_out=clients/python \
        proto/cordon/v1/*.proto
    python clients/python/example.py "My card 5412 7534 9871 2061 was charged twice."

A client treats a level that it does not know as confidential; `level_name` shows how.
"""

from __future__ import annotations

import argparse
import os
import sys

import grpc

# Made by the protoc command above.
from cordon.v1 import classifier_pb2, classifier_pb2_grpc, dispatcher_pb2, dispatcher_pb2_grpc, sensitivity_pb2

KNOWN_LEVELS = {
    sensitivity_pb2.SENSITIVITY_PUBLIC: "PUBLIC",
    sensitivity_pb2.SENSITIVITY_INTERNAL: "INTERNAL",
    sensitivity_pb2.SENSITIVITY_CONFIDENTIAL: "CONFIDENTIAL",
}


def level_name(level: int) -> str:
    return KNOWN_LEVELS.get(level, "CONFIDENTIAL")


def classify(channel: grpc.Channel, text: str, metadata: list[tuple[str, str]]) -> None:
    stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
    # ALWAYS: we want every span, not only the level.
    options = classifier_pb2.ClassifyOptions(ner=classifier_pb2.NER_MODE_ALWAYS)
    request = classifier_pb2.ClassifyRequest(text=text, options=options)
    verdict = stub.Classify(request, timeout=10, metadata=metadata).verdict
    print(
        f"{level_name(verdict.level)}  because of: {', '.join(reason.rule for reason in verdict.reasons) or 'nothing'}"
    )
    for finding in verdict.findings:
        # Ranges in code points fit Python's strings.
        span = finding.codepoint_range
        print(
            f"  {finding.entity_type:24} {finding.score:.2f}  {span.start}–{span.end}: {text[span.start : span.end]!r}"
        )


def dispatch(channel: grpc.Channel, text: str, metadata: list[tuple[str, str]]) -> None:
    stub = dispatcher_pb2_grpc.DispatcherServiceStub(channel)
    message = dispatcher_pb2.Message(role=sensitivity_pb2.ROLE_USER, content=text)
    request = dispatcher_pb2.DispatchRequest(messages=[message])
    for event in stub.DispatchStream(request, timeout=300, metadata=metadata):
        kind = event.WhichOneof("event")
        if kind == "decision":
            route = dispatcher_pb2.Route.Name(event.decision.route).removeprefix("ROUTE_")
            print(f"{route}  by {event.decision.backend}, decision {event.decision_id}\n")
        elif kind == "delta":
            print(event.delta, end="", flush=True)
        elif kind == "outcome":
            print(f"\n\n{event.outcome.output_tokens} tokens in {event.outcome.total_us / 1e6:.1f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description="Classifies a text and sends it through Cordon.")
    parser.add_argument("text")
    parser.add_argument(
        "--server", default="127.0.0.1:50051", help="host:port or unix:/path (default: 127.0.0.1:50051)"
    )
    options = parser.parse_args()
    # A service that is not on this machine wants a token, and TLS: then use grpc.secure_channel.
    token = os.environ.get("CORDON_TOKEN")
    metadata = [("authorization", f"Bearer {token}")] if token else []
    try:
        # On a Unix socket gRPC's C core names the path as the authority, which the server cannot accept.
        with grpc.insecure_channel(options.server, options=[("grpc.default_authority", "localhost")]) as channel:
            classify(channel, options.text, metadata)
            dispatch(channel, options.text, metadata)
    except grpc.RpcError as error:
        print(f"{error.code().name}: {error.details()}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
