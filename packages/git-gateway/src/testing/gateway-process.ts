/**
 * A gateway in a process of its own, whose memory can be looked at: prints `{origin, url}` of repository "large", which alice may use,
 * and ends with its standard input.
 */
import { GatewayFixture } from "./gateway-fixture.ts";

/** Hundreds of megabytes, on a machine that may be busy. */
const timeoutMs = 600_000;

const gateway = await GatewayFixture.start({
  maxPackBytes: 2 * 1024 ** 3,
  maxObjectBytes: 512 * 1024 ** 2,
  packTimeoutMs: timeoutMs,
});
gateway.services.fetchTimeoutMs = timeoutMs;
await gateway.createRepository("large");
process.stdout.write(`${JSON.stringify({ origin: gateway.origin, url: gateway.url("large") })}\n`);
process.stdin.resume().once("end", () => {
  void gateway.stop();
});
