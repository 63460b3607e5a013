"""Where an engine to compare with is not installed, its tests are left out; the extra `reference` brings both engines."""

from importlib.util import find_spec

collect_ignore = [f"test_{engine}.py" for engine in ("autograd", "torch") if find_spec(engine) is None]
