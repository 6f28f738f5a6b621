#!/usr/bin/env bash
# Make .venv hold exactly what requirements.lock names, every file checked against its hash, and
# this checkout as an editable install. Skipped when lock, project file and place are unchanged.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

stamp=.venv/shanhai.stamp
installer=.venv/installer

wanted_stamp() { { pwd -P; cat requirements.lock pyproject.toml deploy/local/installer.txt; } | sha256sum; }

is_current() { [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$(wanted_stamp)" ]; }

# Debian's own interpreter first: the lock is compiled for it.
find_python() {
  local candidate
  for candidate in ${PYTHON:-} /usr/bin/python3.11 python3.11 python3; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "bootstrap: no Python 3.11 or newer with venv found; install python3-venv" >&2
  return 1
}

# A half-made or moved environment is made again rather than repaired.
make_environment() {
  local python
  [ -x .venv/bin/python ] && .venv/bin/python -c 'import pip' 2>/dev/null &&
    [ "$(head -n 1 .venv/shanhai.place 2>/dev/null)" = "$(pwd -P)" ] && return
  python=$(find_python)
  "$python" -m venv --clear .venv
  pwd -P >.venv/shanhai.place
}

# The user's own index, certificate and patience, as pip knows them, hold for uv too.
adopt_pip_configuration() {
  local value
  pip_setting() { .venv/bin/python -m pip config get "global.$1" 2>/dev/null || true; }
  value=${PIP_INDEX_URL:-$(pip_setting index-url)}
  [ -z "$value" ] || export UV_INDEX_URL=${UV_INDEX_URL:-$value}
  value=${PIP_EXTRA_INDEX_URL:-$(pip_setting extra-index-url)}
  [ -z "$value" ] || export UV_EXTRA_INDEX_URL=${UV_EXTRA_INDEX_URL:-${value//$'\n'/ }}
  value=${PIP_CERT:-$(pip_setting cert)}
  [ -z "$value" ] || export SSL_CERT_FILE=${SSL_CERT_FILE:-$value}
  export UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-180} UV_PYTHON_DOWNLOADS=never
}

# Home may be read-only or absent, or lie on another file system, where hard links cannot reach.
choose_cache() {
  local cache=${UV_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}/uv}
  case $cache in /uv) cache=$PWD/.shanhai/cache/uv ;; esac
  { mkdir -p "$cache" && [ -w "$cache" ]; } 2>/dev/null || cache=$PWD/.shanhai/cache/uv
  mkdir -p "$cache"
  export UV_CACHE_DIR=$cache
  [ "$(stat -c %d "$cache")" = "$(stat -c %d .venv)" ] || export UV_LINK_MODE=copy
}

install_locked() {
  local uv=$installer/bin/uv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
    --upgrade --target "$installer" --requirement deploy/local/installer.txt
  export VIRTUAL_ENV=$PWD/.venv
  "$uv" pip sync --quiet --require-hashes requirements.lock
  "$uv" pip install --quiet --no-deps --no-build-isolation --editable .
  # The processes of jobs may not write beside the code: each would compile it anew, for seconds.
  .venv/bin/python -m compileall -q -j 0 shared services
  # Libraries may carry files for other versions of Python, which nobody loads here.
  .venv/bin/python -m compileall -qq -j 0 -x '/tests/' .venv/lib || true
}

# Whoever starts the command or a service would compile this much each time where the environment
# forbids to write it down.
compile_what_starts_load() {
  .venv/bin/python deploy/images/compile_loaded.py timestamp \
    typer.rich_utils shanhai.cli.kit shanhai_api.app shanhai_tiles.app shanhai_worker.app
}

is_current && exit
mkdir -p .shanhai
exec 9>.shanhai/environment.lock
flock 9
is_current && exit
echo "preparing the Python environment in .venv" >&2
make_environment
adopt_pip_configuration
choose_cache
install_locked
compile_what_starts_load
wanted_stamp >"$stamp"
