"""Reading .tflite files: what they say, and every way in which bytes can be none."""

import contextlib
import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from edgekit.errors import EdgekitError, SourceError
from edgekit.formats.flatbuffer import Ref, encode, root
from edgekit.formats.tflite import anchors as anchors_of
from edgekit.formats.tflite import attach, canonical, find, quantise_input, read, strip
from edgekit.formats.tflite.audit import audit
from edgekit.formats.tflite.postprocess import PostprocessOptions
from edgekit.formats.tflite.schema import IDENTIFIER, OPERATORS, SCHEMA, TYPES
from edgekit.values.spec import Selection
from tests.mutations import mutate

from .tflite_models import Builder, anchors, raw_detector


def finished(dtype="uint8", **fields):
    options = PostprocessOptions(selection=Selection(max_detections=5), num_classes=3)
    raw = raw_detector(dtype, **fields)
    return attach(raw, options=options, anchors=anchors(), boxes="raw/boxes", scores="raw/scores", activation="sigmoid")


def test_a_model_is_read_as_plain_values():
    model = read(raw_detector("uint8", open_batch=True, description="made here"))
    graph = model.main
    assert (model.version, model.description, len(model.subgraphs)) == (3, "made here", 1)
    image = graph.tensors[graph.inputs[0]]
    assert (image.name, image.dtype, image.shape, image.signature) == (
        "pictures:0",
        "uint8",
        (1, 4, 4, 3),
        (-1, 4, 4, 3),
    )
    assert image.quantisation is not None
    assert (image.quantisation.scales, image.quantisation.zero_points) == ((1 / 128,), (128,))
    assert [(op.name, op.version, op.custom) for op in graph.operators] == [
        ("CONV_2D", 1, False),
        ("RESHAPE", 1, False),
        ("CONV_2D", 1, False),
        ("RESHAPE", 1, False),
    ]
    (signature,) = model.signatures
    assert (signature.key, signature.inputs, signature.subgraph) == ("main", {"pixels": image.index}, 0)
    assert [graph.tensors[i].name for i in signature.outputs.values()] == ["raw/boxes", "raw/scores"]
    assert (model.end, model.archive) == (len(model.data), b"")


def test_constants_are_the_stored_bytes():
    model = read(raw_detector())
    weights = next(tensor for tensor in model.main.tensors if tensor.name == "boxes/weights")
    stored = np.frombuffer(model.constant(weights), "<f4").reshape(weights.shape)
    np.testing.assert_array_equal(stored, np.random.default_rng(0).normal(0, 1, (4, 1, 1, 3)).astype("<f4"))
    assert len(model.constant(model.main.tensors[0])) == 0


def test_schema_agrees_with_the_runtime_s_own():
    from ai_edge_litert import schema_py_generated as theirs

    def names(enum):
        by_code = {code: name for name, code in vars(enum).items() if not name.startswith("_")}
        return tuple(by_code[code] for code in range(len(by_code)))

    assert names(theirs.BuiltinOperator) == OPERATORS
    assert tuple(name.lower() for name in names(theirs.TensorType)) == TYPES


def test_a_newer_operator_and_type_have_their_number_for_a_name():
    builder = Builder()
    tensor = builder.tensor("x", [1])
    builder.tensors[tensor]["type"] = 99
    builder.operator("ADD", [tensor], [tensor])
    builder.codes[0] |= {"deprecated_builtin_code": 127, "builtin_code": 9999}
    model = read(builder.build([tensor], [tensor]))
    assert (model.main.operators[0].name, model.main.tensors[0].dtype) == ("BUILTIN_9999", "type 99")


def test_an_old_file_has_its_operator_in_the_deprecated_field():
    builder = Builder()
    tensor = builder.tensor("x", [1])
    builder.operator("ABS", [tensor], [tensor])
    builder.codes[0]["builtin_code"] = None
    assert read(builder.build([tensor], [tensor])).main.operators[0].name == "ABS"


def appended(data, **files):
    stream = io.BytesIO(data)
    with zipfile.ZipFile(stream, "a") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_an_appended_archive_is_not_part_of_the_model():
    plain = raw_detector()
    model = read(appended(plain, labels="a\nb"))
    assert model.end == len(plain)
    assert zipfile.ZipFile(io.BytesIO(model.archive)).read("labels") == b"a\nb"


def outside(*, offset=None, size=None, content=b"\7" * 48):
    """A model with its first weights behind the flatbuffer, as litert-quantizer writes them."""
    data = raw_detector()
    table = root(SCHEMA, "Model", data, IDENTIFIER)
    buffers = [Ref(buffer.position) for buffer in table.get("buffers")]

    def written(offset):
        moved = [*buffers[:1], {"offset": offset, "size": len(content) if size is None else size}, *buffers[2:]]
        return encode(SCHEMA, "Model", table.shallow() | {"buffers": moved}, IDENTIFIER, data)

    return written(len(written(2)) if offset is None else offset) + content


def test_constants_outside_the_flatbuffer_are_read():
    model = read(outside())
    (weights,) = [tensor for tensor in model.main.tensors if tensor.name == "boxes/weights"]
    assert weights.has_data
    assert bytes(model.constant(weights)) == b"\7" * 48


BAD = {
    "empty": (b"", "is empty"),
    "short": (b"\x1c\0\0\0TFL", "7 bytes, too few"),
    "text": (b"conv1\nconv2\n" * 20, "is a text file"),
    "html": (b"\n<!DOCTYPE html><html>" + b" " * 99, "is a web page"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4183312\n", "is a Git-LFS pointer"),
    "zip": (b"PK\3\4" + bytes(60), "is a zip archive"),
    "other": (b"\x08\x01\x12\x03abc" * 9, "is not a .tflite model"),
    "older": (b"\x18\0\0\0TFL2" + bytes(60), "is not a .tflite model: b'TFL2'"),
    "only zeros": (b"\x18\0\0\0TFL3" + bytes(60), "is damaged"),
    "no subgraph": (encode(SCHEMA, "Model", {"version": 3}, IDENTIFIER), "it has no subgraph"),
    "constant beyond the end": (outside(offset=10**6), "buffer 1 lies at 1000000"),
    "constant ends beyond the end": (outside(size=49), "beyond the file's"),
    "constant of more than 2 GB": (outside(size=2**31), "claims 2147483648 bytes"),
    "offset that wraps around": (outside(offset=2**64 - 48), "beyond the file's"),
}


@pytest.mark.parametrize(("data", "words"), BAD.values(), ids=BAD)
def test_what_is_no_model_is_named(data, words):
    with pytest.raises(SourceError) as caught:
        read(data, name="x.tflite")
    assert words in str(caught.value)
    assert caught.value.what.startswith("x.tflite")


def changed(table, index, **fields):
    """A detector in which one table of the first subgraph (or of the model) has other fields."""
    builder = Builder()
    a = builder.tensor("a", [1, 4])
    b = builder.tensor("b", [1, 4], value=np.zeros(4, "<f4"))
    builder.operator("ADD", [a, b], [a])
    maps = [{"name": "x", "tensor_index": a}]
    model = {
        "signature_defs": [{"signature_key": "s", "inputs": maps, "outputs": maps, "subgraph_index": 0}],
        "metadata": [{"name": "m", "buffer": 0}],
    }
    lists = {"tensor": builder.tensors, "operator": builder.operators, "signature": model["signature_defs"]}
    lists |= {"metadata": model["metadata"]}
    graph = {"inputs": [a], "outputs": [a]}
    if table == "subgraph":
        graph |= fields
    else:
        lists[table][index] |= fields
    return builder.build(graph["inputs"], graph["outputs"], **model)


WRONG = {
    "operator reads a tensor that is not there": (changed("operator", 0, inputs=[0, 2]), "tensor 2, there are 2"),
    "operator reads tensor −2": (changed("operator", 0, inputs=[-2]), "tensor -2"),
    "operator writes a tensor that is not there": (changed("operator", 0, outputs=[9]), "tensor 9"),
    "operator of no kind": (changed("operator", 0, opcode_index=7), "of kind 7, the file lists 1"),
    "options beyond the end": (changed("operator", 0, large_custom_options_offset=2**40), "leave the file"),
    "input that is not there": (changed("subgraph", 0, inputs=[5]), "the inputs refer to tensor 5"),
    "output that is not there": (changed("subgraph", 0, outputs=[-1]), "the outputs refer to tensor -1"),
    "negative size": (changed("tensor", 0, shape=[1, -4]), "has the shape [1, -4]"),
    "absurd size": (changed("tensor", 0, shape=[2**31 - 1] * 8), "more than 2 GB"),
    "absurd rank": (changed("tensor", 0, shape=[1] * 5000), "has the shape [1, 1"),
    "buffer that is not there": (changed("tensor", 0, buffer=2), "buffer 2 of 2"),
    "constant too short": (changed("tensor", 1, shape=[1, 5]), "has 16 bytes of data, its shape [1, 5] needs 20"),
    "scale that is no number": (changed("tensor", 0, quantization={"scale": [float("nan")]}), "make no sense"),
    "negative scale": (changed("tensor", 0, quantization={"scale": [-1.0]}), "make no sense"),
    "zero points that do not fit": (
        changed("tensor", 0, quantization={"scale": [1.0, 2.0], "zero_point": [0]}),
        "2 scales and 1 zero points",
    ),
    "signature of no subgraph": (changed("signature", 0, subgraph_index=1), "is of subgraph 1 of 1"),
    "signature of no tensor": (changed("signature", 0, inputs=[{"name": "x", "tensor_index": 7}]), "tensor 7"),
    "metadata of no buffer": (changed("metadata", 0, buffer=9), "buffer 9"),
}


@pytest.mark.parametrize(("data", "words"), WRONG.values(), ids=WRONG)
def test_indices_shapes_and_sizes_are_checked(data, words):
    with pytest.raises(SourceError) as caught:
        read(data)
    assert words in str(caught.value)


def test_the_model_that_these_change_is_sound():
    assert read(changed("tensor", 0)).main.operators[0].inputs == (0, 1)


def test_a_small_file_cannot_unfold_into_a_large_one():
    builder = Builder()
    builder.tensor("x" * 1000, [1])
    small = builder.build([0], [0])
    (graph,) = root(SCHEMA, "Model", small, IDENTIFIER).get("subgraphs")
    tensor = Ref(graph.get("tensors")[0].position)
    subgraph = {"tensors": [tensor] * 3_000, "inputs": [0], "outputs": [0]}
    one = encode(SCHEMA, "Model", {"version": 3, "subgraphs": [subgraph]}, IDENTIFIER, small)
    again = Ref(root(SCHEMA, "Model", one, IDENTIFIER).get("subgraphs")[0].position)
    bomb = encode(SCHEMA, "Model", {"version": 3, "subgraphs": [again] * 3_000}, IDENTIFIER, one)
    assert len(bomb) < 50_000
    tracemalloc.start()
    with pytest.raises(SourceError, match="unfolds"):
        read(bomb)
    assert tracemalloc.get_traced_memory()[1] < 500e6
    tracemalloc.stop()


def use_all(data):
    """Read, look and edit, as commands do; nothing but errors that have words may come out."""
    model = read(data)
    audit(model)
    names = {model.main.tensors[i].name: f"image{i}" for i in model.main.inputs}
    for use in (
        lambda: find(model),
        lambda: anchors_of(model, found) if (found := find(model)) else None,
        lambda: strip(data),
        lambda: quantise_input(data, "int8"),
        lambda: canonical(data, inputs=names),
    ):
        with contextlib.suppress(EdgekitError):
            use()


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_damaged_files_are_read_or_refused_with_words(dtype):
    data = appended(finished(dtype), labels="a")
    sound, refusals = 0, []
    for seed in range(300):
        try:
            use_all(mutate(data, seed))
            sound += 1
        except SourceError as error:
            refusals.append(error.what)
    assert min(sound, len(refusals)) > 20
    assert all(refusals)


@pytest.mark.real
def test_the_published_detector(real):
    data = (real / "coco_ssd_mobilenet_v1" / "ssd_mobilenet_v1.tflite").read_bytes()
    model = read(data)
    assert (len(model.main.tensors), len(model.main.operators)) == (176, 64)
    found = find(model)
    assert found is not None
    assert found.order == (0, 1, 2, 3)
    assert found.options.num_classes == 90
    assert found.options.selection == Selection(score=1e-8, iou=0.6, max_detections=10)
    for seed in range(60):
        with contextlib.suppress(SourceError):
            use_all(mutate(data, seed, reach=60_000))
