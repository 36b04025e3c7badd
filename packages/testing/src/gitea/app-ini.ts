import { join } from "node:path";

/** What one process' `app.ini` is made from. */
export interface GiteaLayout {
  /** Shared by all processes: repositories and large files. */
  volume: string;
  /** This process' own. */
  workFolder: string;
  /** Gitea's `options`, `templates` and `public`. */
  files: string;
  port: number;
  /** URL of all of them together, as far as Gitea writes links. */
  rootUrl: string;
  database: { host: string; user: string; database: string };
  secrets: { secretKey: string; internalToken: string; jwtSecret: string };
}

/**
 * Gitea as a storage backend and nothing else: nobody signs up or in, no SSH, no web hooks, mail, packages, actions, federation or
 * periodic work. Queues, cache and sessions live in the process, so that several of them share no more than the volume and the
 * database.
 */
export function appIni(layout: GiteaLayout): string {
  return Object.entries(settingsOf(layout))
    .map(([section, values]) => {
      const lines = Object.entries(values).map(([key, value]) => `${key} = ${value}`);
      return [...(section === "" ? [] : [`[${section}]`]), ...lines, ""].join("\n");
    })
    .join("\n");
}

function settingsOf({ volume, workFolder, files, port, rootUrl, database, secrets }: GiteaLayout) {
  const off = { ENABLED: "false" };
  return {
    "": { APP_NAME: "Krate backend", RUN_MODE: "prod", WORK_PATH: workFolder },
    server: {
      HTTP_ADDR: "127.0.0.1",
      HTTP_PORT: String(port),
      ROOT_URL: rootUrl,
      LOCAL_ROOT_URL: `http://127.0.0.1:${port}/`,
      STATIC_ROOT_PATH: files,
      APP_DATA_PATH: join(workFolder, "data"),
      DISABLE_SSH: "true",
      OFFLINE_MODE: "true",
      LFS_START_SERVER: "true",
      LFS_JWT_SECRET: secrets.jwtSecret,
    },
    database: {
      DB_TYPE: "postgres",
      HOST: database.host,
      NAME: database.database,
      USER: database.user,
      SSL_MODE: "disable",
      MAX_OPEN_CONNS: "16",
    },
    security: {
      INSTALL_LOCK: "true",
      SECRET_KEY: secrets.secretKey,
      INTERNAL_TOKEN: secrets.internalToken,
      // The hook that refuses what did not come through the gateway is put in place through the API.
      DISABLE_GIT_HOOKS: "false",
      DISABLE_WEBHOOKS: "true",
    },
    repository: {
      ROOT: join(volume, "repositories"),
      SCRIPT_TYPE: "sh",
      DEFAULT_BRANCH: "main",
      DEFAULT_PRIVATE: "private",
      FORCE_PRIVATE: "true",
      DISABLED_REPO_UNITS:
        "repo.issues,repo.ext_issues,repo.pulls,repo.wiki,repo.ext_wiki,repo.projects,repo.packages,repo.actions",
      DISABLE_STARS: "true",
      ENABLE_PUSH_CREATE_USER: "false",
      ENABLE_PUSH_CREATE_ORG: "false",
      MAX_CREATION_LIMIT: "-1",
    },
    lfs: { STORAGE_TYPE: "local", PATH: join(volume, "lfs") },
    service: { DISABLE_REGISTRATION: "true", REQUIRE_SIGNIN_VIEW: "true", ENABLE_NOTIFY_MAIL: "false" },
    oauth2: { ...off, JWT_SECRET: secrets.jwtSecret },
    openid: { ENABLE_OPENID_SIGNIN: "false", ENABLE_OPENID_SIGNUP: "false" },
    cron: off,
    "cron.update_checker": off,
    actions: off,
    packages: off,
    federation: off,
    mailer: off,
    indexer: { ISSUE_INDEXER_TYPE: "db", REPO_INDEXER_ENABLED: "false" },
    queue: { TYPE: "channel" },
    session: { PROVIDER: "memory" },
    picture: { DISABLE_GRAVATAR: "true" },
    log: { MODE: "console", LEVEL: "Warn", ROOT_PATH: join(workFolder, "log") },
  };
}
