"""Work in slices: all of it, in order, and never too much at once."""

import pytest

from libs.common.slices import SLICE_BYTES, in_slices

MB = 2**20


@pytest.mark.parametrize(
    ("sizes", "most", "slices"),
    [
        ([], None, []),
        ([1] * 5, None, [[1] * 5]),
        ([1] * 5, 2, [[1, 1], [1, 1], [1]]),
        ([SLICE_BYTES, 1], None, [[SLICE_BYTES], [1]]),
        ([3 * MB] * 5, None, [[3 * MB] * 2, [3 * MB] * 2, [3 * MB]]),
        ([1, 20 * MB, 20 * MB, 1], None, [[1], [20 * MB], [20 * MB], [1]]),
    ],
)
def test_slices_are_bounded(sizes: list[int], most: int | None, slices: list[list[int]]) -> None:
    """A slice holds what fits, in order; what is too large for every slice is alone."""
    assert [list(each) for each in in_slices(sizes, lambda size: size, most=most)] == slices
