"""Pictures of training runs, weights and classifiers, by matplotlib.

Each function takes plain arrays, draws into the Axes that it is given, or into a new figure, and returns the Axes for
whatever is to be added. Nothing is shown or closed, and no setting of matplotlib is changed.
"""

from tinygrad_nn.plot.boundary import decision_boundary
from tinygrad_nn.plot.confusion import confusion_matrix
from tinygrad_nn.plot.curves import curves
from tinygrad_nn.plot.gradients import gradient_norms
from tinygrad_nn.plot.over_time import neurons_over_time, sample_errors, weights_over_time
from tinygrad_nn.plot.weights import weight_images

__all__ = [
    "confusion_matrix", "curves", "decision_boundary", "gradient_norms", "neurons_over_time", "sample_errors",
    "weight_images", "weights_over_time",
]  # fmt: skip  # one name a line would be a page of names
