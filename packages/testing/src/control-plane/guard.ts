import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Reads `+PID` and `-PID` lines. When the pipe ends, which it does however its writer dies, whatever is still listed gets
 * SIGTERM, and SIGKILL two seconds later. It ignores the signals of a terminal: those are for the writer to handle.
 */
const script = `
trap '' INT TERM HUP
pids=''
while read -r line; do
  case $line in
    +*) pids="$pids \${line#+}" ;;
    -*) rest=''; for pid in $pids; do [ "$pid" = "\${line#-}" ] || rest="$rest $pid"; done; pids=$rest ;;
  esac
done
[ -z "$pids" ] && exit 0
kill -TERM $pids 2>/dev/null
for i in 1 2 3 4 5 6 7 8 9 10; do
  sleep 0.2
  kill -0 $pids 2>/dev/null || exit 0
done
kill -KILL $pids 2>/dev/null
`;

/** Ends processes when this one is gone, even by `kill -9`: no orphans. */
export interface Guard {
  watch(pid: number): void;
  /** To be called when the process has ended, before its pid can be given to another. */
  release(pid: number): void;
  /** Ends what is still watched, then the guard itself. */
  close(): Promise<void>;
}

export function startGuard(): Guard {
  const shell = spawn("/bin/sh", ["-c", script], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  const exited = once(shell, "exit");
  shell.stdin.on("error", () => {}); // EPIPE after somebody killed the guard itself: the orderly stop still works
  shell.unref();
  (shell.stdin as unknown as { unref(): void }).unref();
  return {
    watch: (pid) => void shell.stdin.write(`+${pid}\n`),
    release: (pid) => void shell.stdin.write(`-${pid}\n`),
    async close() {
      shell.ref();
      shell.stdin.end();
      await exited;
    },
  };
}
