"""How a picture's real numbers are stored in an integer input."""

from ..values.spec import USUAL, Encoding, ImageInput

STEPS = 255


def input_encoding(image: ImageInput, dtype: str) -> Encoding:
    """The encoding of (pixel − mean) / std in a float32, uint8 or int8 input.

    For mean = std = 127.5 the one that everybody deployed with, (pixel − 128) / 128, half a step off. Else pixels are
    stored unchanged where one mean and one std allow it, and else the real range is spread over the 256 steps.
    """
    if dtype == "float32":
        return Encoding()
    shift = 0 if dtype == "uint8" else -128
    scale, zero_point = _uint8(image)
    return Encoding(dtype=dtype, scale=scale, zero_point=zero_point + shift)


def _uint8(image: ImageInput) -> tuple[float, int]:
    means, stds = set(image.mean), set(image.std)
    if means == stds == {USUAL}:
        return 1 / 128, 128
    if len(means) == len(stds) == 1 and 0 <= round(image.mean[0]) <= STEPS:
        return 1 / image.std[0], round(image.mean[0])
    channels = list(zip(image.mean, image.std, strict=True))
    low = min(0.0, *((0 - m) / s for m, s in channels))
    high = max(0.0, *((STEPS - m) / s for m, s in channels))
    scale = (high - low) / STEPS
    return scale, round(-low / scale)
