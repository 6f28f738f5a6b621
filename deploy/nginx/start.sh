#!/bin/sh
# Runs nginx, and has it ask for the services' addresses again when they have changed: it looks
# them up only when it reads its configuration, and a container made anew has another.
set -u
addresses() { getent ahostsv4 "$1" | cut -d ' ' -f 1 | sort -u; }
# Each with its name: an address that one service gave back may be the other's a moment later.
known() { echo "$(addresses api) | $(addresses tiles)"; }

before=$(known)
nginx -g 'daemon off;' &
server=$!
trap 'kill -QUIT $server' TERM QUIT INT
while kill -0 $server 2>/dev/null; do
  sleep 2 &
  wait $!
  now=$(known)
  if [ "$now" != " | " ] && [ "$now" != "$before" ] && nginx -s reload; then
    before=$now
  fi
done
wait $server
