"""Data sets: what is refused, what is put right and said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import EdgekitError, UserDataError
from edgekit.formats.labels import GAP
from edgekit.training.data import SHARE, Listed, Listing, check, hold_out
from edgekit.values.truth import Annotation, TrueBox

from .pictures import SIZE, box, data_set, encoded, listed

NAN, INF = float("nan"), float("inf")


def checked(folder: Path, *boxes: TrueBox, labels: tuple[str, ...] = (), size: tuple[int, int] | None = SIZE) -> object:
    """A data set of one picture, after one that is all right."""
    pictures = (listed(folder, "good.png", box(), box()), listed(folder, "odd.png", *boxes, size=size))
    return check(Listing(train=pictures, validation=()), labels=labels)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([box("red", 30, 5, 10, 15)], r"odd\.png: a box of 'red' is inside out: xmin 30, ymin 5, xmax 10, ymax 15"),
        ([box("red", 10, 15, 30, 5)], "is inside out"),
        ([box("red", 10, NAN, 30, 15)], "is inside out: xmin 10, ymin nan"),
        ([box("red", 10, 5, INF, 15)], "is inside out: .*xmax inf"),
        ([box("red", 40, 5, 60, 15)], "lies outside the 40 × 20 picture: xmin 40"),
        ([box("red", 10, -15, 30, 0)], "lies outside the 40 × 20 picture"),
        ([box("Red")], r"'(red|Red)' and '(red|Red)' differ by case only"),
    ],
)
def test_annotations_that_are_refused(tmp_path: Path, boxes: list[TrueBox], message: str) -> None:
    with pytest.raises(UserDataError, match=message):
        checked(tmp_path, *boxes)


def test_pictures_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserDataError, match=r"odd\.png is 40 × 20 pixels; its annotation is for 20 × 40") as caught:
        checked(tmp_path, box(), size=SIZE[::-1])
    assert "turned" in caught.value.cause
    good, odd = listed(tmp_path, "good.png", box()), listed(tmp_path, "odd.png", box())
    odd.path.write_bytes(b"no picture")
    with pytest.raises(UserDataError, match=r"odd\.png is not a picture"):
        check(Listing(train=(good, odd), validation=()))
    odd.path.unlink()
    with pytest.raises(EdgekitError, match=r"no file .*odd\.png"):
        check(Listing(train=(good,), validation=(odd,)))


def test_a_picture_that_changes_later_is_refused(tmp_path: Path) -> None:
    data = data_set(tmp_path)
    assert data.train[0].pixels().shape == (SIZE[1], SIZE[0], 3)
    data.train[0].listed.path.write_bytes(encoded(size=(10, 20)))
    with pytest.raises(UserDataError, match=r"0\.png is 10 × 20 pixels"):
        data.train[0].pixels()


def test_where_there_is_nothing_to_learn(tmp_path: Path) -> None:
    with pytest.raises(UserDataError, match="no picture to train on"):
        check(Listing(train=(), validation=(listed(tmp_path, "a.png", box()),)))
    for boxes in ([], [box(crowd=True)], [box("red", 3, 3, 3, 9)]):
        pictures = Listing(train=(listed(tmp_path, "a.png", *boxes),), validation=(listed(tmp_path, "b.png", box()),))
        with pytest.raises(UserDataError, match="no box to learn from"):
            check(pictures)


def test_labels_that_are_given_are_the_classes(tmp_path: Path) -> None:
    pictures = (listed(tmp_path, "a.png", box("green"), box("red"), box("red")),)
    for labels, own, expected in (
        ((), (), ("green", "red")),
        ((), ("red", GAP, "green"), ("red", GAP, "green")),
        (("blue", "green", "red"), ("red", "green"), ("blue", "green", "red")),
    ):
        found = check(Listing(train=pictures, validation=(), labels=own), labels=labels)
        assert found.labels == expected
        assert [found.labels[index] for index in found.train[0].truth.classes] == ["green", "red", "red"]
    for wrong, hint in ((("grean", "red"), "Did you mean 'grean'"), (("red", "x", GAP), "The labels are: red, x$")):
        with pytest.raises(UserDataError, match=f"(?s)the class 'green', which is not among.*{hint}"):
            check(Listing(train=pictures, validation=()), labels=wrong)
    with pytest.raises(UserDataError, match="differ by case only"):
        check(Listing(train=pictures, validation=()), labels=("Green", "green", "red"))


def test_what_is_put_right_is_said(tmp_path: Path) -> None:
    boxes = (box(), box(), box("red", -5, 5, 30, 25), box("red", 7, 7, 7, 9), box("green"))
    pictures = [listed(tmp_path, f"{name}.png", *boxes) for name in "abcd"]
    found = check(Listing(train=(pictures[0],), validation=tuple(pictures[1:])), labels=("red", "green", "blue", GAP))
    np.testing.assert_allclose(found.train[0].truth.boxes[2], [0, 0.25, 0.75, 1], rtol=1e-6)
    assert found.train[0].truth.areas.tolist() == [200, 200, 450, 200]
    assert found.notes == (
        "4 boxes without area left out: a.png, b.png, c.png ….",
        "4 boxes cut at the edge of the picture: a.png, b.png, c.png ….",
        "A single box to train on have: green. They will hardly be learnt.",
        "No box to train on have: blue. They will hardly be learnt.",
    )
    assert check(Listing(train=(pictures[1],), validation=(pictures[2],)), labels=()).notes[2:] == (
        "A single box to train on have: green. They will hardly be learnt.",
    )


def test_where_nothing_can_be_judged(tmp_path: Path) -> None:
    train = listed(tmp_path, "a.png", box(), box())
    for validation in ((), (listed(tmp_path, "b.png"),), (listed(tmp_path, "c.png", box(crowd=True)),)):
        found = check(Listing(train=(train,), validation=validation))
        assert found.validation == ()
        assert found.notes == ("There is no box to be judged on: there will be no figures, and no phase ends early.",)


def test_pictures_that_are_trained_on_do_not_judge_unnoticed(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one, namesake = (listed(folder, "a.png", box(), box()) for folder in (tmp_path, tmp_path / "other"))
    assert check(Listing(train=(one,), validation=(namesake,))).notes == ()
    (note,) = check(Listing(train=(one,), validation=(one, namesake))).notes
    assert note.startswith("1 of the pictures to be judged on are trained on")


def test_a_size_that_is_not_said_is_read(tmp_path: Path) -> None:
    found = check(Listing(train=(listed(tmp_path, "a.png", box(), box(), size=None),), validation=()))
    np.testing.assert_allclose(found.train[0].truth.boxes[0], [0.25, 0.25, 0.75, 0.75])


def test_a_picture_inside_a_file(tmp_path: Path) -> None:
    data = encoded(3)
    (tmp_path / "x").write_bytes(b"before" + data + b"behind")
    one = Listed(
        name="x, record 1",
        path=tmp_path / "x",
        annotation=Annotation(name="x", size=SIZE, boxes=(box(), box())),
        start=6,
        length=len(data),
    )
    assert one.read() == data
    assert check(Listing(train=(one,), validation=())).train[0].pixels().shape == (SIZE[1], SIZE[0], 3)


def test_the_digest_is_of_all_that_is_learnt_from(tmp_path: Path) -> None:
    data = data_set(tmp_path)
    assert data.digest() == data_set(tmp_path).digest()
    truth = data.train[0].truth
    others = [
        replace(data, labels=data.labels[::-1]),
        replace(data, train=data.train[::-1]),
        replace(data, train=data.train[:-1], validation=(data.train[-1], *data.validation)),
        replace(data, train=(replace(data.train[0], truth=replace(truth, boxes=truth.boxes / 2)), *data.train[1:])),
        replace(data, train=(replace(data.train[0], truth=replace(truth, crowd=~truth.crowd)), *data.train[1:])),
    ]
    digests = {one.digest() for one in (data, *others)}
    data.train[0].listed.path.write_bytes(encoded(99))
    assert len(digests | {data.digest()}) == len(others) + 2


def test_what_is_held_out_depends_on_nothing_but_names(tmp_path: Path) -> None:
    one = listed(tmp_path, "a.png", box())
    many = [replace(one, name=f"{number}.png") for number in range(1000)]
    train, held = hold_out(many)
    assert len(train) + len(held) == len(many)
    assert 0.7 * len(many) / SHARE < len(held) < 1.3 * len(many) / SHARE
    moved = [replace(other, path=Path("elsewhere")) for other in many[::-1]]
    assert {other.name for other in hold_out(moved)[1]} == {other.name for other in held}
    assert {other.name for other in hold_out(many[:500])[1]} <= {other.name for other in held}


def test_few_pictures_are_enough(tmp_path: Path) -> None:
    one = listed(tmp_path, "a.png", box())
    for number in range(50):
        pair = [replace(one, name=f"{number}.png"), replace(one, name=f"{number + 1}.png")]
        assert [len(part) for part in hold_out(pair)] == [1, 1]
        assert [len(part) for part in hold_out(pair[:1])] == [1, 0]
    assert hold_out([]) == ((), ())
