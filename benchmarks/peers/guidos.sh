#!/usr/bin/env bash
# An environment with pyguidos (GPL-3.0), which holds the MSPA of its authors. It is run as a
# program of its own and imported by nothing here. Does nothing when the environment is complete.
#   guidos.sh [FOLDER]        default: .shanhai/guidos
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

folder=${1:-.shanhai/guidos}
uv=.venv/installer/bin/uv
guidos=2.6.3

stamp=$folder/complete-$guidos
[ ! -e "$stamp" ] || exit 0

"$uv" venv --quiet --clear --python /usr/bin/python3.11 "$folder"
"$uv" pip install --quiet --python "$folder/bin/python" "pyguidos==$guidos"
"$folder/bin/python" -c "import pyguidos"
touch "$stamp"
