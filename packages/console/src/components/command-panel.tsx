"use client";
import { Dialog } from "@base-ui/react/dialog";
import { CodeIcon, PlusIcon, XIcon } from "@primer/octicons-react";
import type { ReactNode } from "react";
import type { Command } from "../kubectl/commands.ts";
import styles from "./command-panel.module.css";
import { CopyButton } from "./copy-button.tsx";

export interface CommandPanelProps {
  title: string;
  commands: Command[];
  /** The object that a button beside this one would make. */
  yaml?: string;
  /** Height of the button. @defaultValue "regular" */
  size?: "small" | "regular";
  /** Words on the button instead of `</>`: the panel is for adding something. */
  add?: string;
  children?: ReactNode;
}

/** `</>`: what kubectl would be told for the same. */
export function CommandPanel({ title, commands, yaml, size, add, children }: CommandPanelProps) {
  const heading = add ?? "The same by kubectl";
  return (
    <Dialog.Root>
      {add === undefined ? (
        <Dialog.Trigger
          className={`button icon ${size ?? ""}`}
          aria-label={`kubectl commands for ${title}`}
          title={heading}
        >
          <CodeIcon />
        </Dialog.Trigger>
      ) : (
        <Dialog.Trigger className="button small">
          <PlusIcon /> {add}
        </Dialog.Trigger>
      )}
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={styles.popup}>
          <div className={styles.head}>
            <Dialog.Title>{heading}</Dialog.Title>
            <Dialog.Close className="button quiet icon small" aria-label="Close">
              <XIcon />
            </Dialog.Close>
          </div>
          <Dialog.Description className="muted">{title}</Dialog.Description>
          {commands.map(({ label, text }) => (
            <section key={label} className={styles.block}>
              <h3>{label}</h3>
              <Snippet text={text} />
            </section>
          ))}
          {yaml && (
            <section className={styles.block}>
              <h3>Object</h3>
              <Snippet text={yaml} />
            </section>
          )}
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** Text to run or keep, with a button that copies it. */
export function Snippet({ text }: { text: string }) {
  return (
    <div className={styles.snippet}>
      <pre>{text}</pre>
      <CopyButton text={text} />
    </div>
  );
}
