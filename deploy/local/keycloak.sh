#!/usr/bin/env bash
# Fetch Keycloak, an identity provider that is not ours, for the tests that sign in through one; say
# where it is. Maven fetches it from wherever it is set up to; nothing is done when it is there.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

version=26.4.7
sha256=dd9834c023460be856f731423d86228c23b5d002194a2064642bec0cc6573eaa
folder=$PWD/.shanhai/keycloak
home=$folder/keycloak-$version

fetch() {
  local archive=$folder/keycloak-quarkus-dist-$version.zip
  mkdir -p "$folder"
  mvn --batch-mode --quiet org.apache.maven.plugins:maven-dependency-plugin:2.8:copy \
    "-Dartifact=org.keycloak:keycloak-quarkus-dist:$version:zip" "-DoutputDirectory=$folder" >&2
  echo "$sha256  $archive" | sha256sum --check --quiet >&2
  .venv/bin/python -m zipfile --extract "$archive" "$folder/unpacked"
  # A database in memory is chosen here, so that each start is quick.
  bash "$folder/unpacked/keycloak-$version/bin/kc.sh" build --db=dev-mem >&2
  mv "$folder/unpacked/keycloak-$version" "$home"
  rm -r "$folder/unpacked" "$archive"
}

[ -d "$home" ] || fetch
echo "$home"
