"""Classifies the same text again and again at one replica, until its standard input ends, and prints the id of every
decision that was answered. A program of its own, because a process that talks gRPC on many threads must not fork.

    fleet_load.py STUBS READY_FILE TEXT
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import grpc

# A replica that is killed answers nothing; nobody waits for it.
ANSWER_SECONDS = 5.0


def main() -> None:
    stubs, ready_file, text = sys.argv[1:]
    sys.path.insert(0, stubs)
    from cordon.v1 import classifier_pb2, classifier_pb2_grpc

    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    request = classifier_pb2.ClassifyRequest(text=text)
    while not ended.is_set():
        try:
            # Another port after each start of the replica.
            address = json.loads(Path(ready_file).read_text(encoding="utf-8"))["listen"][0]
            with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
                stub = classifier_pb2_grpc.ClassifierServiceStub(channel)
                while not ended.is_set():
                    print(stub.Classify(request, timeout=ANSWER_SECONDS).decision_id, flush=True)
                    time.sleep(0.005)
        except (OSError, ValueError, grpc.RpcError):
            time.sleep(0.1)


if __name__ == "__main__":
    main()
