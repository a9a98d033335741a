"""The model of a pipeline.config: its network, anchors, matching, losses, and which of its boxes are answers."""

from __future__ import annotations

import math

from ..errors import UsageError
from ..formats.pipeline import Config, Section
from ..values.spec import Selection
from ..vision.anchors import Size, ssd_sizes
from ..vision.assign import LEAST, Matching
from .architecture import BOX, MOBILENET_V1, V1_STRIDES
from .options import LossOptions, SsdOptions

SSD = "model.ssd"
EXTRACTOR, PREDICTOR = f"{SSD}.feature_extractor", f"{SSD}.box_predictor.convolutional_box_predictor"
CONVOLUTIONS = "conv_hyperparams"
NO_OTHER = "edgekit trains no other kind of model."

_TYPES = {"ssd_mobilenet_v1": MOBILENET_V1}
_CLASSIFICATIONS = {"weighted_sigmoid": "sigmoid", "weighted_sigmoid_focal": "focal", "weighted_softmax": "softmax"}
_LOCALISATIONS = {"weighted_smooth_l1": "smooth_l1", "weighted_giou": "giou"}
_LOW, _HIGH = 0.001, 100.0  # scales and aspect ratios of anchors, far outside of what makes sense
# What edgekit has no other way for: another value would be another model
_ONLY: dict[str, bool | int] = {
    f"{SSD}.image_resizer.fixed_shape_resizer.convert_to_grayscale": False,
    f"{EXTRACTOR}.pad_to_multiple": 1,
    f"{EXTRACTOR}.use_depthwise": False,
    f"{PREDICTOR}.kernel_size": 1,
    f"{PREDICTOR}.num_layers_before_predictor": 0,
    f"{PREDICTOR}.max_depth": 0,
    f"{PREDICTOR}.box_code_size": BOX,
    f"{PREDICTOR}.use_depthwise": False,
    f"{PREDICTOR}.apply_sigmoid_to_scores": False,
    f"{SSD}.matcher.argmax_matcher.ignore_thresholds": False,
    f"{SSD}.matcher.argmax_matcher.negatives_lower_than_unmatched": True,
}


def network(config: Config) -> SsdOptions:
    """Options with all that the model decides, the others at their defaults."""
    ssd = _choice(config, "model", "ssd", cause="edgekit trains SSD detectors only.")
    kind = _kind(ssd)
    resizer = _choice(
        ssd,
        "image_resizer",
        "fixed_shape_resizer",
        cause="TensorFlow Lite needs one size for all pictures.",
        fix="Write, for instance: fixed_shape_resizer { height: 300 width: 300 }",
    )
    height, width = resizer.integer("height", 300, low=1), resizer.integer("width", 300, low=1)
    if "box_predictor" in ssd:
        _choice(ssd, "box_predictor", PREDICTOR.rpartition(".")[2], cause=NO_OTHER)
    strides, sizes = _anchors(ssd, height, width)
    box_coder, matching, losses = _box_coder(ssd), _matching(ssd), _losses(ssd)
    for path, only in _ONLY.items():
        _expect_only(config, path, only)
    return SsdOptions(
        kind=kind,
        height=height,
        width=width,
        strides=strides,
        multiplier=ssd.number("feature_extractor.depth_multiplier", 1.0),
        min_depth=ssd.integer("feature_extractor.min_depth", 16, low=1),
        anchors=sum(map(len, sizes)),
        sizes=sizes,
        box_coder=box_coder,
        matching=matching,
        losses=losses,
        decay=_decay(ssd),
        selection=_selection(ssd, losses),
    )


def _kind(ssd: Section) -> str:
    found = ssd.text("feature_extractor.type")
    if found not in _TYPES:
        raise UsageError(
            ssd.refusal("feature_extractor.type", " or ".join(map(repr, _TYPES))).what,
            cause="edgekit builds no other network of the Object Detection API.",
            fix=f"Write type: {next(iter(_TYPES))!r} and ssd_anchor_generator, or leave --pipeline-config out: edgekit "
            "has a network of its own.",
        )
    return _TYPES[found]


def _expect_only(config: Config, path: str, only: bool | int) -> None:
    if not config.confirm(path, only):
        said = str(only).lower()
        raise UsageError(
            config.refusal(path, said).what,
            cause=NO_OTHER,
            fix=f"Write {path.rpartition('.')[2]}: {said}, or leave it out.",
        )


def _choice(section: Section, path: str, kind: str, *, cause: str, fix: str = "") -> Section:
    try:
        return section.choice(path, (kind,))
    except UsageError as error:
        raise UsageError(error.what, cause=cause, fix=fix or f"Write {kind} {{ … }} there.") from None


def _anchors(ssd: Section, height: int, width: int) -> tuple[tuple[int, ...], tuple[tuple[Size, ...], ...]]:
    """Strides of the feature maps, and sizes of their anchors."""
    section = _choice(ssd, "anchor_generator", "ssd_anchor_generator", cause=NO_OTHER)
    layers = section.integer("num_layers", len(V1_STRIDES), low=1, high=len(V1_STRIDES))
    if not ssd.confirm("feature_extractor.num_layers", layers):
        raise ssd.refusal("feature_extractor.num_layers", f"{layers}, as many as the anchors are for")
    scales, ratios = section.numbers("scales"), section.numbers("aspect_ratios")
    if scales and len(scales) != layers:
        raise section.refusal("scales", f"{layers} numbers, one for each of num_layers")
    for path, numbers in (("scales", scales), ("aspect_ratios", ratios)):
        if not all(_LOW <= number <= _HIGH for number in numbers):
            raise section.refusal(path, f"numbers from {_LOW:g} to {_HIGH:g}")
    strides = V1_STRIDES[:layers]
    _expect_centred(section, strides, height, width)
    shorter = min(height, width)
    sizes = ssd_sizes(
        layers,
        scales=scales,
        smallest=0.2 if scales else section.number("min_scale", 0.2, low=_LOW, high=_HIGH),
        largest=0.95 if scales else section.number("max_scale", 0.95, low=_LOW, high=_HIGH),
        ratios=ratios,
        interpolated=section.number("interpolated_scale_aspect_ratio", 1.0, low=0, high=_HIGH),
        reduce_lowest=section.flag("reduce_boxes_in_lowest_layer", True),
        base=(
            section.number("base_anchor_height", 1.0, low=_LOW, high=_HIGH) * shorter / height,
            section.number("base_anchor_width", 1.0, low=_LOW, high=_HIGH) * shorter / width,
        ),
    )
    if not all(sizes):
        raise section.refusal("aspect_ratios", "at least one, as there is no interpolated anchor")
    return strides, sizes


def _expect_centred(section: Section, strides: tuple[int, ...], height: int, width: int) -> None:
    """Refuse anchors that do not stand in the centres of equal cells."""
    for axis, side in (("height", height), ("width", width)):
        cells = [side / -(-side // stride) for stride in strides]
        for field, usual in ((f"{axis}_stride", cells), (f"{axis}_offset", [cell / 2 for cell in cells])):
            given = section.numbers(field, usual)
            if len(given) != len(usual) or not all(map(math.isclose, given, usual)):
                raise UsageError(
                    section.refusal(field, ", ".join(f"{value:g}" for value in usual)).what,
                    cause="edgekit's anchors stand in the centres of the cells of their map.",
                    fix=f"Leave {field} out.",
                )


def _box_coder(ssd: Section) -> tuple[float, float, float, float]:
    coder = _choice(ssd, "box_coder", "faster_rcnn_box_coder", cause="TensorFlow Lite decodes no other boxes.")
    return (
        coder.positive("y_scale", 10.0),
        coder.positive("x_scale", 10.0),
        coder.positive("height_scale", 5.0),
        coder.positive("width_scale", 5.0),
    )


def _matching(ssd: Section) -> Matching:
    matcher = _choice(ssd, "matcher", "argmax_matcher", cause=NO_OTHER)
    similarity = ssd.section("similarity_calculator")
    if similarity.present() == "iou_similarity":
        similarity.section("iou_similarity")
    positive = matcher.number("matched_threshold", 0.5, low=LEAST, high=1)
    negative = matcher.number("unmatched_threshold", 0.5, low=LEAST, high=1)
    if negative > positive:
        raise matcher.refusal("unmatched_threshold", f"at most matched_threshold, which is {positive:g}")
    matcher.flag("use_matmul_gather", False)  # another way to the same result
    return Matching(positive=positive, negative=negative, force=matcher.flag("force_match_for_each_row", False))


def _losses(ssd: Section) -> LossOptions:
    loss = ssd.section("loss")
    classification = loss.choice("classification_loss", tuple(_CLASSIFICATIONS))
    localisation = loss.choice("localization_loss", tuple(_LOCALISATIONS))
    weight = loss.number("classification_weight", 1.0, low=0)
    alpha = classification.number("alpha", 0.5, low=0, high=1)
    if classification.kind == "weighted_sigmoid_focal" and "alpha" not in classification:
        weight *= 2  # both sides weigh 1 then, twice what they weigh with .5
    parts = BOX if ssd.flag("normalize_loc_loss_by_codesize", False) else 1
    negatives = loss.number("hard_example_miner.max_negatives_per_positive", 0.0, low=0)
    loss.confirm("hard_example_miner.min_negatives_per_image", negatives)  # of a picture without boxes as many are kept
    return LossOptions(
        classification=_CLASSIFICATIONS[classification.kind],
        alpha=alpha,
        gamma=classification.number("gamma", 2.0, low=0),
        localisation=_LOCALISATIONS[localisation.kind],
        negatives=negatives,
        background_weight=1.0,
        classification_weight=weight,
        localisation_weight=loss.number("localization_weight", 1.0, low=0) / parts,
    )


def _decay(ssd: Section) -> float:
    """Of all layers: the file's for the feature extractor."""
    path = f"{CONVOLUTIONS}.regularizer.l2_regularizer"
    found = f"feature_extractor.{path}" in ssd
    decay = ssd.number(f"feature_extractor.{path}.weight", 1.0, low=0) if found else 0.0
    ssd.confirm(f"box_predictor.convolutional_box_predictor.{path}.weight", decay)
    return decay


def _selection(ssd: Section, losses: LossOptions) -> Selection:
    """As the old exporter had it, but for the number of boxes, which it took from its command line."""
    wanted = losses.activation.upper()
    try:
        ssd.word("post_processing.score_converter", (wanted,))
    except UsageError as error:
        raise UsageError(
            error.what,
            cause=f"That is what {ssd.section('loss.classification_loss').present()} trains.",
            fix=f"Write score_converter: {wanted}.",
        ) from None
    section = ssd.section("post_processing.batch_non_max_suppression")
    agnostic = "use_class_agnostic_nms"
    return Selection(
        score=section.number("score_threshold", 0.0),
        iou=section.number("iou_threshold", 0.6),
        max_detections=section.integer("max_total_detections", 100),
        max_classes_per_detection=section.integer("max_classes_per_detection", 1),
        detections_per_class=section.integer("max_detections_per_class", 100),
        # It made one suppression over all classes of files that say nothing, though the API itself made one a class
        regular=agnostic in section and not section.flag(agnostic),
    )
