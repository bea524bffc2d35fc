"""Lines for the operator. The host keeps them where the playbook grants it; native tests print warnings and errors."""

import sys
from collections.abc import Callable


def _natively(severity: str, message: str) -> None:
    if severity in ("warn", "error"):
        print(f"{severity}: {message}", file=sys.stderr)


_sink: Callable[[str, str], None] = _natively


def connect(sink: Callable[[str, str], None]) -> None:
    """Takes the host's function; the component's entry calls it."""
    global _sink
    _sink = sink


def debug(message: object) -> None:
    """Writes one line: `log.debug("opened")`."""
    _sink("debug", str(message))


def info(message: object) -> None:
    """Writes one line."""
    _sink("info", str(message))


def warn(message: object) -> None:
    """Writes one line."""
    _sink("warn", str(message))


def error(message: object) -> None:
    """Writes one line."""
    _sink("error", str(message))


class Printed:
    """What is printed in the sandbox, line by line: it has no standard output, and a write to it would stop the instance."""

    def __init__(self, write_line: Callable[[object], None]) -> None:
        self.write_line = write_line
        self.begun = ""

    def write(self, text: str) -> int:
        *lines, self.begun = (self.begun + text).split("\n")
        for line in lines:
            self.write_line(line)
        return len(text)

    def flush(self) -> None:
        """A line is written when it ends."""
