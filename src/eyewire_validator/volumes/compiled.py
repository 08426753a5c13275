"""Functions that numba compiles, with a cache on disk where one can be kept."""

from collections.abc import Callable
from contextlib import suppress
from pickle import UnpicklingError
from typing import Any, Literal, ParamSpec, TypeVar, cast

from numba import njit
from numba.core.caching import FunctionCache

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# What a cache may raise: its folder cannot be read or written, or a file is cut short.
UNREADABLE = (OSError, EOFError, UnpicklingError)


class _Cache(FunctionCache):
    """numba's cache of a function, which may neither be read nor written."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what was compiled before; None where it cannot be read."""
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except UNREADABLE:
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled, where that is possible."""
        with suppress(*UNREADABLE):
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]


def compiled(
    error_model: Literal["python", "numpy"] = "python",
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Compile a function when it is first called; it then runs without Python's lock.

    What was compiled is kept in the folder ``NUMBA_CACHE_DIR``, beside the source, or
    in the user's cache (``XDG_CACHE_HOME``, ~/.cache), whichever can be written first.
    Where none can, each process compiles anew: slower by seconds, with the same
    results.

    Args:
        error_model: whether a division by zero raises, or is as in numpy.
    """

    def compile_it(
        function: Callable[Parameters, Result],
    ) -> Callable[Parameters, Result]:
        dispatcher: Any = njit(nogil=True, error_model=error_model)(function)
        # As `cache=True` does; raised is that there is no folder to write to.
        with suppress(RuntimeError):
            dispatcher._cache = _Cache(function)  # type: ignore[no-untyped-call]
        return cast("Callable[Parameters, Result]", dispatcher)

    return compile_it
