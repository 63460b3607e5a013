"""A headless Chromium without a network, and pages that note all that goes wrong in them."""

import shutil

import pytest

import tinygrad_nn as tn

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium; a missing one fails the tests, for who asks for the marker `browser` wants to know."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.fail("Playwright is not installed: pip install playwright", pytrace=False)
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("no Chromium was found: apt-get install chromium", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def explore(browser, tmp_path):
    """Return a function that opens the page of a computation; fail the test if the page reports or loads anything."""
    said, requests, contexts = [], [], []

    def open_page(loss, max_values=64, **settings):
        path = tn.explore(loss, tmp_path / "graph.html", max_values=max_values)
        context = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, "offline": True} | settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("request", lambda request: requests.append(request.url))
        page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}") or dialog.dismiss())
        page.goto(path.as_uri())
        page.wait_for_selector(".item")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert all(url.startswith("file://") for url in requests)
    assert len(requests) == len(contexts)
