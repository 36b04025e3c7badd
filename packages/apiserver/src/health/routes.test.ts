import { expect, test } from "@jest/globals";
import { fixture } from "../testing/fixture.ts";
import { healthRoutes } from "./routes.ts";

const broken = {
  name: "storage",
  check: async () => {
    throw new Error("no database at postgres://krate:hunter2@db/krate");
  },
};
const fine = { name: "informer-sync", check: () => {} };
const { send } = fixture({ services: { routes: healthRoutes([broken, fine]) } });

const cases = [
  { url: "/livez", status: 200, text: "ok" },
  { url: "/livez?verbose", status: 200, text: "[+]ping ok\nlivez check passed\n" },
  {
    url: "/readyz",
    status: 500,
    text: "[+]ping ok\n[-]storage failed: reason withheld\n[+]informer-sync ok\nreadyz check failed\n",
  },
  { url: "/healthz?exclude=storage", status: 200, text: "ok" },
  {
    url: "/readyz?verbose&exclude=storage&exclude=none&exclude=nothing",
    status: 200,
    text: '[+]ping ok\n[+]storage excluded: ok\n[+]informer-sync ok\nwarn: some health checks cannot be excluded: no matches for "none", "nothing"\nreadyz check passed\n',
  },
  { url: "/readyz/informer-sync", status: 200, text: "ok" },
  { url: "/readyz/none", status: 404, text: "404 page not found\n" },
  { url: "/livez/storage", status: 404, text: "404 page not found\n" },
];
test.each(cases)("$url answers $status", async ({ url, status, text }) => {
  const answer = await send({ url });
  expect({ status: answer.status, text: answer.text }).toEqual({ status, text });
});

test("one check tells its reason, without secrets", async () => {
  const { status, text } = await send({ url: "/readyz/storage" });
  expect(status).toBe(500);
  expect(text).toMatch(/^internal server error: no database at postgres:\/\/krate:\[redacted\]@db/);
});
