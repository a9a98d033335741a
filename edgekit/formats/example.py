"""tf.train.Example, and the Object Detection API's keys in it: one annotated picture a record.

Field numbers are those of tensorflow/core/example/{example,feature}.proto, keys those of
object_detection/data_decoders/tf_example_decoder.py. Boxes stand there as shares of the picture, here in pixels.
``image/object/difficult`` is passed over, as in Pascal VOC files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence, Sized
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from ..errors import UserDataError
from ..values.truth import Annotation, TrueBox
from ..vision import images
from . import tfrecord
from .descriptors import classes
from .foreign import kind
from .labels import GAP, check_text, nearest, shown

Feature = Sequence[bytes] | NDArray[Any]

CLASSES = classes(
    {
        "Example": "1 features Features",
        "Features": "1 feature map Feature",
        "Feature": "1 bytes_list BytesList, 2 float_list FloatList, 3 int64_list Int64List",
        "BytesList": "1 value bytes*",
        "FloatList": "1 value float*",
        "Int64List": "1 value int64*",
    },
    oneofs={"Feature": "kind"},
)

ENCODED, FORMAT, FILENAME, SOURCE = "image/encoded", "image/format", "image/filename", "image/source_id"
HEIGHT, WIDTH, DIGEST = "image/height", "image/width", "image/key/sha256"
EDGES = tuple(f"image/object/bbox/{edge}" for edge in ("xmin", "ymin", "xmax", "ymax"))
TEXT, NUMBER = "image/object/class/text", "image/object/class/label"
CROWD, AREA = "image/object/is_crowd", "image/object/area"
_FORMATS = {"a JPEG picture": b"jpeg", "a PNG picture": b"png"}  # those that the Object Detection API decodes
_KINDS = {"bytes": "texts or bytes", "float32": "floats", "int64": "whole numbers"}


def decode(data: bytes, *, name: str) -> dict[str, list[bytes] | NDArray[Any]]:
    """Key → list of bytes, float32 (n,) or int64 (n,); keys without a list are left out.

    name: what messages call the record. Raises UserDataError where the bytes are no Example.
    """
    try:
        features = CLASSES["Example"].FromString(data).features.feature
    except DecodeError:
        raise UserDataError(
            f"{name} is no tf.train.Example.", cause="Its bytes are another protocol buffer's, or something else."
        ) from None
    return {key: _values(features[key]) for key in sorted(features) if features[key].WhichOneof("kind")}


def encode(features: Mapping[str, Feature]) -> bytes:
    """The bytes of an Example; arrays of floats become float32, of whole numbers int64. Equal features, equal bytes."""
    example = CLASSES["Example"]()
    for key, values in features.items():
        feature = example.features.feature[key]
        if not isinstance(values, np.ndarray):
            feature.bytes_list.value.extend(values)
            feature.bytes_list.SetInParent()
        elif values.dtype.kind == "f":
            feature.float_list.value.extend(values.astype(np.float32).ravel().tolist())
            feature.float_list.SetInParent()
        else:
            feature.int64_list.value.extend(values.astype(np.int64).ravel().tolist())
            feature.int64_list.SetInParent()
    return bytes(example.SerializeToString(deterministic=True))


def pictures(path: Path, *, labels: Sequence[str] = ()) -> Iterator[tuple[bytes, Annotation]]:
    """``picture`` of every record of a TFRecord file. Errors name the file and the number of the record, from 1."""
    for number, data in enumerate(tfrecord.read(path), start=1):
        yield picture(data, name=f"{path}, record {number}", labels=labels)


def picture(data: bytes, *, name: str, labels: Sequence[str] = ()) -> tuple[bytes, Annotation]:
    """The picture file's bytes and the annotation in a record of the Object Detection API.

    labels: of ids without a text, that of id 1 first. A size that the record does not say is read from the picture.
    Raises UserDataError that names the record, by ``name``, and the key.
    """
    found = _Record(data, name)
    encoded = b"".join(found.texts(ENCODED)[:1])
    if not encoded:
        raise UserDataError(
            f"{name} has no {ENCODED}.",
            cause=f"It has {', '.join(map(shown, found.keys[:8])) or 'no keys'}.",
            fix="Give records as the Object Detection API's create_*_tf_record.py write them.",
        )
    size = found.size() or _size(encoded, f"{name}, {ENCODED}")
    file = found.utf8(FILENAME) or found.utf8(SOURCE) or name
    return encoded, Annotation(name=file, size=size, boxes=found.boxes(size, labels))


def record(encoded: bytes, annotation: Annotation, *, labels: Sequence[str]) -> bytes:
    """The record of a JPEG or PNG file and its annotation, with every key that ``picture`` reads.

    Raises UserDataError where the picture is of another kind, or a box has a label that is not among ``labels``.
    """
    form = _FORMATS.get(kind(encoded))
    if form is None:
        raise UserDataError(
            f"{annotation.name} is neither JPEG nor PNG.", cause="Records hold no other pictures.", fix="Convert it."
        )
    width, height = annotation.size or _size(encoded, annotation.name)
    boxes = annotation.boxes
    edges = np.array([box.box for box in boxes], np.float64).reshape(-1, 4) / (width, height, width, height)
    name = annotation.name.encode()
    numbers = [_number(box.label, labels, annotation.name) for box in boxes]
    return encode(
        {
            ENCODED: [encoded],
            FORMAT: [form],
            FILENAME: [name],
            SOURCE: [name],
            DIGEST: [hashlib.sha256(encoded).hexdigest().encode()],
            HEIGHT: np.array([height]),
            WIDTH: np.array([width]),
            **{key: edges[:, column] for column, key in enumerate(EDGES)},
            TEXT: [box.label.encode() for box in boxes],
            NUMBER: np.array(numbers, np.int64),
            CROWD: np.array([box.crowd for box in boxes], np.int64),
            AREA: np.array([box.area for box in boxes], np.float32),
        }
    )


class _Record:
    """The features of one record, by key and kind; what is missing is an empty list, whatever the kind."""

    def __init__(self, data: bytes, name: str) -> None:
        self._features, self._name = decode(data, name=name), name

    @property
    def keys(self) -> list[str]:
        return list(self._features)

    def texts(self, key: str) -> list[bytes]:
        values = self._features.get(key, [])
        if isinstance(values, list) or not len(values):
            return list(values)
        raise self._wrong(key, "bytes")

    def integers(self, key: str) -> NDArray[np.int64]:
        return self._array(key, np.dtype(np.int64))

    def floats(self, key: str) -> NDArray[np.float32]:
        """Finite numbers."""
        values = self._array(key, np.dtype(np.float32))
        strange = values[~np.isfinite(values)]
        if strange.size:
            raise UserDataError(f"{self._name}: {key} holds {strange[0]}, expected finite numbers.")
        return values

    def utf8(self, key: str) -> str:
        return next((self._decoded(value, key) for value in self.texts(key)), "")

    def size(self) -> tuple[int, int] | None:
        """Width and height; None where there are none, or zeros."""
        width, height = (next(iter(self.integers(key).tolist()), 0) for key in (WIDTH, HEIGHT))
        return (width, height) if 0 < width < 2**31 and 0 < height < 2**31 else None

    def boxes(self, size: tuple[int, int], labels: Sequence[str]) -> tuple[TrueBox, ...]:
        edges = [self.floats(key) for key in EDGES]
        texts, numbers = self.texts(TEXT), self.integers(NUMBER)
        crowd, areas = self.integers(CROWD), self.floats(AREA)
        count = len(edges[0])
        self._check_counts(dict(zip(EDGES, edges, strict=True)), count)
        self._check_counts({TEXT: texts, NUMBER: numbers, CROWD: crowd, AREA: areas}, count, also=0)
        pixels = np.stack(edges, axis=1).astype(np.float64) * (size * 2)
        sides = pixels[:, 2:] - pixels[:, :2]
        return tuple(
            TrueBox(
                label=self._label(index, texts, numbers, labels),
                box=(xmin, ymin, xmax, ymax),
                area=float(areas[index] if len(areas) else sides[index].prod()),
                crowd=bool(len(crowd) and crowd[index]),
            )
            for index, (xmin, ymin, xmax, ymax) in enumerate(pixels.tolist())
        )

    def _array(self, key: str, dtype: np.dtype[Any]) -> NDArray[Any]:
        values = self._features.get(key, [])
        if not len(values):
            return np.zeros(0, dtype)
        if isinstance(values, list) or values.dtype != dtype:
            raise self._wrong(key, dtype.name)
        return values

    def _check_counts(self, lists: Mapping[str, Sized], count: int, *, also: int | None = None) -> None:
        for key, values in lists.items():
            if len(values) not in (count, also):
                raise UserDataError(f"{self._name}: {EDGES[0]} has {count} values, {key} has {len(values)}.")

    def _label(self, index: int, texts: Sequence[bytes], numbers: NDArray[Any], labels: Sequence[str]) -> str:
        if texts and texts[index]:
            return self._decoded(texts[index], TEXT)
        if not len(numbers):
            raise UserDataError(f"{self._name}: a box has neither {TEXT} nor {NUMBER}.")
        number = int(numbers[index])
        if 0 < number <= len(labels) and labels[number - 1] != GAP:
            return labels[number - 1]
        raise UserDataError(
            f"{self._name}: {NUMBER} is {number}, and no text says what that is.",
            cause=f"The label map has no id {number}." if labels else "",
            fix="Give the label map that the records were made with.",
        )

    def _decoded(self, value: bytes, key: str) -> str:
        try:
            text = value.decode()
        except UnicodeDecodeError:
            raise UserDataError(f"{self._name}: {key} is not UTF-8: {value[:40]!r}.") from None
        check_text(text, f"{self._name}, {key}")
        return text

    def _wrong(self, key: str, expected: str) -> UserDataError:
        values = self._features[key]
        got = "bytes" if isinstance(values, list) else values.dtype.name
        return UserDataError(f"{self._name}: {key} holds {_KINDS[got]}, expected {_KINDS[expected]}.")


def _size(encoded: bytes, name: str) -> tuple[int, int]:
    height, width = images.decode(encoded, name).shape[:2]
    return width, height


def _values(feature: Any) -> list[bytes] | NDArray[Any]:
    field = feature.WhichOneof("kind")
    values = getattr(feature, field).value
    if field == "bytes_list":
        return list(values)
    return np.array(values, np.float32 if field == "float_list" else np.int64)


def _number(label: str, labels: Sequence[str], name: str) -> int:
    if label == GAP or label not in labels:
        raise UserDataError(f"{name}: the label map has no label {label!r}.", fix=nearest(label, labels))
    return labels.index(label) + 1
