"""A pipeline.config as options of a training."""

import contextlib
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError, UsageError
from edgekit.formats.graphdef import proto
from edgekit.training import config
from edgekit.training.architecture import Architecture, build
from edgekit.training.config import Configured
from edgekit.training.options import LossOptions, Optimiser, Schedule
from edgekit.vision.anchors import table
from edgekit.vision.assign import Matching
from edgekit.vision.augment import Augmentation

QUANTISED = Path(__file__).parents[1] / "formats" / "quantised.config"
ROOT = "pets"
PLAIN = Augmentation(horizontal=0, crop=0, brightness=0, contrast=0, saturation=0, cast=0)
CROPS = (
    "windows are not chosen by the boxes in them, and their aspect ratio is relative to the picture's; of a box that "
    "they cut, 40% must be left."
)

Configure = Callable[..., Configured]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Reads the quantised configuration with pieces of its text exchanged."""

    def read(*changes: tuple[str, str], root: str | None = ROOT) -> Configured:
        text = QUANTISED.read_text("utf-8")
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} stands there {text.count(old)} times"
            text = text.replace(old, new)
        path = tmp_path / "x.config"
        path.write_text(text, "utf-8")
        return config.read(path, root=root)

    return read


def network(configured: Configured) -> Architecture:
    options = configured.options
    return build(
        options.kind,
        height=options.height,
        width=options.width,
        classes=configured.num_classes,
        sizes=options.sizes,
        strides=options.strides,
        multiplier=options.multiplier,
        min_depth=options.min_depth,
    )


def learning_rate(inner: str) -> tuple[str, str]:
    text = QUANTISED.read_text("utf-8")
    start = text.index("        manual_step_learning_rate")
    return text[start : text.index("      momentum_optimizer_value")], inner + " }\n"


def augmentations(*options: str) -> tuple[str, str]:
    text = QUANTISED.read_text("utf-8")
    start = text.index("  data_augmentation_options")
    old = text[start : text.index(">\ntrain_input_reader")]
    return old, "".join(f"data_augmentation_options {{ {option} }}\n" for option in options)


def test_a_quantised_config_names_everything(configure: Configure) -> None:
    configured = configure()
    options = configured.options
    assert (options.kind, options.height, options.width, configured.num_classes) == ("mobilenet_v1", 300, 300, 37)
    assert (options.multiplier, options.min_depth, options.decay, options.batch) == (0.75, 16, 4e-5, 24)
    assert options.box_coder == (10, 10, 5, 5)
    assert options.matching == Matching(positive=0.5, negative=0.5, force=True)
    assert options.losses == LossOptions(
        classification="sigmoid",
        localisation="smooth_l1",
        negatives=3,
        background_weight=1,
        localisation_weight=1,
        alpha=0.5,
    )
    assert options.optimiser == Optimiser(kind="momentum", momentum=0.9, clip=2**30)
    assert (options.selection.score, options.selection.iou, options.selection.max_detections) == (1e-8, 0.6, 100)
    assert not options.selection.regular
    assert options.augmentation == Augmentation(
        horizontal=0.5,
        crop=0.85,
        smallest=math.sqrt(0.1),
        largest=1.0,
        stretch=math.log(2),
        brightness=0,
        contrast=0,
        saturation=0,
        cast=0,
    )
    assert (configured.labels, configured.validation) == ("pets/label_map.pbtxt", ())
    assert configured.train == ("pets/train.record-?????-of-00010",)
    assert configured.checkpoint == "pets/model.ckpt"
    assert configured.ignored == (
        "model.ssd.feature_extractor.conv_hyperparams.initializer",
        "model.ssd.feature_extractor.conv_hyperparams.batch_norm.decay",
        "model.ssd.loss.hard_example_miner.num_hard_examples",
        "train_config.data_augmentation_options.random_rgb_to_gray",
        "eval_config.num_examples",
    )
    assert configured.notes == (
        "Weights get asymmetric ranges, which are for uint8 only; for int8 write symmetric: true.",
        f"ssd_random_crop: {CROPS}",
    )


def test_fake_quants_come_after_the_delay_and_the_learning_rate_goes_on(configure: Configure) -> None:
    options = configure().options
    assert (options.steps, options.quantised_steps) == (1800, 8200)
    assert options.quantisation is not None
    assert not options.quantisation.symmetric
    assert {options.rate.at(step) for step in range(1800)} == {0.02}
    assert [options.quantised_rate.at(step) for step in (0, 4199, 4200, 6199, 6200, 8199)] == [
        0.02,  # steps 1800 and 5999 of the whole
        0.02,
        0.004,
        0.004,
        0.0008,
        0.0008,
    ]
    assert options.patience >= 10_000  # nothing ends early


def test_without_a_graph_rewriter_there_are_no_fake_quants(configure: Configure) -> None:
    configured = configure(("graph_rewriter { quantization { delay: 1800 weight_bits: 8 activation_bits: 8 } }", ""))
    assert (configured.options.quantisation, configured.options.quantised_steps) == (None, 0)
    assert configured.options.steps == 10_000
    assert configured.notes == (f"ssd_random_crop: {CROPS}",)


def test_symmetric_weights_need_no_note(configure: Configure) -> None:
    configured = configure(("delay: 1800", "delay: 1800 symmetric: true"))
    assert configured.options.quantisation is not None
    assert configured.options.quantisation.symmetric
    assert not any("int8" in note for note in configured.notes)


def test_a_narrower_network_has_the_widths_of_the_object_detection_api(configure: Configure) -> None:
    """Howard et al., 2017, table 1, and the four extra layers, all times .75."""
    widths = [layer.channels for layer in network(configure()).layers if layer.kind == "full" and not layer.head]
    backbone = [24, 48, 96, 96, 192, 192, 384, 384, 384, 384, 384, 384, 768, 768]
    assert widths == [*backbone, 192, 384, 96, 192, 96, 192, 48, 96]


def test_anchors_of_an_oblong_input_are_as_wide_as_high_in_pixels(configure: Configure) -> None:
    built = network(configure(("height: 300 width: 300", "height: 240 width: 320"), ("num_layers: 6", "num_layers: 2")))
    assert [(grid.rows, grid.columns) for grid in built.grids] == [(15, 20), (8, 10)]
    anchors = table(built.grids)
    assert anchors[0] == pytest.approx((0.5 / 15, 0.5 / 20, 0.1, 0.075))
    # Two layers: the scale of the second is .95. Its last anchor: the square root of .95 × 1
    assert anchors[3 * 300] == pytest.approx((0.5 / 8, 0.5 / 10, 0.95, 0.7125))
    assert anchors[-1] == pytest.approx((7.5 / 8, 9.5 / 10, 0.974679, 0.731010), abs=1e-6)


@pytest.mark.parametrize(
    ("fields", "first", "second"),
    [
        ("num_layers: 2 aspect_ratios: 1.0", [(0.1, 0.1), (0.141421, 0.282843), (0.282843, 0.141421)], 2),
        ("num_layers: 2 aspect_ratios: 1.0 reduce_boxes_in_lowest_layer: false", [(0.2, 0.2), (0.435890, 0.435890)], 2),
        ("num_layers: 2 reduce_boxes_in_lowest_layer: false", [(0.435890, 0.435890)], 1),
        (
            "num_layers: 2 scales: [0.3, 0.6] aspect_ratios: 4.0 interpolated_scale_aspect_ratio: 0 "
            "reduce_boxes_in_lowest_layer: false",
            [(0.15, 0.6)],
            1,
        ),
        (
            "num_layers: 2 aspect_ratios: 1.0 base_anchor_height: 0.5 base_anchor_width: 2 min_scale: 0.4",
            [(0.05, 0.2), (0.141421, 1.131371), (0.282843, 0.565685)],
            2,
        ),
    ],
)
def test_fields_of_the_anchor_generator(
    configure: Configure, fields: str, first: list[tuple[float, float]], second: int
) -> None:
    text = QUANTISED.read_text("utf-8")
    old = text[text.index("        num_layers: 6") : text.index("      }\n    }\n    box_predictor")]
    options = configure((old, fields)).options
    assert options.strides == (16, 32)
    assert [number for size in options.sizes[0] for number in size] == pytest.approx(
        [number for size in first for number in size], abs=1e-6
    )
    assert len(options.sizes[1]) == second
    assert options.anchors == len(first) + second


def test_strides_and_offsets_that_say_what_holds_anyway(configure: Configure) -> None:
    """Of an input of 320 pixels, whose maps have 20 and 10 cells."""
    stated = "num_layers: 2 height_stride: [16, 32] width_stride: [16, 32] height_offset: [8, 16] width_offset: [8, 16]"
    configured = configure(("height: 300 width: 300", "height: 320 width: 320"), ("num_layers: 6", stated))
    assert not any("stride" in path or "offset" in path for path in configured.ignored)


@pytest.mark.parametrize(
    ("inner", "rates"),
    [
        ("constant_learning_rate { learning_rate: 0.01 }", {0: 0.01, 9999: 0.01}),
        ("constant_learning_rate {}", {0: 0.002}),
        (
            "exponential_decay_learning_rate { initial_learning_rate: 0.1 decay_steps: 3000 decay_factor: 0.5 }",
            {0: 0.1, 2999: 0.1, 3000: 0.05, 9000: 0.0125},
        ),
        (
            "exponential_decay_learning_rate { initial_learning_rate: 0.1 decay_steps: 3000 decay_factor: 0.25 "
            "staircase: false }",
            {1500: 0.05, 3000: 0.025},
        ),
        (
            "exponential_decay_learning_rate { initial_learning_rate: 1.0 decay_steps: 3 decay_factor: 0.1 "
            "burnin_learning_rate: 0.5 burnin_steps: 2 }",
            dict(enumerate((0.5, 0.5, 1, 1, 1, 0.1, 0.1, 0.1, 0.01))),
        ),
        (
            "exponential_decay_learning_rate { initial_learning_rate: 1.0 decay_steps: 1 decay_factor: 0.1 "
            "burnin_steps: 2 }",
            dict(enumerate((1, 1, 1, 0.1))),
        ),
        (
            "manual_step_learning_rate { initial_learning_rate: 0.01 warmup: true "
            "schedule { step: 1000 learning_rate: 0.05 } schedule { step: 5000 learning_rate: 0.005 } }",
            {0: 0.01, 250: 0.02, 999: 0.04996, 1000: 0.05, 4999: 0.05, 5000: 0.005},
        ),
        (
            "cosine_decay_learning_rate { learning_rate_base: 0.04 total_steps: 10000 warmup_learning_rate: 0.01 "
            "warmup_steps: 1000 }",
            {0: 0.01, 500: 0.025, 1000: 0.04, 4000: 0.03, 5500: 0.02, 10000: 0, 20000: 0},
        ),
        (
            "cosine_decay_learning_rate { learning_rate_base: 0.04 total_steps: 10000 warmup_steps: 0 "
            "hold_base_rate_steps: 2000 }",
            {0: 0.04, 2000: 0.04, 6000: 0.02},
        ),
    ],
)
def test_learning_rates(configure: Configure, inner: str, rates: dict[int, float]) -> None:
    """Rates by the rules of object_detection/utils/learning_schedules.py, and the same in the second phase."""
    configured = configure(learning_rate(inner))
    options = configured.options
    assert {step: options.rate.at(step) for step in rates} == pytest.approx(rates, abs=1e-9)
    later = {step: rate for step, rate in rates.items() if step >= 1800}
    assert {step: options.quantised_rate.at(step - 1800) for step in later} == pytest.approx(later, abs=1e-9)
    assert not any("learning_rate" in path for path in configured.ignored)


@pytest.mark.parametrize(
    ("change", "optimiser"),
    [
        (("momentum_optimizer_value: 0.9", ""), Optimiser(kind="momentum", momentum=0.9, clip=2**30)),
        (
            ("momentum_optimizer_value: 0.9", "momentum_optimizer_value: 0.8"),
            Optimiser(kind="momentum", momentum=0.8, clip=2**30),
        ),
        (("num_steps: 10000", "num_steps: 10000 gradient_clipping_by_norm: 5.0"), Optimiser(kind="momentum", clip=5)),
        (("momentum_optimizer {", "adam_optimizer {"), Optimiser(kind="adam", epsilon=1e-8, clip=2**30)),
        (
            ("momentum_optimizer {", "rms_prop_optimizer { decay: 0.95"),
            Optimiser(kind="rmsprop", decay=0.95, momentum=0.9, epsilon=1.0, clip=2**30),
        ),
    ],
)
def test_optimisers(configure: Configure, change: tuple[str, str], optimiser: Optimiser) -> None:
    assert configure(change).options.optimiser == optimiser


@pytest.mark.parametrize(
    ("options", "augmentation", "ignored", "notes"),
    [
        ([], {}, [], []),
        (["random_vertical_flip {}"], {"vertical": 0.5}, [], []),
        (["random_horizontal_flip { probability: 0.2 }"], {"horizontal": 0.2}, [], []),
        (
            ["random_horizontal_flip { keypoint_flip_permutation: 1 }"],
            {"horizontal": 0.5},
            ["random_horizontal_flip.keypoint_flip_permutation"],
            [],
        ),
        (["random_adjust_brightness {}"], {"brightness": 51}, [], []),
        (["random_adjust_brightness { max_delta: 0.1 }"], {"brightness": 25.5}, [], []),
        (["random_adjust_contrast { min_delta: 0.7 max_delta: 1.3 }"], {"contrast": 0.3}, [], []),
        (
            ["random_adjust_saturation {}"],
            {"saturation": 0.225},
            [],
            ["random_adjust_saturation: factors from 0.775 to 1.225 instead of 0.8 to 1.25."],
        ),
        (
            ["random_distort_color { color_ordering: 1 }", "random_adjust_contrast {}"],
            {"brightness": 32, "contrast": 0.5, "saturation": 0.5},
            ["random_adjust_contrast"],
            ["random_distort_color: without its change of hue."],
        ),
        (
            ["random_adjust_hue {}", "random_pad_image {}", "random_image_scale {}", "ssd_random_crop_pad {}"],
            {},
            ["random_adjust_hue", "random_pad_image", "random_image_scale", "ssd_random_crop_pad"],
            [],
        ),
        (
            ["random_crop_image { min_object_covered: 0.5 min_area: 0.25 random_coef: 0.4 }"],
            {"crop": 0.6, "smallest": 0.5, "largest": 1, "stretch": math.log(4 / 3)},
            ["random_crop_image.min_object_covered"],
            [f"random_crop_image: {CROPS}"],
        ),
        (
            [
                "ssd_random_crop { "
                "operations { min_aspect_ratio: 0.5 max_aspect_ratio: 1.5 min_area: 0.36 max_area: 0.81 "
                "random_coef: 0.2 }"
                "operations { min_aspect_ratio: 1 max_aspect_ratio: 1 min_area: 0.49 max_area: 0.64 } }"
            ],
            {"crop": 0.9, "smallest": 0.6, "largest": 0.9, "stretch": math.log(2)},
            [],
            [
                f"ssd_random_crop: {CROPS}",
                "ssd_random_crop: its 2 operations became one, with the widest of their limits.",
            ],
        ),
    ],
)
def test_only_the_augmentations_of_the_file_happen(
    configure: Configure, options: list[str], augmentation: dict[str, float], ignored: list[str], notes: list[str]
) -> None:
    configured = configure(augmentations(*options))
    found = configured.options.augmentation
    wanted = {name: getattr(PLAIN, name) for name in Augmentation.__dataclass_fields__} | augmentation
    assert {name: getattr(found, name) for name in wanted} == pytest.approx(wanted)
    prefix = "train_config.data_augmentation_options."
    assert [path.removeprefix(prefix) for path in configured.ignored if path.startswith(prefix)] == ignored
    assert list(configured.notes[1:]) == notes


@pytest.mark.parametrize(
    ("changes", "losses"),
    [
        (
            [("weighted_sigmoid {}", "weighted_sigmoid_focal { alpha: 0.75 gamma: 1.5 }")],
            {"classification": "focal", "alpha": 0.75, "gamma": 1.5, "classification_weight": 1},
        ),
        (
            [("weighted_sigmoid {}", "weighted_sigmoid_focal {}")],
            {"classification": "focal", "alpha": 0.5, "gamma": 2, "classification_weight": 2},  # two times a half
        ),
        (
            [("weighted_sigmoid {}", "weighted_softmax {}"), ("score_converter: SIGMOID", "score_converter: SOFTMAX")],
            {"classification": "softmax", "activation": "softmax"},
        ),
        (
            [("classification_weight: 1", "classification_weight: 3 localization_weight: 2")],
            {"classification_weight": 3, "localisation_weight": 2},
        ),
        (
            [("num_classes: 37", "num_classes: 37 normalize_loc_loss_by_codesize: true")],
            {"localisation_weight": 0.25},
        ),
        ([("max_negatives_per_positive: 3", "")], {"negatives": 0}),
    ],
)
def test_losses(configure: Configure, changes: list[tuple[str, str]], losses: dict[str, Any]) -> None:
    found = configure(*changes).options.losses
    assert {name: getattr(found, name) for name in losses} == losses


@pytest.mark.parametrize(
    ("field", "regular"),
    [("", False), ("use_class_agnostic_nms: true", False), ("use_class_agnostic_nms: false", True)],
)
def test_one_suppression_a_class_only_where_the_file_says_so(configure: Configure, field: str, regular: bool) -> None:
    new = f"max_total_detections: 50 max_detections_per_class: 20 max_classes_per_detection: 2 {field}"
    selection = configure(("max_total_detections: 100", new)).options.selection
    assert (selection.max_detections, selection.detections_per_class) == (50, 20)
    assert (selection.max_classes_per_detection, selection.regular) == (2, regular)


@pytest.mark.parametrize(
    ("change", "ignored"),
    [
        (
            ("weighted_smooth_l1 {}", "weighted_smooth_l1 { delta: 0.5 }"),
            "model.ssd.loss.localization_loss.weighted_smooth_l1.delta",
        ),
        (
            ("use_dropout: false", "use_dropout: true"),
            "model.ssd.box_predictor.convolutional_box_predictor.use_dropout",
        ),
        (("iou_similarity {}", "neg_sq_dist_similarity {}"), "model.ssd.similarity_calculator.neg_sq_dist_similarity"),
        (("activation: RELU_6", "activation: RELU"), "model.ssd.feature_extractor.conv_hyperparams.activation"),
        (("loss_type: CLASSIFICATION", "loss_type: BOTH"), "model.ssd.loss.hard_example_miner.loss_type"),
        (("use_moving_average: false", "use_moving_average: true"), "train_config.optimizer.use_moving_average"),
        (("num_classes: 37", "num_classes: 37 freeze_batchnorm: true"), "model.ssd.freeze_batchnorm"),
        (
            ("l2_regularizer { weight: 0.00004 }", "l1_regularizer {}"),
            "model.ssd.feature_extractor.conv_hyperparams.regularizer",
        ),
    ],
)
def test_what_is_done_otherwise_is_listed(configure: Configure, change: tuple[str, str], ignored: str) -> None:
    assert ignored not in configure().ignored
    assert ignored in configure(change).ignored


def test_negatives_of_pictures_without_boxes_are_listed_where_they_differ(configure: Configure) -> None:
    path = "model.ssd.loss.hard_example_miner.min_negatives_per_image"
    three, none = (
        configure(("max_negatives_per_positive: 3", f"max_negatives_per_positive: 3 min_negatives_per_image: {number}"))
        for number in (3, 0)
    )
    assert path not in three.ignored
    assert path in none.ignored


@pytest.mark.parametrize(
    ("change", "decay"),
    [
        (("weight: 0.00004", "weight: 0.001"), 0.001),
        (("regularizer { l2_regularizer { weight: 0.00004 } }", ""), 0),
        (("num_steps: 10000", "num_steps: 10000 add_regularization_loss: false"), 0),
    ],
)
def test_weight_decay(configure: Configure, change: tuple[str, str], decay: float) -> None:
    assert configure(change).options.decay == decay


def test_matching(configure: Configure) -> None:
    text = "matched_threshold: 0.5 unmatched_threshold: 0.5 force_match_for_each_row: true"
    options = configure((text, "matched_threshold: 0.6 unmatched_threshold: 0.3")).options
    assert options.matching == Matching(positive=0.6, negative=0.3, force=False)


def test_several_files_and_readers(configure: Configure) -> None:
    change = (
        'input_path: "PATH_TO_BE_CONFIGURED/train.record-?????-of-00010" }',
        'input_path: "a.record" input_path: "PATH_TO_BE_CONFIGURED/b.record" }',
    )
    readers = """
        eval_input_reader { label_map_path: "PATH_TO_BE_CONFIGURED/label_map.pbtxt" shuffle: false
                            tf_record_input_reader { input_path: "PATH_TO_BE_CONFIGURED/val.record" } }
        eval_input_reader { label_map_path: "other.pbtxt"
                            tf_record_input_reader { input_path: "/data/val@2" } }
        eval_config {"""
    configured = configure(change, ("eval_config {", readers), root="/srv/x y")
    assert configured.train == ("a.record", "/srv/x y/b.record")
    assert configured.validation == ("/srv/x y/val.record", "/data/val@2")
    assert [path for path in configured.ignored if "reader" in path] == ["eval_input_reader.label_map_path"]


def test_a_file_with_its_paths_filled_in_needs_no_root(configure: Configure) -> None:
    names = ("model.ckpt", "train.record-?????-of-00010", "label_map.pbtxt")
    changes = [('"PATH_TO_BE_CONFIGURED/" "model.ckpt"', '"model.ckpt"')]
    changes += [(f'"PATH_TO_BE_CONFIGURED/{name}"', f'"{name}"') for name in names[1:]]
    configured = configure(*changes, root=None)
    assert (configured.checkpoint, *configured.train, str(configured.labels)) == names
    assert configure(('fine_tune_checkpoint: "PATH_TO_BE_CONFIGURED/" "model.ckpt"', "")).checkpoint == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("  ssd {", "  faster_rcnn {"), "model: expected ssd, got faster_rcnn.\nedgekit trains SSD detectors only."),
        (("num_classes: 37", ""), "model.ssd.num_classes is missing: expected a whole number of at least 1."),
        (("num_classes: 37", "num_classes: 0"), "model.ssd.num_classes: expected a whole number of at least 1, got 0."),
        (
            ("'ssd_mobilenet_v1'", "'ssd_mobilenet_v2_fpn_keras'"),
            "model.ssd.feature_extractor.type: expected 'ssd_mobilenet_v1', got 'ssd_mobilenet_v2_fpn_keras'.\n"
            "edgekit builds no other network of the Object Detection API.\nWrite type: 'ssd_mobilenet_v1'",
        ),
        (
            ("fixed_shape_resizer { height: 300 width: 300 }", "keep_aspect_ratio_resizer { min_dimension: 600 }"),
            "model.ssd.image_resizer: expected fixed_shape_resizer, got keep_aspect_ratio_resizer.\n"
            "TensorFlow Lite needs one size for all pictures.\nWrite, for instance: fixed_shape_resizer {",
        ),
        (("height: 300 width", "height: 0 width"), "fixed_shape_resizer.height: expected a whole number of at least 1"),
        (
            ("height: 300 width", "height: 20 width"),
            ": nothing can be trained so. input size: expected from 32 to 2048",
        ),
        (
            ("height: 300 width: 300", "height: 300 width: 300 convert_to_grayscale: true"),
            "convert_to_grayscale: expected false, got true.\nedgekit trains no other kind of model.\n"
            "Write convert_to_grayscale: false, or leave it out.",
        ),
        (("depth_multiplier: 0.75", "depth_multiplier: 5"), "width multiplier: expected from .1 to 4, got 5.0."),
        (
            ("min_depth: 16", "min_depth: 0"),
            "feature_extractor.min_depth: expected a whole number of at least 1, got 0.",
        ),
        (
            ("min_depth: 16", "num_layers: 4"),
            "feature_extractor.num_layers: expected 6, as many as the anchors are for",
        ),
        (("kernel_size: 1", "kernel_size: 3"), "convolutional_box_predictor.kernel_size: expected 1, got 3."),
        (
            ("convolutional_box_predictor {", "weight_shared_convolutional_box_predictor {"),
            "box_predictor: expected convolutional_box_predictor, got weight_shared_convolutional_box_predictor.",
        ),
        (
            ("faster_rcnn_box_coder {", "keypoint_box_coder {"),
            "model.ssd.box_coder: expected faster_rcnn_box_coder, got",
        ),
        (("y_scale: 10.0", "y_scale: 0"), "faster_rcnn_box_coder.y_scale: expected a number above 0, got 0."),
        (
            ("argmax_matcher {", "bipartite_matcher {"),
            "model.ssd.matcher: expected argmax_matcher, got bipartite_matcher.",
        ),
        (
            (" matched_threshold: 0.5", " matched_threshold: 0.4"),
            "argmax_matcher.unmatched_threshold: expected at most matched_threshold, which is 0.4, got 0.5.",
        ),
        (
            (" matched_threshold: 0.5", " matched_threshold: 5"),
            "matched_threshold: expected a number from 0.1 to 1, got 5",
        ),
        (
            ("force_match_for_each_row: true", "ignore_thresholds: true"),
            "argmax_matcher.ignore_thresholds: expected false, got true.",
        ),
        (
            ("force_match_for_each_row: true", "negatives_lower_than_unmatched: false"),
            "argmax_matcher.negatives_lower_than_unmatched: expected true, got false.",
        ),
        (
            ("      ssd_anchor_generator {", "      multiscale_anchor_generator {"),
            "model.ssd.anchor_generator: expected ssd_anchor_generator, got multiscale_anchor_generator.",
        ),
        (
            ("num_layers: 6", "num_layers: 7"),
            "ssd_anchor_generator.num_layers: expected a whole number from 1 to 6, got 7",
        ),
        (("min_scale: 0.2", "scales: [0.2, 0.4]"), "scales: expected 6 numbers, one for each of num_layers, got"),
        (
            ("min_scale: 0.2", "min_scale: 0"),
            "ssd_anchor_generator.min_scale: expected a number from 0.001 to 100, got 0.",
        ),
        (
            ("aspect_ratios: 0.3333", "aspect_ratios: -1"),
            "aspect_ratios: expected numbers from 0.001 to 100, got 1.0, 2",
        ),
        (
            (
                "aspect_ratios: [1.0, 2.0, 0.5, 3.0]\n        aspect_ratios: 0.3333",
                "interpolated_scale_aspect_ratio: 0",
            ),
            "ssd_anchor_generator.aspect_ratios: expected at least one, as there is no interpolated anchor, got none.",
        ),
        (
            ("num_layers: 6", "num_layers: 2 height_stride: [16, 32]"),
            "ssd_anchor_generator.height_stride: expected 15.7895, 30, got 16, 32.\nedgekit's anchors stand in "
            "the centres of the cells of their map.\nLeave height_stride out.",
        ),
        (("num_layers: 6", "num_layers: 1 width_offset: 0"), "width_offset: expected 7.89474, got 0."),
        (
            ("weighted_sigmoid {}", "bootstrapped_sigmoid {}"),
            "model.ssd.loss.classification_loss: expected weighted_sigmoid or weighted_sigmoid_focal or "
            "weighted_softmax, got bootstrapped_sigmoid.",
        ),
        (
            ("weighted_smooth_l1 {}", "weighted_iou {}"),
            "localization_loss: expected weighted_smooth_l1 or weighted_giou, got weighted_iou.",
        ),
        (("classification_weight: 1", "classification_weight: -1"), "expected a number of at least 0, got -1."),
        (
            ("score_converter: SIGMOID", "score_converter: SOFTMAX"),
            "post_processing.score_converter: expected SIGMOID, got SOFTMAX.\nThat is what weighted_sigmoid trains.\n"
            "Write score_converter: SIGMOID.",
        ),
        (("score_converter: SIGMOID", ""), "post_processing.score_converter is missing: expected SIGMOID."),
        (
            ("iou_threshold: 0.6", "iou_threshold: 0"),
            "nothing can be trained so. iou: expected above 0, at most 1, got 0",
        ),
        (
            ("max_total_detections: 100", "max_total_detections: 0"),
            "nothing can be trained so. max_detections: expected",
        ),
        (("batch_size: 24", "batch_size: 0"), "nothing can be trained so. batch size: expected from 1 to 4096, got 0."),
        (
            ("num_steps: 10000", ""),
            "train_config.num_steps: expected a whole number of at least 1, got none.\nThe Object Detection API then",
        ),
        (
            ("momentum_optimizer {", "sgd {"),
            "train_config.optimizer: expected rms_prop_optimizer or momentum_optimizer or",
        ),
        (("momentum_optimizer_value: 0.9", "momentum_optimizer_value: 9"), "expected a number from 0 to 1, got 9."),
        (
            ("initial_learning_rate: .02", "initial_learning_rate: 0"),
            "initial_learning_rate: expected a number above 0",
        ),
        (
            ("step: 8000", "step: 6000"),
            "manual_step_learning_rate.schedule.step: expected a whole number of at least 6001",
        ),
        (
            learning_rate("manual_step_learning_rate {}"),
            "manual_step_learning_rate.schedule: expected steps and their rates",
        ),
        (
            learning_rate("cosine_decay_learning_rate { total_steps: 10000 }"),
            "total_steps: expected more than the 10000 steps of warm-up and of the base rate, got 10000.",
        ),
        (
            learning_rate("cosine_decay_learning_rate { learning_rate_base: 0.0001 }"),
            "warmup_learning_rate: expected at most learning_rate_base, which is 0.0001, got none.",
        ),
        (
            augmentations("random_adjust_contrast { min_delta: 1.5 }"),
            "max_delta: expected at least min_delta, which is 1.5",
        ),
        (augmentations("random_crop_image { max_area: 2 }"), "max_area: expected a number of at most 1, got 2."),
        (
            augmentations("ssd_random_crop { operations {} }"),
            "operations.min_aspect_ratio is missing: expected a number",
        ),
        (
            ("delay: 1800", "delay: 10000"),
            "quantization.delay: expected at least 1 and less than num_steps, which is 10000, got 10000.\n"
            "The steps up to it train without fake-quants, the others with them; there must be both.\nWrite a small",
        ),
        (("delay: 1800", "delay: 0"), "quantization.delay: expected at least 1 and less than num_steps"),
        (
            ("delay: 1800", ""),
            "which is 10000, got none.\nThe steps up to it train without fake-quants, the others with",
        ),
        (
            ("weight_bits: 8", "weight_bits: 4"),
            "nothing can be trained so. weight and activation bits: expected 8 and 8",
        ),
        (
            ('label_map_path: "PATH_TO_BE_CONFIGURED/label_map.pbtxt"', ""),
            "train_input_reader.label_map_path is missing",
        ),
        (
            ("tf_record_input_reader {", "external_input_reader {"),
            "train_input_reader.tf_record_input_reader.input_path: expected names of TFRecord files, got none.",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused_in_words(
    configure: Configure, change: tuple[str, str], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        configure(change)
    assert message in str(caught.value)
    assert "x.config" in caught.value.what


@pytest.mark.parametrize(
    ("filled", "field"),
    [
        ([], "train_input_reader.label_map_path"),
        (["label_map.pbtxt"], "train_input_reader.tf_record_input_reader.input_path"),
        (["label_map.pbtxt", "train.record-?????-of-00010"], "train_config.fine_tune_checkpoint"),
    ],
)
def test_paths_to_be_configured_need_a_root(configure: Configure, filled: list[str], field: str) -> None:
    with pytest.raises(UsageError) as caught:
        configure(*((f"PATH_TO_BE_CONFIGURED/{name}", name) for name in filled), root=None)
    assert f"x.config, {field}: expected a path without PATH_TO_BE_CONFIGURED" in caught.value.what
    assert caught.value.fix == "Say what it stands for: --root FOLDER"


@pytest.mark.parametrize("extreme", ["0", "-1", "3", "1e300", "1e-300", "18446744073709551615", "inf", "true", "{}"])
def test_extreme_numbers_are_options_or_a_clear_error(tmp_path: Path, extreme: str) -> None:
    text, path = QUANTISED.read_text("utf-8"), tmp_path / "x.config"
    numbers = list(re.finditer(r"(?<=[: \[])[0-9]*\.?[0-9]+(e-[0-9]+f?)?(?=[\s,\]])", text))
    assert len(numbers) > 40
    for number in numbers:
        path.write_text(text[: number.start()] + extreme + text[number.end() :], "utf-8")
        with contextlib.suppress(EdgekitError):
            options = config.read(path, root=ROOT).options
            assert all(side > 0 for sizes in options.sizes for size in sizes for side in size)
            assert all(options.quantised_rate.at(step) >= 0 for step in (0, 4200, 10**7))


@pytest.mark.real
def test_the_published_config(real: Path) -> None:
    configured = config.read(real / "coco_ssd_mobilenet_v1_checkpoint" / "pipeline.config", root="coco")
    options = configured.options
    assert (options.height, options.width, configured.num_classes, options.multiplier) == (300, 300, 90, 1.0)
    assert (options.steps, options.quantised_steps, options.quantisation) == (200_000, 0, None)
    assert options.optimiser == Optimiser(
        kind="rmsprop", decay=pytest.approx(0.9), momentum=pytest.approx(0.9), epsilon=1.0, clip=2**30
    )
    assert isinstance(options.rate, Schedule)
    assert [options.rate.at(step) for step in (0, 199_999, 800_719, 800_720)] == pytest.approx(
        [0.004, 0.004, 0.004, 0.0038]
    )
    assert (options.selection.score, options.selection.iou) == pytest.approx((0.3, 0.6))
    assert configured.train == ("coco/mscoco_train.record",)
    assert configured.validation == ("coco/mscoco_val.record",)
    assert configured.ignored == (
        "model.ssd.feature_extractor.conv_hyperparams.initializer",
        "model.ssd.feature_extractor.conv_hyperparams.batch_norm.decay",
        "model.ssd.box_predictor.convolutional_box_predictor.conv_hyperparams.initializer",
        "model.ssd.box_predictor.convolutional_box_predictor.conv_hyperparams.activation",
        "model.ssd.box_predictor.convolutional_box_predictor.conv_hyperparams.batch_norm",
        "model.ssd.box_predictor.convolutional_box_predictor.dropout_keep_probability",
        "model.ssd.loss.hard_example_miner.num_hard_examples",
        "model.ssd.loss.hard_example_miner.iou_threshold",
        "model.ssd.loss.hard_example_miner.min_negatives_per_image",
        "eval_config.num_examples",
        "eval_config.max_evals",
        "eval_input_reader.num_readers",
    )


@pytest.mark.real
def test_anchors_of_the_published_config(real: Path) -> None:
    """1917 anchors: three for each of 19 × 19 cells, six for each of 100 + 25 + 9 + 4 + 1."""
    configured = config.read(real / "coco_ssd_mobilenet_v1_checkpoint" / "pipeline.config", root="coco")
    grids = network(configured).grids
    assert [(grid.rows, grid.columns, len(grid.sizes)) for grid in grids] == [
        (19, 19, 3), (10, 10, 6), (5, 5, 6), (3, 3, 6), (2, 2, 6), (1, 1, 6),
    ]  # fmt: skip
    anchors = table(grids)
    assert anchors.shape == (1917, 4)
    half = 0.5 / 19
    by_hand = {
        0: (half, half, 0.1, 0.1),
        1: (half, half, 0.141421, 0.282843),  # scale .2, aspect ratio 2: .2 / √2 and .2 × √2
        2: (half, half, 0.282843, 0.141421),
        3: (half, 3 * half, 0.1, 0.1),
        1083: (0.05, 0.05, 0.35, 0.35),  # second map: scale .2 + .75 / 5
        1084: (0.05, 0.05, 0.247487, 0.494975),
        1086: (0.05, 0.05, 0.202073, 0.606218),  # aspect ratio 3
        1088: (0.05, 0.05, 0.418330, 0.418330),  # √(.35 × .5)
        1911: (0.5, 0.5, 0.95, 0.95),
        1916: (0.5, 0.5, 0.974679, 0.974679),  # √(.95 × 1)
    }
    for index, anchor in by_hand.items():
        assert anchors[index] == pytest.approx(anchor, abs=2e-6)
    graph = proto.read((real / "coco_ssd_mobilenet_v1" / "tflite_graph.pb").read_bytes())
    published = next(proto.constant(node) for node in graph.node if node.name == "anchors")
    step = np.diff(np.unique(published)).min()  # they went through uint8
    assert np.abs(anchors - published).max() <= step / 2
