/** Pushes prepared beforehand and sent as plain requests, so that what is measured is the server and not the git client. */
import { execFileSync } from "node:child_process";
import { Agent, request } from "node:http";
import { flushPkt, formatPktLine, zeroObjectId } from "@krate/git";
import type { GitServer } from "./git-server.ts";

export interface PreparedPush {
  body: Buffer;
}

/** Environment of a git without anybody's configuration. */
export const gitEnvironment: NodeJS.ProcessEnv = {
  PATH: process.env["PATH"],
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_TERMINAL_PROMPT: "0",
  GIT_AUTHOR_NAME: "Bench",
  GIT_AUTHOR_EMAIL: "bench@example.org",
  GIT_COMMITTER_NAME: "Bench",
  GIT_COMMITTER_EMAIL: "bench@example.org",
};

export function git(args: string[], cwd: string, input?: string): Buffer {
  return execFileSync("git", args, {
    cwd,
    env: gitEnvironment,
    input,
    stdio: ["pipe", "pipe", "pipe"],
    maxBuffer: 1e9,
  });
}

/** The request that moves `refs` from `oldId` to `newId`, with the objects between. */
export function preparePush(workTree: string, refs: readonly string[], oldId: string, newId: string): PreparedPush {
  const range = oldId === zeroObjectId ? `${newId}\n` : `${newId}\n^${oldId}\n`;
  const pack = git(["pack-objects", "--revs", "--stdout", "--thin", "-q"], workTree, range);
  const commands = refs.map((ref, index) =>
    formatPktLine(`${oldId} ${newId} ${ref}${index === 0 ? "\0report-status" : ""}`),
  );
  return { body: Buffer.concat([...commands, flushPkt, pack]) };
}

const agent = new Agent({ keepAlive: true });

/** Sends a push; answers how long it took, in milliseconds. @throws Error with the answer when a ref did not move */
export async function sendPush(server: GitServer, repository: string, { body }: PreparedPush): Promise<number> {
  const startedAt = performance.now();
  const answer = await new Promise<string>((resolve, reject) => {
    const outgoing = request(`${server.url(repository)}/git-receive-pack`, {
      method: "POST",
      agent,
      headers: {
        ...server.headers,
        "content-type": "application/x-git-receive-pack-request",
        "content-length": body.length,
      },
    });
    outgoing.once("error", reject).once("response", (response) => {
      const chunks: Buffer[] = [];
      response
        .on("data", (chunk: Buffer) => chunks.push(chunk))
        .once("error", reject)
        .once("end", () => resolve(`${response.statusCode} ${Buffer.concat(chunks).toString("utf8")}`));
    });
    outgoing.end(body);
  });
  const elapsed = performance.now() - startedAt;
  if (!answer.startsWith("200") || !answer.includes("unpack ok") || answer.includes("ng "))
    throw new Error(`${server.name} answered ${answer.slice(0, 500)}`);
  return elapsed;
}
