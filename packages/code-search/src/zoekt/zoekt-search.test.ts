/** The real Zoekt, where its programs are on PATH. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { eventually, findCommand, freePort, skipWithout } from "@krate/testing";
import { Background } from "../background/jobs.ts";
import { testCodeSearch } from "../testing/conformance.ts";
import { ZoektSearch } from "./zoekt-search.ts";

skipWithout("zoekt")("Zoekt", () => {
  testCodeSearch(async (folder) => {
    await mkdir(folder, { recursive: true });
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const webserver = spawn(
      findCommand("zoekt-webserver") ?? "",
      ["-index", folder, "-listen", `127.0.0.1:${port}`, "-html=false", "-rpc"],
      {
        stdio: "ignore",
      },
    );
    const exited = once(webserver, "exit");
    await eventually(async () => (await fetch(`${url}/healthz`)).status < 500, {
      description: "zoekt-webserver answering",
    });
    const background = new Background();
    const indexCommand = findCommand("zoekt-git-index") ?? "";
    return {
      engine: new ZoektSearch({ url, indexFolder: folder, indexCommand, background }),
      async close() {
        webserver.kill("SIGTERM");
        await Promise.all([exited, background.close()]);
      },
    };
  });
});
