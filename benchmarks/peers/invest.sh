#!/usr/bin/env bash
# An environment with InVEST (natcap.invest, Apache-2.0), the peer of the ecosystem services.
# There is no wheel for Linux: it is built against the system's GDAL, which takes
# minutes the first time. Does nothing when the environment is complete.
#   invest.sh [FOLDER]        default: .shanhai/invest
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

folder=${1:-.shanhai/invest}
python=/usr/bin/python3.11
uv=.venv/installer/bin/uv
# Newer Cython refuses pygeoprocessing's sources; newer setuptools have no pkg_resources.
tools=("cython==3.0.12" "setuptools==80.9.0" "setuptools-scm==8.1.0" "wheel==0.45.1" "babel==2.17.0" "numpy==1.26.4")
pygeoprocessing=2.4.11
invest=3.19.0
system=(libgdal-dev g++ python3-dev)

missing_packages() {
  local package
  for package in "${system[@]}"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

stamp=$folder/complete-$invest-$pygeoprocessing
[ ! -e "$stamp" ] || exit 0

mapfile -t missing < <(missing_packages)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "invest: run as root, then again: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

gdal=$(gdal-config --version)
"$uv" venv --quiet --clear --python "$python" "$folder"
install=("$uv" pip install --quiet --python "$folder/bin/python")
"${install[@]}" "${tools[@]}"
export CPLUS_INCLUDE_PATH=/usr/include/gdal C_INCLUDE_PATH=/usr/include/gdal
# In the environment itself, so that each sees the NumPy and the GDAL it will run with.
build=("${install[@]}" --no-build-isolation "numpy==1.26.4" "gdal==$gdal"
  "scipy==1.14.1" "pandas==2.2.3" "shapely==2.0.7" "geopandas==1.0.1")
"${build[@]}" --no-binary gdal
"${build[@]}" --no-binary gdal --no-binary pygeoprocessing "pygeoprocessing==$pygeoprocessing"
"${build[@]}" --no-binary gdal --no-binary pygeoprocessing --no-binary natcap.invest \
  "pygeoprocessing==$pygeoprocessing" "natcap.invest==$invest"
"$folder/bin/python" -c "from natcap.invest import carbon; from osgeo import gdal_array"
touch "$stamp"
