"""What the page does without its picture, by its own modules under Node: sessions, files side by side, warnings, a full queue."""

import json
import shutil
import subprocess

import pytest

from dimo.serve.site import FOLDER

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node runs the page's modules")

BEGIN = """
globalThis.document = { documentElement: { dataset: {} } };
globalThis.location = { origin: "http://localhost", pathname: "/", hash: "" };
globalThis.matchMedia = () => ({ matches: globalThis.reduced ?? false });
const asked = [], answers = {}, told = [];
globalThis.fetch = async (path, { body } = {}) => {
  asked.push([path, typeof body === "string" ? JSON.parse(body) : body]);
  const answer = answers[path];
  return typeof answer === "function" ? answer() : Response.json(answer);
};
const motion = (x) => ({ name: `m${x}`, fps: 20, seconds: 0.1,
  root: [[x, 1, 0], [x, 1, 1]], rotations: [[[1, 0, 0, 0]], [[1, 0, 0, 0]]],
  skeleton: { name: "one", joints: [{ name: "pelvis", parent: -1, offset: [0, 0, 0] }] }, contacts: { left: [], right: [] } });
const { Work } = await import("./js/work.js");
const { Clip } = await import("./js/clip.js");
const { History } = await import("./js/history.js");
const { Player } = await import("./js/player.js");
const api = await import("./js/api.js");
const share = await import("./js/share.js");
const work = new Work((what, value) => told.push([what, value]));
const last = (what) => told.findLast(([name]) => name === what)?.[1];
const out = [];
"""


@pytest.fixture
def node(tmp_path):
    """run(script) gives what it puts into `out`."""
    shutil.copytree(FOLDER / "js", tmp_path / "js")
    (tmp_path / "package.json").write_text('{"type": "module"}')

    def run(script):
        (tmp_path / "run.js").write_text(f"{BEGIN}{script}\nconsole.log(JSON.stringify(out));")
        done = subprocess.run(["node", tmp_path / "run.js"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_a_session_file_keeps_the_motion_and_all_that_undo_and_redo_lead_to(node):
    before, after = node("""
      const doc = (x) => ({ clip: new Clip(motion(x)), parts: [], seed: x, options: { steps: x }, title: `t${x}` });
      const history = new History(() => {});
      for (const x of [1, 2, 3, 4]) history.push(doc(x));
      history.undo();
      const file = new File([share.toFile(history)], "s.json"), other = new History(() => {});
      other.push(doc(9));
      const read = await share.fromFile(file);
      other.adopt(read.past, read.now, read.future);
      const titles = (documents) => documents.map((d) => d.title);
      const see = ({ past, now, future }) =>
        ({ past: titles(past), now: [now.title, now.options, now.clip.json.root], future: titles(future) });
      out.push(see(history), see(other));
    """)
    assert before == {"past": ["t1", "t2"], "now": ["t3", {"steps": 3}, [[3, 1, 0], [3, 1, 1]]], "future": ["t4"]}
    assert after == {**before, "past": ["t9", "t1", "t2"]}  # and what was there can still be gone back to


def test_a_file_that_is_no_session_is_told_in_a_sentence(node):
    said = node("""
      const session = (rest) => JSON.stringify({ format: "dimo-session", ...rest });
      for (const text of ["nothing", "[1]", session({ version: 2 }), session({ version: 1, motion: {} })])
        await share.fromFile(new File([text], "a.json")).catch((error) => out.push(error.message));
    """)
    assert said == [
        "a.json: not a session of this page",
        "a.json: not a session of this page",
        "a.json: a session of version 2; this page reads version 1",
        "a.json: a damaged session; save it again where it was made",
    ]


def test_several_files_are_shown_side_by_side_and_one_goes_on(node):
    titles, now, chosen, refused, calls = node("""
      answers["v1/conversions"] = () => Response.json({ motions: [motion(asked.length)] });
      answers["v1/captions"] = { text: "someone bows" };
      const files = (n) => Array.from({ length: n }, (_, i) => new File(["x"], `${"abcde"[i]}.bvh`));
      await work.open(files(2));
      const shown = last("versions");
      out.push(shown.map((d) => [d.title, d.parts[0].text]), work.document);
      work.choose(shown[1]);
      out.push(work.document.title);
      await work.open(files(5));
      out.push(last("problem"), asked.filter(([path]) => path === "v1/conversions").length);
    """)
    assert titles == [["a.bvh", "someone bows"], ["b.bvh", "someone bows"]]
    assert now is None  # until one is chosen
    assert chosen == "b.bvh"
    assert refused == "4 files at most are shown side by side, not 5"
    assert calls == 2


def test_warnings_come_with_the_motion_and_words_are_of_this_motion_alone(node):
    made, edited = node("""
      const parts = [{ text: "a", seconds: 0.1 }];
      answers["v1/motions"] = { seed: 1, parts, warnings: ["w"], notes: ["n"], motions: [motion(1)], said: "what it sees" };
      answers["v1/edits"] = { seed: 2, warnings: [], motions: [motion(2)] };
      answers["v1/captions"] = { text: "another thing" };
      await work.make([{ text: null, seconds: 0.1 }]);
      out.push([work.document.warnings, work.document.notes ?? [], last("said")]);
      await work.extend(1, "b");
      await new Promise((done) => setTimeout(done, 20));
      out.push([work.document.warnings, work.document.notes ?? [], last("said")]);
    """)
    assert made == [["w"], ["n"], "what it sees"]
    assert edited == [[], [], "another thing"]


def test_a_full_queue_is_asked_again_once_when_it_says(node):
    waits, first, second, calls = node("""
      const waits = [];
      globalThis.setTimeout = (done, ms) => (waits.push(ms), queueMicrotask(done));
      let times = 0;
      const full = () => Response.json({ detail: "too many requests wait" }, { status: 429, headers: { "retry-after": "7" } });
      answers["v1/captions"] = () => (times++ ? Response.json({ text: "t" }) : full());
      answers["v1/scores"] = full;
      const answer = await api.postJson("v1/captions", {});
      const error = await api.postJson("v1/scores", {}).catch((e) => e.message);
      out.push(waits, answer, error, asked.length);
    """)
    assert waits == [7000, 7000]
    assert first == {"text": "t"}
    assert second == "too many requests wait"
    assert calls == 4


def test_nothing_moves_by_itself_where_that_is_asked_for(node):
    moving, still, asked_for = node("""
      const see = (p) => [p.playing, p.still];
      out.push(see(new Player()));
      globalThis.reduced = true;
      const player = new Player();
      out.push(see(player));
      player.toggle();
      out.push(see(player));
    """)
    assert moving == [True, False]
    assert still == [False, True]
    assert asked_for == [True, False]


def test_a_link_makes_the_session_again_by_its_requests(node):
    restored, paths, none = node("""
      answers["v1/motions"] = { seed: 1, parts: [{ text: "a", seconds: 0.1 }], warnings: [], motions: [motion(1)], said: "s" };
      answers["v1/edits"] = { seed: 2, warnings: [], motions: [motion(2)] };
      answers["v1/captions"] = { text: "t" };
      work.options = { steps: 4 };
      await work.make([{ text: null, seconds: 0.1 }], { seed: 1 });
      await work.extend(1, "b");
      globalThis.location.hash = new URL(share.link(work.document)).hash;
      asked.length = 0;
      const other = new Work(() => {}), { recipe, parts } = share.fromAddress();
      const document = await other.replay(recipe, parts);
      out.push([document.options, document.parts.map((p) => p.text), document.clip.json.root[0][0]]);
      const made = asked.filter(([path]) => path !== "v1/captions");
      out.push(made.map(([path, body]) => [path, body.seed !== undefined, body.options]));
      globalThis.location.hash = "#elsewhere";
      out.push(share.fromAddress());
    """)
    assert restored == [{"steps": 4}, ["a", "b"], 2]
    assert paths == [["v1/motions", True, {"steps": 4}], ["v1/edits", True, {"steps": 4}]]
    assert none is None
