import {
  AlertIcon,
  CheckCircleFillIcon,
  CircleSlashIcon,
  EyeIcon,
  type Icon,
  PencilIcon,
  QuestionIcon,
  ShieldCheckIcon,
  XCircleFillIcon,
} from "@primer/octicons-react";
import Link from "next/link";
import { CommandPanel } from "../../../../../../components/command-panel.tsx";
import type { Tone } from "../../../../../../components/phase.tsx";
import { hookCommands } from "../../../../../../hooks/hook-commands.ts";
import type { HookMode, HookRow } from "../../../../../../hooks/hook-rows.ts";
import styles from "./hooks.module.css";

const looks: Readonly<Record<HookMode, { icon: Icon; tone: Tone; label: string }>> = {
  enforce: { icon: ShieldCheckIcon, tone: "green", label: "enforce" },
  audit: { icon: EyeIcon, tone: "amber", label: "audit" },
  mutate: { icon: PencilIcon, tone: "violet", label: "mutate" },
  active: { icon: CheckCircleFillIcon, tone: "green", label: "active" },
  failing: { icon: XCircleFillIcon, tone: "red", label: "failing" },
  off: { icon: CircleSlashIcon, tone: "grey", label: "off" },
  unknown: { icon: QuestionIcon, tone: "grey", label: "unknown" },
};

const shownMessages = 4;
const shownAbout = 6;

/** One rule, webhook or policy. */
export function HookItem({ hook, path }: { hook: HookRow; path: string }) {
  const { name, object, engine, mode, what, about, onlyWhen, messages, count, problem } = hook;
  const { icon: Shape, tone, label } = looks[mode];
  return (
    <li className={styles.hook}>
      <Shape className={`ink-${tone} ${styles.state}`} aria-label={label} />
      <div className={styles.body}>
        <p className={styles.title}>
          <strong>{name}</strong>
          <span className={`badge tone-${tone}`}>{label}</span>
          <span className={styles.owner}>
            {engine !== "Krate" && `${engine}: `}
            {object.kind}/{object.name}
          </span>
          {count && (
            <span className="badge tone-red">
              <AlertIcon size={12} /> {count}
            </span>
          )}
        </p>
        {hook.layer === "admission" ? (
          <p>{what}</p>
        ) : (
          <p className={styles.about}>
            {what}
            {about.slice(0, shownAbout).map((text) => (
              <span key={text} className="ref">
                {text === "**" ? "every ref" : text}
              </span>
            ))}
            {about.length > shownAbout && <span className="faint">and {about.length - shownAbout} more</span>}
          </p>
        )}
        {messages.slice(0, shownMessages).map((message) => (
          <blockquote key={message} className={styles.message}>
            {message}
          </blockquote>
        ))}
        {messages.length > shownMessages && (
          <p className="faint">and {messages.length - shownMessages} more checks: view it</p>
        )}
        {onlyWhen.length > 0 && <p className="muted">Only when {onlyWhen.join(", and ")}.</p>}
        {problem && (
          <p className={styles.problem}>
            <AlertIcon /> <span>{problem}</span>
          </p>
        )}
      </div>
      <div className={styles.actions}>
        <Link
          className="button small"
          href={`${path}/${object.resource}/${encodeURIComponent(object.name)}`}
          prefetch={false}
          aria-label={`View ${object.kind} ${object.name}`}
        >
          View
        </Link>
        <CommandPanel title={`${object.kind} ${object.name}`} commands={hookCommands(object)} size="small" />
      </div>
    </li>
  );
}
