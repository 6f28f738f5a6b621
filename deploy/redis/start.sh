#!/bin/sh
# Redis as the compose file starts it: nobody may do anything without a name and password, the
# services only what they do (the same rules as in docs/operations.md), and nothing is written.
# The configuration goes through standard input: the container's file system is read-only, and a
# password on the command line is public.
exec redis-server - "$@" <<CONFIGURATION
save ""
appendonly no
maxmemory 1gb
maxmemory-policy noeviction
user default off
user shanhai on >${SHANHAI_REDIS_PASSWORD:?set a password} resetchannels ~shanhai:* ~arq:* ~api:rate:* ~tiles:rate:* ~{shanhai:tiles}:* -@all +auth +hello +ping +select +info +dbsize +acl|whoami +get +set +setex +psetex +incrby +del +unlink +exists +expire +pexpire +hmget +hset +zadd +zcard +zscore +zrange +zrangebyscore +zremrangebyscore +zincrby +zrem +zpopmin +watch +unwatch +multi +exec +discard +eval +evalsha +script|load +time
CONFIGURATION
