"""Anomalies: the operation that made the first NaN or the infinity that mattered, and why.

`detection` looks at what operations and closures return, `diagnosis` finds out what happened, `causes` has the words.
"""

from tinygrad_nn.anomaly.detection import detect_anomaly
from tinygrad_nn.anomaly.report import Anomaly

__all__ = ["Anomaly", "detect_anomaly"]
