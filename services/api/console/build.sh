#!/usr/bin/env bash
# Build the console, and give the tile service its map library. npm checks each package against
# package-lock.json; nothing is done when all is in place.
#   build.sh [--if-possible]    with the option, a failure is a warning: the pages say what to do
set -euo pipefail
cd "$(dirname "$0")"

built=../shanhai_api/static/console
stamp="$built/.sources-sha256"
sources=$(find . -path ./node_modules -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
[ "$(cat "$stamp" 2>/dev/null)" = "$sources" ] &&
  [ -d ../../tiles/shanhai_tiles/static/vendor ] && exit 0

# Node.js comes with the project's Python environment.
PATH="$(cd ../../.. && pwd)/.venv/bin:$PATH"

# Packages are installed again only where the lock has changed.
install() {
  local lock
  lock=$(sha256sum <package-lock.json)
  [ "$(cat node_modules/.lock-sha256 2>/dev/null)" = "$lock" ] && return
  npm ci --silent --no-progress --ignore-scripts && echo "$lock" >node_modules/.lock-sha256
}

build() { install && npm run --silent build -- --logLevel warn && echo "$sources" >"$stamp"; }

if ! build; then
  echo "the console could not be built; run services/api/console/build.sh to try again" >&2
  [ "${1:-}" = --if-possible ]
fi
