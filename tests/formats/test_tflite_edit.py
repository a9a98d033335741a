"""Edits of .tflite files, judged by what the real runtime answers before and after."""

import io
import time
import zipfile

import numpy as np
import pytest

from edgekit.errors import ConversionError, SourceError, UsageError
from edgekit.formats.flatbuffer import Field, Ref, encode, root
from edgekit.formats.tflite import (
    CUSTOM_NAME,
    PostprocessOptions,
    attach,
    canonical,
    find,
    quantise_input,
    read,
    strip,
)
from edgekit.formats.tflite import (
    anchors as anchors_of,
)
from edgekit.formats.tflite.schema import IDENTIFIER, SCHEMA
from edgekit.values.spec import Selection
from edgekit.vision.decode import postprocess

from .tflite_models import CLASSES, anchors, picture, raw_detector, run, signatures

OPTIONS = PostprocessOptions(
    selection=Selection(score=0.1, iou=0.5, max_detections=6), num_classes=CLASSES, box_coder=(9.0, 8.0, 7.0, 6.0)
)
NAMES = {"pictures:0": "image"}


def attached(dtype="float32", *, activation="sigmoid", options=OPTIONS, **fields):
    raw = raw_detector(dtype, **fields)
    return attach(
        raw, options=options, anchors=anchors(), boxes="raw/boxes", scores="raw/scores", activation=activation
    )


def real(tensor, stored):
    quantisation = tensor.quantisation
    if quantisation is None:
        return stored
    return ((stored.astype(np.float32) - quantisation.zero_points[0]) * quantisation.scales[0]).astype(np.float32)


def activated(scores, activation):
    if activation == "sigmoid":
        return 1 / (1 + np.exp(-scores))
    if activation == "softmax":
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)
    return scores


@pytest.mark.parametrize("regular", [False, True])
@pytest.mark.parametrize("activation", ["none", "sigmoid", "softmax"])
@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8"])
def test_attached_postprocessing_decodes_the_raw_heads(dtype, activation, regular):
    options = PostprocessOptions(
        selection=Selection(score=0.1, iou=0.5, max_detections=6, regular=regular), num_classes=CLASSES
    )
    raw, image = raw_detector(dtype), picture(dtype)
    heads = zip(read(raw).main.outputs, run(raw, image), strict=True)
    boxes, scores = (real(read(raw).main.tensors[i], stored)[0] for i, stored in heads)
    expected = postprocess(
        boxes,
        activated(scores, activation).astype(np.float32),
        anchors(),
        options.box_coder,
        options.selection,
        options.num_classes,
    )
    found = run(attached(dtype, activation=activation, options=options), image)
    count = int(expected[3])
    assert count > 2
    assert int(found[3][0]) == count
    # Integer activations round to 1/256, which may swap neighbours: then only the scores can be compared.
    tolerance = 1e-6 if dtype == "float32" or activation == "none" else 1.5 / 256
    np.testing.assert_allclose(found[2][0, :count], expected[2][:count], atol=tolerance)
    if tolerance < 1e-5:
        np.testing.assert_allclose(found[0][0, :count], expected[0][:count], atol=1e-5)
        np.testing.assert_array_equal(found[1][0, :count], expected[1][:count])


@pytest.mark.parametrize(
    ("dtype", "operators"),
    [
        ("float32", []),
        ("uint8", ["DEQUANTIZE"]),  # the kernel reads uint8 scores itself
        ("int8", ["DEQUANTIZE", "DEQUANTIZE"]),
    ],
)
def test_only_what_the_kernel_cannot_read_is_dequantised(dtype, operators):
    data = attached(dtype, activation="none")
    model = read(data)
    assert [op.name for op in model.main.operators[4:]] == [*operators, CUSTOM_NAME]
    found = find(model)
    assert found is not None
    assert (found.options, found.order) == (OPTIONS, (0, 1, 2, 3))
    np.testing.assert_array_equal(anchors_of(model, found), anchors())
    shapes = [(model.main.tensors[i].name, model.main.tensors[i].shape) for i in model.main.outputs]
    assert shapes == [
        (CUSTOM_NAME, (1, 6, 4)),
        (CUSTOM_NAME + ":1", (1, 6)),
        (CUSTOM_NAME + ":2", (1, 6)),
        (CUSTOM_NAME + ":3", (1,)),
    ]


@pytest.mark.parametrize("xnnpack", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8"])
def test_strip_undoes_attach(dtype, xnnpack):
    raw, image = raw_detector(dtype), picture(dtype)
    back = strip(attached(dtype, activation="none"))
    for before, after in zip(run(raw, image, xnnpack=xnnpack), run(back, image, xnnpack=xnnpack), strict=True):
        np.testing.assert_array_equal(before, after)
    old, new = read(raw).main, read(back).main
    assert [tensor.name for tensor in new.tensors] == [tensor.name for tensor in old.tensors]
    assert new.operators == old.operators
    assert read(back).signatures[0].outputs == dict(zip(("boxes", "scores"), new.outputs, strict=True))
    again = attach(back, options=OPTIONS, anchors=anchors(), boxes="raw/boxes", scores="raw/scores")
    for before, after in zip(run(attached(dtype, activation="none"), image), run(again, image), strict=True):
        np.testing.assert_array_equal(before, after)


def test_heads_are_found_by_index_and_by_the_signature_s_names():
    raw = raw_detector()
    boxes, scores = read(raw).main.outputs
    by_name = attached(activation="none")
    assert attach(raw, options=OPTIONS, anchors=anchors(), boxes=boxes, scores=scores) == by_name
    assert attach(raw, options=OPTIONS, anchors=anchors(), boxes="first", scores="second") == by_name


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"boxes": "nothing"}, UsageError, "no tensor 'nothing'"),
        ({"boxes": 99}, UsageError, "no tensor 99"),
        ({"scores": "boxes"}, ConversionError, "are [1, 4, 4, 4]"),
        ({"anchors": np.zeros((15, 4), np.float32)}, ConversionError, "15 anchors need [1, 15, 4]"),
        ({"anchors": np.zeros((16, 3), np.float32)}, ConversionError, "no finite table [N, 4]"),
        ({"anchors": np.full((16, 4), np.nan, np.float32)}, ConversionError, "no finite table"),
        ({"options": PostprocessOptions(selection=Selection(), num_classes=5)}, ConversionError, "16 anchors and 5"),
        ({"activation": "relu"}, ConversionError, "no activation 'relu'"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes, error, words):
    arguments = {"options": OPTIONS, "anchors": anchors(), "boxes": "raw/boxes", "scores": "raw/scores"} | changes
    with pytest.raises(error) as caught:
        attach(raw_detector(), **arguments)
    assert words in str(caught.value)


def test_postprocessing_is_attached_and_taken_out_once():
    with pytest.raises(ConversionError, match="already"):
        attach(attached(), options=OPTIONS, anchors=anchors(), boxes="raw/boxes", scores="raw/scores")
    with pytest.raises(ConversionError, match="to take out"):
        strip(raw_detector())


def shuffled(data, order):
    """The file with its outputs in another order, as exporters of TensorFlow 2 leave them."""
    table = root(SCHEMA, "Model", data, IDENTIFIER)
    (graph,) = table.get("subgraphs")
    outputs = [graph.get("outputs")[i] for i in order]
    fields = table.shallow() | {"subgraphs": [graph.shallow() | {"outputs": outputs}], "signature_defs": None}
    return encode(SCHEMA, "Model", fields, IDENTIFIER, data)


def test_outputs_in_another_order_are_found_by_port_and_put_right():
    data, image = attached(), picture()
    foreign = shuffled(data, (2, 0, 3, 1))  # scores, boxes, count, classes
    found = find(read(foreign))
    assert found is not None
    assert found.order == (1, 3, 0, 2)
    fixed = canonical(foreign, inputs=NAMES)
    assert find(read(fixed)).order == (0, 1, 2, 3)
    for before, after in zip(run(data, image), run(fixed, image), strict=True):
        np.testing.assert_array_equal(before, after)
    listed = signatures(fixed)
    assert listed == {"serving_default": {"inputs": ["image"], "outputs": ["boxes", "classes", "count", "scores"]}}
    assert read(fixed).signatures[0].outputs == dict(
        zip(("boxes", "classes", "scores", "count"), read(fixed).main.outputs, strict=True)
    )


def test_an_open_batch_becomes_one():
    data = canonical(attached(open_batch=True), inputs=NAMES)
    model = read(data)
    assert all(-1 not in tensor.signature for tensor in model.main.tensors)
    for before, after in zip(run(attached(), picture()), run(data, picture()), strict=True):
        np.testing.assert_array_equal(before, after)


def test_an_open_size_is_refused():
    data = raw_detector(open_batch=True)
    table = root(SCHEMA, "Model", data, IDENTIFIER)
    (graph,) = table.get("subgraphs")
    first, *rest = graph.get("tensors")
    tensors = [first.shallow() | {"shape_signature": [1, -1, -1, 3]}, *(Ref(tensor.position) for tensor in rest)]
    fields = table.shallow() | {"subgraphs": [graph.shallow() | {"tensors": tensors}]}
    with pytest.raises(ConversionError, match=r"open size: \[1, -1, -1, 3\]"):
        canonical(
            encode(SCHEMA, "Model", fields, IDENTIFIER, data),
            inputs=NAMES,
            outputs={"raw/boxes": "boxes", "raw/scores": "scores"},
        )


def test_raw_heads_get_the_order_and_names_that_are_asked_for():
    data = canonical(raw_detector(), inputs=NAMES, outputs={"raw/scores": "scores", "raw/boxes": "boxes"})
    assert [read(data).main.tensors[i].name for i in read(data).main.outputs] == ["raw/scores", "raw/boxes"]
    assert list(read(data).signatures[0].outputs) == ["scores", "boxes"]


@pytest.mark.parametrize("outputs", [None, {}, {"raw/boxes": "boxes"}, {"raw/boxes": "a", "boxes": "b"}])
def test_every_output_needs_a_name(outputs):
    with pytest.raises(UsageError, match="outputs of the file are 'raw/boxes', 'raw/scores'"):
        canonical(raw_detector(), inputs=NAMES, outputs=outputs)


def test_a_canonical_file_stays_as_it_is():
    once = canonical(attached(open_batch=True), inputs=NAMES)
    assert canonical(once, inputs=NAMES) == once


def test_the_same_input_gives_the_same_bytes():
    assert canonical(attached("int8"), inputs=NAMES) == canonical(attached("int8"), inputs=NAMES)


@pytest.mark.parametrize(("have", "want"), [("int8", "uint8"), ("uint8", "int8")])
def test_an_input_of_the_other_sign_gives_the_same_answers(have, want):
    data, image = attached(have), picture(have)
    other = quantise_input(data, want)
    moved = (image.astype(np.int16) + (128 if want == "uint8" else -128)).astype(want)
    for before, after in zip(run(data, image), run(other, moved), strict=True):
        np.testing.assert_array_equal(before, after)
    (index,) = read(other).main.inputs
    tensor = read(other).main.tensors[index]
    assert (tensor.name, tensor.dtype) == ("pictures:0", want)
    assert read(other).signatures[0].inputs == {"pixels": index}
    assert quantise_input(other, want) == other
    assert find(read(canonical(other, inputs=NAMES))) is not None


def test_a_float_input_cannot_change_its_sign():
    with pytest.raises(ConversionError, match="this one has: float32"):
        quantise_input(raw_detector())


def with_extras(data):
    """The file with a metadata entry and a zip archive that no edit knows."""
    table = root(SCHEMA, "Model", data, IDENTIFIER)
    buffers = [Ref(buffer.position) for buffer in table.get("buffers")]
    fields = table.shallow() | {
        "metadata": [{"name": "theirs", "buffer": len(buffers)}],
        "buffers": [*buffers, {"data": b"keep me"}],
        "description": "written elsewhere",
    }
    stream = io.BytesIO(encode(SCHEMA, "Model", fields, IDENTIFIER, data))
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("labels.txt", b"a\nb\nc\n")
    return stream.getvalue()


EDITS = {
    "attach": (lambda: raw_detector("int8"), lambda data: attach(
        data, options=OPTIONS, anchors=anchors(), boxes="raw/boxes", scores="raw/scores")),
    "strip": (lambda: attached("int8"), strip),
    "canonical": (lambda: attached("int8"), lambda data: canonical(data, inputs=NAMES)),
    "quantise_input": (lambda: attached("int8"), quantise_input),
}  # fmt: skip


@pytest.mark.parametrize(("make", "edit"), EDITS.values(), ids=EDITS)
def test_metadata_and_archive_survive_every_edit(make, edit):
    before = with_extras(make())
    data = edit(before)
    model = read(data)
    assert model.metadata == {"theirs": b"keep me"}
    assert model.description == "written elsewhere"
    assert zipfile.ZipFile(io.BytesIO(data)).read("labels.txt") == b"a\nb\nc\n"
    assert model.archive == read(before).archive


def moved_outside(data):
    """The file with all its constants behind the flatbuffer, as litert-quantizer writes them."""
    model, table = read(data), root(SCHEMA, "Model", data, IDENTIFIER)
    contents = [data[start : start + size] for start, size in model.places]

    def written(start):
        buffers, at = [], start
        for content in contents:
            buffers.append({"offset": at, "size": len(content)} if content else {})
            at += len(content) + -len(content) % 16
        return encode(SCHEMA, "Model", table.shallow() | {"buffers": buffers}, IDENTIFIER, data)

    packed = b"".join(content + bytes(-len(content) % 16) for content in contents)
    return written(len(written(2))) + packed


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8"])
@pytest.mark.parametrize("name", EDITS)
def test_constants_outside_the_flatbuffer_survive_every_edit(name, dtype):
    make = raw_detector if name == "attach" else attached
    if (name, dtype) == ("quantise_input", "float32"):
        pytest.skip("a float input has no other sign")
    edit = EDITS[name][1] if name != "quantise_input" else lambda data: quantise_input(data, other)
    other = {"uint8": "int8", "int8": "uint8"}.get(dtype, "float32")
    plain, outside = edit(make(dtype)), edit(moved_outside(make(dtype)))
    assert sum(table.get("offset") > 1 for table in root(SCHEMA, "Model", outside, IDENTIFIER).get("buffers")) > 4
    image = picture(other if name == "quantise_input" else dtype)
    for before, after in zip(run(plain, image), run(outside, image), strict=True):
        np.testing.assert_array_equal(before, after)


def with_second_subgraph(data, **signature):
    """The file with another subgraph, whose operator has its options behind the flatbuffer."""
    table = root(SCHEMA, "Model", data, IDENTIFIER)
    (graph,) = table.get("subgraphs")

    def written(offset):
        operator = {
            "opcode_index": 0,
            "inputs": [0],
            "outputs": [0],
            "large_custom_options_offset": offset,
            "large_custom_options_size": 7,
        }
        body = {
            "name": "body",
            "tensors": [{"name": "x", "shape": [1]}],
            "inputs": [0],
            "outputs": [0],
            "operators": [operator],
        }
        fields = table.shallow() | {"subgraphs": [Ref(graph.position), body]}
        if signature:
            fields["signature_defs"] = [{"signature_key": "other", "subgraph_index": 1} | signature]
        return encode(SCHEMA, "Model", fields, IDENTIFIER, data)

    return written(len(written(2))) + b"options"


@pytest.mark.parametrize(("make", "edit"), EDITS.values(), ids=EDITS)
def test_other_subgraphs_survive_every_edit(make, edit):
    data = with_second_subgraph(make())
    assert read(data).subgraphs[1].operators[0].custom_options == b"options"
    after = read(edit(data))
    assert after.subgraphs[1] == read(data).subgraphs[1]


def test_a_file_with_several_entry_points_gets_no_canonical_face():
    maps = [{"name": "x", "tensor_index": 0}]
    with pytest.raises(ConversionError, match="several entry points"):
        canonical(with_second_subgraph(attached(), inputs=maps, outputs=maps), inputs=NAMES)


def test_a_field_of_a_newer_schema_refuses_the_edit():
    newer = SCHEMA | {"SubGraph": SCHEMA["SubGraph"] | {"added": Field(6, "int32")}}
    data = raw_detector()
    table = root(newer, "Model", data, IDENTIFIER)
    graph = table.get("subgraphs")[0].shallow() | {"added": 1}
    newer_file = encode(newer, "Model", table.shallow() | {"subgraphs": [graph]}, IDENTIFIER, data)
    assert read(newer_file).main.outputs == read(data).main.outputs
    with pytest.raises(SourceError, match="newer schema"):
        attach(newer_file, options=OPTIONS, anchors=anchors(), boxes="raw/boxes", scores="raw/scores")


@pytest.mark.real
def test_the_published_detector_taken_apart_and_put_together(real):
    from PIL import Image

    data = (real / "coco_ssd_mobilenet_v1" / "ssd_mobilenet_v1.tflite").read_bytes()
    found = find(read(data))
    assert found is not None
    start = time.perf_counter()
    raw = strip(data)
    names = [read(raw).main.tensors[i].name for i in read(raw).main.outputs]
    whole = attach(raw, options=found.options, anchors=anchors_of(read(data), found), boxes=names[0], scores=names[1])
    whole = canonical(whole, inputs={"normalized_input_image_tensor": "image"})
    assert time.perf_counter() - start < 1
    assert len(whole) < len(data) + 50_000
    for photo in sorted((real / "photos").iterdir()):
        if photo.suffix not in (".jpg", ".bmp"):
            continue
        image = np.asarray(Image.open(photo).convert("RGB").resize((300, 300)))[None]
        for before, after in zip(run(data, image), run(whole, image), strict=True):
            np.testing.assert_array_equal(before, after)
