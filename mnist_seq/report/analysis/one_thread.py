"""Functions in one thread: the same figures on any number of cores, and sooner."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def in_one_thread(function: Callable[P, T]) -> Callable[P, T]:
    """Decorator: NumPy and SciPy use one thread while the function runs.

    Of matrices of some hundred rows several threads wait for each other for longer than they work,
    and their sums come in another order, which a fit carries into the digits that are shown.
    """

    @functools.wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> T:
        import scipy.linalg  # noqa: F401  # its library can be limited once it is loaded
        from threadpoolctl import threadpool_limits

        with threadpool_limits(limits=1):
            return function(*args, **kwargs)

    return limited
