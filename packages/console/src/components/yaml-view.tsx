import type { KindRef, KubernetesObject } from "@krate/kinds";
import { getCommands } from "../kubectl/commands.ts";
import { toYaml, yamlTokens } from "../kubectl/yaml.ts";
import { CopyButton } from "./copy-button.tsx";
import styles from "./yaml-view.module.css";

/** The object as the API holds it, without its bookkeeping, and the command that shows the same. */
export function YamlView({ kind, object }: { kind: KindRef; object: KubernetesObject }) {
  const text = toYaml(object);
  const { namespace = "", name = "" } = object.metadata ?? {};
  const command = getCommands(kind, namespace, name)[1]?.text ?? "";
  return (
    <section className="card">
      <div className="card-head">
        <code className="grow truncate">{command}</code>
        <CopyButton text={command} label="Copy the command" />
        <CopyButton text={text} label="Copy the YAML" />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <pre className={styles.yaml} tabIndex={0}>
        {yamlTokens(text).map(({ kind: token, text: part }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the text never changes while it is shown
          <span key={index} className={token && styles[token]}>
            {part}
          </span>
        ))}
      </pre>
    </section>
  );
}
