import { expect, test } from "@jest/globals";
import type { RepositoryView } from "../ports.ts";
import { RequestLimits } from "./request-limits.ts";

const view = (name: string, namespace = "acme") => ({ namespace, name }) as RepositoryView;

/** Holds `count` requests open until released. */
function hold(limits: RequestLimits, service: string, of: RepositoryView, count: number) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const running = Array.from({ length: count }, () => limits.run(service, of, () => promise));
  return {
    async release() {
      resolve();
      await Promise.all(running);
    },
  };
}

const answer = (limits: RequestLimits, service: string, of: RepositoryView) =>
  limits
    .run(service, of, async () => "served")
    .catch((error: { status: number; message: string }) => `${error.status} ${error.message}`);

test("one repository's fetches do not use up another's, nor its own pushes", async () => {
  const limits = new RequestLimits({ fetchesPerRepository: 2 });
  const held = hold(limits, "git-upload-pack", view("shop"), 2);
  expect(await answer(limits, "git-upload-pack", view("shop"))).toBe(
    '429 repository "acme/shop" has 2 fetches under way, which is its limit; try again in a moment',
  );
  expect(await answer(limits, "git-upload-pack", view("other"))).toBe("served");
  expect(await answer(limits, "git-receive-pack", view("shop"))).toBe("served");
  await held.release();
  expect(await answer(limits, "git-upload-pack", view("shop"))).toBe("served");
});

test("one tenant leaves room for the others", async () => {
  let refused = 0;
  const limits = new RequestLimits({ requestsPerNamespace: 3 }, () => refused++);
  const held = [hold(limits, "git-upload-pack", view("a"), 2), hold(limits, "git-receive-pack", view("b"), 1)];
  expect(await answer(limits, "git-receive-pack", view("c"))).toBe(
    '429 namespace "acme" has 3 Git requests under way, which is its limit; try again in a moment',
  );
  expect(await answer(limits, "git-receive-pack", view("c", "globex"))).toBe("served");
  expect(refused).toBe(1);
  for (const each of held) await each.release();
});

test("a request that fails gives its place back", async () => {
  const limits = new RequestLimits({ pushesPerRepository: 1 });
  await expect(limits.run("git-receive-pack", view("a"), () => Promise.reject(new Error("x")))).rejects.toThrow("x");
  expect(await answer(limits, "git-receive-pack", view("a"))).toBe("served");
});
