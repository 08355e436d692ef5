"""What somebody sees who opens the page of `dimo serve`: when the first picture stands, and how many follow in a second.

benchmarks/serve.py asks it; alone, of a server that runs already: python benchmarks/browser.py http://127.0.0.1:8000/
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import time

WINDOWS = {"laptop": (1440, 900), "phone": (390, 844), "4K": (3840, 2160)}
VISITS = 5
PLAYED = 5.0
"""Seconds in which frames are counted."""
PATIENCE = 60_000
FLAGS = ["--no-sandbox", "--ignore-gpu-blocklist", "--enable-unsafe-swiftshader"]
CARD = """(() => {
  const gl = document.createElement("canvas").getContext("webgl2"), told = gl?.getExtension("WEBGL_debug_renderer_info");
  return told ? gl.getParameter(told.UNMASKED_RENDERER_WEBGL) : "unknown";
})()"""
LATE = """() => performance.getEntriesByType("resource").map((r) => [r.name.split("/").pop(), Math.round(r.startTime),
  Math.round(r.responseEnd)]).sort((a, b) => b[2] - a[2]).slice(0, 5)"""


def seen(address: str, times: int = VISITS) -> dict | None:
    """The measures by window, each visit with an empty cache; None where Playwright or a Chromium is missing."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        return None
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        except Error:
            return None
        with browser:
            told: dict = {"chromium": browser.version, "windows": {}}
            for name, (width, height) in WINDOWS.items():
                visits = [visit(browser, address, width, height) for _ in range(times)]
                told["card"] = visits[0].pop("card")
                first = [v["first_picture_s"] for v in visits]
                told["windows"][name] = {
                    "pixels": [width, height],
                    "first_picture_s": {"median": round(statistics.median(first), 3), "worst": round(max(first), 3)},
                    "frames_per_s": round(statistics.median(v["frames_per_s"] for v in visits), 1),
                    "sharpness": visits[-1]["sharpness"],
                    "last_files_ms": visits[-1]["last_files_ms"],
                }
            return told


def visit(browser, address: str, width: int, height: int) -> dict:
    """One window that opens the page for the first time, waits for the first picture, and looks on for a while."""
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    limit = time.monotonic() + PATIENCE / 1000
    while not page.evaluate("performance.getEntriesByName('first-picture').length"):
        # Playwright's own waiting would evaluate it in the page, which the page's policy forbids.
        if time.monotonic() > limit:
            raise SystemExit(f"{address}: no picture after {PATIENCE / 1000:.0f} s: {page.text_content('#status')}")
        page.wait_for_timeout(20)
    first = page.evaluate("performance.getEntriesByName('first-picture')[0].startTime") / 1000
    files = page.evaluate(LATE)
    page.wait_for_timeout(3000)  # the sharpness finds its place
    began, frames = page.evaluate("[performance.now(), dimo.frames]")
    page.wait_for_timeout(1000 * PLAYED)
    ended, more = page.evaluate("[performance.now(), dimo.frames]")
    told = {
        "card": page.evaluate(CARD),
        "first_picture_s": first,
        "frames_per_s": 1000 * (more - frames) / (ended - began),
        "sharpness": page.evaluate("dimo.pace.scale"),
        "last_files_ms": files,
    }
    context.close()
    return told


if __name__ == "__main__":
    if len(sys.argv) == 2:
        print(json.dumps(seen(sys.argv[1]), indent=2))
    else:
        print("benchmarks/serve.py measures the page; alone it is asked by: python benchmarks/browser.py ADDRESS")
