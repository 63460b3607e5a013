"""Gradient checks: finite differences that know their own error, and reports that say which element is wrong."""

from tinygrad_nn.checking.culprit import Culprit, find_culprits
from tinygrad_nn.checking.detached import find_detached
from tinygrad_nn.checking.gradcheck import gradcheck
from tinygrad_nn.checking.kinks import Kink
from tinygrad_nn.checking.model import check_model
from tinygrad_nn.checking.report import Comparison, GradcheckReport, Sample, Verdict

__all__ = [
    "Comparison",
    "Culprit",
    "GradcheckReport",
    "Kink",
    "Sample",
    "Verdict",
    "check_model",
    "find_culprits",
    "find_detached",
    "gradcheck",
]
