#!/bin/sh
# ApplicationStop: ends the running server, if there is one. Runs from the revision that is being
# replaced, so it knows how that revision was started.
set -eu

pid_file=run/web.pid
if [ ! -f "$pid_file" ]; then
    echo "nothing to stop: no $pid_file"
    exit 0
fi
pid=$(cat "$pid_file")

# A PID file can outlive its process and the number can be somebody else's by now.
is_ours() {
    [ -r "/proc/$pid/cmdline" ] && tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q 'web/server\.py'
}

if is_ours; then
    kill -TERM "$pid"
    tries=0
    while is_ours && [ "$tries" -lt 100 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    if is_ours; then
        echo "process $pid ignored SIGTERM for 10 s: killing it"
        kill -KILL "$pid" || true
    fi
    echo "stopped process $pid"
else
    echo "process $pid is gone already"
fi
rm -f "$pid_file"
