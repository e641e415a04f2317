#!/usr/bin/env python3
"""Uses OpenAI's own client with Cordon: only the base URL changes. Prints where the request went and the answer as it
comes.

    pip install openai
    python clients/python/openai_example.py "My card 5412 7534 9871 2061 was charged twice."

With callers in the configuration, give their token as the key (OPENAI_API_KEY); without, any key will do.
"""

from __future__ import annotations

import argparse
import os
import sys

import openai


def main() -> int:
    parser = argparse.ArgumentParser(description="Sends a request through Cordon with OpenAI's client.")
    parser.add_argument("--server", default="http://127.0.0.1:50051", help="where Cordon listens")
    parser.add_argument("text", help="the request")
    arguments = parser.parse_args()
    client = openai.OpenAI(base_url=f"{arguments.server}/v1", api_key=os.environ.get("OPENAI_API_KEY", "unused"))
    try:
        # `cordon` stands for whatever model the policy chooses.
        stream = client.chat.completions.create(
            model="cordon", messages=[{"role": "user", "content": arguments.text}], stream=True
        )
        told = stream.response.headers
        print(f"{told['x-cordon-level']}, so {told['x-cordon-route']}: answered by {told['x-cordon-model']}\n")
        for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                print(chunk.choices[0].delta.content, end="", flush=True)
        print()
    except openai.APIError as error:
        print(f"Cordon could not answer: {error.message}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
