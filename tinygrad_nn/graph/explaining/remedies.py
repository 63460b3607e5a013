"""What to do about each cause that `explain` names for a gradient that is there, but is not as it should be."""

from __future__ import annotations

REMEDIES = {
    "at its minimum": "Nothing, if the loss is as small as it should be.",
    "another element won": (
        "Nothing, if the other elements are meant to win. To reach all of them, use nn.logsumexp or nn.softmax in "
        "place of a maximum, and a mean in place of a median."
    ),
    "cancelled": (
        "Nothing, if the loss does not depend on the parameter: a bias right before a normalisation has no effect, and "
        "the sum of a softmax is always 1. Leave such a parameter out, and look for two terms of opposite sign "
        "otherwise."
    ),
    "constant": "Check the axis: over a single element there is nothing to compare. For one unit use nn.sigmoid.",
    "cut off": "Check the index or the mask that chooses which part of the value is used.",
    "dead relu": (
        "Keep more inputs of the unit positive: a smaller learning rate, init='he_normal', normalised data, a bias "
        "that starts above 0; or use nn.LeakyReLU or nn.GELU, whose slope is not 0 for negative inputs."
    ),
    "dropped out": "Call model.eval() for a look without Dropout, or use a smaller p.",
    "edge of the domain": (
        "Keep the operand away from the edge: np.sqrt(x + 1e-12), np.log(np.maximum(x, eps)), a divisor that cannot "
        "become 0, nn.cross_entropy of logits rather than the logarithm of a softmax."
    ),
    "empty": "Check the index or the mask that leaves nothing.",
    "exploding": (
        "Bring the factor that repeats near 1: smaller initial weights, a normalisation or residual connections "
        "between the layers. Or set a limit: "
        "optim.clip_by_norm(parameters, 1.0) before optimizer.step()."
    ),
    "flat": (
        "Use a smooth function in its place, or pass the gradient straight through: "
        "x + tn.stop_gradient(np.round(x) - x)."
    ),
    "infinity": (
        "inf - inf, inf / inf and 0 * inf are NaN: leave at least one element of each row finite (not all of them "
        "-inf), or mask with a number such as -1e9."
    ),
    "large error": (
        "Normalise data and targets, start with smaller weights, or use nn.huber_loss, whose slope does not grow with "
        "the error."
    ),
    "large factor": "Scale this factor down: normalise the data, start with smaller weights, or average where you sum.",
    "masked": (
        "Check that the condition, or the bounds of the clip, leave something to learn from; to clip and still pass "
        "the gradient, write x + tn.stop_gradient(np.clip(x, a, b) - x)."
    ),
    "masked infinity": (
        "Compute only where it is defined: np.piecewise(x, [x > 0], [np.sqrt, 0]); or choose a harmless operand "
        "before, as in np.sqrt(np.where(x > 0, x, 1))."
    ),
    "not finite before": (
        "Look for the first such number: in the data with np.isfinite(x).all(), in a parameter after a step that was "
        "too large. Use a smaller learning rate, or optim.clip_by_norm."
    ),
    "overwritten": "Overwrite fewer elements, or use the new values for what the loss depends on.",
    "overflow": "Scale the loss down, or compute in float64.",
    "saturated": (
        "Keep its inputs near 0: normalise the data, start with smaller weights. For a loss of "
        "probabilities use nn.binary_cross_entropy_with_logits or nn.cross_entropy, which take the logits."
    ),
    "small slope": (
        "Rescale the operand, or use an operation that is steeper there; in place of the logarithm of exponentials "
        "use nn.logsumexp or nn.log_softmax."
    ),
    "small value": "Start with larger values, or use an optimizer that does not look at the size, such as optim.Adam.",
    "large slope": "Rescale the operand, or use an operation that is less steep there.",
    "large value": "Start with smaller values, or use an optimizer that does not look at the size, such as optim.Adam.",
    "small factor": "Scale this factor up: normalise the data, start with larger weights, or sum where you average.",
    "steep": "Limit the operand, or take logarithms: nn.logsumexp and nn.log_softmax do so safely.",
    "underflow": "Scale the loss up (and the gradient down again before the step), or compute in float64.",
    "vanishing": (
        "Bring the factor that repeats near 1: activations whose slope is 1, such as nn.ReLU, init='he_normal' or "
        "'glorot_uniform', a normalisation or residual connections between the layers; for a recurrent network "
        "nn.LSTM or nn.GRU."
    ),
    "zero slope": (
        "Nothing, if the loss is smallest there. Otherwise start elsewhere: where the slope is 0, no step leads away."
    ),
    "zero factor": "Start this factor with numbers other than zero, or check the mask, if it is one.",
}
"""What to do about each cause."""
