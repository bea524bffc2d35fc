"""Cases of native tests in the form in which the program reads them: records of the contract as JSON."""

import json
import os
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from .records import Context, Opening

#: Names the folder where cases are kept; the program sets it.
FOLDER = "PLAYBOOK_CASES_DIR"


def keep(test: str, plugin: str, context: Context, opening: Opening, call: str, given: list, said: str, answer: Any) -> None:
    """Keeps one question with its answer, which was `Ok` or `Err`, where the program asks for it."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return
    asked = [*map(plain, given), {said: plain(answer)}]
    line = json.dumps(
        {
            "test": test,
            "plugin": plugin,
            "context": plain(context),
            "opening": plain(opening),
            "asked": {call: asked[0] if len(asked) == 1 else asked},
        },
        ensure_ascii=False,
        allow_nan=False,
    )
    with (Path(folder) / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def plain(value: Any) -> Any:
    """A record as JSON has it: cases of variants and enums by their names in Pascal case."""
    if isinstance(value, Enum):
        return "".join(word.capitalize() for word in value.name.split("_"))
    if isinstance(value, (bytes, list, tuple)):
        return [plain(one) for one in value]
    if is_dataclass(value):
        named = {one.name: plain(getattr(value, one.name)) for one in fields(value)}
        _, is_case, case = type(value).__name__.partition("_")
        if not is_case:
            return named
        return {case: named["value"]} if named else case
    return value
