#!/bin/sh
# ApplicationStart: starts the server in a session of its own.
#
# All three streams are redirected. A background process that keeps the hook's stdout or stderr open
# keeps the hook from ending, the best-known trap of deployment scripts.
set -eu

mkdir -p run
setsid python3 web/server.py run/site.json </dev/null >>run/web.log 2>&1 &
echo "$!" >run/web.pid
echo "started process $!"
