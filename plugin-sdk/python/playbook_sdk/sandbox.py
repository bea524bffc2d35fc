"""
What the sandbox has not. Asked for it, the interpreter would stop without a word; here it is refused with the way that there is.

`datetime.datetime.now` cannot be replaced, and stops without a word.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

_CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "localtime", "gmtime")
#: What begins the names of the interpreter's audit events for what is outside.
_OUTSIDE = ("open", "os.", "shutil.", "socket.", "subprocess.", "tempfile.", "time.", "urllib.", "_thread.")

_is_closed = False


def _clock(real: Callable) -> Callable:
    def asked(*given: Any) -> Any:
        # Modules that are imported while the component is made may look at the clock.
        if _is_closed:
            raise RuntimeError("there is no clock in the sandbox; `call.now` is when the features end, `call.local_min` the brand's minute")
        return real(*given)

    return asked


def watch_clocks() -> None:
    """Before the plugin is imported, which may take functions of `time` by name."""
    for name in _CLOCKS:
        setattr(time, name, _clock(getattr(time, name)))


def close() -> None:
    """Before the first question: from now on nothing is outside. While the component is made, its maker reads files."""
    global _is_closed
    _is_closed = True
    sys.addaudithook(_refuse)


def _refuse(event: str, given: tuple) -> None:
    if event.startswith(_OUTSIDE):
        raise RuntimeError(f"there are no files, threads, network or waiting in the sandbox: `{event}` was asked for")
