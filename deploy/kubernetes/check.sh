#!/usr/bin/env bash
# Ask a real API server whether it takes the manifests. With SHANHAI_KUBERNETES, a folder that holds
# etcd, kube-apiserver, kube-controller-manager and kube-scheduler (programs.sh makes one), a server
# of our own is started on this machine, the example is applied to it for real, and each workload
# must come to have the pods it asks for; no kubelet runs them. With KUBECONFIG alone, the server
# named there only judges: nothing is kept in it.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
base=base example=examples/small
command -v kubectl >/dev/null || PATH=${SHANHAI_KUBERNETES:-}:$PATH
[ -n "${SHANHAI_KUBERNETES:-}${KUBECONFIG:-}" ] || {
  echo "SKIPPED: NO KUBERNETES API SERVER ASKED: set SHANHAI_KUBERNETES (deploy/kubernetes/programs.sh) or KUBECONFIG" >&2
  exit 0
}

# Whatever ends this script ends the servers, at once: nothing of theirs is kept.
work=$(mktemp -d)
trap 'kill -KILL $(jobs -p) 2>/dev/null || true; wait 2>/dev/null; rm -rf "$work"' EXIT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# start NAME ARGUMENT…: a server in the background, with its log in the work folder.
start() {
  local name=$1
  shift
  (cd "$work" && exec "$SHANHAI_KUBERNETES/$name" "$@") >"$work/$name.log" 2>&1 &
}

wait_for() {
  local what=$1 tries
  shift
  for tries in $(seq 120); do "$@" >/dev/null 2>&1 && return; sleep 1; done
  echo "$what: not within $tries s" >&2
  tail -n 5 "$work"/*.log >&2
  return 1
}

start_server() {
  local etcd peers port token
  etcd=http://127.0.0.1:$(free_port) peers=http://127.0.0.1:$(free_port) port=$(free_port)
  token=$(openssl rand -hex 16)
  openssl genrsa -out "$work/accounts.pem" 2048 2>/dev/null
  echo "$token,check,check,system:masters" >"$work/tokens"
  cat >"$work/kubeconfig" <<CONFIG
apiVersion: v1
kind: Config
clusters: [{ name: check, cluster: { server: "https://127.0.0.1:$port", insecure-skip-tls-verify: true } }]
users: [{ name: check, user: { token: "$token" } }]
contexts: [{ name: check, context: { cluster: check, user: check } }]
current-context: check
CONFIG
  export KUBECONFIG=$work/kubeconfig
  start etcd --data-dir "$work/etcd" --listen-client-urls "$etcd" --advertise-client-urls "$etcd" \
    --listen-peer-urls "$peers" --initial-advertise-peer-urls "$peers" --initial-cluster "default=$peers"
  start kube-apiserver --etcd-servers "$etcd" --secure-port "$port" --bind-address 127.0.0.1 --cert-dir "$work/tls" \
    --token-auth-file "$work/tokens" --authorization-mode RBAC --service-cluster-ip-range 10.96.0.0/16 \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$work/accounts.pem" \
    --service-account-signing-key-file "$work/accounts.pem"
  wait_for "the API server" kubectl get --raw /readyz
  start kube-controller-manager --kubeconfig "$KUBECONFIG" --service-account-private-key-file "$work/accounts.pem" \
    --use-service-account-credentials --secure-port 0 --leader-elect=false
  start kube-scheduler --kubeconfig "$KUBECONFIG" --secure-port 0 --leader-elect=false
  wait_for "the account of pods" kubectl get serviceaccount default
}

# As many pods as each asks for: quota, admission and pod security let them through.
pods_are_made() {
  local asked made
  asked=$(kubectl -n shanhai get deployments,statefulsets,jobs -o name | wc -l)
  made=$(kubectl -n shanhai get pods -o jsonpath='{range .items[*]}{.metadata.ownerReferences[0].name}{"\n"}{end}' | sort -u | wc -l)
  [ "$asked" -gt 0 ] && [ "$asked" = "$made" ]
}

[ -z "${SHANHAI_KUBERNETES:-}" ] || start_server
[ -s $example/secrets/passwords ] || $example/secrets.sh >/dev/null
echo "API server $(kubectl version -o json | python3 -c 'import json, sys; print(json.load(sys.stdin)["serverVersion"]["gitVersion"])')"
# What is judged for a namespace needs it to exist.
kubectl get namespace shanhai >/dev/null 2>&1 || {
  [ -n "${SHANHAI_KUBERNETES:-}" ] || { echo "make the namespace shanhai there first, to be judged in" >&2; exit 1; }
  kubectl apply -f $example/namespace.yaml
}
# The same with backups, which take away what keeps them out, and while one is restored.
cp -r "$(readlink -f ..)" "$work/deploy"
cp -r "$work/deploy" "$work/restoring"
sed -i '/^components:/d' "$work/deploy/kubernetes/$example/kustomization.yaml"
sed -i 's/^components:.*/components: [restoring]/' "$work/restoring/kubernetes/$example/kustomization.yaml"
for folder in $base $example "$work"/{deploy,restoring}/kubernetes/$example; do
  kubectl apply --dry-run=server --validate=strict -k "$folder" 2>&1 | tee "$work/said"
  ! grep -i warning "$work/said"
done
[ -n "${SHANHAI_KUBERNETES:-}" ] || exit 0
kubectl apply -k $example >"$work/applied"
kubectl apply -k "$work/deploy/kubernetes/$example" >>"$work/applied"
wait_for "pods of each workload" pods_are_made
# Again, as after a change of one setting: nothing that cannot be changed is asked to.
kubectl apply -k $example >"$work/applied"
kubectl -n shanhai get pods
echo "all taken, twice; each workload has its pods"
