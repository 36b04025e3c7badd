import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Programs of a forge that was killed notice it at once and end within this time; their ports are waited for. */
const waitMilliseconds = 15_000;
const pollMilliseconds = 100;

function tryPort(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      const chosen = typeof address === "object" && address ? address.port : port;
      server.close(() => resolve(chosen));
    });
  });
}

/** `port` when it is not 0, as soon as it is free; else a free loopback port. @throws Error naming a wanted port that stays taken */
export async function reservePort(port: number, what: string): Promise<number> {
  const deadline = Date.now() + waitMilliseconds;
  for (;;) {
    try {
      return await tryPort(port);
    } catch (cause) {
      if (Date.now() > deadline) {
        throw new Error(
          `port ${port} for ${what} is taken: stop what listens there or choose another port (krate up --help)`,
          { cause },
        );
      }
      await sleep(pollMilliseconds);
    }
  }
}
