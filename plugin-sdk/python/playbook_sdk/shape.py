"""What a plugin needs and gives under given settings."""

from typing import Any

from . import records
from .records import ActionInfo, Frequency, Need, Priority, Produce, ReasonInfo, SegmentInfo, TableNeed, Term, words

Said = str | dict[str, str]


def action(
    name: str, priority: str, text: Said, *, family: str = "", purpose: str = "", commercial: bool = False,
    contacts_member: bool = False, frequency: str = "once-a-cycle", needs_approval: bool = False,
) -> ActionInfo:
    """
    Something that may be done. `priority` is "transaction", "service", "retention", "campaign", "content" or "promotion".

    Two of one `family` within the host's window are duplicates; it is the action's own name where none is given. Without consent to
    `purpose` the host refuses. `commercial` counts against commercial caps, `contacts_member` against frequency caps as a direct message.
    `frequency` is "once-a-cycle", "once-a-day" or "once-an-event"; `needs_approval`: a person approves before it happens.
    """
    return ActionInfo(
        name, Priority(priority), family or name, purpose, commercial, contacts_member, Frequency(frequency), needs_approval, words(text)
    )


class Shape:
    """The shape of a plugin that answers row by row; `rows(..)` makes it."""

    def __init__(self, subject: str, needs: dict[str, Need], outputs: dict[str, Produce], **named: Any) -> None:
        self.subject = subject
        self.needs = needs
        self.outputs = outputs
        self.named = named

    def position(self, of: str, name: str) -> int:
        """The position of a name in one of the lists."""
        for at, one in enumerate(self.named[of]):
            if name == (one.code if of == "reasons" else one.name):
                return at
        raise LookupError(f'the shape lists no "{name}" among its {of}')

    def record(self) -> records.Shape:
        """The record of the contract."""
        needs = TableNeed(self.subject, list(self.needs.values()))
        return records.Shape(rows=needs, tables=[], produces=list(self.outputs.values()), **self.named, fit_passes_max=0)


def rows(
    subject: str, *, needs: dict[str, Need], outputs: dict[str, Produce] | None = None, segments: dict[str, Said] | None = None,
    actions: list[ActionInfo] | None = None, reasons: dict[str, Said] | None = None, terms: dict[str, Said] | None = None,
) -> Shape:
    """
    The shape of a plugin that answers row by row about `subject`, as a rule "member".

    `needs` and `outputs` are columns by the name that the code uses for them, `segments` names in ascending rank with their words,
    `reasons` codes with their words, `terms` names of answers in words, for pages.
    """
    return Shape(
        subject,
        needs,
        outputs or {},
        segments=[SegmentInfo(name, words(text)) for name, text in (segments or {}).items()],
        actions=list(actions or []),
        reasons=[ReasonInfo(code, words(text)) for code, text in (reasons or {}).items()],
        terms=[Term(name, words(text)) for name, text in (terms or {}).items()],
    )
