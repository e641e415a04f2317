#!/usr/bin/env python3
"""Uses Ollama's own client with Cordon: only the host changes. Prints where the request went and the answer as it comes.

    pip install ollama
    python clients/python/ollama_example.py "My card 5412 7534 9871 2061 was charged twice."

With callers in the configuration, give their token in OLLAMA_API_KEY.
"""

from __future__ import annotations

import argparse
import sys

import ollama


def main() -> int:
    parser = argparse.ArgumentParser(description="Sends a request through Cordon with Ollama's client.")
    parser.add_argument("--server", default="http://127.0.0.1:50051", help="where Cordon listens")
    parser.add_argument("text", help="the request")
    arguments = parser.parse_args()

    def tell(response: object) -> None:
        told = response.headers  # type: ignore[attr-defined]
        if "x-cordon-route" in told:
            print(f"{told['x-cordon-level']}, so {told['x-cordon-route']}: answered by {told['x-cordon-model']}\n")

    client = ollama.Client(host=arguments.server, event_hooks={"response": [tell]})
    try:
        # `cordon` stands for whatever model the policy chooses.
        parts = client.chat(model="cordon", messages=[{"role": "user", "content": arguments.text}], stream=True)
        for part in parts:
            print(part.message.content or "", end="", flush=True)
        print()
    except (ollama.ResponseError, ConnectionError) as error:
        print(f"Cordon could not answer: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
