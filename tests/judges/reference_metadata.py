"""What the reference writer says of a model: reference_metadata.py detector|classifier MODEL MEAN STD LABELS → JSON.

tests/golden/metadata was made with it from the models of tests/formats/small_models.py.
"""

import sys

from tflite_support.metadata_writers import image_classifier, object_detector


def main(kind: str, model: str, mean: str, std: str, labels: str) -> None:
    writer = {"detector": object_detector, "classifier": image_classifier}[kind].MetadataWriter
    with open(model, "rb") as file:
        content = bytearray(file.read())
    sys.stdout.write(writer.create_for_inference(content, [float(mean)], [float(std)], [labels]).get_metadata_json())


if __name__ == "__main__":
    main(*sys.argv[1:])
