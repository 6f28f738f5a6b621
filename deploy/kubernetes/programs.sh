#!/usr/bin/env bash
# Build the programs of a Kubernetes control plane from their Go modules, for check.sh.
#   programs.sh DIR      wants Go; about six minutes on two cores
set -euo pipefail
mkdir -p "$1"
target=$(readlink -f "$1")
version=1.36.3 etcd=3.6.8
export GOFLAGS=-mod=mod CGO_ENABLED=0

# Kubernetes' own module finds its parts in folders beside it, which a module does not carry; here
# they are the modules of the same release.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
module=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
cp "$module/go.sum" .
sed -E "s|^module .*|module programs|; s|=> ./staging/src/(.*)|=> \1 v0.${version#1.}|; s|^(\tk8s.io/[^ ]+) v0.0.0\$|\1 v0.${version#1.}|" "$module/go.mod" >go.mod
go mod edit -require "k8s.io/kubernetes@v$version" -require "go.etcd.io/etcd/server/v3@v$etcd"
mkdir etcd
printf '%s\n' 'package main' 'import ("os"; "go.etcd.io/etcd/server/v3/etcdmain")' 'func main() { etcdmain.Main(os.Args) }' >etcd/main.go

named=k8s.io/component-base/version
for program in ./etcd k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler,kubectl}; do
  echo "building ${program##*/}" >&2
  go build -o "$target/" -ldflags "-s -w -X $named.gitVersion=v$version -X $named.gitMajor=1 -X $named.gitMinor=36" "$program"
done
echo "$target"
