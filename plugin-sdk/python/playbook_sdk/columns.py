"""Columns: what a plugin needs and gives, how they are read and written. A missing value is `None`, never 0 and never NaN."""

import math
from array import array
from collections.abc import Iterable, Iterator
from typing import Any

from .records import (
    CellType, Columns, IntegerLists, Level, Need, NONE_INDEX, Produce, RealLists, Role, Source_Feature, Source_Key, Source_Output,
    Source_Previous, TextCells, TextLists, Wide_Integers, Wide_Reals, Wide_Text, Wide_Texts, words,
)

_LISTS = {CellType.REAL: "reals", CellType.INTEGER: "integers", CellType.CATEGORY: "integers"}


def _need(name: str, cell_type: CellType, unit: str, optional: bool, of: str | None, previous: int | None, values: Iterable[str]) -> Need:
    if of is not None and previous is not None:
        raise ValueError(f'the need "{name}" is an output of another plugin or a previous one of its own, not both')
    source: Any = Source_Feature(name)
    if of is not None:
        source = Source_Output(f"{of}.{name}")
    if previous is not None:
        source = Source_Previous((previous, name))
    # A first cycle has no previous output.
    return Need(source, cell_type, unit, not optional and previous is None, list(values))


class need:
    """
    Columns that a plugin wants, each required unless it is `optional`: without it every value is then missing.

    The host refuses a feature of another `unit`: "count", "day", "minor", "ratio", "unix-ms". `of` takes the output of that name from
    another plugin of the cycle, `previous` this plugin's own output of that name, 1 or 2 closed cycles ago.
    """

    @staticmethod
    def real(name: str, *, unit: str = "", optional: bool = False, of: str | None = None, previous: int | None = None) -> Need:
        """Values of `float`."""
        return _need(name, CellType.REAL, unit, optional, of, previous, ())

    @staticmethod
    def integer(name: str, *, unit: str = "", optional: bool = False, of: str | None = None, previous: int | None = None) -> Need:
        """Values of `int`: counts, days, money in minor units."""
        return _need(name, CellType.INTEGER, unit, optional, of, previous, ())

    @staticmethod
    def category(
        name: str, values: Iterable[str], *, optional: bool = False, of: str | None = None, previous: int | None = None
    ) -> Need:
        """One of a closed list of texts; a value outside it arrives as missing."""
        return _need(name, CellType.CATEGORY, "", optional, of, previous, values)

    @staticmethod
    def text(name: str, *, optional: bool = False, of: str | None = None, previous: int | None = None) -> Need:
        """Values of `str`."""
        return _need(name, CellType.TEXT, "", optional, of, previous, ())

    @staticmethod
    def reals(name: str, *, unit: str = "", optional: bool = False, of: str | None = None, previous: int | None = None) -> Need:
        """Lists of `float`."""
        return _need(name, CellType.REALS, unit, optional, of, previous, ())

    @staticmethod
    def integers(name: str, *, unit: str = "", optional: bool = False, of: str | None = None, previous: int | None = None) -> Need:
        """Lists of `int`."""
        return _need(name, CellType.INTEGERS, unit, optional, of, previous, ())

    @staticmethod
    def texts(name: str, *, optional: bool = False, of: str | None = None, previous: int | None = None) -> Need:
        """Lists of `str`."""
        return _need(name, CellType.TEXTS, "", optional, of, previous, ())

    @staticmethod
    def key() -> Need:
        """The subject's pseudonym, an `int` of 64 bits; ties are broken by it."""
        return Need(Source_Key(), CellType.INTEGER, "", True, [])


def _output(
    name: str, cell_type: CellType, *, values: Iterable[str] = (), unit: str = "", least: float | None = None, most: float | None = None,
    role: str = "other", group: str = "", bounds: Iterable[float] = (), alarms: Iterable[str] = (),
    meaning: str | dict[str, str] = "",
) -> Produce:
    return Produce(
        name, Role(role), group, NONE_INDEX, None, cell_type, unit, None if least is None else float(least),
        None if most is None else float(most), list(values), [float(one) for one in bounds], [Level(one) for one in alarms],
        words(meaning),
    )


class output:
    """
    Columns that a plugin gives back. All take the keywords `unit`, `role` (what it is to pages: "score", "level", "segment", "value",
    "probability" ..), `group` (the dimension or family that it belongs to) and `meaning` (what a value says, for people); the host refuses
    an answer outside `least` and `most`.
    """

    @staticmethod
    def real(name: str, **more: Any) -> Produce:
        """Finite numbers."""
        return _output(name, CellType.REAL, **more)

    @staticmethod
    def integer(name: str, **more: Any) -> Produce:
        """Integers of 64 bits."""
        return _output(name, CellType.INTEGER, **more)

    @staticmethod
    def category(name: str, values: Iterable[str], **more: Any) -> Produce:
        """One of a closed list. Of a level, `bounds` say where each but the first begins, `alarms` how serious each is."""
        return _output(name, CellType.CATEGORY, values=values, **more)

    @staticmethod
    def text(name: str, **more: Any) -> Produce:
        """Texts."""
        return _output(name, CellType.TEXT, **more)

    @staticmethod
    def reals(name: str, **more: Any) -> Produce:
        """Lists of numbers."""
        return _output(name, CellType.REALS, **more)

    @staticmethod
    def integers(name: str, **more: Any) -> Produce:
        """Lists of integers."""
        return _output(name, CellType.INTEGERS, **more)

    @staticmethod
    def texts(name: str, **more: Any) -> Produce:
        """Lists of texts."""
        return _output(name, CellType.TEXTS, **more)


def _places(columns: Iterable[Need | Produce]) -> list[tuple[Any, str, int]]:
    """Each column with the list that it lies in and its number there."""
    counts = {"reals": 0, "integers": 0, "wides": 0}
    places = []
    for column in columns:
        name = _LISTS.get(column.cell_type, "wides")
        places.append((column, name, counts[name]))
        counts[name] += 1
    return places


class Rows:
    """Columns as a plugin reads them, by the names under which the shape lists them: `rows["days"]` is a list with `None` for missing."""

    def __init__(self, count: int, data: Columns, needs: dict[str, Need] | dict[str, Produce]) -> None:
        self._count = count
        self._data = data
        self._places = {name: (at, *place) for at, (name, place) in enumerate(zip(needs, _places(needs.values())))}
        self._seen: dict[str, list] = {}

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        """Positions of the rows, for `for row in rows`."""
        return iter(range(self._count))

    def __getitem__(self, name: str) -> list:
        if name not in self._seen:
            if name not in self._places:
                raise LookupError(f"the shape has no column `{name}`; it has {', '.join(self._places) or 'none'}")
            self._seen[name] = self._read(*self._places[name])
        return self._seen[name]

    def _read(self, at: int, column: Need | Produce, name: str, nth: int) -> list:
        count, valid = self._count, self._data.valid
        if name == "wides":
            values = _unpacked(column.cell_type, self._data.wides[nth].value)
        else:
            values = list(getattr(self._data, name)[nth * count : (nth + 1) * count])
        names = column.categories if column.cell_type is CellType.CATEGORY else None
        start = at * ((count + 7) >> 3)
        if valid is not None:
            values = [value if valid[start + (row >> 3)] >> (row & 7) & 1 else None for row, value in enumerate(values)]
        return values if names is None else [None if value is None else names[value] for value in values]


def _spans(ends: list[int]) -> "Iterator[tuple[int, int]]":
    return zip([0, *ends[:-1]], ends)


def _unpacked(cell_type: CellType, cells: Any) -> list:
    if cell_type is CellType.TEXT:
        return [str(cells.bytes[start:end], "utf-8") for start, end in _spans(cells.ends)]
    values = _unpacked(CellType.TEXT, cells.values) if cell_type is CellType.TEXTS else cells.values
    return [list(values[start:end]) for start, end in _spans(cells.ends)]


class Column:
    """One column as a plugin gives it: `out["score"][row] = 50`. A value that is never set is missing."""

    def __init__(self, count: int) -> None:
        self.cells: list = [None] * count
        #: What the cells add to the record, where that is known already.
        self.packed: list | None = None

    def __setitem__(self, row: int, value: Any) -> None:
        if not 0 <= row < len(self.cells):
            raise IndexError(f"there is no row {row}")
        self.cells[row], self.packed = value, None

    def __getitem__(self, row: int) -> Any:
        return self.cells[row]

    def __len__(self) -> int:
        return len(self.cells)


class Outputs:
    """Columns as a plugin gives them: `out["score"] = [..]` sets a whole one, `out["score"][row] = 50` one value."""

    def __init__(self, count: int, outputs: dict[str, Need] | dict[str, Produce]) -> None:
        self._count = count
        self._outputs = outputs
        self._columns = {name: Column(count) for name in outputs}

    def __getitem__(self, name: str) -> Column:
        if name not in self._columns:
            raise LookupError(f"the shape has no output `{name}`; it has {', '.join(self._columns) or 'none'}")
        return self._columns[name]

    def __setitem__(self, name: str, values: Iterable[Any]) -> None:
        column = self[name]
        cells = list(values)
        if len(cells) != self._count:
            raise ValueError(f"`{name}` has {len(cells)} values for {self._count} rows")
        # Here what cannot be is told at the line of the author.
        column.cells, column.packed = cells, self._pack(name, cells)

    def _pack(self, name: str, cells: list) -> list:
        try:
            return _packed(self._outputs[name], cells)
        except (TypeError, ValueError, OverflowError) as error:
            raise type(error)(f"the output `{name}`: {error}") from None

    def finish(self) -> Columns:
        """The record of the contract."""
        each = (self._count + 7) >> 3
        bits = bytearray(len(self._columns) * each)
        found = Columns([], [], None, [])
        whole = True
        for at, (name, (_, into, _)) in enumerate(zip(self._columns, _places(self._outputs.values()))):
            column = self._columns[name]
            whole = whole and None not in column.cells
            for row, value in enumerate(column.cells):
                if value is not None:
                    bits[at * each + (row >> 3)] |= 1 << (row & 7)
            packed = column.packed if column.packed is not None else self._pack(name, column.cells)
            getattr(found, into).extend(packed)
        found.valid = None if whole else bytes(bits)
        found.wides = found.wides or None
        return found


def _packed(record: Need | Produce, cells: list) -> list:
    """What a column adds to the list that it lies in."""
    if record.cell_type is CellType.REAL:
        return _reals(0.0 if cell is None else cell for cell in cells)
    if record.cell_type is CellType.INTEGER:
        return _integers(0 if cell is None else cell for cell in cells)
    if record.cell_type is CellType.CATEGORY:
        places = {name: at for at, name in enumerate(record.categories)} | {None: 0}
        for cell in cells:
            if cell not in places:
                raise ValueError(f'there is no category "{cell}"')
        return [places[cell] for cell in cells]
    if record.cell_type is CellType.TEXT:
        return [Wide_Text(_texts("" if cell is None else cell for cell in cells))]
    ends, values = _joined(cells)
    if record.cell_type is CellType.REALS:
        return [Wide_Reals(RealLists(ends, _reals(values)))]
    if record.cell_type is CellType.INTEGERS:
        return [Wide_Integers(IntegerLists(ends, _integers(values)))]
    return [Wide_Texts(TextLists(ends, _texts(values)))]


def _reals(values: Iterable[float]) -> list[float]:
    # An array takes numbers alone, and each of them as 64 bits.
    found = array("d", values).tolist()
    if not all(map(math.isfinite, found)):
        raise ValueError("a value is finite, and `None` where there is none")
    return found


def _integers(values: Iterable[int]) -> list[int]:
    return array("q", values).tolist()


def _joined(cells: list) -> tuple[list[int], list]:
    ends, values = [], []
    for cell in cells:
        values.extend(cell or ())
        ends.append(len(values))
    return ends, values


def _texts(texts: Iterable[str]) -> TextCells:
    ends, joined = [], bytearray()
    for text in texts:
        joined += text.encode()
        ends.append(len(joined))
    return TextCells(ends, bytes(joined))
