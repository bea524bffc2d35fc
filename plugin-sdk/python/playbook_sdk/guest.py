"""What stands between the contract's functions and a plugin in the sandbox."""

import re
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from . import log as lines
from .faults import Problems, Refusal
from .plugin import Instance, Plugin
from .records import Kind


def bind(
    of: type[Plugin], kind: str, host: Any, types: Any, refusal: type[Exception], begin: Callable[[], None] = lambda: None
) -> tuple[type, type]:
    """
    The classes of the interfaces that a component of a kind exports. `host` is the contract's log, `types` its types, `refusal` the
    exception by which a function fails in words. `begin` is called before the first question: while the component is made, there is no
    log, and what goes wrong is printed.
    """
    if of.kind.value != kind:
        raise TypeError(f"the class `{of.__name__}` is of kind {of.kind.value}, pyproject.toml says {kind}")
    severities = {one.name.lower(): one for one in host.Severity}
    instance = Instance(of)
    began = False

    def handed(value: Any) -> Any:
        """A record as the contract's own class of that name."""
        if isinstance(value, list):
            # Long lists are lists of numbers, which are handed over as they are.
            return [handed(one) for one in value] if value and not isinstance(value[0], (int, float, str)) else value
        if isinstance(value, Enum):
            return getattr(types, type(value).__name__)[value.name]
        if is_dataclass(value):
            return getattr(types, type(value).__name__)(*(handed(getattr(value, one.name)) for one in fields(value)))
        return value

    def guarded(ask: Callable, *given: Any) -> Any:
        """Turns what is raised into a refusal in words, problems, or last words and a trap."""
        nonlocal began
        if not began:
            began = True
            lines.connect(lambda severity, message: host.log(severities[severity], message))
            sys.stdout, sys.stderr = lines.Printed(lines.info), lines.Printed(lines.warn)  # type: ignore[assignment]
            begin()
        try:
            return handed(ask(*given))
        except Refusal as said:
            words: Any = str(said)
        except Problems as said:
            words = handed(said.list)
        except BaseException as fault:
            host.panicked(f"{type(fault).__name__}: {fault}", *_place(fault))
            raise
        raise refusal(words)

    class Described:
        def describe(self) -> Any:
            return guarded(instance.describe)

        def check(self, settings: str) -> Any:
            return guarded(instance.check, settings)

        def open(self, ctx: Any, opening: Any) -> None:
            guarded(instance.open, ctx, opening)

    class Scores:
        def score(self, ctx: Any, rows: Any) -> Any:
            return guarded(instance.ask, ctx, rows)

        def explain(self, ctx: Any, rows: Any) -> Any:
            return guarded(instance.explain, ctx, rows)

    class Assigns:
        def assign(self, ctx: Any, rows: Any) -> Any:
            return guarded(instance.ask, ctx, rows)

    class Proposes:
        def propose(self, ctx: Any, rows: Any) -> Any:
            return guarded(instance.ask, ctx, rows)

    return Described, {Kind.SCORING: Scores, Kind.SEGMENTATION: Assigns, Kind.INCENTIVE: Proposes}[of.kind]


def _place(fault: BaseException) -> tuple[str, int]:
    """File and line of the last step that is not the SDK's own."""
    found, trace = ("", 0), fault.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not found[0] or "playbook_sdk" not in file:
            # Folders of the search path have numbers in the component.
            found = (re.sub(r"^/\d+/", "", file), trace.tb_lineno)
        trace = trace.tb_next
    return found
