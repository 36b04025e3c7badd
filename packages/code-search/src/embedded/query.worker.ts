/** The thread that searches. */
import { serveJobs } from "../engine/serve-jobs.ts";
import { Handles, type RepositoriesQuery, searchRepositories } from "./search-repositories.ts";

export type QueryJob = { kind: "search"; request: RepositoriesQuery };

const openFiles = 64;
const handles = new Handles(openFiles);

serveJobs((job, isCancelled) => searchRepositories((job as QueryJob).request, handles, isCancelled));
