#!/usr/bin/env node
/** `krate` and `kubectl-krate`: the command line. Each command's work is in its own folder. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { Command, Option } from "commander";
import { answerCredential, type CredentialAction } from "./credential/credential.ts";
import { demo } from "./demo/command.ts";
import { describeLogin, login } from "./login/login.ts";
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

program
  .command("up")
  .description("Run the whole forge on this machine until Ctrl-C; data stays in KRATE_HOME.")
  .addOption(port("api-port", "the API server", defaults.apiPort))
  .addOption(port("git-port", "Git over HTTP", defaults.gitPort))
  .addOption(port("ssh-port", "Git over SSH", defaults.sshPort))
  .addOption(port("console-port", "the console", defaults.consolePort))
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
