"""A pipeline.config of the Object Detection API as options of a training.

Fields, their defaults and what they mean: object_detection/protos, and object_detection/builders, which reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import UsageError
from ..formats import pipeline
from ..formats.pipeline import Config, Section
from . import model_config, train_config
from .model_config import CONVOLUTIONS, EXTRACTOR, PREDICTOR, SSD
from .network import EPSILON
from .options import Quantisation, SsdOptions

UNFILLED = "PATH_TO_BE_CONFIGURED"  # what published configurations have where a folder is to be written
LOOKS = 100  # at the validation pictures in one training, however long it is

_READER = "tf_record_input_reader.input_path"
# What is done in any case; another value is ignored, and listed so
_DONE: dict[str, bool | float | str] = {
    f"{SSD}.image_resizer.fixed_shape_resizer.resize_method": "BILINEAR",
    f"{SSD}.encode_background_as_zeros": False,
    f"{SSD}.freeze_batchnorm": False,
    f"{SSD}.negative_class_weight": 1.0,
    f"{SSD}.normalize_loss_by_num_matches": True,
    f"{SSD}.loss.classification_loss.weighted_softmax.logit_scale": 1.0,
    f"{SSD}.loss.localization_loss.weighted_smooth_l1.delta": 1.0,
    f"{SSD}.loss.hard_example_miner.loss_type": "CLASSIFICATION",
    f"{SSD}.post_processing.logit_scale": 1.0,
    f"{SSD}.post_processing.batch_non_max_suppression.soft_nms_sigma": 0.0,
    f"{EXTRACTOR}.override_base_feature_extractor_hyperparams": True,
    f"{EXTRACTOR}.use_explicit_padding": False,
    f"{EXTRACTOR}.{CONVOLUTIONS}.activation": "RELU_6",
    f"{EXTRACTOR}.{CONVOLUTIONS}.batch_norm.center": True,
    f"{EXTRACTOR}.{CONVOLUTIONS}.batch_norm.scale": True,
    f"{EXTRACTOR}.{CONVOLUTIONS}.batch_norm.train": True,
    f"{EXTRACTOR}.{CONVOLUTIONS}.batch_norm.epsilon": EPSILON,
    f"{PREDICTOR}.min_depth": 0.0,
    f"{PREDICTOR}.use_dropout": False,
    "train_config.optimizer.use_moving_average": False,
    "train_config.from_detection_checkpoint": True,
    "train_config.fine_tune_checkpoint_type": "detection",
    "train_config.load_all_detection_checkpoint_vars": True,
    "train_input_reader.shuffle": True,
    "train_input_reader.sample_1_of_n_examples": 1.0,
    "eval_config.use_moving_averages": False,
    "eval_config.metrics_set": "coco_detection_metrics",
}


@dataclass(frozen=True, kw_only=True)
class Configured:
    """What a configuration asks for.

    labels: the label map. train, validation: names and patterns of TFRecord files; no validation where the file names
    none. checkpoint: to begin with, '' for none. num_classes: without background. ignored: dotted paths of what has no
    effect here. notes: what is done in another way than the file says, as sentences.
    """

    options: SsdOptions
    labels: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    checkpoint: str
    num_classes: int
    ignored: tuple[str, ...]
    notes: tuple[str, ...]


def read(path: Path, *, root: str | None = None) -> Configured:
    """The training that a file configures. root: what its PATH_TO_BE_CONFIGURED stands for.

    Raises UsageError that names the file and the field where something is missing, makes no sense, or would be
    another model than edgekit trains.
    """
    config = pipeline.read(path)
    notes: list[str] = []
    try:
        options = _options(config, notes)
    except ValueError as error:
        raise UsageError(f"{path}: nothing can be trained so. {error}.") from None
    reader = config.section("train_input_reader")
    labels = reader.text("label_map_path")
    train = config.section("train_config")
    looked_at = config.sections("eval_input_reader")
    for one in looked_at:
        one.confirm("label_map_path", labels)
        one.confirm("shuffle", False)
    return Configured(
        options=options,
        labels=_filled(reader, "label_map_path", labels, root),
        train=_patterns(reader, root),
        validation=tuple(pattern for one in looked_at for pattern in _patterns(one, root)),
        checkpoint=_filled(train, "fine_tune_checkpoint", train.text("fine_tune_checkpoint", ""), root),
        num_classes=config.integer(f"{SSD}.num_classes", low=1),
        ignored=config.ignored(),
        notes=tuple(notes),
    )


def _filled(section: Section, path: str, text: str, root: str | None) -> str:
    if UNFILLED not in text:
        return text
    if root is None:
        error = section.refusal(path, f"a path without {UNFILLED}")
        raise UsageError(error.what, fix="Say what it stands for: --root FOLDER")
    return text.replace(UNFILLED, root.rstrip("/"))


def _patterns(reader: Section, root: str | None) -> tuple[str, ...]:
    found = reader.texts(_READER)
    if not found:
        raise reader.refusal(_READER, "names of TFRecord files")
    return tuple(_filled(reader, _READER, text, root) for text in found)


def _options(config: Config, notes: list[str]) -> SsdOptions:
    network, train = model_config.network(config), config.section("train_config")
    total = _steps(train)
    quantisation, steps = _quantisation(config, total, notes)
    optimiser, rate = train_config.optimiser(train)
    options = replace(
        network,
        optimiser=optimiser,
        decay=network.decay if train.flag("add_regularization_loss", True) else 0.0,
        batch=train.integer("batch_size", 32),
        steps=steps,
        quantised_steps=total - steps,
        rate=rate,
        quantised_rate=replace(rate, offset=steps),
        quantisation=quantisation,
        augmentation=train_config.augmentation(train, notes),
        evaluate=max(SsdOptions.evaluate, total // LOOKS),
        patience=total,  # the file says how long; the Object Detection API never ends early
    )
    for path, done in _DONE.items():
        config.confirm(path, done)
    return options


def _steps(train: Section) -> int:
    """Of both phases."""
    total = train.integer("num_steps", 0)
    if total < 1:
        raise UsageError(
            train.refusal("num_steps", "a whole number of at least 1").what,
            cause="The Object Detection API then trains until somebody stops it.",
            fix="Write how many steps to train, such as num_steps: 10000.",
        )
    return total


def _quantisation(config: Config, total: int, notes: list[str]) -> tuple[Quantisation | None, int]:
    """How fake-quants are made, if at all, and the steps before them."""
    if "graph_rewriter" not in config:
        return None, total
    section = config.section("graph_rewriter.quantization")
    delay = section.integer("delay", 500_000)
    if not 1 <= delay < total:
        said = "" if "delay" in section else " Without it fake-quants come after 500000 steps."
        raise UsageError(
            section.refusal("delay", f"at least 1 and less than num_steps, which is {total}").what,
            cause=f"The steps up to it train without fake-quants, the others with them; there must be both.{said}",
            fix="Write a smaller delay, or a larger num_steps.",
        )
    options = Quantisation(
        symmetric=section.flag("symmetric", False),
        weight_bits=section.integer("weight_bits", 8),
        activation_bits=section.integer("activation_bits", 8),
    )
    if not options.symmetric:
        notes.append("Weights get asymmetric ranges, which are for uint8 only; for int8 write symmetric: true.")
    return options, delay
