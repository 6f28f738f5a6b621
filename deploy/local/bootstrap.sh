#!/usr/bin/env bash
# Bring a bare Debian 12 machine to the point where `make` can work: system packages, the account
# the private servers run as, the Python environment. Does nothing, quickly, when all is there.
#   bootstrap.sh [EXTRA-DEBIAN-PACKAGE…]
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

packages=(postgresql-15 postgresql-15-postgis-3 redis-server mosquitto fonts-dejavu-core
  fonts-droid-fallback libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 "$@")

# dpkg-query fails for a package it never heard of, which is one of the expected answers.
missing_packages() {
  local installed package
  installed=$(dpkg-query -W -f='${Package}=${db:Status-Status}\n' "${packages[@]}" 2>/dev/null || true)
  for package in "${packages[@]}"; do
    grep -qx "$package=installed" <<<"$installed" || echo "$package"
  done
}

need_account() { [ "$(id -u)" = 0 ] && ! id -u shanhai >/dev/null 2>&1; }

# sudo that would ask for a password is of use only where somebody can type it.
can_become_root() { command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; }

prepare_system() {
  local missing install
  command -v dpkg-query >/dev/null || {
    echo "bootstrap: not a Debian system; install PostgreSQL 15, PostGIS 3 and Redis 7 yourself" >&2
    return 1
  }
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} -gt 0 ] || need_account || return 0
  install=(deploy/local/system.sh "${missing[@]}")
  if [ "$(id -u)" = 0 ]; then
    "${install[@]}"
  elif can_become_root; then
    echo "bootstrap: installing ${missing[*]} with sudo" >&2
    sudo "${install[@]}"
  else
    echo "bootstrap: system packages are missing; run this line as root, then make again:" >&2
    echo "  $PWD/${install[*]}" >&2
    return 1
  fi
}

prepare_system
exec deploy/local/python.sh
