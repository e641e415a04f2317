#!/usr/bin/env python3
"""Runs the pinned llama.cpp server with the pinned small language model on a loopback port.

It is what `make demo`, `make serve` and the end-to-end test use as local inference where no Ollama runs. It speaks
the OpenAI protocol (`/v1/chat/completions`, streaming, `/v1/models`, `/health`), binds to 127.0.0.1 and never to
another address, downloads nothing (run assets/fetch.py first), and ends on SIGTERM, on SIGINT, and when the process
that started it is gone, so that no caller can leave it behind.

    assets/local_model_server.py --ready-file /tmp/ready.json
    {"url": "http://127.0.0.1:40123/v1", "port": 40123, "pid": 4711, "model": "smollm2-135m-instruct"}
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import fetch

MODEL_NAME = "smollm2-135m-instruct"
# The context that the model was trained with; the requests at work share it.
CONTEXT_TOKENS = 8192
PARALLEL_REQUESTS = 4
# A small model can fall into a loop. Where the client states no limit, this one ends the answer.
ANSWER_TOKENS = 1024
# llama.cpp keeps prompts for reuse; its default of 8 GiB is not for a demo.
PROMPT_CACHE_MIB = 256
# SmolLM2's ChatML with a plain default system message. The one inside the model file names the model, and with it the
# answers are worse: "What is the capital of France?" brings no Paris.
CHAT_TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# A message for each level of llama.cpp: 1 errors, 2 warnings, 3 what it does.
LOG_LEVELS = {"error": 1, "warning": 2, "info": 3}
PARENT_CHECK_SECONDS = 0.5


def locate() -> tuple[Path, Path]:
    """The model file and the folder of the server module, checked; a Problem says how to get them."""
    machine = fetch.this_machine()
    store = fetch.Store(fetch.cache_root(), machine)
    assets = [asset for asset in fetch.assets_for(machine) if asset.group == "local-model"]
    for asset in assets:
        fault = store.fault(asset)
        if fault is not None:
            raise fetch.Problem(f"{asset.name} {fault}; run assets/fetch.py local-model")
    paths = fetch.paths(store, assets)
    return Path(paths["local_model"]), Path(paths["local_server"])


def start(port: int, threads: int, answer_tokens: int, log_level: str, slots: bool) -> Any:  # noqa: ANN401 (the module is found at run time)
    """Loads the model and starts the server; it runs in threads of its own from then on."""
    model, module_folder = locate()
    # The cache holds exactly what its manifest names.
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(module_folder))
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {MODEL_NAME}
    params.chat_template = CHAT_TEMPLATE
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = PARALLEL_REQUESTS
    params.kv_unified = True
    params.n_predict = answer_tokens
    params.cache_ram_mib = PROMPT_CACHE_MIB
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.verbosity = LOG_LEVELS[log_level]
    params.offline = True
    params.ui = False
    # Pages in a browser have no business here.
    params.cors_origins = "http://127.0.0.1"
    # It shows other requests' prompts, so it is for tests alone.
    params.endpoint_slots = slots
    return xllamacpp.Server(params)


def write_ready_file(path: Path, url: str) -> None:
    """By rename: a reader sees a whole file or none."""
    ready = {"url": f"{url}/v1", "port": int(url.rsplit(":", 1)[1]), "pid": os.getpid(), "model": MODEL_NAME}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(ready) + "\n", encoding="utf-8")
    temporary.rename(path)


def main() -> int:
    parser = argparse.ArgumentParser(prog="assets/local_model_server.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any free one)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="threads (default: one per core)")
    parser.add_argument("--ready-file", type=Path, help="write URL, port and pid here, as JSON, once it answers")
    parser.add_argument(
        "--answer-tokens",
        type=int,
        default=ANSWER_TOKENS,
        help=f"longest answer where the client states no limit (default: {ANSWER_TOKENS})",
    )
    parser.add_argument("--log-level", choices=LOG_LEVELS, default="warning")
    parser.add_argument("--slots", action="store_true", help="serve /slots, which shows what is at work; for tests")
    options = parser.parse_args()

    # Taken before the model is loaded: a parent that dies meanwhile is noticed.
    parent = os.getppid()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    try:
        server = start(options.port, options.threads, options.answer_tokens, options.log_level, options.slots)
    except fetch.Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except (RuntimeError, ImportError) as error:
        print(f"error: the server did not start: {error}; is port {options.port} taken?", file=sys.stderr)
        return 1
    url = server.listening_address
    if options.ready_file:
        write_ready_file(options.ready_file, url)
    else:
        print(f"{url}/v1", flush=True)
    while not stop.wait(PARENT_CHECK_SECONDS):
        # Orphans get another parent. A daemon, started by process 1, keeps its parent.
        if os.getppid() != parent:
            break
    if options.ready_file:
        options.ready_file.unlink(missing_ok=True)
    sys.stdout.flush()
    # Requests at work would hold up an orderly end for as long as they last.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
