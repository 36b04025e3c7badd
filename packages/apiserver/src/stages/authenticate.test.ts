import { expect, test } from "@jest/globals";
import { silentAuditor } from "../audit/auditor.ts";
import { silentObserver } from "../services.ts";
import { fixture } from "../testing/fixture.ts";
import { authenticate } from "./authenticate.ts";

const first = () => undefined;
const second = async () => ({ name: "ada", groups: ["dev"] });

test("the first authenticator that knows the caller decides, and everybody it knows is system:authenticated", async () => {
  const ctx = fixture().context({ url: "/" });
  await authenticate({ authenticators: [first, second], observer: silentObserver, auditor: silentAuditor })(
    ctx,
    () => {},
  );
  expect(ctx.user).toEqual({ name: "ada", groups: ["dev", "system:authenticated"] });
});

test("nobody's credential is anonymous", async () => {
  const ctx = fixture().context({ url: "/" });
  await authenticate({ authenticators: [first], observer: silentObserver, auditor: silentAuditor })(ctx, () => {});
  expect(ctx.user).toEqual({ name: "system:anonymous", groups: ["system:unauthenticated"] });
});

test("a token that nobody accepts is 401, never anonymous", async () => {
  const ctx = fixture().context({ url: "/", headers: { authorization: "Bearer x" } });
  await expect(
    authenticate({ authenticators: [first], observer: silentObserver, auditor: silentAuditor })(ctx, () => {}),
  ).rejects.toMatchObject({ code: 401 });
});
