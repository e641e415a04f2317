"""A backend with a script: it speaks the OpenAI chat protocol on loopback, records what it was sent, and answers as told.

It stands for both sides, local and cloud, so that a test can say which of them saw a text.
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "scripted"
VECTORS = "scripted-vectors"
ANSWER = ["Canberra", " is the", " capital", " of Australia."]


class MockBackend:
    """Listens from construction to `close`; use it as a context manager."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.pieces = list(ANSWER)
        # Calls of tools to answer with instead: the name and the pieces of the arguments.
        self.calls: list[tuple[str, list[str]]] = []
        # Says its first piece over and over until the client leaves.
        self.endless = False
        # Ends the connection after the first piece.
        self.breaks_off = False
        self._lock = threading.Lock()
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                self.reply({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with backend._lock:
                    backend.requests.append(request)
                    pieces = list(backend.pieces)
                if self.path.endswith("/embeddings"):
                    # Two numbers for each text: its length, and a half.
                    vectors = [[float(len(text)), 0.5] for text in request["input"]]
                    data = [{"index": place, "embedding": vector} for place, vector in enumerate(vectors)]
                    self.reply({"object": "list", "data": data, "model": VECTORS, "usage": {"prompt_tokens": 5}})
                elif request.get("stream"):
                    self.stream(pieces, request)
                else:
                    message = {"role": "assistant", "content": "".join(pieces)}
                    choice = {"index": 0, "message": message, "finish_reason": "stop"}
                    self.reply({"model": MODEL, "choices": [choice], "usage": usage(pieces)})

            def reply(self, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def stream(self, pieces: list[str], request: dict[str, Any]) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("connection", "close")
                self.end_headers()
                self.close_connection = True
                while backend.endless:
                    try:
                        self.delta({"content": pieces[0]})
                    except OSError:
                        return
                    time.sleep(0.01)
                if backend.breaks_off:
                    self.delta({"content": pieces[0]})
                    return
                for index, (name, arguments) in enumerate(backend.calls):
                    function = {"name": name, "arguments": ""}
                    call = {"index": index, "id": f"given-{index}", "type": "function", "function": function}
                    self.delta({"tool_calls": [call]})
                    for piece in arguments:
                        self.delta({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
                for piece in pieces if not backend.calls else []:
                    self.delta({"content": piece})
                self.delta({}, "tool_calls" if backend.calls else "stop")
                if request.get("stream_options", {}).get("include_usage"):
                    self.event({"choices": [], "usage": usage(pieces)})
                self.wfile.write(b"data: [DONE]\n\n")

            def delta(self, delta: dict[str, Any], finish_reason: str | None = None) -> None:
                self.event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]})

            def event(self, body: dict[str, Any]) -> None:
                self.wfile.write(b"data: " + json.dumps({"model": MODEL, **body}).encode() + b"\n\n")
                self.wfile.flush()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def reset(self) -> None:
        """Forgets what it was sent and goes back to its usual answer."""
        with self._lock:
            self.requests.clear()
            self.pieces = list(ANSWER)
            self.calls = []
            self.endless = self.breaks_off = False

    def seen(self) -> str:
        """Everything that it was sent, as one string."""
        with self._lock:
            return json.dumps(self.requests, ensure_ascii=False)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> MockBackend:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def usage(pieces: list[str]) -> dict[str, int]:
    return {"prompt_tokens": 7, "completion_tokens": len(pieces), "total_tokens": 7 + len(pieces)}
