import { describe } from "@jest/globals";
import { Background } from "../background/jobs.ts";
import { testCodeSearch } from "../testing/conformance.ts";
import { EmbeddedSearch } from "./embedded-search.ts";

describe("the embedded index", () => {
  testCodeSearch(async (folder) => {
    const background = new Background();
    const engine = new EmbeddedSearch({ folder, background });
    return {
      engine,
      async close() {
        await engine.close();
        await background.close();
      },
    };
  });
});
