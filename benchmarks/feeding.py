"""The two sides of the training benchmark, a job for TensorFlow's process.

Ours takes its steps as a training does: pictures are chosen, cropped, flipped, lit and given targets while they go on.
The other side takes the same steps with the same network on batches that lie in memory, ready. Both leave out looks at
validation pictures, and what is written and said.
"""

import itertools
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgekit.stats.paired import interleave
from edgekit.training import _plan, loop, readers
from edgekit.training.data import check
from edgekit.training.feed import Batch
from edgekit.training.network import FloatNetwork
from edgekit.training.options import SsdOptions

STEPS = 15  # in a row on one side
READY = 4  # batches in memory
RATE = 1e-4


@dataclass(frozen=True)
class Spent:
    """seconds of wall time; cpu: seconds of all threads."""

    seconds: float
    cpu: float


def spent(data: Path, folder: Path, *, launches: int) -> list[tuple[Spent, Spent]]:
    """On STEPS steps, (fed, bare), with default options. data: a data set; folder: for a training's files."""
    found = check(readers.read(data))
    options, architecture = _plan(found, SsdOptions())
    job = loop.Job(
        data=found,
        architecture=architecture,
        options=options,
        initial={},
        key="",
        state=folder / "state.npz",
        result=folder / "result.npz",
        board=folder / "board",
    )
    feed = loop._Run(job).feed
    trainer = loop._Trainer(FloatNetwork(architecture, seed=options.seed), job)
    ready = [feed.at(step) for step in range(READY)]
    starts = itertools.count(READY, STEPS)

    def timed(batches: Iterable[Batch]) -> Spent:
        begin, cpu = time.perf_counter(), time.process_time()
        for batch in batches:
            trainer.step(batch, RATE)
        return Spent(time.perf_counter() - begin, time.process_time() - cpu)

    def fed() -> Spent:
        """A stream from its first to its last batch: nothing is made before, and nothing is left for the other side."""
        first = next(starts)
        return timed(feed.stream(first, first + STEPS))

    def bare() -> Spent:
        return timed(itertools.islice(itertools.cycle(ready), STEPS))

    for warm_up in (fed, bare):
        warm_up()
    return interleave(fed, bare, launches=launches)
