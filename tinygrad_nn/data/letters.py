"""Block letters, drawn when they are asked for: large enough to see what the first weights of a network become.

They are drawn and not shipped: the fonts come with matplotlib, and with the code anybody sees what the pictures are.
"""

from __future__ import annotations

import string
from collections.abc import Iterable

import numpy as np

from tinygrad_nn.data.dataset import Dataset
from tinygrad_nn.errors import ArgumentError, UnsupportedError
from tinygrad_nn.primitive import Array

FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSerif", "STIXGeneral", "cmss10")
"""With and without serifs, of even and uneven width, light and bold."""

_SIDE = 32
_POINTS = 22
_FREE = 3
"""How far all letters of this size are from the border: what a Q of STIX has below it."""
_BASELINE = 24
"""The row on which the letters stand, with as much space below them as above."""


def letters(fonts: Iterable[str] = FONTS, shifts: Iterable[tuple[int, int]] = ((0, 0),)) -> Dataset:
    """Draw the 26 capitals as grey images of 32x32 pixels, in several fonts and places.

    Args:
        fonts: the names of TrueType fonts that matplotlib ships, such as "DejaVuSans".
        shifts: by how many pixels a letter is moved down and to the right, each pair a set of images; up to 3 pixels,
            which leave all of it in the image in the fonts that are the default; of a wider one the edges are lost.

    Returns:
        x of shape (N, 32, 32), float64 from 0 (paper) to 1 (ink), and y of shape (N,), the labels 0 (A) to 25 (Z) as
        int64, where N is fonts times shifts times 26, in this order: the letters follow one another fastest.

    Raises:
        ArgumentError: no font or shift, a font that matplotlib does not ship, or a shift that is no pair of whole
            numbers from -3 to 3.
        UnsupportedError: matplotlib is not installed.

    >>> from tinygrad_nn import data
    >>> x, y = data.letters(["DejaVuSans"], shifts=[(0, 0), (0, 3)])
    >>> x.shape, y[:3].tolist()
    ((52, 32, 32), [0, 1, 2])
    >>> for row in x[19, 8:24:2, 8:24]:
    ...     print("".join(" .:*#"[int(4 * pixel)] for pixel in row).rstrip())
     #############:
          .#*
          .#*
          .#*
          .#*
          .#*
          .#*
          .#*

    """
    try:
        import matplotlib as mpl  # an optional extra, which brings Pillow
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        message = "letters: expected matplotlib, whose fonts are drawn. Run pip install 'tinygrad_nn[plot]'"
        raise UnsupportedError(message) from error
    places = _checked(shifts)
    images: list[Array] = []
    for name in fonts:
        try:
            font = ImageFont.truetype(f"{mpl.get_data_path()}/fonts/ttf/{name}.ttf", _POINTS)
        except OSError as error:
            message = f"letters: expected 'fonts' to name fonts of matplotlib, such as {', '.join(FONTS)}; got {name!r}"
            raise ArgumentError(message) from error
        for down, right in places:
            for letter in string.ascii_uppercase:
                image = Image.new("L", (_SIDE, _SIDE))
                ImageDraw.Draw(image).text((_SIDE // 2 + right, _BASELINE + down), letter, 255, font, anchor="ms")
                images.append(np.asarray(image) / 255)  # grey: the edges are smoothed
    if not images:
        message = f"letters: expected at least one font and one shift, got {len(places)} shifts and no image"
        raise ArgumentError(message)
    return Dataset(np.stack(images), np.tile(np.arange(26), len(images) // 26))


def _checked(shifts: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return shifts that leave every letter in its image."""
    places = list(shifts)
    if not all(np.shape(place) == (2,) and {*place} <= {*range(-_FREE, _FREE + 1)} for place in places):
        message = (
            f"letters: expected 'shifts' to be pairs of whole numbers from -{_FREE} to {_FREE}, down and to the right, "
            f"got {places}. More would cut letters off"
        )
        raise ArgumentError(message)
    return places
