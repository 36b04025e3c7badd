import { createServer } from "node:net";

/** `port` when it is not 0 and free, else a free loopback port; throws naming the port when a wanted one is taken. */
export function reservePort(port: number, what: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (cause) =>
      reject(
        new Error(
          `port ${port} for ${what} is taken: stop what listens there or choose another port (krate up --help)`,
          { cause },
        ),
      ),
    );
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      const chosen = typeof address === "object" && address ? address.port : port;
      server.close(() => resolve(chosen));
    });
  });
}
