#!/bin/sh
# `numpy.sh LOCK FOLDER`: the NumPy that the lock pins, compiled without OpenBLAS; some ten minutes of processor time, so
# that it is a file of its own: the stage that runs it is built anew for no other's change.
set -eu
python -m venv --without-pip /tmp/target
/tmp/installer/bin/uv pip install --quiet --python /tmp/target/bin/python --target "$2" --no-deps --no-cache --require-hashes \
  --no-binary numpy --build-constraints /tmp/numpy-build.txt --config-settings-package numpy:setup-args=-Dblas=none \
  --config-settings-package numpy:setup-args=-Dlapack=none --config-settings-package numpy:setup-args=-Dallow-noblas=true \
  --requirements "$1"
rm -r "$2/bin"
# Where it was compiled is another folder each time, and a digest of it is in the list of files.
sed -i '/"path": /s/r".*"/"python"/' "$2/numpy/__config__.py"
sed -i '/^numpy\/__config__\.py,/d' "$2"/numpy-*.dist-info/RECORD
