"""
Native tests without WebAssembly: rows in, answers out, by name. What is asked is kept for `playbook plugin test`, which asks the component
the same.
"""

import json
from dataclasses import dataclass
from typing import Any, Callable
from unittest import TestCase

from . import cases
from .columns import Outputs, Rows
from .faults import Problems, Refusal
from .plugin import Instance, Plugin
from .records import Batch, Context, Need, NONE_INDEX, Opening, Problem, RowAnswer, Source_Key, Source_Previous
from . import records
from .shape import Shape


class data:
    """Rows for a test, by the name of the feature: `data(active_days_30d=[0, 5, None])`, or a dictionary."""

    def __init__(self, columns: dict[str, list] | None = None, /, **more: list) -> None:
        self.columns = {**(columns or {}), **more}
        lengths = {len(column) for column in self.columns.values()}
        if len(lengths) > 1:
            raise ValueError("all columns of a test have the same number of rows")
        self.rows = lengths.pop() if lengths else 0

    def batch(self, needs: dict[str, Need]) -> Batch:
        """The batch of the contract for the needs of a shape."""
        out = Outputs(self.rows, needs)
        used = set()
        for name, need in needs.items():
            source = _name_of(need.source)
            used.add(source)
            if source in self.columns:
                out[name] = self.columns[source]
            elif need.required:
                raise ValueError(f'the test gives no column "{source}"')
        for name in self.columns:
            if name not in used:
                raise ValueError(f'the plugin needs no column "{name}"; it needs {", ".join(sorted(used))}')
        return Batch(self.rows, out.finish())


def _name_of(source: Any) -> str:
    """ "feature", "plugin.output", "previous.1.output", "key"."""
    if isinstance(source, Source_Key):
        return "key"
    if isinstance(source, Source_Previous):
        return "previous.{}.{}".format(*source.value)
    return source.value


class testing:
    """Starts a test of a plugin. `test` is the running `unittest.TestCase`: cases are kept under its name."""

    def __init__(self, plugin: type[Plugin], test: TestCase | None = None) -> None:
        self._of = plugin
        self._instance = Instance(plugin)
        self._name = test.id() if test is not None else "main"
        self._context = Context(now=1_767_225_600_000, local_min=29_453_760, seed=1)
        self._opening = Opening("{}")

    def settings(self, settings: dict[str, Any] | None = None, /, **more: Any) -> "testing":
        """Settings as a playbook gives them."""
        self._opening = Opening(json.dumps({**(settings or {}), **more}, ensure_ascii=False))
        return self

    def context(self, **context: int) -> "testing":
        """The time in milliseconds since 1970 (`now`), the brand's local minute (`local_min`), the `seed`."""
        self._context = Context(**{**vars(self._context), **context})
        return self

    def problems(self) -> list[Problem]:
        """The problems of the settings; fails where there are none."""
        try:
            self.shape()
        except Problems as problems:
            return problems.list
        raise AssertionError("the settings are accepted")

    def shape(self) -> records.Shape:
        """The shape under these settings, as a record of the contract."""
        return self._kept("Check", [], lambda: self._instance.check(self._opening.settings))

    def open(self) -> "Opened":
        """Opens the plugin."""
        opened = Instance(self._of)
        self._kept("Open", [], lambda: opened.open(self._context, self._opening))
        return Opened(self, opened)

    def _kept(self, call: str, given: list, ask: Callable[[], Any]) -> Any:
        def keep(said: str, answer: Any) -> None:
            cases.keep(self._name, self._of.name, self._context, self._opening, call, given, said, answer)

        try:
            answer = ask()
        except Refusal as refusal:
            keep("Err", str(refusal))
            raise
        except Problems as problems:
            keep("Err", problems.list)
            raise
        keep("Ok", answer)
        return answer


class Given:
    """An answer: `given["score"]` is the list of an output, `given.reasons` has a code or `None` for each row."""

    def __init__(self, count: int, shape: Shape, answer: RowAnswer) -> None:
        self._rows = Rows(count, answer.columns, shape.outputs)
        codes = [one.code for one in shape.named["reasons"]]
        self.reasons = [codes[at] if at != NONE_INDEX else None for at in answer.reasons or [NONE_INDEX] * count]

    def __getitem__(self, name: str) -> list:
        return self._rows[name]


@dataclass
class Proposal:
    """A proposal with the names of its action and reason."""

    row: int
    action: str
    reason: str
    quantity: int
    cost: int
    expected_output: int


class Opened:
    """An opened plugin."""

    def __init__(self, bench: testing, instance: Instance) -> None:
        self._bench = bench
        self._instance = instance

    def _ask(self, call: str, rows: data) -> tuple[Any, Shape]:
        shape = self._instance.shape
        assert shape is not None, "it was opened"
        batch = rows.batch(shape.needs)
        bench = self._bench
        return bench._kept(call, [batch], lambda: self._instance.ask(bench._context, batch)), shape

    def score(self, rows: data) -> Given:
        """Scores rows."""
        answer, shape = self._ask("Score", rows)
        return Given(rows.rows, shape, answer)

    def assign(self, rows: data) -> tuple[list[str | None], Given]:
        """Puts rows into segments; returns their names, and what is given beside them."""
        answer, shape = self._ask("Assign", rows)
        names = [one.name for one in shape.named["segments"]]
        chosen = [names[at] if at != NONE_INDEX else None for at in answer.segment]
        return chosen, Given(rows.rows, shape, answer.answer)

    def propose(self, rows: data) -> list[Proposal]:
        """Proposes for rows."""
        found, shape = self._ask("Propose", rows)
        actions = [one.name for one in shape.named["actions"]]
        reasons = [one.code for one in shape.named["reasons"]]
        lists = zip(found.row, found.action, found.reason, found.quantity, found.cost, found.expected_output)
        return [Proposal(row, actions[action], reasons[reason], *amounts) for row, action, reason, *amounts in lists]
