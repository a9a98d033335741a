"""Annotation files that the tests make."""

import json


def voc_xml(*objects: tuple[str, str], size: str = "<size><width>200</width><height>100</height></size>") -> bytes:
    boxes = ""
    for label, numbers in objects:
        edges = zip(("xmin", "ymin", "xmax", "ymax"), numbers.split(), strict=False)
        inner = "".join(f"<{edge}>{number}</{edge}>" for edge, number in edges)
        boxes += f"<object><name>{label}</name><bndbox>{inner}</bndbox></object>"
    return f"<annotation><filename>elsewhere.jpg</filename>{size}{boxes}</annotation>".encode()


def coco_json(**changes: object) -> bytes:
    content = {
        "images": [{"id": 7, "file_name": "train/a.png", "width": 200, "height": 100}, {"id": 8, "file_name": "b.png"}],
        "categories": [{"id": 1, "name": "red"}, {"id": 5, "name": "green"}, {"id": 6, "name": "blue"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 5, "bbox": [20, 10, 100, 50], "area": 4000, "iscrowd": 1},
            {"id": 2, "image_id": 7, "category_id": 6, "bbox": [0, 0, 5, 5]},
            {"id": 3, "image_id": 8, "category_id": 1, "bbox": [0, 0, 20, 10]},
            {"id": 4, "image_id": 8, "category_id": 1, "bbox": [3, 3, 0, 10]},
        ],
    }
    return json.dumps(content | changes).encode()
