"""How well and how fast the first stage of neural_tools finds, beside the frozen list of the data.

Run: python benchmarks/first_stage.py
"""

import json
import math
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from neural_tools.corpus import read_jsonl
from neural_tools.index import CodeIndex

DATA = Path(__file__).parents[1] / "tests" / "data" / "code_search" / "pydoc_dev"
DEPTH = 50

Runs = Mapping[str, Sequence[str]]
Relevances = Mapping[str, Mapping[str, int]]


def read_queries() -> dict[str, str]:
    lines = (DATA / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return {row["qid"]: row["query"] for row in rows}


def read_relevances() -> dict[str, dict[str, int]]:
    relevances: dict[str, dict[str, int]] = {}
    for line in (DATA / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        qid, document, relevance = line.split("\t")
        relevances.setdefault(qid, {})[document] = int(relevance)
    return relevances


def gain(ranked: Sequence[int]) -> float:
    return sum((2.0**rel - 1) / math.log2(rank + 1) for rank, rel in enumerate(ranked, start=1))


def measures(runs: Runs, relevances: Relevances) -> dict[str, float]:
    ndcg, reciprocal, recall = [], [], []
    for qid, wanted in relevances.items():
        found = runs.get(qid, ())
        ranked = [wanted.get(document, 0) for document in found]
        best = gain(sorted(wanted.values(), reverse=True)[:10])
        ndcg.append(gain(ranked[:10]) / best)
        first = next((rank for rank, rel in enumerate(ranked[:10], start=1) if rel), None)
        reciprocal.append(1 / first if first else 0.0)
        recall.append(len(set(found[:20]) & set(wanted)) / len(wanted))
    return {
        "nDCG@10": statistics.fmean(ndcg),
        "MRR@10": statistics.fmean(reciprocal),
        "recall@20": statistics.fmean(recall),
    }


def main() -> None:
    chunks = read_jsonl(DATA / "corpus.jsonl").chunks
    queries, relevances = read_queries(), read_relevances()
    began_s = time.perf_counter()
    index = CodeIndex.build(chunks)
    built_s = time.perf_counter() - began_s
    durations_s: list[float] = []
    runs: dict[str, list[str]] = {}
    for qid, query in queries.items():
        began_s = time.perf_counter()
        runs[qid] = [candidate.chunk.id for candidate in index.search(query, DEPTH)]
        durations_s.append(time.perf_counter() - began_s)
    frozen: Runs = json.loads((DATA / "bm25_top50.json").read_text(encoding="utf-8"))
    print(f"{len(chunks):,} functions indexed in {built_s:.2f} s")
    print(f"{len(queries)} queries, median {statistics.median(durations_s) * 1000:.2f} ms")
    for name, run in (("first stage", runs), ("frozen bm25_top50", frozen)):
        numbers = "  ".join(
            f"{key} {value:.4f}" for key, value in measures(run, relevances).items()
        )
        print(f"{name:<18} {numbers}")


if __name__ == "__main__":
    main()
