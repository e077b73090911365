"""The page of havip-console in headless Chromium, spoken to by WebDriver. Says what was done; exits with 1 otherwise."""

import atexit
import base64
import http.server
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

SERVER, *REST = sys.argv[1:]
PICTURE = "sim/console/docs/page.png"
STORY = """scenario pair
run 60s seed 7
vpc 172.16.0.0/16
subnet 172.16.16.0/24
cvm a 172.16.16.5 keepalived pair.conf
cvm b 172.16.16.6 keepalived pair.conf
client web 172.16.16.100 probe 172.16.16.12 every 10ms
"""
CONF = """vrrp_instance VI_1 {
    interface eth0
    state BACKUP
    nopreempt
    virtual_router_id 51
    garp_master_refresh 5
    @a priority 100
    @b priority 90
    unicast_peer {
        @a 172.16.16.6
        @b 172.16.16.5
    }
    virtual_ipaddress {
        172.16.16.12
    }
}
"""
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
passed = 0


def holds(what, truth, shown=""):
    global passed
    if not truth:
        sys.exit(f"error: does not hold: {what} {shown}")
    passed += 1


def wait(what, look, seconds=30):
    """Asks until it holds."""
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            sys.exit(f"error: never: {what}; last seen: {found}")
        time.sleep(0.1)
    global passed
    passed += 1
    return found


def post(url, body, headers=None):
    headers = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


class Interrupted(Exception):
    """The page was left while a script was to run in it."""


class Replaced(Exception):
    """The element found is not on the page any more."""


class Browser:
    """A session of a browser."""

    def __init__(self):
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
        atexit.register(self.driver.kill)
        for line in self.driver.stdout:
            if match := re.search(r"successfully on port (\d+)", line):
                break
        self.root = f"http://127.0.0.1:{match[1]}"
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1600,620"]
        timeouts = {"script": 5000, "pageLoad": 30000}
        chrome = {"browserName": "chrome", "goog:chromeOptions": {"args": options}, "timeouts": timeouts}
        asked = {"alwaysMatch": chrome}
        session = post(self.root + "/session", {"capabilities": asked})["value"]
        self.root += "/session/" + session["sessionId"]

    def call(self, path, **body):
        try:
            return post(f"{self.root}/{path}", body)["value"]
        except urllib.error.HTTPError as error:
            said = error.read().decode()
            if "stale element reference" in said:
                raise Replaced from error
            if "script timeout" in said:
                raise Interrupted from error
            sys.exit(f"error: {path} {body}: {said[:500]}")

    def go(self, url):
        self.call("url", url=url)

    def script(self, text, *arguments):
        # One that is asked while the page is being left is never answered: the next page is asked again.
        for _ in range(10):
            try:
                return self.call("execute/sync", script=text, args=list(arguments))
            except Interrupted:
                time.sleep(0.1)
        sys.exit(f"error: the page does not answer: {text}")

    def text(self, selector):
        """What is shown in an element; nothing where there is none."""
        return self.script("const e = document.querySelector(arguments[0]); return e ? e.innerText : ''", selector)

    def click(self, selector):
        # The page follows the cloud: a row may be drawn anew between finding it and clicking on it.
        for _ in range(20):
            try:
                found = self.call("element", using="css selector", value=selector)
                return self.call(f"element/{found[ELEMENT]}/click")
            except Replaced:
                time.sleep(0.05)
        sys.exit(f"error: {selector} is drawn anew all the time")

    def type(self, selector, text):
        found = self.call("element", using="css selector", value=selector)
        self.call(f"element/{found[ELEMENT]}/clear")
        self.call(f"element/{found[ELEMENT]}/value", text=text)

    def press(self, *keys):
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.call("actions", actions=[{"type": "key", "id": "keyboard", "actions": strokes}])

    def stop(self):
        try:
            urllib.request.urlopen(urllib.request.Request(self.root, method="DELETE"), timeout=20)
        finally:
            self.driver.kill()
            self.driver.wait()


class Console:
    """A server with two machines behind it."""

    def __init__(self, folder):
        for name, text in (("pair.scn", STORY), ("pair.conf", CONF)):
            with open(f"{folder}/{name}", "w") as file:
                file.write(text)
        command = [SERVER, "serve", "--listen", "127.0.0.1:0", "--memory", "--signature", "off", "--no-rate-limit",
                   "--lab", f"{folder}/pair.scn", "--speed", "4"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)  # whatever does not hold, no server stays
        for line in self.process.stdout:
            if match := re.match(r"listening on (.*)", line):
                self.url = match[1]
                return
        sys.exit("error: the server does not start")

    def api(self, action, **body):
        headers = {"X-TC-Action": action, "X-TC-Version": "2017-03-12", "X-TC-Region": "ap-guangzhou"}
        return post(self.url, body, headers)["Response"]


TAB, ENTER, ESCAPE, DOWN = "\ue004", "\ue007", "\ue00c", "\ue015"


def evil(url, havip):
    """Another site: its page sends two forms to the console."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            action = f"{url}/_havip/reset" if "reset" in self.path else f"{url}/_page/release"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"""<form method=post action="{action}"><input name=havip value="{havip}"></form>
                <script>document.forms[0].submit()</script>""".encode())

        def log_message(self, *_):
            pass

    site = http.server.HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{site.server_port}"


def tab_to(browser, what, truth):
    """Goes on by the keyboard until it is somewhere: `e` is the element that it is on."""
    for _ in range(40):
        browser.press(TAB)
        if browser.script(f"const e = document.activeElement; return {truth}"):
            return holds(f"{what} is reached by the keyboard", True)
    holds(f"{what} is reached by the keyboard", False, browser.script("return document.activeElement.outerHTML"))


def by_the_keyboard(console, browser):
    """No mouse: a HAVIP is applied for, found, looked at and released."""
    is_open = "return document.querySelector('dialog[open]') ? document.querySelector('dialog[open]').id : ''"
    tab_to(browser, "Apply", "e.id === 'apply-button'")
    browser.press(ENTER)
    holds("Enter opens the dialog", browser.script(is_open) == "apply")
    browser.press(ESCAPE)
    holds("Escape closes it", browser.script(is_open) == "")
    holds("and it is back on Apply", browser.script("return document.activeElement.id") == "apply-button")
    browser.press(ENTER)
    holds("its first field has the keyboard", browser.script("return document.activeElement.name") == "name")
    browser.press(*"by-keys")
    tab_to(browser, "how the address is given", "e.name === 'how'")
    browser.press(DOWN)
    tab_to(browser, "the address", "e.name === 'vip'")
    browser.press(*"172.16.16.77", ENTER)
    wait("it is listed", lambda: browser.text("#rows .vip") == "172.16.16.77")

    # Found by whatever it is known by.
    havip = console.api("DescribeHaVips")["HaVipSet"][0]["HaVipId"]
    for text, there in ((havip, True), ("172.16.16.77", True), ("by-ke", True), ("172.16.16.78", False)):
        tab_to(browser, "the search", "e.name === 'q'")
        browser.press(*text, ENTER)
        query = "?" + urllib.parse.urlencode({"lang": "en", "region": "ap-guangzhou", "q": text})
        wait(f"{text} is searched for", lambda: browser.script("return location.search") == query)
        shown = browser.text("#rows")
        holds(f"{text} is {'' if there else 'not '}found", ("by-keys" in shown) == there, shown)
        holds("how many are", browser.text(".count") == str(int(there)), browser.text(".count"))
        browser.go(console.url + "/")

    # Another region has another list.
    tab_to(browser, "the region", "e.id === 'region'")
    browser.press(*"ap-to")
    wait("it is typed", lambda: browser.script("return document.activeElement.value") == "ap-tokyo")
    holds("nothing is loaded meanwhile", browser.script("return location.search") == "")
    browser.press(ENTER)
    wait("the region is chosen", lambda: "region=ap-tokyo" in browser.script("return location.search"))
    holds("nothing is there", "There is no HAVIP here." in browser.text("#rows"), browser.text("#rows"))
    holds("nor a subnet", "There is no subnet in this region" in browser.script("return document.body.textContent"))
    browser.click("#region option:nth-child(5)")
    wait("with the mouse it is chosen at once", lambda: "region=ap-guangzhou" in browser.script("return location.search"))

    tab_to(browser, "the timeline", "e.localName === 'summary'")
    browser.press(ENTER)
    wait("it opens", lambda: "Nobody has claimed it yet." in browser.text("#rows details"))
    browser.go(console.url + "/")
    for kind in ("bind", "release"):
        tab_to(browser, kind, f"e.dataset.open === '{kind}'")
        browser.press(ENTER)
        holds(f"{kind} opens its dialog", browser.script(is_open) == kind, browser.script(is_open))
        holds("which says of what", browser.text(f"#{kind} output") == havip, browser.text(f"#{kind} output"))
        if kind == "bind":
            browser.press(ESCAPE)
    browser.press(ENTER)
    wait("it is released", lambda: "There is no HAVIP here." in browser.text("#rows"))


def comes_and_goes(console, browser):
    """A browser opens six connections to a site at most: a page that is left must not keep one."""
    for _ in range(8):
        browser.go(console.url + "/")
        wait("it follows the cloud", lambda: browser.script("return events.readyState") == 1)
    browser.go("about:blank")
    browser.call("back")
    wait("gone back to it follows again", lambda: browser.script("return events.readyState") == 1)


def story(console, browser):
    browser.go(console.url + "/")
    holds("the list is empty", "There is no HAVIP here." in browser.text("#rows"))
    columns = browser.script("return [...document.querySelectorAll('.havips > thead th')].map((e) => e.innerText)")
    holds("its columns", columns == ["ID/Name", "Status", "Address", "Backend ENI", "Server", "EIP", "Network",
                                     "Subnet", "Application time", "Operation"], columns)

    comes_and_goes(console, browser)
    by_the_keyboard(console, browser)

    # Apply, with the addresses that the document allows.
    browser.click("#apply-button")
    browser.type("#apply input[name=name]", "web")
    browser.click("#apply input[value=manual]")
    valid = "return document.querySelector('#apply form').checkValidity()"
    for address, good in (("172.16.16.1", False), ("172.16.16.0", False), ("172.16.16.255", False), ("nonsense", False),
                          ("172.16.17.9", False), ("172.16.16.2", True), ("172.16.16.254", True)):
        browser.type("#apply input[name=vip]", address)
        holds(f"{address} is {'taken' if good else 'refused'} before it is sent", browser.script(valid) == good)
    hint = browser.text("#apply .hint")
    holds("the range is said", "172.16.16.2–172.16.16.254" in hint, hint)
    browser.type("#apply input[name=vip]", "172.16.16.5")
    browser.click("#apply .buttons .primary")
    wait("an address that is used is refused by the server", lambda: "already used" in browser.text(".error"))
    browser.click("#apply-button")
    browser.type("#apply input[name=name]", "web")
    browser.click("#apply input[value=manual]")
    browser.type("#apply input[name=vip]", "172.16.16.12")
    browser.click("#apply .buttons .primary")
    wait("it is listed", lambda: "172.16.16.12" in browser.text("#rows .vip"))

    # An agent claims it; nobody reloads the page.
    wait("an agent claims it", lambda: "Bound with CVM" in browser.text("#rows .status"))
    holds("the machine that holds it", "(a)" in browser.text("#rows .server"), browser.text("#rows .server"))
    post(console.url + "/_havip/lab", {"Act": "power-off a"})
    wait("the server changes", lambda: "(b)" in browser.text("#rows .server"))
    browser.click("#rows details summary")
    moves = browser.text("#rows details")
    holds("the timeline has both", "a" in moves and "b" in moves and "claim of" in moves, moves)
    havip = console.api("DescribeHaVips")["HaVipSet"][0]["HaVipId"]
    console.api("ModifyHaVipAttribute", HaVipId=havip, HaVipName="web-2")
    wait("the list is renewed", lambda: "web-2" in browser.text("#rows td"))
    at = browser.script("const e = document.activeElement; return [e.localName, e.parentElement.open]")
    holds("the keyboard is where it was, and what was open is", at == ["summary", True], at)

    # An elastic IP.
    eip = console.api("AllocateAddresses")["AddressSet"]
    address = console.api("DescribeAddresses", AddressIds=eip)["AddressSet"][0]["AddressIp"]
    browser.go(console.url + "/")
    browser.click("#rows button[data-open=bind]")
    browser.click("#bind .buttons .primary")
    wait("the EIP is shown", lambda: browser.text("#rows .eip") == address)
    browser.click("#rows details summary")
    shot = json.load(urllib.request.urlopen(browser.root + "/screenshot"))["value"]
    if "--picture" in REST:
        with open(PICTURE, "wb") as file:
            file.write(base64.b64decode(shot))
    browser.click("#rows button[data-open=release]")
    browser.click("#release .buttons .primary")
    wait("release is refused while it is bound", lambda: "EIP bound to it" in browser.text(".error"))
    holds("it is still there", console.api("DescribeHaVips")["TotalCount"] == 1)

    # Another site's page tries.
    havip = console.api("DescribeHaVips")["HaVipSet"][0]["HaVipId"]
    site = evil(console.url, havip)
    for path, said in (("/release", "Another site's page"), ("/reset", "Another site's page")):
        browser.go(site + path)
        wait("another site's page is refused", lambda: said in browser.text("body"))
    holds("nothing was done", console.api("DescribeHaVips")["TotalCount"] == 1)

    # The owner goes silent; nobody reloads the page.
    browser.go(console.url + "/")
    holds("nothing to warn of", browser.text("#rows .warning") == "", browser.text("#rows .warning"))
    post(console.url + "/_havip/lab", {"Act": "power-off b"})
    wait("a silent owner is told of", lambda: "nothing has been heard from its owner" in browser.text("#rows .warning"))

    # In Portuguese, to its end.
    browser.go(console.url + "/?lang=pt")
    holds("in Portuguese", "Vinculado ao CVM" in browser.text("#rows .status"), browser.text("#rows"))
    holds("its warning", "nada se ouve do titular" in browser.text("#rows .warning"), browser.text("#rows .warning"))
    browser.click("#rows details summary")
    holds("its causes", "anúncio de" in browser.text("#rows details"), browser.text("#rows details"))
    browser.click("#rows button[data-open=release]")
    browser.click("#release .buttons .primary")
    wait("its refusals", lambda: "Há um EIP vinculado ao HAVIP" in browser.text(".error"))
    browser.click("#rows button[data-open=unbind]")
    browser.click("#unbind .buttons .primary")
    wait("the EIP is gone", lambda: browser.text("#rows .eip") == "-")
    browser.click("#rows button[data-open=release]")
    browser.click("#release .buttons .primary")
    wait("it is released", lambda: "Não há nenhum HAVIP" in browser.text("#rows"))


def main():
    with tempfile.TemporaryDirectory() as folder:
        console, browser = Console(folder), Browser()
        try:
            story(console, browser)
        finally:
            browser.stop()
            console.process.kill()
            console.process.wait()
    print(f"the page in Chromium: {passed} assertions hold")


main()
