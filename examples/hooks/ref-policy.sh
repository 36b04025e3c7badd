#!/bin/sh
# Prints a RefPolicy that runs a module of a ConfigMap on every branch: ./ref-policy.sh CONFIGMAP FILE.wasm | kubectl apply -f -
set -eu
[ $# -eq 2 ] || { echo "usage: $0 CONFIGMAP FILE.wasm" >&2; exit 2; }
digest=$(sha256sum "$2" | cut -d' ' -f1)
key=$(basename "$2")
cat <<YAML
apiVersion: krate.a5c.ai/v1alpha1
kind: RefPolicy
metadata:
  name: $1
spec:
  organizationRef: ${ORGANIZATION:-demo}
  rules:
    - name: $(basename "$2" .wasm)
      type: wasm
      refs: [refs/heads/**]
      wasm:
        module:
          objectRef: configmap/$1/$key
          digest: sha256:$digest
        hook: update
        timeoutMs: 500
        memoryMiB: 64
        failure: Deny
YAML
