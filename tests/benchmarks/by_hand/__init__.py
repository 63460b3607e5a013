"""The networks of `tests.benchmarks.networks` as one writes them in NumPy alone, every gradient derived by hand.

Each is a function of parameters (by the names of PyTorch), inputs and targets; it returns the loss and the gradients by
the same names. None imports anything of `tinygrad_nn`.
"""
