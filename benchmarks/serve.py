"""How `dimo serve` does: its first answer, the page in a browser, and a crowd of 1, 8 and 50 clients with bad ones among them.

    python benchmarks/serve.py                     # 20 s for each number of clients, into benchmarks/serve.json
    python benchmarks/serve.py --seconds 300       # the long trial, for a machine that has nothing else to do

The page is measured where Playwright and a Chromium are (benchmarks/browser.py): first picture from a warm server, frames a second.

Only this machine is asked, through the loopback address, by a server that this script starts and stops. Bad clients send
garbage, stop in the middle of a body, leave before the answer, and send an archive that unpacks to more than is read.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import browser
import numpy as np

CLIENTS = (1, 8, 50)
TEXTS = ("a person walks forward", "a person bows", "someone waves with the right hand", "a person runs forward")
JSON = {"content-type": "application/json"}


class Crowd:
    """Clients that ask one after the other until the time is over, and what they saw."""

    def __init__(self, host: str, port: int, seconds: float):
        self.host, self.port, self.end = host, port, time.monotonic() + seconds
        self.waits: list[float] = []
        self.answers: Counter[str] = Counter()
        self.lock = threading.Lock()

    def good(self, number: int) -> None:
        """Ask for motions of 2 seconds; one that is sent away waits as long as it is told."""
        asked = 0
        while time.monotonic() < self.end:
            body = {"text": TEXTS[(number + asked) % len(TEXTS)], "seconds": 2, "seed": number}
            asked += 1
            began = time.monotonic()
            status, again = self.ask(json.dumps(body).encode())
            with self.lock:
                self.answers[status] += 1
                if status == "200":
                    self.waits.append(time.monotonic() - began)
            if again:
                time.sleep(min(again, max(0.0, self.end - time.monotonic())))

    def ask(self, body: bytes) -> tuple[str, float]:
        """The status of an answer, or the name of a failure, and the seconds after which to come back."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=180)
        try:
            connection.request("POST", "/v1/motions", body, JSON)
            answer = connection.getresponse()
            answer.read()
            return str(answer.status), float(answer.headers.get("retry-after", 0))
        except OSError as error:
            return type(error).__name__, 0.1
        finally:
            connection.close()

    def bad(self) -> None:
        """Whatever comes, the server must go on; these see no answer, or a refusal, and none of it is counted."""
        head = b"POST /v1/motions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        head += b"content-length: 50\r\n\r\n"
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("root.npy", bytes(300 * 2**20))
        mark = b"----x"
        form = mark.join([b"--", b'\r\ncontent-disposition: form-data; name="motion"; filename="a.npz"\r\n\r\n'])
        form += packed.getvalue() + b"\r\n--" + mark + b"--\r\n"
        bomb = b"POST /v1/captions HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=" + mark
        bomb += b"\r\ncontent-length: " + str(len(form)).encode() + b"\r\n\r\n" + form
        sent = (
            b"\0\xff" * 500 + b"\r\n\r\n",
            head + b'{"text": ',
            head + b'{"text": "a person walks forward", "seconds": 2}  ',
            bomb,
        )
        for turn in range(10**6):
            if time.monotonic() > self.end:
                return
            try:
                with socket.create_connection((self.host, self.port), timeout=5) as one:
                    one.sendall(sent[turn % len(sent)])
                    time.sleep(0.5)  # and leave
            except OSError:
                time.sleep(0.5)


def memory(process: int) -> float:
    """Megabytes that a process holds."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


class Watch(threading.Thread):
    """The memory of a process, twenty times over some seconds."""

    def __init__(self, process: int, seconds: float):
        super().__init__()
        self.process, self.pause, self.seen = process, seconds / 20, [memory(process)]

    def run(self) -> None:
        for _ in range(20):
            time.sleep(self.pause)
            self.seen.append(memory(self.process))

    def grown(self) -> float:
        """How much more the second half holds at most than the first, as a share."""
        half = len(self.seen) // 2
        return max(self.seen[half:]) / max(self.seen[:half]) - 1


def trial(host: str, port: int, process: int, clients: int, seconds: float) -> dict[str, Any]:
    crowd = Crowd(host, port, seconds)
    health = json.loads(_get(host, port, "/v1/health"))
    watch = Watch(process, seconds)
    threads = [threading.Thread(target=crowd.good, args=[i]) for i in range(clients)]
    threads += [threading.Thread(target=crowd.bad), watch]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    after = json.loads(_get(host, port, "/v1/health"))
    waits = np.array(crowd.waits or [np.nan])
    batches = max(1, after["batches"] - health["batches"])
    return {
        "clients": clients,
        "seconds": round(took, 1),
        "answers": dict(crowd.answers),
        "motions_per_second": round(len(crowd.waits) / took, 2),
        "jobs_per_batch": round((after["answered"] - health["answered"]) / batches, 2),
        "p50_s": round(float(np.percentile(waits, 50)), 3),
        "p95_s": round(float(np.percentile(waits, 95)), 3),
        "memory_mb": [round(m) for m in watch.seen[::5]],
        "memory_growth": round(watch.grown(), 3),
    }


def _get(host: str, port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection(host, port, timeout=60)
    connection.request("GET", path)
    body = connection.getresponse().read()
    connection.close()
    return body


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument(
        "--visits", type=int, default=browser.VISITS, help="of the page in each window; 0 leaves it out"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_suffix(".json"))
    args = parser.parse_args()
    began = time.monotonic()
    server = subprocess.Popen([sys.executable, "-m", "dimo", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = urlsplit(server.stdout.readline().split()[3])
        host, port = str(address.hostname), int(address.port or 0)
        first, _ = Crowd(host, port, 0).ask(json.dumps({"text": TEXTS[0], "seconds": 2}).encode())
        started = time.monotonic() - began
        page = browser.seen(address.geturl(), args.visits) if args.visits else None
        rows = [trial(host, port, server.pid, clients, args.seconds) for clients in CLIENTS]
    finally:
        server.terminate()
        server.wait(30)
    result = {
        "first_answer": first,
        "start_to_first_answer_s": round(started, 2),
        "page": page,
        "trials": rows,
        "batching_gain": round(rows[-1]["motions_per_second"] / rows[0]["motions_per_second"], 2),
    }
    args.output.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
