"""Two galleries for the checks to go through: mistakes to be found, and functions that are right but tricky."""

from tests.planted import elementwise, indexing, layers, products, reductions, second_order

FAMILIES = (elementwise, reductions, indexing, products, layers, second_order)

MISTAKES = [mistake for family in FAMILIES for mistake in family.MISTAKES]
