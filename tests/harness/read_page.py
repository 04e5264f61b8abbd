"""Opens a page of `quad8-mpi` in a headless Chromium, uses its controls, and prints what it found as JSON:

    read_page.py PAGE.html [FOLDER]

FOLDER takes pictures of each state. Chromium is driven over the DevTools protocol, by a pipe.
"""

import base64
import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import zlib

NAMES = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]
SECONDS = 20


class Browser:
    """A page in a headless Chromium."""

    def __init__(self, folder):
        program = next(filter(None, map(shutil.which, NAMES)))
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe"]
        command = [program, *flags, f"--user-data-dir={folder}/profile", "about:blank"]

        def connect():
            # Chromium reads from 3 and writes to 4: copies with higher numbers keep both until then.
            ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (to_browser, from_browser)]
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            command, close_fds=False, preexec_fn=connect, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.session, self.events = b"", 0, None, []
        target = self.call("Target.getTargets")["targetInfos"][0]["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=folder)

    def receive(self):
        while b"\0" not in self.buffer:
            part = os.read(self.read_end, 1 << 20)
            if not part:
                sys.exit("Chromium ended")
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **params):
        """Calls a method and returns its result. Events that come meanwhile are kept."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        while (answer := self.receive()).get("id") != self.number:
            self.events.append(answer)
        if "error" in answer:
            sys.exit(f"{method}: {answer['error']}")
        return answer["result"]

    def evaluate(self, expression):
        """Returns the value of an expression of JavaScript."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            sys.exit(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, condition):
        end = time.monotonic() + SECONDS
        while not self.evaluate(condition):
            if time.monotonic() > end:
                sys.exit(f"not true within {SECONDS} s: {condition}")
            time.sleep(0.02)

    def mouse(self, kind, x, y):
        button = {"button": "none"} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, buttons=1, **button)

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, text=key if len(key) == 1 else "")

    def choose(self, control, value):
        """Sets a control like a reader: by its value and the event of a change."""
        self.evaluate(f"((c) => {{ c.value = {json.dumps(value)}; c.dispatchEvent(new Event('change')); }})"
                      f"(document.getElementById('{control}'))")
        self.settle()

    def settle(self):
        """Waits for what was asked for to be drawn."""
        frames = "requestAnimationFrame(() => requestAnimationFrame(done))"
        self.evaluate(f"new Promise((done) => setTimeout(() => {frames}, 30))")

    def resize(self, width, height, is_phone=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, mobile=is_phone,
                  deviceScaleFactor=2 if is_phone else 1)
        self.settle()

    def close(self):
        self.call("Browser.close")
        self.process.wait(timeout=SECONDS)


def colours(browser):
    """Returns a number that stands for the picture of the field: another state has another one."""
    left, top, width, height = browser.evaluate(BOX)
    clip = {"x": left, "y": top, "width": width, "height": height, "scale": 1}
    return zlib.crc32(browser.call("Page.captureScreenshot", clip=clip)["data"].encode())


def picture(browser, folder, name):
    if folder:
        data = browser.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        pathlib.Path(folder, f"{name}.png").write_bytes(base64.b64decode(data))


BOX = "(({ left, top, width, height }) => [left + scrollX, top + scrollY, width, height])" \
    "(document.getElementById('map').getBoundingClientRect())"
READING = "Object.fromEntries([...document.querySelectorAll('#reading span')].filter((s) => s.dataset.key)" \
    ".map((s) => [s.dataset.key, Number(s.querySelector('b').textContent.replace('−', '-').split(' ')[0])]))"

# The widths of the parts of each rank, over that of the whole bar.
RANKS = "[...document.querySelectorAll('#ranks svg')].map((bar) => [...bar.querySelectorAll('rect')].slice(1)" \
    ".map((part) => part.getBoundingClientRect().width / bar.getBoundingClientRect().width))"
# Inner width of a page of paper (Letter, with the margins of Chromium).
PRINTED_WIDTH = 740
CUT = f"[...document.querySelectorAll('th, td')].filter((c) => c.getBoundingClientRect().right > {PRINTED_WIDTH})" \
    ".map((c) => c.textContent)"


def read_study(browser, pictures):
    """Returns what the page of a scaling study shows."""
    browser.settle()
    picture(browser, pictures, "study")
    return counts(browser) | other_sizes(browser, pictures)


def counts(browser):
    """Returns the text of the page, and how many charts and bars it has."""
    return {
        "text": browser.evaluate("document.body.innerText"),
        "charts": browser.evaluate("document.querySelectorAll('.uplot').length"),
        "bars": browser.evaluate("document.querySelectorAll('.bars svg').length"),
    }


def other_sizes(browser, pictures):
    """Returns the widths of the page and the window on a phone, the cells that a print cuts off, and its size."""
    browser.resize(390, 844, is_phone=True)
    phone = browser.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    picture(browser, pictures, "phone")
    browser.resize(PRINTED_WIDTH, 900)
    browser.call("Emulation.setEmulatedMedia", media="print")
    browser.settle()
    cut = browser.evaluate(CUT)
    browser.call("Emulation.setEmulatedMedia", media="")
    browser.resize(1200, 900)
    printed = base64.b64decode(browser.call("Page.printToPDF", printBackground=True)["data"])
    if pictures:
        pathlib.Path(pictures, "print.pdf").write_bytes(printed)
    return {"phone": phone, "cut in print": cut, "printed": len(printed)}


def read(browser, folder, pictures):
    """Uses the page of results and returns what it shows."""
    found = {"readings": [], "colours": {}}
    browser.wait("fields.every(({ codes }) => codes)")
    browser.settle()
    picture(browser, pictures, "first")
    box = browser.evaluate(BOX)
    place = lambda x, y: (box[0] + x * box[2], box[1] + y * box[3])

    for x, y in [(0.3, 0.5), (0.5, 0.45), (0.7, 0.55), (0.5, 0.04)]:
        browser.mouse("mouseMoved", *place(x, y))
        found["readings"].append(browser.evaluate(READING))

    for field in browser.evaluate("fields.map(({ key }) => key)"):
        browser.choose("field", field)
        label = browser.evaluate("document.getElementById('bar-label').textContent")
        found["colours"][field] = [colours(browser), label]
        picture(browser, pictures, f"field-{field}")
    browser.choose("field", "speed")
    states = {"plain": colours(browser)}
    for contours in ("shown", "u"):
        browser.choose("contours", contours)
        states[f"contours {contours}"] = colours(browser)
        picture(browser, pictures, f"contours-{contours}")
    browser.choose("contours", "")
    least = browser.evaluate("document.getElementById('least').value")
    browser.choose("least", "1")
    states["range"] = colours(browser)
    browser.evaluate("document.getElementById('whole-range').click()")
    browser.settle()
    found["range is restored"] = browser.evaluate("document.getElementById('least').value") == least
    browser.evaluate("document.getElementById('named').click()")
    browser.settle()
    states["no boundaries"] = colours(browser)
    browser.evaluate("document.getElementById('named').click()")

    browser.evaluate("document.getElementById('map').focus()")
    for key in ("+", "+", "ArrowRight", "ArrowUp"):
        browser.press(key)
    browser.settle()
    states["zoomed"] = colours(browser)
    found["readings"].append(browser.evaluate(READING))
    picture(browser, pictures, "zoomed")
    browser.press("0")

    browser.evaluate("document.getElementById('draw').click()")
    browser.mouse("mousePressed", *place(0.25, 0.5))
    browser.mouse("mouseMoved", *place(0.5, 0.5))
    browser.mouse("mouseMoved", *place(0.72, 0.52))
    browser.mouse("mouseReleased", *place(0.72, 0.52))
    browser.wait("!document.getElementById('csv').disabled")
    browser.settle()
    states["line"] = colours(browser)
    picture(browser, pictures, "line")
    browser.evaluate("document.getElementById('csv').click()")
    end = time.monotonic() + SECONDS
    while not (files := list(pathlib.Path(folder).glob("*.csv"))) and time.monotonic() < end:
        browser.evaluate("0")
        time.sleep(0.02)
    found["csv"] = files[0].read_text() if files else ""
    ends = "['x0', 'y0', 'x1', 'y1'].map((name) => document.getElementById('line').elements[name].value)"
    found["ends"] = browser.evaluate(ends)
    found["states"] = states

    names = "[...document.querySelectorAll('#conditions tbody button')].map((b) => b.textContent)"
    found["boundaries"] = browser.evaluate(names)
    found |= counts(browser)
    found["scripts that ran"] = browser.evaluate("window.injected ?? 0")

    found["ranks"] = browser.evaluate(RANKS)
    found["slowest"] = browser.evaluate("document.querySelector('#ranks .chosen th').textContent")
    browser.evaluate("document.querySelector('#stages summary').focus()")
    browser.press(" ")
    found["seconds"] = browser.evaluate("document.querySelector('#stages details[open] tbody')?.innerText")
    picture(browser, pictures, "times")
    return found | other_sizes(browser, pictures)


def main():
    page = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        browser = Browser(folder)
        browser.resize(1200, 900)
        browser.call("Page.navigate", url=page.as_uri())
        browser.wait("document.readyState === 'complete' && document.getElementById('title')?.textContent")
        pictures = sys.argv[2] if len(sys.argv) > 2 else None
        is_study = browser.evaluate("document.getElementById('speed-up') !== null")
        found = read_study(browser, pictures) if is_study else read(browser, folder, pictures)
        browser.close()
    events = browser.events
    of = lambda name: [event["params"] for event in events if event.get("method") == name]
    found["requests"] = [request["request"]["url"] for request in of("Network.requestWillBeSent")]
    found["page"] = page.as_uri()
    found["errors"] = [*of("Runtime.exceptionThrown"), *of("Log.entryAdded"), *of("Runtime.consoleAPICalled")]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
