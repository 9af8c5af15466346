"""Signatures per second of siggen over a corpus: the time inside generate()."""

import gzip
import json
import sys
import time

from siggen.generator import SignatureGenerator

with gzip.open(sys.argv[1], "rt") as lines:
    crashes = [json.loads(line)["input"] for line in lines]

generator = SignatureGenerator()
done, spent = 0, 0.0
while spent < 3:
    for crash in crashes:
        began = time.perf_counter()
        try:
            generator.generate(crash)
        except Exception:  # its checks are older than the corpus
            pass
        spent += time.perf_counter() - began
        done += 1
print(round(done / spent))
