#!/bin/sh
# Puts new images in the place of those that run, without a request refused: of api, tiles and worker
# new containers are started beside the old ones, and these are stopped when the new ones are well. What
# runs of gateway, archive and Dask is made anew then: devices send again, the log waits, and so do jobs.
# `deploy/upgrade.sh [SERVICE…]`, after `docker compose --profile '*' build` or `pull`; COMPOSE is the
# command.
set -eu
compose=${COMPOSE:-docker compose}
running() { $compose --profile '*' ps --quiet "$1"; }
scale() { $compose up --detach --no-deps --no-recreate --wait --scale "$1=$2" "$1"; }

# Without what they depend on, which would be made anew as well: the database among it.
$compose run --rm --no-deps -T provision
$compose run --rm --no-deps -T migrate
# Those of the old image would be made anew by whatever is run next, the nightly backup too, and what
# depends on them, the database among it, stopped for that. Where there are none nothing is stopped.
$compose rm --force certificates provision migrate
others=
[ $# -gt 0 ] || { others="gateway archive dask-scheduler dask-worker" && set -- api tiles worker; }
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
