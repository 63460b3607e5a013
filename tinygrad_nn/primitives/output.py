"""What writes values down, as text or into files: it needs no gradient, and takes the values of any Tensor."""

from __future__ import annotations

import numpy as np

from tinygrad_nn.primitive import constant

constant(np.array2string, np.array_repr, np.array_str, np.save, np.savetxt, np.savez, np.savez_compressed)
