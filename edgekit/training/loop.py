"""The training itself: batches through a network, first with batch norms, then with fake-quants.

``train_ssd`` is a job for TensorFlow's process.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import TrainingError
from ..formats import checkpoint
from ..runtimes.tensorflow import lazy as tf
from ..system import write_file
from ..vision.anchors import table
from ..vision.assign import Assigner
from ..vision.metrics import Evaluation, evaluate
from ..vision.truth import best_score
from .architecture import Architecture
from .board import Board
from .data import DataSet
from .feed import Batch, Feed
from .judge import Judge
from .losses import total
from .network import FloatNetwork, QuantisedNetwork, fold, normalise
from .options import Optimiser, Schedule, SsdOptions
from .pictures import Pictures
from .progress import FLOAT, QUANTISED, Event, Note, Progress, Saved, Trained
from .state import Counters, State, restore

Array = NDArray[np.float32]
Tensor = Any

SAY = 20  # steps between two words
KEEP = 100  # steps between two that stay in the history, besides looks
SAVE = 60.0  # seconds between two states to go on from
WARM = 10  # batches that show a network the ranges of its activations before it is trained with them
GRAPH_PREFIX = "graph:"  # of the variables that are exported, in a result
TARGETS = ("anchors", "classes", "encodings", "ignored")


@dataclass(frozen=True, kw_only=True, eq=False)
class Job:
    """All that the process needs. initial: variables to begin with, by path. key: stands for everything that decides
    the result; a state of another key is not gone on from. state, result, board: files, and a folder, to write.
    """

    data: DataSet
    architecture: Architecture
    options: SsdOptions
    initial: Mapping[str, Array]
    key: str
    state: Path
    result: Path
    board: Path


def train_ssd(job: Job) -> Iterator[Event]:
    """Train, and write ``job.result``: the variables of the float network, and behind GRAPH_PREFIX those to export."""
    if job.options.deterministic:
        tf.config.experimental.enable_op_determinism()
    training = _Run(job)
    if training.counters.step or training.counters.phase != FLOAT:
        yield Note(sentence=f"Going on at step {training.done} of {training.steps}.")
    if training.pictures.kept < len(job.data.train):
        rest = len(job.data.train) - training.pictures.kept
        yield Note(sentence=f"{rest} pictures do not fit into memory and are decoded every time: this takes longer.")
    network = FloatNetwork(job.architecture, seed=job.options.seed)
    if training.counters.phase == FLOAT:
        network.restore(job.initial)
        yield from training.phase(network, job.options.rate, job.options.steps)
        training.next_phase(network)
    network.restore(training.state.floats)
    last: FloatNetwork | QuantisedNetwork = network
    if job.options.quantisation is not None and job.options.quantised_steps:
        folded = fold(job.architecture, training.state.floats)
        last = QuantisedNetwork(job.architecture, folded, job.options.quantisation)
        if not training.counters.step:
            training.show_ranges(last)
        yield from training.phase(last, job.options.quantised_rate, job.options.quantised_steps)
        exported = last.state()
    else:
        exported = fold(job.architecture, training.state.floats)
    graph = {f"{GRAPH_PREFIX}{path}": value for path, value in exported.items()}
    write_file(job.result, checkpoint.encode(training.state.floats | graph, {}))
    yield training.end({FLOAT: network} | ({QUANTISED: last} if last is not network else {}))


class _Run:
    """One training: its data, its state, and the clock."""

    def __init__(self, job: Job) -> None:
        self.job, self.options = job, job.options
        self.pictures = Pictures(job.data.train)
        self.judge = Judge(job.data.validation, job.architecture, job.options)
        self.board = Board(job.board, job.data.labels)
        self.state = restore(job.state, job.key)
        self.began = self.saved = time.monotonic()
        self.feed = Feed(
            examples=job.data.train,
            pixels=self.pictures,
            size=(job.architecture.height, job.architecture.width),
            batch=job.options.batch,
            augmentation=job.options.augmentation,
            assigner=Assigner(job.architecture.grids, job.options.matching, job.options.box_coder),
            seed=job.options.seed,
        )

    @property
    def counters(self) -> Counters:
        return self.state.counters

    @property
    def steps(self) -> int:
        """Of both phases."""
        return self.options.steps + (self.options.quantised_steps if self.options.quantisation else 0)

    @property
    def done(self) -> int:
        """Steps of both phases, up to now."""
        return self.counters.step + (self.options.steps if self.counters.phase == QUANTISED else 0)

    def phase(self, network: FloatNetwork | QuantisedNetwork, rate: Schedule, steps: int) -> Iterator[Event]:
        """Train one network from where the state stands, and leave it at its best look."""
        trainer = _Trainer(network, self.job)
        if self.state.network:
            network.restore(self.state.network)
            trainer.restore(self.state.optimiser)
        left = steps if self.counters.waited < self.options.patience else self.counters.step  # it had ended early
        batches = self.feed.stream(self.done, self.done - self.counters.step + left)
        losses: list[tuple[float, float]] = []
        since = time.monotonic()
        for batch in batches:
            losses.append(self._one(trainer, batch, rate))
            ended = self.counters.step == steps
            look = self.counters.step % self.options.evaluate == 0 or ended
            if look or self.counters.step % SAY == 0:
                spent = time.monotonic() - since
                progress = self._progress(losses, rate, spent)
                if look and self.judge.examples:
                    evaluation = evaluate(self.judge.look(trainer.predict))
                    progress = self._looked(progress, evaluation, network)
                    self.board.pictures(self.done, self.judge, trainer.predict)
                self.board.write(progress)
                if look or self.counters.step % KEEP == 0:
                    self._count(history=(*self.counters.history, progress))
                losses, since = [], time.monotonic()
                yield progress
            if look or time.monotonic() - self.saved > SAVE:
                self._save(network, trainer)
                yield Saved()
            if self.counters.waited >= self.options.patience:
                yield Note(
                    sentence=f"The {self.counters.phase} phase ends early, at step {self.counters.step}: "
                    f"{self.options.patience} looks brought nothing better."
                )
                break
        batches.close()
        if self.state.best:
            network.restore(self.state.best)

    def next_phase(self, network: FloatNetwork) -> None:
        """The float network is what it will be; fake-quants come next."""
        counters = Counters(
            key=self.job.key,
            phase=QUANTISED,
            taken=self.counters.taken,
            seconds=self._seconds(),
            history=self.counters.history,
        )
        self.state = State(counters=counters, floats=network.state())
        self.began = time.monotonic()
        self.state.save(self.job.state)

    def show_ranges(self, network: QuantisedNetwork) -> None:
        """Let a network see batches before it is trained on them."""
        see = tf.function(lambda pixels: network(normalise(pixels), training=True), autograph=False)
        for batch in self.feed.stream(self.options.steps, self.options.steps + WARM):
            see(tf.constant(batch.pixels))

    def end(self, networks: Mapping[str, FloatNetwork | QuantisedNetwork]) -> Trained:
        """The last word: every network looked at on all validation pictures."""
        looks = {name: self.judge.look(_Predictor(network), whole=True) for name, network in networks.items()}
        found = {name: evaluate(pairs) for name, pairs in looks.items() if pairs}
        self.board.close()
        return Trained(
            steps=self.counters.taken,
            seconds=self._seconds(),
            figures={name: evaluation.figures for name, evaluation in found.items()},
            by_class={name: evaluation.by_class for name, evaluation in found.items()},
            display_score=best_score([*looks.values()][-1]),
            history=self.counters.history,
        )

    def _one(self, trainer: _Trainer, batch: Batch, rate: Schedule) -> tuple[float, float]:
        now = rate.at(self.counters.step)
        losses = trainer.step(batch, now)
        self._count(step=self.counters.step + 1, taken=self.counters.taken + 1)
        if not np.isfinite(losses).all():
            raise TrainingError(
                f"The loss is no number any more at step {self.done} of {self.steps} "
                f"(classification {losses[0]:g}, localisation {losses[1]:g}).",
                cause=f"The learning rate, {now:.3g} at this step, is too high for this data.",
                fix=f"Lower it: --learning-rate {self.options.rate.base / 3:.2g}, or raise --warmup; and give another "
                "folder with -o.",
            )
        return losses

    def _progress(self, losses: list[tuple[float, float]], rate: Schedule, spent: float) -> Progress:
        classification, localisation = np.mean(losses, axis=0).tolist()
        speed = len(losses) / max(spent, 1e-9)
        return Progress(
            phase=self.counters.phase,
            step=self.done,
            steps=self.steps,
            classification=classification,
            localisation=localisation,
            rate=rate.at(self.counters.step - 1),
            pictures_per_second=speed * self.options.batch,
            seconds_left=(self.steps - self.done) / speed,
        )

    def _looked(self, progress: Progress, evaluation: Evaluation, network: FloatNetwork | QuantisedNetwork) -> Progress:
        better = evaluation.figures.ap > self.counters.best
        if better:
            self.state.best = network.state()
            self._count(best=evaluation.figures.ap, waited=0)
        else:
            self._count(waited=self.counters.waited + 1)
        return replace(progress, figures=evaluation.figures, best=better)

    def _count(self, **changes: Any) -> None:
        self.state.counters = replace(self.counters, **changes)

    def _seconds(self) -> float:
        return self.counters.seconds + time.monotonic() - self.began

    def _save(self, network: FloatNetwork | QuantisedNetwork, trainer: _Trainer) -> None:
        self.state.network, self.state.optimiser = network.state(), trainer.state()
        counters = self.counters
        self._count(seconds=self._seconds())
        self.state.save(self.job.state)
        self.state.counters = counters
        self.saved = time.monotonic()


class _Predictor:
    """A network as the judge asks it."""

    def __init__(self, network: FloatNetwork | QuantisedNetwork) -> None:
        self._call = tf.function(
            lambda pixels: network(normalise(pixels), training=False), autograph=False, reduce_retracing=True
        )

    def __call__(self, pixels: NDArray[np.uint8]) -> tuple[Array, Array]:
        boxes, logits = self._call(tf.constant(pixels))
        return boxes.numpy(), logits.numpy()


class _Trainer:
    """A network and its optimiser, compiled into one step."""

    def __init__(self, network: FloatNetwork | QuantisedNetwork, job: Job) -> None:
        self.predict = _Predictor(network)
        self._optimiser = _optimiser(job.options.optimiser)
        trained = network.trained
        self._optimiser.build(trained)
        kernels = [variable for variable in trained if len(variable.shape) == 4]
        anchors, coder = tf.constant(table(job.architecture.grids)), tf.constant(job.options.box_coder, tf.float32)
        options = job.options

        def step(pixels: Tensor, targets: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
            with tf.GradientTape() as tape:
                boxes, logits = network(normalise(pixels), training=True)
                classification, localisation = total(boxes, logits, targets, anchors, coder, options.losses)
                decay = options.decay * tf.add_n([tf.nn.l2_loss(kernel) for kernel in kernels])
                loss = classification + localisation + decay
            gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, trained), options.optimiser.clip)
            self._optimiser.apply_gradients(zip(gradients, trained, strict=True))
            return classification, localisation

        shape = [options.batch, job.architecture.height, job.architecture.width, 3]
        places = tf.TensorSpec([None], tf.int64)
        targets = dict.fromkeys(TARGETS, places) | {"encodings": tf.TensorSpec([None, 4], tf.float32)}
        self._step = tf.function(step, autograph=False).get_concrete_function(tf.TensorSpec(shape, tf.uint8), targets)

    def step(self, batch: Batch, rate: float) -> tuple[float, float]:
        """Learn from one batch; the losses before that."""
        self._optimiser.learning_rate.assign(rate)
        targets = {name: tf.constant(getattr(batch.targets, name)) for name in TARGETS}
        classification, localisation = self._step(tf.constant(batch.pixels), targets)
        return float(classification), float(localisation)

    def state(self) -> dict[str, NDArray[Any]]:
        return {str(index): variable.numpy() for index, variable in enumerate(self._optimiser.variables)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        for index, variable in enumerate(self._optimiser.variables):
            variable.assign(state[str(index)])


def _optimiser(options: Optimiser) -> Any:
    if options.kind == "rmsprop":
        return tf.keras.optimizers.RMSprop(rho=options.decay, momentum=options.momentum, epsilon=options.epsilon)
    if options.kind == "momentum":
        return tf.keras.optimizers.SGD(momentum=options.momentum)
    return tf.keras.optimizers.Adam(epsilon=options.epsilon)
