"""TFLite metadata, schema 1.5.0, as data: tables, enumerations, unions and which parser version each part needs.

The schema is metadata_schema.fbs of tflite-support (file identifier M001); field numbers are its order of declaration,
where a union takes two numbers, its type's and its own.
"""

from collections.abc import Mapping

from ..flatbuffer import Field

IDENTIFIER = b"M001"
ENTRY = "TFLITE_METADATA"  # name of the model's metadata entry whose buffer holds the metadata
ROOT = "ModelMetadata"

SCHEMA: Mapping[str, Mapping[str, Field]] = {
    "ModelMetadata": {
        "name": Field(0, "string"),
        "description": Field(1, "string"),
        "version": Field(2, "string"),
        "subgraph_metadata": Field(3, "[SubGraphMetadata]"),
        "author": Field(4, "string"),
        "license": Field(5, "string"),
        "associated_files": Field(6, "[AssociatedFile]"),
        "min_parser_version": Field(7, "string"),
    },
    "SubGraphMetadata": {
        "name": Field(0, "string"),
        "description": Field(1, "string"),
        "input_tensor_metadata": Field(2, "[TensorMetadata]"),
        "output_tensor_metadata": Field(3, "[TensorMetadata]"),
        "associated_files": Field(4, "[AssociatedFile]"),
        "input_process_units": Field(5, "[ProcessUnit]"),
        "output_process_units": Field(6, "[ProcessUnit]"),
        "input_tensor_groups": Field(7, "[TensorGroup]"),
        "output_tensor_groups": Field(8, "[TensorGroup]"),
        "custom_metadata": Field(9, "[CustomMetadata]"),
    },
    "TensorMetadata": {
        "name": Field(0, "string"),
        "description": Field(1, "string"),
        "dimension_names": Field(2, "[string]"),
        "content": Field(3, "Content"),
        "process_units": Field(4, "[ProcessUnit]"),
        "stats": Field(5, "Stats"),
        "associated_files": Field(6, "[AssociatedFile]"),
    },
    "TensorGroup": {"name": Field(0, "string"), "tensor_names": Field(1, "[string]")},
    "CustomMetadata": {"name": Field(0, "string"), "data": Field(1, "[uint8]", align=16)},
    "AssociatedFile": {
        "name": Field(0, "string"),
        "description": Field(1, "string"),
        "type": Field(2, "int8", 0),
        "locale": Field(3, "string"),
        "version": Field(4, "string"),
    },
    "Content": {
        "content_properties_type": Field(0, "uint8", 0),
        "content_properties": Field(1, "union"),
        "range": Field(2, "ValueRange"),
    },
    "ValueRange": {"min": Field(0, "int32", 0), "max": Field(1, "int32", 0)},
    "Stats": {"max": Field(0, "[float32]"), "min": Field(1, "[float32]")},
    "FeatureProperties": {},
    "ImageProperties": {"color_space": Field(0, "int8", 0), "default_size": Field(1, "ImageSize")},
    "ImageSize": {"width": Field(0, "uint32", 0), "height": Field(1, "uint32", 0)},
    "BoundingBoxProperties": {
        "index": Field(0, "[uint32]"),
        "type": Field(1, "int8", 0),
        "coordinate_type": Field(2, "int8", 0),
    },
    "AudioProperties": {"sample_rate": Field(0, "uint32", 0), "channels": Field(1, "uint32", 0)},
    "ProcessUnit": {"options_type": Field(0, "uint8", 0), "options": Field(1, "union")},
    "NormalizationOptions": {"mean": Field(0, "[float32]"), "std": Field(1, "[float32]")},
    "ScoreCalibrationOptions": {"score_transformation": Field(0, "int8", 0), "default_score": Field(1, "float32", 0.0)},
    "ScoreThresholdingOptions": {"global_score_threshold": Field(0, "float32", 0.0)},
    "BertTokenizerOptions": {"vocab_file": Field(0, "[AssociatedFile]")},
    "SentencePieceTokenizerOptions": {
        "sentencePiece_model": Field(0, "[AssociatedFile]"),
        "vocab_file": Field(1, "[AssociatedFile]"),
    },
    "RegexTokenizerOptions": {"delim_regex_pattern": Field(0, "string"), "vocab_file": Field(1, "[AssociatedFile]")},
}

ENUMS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("AssociatedFile", "type"): (
        "UNKNOWN",
        "DESCRIPTIONS",
        "TENSOR_AXIS_LABELS",
        "TENSOR_VALUE_LABELS",
        "TENSOR_AXIS_SCORE_CALIBRATION",
        "VOCABULARY",
        "SCANN_INDEX_FILE",
    ),
    ("ImageProperties", "color_space"): ("UNKNOWN", "RGB", "GRAYSCALE"),
    ("BoundingBoxProperties", "type"): ("UNKNOWN", "BOUNDARIES", "UPPER_LEFT", "CENTER"),
    ("BoundingBoxProperties", "coordinate_type"): ("RATIO", "PIXEL"),
    ("ScoreCalibrationOptions", "score_transformation"): ("IDENTITY", "LOG", "INVERSE_LOGISTIC"),
}

# A union's table by its type, which stands in the field of the same name with _type; 0 is none.
UNIONS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("Content", "content_properties"): (
        "NONE",
        "FeatureProperties",
        "ImageProperties",
        "BoundingBoxProperties",
        "AudioProperties",
    ),
    ("ProcessUnit", "options"): (
        "NONE",
        "NormalizationOptions",
        "ScoreCalibrationOptions",
        "ScoreThresholdingOptions",
        "BertTokenizerOptions",
        "SentencePieceTokenizerOptions",
        "RegexTokenizerOptions",
    ),
}

# What a parser must be able to read (metadata_version.cc of tflite-support and MediaPipe): a field that is present, or
# a field with a certain value. Everything else has been there since 1.0.0.
FIELD_VERSIONS: Mapping[tuple[str, str], tuple[int, int, int]] = {
    ("SubGraphMetadata", "input_process_units"): (1, 1, 0),
    ("SubGraphMetadata", "output_process_units"): (1, 1, 0),
    ("SubGraphMetadata", "input_tensor_groups"): (1, 2, 0),
    ("SubGraphMetadata", "output_tensor_groups"): (1, 2, 0),
    ("AssociatedFile", "version"): (1, 4, 1),
    ("SubGraphMetadata", "custom_metadata"): (1, 5, 0),
}
VALUE_VERSIONS: Mapping[tuple[str, str, str], tuple[int, int, int]] = {
    ("AssociatedFile", "type", "VOCABULARY"): (1, 0, 1),
    ("ProcessUnit", "options_type", "BertTokenizerOptions"): (1, 1, 0),
    ("ProcessUnit", "options_type", "SentencePieceTokenizerOptions"): (1, 1, 0),
    ("ProcessUnit", "options_type", "RegexTokenizerOptions"): (1, 2, 1),
    ("Content", "content_properties_type", "AudioProperties"): (1, 3, 0),
    ("AssociatedFile", "type", "SCANN_INDEX_FILE"): (1, 4, 0),
}
