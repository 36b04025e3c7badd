"use client";
import { AlertIcon } from "@primer/octicons-react";
import { useActionState, useEffect, useState } from "react";
import { CommandPanel } from "../../../../components/command-panel.tsx";
import { createRepository } from "./actions.ts";
import styles from "./form.module.css";
import { repositoryObject, visibilities } from "./repository-object.ts";

const help = {
  private: "People who were granted access.",
  internal: "Everybody in the organization.",
  public: "Everybody.",
} as const;

export function RepositoryForm({ org, namespace }: { org: string; namespace: string }) {
  const [problem, action, pending] = useActionState(createRepository, undefined);
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [visibility, setVisibility] = useState<string>("internal");
  const [readme, setReadme] = useState(true);
  const [yaml, setYaml] = useState("");
  useEffect(() => {
    const object = repositoryObject({ org, namespace, name: name || "NAME", description, visibility, readme });
    // The YAML writer is larger than the rest of the page: it comes afterwards.
    void import("../../../../kubectl/yaml.ts").then(({ toYaml }) => setYaml(toYaml(object)));
  }, [org, namespace, name, description, visibility, readme]);
  return (
    <form action={action} className={`card ${styles.form}`}>
      <input type="hidden" name="org" value={org} />
      <label className="field">
        <span>Name</span>
        <input
          className="input mono"
          name="name"
          required
          maxLength={63}
          pattern="[a-z0-9]([a-z0-9\-]*[a-z0-9])?"
          title="Lower-case letters, digits and dashes"
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <label className="field">
        <span>Description</span>
        <input
          className="input"
          name="description"
          maxLength={1024}
          value={description}
          onChange={(event) => setDescription(event.target.value)}
        />
      </label>
      <fieldset className={styles.choices}>
        <legend>Who may read</legend>
        {visibilities.map((value) => (
          <label key={value}>
            <input
              type="radio"
              name="visibility"
              value={value}
              checked={visibility === value}
              onChange={() => setVisibility(value)}
            />
            <span>
              <strong>{value}</strong>
              <span className="muted">{help[value]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <label className="row">
        <input type="checkbox" name="readme" checked={readme} onChange={(event) => setReadme(event.target.checked)} />{" "}
        Start with a README
      </label>
      {problem && (
        <p role="alert" className={styles.problem}>
          <AlertIcon /> {problem}
        </p>
      )}
      <div className="row">
        <button type="submit" className="button primary" disabled={pending}>
          {pending ? "Creating…" : "Create repository"}
        </button>
        <CommandPanel
          title="New repository"
          commands={[{ label: "Create", text: `kubectl create -f - <<'EOF'\n${yaml}EOF` }]}
        />
      </div>
    </form>
  );
}
