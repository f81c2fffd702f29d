"""Opens pages in headless Chromium and fails where one logs an error, asks for anything, violates an accessibility rule of axe-core, or is wider than a phone.

No part of the tests, since a browser is heavy. It needs Chromium and two packages:

    pip install playwright axe-playwright-python
    python crates/pages/check/check_pages.py --out shots runs/a/report.html compare.html

For each page it writes pictures of it (light, dark, phone) and a PDF into the folder of --out, to be looked at, and prints how long it took to the first
paint and how large it is.
"""

import argparse
import pathlib
import shutil
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

VIEWS = [("light", "light", 1200, 900), ("dark", "dark", 1200, 900), ("phone", "light", 375, 740), ("phone-dark", "dark", 375, 740)]


def use(page):
    """What a person does: points at a chart, goes along it by keys, opens a cell and every fold, filters, sorts."""
    for summary in page.query_selector_all("summary"):
        summary.click()
    chart = page.query_selector("svg[data-chart]")
    if chart:
        chart.hover()
        chart.focus()
        page.keyboard.press("ArrowRight")
        assert page.inner_text(".now").strip(), "a key on a chart says its values"
    cell = page.query_selector("button[data-cell]")
    if cell:
        cell.focus()
        page.keyboard.press("Enter")
        assert page.query_selector("#cell .shot"), "a cell shows its images"
    if page.query_selector("#runs"):
        page.query_selector("#runs thead th:nth-child(2) button").click()
        page.query_selector("#runs tbody button").click()
        page.query_selector("#lines").hover()
        assert page.inner_text("#lit").strip(), "a run is lit"


def check(browser, address, out, name):
    faults = []
    for view, scheme, width, height in VIEWS:
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
        page = context.new_page()
        # A busy machine is no fault of the page.
        page.set_default_timeout(180_000)
        page.on("console", lambda message: message.type in ("error", "warning") and faults.append(f"{view}: console: {message.text}"))
        page.on("pageerror", lambda error: faults.append(f"{view}: {error}"))
        page.on("request", lambda request: request.url.split(":")[0] not in ("data", "file") and faults.append(f"{view}: request: {request.url}"))
        page.on("request", lambda request: request.url.startswith("file:") and request.url != address and faults.append(f"{view}: request: {request.url}"))
        page.goto(address)
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
        page.wait_for_timeout(200)
        page.screenshot(path=out / f"{name}-{view}-top.png")
        if paint is None:
            paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN")
        use(page)
        page.wait_for_timeout(100)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            faults.append(f"{view}: {wide} pixels wider than the window")
        results = Axe().run(page)
        for violation in results.response["violations"]:
            nodes = [node["html"][:150] for node in violation["nodes"][:3]]
            faults.append(f"{view}: axe {violation['id']} ({violation['impact']}, {len(violation['nodes'])}): {nodes}")
        page.screenshot(path=out / f"{name}-{view}.png", full_page=True)
        if view == "light":
            size = page.evaluate("document.documentElement.outerHTML.length")
            print(f"{name}: first paint after {paint:.0f} ms, {size / 1e6:.2f} MB of document")
            page.pdf(path=out / f"{name}.pdf", print_background=False, format="A4")
        context.close()
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the folder for pictures and PDFs")
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    failed = False
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for path in asked.pages:
            faults = check(browser, path.resolve().as_uri(), asked.out, path.parent.name + "-" + path.stem)
            for fault in dict.fromkeys(faults):
                print(f"{path}: {fault}")
            failed |= bool(faults)
        browser.close()
    sys.exit(failed)


if __name__ == "__main__":
    main()
