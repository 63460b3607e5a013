"""The data of the examples, small enough to ship or to compute, and the cutting of data into batches.

Every data set is a `Dataset` of arrays ``(x, y)``, one row a sample, made anew at each call and thus yours to change.
"""

from tinygrad_nn.data.batching import batches
from tinygrad_nn.data.dataset import Dataset, Split
from tinygrad_nn.data.digits import digits
from tinygrad_nn.data.letters import letters
from tinygrad_nn.data.toys import moons, one_hot, streetlights, xor

__all__ = ["Dataset", "Split", "batches", "digits", "letters", "moons", "one_hot", "streetlights", "xor"]
