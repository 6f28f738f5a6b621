#!/bin/bash
# `healthy HOST PORT [PATH]`: whether somebody listens there and answers the path with 200; prints what
# is answered. Asked every ten seconds of every container: Python would take thirty times as long.
exec 3<>"/dev/tcp/$1/$2" || exit 1
[ $# -lt 3 ] && exit 0
printf 'GET %s HTTP/1.0\r\n\r\n' "$3" >&3
read -r _ status _ <&3
while read -r line && [ "$line" != $'\r' ]; do :; done <&3
cat <&3
[ "$status" = 200 ]
