"""What several modules ask of their arguments; each says which one is wrong, and what it may be."""

import math

import numpy as np


def whole(name, value, low, high=math.inf):
    """`value` as an int from low to high, else ValueError. True and False are no numbers."""
    number = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        bound = f">= {low}" if high == math.inf else f"from {low} to {high}"
        raise ValueError(f"{name} must be a whole number {bound}, got {value!r}")
    return int(value)


def floats(name, value):
    """`value` as a new float array, else ValueError. Text is no number; nan and inf are the caller's."""
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "biufO":
            raise TypeError
        return array.astype(float)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be real numbers, got {value!r}") from None


def yes_or_no(name, value):
    """`value` if it is True or False, else ValueError."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def words(name, value):
    """`value` if it is text, else ValueError."""
    if not isinstance(value, str):
        raise ValueError(f"{name} must be words, got {value!r}")
    return value


def positive(name, value, most):
    """`value` as a float above 0 and up to `most`, else ValueError."""
    number = floats(name, value)
    if number.ndim or not 0 < number <= most:
        raise ValueError(f"{name} must be a number above 0 and at most {most}, got {value!r}")
    return float(number)
