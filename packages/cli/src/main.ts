#!/usr/bin/env node
/** `krate` and `kubectl-krate`: the command line. Each command's work is in its own folder. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { Command, InvalidArgumentError, Option } from "commander";
import { answerCredential, type CredentialAction } from "./credential/credential.ts";
import { demo } from "./demo/command.ts";
import { describeLogin, login } from "./login/login.ts";
import { search } from "./search/search.ts";
import { checkoutRoot, layoutOf } from "./up/layout.ts";
import { readState } from "./up/state.ts";
import { defaults, up } from "./up/up.ts";

const root = checkoutRoot();
const home = () => resolve(process.env.KRATE_HOME ?? join(root, ".krate"));

const program = new Command("krate")
  .description("A Git forge that is a Kubernetes API.")
  .showHelpAfterError("(krate --help lists the commands)");

const port = (flag: string, what: string, value: number) =>
  new Option(`--${flag} <port>`, `port of ${what}; 0 picks a free one`).default(value).argParser(Number);

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("It must be a whole number above 0.");
  return value;
}

program
  .command("up")
  .description("Run the whole forge on this machine until Ctrl-C; data stays in KRATE_HOME.")
  .addOption(port("api-port", "the API server", defaults.apiPort))
  .addOption(port("git-port", "Git over HTTP", defaults.gitPort))
  .addOption(port("ssh-port", "Git over SSH", defaults.sshPort))
  .addOption(port("console-port", "the console", defaults.consolePort))
  .addOption(port("search-port", "code search", defaults.searchPort))
  .option("--kubeconfig <file>", "use this cluster's API server and serve records behind it (aggregated mode)")
  .option("--cluster-address <ip>", "address of this machine at which that cluster reaches it (default: 127.0.0.1)")
  .option("--without <program...>", "do not start these programs")
  .addHelpText(
    "after",
    "\nExamples:\n  krate up\n  KRATE_HOME=/var/lib/krate krate up --api-port 6443\n  krate up --kubeconfig ~/.kube/config --cluster-address 172.17.0.1",
  )
  .action((options) => up({ home: home(), checkout: root, ...options }));

program
  .command("demo")
  .description("From an empty repository to a merged, policy-checked, built and delivered pull request.")
  .option("--kubeconfig <file>", "kubeconfig with contexts admin, alice and bob (default: the running forge's)")
  .option("--git-url <url>", "Git URL of that forge (default: the running forge's)")
  .option("--namespace <name>", "namespace to use (default: a fresh one)")
  .addHelpText("after", "\nExamples:\n  krate demo\n  krate demo --namespace krate-org-demo")
  .action(async (options) => {
    process.exitCode = (await demo({ home: home(), checkout: root, ...options })) ? 0 : 1;
  });

program
  .command("login")
  .description("Git over SSH with what kubectl signs in with: a key and a certificate for a working day.")
  .option("--kubeconfig <file>", "kubeconfig (default: KUBECONFIG)")
  .option("--context <name>", "context (default: the current one)")
  .option("--git-url <url>", "Git URL of the forge (default: the running forge's)")
  .option("--folder <folder>", "where key, certificate and ssh's configuration go", join(homedir(), ".ssh", "krate"))
  .addHelpText("after", "\nExamples:\n  krate login\n  krate login --context alice --git-url https://git.example.org")
  .action(async ({ gitUrl, folder, ...options }) => {
    const url = gitUrl ?? readState(layoutOf(home()).state)?.gitUrl;
    if (!url) throw new Error("no forge runs here: say which one with --git-url, or start one with krate up");
    process.stdout.write(describeLogin(await login({ gitUrl: url, folder: resolve(folder), ...options })));
  });

program
  .command("search")
  .description("Find code in all repositories you may read.")
  .argument(
    "<query...>",
    "words and filters, in Zoekt's language; quote them for the shell, and put -- before a leading -",
  )
  // As grep: 1 is for nothing found.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .option("-n, --namespace <name>", "only repositories of this namespace (default: all you may read)")
  .option("--repo <name>", "only the repository of this name")
  .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text"))
  .addOption(new Option("--limit <files>", "files to show at most").default(100).argParser(positiveInteger))
  .option("--kubeconfig <file>", "kubeconfig (default: KUBECONFIG)")
  .option("--context <name>", "context (default: the current one)")
  .addOption(new Option("--search-url <url>", "the code search (default: the running forge's)").env("KRATE_SEARCH_URL"))
  .addHelpText(
    "after",
    `
Queries:
  retry timeout                 both, in content or path
  "foo bar" or baz              a phrase, or a word
  func\\s+Test -file:vendor/    an RE2 expression, and no path with vendor/
  file:\\.proto$ lang:protobuf  by path and language
  repo:^acme/ branch:release    by <namespace>/<repository> and branch
  case:yes Retry                capitals count (default: when the word has some)

Examples:
  kubectl krate search 'TODO lang:go'
  kubectl krate search -n acme --repo app 'file:Dockerfile FROM'
  kubectl krate search -o json 'ParseQuery' | jq -r '.files[].path'
  kubectl krate search -- '-lang:go retry'

Exit codes, as grep: 0 found, 1 nothing found, 2 something is wrong.`,
  )
  .action(async (words: string[], { searchUrl, ...options }) => {
    try {
      const url = searchUrl ?? readState(layoutOf(home()).state)?.searchUrl;
      if (!url)
        throw new Error(
          "no forge runs here: say where the code search is with --search-url, or start one with krate up",
        );
      const found = await search({
        query: words.join(" "),
        searchUrl: url,
        ...options,
        colour: process.stdout.isTTY === true && !process.env.NO_COLOR,
        write: (text) => process.stdout.write(text),
        warn: (text) => process.stderr.write(`krate: ${text}`),
      });
      process.exitCode = found > 0 ? 0 : 1;
    } catch (error) {
      process.stderr.write(`krate: ${(error as Error).message}\n`);
      process.exitCode = 2;
    }
  });

program
  .command("credential")
  .description("Git credential helper: answers with the token of the kubeconfig.")
  .argument("<action>", "get, store or erase, as git passes it")
  .option("--kubeconfig <file>", "kubeconfig (default: KUBECONFIG)")
  .option("--context <name>", "context (default: the current one)")
  .addHelpText("after", "\nExample:\n  git config credential.http://127.0.0.1:7081.helper '!krate credential'")
  .action(async (action: CredentialAction, options) => {
    process.stdout.write(await answerCredential(action, await text(process.stdin), options));
  });

program.parseAsync().catch((error: Error) => {
  process.stderr.write(`krate: ${error.message}\n`);
  process.exitCode = 1;
});
