"""When a node with fewer replicas than it had may accept events alone."""

import pytest

from libs.common.broker.copies import View, require_no_other
from libs.common.errors import DependencyUnavailableError

ALONE = View(is_primary=True, living=0)
FOLLOWED = View(is_primary=True, living=1)
REPLACED = View(is_primary=False, living=0)


@pytest.mark.parametrize(
    ("views", "following"),
    [
        ([ALONE, ALONE, ALONE], 0),
        ([ALONE, ALONE, None], 0),
        ([FOLLOWED, ALONE, FOLLOWED], 1),
        ([ALONE], 0),
    ],
)
def test_it_accepts_when_all_others_are_dead(views: list[View | None], following: int) -> None:
    """Most answered, all of them name it, and none knows a living replica that is not with it."""
    require_no_other(views, following)


@pytest.mark.parametrize(
    ("views", "following", "reason"),
    [
        ([ALONE, None, None], 0, "cut off"),
        ([ALONE, None], 0, "cut off"),
        ([None], 0, "cut off"),
        ([], 0, "cut off"),
        ([ALONE, ALONE, REPLACED], 0, "takes its place"),
        ([ALONE, ALONE, FOLLOWED], 0, "1 replicas do not follow"),
        ([View(is_primary=True, living=3)], 1, "2 replicas do not follow"),
    ],
)
def test_it_refuses_when_there_may_be_another(
    views: list[View | None], following: int, reason: str
) -> None:
    """A replica that nobody holds for dead may be primary already, without the node's knowing."""
    with pytest.raises(DependencyUnavailableError, match=reason):
        require_no_other(views, following)
