#!/usr/bin/env python3
"""ValidateService: asks the page over HTTP until it answers with the version that was installed."""

import json
import pathlib
import sys
import time
import urllib.request

PATIENCE_SECS = 15.0

site = json.loads(pathlib.Path("run/site.json").read_text())
release = json.loads(pathlib.Path("web/release.json").read_text())
url = f"http://127.0.0.1:{site['port']}/version"
# A proxy in the environment must not stand between a host and itself.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

deadline = time.monotonic() + PATIENCE_SECS
problem = "never asked"
while time.monotonic() < deadline:
    try:
        with opener.open(url, timeout=2) as response:
            answer = json.load(response)
    except (OSError, ValueError) as error:
        problem = str(error)
    else:
        if answer["version"] == release["version"] and answer["deployment"] == site["deployment"]:
            print(f"{url} answers with version {answer['version']}")
            sys.exit(0)
        problem = f"it answers {answer}"
    time.sleep(0.05)

log = pathlib.Path("run/web.log")
print(f"{url} did not answer with version {release['version']} within {PATIENCE_SECS:.0f} s: {problem}", file=sys.stderr)
if log.exists():
    print("the end of run/web.log:", *log.read_text().splitlines()[-10:], sep="\n  ", file=sys.stderr)
sys.exit(1)
