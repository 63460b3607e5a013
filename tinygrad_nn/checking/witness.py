"""A look over the shoulder of a function: where values leave the graph, and what is recorded inside of transforms.

The graph of a result shows neither. So Python is asked to report each call, for a single run of the function.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

from tinygrad_nn import recording, trees
from tinygrad_nn.backprop import OWN_FILES, Node
from tinygrad_nn.tensor import Tensor
from tinygrad_nn.transforms import stop_gradient

_EXITS: dict[Any, str] = {
    Tensor.numpy: "numpy()", Tensor.item: "item()", Tensor.tolist: "tolist()", Tensor.detach: "detach()",
    Tensor.__float__: "float()", Tensor.__int__: "int()", Tensor.__array__: "conversion to an array",
    vars(Tensor)["data"].fget: "data", stop_gradient: "stop_gradient()",
}  # fmt: skip  # one a line would be a page

_NAMES = {function.__code__: name for function, name in _EXITS.items()}

_UNRECORDED = recording._unrecorded.__code__
_RECORDED = recording.record.__code__


class Witness:
    """What a function does besides what the graph of its results shows.

    Attributes:
        exits: how the user's code took values out of a graph, each with the place, as code object and instruction.
        inner: the nodes that were recorded inside of a transform, by how many transforms deep.

    """

    def __init__(self) -> None:
        """Have seen nothing."""
        self.exits: dict[tuple[str, CodeType, int], None] = {}  # in the order of the calls
        self.inner: dict[int, list[Node]] = {}

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Look at what happens in the block; not under a profiler, which needs the same reports."""
        if sys.getprofile() is not None:
            yield
            return
        sys.setprofile(self._see)
        try:
            yield
        finally:
            sys.setprofile(None)

    def _see(self, frame: FrameType, event: str, result: Any) -> None:
        """Note a call or a return, if it tells something."""
        code = frame.f_code
        if event == "return" and code is _RECORDED:
            if isinstance(result, recording.Traced) and result._node is not None:
                self.inner.setdefault(result.level, []).append(result._node)
        elif event == "call" and (code in _NAMES or code is _UNRECORDED):
            caller = frame.f_back
            while code is _UNRECORDED and caller is not None and caller.f_code.co_filename in OWN_FILES:
                caller = caller.f_back
            is_users = caller is not None and caller.f_code.co_filename not in OWN_FILES
            if caller is not None and is_users and _holds_gradient(frame.f_locals):
                self.exits[_NAMES.get(code, "no_grad()"), caller.f_code, caller.f_lasti] = None


def _holds_gradient(values: Any) -> bool:
    """Tell whether a Tensor that requires a gradient is among some values."""
    return any(isinstance(x, Tensor) and x.requires_grad for x in trees.values(values))
