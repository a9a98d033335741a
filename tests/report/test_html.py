"""The page: self-contained, escaped, complete."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from edgekit.errors import StorageError
from edgekit.report import html
from edgekit.values.proof import Proof

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Tags in order of appearance with their attributes; ``unclosed`` stays empty in a well-formed page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.unclosed: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.unclosed.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag


def test_the_page_is_well_formed_and_loads_nothing(proof: Proof) -> None:
    text = html.render([proof])
    page = Page(text)
    assert page.unclosed == []
    links = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert links
    assert all(str(link).startswith(("data:image/jpeg;base64,", "#")) for link in links)
    assert not re.search(r"url\(|@import|http-equiv=.refresh|https?://(?!www\.w3\.org)", text)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "iframe", "object", "link"})


def test_labels_are_text_and_nothing_else(proof: Proof) -> None:
    text = html.render([proof])
    assert "<script" not in text
    assert "dog &lt;script&gt;alert(1)&lt;/script&gt; 0.8" in text


def test_pictures_are_small_jpegs_and_the_most_different_comes_first(proof: Proof) -> None:
    page = Page(html.render([proof]))
    pictures = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(pictures) == 4
    for attributes in pictures:
        data = base64.b64decode(str(attributes["src"]).split(",")[1])
        with Image.open(io.BytesIO(data)) as image:
            assert image.format == "JPEG"
            assert max(image.size) <= html.SIDE
            assert (str(image.width), str(image.height)) == (attributes["width"], attributes["height"])
    first_source, first_artifact = (str(attributes["alt"]) for attributes in pictures[:2])
    assert "cat 0.92" in first_source
    assert "cat" not in first_artifact


def test_every_check_sentence_and_digest_stands_on_the_page(proof: Proof) -> None:
    text = html.render([proof])
    for check in proof.checks:
        assert check.sentence in text
    assert proof.sha256 in text
    assert proof.references[0].source.sha256 in text
    assert "CONV_2D" in text
    assert proof.assumptions[0] in text
    assert "failed" in text


def test_plots_show_a_point_for_each_tensor_and_each_pair(proof: Proof) -> None:
    text = html.render([proof])
    titles = re.findall(r"<circle[^>]*><title>([^<]*)</title>", text)
    assert sum("largest error" in title for title in titles) == len(proof.layers)
    assert sum("→" in title for title in titles) == 7
    assert any("exact" in title for title in titles)


def test_a_picture_that_has_gone_is_said(proof: Proof) -> None:
    proof.pairs[0].picture.unlink()
    text = html.render([proof])
    assert "1 more can no longer be read" in text
    assert text.count("<img") == 2


def test_several_recipes_stand_on_one_page(proof: Proof) -> None:
    other = replace(proof, recipe="tflite-f16", figures={}, layers=(), checks=proof.checks[:1])
    text = html.render([proof, other])
    assert "2 recipes, 1 passed, 1 failed" in text
    assert 'id="r2"' in text


def test_few_samples_are_said(proof: Proof) -> None:
    few, enough = "2 samples (few samples: take a few dozen).", "12 samples."
    assert f"Checked on {few}" in html.render([proof])
    assert f"Checked on {enough}" in html.render([replace(proof, pairs=proof.pairs * 6)])
    assert "Checked on 1 sample (few" in html.render([replace(proof, pairs=proof.pairs[:1])])


def test_writing_where_one_may_not_is_a_storage_error(proof: Proof, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        html.write(tmp_path / "file" / "report.html", [proof])
