#!/usr/bin/env python3
"""Measures Microsoft Presidio on given texts, on one core, as a mark to compare Cordon with.

Presidio is run as its documentation says: the default recognizers and a spaCy pipeline with en_core_web_md. English texts
only, since that is what this pipeline is for. Prints a line of JSON about itself when it is warm, then runs all texts once
for each line that it reads and prints what that took. scripts/bench.py sets up the environment from the lock files beside
this script.

    presidio.py --model DIR --texts FILE.json [--core 0]
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from pathlib import Path

# Before numpy is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"):
    os.environ[variable] = "1"


def resident_mib() -> int:
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


def say(**values: object) -> None:
    print(json.dumps(values), flush=True)


def analyzer(model: Path) -> object:
    import tldextract
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    # Its list of domain suffixes would be fetched from the network at the first e-mail address; it ships one.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
    tldextract.extract = tldextract.tldextract.TLD_EXTRACTOR
    configuration = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": str(model)}]}
    engine = NlpEngineProvider(nlp_configuration=configuration).create_engine()
    return AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures Presidio on one core.")
    parser.add_argument("--model", type=Path, required=True, help="folder of the spaCy pipeline")
    parser.add_argument("--texts", type=Path, required=True, help="JSON: a list of texts")
    parser.add_argument("--core", type=int, help="run on this core only (Linux)")
    options = parser.parse_args()
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    # Presidio logs what it does not know in each text.
    logging.disable(logging.CRITICAL)
    texts = json.loads(options.texts.read_text(encoding="utf-8"))

    from importlib.metadata import version

    engine = analyzer(options.model)
    for text in texts[:20]:
        engine.analyze(text=text, language="en")
    say(tool=f"presidio-analyzer {version('presidio-analyzer')}, spacy {version('spacy')}, en_core_web_md")
    for _ in sys.stdin:
        wall, processor = time.perf_counter(), time.process_time()
        findings = sum(len(engine.analyze(text=text, language="en")) for text in texts)
        say(
            wall=time.perf_counter() - wall,
            processor=time.process_time() - processor,
            findings=findings,
            resident_mib=resident_mib(),
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
