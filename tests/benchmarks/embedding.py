"""Measures skip-gram by EM: the time per iteration, and the time to reach the same loss as gensim's Word2Vec.

    python tests/benchmarks/embedding.py [PART …] [--quick]

prints Markdown tables. "iteration" uses all cores. "gensim" uses one core and one thread for each package, and is skipped if
gensim is not installed. Both are judged by the loss of `SkipGram` without a ridge on the exact flat counts. gensim's settings
are made to match it: windows are not shrunk, frequent words are not subsampled, and negative samples follow the frequencies of
words. One difference remains: gensim skips negative samples that equal the context word. Its time is that of training alone;
ours includes counting the pairs.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import scipy

try:
    import gensim
    from gensim.models import Word2Vec
except ImportError:
    gensim = None

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from clustering import SkipGram, Vectors, cooccurrences, iterate

WINDOW, NEGATIVES = 5, 5
LENGTH = 20
"""words per sentence"""
TOPICS = 20
CORPORA = [(20_000, 200, 20, (5, 20, 80)), (200_000, 1_000, 50, (5, 20, 80)), (1_000_000, 5_000, 50, (5, 20))]
"""tokens, words, dimension, epochs of gensim; each is a training of its own, as the learning rate falls to zero at its end"""
ITERATIONS = 5
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def draw_sentences(tokens, words, rng):
    """Draws sentences, each about one of several topics, whose words are 20 times as frequent in it as elsewhere.

    Words have Zipf's distribution over the whole corpus, except that the 30 most frequent ones belong to no topic.
    """
    topic = rng.integers(TOPICS, size=words)
    rank = np.arange(1, words + 1)
    names = np.array([f"word{i}" for i in rank], dtype=object)
    sentences = []
    for t, share in enumerate(rng.multinomial(tokens // LENGTH, np.full(TOPICS, 1 / TOPICS))):
        weights = np.where(rank <= 30, 0.1, np.where(topic == t, 1.0, 0.05)) / rank
        sentences += names[rng.choice(words, size=(share, LENGTH), p=weights / weights.sum())].tolist()
    return [sentences[i] for i in rng.permutation(len(sentences))]


def row(*cells):
    print("|", " | ".join(cells), "|", flush=True)


def header(title, description, *names):
    print(f"\n**{title}**, {description}\n")
    row(*names)
    row(*["---"] * len(names))


def seconds(value):
    return f"{value:.3f}" if value < 1 else f"{value:,.1f}"


class Clock:
    """Wall time and processor time of this process, from the creation of the clock until `stop`."""

    def __init__(self):
        self.wall, self.processor = -time.perf_counter(), -time.process_time()

    def stop(self):
        self.wall += time.perf_counter()
        self.processor += time.process_time()
        return self

    def add(self, other):
        self.wall += other.wall
        self.processor += other.processor

    def text(self):
        return f"{seconds(self.processor)} ({seconds(self.wall)})"


def iteration(cases, rng):
    header(
        "Time per iteration",
        f"seconds; the minimum of {ITERATIONS} iterations.",
        *(
            "tokens, words, dimension",
            "pairs that occur",
            "counting",
            "iteration",
            "processor time of an iteration",
            "loss alone",
        ),
    )
    for tokens, words, dimension, _ in cases:
        sentences = draw_sentences(tokens, words, rng)
        counting = Clock()
        pairs = cooccurrences(sentences, WINDOW)
        counting.stop()
        process = SkipGram(dimension, negatives=NEGATIVES)
        prepared = process.prepare(pairs)
        run = iterate(process, prepared, rng=0, tol=0, max_iter=1000)
        next(run)
        clocks = []
        for _ in range(ITERATIONS):
            clock = Clock()
            state = next(run)
            clocks.append(clock.stop())
        loss = Clock()
        process.loss(prepared, state.parameters)
        loss.stop()
        size = f"{tokens:,}, {len(pairs.words):,}, {dimension}"
        times = (counting.wall, min(c.wall for c in clocks), min(c.processor for c in clocks), loss.wall)
        row(size, f"{pairs.counts.nnz:,}", *map(seconds, times))


def against_gensim(cases, rng):
    if gensim is None:
        print("\nThe comparison with gensim was skipped, because the package is not installed: `pip install gensim`.")
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    header(
        "Against gensim at equal loss",
        "seconds of processor time on one core, with the wall time in parentheses. The last row of a corpus has our loss at "
        "convergence, or after the time of gensim's longest training.",
        *("tokens, words, dimension", "gensim's epochs", "loss", "gensim", "our iterations"),
        *("our loss", "ours", "gensim / ours"),
    )
    for tokens, words, dimension, trainings in cases:
        sentences = draw_sentences(tokens, words, rng)
        counting = Clock()
        pairs = cooccurrences(sentences, WINDOW)
        counting.stop()
        process = SkipGram(dimension, negatives=NEGATIVES, ridge=0)
        prepared = process.prepare(pairs)
        size = f"{tokens:,}, {len(pairs.words):,}, {dimension}"
        targets = [(epochs, *train(sentences, pairs, process, prepared, dimension, epochs)) for epochs in trainings]
        longest = targets[-1][2].processor
        # the runs have the default ridge, and are judged by their loss without it
        clock, total = Clock(), counting
        for state in iterate(SkipGram(dimension, negatives=NEGATIVES), prepared, rng=0, max_iter=1000):
            total.add(clock.stop())
            loss = process.loss(prepared, state.parameters)
            while targets and loss <= targets[0][1]:
                epochs, target, theirs = targets.pop(0)
                numbers = (f"{target:.4f}", theirs.text(), str(state.iteration), f"{loss:.4f}", total.text())
                row(size, str(epochs), *numbers, f"{theirs.processor / total.processor:.2f}")
            if total.processor >= longest:
                break
            clock = Clock()
        for epochs, target, theirs in targets:
            row(size, str(epochs), f"{target:.4f}", theirs.text(), "not reached", "", "", "")
        row(size, "", "", "", str(state.iteration), f"{loss:.4f}", total.text(), "")


def train(sentences, pairs, process, prepared, dimension, epochs):
    """Trains gensim's model; returns its exact loss and the `Clock` of its training."""
    model = Word2Vec(
        vector_size=dimension,
        window=WINDOW,
        min_count=1,
        sg=1,
        negative=NEGATIVES,
        ns_exponent=1,
        sample=0,
        shrink_windows=False,
        workers=1,
        seed=0,
    )
    model.build_vocab(sentences)
    clock = Clock()
    model.train(sentences, total_examples=len(sentences), epochs=epochs)
    clock.stop()
    order = [model.wv.key_to_index[word] for word in pairs.words]
    return process.loss(prepared, Vectors(model.wv.vectors[order].astype(float), model.syn1neg[order].astype(float))), clock


PARTS = {"iteration": iteration, "gensim": against_gensim}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="only the first row of each table")
    args = parser.parse_args()
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"unknown part: {', '.join(sorted(unknown))} (choose from {', '.join(PARTS)})")
    packages = f"NumPy {np.__version__}, SciPy {scipy.__version__}" + (f", gensim {gensim.__version__}" if gensim else "")
    print(f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {packages}.")
    start = time.perf_counter()
    for name in args.parts or PARTS:
        if name == "gensim" and not ONE_THREAD.items() <= os.environ.items():
            # a process of its own, because BLAS reads the number of threads when NumPy is imported
            options = ["--quick"] * args.quick
            subprocess.run([sys.executable, __file__, name, *options], env=os.environ | ONE_THREAD, check=True)
            continue
        PARTS[name](CORPORA[:1] if args.quick else CORPORA, np.random.default_rng(0))
    print(f"\nTotal time: {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main()
