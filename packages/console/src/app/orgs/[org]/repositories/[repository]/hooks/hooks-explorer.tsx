"use client";
import { AlertIcon, GitBranchIcon, type Icon, LawIcon, WebhookIcon } from "@primer/octicons-react";
import type { ReactNode } from "react";
import { CommandPanel } from "../../../../../../components/command-panel.tsx";
import { LiveMark } from "../../../../../../components/live-table.tsx";
import type { HookEntry, HookLayer, HookRow, SourceRow } from "../../../../../../hooks/hook-rows.ts";
import {
  policyTemplates,
  refPolicyTemplates,
  type TemplateScope,
  webhookTemplates,
} from "../../../../../../hooks/templates.ts";
import { useLiveList } from "../../../../../../live/use-live-list.ts";
import { HookItem } from "./hook-item.tsx";
import styles from "./hooks.module.css";
import { SourceNotes } from "./source-notes.tsx";

export interface HooksExplorerProps {
  org: string;
  /** Absent: all hooks of the organization. */
  repository?: string;
  namespace: string;
  user: string;
}

interface LayerText {
  title: string;
  /** Where in the life of a change it stands. */
  about: string;
  icon: Icon;
  empty: string;
}

const layers: Readonly<Record<HookLayer, LayerText>> = {
  git: {
    title: "Git refs",
    about: "What every push is judged by, before a ref moves.",
    icon: GitBranchIcon,
    empty: "No rule judges pushes: whoever may push may also rewrite and delete branches.",
  },
  webhooks: {
    title: "Outbound webhooks",
    about: "Who is told afterwards.",
    icon: WebhookIcon,
    empty: "Nobody outside is told what happens here.",
  },
  admission: {
    title: "Admission policies",
    about: "What judges pull requests, issues and reviews before they are stored.",
    icon: LawIcon,
    empty: "No policy judges pull requests or issues. Apply one with kubectl: it appears here by itself.",
  },
};

/** The three layers of hooks that affect one repository or an organization, as far as the user may read them; see `hooks/follow-hooks.ts`. */
export function HooksExplorer({ org, repository, namespace, user }: HooksExplorerProps) {
  const place = repository === undefined ? `/orgs/${org}` : `/orgs/${org}/repositories/${repository}`;
  const { rows, synced, connected, problem } = useLiveList<HookEntry>(`/api/watch${place}/hooks`);
  const entries = [...rows.values()];
  const hooks = entries.filter((entry) => entry.type === "hook").sort(byWeight);
  const sources = entries.filter((entry) => entry.type === "source");
  const scope = { organization: org, namespace, repository };
  const hasKyverno = sources.some(
    ({ resource, state }) => resource.endsWith(".policies.kyverno.io") && state !== "absent",
  );
  const path = `${place}/hooks`;
  return (
    <>
      <div className={styles.head}>
        <h2 className="grow">
          {repository === undefined ? "Hooks of the organization" : "Hooks affecting this repository"}
        </h2>
        <LiveMark connected={connected} />
      </div>
      {problem && (
        <p role="alert" className={styles.alert}>
          <AlertIcon /> {problem.message}
        </p>
      )}
      {(Object.keys(layers) as HookLayer[]).map((layer) => (
        <Layer
          key={layer}
          layer={layer}
          synced={synced}
          path={path}
          hooks={hooks.filter((hook) => hook.layer === layer)}
          sources={sources.filter((source) => source.layer === layer)}
          grantee={{ user, namespace }}
          add={addPanel(layer, scope, hasKyverno)}
        />
      ))}
    </>
  );
}

function addPanel(layer: HookLayer, scope: TemplateScope, hasKyverno: boolean): ReactNode {
  if (layer === "git") return <CommandPanel title="For pushes" add="Add rule" commands={refPolicyTemplates(scope)} />;
  if (layer === "webhooks")
    return <CommandPanel title="For events" add="Add webhook" commands={webhookTemplates(scope)} />;
  return (
    <CommandPanel title="For pull requests" add="Add policy" commands={policyTemplates(scope, { hasKyverno })}>
      <p className="muted">
        A policy belongs to the cluster: who applies one needs the right to create it there. More to start from:{" "}
        <a className="link" href="https://kyverno.io/policies/" target="_blank" rel="noreferrer">
          Browse Kyverno templates
        </a>
      </p>
    </CommandPanel>
  );
}

interface LayerProps {
  layer: HookLayer;
  synced: boolean;
  path: string;
  hooks: HookRow[];
  sources: SourceRow[];
  grantee: { user: string; namespace: string };
  add: ReactNode;
}

function Layer({ layer, synced, path, hooks, sources, grantee, add }: LayerProps) {
  const { title, about, icon: Shape, empty } = layers[layer];
  const isPartial = sources.some(({ state }) => state !== "ready" && state !== "absent");
  const id = `layer-${layer}`;
  return (
    <section className={`card ${styles.layer}`} aria-labelledby={id} aria-busy={!synced}>
      <div className={styles.layerHead}>
        <Shape className="ink-grey" />
        <div className="grow">
          <h3 id={id}>
            {title} {synced && <span className="badge">{hooks.length}</span>}
          </h3>
          <p className="muted">{about}</p>
        </div>
        {add}
      </div>
      {!synced && <div className={`${styles.bone} pulse`} aria-hidden="true" />}
      <ul>
        {hooks.map((hook) => (
          <HookItem key={hook.uid} hook={hook} path={path} />
        ))}
      </ul>
      {synced && hooks.length === 0 && (
        <p className={styles.empty}>{isPartial ? "There is nothing among what you may list here." : empty}</p>
      )}
      {synced && <SourceNotes sources={sources} grantee={grantee} />}
    </section>
  );
}

/** What refuses first, webhooks that carry policies of others last. */
function byWeight(a: HookRow, b: HookRow): number {
  const weight = ({ object }: HookRow) => (object.kind.endsWith("WebhookConfiguration") ? 1 : 0);
  return (
    weight(a) - weight(b) ||
    a.object.kind.localeCompare(b.object.kind) ||
    a.object.name.localeCompare(b.object.name) ||
    a.name.localeCompare(b.name)
  );
}
