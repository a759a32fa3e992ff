#!/bin/sh
# AfterInstall: writes this host's settings, which the bundle cannot know.
set -eu

mkdir -p run
printf '{"host": "%s", "port": %s, "deployment": "%s"}\n' \
    "$DEMO_HOST" "$DEMO_PORT" "${DEPLOYMENT_ID:-unknown}" >run/site.json
echo "wrote run/site.json"
