import { createLogger } from "@krate/telemetry";
import { readConfig } from "./config.ts";
import { run } from "./run.ts";

const log = createLogger({ component: "apiserver" });
const running = await run(readConfig(), log);

const stop = (signal: NodeJS.Signals) => {
  log.info({ signal }, "stopping");
  running.stop().then(
    () => process.exit(0),
    (err: unknown) => {
      log.error({ err }, "could not stop cleanly");
      process.exit(1);
    },
  );
};
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
