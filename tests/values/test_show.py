"""How values show themselves in a notebook."""

import sys
from pathlib import Path
from subprocess import run

import numpy as np

from edgekit.values.answers import Detections
from edgekit.values.checks import Check
from edgekit.values.proof import Found, Pair
from edgekit.values.show import ROWS, Shown


def test_a_value_shows_its_fields_and_escapes_them() -> None:
    html = Found(index=3, score=0.123456789)._repr_html_()
    assert "<b>Found</b>" in html
    assert "0.123457" in html
    assert "<script" not in Shown._repr_html_(Check(name="<script>", outcome="pass", sentence="a & b"))  # type: ignore[arg-type]


def test_a_list_of_values_becomes_rows_and_a_long_one_is_cut() -> None:
    many = tuple(Found(index=i, score=0.5) for i in range(ROWS + 7))
    html = Pair(picture=Path("cat.jpg"), candidate=many, references={})._repr_html_()
    assert html.count("<tr><td>") == ROWS
    assert "and 7 more" in html


def test_arrays_show_type_shape_and_numbers() -> None:
    value = Detections(boxes=np.zeros((1, 4), np.float32), scores=np.ones(1, np.float32), classes=np.zeros(1, np.int64))
    assert "float32 [1, 4]" in value._repr_html_()


def test_showing_needs_neither_numpy_nor_the_report() -> None:
    code = (
        "import sys; from edgekit.values.proof import Found; Found(index=1, score=.5)._repr_html_();"
        "assert not {'numpy', 'jinja2', 'edgekit.report'} & set(sys.modules)"
    )
    run([sys.executable, "-c", code], check=True)
