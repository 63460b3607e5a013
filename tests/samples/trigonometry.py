"""Samples for the file of the same name in `primitives/`."""

from tests.samples.making import Row

ROWS: dict[str, Row] = {}
