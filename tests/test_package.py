"""The package as a whole: its public names, its rooms, and what importing it costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_nn as tn

PACKAGE = Path(tn.__file__).parent

ROOMS = [
    "allocation", "errors", "primitive", "primitives", "conversion", "array_methods", "python_protocols", "backprop",
    "tensor", "recording", "trees", "transforms", "anomaly", "nn", "optim", "data", "plot", "persist", "training",
    "checking", "testing", "graph", "compiler", "demos", "cli", "__main__",
]  # fmt: skip


def test_public_names():
    assert sorted(tn.__all__) == [
        "Tensor", "check_model", "checkpoint", "data", "detect_anomaly", "draw", "enable_grad", "errors", "explore",
        "grad", "gradcheck", "graph", "hessian", "hvp", "jacobian", "jvp", "load", "nn", "no_grad", "optim", "persist",
        "plot", "primitive", "save", "set_default_dtype", "stop_gradient", "testing", "training", "value_and_grad",
        "vjp",
    ]  # fmt: skip
    assert all(hasattr(tn, name) for name in tn.__all__)


def test_public_names_of_nn():
    assert sorted(tn.nn.__all__) == [
        "Add", "AvgPool", "BatchNorm", "CELU", "Concatenate", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d",
        "ConvTranspose2d", "ConvTranspose3d", "Dense", "Dropout", "ELU", "Embedding", "Flatten", "GELU", "GRU",
        "GRUCell", "Hardsigmoid", "Hardswish", "Hardtanh", "LSTM", "LSTMCell", "Lambda", "LayerNorm", "LeakyReLU",
        "LogSigmoid", "LogSoftmax", "MaxPool", "Mish", "Module", "MultiheadAttention", "Multiply", "Parameter",
        "PositionalEncoding", "RNN", "RNNCell", "ReLU", "ReLU6", "Reshape", "Residual", "SELU", "Sequential", "SiLU",
        "Sigmoid", "Softmax", "Softplus", "Softsign", "Tanh", "TransformerBlock", "absolute_error", "avg_pool",
        "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "conv", "conv_transpose", "cosine_distance",
        "cross_entropy", "elu", "erf", "from_config", "gaussian_nll", "gelu", "hard_sigmoid", "hard_swish", "hard_tanh",
        "hinge", "huber", "init", "kl_divergence", "leaky_relu", "log_sigmoid", "log_softmax", "logsumexp", "max_pool",
        "mish", "nll", "relu", "relu6", "scaled_dot_product_attention", "selu", "sigmoid", "silu", "softmax",
        "softplus", "softsign", "squared_error", "tanh", "to_config", "xlogy",
    ]  # fmt: skip


def project_imports(path):
    """Yield the modules of the project that a file imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.startswith("tinygrad_nn"))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tinygrad_nn"):
            if node.module == "tinygrad_nn":
                yield from (f"tinygrad_nn.{name.name}" for name in node.names)
            else:
                yield from (f"{node.module}.{name.name}" for name in node.names)


def room_of(module):
    return module.split(".")[1]


def files():
    return [path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"]


def test_imports_point_down_only():
    assert len(files()) > 20
    for path in files():
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for imported in project_imports(path):
            assert ROOMS.index(room_of(imported)) <= ROOMS.index(room), f"{path} imports {imported}"


def test_no_project_import_hides_in_a_function():
    for path in files():
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                hidden = [n for n in ast.walk(function) if isinstance(n, (ast.Import, ast.ImportFrom))]
                for node in hidden:
                    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [n.name for n in node.names]
                    assert not any(name.startswith("tinygrad_nn") for name in names), f"{path}:{node.lineno}"


def test_rules_and_tensors_never_import_each_other():
    for path in (PACKAGE / "primitives").glob("*.py"):
        assert {room_of(name) for name in project_imports(path)} <= {"primitive", "primitives", "errors"}
    assert "primitives" not in {room_of(name) for name in project_imports(PACKAGE / "tensor.py")}


def test_importing_brings_numpy_and_nothing_heavy():
    code = "import sys, tinygrad_nn; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"tqdm", "graphviz", "matplotlib", "safetensors", "scipy", "torch", "IPython", "pandas"}
    assert "numpy" in names
    assert not heavy & set(names)


def test_what_not_all_need_is_imported_when_it_is_first_used_and_listed_before():
    code = (
        "import sys, tinygrad_nn as tn; assert not {'tinygrad_nn.nn', 'tinygrad_nn.checking'} & sys.modules.keys(); "
        "assert set(tn.__all__) <= set(dir(tn)); tn.nn.Dense(1, 1); tn.gradcheck; "
        "assert 'tinygrad_nn.nn' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="module 'tinygrad_nn' has no attribute 'dense'"):
        _ = tn.dense
