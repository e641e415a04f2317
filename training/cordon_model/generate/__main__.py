"""Prints texts with their marks inline, to look at; with `--json` one document a line, with `--counts` numbers only."""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter

from . import texts
from .marks import Marked, inline


def main() -> None:
    parser = argparse.ArgumentParser(prog="cordon_model.generate", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--split", choices=("train", "validation"), default="train")
    parser.add_argument("--lang", help="only texts of this language")
    parser.add_argument("--json", action="store_true", help="one JSON document a line")
    parser.add_argument("--counts", action="store_true", help="only the counts by language, label and sort")
    args = parser.parse_args()
    labels, languages, sorts = Counter(), Counter(), Counter()
    empty, began = 0, time.perf_counter()
    for document in texts(args.seed, args.count, args.split):
        if args.lang and document["lang"] != args.lang:
            continue
        spans = [[s["start"], s["end"], s["label"]] for s in document["spans"]]
        if args.counts:
            labels.update(label for _, _, label in spans)
            languages[document["lang"]] += 1
            sorts["/".join(document["template"].split("+")[0].split("/")[:2])] += 1
            empty += not spans
        elif args.json:
            print(json.dumps(document, ensure_ascii=False))
        else:
            print(
                f"--- {document['id']} {document['lang']} {document['template']}\n{inline(Marked(document['text'], spans))}\n"
            )
    if args.counts:
        for title, counter in (("languages", languages), ("labels", labels), ("sorts", sorts)):
            print(title, dict(counter.most_common()))
        print(f"texts without spans {empty}, {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
