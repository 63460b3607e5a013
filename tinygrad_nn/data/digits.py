"""The handwritten digits that ship with the library: real data of 45 kB, learned within seconds.

`digits.npz` holds the scans as they were published, `digits.LICENSE.txt` says by whom and on which terms.
"""

from __future__ import annotations

import numpy as np

from tinygrad_nn.data.dataset import Dataset, Split

_BRIGHTEST = 16
"""A published pixel counts the dark ones among the 4x4 of the original bitmap that it stands for."""


def digits() -> Split:
    """Return 1,797 handwritten digits of 8x8 pixels, in a part to learn from and a part to test with.

    The split is without chance, and as even as the classes allow: within each class, every fifth scan (the fifth, the
    tenth, ...) is of the test part; order is kept. The 13 writers may occur in both parts: the test measures how well
    new scans are read, not new hands.

    Returns:
        ``train`` of 1,442 and ``test`` of 355 scans: x of shape (N, 64), float64 from 0 (paper) to 1 (ink), one row of
        pixels after the other; y of shape (N,), the labels 0 to 9 as int64. New arrays at each call.

    Source: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
    https://doi.org/10.24432/C50P49, the test part, CC BY 4.0.

    >>> from tinygrad_nn import data
    >>> train, test = data.digits()
    >>> train.x.shape, test.x.shape, int(test.y[4])
    ((1442, 64), (355, 64), 7)
    >>> for row in test.x[4].reshape(8, 8):
    ...     print("".join(" .:*#"[int(4 * pixel)] for pixel in row).rstrip())
      :###.
      *::#:
        .#
      ::*#:
     :##*:
       #.
      :#
      *:

    """
    from importlib import resources  # here, for at the top it would add a sixth to the time of `import numpy`

    with resources.files("tinygrad_nn.data").joinpath("digits.npz").open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        x, y = archive["pixels"] / float(_BRIGHTEST), archive["labels"].astype(np.int64)
    is_test = np.zeros(len(y), dtype=bool)
    for digit in range(10):
        is_test[np.flatnonzero(y == digit)[4::5]] = True
    return Split(Dataset(x[~is_test], y[~is_test]), Dataset(x[is_test], y[is_test]))
