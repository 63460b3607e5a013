"""Logistic regression on a real data set: exact derivatives, the coefficients of scikit-learn, and their errors.

Are cells from a breast malignant? Thirty measurements of their nuclei say so (Wolberg, Street and Mangasarian, 1995;
the data ship with scikit-learn). The objective is that of `sklearn.linear_model.LogisticRegression`,
``C sum_i log(1 + exp(-s_i (w . x_i + b))) + |w|^2 / 2`` for classes s of -1 and 1, which is convex: there is one
answer, whoever computes it. Here `optim.minimize` finds it by Newton's method with exact Hessian products.

The Hessian H at the minimum also says how far the data determine each coefficient: the inverse of H is the covariance
of the Gaussian that fits the posterior at its top, for ``exp(-objective)`` is the likelihood times a normal prior on w
(Laplace's approximation; Bishop, "Pattern recognition and machine learning", 2006, section 4.5). Nearly all of these
intervals reach across 0, though the answers are right: the measurements are so alike that each can stand for others.

Run it with ``python examples/logistic_regression.py``. The coefficients agree to nine places or more.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

import tinygrad_nn as tn
from tinygrad_nn import nn, optim

C = 1.0  # how much the data count against the prior; scikit-learn's default


def cells() -> tuple[Any, Any, list[str]]:
    """Return measurements of mean 0 and variance 1, whether the cells are malignant, and what was measured."""
    found = load_breast_cancer()
    x = (found.data - found.data.mean(axis=0)) / found.data.std(axis=0)
    return x, 1.0 - found.target, list(found.feature_names)  # in scikit-learn, 1 is benign


def objective(weights: Any, x: Any, y: Any) -> Any:
    """Return what is to be minimised; the last of the `weights` is the bias b, which has no prior."""
    logits = x @ weights[:-1] + weights[-1]
    misfit = nn.binary_cross_entropy_with_logits(logits, y, reduction="sum")
    return C * misfit + (weights[:-1] ** 2).sum() / 2


def train(x: Any, y: Any) -> Any:
    """Return the coefficients, with the bias behind them."""
    weights = tn.Tensor(np.zeros(x.shape[1] + 1), requires_grad=True)
    optim.minimize([weights], lambda: objective(weights, x, y), method="trust-ncg", options={"gtol": 1e-9})
    return weights.numpy()


def standard_errors(weights: Any, x: Any, y: Any) -> Any:
    """Return how far each coefficient could be off: the roots of the diagonal of the inverse Hessian."""
    return np.sqrt(np.diag(np.linalg.inv(tn.hessian(objective)(weights, x, y))))


def by_scikit_learn(x: Any, y: Any) -> Any:
    """Return scikit-learn's coefficients, with the bias behind them."""
    found = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-10).fit(x, y)
    return np.append(found.coef_, found.intercept_)


def draw(folder: Path, names: Sequence[str], weights: Any, errors: Any, reference: Any) -> None:
    """Draw the coefficients with two standard errors to either side, and those of scikit-learn."""
    import matplotlib.pyplot as plt

    order = np.argsort(weights[:-1])
    rows = np.arange(len(order))
    figure, ax = plt.subplots(figsize=(7, 7), layout="constrained")
    ax.axvline(0, color="0.7", linewidth=1)
    ax.errorbar(weights[order], rows, xerr=2 * errors[order], fmt="o", markersize=4, label="here, ± 2 standard errors")
    ax.plot(reference[order], rows, "o", markersize=9, fillstyle="none", color="C1", label="scikit-learn")
    ax.set_yticks(rows, [names[place] for place in order])
    ax.set(xlabel="benign  ←  coefficient of a standardised measurement  →  malignant")
    ax.margins(y=0.02)
    figure.legend(loc="outside upper center", ncols=2)
    figure.savefig(folder / "logistic_regression_coefficients.png", dpi=150)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    """Fit the data, and print the coefficients with their errors beside those of scikit-learn."""
    parser = argparse.ArgumentParser(description="Logistic regression against scikit-learn.")
    parser.add_argument("--plot", nargs="?", const=".", type=Path, metavar="FOLDER", help="draw the coefficients")
    options = parser.parse_args(argv)

    x, y, names = cells()
    weights, reference = train(x, y), by_scikit_learn(x, y)
    errors = standard_errors(weights, x, y)

    print(f"{'measurement':26}{'coefficient':>14}{'error':>10}{'scikit-learn':>16}")
    for name, weight, error, other in zip([*names, "(bias)"], weights, errors, reference, strict=True):
        print(f"{name:26}{weight:14.7f}{error:10.4f}{other:16.7f}")
    print(f"\nlargest difference {np.abs(weights - reference).max():.1e}")
    print(f"right on {np.mean((x @ weights[:-1] + weights[-1] > 0) == y):.1%} of the {len(y)} cases, all learned from")
    if options.plot:
        draw(options.plot, names, weights, errors, reference)


if __name__ == "__main__":
    main()
