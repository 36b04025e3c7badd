"use client";
import { Dialog } from "@base-ui/react/dialog";
import { CodeIcon, XIcon } from "@primer/octicons-react";
import type { Command } from "../kubectl/commands.ts";
import styles from "./command-panel.module.css";
import { CopyButton } from "./copy-button.tsx";

export interface CommandPanelProps {
  title: string;
  commands: Command[];
  /** The object that a button beside this one would make. */
  yaml?: string;
}

/** `</>`: what kubectl would be told for the same. */
export function CommandPanel({ title, commands, yaml }: CommandPanelProps) {
  return (
    <Dialog.Root>
      <Dialog.Trigger className="button icon" aria-label={`kubectl commands for ${title}`} title="The same by kubectl">
        <CodeIcon />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={styles.popup}>
          <div className={styles.head}>
            <Dialog.Title>The same by kubectl</Dialog.Title>
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
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Snippet({ text }: { text: string }) {
  return (
    <div className={styles.snippet}>
      <pre>{text}</pre>
      <CopyButton text={text} />
    </div>
  );
}
