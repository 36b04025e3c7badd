import { expect, test } from "@jest/globals";
import { eventually } from "./eventually.ts";

test("the first truthy value is handed back", async () => {
  let calls = 0;
  await expect(eventually(() => ++calls >= 3 && `call ${calls}`, { intervalMilliseconds: 1 })).resolves.toBe("call 3");
});

test("a throw is a not-yet", async () => {
  let calls = 0;
  const value = await eventually(
    () => {
      if (++calls < 2) throw new Error("too early");
      return { ready: true };
    },
    { intervalMilliseconds: 1 },
  );
  expect(value).toEqual({ ready: true });
});

test("the error says what was awaited, how long, and what was seen last", async () => {
  const waiting = eventually(() => false, { timeoutSeconds: 0, description: "the Pod is Running" });
  await expect(waiting).rejects.toThrow(
    "the Pod is Running did not come true within 0 s (1 tries): at last it was false",
  );
});

test("the last throw is the cause", async () => {
  const cause = new Error("phase is Pending");
  const waiting = eventually(
    () => {
      throw cause;
    },
    { timeoutSeconds: 0, description: "the Pod is Running" },
  );
  await expect(waiting).rejects.toMatchObject({
    cause,
    message: expect.stringContaining("it threw Error: phase is Pending"),
  });
});
