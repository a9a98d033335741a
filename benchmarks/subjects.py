"""What is measured: the published COCO detector where it is, else the bundled shelf."""

import os
from dataclasses import dataclass
from pathlib import Path

from edgekit import shelf

from .processes import cost, edgekit


@dataclass(frozen=True)
class Subject:
    """graph, labels: of one detector. tflite: a finished file of it. published: whether that is the published one."""

    name: str
    graph: Path
    labels: Path
    tflite: Path
    published: bool

    def conversion(self, out: Path, *recipes: str) -> list[str]:
        """The command that converts it into the folder ``out``."""
        wanted = [word for recipe in recipes for word in ("--to", recipe)]
        return edgekit("convert", self.graph, *wanted, "--labels", self.labels, "-o", out)


def subject(folder: Path) -> Subject:
    """The published detector below EDGEKIT_REAL, or the bundled shelf, converted in ``folder``."""
    coco = real("coco_ssd_mobilenet_v1")
    if coco.is_dir():
        return Subject(
            "published COCO SSD MobileNet v1",
            coco / "tflite_graph.pb",
            coco / "labelmap.txt",
            coco / "ssd_mobilenet_v1.tflite",
            published=True,
        )
    return bundled(folder)


def real(name: str) -> Path:
    """A folder of published models, which may be missing."""
    return Path(os.environ.get("EDGEKIT_REAL", Path(__file__).parents[2] / "shared" / "real")) / name


def bundled(folder: Path) -> Subject:
    """The bundled shelf, converted in ``folder``."""
    shelf.check()
    cost(
        edgekit("convert", shelf.GRAPH, "--to", "tflite-uint8", "--labels", shelf.LABELS, "-o", folder / "made"), folder
    )
    made = folder / "made" / "tflite-uint8" / "model.tflite"
    return Subject("bundled shelf", shelf.GRAPH, shelf.LABELS, made, published=False)


def without_postprocessing(path: Path, folder: Path) -> tuple[Path, int]:
    """A detector's graph without the node that other converters do not know, and its input's side in pixels."""
    from edgekit.formats.graphdef import proto

    graph = proto.read(path.read_bytes(), name=str(path))
    kept = [node for node in graph.node if node.op != "TFLite_Detection_PostProcess"]
    side = next(node.attr["shape"].shape.dim[1].size for node in kept if node.op == "Placeholder")
    del graph.node[:]
    graph.node.extend(kept)
    bare = folder / f"bare-{path.name}"
    bare.write_bytes(proto.write(graph))
    return bare, side


def without_fake_quants(folder: Path) -> Path:
    """The graph of the bundled shelf as its training had it before fake-quants came in."""
    from edgekit.training import export, start
    from edgekit.training.architecture import build
    from edgekit.training.network import fold
    from edgekit.training.options import SsdOptions

    checkpoint = start.read("shelf")
    about = checkpoint.about
    architecture = build(
        about.kind,
        height=about.height,
        width=about.width,
        classes=len(about.labels),
        sizes=about.sizes,
        strides=about.strides,
        multiplier=about.multiplier,
    )
    options = SsdOptions(strides=about.strides, quantisation=None)
    path = folder / "float.pb"
    path.write_bytes(export.graph(architecture, fold(architecture, checkpoint.variables), options))
    return path
