#!/bin/sh
# Installs into /opt/shanhai: `libraries LOCK [FOLDER]`, what a lock pins, and of that only what runs, with the packages
# in the folder in place of its own; `wheel FILE MODULE…`, our own, with bytecode of what these modules load.
# Nothing in there depends on the hour: the same inputs give the same files.
set -eu
python=/opt/shanhai/bin/python
uv=/tmp/installer/bin/uv
packages=/opt/shanhai/lib/python3.11/site-packages

libraries() {
  python -m venv --without-pip /opt/shanhai
  "$uv" pip sync --quiet --python "$python" --require-hashes "$1"
  cd "$packages"
  if [ $# -gt 1 ]; then
    for name in "$2"/*; do rm -rf "${name##*/}"; done
    rm -rf numpy.libs
    cp -r "$2"/* .
  fi
  # Tests of libraries, and what their compilers and type checkers read.
  find . -type d \( -name tests -o -name include \) -prune -exec rm -r {} +
  find . -type f \( -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.pyi' -o -name '*.pyx' -o -name '*.a' \) -delete
  grep -v '^#' /tmp/unneeded.txt | while read -r pattern instead; do
    # Not quoted: these are the names that the pattern finds here.
    for path in $pattern; do
      rm -rf "$path"
      if [ -n "$instead" ] && [ -d "${path%/*}" ]; then ln -sr $instead "$path"; fi
    done
  done
  # Libraries that lie there under more than one name.
  if [ -d scipy.libs ]; then
    for library in scipy.libs/*; do
      if cmp -s "$library" "numpy.libs/${library#*/}"; then ln -sf "../numpy.libs/${library#*/}" "$library"; fi
    done
  fi
  if [ -d pyarrow ]; then
    for library in pyarrow/*.so.*.*.*; do
      ln -sf "$(basename "$library")" "${library%.*.*}"
      ln -sf "$(basename "$library")" "${library%.*.*.*}"
    done
  fi
  "$python" /tmp/strip_libraries.py "$packages"
}

wheel() {
  "$uv" pip install --quiet --python "$python" --no-deps "$1"
  # uv's notes on its own cache hold times, and a digest of them is in the list of files.
  find "$packages" -name uv_cache.json -delete
  sed -i '/uv_cache\.json/d' "$packages"/shanhai-*.dist-info/RECORD
  /opt/shanhai/bin/shanhai --version
  shift
  # The console's files are the API's alone.
  case " $* " in *" shanhai_api.app "*) ;; *) rm -r "$packages/shanhai_api/static" ;; esac
  "$python" /tmp/compile_loaded.py unchecked-hash typer.rich_utils shanhai.cli.serve "$@"
}

"$@"
