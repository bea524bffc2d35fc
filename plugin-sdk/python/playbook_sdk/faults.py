"""What a plugin raises instead of an answer. Everything else that is raised is a fault of the plugin and stops its instance."""

from .records import Problem


class Refusal(Exception):
    """Refuses a call in words: `raise Refusal("no order has a price")`."""


class Problems(Exception):
    """Faults of settings, each with its JSON Pointer. Raised by `shape` or `open`; all of them are told at once."""

    def __init__(self) -> None:
        super().__init__("the settings have problems")
        self.list: list[Problem] = []

    def __str__(self) -> str:
        return "; ".join(f"{one.path or 'the whole'}: {one.message}" for one in self.list) or super().__str__()

    def at(self, path: str, message: str, hint: str | None = None) -> "Problems":
        """Adds a problem. `path` is a JSON Pointer such as "/days_full", "" for the whole."""
        self.list.append(Problem(path, message, hint))
        return self

    def check(self) -> None:
        """Raises itself where there is a problem."""
        if self.list:
            raise self
