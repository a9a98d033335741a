"""The schema of .tflite files as data: identifier TFL3, tables up to schema version 3a of LiteRT 2.

Source: tflite/converter/schema/schema.fbs of google-ai-edge/LiteRT. Options of the built-in operators are unions and
stay unread, but for the few that edgekit itself writes.
"""

from ..flatbuffer import Field, Schema
from ..foreign import TFLITE

IDENTIFIER = TFLITE
CUSTOM = 32  # BuiltinOperator of an operator that is known by its name only
LARGEST_OLD_CODE = 127  # deprecated_builtin_code is an int8; larger codes stand in builtin_code
SOFTMAX_OPTIONS = 9  # BuiltinOptions

SCHEMA: Schema = {
    "Model": {
        "version": Field(0, "uint32", 0),
        "operator_codes": Field(1, "[OperatorCode]"),
        "subgraphs": Field(2, "[SubGraph]"),
        "description": Field(3, "string"),
        "buffers": Field(4, "[Buffer]"),
        "metadata_buffer": Field(5, "[int32]"),
        "metadata": Field(6, "[Metadata]"),
        "signature_defs": Field(7, "[SignatureDef]"),
        "external_buffer_groups": Field(8, "[ExternalBufferGroup]"),
        "external_buffers": Field(9, "[ExternalBuffer]"),
    },
    "OperatorCode": {
        "deprecated_builtin_code": Field(0, "int8", 0),
        "custom_code": Field(1, "string"),
        "version": Field(2, "int32", 1),
        "builtin_code": Field(3, "int32", 0),
    },
    "SubGraph": {
        "tensors": Field(0, "[Tensor]"),
        "inputs": Field(1, "[int32]"),
        "outputs": Field(2, "[int32]"),
        "operators": Field(3, "[Operator]"),
        "name": Field(4, "string"),
        "debug_metadata_index": Field(5, "int32", -1),
    },
    "Tensor": {
        "shape": Field(0, "[int32]"),
        "type": Field(1, "int8", 0),
        "buffer": Field(2, "uint32", 0),
        "name": Field(3, "string"),
        "quantization": Field(4, "QuantizationParameters"),
        "is_variable": Field(5, "bool", False),
        "sparsity": Field(6, "SparsityParameters"),
        "shape_signature": Field(7, "[int32]"),
        "has_rank": Field(8, "bool", False),
        "variant_tensors": Field(9, "[VariantSubType]"),
        "external_buffer": Field(10, "uint32", 0),
    },
    "QuantizationParameters": {
        "min": Field(0, "[float32]"),
        "max": Field(1, "[float32]"),
        "scale": Field(2, "[float32]"),
        "zero_point": Field(3, "[int64]"),
        "details_type": Field(4, "uint8", 0),
        "details": Field(5, "union"),
        "quantized_dimension": Field(6, "int32", 0),
    },
    "SparsityParameters": {
        "traversal_order": Field(0, "[int32]"),
        "block_map": Field(1, "[int32]"),
        "dim_metadata": Field(2, "[DimensionMetadata]"),
    },
    "DimensionMetadata": {
        "format": Field(0, "int8", 0),
        "dense_size": Field(1, "int32", 0),
        "array_segments_type": Field(2, "uint8", 0),
        "array_segments": Field(3, "union"),
        "array_indices_type": Field(4, "uint8", 0),
        "array_indices": Field(5, "union"),
    },
    "VariantSubType": {
        "shape": Field(0, "[int32]"),
        "type": Field(1, "int8", 0),
        "has_rank": Field(2, "bool", False),
    },
    "Operator": {
        "opcode_index": Field(0, "uint32", 0),
        "inputs": Field(1, "[int32]"),
        "outputs": Field(2, "[int32]"),
        "builtin_options_type": Field(3, "uint8", 0),
        "builtin_options": Field(4, "union"),
        "custom_options": Field(5, "[uint8]"),
        "custom_options_format": Field(6, "int8", 0),
        "mutating_variable_inputs": Field(7, "[bool]"),
        "intermediates": Field(8, "[int32]"),
        "large_custom_options_offset": Field(9, "uint64", 0),
        "large_custom_options_size": Field(10, "uint64", 0),
        "builtin_options_2_type": Field(11, "uint8", 0),
        "builtin_options_2": Field(12, "union"),
        "debug_metadata_index": Field(13, "int32", -1),
    },
    "SoftmaxOptions": {"beta": Field(0, "float32", 0.0)},
    "Buffer": {
        "data": Field(0, "[uint8]", align=16),
        "offset": Field(1, "uint64", 0),
        "size": Field(2, "uint64", 0),
    },
    "Metadata": {"name": Field(0, "string"), "buffer": Field(1, "uint32", 0)},
    "TensorMap": {"name": Field(0, "string"), "tensor_index": Field(1, "uint32", 0)},
    "SignatureDef": {
        "inputs": Field(0, "[TensorMap]"),
        "outputs": Field(1, "[TensorMap]"),
        "signature_key": Field(2, "string"),
        "subgraph_index": Field(4, "uint32", 0),
    },
    "ExternalBufferGroup": {"name": Field(0, "string")},
    "ExternalBuffer": {
        "id": Field(0, "uint32", 0),
        "group": Field(1, "uint32", 0),
        "offset": Field(2, "uint64", 0),
        "length": Field(3, "uint64", 0),
        "packing": Field(4, "string"),
    },
}

# TensorType in the order of its codes: bits of one element, 0 where they differ from one to the next.
BITS = {
    "float32": 32, "float16": 16, "int32": 32, "uint8": 8, "int64": 64, "string": 0, "bool": 8, "int16": 16,
    "complex64": 64, "int8": 8, "float64": 64, "complex128": 128, "uint64": 64, "resource": 0, "variant": 0,
    "uint32": 32, "uint16": 16, "int4": 4, "bfloat16": 16, "int2": 2, "uint4": 4, "float8_e4m3fn": 8,
    "float8_e5m2": 8,
}  # fmt: skip
TYPES = tuple(BITS)

_OPERATORS = """
    ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR
    FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC
    LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH
    SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER
    BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE
    BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM
    ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE
    TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK
    LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL
    FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL
    REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND
    HARD_SWISH IF WHILE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM
    BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS
    HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE
    ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU
    DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2
    UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT STABLEHLO_LOGISTIC STABLEHLO_ADD STABLEHLO_DIVIDE
    STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM STABLEHLO_RESHAPE STABLEHLO_CLAMP STABLEHLO_CONCATENATE
    STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION STABLEHLO_SLICE STABLEHLO_CUSTOM_CALL STABLEHLO_REDUCE
    STABLEHLO_ABS STABLEHLO_AND STABLEHLO_COSINE STABLEHLO_EXPONENTIAL STABLEHLO_FLOOR STABLEHLO_LOG
    STABLEHLO_MINIMUM STABLEHLO_NEGATE STABLEHLO_OR STABLEHLO_POWER STABLEHLO_REMAINDER STABLEHLO_RSQRT
    STABLEHLO_SELECT STABLEHLO_SUBTRACT STABLEHLO_TANH STABLEHLO_SCATTER STABLEHLO_COMPARE STABLEHLO_CONVERT
    STABLEHLO_DYNAMIC_SLICE STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD STABLEHLO_IOTA STABLEHLO_DOT_GENERAL
    STABLEHLO_REDUCE_WINDOW STABLEHLO_SORT STABLEHLO_WHILE STABLEHLO_GATHER STABLEHLO_TRANSPOSE DILATE
    STABLEHLO_RNG_BIT_GENERATOR REDUCE_WINDOW STABLEHLO_COMPOSITE STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT STABLEHLO_CASE
"""
OPERATORS = tuple(_OPERATORS.split())  # BuiltinOperator in the order of its codes
