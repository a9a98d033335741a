"""Pascal VOC annotations: one XML file a picture.

Coordinates are taken as edges of the box in pixels, as the TensorFlow Object Detection API does. (The first VOC sets
counted pixels from 1 and included the last; the tools that people draw boxes with today do not.)

An object marked as difficult is not asked for when a detector is judged, as a crowd of COCO's is not.
"""

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from ..errors import UserDataError
from ..system import read_file
from ..values.truth import Annotation, TrueBox
from .foreign import refuse_mishap

MAX_BYTES = 16 * 2**20
DIGITS = 3  # after the point of a written coordinate
_EDGES = ("xmin", "ymin", "xmax", "ymax")


def read(path: Path) -> tuple[Annotation, ...]:
    """The annotations in one XML file, or in all of a folder and its subfolders, sorted by path.

    An annotation is named as its file, because the file name inside is often that of another machine.
    Raises UserDataError that names the file which is none.
    """
    if not path.is_dir():
        return (parse(read_file(path, limit=MAX_BYTES), name=str(path)),)
    files = sorted(path.rglob("*.xml"))
    if not files:
        raise UserDataError(f"There are no .xml files in {path}.", fix="Give the folder with the VOC annotations.")
    return tuple(parse(read_file(file, limit=MAX_BYTES), name=str(file)) for file in files)


def encode(annotation: Annotation) -> bytes:
    """The bytes of an XML file; what is a crowd becomes difficult, as VOC has it."""
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "filename").text = annotation.name
    if annotation.size is not None:
        width, height = annotation.size
        _append(ElementTree.SubElement(root, "size"), {"width": width, "height": height, "depth": 3})
    for one in annotation.boxes:
        element = ElementTree.SubElement(root, "object")
        _append(element, {"name": one.label, "difficult": int(one.crowd)})
        edges = (round(edge, DIGITS) for edge in one.box)
        _append(ElementTree.SubElement(element, "bndbox"), dict(zip(_EDGES, edges, strict=True)))
    ElementTree.indent(root)
    return ElementTree.tostring(root) + b"\n"


def _append(parent: ElementTree.Element, texts: Mapping[str, object]) -> None:
    for tag, text in texts.items():
        ElementTree.SubElement(parent, tag).text = str(text)


def parse(data: bytes, *, name: str) -> Annotation:
    """The annotation in the bytes of an XML file."""
    root = _root(data, name)
    objects = tuple(_object(element, name) for element in root.iter("object"))
    size = root.find("size")
    return Annotation(name=Path(name).stem, size=None if size is None else _size(size), boxes=objects)


class _Plain(ElementTree.TreeBuilder):
    """Refuses document types: their entities can make a small file huge, and an annotation has no use for them.

    Asked by the parser, it sees them in every encoding.
    """

    def doctype(self, *_: str | None) -> None:
        raise _DocumentTypeError


class _DocumentTypeError(Exception):
    """The file has a document type."""


def _root(data: bytes, name: str) -> ElementTree.Element:
    refuse_mishap(data, name)
    try:
        root = ElementTree.fromstring(data, ElementTree.XMLParser(target=_Plain()))
    except _DocumentTypeError:
        raise UserDataError(f"{name} has a document type, which no VOC annotation needs.") from None
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise UserDataError(f"{name} is not valid XML: {error}.") from None
    if root.tag != "annotation":
        raise UserDataError(f"{name} is no VOC annotation: its root is <{root.tag}>, not <annotation>.")
    return root


def _size(element: ElementTree.Element) -> tuple[int, int] | None:
    """Width and height; None where a tool wrote none or zeros."""
    values = [(element.findtext(tag) or "").strip() for tag in ("width", "height")]
    if not all(value.isascii() and value.isdigit() and 0 < int(value) < 2**31 for value in values):
        return None
    return int(values[0]), int(values[1])


def _object(element: ElementTree.Element, name: str) -> TrueBox:
    label = (element.findtext("name") or "").strip()
    if not label:
        raise UserDataError(f"{name}: an object has no name.")
    texts = [element.findtext(f"bndbox/{edge}") or "" for edge in _EDGES]
    try:
        xmin, ymin, xmax, ymax = (float(text) for text in texts)
    except ValueError:
        raise UserDataError(f"{name}: {label!r} has no box of four numbers: {texts}.") from None
    return TrueBox(
        label=label,
        box=(xmin, ymin, xmax, ymax),
        area=(xmax - xmin) * (ymax - ymin),
        crowd=(element.findtext("difficult") or "").strip() == "1",
    )
