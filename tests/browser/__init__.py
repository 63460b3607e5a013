"""Pages in a real browser: ``pip install playwright``, ``apt-get install chromium``, ``pytest -m browser``."""
