#!/usr/bin/env bash
# Fetch the viewer's browser library and put it among the service's static files.
# npm checks each package against package-lock.json; nothing is done when all is in place.
#   vendor.sh [--if-possible]    with the option, a failure is a warning: the page says what to do
set -euo pipefail
cd "$(dirname "$0")"

vendor=shanhai_tiles/static/vendor
stamp="$vendor/.lock-sha256"
lock=$(cat package.json package-lock.json vendor.mjs | sha256sum | cut -d' ' -f1)
[ "$(cat "$stamp" 2>/dev/null)" = "$lock" ] && exit 0

# Node.js comes with the project's Python environment.
PATH="$(cd ../.. && pwd)/.venv/bin:$PATH"

fetch() {
  npm ci --silent --no-progress && npm run --silent vendor && echo "$lock" >"$stamp"
}

if ! fetch; then
  echo "the viewer's library could not be fetched; run services/tiles/vendor.sh to try again" >&2
  [ "${1:-}" = --if-possible ]
fi
