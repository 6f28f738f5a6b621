#!/usr/bin/env bash
# Make passwords, and certificates by an authority of our own, into secrets/, where kustomization.yaml
# takes them from. What is there is kept; delete the *.pem and run it again to renew the certificates.
#   secrets.sh [HOST…]    names and addresses that browsers use: those given last, or localhost
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
umask 077
mkdir -p secrets && cd secrets

accounts() {
  local role password
  for role in SUPERUSER OWNER API WORKER TILES BACKUP REDIS TOKENS SIGN_IN; do
    password=$(openssl rand -hex 24)
    echo "$role=$password"
  done
}

# Of all of them, what each process is to know.
environments() {
  local role host=postgres:5432/shanhai
  local redis="rediss://shanhai:$REDIS@redis:6379/0?ssl_ca_certs=/var/lib/shanhai/ca/ca.pem&ssl_check_hostname=true"
  echo "POSTGRES_PASSWORD=$SUPERUSER" >postgres.env
  echo "SHANHAI_REDIS_PASSWORD=$REDIS" >redis.env
  {
    echo "SHANHAI_DATABASE_URL=postgresql://shanhai:$SUPERUSER@$host"
    for role in OWNER API WORKER TILES BACKUP; do echo "SHANHAI_DB_${role}_PASSWORD=${!role}"; done
  } >provision.env
  for role in OWNER API WORKER TILES BACKUP; do
    {
      echo "SHANHAI_DATABASE_URL=postgresql://shanhai_${role,,}:${!role}@$host"
      [[ $role = OWNER || $role = BACKUP ]] || printf '%s\n' "SHANHAI_REDIS_URL=$redis" "SHANHAI_TILE_TOKENS_SECRET=$TOKENS"
      [ $role != API ] || echo "SHANHAI_SIGN_IN_SECRET=$SIGN_IN"
    } >"${role,,}.env"
  done
}

new_key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

# The authority of ten years, whose key nothing in the cluster gets.
authority() {
  new_key ca-key.pem
  openssl req -x509 -new -key ca-key.pem -days 3650 -subj "/CN=Shanhai" -out ca.pem \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign"
}

# certify NAME HOST… : a key, and a certificate of a year for these hosts.
certify() {
  local name=$1 host names=()
  shift
  for host in "$@"; do
    if [[ $host =~ ^[0-9.]+$|: ]]; then names+=("IP:$host"); else names+=("DNS:$host"); fi
  done
  new_key "$name-key.pem"
  openssl req -new -key "$name-key.pem" -subj "/CN=$1" |
    openssl x509 -req -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 365 -out "$name.pem" -extfile <(
      printf 'subjectAltName=%s\n' "$(IFS=,; echo "${names[*]}")"
      printf '%s\n' "basicConstraints=critical,CA:FALSE" "extendedKeyUsage=serverAuth" \
        "authorityKeyIdentifier=keyid" "subjectKeyIdentifier=hash"
    ) 2>/dev/null
}

if [ ! -s passwords ]; then
  accounts >passwords.new # aside: what is there is kept, so it must be all of them
  mv passwords.new passwords
fi
# shellcheck source=/dev/null
. ./passwords
environments
[ -s ca.pem ] || authority
[ -s postgres.pem ] || certify postgres postgres
[ -s redis.pem ] || certify redis redis
[ $# -eq 0 ] || printf '%s\n' "$@" >hosts
[ -s hosts ] || echo localhost >hosts
mapfile -t hosts <hosts
[ -s proxy.pem ] || certify proxy "${hosts[@]}"
echo "$PWD: passwords and certificates; keep them to yourself"
