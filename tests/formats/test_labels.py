"""Label files: every form people have, and every way such a file goes wrong."""

import contextlib
import json
import sys
from pathlib import Path

import pytest

from edgekit.errors import MissingToolError, UsageError, UserDataError
from edgekit.formats import labels
from edgekit.formats.labels import GAP

COCO = {"categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car", "supercategory": "vehicle"}]}
PBTXT = rb"""
# exported
item {
  name: "/m/0k4j"
  id: 3  # the last
  display_name: 'c\303\251sar "x"'
  keypoints { id: 9 name: "nose" }
}
item: { id: 1, name: "o'neil", display_name: "" }
item { id: 0 name: 'background' }
"""

FORMS = [
    ("one.txt", b"person\nbicycle\n", ("person", "bicycle")),
    ("no-last-newline.txt", b"person\nbicycle", ("person", "bicycle")),
    ("trailing-lines.txt", b"person\nbicycle\n\n  \n", ("person", "bicycle")),
    ("windows.txt", b"\xef\xbb\xbfperson\r\nbicycle\r\n", ("person", "bicycle")),
    ("old-mac.txt", b"person\rbicycle\r", ("person", "bicycle")),
    ("utf16.txt", "crème\nbicycle\n".encode("utf-16"), ("crème", "bicycle")),
    ("gaps.txt", b"person\n???\ncar\n", ("person", GAP, "car")),
    ("paths.txt", b"../etc/passwd\n7 up\n", ("../etc/passwd", "7 up")),
    ("from-zero.txt", b"0  person\n1  bicycle\n3  car\n", ("person", "bicycle", GAP, "car")),
    ("from-one.txt", b"1 person\n2 bicycle\n", ("person", "bicycle")),
    ("colon.txt", b"0:person\n1: bicycle\n", ("person", "bicycle")),
    ("tab.txt", b"0\tperson\n1\tbicycle\n", ("person", "bicycle")),
    ("coins.txt", b"1 cent\n2 cent\n5 cent\n", ("1 cent", "2 cent", "5 cent")),
    ("partly.txt", b"0 person\nbicycle\n", ("0 person", "bicycle")),
    ("map.pbtxt", PBTXT, ("o'neil", GAP, 'césar "x"')),
    ("map.txt", PBTXT, ("o'neil", GAP, 'césar "x"')),
    ("angles.pbtxt", b'item < id: 1; name: "cr\\303" "\\250me" > item { id: 0x2 name: tea }', ("crème", "tea")),
    ("zero.pbtxt", b"item { id: 0 name: 'cat' } item { id: 1 name: 'dog' }", ("cat", "dog")),
    ("coco.json", json.dumps(COCO).encode(), ("person", GAP, "car")),
    ("list.json", json.dumps(COCO["categories"]).encode(), ("person", GAP, "car")),
    ("background.json", b'[{"id": 0, "name": "background"}, {"id": 1, "name": "cat"}]', ("cat",)),
    ("zero.json", b'[{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}]', ("cat", "dog")),
    ("names.json", b'["cat", "dog"]', ("cat", "dog")),
    ("config.json", b'{"model_type": "x", "id2label": {"1": "dog", "0": "cat"}}', ("cat", "dog")),
    ("id2label.json", b'{"10": "ten", "9": "nine", "0": "zero"}', ("zero", *[GAP] * 8, "nine", "ten")),
    ("list.yaml", b"- cat\n- dog\n", ("cat", "dog")),
    ("names.yml", b"path: x\nnames: [cat, dog]\n", ("cat", "dog")),
    ("map.yaml", b"names:\n  0: cat\n  2: dog\n", ("cat", GAP, "dog")),
]


@pytest.mark.parametrize(("name", "data", "expected"), FORMS, ids=[form[0] for form in FORMS])
def test_every_form_is_read(tmp_path: Path, name: str, data: bytes, expected: tuple[str, ...]) -> None:
    if name.endswith(("yaml", "yml")):
        pytest.importorskip("yaml")
    (tmp_path / name).write_bytes(data)
    assert labels.read(tmp_path / name) == expected


# Twenty-five levels of ten aliases each: what repr makes of the last has more than 10^25 letters.
LAUGHS = b"a: &a [x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (n, n, b", ".join([b"*%c" % (n - 1)] * 10)) for n in b"bcdefghijklmnopqrstuvwxyz"
)

BAD = [
    ("empty.txt", b"", "is empty"),
    ("blank.txt", b" \n\n", "holds no labels"),
    ("hole.txt", b"person\n\ncar\n", "label 2: it is empty"),
    ("control.txt", b"person\ncar\x1b[31m\n", "U+001B"),
    ("tab.txt", b"person\na\tb\n", "U+0009"),
    ("separator.txt", "person\na\u2028b\n".encode(), "U+2028"),
    ("null.txt", b"person\0\n", "not text"),
    ("latin1.txt", b"cr\xe8me\n", "not UTF-8"),
    ("utf16-unmarked.txt", "person\n".encode("utf-16-le"), "not text"),
    ("utf16-cut.txt", b"\xff\xfep", "not UTF-16"),
    ("many.txt", b"x\n" * 100_000, "100000 labels"),
    ("huge-id.json", b'{"id2label": {"0": "a", "999999999": "b"}}', "1000000000 labels"),
    ("archive.txt", b"PK\x03\x04" + bytes(30), "It is a zip archive"),
    ("page.txt", b"<!DOCTYPE html><html></html>", "web page"),
    ("pointer.txt", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    ("broken.json", b'{"id2label": ', "not valid JSON"),
    ("deep.json", b"[" * 100_000, "not valid JSON"),
    ("other.json", b'{"a": 1}', "holds no labels"),
    ("numbers.json", b"[1, 2]", "1 is no text"),
    ("mixed.json", b'[{"id": 1, "name": "a"}, "b"]', "is no text"),
    ("control.json", b'["a\\u0000"]', "U+0000"),
    ("surrogate.json", b'["a\\ud800"]', "U+D800"),
    ("twice.json", b'[{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]', "class 1 twice"),
    ("closed.pbtxt", b"item { id: 1 name: 'x' }\n}\nitem { id: 2 name: 'y' }", "line 2: unexpected '}'"),
    ("cut.pbtxt", b"item { id: 1 name: 'x'", "cut off"),
    ("nameless.pbtxt", b"item { id: 1 }", "lacks its id or its name"),
    ("quote.pbtxt", b"item {\nid: 1\nname: 'x }", "line 3: a text that begins with ' does not end"),
    ("bare.pbtxt", b"item { id: 1 name: traffic light }", "line 1: unexpected '}', expected ':' or '{' after 'light'"),
    ("word.pbtxt", b"item { id: one name: 'x' }", "item 1 lacks its id"),
    ("number.pbtxt", b"item { id: 1 name: 7 }", "7 is no text"),
    ("scalar.pbtxt", b"item { id: 1 name: 'x' } item: 'y'", "item 2 lacks its id or its name"),
    ("bytes.pbtxt", b"item { id: 1 name: '\\351' }", "not UTF-8"),
    ("twice.pbtxt", b"item { id: 1 name: 'x' } item { id: 1 name: 'y' }", "class 1 twice"),
    ("broken.yaml", b"names: [a\n", "not valid YAML"),
    ("object.yaml", b"!!python/object/apply:os.system ['true']\n", "not valid YAML"),
    ("norway.yaml", b"[se, no]\n", "False is no text"),
    ("date.yaml", b"- 2001-99-99\n", "not valid YAML: month must be in 1..12"),
    ("time.yaml", b"- !!timestamp abc\n", "not valid YAML"),
    ("int.yaml", b"- !!int abc\n", "not valid YAML"),
    ("bool.yaml", b"- !!bool abc\n", "not valid YAML"),
    ("hex.yaml", b"- 0x" + b"f" * 5000, "a value of type int is no text"),
    ("itself.yaml", b"&a {names: *a}\n", "holds no labels"),
    ("laughs.yaml", LAUGHS + b"labels: [*z]\n", "type list is no text"),
    ("laughs-id.yaml", LAUGHS + b"labels: [{id: *z, name: x}]\n", "holds no labels"),
    ("laughs-zero.yaml", LAUGHS + b"labels: [{id: 0, name: *z}]\n", "type list is no text"),
    (
        "laughs-twice.yaml",
        LAUGHS + b"labels: [{id: 1, name: *z}, {id: 1, name: *z}]\n",
        "class 1 twice: a value of type list",
    ),
]


@pytest.mark.parametrize(("name", "data", "message"), BAD, ids=[case[0] for case in BAD])
def test_every_slip_is_named(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    if name.endswith("yaml"):
        pytest.importorskip("yaml")
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserDataError) as caught:
        labels.read(tmp_path / name)
    assert message in str(caught.value)
    assert name in str(caught.value)


def test_yaml_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingToolError, match=r"edgekit\[yaml\]"):
        labels.parse(b"- cat\n", name="names.yaml")


def test_a_missing_file_and_a_folder_are_usage_errors(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.txt"):
        with pytest.raises(UsageError):
            labels.read(path)


@pytest.mark.parametrize("first", ["background", "Background", "???", "dummy", "__background__", "N/A"])
def test_a_background_line_too_many_is_dropped_and_said(first: str) -> None:
    fitted = labels.fit((first, "cat", "dog"), 2)
    assert fitted.labels == ("cat", "dog")
    assert repr(first) in fitted.notes[0]


def test_labels_that_fit_stay_even_where_the_first_is_called_background() -> None:
    assert labels.fit(("background", "cat"), 2) == labels.Fitted(labels=("background", "cat"))


@pytest.mark.parametrize(
    ("names", "classes", "likely"),
    [
        (("a", "b", "c"), 2, "the first is 'a', the last 'c'"),
        (("a",), 2, "last line may be missing"),
        (tuple("abcd"), 9, "leave unused ids out"),
        ((*"abcd", GAP), 9, "another model"),
        (tuple("abcd"), 1, "another model"),
    ],
)
def test_a_count_that_does_not_fit_says_expected_got_and_why(names, classes: int, likely: str) -> None:
    with pytest.raises(UserDataError) as caught:
        labels.fit(names, classes, name="labels.txt")
    assert f"labels.txt has {len(names)} labels, the model has {classes} classes" in caught.value.what
    assert likely in caught.value.cause


def test_what_is_written_is_read_back_as_it_is() -> None:
    names = ("0 person", "1 bicycle", "background", "[x]", "crème ../", GAP)
    assert labels.decode(labels.encode(names), name="labels.txt") == names


def test_a_label_map_has_ids_from_one_and_leaves_gaps_out() -> None:
    names = ("per\\son", GAP, 'crème "x"')
    data = labels.encode_map(names)
    assert data.decode() == ('item {\n  id: 1\n  name: "per\\\\son"\n}\nitem {\n  id: 3\n  name: "crème \\"x\\""\n}\n')
    assert labels.parse(data, name="label_map.pbtxt") == names


@pytest.mark.parametrize("form", [FORMS[8], FORMS[14], FORMS[18], FORMS[25]], ids=lambda form: form[0])
def test_damaged_bytes_are_labels_or_a_clear_error(form) -> None:
    if form[0].endswith("yaml"):
        pytest.importorskip("yaml")
    name, data, _ = form
    for place in range(len(data)):
        for value in (0, 0x0A, 0x22, 0x7B, 0x80, 0xFF):
            damaged = data[:place] + bytes([value]) + data[place + 1 :]
            with contextlib.suppress(UserDataError):
                assert all(isinstance(label, str) and label for label in labels.parse(damaged, name=name))


@pytest.mark.real
def test_published_label_files(real: Path) -> None:
    coco = labels.fit(labels.read(real / "coco_ssd_mobilenet_v1" / "labelmap.txt"), 90)
    assert (coco.labels[0], coco.labels[11], coco.labels[89], coco.notes) == ("person", GAP, "toothbrush", ())
    imagenet = labels.fit(labels.read(real / "mobilenet_v1_025_224" / "imagenet_labels.txt"), 1000)
    assert imagenet.labels[0] == "tench, Tinca tinca"
    assert len(imagenet.notes) == 1
    hands = labels.read(real / "handtrack_ssd320_fpnlite" / "labels.txt")
    assert hands[:2] == ("open", "closed")
    assert len(hands) == 7
