"""Training: the loop, what it remembers and shows, and the callbacks that watch and steer it."""

from tinygrad_nn.training import metrics
from tinygrad_nn.training.callbacks import Checkpoint, EarlyStopping, LearningRate
from tinygrad_nn.training.evaluation import evaluate
from tinygrad_nn.training.fit import fit
from tinygrad_nn.training.history import History
from tinygrad_nn.training.logs import CSVLog, TensorBoard
from tinygrad_nn.training.recorder import Recorder
from tinygrad_nn.training.run import Callback, Run

__all__ = [
    "CSVLog", "Callback", "Checkpoint", "EarlyStopping", "History", "LearningRate", "Recorder", "Run", "TensorBoard",
    "evaluate", "fit", "metrics",
]  # fmt: skip  # one name a line would be a page of names
