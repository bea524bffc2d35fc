"""The contract's records under the contract's own names, so that a record is handed over and written as JSON by its name."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

#: What stands for "no position".
NONE_INDEX = 0xFFFFFFFF

Kind = Enum("Kind", {name.upper(): name for name in ("scoring", "segmentation", "incentive", "campaign", "roi", "diagnosis")})
CellType = Enum("CellType", {name.upper(): name for name in ("real", "integer", "category", "text", "reals", "integers", "texts")})
Level = Enum("Level", {name.upper(): name for name in ("none", "watch", "warn", "critical")})
Priority = Enum("Priority", {name.upper(): name for name in ("transaction", "service", "retention", "campaign", "content", "promotion")})
Frequency = Enum("Frequency", {"ONCE_A_CYCLE": "once-a-cycle", "ONCE_A_DAY": "once-a-day", "ONCE_AN_EVENT": "once-an-event"})
Role = Enum(
    "Role",
    {
        name.replace("-", "_").upper(): name
        for name in (
            "other", "score", "indicator", "dimension", "total", "level", "segment", "value", "return-on-cost", "probability",
            "coverage",
        )
    },
)


@dataclass
class Words:
    en: str
    zh: str | None = None


def words(said: str | dict[str, str]) -> Words:
    """A text in English, or `{"en": .., "zh": ..}`."""
    return Words(said) if isinstance(said, str) else Words(said["en"], said.get("zh"))


@dataclass
class Context:
    now: int
    local_min: int
    seed: int


@dataclass
class Opening:
    settings: str
    model: bytes | None = None
    tables: list = field(default_factory=list)


@dataclass
class Description:
    kind: Kind
    name: str
    version: str
    summary: Words
    settings_schema: str


@dataclass
class Problem:
    path: str
    message: str
    hint: str | None = None


# Where a column comes from: the cases of the variant `source`.


@dataclass
class Source_Feature:
    value: str


@dataclass
class Source_Output:
    value: str


@dataclass
class Source_Previous:
    value: tuple[int, str]


@dataclass
class Source_Key:
    pass


@dataclass
class Need:
    source: Any
    cell_type: CellType
    unit: str
    required: bool
    categories: list[str]


@dataclass
class TableNeed:
    subject: str
    columns: list[Need]


@dataclass
class Produce:
    name: str
    role: Role
    group: str
    input: int
    table: int | None
    cell_type: CellType
    unit: str
    least: float | None
    most: float | None
    categories: list[str]
    bounds: list[float]
    alarms: list[Level]
    meaning: Words


@dataclass
class ReasonInfo:
    code: str
    text: Words


@dataclass
class Term:
    name: str
    text: Words


@dataclass
class SegmentInfo:
    name: str
    text: Words


@dataclass
class ActionInfo:
    name: str
    priority: Priority
    family: str
    purpose: str
    commercial: bool
    contacts_member: bool
    frequency: Frequency
    needs_approval: bool
    text: Words


@dataclass
class Shape:
    rows: TableNeed | None
    tables: list[TableNeed]
    produces: list[Produce]
    segments: list[SegmentInfo]
    actions: list[ActionInfo]
    reasons: list[ReasonInfo]
    terms: list[Term]
    fit_passes_max: int


@dataclass
class TextCells:
    ends: list[int]
    bytes: bytes


@dataclass
class RealLists:
    ends: list[int]
    values: list[float]


@dataclass
class IntegerLists:
    ends: list[int]
    values: list[int]


@dataclass
class TextLists:
    ends: list[int]
    values: TextCells


# A wide column: the cases of the variant `wide`.


@dataclass
class Wide_Text:
    value: TextCells


@dataclass
class Wide_Reals:
    value: RealLists


@dataclass
class Wide_Integers:
    value: IntegerLists


@dataclass
class Wide_Texts:
    value: TextLists


@dataclass
class Columns:
    reals: list[float]
    integers: list[int]
    valid: bytes | None
    wides: list | None


@dataclass
class Batch:
    rows: int
    columns: Columns


@dataclass
class RowAnswer:
    columns: Columns
    reasons: list[int]


@dataclass
class Segments:
    segment: list[int]
    answer: RowAnswer


@dataclass
class Proposals:
    row: list[int]
    action: list[int]
    quantity: list[int]
    cost: list[int]
    expected_output: list[int]
    reason: list[int]
    after_min: list[int]
    until_min: list[int]


@dataclass
class Factor:
    input: int
    output: int
    contribution: float
