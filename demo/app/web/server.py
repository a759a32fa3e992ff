"""The demo's web application: one page, and its version for programs.

Usage: python3 web/server.py SITE.json
SITE.json holds this host's name, port and deployment; release.json beside this file is the version.
"""

import html
import http.server
import json
import pathlib
import signal
import string
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent


class Page(http.server.BaseHTTPRequestHandler):
    """Answers `/` for people, `/version` for programs."""

    server_version = "LongshoreDemo/1"

    def do_GET(self):
        if self.path == "/version":
            self.answer("application/json", json.dumps(self.server.facts).encode())
        elif self.path == "/":
            escaped = {name: html.escape(str(fact)) for name, fact in self.server.facts.items()}
            self.answer("text/html; charset=utf-8", self.server.template.substitute(escaped).encode())
        else:
            self.send_error(404)

    def answer(self, content_type, body):
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code="-", size="-"):
        """Quiet: the demo's client asks hundreds of times a second."""


def main():
    site = json.loads(pathlib.Path(sys.argv[1]).read_text())
    release = json.loads((HERE / "release.json").read_text())
    # Requests in flight are finished before the process ends.
    http.server.ThreadingHTTPServer.daemon_threads = False
    server = http.server.ThreadingHTTPServer(("127.0.0.1", site["port"]), Page)
    server.facts = release | {"host": site["host"], "deployment": site["deployment"]}
    server.template = string.Template((HERE / "page.html").read_text())
    # shutdown() waits for serve_forever(), which runs on this very thread.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"version {release['version']} listens on port {site['port']}", flush=True)
    server.serve_forever(poll_interval=0.05)
    server.server_close()
    print("stopped", flush=True)


main()
