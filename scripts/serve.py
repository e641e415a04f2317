#!/usr/bin/env python3
"""`make serve`: Cordon in the foreground with local inference, without any setting up.

An Ollama with a model at its usual address is used as it is: the service finds it by itself. Otherwise the pinned local
model is started beside the service. A configuration of your own (--config, or CORDON_CONFIG) is taken instead of both.
Ctrl-C or SIGTERM stops everything that was started here, and only that.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import stack


def serve(program: Path | None, config: Path | None, listen: str | None) -> int:
    with contextlib.ExitStack() as parts:
        program = program or stack.build("release")
        assets = stack.fetch_assets()
        command = [str(program), "serve"]
        if listen is not None:
            command += ["--listen", listen]
        if config is not None:
            command += ["--config", str(config)]
            print(f"using {config}", file=sys.stderr)
        elif stack.ollama_answers():
            print(f"local inference: the Ollama at {stack.OLLAMA_URL}", file=sys.stderr)
        else:
            folder = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="cordon-serve-")))
            model = parts.enter_context(stack.local_model(folder))
            own = folder / "cordon.toml"
            own.write_text(stack.backend("local-model", model["url"], model["model"]), encoding="utf-8")
            command += ["--config", str(own)]
            print(f"local inference: no Ollama answers, so {model['model']} at {model['url']}", file=sys.stderr)
        environment = stack.service_environment(assets)
        for name in ("CORDON_DATA_DIR", "CORDON_POLICY"):
            if name in os.environ:
                environment[name] = os.environ[name]
        process = subprocess.Popen(
            command, env=environment, preexec_fn=stack.end_with_parent if sys.platform == "linux" else None
        )
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The terminal has sent SIGINT to the service as well; it is ending in an orderly way.
            return 0 if process.wait(stack.STOP_SECONDS) in (0, -signal.SIGINT) else 1
        finally:
            stack.stop(process)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/serve.py", description="Runs Cordon with local inference.")
    parser.add_argument("--program", type=Path, help="this `cordon` instead of a release build")
    parser.add_argument("--config", type=Path, default=os.environ.get("CORDON_CONFIG"), help="a configuration of yours")
    parser.add_argument("--listen", help="address or unix:/path (default: the configuration's, else 127.0.0.1:50051)")
    options = parser.parse_args()
    stack.signals_end_the_program()
    try:
        return serve(options.program, options.config, options.listen)
    except stack.StackError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
