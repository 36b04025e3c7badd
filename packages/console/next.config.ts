/** How Next builds the console. The server around it is `src/main.ts`; headers and sign-in are not configured here. */
import { fileURLToPath } from "node:url";
import type { NextConfig } from "next";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Turbopack does not know the export condition `development`; there is no compiled form of our own packages. */
const workspaceSources = {
  "@krate/kinds": "../kinds/src/index.ts",
  "@krate/kube": "../kube/src/index.ts",
  "@krate/refpolicy": "../refpolicy/src/index.ts",
  "@krate/telemetry": "../telemetry/src/index.ts",
};

const config: NextConfig = {
  output: "standalone",
  outputFileTracingRoot: root,
  turbopack: { root, resolveAlias: workspaceSources },
  poweredByHeader: false,
  images: { unoptimized: true },
  // `hack/check types` does it, with the settings of the whole repository.
  typescript: { ignoreBuildErrors: true },
  // Loading every page at start costs 20 MiB in a program that is mostly idle.
  experimental: { preloadEntriesOnStart: false },
};

export default config;
