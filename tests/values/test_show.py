"""How values show themselves in a notebook."""

import sys
from pathlib import Path
from subprocess import run

import numpy as np

from edgekit.values.answers import Detections
from edgekit.values.checks import Check
from edgekit.values.proof import Found, Pair
from edgekit.values.show import ROWS, Rows

MORE = tuple(Check(name=name, outcome="fail", sentence=name) for name in ("types", "score"))


def test_a_value_shows_its_fields_and_escapes_them() -> None:
    html = Found(index=3, score=0.123456789)._repr_html_()
    assert "<b>Found</b>" in html
    assert "0.123457" in html
    assert "<script" not in Check(name="<script>", outcome="pass", sentence="a & b")._repr_html_()


def test_a_list_of_values_becomes_rows_and_a_long_one_is_cut() -> None:
    many = tuple(Found(index=i, score=0.5) for i in range(ROWS + 7))
    html = Pair(picture=Path("cat.jpg"), candidate=many, references={})._repr_html_()
    assert html.count("<tr><td>") == ROWS
    assert "and 7 more" in html


def test_several_values_are_a_tuple_that_shows_what_is_brief_of_each() -> None:
    checks = (Check(name="runs", outcome="pass", sentence="It <runs>.", unit="of <all>"), *MORE)
    rows = Rows(checks)
    assert rows == checks
    html = rows._repr_html_()
    assert html.count("<tr><td>") == 3
    assert "<th>sentence</th>" in html
    assert "It &lt;runs&gt;." in html
    assert "of &lt;all&gt;" not in html  # a field that the brief form leaves out
    assert Rows(())._repr_html_() == "<div>()</div>"


def test_arrays_show_type_shape_and_numbers() -> None:
    value = Detections(boxes=np.zeros((1, 4), np.float32), scores=np.ones(1, np.float32), classes=np.zeros(1, np.int64))
    assert "float32 [1, 4]" in value._repr_html_()


def test_showing_needs_neither_numpy_nor_the_report() -> None:
    code = (
        "import sys; from edgekit.values.proof import Found; Found(index=1, score=.5)._repr_html_();"
        "assert not {'numpy', 'jinja2', 'edgekit.report'} & set(sys.modules)"
    )
    run([sys.executable, "-c", code], check=True)
