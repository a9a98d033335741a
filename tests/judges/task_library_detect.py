"""Ask the Task Library's ObjectDetector: task_library_detect.py PICTURE MODEL… prints a JSON list, one answer a model.

An answer is {"detections": [{"category", "score", "box": [left, top, width, height]}]} or {"error": why}.
"""

import json
import sys

from tflite_support.task import core, processor, vision


def answer(model: str, picture: str) -> dict[str, object]:
    with open(model, "rb") as file:
        base = core.BaseOptions(file_content=file.read())
    options = vision.ObjectDetectorOptions(base, processor.DetectionOptions(max_results=10))
    try:
        detector = vision.ObjectDetector.create_from_options(options)
        found = detector.detect(vision.TensorImage.create_from_file(picture)).detections
    except Exception as error:  # whatever it raises is its verdict on the model
        return {"error": str(error)}
    return {"detections": [detection(entry) for entry in found]}


def detection(entry: processor.Detection) -> dict[str, object]:
    best, box = entry.categories[0], entry.bounding_box
    sides = [box.origin_x, box.origin_y, box.width, box.height]
    return {"category": best.category_name, "score": best.score, "box": sides}


if __name__ == "__main__":
    sys.stdout.write(json.dumps([answer(model, sys.argv[1]) for model in sys.argv[2:]]))
