/** What the program consists of: a controller that indexes, and a server that answers. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Program, ProgramContext } from "@krate/controller";
import { type ObjectOf, Repository } from "@krate/kinds";
import { credentialsOf, type KubeConfig } from "@krate/kube";
import type { SearchableRepository } from "./access/readable.ts";
import { Background } from "./background/jobs.ts";
import type { SearchConfig } from "./config.ts";
import { forgetGone, indexedRepositoryOf, repositories } from "./controllers/repositories.ts";
import { EmbeddedSearch } from "./embedded/embedded-search.ts";
import type { CodeSearch } from "./engine/code-search.ts";
import { createSearchServer } from "./http/server.ts";
import { Pushes, pushConsumer } from "./pushes.ts";
import { ZoektSearch } from "./zoekt/zoekt-search.ts";

/** `kubeConfig`: its bearer token is also what repositories are fetched with. */
export function codeSearch(config: SearchConfig, kubeConfig: KubeConfig): Program {
  const credentials = credentialsOf(kubeConfig);
  const pushes = new Pushes();
  const damaged = new Set<(uid: string) => void>();
  const background = new Background();
  const engine = engineOf(config, background, (uid) => {
    for (const listener of damaged) listener(uid);
  });
  const mirrors = join(config.home, "mirrors");
  mkdirSync(mirrors, { recursive: true, mode: 0o700 });
  return {
    name: "code-search",
    config: config.program,
    consumers: [pushConsumer(pushes)],
    setup({ metrics, lister }) {
      damaged.add((uid) => {
        const found = lister(Repository)
          .list()
          .find(({ metadata }) => metadata.uid === uid);
        if (found) pushes.repositories.enqueue(indexedRepositoryOf(found));
      });
      const lag = metrics.histogram({
        name: "krate_search_index_lag_seconds",
        help: "From a push to its being searchable.",
        buckets: [0.5, 1, 2, 5, 10, 30, 60, 300, 1800],
      });
      return {
        controllers: [
          repositories({
            engine,
            background,
            pushes,
            mirrors,
            gitUrl: config.gitUrl,
            gitCaFile: config.gitCaFile,
            authorization: () => credentials.authorization(),
            onIndexed: (seconds) => lag.observe(seconds),
          }),
        ],
      };
    },
    tasks: [
      async (context, leading) => {
        await forgetGone({ engine, mirrors }, context.lister(Repository).list());
        await serve(context, { engine, pushes, config }, leading);
        await engine.close();
        await background.close();
      },
    ],
  };
}

function engineOf({ home, zoekt }: SearchConfig, background: Background, onDamaged: (uid: string) => void): CodeSearch {
  if (zoekt) return new ZoektSearch({ ...zoekt, background });
  return new EmbeddedSearch({ folder: join(home, "index"), background, onDamaged });
}

interface Serving {
  engine: CodeSearch;
  pushes: Pushes;
  config: SearchConfig;
}

/** Answers searches until the signal; the gauge of the lag is kept meanwhile. */
async function serve(context: ProgramContext, { engine, pushes, config }: Serving, signal: AbortSignal): Promise<void> {
  const { client, log, metrics } = context;
  const durations = metrics.histogram({
    name: "krate_search_duration_seconds",
    help: "Time of a search.",
    labels: ["status"] as const,
  });
  const oldest = metrics.gauge({
    name: "krate_search_oldest_unindexed_seconds",
    help: "Age of the oldest push that is not searchable yet.",
  });
  const timer = setInterval(() => oldest.set(pushes.maxLagSeconds()), 1000);
  timer.unref();
  const all = searchable(context);
  const server = createSearchServer({
    client,
    engine,
    repositories: all,
    tls: config.tls,
    log,
    onSearch: ({ status, seconds }) => durations.observe({ status: String(status) }, seconds),
  });
  const port = await server.listen(config.address);
  log.info({ host: config.address.host, port }, "answering searches");
  await new Promise<void>((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  clearInterval(timer);
  await server.close();
}

type RepositoryObject = ObjectOf<typeof Repository>;

/** The repositories that are searched, in the order of results; sorted again only after one came or went. */
function searchable({ lister }: ProgramContext): () => readonly SearchableRepository[] {
  const informer = lister(Repository);
  let sorted: SearchableRepository[] | undefined;
  informer.onChange(() => {
    sorted = undefined;
  });
  return () => {
    sorted ??= informer.list().filter(isSearchable).map(searchableOf).toSorted(byName);
    return sorted;
  };
}

function isSearchable({ metadata, spec }: RepositoryObject): boolean {
  return metadata.deletionTimestamp === undefined && spec.search?.enabled !== false;
}

function searchableOf(repository: RepositoryObject): SearchableRepository {
  return { ...indexedRepositoryOf(repository), isPublic: repository.spec.visibility === "public" };
}

function byName(a: SearchableRepository, b: SearchableRepository): number {
  return compare(a.namespace, b.namespace) || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
