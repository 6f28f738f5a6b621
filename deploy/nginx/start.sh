#!/bin/sh
# Runs nginx, and has it ask for the services' addresses again when they have changed: it looks
# them up only when it reads its configuration, and a container made anew has another.
set -u
addresses() { getent ahostsv4 api; getent ahostsv4 tiles; }
known() { addresses | cut -d ' ' -f 1 | sort -u; }

before=$(known)
nginx -g 'daemon off;' &
server=$!
trap 'kill -QUIT $server' TERM QUIT INT
while kill -0 $server 2>/dev/null; do
  sleep 2 &
  wait $!
  now=$(known)
  if [ -n "$now" ] && [ "$now" != "$before" ] && nginx -s reload; then
    before=$now
  fi
done
wait $server
