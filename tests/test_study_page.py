"""The page of a study in a real Chromium of a phone's size: everything in view, answered to the end, kept, and counted."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from dimo.evaluate.preference import count
from dimo.evaluate.samples import Sample, Samples
from dimo.evaluate.study import key_of, pairs
from dimo.view.study_page import page as write_page

pytestmark = pytest.mark.page
PICTURES = Path(os.environ["DIMO_PICTURES"]) if "DIMO_PICTURES" in os.environ else None
PHONE = {"viewport": {"width": 390, "height": 780}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
SENTENCE = "a person takes four steps forward, turns around to the left and then slowly sits down on a chair"


@pytest.fixture(scope="module")
def questions():
    committed = Samples.load(Path(__file__).parents[1] / "benchmarks/report").items[:5]
    a = [Sample(s.id, SENTENCE, s.truth, s.made) for s in committed]
    b = [Sample(s.id, SENTENCE, s.truth, np.repeat(s.truth[:1], len(s.truth), axis=0)) for s in committed]
    return pairs(Samples(tuple(a), 0), Samples(tuple(b), 0), "motion", 0, count=3, checks=2)


@pytest.fixture
def opened(questions, tmp_path):
    """The page on a phone; a fault of its script or a request to anywhere fails the test."""
    from playwright.sync_api import sync_playwright

    (tmp_path / "study.html").write_text(write_page(questions, key_of(questions, 0)["study"]), encoding="utf-8")
    faults = []
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_context(**PHONE, accept_downloads=True).new_page()
        page.set_default_timeout(300_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda r: None if r.url.startswith(("file:", "blob:", "data:")) else faults.append(r.url))
        page.goto((tmp_path / "study.html").as_uri())
        yield page
        browser.close()
    assert faults == []


def test_a_study_is_answered_on_a_phone(opened, questions, tmp_path):
    page, key = opened, key_of(questions, 0)
    assert page.is_visible("#go")
    assert not page.is_visible("#ask")
    page.tap("#go")
    for number, question in enumerate(questions):
        page.wait_for_function(f"document.getElementById('count').textContent.startsWith('{number + 1} of')")
        if number == 0:
            width, height = PHONE["viewport"].values()
            for each in page.query_selector_all("canvas, button[data-ask], #text, .ask"):
                box = each.bounding_box()
                assert box["x"] >= 0
                assert box["x"] + box["width"] <= width
                assert box["y"] + box["height"] <= height  # nothing has to be scrolled to
            assert all(b.bounding_box()["height"] >= 44 for b in page.query_selector_all("button[data-ask]"))
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            if PICTURES is not None:
                page.wait_for_timeout(1000)
                page.screenshot(path=PICTURES / "study.jpg", type="jpeg", quality=82)
        if number == 2:  # closed in the middle, and opened again
            page.reload()
            page.wait_for_function("document.getElementById('count').textContent.startsWith('3 of')")
            page.tap("#back")
            held = page.get_attribute("button[data-ask=natural][data-answer=same]", "aria-pressed")
            assert held == ("true" if not questions[1].check else "false")
            page.tap("button[data-ask=follows][data-answer=left]")
            page.wait_for_function("document.getElementById('count').textContent.startsWith('3 of')")
        side = "left" if question.a_left else "right"
        page.tap(f"button[data-ask=follows][data-answer={side}]")
        page.tap(f"button[data-ask=natural][data-answer={side if question.check else 'same'}]")
    page.wait_for_selector("#end:not([hidden])")
    page.tap("#copy")
    written = json.loads(page.input_value("#plain"))
    with page.expect_download() as download:
        page.tap("#save")
    download.value.save_as(tmp_path / "answers.txt")
    data = json.loads((tmp_path / "answers.txt").read_text())
    assert data == written
    assert data["seconds"] >= 0
    changed = questions[1]
    found = count(key, [(tmp_path / "answers.txt", data)])
    assert len(data["answers"]) == 5
    if changed.check:
        assert data["answers"][changed.id]["follows"] == "left"
    assert found.people == (data["person"],)
    assert found.outcomes["natural"].preference.same == 3
