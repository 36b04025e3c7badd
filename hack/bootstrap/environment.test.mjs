import { expect, test } from "@jest/globals";
import { withoutNpmEnvironment } from "./environment.mjs";

test("what npm run adds is dropped, where packages come from is kept", () => {
  const env = {
    PATH: "/bin",
    INIT_CWD: "/x",
    npm_lifecycle_event: "start",
    npm_config_cache: "/c",
    npm_config_registry: "http://mirror.test",
    NPM_CONFIG_PROXY: "http://proxy.test",
  };
  expect(withoutNpmEnvironment(env)).toEqual({
    PATH: "/bin",
    npm_config_registry: "http://mirror.test",
    NPM_CONFIG_PROXY: "http://proxy.test",
  });
});
