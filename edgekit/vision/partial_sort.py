"""Which of several equal scores comes first: the order that the post-processing kernel leaves them in.

The kernel sorts with C++'s partial sort, which promises nothing about equal values, yet answers depend on it: a
quantised model has 256 different scores and thousands of boxes. This is the binary-heap selection of GNU's C++
library (Williams 1964; holes sink to a leaf before they rise, Floyd 1964), with which LiteRT for Linux is built.
"""

from collections.abc import Sequence


def argmax(values: Sequence[float]) -> int:
    """Index of the first largest value; a NaN in front is never exceeded, any other never exceeds."""
    best = 0
    for index, value in enumerate(values):
        if value > values[best]:
            best = index
    return best


def decreasing(values: Sequence[float], count: int) -> list[int]:
    """Indices of the ``count`` largest values, largest first; equal ones in the heap's order."""
    if count == 1:
        return [argmax(values)]
    heap = list(range(count))
    for start in range(count // 2 - 1, -1, -1):
        _sink(heap, values, start, count, heap[start])
    for index in range(count, len(values)):
        if values[index] > values[heap[0]]:
            _sink(heap, values, 0, count, index)
    for last in range(count - 1, 0, -1):
        lowest, smallest = heap[last], heap[0]
        _sink(heap, values, 0, last, lowest)
        heap[last] = smallest
    return heap


def _sink(heap: list[int], values: Sequence[float], hole: int, size: int, entry: int) -> None:
    """Put ``entry`` below ``hole``: smaller children move up as far as a leaf, then ``entry`` rises from there.

    The smallest value is on top. Of two equal children the right one moves.
    """
    start = hole
    while (right := 2 * hole + 2) < size:
        child = right - 1 if values[heap[right]] > values[heap[right - 1]] else right
        heap[hole] = heap[child]
        hole = child
    if right == size:  # the last parent has a left child only
        heap[hole] = heap[right - 1]
        hole = right - 1
    value = values[entry]
    while hole > start and values[heap[(hole - 1) // 2]] > value:
        heap[hole] = heap[(hole - 1) // 2]
        hole = (hole - 1) // 2
    heap[hole] = entry
