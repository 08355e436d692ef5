"""The page in a real Chromium: every feature clicked through. Run by make integ-page, which also keeps the pictures."""

import json
import os
import re
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from dimo import DiMo, Motion, SampleOptions, preset

pytestmark = pytest.mark.page
PICTURES = Path(os.environ["DIMO_PICTURES"]) if "DIMO_PICTURES" in os.environ else None
# Without a graphics card; where there is one they change nothing that is tested.
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
WAIT = 60_000


@pytest.fixture(scope="module")
def address(serving):
    from dimo.serve.app import create_app
    from dimo.serve.service import Service

    with serving(create_app(Service(DiMo.from_pretrained())), "warning") as address:
        yield f"{address}/"


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(address, chromium):
    """open(**context) gives a page that has begun; any fault of its scripts, and any request elsewhere, fails the test."""
    faults, contexts = [], []

    def open_page(at="", **options):
        context = chromium.new_context(
            **{"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark", **options}
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda m: faults.append(m.text) if m.type == "error" and "status of" not in m.text else None)
        page.on("request", lambda r: None if r.url.startswith((address, "blob:", "data:")) else faults.append(r.url))
        page.goto(address + at)
        page.wait_for_selector(".box")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def page(opened):
    return opened()


def keep(page, name):
    """A picture for the documentation, where one is asked for."""
    if PICTURES is not None:
        page.evaluate("dimo.pace.fix()")
        page.wait_for_timeout(1500)
        page.screenshot(path=PICTURES / f"{name}.jpg", type="jpeg", quality=82)


def until(page, truth: str) -> None:
    """Wait until a JavaScript expression holds. Playwright's own waiting evaluates it in the page, which its policy forbids."""
    limit = time.monotonic() + WAIT / 1000
    while not page.evaluate(truth):
        assert time.monotonic() < limit, truth
        page.wait_for_timeout(50)


def at(page):
    return page.evaluate("dimo.player.time")


def motion(page):
    return page.evaluate("dimo.work.document.clip.json")


def texts(page):
    return page.locator(".box .text").all_text_contents()


def idle(page):
    page.wait_for_selector("#working", state="hidden")
    assert "problem" not in (page.locator("#status").get_attribute("class") or ""), page.text_content("#status")


def changed(page, deed):
    """Do something that makes a new document, and wait for it."""
    page.evaluate("globalThis.before = dimo.work.document")
    deed()
    end = time.monotonic() + WAIT / 1000
    while page.evaluate("dimo.work.document === globalThis.before || dimo.shown !== dimo.work.document"):
        assert time.monotonic() < end, page.text_content("#status")
        page.wait_for_timeout(50)
    idle(page)


def select(page, share_from, share_to):
    box = page.locator(".lane.feet").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + share_from * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + share_to * box["width"], y, steps=4)
    page.mouse.up()


def make(page, text="a person walks forward", seconds="2"):
    page.fill("#text", text)
    page.fill("#length", seconds)
    changed(page, lambda: page.click("#make"))


def test_it_opens_with_a_figure_that_moves(page):
    first = page.evaluate("dimo.stage.views[0].figure.bones.map(b => b.quaternion.toArray())")
    frames, time_then = page.evaluate("dimo.frames"), at(page)
    page.wait_for_timeout(1500)
    until(page, f"dimo.frames > {frames}")  # software may draw a picture in seconds
    until(page, f"dimo.player.time != {time_then}")
    then = page.evaluate("dimo.stage.views[0].figure.bones.map(b => b.quaternion.toArray())")
    assert np.abs(np.array(first) - np.array(then)).max() > 0.01
    picture = page.locator("#canvas").screenshot()
    assert len(picture) > 20_000  # not one colour
    page.wait_for_selector("#said:not([hidden])")
    keep(page, "dark")


def test_a_sentence_becomes_a_motion_round_by_round(page):
    make(page, "a person bows", "3")
    assert page.text_content("#title") == "a person bows"
    assert len(motion(page)["root"]) == 60
    assert page.locator(".codes b.known").count() == 15
    assert not page.locator("#rounds").is_hidden()
    page.locator("#round").fill("0")
    assert page.locator(".codes b.open").count() == 15
    assert page.text_content("#roundtext") == "all tokens masked"
    page.locator("#round").fill("5")
    assert 0 < page.locator(".codes b.known").count() < 15
    keep(page, "rounds")
    page.locator("#round").fill("10")
    assert page.locator(".codes b.open").count() == 0


def test_what_is_being_made_can_be_stopped(page):
    """Also between two rounds: the picture goes back to the motion that was there."""
    before = motion(page)
    page.fill("#text", "a person walks forward")
    page.fill("#length", "9.5")
    page.evaluate("document.querySelector('#steps').value = 300")
    page.evaluate("document.querySelector('#steps').dispatchEvent(new Event('input', {bubbles: true}))")
    page.click("#make")
    until(page, "dimo.stage.views[0].clip !== dimo.work.document.clip")  # a round is there
    assert page.text_content("#make") == "Stop"
    page.click("#make")
    until(page, "document.querySelector('#status').textContent === 'stopped'")
    until(page, "dimo.stage.views[0].clip === dimo.work.document.clip")
    assert page.text_content("#make") == "Make"
    assert motion(page) == before
    assert page.locator("#rounds").is_hidden()


def test_an_example_is_one_click(page):
    button = page.locator("#examples button").nth(2)
    text = button.text_content()
    changed(page, button.click)
    assert page.text_content("#title") == page.input_value("#text") == text


def test_play_pause_scrub_speed_loop_and_keys(page):
    page.locator("#canvas").focus()
    page.keyboard.press("Space")
    stopped = at(page)
    page.wait_for_timeout(400)
    assert at(page) == stopped
    page.keyboard.press("Home")
    assert at(page) == 0
    page.keyboard.press("ArrowRight")
    assert at(page) == pytest.approx(0.05)
    page.keyboard.press("Shift+ArrowRight")
    assert at(page) == pytest.approx(0.55)
    page.keyboard.press("ArrowLeft")
    assert at(page) == pytest.approx(0.5)
    page.keyboard.press("End")
    assert at(page) == pytest.approx(page.evaluate("dimo.player.seconds"))
    page.keyboard.press("ArrowUp")
    assert page.evaluate("dimo.player.speed") == 1.5
    page.locator("#scrub").fill("1.25")
    assert at(page) == pytest.approx(1.25)
    assert page.text_content("#clock") == "1.25"
    page.keyboard.press("Escape")
    page.locator("#canvas").focus()
    page.keyboard.press("l")
    assert page.evaluate("dimo.player.loop") is False
    page.locator("#scrub").fill(str(page.evaluate("dimo.player.seconds") - 0.1))
    page.click("#play")
    page.wait_for_selector("#play[aria-label=Play]")  # the end stops it
    for key, button in (("g", "#ghosts"), ("f", "#follow"), ("c", "#feet")):
        before = page.get_attribute(button, "aria-pressed")
        page.locator("#canvas").focus()
        page.keyboard.press(key)
        assert page.get_attribute(button, "aria-pressed") != before
    view = "dimo.stage.views[0]"
    until(page, f"{view}.ghosts.length === 6 && {view}.ghosts.some(g => g.scene.visible)")
    until(page, f"!{view}.feet.group.visible && !dimo.stage.shown.follow")
    page.locator("#canvas").focus()
    page.keyboard.press("c")
    page.locator("#scrub").fill("0")
    stands = "['left', 'right'].filter(s => dimo.work.document.clip.stands(s, 0))"
    discs = f"['left', 'right'].filter(s => {view}.feet.discs[s].visible)"
    until(page, f"{view}.feet.group.visible && String({stands}) === String({discs})")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "text"


def test_four_versions_side_by_side(page):
    before = motion(page)
    page.fill("#text", "someone waves")
    page.fill("#length", "2")
    page.click("#four")
    page.wait_for_selector("#versions button >> nth=3")
    assert page.evaluate("dimo.stage.views.length") == 4
    boxes = [page.locator("#versions button").nth(i).bounding_box() for i in range(4)]
    assert len({(b["x"], b["y"]) for b in boxes}) == 4
    keep(page, "versions")
    page.keyboard.press("Escape")  # none of them
    page.wait_for_selector("#versions", state="hidden")
    assert motion(page) == before
    page.click("#four")
    page.wait_for_selector("#versions button >> nth=3")
    roots = page.evaluate("dimo.stage.views.map(v => v.clip.json.rotations[20])")
    assert len({json.dumps(r) for r in roots}) == 4
    changed(page, lambda: page.locator("#versions button").nth(2).click())
    assert motion(page)["rotations"][20] == roots[2]


def test_prompts_in_a_row_compose_a_motion(page):
    make(page)
    page.fill("#text", "a person bows")
    changed(page, lambda: page.click("#add"))
    assert texts(page) == ["a person walks forward", "a person bows"]
    assert len(motion(page)["root"]) == 80
    # Dragged at its edge: a second longer.
    edge = page.locator(".box .edge").first.bounding_box()
    wide = page.locator("#timeline").bounding_box()["width"] / 4
    x, y = edge["x"] + edge["width"] / 2, edge["y"] + edge["height"] / 2

    def drag():
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + wide, y, steps=5)
        page.mouse.up()

    changed(page, drag)
    assert len(motion(page)["root"]) == 100
    # Edited by a double click.
    page.locator(".box").nth(1).dblclick()
    page.locator(".box input").fill("a person raises both hands")
    changed(page, lambda: page.keyboard.press("Enter"))
    assert texts(page) == ["a person walks forward", "a person raises both hands"]
    # Another order, by the keyboard.
    page.locator(".box").nth(1).focus()
    changed(page, lambda: page.keyboard.press("Alt+ArrowLeft"))
    assert texts(page) == ["a person raises both hands", "a person walks forward"]
    keep(page, "parts")
    page.locator(".box").nth(0).focus()
    changed(page, lambda: page.keyboard.press("Delete"))
    assert texts(page) == ["a person walks forward"]
    assert page.locator(".box .remove").count() == 0  # the last one stays
    # Back, and the same by the mouse.
    changed(page, lambda: page.click("#undo"))
    page.locator(".box").nth(0).hover()
    changed(page, lambda: page.locator(".box .remove").nth(0).click())
    assert texts(page) == ["a person walks forward"]
    # And all the way back.
    for expected in (2, 2, 2):
        changed(page, lambda: page.click("#undo"))
        assert len(texts(page)) == expected
    changed(page, lambda: page.click("#redo"))
    assert texts(page) == ["a person walks forward", "a person raises both hands"]


def test_a_stretch_made_anew_leaves_the_rest_bit_for_bit(page):
    make(page, seconds="4")
    before = motion(page)
    select(page, 0.25, 0.5)
    assert page.text_content("#stretchtext") == "1.00 to 2.00 s"
    page.fill("#stretchprompt", "a person raises both hands")
    keep(page, "stretch")
    changed(page, lambda: page.click("#replace"))
    after = motion(page)
    assert after["rotations"][:20] == before["rotations"][:20]
    assert after["rotations"][40:] == before["rotations"][40:]
    assert after["rotations"][30] != before["rotations"][30]
    assert texts(page) == ["a person walks forward", "a person raises both hands", "a person walks forward"]
    select(page, 0, 0.5)
    changed(page, lambda: page.click("#freeze"))
    frozen = motion(page)
    assert frozen["rotations"][:40] == after["rotations"][:40]
    assert frozen["rotations"][60] != after["rotations"][60]
    select(page, 0.5, 1)
    changed(page, lambda: page.click("#crop"))
    assert motion(page)["rotations"] == frozen["rotations"][40:]


def test_extend_vary_and_undo(page):
    make(page)
    before = motion(page)
    page.fill("#extendtext", "a person bows")
    page.fill("#extendseconds", "1.5")
    changed(page, lambda: page.click("#extend button"))
    after = motion(page)
    assert len(after["root"]) == 70
    assert after["root"][:40] == before["root"]
    page.click("#vary button")
    page.wait_for_selector("#versions button >> nth=3")
    changed(page, lambda: page.keyboard.press("1"))
    assert len(motion(page)["root"]) == 70
    page.locator("#canvas").focus()
    changed(page, lambda: page.keyboard.press("Control+z"))
    assert motion(page) == after
    changed(page, lambda: page.keyboard.press("Control+Shift+z"))
    assert motion(page) != after


def dropped(page, *paths):
    """Drop files on the page."""
    data = page.evaluate_handle(
        """async (files) => {
          const transfer = new DataTransfer();
          for (const {name, bytes} of files) transfer.items.add(new File([Uint8Array.from(bytes)], name));
          return transfer;
        }""",
        [{"name": path.name, "bytes": list(path.read_bytes())} for path in paths],
    )
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event("body", event, {"dataTransfer": data})


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    model = DiMo.from_pretrained()
    return model.generate("a person waves with the left hand", seconds=2, seed=1)[0]


@pytest.mark.parametrize("suffix", [".bvh", ".glb", ".npz"])
def test_a_file_that_is_dropped_plays_is_captioned_and_can_be_changed(page, clip, suffix, tmp_path):
    path = clip.save(tmp_path / f"clip{suffix}")
    changed(page, lambda: dropped(page, path))
    assert page.text_content("#title") == path.name
    assert len(motion(page)["root"]) == 40
    page.wait_for_selector("#said:not([hidden])")
    assert texts(page) == [page.text_content("#said")]
    before = motion(page)
    changed(page, lambda: page.click("#extend button"))
    assert motion(page)["rotations"][:40] == before["rotations"]


def test_several_files_are_shown_side_by_side_and_one_goes_on(page, clip, tmp_path):
    from dimo.body.retarget import retarget

    one = clip.save(tmp_path / "one.npz")
    two = retarget(clip, preset("kit")).save(tmp_path / "two.npz")
    before = motion(page)
    dropped(page, one, two)
    page.wait_for_selector("#versions button >> nth=1")
    until(page, "dimo.stage.views.length === 2")
    assert page.locator("#versions b").all_text_contents() == ["1  one.npz", "2  two.npz"]
    page.click("#versions .none")
    page.wait_for_selector("#versions", state="hidden")
    assert motion(page) == before
    dropped(page, one, two)
    page.wait_for_selector("#versions button >> nth=1")
    changed(page, lambda: page.keyboard.press("2"))
    assert page.text_content("#title") == "two.npz"
    assert len(motion(page)["skeleton"]["joints"]) == len(preset("kit").names)
    dropped(page, *[one] * 5)
    page.wait_for_selector("#status.problem")
    assert "4 files at most are shown side by side, not 5" in page.text_content("#status")


def test_other_bodies_have_figures_too(page, clip, tmp_path):
    from dimo.body.retarget import retarget

    path = retarget(clip, preset("cmu_bvh")).save(tmp_path / "other.bvh")
    changed(page, lambda: dropped(page, path))
    joints = page.evaluate("dimo.work.document.clip.joints.length")
    assert joints == page.evaluate("dimo.stage.views[0].figure.bones.length") > 22
    keep(page, "file")


def test_a_file_that_is_none_is_told(page, tmp_path):
    path = tmp_path / "broken.bvh"
    path.write_text("nothing")
    dropped(page, path)
    page.wait_for_selector("#status.problem")
    assert "broken.bvh, line 1" in page.text_content("#status")
    make(page)  # and the page goes on
    assert texts(page) == ["a person walks forward"]


def test_leading_over_to_a_file(page, clip, tmp_path):
    make(page)
    before = motion(page)
    changed(page, lambda: page.set_input_files("#joinfile", clip.save(tmp_path / "next.npz")))
    after = motion(page)
    assert len(after["root"]) == 40 + 30 + 40
    assert after["rotations"][:40] == before["rotations"]
    assert len(texts(page)) == 3


def test_a_sentence_is_corrected(page, clip, tmp_path):
    changed(page, lambda: dropped(page, clip.save(tmp_path / "wave.npz")))
    page.fill("#correcttext", "a person waves with the right hand")
    page.click("#correct button")
    page.wait_for_selector("#corrected:not([hidden])")
    shown = page.locator("#corrected")
    assert shown.locator("del").count() == shown.locator("ins").count()
    assert "person" in shown.text_content() or "Nothing contradicts" in shown.text_content()


def downloaded(page, deed):
    with page.expect_download() as waiting:
        deed()
    return Path(waiting.value.path()), waiting.value.suggested_filename


def test_downloads_at_a_rate_and_on_a_body(page, tmp_path):
    make(page, "a person bows")
    for kind in ("glb", "bvh", "npz"):
        page.select_option("#format", kind)
        page.select_option("#fps", "30")
        page.select_option("#skeleton", "kit")
        path, name = downloaded(page, lambda: page.click("#download button"))
        assert name == f"a_person_bows.{kind}"
        there = tmp_path / name
        shutil.copy(path, there)
        loaded = Motion.load(there)
        assert loaded.fps == pytest.approx(30)
        assert loaded.seconds == pytest.approx(2, abs=0.06)
        assert set(preset("kit").names) <= set(loaded.skeleton.names)
        idle(page)
    for kind, begins in (("vrma", b"glTF"), ("gif", b"GIF89a"), ("html", b"<!doctype html>")):
        page.select_option("#format", kind)
        path, name = downloaded(page, lambda: page.click("#download button"))
        assert path.read_bytes().startswith(begins), name
        idle(page)


def test_a_link_and_a_file_restore_the_session(page, opened, tmp_path):
    page.click("#advanced summary")
    page.fill("#steps", "4")
    make(page, seconds="3")
    first = motion(page)
    select(page, 0.3, 0.6)
    page.fill("#stretchprompt", "a person bows")
    changed(page, lambda: page.click("#replace"))
    expected, row = motion(page), texts(page)
    page.click("#copy")
    page.wait_for_url(re.compile("#"))
    link = page.url
    other = opened("#" + link.partition("#")[2])
    idle(other)
    other.wait_for_selector(".box.made")
    assert motion(other) == expected
    assert texts(other) == row
    until(other, "document.querySelector('#steps').value === '4'")  # what is made next is drawn alike
    assert other.evaluate("dimo.work.options") == {"steps": 4}
    path, name = downloaded(page, lambda: page.click("#savesession"))
    there = tmp_path / name
    shutil.copy(path, there)
    third = opened()
    changed(third, lambda: dropped(third, there))
    assert motion(third) == expected
    assert texts(third) == row
    changed(third, lambda: third.click("#undo"))
    assert motion(third) == first
    # A link that is put into the address of a page that is open.
    changed(third, lambda: third.evaluate("hash => { location.hash = hash; }", "#" + link.partition("#")[2]))
    assert motion(third) == expected


def test_advanced_reaches_the_server(page):
    assert not page.locator("#advanced").get_attribute("open")
    page.click("#advanced summary")
    page.fill("#seed", "42")
    page.fill("#steps", "4")
    page.select_option("#strategy", "gumbel")
    make(page, "a person bows")
    assert page.text_content("#seedtext") == "42"
    assert page.locator("#round").get_attribute("max") == "4"
    expected = DiMo.from_pretrained().generate(
        "a person bows", seconds=2, seed=42, options=SampleOptions(steps=4, strategy="gumbel")
    )[0]
    assert motion(page)["rotations"] == expected.rotations.tolist()
    page.fill("#best", "3")
    make(page, "a person bows")
    best = DiMo.from_pretrained().generate(
        "a person bows", seconds=2, seed=42, best=3, options=SampleOptions(steps=4, strategy="gumbel")
    )[0]
    assert motion(page)["rotations"] == best.rotations.tolist()
    page.fill("#best", "")
    page.fill("#steps", "0")
    page.click("#make")
    page.wait_for_selector("#status.problem")
    assert "steps must be from 1 to 1000, not 0" in page.text_content("#status")


def test_a_doubted_sentence_is_told(page):
    """In the sentences that the command line prints, and no longer than the motion is there."""
    for text in ("photosynthesis of purple monkey dishwasher finance", "a person wlaks forward"):
        make(page, text)
        assert page.text_content("#doubt") == DiMo.from_pretrained().understands(text).warning()
        assert page.locator("#doubt").is_visible()
    make(page, "a person walks forward")
    assert page.locator("#doubt").is_hidden()


def test_nothing_moves_by_itself_where_that_is_asked_for(opened):
    page = opened(reduced_motion="reduce")
    until(page, "dimo.shown")
    page.wait_for_timeout(400)
    assert at(page) == 0
    assert page.get_attribute("#play", "aria-label") == "Play"
    page.click("#play")
    until(page, "dimo.player.time > 0")
    assert page.get_attribute("#play", "aria-label") == "Pause"


def test_light_and_dark(opened):
    for scheme, dark in (("light", False), ("dark", True)):
        page = opened(color_scheme=scheme)
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        bright = sum(map(int, re.findall(r"\d+", back)[:3])) / 3
        assert (bright < 80) is dark
        if not dark:
            keep(page, "light")
        page.click("#theme")
        after = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert after != back
        page.reload()
        page.wait_for_selector(".box")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == after  # it is remembered


@pytest.mark.parametrize(("width", "height"), [(360, 740), (390, 844), (1024, 700), (3840, 2160)])
def test_it_fits_every_window(opened, width, height):
    page = opened(viewport={"width": width, "height": height})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for id in ("canvas", "text", "make", "four", "play", "scrub", "timeline", "add"):
        box = page.locator(f"#{id}").bounding_box()
        assert box["width"] > 10, id
        assert box["height"] > 10, id
        assert box["x"] >= 0, id
        assert box["x"] + box["width"] <= width + 1, id
    if width == 390:
        keep(page, "phone")


def test_everything_has_a_name_and_can_be_reached_by_the_keyboard(page):
    nameless = page.evaluate(
        """[...document.querySelectorAll('button, input, select, canvas, [role]')].filter(e => {
          const text = e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.[0]?.textContent.trim() || e.title;
          return !text && !e.hidden && !e.closest('[hidden]') && e.id !== 'status';
        }).map(e => e.outerHTML)"""
    )
    assert nameless == []
    reached = set()
    page.locator("#canvas").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id"))
    assert {
        "text",
        "length",
        "make",
        "four",
        "play",
        "scrub",
        "speed",
        "add",
        "extendtext",
        "share",
        "format",
        "theme",
    } <= reached


def test_the_camera_turns_by_dragging(page):
    before = page.evaluate("dimo.stage.camera.position.toArray()")
    box = page.locator("#canvas").bounding_box()
    page.mouse.move(box["x"] + 150, box["y"] + 300)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 320, steps=5)
    page.mouse.up()
    page.wait_for_timeout(500)
    assert np.abs(np.array(page.evaluate("dimo.stage.camera.position.toArray()")) - before).max() > 0.3
    page.click("#home")
    page.wait_for_timeout(500)
    assert page.evaluate("dimo.stage.camera.position.toArray()") == pytest.approx([2.6, 1.6, 4.5], abs=0.05)


def test_the_demo_needs_no_server(chromium, tmp_path):
    import functools
    import http.server

    from dimo.serve import demo

    folder = demo.write(tmp_path / "demo")
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        page.wait_for_selector(".box")
        assert page.text_content("#said")
        button = page.locator("#examples button").nth(2)
        text = button.text_content()
        changed(page, button.click)
        assert page.text_content("#title") == text
        page.locator("#round").fill("0")
        assert page.text_content("#roundtext") == "all tokens masked"
        page.fill("#text", "something that was not recorded")
        page.click("#make")
        page.wait_for_selector("#status.problem")
        assert "run dimo serve" in page.text_content("#status")
        context.close()
        server.shutdown()


@pytest.mark.parametrize("framed", [False, True], ids=["file", "notebook"])
def test_a_motion_plays_alone_without_a_network(chromium, clip, tmp_path, framed):
    path = clip.save(tmp_path / "alone.html")
    if framed:
        path.write_text(f"<!doctype html><meta charset=utf-8><body>{clip._repr_html_()}", encoding="utf-8")
    faults = []
    context = chromium.new_context(viewport={"width": 720, "height": 480}, offline=True)
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("request", lambda r: None if r.url.startswith(("file:", "blob:", "data:")) else faults.append(r.url))
    page.goto(path.as_uri())
    frame = page.frames[-1]
    assert (frame != page.main_frame) is framed
    frame.wait_for_function("globalThis.dimo?.frames > 1", timeout=WAIT)
    joint = "dimo.stage.views[0].figure.bones[16].quaternion.toArray()"
    before = frame.evaluate(joint)
    frame.wait_for_function("dimo.player.time > 0.5", timeout=WAIT)
    assert np.abs(np.array(frame.evaluate(joint)) - before).max() > 0.01
    frame.click("#play")
    frame.locator("#scrub").fill("1")
    frame.wait_for_function("Math.abs(dimo.player.time - 1) < 1e-6", timeout=WAIT)
    assert frame.text_content("#clock") == "1.00 s"
    assert frame.evaluate("document.documentElement.scrollWidth") <= 720
    if framed and PICTURES is not None:
        page.wait_for_timeout(1500)
        page.screenshot(path=PICTURES / "notebook.jpg", type="jpeg", quality=82)
    context.close()
    assert faults == []


def test_texts_are_never_markup(page):
    make(page, "<img src=x onerror=alert(1)> a person walks")
    assert page.locator("img").count() == 0
    assert texts(page) == ["<img src=x onerror=alert(1)> a person walks"]
