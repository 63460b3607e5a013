"""Logistic regression finds the coefficients of scikit-learn, and the standard errors of the textbook."""

import numpy as np
import pytest
from scipy import special

from tests.examples.loading import script

regression = script("logistic_regression")


@pytest.fixture(scope="module")
def fitted():
    x, y, _ = regression.cells()
    return x, y, regression.train(x, y)


def test_coefficients_are_those_of_scikit_learn(fitted):
    x, y, weights = fitted
    np.testing.assert_allclose(weights, regression.by_scikit_learn(x, y), rtol=0, atol=1e-7)


def test_standard_errors_are_those_of_the_closed_form(fitted):
    x, y, weights = fitted
    ones = np.column_stack([x, np.ones(len(x))])
    p = special.expit(ones @ weights)
    hessian = regression.C * ones.T @ (ones * (p * (1 - p))[:, None]) + np.diag([*np.ones(x.shape[1]), 0])
    expected = np.sqrt(np.diag(np.linalg.inv(hessian)))
    np.testing.assert_allclose(regression.standard_errors(weights, x, y), expected, rtol=1e-9)
