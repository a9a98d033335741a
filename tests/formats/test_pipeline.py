"""The Object Detection API's pipeline.config, field by field."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.errors import EdgekitError, UsageError
from edgekit.formats import pipeline
from edgekit.formats.pipeline import Config, Section
from tests.mutations import mutate

QUANTISED = Path(__file__).with_name("quantised.config")


def config(text: str) -> Config:
    return pipeline.parse(text.encode(), name="x.config")


def test_a_quantised_config() -> None:
    whole = pipeline.read(QUANTISED)
    ssd = whole.section("model.ssd")
    assert ssd.integer("num_classes") == 37
    resizer = ssd.choice("image_resizer", ("keep_aspect_ratio_resizer", "fixed_shape_resizer"))
    assert (resizer.kind, resizer.integer("height"), resizer.integer("width")) == ("fixed_shape_resizer", 300, 300)
    assert ssd.number("feature_extractor.depth_multiplier", 1.0) == 0.75
    assert ssd.word("feature_extractor.conv_hyperparams.activation", ("NONE", "RELU_6")) == "RELU_6"
    anchors = ssd.choice("anchor_generator", ("ssd_anchor_generator",))
    assert anchors.numbers("aspect_ratios") == (1.0, 2.0, 0.5, 3.0, 0.3333)
    assert anchors.numbers("scales", (7.0,)) == (7.0,)
    assert ssd.number("loss.classification_weight") == 1.0
    assert ssd.number("post_processing.batch_non_max_suppression.score_threshold") == 1e-8

    train = whole.section("train_config")
    optimizer = train.choice("optimizer", ("adam_optimizer", "momentum_optimizer"))
    rate = optimizer.choice("learning_rate", ("manual_step_learning_rate",))
    assert optimizer.kind == "momentum_optimizer"
    assert [(s.integer("step"), s.number("learning_rate")) for s in rate.sections("schedule")] == [
        (6000, 0.004),
        (8000, 0.0008),
    ]
    assert train.flag("optimizer.use_moving_average", True) is False
    assert train.flag("from_detection_checkpoint") is True
    assert train.text("fine_tune_checkpoint") == "PATH_TO_BE_CONFIGURED/model.ckpt"
    augmentations = train.sections("data_augmentation_options")
    assert [option.present() for option in augmentations] == [
        "random_horizontal_flip",
        "ssd_random_crop",
        "random_rgb_to_gray",
        "random_rgb_to_gray",
    ]
    assert whole.texts("train_input_reader.tf_record_input_reader.input_path") == (
        "PATH_TO_BE_CONFIGURED/train.record-?????-of-00010",
    )
    assert whole.integer("graph_rewriter.quantization.delay", 500_000) == 1800


def test_what_nobody_reads_is_listed_once_in_the_files_order() -> None:
    whole = config("""
        model { ssd { num_classes: 3 box_predictor { convolutional_box_predictor { kernel_size: 1 use_dropout: true }}
                      similarity_calculator { iou_similarity {} } } }
        train_config {
          batch_size: 8
          data_augmentation_options { random_horizontal_flip {} }
          data_augmentation_options { random_rgb_to_gray { probability: 0.1 } }
          data_augmentation_options { random_rgb_to_gray { probability: 0.2 } }
          data_augmentation_options { ssd_random_crop { operations { min_area: 0.1 } operations { min_area: 0.5 } } }
        }
        eval_config { num_examples: 9 max_evals: 10 }
    """)
    assert whole.ignored() == ("model", "train_config", "eval_config")
    ssd = whole.section("model.ssd")
    assert ssd.integer("num_classes") == 3
    ssd.choice("similarity_calculator", ("iou_similarity",))
    assert ssd.integer("box_predictor.convolutional_box_predictor.kernel_size") == 1
    for option in whole.sections("train_config.data_augmentation_options"):
        if option.present() == "random_horizontal_flip":
            option.section("random_horizontal_flip")
        elif option.present() == "ssd_random_crop":
            first, _ = option.sections("ssd_random_crop.operations")
            assert first.number("min_area") == 0.1
    assert "eval_config.max_evals" in whole
    assert whole.ignored() == (
        "model.ssd.box_predictor.convolutional_box_predictor.use_dropout",
        "train_config.batch_size",
        "train_config.data_augmentation_options.random_rgb_to_gray",
        "train_config.data_augmentation_options.ssd_random_crop.operations.min_area",  # the second's
        "eval_config",
    )


def test_what_is_done_in_any_case_is_read_only_where_the_file_says_so() -> None:
    whole = config("""
        train_config { a: true b: false c: 3 d: 0.0010000000475 e: RELU_6 f: "x" g: ["x", "y"] h: [2, 2] i {} j: 1 }
    """)
    train = whole.section("train_config")
    agreed = {"a": True, "c": 3, "d": 0.001, "e": "RELU_6", "f": "x", "h": 2, "j": True, "z": 1, "y.z": False}
    assert all(train.confirm(path, done) for path, done in agreed.items())
    others = {"b": True, "g": "x", "i": 1}
    assert not any(train.confirm(path, done) for path, done in others.items())
    assert whole.ignored() == ("train_config.b", "train_config.g", "train_config.i")
    assert not any(train.confirm(path, done) for path, done in {"c": 4, "d": 0.0011, "e": "RELU", "j": False}.items())


def test_numbers_keep_their_bounds() -> None:
    section = config("train_config { a: 2 b: 0 c: 0.5 }").section("train_config")
    assert (section.number("a", low=2, high=2), section.integer("a", low=2), section.positive("c")) == (2.0, 2, 0.5)
    assert (section.number("z", -1.0, low=0), section.integer("z", 0, low=1)) == (-1.0, 0)  # defaults are not judged


def test_what_the_file_does_not_have_is_an_empty_section_with_defaults() -> None:
    whole = config("model {}")
    graph = whole.section("graph_rewriter.quantization")
    assert graph.path == "graph_rewriter.quantization"
    assert (graph.integer("delay", 5), graph.number("x", 0.0), graph.flag("y", False)) == (5, 0.0, False)
    assert (graph.text("a", ""), graph.word("b", ("C",), "D"), graph.texts("c")) == ("", "D", ())
    assert (graph.sections("d"), graph.present()) == ((), "")
    assert "model" in whole
    assert not any(path in whole for path in ("model.ssd", "graph_rewriter", "graph_rewriter.quantization.delay"))
    assert whole.ignored() == ("model",)


CONTENT = """model { ssd { num_classes: 3 num_classes: 4 depth: 1e999 name: "a" act: RELU on: 2 list: [1, "b"] half: 0.5
    loss { a {} } loss { } kind { a {} b {} } num_cells: 7 flag: false } faster_rcnn { } }"""


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda s: s.integer("num_classes"), "x.config, model.ssd.num_classes: expected one, got 2"),
        (lambda s: s.integer("half"), "model.ssd.half: expected a whole number, got 0.5"),
        (lambda s: s.integer("name"), "model.ssd.name: expected a whole number, got 'a'"),
        (lambda s: s.number("depth"), "model.ssd.depth: expected a number, got inf"),
        (lambda s: s.number("act"), "expected a number, got RELU"),
        (lambda s: s.number("kind"), "model.ssd.kind: expected a number, got a message"),
        (lambda s: s.number("half", low=0, high=0.4), "expected a number from 0 to 0.4, got 0.5"),
        (lambda s: s.number("half", low=1), "expected a number of at least 1, got 0.5"),
        (lambda s: s.integer("num_cells", high=6), "expected a whole number of at most 6, got 7"),
        (lambda s: s.positive("name"), "expected a number above 0, got 'a'"),
        (lambda s: s.flag("on"), "expected true or false, got 2"),
        (lambda s: s.flag("act"), "expected true or false, got RELU"),
        (lambda s: s.text("act"), "expected a text in quotes, got RELU"),
        (lambda s: s.text("flag"), "expected a text in quotes, got false"),
        (lambda s: s.word("act", ("NONE", "RELU_6")), "model.ssd.act: expected NONE or RELU_6, got RELU"),
        (lambda s: s.word("name", ("a",)), "expected a, got 'a'"),
        (lambda s: s.numbers("list"), "model.ssd.list: expected numbers, got 1, 'b'"),
        (lambda s: s.texts("list"), "model.ssd.list: expected texts in quotes, got 1, 'b'"),
        (lambda s: s.section("name"), "model.ssd.name: expected a message { … }, got 'a'"),
        (lambda s: s.section("loss"), "model.ssd.loss: expected one, got 2"),
        (lambda s: s.number("loss.a.b"), "model.ssd.loss: expected one, got 2"),
        (lambda s: s.choice("kind", ("a", "b")), "model.ssd.kind: expected one of a, b, got 2 of them"),
        (lambda s: s.choice("coder", ("a", "b")), "model.ssd.coder: expected a or b, got none"),
        (lambda s: s.section("kind.c").number("d"), "model.ssd.kind.c.d is missing: expected a number"),
        (lambda s: s.integer("num_cels"), "model.ssd.num_cels is missing: expected a whole number.\nIts section has"),
    ],
    ids=range(25),
)
def test_errors_name_the_path_what_was_expected_and_got(ask: Callable[[Section], Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        ask(config(CONTENT).section("model.ssd"))
    assert message in str(caught.value)
    assert caught.value.what.startswith("x.config, model.ssd.")


def test_who_knows_more_of_a_value_refuses_it_alike() -> None:
    error = config(CONTENT).refusal("model.ssd.half", "1 or more")
    assert str(error) == "x.config, model.ssd.half: expected 1 or more, got 0.5."


def test_an_unknown_choice_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"train_config\.optimizer: expected adam_optimizer, got rms_prop_optimizer"):
        config("train_config { optimizer { rms_prop_optimizer {} } }").choice(
            "train_config.optimizer", ("adam_optimizer",)
        )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x.config is empty"),
        (b"# nothing", "no pipeline.config: it holds nothing"),
        (b"item { id: 1 name: 'x' }", "no pipeline.config: its root has 'item'.\nExpected model, train_config"),
        (b"model {} trainconfig {}", "its root has 'trainconfig'"),
        (b"model {\n ssd { }", "x.config ends inside a message.\nThe file is cut off"),
        (b"model {\n ssd: 08 }", "x.config, line 2: '08' is no number"),
        (b"model { ssd: '\xe8' }", "not UTF-8"),
        (b"\x0a\x05\0\0\0", "is not text"),
        (b"<html></html>", "web page"),
    ],
)
def test_what_is_no_config_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        pipeline.parse(data, name="x.config")
    assert message in str(caught.value)


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        pipeline.read(tmp_path / "none.config")


def test_damaged_bytes_are_a_config_or_a_clear_error() -> None:
    data = QUANTISED.read_bytes()
    for seed in range(500):
        with contextlib.suppress(EdgekitError):
            whole = pipeline.parse(mutate(data, seed), name="x")
            whole.section("model.ssd").integer("num_classes")
            whole.section("train_config").choice("optimizer", ("momentum_optimizer",)).number(
                "momentum_optimizer_value"
            )
            whole.ignored()


@pytest.mark.real
def test_the_published_config(real: Path) -> None:
    whole = pipeline.read(real / "coco_ssd_mobilenet_v1_checkpoint" / "pipeline.config")
    ssd = whole.section("model.ssd")
    assert ssd.integer("num_classes") == 90
    assert ssd.numbers("anchor_generator.ssd_anchor_generator.aspect_ratios") == (1.0, 2.0, 0.5, 3.0, 0.333299994469)
    assert whole.section("train_config").choice("optimizer", ("rms_prop_optimizer",)).number("epsilon") == 1.0
    assert whole.text("eval_input_reader.tf_record_input_reader.input_path") == (
        "PATH_TO_BE_CONFIGURED/mscoco_val.record"
    )
    assert "graph_rewriter" not in whole
    assert "model.ssd.box_predictor" in whole.ignored()
    assert "train_input_reader" in whole.ignored()
    assert "eval_input_reader.num_readers" in whole.ignored()
