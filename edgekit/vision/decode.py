"""From a model's tensors to its answer; docs/formats/decoding.md is the specification.

``postprocess`` does in numpy what the operator TFLite_Detection_PostProcess does: same arithmetic, same order of
equal scores, same meaning of the count. Reference: tensorflow/lite/kernels/detection_postprocess.cc.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from ..values.answers import Answer, Classification, Detections
from ..values.spec import ClassHead, FinalHead, ModelSpec, RawHead, Selection
from . import partial_sort

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]
FIRST_BLOCK = 128  # candidates looked at together; doubles, because late candidates are mostly suppressed


class Rows(NamedTuple):
    """Outputs of the operator without their batch dimension, zeros where the kernel writes nothing.

    boxes: float32 (rows, 4) of (ymin, xmin, ymax, xmax). classes, scores: float32 (rows,).
    found: boxes; each takes ``max_classes_per_detection`` rows unless the suppression is regular.
    """

    boxes: Floats
    classes: Floats
    scores: Floats
    found: int


def answer(spec: ModelSpec, outputs: Mapping[str, NDArray[np.float32]], anchors: Floats | None = None) -> Answer:
    """What the model says, from its output tensors in real numbers by name.

    anchors: float32 (N, 4), needed by a raw head. Raises SourceError where a tensor is missing or does not fit.
    """
    head = spec.head
    if isinstance(head, ClassHead):
        return _classification(activate(_tensor(outputs, head.scores).reshape(-1), head.activation))
    if spec.selection is None:
        raise SourceError(f"{spec.name} is a detector without a selection.", fix="Convert it again.")
    if isinstance(head, FinalHead):
        rows = _rows(head, outputs)
    else:
        rows = _from_raw(spec, head, outputs, anchors, spec.selection)
    return detections(rows, spec.selection, spec.num_classes)


def detections(rows: Rows, selection: Selection, num_classes: int) -> Detections:
    """The rows of the operator that mean something, best first."""
    columns = 1 if selection.regular else selection.max_classes_per_detection
    used = np.arange(min(max(rows.found, 0) * columns, len(rows.scores)))
    used = used[used % columns < num_classes]  # the kernel leaves a gap where there are fewer classes than columns
    used = used[np.argsort(-rows.scores[used], kind="stable")]
    return Detections(
        boxes=rows.boxes[used][:, [1, 0, 3, 2]],
        scores=rows.scores[used],
        classes=rows.classes[used].astype(np.int64),
    )


def activate(scores: Floats, activation: str) -> Floats:
    """Scores after 'none', 'sigmoid' or 'softmax' (over the last axis), in double, rounded to float32."""
    if activation == "none":
        return scores
    wide = scores.astype(np.float64)
    with np.errstate(over="ignore"):
        if activation == "sigmoid":
            return (1 / (1 + np.exp(-wide))).astype(np.float32)
        powers = np.exp(wide - wide.max(axis=-1, keepdims=True))
        result: Floats = (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)
        return result


def postprocess(
    boxes: Floats,
    scores: Floats,
    anchors: Floats,
    box_coder: Sequence[float],
    selection: Selection,
    num_classes: int,
) -> Rows:
    """Decode, suppress and select as TFLite_Detection_PostProcess does.

    boxes: float32 (N, 4 or more) of (ty, tx, th, tw, …). scores: float32 (N, num_classes), or one column more,
    whose first is the background. anchors: float32 (N, 4) of (y centre, x centre, height, width).
    Raises SourceError where the shapes do not fit or a box is inside out, as the kernel then fails too.
    """
    _check_shapes(boxes, scores, anchors, num_classes)
    corners = decode_boxes(boxes, anchors, box_coder)
    _check_corners(corners)
    foreground = scores[:, scores.shape[1] - num_classes :]
    select = _regular if selection.regular else _fast
    return select(corners, foreground, selection)


def decode_boxes(boxes: Floats, anchors: Floats, box_coder: Sequence[float]) -> Floats:
    """Corners (ymin, xmin, ymax, xmax) of encoded boxes; may reach beyond the picture's [0, 1]."""
    scales = np.asarray(box_coder, np.float32).astype(np.float64)
    encoded = boxes[:, :4].astype(np.float64) / scales
    anchor = anchors.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        centre = (encoded[:, :2] * anchor[:, 2:] + anchor[:, :2]).astype(np.float32)
        half = (0.5 * np.exp(encoded[:, 2:]) * anchor[:, 2:]).astype(np.float32)
        return np.concatenate([centre - half, centre + half], axis=1)


def _check_shapes(boxes: Floats, scores: Floats, anchors: Floats, num_classes: int) -> None:
    count = len(anchors)
    fits = boxes.ndim == 2 and boxes.shape[0] == count and boxes.shape[1] >= 4 and anchors.shape == (count, 4)
    if not fits or scores.shape not in ((count, num_classes), (count, num_classes + 1)):
        raise SourceError(
            f"Post-processing cannot use boxes {boxes.shape}, scores {scores.shape} and anchors {anchors.shape} "
            f"for {num_classes} classes.",
            cause="Expected boxes (N, 4), scores (N, classes) or (N, classes + 1) and anchors (N, 4), N the same.",
            fix="Check the output names, the anchors and the number of classes.",
        )


def _check_corners(corners: Floats) -> None:
    inverted = np.flatnonzero((corners[:, :2] > corners[:, 2:]).any(axis=1))
    if len(inverted):
        raise SourceError(
            f"Post-processing refuses {len(inverted)} boxes whose ymin > ymax or xmin > xmax, "
            f"the first that of anchor {inverted[0]}.",
            cause="These anchors have a negative height or width.",
            fix="Give anchors as rows of (y centre, x centre, height, width).",
        )


def _fast(corners: Floats, scores: Floats, selection: Selection) -> Rows:
    """One suppression over the best class of each box."""
    num_classes = scores.shape[1]
    columns = min(selection.max_classes_per_detection, num_classes)
    best = scores.max(axis=1, initial=-np.inf)
    for anchor in np.flatnonzero(np.isnan(best)):
        best[anchor] = scores[anchor, partial_sort.decreasing(scores[anchor].tolist(), columns)[0]]
    chosen = _suppress(corners, best, selection, limit=selection.max_detections)
    rows = _empty(selection.rows)
    for place, anchor in enumerate(chosen):
        classes = partial_sort.decreasing(scores[anchor].tolist(), columns)
        used = slice(place * selection.max_classes_per_detection, place * selection.max_classes_per_detection + columns)
        rows.boxes[used] = corners[anchor]
        rows.classes[used] = classes
        rows.scores[used] = scores[anchor, classes]
    return rows._replace(found=len(chosen))


def _regular(corners: Floats, scores: Floats, selection: Selection) -> Rows:
    """One suppression a class; after each class only the best ``max_detections`` so far stay.

    Of equal scores that of the lower class comes first. This is the kernel with one thread: with t threads LiteRT
    and TensorFlow Lite leave class t out (tensorflow/tensorflow#56058).
    """
    limit = min(selection.detections_per_class, selection.max_detections)
    best = np.empty(0, np.float32)
    anchors = classes = np.empty(0, np.intp)
    for index in range(scores.shape[1]):
        # Once the list is full, only a higher score than its last gets in: nothing lower need be suppressed.
        floor = best[-1] if len(best) == selection.max_detections else -np.inf
        column = np.where(scores[:, index] > floor, scores[:, index], np.float32(np.nan))
        chosen = _suppress(corners, column, selection, limit=limit)
        best = np.concatenate([best, column[chosen]])
        keep = np.argsort(-best, kind="stable")[: selection.max_detections]
        best = best[keep]
        anchors = np.concatenate([anchors, chosen])[keep]
        classes = np.concatenate([classes, np.full(len(chosen), index, np.intp)])[keep]
    rows = _empty(selection.rows)
    count = len(best)
    rows.boxes[:count] = corners[anchors]
    rows.classes[:count] = classes
    rows.scores[:count] = best
    return rows._replace(found=count)


def _empty(rows: int) -> Rows:
    return Rows(np.zeros((rows, 4), np.float32), np.zeros(rows, np.float32), np.zeros(rows, np.float32), 0)


def _suppress(corners: Floats, scores: Floats, selection: Selection, *, limit: int) -> Indices:
    """Indices of the boxes that survive, best first, equal scores by index.

    A box goes when it overlaps a better survivor by more than the limit. Candidates are taken in blocks, so that
    those behind the last survivor asked for are never looked at.
    """
    kept = np.flatnonzero(scores >= np.float32(selection.score))
    order = kept[np.argsort(-scores[kept], kind="stable")]
    limit = min(limit, len(order))
    chosen: list[int] = []
    start, size = 0, FIRST_BLOCK
    while start < len(order) and len(chosen) < limit:
        block = order[start : start + size]
        start, size = start + size, size * 2
        if chosen:
            block = block[~_overlaps(corners[chosen][:, None], corners[block], selection.iou).any(axis=0)]
        while len(block) and len(chosen) < limit:
            chosen.append(int(block[0]))
            block = block[1:][~_overlaps(corners[block[0]], corners[block[1:]], selection.iou)]
    return np.asarray(chosen, np.intp)


def _overlaps(better: Floats, other: Floats, limit: float) -> NDArray[np.bool_]:
    """Whether boxes (…, 4) overlap by more than ``limit``, in float32 as the kernel; without area they never do."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        areas = [(box[..., 2] - box[..., 0]) * (box[..., 3] - box[..., 1]) for box in (better, other)]
        low = np.where(better[..., :2] < other[..., :2], other[..., :2], better[..., :2])
        high = np.where(other[..., 2:] < better[..., 2:], other[..., 2:], better[..., 2:])
        sides = high - low
        sides[sides < 0] = 0
        shared = sides[..., 0] * sides[..., 1]
        overlap = shared / (areas[0] + areas[1] - shared)
        result: NDArray[np.bool_] = ~(areas[0] <= 0) & ~(areas[1] <= 0) & (overlap > np.float32(limit))
    return result


def _tensor(outputs: Mapping[str, NDArray[np.float32]], name: str) -> Floats:
    if name not in outputs:
        raise SourceError(f"The model gave no tensor {name}.", cause=f"It gave {', '.join(outputs) or 'none'}.")
    return np.asarray(outputs[name], np.float32)


def _rows(head: FinalHead, outputs: Mapping[str, NDArray[np.float32]]) -> Rows:
    scores = _tensor(outputs, head.scores).reshape(-1)
    classes = _tensor(outputs, head.classes).reshape(-1)
    boxes = _tensor(outputs, head.boxes).reshape(-1, 4)
    count = _tensor(outputs, head.count).reshape(-1)
    if not len(scores) == len(classes) == len(boxes) or len(count) != 1 or not np.isfinite(count[0]):
        raise SourceError(
            f"The detections have {len(boxes)} boxes, {len(classes)} classes, {len(scores)} scores and "
            f"the count {count.tolist()}.",
            cause="Expected as many of each, and one number: the outputs are in another order.",
        )
    return Rows(boxes, classes, scores, int(count[0]))


def _from_raw(
    spec: ModelSpec,
    head: RawHead,
    outputs: Mapping[str, NDArray[np.float32]],
    anchors: Floats | None,
    selection: Selection,
) -> Rows:
    if anchors is None:
        raise SourceError(f"{spec.name} has a raw head and no anchors.", fix=f"Put {head.anchors} beside the model.")
    boxes = _tensor(outputs, head.boxes)
    scores = _tensor(outputs, head.scores)
    return postprocess(
        boxes.reshape(-1, boxes.shape[-1]),
        activate(scores.reshape(-1, scores.shape[-1]), head.activation),
        anchors,
        head.box_coder,
        selection,
        spec.num_classes,
    )


def _classification(scores: Floats) -> Classification:
    order = np.argsort(-scores, kind="stable")
    return Classification(classes=order.astype(np.int64), scores=scores[order])
