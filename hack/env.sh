# Puts the pinned Node and pnpm first on PATH and lets Jest load ES modules:  source hack/env.sh
if [ -n "${BASH_SOURCE:-}" ]; then krate_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"; else krate_root="$PWD"; fi
if [ ! -e "$krate_root/.cache/toolchain/current" ]; then node "$krate_root/hack/bootstrap.mjs" toolchain || return 1; fi
case ":$PATH:" in
  *":$krate_root/.cache/toolchain/current/bin:"*) ;;
  *) export PATH="$krate_root/.cache/toolchain/current/bin:$krate_root/node_modules/.bin:$PATH" ;;
esac
case " ${NODE_OPTIONS:-} " in
  *" --experimental-vm-modules "*) ;;
  *) export NODE_OPTIONS="${NODE_OPTIONS:+$NODE_OPTIONS }--experimental-vm-modules --disable-warning=ExperimentalWarning" ;;
esac
