"""What a plugin is written with: declare settings and columns, answer over columns. Nothing else needs to be imported."""

from . import log
from .columns import Rows, need, output
from .faults import Problems, Refusal
from .plugin import Answer, Call, Incentive, Proposals, Scoring, Segmentation, Segments
from .settings import setting
from .shape import Shape, action, rows

__all__ = [
    "Answer", "Call", "Incentive", "Problems", "Proposals", "Refusal", "Rows", "Scoring", "Segmentation", "Segments", "Shape", "action", "log",
    "need", "output", "rows", "setting",
]
