#!/usr/bin/env bash
# Install Debian packages and make the account of the private servers. Must run as root.
# No cluster or server of the machine's own is created or started by it.
#   system.sh [DEBIAN-PACKAGE…]
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

[ "$(id -u)" = 0 ] || { echo "system.sh: must run as root" >&2; exit 1; }

state=/var/lib/shanhai
log=$state/install.log
policy=/usr/sbin/policy-rc.d
no_cluster=/etc/postgresql-common/createcluster.d/shanhai-install.conf
made=()

clean_up() {
  local path
  for path in "${made[@]}"; do
    if [ -d "$path" ]; then rmdir --ignore-fail-on-non-empty "$path"; else rm -f "$path"; fi
  done
}

# A policy of the administrator's own stays as it is.
forbid_starting_servers() {
  [ ! -e "$policy" ] || return 0
  made+=("$policy")
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
}

# PostgreSQL's package makes a "main" cluster on first installation unless it is told not to.
forbid_creating_clusters() {
  made+=("$no_cluster")
  mkdir -p "${no_cluster%/*}"
  echo "create_main_cluster = false" >"$no_cluster"
}

install_packages() {
  apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 "$@"
}

# Package lists may be absent, or so old that what they name is gone.
install_with_lists() {
  if apt-get install -s -qq --no-install-recommends "$@" >/dev/null 2>&1; then
    install_packages "$@" && return
  fi
  apt-get update -qq -o DPkg::Lock::Timeout=600
  install_packages "$@"
}

# Packages enable their servers for the next start of the machine; ours are started by make.
new_servers=()
keep_servers_off() {
  local server
  for server in redis-server mosquitto; do
    PATH="$PATH:/usr/sbin" command -v "$server" >/dev/null || new_servers+=("$server")
  done
}

disable_new_servers() {
  local server
  for server in "${new_servers[@]}"; do
    update-rc.d "$server" disable >/dev/null 2>&1 || true  # not all of them were asked for
  done
}

trap 'disable_new_servers; clean_up' EXIT
trap 'exit 130' INT TERM HUP
mkdir -p -m 755 "$state"
exec 9>"$state/install.lock"
flock 9

if [ $# -gt 0 ]; then
  echo "installing Debian packages: $*" >&2
  forbid_starting_servers
  forbid_creating_clusters
  keep_servers_off
  install_with_lists "$@" >"$log" 2>&1 || { tail -n 30 "$log" >&2; exit 1; }
fi

id -u shanhai >/dev/null 2>&1 || useradd --system --user-group --no-create-home \
  --home-dir /nonexistent --shell /usr/sbin/nologin --comment "Shanhai private servers" shanhai
