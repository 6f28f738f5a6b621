#!/bin/sh
# Puts new images in the place of those that run, without a request refused: of api, tiles and worker
# new containers are started beside the old ones, and these are stopped when the new ones are well. What
# runs of gateway, archive and Dask is made anew then: devices send again, the log waits, and so do jobs.
# Of Redis, Prometheus, Grafana and the proxy, in this order, those are that were started with other
# files, settings or images than there are now. PostgreSQL never is.
# `deploy/upgrade.sh [SERVICE…]`, after `docker compose --profile '*' build` or `pull`; COMPOSE is the
# command.
set -eu
compose=${COMPOSE:-docker compose}
running() { $compose --profile '*' ps --quiet "$1"; }
scale() { $compose up --detach --no-deps --no-recreate --wait --scale "$1=$2" "$1"; }
# A mounted file stays the one that the container was started with; compose does not look into it.
has_our_files() {
  docker inspect --format '{{range .Mounts}}{{if eq .Type "bind"}}{{println .Destination .Source}}{{end}}{{end}}' "$1" |
    while read -r inside file; do
      [ -z "$inside" ] || [ -d "$file" ] || docker exec "$1" cat "$inside" | cmp -s - "$file" || exit 1
    done
}
renew() {
  old=$(running "$1")
  [ -n "$old" ] || return 0
  anew=
  has_our_files "$old" || anew=--force-recreate
  $compose up --detach --no-deps --wait $anew "$1"
}

# Without what they depend on, which would be made anew as well: the database among it.
$compose run --rm --no-deps -T provision
$compose run --rm --no-deps -T migrate
# Those of the old image would be made anew by whatever is run next, the nightly backup too, and what
# depends on them, the database among it, stopped for that. Where there are none nothing is stopped.
$compose rm --force certificates provision migrate
others=
if [ $# -eq 0 ]; then
  others="gateway archive dask-scheduler dask-worker"
  set -- api tiles worker
  renew redis # first: new containers may need what its old file refuses, and all go on without it
fi
for service; do
  old=$(running "$service")
  count=$(echo "$old" | wc -w)
  [ "$count" -gt 0 ] || continue
  echo "$service: $count beside the $count that run"
  if ! scale "$service" $((count * 2)); then
    $compose ps --all --quiet "$service" | grep -vF "$old" | xargs --no-run-if-empty docker rm --force
    echo "$service: the new containers are not well and were removed; the old ones go on" >&2
    exit 1
  fi
  sleep 6 # the proxy looks for new addresses every two seconds
  echo "$old" | xargs docker stop --time 35
  echo "$old" | xargs docker rm
  scale "$service" "$count"
done
for service in $others; do
  count=$(running "$service" | wc -w)
  [ "$count" -eq 0 ] || $compose up --detach --no-deps --wait --scale "$service=$count" "$service"
done
[ -n "$others" ] || exit 0
for service in prometheus grafana proxy; do renew "$service"; done
old=$(running postgres)
[ -z "$old" ] || has_our_files "$old" ||
  echo "postgres: its pg_hba.conf has changed; docs/operations.md tells how to make it anew" >&2
