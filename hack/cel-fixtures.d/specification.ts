import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { repositoryRoot } from "../../packages/testing/src/control-plane/index.ts";

interface Suite {
  suites?: Suite[];
  tests?: { original: { expr: string; bindings?: object; container?: string } }[];
}

/**
 * Expressions of google/cel-spec's conformance tests that need no bindings: what Kubernetes' environment says about them, also where that is that it
 * does not know them.
 */
export async function specificationExpressions(): Promise<string[]> {
  const require = createRequire(join(repositoryRoot, "packages/apimachinery/package.json"));
  const file = require.resolve("@bufbuild/cel-spec/testdata/conformance.js");
  const { tests } = (await import(pathToFileURL(file).href)) as { tests: Suite };
  const found = new Set<string>();
  const visit = (suite: Suite) => {
    for (const { original } of suite.tests ?? []) {
      const isAlone = original.bindings === undefined && original.container === undefined;
      if (isAlone && original.expr.length < 2000 && !original.expr.includes("TestAllTypes"))
        found.add(
          /[\n\r]/.test(original.expr) || original.expr.startsWith("@")
            ? `@json ${JSON.stringify(original.expr)}`
            : original.expr,
        );
    }
    for (const each of suite.suites ?? []) visit(each);
  };
  visit(tests);
  return [...found];
}
