#!/bin/sh
# BeforeInstall: says what is missing on this host before anything is copied to it.
set -eu

if ! command -v python3 >/dev/null; then
    echo "python3 is not installed on this host" >&2
    exit 1
fi
if [ -z "${DEMO_HOST:-}" ] || [ -z "${DEMO_PORT:-}" ]; then
    echo "DEMO_HOST and DEMO_PORT must be set in the agent's environment (make demo does that)" >&2
    exit 1
fi
echo "$DEMO_HOST: python3 is $(command -v python3), the page goes to port $DEMO_PORT"
