"""Ask MediaPipe's ObjectDetector: mediapipe_detect.py PICTURE MODEL… prints a JSON list, one answer a model.

An answer is {"detections": [{"category", "score", "box": [left, top, width, height]}]} or {"error": why}.
"""

import json
import os
import sys

import mediapipe
from mediapipe.tasks.python import vision
from mediapipe.tasks.python.core.base_options import BaseOptions


def answer(model: str, picture: str) -> dict[str, object]:
    with open(model, "rb") as file:
        options = vision.ObjectDetectorOptions(base_options=BaseOptions(model_asset_buffer=file.read()), max_results=10)
    try:
        with vision.ObjectDetector.create_from_options(options) as detector:
            found = detector.detect(mediapipe.Image.create_from_file(picture)).detections
    except Exception as error:  # whatever it raises is its verdict on the model
        return {"error": str(error)}
    return {"detections": [detection(entry) for entry in found]}


def detection(entry: vision.ObjectDetectorResult) -> dict[str, object]:
    best, box = entry.categories[0], entry.bounding_box
    sides = [box.origin_x, box.origin_y, box.width, box.height]
    return {"category": best.category_name, "score": best.score, "box": sides}


if __name__ == "__main__":
    answers = [answer(model, sys.argv[1]) for model in sys.argv[2:]]
    sys.stdout.write(json.dumps(answers))
    sys.stdout.flush()
    os._exit(0)  # its dispatcher's threads raise while the interpreter shuts down
