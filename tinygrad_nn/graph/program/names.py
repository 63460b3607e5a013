"""Names for a program's variables: the user's, as far as Python allows, and each only once."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata

RESERVED = frozenset({*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "_", "np", "forward_backward", "values"})
"""Names that a program must not give another meaning: its functions may use them."""


class Names:
    """The names that are taken in one program."""

    def __init__(self) -> None:
        """Begin with none but Python's own."""
        self.taken: set[str] = set(RESERVED)
        self.last: dict[str, int] = {}

    def new(self, wanted: str, otherwise: str = "leaf") -> str:
        """Return `wanted` as a name that nothing else has, and `otherwise` where nothing of it can be kept.

        >>> names = Names()
        >>> names.new("0.weight"), names.new("weight 0"), names.new("lambda"), names.new("?!")
        ('weight_0', 'weight_0_2', 'lambda_1', 'leaf')

        """
        name = identifier(wanted) or otherwise
        number = self.last.get(name, 1 if name not in RESERVED else 0)
        unique = name
        while unique in self.taken:
            number += 1
            unique = f"{name}_{number}"
        self.last[name] = number
        self.taken.add(unique)
        return unique


def identifier(text: str) -> str:
    """Return `text` as a name in Python, "" if nothing is left; numbers at its beginning go to its end.

    >>> identifier("encoder.0.weight"), identifier("0.weight"), identifier("θ"), identifier("'; DROP")
    ('encoder_0_weight', 'weight_0', 'θ', 'DROP')

    """
    # Python normalizes names itself, but not the keys of a dict that are to match them.
    text = unicodedata.normalize("NFKC", text)
    if text.isidentifier():
        return text
    words = re.sub(r"\W+", "_", text).strip("_")
    number, rest = re.fullmatch(r"((?:\d+_)*\d*)(.*)", words, re.DOTALL).groups()  # type: ignore[union-attr]  # matches all
    name = "_".join(filter(None, (rest.strip("_"), number.strip("_"))))
    return name if name.isidentifier() else ""
