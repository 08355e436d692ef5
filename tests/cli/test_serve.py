"""`dimo serve` as a process: it says where it is, answers, and stops when it is told to."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

from dimo import DiMo
from dimo.cli.main import main
from dimo.serve import run as server


def test_a_server_starts_answers_and_stops(tmp_path):
    DiMo.debug().save_pretrained(tmp_path / "weights")
    command = [sys.executable, "-m", "dimo", "serve", "--port", "0", "--model", str(tmp_path / "weights")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            assert line.startswith("dimo is at http://127.0.0.1:"), line
            address = line.split()[3]
            body = json.dumps({"text": "a person bows", "seconds": 1, "seed": 1}).encode()
            asked = urllib.request.Request(f"{address}v1/motions", body, {"content-type": "application/json"})
            with urllib.request.urlopen(asked, timeout=30) as answer:
                told = json.load(answer)
            assert len(told["motions"][0]["root"]) == 20
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(20) in (0, -signal.SIGTERM)
            assert process.stderr.read() == ""
        finally:
            process.kill()


def test_flags_reach_the_server(monkeypatch, tmp_path):
    called = []
    monkeypatch.setattr(server, "serve", lambda *args, **options: called.append((args, options)))
    assert main(["serve", "--port", "81", "--allow-origin", "https://a", "--library", str(tmp_path), "--open"]) == 0
    expected = {"host": "127.0.0.1", "port": 81, "token": None, "origins": ["https://a"]}
    assert called == [((None,), {**expected, "library": tmp_path, "browser": True, "device": "auto"})]


def test_what_cannot_be_served_is_one_sentence(capsys, tmp_path):
    assert main(["serve", "--port", "99999"]) == 2
    assert capsys.readouterr().err == "dimo: error: --port is a number from 0 to 65535, not 99999\n"
    assert main(["serve", "--library", str(tmp_path / "none"), "--port", "0"]) == 2
    assert "no such folder; --library names one" in capsys.readouterr().err
