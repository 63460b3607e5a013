"""Leave the tests against an engine out where it is not installed; the extra `reference` brings both engines."""

from importlib.util import find_spec

collect_ignore_glob = [f"*{engine}*.py" for engine in ("autograd", "torch") if find_spec(engine) is None]
