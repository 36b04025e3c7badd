/**
 * Crash safety: while the demo runs, one process after the other is killed with SIGKILL, each in a demo of its own, at a
 * step drawn from a printed seed. Nothing acknowledged may be lost, so every demo must still end as it does undisturbed.
 */
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { runDemo } from "@krate/cli";
import { eventually } from "@krate/testing";
import { checkout, krateCommand, startTestForge, type TestForge } from "./forge.ts";

const seed = Number(process.env["KRATE_SEED"] ?? Date.now() % 1_000_000);
const steps = 9;
/** The whole demo and a restart, on a busy machine. */
const demoTimeoutMilliseconds = 240_000;

/** Those a person talks to: their commands would fail while they are away, so the demo goes on when they are back. */
const servers = ["postgres", "apiserver", "git-gateway"];
const programs = [
  ...servers,
  "repository-operator",
  "runner-operator",
  "webhook-dispatcher",
  "refpolicy-compiler",
  "agent-stack-controller",
  "process-node",
  "code-search",
];

/** Mulberry32: small, seeded, good enough to draw a step. */
function draw(number: number, below: number): number {
  let t = (seed + number * 0x6d2b79f5) | 0;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) % below;
}

describe(`kill -9 (KRATE_SEED=${seed})`, () => {
  let forge: TestForge;
  beforeAll(async () => {
    forge = await startTestForge();
  }, demoTimeoutMilliseconds);
  afterAll(() => forge?.stop(), 60_000);

  async function demoWith(step: number, disturb: () => Promise<void>) {
    const said: string[] = [];
    let at = 0;
    const passed = await runDemo({
      forge: forge.state(),
      checkout,
      program: krateCommand(),
      print: (line) => said.push(line),
      beforeStep: async () => {
        if (at++ === step) await disturb();
      },
    });
    expect({ passed, said: passed ? "" : said.slice(-40).join("\n") }).toEqual({ passed: true, said: "" });
  }

  async function killProgram(name: string): Promise<void> {
    const pid = forge.state().pids[name];
    if (!pid) throw new Error(`${name} does not run: ${JSON.stringify(forge.state().pids)}`);
    process.kill(pid, "SIGKILL");
    await eventually(
      () => {
        const now = forge.state().pids[name];
        return now !== undefined && now !== pid;
      },
      { timeoutSeconds: 60, description: `${name} being started again` },
    );
    if (servers.includes(name)) await untilAnswering();
  }

  /** Requests that need API server, database and gateway are answered: what a person's next command needs. */
  async function untilAnswering(): Promise<void> {
    await eventually(async () => recordsAreServed() && (await gatewayAnswers()), {
      timeoutSeconds: 90, // behind an aggregator, which tries a server it lost only every 5 to 30 seconds
      description: "the servers answering",
    });
  }

  function recordsAreServed(): boolean {
    const { kubeconfig, namespace } = forge.state();
    const args = [
      "get",
      "issues.forge.krate.a5c.ai",
      "-n",
      namespace,
      "--kubeconfig",
      kubeconfig,
      "--context",
      "alice",
    ];
    return spawnSync("kubectl", [...args, "--request-timeout=5s"]).status === 0;
  }

  function gatewayAnswers(): Promise<boolean> {
    return fetch(forge.state().gitUrl).then(
      () => true,
      () => false,
    );
  }

  test.each(programs.map((name, index) => ({ name, step: draw(index, steps) })))(
    "of $name before step $step of the demo changes nothing about its end",
    async ({ name, step }) => demoWith(step, () => killProgram(name)),
    demoTimeoutMilliseconds,
  );

  test(
    "of krate up itself, and a restart, changes nothing about its end",
    async () => {
      await demoWith(draw(programs.length, steps), () => forge.restart("SIGKILL"));
    },
    demoTimeoutMilliseconds,
  );

  test(
    "a clean stop and a second start find all data again",
    async () => {
      await demoWith(5, () => forge.restart("SIGTERM"));
    },
    demoTimeoutMilliseconds,
  );
});
