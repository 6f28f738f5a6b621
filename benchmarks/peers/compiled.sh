#!/usr/bin/env bash
# Peers that are built from their sources, into FOLDER/bin: martin (Apache-2.0 or MIT) by cargo,
# pg_tileserv and pg_featureserv (Apache-2.0) by go. They are run as programs of their own. A peer
# that cannot be had is left out, and said so; what is there is not built again.
#   compiled.sh [FOLDER]        default: .shanhai/peers/compiled
# PEER_SOURCES: a folder with checkouts of pg_tileserv and pg_featureserv, for where the module
# proxy does not serve them.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

folder=$(realpath -m "${1:-.shanhai/peers/compiled}")
martin=1.14.0
mkdir -p "$folder/bin"

if [ ! -e "$folder/bin/martin" ]; then
  # Its sources ask for rustc 1.94.
  if command -v cargo >/dev/null && cargo install "martin@$martin" --quiet --locked \
    --no-default-features --features postgres --root "$folder" >"$folder/martin.log" 2>&1; then
    echo "peers: martin $martin" >&2
  else
    echo "peers: without martin: no cargo, or see $folder/martin.log" >&2
  fi
fi

for name in pg_tileserv pg_featureserv; do
  [ ! -e "$folder/bin/$name" ] || continue
  if ! command -v go >/dev/null; then
    echo "peers: without $name: no go" >&2
  elif [ -d "${PEER_SOURCES:-}/$name" ]; then
    (cd "$PEER_SOURCES/$name" && go build -o "$folder/bin/$name" .)
    [ ! -d "$PEER_SOURCES/$name/assets" ] || cp -r "$PEER_SOURCES/$name/assets" "$folder/bin/assets-$name"
  elif ! GOBIN="$folder/bin" go install "github.com/CrunchyData/$name@latest" >"$folder/$name.log" 2>&1; then
    echo "peers: without $name: the module proxy does not serve it; name a checkout's folder in PEER_SOURCES" >&2
  fi
done
