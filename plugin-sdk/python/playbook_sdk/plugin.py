"""The kinds of plugins as an author writes them, and the functions of the contract over them."""

from types import SimpleNamespace
from typing import Any

from .columns import Outputs, Rows
from .faults import Problems, Refusal
from .records import Batch, Context, Description, Factor, Kind, NONE_INDEX, Opening, RowAnswer, words
from . import records
from .settings import Setting, read, schema_of
from .shape import Shape

_MASK = 2**64 - 1


def _round(x: int) -> int:
    x = (x + 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


class Call:
    """What a call knows beside its rows."""

    def __init__(self, context: Context, settings: SimpleNamespace) -> None:
        #: The settings, by their names: `call.settings.days_full`.
        self.settings = settings
        #: Milliseconds since 1970 at which the features end.
        self.now = context.now
        #: Minutes since 1970 on the clock of the brand.
        self.local_min = context.local_min
        #: Day since 1970 on that clock.
        self.local_day = context.local_min // 1440
        self._seed = context.seed

    def mixed(self, key: int) -> int:
        """A number of 64 bits that is the same for the same key and seed and looks like chance."""
        return _round(_round(key & _MASK) ^ _round(self._seed & _MASK))


class Plugin:
    """What all kinds have: a class named `Plugin` in `plugin.py` is made from one of them."""

    kind: Kind
    #: Kebab-case, unique in a playbook.
    name: str
    #: Semantic version of the plugin.
    version: str
    #: What the plugin does, in one sentence: a text, or `{"en": .., "zh": ..}`.
    summary: str | dict[str, str]
    #: The settings by their names.
    settings: dict[str, Setting] = {}

    def shape(self, settings: SimpleNamespace) -> Shape:
        """What the plugin needs and gives under these settings. May raise `Problems`."""
        raise NotImplementedError("a plugin needs `shape`")

    def open(self, settings: SimpleNamespace, call: Call) -> None:
        """Called once, before the first rows. What it keeps in `self` stays for all calls. May raise `Problems`."""


class Scoring(Plugin):
    """A plugin that gives columns for rows."""

    kind = Kind.SCORING

    def score(self, rows: Rows, out: "Answer", call: Call) -> None:
        """Sets the outputs of the rows."""
        raise NotImplementedError("a plugin of kind scoring needs `score`")

    def explain(self, rows: Rows, call: Call) -> list[tuple[str, str, float]]:
        """For one row: need, output, and how much the need moved it. Empty where the model has no additive parts."""
        return []


class Segmentation(Plugin):
    """A plugin that puts rows into segments."""

    kind = Kind.SEGMENTATION

    def assign(self, rows: Rows, out: "Segments", call: Call) -> None:
        """Puts rows into segments."""
        raise NotImplementedError("a plugin of kind segmentation needs `assign`")


class Incentive(Plugin):
    """A plugin that proposes actions for rows."""

    kind = Kind.INCENTIVE

    def propose(self, rows: Rows, out: "Proposals", call: Call) -> None:
        """Proposes any number of actions."""
        raise NotImplementedError("a plugin of kind incentive needs `propose`")


def _row(row: int, count: int) -> int:
    if not 0 <= row < count:
        raise IndexError(f"there is no row {row}")
    return row


class Answer(Outputs):
    """The outputs of rows, and their reasons."""

    def __init__(self, count: int, shape: Shape) -> None:
        super().__init__(count, shape.outputs)
        self._shape = shape
        self._reasons: list[int] = []

    def reason(self, row: int, code: str) -> None:
        """Gives the row a reason, by its code."""
        if not self._reasons:
            self._reasons = [NONE_INDEX] * self._count
        self._reasons[_row(row, self._count)] = self._shape.position("reasons", code)

    def finish(self) -> Any:
        return RowAnswer(super().finish(), self._reasons)


class Segments(Answer):
    """The segments of rows, and outputs beside them."""

    def __init__(self, count: int, shape: Shape) -> None:
        super().__init__(count, shape)
        self._chosen = [NONE_INDEX] * count

    def segment(self, row: int, name: str) -> None:
        """Puts the row into a segment, by its name; else it belongs to none."""
        self._chosen[_row(row, self._count)] = self._shape.position("segments", name)

    def finish(self) -> Any:
        return records.Segments(self._chosen, super().finish())


class Proposals:
    """What is proposed for rows."""

    def __init__(self, count: int, shape: Shape) -> None:
        self._count = count
        self._shape = shape
        self._list: list[tuple] = []

    def propose(
        self, row: int, action: str, reason: str, *, quantity: int = 1, cost: int = 0, expected_output: int = 0,
        after_min: int | None = None, until_min: int | None = None,
    ) -> None:
        """
        Proposes an action for a row, by name, with the code of its reason. `cost` and `expected_output` are minor units; `after_min` and
        `until_min` minutes from now, where `None` is at once and the end of the cycle.
        """
        at, why = self._shape.position("actions", action), self._shape.position("reasons", reason)
        for what, amount in [("quantity", quantity), ("cost", cost), ("expected_output", expected_output)]:
            if not isinstance(amount, int):
                raise TypeError(f"`{what}` is an integer, money is minor units; {amount!r} is none")
        self._list.append((_row(row, self._count), at, quantity, cost, expected_output, why, after_min, until_min))

    def finish(self) -> records.Proposals:
        # Stable: proposals of one row keep their order.
        self._list.sort(key=lambda one: one[0])
        *lists, after, until = map(list, zip(*self._list)) if self._list else [[] for _ in range(8)]

        def given(minutes: list, none: int) -> list[int]:
            if all(one is None for one in minutes):
                return []
            return [none if one is None else one for one in minutes]

        return records.Proposals(*lists, after_min=given(after, 0), until_min=given(until, NONE_INDEX))


_ASKED = {Kind.SCORING: ("score", Answer), Kind.SEGMENTATION: ("assign", Segments), Kind.INCENTIVE: ("propose", Proposals)}


class Instance:
    """A plugin as the contract asks it."""

    def __init__(self, of: type[Plugin]) -> None:
        for needed in ("kind", "name", "version", "summary"):
            if not hasattr(of, needed):
                raise TypeError(f"the class `{of.__name__}` needs `{needed}`")
        self.plugin = of()
        self.settings: SimpleNamespace | None = None
        self.shape: Shape | None = None

    def describe(self) -> Description:
        of = self.plugin
        return Description(of.kind, of.name, of.version, words(of.summary), schema_of(of.settings))

    def check(self, text: str) -> records.Shape:
        return self.plugin.shape(read(self.plugin.settings, text)).record()

    def open(self, context: Context, opening: Opening) -> None:
        if self.shape is not None:
            raise Problems().at("", "the instance is open already")
        settings = read(self.plugin.settings, opening.settings)
        shape = self.plugin.shape(settings)
        self.plugin.open(settings, Call(context, settings))
        self.settings, self.shape = settings, shape

    def _asked(self, context: Context, batch: Batch) -> tuple[Shape, Rows, Call]:
        if self.shape is None or self.settings is None:
            raise Refusal("the instance is not open")
        return self.shape, Rows(batch.rows, batch.columns, self.shape.needs), Call(context, self.settings)

    def ask(self, context: Context, batch: Batch) -> Any:
        """Asks for the rows of a batch; returns the record of the contract."""
        shape, rows, call = self._asked(context, batch)
        name, answer = _ASKED[self.plugin.kind]
        out = answer(batch.rows, shape)
        getattr(self.plugin, name)(rows, out, call)
        return out.finish()

    def explain(self, context: Context, batch: Batch) -> list[Factor]:
        shape, rows, call = self._asked(context, batch)
        needs, outputs = list(shape.needs), list(shape.outputs)
        said = self.plugin.explain(rows, call)  # type: ignore[attr-defined]
        return [Factor(needs.index(need), outputs.index(output), float(moved)) for need, output, moved in said]
